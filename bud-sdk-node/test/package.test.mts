/** The package as it is published: packed, installed into empty projects and used there. */

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

import { testbed } from './support/testbed.mjs';

const HOME = fileURLToPath(new URL('../../', import.meta.url));
const run = promisify(execFile);
let folder: string;
let tarball: string;

before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'bud-package-'));
  const { stdout } = await run('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', folder], { cwd: HOME });
  const [packed] = JSON.parse(stdout) as [{ filename: string }];
  tarball = join(folder, packed.filename);
});

after(() => rmSync(folder, { recursive: true }));

/** An empty project with the package installed, and these files. */
async function project(name: string, manifest: object, files: Record<string, string>): Promise<string> {
  const path = join(folder, name);
  mkdirSync(path);
  writeFileSync(join(path, 'package.json'), JSON.stringify({ name, private: true, ...manifest }));
  for (const [file, source] of Object.entries(files)) writeFileSync(join(path, file), source);
  await run('npm', ['install', '--offline', '--no-audit', '--no-fund', tarball], { cwd: path });
  return path;
}

const BODY = `
const client = new Client({ baseUrl: process.env.URL, email: process.env.EMAIL, password: process.env.PASSWORD });
async function main() {
  for await (const user of client.users.list({ role: 'ADMIN' })) console.log(user.email);
  await client.users.get('nobody').catch((error) => console.log(error instanceof NotFoundError, error.status));
}
main();
`;

