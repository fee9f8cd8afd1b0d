/** Kubeconfigs that cannot be used: each is an error that names what is wrong, and none ends the process. */

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { inspect } from 'node:util';

import { ConfigError, ConnectionError, kubernetes } from 'bud-sdk-node';

import { json, Scripted } from './support/server.mjs';

const nodes = { kind: 'NodeList', metadata: {}, items: [{ metadata: { name: 'n' } }] };

/** Does something with a kubeconfig of this text. */
async function given(text: string, then: (kubeconfig: string) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'bud-kubeconfig-'));
  try {
    const path = join(folder, 'config');
    writeFileSync(path, text);
    await then(path);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function config(server: string, user: object): string {
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': 'one',
    clusters: [{ name: 'one', cluster: { server } }],
    users: [{ name: 'one', user }],
    contexts: [{ name: 'one', context: { cluster: 'one', user: 'one' } }],
  });
}

async function refused(text: string, says: RegExp): Promise<void> {
  await given(text, async (kubeconfig) => {
    await using cluster = new kubernetes.Cluster({ kubeconfig });
    await assert.rejects(cluster.nodes(), (error: unknown) => {
      assert(error instanceof ConfigError, inspect(error));
      assert.match(error.message, says);
      assert(!inspect(error).includes('planted'), inspect(error));
      return true;
    });
  });
}

test('a token that cannot be sent is an error', async () => {
  for (const token of ['planted\nplanted', 'planted\0', '\n']) {
    await refused(config('https://127.0.0.1:1', { token }), /users\[0\]\.user\.token/);
  }
});

test('a line end after a token is not part of it', async () => {
  await using server = await Scripted.answering(json(200, nodes));
  await given(config(server.url, { token: 'planted-token\n' }), async (kubeconfig) => {
    await using cluster = new kubernetes.Cluster({ kubeconfig });
    assert.deepEqual(
      (await cluster.nodes()).map((node) => node.name),
      ['n'],
    );
  });
  assert(server.asked[0]?.headers.includes('authorization: Bearer planted-token'), inspect(server.asked));
});

test('a server without a scheme is an error', async () => {
  await refused(config('127.0.0.1:6443', {}), /clusters\[0\]\.cluster\.server has no scheme/);
});

test('a kubeconfig that does not parse shows nothing of itself', async () => {
  for (const text of [
    'users:\n- name: one\n\tuser: {token: planted}\n',
    'users:\n- name: one\n  user: {token: "planted}\n',
    'users: [{name: one, user: {password: planted}\n',
  ]) {
    await refused(text, /config: line \d+, column \d+: /);
  }
  await refused('users:\n- name: one\n  user: {token: [planted]}\n', /users\[0\]\.user\.token must be text/);
});

test('clear text beyond this machine takes a word', async () => {
  const text = config('http://api.example.invalid', { token: 'planted' });
  await refused(text, /clusters\[0\]\.cluster\.server must begin with https:/);
  await given(text, async (kubeconfig) => {
    // It is allowed then; there is no such server.
    await using cluster = new kubernetes.Cluster({ kubeconfig, allowHttp: true });
    await assert.rejects(cluster.nodes(), ConnectionError);
  });
});
