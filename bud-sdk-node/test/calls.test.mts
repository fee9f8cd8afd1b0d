/** Calls: options, arguments, results, errors. */

import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { test } from 'node:test';

import * as bud from 'bud-sdk-node';
import { BudError, Client, InvalidArgumentError, NotFoundError, Secret, TimeoutError } from 'bud-sdk-node';

import { answer, json, Scripted } from './support/server.mjs';
import { testbed } from './support/testbed.mjs';

const USER = { id: 'u-1', email: 'a@example.com', role: 'ADMIN', status: 'ACTIVE', created_at: '2026-01-05T09:30:00.123456Z' };

const client = (url: string, options: bud.ClientOptions = {}): Client =>
  new Client({ baseUrl: url, token: 'token-1', flavor: 'guide', attempts: 1, ...options });

async function caught(promise: PromiseLike<unknown>): Promise<BudError> {
  try {
    await promise;
  } catch (error) {
    assert(error instanceof BudError, String(error));
    return error;
  }
  throw new Error('it did not fail');
}

test('a result has camel case, dates, and nothing for what is absent', async () => {
  await using server = await Scripted.answering(json(200, { ...USER, first_name: null, shoe_size: { eu: 43 } }));
  const user = await client(server.url).users.get('u-1');
  assert.deepEqual(user, {
    id: 'u-1',
    email: 'a@example.com',
    role: 'ADMIN',
    status: 'ACTIVE',
    createdAt: new Date('2026-01-05T09:30:00.123Z'),
    extra: { shoe_size: { eu: 43 } },
  });
});

test('a known value of an enumeration is spelled the same on every API, an unknown one is kept', async () => {
  const users = [
    { ...USER, role: 'super_admin', status: 'deleted' },
    { ...USER, role: 'constructor', status: 'Sleeping' },
  ];
  await using server = await Scripted.answering(...users.map((user) => json(200, user)));
  const { users: handle } = client(server.url);
  const { role, status } = await handle.get('u-1');
  assert.deepEqual([role, status], ['SUPER_ADMIN', 'INACTIVE']);
  const other = await handle.get('u-1');
  assert.deepEqual([other.role, other.status], ['constructor', 'Sleeping']);
});

test('whole numbers beyond 2^53 are exact', async () => {
  const body = '{"tokens_used":9007199254740993,"tokens_quota":18446744073709551615,"requests_used":7,"who":9007199254740993}';
  await using server = await Scripted.answering(answer(200, body), answer(200, body));
  const quota = await client(server.url).quotas.ofProject('p-1');
  assert.equal(quota.tokensUsed, 9007199254740993n);
  assert.equal(quota.tokensQuota, 18446744073709551615n);
  assert.equal(quota.requestsUsed, 7);
  assert.deepEqual(quota.extra, { who: '9007199254740993' });
  const raw = await client(server.url).raw('GET', '/anything');
  assert.equal((raw.body as Record<string, unknown>)['tokens_used'], '9007199254740993');
});

test('moments are read as `Date` reads them', async () => {
  const moments = [
    '2026-01-05T09:30:00Z',
    '2024-02-29T23:59:59.9Z',
    '1970-01-01T00:00:00.001Z',
    '1969-12-31T23:59:59.999999Z',
    '0099-03-04T05:06:07.089Z',
    '9998-12-31T23:59:59.123456789Z',
  ];
  await using server = await Scripted.answering(...moments.map((moment) => json(200, { ...USER, created_at: moment })));
  for (const moment of moments) {
    const { createdAt } = await client(server.url).users.get('u-1');
    assert.equal(createdAt?.toISOString(), new Date(moment).toISOString(), moment);
  }
});

test('an id may be what has it', async () => {
  await using server = await Scripted.start(() => json(200, { ...USER, role: 'USER' }));
  const { users } = client(server.url);
  const user = await users.get('u-1');
  await users.setRole(user, { role: 'USER' });
  assert.deepEqual(server.asked.slice(0, 2).map(({ line, body }) => [line, body]), [
    ['GET /users/u-1', ''],
    ['PUT /users/u-1', '{"role":"USER"}'],
  ]);
});

test('an answer is told beside its result', async () => {
  await using server = await Scripted.answering(json(200, USER, { 'x-request-id': 'r-1' }));
  const call = client(server.url).users.get('u-1');
  const { data, response } = await call.withResponse();
  assert.equal(data.id, 'u-1');
  assert.deepEqual([response.status, response.requestId, response.attempts], [200, 'r-1', 1]);
  assert(response.elapsed >= 0);
  // Both ways, and as often as one likes, it is one request.
  assert.equal((await call).id, 'u-1');
  assert.equal(server.asked.length, 1);
});

