// Ratios between this package and what it would replace, each from interleaved rounds of one run.
//
//   cargo xtask bench node [calls|pages|export]... [--quick]
//
// Absolute times say more about the machine than about the code; only ratios have targets, in tests/bench/targets.json by the
// names that they have here. A run with --quick is a look at it: only others are judged and kept. The server is that of bud-bench,
// in a process of its own, and must have seen the same requests from all arms.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream, existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { availableParallelism, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';

import { Client } from 'bud-sdk-node';
import { Agent, request, stream } from 'undici';

const TOKEN =
  'bench-token-0123456789abcdefghijklmnopqrstuvwxyz0123456789abcdefghijklmnopqrstuvwxyz0123456789' +
  'abcdefghijklmnopqrstuvwxyz0123456789abcdefghijklmnopqrstuvwxyz0123456789abcdefghijklmnopqrst';
const ID = '8f14e45f-ceea-467f-a0e6-000000000000';
const headers = { authorization: `Bearer ${TOKEN}`, accept: 'application/json' };

const only = process.argv.slice(2).filter((arg) => !arg.startsWith('--'));
const quick = process.argv.includes('--quick');
const unknown = process.argv.slice(2).find((arg) => arg.startsWith('--') && arg !== '--quick');
if (unknown) throw new Error(`there is no ${unknown}`);
const ROUNDS = quick ? 3 : 15;
const EXPORTS = quick ? 3 : 5;
const MIB = quick ? 256 : 1024;
const CALLS = 2_000;
const IN_FLIGHT = 64;
const [PAGES, PER_PAGE] = [100, 100];

const server = spawn(process.env.BUD_BENCH, ['serve'], { stdio: ['pipe', 'pipe', 'inherit'] });
const [url] = await once(createInterface({ input: server.stdout }), 'line');
// In memory, if there is: a disk would measure itself.
const folder = await mkdtemp(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'bud-bench-'));
const file = join(folder, 'audit.csv');
const client = (base) => new Client({ baseUrl: base, token: TOKEN, flavor: 'guide', noProxy: true });
const bud = client(url);
// As many connections as calls in flight, as the SDK opens.
const dispatcher = new Agent({ connections: IN_FLIGHT, pipelining: 1 });

/** A user as a hand-written mapper makes one: camel case and dates, as this package gives. */
function mapped(json) {
  return {
    id: json.id,
    email: json.email,
    firstName: json.first_name,
    lastName: json.last_name,
    name: json.name,
    role: json.role,
    status: json.status,
    company: json.company,
    purpose: json.purpose,
    createdAt: new Date(json.created_at),
    updatedAt: new Date(json.updated_at),
  };
}

const get = {
  fetch: async (path) => (await fetch(url + path, { headers })).json(),
  undici: async (path) => (await request(url + path, { headers, dispatcher })).body.json(),
};

async function inFlight(one) {
  let left = CALLS;
  const worker = async () => {
    while (left-- > 0) await one();
  };
  await Promise.all(Array.from({ length: IN_FLIGHT }, worker));
}

const call = (way) => async () => {
  const user = mapped(await get[way](`/users/${ID}`));
  if (user.id !== ID) throw new Error('another user');
};

const pages = (way) => async () => {
  const users = [];
  for (let page = 1; page <= PAGES; page += 1) {
    const { users: items } = await get[way](`/users?page=${page}&limit=${PER_PAGE}`);
    for (const item of items) users.push(mapped(item));
  }
  exactly(users.length);
};

function exactly(count) {
  if (count !== PAGES * PER_PAGE) throw new Error(`${count} users`);
}

const base = `${url}/mib/${MIB}`;
const heavy = client(base);
const exported = `${base}/audit/export?start_date=2026-01-01T00:00:00Z&end_date=2026-02-01T00:00:00Z&format=csv`;

