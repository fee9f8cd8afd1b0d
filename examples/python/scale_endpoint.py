"""Gives a running endpoint another number of replicas and waits for them. Guide section 5.3.

    export BUD_BASE_URL=https://api.bud.example.com BUD_EMAIL=admin@example.com BUD_PASSWORD=...
    python scale_endpoint.py ENDPOINT_ID 3

Without `BUD_BASE_URL` it runs on a test server, and needs no arguments.
"""

from demo import platform


def main() -> None:
    with platform() as here:
        endpoint = here.argument(1, "the endpoint's id", here.running_endpoint())
        replicas = int(here.argument(2, "the number of replicas", "3"))

        before = here.bud.endpoints.get(endpoint)
        here.bud.endpoints.scale(endpoint, replicas=replicas)

        # It is running all the while: only the number shows that the replicas have come.
        scaled = here.bud.endpoints.wait(endpoint, until="RUNNING", replicas=replicas, poll_interval=here.pause)
        print(f"From {before.replicas} to {scaled.replicas} replicas")


main()
