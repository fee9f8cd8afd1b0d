/**
 * An administrator's day, from the first login to the audit log, with a summary of what was done.
 *
 *     npm run example tour
 *
 * That runs on a test server. On either API: steps that the API at hand does not offer are skipped, and say what to use
 * instead. For a real platform set BUD_BASE_URL, BUD_EMAIL and BUD_PASSWORD: everything made there is named
 * bud-tour-... and taken away at the end. An endpoint is deployed, scaled and undeployed only if BUD_TOUR_ENDPOINT names one
 * (by its id) that is stopped.
 */

import { randomBytes } from 'node:crypto';

import {
  BadRequestError,
  Client,
  type clusters,
  ConfigError,
  type credentials,
  type projects,
  UnsupportedError,
  type users,
} from 'bud-sdk-node';

import { connect } from './support/platform.js';

await using platform = await connect();
const { client, demo, pollInterval } = platform;
const name = `bud-tour-${randomBytes(4).toString('hex')}`;

const runtime = (await client.flavor()) === 'runtime';
// The two APIs have different roles.
const [firstRole, laterRole] = runtime ? ['developer', 'devops'] : ['USER', 'PROJECT_ADMIN'];

/** A step returns what it did; `undefined`: there was nothing to do. */
async function step(title: string, work: () => Promise<string | undefined>): Promise<void> {
  try {
    const detail = await work();
    if (detail !== undefined) console.log(`  ok    ${title}: ${detail}`);
    else console.log(`  -     ${title}: skipped`);
  } catch (error) {
    if (error instanceof UnsupportedError) {
      console.log(`  -     ${title}: not offered by this API: ${error.hint ?? error.reason}`);
      return;
    }
    console.log(`  FAIL  ${title}: ${error instanceof Error ? error.message : String(error)}`);
    process.exitCode = 1;
    throw error;
  }
}

let user: users.User | undefined;
let firstPassword: string | undefined;
let project: projects.Project | undefined;
let granted = false;
let cluster: clusters.Cluster | undefined;
let endpoint: string | undefined;
const keys: credentials.Credential[] = [];

async function newKey(version: string): Promise<string | undefined> {
  if (!project) return undefined;
  const made = await client.credentials.create({
    name: `${name}-${version}`,
    project,
    // As the project that it is for.
    credentialType: runtime ? 'client_app' : undefined,
  });
  keys.push(made.credential);
  return `${name}-${version}${made.key ? `, ${made.key.expose().length} characters` : ''}`;
}

async function undeploy(): Promise<string | undefined> {
  if (endpoint === undefined) return undefined;
  await client.endpoints.undeploy(endpoint);
  await client.endpoints.wait(endpoint, { until: 'STOPPED', pollInterval });
  endpoint = undefined;
  return 'stopped';
}

