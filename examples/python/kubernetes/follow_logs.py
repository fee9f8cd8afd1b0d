"""Shows what a service writes, from the last lines on, until Ctrl-C. It goes on when the pod is restarted or
replaced. Guide sections 9.4 and 10.1.

    python kubernetes/follow_logs.py budapp --namespace bud-system --context NAME
    python kubernetes/follow_logs.py budapp --container daprd --tail 20 --seconds 60

The cluster is that of `KUBECONFIG`, else of `~/.kube/config`, by its current context unless `--context` names
another.
"""

from contextlib import suppress

from support import arguments, connect


def main() -> None:
    given = arguments(__doc__, service="budapp", namespace="bud-system", container=None, tail=100, seconds=3600)
    with connect(given) as cluster, suppress(KeyboardInterrupt):
        for line in cluster.follow_logs(
            namespace=given.namespace,
            name=given.service,
            container=given.container,
            tail=given.tail,
            timeout=given.seconds,
        ):
            print(line.container, line.text, flush=True)


main()
