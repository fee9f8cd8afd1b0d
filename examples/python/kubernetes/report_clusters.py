"""Reads several clusters at once and says how each of them is. Guide sections 2.1 and 2.2.

    python kubernetes/report_clusters.py CONTEXT CONTEXT...

The clusters are those of these contexts of `KUBECONFIG`, else of `~/.kube/config`. Exits as `cluster_report` does for
the worst of them.
"""

import sys

from bud_sdk.kubernetes import Cluster


def main() -> int:
    with Cluster() as cluster:
        fleet = cluster.reports(sys.argv[1:])
    for member in fleet.clusters:
        if member.report is None:
            print(f"{member.context}: {member.error}")
        else:
            found = member.report.summary
            counts = f"{found.critical} critical, {found.error} errors, {found.warning} warnings"
            print(f"{member.context}: {member.report.verdict}, {counts}")
    return fleet.exit_code()


sys.exit(main())
