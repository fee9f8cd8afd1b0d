"""Shows what happened in a namespace lately, the newest last. Guide section 2.2.

    python kubernetes/recent_events.py 20 --namespace bud-system --context NAME

The cluster is that of `KUBECONFIG`, else of `~/.kube/config`, by its current context unless `--context` names
another.
"""

from support import arguments, connect


def main() -> None:
    given = arguments(__doc__, count=20, namespace="bud-system")
    with connect(given) as cluster:
        events = cluster.events(namespace=given.namespace)
        for event in list(events)[-given.count :]:
            what = f"{event.age:<8} {event.event_type:<8} {event.reason:<20}"
            print(f"{what} {event.regarding}: {event.message} (x{event.count})")


main()