test('the tarball has what it needs, and no more', async () => {
  const { stdout } = await run('tar', ['--list', '--file', tarball]);
  const files = stdout.trim().split('\n').map((file) => file.replace(/^package\//, ''));
  for (const needed of ['package.json', 'README.md', 'LICENSE', 'bud-sdk-node.node', 'dist/index.js', 'dist/index.mjs', 'dist/index.d.ts', 'dist/index.d.mts']) {
    assert(files.includes(needed), needed);
  }
  const strange = files.filter((file) => !/^(package\.json|README\.md|LICENSE|bud-sdk-node\.node|(dist|ts)\/.+)$/.test(file));
  assert.deepEqual(strange, []);
});

test('it has no dependencies, and its maps find their sources', () => {
  const manifest = JSON.parse(readFileSync(join(HOME, 'package.json'), 'utf8')) as Record<string, unknown>;
  assert.equal(manifest['dependencies'], undefined);
  const map = JSON.parse(readFileSync(join(HOME, 'dist/base.js.map'), 'utf8')) as { sources: string[] };
  assert.deepEqual(map.sources, ['../ts/base.ts']);
});

test('ESM and CommonJS', async () => {
  await using bed = await testbed();
  const env = { ...process.env, URL: bed.url, EMAIL: bed.email, PASSWORD: bed.password };
  const path = await project('plain', {}, {
    'a.mjs': `import { Client, NotFoundError } from 'bud-sdk-node';${BODY}`,
    'b.cjs': `const { Client, NotFoundError } = require('bud-sdk-node');${BODY}`,
  });
  for (const file of ['a.mjs', 'b.cjs']) {
    const { stdout } = await run(process.execPath, [file], { cwd: path, env });
    assert.deepEqual(stdout.trim().split('\n'), [bed.email, 'true 404'], file);
  }
});

const SOURCE = `
import { Client, BudError, type users } from 'bud-sdk-node';
export async function emails(client: Client): Promise<string[]> {
  const found: users.User[] = await client.users.list({ role: 'ADMIN' }).all();
  return found.map((user) => user.email ?? user.id);
}
export const download = (client: Client): Response =>
  new Response(client.audit.export({ start: new Date(0), end: new Date() }).stream());
export const told = (error: unknown): boolean => error instanceof BudError && error.code === 'not_found';
`;

for (const compiler of ['typescript', 'typescript-5']) {
  test(`TypeScript: strict, isolated modules, with and without a browser's types: ${compiler}`, async () => {
    const path = await project(`consumer-${compiler}`, { type: 'module' }, { 'main.ts': SOURCE, 'other.cts': SOURCE });
    mkdirSync(join(path, 'node_modules/@types'), { recursive: true });
    for (const name of ['@types/node', 'undici-types']) {
      symlinkSync(join(HOME, 'node_modules', name), join(path, 'node_modules', name));
    }
    const tsc = join(HOME, 'node_modules', compiler, 'bin/tsc');
    const common = ['--noEmit', '--strict', '--isolatedModules', '--target', 'es2022', '--types', 'node', '--exactOptionalPropertyTypes'];
    const variants = [
      ['--module', 'nodenext', '--lib', 'es2022', 'main.ts', 'other.cts'],
      ['--module', 'nodenext', '--lib', 'es2022,dom', 'main.ts', 'other.cts'],
      ['--module', 'esnext', '--moduleResolution', 'bundler', '--lib', 'es2022,dom,dom.iterable', 'main.ts'],
    ];
    for (const variant of variants) {
      await run(process.execPath, [tsc, ...common, ...variant], { cwd: path }).catch((error: { stdout: string }) => {
        assert.fail(`${variant.join(' ')}\n${error.stdout}`);
      });
    }
  });
}

test('as it is published: the native part in a package for the platform', { skip: process.platform !== 'linux' }, async () => {
  const out = join(folder, 'release');
  const report = process.report.getReport() as { header: { glibcVersionRuntime?: string } };
  const platform = `linux-${process.arch}-${report.header.glibcVersionRuntime ? 'gnu' : 'musl'}`;
  const release = (...args: string[]): Promise<unknown> => run(process.execPath, [join(HOME, 'scripts/release.mjs'), out, ...args]);
  await release();
  await release(platform, join(HOME, 'bud-sdk-node.node'));
  const packages = ['bud-sdk-node', `bud-sdk-node-${platform}`].map((name) => join(out, name));
  const path = join(folder, 'published');
  mkdirSync(path);
  writeFileSync(join(path, 'package.json'), '{"private":true}');
  await run('npm', ['install', '--offline', '--omit=optional', '--install-links', '--no-audit', '--no-fund', ...packages], { cwd: path });
  const program = `const { Client } = require('bud-sdk-node'); new Client({ baseUrl: 'http://127.0.0.1:9', token: 't' }); console.log('made');`;
  const { stdout } = await run(process.execPath, ['--eval', program], { cwd: path });
  assert.equal(stdout.trim(), 'made');
  // Without it the error says what to do.
  rmSync(join(path, 'node_modules', `bud-sdk-node-${platform}`), { recursive: true });
  await assert.rejects(run(process.execPath, ['--eval', program], { cwd: path }), /no native part for linux-.*reinstall/);
});

test('what the READMEs show compiles', async () => {
  const path = join(HOME, 'build', 'readme');
  mkdirSync(path, { recursive: true });
  const head = `import { pipeline } from 'node:stream/promises';
declare const password: string; declare const signal: AbortSignal; declare const response: NodeJS.WritableStream;
export { password, signal, response, pipeline };
`;
  let shown = 0;
  for (const readme of ['README.md', '../README.md']) {
    for (const [, source] of readFileSync(join(HOME, readme), 'utf8').matchAll(/^```ts\n([^]*?)^```/gm)) {
      writeFileSync(join(path, `shown-${(shown += 1)}.mts`), head + source);
    }
  }
  assert(shown >= 2);
  const files = Array.from({ length: shown }, (_, at) => join(path, `shown-${at + 1}.mts`));
  const tsc = join(HOME, 'node_modules/typescript/bin/tsc');
  const flags = ['--ignoreConfig', '--noEmit', '--strict', '--module', 'nodenext', '--target', 'es2022', '--types', 'node'];
  await run(process.execPath, [tsc, ...flags, ...files], { cwd: HOME }).catch((error: { stdout: string }) => assert.fail(error.stdout));
});

test('publint and attw have nothing to say', async () => {
  const tool = (name: string): string => join(HOME, 'node_modules/.bin', name);
  await run(tool('publint'), ['run', tarball, '--strict'], { cwd: HOME });
  const { stdout } = await run(tool('attw'), [tarball, '--format', 'table-flipped', '--no-emoji'], { cwd: HOME });
  assert.match(stdout, /No problems found/);
});
