/**
 * Exports a month of the audit log into a file, and counts who did what. Guide section 9.1.
 *
 *     export BUD_BASE_URL=https://api.bud.example.com BUD_EMAIL=admin@example.com BUD_PASSWORD=...
 *     npm run example export-audit 2026-01-01T00:00:00Z 2026-02-01T00:00:00Z
 *
 * Without BUD_BASE_URL it runs on a test server, and needs no arguments.
 */

import { connect } from './support/platform.js';

await using platform = await connect();
const start = platform.argument(1, 'the first moment', () => '2026-01-01T00:00:00Z');
const end = platform.argument(2, 'the moment behind the last', () => '2026-02-01T00:00:00Z');
const log = platform.client.audit.export({ start, end });

// The file appears under its name only when it is whole and on disk.
const done = await log.writeTo('audit_export.csv', { overwrite: true });
console.log(`audit_export.csv: ${done.rows} rows, ${done.bytes} bytes, ${done.proven ? 'proven whole' : 'perhaps cut'}`);

// The same as typed records, one at a time: no file, and no more memory for a year than for a day.
const counts = new Map<string, number>();
for await (const { action = '' } of log.records()) counts.set(action, (counts.get(action) ?? 0) + 1);
for (const [action, count] of [...counts].sort()) console.log(`${String(count).padStart(8)}  ${action}`);
