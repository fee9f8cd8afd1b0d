/**
 * Checks a cluster as every morning, and shows what is not well: nodes, deployments, the platform's pods and services, and
 * Dapr. Guide sections 2.1, 2.2 and 6.2.
 *
 *     npm run example kubernetes/check-cluster -- --namespace bud-system --context NAME
 *
 * The cluster is that of KUBECONFIG, else of ~/.kube/config, by its current context unless --context names another.
 */

import { connect, option } from '../support/cluster.js';

await using cluster = connect();
const namespace = option('namespace') ?? 'bud-system';

function report(what: string, count: number, unwell: string[]): void {
  console.log(`${count} ${what}, ${unwell.length} not well`);
  for (const line of unwell) console.log(`  ${line}`);
}

const nodes = await cluster.nodes();
const unwellNodes = nodes.filter((node) => !node.ready || !node.schedulable);
report('nodes', nodes.length, unwellNodes.map((node) => `${node.name} is ${node.status}`));

const deployments = await cluster.deployments();
const unwellDeployments = deployments.filter((one) => !one.healthy);
report(
  'deployments',
  deployments.length,
  unwellDeployments.map((one) => `${one.name} has ${one.ready} of ${one.replicas}, ${one.rollout}`),
);

const pods = await cluster.pods({ namespace });
const unwellPods = pods.filter((pod) => !pod.healthy);
report('pods', pods.length, unwellPods.map((pod) => `${pod.name} is ${pod.status}`));

const services = await cluster.services({ namespace });
const unwellServices = services.filter((service) => !service.healthy);
report('services', services.length, unwellServices.map((service) => `${service.name} has nothing ready`));

const { components, sidecars } = await cluster.dapr({ namespace });
const parts = components.filter((part) => !part.healthy).map((part) => `${part.name} is ${part.state}`);
report('parts of Dapr', components.length, parts);
const unwellSidecars = sidecars.filter((sidecar) => sidecar.state !== 'HEALTHY');
report('sidecars of Dapr', sidecars.length, unwellSidecars.map(({ pod, state }) => `that of ${pod} is ${state}`));
