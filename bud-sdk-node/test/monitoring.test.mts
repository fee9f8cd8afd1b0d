/** Prometheus and Alertmanager, as Debian packages them, with planted series and behind a login. */

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { inspect } from 'node:util';

import { AuthRejectedError, BadRequestError, InvalidArgumentError, monitoring } from 'bud-sdk-node';

import { TARGET } from './support/testbed.mjs';

interface Servers {
  readonly prometheus: { readonly url: string; readonly version: string; readonly planted_at: number };
  readonly alertmanager: { readonly url: string; readonly username: string; readonly password: string };
}

const child = spawn(`${TARGET}/bud-monitoring-testbed`, [], { stdio: ['pipe', 'pipe', 'inherit'] });
const [line] = (await once(createInterface({ input: child.stdout }), 'line')) as [string];
// Without the servers' programs it says what is missing.
const missing = line.startsWith('{') ? false : line;
if (missing && process.env['CI'] === 'true') throw new Error(missing);
const servers = (missing ? {} : JSON.parse(line)) as Servers;
// The servers end with its input.
test.after(async () => {
  child.stdin.end();
  if (child.exitCode === null) await once(child, 'exit');
});

test('values are numbers, also those that are not finite', { skip: missing }, async () => {
  await using prometheus = new monitoring.Prometheus({ baseUrl: servers.prometheus.url });
  const time = new Date(servers.prometheus.planted_at * 1000);
  const result = await prometheus.query({ query: 'planted', time });
  assert.equal(result.resultType, 'vector');
  const values = new Map(result.series.map((series) => [series.labels['instance'], series.samples[0]?.value]));
  assert.equal(values.get('a:1'), 2.5);
  assert(Number.isNaN(values.get('b:1')));
  assert.equal(values.get('c:1'), Infinity);
  assert.equal(values.get('d"quoted\\ü:1'), -12345678901234567000);
  assert.deepEqual(result.series[0]?.samples[0]?.time, time);
  assert.equal((await prometheus.query({ query: '-1 / 0' })).scalar?.value, -Infinity);
  assert.equal((await prometheus.buildInfo()).version, servers.prometheus.version);
});

test('errors are the server’s own', { skip: missing }, async () => {
  await using prometheus = new monitoring.Prometheus({ baseUrl: servers.prometheus.url });
  await assert.rejects(prometheus.query({ query: 'sum(' }), (error: unknown) => {
    assert(error instanceof BadRequestError, inspect(error));
    assert.match(error.message, /parse error/);
    assert.deepEqual([error.status, error.serverCode], [400, 'bad_data']);
    return true;
  });
  await assert.rejects(prometheus.query({ query: '' }), (error: unknown) => {
    assert(error instanceof InvalidArgumentError, inspect(error));
    assert.equal(error.param, 'query');
    return true;
  });
});

test('a silence is created and expired behind a login', { skip: missing }, async () => {
  const { url, username, password } = servers.alertmanager;
  await using alertmanager = new monitoring.Alertmanager({ baseUrl: url, username, password });
  const silence = await alertmanager.createSilence({
    matchers: ['alertname=HighLatency', 'instance=~"node-1.*"'],
    duration: 2 * 60 * 60 * 1000,
    comment: 'maintenance',
    createdBy: 'tests',
  });
  assert.equal(silence.state, 'active');
  // The server starts it when it comes, which is a moment later.
  const lasts = (silence.endsAt.getTime() - silence.startsAt.getTime()) / (60 * 60 * 1000);
  assert(lasts > 1.9 && lasts <= 2, String(lasts));
  assert.deepEqual(
    silence.matchers.map(({ name, isRegex }) => [name, isRegex]),
    [
      ['alertname', false],
      ['instance', true],
    ],
  );
  assert.deepEqual(await alertmanager.silence(silence.id), silence);
  assert.equal((await alertmanager.expireSilence(silence.id)).state, 'expired');
});

test('a wrong password is named and not shown', { skip: missing }, async () => {
  const { url, username } = servers.alertmanager;
  await using alertmanager = new monitoring.Alertmanager({ baseUrl: url, username, password: 'planted-password' });
  await assert.rejects(alertmanager.silence('6f2b7a1e-4a35-4a4e-8f52-0c5b6f3a1d11'), (error: unknown) => {
    assert(error instanceof AuthRejectedError, inspect(error));
    assert.equal(error.status, 401);
    assert(!`${inspect(error)} ${inspect(alertmanager)}`.includes('planted'), inspect(error));
    return true;
  });
});
