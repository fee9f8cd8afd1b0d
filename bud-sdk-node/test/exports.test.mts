/** Exports and jobs: streams with back-pressure, files, progress, and an end before the end. */

import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import type { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { test, type TestContext } from 'node:test';

import { type audit, Client, DownloadError, OperationFailedError } from 'bud-sdk-node';

import { json, Scripted } from './support/server.mjs';
import { testbed } from './support/testbed.mjs';

const RANGE = { start: new Date('2026-01-01T00:00:00Z'), end: '2026-02-01T00:00:00Z' };

const client = (url: string): Client => new Client({ baseUrl: url, token: 'token-1', flavor: 'guide', attempts: 1 });

function folder(t: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), 'bud-export-'));
  t.after(() => rmSync(path, { recursive: true }));
  return path;
}

async function drain(chunks: AsyncIterable<unknown>): Promise<void> {
  for await (const _ of chunks);
}

/** A CSV without an end, as fast as it is taken. */
function endless(counter: { bytes: number }): (socket: Socket) => void {
  const row = 'b1,2026-01-01T00:00:00Z,login,somebody@example.com,session,s-1,,ok\r\n';
  const chunk = Buffer.from(row.repeat(1000));
  return (socket) => {
    socket.write('HTTP/1.1 200 OK\r\ncontent-type: text/csv\r\ntransfer-encoding: chunked\r\n\r\n');
    const more = (): void => {
      let room = true;
      while (room && !socket.destroyed) {
        socket.write(`${chunk.length.toString(16)}\r\n`);
        socket.write(chunk);
        room = socket.write('\r\n');
        counter.bytes += chunk.length;
      }
      // A server that is told to wait waits, and one that is not lets others live.
      if (!socket.destroyed) socket.once('drain', () => setImmediate(more));
    };
    more();
  };
}

test('the same bytes by all ways', async (t) => {
  await using bed = await testbed('--seed-audit', '3000');
  const log = bed.client().audit.export(RANGE);
  const path = join(folder(t), 'audit.csv');
  const told: audit.ExportProgress[] = [];
  const done = await log.writeTo(path, { onProgress: (progress) => told.push(progress) });
  const file = readFileSync(path);
  assert.deepEqual([done.bytes, done.rows, done.proven, statSync(path).mode & 0o777], [file.length, 3000, true, 0o600]);
  assert(told.length > 0 && told.every((progress) => Number(progress.bytes) <= file.length));

  const chunks: Uint8Array[] = [];
  for await (const chunk of log) chunks.push(chunk);
  assert(Buffer.concat(chunks).equals(file));

  assert(Buffer.from(await new Response(log.stream()).arrayBuffer()).equals(file));

  const written: Buffer[] = [];
  await pipeline(
    log.readable(),
    new Writable({
      write(chunk: Buffer, _, done) {
        written.push(chunk);
        done();
      },
    }),
  );
  assert(Buffer.concat(written).equals(file));

  let records = 0;
  for await (const record of log.records()) {
    records += 1;
    assert(record.timestamp instanceof Date);
  }
  assert.equal(records, 3000);
});

test('a file that is there is not written over, unless told to', async (t) => {
  await using bed = await testbed('--seed-audit', '10');
  const path = join(folder(t), 'audit.csv');
  const log = bed.client().audit.export(RANGE);
  await log.writeTo(path);
  await assert.rejects(log.writeTo(path), { code: 'invalid_argument', param: 'path' });
  await log.writeTo(path, { overwrite: true });
});

test('a broken export is an error, by every way', async (t) => {
  const cut = (socket: Socket): void => {
    socket.end('HTTP/1.1 200 OK\r\ncontent-type: text/csv\r\ncontent-length: 1000\r\n\r\nid,timestamp\r\na-1,2026\r\n');
  };
  await using server = await Scripted.start(() => cut);
  const log = client(server.url).audit.export(RANGE);
  const path = join(folder(t), 'audit.csv');
  await assert.rejects(log.writeTo(path), DownloadError);
  assert.equal(existsSync(path), false);
  await assert.rejects(drain(log), DownloadError);
  await assert.rejects(new Response(log.stream()).text(), DownloadError);
  await assert.rejects(pipeline(log.readable(), new Writable({ write: (_, __, done) => done() })), DownloadError);
});

