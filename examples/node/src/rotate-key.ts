/**
 * Rotates an API key without downtime: creates the new key first. Guide section 9.3.
 *
 *     export BUD_BASE_URL=https://api.bud.example.com BUD_EMAIL=admin@example.com BUD_PASSWORD=...
 *     npm run example rotate-key PROJECT_ID OLD_CREDENTIAL_ID FILE_FOR_THE_NEW_KEY
 *
 * Without BUD_BASE_URL it runs on a test server, and needs no arguments.
 */

import { open } from 'node:fs/promises';

import { connect } from './support/platform.js';

await using platform = await connect();
const { credentials } = platform.client;
const project = platform.argument(1, "the project's id", (demo) => demo.project);
const old = platform.argument(2, "the old credential's id", (demo) => demo.oldKey);
const path = platform.argument(3, 'a file for the new key', () => 'new-key');

// The file comes first: the server shows a key only once, so there must be a place for it.
const file = await open(path, 'wx', 0o600);
try {
  const { key } = await credentials.create({ name: `API Key of ${new Date().toISOString()}`, project });
  if (!key) throw new Error('the key came encrypted: make the client with its deploymentKey');
  await file.writeFile(key.expose());
  await file.sync();
  console.log(`A new key of ${key.expose().length} characters is in ${path}`);
} finally {
  await file.close();
}

// Only now that the new key is safe; in production, only once its users have it.
await credentials.delete(old);
console.log('The old key is deleted');
