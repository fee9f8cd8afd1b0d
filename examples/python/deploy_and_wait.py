"""Deploys an endpoint and waits until it answers requests. Guide sections 5.1 and 5.2.

For the guide API: on the runtime API use `endpoints.deploy_model`.

    export BUD_BASE_URL=https://api.bud.example.com BUD_EMAIL=admin@example.com BUD_PASSWORD=...
    python deploy_and_wait.py ENDPOINT_ID CLUSTER_ID

Without `BUD_BASE_URL` it runs on a test server, and needs no arguments.
"""

from datetime import timedelta

from demo import platform


def main() -> None:
    with platform() as here:
        endpoint = here.argument(1, "the endpoint's id", here.demo and here.demo.endpoint)
        cluster = here.argument(2, "the cluster's id", here.demo and here.demo.cluster)

        here.bud.endpoints.deploy(endpoint, cluster=cluster, replicas=1, gpus=1, memory_gb=16)

        # A wait survives outages, ends at once when the deployment fails, and can be started again after its deadline.
        running = here.bud.endpoints.wait(
            endpoint, until="RUNNING", timeout=timedelta(minutes=30), poll_interval=here.pause
        )
        print(f"{running.name} is running with {running.replicas} replica(s)")


main()
