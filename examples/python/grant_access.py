"""Lets a user work on a project. Guide section 4.2.

    export BUD_BASE_URL=https://api.bud.example.com BUD_EMAIL=admin@example.com BUD_PASSWORD=...
    python grant_access.py user@example.com PROJECT_ID edit

Without `BUD_BASE_URL` it runs on a test server, and needs no arguments.
"""

import sys

from bud_sdk import Conflict
from demo import platform


def main() -> None:
    with platform() as here:
        bud = here.bud
        email = here.argument(1, "the user's e-mail address", "user-00003@example.com")
        project = here.argument(2, "the project's id", here.project())
        level = here.argument(3, "a level: view, edit or admin", "edit")

        # A search also finds longer addresses that contain this one.
        found = bud.users.list(search=email)
        user = next((user for user in found if user.email and user.email.lower() == email.lower()), None)
        if user is None:
            sys.exit(f"there is no user {email}")

        try:
            bud.permissions.grant(user, resource_id=project, level=level)
            print("Granted.")
        except Conflict as error:
            print(f"Nothing was changed: {error.message}")

        for permission in bud.permissions.list(user=user):
            print(f"{email}: {permission.permission_level} on {permission.resource_id}")


main()
