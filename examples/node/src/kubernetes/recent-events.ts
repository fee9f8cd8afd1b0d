/**
 * Shows what happened in a namespace lately, the newest last. Guide section 2.2.
 *
 *     npm run example kubernetes/recent-events -- 20 --namespace bud-system --context NAME
 *
 * The cluster is that of KUBECONFIG, else of ~/.kube/config, by its current context unless --context names another.
 */

import { argument, connect, option } from '../support/cluster.js';

await using cluster = connect();
const wanted = Number(argument(1) ?? 20);
const events = await cluster.events({ namespace: option('namespace') ?? 'bud-system' });
for (const { age, eventType, reason, regarding, message, count } of events.slice(-wanted)) {
  console.log(age.padEnd(8), eventType.padEnd(8), reason.padEnd(20), `${regarding}: ${message} (x${count})`);
}