test('a call is a promise', async () => {
  await using server = await Scripted.answering(json(200, USER), json(404, { detail: 'gone' }));
  const { users } = client(server.url);
  const order: string[] = [];
  const [user] = await Promise.all([users.get('u-1').finally(() => order.push('finally'))]);
  assert.equal(user.id, 'u-1');
  assert.equal(await users.get('u-1').catch((error: unknown) => (error as BudError).code), 'not_found');
  assert.deepEqual(order, ['finally']);
});

test('options of one call', async () => {
  await using server = await Scripted.answering(answer(503, ''), answer(503, ''), json(200, USER));
  const { users } = client(server.url, { attempts: 3 });
  const failed = await caught(users.get('u-1', { attempts: 1, headers: { 'x-trace': 't-1' } }));
  assert.deepEqual([failed.code, failed.status, failed.attempts], ['server', 503, 1]);
  assert(server.asked[0]?.headers.includes('x-trace: t-1'));
  const { response } = await users.get('u-1').withResponse();
  assert.equal(response.attempts, 2);
});

test('a call of a route of one\'s own has the options of every call', async () => {
  await using server = await Scripted.answering(answer(503, ''), answer(503, ''), json(200, USER, { 'x-request-id': 'r-1' }));
  const bud = client(server.url, { attempts: 3 });
  const failed = await caught(bud.raw('GET', '/x', {}, { attempts: 1, headers: { 'x-trace': 't-1' } }));
  assert.deepEqual([failed.code, failed.attempts], ['server', 1]);
  assert(server.asked[0]?.headers.includes('x-trace: t-1'));
  const { response } = await bud.raw('GET', '/x').withResponse();
  assert.deepEqual([response.status, response.requestId, response.attempts], [200, 'r-1', 2]);
});

test('times are milliseconds', async () => {
  await using server = await Scripted.start(() => () => undefined);
  const start = performance.now();
  const error = await caught(client(server.url).users.setRole('u-1', { role: 'USER' }, { timeout: 150 }));
  assert(error instanceof TimeoutError);
  assert.equal(error.maybeApplied, true);
  assert(error.elapsed !== undefined && error.elapsed >= 100 && error.elapsed < 15_000, `${error.elapsed}`);
  assert(performance.now() - start < 15_000);
});

test('every status is a class of its own', async () => {
  const cases: [number, unknown, typeof BudError, string][] = [
    [400, { detail: 'bad' }, bud.BadRequestError, 'bad_request'],
    [401, { detail: 'who?' }, bud.AuthRejectedError, 'auth_rejected'],
    [403, { detail: 'no' }, bud.PermissionDeniedError, 'permission_denied'],
    [404, { detail: 'none' }, bud.NotFoundError, 'not_found'],
    [409, { detail: 'taken' }, bud.ConflictError, 'conflict'],
    [418, { detail: 'tea' }, bud.ApiError, 'api'],
    [422, { detail: [{ loc: ['body', 'role'], msg: 'wrong', type: 'enum' }] }, bud.ValidationError, 'validation'],
    [429, { detail: 'slow' }, bud.RateLimitedError, 'rate_limited'],
    [500, { detail: 'oh' }, bud.ServerError, 'server'],
    [302, '', bud.UnexpectedRedirectError, 'unexpected_redirect'],
  ];
  const answers = cases.map(([status, body]) => json(status, body, { 'retry-after': '2', location: '/elsewhere', 'x-request-id': 'r-9' }));
  await using server = await Scripted.answering(...answers);
  for (const [status, , type, code] of cases) {
    const error = await caught(client(server.url).users.get('u-1'));
    assert(error instanceof type, `${status}: ${error}`);
    assert.equal(error.name, type.name);
    assert.deepEqual([error.code, error.status, error.requestId, error.operation], [code, status, 'r-9', 'users.get']);
    if (status !== 302) assert(error instanceof bud.ApiError);
    if (status === 429) assert.equal(error.retryAfter, 2000);
    if (status === 422) assert.deepEqual(error.fields, [{ location: 'body.role', message: 'wrong', rule: 'enum' }]);
  }
});

