/** Lists: pages as they are read, an end before the end, and a way to go on. */

import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { test } from 'node:test';

import { BudError, Client, type users } from 'bud-sdk-node';

import { answer, json, Scripted } from './support/server.mjs';
import { testbed } from './support/testbed.mjs';

const user = (at: number): object => ({ id: `u-${at}`, email: `${at}@example.com` });
const usersOf = (page: number, limit: number, total: number): object => {
  const first = (page - 1) * limit;
  const count = Math.max(0, Math.min(limit, total - first));
  const items = Array.from({ length: count }, (_, at) => user(first + at));
  return { users: items, page, limit, total_record: total, total_pages: Math.ceil(total / limit) };
};

/** A server with so many users. */
const listing = (total: number): Promise<Scripted> =>
  Scripted.start(({ line }) => {
    const query = new URL(line.slice(4), 'http://x').searchParams;
    return json(200, usersOf(Number(query.get('page')), Number(query.get('limit')), total));
  });

const client = (url: string): Client => new Client({ baseUrl: url, token: 'token-1', flavor: 'guide', attempts: 1 });

test('items come one by one, and pages are asked for as far as they are read', async () => {
  await using server = await listing(10);
  const list = client(server.url).users.list({}, { pageSize: 3 });
  assert.equal(server.asked.length, 0);
  const seen: string[] = [];
  for await (const { id } of list) {
    seen.push(id);
    if (seen.length === 4) break;
  }
  assert.deepEqual(seen, ['u-0', 'u-1', 'u-2', 'u-3']);
  assert.equal(server.asked.length, 2);
  // It can be read again, from the beginning.
  assert.equal((await list.all()).length, 10);
  assert.equal(server.asked.length, 6);
});

test('pages tell how many items there are, and where to go on', async () => {
  await using server = await listing(7);
  const { users: handle } = client(server.url);
  const pages = handle.list({}, { pageSize: 3 }).pages();
  assert.equal(pages.cursor, undefined);
  const first = await pages.next();
  assert.deepEqual(
    [first.value?.items.map((item) => item.id), first.value?.total, first.value?.cursor === pages.cursor],
    [['u-0', 'u-1', 'u-2'], 7, true],
  );
  const rest = await handle.list({}, { cursor: pages.cursor }).all();
  assert.deepEqual(
    rest.map((item) => item.id),
    ['u-3', 'u-4', 'u-5', 'u-6'],
  );
  const all: users.User[][] = [];
  for await (const page of handle.list({}, { pageSize: 3 }).pages()) all.push(page.items);
  assert.deepEqual(
    all.map((items) => items.length),
    [3, 3, 1],
  );
});

test('a total beyond 2^53 is exact', async () => {
  const page = JSON.stringify({ users: [user(0)], page: 1, limit: 1, total_record: 0 });
  const totals = [2n ** 53n - 1n, 2n ** 53n, 2n ** 53n + 1n, 2n ** 64n - 1n];
  await using server = await Scripted.answering(...totals.map((total) => answer(200, page.replace(':0}', `:${total}}`), { 'content-type': 'application/json' })));
  const { users: handle } = client(server.url);
  const told: unknown[] = [];
  for (const _ of totals) told.push((await handle.list({}, { pageSize: 1 }).pages().next()).value?.total);
  assert.deepEqual(told, [Number.MAX_SAFE_INTEGER, ...totals.slice(1)]);
});

test('filters are sent by their names on the wire', async () => {
  await using server = await listing(0);
  assert.deepEqual(await client(server.url).users.list({ role: 'ADMIN', search: 'mi ller' }, { pageSize: 5 }).all(), []);
  assert.match(server.asked[0]?.line ?? '', /^GET \/users\?.*role=ADMIN.*search=mi(\+|%20)ller/);
});

