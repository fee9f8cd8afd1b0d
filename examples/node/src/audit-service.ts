/**
 * A service that hands the audit log through, of any size, with flat memory: whoever reads slowly slows the platform down,
 * and whoever leaves ends the download. Guide section 9.1.
 *
 *     export BUD_BASE_URL=https://api.bud.example.com BUD_EMAIL=admin@example.com BUD_PASSWORD=...
 *     npm run example audit-service 8080
 *     curl 'http://127.0.0.1:8080/audit.csv?start=2026-01-01T00:00:00Z&end=2026-02-01T00:00:00Z'
 *
 * Without BUD_BASE_URL it runs on a test server, reads from itself once, and ends.
 */

import { BudError } from 'bud-sdk-node';
import fastify from 'fastify';

import { connect } from './support/platform.js';

await using platform = await connect();
const { client } = platform;

const service = fastify();

interface Range {
  start: string;
  end: string;
}

service.get<{ Querystring: Range }>('/audit.csv', async (request, reply) => {
  // What is wrong with the range shows before the answer begins; what breaks later breaks the answer off.
  const bytes = client.audit.export(request.query).readable();
  await new Promise((resolve, reject) => bytes.once('readable', resolve).once('error', reject));
  return reply.type('text/csv').send(bytes);
});

service.setErrorHandler((error: Error, _, reply) => {
  if (!(error instanceof BudError)) throw error;
  return reply.status(error.code === 'invalid_argument' ? 400 : 502).send({ error: error.message });
});

const port = Number(platform.argument(1, 'a port', () => '0'));
const address = await service.listen({ host: '127.0.0.1', port });
console.log(`The audit log is at ${address}/audit.csv`);

if (platform.demo) {
  const range = new URLSearchParams({ start: '2026-01-01T00:00:00Z', end: '2026-02-01T00:00:00Z' });
  const answer = await fetch(`${address}/audit.csv?${range}`);
  console.log(`${answer.status}: ${(await answer.text()).length} characters`);

  const wrong = await fetch(`${address}/audit.csv?start=yesterday&end=today`);
  console.log(`${wrong.status}: ${await wrong.text()}`);
  await service.close();
}
