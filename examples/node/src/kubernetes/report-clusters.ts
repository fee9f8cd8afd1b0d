/**
 * Reads several clusters at once and says how each of them is. Guide sections 2.1 and 2.2.
 *
 *     npm run example kubernetes/report-clusters -- CONTEXT CONTEXT...
 *
 * The clusters are those of these contexts of KUBECONFIG, else of ~/.kube/config. Exits as cluster-report does for the worst of
 * them.
 */

import { kubernetes, report } from 'bud-sdk-node';

await using cluster = new kubernetes.Cluster();
const fleet = await cluster.reports({ contexts: process.argv.slice(2) });
for (const { context, report: found, error } of fleet.clusters) {
  if (found) {
    const { critical, error: errors, warning } = found.summary;
    console.log(`${context}: ${found.verdict}, ${critical} critical, ${errors} errors, ${warning} warnings`);
  } else {
    console.log(`${context}: ${error}`);
  }
}
process.exitCode = report.exitCode(fleet);
