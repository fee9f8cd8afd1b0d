/** What the examples share: a client, and a test server for those who have no platform at hand. */

import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

import { Client } from 'bud-sdk-node';

/** A test server, and what is on it. */
export interface Demo {
  readonly url: string;
  readonly email: string;
  readonly password: string;
  readonly userEmail: string;
  readonly project: string;
  readonly cluster: string;
  readonly stoppedEndpoint: string;
  readonly runningEndpoint: string;
  readonly oldKey: string;
}

/** A client, and the test server that it talks to, if it does. */
export class Platform implements AsyncDisposable {
  constructor(
    readonly client: Client,
    readonly demo: Demo | undefined,
    private readonly server: ChildProcess | undefined,
  ) {}

  /** The n-th argument of the program. On the test server it may be left out: `demo` then stands in. */
  argument(n: number, what: string, demo: (demo: Demo) => string): string {
    const given = process.argv[n + 1] ?? (this.demo && demo(this.demo));
    if (given === undefined) throw new Error(`argument ${n} must be ${what}`);
    return given;
  }

  /** How often to look, in milliseconds: the test server is quick. */
  get pollInterval(): number {
    return this.demo ? 100 : 2_000;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.server || this.server.exitCode !== null) return;
    this.server.kill();
    await once(this.server, 'exit');
  }
}

/** Connects to the platform that `BUD_BASE_URL` names, or else to a test server. */
export async function connect(): Promise<Platform> {
  const url = process.env['BUD_BASE_URL'] ?? process.env['BUD_API_URL'];
  if (url !== undefined) {
    console.log(`Using ${url}`);
    return new Platform(new Client(), undefined, undefined);
  }
  const server = start();
  try {
    const { url, email, password, endpoint, cluster } = await announced(server);
    const client = new Client({ baseUrl: url, email, password });
    console.log('Using a test server. For yours, set BUD_BASE_URL, BUD_EMAIL and BUD_PASSWORD.');
    const demo = await furnish(client, { stoppedEndpoint: endpoint, cluster });
    return new Platform(client, { url, email, password, ...demo }, server);
  } catch (error) {
    server.kill();
    throw error;
  }
}

function start(): ChildProcess {
  const flags = ['--seed-users', '3', '--seed-audit', '20000'];
  const built = process.env['BUD_TARGET'];
  const [program, ...args] = built ? [`${built}/bud-testbed`] : ['cargo', 'run', '--quiet', '--package', 'bud-testbed', '--'];
  const root = fileURLToPath(new URL('../../../../', import.meta.url));
  const options = { stdio: ['ignore', 'pipe', 'inherit'] as const, ...(built ? {} : { cwd: root }) };
  return spawn(program as string, [...args, ...flags], { ...options, stdio: [...options.stdio] });
}

async function announced(server: ChildProcess): Promise<Record<'url' | 'email' | 'password' | 'endpoint' | 'cluster', string>> {
  const told = { url: '', email: '', password: '', endpoint: '', cluster: '' };
  if (!server.stdout) throw new Error('the test server has no output');
  for await (const line of createInterface({ input: server.stdout })) {
    const [name, value] = line.split(': ');
    if (name !== undefined && value !== undefined && name in told) told[name as keyof typeof told] = value;
    if (name === 'cluster') return told;
  }
  throw new Error('the test server did not start');
}

type Furniture = Omit<Demo, 'url' | 'email' | 'password'>;

/** So that every example finds something to work on. */
async function furnish(client: Client, found: { stoppedEndpoint: string; cluster: string }): Promise<Furniture> {
  const project = await client.projects.create({ name: 'Chat' });
  await client.projects.create({ name: 'Search' });
  const key = await client.credentials.create({ name: 'API Key v1', project });
  const users = await client.users.list({ role: 'USER' }).all();
  const endpoints = await client.endpoints.list().all();
  const running = endpoints.find((endpoint) => endpoint.id !== found.stoppedEndpoint) ?? { id: found.stoppedEndpoint };
  await client.endpoints.deploy(running, { cluster: found.cluster });
  await client.endpoints.wait(running, { pollInterval: 1 });
  return {
    ...found,
    userEmail: users[0]?.email ?? '',
    project: project.id,
    runningEndpoint: running.id,
    oldKey: key.credential.id,
  };
}
