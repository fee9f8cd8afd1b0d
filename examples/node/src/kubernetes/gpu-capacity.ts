/**
 * Shows the GPUs of each node: how many there are, may be given out, are asked for, and are free. Guide section 6.2.
 *
 *     npm run example kubernetes/gpu-capacity -- --context NAME
 *
 * The cluster is that of KUBECONFIG, else of ~/.kube/config, by its current context unless --context names another.
 */

import { connect, known } from '../support/cluster.js';

await using cluster = connect();
console.log(`${'NODE'.padEnd(24)} ${'RESOURCE'.padEnd(20)} CAPACITY ALLOCATABLE REQUESTED FREE PRODUCT`);
let left = 0;
for (const { node, resource, capacity, allocatable, requested, free, product, schedulable } of await cluster.gpus()) {
  const numbers = [
    String(capacity).padStart(8),
    String(allocatable).padStart(11),
    String(requested).padStart(9),
    String(free).padStart(4),
  ];
  console.log(node.padEnd(24), resource.padEnd(20), ...numbers, known(product));
  // Nothing new is placed on a node that is cordoned.
  left += schedulable ? Number(free) : 0;
}
console.log(`${left} free for new pods`);
