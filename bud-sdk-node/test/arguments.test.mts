/** Arguments in all the forms that JavaScript has for them: taken whole, or refused by their place. Nothing is left out. */

import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { test } from 'node:test';
import vm from 'node:vm';

import { Client, InvalidArgumentError, Secret, type ClientOptions } from 'bud-sdk-node';

import { json, Scripted, type Asked } from './support/server.mjs';

const USER = { id: 'u-1' };

/** A server that answers everything alike. */
const server = (): Promise<Scripted> => Scripted.start(({ line }) => json(200, line.startsWith('GET /users?') ? { users: [] } : USER));

const client = (url: string, options: ClientOptions = {}): Client =>
  new Client({ baseUrl: url, token: 'token-1', flavor: 'guide', attempts: 1, ...options });

/** The same object as another realm makes it, as `vm` and Jest do. */
function foreign<T>(source: string): T {
  return vm.runInNewContext(`(${source})`, { Headers, URLSearchParams }) as T;
}

async function refusal(promise: PromiseLike<unknown>): Promise<InvalidArgumentError> {
  try {
    await promise;
  } catch (error) {
    assert(error instanceof InvalidArgumentError, String(error));
    assert.equal(error.attempts, 0);
    return error;
  }
  throw new Error('it was not refused');
}

const sent = ({ headers }: Asked, name: string): string | undefined =>
  headers.find((header) => header.startsWith(`${name}: `))?.slice(name.length + 2);

test('headers are taken in every form that has names and values', async () => {
  await using bed = await server();
  const forms: Record<string, unknown> = {
    object: { 'x-trace': 't-1' },
    'object without a prototype': Object.assign(Object.create(null) as object, { 'x-trace': 't-1' }),
    'frozen object': Object.freeze({ 'x-trace': 't-1' }),
    'object behind a proxy': new Proxy({ 'x-trace': 't-1' }, {}),
    'instance of a class': new (class {
      'x-trace' = 't-1';
    })(),
    'object of another realm': foreign(`{ 'x-trace': 't-1' }`),
    Headers: new Headers({ 'X-Trace': 't-1' }),
    Map: new Map([['x-trace', 't-1']]),
    'Map of another realm': foreign(`new Map([['x-trace', 't-1']])`),
    pairs: [['x-trace', 't-1']],
    'pairs of another realm': foreign(`[['x-trace', 't-1']]`),
    'an iterator of pairs': new Map([['x-trace', 't-1']]).entries(),
    URLSearchParams: new URLSearchParams({ 'x-trace': 't-1' }),
  };
  for (const [form, headers] of Object.entries(forms)) {
    await client(bed.url).users.get('u-1', { headers: headers as Headers });
    assert.equal(sent(bed.asked.at(-1) as Asked, 'x-trace'), 't-1', form);
  }
  await client(bed.url, { headers: new Headers({ 'x-all': 'a' }) }).users.get('u-1');
  assert.equal(sent(bed.asked.at(-1) as Asked, 'x-all'), 'a');
});

test('a query is taken in every form that has names and values', async () => {
  await using bed = await server();
  for (const query of [{ a: '1', b: '2' }, new Map(Object.entries({ a: '1', b: '2' })), new URLSearchParams('a=1&b=2'), [['a', '1'], ['b', '2']] as const]) {
    await client(bed.url).raw('GET', '/x', { query });
    assert.equal(bed.asked.at(-1)?.line, 'GET /x?a=1&b=2');
  }
});

test('maps that hold nothing readable are refused by their place', async () => {
  await using bed = await server();
  class Hidden {
    readonly #trace = 't-1';
    get trace(): string {
      return this.#trace;
    }
  }
  const cases: [string, unknown][] = [
    ['headers', new Hidden()],
    ['headers', new Date()],
    ['headers', new WeakMap()],
    ['headers', Promise.resolve({ 'x-trace': 't-1' })],
    ['headers', new Uint8Array([1, 2])],
    ['headers', new Set(['x-trace'])],
    ['headers', ['x-trace', 't-1']],
    ['headers', [['x-trace']]],
    ['headers', 'x-trace: t-1'],
    ['headers', 7],
    ['headers', new Secret('canary')],
    ['headers.x', new Map([['x', new Secret('canary')]])],
    ['headers.x', { x: ['1', '2'] }],
    ['headers.x', [['x', '1'], ['x', '2']]],
    ['headers["a b"]', { 'a b': Symbol('x') }],
  ];
  for (const [param, headers] of cases) {
    const error = await refusal(client(bed.url).users.get('u-1', { headers: headers as Headers }));
    assert.equal(error.param?.startsWith('headers'), true);
    if (param !== 'headers.x' || !(headers as { x?: unknown }).x) assert.equal(error.param, param, `${error.message}`);
    assert.doesNotMatch(error.message, /canary/);
  }
  assert.equal((await refusal(client(bed.url).raw('GET', '/x', { query: new URLSearchParams('a=1&a=2') }))).param, 'query.a');
  assert.equal(bed.asked.length, 0);
});

