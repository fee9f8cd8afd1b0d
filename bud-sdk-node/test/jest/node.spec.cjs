/** In Jest's own environment for Node. */

const { getEventListeners } = require('node:events');
const { tmpdir } = require('node:os');
const { join } = require('node:path');

const bud = require('bud-sdk-node');

const { serve } = require('./server.cjs');

let server;
let client;

beforeAll(async () => {
  server = await serve();
  client = new bud.Client({ baseUrl: server.url, token: 't', flavor: 'guide', attempts: 1 });
});

afterAll(() => server.close());

beforeEach(() => {
  server.asked.length = 0;
});

test('every error is a BudError with its facts', async () => {
  const error = await client.users.get('nobody').catch((error) => error);
  expect(error).toBeInstanceOf(bud.NotFoundError);
  expect(error).toBeInstanceOf(bud.BudError);
  expect(error).toBeInstanceOf(Error);
  expect(error).toMatchObject({ name: 'NotFoundError', code: 'not_found', status: 404, operation: 'users.get' });
  expect(error.stack).toMatch(/node\.spec\.cjs/);
  await expect(client.users.get('../admin')).rejects.toThrow(bud.InvalidArgumentError);
  await expect(client.users.list().all()).rejects.toThrow(bud.NotFoundError);
  const log = client.audit.export({ start: new Date(1), end: new Date(2) });
  await expect(log.writeTo(join(tmpdir(), `bud-jest-${process.pid}.csv`))).rejects.toThrow(bud.NotFoundError);
  expect(() => new bud.Client({ baseUrl: 'nonsense', token: 't' })).toThrow(bud.ConfigError);
  expect(() => new bud.Client({ baseUrl: server.url, token: 't', flavor: 'none' })).toThrow(bud.InvalidArgumentError);
  expect(() => bud.report.toText({})).toThrow(bud.BudError);
});

test('variables that a test sets, as dotenv does, are read', async () => {
  const before = { ...process.env };
  Object.assign(process.env, { BUD_BASE_URL: server.url, BUD_TOKEN: 'token-of-the-test', BUD_API_FLAVOR: 'guide' });
  try {
    await expect(new bud.Client().users.get('u-1')).resolves.toEqual({ id: 'u-1' });
    delete process.env.BUD_TOKEN;
    process.env.HOME = '/nowhere';
    expect(() => new bud.Client()).toThrow(/no credentials/);
  } finally {
    process.env = before;
  }
});

test('a spy on a method is called, and no request is sent', async () => {
  expect(client.users).toBe(client.users);
  const spy = jest.spyOn(client.users, 'deactivate').mockResolvedValue(undefined);
  await client.users.deactivate('u-1');
  expect(spy).toHaveBeenCalledWith('u-1');
  expect(server.asked).toEqual([]);
  spy.mockRestore();
  await client.users.deactivate('u-1');
  expect(server.asked).toHaveLength(1);
});

test('one signal for many calls has one listener', async () => {
  const controller = new AbortController();
  const reason = new Error('{"kind":"not_found","text":"not yours"}');
  const options = { signal: controller.signal };
  const calls = Array.from({ length: 30 }, () => client.users.get('silent', options).catch((error) => error));
  expect(getEventListeners(controller.signal, 'abort')).toHaveLength(1);
  await server.asks(30);
  controller.abort(reason);
  expect(new Set(await Promise.all(calls))).toEqual(new Set([reason]));
  expect(getEventListeners(controller.signal, 'abort')).toHaveLength(0);
});

test('arguments of this context are taken', async () => {
  await client.users.get('u-1', { headers: new Headers({ 'x-trace': 't-1' }), timeout: 10_000 });
  await client.raw('GET', '/users/u-1', { query: new Map(), body: { at: new Date(0), bytes: [1], map: new Map([['a', 1]]) } });
  await expect(client.raw('POST', '/x', { body: { at: new Date(NaN) } })).rejects.toMatchObject({ param: 'body.at' });
  await expect(client.users.list(new Map([['role', 'ADMIN']])).all()).rejects.toMatchObject({ param: 'params' });
});

test('a second copy of the package works beside the first', async () => {
  jest.resetModules();
  const other = require('bud-sdk-node');
  expect(other.BudError).not.toBe(bud.BudError);
  const second = new other.Client({ baseUrl: server.url, token: new bud.Secret('t'), flavor: 'guide', attempts: 1 });
  await expect(second.users.get('nobody')).rejects.toThrow(other.NotFoundError);
  await expect(second.users.get('silent', { signal: AbortSignal.timeout(50) })).rejects.toMatchObject({ name: 'TimeoutError' });
  await expect(client.users.get('nobody')).rejects.toThrow(bud.NotFoundError);
});
