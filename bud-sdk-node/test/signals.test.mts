/** AbortSignal: before, while and after. */

import assert from 'node:assert/strict';
import { getEventListeners } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { test } from 'node:test';

import { Client, InvalidArgumentError } from 'bud-sdk-node';

import { json, Scripted } from './support/server.mjs';

const RANGE = { start: '2026-01-01T00:00:00Z', end: '2026-02-01T00:00:00Z' };
const client = (url: string): Client => new Client({ baseUrl: url, token: 'token-1', flavor: 'guide', attempts: 3 });

type Way = (client: Client, signal: AbortSignal) => Promise<unknown>;

const WAYS: Record<string, Way> = {
  call: async (client, signal) => await client.users.setRole('u-1', { role: 'USER' }, { signal }),
  'call with its response': (client, signal) => client.users.get('u-1', { signal }).withResponse(),
  list: (client, signal) => client.users.list({}, { signal }).all(),
  items: (client, signal) => client.users.list({}, { signal })[Symbol.asyncIterator]().next(),
  export: (client, signal) => client.audit.export(RANGE, { signal })[Symbol.asyncIterator]().next(),
  'export to a file': (client, signal) => client.audit.export(RANGE).writeTo(join(tmpdir(), `bud-abort-${process.pid}.csv`), { signal }),
  'export as a web stream': (client, signal) => client.audit.export(RANGE, { signal }).stream().getReader().read(),
  records: (client, signal) => client.audit.export(RANGE, { signal }).records().all(),
  wait: (client, signal) => client.endpoints.wait('e-1', {}, { signal }),
};

for (const [name, way] of Object.entries(WAYS)) {
  test(`aborted before: nothing is sent, and the reason is told: ${name}`, async () => {
    await using server = await Scripted.answering(json(200, {}));
    const reason = new RangeError('changed my mind');
    await assert.rejects(way(client(server.url), AbortSignal.abort(reason)), (error) => error === reason);
    await sleep(20);
    assert.equal(server.asked.length, 0);
  });

  test(`aborted meanwhile: the reason is told at once, and the request broken off: ${name}`, async () => {
    let begun = 0;
    await using server = await Scripted.start(() => () => (begun += 1));
    const controller = new AbortController();
    let heard = 0;
    // A handler of the user's own stays in place.
    controller.signal.onabort = () => (heard += 1);
    const listening = (): number => getEventListeners(controller.signal, 'abort').length;
    const before = listening();
    const work = way(client(server.url), controller.signal);
    const outcome = assert.rejects(work, (error) => error === 'enough');
    while (begun === 0) await sleep(5);
    controller.abort('enough');
    await outcome;
    assert.equal(heard, 1);
    while (server.closed === 0) await sleep(5);
    assert.equal(server.asked.length, 1);
    assert.equal(listening(), before);
  });
}

test('a signal that times out', async () => {
  await using server = await Scripted.start(() => () => undefined);
  await assert.rejects(client(server.url).users.get('u-1', { signal: AbortSignal.timeout(50) }), { name: 'TimeoutError' });
});

test('one signal for many calls keeps none of them', async () => {
  await using server = await Scripted.start(() => json(200, { id: 'u-1' }));
  const controller = new AbortController();
  const bud = client(server.url);
  const warnings: Error[] = [];
  const warned = (warning: Error): unknown => warnings.push(warning);
  process.on('warning', warned);
  for (let round = 0; round < 30; round += 1) await bud.users.get('u-1', { signal: controller.signal });
  assert.equal(getEventListeners(controller.signal, 'abort').length, 0);
  controller.abort();
  await sleep(10);
  process.off('warning', warned);
  assert.deepEqual(warnings, []);
});

test('a wrong argument is refused as without a signal, and nobody listens any more', async () => {
  await using server = await Scripted.start(() => undefined);
  const { signal } = new AbortController();
  const bud = client(server.url);
  const wrong: [string, () => Promise<unknown>][] = [
    ['id', () => bud.users.get('', { signal }).withResponse()],
    ['replicas', async () => await bud.endpoints.scale('e-1', { replicas: 0 }, { signal })],
    ['attempts', async () => await bud.users.get('u-1', { attempts: 0, signal })],
    ['limit', () => bud.users.list({}, { limit: 0, signal }).all()],
    ['end', () => bud.audit.export({ start: RANGE.end, end: RANGE.start }, { signal })[Symbol.asyncIterator]().next()],
  ];
  for (const [param, begin] of wrong) {
    await assert.rejects(begin(), (error) => {
      assert(error instanceof InvalidArgumentError, `${param}: ${String(error)}`);
      assert.equal(error.param, param, error.message);
      assert.match(error.stack ?? '', /signals\.test\.mjs/);
      return true;
    });
    assert.equal(getEventListeners(signal, 'abort').length, 0, param);
  }
  assert.equal(server.asked.length, 0);
});

test('aborting after the end changes nothing', async () => {
  await using server = await Scripted.answering(json(200, { id: 'u-1' }));
  const controller = new AbortController();
  const user = await client(server.url).users.get('u-1', { signal: controller.signal });
  controller.abort();
  assert.equal(user.id, 'u-1');
});

test('a wait that is left alone is over at once', async () => {
  await using server = await Scripted.start(() => json(200, { id: 'e-1', status: 'DEPLOYING' }));
  const controller = new AbortController();
  const wait = client(server.url).endpoints.wait('e-1', { every: 60_000 }, { signal: controller.signal, onUpdate: () => controller.abort('seen') });
  await assert.rejects(wait, (error) => error === 'seen');
  assert.equal(server.asked.length, 1);
});
