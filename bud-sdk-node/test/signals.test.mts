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

test('one signal for many calls has one listener, and none when they are done', async () => {
  let answering = false;
  const held: (() => void)[] = [];
  await using server = await Scripted.start(() => (socket) => {
    const send = (): unknown => socket.end(json(200, { id: 'u-1', users: [] }));
    if (answering) send();
    else held.push(send);
  });
  const controller = new AbortController();
  const { signal } = controller;
  const bud = client(server.url);
  const warnings: Error[] = [];
  const warned = (warning: Error): unknown => warnings.push(warning);
  process.on('warning', warned);
  const listening = (): number => getEventListeners(signal, 'abort').length;
  const calls = Array.from({ length: 40 }, () => bud.users.get('u-1', { signal }).withResponse());
  calls.push(bud.users.list({}, { signal }).pages().next() as never);
  assert.equal(listening(), 1);
  while (held.length === 0) await sleep(5);
  answering = true;
  for (const send of held) send();
  await Promise.all(calls);
  assert.equal(listening(), 0);
  // One after the other, too.
  for (let round = 0; round < 30; round += 1) await bud.users.get('u-1', { signal });
  assert.equal(listening(), 0);
  controller.abort();
  await sleep(10);
  process.off('warning', warned);
  assert.deepEqual(warnings, []);
});

test('one abort ends all calls of its signal, and no others', async () => {
  await using server = await Scripted.start(() => () => undefined);
  const [one, other] = [new AbortController(), new AbortController()];
  const bud = client(server.url);
  const ended = Array.from({ length: 20 }, () => bud.users.get('u-1', { signal: one.signal }).withResponse());
  const left = bud.users.get('u-1', { signal: other.signal }).withResponse();
  const reasons = Promise.allSettled(ended);
  while (server.asked.length < 21) await sleep(5);
  one.abort('enough');
  assert.deepEqual(new Set((await reasons).map((outcome) => (outcome as PromiseRejectedResult).reason as unknown)), new Set(['enough']));
  assert.equal(await Promise.race([left.catch(() => 'ended'), sleep(50).then(() => 'goes on')]), 'goes on');
  other.abort('this one, too');
  await assert.rejects(left, (error) => error === 'this one, too');
});

/** What the native part's errors look like to JavaScript. */
const JSON_TEXT = '{"kind":"not_found","text":"not yours"}';
const REASONS: Record<string, unknown> = {
  'an error of this package': new InvalidArgumentError({ kind: 'invalid_argument', text: 'mine' }),
  'an error with JSON for its message': new Error(JSON_TEXT),
  'an error with the mark of the native part': new Error(`bud-sdk error: ${JSON_TEXT}`),
  'a text': JSON_TEXT,
  'null': null,
  'an object': Object.freeze({ why: 'mine' }),
};

for (const [name, reason] of Object.entries(REASONS)) {
  test(`the reason is the caller's own and stays as it is: ${name}`, async () => {
    await using server = await Scripted.start(() => () => undefined);
    const stack = reason instanceof Error ? reason.stack : undefined;
    const bud = client(server.url);
    for (const begin of Object.values(WAYS)) {
      const same = (error: unknown): boolean => error === reason && (error instanceof Error ? error.stack === stack : true);
      await assert.rejects(begin(bud, AbortSignal.abort(reason)), same);
      const controller = new AbortController();
      const work = assert.rejects(begin(bud, controller.signal), same);
      const before = server.asked.length;
      while (server.asked.length === before) await sleep(5);
      controller.abort(reason);
      await work;
    }
  });
}

/** A signal as polyfills and test environments have it: no `AbortSignal` of Node's. */
class Duck extends EventTarget {
  aborted = false;
  reason: unknown;
  abort(reason?: unknown): void {
    [this.aborted, this.reason] = [true, reason];
    this.dispatchEvent(new Event('abort'));
  }
}

test('whatever behaves as a signal is one', async () => {
  await using server = await Scripted.start(() => () => undefined);
  for (const begin of Object.values(WAYS)) {
    const duck = new Duck();
    const work = assert.rejects(begin(client(server.url), duck as unknown as AbortSignal), (error) => error === 'enough');
    const before = server.asked.length;
    while (server.asked.length === before) await sleep(5);
    duck.abort('enough');
    await work;
    await assert.rejects(begin(client(server.url), duck as unknown as AbortSignal), (error) => error === 'enough');
  }
  // Old ones keep no reason.
  const old = new Duck();
  old.abort();
  await assert.rejects(async () => await client(server.url).users.get('u-1', { signal: old as unknown as AbortSignal }), { name: 'AbortError' });
  // A proxy of a signal is no signal to Node itself.
  const proxied = new Proxy(new Duck(), { get: (target, name) => (typeof Reflect.get(target, name) === 'function' ? (Reflect.get(target, name) as Function).bind(target) : Reflect.get(target, name)) });
  const work = assert.rejects(async () => await client(server.url).users.get('u-1', { signal: proxied as unknown as AbortSignal }), (error) => error === 'proxied');
  const before = server.asked.length;
  while (server.asked.length === before) await sleep(5);
  proxied.abort('proxied');
  await work;
});

