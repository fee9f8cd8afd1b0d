"""Shows what nodes and a namespace's pods use, the largest first. Guide section 2.2.

    python kubernetes/top_pods.py --namespace bud-system --context NAME

The cluster is that of `KUBECONFIG`, else of `~/.kube/config`, by its current context unless `--context` names
another.
"""

from support import arguments, connect, known


def main() -> None:
    given = arguments(__doc__, namespace="bud-system")
    with connect(given) as cluster:
        for node in cluster.top_nodes():
            print(f"node {node.name}: CPU {known(node.cpu_percent)}%, memory {known(node.memory_percent)}%")

        pods = cluster.top_pods(namespace=given.namespace)
        for pod in sorted(pods, key=lambda pod: pod.memory_bytes, reverse=True):
            print(f"{pod.name}: CPU {pod.cpu_millis}m, memory {pod.memory_bytes >> 20}Mi")
            for container in pod.containers:
                print(f"  {container.name} {container.cpu_millis}m {container.memory_bytes >> 20}Mi")


main()
