/**
 * Reads a whole cluster and says what is wrong, why, and what to do. Guide sections 2.1, 2.2, 6.2, 8.2 and 10.
 *
 *     npm run example kubernetes/cluster-report -- --demo
 *     npm run example kubernetes/cluster-report -- --context NAME --format html > report.html
 *
 * The cluster is that of KUBECONFIG, else of ~/.kube/config, by its current context unless --context names another. --demo
 * starts a server with a broken cluster instead. --format is text, json or html. Exits with 0 where all is well, 3 for errors, 4
 * for warnings, 5 where something could not be read.
 */

import { kubernetes, report } from 'bud-sdk-node';

import { connect, given, option } from '../support/cluster.js';
import { brokenCluster } from '../support/broken-cluster.js';

await using demo = given('demo') ? await brokenCluster() : undefined;
await using cluster = demo ? new kubernetes.Cluster({ kubeconfig: demo.kubeconfig }) : connect();

const found = await cluster.report();
switch (option('format')) {
  case 'json':
    console.log(JSON.stringify(found, undefined, 2));
    break;
  case 'html':
    console.log(report.toHtmlPage(found));
    break;
  default:
    process.stdout.write(report.toText(found));
}
process.exitCode = report.exitCode(found);