test('an error says in one line what to do, and where it was called', async () => {
  await using server = await Scripted.answering(json(404, { detail: 'User not found' }, { 'x-request-id': 'r-1' }));
  async function whoIsIt(): Promise<unknown> {
    return await client(server.url).users.get('u-1');
  }
  const error = await caught(whoIsIt());
  assert.match(error.message, /^users\.get failed: GET \/users\/\{id\} answered 404: User not found \(request id r-1, 1 attempt, \d\.\d s\)$/);
  assert.equal(error.reason, 'User not found');
  assert(error.stack?.startsWith(`NotFoundError: ${error.message}\n    at `), error.stack);
  assert.match(error.stack ?? '', /whoIsIt/);
  assert.match(error.stack ?? '', /calls\.test\.mjs/);
});

test('an error of the ESM part is an instance of the CJS part\'s class, and the other way round', async () => {
  const require = createRequire(import.meta.url);
  const cjs = require('bud-sdk-node') as typeof bud;
  assert.equal(cjs.NotFoundError, NotFoundError);
  const names = (module: object): string[] => Object.keys(module).filter((name) => /^[A-Z]/.test(name)).sort();
  assert.deepEqual(names(cjs), names(bud));
  assert.throws(() => new cjs.Client({ baseUrl: 'nonsense' }), BudError);
});

test('an answer of another shape says where', async () => {
  await using server = await Scripted.answering(json(200, { id: ['u-1'] }));
  const error = await caught(client(server.url).users.get('u-1'));
  assert(error instanceof bud.DecodeError);
  assert.match(error.path ?? '', /id/);
});

test('nobody at the other end', async () => {
  const server = await Scripted.answering();
  await server[Symbol.asyncDispose]();
  const error = await caught(client(server.url).users.get('u-1'));
  assert(error instanceof bud.ConnectionError);
  assert.deepEqual([error.code, error.maybeApplied, error.isRetryable], ['connect', false, true]);
});

test('an error says whether the same call is safe to repeat', async () => {
  await using server = await Scripted.answering(answer(503, ''), answer(503, ''), json(403, { message: 'no' }));
  const { users, projects } = client(server.url, { attempts: 1 });
  assert.equal((await caught(users.get('u-1'))).isRetryable, true);
  const created = await caught(projects.create({ name: 'p' }));
  assert.deepEqual([created.maybeApplied, created.isRetryable], [true, false]);
  const refused = await caught(users.get('u-1'));
  assert.deepEqual([refused.isRetryable, refused.requiredPermission], [false, undefined]);
});