test('signals that follow others', async () => {
  await using server = await Scripted.start(() => () => undefined);
  const controller = new AbortController();
  const any = AbortSignal.any([controller.signal, AbortSignal.timeout(60_000)]);
  const work = assert.rejects(client(server.url).users.list({}, { signal: any }).all(), (error) => error === 'one of them');
  while (server.asked.length === 0) await sleep(5);
  controller.abort('one of them');
  await work;
});

test('aborted between two pages', async () => {
  const page = (at: number): string => json(200, { users: [{ id: `u-${at}` }], page: at, limit: 1, total_record: 9, total_pages: 9 });
  await using server = await Scripted.start((_, at) => page(at + 1));
  const controller = new AbortController();
  const seen: string[] = [];
  const reason = new RangeError('seen enough');
  await assert.rejects(
    async () => {
      for await (const user of client(server.url).users.list({}, { pageSize: 1, signal: controller.signal })) {
        seen.push(user.id);
        if (seen.length === 2) controller.abort(reason);
      }
    },
    (error) => error === reason,
  );
  assert.deepEqual([seen, server.asked.length], [['u-1', 'u-2'], 2]);
  assert.equal(getEventListeners(controller.signal, 'abort').length, 0);
});

test('a listener that rejects ends the job with that very error', async () => {
  await using server = await Scripted.start(() => json(200, { id: 'e-1', status: 'DEPLOYING' }));
  const unhandled: unknown[] = [];
  const heard = (reason: unknown): unknown => unhandled.push(reason);
  process.on('unhandledRejection', heard);
  const bud = client(server.url);
  for (const mine of [new RangeError('mine'), new Error(JSON_TEXT), new InvalidArgumentError({ kind: 'invalid_argument', text: 'mine' }), 'a text']) {
    const stack = mine instanceof Error ? mine.stack : undefined;
    const same = (error: unknown): boolean => error === mine && (error instanceof Error ? error.stack === stack : true);
    const later = async (): Promise<void> => {
      await sleep(5);
      throw mine;
    };
    const now = (): void => {
      throw mine;
    };
    for (const onUpdate of [later, now]) {
      await assert.rejects(bud.endpoints.wait('e-1', { pollInterval: 10 }, { onUpdate }), same);
    }
  }
  const asked = server.asked.length;
  await sleep(60);
  assert.equal(server.asked.length, asked, 'it polls no more');
  process.off('unhandledRejection', heard);
  assert.deepEqual(unhandled, []);
});

test('a listener is awaited before the next update, and an abort does not wait for it', async () => {
  await using server = await Scripted.start(() => json(200, { id: 'e-1', status: 'DEPLOYING' }));
  const controller = new AbortController();
  let [running, most, told] = [0, 0, 0];
  const wait = client(server.url).endpoints.wait('e-1', { pollInterval: 5 }, {
    signal: controller.signal,
    async onUpdate() {
      [running, told] = [running + 1, told + 1];
      most = Math.max(most, running);
      if (told === 3) {
        setTimeout(() => controller.abort('enough'), 10);
        await new Promise(() => undefined);
      }
      await sleep(20);
      running -= 1;
    },
  });
  await assert.rejects(wait, (error) => error === 'enough');
  assert.deepEqual([most, told], [1, 3]);
});

test('a listener must be a function, and is refused before anything is sent', async () => {
  await using server = await Scripted.start(() => json(200, { id: 'e-1' }));
  const bud = client(server.url);
  const wrong = { onUpdate: 'now' } as never;
  for (const begin of [() => bud.endpoints.wait('e-1', {}, wrong), () => bud.audit.export(RANGE).writeTo('x.csv', { onProgress: 'now' as never })]) {
    await assert.rejects(begin(), { name: 'InvalidArgumentError' });
  }
  assert.equal(server.asked.length, 0);
});

test('a wrong argument is refused as without a signal, and nobody listens any more', async () => {
  await using server = await Scripted.start(() => undefined);
  const { signal } = new AbortController();
  const bud = client(server.url);
  const wrong: [string, () => Promise<unknown>][] = [
    ['id', () => bud.users.get('', { signal }).withResponse()],
    ['replicas', async () => await bud.endpoints.scale('e-1', { replicas: 0 }, { signal })],
    ['attempts', async () => await bud.users.get('u-1', { attempts: 0, signal })],
    ['pageSize', () => bud.users.list({}, { pageSize: 0, signal }).all()],
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
  const wait = client(server.url).endpoints.wait('e-1', { pollInterval: 60_000 }, { signal: controller.signal, onUpdate: () => controller.abort('seen') });
  await assert.rejects(wait, (error) => error === 'seen');
  assert.equal(server.asked.length, 1);
});
