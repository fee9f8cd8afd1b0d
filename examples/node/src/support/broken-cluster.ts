/** A server with a broken cluster, for those who have none at hand. */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

/** Starts it. It ends when it is disposed of. */
export async function brokenCluster(): Promise<{ kubeconfig: string } & AsyncDisposable> {
  const built = process.env['BUD_TARGET'];
  const run = built ? [join(built, 'bud-kubernetes-testbed')] : ['cargo', 'run', '--quiet', '--package', 'bud-kubernetes-testbed', '--'];
  const [command = '', ...args] = run;
  const root = new URL('../../../..', import.meta.url);
  const server = spawn(command, [...args, 'scripted', 'broken'], { cwd: root, stdio: ['pipe', 'pipe', 'inherit'] });
  const [line] = (await once(createInterface(server.stdout), 'line')) as [string];
  return {
    kubeconfig: line.replace('kubeconfig: ', ''),
    async [Symbol.asyncDispose]() {
      // The server ends with its standard input.
      server.stdin.end();
      await once(server, 'exit');
    },
  };
}
