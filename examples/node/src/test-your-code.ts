/**
 * Tests code that uses the SDK, without a platform: a small job, and what it does when things go wrong.
 *
 *     npm run example test-your-code
 *
 * The server is ten lines of node:http here; any stand-in that listens on this machine will do.
 */

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';

import { Client, PermissionDeniedError } from 'bud-sdk-node';

/** The job: shuts a user out, and says whether there was something to do. */
async function offboard(client: Client, email: string): Promise<boolean> {
  for await (const user of client.users.list({ search: email })) {
    if (user.email !== email) continue;
    await client.users.deactivate(user);
    return true;
  }
  return false;
}

type Answers = Record<string, [status: number, body: unknown]>;

/** A server that gives these answers, and a client of it. */
async function platform(answers: Answers): Promise<AsyncDisposable & { client: Client; asked: string[] }> {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    const line = `${request.method} ${request.url?.split('?')[0]}`;
    asked.push(line);
    const [status, body] = answers[line] ?? [404, { detail: 'there is no such thing' }];
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const baseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    client: new Client({ baseUrl, token: 'any', flavor: 'guide', attempts: 1 }),
    asked,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

const found = (email: string): [number, unknown] => [200, { users: [{ id: 'u-1', email }], total_pages: 1 }];

test('shuts out the user with that address', async () => {
  await using bud = await platform({
    'GET /users': found('left@example.com'),
    'PUT /users/u-1': [200, { id: 'u-1', status: 'INACTIVE' }],
  });
  assert.equal(await offboard(bud.client, 'left@example.com'), true);
  assert.deepEqual(bud.asked, ['GET /users', 'PUT /users/u-1']);
});

test('leaves others alone', async () => {
  await using bud = await platform({ 'GET /users': found('not-left@example.com') });
  assert.equal(await offboard(bud.client, 'left@example.com'), false);
  assert.deepEqual(bud.asked, ['GET /users']);
});

test('says so when it may not', async () => {
  await using bud = await platform({
    'GET /users': found('left@example.com'),
    'PUT /users/u-1': [403, { detail: 'administrators only' }],
  });
  await assert.rejects(offboard(bud.client, 'left@example.com'), PermissionDeniedError);
});
