/**
 * In the environment of a browser, whose AbortSignal, Event and DOMException are jsdom's own.
 *
 * @jest-environment jsdom
 */

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

test('an AbortSignal of jsdom ends a call, before it and meanwhile', async () => {
  const controller = new AbortController();
  expect(controller).toBeInstanceOf(window.AbortController);
  const call = client.users.get('silent', { signal: controller.signal }).catch((error) => error);
  const list = client.users.list({}, { signal: controller.signal }).all().catch((error) => error);
  await server.asks(1);
  const reason = { why: 'mine' };
  controller.abort(reason);
  expect(await call).toBe(reason);
  await list;
  const before = server.asked.length;
  await expect(client.users.get('u-1', { signal: controller.signal })).rejects.toBe(reason);
  await expect(client.users.get('u-1', { signal: AbortSignal.abort() })).rejects.toMatchObject({ name: 'AbortError' });
  expect(server.asked).toHaveLength(before);
});

test('a signal that is not aborted changes nothing', async () => {
  const { signal } = new AbortController();
  for (let round = 0; round < 20; round += 1) await expect(client.users.get('u-1', { signal })).resolves.toEqual({ id: 'u-1' });
});

test('every error is a BudError, and variables of the test are read', async () => {
  await expect(client.users.get('nobody')).rejects.toThrow(bud.NotFoundError);
  await expect(client.users.get('u-1', { signal: {} })).rejects.toMatchObject({ param: 'signal' });
  Object.assign(process.env, { BUD_BASE_URL: server.url, BUD_TOKEN: 'token-of-the-test', BUD_API_FLAVOR: 'guide' });
  await expect(new bud.Client().users.get('u-1')).resolves.toEqual({ id: 'u-1' });
});

test('an export is a web stream here, too', async () => {
  const reader = client.audit.export({ start: new Date(1), end: new Date(2) }).stream().getReader();
  await expect(reader.read()).rejects.toThrow(bud.NotFoundError);
});
