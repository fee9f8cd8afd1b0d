"""Rotates an API key without downtime: creates the new key first. Guide section 9.3.

    export BUD_BASE_URL=https://api.bud.example.com BUD_EMAIL=admin@example.com BUD_PASSWORD=...
    python rotate_key.py PROJECT_ID OLD_CREDENTIAL_ID FILE_FOR_THE_NEW_KEY

Without `BUD_BASE_URL` it runs on a test server, and needs no arguments.
"""

import os
import sys
from datetime import datetime, timezone

from demo import platform


def main() -> None:
    with platform() as here:
        bud = here.bud
        project = here.argument(1, "the project's id", here.project())
        example = bud.credentials.create(name="API Key v1", project=project).credential.id if here.demo else None
        old = here.argument(2, "the old credential's id", example)
        path = here.argument(3, "a file for the new key", "new_key")

        # The file comes first: the server shows a key only once, so there must be a place for it.
        with open(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w") as file:
            made = bud.credentials.create(name=f"API Key of {datetime.now(timezone.utc):%Y-%m-%d}", project=project)
            if made.key is None:
                sys.exit("the key came encrypted: give the client the deployment's key")
            file.write(made.key.expose())
            file.flush()
            os.fsync(file.fileno())
        print(f"A new key is in {path}; printed it is {made.key}")

        # Only now that the new key is safe; in production, only once its users have it.
        bud.credentials.delete(old)
        print("The old key is deleted")


main()
