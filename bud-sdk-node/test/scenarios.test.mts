/**
 * The scenarios of tests/contract, replayed through the public façade: the same requests byte for byte, the same results,
 * the same errors as in every other language. They have everything that the core's registry has, so this also calls
 * every entry of it.
 */

import assert from 'node:assert/strict';
import { appendFileSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';

import * as sdk from 'bud-sdk-node';
import { BudError, type BudWarning, type Call, Client, type List, Secret } from 'bud-sdk-node';

import { answer, json, Scripted, type Answer } from './support/server.mjs';

const CONTRACT = new URL('../../../tests/contract/', import.meta.url).pathname;
const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as { version: string };

type Json = null | boolean | number | string | Json[] | { [name: string]: Json };
type Named = { [name: string]: Json };

interface Scenario {
  name: string;
  call: string;
  /** What else of the core it shows. */
  also?: string[];
  /** The options of its client. */
  client?: Named;
  /** What it is called on, if that is not the platform. */
  backend?: string;
  /** Its requests are made at the same time. */
  any_order?: boolean;
  args: Named;
  options?: Named;
  exchanges: { answer: Named; request: { line: string; headers: string[]; body: string } }[];
  result?: Json;
  pages?: { items: Json[]; cursor: string | null; total: Json }[];
  bytes?: string;
  file?: string;
  updates?: Json[];
  error?: Named;
  warnings?: BudWarning[];
}

/** What the core tells of a backend. */
interface Backend {
  class: string;
  topic: string;
  own: string;
  address: string | null;
  takes_token: boolean;
}

const read = (path: string): string => readFileSync(join(CONTRACT, path), 'utf8');
const scenarios = readdirSync(join(CONTRACT, 'scenarios'), { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.json'))
  .sort()
  .map((file) => JSON.parse(read(`scenarios/${file}`)) as Scenario);

const backends = JSON.parse(read('backends.json')) as Record<string, Backend>;

function backendOf({ backend = 'bud' }: Scenario): Backend {
  const found = backends[backend];
  assert(found, `there is no backend ${backend}`);
  return found;
}

interface Recorded {
  name: string;
  status: number;
  response_headers: Record<string, string>;
  response_body: Json;
}

const recordings = new Map(
  ['runtime/exchanges_keycloak.jsonl', 'runtime/exchanges.jsonl']
    .flatMap((file) => read(file).trim().split('\n'))
    .map((line) => JSON.parse(line) as Recorded)
    .map((exchange) => [exchange.name, exchange]),
);

/** What a scenario's server answers: written out, recorded from the real server, or a fixture of the documented API. */
function scripted(told: Named): Answer {
  if (told['close'] === true) return (socket) => socket.end();
  const status = (told['status'] as number | undefined) ?? 200;
  if (told['recorded'] !== undefined) {
    const exchange = recordings.get(told['recorded'] as string);
    assert(exchange, `nothing was recorded as ${told['recorded']}`);
    const { 'content-type': type = '', 'retry-after': delay } = exchange.response_headers;
    const body = exchange.response_body;
    const text = body === null ? '' : typeof body === 'string' ? body : JSON.stringify(body);
    return answer(exchange.status, text, { 'content-type': type, ...(delay === undefined ? {} : { 'retry-after': delay }) });
  }
  if (told['fixture'] !== undefined) return json(status, JSON.parse(read(`guide/${told['fixture']}.json`)));
  const headers = (told['headers'] ?? {}) as Record<string, string>;
  if (typeof told['text'] === 'string') return answer(status, told['text'], { 'content-type': 'text/plain', ...headers });
  const body = told['json'] == null ? '' : JSON.stringify(told['json']);
  return answer(status, body, { 'content-type': 'application/json', ...headers });
}

/** Names and durations as this package has them. */
const TIMES = new Set([
  'since',
  'timeout',
  'attempt_timeout',
  'connect_timeout',
  'idle_timeout',
  'poll_interval',
  'duration',
]);
const camel = (name: string): string => name.replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());

function translated(named: Named = {}): Record<string, unknown> {
  const pairs = Object.entries(named).map(([name, value]) => {
    return [camel(name), TIMES.has(name) && typeof value === 'number' ? value * 1000 : value];
  });
  return Object.fromEntries(pairs);
}

interface Outcome {
  result?: unknown;
  pages?: { items: unknown[]; cursor: string | null; total: unknown }[];
  bytes?: string;
  updates?: unknown[];
  warnings?: readonly BudWarning[];
}

type Method = (...args: unknown[]) => unknown;

/** Calls what has this id, as a person would write it. */
async function call(client: object, scenario: Scenario, args: Record<string, unknown>, options: object, seen: Outcome): Promise<void> {
  const { call: id } = scenario;
  const [resource = '', name = ''] = id.split('.');
  const method = /^(export)_/.exec(name)?.[1] ?? camel(name);
  const own = resource === backendOf(scenario).own;
  const handle = (own ? client : client[camel(resource) as keyof typeof client]) as object;
  const function_ = handle[method as keyof typeof handle] as Method | undefined;
  assert(function_, `there is no ${id}`);
  const { path, overwrite, ...more } = args;
  switch (id) {
    case 'audit.export':
      seen.bytes = '';
      for await (const chunk of (client as Client).audit.export(args as never)) seen.bytes += Buffer.from(chunk).toString('utf8');
      return;
    case 'audit.export_file':
      seen.result = await (client as Client).audit.export(more as never).writeTo(path as string, { overwrite: overwrite as boolean });
      return;
    case 'audit.export_records': {
      const items: unknown[] = [];
      seen.pages = [{ items, cursor: null, total: null }];
      for await (const record of (client as Client).audit.export(args as never).records()) items.push(record);
      return;
    }
  }
  const begun = function_.call(handle, ...parameters(function_, args, options)) as List<unknown> | Call<unknown> | Promise<unknown>;
  if ('pages' in begun) {
    const pages = begun.pages();
    for await (const page of pages) {
      (seen.pages ??= []).push({ items: page.items, cursor: page.cursor ?? null, total: page.total ?? null });
    }
    seen.warnings = pages.warnings;
  } else if ('withResponse' in begun) {
    const { data, warnings } = await begun.withResponse();
    [seen.result, seen.warnings] = [data ?? null, warnings];
  } else {
    seen.result = (await begun) ?? null;
  }
}

/** The arguments in the order of the method's parameters: those that it does not name are its `params`. */
function parameters(method: Method, args: Record<string, unknown>, options: object): unknown[] {
  const names = /\(([^)]*)\)/.exec(method.toString())?.[1]?.split(', ') ?? [];
  const others = { ...args };
  for (const name of names) delete others[name];
  const takesOthers = names.includes('params');
  // What it cannot take at all goes where a person would put it by mistake.
  return names.map((name) => {
    if (name === 'params') return others;
    if (name === 'options') return takesOthers ? options : { ...options, ...others };
    return args[name];
  });
}

/** Compares what was given with what the core writes: names in camel case, dates, nothing for null. */
function same(given: unknown, wanted: Json, at: string): void {
  if (wanted === null) return assert(given == null, `${at} is ${String(given)}, not absent`);
  if (Array.isArray(wanted)) {
    assert(Array.isArray(given) && given.length === wanted.length, `${at} is no list of ${wanted.length}`);
    return wanted.forEach((item, index) => same(given[index], item, `${at}[${index}]`));
  }
  if (typeof wanted === 'object') {
    assert(typeof given === 'object' && given !== null, `${at} is ${String(given)}`);
    const left = new Map(Object.entries(given));
    const extra = (left.get('extra') ?? {}) as Named;
    for (const [name, value] of Object.entries(wanted)) {
      if (Object.hasOwn(extra, name)) {
        assert.deepEqual(extra[name], value, `${at}.extra.${name}`);
        continue;
      }
      const own = left.has(name) ? name : camel(name);
      same(left.get(own), value, `${at}.${own}`);
      left.delete(own);
    }
    left.delete('extra');
    assert.deepEqual([...left.keys()], [], `${at} has what was never sent`);
    return;
  }
  if (given instanceof Date) return assert.equal(given.getTime(), new Date(wanted as string).getTime(), at);
  if (given instanceof Secret) return assert.equal(given.expose(), wanted, at);
  if (typeof given === 'bigint') return assert.equal(given, BigInt(wanted as string), at);
  // Enumerations are spelled the same on every API here; the core writes them as the server did.
  if (SPANS.test(at) && typeof given === 'number') return assert.equal(given, (wanted as number) * 1000, at);
  // JSON has no NaN and no infinities: the core writes them as text.
  if (typeof given === 'number' && typeof wanted === 'string') {
    return assert.equal(given, Number(wanted.replace('Inf', 'Infinity')), at);
  }
  if (given !== wanted && typeof given === 'string' && typeof wanted === 'string') return spelled(given, wanted, at);
  assert.equal(given, wanted, at);
}

/** Time spans, which are milliseconds here. */
const SPANS = /\.(expiresIn|elapsed)$/;

/** Spellings that differ from their canonical one by more than case. */
const ALIASES: Readonly<Record<string, string>> = { deleted: 'INACTIVE' };

function spelled(given: string, wanted: string, at: string): void {
  assert.equal(given.toLowerCase(), (ALIASES[wanted] ?? wanted).toLowerCase(), at);
}

function failure(error: unknown): Record<string, unknown> {
  assert(error instanceof BudError, String(error));
  const told: Record<string, unknown> = {
    kind: error.code,
    message: error.reason,
    hint: error.hint,
    status: error.status,
    server_code: error.serverCode,
    param: error.param,
    // The core writes what a field has no rule for as null.
    fields: error.fields.length === 0 ? undefined : error.fields.map((field) => ({ rule: null, ...field })),
    request_id: error.requestId,
    retry_after: error.retryAfter === undefined ? undefined : error.retryAfter / 1000,
    attempts: error.attempts,
    operation: error.operation,
    maybe_applied: error.maybeApplied,
    is_retryable: error.isRetryable,
    required_permission: error.requiredPermission,
    path: error.path,
    cursor: error.cursor,
  };
  for (const name of Object.keys(told)) if (told[name] === undefined) delete told[name];
  return told;
}

/** A client of the server: what has no address of its own is told the server's in a kubeconfig. */
function connected(scenario: Scenario, url: string, folder: string): object {
  const { class: name, topic, address, takes_token: takesToken } = backendOf(scenario);
  const options: Record<string, unknown> = translated(scenario.client);
  if (takesToken && !('password' in options)) options['token'] ??= 'scenario-token';
  if (address === null) {
    const kubeconfig = join(folder, 'kubeconfig');
    const config = {
      apiVersion: 'v1',
      kind: 'Config',
      'current-context': 'scenario',
      clusters: [{ name: 'scenario', cluster: { server: url } }],
      users: [{ name: 'scenario', user: { token: 'scenario-token' } }],
      contexts: [{ name: 'scenario', context: { cluster: 'scenario', user: 'scenario' } }],
    };
    writeFileSync(kubeconfig, JSON.stringify(config));
    options['kubeconfig'] = kubeconfig;
  } else options[camel(address)] = url;
  const place = (topic === '' ? sdk : sdk[topic as keyof typeof sdk]) as unknown as Record<string, new (options: object) => object>;
  const made = place[name];
  assert(made, `there is no ${topic}.${name}`);
  return new made(options);
}

/** Updates of what happens at the same time come in any order. */
function place(update: unknown): string {
  const { kind = null, finding } = update as { kind?: string; finding?: { code: string; subject: { name: string } } };
  return [kind, finding?.code ?? null, finding?.subject.name ?? null].map((part) => JSON.stringify(part)).join();
}

async function play(scenario: Scenario): Promise<void> {
  const { exchanges } = scenario;
  // Requests that are made at the same time have each its own answer.
  const own = (line: string): number => exchanges.findIndex(({ request }) => request.line === line);
  const answers = exchanges.map((exchange) => scripted(exchange.answer));
  await using server = await Scripted.start(({ line }, at) => answers[scenario.any_order ? own(line) : at]);
  const folder = mkdtempSync(join(tmpdir(), 'bud-scenario-'));
  const file = join(folder, 'file');
  const seen: Outcome = {};
  let error: Record<string, unknown> | undefined;
  try {
    const args = translated(scenario.args);
    if (args['path'] === '$file') args['path'] = file;
    const onUpdate = (update: unknown): unknown => (seen.updates ??= []).push(update);
    const wishes = { ...translated(scenario.options), ...(scenario.updates ? { onUpdate } : {}) };
    await call(connected(scenario, server.url, folder), scenario, args, wishes, seen).catch((caught: unknown) => {
      error = failure(caught);
    });
    if (existsSync(file)) assert.equal(readFileSync(file, 'utf8'), scenario.file, 'the file');
    else assert.equal(undefined, scenario.file, 'the file');
  } finally {
    rmSync(folder, { recursive: true });
  }
  const { spelled, ...told } = scenario.error ?? {};
  const wanted: Named | undefined = scenario.error && { ...told, ...((spelled as Named | undefined)?.['node'] as Named | undefined) };
  if (wanted?.['kind'] === 'invalid_argument') wanted['param'] = camel(wanted['param'] as string);
  assert.deepEqual(error, wanted, 'the error');
  if (!error) assert.deepEqual(seen.warnings ?? [], scenario.warnings ?? [], 'the warnings');
  const shown = (text: string): string => text.replaceAll(server.host, '$host').replaceAll(version, '$version');
  const asked = server.asked.map(({ line, headers, body }) => ({ line, headers: headers.map(shown), body }));
  if (scenario.any_order) asked.sort((one, other) => (one.line < other.line ? -1 : 1));
  assert.deepEqual(
    asked,
    scenario.exchanges.map((exchange) => ({ ...exchange.request })),
    'what was sent',
  );
  if (wanted && scenario.result === undefined) assert.equal(seen.result, undefined);
  else if (scenario.result !== undefined) {
    // Reports name the server that they are about.
    const result = JSON.stringify(scenario.result).replaceAll('$host', server.host);
    same(seen.result, JSON.parse(result) as Json, 'the result');
  }
  assert.equal(seen.bytes || undefined, scenario.bytes, 'the bytes');
  const { pages = [], updates } = scenario;
  if (scenario.call === 'kubernetes.follow_logs' && seen.pages) {
    // How lines are parcelled is their own affair.
    seen.pages = [{ items: seen.pages.flatMap((page) => page.items), cursor: null, total: null }];
  }
  same(seen.pages ?? [], pages as Json, 'the pages');
  if (scenario.any_order) seen.updates?.sort((one, other) => (place(one) < place(other) ? -1 : 1));
  if (updates) same(seen.updates, updates, 'the updates');
  // For the coverage table.
  const journal = process.env['BUD_TESTBED_JOURNAL'];
  const on = scenario.backend ?? scenario.client?.['flavor'];
  const proven = [scenario.call, ...(scenario.also ?? [])].map((id) => `${on} CALL /${id} 200\n`);
  if (journal && on && !error) appendFileSync(journal, proven.join(''));
}

test('every scenario has a name of its own, and there are many', () => {
  assert.equal(new Set(scenarios.map((scenario) => scenario.name)).size, scenarios.length);
  assert(scenarios.length > 100, `${scenarios.length}`);
});

test('a request beyond those of a scenario is seen', async () => {
  await using server = await Scripted.answering(json(200, { id: 'u-1' }));
  const bud = new Client({ baseUrl: server.url, token: 'scenario-token', flavor: 'guide', attempts: 1 });
  await bud.users.get('u-1');
  await assert.rejects(bud.users.get('u-2').withResponse(), BudError);
  assert.deepEqual(
    server.asked.map(({ line }) => line),
    ['GET /users/u-1', 'GET /users/u-2'],
  );
});

for (const scenario of scenarios) {
  test(`${scenario.call}: ${scenario.name}`, () => play(scenario));
}