test('nothing is asked for before somebody reads', async () => {
  await using server = await Scripted.answering();
  const log = client(server.url).audit.export(RANGE);
  log.stream();
  log.readable();
  log[Symbol.asyncIterator]();
  log.records().pages();
  await sleep(50);
  assert.equal(server.asked.length, 0);
});

for (const way of ['stream', 'readable', 'iterator'] as const) {
  test(`a slow reader slows the server down, and leaving closes the connection: ${way}`, async () => {
    const counter = { bytes: 0 };
    await using server = await Scripted.start(() => endless(counter));
    const log = client(server.url).audit.export(RANGE);
    let leave: () => Promise<unknown>;
    if (way === 'stream') {
      const reader = log.stream().getReader();
      assert.equal((await reader.read()).done, false);
      leave = () => reader.cancel();
    } else if (way === 'readable') {
      const readable = log.readable();
      await new Promise((resolve) => readable.once('readable', resolve));
      leave = async () => readable.destroy();
    } else {
      const chunks = log[Symbol.asyncIterator]();
      assert.equal((await chunks.next()).done, false);
      leave = () => chunks.return();
    }
    // Once the buffers of both sides are full, nothing moves.
    let before = -1;
    for (let quiet = 0; quiet < 10; ) {
      await sleep(20);
      quiet = counter.bytes === before ? quiet + 1 : 0;
      before = counter.bytes;
    }
    assert(counter.bytes < 64 * 1024 * 1024, `${counter.bytes} bytes were sent to somebody who does not read`);
    assert.equal(server.closed, 0);
    await leave();
    while (server.closed === 0) await sleep(5);
  });
}

test('leaving a loop early closes the connection', async () => {
  const counter = { bytes: 0 };
  await using server = await Scripted.start(() => endless(counter));
  for await (const chunk of client(server.url).audit.export(RANGE)) {
    assert(chunk.length > 0);
    break;
  }
  while (server.closed === 0) await sleep(5);
});

test('what a listener throws ends the job', async (t) => {
  const counter = { bytes: 0 };
  await using server = await Scripted.start(() => endless(counter));
  const path = join(folder(t), 'audit.csv');
  const told = client(server.url)
    .audit.export(RANGE)
    .writeTo(path, {
      onProgress() {
        throw new RangeError('enough');
      },
    });
  await assert.rejects(told, { name: 'RangeError', message: 'enough' });
  while (server.closed === 0) await sleep(5);
  assert.equal(existsSync(path), false);
});

test('a wait tells what it sees, and gives the endpoint in the end', async () => {
  await using bed = await testbed();
  const { endpoints } = bed.client();
  const deployed = await endpoints.deploy(bed.endpoint, { cluster: bed.cluster });
  const seen: unknown[] = [];
  const ready = await endpoints.wait(deployed, { pollInterval: 1 }, { onUpdate: (endpoint) => seen.push(endpoint.status) });
  assert.equal(ready.status, 'RUNNING');
  assert.equal(seen.at(-1), 'RUNNING');
  assert(seen.includes('DEPLOYING'), `${seen}`);
});

test('a wait that fails says why', async () => {
  await using server = await Scripted.answering(json(200, { id: 'e-1', status: 'FAILED', reason: 'no GPU' }));
  const wait = client(server.url).endpoints.wait('e-1', { pollInterval: 1 });
  await assert.rejects(wait, (error) => error instanceof OperationFailedError && /no GPU/.test(error.message));
});

test('a wait that takes too long ends, in milliseconds', async () => {
  await using server = await Scripted.start(() => json(200, { id: 'e-1', status: 'DEPLOYING' }));
  const wait = client(server.url).endpoints.wait('e-1', { pollInterval: 10, timeout: 200 });
  await assert.rejects(wait, { code: 'poll_timeout' });
});