test('wrong arguments are refused by name, before anything is sent', async () => {
  await using server = await Scripted.answering();
  const any = client(server.url) as unknown as Record<string, Record<string, (...args: unknown[]) => unknown>>;
  const of = (id: string, ...args: unknown[]): (() => unknown) => {
    const [resource, method] = id.split('.') as [string, string];
    return () => any[resource]?.[method]?.(...args);
  };
  const cycle: Record<string, unknown> = {};
  cycle['self'] = cycle;
  const cases: [string, () => unknown][] = [
    ['id', of('users.get')],
    ['id', of('users.get', null)],
    ['id', of('users.get', 7)],
    ['id', of('users.get', {})],
    ['id', of('users.get', '')],
    ['id', of('users.get', '../admin')],
    ['id', of('users.get', 'a/b')],
    ['id', of('users.get', 'a\ud800')],
    ['id', of('users.get', new Secret('canary-arg'))],
    ['role', of('users.setRole', 'u-1')],
    ['role', of('users.setRole', 'u-1', { role: 1 })],
    ['rolle', of('users.setRole', 'u-1', { role: 'USER', rolle: 'ADMIN' })],
    ['firstName', of('users.create', { email: 'a@example.com', lastName: 'B', role: 'USER' })],
    ['email', of('users.create', { email: 'nobody', firstName: 'A', lastName: 'B', role: 'USER' })],
    ['replicas', of('endpoints.scale', 'e-1', { replicas: NaN })],
    ['replicas', of('endpoints.scale', 'e-1', { replicas: Infinity })],
    ['replicas', of('endpoints.scale', 'e-1', { replicas: 0 })],
    ['replicas', of('endpoints.scale', 'e-1', { replicas: -1 })],
    ['replicas', of('endpoints.scale', 'e-1', { replicas: 1.5 })],
    ['replicas', of('endpoints.scale', 'e-1', { replicas: '3' })],
    ['replicas', of('endpoints.scale', 'e-1', { replicas: 2 ** 53 + 2 })],
    ['replicas', of('endpoints.scale', 'e-1', { replicas: 9007199254740993n })],
    ['replicas', of('endpoints.scale', 'e-1', { replicas: () => 3 })],
    ['ids[1]', of('audit.verifyMany', ['a-1', undefined])],
    ['timeout', of('users.get', 'u-1', { timeout: 0 })],
    ['timeout', of('users.get', 'u-1', { timeout: -5 })],
    ['timeout', of('users.get', 'u-1', { timeout: NaN })],
    ['timeout', of('users.get', 'u-1', { timeout: '5s' })],
    ['attempts', of('users.get', 'u-1', { attempts: 0 })],
    ['retries', of('users.get', 'u-1', { retries: 2 })],
    ['limit', of('users.get', 'u-1', { limit: 2 })],
    ['signal', of('users.get', 'u-1', { signal: 'now' })],
    ['options', of('users.get', 'u-1', 7)],
    ['headers.x', of('users.get', 'u-1', { headers: { x: NaN } })],
    ['attempts', () => client(server.url).flavor({ attempts: 2 } as object)],
    ['headers', () => client(server.url).auth.login({ headers: { x: 'y' } } as object)],
    ['header', of('users.get', 'u-1', { headers: { authorization: 'x' } })],
    ['body.self', () => client(server.url).raw('POST', '/x', { body: cycle })],
    ['method', () => client(server.url).raw('BREW' as 'GET', '/x')],
    ['pageSize', () => client(server.url).users.list({}, { pageSize: 0 }).all()],
    ['cursor', () => client(server.url).users.list({}, { cursor: 'nowhere' }).all()],
    ['attempts', () => client(server.url).users.list({}, { attempts: 2 } as object).all()],
    ['start', () => client(server.url).audit.export({ start: new Date(NaN), end: new Date() }).writeTo('x.csv')],
    ['end', () => client(server.url).audit.export({ start: new Date(2), end: new Date(1) }).writeTo('x.csv')],
    ['end', () => client(server.url).audit.export({ start: new Date(2), end: new Date(1) }).records().all()],
    ['acceptUnmarkedEnd', () => client(server.url).audit.export({ start: new Date(1), end: new Date(2), acceptUnmarkedEnd: true }).records().all()],
  ];
  for (const [param, begin] of cases) {
    const error = await caught(begin() as PromiseLike<unknown>);
    assert(error instanceof InvalidArgumentError, `${param}: ${error}`);
    assert.equal(error.param, param, error.message);
    assert.equal(error.attempts, 0);
    assert.doesNotMatch(`${error.stack}`, /canary/);
  }
  assert.equal(server.asked.length, 0);
});

test('every whole number that is too large is told what would not be', async () => {
  for (const replicas of [2 ** 32, 2 ** 53, 2 ** 53 + 2, 1e300, 9007199254740993n as unknown as number]) {
    const error = await caught(client('http://127.0.0.1:9').endpoints.scale('e-1', { replicas }));
    assert.equal(error.reason, 'it must be a whole number from 0 to 4294967295');
  }
});

test('wrong options of a client are refused by name, and never shown', () => {
  const base = { baseUrl: 'http://127.0.0.1:9' };
  const cases: [string, object][] = [
    ['password', { ...base, email: 'a@example.com' }],
    ['token', { ...base, token: 'canary-1', apiKey: 'canary-2' }],
    ['verifySsl', { ...base, token: 'canary-1', verifySsl: false }],
    ['baseUrl', { baseUrl: 7, token: 'canary-1' }],
    ['token', { ...base, token: ['canary-1'] }],
    ['flavor', { ...base, token: 't', flavor: 'canary-1' }],
    ['timeout', { ...base, token: 't', timeout: NaN }],
  ];
  for (const [param, options] of cases) {
    assert.throws(
      () => new Client(options),
      (error: unknown) => {
        assert(error instanceof BudError);
        assert.equal(error.param, param, error.message);
        assert.doesNotMatch(`${error.stack}`, /canary/);
        assert.match(error.stack ?? '', /calls\.test\.mjs/);
        return true;
      },
    );
  }
});

test('a client from the environment', async () => {
  await using bed = await testbed();
  const before = { ...process.env };
  Object.assign(process.env, { BUD_BASE_URL: bed.url, BUD_EMAIL: bed.email, BUD_PASSWORD: bed.password, HOME: '/nowhere' });
  try {
    assert.equal(await new Client().flavor(), 'guide');
    assert.equal((await new Client().users.list().all())[0]?.email, bed.email);
  } finally {
    process.env = before;
  }
});

