/** What a compiler must see: this file is right when it compiles. */

import { expectTypeOf } from 'expect-type';
import type { Readable } from 'node:stream';

import {
  type audit,
  BudError,
  type BudWarning,
  type Call,
  Client,
  type credentials,
  type endpoints,
  type ErrorCode,
  type Export,
  type Id,
  type Integer,
  kubernetes,
  type List,
  type Listing,
  NotFoundError,
  type Page,
  type projects,
  report as reports,
  Secret,
  type users,
} from 'bud-sdk-node';

declare const client: Client;

// Results.
expectTypeOf(client.users.get('u-1')).toEqualTypeOf<Call<users.User>>();
expectTypeOf(await client.users.get('u-1')).toEqualTypeOf<users.User>();
expectTypeOf((await client.users.get('u-1').withResponse()).data).toEqualTypeOf<users.User>();
expectTypeOf((await client.users.get('u-1').withResponse()).response.requestId).toEqualTypeOf<string | undefined>();
expectTypeOf(await client.projects.delete('p-1')).toEqualTypeOf<void>();
expectTypeOf(await client.permissions.revoke('u-1', { resourceId: 'p-1' })).toEqualTypeOf<number>();
expectTypeOf<users.User['createdAt']>().toEqualTypeOf<Date | undefined>();
expectTypeOf<users.User['role']>().toEqualTypeOf<users.Role | undefined>();
expectTypeOf<endpoints.Endpoint['replicas']>().toEqualTypeOf<number | undefined>();
expectTypeOf<audit.ExportSummary['bytes']>().toEqualTypeOf<Integer>();
expectTypeOf<credentials.IssuedKey['key']>().toEqualTypeOf<Secret | undefined>();
expectTypeOf<users.User['extra']>().toEqualTypeOf<Readonly<Record<string, unknown>> | undefined>();

// Literals are known, and others are allowed.
const known: users.Role = 'PROJECT_ADMIN';
const unknown: users.Role = 'SOMETHING_NEW';
expectTypeOf(known).toMatchTypeOf<users.Role>();
expectTypeOf(unknown).toMatchTypeOf<string>();
expectTypeOf<'RUNNING'>().toMatchTypeOf<endpoints.EndpointStatus>();
expectTypeOf<'not_found'>().toMatchTypeOf<ErrorCode>();

// Lists.
expectTypeOf(client.users.list()).toEqualTypeOf<List<users.User>>();
expectTypeOf(await client.users.list({ role: 'ADMIN' }, { pageSize: 5 }).all()).toEqualTypeOf<Listing<users.User>>();
expectTypeOf(await client.users.list().all()).toMatchTypeOf<users.User[]>();
expectTypeOf((await client.users.list().all()).warnings).toEqualTypeOf<readonly BudWarning[]>();
expectTypeOf((await client.users.get('u-1').withResponse()).warnings).toEqualTypeOf<readonly BudWarning[]>();
for await (const user of client.users.list()) expectTypeOf(user).toEqualTypeOf<users.User>();
for await (const page of client.users.list().pages()) expectTypeOf(page).toEqualTypeOf<Page<users.User>>();

// Exports and jobs.
const log = client.audit.export({ start: new Date(), end: '2026-01-01T00:00:00Z' });
expectTypeOf(log).toEqualTypeOf<Export<audit.ExportSummary, audit.AuditRecord, audit.ExportProgress>>();
expectTypeOf(log.readable()).toEqualTypeOf<Readable>();
expectTypeOf(log.stream()).toEqualTypeOf<ReadableStream<Uint8Array>>();
expectTypeOf(new Response(log.stream())).toEqualTypeOf<Response>();
for await (const chunk of log) expectTypeOf(chunk).toMatchTypeOf<Uint8Array>();
for await (const record of log.records()) expectTypeOf(record).toEqualTypeOf<audit.AuditRecord>();
const wait = client.endpoints.wait('e-1', {}, { onUpdate: (endpoint) => expectTypeOf(endpoint).toEqualTypeOf<endpoints.Endpoint>() });
expectTypeOf(wait).toEqualTypeOf<Promise<endpoints.Endpoint>>();

// Ids are texts, or what has one.
declare const project: projects.Project;
expectTypeOf(project).toMatchTypeOf<Id>();
void client.quotas.ofProject(project);

// Errors.
try {
  await client.flavor();
} catch (error) {
  if (error instanceof NotFoundError) expectTypeOf(error.retryAfter).toEqualTypeOf<number | undefined>();
  if (error instanceof BudError) {
    expectTypeOf(error.maybeApplied).toEqualTypeOf<boolean>();
    expectTypeOf(error.isRetryable).toEqualTypeOf<boolean>();
    expectTypeOf(error.requiredPermission).toEqualTypeOf<string | undefined>();
  }
}

// What does not compile.
// @ts-expect-error an id is required
void client.users.get();
// @ts-expect-error an id is no number
void client.users.get(7);
// @ts-expect-error there is no such option
void client.users.get('u-1', { retries: 3 });
// @ts-expect-error a role is required
void client.users.setRole('u-1', {});
// @ts-expect-error there is no such argument
void client.users.setRole('u-1', { role: 'USER', rolle: 'ADMIN' });
// @ts-expect-error lists are tried as often as the client says
void client.users.list({}, { attempts: 1 });
// @ts-expect-error a login is tried as often as the client says
void client.auth.login({ attempts: 1 });
// @ts-expect-error there is no such field
void (await client.users.get('u-1')).first_name;
// @ts-expect-error results are read only
(await client.users.get('u-1')).email = 'b@example.com';
// @ts-expect-error there is no such client option
void new Client({ verifySsl: false });

// Reports.
declare const cluster: kubernetes.Cluster;
expectTypeOf(cluster.report()).toEqualTypeOf<Promise<reports.Report>>();
expectTypeOf(cluster.reports({ contexts: ['a'] })).toEqualTypeOf<Call<reports.FleetReport>>();
declare const report: reports.Report;
expectTypeOf(reports.toText(report)).toEqualTypeOf<string>();
expectTypeOf(reports.diff(report, report)).toEqualTypeOf<reports.ReportDiff>();
expectTypeOf(reports.roots(report)).toEqualTypeOf<reports.Finding[]>();
expectTypeOf<reports.Finding['since']>().toEqualTypeOf<Date | undefined>();
