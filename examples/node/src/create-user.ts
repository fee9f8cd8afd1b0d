/**
 * Creates a user and changes their role, on either API. Guide sections 3.1 and 3.2.
 *
 *     export BUD_BASE_URL=https://api.bud.example.com BUD_EMAIL=admin@example.com BUD_PASSWORD=...
 *     npm run example create-user newuser@example.com New User
 *
 * Without BUD_BASE_URL it runs on a test server, and needs no arguments.
 */

import { ConflictError } from 'bud-sdk-node';

import { connect } from './support/platform.js';

await using platform = await connect();
const { client } = platform;
const email = platform.argument(1, "the new user's e-mail address", () => 'newuser@example.com');
const firstName = platform.argument(2, 'the first name', () => 'New');
const lastName = platform.argument(3, 'the last name', () => 'User');

// The two APIs have different roles.
const [firstRole, laterRole] = (await client.flavor()) === 'runtime' ? ['developer', 'devops'] : ['USER', 'PROJECT_ADMIN'];

try {
  const { user } = await client.users.create({ email, firstName, lastName, role: firstRole });
  console.log(`Created ${user.email} (${user.id})`);
  const { role } = await client.users.setRole(user, { role: laterRole });
  console.log(`The role is now ${role}`);
} catch (error) {
  if (!(error instanceof ConflictError)) throw error;
  console.log(`There is such a user already: ${error.reason}`);
}
