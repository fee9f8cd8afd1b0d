/**
 * Lets a user work on a project. Guide section 4.2.
 *
 *     export BUD_BASE_URL=https://api.bud.example.com BUD_EMAIL=admin@example.com BUD_PASSWORD=...
 *     npm run example grant-access user@example.com PROJECT_ID edit
 *
 * Without BUD_BASE_URL it runs on a test server, and needs no arguments.
 */

import { ConflictError } from 'bud-sdk-node';

import { connect } from './support/platform.js';

await using platform = await connect();
const { client } = platform;
const email = platform.argument(1, "the user's e-mail address", (demo) => demo.userEmail);
const project = platform.argument(2, "the project's id", (demo) => demo.project);
const level = platform.argument(3, 'a level: view, edit or admin', () => 'edit');

// A search also finds longer addresses that contain this one.
const found = await client.users.list({ search: email }).all();
const user = found.find((user) => user.email?.toLowerCase() === email.toLowerCase());
if (!user) throw new Error(`there is no user ${email}`);

try {
  await client.permissions.grant(user, { resourceId: project, level });
  console.log('Granted.');
} catch (error) {
  if (!(error instanceof ConflictError)) throw error;
  console.log(`Nothing was changed: ${error.reason}`);
}

for await (const permission of client.permissions.list({ user })) {
  console.log(`${email}: ${permission.permissionLevel} on ${permission.resourceId}`);
}
