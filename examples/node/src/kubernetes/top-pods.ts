/**
 * Shows what nodes and a namespace's pods use, the largest first. Guide section 2.2.
 *
 *     npm run example kubernetes/top-pods -- --namespace bud-system --context NAME
 *
 * The cluster is that of KUBECONFIG, else of ~/.kube/config, by its current context unless --context names another.
 */

import type { Integer } from 'bud-sdk-node';

import { connect, known, option } from '../support/cluster.js';

await using cluster = connect();
const mib = (bytes: Integer) => `${Math.floor(Number(bytes) / (1 << 20))}Mi`;

for (const node of await cluster.topNodes()) {
  console.log(`node ${node.name}: CPU ${known(node.cpuPercent)}%, memory ${known(node.memoryPercent)}%`);
}
const pods = await cluster.topPods({ namespace: option('namespace') ?? 'bud-system' });
pods.sort((a, b) => Number(b.memoryBytes) - Number(a.memoryBytes));
for (const pod of pods) {
  console.log(`${pod.name}: CPU ${pod.cpuMillis}m, memory ${mib(pod.memoryBytes)}`);
  for (const one of pod.containers) console.log(`  ${one.name} ${one.cpuMillis}m ${mib(one.memoryBytes)}`);
}
