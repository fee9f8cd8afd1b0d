/**
 * Shows what a service writes, from the last lines on, until Ctrl-C. It goes on when the pod is restarted or replaced. Guide
 * sections 9.4 and 10.1.
 *
 *     npm run example kubernetes/follow-logs -- budapp --namespace bud-system --context NAME
 *     npm run example kubernetes/follow-logs -- budapp --container daprd --tail 20 --seconds 60
 *
 * The cluster is that of KUBECONFIG, else of ~/.kube/config, by its current context unless --context names another.
 */

import { argument, connect, option } from '../support/cluster.js';

await using cluster = connect();
const lines = cluster.followLogs({
  namespace: option('namespace') ?? 'bud-system',
  name: argument(1) ?? 'budapp',
  container: option('container'),
  tail: Number(option('tail') ?? 100),
  timeout: Number(option('seconds') ?? 3600) * 1000,
});
for await (const line of lines) console.log(line.container, line.text);
