// Builds this package from source: the native part with cargo, then the TypeScript part.
//
//   node scripts/build.mjs [--unless-built] [--native FILE]
//
// With --native the native part is that file, and nothing is compiled by cargo.

import { execFileSync } from 'node:child_process';
import { copyFileSync, existsSync, renameSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const home = join(dirname(fileURLToPath(import.meta.url)), '..');
const native = join(home, 'bud-sdk-node.node');
const { values: flags } = parseArgs({ options: { 'unless-built': { type: 'boolean' }, native: { type: 'string' } } });

if (!flags['unless-built'] || !existsSync(native) || !existsSync(join(home, 'dist', 'index.js'))) {
  // Never written over: a process that has it loaded would crash.
  copyFileSync(flags.native ?? compiled(), `${native}.new`);
  renameSync(`${native}.new`, native);

  const tsc = join(home, 'node_modules', 'typescript', 'bin', 'tsc');
  // Whoever installs this folder into a project of his own gets none of its tools.
  if (!existsSync(tsc)) npm('ci', '--ignore-scripts', '--no-audit', '--no-fund');
  copyFileSync(join(home, '..', 'LICENSE'), join(home, 'LICENSE'));
  rmSync(join(home, 'dist'), { recursive: true, force: true });
  run(process.execPath, tsc, '--project', join(home, 'tsconfig.json'));
}

function compiled() {
  run('cargo', 'build', '--release', '--package', 'bud-sdk-node', '--lib');
  const { target_directory: target } = JSON.parse(output('cargo', 'metadata', '--no-deps', '--format-version', '1'));
  const names = { win32: 'bud_sdk_node.dll', darwin: 'libbud_sdk_node.dylib' };
  return join(target, 'release', names[process.platform] ?? 'libbud_sdk_node.so');
}

function run(program, ...args) {
  execFileSync(program, args, { cwd: home, stdio: ['ignore', 'inherit', 'inherit'] });
}

function npm(...args) {
  const options = { cwd: home, stdio: ['ignore', 'inherit', 'inherit'] };
  // npm tells its children of the project that it works for; this one is another.
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^npm_/i.test(name)));
  const path = process.env.npm_execpath;
  if (path) execFileSync(process.execPath, [path, ...args], { ...options, env });
  else execFileSync('npm', args, { ...options, env, shell: process.platform === 'win32' });
}

function output(program, ...args) {
  return execFileSync(program, args, { cwd: home, encoding: 'utf8', maxBuffer: 1 << 26 });
}
