"""No secret in repr, str, vars, pickle, copies, errors or tracebacks."""

from __future__ import annotations

import asyncio
import copy
import json
import pickle
import traceback
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from bud_sdk import AsyncClient, BudError, Client, Secret
from server import Answer, Server

CANARY = "Canary-1!x"
DEAD = "http://127.0.0.1:9"


def shown(value: Any) -> list[str]:
    """Every way in which Python shows a value by itself."""
    texts = [repr(value), str(value), f"{value}", f"{value!r:>5}", ascii(value)]
    if hasattr(value, "__dict__"):
        texts.append(repr(vars(value)))
    try:
        texts.append(repr(pickle.dumps(value)))
    except TypeError as error:
        texts.append(str(error))
    texts.append(repr(copy.copy(value)) if isinstance(value, Secret) else "")
    try:
        texts.append(json.dumps(value))
    except TypeError as error:
        texts.append(str(error))
    return texts


def raised(call: Callable[[], Any]) -> list[str]:
    """The error of a call, with the variables of our own frames, as debuggers and reporters print them."""
    try:
        call()
    except Exception as error:
        trace = traceback.TracebackException.from_exception(error, capture_locals=True)
        frames = [frame for frame in trace.stack if "bud_sdk" in frame.filename]
        assert frames, "it was raised in the package"
        return [*shown(error), *map(repr, frames), *(repr(frame.locals) for frame in frames), str(error.__cause__)]
    raise AssertionError("it did not fail")


def clients() -> Iterator[dict[str, Any]]:
    yield {"email": "a@example.com", "password": CANARY}
    yield {"token": CANARY}
    yield {"api_key": CANARY}


@pytest.mark.parametrize("kind", [Client, AsyncClient])
@pytest.mark.parametrize("options", list(clients()))
def test_a_client_does_not_show_its_credentials(kind: type[Client | AsyncClient], options: dict[str, Any]) -> None:
    client = kind(DEAD, **options)
    texts = shown(client) + shown(client.users) + shown(client.users.list()) + shown(client._handle)
    texts += shown(client.audit.export(start="2026-01-01T00:00:00Z", end="2026-01-02T00:00:00Z"))
    assert not [text for text in texts if CANARY in text]
    with pytest.raises(TypeError, match="not pickled"):
        pickle.dumps(client)


@pytest.mark.parametrize(
    "options",
    [
        {"base_url": DEAD, "email": "a@example.com", "password": CANARY, "token": CANARY},
        {"base_url": DEAD, "password": CANARY},
        {"base_url": DEAD, "token": CANARY, "deployment_key": CANARY},
        {"base_url": f"https://user:{CANARY}@example.com", "token": "t"},
        {"base_url": DEAD, "token": CANARY, "timeout": -1},
    ],
)
def test_wrong_options_are_refused_without_a_secret(options: dict[str, Any]) -> None:
    # The address is no secret to us, but what stands in it may be one: it is not in the error.
    texts = raised(lambda: Client(**options))
    if "user:" in options["base_url"]:
        texts = texts[:1]
    assert not [text for text in texts if CANARY in text]


@pytest.mark.parametrize("way", ["sync", "async"])
def test_arguments_that_are_secret_are_in_no_traceback(way: str) -> None:
    def new_user(bud: Any) -> Any:
        return bud.users.create(
            email="a@example.com", first_name="A", last_name="B", role="tester", password=CANARY, purpose="x"
        )

    def own_password(bud: Any) -> Any:
        return bud.auth.change_own_password(CANARY)

    def run(bud: Any, call: Callable[[Any], Any]) -> Any:
        return call(bud) if way == "sync" else asyncio.run(call(bud))

    for call in (new_user, own_password):
        # The server says what it was sent, as some do.
        with Server(lambda request: Answer.of({"detail": request.body + str(request.headers)}, 400)) as server:
            kind = Client if way == "sync" else AsyncClient
            bud = kind(server.url, token=f"{CANARY}-token", flavor="runtime", attempts=1)
            texts = raised(lambda bud=bud, call=call: run(bud, call))  # type: ignore[misc]
            assert server.requests
            assert not [text for text in texts if CANARY in text]


def test_a_secret() -> None:
    secret = Secret(CANARY)
    assert secret.expose() == CANARY
    assert not [text for text in shown(secret) if CANARY in text]
    assert f"{secret:>30}" == str(secret) == "***"
    assert secret == Secret(secret) == copy.deepcopy(secret)
    assert secret != Secret(CANARY + "2")
    assert secret != CANARY
    assert secret
    assert not Secret("")
    with pytest.raises(TypeError, match="clear text"):
        pickle.dumps(secret)
    with pytest.raises(TypeError, match="made of a str"):
        Secret(CANARY.encode())  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        hash(secret)


def test_an_error_of_the_server_does_not_repeat_the_token() -> None:
    with Server(lambda request: Answer.of({"message": f"no: {request.header('authorization')}"}, 403)) as server:
        bud = Client(server.url, token=CANARY, flavor="guide")
        with pytest.raises(BudError) as caught:
            bud.users.get("u-1")
        assert CANARY not in str(caught.value)
        assert "***" in str(caught.value) or "no:" in str(caught.value)
