/** The process around it: its end, its threads, its event loop, its memory. */

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpus } from 'node:os';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { test } from 'node:test';
import { Worker } from 'node:worker_threads';

import { testbed } from './support/testbed.mjs';
import { Scripted } from './support/server.mjs';

const PACKAGE = new URL('../../dist/index.mjs', import.meta.url).href;

interface Ended {
  code: number | null;
  signal: string | null;
  out: string;
  err: string;
}

/** Runs a program of its own. */
async function run(source: string, env: Record<string, string> = {}): Promise<Ended> {
  const program = `import { Client } from ${JSON.stringify(PACKAGE)};\n${source}`;
  const child = spawn(process.execPath, ['--input-type=module', '--eval', program], {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: 60_000,
  });
  const [[code, signal], out, err] = await Promise.all([
    once(child, 'exit') as Promise<[number | null, string | null]>,
    text(child.stdout),
    text(child.stderr),
  ]);
  return { code, signal, out, err };
}

/** Keeps every core busy: a crash at the end of a process hides on a quiet machine. */
function load(): Disposable {
  const source = 'const end = Date.now() + 300000; while (Date.now() < end);';
  const busy = Array.from({ length: cpus().length * 2 }, () => spawn(process.execPath, ['--eval', source], { stdio: 'ignore' }));
  return { [Symbol.dispose]: () => busy.forEach((child) => void child.kill('SIGKILL')) };
}

const SILENT = `const client = new Client({ baseUrl: process.env.URL, token: 't', flavor: 'guide' });
  const pending = Array.from({ length: 8 }, (_, at) => client.users.get('u-' + at));
  const pages = client.users.list().pages().next();
  const bytes = client.audit.export({ start: new Date(1), end: new Date(2) })[Symbol.asyncIterator]().next();`;

test('a process ends cleanly with calls in flight and after many, under load', async () => {
  await using silent = await Scripted.start(() => () => undefined);
  await using bed = await testbed('--seed-users', '20');
  const env = { URL: silent.url, BED: bed.url, EMAIL: bed.email, PASSWORD: bed.password };
  const programs: [string, number][] = [
    [`${SILENT} setTimeout(() => process.exit(7), 30);`, 7],
    [`${SILENT} process.exit(0);`, 0],
    [`${SILENT} setTimeout(() => { throw new Error('mine'); }, 30);`, 1],
    [
      `const client = new Client({ baseUrl: process.env.BED, email: process.env.EMAIL, password: process.env.PASSWORD });
       await Promise.all(Array.from({ length: 60 }, () => client.users.list({}, { pageSize: 3 }).all()));`,
      0,
    ],
  ];
  using _ = load();
  const crashed: string[] = [];
  for (let round = 0; round < 6; round += 1) {
    const ended = await Promise.all(programs.map(([source]) => run(source, env)));
    ended.forEach(({ code, signal, err }, at) => {
      if (code !== programs[at]?.[1]) crashed.push(`program ${at}, round ${round}: ${code} ${signal} ${err}`);
    });
  }
  assert.deepEqual(crashed, []);
});

test('a call keeps the process alive, an idle client does not', async () => {
  await using bed = await testbed();
  const env = { BED: bed.url, EMAIL: bed.email, PASSWORD: bed.password };
  const { code, out, err } = await run(
    `const client = new Client({ baseUrl: process.env.BED, email: process.env.EMAIL, password: process.env.PASSWORD });
     client.flavor().then((flavor) => client.users.list().all()).then((users) => console.log(users.length));`,
    env,
  );
  assert.deepEqual([code, out.trim(), err], [0, '1', '']);
});

test('a call that nobody awaits and that fails is an unhandled rejection', async () => {
  const { code, err } = await run(
    `new Client({ baseUrl: 'http://127.0.0.1:9', token: 't', flavor: 'guide', attempts: 1 }).users.get('u-1');`,
  );
  assert.equal(code, 1);
  assert.match(err, /ConnectError: users\.get failed/);
});

