/** Reports in the forms in which people read them; what is in them is the core's affair. */

import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';

import { InvalidArgumentError, kubernetes, report as reports } from 'bud-sdk-node';

import { answer, Scripted } from './support/server.mjs';

interface Scenario {
  readonly exchanges: readonly {
    readonly request: { readonly line: string };
    readonly answer: { readonly status: number; readonly json?: unknown; readonly text?: string; readonly headers: { date: string } };
  }[];
}

const SCENARIOS = new URL('../../../tests/contract/scenarios/kubernetes/', import.meta.url).pathname;

/** The report of a scenario's cluster. */
async function read(name: string): Promise<reports.Report> {
  const scenario = JSON.parse(readFileSync(join(SCENARIOS, `${name.replaceAll(' ', '-')}.json`), 'utf8')) as Scenario;
  await using server = await Scripted.start(({ line }) => {
    const exchange = scenario.exchanges.find(({ request }) => request.line === line);
    if (!exchange) return answer(404, 'no such line');
    const { status, json, text, headers } = exchange.answer;
    return answer(status, text ?? JSON.stringify(json), headers);
  });
  const folder = mkdtempSync(join(tmpdir(), 'bud-report-'));
  const kubeconfig = join(folder, 'kubeconfig');
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': 'one',
    clusters: [{ name: 'one', cluster: { server: server.url } }],
    users: [{ name: 'one', user: { token: 't' } }],
    contexts: [{ name: 'one', context: { cluster: 'one', user: 'one' } }],
  };
  writeFileSync(kubeconfig, JSON.stringify(config));
  try {
    await using cluster = new kubernetes.Cluster({ kubeconfig });
    return await cluster.report({ platform: ['bud-system'] });
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const bad = await read('a report of a bad day');
const well = await read('a report of a cluster that is well');

test('a report is read as text and as HTML', () => {
  const text = reports.toText(bad);
  assert.match(text, /CRITICAL NODE_NOT_READY Node gpu-2/);
  assert.match(text, /explains: .*1 service/);
  assert(!text.includes('healthy'));
  const page = reports.toHtmlPage(bad);
  assert(page.startsWith('<!doctype html>') && page.includes(reports.toHtml(bad)) && !page.includes('<script'));
});

test('exit codes are for programs', () => {
  assert.deepEqual([reports.exitCode(bad), reports.exitCode(well)], [3, 0]);
  const fleet: reports.FleetReport = { verdict: 'UNKNOWN', clusters: [{ context: 'a', report: well }, { context: 'b', error: 'gone' }] };
  assert.equal(reports.exitCode(fleet), 5);
});

test('causes are told from what they explain', () => {
  const causes = reports.roots(bad);
  assert(causes.length < bad.findings.length);
  const node = causes.find(({ code }) => code === 'NODE_NOT_READY');
  assert.deepEqual([node?.subject.name, node?.severity, node?.causedBy], ['gpu-2', 'CRITICAL', undefined]);
  assert(bad.findings.some(({ causedBy }) => causedBy === node?.fingerprint));
});

test('what changed between two', () => {
  const { new: appeared, resolved } = reports.diff(well, bad);
  assert.deepEqual(appeared, []);
  assert(resolved.some(({ code, since }) => code === 'NODE_NOT_READY' && since instanceof Date));
  assert.match(reports.diffText(well, bad), /NODE_NOT_READY/);
});

test('what is no report is refused', () => {
  assert.throws(
    () => reports.toText({} as reports.Report),
    (error) => error instanceof InvalidArgumentError && error.param === 'report',
  );
});
