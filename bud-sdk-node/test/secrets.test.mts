/** Secrets are held and never shown. */

import assert from 'node:assert/strict';
import { inspect } from 'node:util';
import { test } from 'node:test';

import { Client, Secret, type ClientOptions } from 'bud-sdk-node';

import { json, Scripted } from './support/server.mjs';

/** Everything that a debugger, a logger or a serializer might show of it. */
function shown(value: unknown): string {
  const seen = [
    inspect(value, { showHidden: true, depth: Infinity, getters: true, showProxy: true }),
    String(value),
    `${JSON.stringify(value)}`,
    Object.getOwnPropertyNames(value).join(),
  ];
  try {
    seen.push(inspect(structuredClone(value), { showHidden: true, depth: Infinity }));
  } catch {
    // What cannot be copied shows nothing.
  }
  if (value instanceof Error) seen.push(`${value.stack}`, inspect(value.cause));
  return seen.join('\n');
}

test('a secret shows itself to nobody', () => {
  const secret = new Secret('canary-secret');
  assert.doesNotMatch(shown(secret), /canary/);
  assert.doesNotMatch(shown({ secret, list: [secret] }), /canary/);
  assert.equal(`${secret} ${JSON.stringify({ secret })} ${inspect(secret)}`, '*** {"secret":"***"} Secret(***)');
  assert.equal(secret.expose(), 'canary-secret');
});

test('a client shows none of what it logs in with', async () => {
  const logins: ClientOptions[] = [
    { email: 'a@example.com', password: 'canary-password' },
    { email: 'a@example.com', password: new Secret('canary-password') },
    { token: 'canary-token' },
    { apiKey: 'canary-key' },
  ];
  for (const login of logins) {
    const client = new Client({ baseUrl: 'http://127.0.0.1:9', attempts: 1, headers: { 'x-more': 'canary-header' }, ...login });
    assert.doesNotMatch(shown(client), /canary/);
    assert.doesNotMatch(shown(client.users), /canary/);
    assert.doesNotMatch(shown(client.users.list()), /canary/);
    const call = client.users.get('u-1');
    assert.doesNotMatch(shown(call), /canary/);
    await assert.rejects(call, (error) => {
      assert.doesNotMatch(shown(error), /canary/);
      return true;
    });
  }
});

test('what a server echoes is masked', async () => {
  await using server = await Scripted.start(({ headers }) => json(400, { detail: `bad: ${headers.join('; ')}` }));
  const client = new Client({ baseUrl: server.url, token: 'canary-token-0123456789', flavor: 'guide', attempts: 1 });
  await assert.rejects(client.users.get('u-1'), (error) => {
    assert.match(String(error), /bad: /);
    assert.doesNotMatch(shown(error), /canary/);
    return true;
  });
});

test('a password that is refused is not shown', async () => {
  const detail = [{ loc: ['body', 'password'], msg: 'too weak', type: 'value_error', input: 'canary-Passw0rd!' }];
  await using server = await Scripted.answering(json(422, { detail }));
  const client = new Client({ baseUrl: server.url, token: 'token-1', flavor: 'runtime', attempts: 1 });
  const user = { email: 'a@example.com', firstName: 'A', lastName: 'B', role: 'ADMIN', password: new Secret('canary-Passw0rd!') };
  await assert.rejects(client.users.create(user), (error) => {
    assert.match(String(error), /too weak/);
    assert.doesNotMatch(shown(error), /canary/);
    return true;
  });
  assert.match(server.asked[0]?.body ?? '', /canary-Passw0rd!/);
});

test('a new API key is reached by `expose` alone', async () => {
  const made = { id: 'k-1', name: 'ci', project_id: 'p-1', key: 'canary-key' };
  await using server = await Scripted.answering(json(201, made));
  const client = new Client({ baseUrl: server.url, token: 'token-1', flavor: 'guide', attempts: 1 });
  const issued = await client.credentials.create({ name: 'ci', project: 'p-1' });
  assert.doesNotMatch(shown(issued), /canary/);
  assert.equal(issued.key?.expose(), 'canary-key');
});
