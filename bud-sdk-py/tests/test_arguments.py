"""Wrong arguments are refused before anything is sent, by an error that names them."""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import json
import time
from collections import deque
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from enum import Enum
from fractions import Fraction
from typing import Any
from uuid import UUID

import numpy as np
import pytest
from bud_sdk import Client, InvalidArgument, _native, errors
from bud_sdk.audit import AuditRecord
from bud_sdk.projects import Project
from bud_sdk.users import User
from conftest import BACKENDS, made
from server import Answer, Server


def methods(url: str, prefix: str) -> Iterator[tuple[str, Callable[..., Any]]]:
    """Everything that the façade offers, by the core's name."""
    login = {"bud": {"token": "t", "flavor": "guide"}}
    clients = {
        name: made(name, prefix, **({about["address"]: url} if about["address"] else {}), **login.get(name, {}))
        for name, about in BACKENDS.items()
    }
    own = {about["own"]: clients[name] for name, about in BACKENDS.items()}
    for operation, _ in _native.operations():
        resource, _, name = operation.partition(".")
        if operation in ("audit.export_file", "audit.export_records"):
            continue
        yield operation, getattr(own.get(resource) or getattr(clients["bud"], resource), name)


@pytest.mark.parametrize("prefix", ["", "Async"])
def test_everything_that_can_be_called_is_a_method(prefix: str) -> None:
    names = [operation for operation, _ in methods("http://127.0.0.1:9", prefix)]
    assert len(names) == len(_native.operations()) - 2


def test_an_unknown_backend_is_refused_by_name() -> None:
    with pytest.raises(InvalidArgument, match="bud, kubernetes") as caught:
        _native.Handle({}, backend="nothing")
    assert caught.value.param == "backend"


def whole(method: Callable[..., Any], args: dict[str, Any]) -> None:
    made = method(**args)
    if inspect.iscoroutine(made):
        asyncio.run(made)


@pytest.mark.parametrize("way", ["sync", "async"])
def test_every_argument_of_everything_is_refused_by_its_name(way: str) -> None:
    refused = 0
    with Server(lambda _: Answer.of({})) as server:
        for operation, method in methods(server.url, "" if way == "sync" else "Async"):
            parameters = inspect.signature(method).parameters
            required = {
                name: "2026-01-01T00:00:00Z" if name == "start" else "2026-01-02T00:00:00Z" if name == "end" else "x"
                for name, parameter in parameters.items()
                if parameter.default is parameter.empty
            }
            for name in parameters:
                if name == "on_update" or "Secret" in str(parameters[name].annotation):
                    continue
                with pytest.raises(InvalidArgument) as caught:
                    whole(method, {**required, name: object()})
                assert caught.value.param == name, f"{operation}({name}): {caught.value}"
                assert caught.value.operation == operation
                assert "object at 0x" not in str(caught.value)
                refused += 1
        assert server.requests == []
    assert refused > 200


@pytest.mark.parametrize(
    ("call", "param"),
    [
        (lambda bud: bud.users.get(""), "id"),
        (lambda bud: bud.users.get(".."), "id"),
        (lambda bud: bud.users.get("a/b"), "id"),
        (lambda bud: bud.users.get("\ud800"), "id"),
        (lambda bud: bud.users.get(7), "id"),
        (lambda bud: bud.users.get(None), "id"),
        (lambda bud: bud.users.get(Project.from_json('{"id":"p-1"}')), "id"),
        (lambda bud: bud.endpoints.scale("e-1", replicas=True), "replicas"),
        (lambda bud: bud.endpoints.scale("e-1", replicas=1.5), "replicas"),
        (lambda bud: bud.endpoints.scale("e-1", replicas=2**80), "replicas"),
        (lambda bud: bud.endpoints.scale("e-1", replicas="2"), "replicas"),
        (lambda bud: bud.users.list(page_size=0).all(), "page_size"),
        (lambda bud: bud.users.list(cursor="nowhere").all(), "cursor"),
        (lambda bud: bud.users.get("u-1", timeout=float("nan")), "timeout"),
        (lambda bud: bud.users.get("u-1", timeout=timedelta(seconds=-1)), "timeout"),
        (lambda bud: bud.users.get("u-1", attempts=0), "attempts"),
        (lambda bud: bud.users.get("u-1", headers={1: "a"}), "headers"),
        (lambda bud: bud.audit.export(start=datetime(2026, 1, 1), end="2026-01-02T00:00:00Z"), "start"),
        (lambda bud: bud.audit.export(start="2026-01-02T00:00:00Z", end="2026-01-01T00:00:00Z"), "end"),
        (lambda bud: bud.audit.verify_many("abc"), "ids"),
        (lambda bud: bud.audit.verify_many(deque([User.from_json('{"id":"u-1"}')])), "ids"),
        (lambda bud: bud.raw("GET", "/x", query={"a": [1]}), "query"),
        (lambda bud: bud.raw("GET", "/x", body={"a": object()}), "body"),
        (lambda bud: bud.raw("GET", "/x", body=float("inf")), "body"),
    ],
)
def test_wrong_values(call: Callable[[Client], object], param: str) -> None:
    with Server(lambda _: Answer.of({})) as server:
        with pytest.raises(InvalidArgument) as caught:
            call(Client(server.url, token="t", flavor="guide"))
        assert caught.value.param == param
        assert server.requests == []


