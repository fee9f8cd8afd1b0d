"""Logs in once and goes on in the next program without a login. Guide section 3.1.

    export BUD_BASE_URL=https://api.bud.example.com BUD_EMAIL=admin@example.com BUD_PASSWORD=...
    python reuse_session.py

Without `BUD_BASE_URL` it runs on a test server.
"""

from bud_sdk import Client
from demo import Platform, platform


def configured(here: Platform) -> Client:
    """The session is kept in `~/.bud/sessions`, for its owner alone; the logout removes it."""
    if here.demo is None:
        return Client(remember_session=True)
    demo = here.demo
    return Client(demo.url, email=demo.email, password=demo.password, remember_session=True)


def main() -> None:
    with platform() as here:
        # What a first program does.
        with configured(here) as first:
            first.auth.login()
            print(f"logged in at {first.base_url}")

        # What a later program does: its first call needs no login.
        with configured(here) as later:
            print(f"{len(later.users.list().all())} users, seen without another login")

            # At the end of the day: the server forgets the session, and so does the disk.
            later.auth.logout()
            print("logged out")


main()
