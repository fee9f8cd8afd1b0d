/** Configuration that cannot be used: what is refused, in whose words, and what it never shows. */

import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { test } from 'node:test';

import { BudError, Client, ConfigError, InvalidArgumentError, type ClientOptions } from 'bud-sdk-node';

import { json, Scripted } from './support/server.mjs';
import { testbed } from './support/testbed.mjs';

const CANARY = 'Canary-in-a-value-0123456789';
const DEAD = 'http://127.0.0.1:9';
const API = 'https://api.bud.invalid';
const NAMES = /^(BUD_|https?_proxy|all_proxy|no_proxy)/i;

/** Runs it with these variables and no others of ours. */
async function having<T>(variables: Record<string, string>, work: () => T | Promise<T>): Promise<T> {
  const before = Object.entries(process.env).filter(([name]) => NAMES.test(name));
  for (const [name] of before) delete process.env[name];
  Object.assign(process.env, variables);
  try {
    return await work();
  } finally {
    for (const name of Object.keys(variables)) delete process.env[name];
    for (const [name, value] of before) process.env[name] = value;
  }
}

/** What a client that is made like this says when it is made, or at its first call. */
async function told(options: ClientOptions | undefined, variables: Record<string, string> = {}): Promise<BudError> {
  return having(variables, async () => {
    try {
      await new Client(options).users.get('u-1');
    } catch (error) {
      assert(error instanceof BudError, String(error));
      const shown = `${error.message} ${error.stack} ${error.hint} ${String(error.cause)}`;
      assert(!shown.includes(CANARY), shown);
      assert.doesNotMatch(shown, /builder\./);
      return error;
    }
    throw new Error('it did not fail');
  });
}

test('blank variables count as unset', async () => {
  await using bed = await testbed();
  for (const blank of ['', ' ', '\n']) {
    const others = ['BUD_TOKEN', 'BUD_API_KEY', 'BUD_API_URL', 'BUD_CONFIG', 'BUD_PROFILE', 'BUD_TIMEOUT', 'HTTPS_PROXY'];
    const variables = Object.fromEntries(others.map((name) => [name, blank]));
    const login = { BUD_BASE_URL: bed.url, BUD_EMAIL: bed.email, BUD_PASSWORD: bed.password };
    await having({ ...variables, ...login }, async () => {
      assert.equal((await new Client().users.list().all())[0]?.email, bed.email);
    });
  }
});

test('tokens are trimmed, and control characters are refused by their place', async () => {
  await using server = await Scripted.start(() => json(200, { id: 'u-1' }));
  const base = { BUD_BASE_URL: server.url, BUD_API_FLAVOR: 'guide' };
  await having({ ...base, BUD_TOKEN: ' t-1\n' }, () => new Client().users.get('u-1'));
  const login = { BUD_EMAIL: 'a@example.com', BUD_PASSWORD: 'p' };
  for (const [name, value] of [
    ['BUD_TOKEN', `${CANARY}\nx`],
    ['BUD_API_KEY', `${CANARY} x`],
    ['BUD_PASSWORD', `${CANARY}\n`],
    ['BUD_EMAIL', `${CANARY}@example.com\r`],
  ] as const) {
    const error = await told(undefined, { ...base, ...login, [name]: value });
    assert(error instanceof ConfigError && error.message.includes(`environment variable ${name}: `), error.message);
  }
  const password = await told({ baseUrl: server.url, email: 'a@example.com', password: `${CANARY}\n` });
  assert(password instanceof InvalidArgumentError && password.param === 'password', password.message);
  const token = await told({ baseUrl: server.url, token: `${CANARY} x` });
  assert.match(token.message, /^token: it has characters/);
});

test('missing credentials are told in the words of Node', async () => {
  const bare = await told({ baseUrl: DEAD });
  assert(bare instanceof ConfigError);
  assert.match(bare.message, /email and password, token or apiKey, or env: true with BUD_EMAIL and BUD_PASSWORD/);
  const unread = await told({ baseUrl: DEAD }, { BUD_EMAIL: 'a@example.com', BUD_PASSWORD: CANARY });
  assert.match(unread.message, /BUD_EMAIL and BUD_PASSWORD are set, but not read: use env: true to send them to this address/);
});

test('a certificate that cannot be read and a deployment key are not shown', async () => {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const key = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
  const parts = key.split('\n').filter((line) => line.length > 40).map((line) => line.slice(0, 20));
  const broken = `-----BEGIN CERTIFICATE-----\nM!I\n-----END CERTIFICATE-----\n${key}`;
  const certificates: [string, RegExp][] = [
    [broken, /^caCertificate: the PEM text is broken/],
    [broken.replaceAll('\n', '\\n'), /^caCertificate: the PEM text is broken/],
    [key, /^caCertificate: there is no certificate/],
    ['/etc/ssl/ca.pem', /^caCertificate: text expected, not a path/],
    [CANARY, /^caCertificate: .*-----BEGIN/],
  ];
  for (const [caCertificate, why] of certificates) {
    const error = await told({ baseUrl: API, token: 't', caCertificate });
    assert(error instanceof ConfigError);
    assert.match(error.message, why);
    assert(!parts.some((part) => `${error.message}${error.stack}`.includes(part)), error.message);
    const named = await told(undefined, { BUD_BASE_URL: API, BUD_TOKEN: 't', BUD_CA_CERTIFICATE: caCertificate });
    assert.match(named.message, /BUD_CA_CERTIFICATE/);
    assert(!parts.some((part) => `${named.message}${named.stack}`.includes(part)), named.message);
  }
  for (const deploymentKey of [key.replaceAll('\n', ''), '/etc/bud/key.pem', CANARY]) {
    const error = await told({ baseUrl: API, token: 't', deploymentKey });
    assert.equal(error.param, 'deploymentKey');
    assert(!parts.some((part) => error.message.includes(part)), error.message);
  }
});

test('a proxy that cannot be used is refused by its variable, and one that is down is blamed', async () => {
  const options: ClientOptions = { baseUrl: API, token: 't', flavor: 'guide', attempts: 1 };
  for (const [name, value] of [
    ['HTTPS_PROXY', `ftp://${CANARY}:1`],
    ['https_proxy', `"http://${CANARY}:1"`],
    ['ALL_PROXY', `http://u:${CANARY}@proxy:x`],
    ['HTTPS_PROXY', `http://${CANARY}:1\n`],
    ['ALL_PROXY', `socks5://u:${CANARY}@127.0.0.1:1`],
  ] as const) {
    const error = await told(options, { [name]: value });
    assert(error instanceof ConfigError && error.message.includes(name), error.message);
    const loopback = await told({ ...options, baseUrl: DEAD }, { [name]: value });
    assert.equal(loopback.code, 'connect');
  }
  const down = await told(options, { HTTPS_PROXY: 'http://127.0.0.1:9' });
  assert.equal(down.code, 'connect');
  assert.match(down.message, /the proxy 127\.0\.0\.1:9 \(from the environment variable HTTPS_PROXY\): no connection/);
});

test('the number of connections has its limits', async () => {
  const error = await told({ baseUrl: DEAD, token: 't', maxConnections: 0 });
  assert(error instanceof InvalidArgumentError && error.param === 'maxConnections', error.message);
});