const benches = [
  {
    name: 'calls',
    title: `${CALLS} calls, ${IN_FLIGHT} in flight`,
    rounds: ROUNDS,
    arms: {
      'bud-sdk': () => inFlight(async () => (await bud.users.get(ID)).id),
      fetch: () => inFlight(call('fetch')),
      'undici.request': () => inFlight(call('undici')),
    },
    ratios: { fetch: 'calls_in_flight_fetch_speed', 'undici.request': 'calls_in_flight_undici_speed' },
  },
  {
    name: 'pages',
    title: '10,000 users, page by page',
    rounds: ROUNDS,
    arms: {
      'bud-sdk': async () => exactly((await bud.users.list({}, { pageSize: PER_PAGE }).all()).length),
      'bud-sdk, concurrency 8': async () => exactly((await bud.users.list({}, { pageSize: PER_PAGE, concurrency: 8 }).all()).length),
      'fetch + mapper': pages('fetch'),
      'undici + JSON.parse + mapper': pages('undici'),
    },
    ratios: { 'undici + JSON.parse + mapper': 'users_undici_speed' },
  },
  {
    name: 'export',
    title: `export of ${MIB} MiB to a file`,
    rounds: EXPORTS,
    arms: {
      'bud-sdk': () => heavy.audit.export({ start: '2026-01-01T00:00:00Z', end: '2026-02-01T00:00:00Z' }).writeTo(file),
      fetch: async () => {
        const answer = await fetch(exported, { headers });
        await pipeline(Readable.fromWeb(answer.body), createWriteStream(file));
      },
      'undici.stream': () => stream(exported, { headers, dispatcher, opaque: file }, ({ opaque }) => createWriteStream(opaque)),
    },
    ratios: { fetch: 'export_fetch_speed' },
    reset: () => rm(file, { force: true }),
  },
];

const median = (values) => {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
};

async function requests() {
  const text = await (await request(`${url}/stats`)).body.text();
  return Number(text.split(' ')[0]);
}

const kept = {};
for (const { name, title, rounds, arms, ratios, reset } of benches) {
  if (only.length > 0 && !only.includes(name)) continue;
  const times = Object.fromEntries(Object.keys(arms).map((name) => [name, []]));
  const asked = {};
  let growth = 0;
  for (let round = 0; round <= rounds; round += 1) {
    const order = Object.keys(arms).sort(() => Math.random() - 0.5);
    for (const name of order) {
      await reset?.();
      globalThis.gc?.();
      const before = await requests();
      const rss = process.memoryUsage().rss;
      const start = performance.now();
      await arms[name]();
      const took = performance.now() - start;
      asked[name] = (asked[name] ?? 0) + (await requests()) - before;
      // The first round warms up.
      if (round > 0) times[name].push(took);
      if (round > 0 && name === 'bud-sdk') growth = Math.max(growth, process.memoryUsage().rss - rss);
    }
  }
  console.log(`\n${title}, ${rounds} rounds (ms)`);
  for (const [name, list] of Object.entries(times)) {
    const ratio = median(list.map((time, at) => time / times['bud-sdk'][at]));
    const cells = [median(list), Math.min(...list), Math.max(...list)].map((time) => time.toFixed(1).padStart(9));
    console.log(`${name.padEnd(32)} ${cells.join(' ')}  ${ratio.toFixed(2).padStart(6)}x  ${asked[name]} requests`);
    if (name in ratios) kept[ratios[name]] = ratio;
  }
  console.log(`growth of memory in a round of bud-sdk, at most: ${(growth / 1024 / 1024).toFixed(1)} MiB`);
  const counts = new Set(Object.values(asked));
  // A list that is as long as its pages is asked for one page more, unless the server says how many there are.
  if (Math.max(...counts) - Math.min(...counts) > rounds + 1) throw new Error(`unequal work: ${JSON.stringify(asked)}`);
}

console.log(`\nload of the machine: ${loadavg()[0].toFixed(1)}; ${availableParallelism()} cores\n`);
if (process.env.BUD_RATIOS) await writeFile(process.env.BUD_RATIOS, JSON.stringify(kept));

await dispatcher.close();
server.kill();
await rm(folder, { recursive: true });