test('messages name arguments and options as they are named here', async () => {
  const bud_ = client('http://127.0.0.1:9');
  const missing = await caught(bud_.users.create({ email: 'a@example.com', lastName: 'B', role: 'USER' } as never));
  assert.equal(missing.message, 'users.create failed: invalid argument `firstName`: it is missing');
  assert.throws(() => new Client({ baseUrl: 'http://example.com', token: 't' }), /\(or allowHttp: true\)/);
});

test('each resource is one object per client', async () => {
  await using server = await Scripted.answering();
  const [one, other] = [client(server.url), client(server.url)];
  for (const name of Object.getOwnPropertyNames(Object.getPrototypeOf(bud.Client.prototype) as object)) {
    const resource = one[name as keyof Client] as unknown;
    assert.equal(resource, one[name as keyof Client], name);
    if (typeof resource === 'object') assert.notEqual(resource, other[name as keyof Client], name);
  }
  // So a method can be replaced, as spies do, and the real request is not sent.
  const calls: unknown[][] = [];
  one.users.setRole = (...args: unknown[]) => {
    calls.push(args);
    return Promise.resolve() as unknown as bud.Call<bud.users.User>;
  };
  await one.users.setRole('u-1', { role: 'ADMIN' });
  assert.deepEqual([calls, server.asked.length], [[['u-1', { role: 'ADMIN' }]], 0]);
});

test('every code has a class of its own, and a wrong password and an ended session have theirs', async () => {
  const types = Object.values(bud).filter((value): value is typeof BudError => typeof value === 'function' && value.prototype instanceof BudError);
  for (const type of types) assert.equal(type.prototype.name, type.name);
  await using server = await Scripted.answering(json(401, { detail: 'Incorrect email or password' }), json(401, { detail: 'Incorrect email or password' }));
  const login = new Client({ baseUrl: server.url, email: 'a@example.com', password: 'p', flavor: 'guide', attempts: 1 });
  const error = await caught(login.users.get('u-1'));
  assert(error instanceof bud.InvalidCredentialsError && error instanceof bud.AuthenticationError, String(error));
  await using bed = await testbed();
  const gone = bed.client();
  await gone.auth.login();
  await gone.auth.logout();
  const ended = await caught(gone.users.list().all());
  assert(ended instanceof bud.SessionExpiredError && ended instanceof bud.AuthenticationError, String(ended));
  assert.match(ended.message, /auth\.login\(\) to open a new session/);
});

test('an error can be cloned, and shows nothing more', async () => {
  await using server = await Scripted.answering(json(404, { detail: 'none' }));
  const error = await caught(client(server.url).users.get('u-1'));
  const cloned = structuredClone(error);
  assert.equal(cloned.message, error.message);
  assert.equal(cloned.stack, error.stack);
});

test('capabilities say what the server cannot do, and what to use instead', async () => {
  await using bed = await testbed();
  const { flavor, operations } = await bed.client().capabilities();
  assert.equal(flavor, 'guide');
  const records = operations.find((operation) => operation.id === 'audit.records');
  assert.equal(records?.supported, false);
  const error = await caught(bed.client().audit.records().all());
  assert(error instanceof bud.UnsupportedError);
  assert.equal(error.hint, records?.instead);
});

test('a closed client is asked for nothing more, and what is under way goes on', async () => {
  await using server = await Scripted.answering(json(200, USER));
  let late: Client;
  let under: PromiseLike<bud.users.User>;
  {
    await using closing = client(server.url);
    late = closing;
    under = closing.users.get('u-1');
  }
  assert.equal((await under).id, 'u-1');
  const after: [string, () => PromiseLike<unknown>][] = [
    ['users.get', () => late.users.get('u-1')],
    ['users.list', () => late.users.list().all()],
    ['endpoints.wait', () => late.endpoints.wait('e-1')],
    ['audit.export', () => late.audit.export({ start: new Date(1), end: new Date(2) })[Symbol.asyncIterator]().next()],
  ];
  for (const [operation, begin] of after) {
    const error = await caught(begin());
    assert(error instanceof bud.ClosedError, String(error));
    assert.deepEqual([error.code, error.operation, error.attempts], ['closed', operation, 0]);
    assert.equal(error.message, `${operation} failed: the client is closed; make a new one`);
    assert.match(error.stack ?? '', /calls\.test\.mjs/);
  }
  assert.equal(server.asked.length, 1);
});

test('time spans are milliseconds on the way back, too', async () => {
  await using bed = await testbed('--access-ttl', '1800');
  assert.equal((await bed.client().auth.login()).expiresIn, 1_800_000);
});
