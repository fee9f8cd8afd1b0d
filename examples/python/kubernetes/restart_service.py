"""Restarts a service that does not respond, after a look at its pods and at what it and its sidecar wrote last,
and waits for the new pods. Guide section 10.1.

    python kubernetes/restart_service.py budapp --namespace bud-system --context NAME

The cluster is that of `KUBECONFIG`, else of `~/.kube/config`, by its current context unless `--context` names
another.
"""

from datetime import timedelta

from support import arguments, connect


def main() -> None:
    given = arguments(__doc__, service="budapp", namespace="bud-system")
    namespace = given.namespace
    with connect(given) as cluster:
        # The chart puts the release's name before that of the service, and names the label like the deployment.
        deployment = cluster.find(namespace=namespace, service=given.service)

        for pod in cluster.pods(namespace=namespace, labels=f"app={deployment}"):
            print(f"{pod.name} {pod.ready}/{pod.containers} {pod.status}")
            for container in pod.container_names:
                for line in cluster.logs(namespace=namespace, name=f"pod/{pod.name}", container=container, tail=5):
                    print(f"  {container}: {line.text}")
        before = cluster.rollout(namespace=namespace, name=deployment)
        print(f"{deployment} is {before.state}")

        cluster.restart(namespace=namespace, name=deployment)
        print(f"{deployment} is restarted")
        after = cluster.wait_for_rollout(namespace=namespace, name=deployment, timeout=timedelta(minutes=10))
        print(f"{deployment} is {after.state}, {after.available} of {after.replicas} available")


main()
