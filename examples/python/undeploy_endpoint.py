"""Takes an endpoint down and waits until its GPUs are free again. Guide section 5.4.

    export BUD_BASE_URL=https://api.bud.example.com BUD_EMAIL=admin@example.com BUD_PASSWORD=...
    python undeploy_endpoint.py ENDPOINT_ID

Without `BUD_BASE_URL` it runs on a test server, and needs no arguments.
"""

from demo import platform


def main() -> None:
    with platform() as here:
        endpoint = here.argument(1, "the endpoint's id", here.running_endpoint())

        # Undeploying what is down already changes nothing, so this may be run again.
        here.bud.endpoints.undeploy(endpoint)
        down = here.bud.endpoints.wait(endpoint, until="STOPPED", poll_interval=here.pause)
        print(f"{down.name} is stopped")


main()
