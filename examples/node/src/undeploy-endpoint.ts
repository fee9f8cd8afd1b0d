/**
 * Takes an endpoint down and waits until its GPUs are free again. Guide section 5.4.
 *
 *     export BUD_BASE_URL=https://api.bud.example.com BUD_EMAIL=admin@example.com BUD_PASSWORD=...
 *     npm run example undeploy-endpoint ENDPOINT_ID
 *
 * Without BUD_BASE_URL it runs on a test server, and needs no arguments.
 */

import { connect } from './support/platform.js';

await using platform = await connect();
const { endpoints } = platform.client;
const endpoint = platform.argument(1, "the endpoint's id", (demo) => demo.runningEndpoint);

// Undeploying what is down already changes nothing, so this may be run again.
await endpoints.undeploy(endpoint);
const down = await endpoints.wait(endpoint, { until: 'STOPPED', pollInterval: platform.pollInterval });
console.log(`${down.name} is stopped`);
