/**
 * Gives a running endpoint another number of replicas and waits for them. Guide section 5.3.
 *
 *     export BUD_BASE_URL=https://api.bud.example.com BUD_EMAIL=admin@example.com BUD_PASSWORD=...
 *     npm run example scale-endpoint ENDPOINT_ID 3
 *
 * Without BUD_BASE_URL it runs on a test server, and needs no arguments.
 */

import { connect } from './support/platform.js';

await using platform = await connect();
const { endpoints } = platform.client;
const endpoint = platform.argument(1, "the endpoint's id", (demo) => demo.runningEndpoint);
const replicas = Number(platform.argument(2, 'the number of replicas', () => '3'));

const before = await endpoints.get(endpoint);
await endpoints.scale(endpoint, { replicas });

// It is running all the while: only the number shows that the replicas have come.
const scaled = await endpoints.wait(endpoint, { replicas, pollInterval: platform.pollInterval });
console.log(`From ${before.replicas} to ${scaled.replicas} replicas`);
