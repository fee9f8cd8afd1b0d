"""An outage of the identity service: the server answers 401 to valid tokens, 401 to their renewal and 500 to logins."""

from __future__ import annotations

import asyncio
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from bud_sdk import AsyncClient, Client, errors
from server import Answer, Request, Server

DOWN = "the identity service (Keycloak or its database) is likely unavailable"
USER = {"user": {"id": "u-1", "email": "a@example.com"}}
TOKEN = {"access_token": "access", "refresh_token": "refresh", "expires_in": 1800}


class Platform:
    """The runtime API, whose identity service can be down."""

    def __init__(self) -> None:
        self.down = False

    def __call__(self, request: Request) -> Answer:
        if request.line == "POST /auth/login":
            if self.down:
                return Answer.of({"object": "error", "code": 500, "message": "Something went wrong"}, 500)
            return Answer.of({"token": TOKEN})
        if request.line == "POST /auth/refresh-token":
            if self.down:
                return Answer.of({"object": "error", "code": 401, "message": "Token Expired or Invalid"}, 401)
            return Answer.of({"token": TOKEN})
        if self.down:
            return Answer.of({"detail": "Invalid authentication credentials"}, 401)
        return Answer.of(USER)

    def ends(self, after: float) -> None:
        def end() -> None:
            self.down = False

        threading.Timer(after, end).start()


def options(server: Server) -> dict[str, Any]:
    return {"base_url": server.url, "email": "a@example.com", "password": "Canary-Passw0rd!", "flavor": "runtime"}


def logins(server: Server) -> int:
    return sum(request.line == "POST /auth/login" for request in server.requests)


def test_threads_outlive_an_outage_and_leave_the_servers_logins_alone() -> None:
    platform = Platform()
    with Server(platform) as server, Client(**options(server)) as bud, ThreadPoolExecutor(8) as pool:
        bud.auth.whoami()
        platform.down = True
        platform.ends(1.0)
        started = time.monotonic()
        for me in pool.map(lambda _: bud.auth.whoami(), range(32)):
            assert me.id == "u-1"
        assert time.monotonic() - started < 20
        assert logins(server) <= 3


def test_coroutines_outlive_an_outage() -> None:
    async def main(server: Server, platform: Platform) -> None:
        async with AsyncClient(**options(server)) as bud:
            await bud.auth.whoami()
            platform.down = True
            platform.ends(1.0)
            users = await asyncio.gather(*[bud.auth.whoami() for _ in range(32)])
            assert {user.id for user in users} == {"u-1"}
            assert logins(server) <= 3

    platform = Platform()
    with Server(platform) as server:
        asyncio.run(main(server, platform))


def test_an_outage_is_no_refused_login_and_ends_at_the_deadline() -> None:
    platform = Platform()
    with Server(platform) as server, Client(**options(server), timeout=2) as bud:
        bud.auth.whoami()
        platform.down = True
        for _ in range(3):
            started = time.monotonic()
            with pytest.raises(errors.ServerError) as caught:
                bud.auth.whoami()
            assert time.monotonic() - started < 5
            assert not isinstance(caught.value, errors.AuthenticationError)
            assert caught.value.message.startswith(DOWN)
            assert caught.value.operation == "auth.whoami"
        assert logins(server) <= 6
        platform.down = False
        # A failed renewal is remembered for some seconds.
        bud.auth.whoami(timeout=30)


def test_a_wait_of_a_token_client_outlives_an_outage() -> None:
    states = iter(["deploying", None, None, "running"])

    def answer(_: Request) -> Answer:
        state = next(states)
        if state is None:
            return Answer.of({"detail": "Invalid authentication credentials"}, 401)
        return Answer.of({"object": "endpoint.detail", "result": {"id": "e-1", "name": "e", "status": state}})

    with Server(answer) as server, Client(server.url, token="t", flavor="runtime") as bud:
        assert bud.endpoints.wait("e-1", poll_interval=0.01).status == "RUNNING"


@pytest.mark.parametrize(
    ("message", "kind"),
    [
        ("Incorrect email or password", errors.InvalidCredentials),
        ("User account is not active", errors.AuthRejected),
        ("Unable to login. Please contact administrator to complete account setup.", errors.AuthRejected),
        (
            "Account setup incomplete. Please verify your email and complete required actions.",
            errors.AuthRejected,
        ),
    ],
)
def test_a_refused_login_is_an_authentication_failure(message: str, kind: type[errors.BudError]) -> None:
    refused = Answer.of({"object": "error", "code": 400, "message": message}, 400)
    with Server(lambda _: refused) as server, Client(**options(server)) as bud:
        with pytest.raises(kind) as caught:
            bud.auth.login()
        assert isinstance(caught.value, errors.AuthenticationError)
        assert caught.value.message == message
        assert caught.value.hint
        assert len(server.requests) == 1
