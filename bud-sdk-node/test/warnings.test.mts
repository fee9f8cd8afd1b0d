/** What is worth knowing of a result and is no error: beside the result, and as a warning of the process. */

import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { test } from 'node:test';

import { Client, type BudWarning } from 'bud-sdk-node';

import { json, Scripted } from './support/server.mjs';

const client = (url: string): Client => new Client({ baseUrl: url, token: 'token-1', flavor: 'guide', attempts: 1 });

interface Heard extends Disposable {
  readonly warnings: (Error & { code?: string })[];
}

/** The warnings of the process meanwhile. */
function heard(): Heard {
  const warnings: Heard['warnings'] = [];
  const hear = (warning: Error): unknown => warnings.push(warning);
  process.on('warning', hear);
  return { warnings, [Symbol.dispose]: () => void process.off('warning', hear) };
}

const codes = (warnings: readonly BudWarning[]): string[] => warnings.map(({ code }) => code);

/** Three pages, of which the second has a row that cannot be read; the server counts another total at the end. */
function moving(line: string): string {
  const page = Number(/page=(\d)/.exec(line)?.[1]);
  const rows = [[{ id: 'u-1' }, { id: 'u-2' }], [{ id: 'u-3' }, { id: { a: 1 } }], [{ id: 'u-5' }]][page - 1];
  return json(200, { users: rows, page, limit: 2, total_record: page === 3 ? 6 : 5, total_pages: 3 });
}

const OF_THE_LIST = ['unreadable_rows', 'changed_while_reading'];

test('a result has its warnings beside it, and each is a warning of the process, once', async () => {
  await using server = await Scripted.start(() => json(200, { id: 'u-1' }, { warning: '299 - "the role is deprecated"' }));
  using process_ = heard();
  const call = client(server.url).users.get('u-1');
  const { data, warnings } = await call.withResponse();
  assert.deepEqual(warnings, [{ code: 'server', message: 'the role is deprecated' }]);
  assert.equal(await call, data);
  await sleep(5);
  assert.deepEqual(
    process_.warnings.map(({ name, code, message }) => [name, code, message]),
    [['BudWarning', 'server', 'users.get: the role is deprecated']],
  );
  // Also where only the result is looked at.
  await client(server.url).users.get('u-1');
  await sleep(5);
  assert.equal(process_.warnings.length, 2);
});

test('a result without warnings has none', async () => {
  await using server = await Scripted.start(() => json(200, { id: 'u-1', users: [] }));
  using process_ = heard();
  assert.deepEqual((await client(server.url).users.get('u-1').withResponse()).warnings, []);
  assert.deepEqual((await client(server.url).users.list().all()).warnings, []);
  await sleep(5);
  assert.deepEqual(process_.warnings, []);
});

test('a list has its warnings, however it is read', async () => {
  await using server = await Scripted.start(({ line }) => moving(line));
  const list = client(server.url).users.list({}, { pageSize: 2 });
  using process_ = heard();
  const all = await list.all();
  assert.deepEqual(codes(all.warnings), OF_THE_LIST);
  assert.deepEqual(all.map(({ id }) => id), ['u-1', 'u-2', 'u-3', 'u-5']);
  // They are no items, and a comparison does not see them.
  assert.deepEqual(Object.keys(all), ['0', '1', '2', '3']);
  await sleep(5);
  assert.deepEqual(process_.warnings.map(({ code }) => code), OF_THE_LIST);
  assert.match(process_.warnings[0]?.message ?? '', /^users\.list: rows that cannot be read/);

  const pages = list.pages();
  const seen: string[][] = [];
  for await (const page of pages) seen.push(codes(page.warnings));
  assert.deepEqual(seen, [[], OF_THE_LIST.slice(0, 1), OF_THE_LIST]);
  assert.deepEqual(codes(pages.warnings), OF_THE_LIST);

  const items = list[Symbol.asyncIterator]();
  assert.deepEqual(items.warnings, []);
  for await (const _ of items);
  assert.deepEqual(codes(items.warnings), OF_THE_LIST);
  await sleep(5);
  // Each way of reading it makes its own requests, and so its own warnings, each once.
  assert.equal(process_.warnings.length, 6);
});
