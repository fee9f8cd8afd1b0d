/**
 * Shows the pods that run models, and how busy their GPUs are, as nvidia-smi tells it inside of them. Guide section 10.3.
 *
 *     npm run example kubernetes/check-engines -- --context NAME
 *
 * The cluster is that of KUBECONFIG, else of ~/.kube/config, by its current context unless --context names another.
 */

import { BudError } from 'bud-sdk-node';

import { connect, known } from '../support/cluster.js';

await using cluster = connect();
for (const pod of await cluster.enginePods()) {
  console.log(`${pod.namespace}/${pod.name} is ${pod.status} on ${known(pod.node)}`);
  if (!pod.healthy) {
    console.log(`  ${pod.message ?? ''}`);
    continue;
  }
  try {
    for (const gpu of await cluster.gpuReadings({ namespace: pod.namespace, name: `pod/${pod.name}` })) {
      const memory = `${known(gpu.memoryUsedMib)} of ${known(gpu.memoryTotalMib)} MiB`;
      const busy = `${known(gpu.utilizationPercent)}% busy, ${memory}, ${known(gpu.temperatureCelsius)} °C`;
      console.log(`  GPU ${known(gpu.index)} ${known(gpu.name)}: ${busy}`);
    }
  } catch (error) {
    if (!(error instanceof BudError)) throw error;
    // An image without nvidia-smi, say. The next pod may tell more.
    console.log(`  ${error.message}`);
  }
}
