/** The test server of this repository, in a process of its own. */

import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

import { Client, type ClientOptions } from 'bud-sdk-node';

export interface Testbed extends AsyncDisposable {
  readonly url: string;
  readonly email: string;
  readonly password: string;
  readonly endpoint: string;
  readonly cluster: string;
  readonly process: ChildProcess;
  /** A client that logs in as the administrator. */
  client(options?: ClientOptions): Client;
}

/** Where the programs are that cargo has built. */
export const TARGET = process.env['BUD_TARGET'] ?? new URL('../../../../target/debug', import.meta.url).pathname;

/** Starts it; the flags are those of `bud-testbed --help`. */
export async function testbed(...flags: string[]): Promise<Testbed> {
  const process = spawn(`${TARGET}/bud-testbed`, flags, { stdio: ['ignore', 'pipe', 'inherit'] });
  const told: Record<string, string> = {};
  for await (const line of createInterface({ input: process.stdout })) {
    const [name, value] = line.split(': ') as [string, string];
    told[name] = value;
    if (name === 'cluster') break;
  }
  const { url, email, password, endpoint, cluster } = told;
  if (!url || !email || !password || !endpoint || !cluster) throw new Error(`bud-testbed said ${JSON.stringify(told)}`);
  return {
    ...{ url, email, password, endpoint, cluster, process },
    client: (options) => new Client({ baseUrl: url, email, password, ...options }),
    async [Symbol.asyncDispose]() {
      if (process.exitCode !== null || process.signalCode !== null) return;
      process.kill();
      await once(process, 'exit');
    },
  };
}