test('an error on the way says where to go on, and the items before it are kept', async () => {
  await using server = await Scripted.answering(json(200, usersOf(1, 2, 5)), json(403, { detail: 'no more' }), json(200, usersOf(2, 2, 5)), json(200, usersOf(3, 2, 5)));
  const { users: handle } = client(server.url);
  const seen: string[] = [];
  let cursor: string | undefined;
  try {
    for await (const { id } of handle.list({}, { pageSize: 2 })) seen.push(id);
  } catch (error) {
    assert(error instanceof BudError);
    cursor = error.cursor;
  }
  assert(cursor);
  for await (const { id } of handle.list({}, { cursor: cursor })) seen.push(id);
  assert.deepEqual(seen, ['u-0', 'u-1', 'u-2', 'u-3', 'u-4']);
});

test('after an error there is nothing more', async () => {
  await using server = await Scripted.answering(json(500, {}));
  const items = client(server.url).users.list()[Symbol.asyncIterator]();
  await assert.rejects(items.next(), { code: 'server' });
  assert.deepEqual(await items.next(), { value: undefined, done: true });
  assert.equal(server.asked.length, 1);
});

test('leaving ends what is under way', async () => {
  let begun = 0;
  await using server = await Scripted.start(() => () => (begun += 1));
  const items = client(server.url).users.list()[Symbol.asyncIterator]();
  const pending = items.next();
  while (begun === 0) await sleep(5);
  assert.deepEqual(await items.return(), { value: undefined, done: true });
  assert.deepEqual(await pending, { value: undefined, done: true });
  assert.deepEqual(await items.next(), { value: undefined, done: true });
  while (server.closed === 0) await sleep(5);
  assert.equal(server.asked.length, 1);
});

test('`await using` ends it, too', async () => {
  let begun = 0;
  await using server = await Scripted.start(() => () => (begun += 1));
  let pending: Promise<unknown>;
  {
    await using pages = client(server.url).users.list().pages();
    pending = pages.next();
    while (begun === 0) await sleep(5);
  }
  assert.deepEqual(await pending, { value: undefined, done: true });
  while (server.closed === 0) await sleep(5);
});

test('whoever asks ahead gets the items in order', async () => {
  await using server = await listing(5);
  const items = client(server.url).users.list({}, { pageSize: 2 })[Symbol.asyncIterator]();
  const asked = await Promise.all(Array.from({ length: 7 }, () => items.next()));
  assert.deepEqual(
    asked.map((result) => result.value?.id),
    ['u-0', 'u-1', 'u-2', 'u-3', 'u-4', undefined, undefined],
  );
});

test('a list that is ended by nobody is ended when it is collected', async () => {
  const pageOf = (line: string): number => Number(new URL(line.slice(4), 'http://x').searchParams.get('page'));
  // The third page and the fourth are under way when the second is there, and stay so.
  await using server = await Scripted.start(({ line }) => {
    return pageOf(line) < 3 ? json(200, usersOf(pageOf(line), 1, 4)) : () => undefined;
  });
  const bud = client(server.url);
  await (async (): Promise<void> => {
    const items = bud.users.list({}, { pageSize: 1, concurrency: 3 })[Symbol.asyncIterator]();
    assert.equal((await items.next()).value?.id, 'u-0');
    assert.equal((await items.next()).value?.id, 'u-1');
  })();
  while (server.asked.length < 4) await sleep(5);
  await sleep(50);
  assert.equal(server.closed, 2);
  while (server.closed < 4) {
    globalThis.gc?.();
    await sleep(5);
  }
  assert.equal(server.asked.length, 4);
});

test('many pages at a time are the same list', async () => {
  await using bed = await testbed('--seed-users', '300');
  const { users: handle } = bed.client();
  const ids = (list: users.User[]): string[] => list.map(({ id }) => id);
  const one = ids(await handle.list({}, { pageSize: 10 }).all());
  const eight = ids(await handle.list({}, { pageSize: 10, concurrency: 8 }).all());
  assert.equal(one.length, 301);
  assert.deepEqual(eight, one);
});