test('an object of arguments or options that cannot be read is refused, not taken for empty', async () => {
  await using bed = await server();
  const { users } = client(bed.url);
  const objects: unknown[] = [
    new Map([['role', 'ADMIN']]),
    new URLSearchParams({ role: 'ADMIN' }),
    new Headers({ role: 'ADMIN' }),
    new Set(['role']),
    [],
    ['role'],
    'ADMIN',
    7,
    true,
    () => ({ role: 'ADMIN' }),
    new (class {
      #role = 'ADMIN';
      show = undefined as unknown as string;
      constructor() {
        Reflect.deleteProperty(this, 'show');
        void this.#role;
      }
    })(),
    Promise.resolve({ role: 'ADMIN' }),
  ];
  for (const object of objects) {
    assert.equal((await refusal(users.list(object as object).all())).param, 'params');
    assert.equal((await refusal(users.get('u-1', object as object))).param, 'options');
    assert.equal((await refusal(users.list({}, object as object).all())).param, 'options');
    const log = client(bed.url).audit.export({ start: new Date(1), end: new Date(2) });
    assert.equal((await refusal(log.writeTo('x.csv', object as object))).param, 'options');
    assert.equal((await refusal(client(bed.url).endpoints.wait('e-1', {}, object as object))).param, 'options');
    assert.throws(() => new Client(object as ClientOptions), { name: 'InvalidArgumentError', param: 'options' });
  }
  assert.equal(bed.asked.length, 0);
  assert.equal((await refusal(users.setRole('u-1', { role: 'ADMIN', id: 'u-2' } as never))).param, 'id');
});

test('arguments may be instances, inherited, behind a proxy, or of another realm', async () => {
  await using bed = await server();
  class Wanted {
    role = 'ADMIN' as const;
  }
  class Computed {
    get role(): 'ADMIN' {
      return 'ADMIN';
    }
  }
  const forms: object[] = [
    new Wanted(),
    new Computed(),
    Object.create({ role: 'ADMIN' }) as object,
    Object.freeze({ role: 'ADMIN' }),
    new Proxy({ role: 'ADMIN' }, {}),
    Object.assign(Object.create(null) as object, { role: 'ADMIN' }),
    foreign(`{ role: new String('ADMIN') }`),
  ];
  for (const params of forms) {
    await client(bed.url).users.list(params).all();
    assert.match(bed.asked.at(-1)?.line ?? '', /^GET \/users\?.*role=ADMIN/i);
  }
  const pollution = Object.prototype as { role?: string };
  try {
    pollution.role = 'USER';
    await client(bed.url).users.list({}).all();
    await client(bed.url).users.list(new (class { limit = undefined; })() as object).all().catch(() => undefined);
  } finally {
    delete pollution.role;
  }
  for (const { line } of bed.asked.slice(forms.length)) assert.doesNotMatch(line, /role=/);
});

test('what a getter throws is the caller\'s own error', async () => {
  await using bed = await server();
  const mine = new RangeError('mine');
  const params = {
    get role(): 'ADMIN' {
      throw mine;
    },
  };
  await assert.rejects(client(bed.url).users.list(params).all(), (error) => error === mine);
  await assert.rejects(async () => await client(bed.url).users.setRole('u-1', params), (error) => error === mine);
  assert.throws(() => new Client(params as object), (error) => error === mine);
  assert.equal(bed.asked.length, 0);
});

test('a body is sent whole', async () => {
  await using bed = await server();
  const toJSON = (): unknown => ({ from: 'toJSON' });
  const body = {
    map: new Map<string, unknown>([['a', new Map([['b', 1]])]]),
    set: new Set([1, 2]),
    date: new Date('2026-01-02T03:04:05.678Z'),
    big: 18446744073709551615n,
    small: 7n,
    boxed: [new String('s'), new Number(1), new Boolean(false)],
    secret: new Secret('canary-body'),
    made: { toJSON },
    model: new (class { id = 'm-1'; })(),
    foreign: foreign(`{ list: [new Date(0)], map: new Map([['k', new Set(['v'])]]) }`),
    bare: Object.assign(Object.create(null) as object, { k: null }),
    absent: undefined,
    text: 'äöü \u2028 "\\',
  };
  await client(bed.url).raw('POST', '/x', { body });
  const text = bed.asked[0]?.body ?? '';
  assert.match(text, /"big":18446744073709551615[,}]/);
  const { big: _, ...read } = JSON.parse(text) as Record<string, unknown>;
  assert.deepEqual(read, {
    map: { a: { b: 1 } },
    set: [1, 2],
    date: '2026-01-02T03:04:05.678Z',
    small: 7,
    boxed: ['s', 1, false],
    secret: 'canary-body',
    made: { from: 'toJSON' },
    model: { id: 'm-1' },
    foreign: { list: ['1970-01-01T00:00:00.000Z'], map: { k: ['v'] } },
    bare: { k: null },
    text: body.text,
  });
});

