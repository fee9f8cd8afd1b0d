"""Creates a user and changes their role, on either API. Guide sections 3.1 and 3.2.

    export BUD_BASE_URL=https://api.bud.example.com BUD_EMAIL=admin@example.com BUD_PASSWORD=...
    python create_user.py newuser@example.com New User

Without `BUD_BASE_URL` it runs on a test server, and needs no arguments.
"""

from bud_sdk import Conflict
from demo import platform


def main() -> None:
    with platform() as here:
        email = here.argument(1, "the new user's e-mail address", "newuser@example.com")
        first = here.argument(2, "the first name", "New")
        last = here.argument(3, "the last name", "User")

        # The two APIs have different roles.
        first_role, later_role = {"guide": ("USER", "PROJECT_ADMIN"), "runtime": ("developer", "devops")}[
            here.bud.flavor()
        ]
        try:
            made = here.bud.users.create(email=email, first_name=first, last_name=last, role=first_role)
        except Conflict as error:
            print(f"There is such a user already: {error.message}")
            return
        print(f"Created {made.user.email} ({made.user.id})")

        user = here.bud.users.set_role(made.user, role=later_role)
        print(f"The role is now {user.role}")


main()
