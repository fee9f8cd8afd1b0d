/**
 * Restarts a service that does not respond, after a look at its pods and at what it and its sidecar wrote last, and waits
 * for the new pods. Guide section 10.1.
 *
 *     npm run example kubernetes/restart-service -- budapp --namespace bud-system --context NAME
 *
 * The cluster is that of KUBECONFIG, else of ~/.kube/config, by its current context unless --context names another.
 */

import { argument, connect, option } from '../support/cluster.js';

await using cluster = connect();
const namespace = option('namespace') ?? 'bud-system';
// The chart puts the release's name before that of the service, and names the label like the deployment.
const name = await cluster.find({ namespace, service: argument(1) ?? 'budapp' });

for (const pod of await cluster.pods({ namespace, labels: `app=${name}` })) {
  console.log(`${pod.name} ${pod.ready}/${pod.containers} ${pod.status}`);
  for (const container of pod.containerNames) {
    const lines = await cluster.logs({ namespace, name: `pod/${pod.name}`, container, tail: 5 });
    for (const line of lines) console.log(`  ${container}: ${line.text}`);
  }
}
const before = await cluster.rollout({ namespace, name });
console.log(`${name} is ${before.state}`);

await cluster.restart({ namespace, name });
console.log(`${name} is restarted`);
const after = await cluster.waitForRollout({ namespace, name, timeout: 600_000 });
console.log(`${name} is ${after.state}, ${after.available} of ${after.replicas} available`);
