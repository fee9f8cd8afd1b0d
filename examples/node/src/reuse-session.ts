/**
 * Logs in once and goes on in the next program without a login. Guide section 3.1.
 *
 *     export BUD_BASE_URL=https://api.bud.example.com BUD_EMAIL=admin@example.com BUD_PASSWORD=...
 *     npm run example reuse-session
 *
 * Without BUD_BASE_URL it runs on a test server. The session is kept in ~/.bud/sessions, for its owner alone, and is removed
 * by the logout at the end.
 */

import { Client, type ClientOptions } from 'bud-sdk-node';

import { connect } from './support/platform.js';

await using platform = await connect();
const { demo } = platform;
const options: ClientOptions = demo ? { baseUrl: demo.url, email: demo.email, password: demo.password } : { env: true };

// What a first program does.
const first = new Client({ ...options, rememberSession: true });
await first.auth.login();
console.log('logged in');

// What a later program does: its first call needs no login.
const later = new Client({ ...options, rememberSession: true });
const users = await later.users.list().all();
console.log(`${users.length} users, seen without another login`);

// At the end of the day: the server forgets the session, and so does the disk.
await later.auth.logout();
console.log('logged out');
