/** An outage of the identity service: the server answers 401 to valid tokens, 401 to their renewal and 500 to logins. */

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { AuthenticationError, BudError, Client, ServerError } from 'bud-sdk-node';

import { json, Scripted, type Answer } from './support/server.mjs';

const DOWN = 'the identity service (Keycloak or its database) is likely unavailable';
const TOKEN = { access_token: 'access', refresh_token: 'refresh', expires_in: 1800 };

/** The runtime API, whose identity service can be down. */
class Platform {
  down = false;

  answer(line: string): Answer {
    if (line.startsWith('POST /auth/login')) {
      return this.down ? json(500, { object: 'error', code: 500, message: 'Something went wrong' }) : json(200, { token: TOKEN });
    }
    if (line.startsWith('POST /auth/refresh-token')) {
      return this.down ? json(401, { object: 'error', code: 401, message: 'Token Expired or Invalid' }) : json(200, { token: TOKEN });
    }
    return this.down ? json(401, { detail: 'Invalid authentication credentials' }) : json(200, { user: { id: 'u-1' } });
  }
}

const start = (platform: Platform): Promise<Scripted> => Scripted.start(({ line }) => platform.answer(line));

const connect = (server: Scripted, timeout = 60_000): Client =>
  new Client({ baseUrl: server.url, email: 'a@example.com', password: 'Canary-Passw0rd!', flavor: 'runtime', timeout });

const logins = (server: Scripted): number => server.asked.filter(({ line }) => line.startsWith('POST /auth/login')).length;

test('calls outlive an outage and leave the logins of the server alone', async () => {
  const platform = new Platform();
  await using server = await start(platform);
  const client = connect(server);
  await client.auth.whoami();
  platform.down = true;
  setTimeout(() => (platform.down = false), 1_000);
  const users = await Promise.all(Array.from({ length: 32 }, () => client.auth.whoami()));
  assert(users.every(({ id }) => id === 'u-1'));
  assert(logins(server) <= 3, `${logins(server)} logins`);
});

test('an outage is no refused login and ends at the deadline', async () => {
  const platform = new Platform();
  await using server = await start(platform);
  const client = connect(server, 2_000);
  await client.auth.whoami();
  platform.down = true;
  for (let turn = 0; turn < 3; turn += 1) {
    const began = performance.now();
    await assert.rejects(client.auth.whoami(), (error) => {
      assert(error instanceof ServerError && !(error instanceof AuthenticationError), String(error));
      assert(error.reason.startsWith(DOWN), error.message);
      assert.equal(error.operation, 'auth.whoami');
      return true;
    });
    assert(performance.now() - began < 5_000);
  }
  assert(logins(server) <= 6, `${logins(server)} logins`);
  platform.down = false;
  // A failed renewal is remembered for some seconds.
  await client.auth.whoami({ timeout: 30_000 });
});

test('a wait of a token client outlives an outage', async () => {
  const detail = (status: string): Answer =>
    json(200, { object: 'endpoint.detail', result: { id: 'e-1', name: 'e', status } });
  const refused = json(401, { detail: 'Invalid authentication credentials' });
  await using server = await Scripted.answering(detail('deploying'), refused, refused, detail('running'));
  const client = new Client({ baseUrl: server.url, token: 'token-1', flavor: 'runtime' });
  const { status } = await client.endpoints.wait('e-1', { pollInterval: 10 });
  assert.equal(status, 'RUNNING');
});

test('a refused login is an authentication failure', async () => {
  for (const [message, code] of [
    ['Incorrect email or password', 'invalid_credentials'],
    ['User account is not active', 'auth_rejected'],
    ['Unable to login. Please contact administrator to complete account setup.', 'auth_rejected'],
    ['Account setup incomplete. Please verify your email and complete required actions.', 'auth_rejected'],
  ] as const) {
    await using server = await Scripted.answering(json(400, { object: 'error', code: 400, message }));
    await assert.rejects(connect(server).auth.login(), (error) => {
      assert(error instanceof AuthenticationError && error instanceof BudError, String(error));
      assert.deepEqual([error.code, error.reason], [code, message]);
      assert(error.hint !== undefined);
      return true;
    });
    assert.equal(server.asked.length, 1);
  }
});
