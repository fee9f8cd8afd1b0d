/**
 * Shows how much of its quotas every project has used, the fullest first. Guide section 9.2.
 * For the guide API: the runtime API has quotas per user (`quotas.ofUser`, `quotas.mine`).
 *
 *     export BUD_BASE_URL=https://api.bud.example.com BUD_EMAIL=admin@example.com BUD_PASSWORD=...
 *     npm run example check-quotas
 *
 * Without BUD_BASE_URL it runs on a test server.
 */

import type { Integer } from 'bud-sdk-node';

import { connect } from './support/platform.js';

await using platform = await connect();
const { client } = platform;

/** Unknown is not unused. */
function share(used: Integer | string | undefined, quota: Integer | string | undefined): number | undefined {
  return used === undefined || quota === undefined || Number(quota) === 0 ? undefined : Number(used) / Number(quota);
}

const rows = [];
for await (const project of client.projects.list()) {
  const quota = await client.quotas.ofProject(project);
  const shares = [
    share(quota.tokensUsed, quota.tokensQuota),
    share(quota.requestsUsed, quota.requestsQuota),
    share(quota.costUsed, quota.costQuota),
  ];
  const known = shares.filter((share) => share !== undefined);
  rows.push({ project, quota, used: known.length > 0 ? Math.max(...known) : Infinity });
}
// A quota that the server does not tell comes first, to be looked at.
rows.sort((a, b) => b.used - a.used);

console.table(
  rows.map(({ project, quota, used }) => ({
    project: project.name ?? project.id,
    used: Number.isFinite(used) ? `${Math.round(used * 100)}%` : '?',
    tokens: `${quota.tokensUsed ?? '?'} / ${quota.tokensQuota ?? '?'}`,
    requests: `${quota.requestsUsed ?? '?'} / ${quota.requestsQuota ?? '?'}`,
    cost: `${quota.costUsed ?? '?'} / ${quota.costQuota ?? '?'}`,
    suspended: quota.suspended ?? '?',
  })),
);
