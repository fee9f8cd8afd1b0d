/**
 * Waits for an endpoint and shows what it sees on the way. Guide section 5.2.
 *
 *     export BUD_BASE_URL=https://api.bud.example.com BUD_EMAIL=admin@example.com BUD_PASSWORD=...
 *     npm run example wait-for-endpoint ENDPOINT_ID
 *
 * Without BUD_BASE_URL it runs on a test server, deploys an endpoint there, and needs no arguments. Ctrl-C ends it.
 */

import { connect } from './support/platform.js';

await using platform = await connect();
const { endpoints } = platform.client;
const endpoint = platform.argument(1, "the endpoint's id", (demo) => demo.stoppedEndpoint);
if (platform.demo) await endpoints.deploy(endpoint, { cluster: platform.demo.cluster });

const interrupted = new AbortController();
process.once('SIGINT', () => interrupted.abort(new Error('interrupted')));

// It ends when the endpoint runs, when it fails, or after half an hour; an unhealthy one counts as failed here.
await endpoints.wait(
  endpoint,
  { failOn: 'UNHEALTHY', timeout: 30 * 60_000, pollInterval: platform.pollInterval },
  {
    signal: interrupted.signal,
    onUpdate: ({ status = 'no status', replicas = 0 }) => console.log(`${status}, ${replicas} replica(s)`),
  },
);
