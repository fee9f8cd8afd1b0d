/**
 * Looks for what is wrong with the database: the pods of PostgreSQL, a connection from a service's pod, and how full the
 * connection pool is. Guide sections 2.1 and 10.2.
 *
 *     npm run example kubernetes/postgres-pool -- budapp --namespace bud-system --database bud-data --context NAME
 *
 * The cluster is that of KUBECONFIG, else of ~/.kube/config, by its current context unless --context names another.
 */

import { argument, connect, known, option } from '../support/cluster.js';

await using cluster = connect();
const namespace = option('namespace') ?? 'bud-system';
const database = option('database') ?? 'bud-data';
const service = argument(1) ?? 'budapp';

// The label of its chart; where it was installed as the guide has it, `app=postgresql`.
for (const pod of await cluster.pods({ namespace: database, labels: 'app.kubernetes.io/name=postgresql' })) {
  console.log(`${pod.name} ${pod.ready}/${pod.containers} ${pod.status}`);
}

// What the guide runs looks for `budapp.db`, which the platform as shipped does not have.
const probe = "from budapp.commons.database import get_engine; get_engine().connect().close(); print('OK')";
const { stdout, stderr, exitCode } = await cluster.exec({ namespace, name: service, command: ['python', '-c', probe] });
console.log(`from ${service}: ${(exitCode === 0 ? stdout : stderr).trim()} (exit code ${exitCode})`);

const pool = await cluster.postgres(database);
console.log(`${pool.connections} of ${pool.most} connections, ${known(pool.usedPercent)}%`);
console.log(`${pool.active} active, ${pool.idle} idle, ${pool.waitingForLock} wait for a lock`);
console.log(`${pool.idleInTransactionLong} idle in a transaction for long`);
// From here on the guide warns.
if (pool.usedPercent > 80) console.log('the pool is nearly full');