async function day(): Promise<void> {
  await step('Log in', async () => {
    try {
      const { expiresIn } = await client.auth.login();
      return expiresIn === undefined ? '' : `good for ${Math.floor(expiresIn / 60_000)} minutes`;
    } catch (error) {
      // A client with a token has nothing to log in with, and no need to.
      if (error instanceof ConfigError) return undefined;
      throw error;
    }
  });
  await step('Detect the API', async () => client.flavor());
  await step('Count the users', async () => {
    // The first page tells how many there are; the others need not be fetched.
    for await (const page of client.users.list({}, { pageSize: 1 }).pages()) return `${page.total ?? 'the server does not say'}`;
    return '0';
  });
  await step('Create a user', async () => {
    const made = await client.users.create({ email: `${name}@example.com`, firstName: 'Bud', lastName: 'Tour', role: firstRole });
    user = made.user;
    firstPassword = made.oneTimePassword?.expose();
    return user.email;
  });
  await step('Set their password', async () => {
    // Only the runtime API makes a first password, which its user must replace before anything else.
    if (firstPassword === undefined) return undefined;
    const baseUrl = demo?.url ?? process.env['BUD_BASE_URL'] ?? process.env['BUD_API_URL'];
    if (baseUrl === undefined) return undefined;
    const theirs = new Client({ baseUrl, email: `${name}@example.com`, password: firstPassword });
    await theirs.auth.changeOwnPassword(`${name}-Aa1!${randomBytes(8).toString('hex')}`);
    await theirs.auth.logout();
    return 'by themselves, once';
  });
  await step('Change the role', async () => user && (await client.users.setRole(user, { role: laterRole })).role);
  await step('Create a project', async () => {
    // On the runtime API only members of client projects may be clients.
    const projectType = runtime ? 'client_app' : undefined;
    project = await client.projects.create({ name, description: 'Made by the tour; may be deleted', projectType });
    return name;
  });
  await step('Grant access', async () => {
    if (!user || !project) return undefined;
    await client.permissions.grant(user, { resourceId: project.id, level: 'edit' });
    granted = true;
    return 'edit';
  });
  await step('List clusters', async () => {
    const clusters = await client.clusters.list().all();
    cluster = clusters.find(({ status }) => status === 'AVAILABLE');
    return `${clusters.length} in all; using ${cluster?.name ?? 'none'}`;
  });
  await step('Refresh a cluster', async () => {
    cluster &&= await client.clusters.refresh(cluster);
    return cluster && `${cluster.name}${cluster.gpuAvailable === undefined ? '' : `, ${cluster.gpuAvailable} GPUs free`}`;
  });
  await step('Deploy an endpoint', async () => {
    // The runtime API deploys models instead: see endpoints.deployModel.
    if (runtime) return undefined;
    const id = demo?.stoppedEndpoint ?? process.env['BUD_TOUR_ENDPOINT'];
    // One that is up serves somebody: it is not ours to take down later.
    if (!cluster || id === undefined || (await client.endpoints.get(id)).status !== 'STOPPED') return undefined;
    endpoint = id;
    await client.endpoints.deploy(id, { cluster, replicas: 1, gpus: 1, memoryGb: 16 });
    const running = await client.endpoints.wait(id, { pollInterval });
    return `${running.name ?? id} is running`;
  });
  await step('Scale it to 2', async () => {
    if (endpoint === undefined) return undefined;
    try {
      await client.endpoints.scale(endpoint, { replicas: 2 });
    } catch (error) {
      // A provider scales what it runs.
      if (error instanceof BadRequestError && error.reason.includes('without cluster')) return `skipped: ${error.reason}`;
      throw error;
    }
    return `${(await client.endpoints.wait(endpoint, { replicas: 2, pollInterval })).replicas} replicas`;
  });
  await step('Undeploy it', undeploy);
  await step('Check the quota', async () => {
    const quota = project && (await client.quotas.ofProject(project));
    return quota && `${quota.tokensUsed ?? '?'} of ${quota.tokensQuota ?? '?'} tokens`;
  });
  await step('Create an API key', () => newKey('v1'));
  await step('Rotate the API key', async () => {
    // The new one first: nobody is without a key in between.
    const made = await newKey('v2');
    const old = keys[0];
    if (old) await client.credentials.delete(old);
    keys.shift();
    return made && `${made}; the old one is deleted`;
  });
  await step('Export the audit log', async () => {
    const start = demo ? '2026-01-01T00:00:00Z' : new Date(Date.now() - 86_400_000);
    const done = await client.audit.export({ start, end: new Date() }).writeTo('audit_export.csv', { overwrite: true });
    return `${done.rows} rows in audit_export.csv`;
  });
}

/** However the day ended, nothing of it should stay. */
async function cleanUp(): Promise<void> {
  const steps: [string, () => Promise<string | undefined>][] = [
    ['endpoint', undeploy],
    ['API keys', async () => {
      for (const key of keys) await client.credentials.delete(key);
      return keys.length > 0 ? `${keys.length} deleted` : undefined;
    }],
    ['access', async () => {
      if (!granted || !user || !project) return undefined;
      return `${await client.permissions.revoke(user, { resourceId: project.id })} permission revoked`;
    }],
    ['project', async () => project && client.projects.delete(project).then(() => 'deleted')],
    ['user', async () => user && client.users.deactivate(user).then(() => 'deactivated; users are kept for the audit log')],
  ];
  for (const [title, work] of steps) await step(`Clean up: ${title}`, work).catch(() => undefined);
}

await day().catch(() => undefined);
await cleanUp();