test('what JSON cannot carry is refused by its place in the body', async () => {
  await using bed = await server();
  const cycle: Record<string, unknown> = {};
  cycle['list'] = [cycle];
  let deep: unknown = 1;
  for (let level = 0; level < 5_000; level += 1) deep = [deep];
  const cases: [RegExp, unknown][] = [
    [/^body\.a\.b\[1\]$/, { a: { b: [1, NaN] } }],
    [/^body\.a$/, { a: Infinity }],
    [/^body\.a$/, { a: () => 1 }],
    [/^body\.a$/, { a: Symbol('s') }],
    [/^body\.a$/, { a: 2n ** 64n }],
    [/^body\.a$/, { a: new Date(NaN) }],
    [/^body\.a$/, { a: foreign('new Date(NaN)') }],
    [/^body\.a$/, { a: new Headers({ b: 'c' }) }],
    [/^body\.a$/, { a: new URLSearchParams('b=c') }],
    [/^body\.a$/, { a: Promise.resolve(1) }],
    [/^body\.a$/, { a: new Error('e') }],
    [/^body\.a$/, { a: /e/ }],
    [/^body\.a$/, { a: Buffer.from('e') }],
    [/^body\.a$/, { a: new Uint8Array(3) }],
    [/^body\.a$/, { a: new ArrayBuffer(3) }],
    [/^body\.a$/, { a: new WeakMap() }],
    [/^body\.a$/, { a: new Map([[1, 2]]) }],
    [/^body\.a$/, { a: 'half \ud800' }],
    [/^body\["half \\ud800"\]$/, { 'half \ud800': 1 }],
    [/^body\[1\]$/, [1, undefined]],
    // eslint-disable-next-line no-sparse-arrays
    [/^body\[1\]$/, [1, , 2]],
    [/^body\.list\[0\]$/, cycle],
    [/^body(\[0\]){100}$/, deep],
    [/^body$/, Symbol('s')],
  ];
  for (const [place, body] of cases) {
    const error = await refusal(client(bed.url).raw('POST', '/x', { body }));
    assert.match(error.param ?? '', place, error.message);
  }
  // An argument that was forgotten to be awaited.
  const user = client(bed.url).users.get('u-1');
  assert.match((await refusal(client(bed.url).users.get(user as never))).message, /it is a promise: await it/);
  await user;
  assert.equal(bed.asked.length, 1);
});

test('times and lists in every form', async () => {
  await using bed = await server();
  const bud = client(bed.url, { flavor: 'runtime' });
  for (const start of [new Date(0), foreign<Date>('new Date(0)'), '1970-01-01T00:00:00Z']) {
    await bud.audit.summary({ start, end: new Date(1000) }).catch(() => undefined);
    assert.match(bed.asked.at(-1)?.line ?? '', /1970-01-01T00%3A00%3A00/);
  }
  assert.equal((await refusal(bud.audit.summary({ start: foreign<Date>('new Date(NaN)'), end: new Date(1) }))).param, 'start');
  for (const ids of [['a-1', 'a-2'], new Set(['a-1', 'a-2']), foreign<string[]>(`['a-1', { id: 'a-2' }]`)]) {
    await bud.audit.verifyMany(ids as string[]).catch(() => undefined);
    assert.equal(bed.asked.at(-1)?.body, '["a-1","a-2"]');
  }
  // Milliseconds, whatever number they are.
  for (const timeout of [0, 0n, new Number(0)]) {
    const error = await refusal(bud.users.get('u-1', { timeout: timeout as number }));
    assert.equal(error.param, 'timeout');
  }
  await using silent = await Scripted.start(() => () => undefined);
  const begun = performance.now();
  await assert.rejects(async () => await client(silent.url).users.get('u-1', { timeout: 100n as never }), { name: 'TimeoutError' });
  assert(performance.now() - begun < 30_000);
});

test('a secret of another copy of the package is a secret', async () => {
  await using bed = await server();
  const require = createRequire(import.meta.url);
  const path = require.resolve('bud-sdk-node').replace(/index\.js$/, 'secret.js');
  delete require.cache[path];
  const { Secret: Other } = require(path) as { Secret: typeof Secret };
  assert.notEqual(Other, Secret);
  await client(bed.url, { token: new Other('token-of-another') as Secret }).users.get('u-1');
  assert.equal(sent(bed.asked[0] as Asked, 'authorization'), 'Bearer token-of-another');
});
