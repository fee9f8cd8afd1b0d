"""Reads a whole cluster and says what is wrong, why, and what to do. Guide sections 2.1, 2.2, 6.2, 8.2 and 10.

    python kubernetes/cluster_report.py --demo
    python kubernetes/cluster_report.py --context NAME --format html > report.html

The cluster is that of `KUBECONFIG`, else of `~/.kube/config`, by its current context unless `--context` names another.
`--demo` starts a server with a broken cluster instead. `--format` is `text`, `json` or `html`. Exits with 0 where all
is well, 3 for errors, 4 for warnings, 5 where something could not be read.
"""

import sys
from contextlib import nullcontext

from bud_sdk.kubernetes import Cluster
from support import arguments, broken_cluster, connect


def main() -> int:
    given = arguments(__doc__, format="text", demo=False)
    with broken_cluster() if given.demo else nullcontext() as kubeconfig:
        with Cluster(kubeconfig) if kubeconfig else connect(given) as cluster:
            report = cluster.report()
        if given.format == "json":
            print(report.to_json())
        elif given.format == "html":
            print(report.to_html_page())
        else:
            print(report.to_text(), end="")
        return report.exit_code()


sys.exit(main())
