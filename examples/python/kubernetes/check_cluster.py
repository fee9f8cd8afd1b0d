"""Checks a cluster as every morning, and shows what is not well: nodes, deployments, the platform's pods and
services, and Dapr. Guide sections 2.1, 2.2 and 6.2.

    python kubernetes/check_cluster.py --namespace bud-system --context NAME

The cluster is that of `KUBECONFIG`, else of `~/.kube/config`, by its current context unless `--context` names
another.
"""

from support import arguments, connect


def report(what: str, count: int, unwell: list[str]) -> None:
    print(f"{count} {what}, {len(unwell)} not well")
    for line in unwell:
        print(f"  {line}")


def main() -> None:
    given = arguments(__doc__, namespace="bud-system")
    with connect(given) as cluster:
        nodes = cluster.nodes()
        report(
            "nodes",
            len(nodes),
            [f"{node.name} is {node.status}" for node in nodes if not node.ready or not node.schedulable],
        )
        deployments = cluster.deployments()
        report(
            "deployments",
            len(deployments),
            [f"{one.name} has {one.ready} of {one.replicas}, {one.rollout}" for one in deployments if not one.healthy],
        )
        pods = cluster.pods(namespace=given.namespace)
        report("pods", len(pods), [f"{pod.name} is {pod.status}" for pod in pods if not pod.healthy])

        services = cluster.services(namespace=given.namespace)
        report("services", len(services), [f"{one.name} has nothing ready" for one in services if not one.healthy])

        dapr = cluster.dapr(namespace=given.namespace)
        parts = [f"{part.name} is {part.state}" for part in dapr.components if not part.healthy]
        report("parts of Dapr", len(dapr.components), parts)
        sidecars = [f"that of {one.pod} is {one.state}" for one in dapr.sidecars if one.state != "HEALTHY"]
        report("sidecars of Dapr", len(dapr.sidecars), sidecars)


main()
