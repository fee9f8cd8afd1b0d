/**
 * Shows when certificates end, those that end first first. Guide section 8.2.
 *
 *     npm run example kubernetes/check-certificates -- --context NAME
 *
 * The cluster is that of KUBECONFIG, else of ~/.kube/config, by its current context unless --context names another.
 */

import { connect, known } from '../support/cluster.js';

await using cluster = connect();
for (const one of await cluster.certificates()) {
  const left = `days left: ${known(one.daysLeft)}`;
  console.log(`${one.namespace}/${one.name} is ${one.state}, ${left}, from ${one.issuer}`);
  if (one.message !== undefined && !one.ready) console.log(`  ${one.message}`);
}
