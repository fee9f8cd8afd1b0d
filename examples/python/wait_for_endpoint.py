"""Waits for an endpoint and shows what it sees on the way. Guide section 5.2.

    export BUD_BASE_URL=https://api.bud.example.com BUD_EMAIL=admin@example.com BUD_PASSWORD=...
    python wait_for_endpoint.py ENDPOINT_ID

Without `BUD_BASE_URL` it runs on a test server, and needs no arguments.
"""

from datetime import timedelta

from bud_sdk.endpoints import Endpoint
from demo import platform


def show(seen: Endpoint) -> None:
    print(f"{seen.status}, {seen.replicas} replica(s)")


def main() -> None:
    with platform() as here:
        endpoint = here.argument(1, "the endpoint's id", here.demo and here.demo.endpoint)
        if here.demo is not None:
            here.bud.endpoints.deploy(endpoint, cluster=here.demo.cluster)

        # It ends when the endpoint runs, when it fails, or after half an hour; an unhealthy one counts as failed here.
        here.bud.endpoints.wait(
            endpoint, fail_on="UNHEALTHY", timeout=timedelta(minutes=30), poll_interval=here.pause, on_update=show
        )


main()
