/**
 * Deploys an endpoint and waits until it answers requests. Guide sections 5.1 and 5.2.
 * For the guide API: on the runtime API use `endpoints.deployModel`.
 *
 *     export BUD_BASE_URL=https://api.bud.example.com BUD_EMAIL=admin@example.com BUD_PASSWORD=...
 *     npm run example deploy-and-wait ENDPOINT_ID CLUSTER_ID
 *
 * Without BUD_BASE_URL it runs on a test server, and needs no arguments.
 */

import { connect } from './support/platform.js';

await using platform = await connect();
const { endpoints } = platform.client;
const endpoint = platform.argument(1, "the endpoint's id", (demo) => demo.stoppedEndpoint);
const cluster = platform.argument(2, "the cluster's id", (demo) => demo.cluster);

await endpoints.deploy(endpoint, { cluster, replicas: 1, gpus: 1, memoryGb: 16 });

// A wait survives outages, ends at once when the deployment fails, and can be started again after its deadline.
const running = await endpoints.wait(endpoint, { until: 'RUNNING', timeout: 30 * 60_000, pollInterval: platform.pollInterval });
console.log(`${running.name} is running with ${running.replicas} replica(s)`);