def test_records_of_an_export_take_what_they_have() -> None:
    span: dict[str, Any] = {"start": "2026-01-01T00:00:00Z", "end": "2026-01-02T00:00:00Z"}
    bud = Client("http://127.0.0.1:9", token="t", flavor="guide")
    assert "fetched" in repr(bud.audit.export(**span, format="json", idle_timeout=5).records())
    with pytest.raises(InvalidArgument) as caught:
        bud.audit.export(**span, accept_unmarked_end=True).records()
    assert (caught.value.param, caught.value.operation) == ("accept_unmarked_end", "audit.export_records")


def test_names_and_places_are_pythons_affair() -> None:
    bud: Any = Client("http://127.0.0.1:9", token="t")
    with pytest.raises(TypeError):
        bud.users.create("a@example.com", "A", "B", "user")
    with pytest.raises(TypeError):
        bud.users.get("u-1", timeuot=3)
    with pytest.raises(TypeError):
        bud.users.get()
    with pytest.raises(TypeError):
        Client("http://127.0.0.1:9", "token")  # type: ignore[call-arg]


class Role(Enum):
    ADMIN = "admin"


def test_values_may_be_what_python_has_for_them() -> None:
    one = UUID("8f14e45f-ceea-467f-a0e6-4b6d1f3c2a10")
    user = User.from_json('{"id":"u-7"}')
    with Server(lambda _: Answer.of({"id": "u-7"})) as server:
        bud = Client(server.url, token="t", flavor="guide")
        bud.users.get(one, timeout=timedelta(seconds=30))
        bud.users.get(user)
        bud.users.set_role(user, role=Role.ADMIN)  # type: ignore[arg-type]
        bud.raw("POST", "/x", body={"a": (Decimal("1.50"), one, None, {"b": True}), "c": timedelta(minutes=1)})
        lines = [request.line for request in server.requests]
        assert lines == [f"GET /users/{one}", "GET /users/u-7", "PUT /users/u-7", "POST /x"]
        assert server.requests[3].body == f'{{"a":["1.50","{one}",null,{{"b":true}}],"c":60.0}}'


def test_any_sequence_and_mapping_may_hold_what_has_an_id() -> None:
    record = AuditRecord.from_json('{"id":"a-1"}')
    with Server(lambda _: Answer.of({"result": {}})) as server:
        bud = Client(server.url, token="t", flavor="runtime", attempts=1)
        for ids in ([record], (record, "a-2"), deque([record, "a-2"]), {"a-1"}):
            with contextlib.suppress(errors.DecodeError):
                bud.audit.verify_many(ids)  # type: ignore[arg-type]
    asked = [json.loads(request.body) for request in server.requests]
    assert asked == [["a-1"], ["a-1", "a-2"], ["a-1", "a-2"], ["a-1"]]


def test_a_model_that_stands_for_its_id_is_not_read_whole() -> None:
    user = User.from_json(json.dumps({"id": "u-7", "notes": ["x" * 20] * 50_000}))
    bud = Client("http://127.0.0.1:9", token="t", flavor="guide")

    def seconds(work: Callable[[], object]) -> float:
        began = time.perf_counter()
        work()
        return time.perf_counter() - began

    def refused() -> None:
        for _ in range(20):
            with pytest.raises(InvalidArgument):
                bud.users.get(user, timeout=0)

    # Twenty times its id, in less than it takes to read it once.
    assert min(seconds(refused) for _ in range(3)) < min(seconds(user.to_json) for _ in range(3))


def test_numbers_of_other_libraries_are_numbers() -> None:
    with Server(lambda _: Answer.of({"id": "e-1"})) as server:
        bud = Client(server.url, token="t", flavor="guide", attempts=1)
        body = {"a": np.int64(7), "b": np.float32(0.5), "c": np.bool_(True), "d": [np.uint8(9)], "e": Fraction(1, 4)}
        bud.raw("POST", "/x", body=body)
        assert server.requests[0].body == '{"a":7,"b":0.5,"c":true,"d":[9],"e":0.25}'
        bud.endpoints.scale("e-1", replicas=np.int32(3))
        assert '"replicas":3' in server.requests[1].body
        sent = len(server.requests)
        for value in (np.float64("nan"), np.array([1, 2]), np.array(1), 1j, object()):
            with pytest.raises(InvalidArgument) as caught:
                bud.raw("POST", "/x", body={"a": value})
            assert caught.value.param == "body"
        assert len(server.requests) == sent
