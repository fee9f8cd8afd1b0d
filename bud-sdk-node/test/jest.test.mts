/** The package in Jest, which runs each test file in a context of its own. Its tests are in `test/jest`; each is one here. */

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const FOLDER = fileURLToPath(new URL('../../test/jest/', import.meta.url));

const TESTS = {
  'node.spec.cjs': [
    'every error is a BudError with its facts',
    'variables that a test sets, as dotenv does, are read',
    'a spy on a method is called, and no request is sent',
    'one signal for many calls has one listener',
    'arguments of this context are taken',
    'a second copy of the package works beside the first',
  ],
  'jsdom.spec.cjs': [
    'an AbortSignal of jsdom ends a call, before it and meanwhile',
    'a signal that is not aborted changes nothing',
    'every error is a BudError, and variables of the test are read',
    'an export is a web stream here, too',
  ],
};

interface Report {
  testResults: { name: string; message: string; assertionResults: { title: string; status: string; failureMessages: string[] }[] }[];
}

const outcomes = new Map<string, string>();
let warnings = '';

before(async () => {
  const jest = join(FOLDER, 'node_modules/jest/bin/jest.js');
  // In one process, so that the native part is shared by contexts.
  const args = [jest, '--json', '--runInBand', '--silent'];
  const ended = await promisify(execFile)(process.execPath, args, { cwd: FOLDER, timeout: 120_000, maxBuffer: 1 << 26 }).catch(
    (error: { stdout: string; stderr: string }) => error,
  );
  warnings = ended.stderr.split('\n').filter((line) => /Warning/.test(line)).join('\n');
  assert(ended.stdout.startsWith('{'), `run \`npm ci\` in test/jest: ${ended.stderr}`);
  for (const { name, message, assertionResults } of (JSON.parse(ended.stdout) as Report).testResults) {
    const file = name.slice(FOLDER.length);
    if (assertionResults.length === 0) outcomes.set(file, message);
    for (const { title, status, failureMessages } of assertionResults) outcomes.set(`${file}: ${title}`, [status, ...failureMessages].join('\n'));
  }
});

const titles = Object.entries(TESTS).flatMap(([file, names]) => names.map((name) => `${file}: ${name}`));

for (const title of titles) {
  test(title, () => assert.equal(outcomes.get(title), 'passed'));
}

test('these are all tests in Jest, and none of them warns', () => {
  assert.deepEqual([...outcomes.keys()].sort(), [...titles].sort());
  assert.equal(warnings, '');
});
