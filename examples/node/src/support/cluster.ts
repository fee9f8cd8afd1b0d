/** What the examples on a Kubernetes cluster share: the connection, and their arguments. */

import { parseArgs } from 'node:util';

import { kubernetes } from 'bud-sdk-node';

const OPTIONS = ['context', 'namespace', 'database', 'container', 'tail', 'seconds', 'format'] as const;
const options: Record<string, { type: 'string' | 'boolean' }> = { demo: { type: 'boolean' } };
for (const name of OPTIONS) options[name] = { type: 'string' };
const { values, positionals } = parseArgs({ options, allowPositionals: true });

/** The value of an option such as `--context`. */
export function option(name: (typeof OPTIONS)[number]): string | undefined {
  const value = values[name];
  return typeof value === 'string' ? value : undefined;
}

/** Whether an option such as `--demo` is there. */
export function given(name: 'demo'): boolean {
  return values[name] === true;
}

/** The n-th argument that is no option. */
export function argument(n: number): string | undefined {
  return positionals[n - 1];
}

/** The cluster of `KUBECONFIG` or of `~/.kube/config`, by its current context unless `--context` names another. */
export function connect(): kubernetes.Cluster {
  return new kubernetes.Cluster({ context: option('context') });
}

/** What may be unknown, as text. */
export function known(value: number | bigint | string | undefined): string {
  if (typeof value === 'number') return value.toFixed(0);
  return value === undefined ? '?' : String(value);
}