test('threads: every one has clients of its own, and ends with calls in flight', async () => {
  await using silent = await Scripted.start(() => () => undefined);
  await using bed = await testbed('--seed-users', '20');
  const source = `
    const { workerData, parentPort } = require('node:worker_threads');
    import(workerData.package).then(async ({ Client }) => {
      const { silent, url, email, password } = workerData;
      const client = new Client({ baseUrl: url, email, password });
      const users = await client.users.list({}, { pageSize: 5 }).all();
      const quiet = new Client({ baseUrl: silent, token: 't', flavor: 'guide' });
      quiet.users.get('u-1').catch(() => undefined);
      quiet.users.list().pages().next().catch(() => undefined);
      parentPort.postMessage(users.length);
    });`;
  const { url, email, password } = bed;
  const workerData = { package: PACKAGE, silent: silent.url, url, email, password };
  const workers = Array.from({ length: 6 }, () => new Worker(source, { eval: true, workerData }));
  const told = await Promise.all(workers.map((worker) => once(worker, 'message')));
  assert.deepEqual(told.flat(), Array(6).fill(21));
  await Promise.all(workers.map((worker) => worker.terminate()));
  // The others, and this thread, go on.
  assert.equal((await bed.client().users.list().all()).length, 21);
});

test('a client reads the variables of its own thread', async () => {
  await using bed = await testbed();
  const source = `
    const { workerData, parentPort } = require('node:worker_threads');
    Object.assign(process.env, { BUD_BASE_URL: workerData.url, BUD_EMAIL: workerData.email, BUD_PASSWORD: workerData.password });
    import(workerData.package).then(async ({ Client }) => {
      const [user] = await new Client().users.list().all();
      delete process.env.BUD_PASSWORD;
      let why;
      try {
        new Client();
      } catch (error) {
        why = error.message;
      }
      parentPort.postMessage([user.email, why]);
    });`;
  const { url, email, password } = bed;
  // The process has others, which are a server that this thread must not call.
  const before = { ...process.env };
  await using decoy = await Scripted.start(() => undefined);
  Object.assign(process.env, { BUD_BASE_URL: decoy.url, BUD_TOKEN: 'token-of-the-process' });
  try {
    const worker = new Worker(source, { eval: true, env: { HOME: '/nowhere' }, workerData: { package: PACKAGE, url, email, password } });
    const [told] = (await once(worker, 'message')) as [unknown];
    assert.deepEqual(told, [email, 'BUD_EMAIL is set, but BUD_PASSWORD is not']);
    await worker.terminate();
  } finally {
    process.env = before;
  }
  assert.equal(decoy.asked.length, 0);
});

test('the event loop is not held up by an export', async () => {
  await using bed = await testbed('--seed-audit', '100000');
  const client = bed.client();
  await client.flavor();
  const delay = monitorEventLoopDelay({ resolution: 5 });
  let bytes = 0;
  delay.enable();
  for await (const chunk of client.audit.export({ start: '2026-01-01T00:00:00Z', end: '2026-02-01T00:00:00Z' })) bytes += chunk.length;
  delay.disable();
  assert(bytes > 20_000_000, `${bytes}`);
  // Half of them in time, whatever else the machine does.
  assert(delay.percentile(50) / 1e6 < 20, `${delay.percentile(50) / 1e6} ms`);
});

test('100,000 calls, and memory stays flat', { timeout: 600_000 }, async () => {
  await using bed = await testbed();
  const client = bed.client();
  const [user] = await client.users.list().all();
  assert(user);
  const signal = new AbortController().signal;
  const many = async (count: number): Promise<void> => {
    let left = count;
    const one = async (): Promise<void> => {
      while (left > 0) {
        left -= 1;
        await client.users.get(user, left % 2 ? { signal } : {});
      }
    };
    await Promise.all(Array.from({ length: 32 }, one));
  };
  const collect = async (): Promise<NodeJS.MemoryUsage> => {
    for (let round = 0; round < 4; round += 1) {
      (globalThis as { gc?: () => void }).gc?.();
      await sleep(20);
    }
    return process.memoryUsage();
  };
  await many(10_000);
  const before = await collect();
  await many(90_000);
  const after = await collect();
  const grown = (kind: keyof NodeJS.MemoryUsage): number => (after[kind] - before[kind]) / 1024 / 1024;
  const report = `rss ${grown('rss').toFixed(1)}, heap ${grown('heapUsed').toFixed(1)}, external ${grown('external').toFixed(1)} MiB`;
  assert(grown('rss') < 40 && grown('heapUsed') < 8 && grown('external') < 8, report);
});
