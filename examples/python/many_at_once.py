"""Looks at many users at the same time, with asyncio. Guide section 8.1.

    export BUD_BASE_URL=https://api.bud.example.com BUD_EMAIL=admin@example.com BUD_PASSWORD=...
    python many_at_once.py

Without `BUD_BASE_URL` it runs on a test server.
"""

import asyncio

from bud_sdk import AsyncClient, BudError
from bud_sdk.users import User
from demo import Platform, platform


def configured(here: Platform) -> AsyncClient:
    if here.demo is None:
        return AsyncClient()
    return AsyncClient(here.demo.url, email=here.demo.email, password=here.demo.password)


async def look(here: Platform) -> None:
    async with configured(here) as bud:
        users = await bud.users.list(page_size=50).all()

        # As many at a time as the platform likes; one that fails does not end the others.
        gate = asyncio.Semaphore(16)

        async def one(user: User) -> User:
            async with gate:
                return await bud.users.get(user)

        seen = await asyncio.gather(*[one(user) for user in users], return_exceptions=True)
        failed = [error for error in seen if isinstance(error, BudError)]
        print(f"{len(seen) - len(failed)} users read, {len(failed)} failed")
        for error in failed[:5]:
            print(error)


def main() -> None:
    with platform() as here:
        asyncio.run(look(here))


main()
