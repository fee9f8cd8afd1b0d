"""What a fresh installation has to be able to do; it runs where nothing else is installed."""

import asyncio
import os
import subprocess
import sys
from importlib.metadata import version

import bud_sdk
from bud_sdk import AsyncClient, Client


async def count(url: str, email: str, password: str) -> int:
    async with AsyncClient(url, email=email, password=password) as bud:
        return len(await bud.users.list(page_size=10).all())


def main() -> None:
    assert "site-packages" in bud_sdk.__file__, bud_sdk.__file__
    assert version("bud-sdk-py") == bud_sdk.__version__
    typed = os.path.join(os.path.dirname(bud_sdk.__file__), "py.typed")
    assert os.path.exists(typed), "type checkers do not see the types"
    with subprocess.Popen(
        [os.environ["BUD_TESTBED"], "--seed-users", "30"], stdout=subprocess.PIPE, text=True
    ) as server:
        try:
            assert server.stdout is not None
            lines = dict(server.stdout.readline().strip().split(": ") for _ in range(3))
            with Client(lines["url"], email=lines["email"], password=lines["password"]) as bud:
                users = bud.users.list().all()
                assert len(users) == 31, len(users)
                assert bud.users.get(users[7]) == users[7]
            assert asyncio.run(count(**lines)) == 31
        finally:
            server.terminate()
    print(f"bud-sdk-py {bud_sdk.__version__} works on Python {sys.version.split()[0]}")


main()
