"""Clients and lists: options, responses, pages, configuration, certificates and proxies."""

from __future__ import annotations

import asyncio
import inspect
import os
import socket
import ssl
import subprocess
import sys
import threading
from datetime import timedelta
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
import trustme
from bud_sdk import AsyncClient, Client, ConfigError, Response, errors
from conftest import Bed, Run
from server import Answer, Request, Server, read


def people(request: Request) -> Answer:
    """Seven users, in pages; the third page breaks once."""
    query = dict(pair.split("=") for pair in request.line.partition("?")[2].split("&"))
    page, limit = int(query["page"]), int(query["limit"])
    all_of_them = [{"id": f"u-{number}"} for number in range(7)]
    shown = all_of_them[(page - 1) * limit : page * limit]
    return Answer.of({"users": shown, "page": page, "limit": limit, "total_record": 7, "total_pages": -(-7 // limit)})


def test_options_of_a_call() -> None:
    with Server(lambda _: Answer(hang=True)) as server:
        bud = Client(server.url, token="t", flavor="guide")
        for timeout in (0.1, timedelta(milliseconds=100)):
            with pytest.raises(errors.CallTimeout):
                bud.users.get("u-1", timeout=timeout)
        with pytest.raises(errors.CallTimeout):
            bud.with_options(timeout=0.1).users.get("u-1")
        with pytest.raises(errors.CallTimeout) as caught:
            bud.users.get("u-1", attempt_timeout=0.05, attempts=1)
        assert caught.value.attempts == 1


def test_headers_and_attempts() -> None:
    with Server(lambda _: Answer.of({"message": "busy"}, 503)) as server:
        bud = Client(server.url, token="t", flavor="guide", headers={"x-all": "1"})
        loud = bud.with_options(headers={"x-some": "2"}, attempts=1)
        with pytest.raises(errors.ServerError):
            loud.users.get("u-1", headers={"x-one": "3"})
        assert len(server.requests) == 1
        request = server.requests[0]
        assert [request.header(name) for name in ("x-all", "x-some", "x-one")] == ["1", "2", "3"]
        with pytest.raises(errors.ServerError):
            bud.with_options(attempts=5).users.get("u-1", attempts=2)
        assert len(server.requests) == 3
        with pytest.raises(errors.ServerError):
            loud.users.list().all()
        assert server.requests[-1].header("x-some") == "2"


def test_options_of_all_calls_hold_for_what_takes_them_and_hinder_nothing_else(bed: Bed) -> None:
    general: dict[str, Any] = {"attempts": 1, "attempt_timeout": 20, "timeout": 30, "headers": {"x-some": "2"}}
    with bed.client() as bud:
        busy = bud.with_options(**general)
        busy.auth.login()
        assert busy.flavor() == "guide"
        assert busy.capabilities().flavor == "guide"
        assert busy.users.list().first() is not None
        assert busy.raw("GET", "/users").status == 200
        assert busy.audit.export(start="2026-01-01T00:00:00Z", end="2026-02-01T00:00:00Z").records().first() is not None
        busy.auth.logout()

    async def main() -> None:
        async with bed.async_client() as bud:
            assert await bud.with_options(**general).flavor() == "guide"

    asyncio.run(main())
    with Server(lambda _: Answer.of({"message": "busy"}, 503)) as server:
        busy = Client(server.url, token="t", flavor="guide").with_options(**general)
        with pytest.raises(errors.ServerError):
            busy.raw("GET", "/models", headers={"x-one": "3"})
        assert [request.header("x-some") for request in server.requests] == ["2"]
        assert server.requests[0].header("x-one") == "3"
        with pytest.raises(TypeError, match="attempts"):
            busy.auth.logout(attempts=2)  # type: ignore[call-arg]


def test_what_is_known_of_an_answer(bed: Bed) -> None:
    with bed.client() as bud:
        user = bud.users.list().first()
        assert user is not None
        response = bud.with_response(bud.users.get, user)
        assert isinstance(response, Response)
        assert (response.value, response.status, response.attempts) == (user, 200, 1)
        assert response.request_id
        assert response.elapsed > timedelta(0)
        by_hand = bud.with_response(bud.raw, "GET", f"/users/{user.id}")
        assert (by_hand.status, by_hand.attempts, by_hand.request_id) == (200, 1, by_hand.value.request_id)
        with pytest.raises(TypeError, match="one call"):
            bud.with_response(bud.users.list)

    async def main() -> None:
        async with bed.async_client() as bud:
            one, two = await asyncio.gather(
                bud.with_response(bud.users.get, user), bud.with_response(bud.users.get, id=user.id)
            )
            assert one.value == two.value == user
            assert one.request_id != two.request_id

    asyncio.run(main())


def test_a_closed_client_calls_no_more(bed: Bed) -> None:
    def seen(caught: pytest.ExceptionInfo[errors.ClosedError], operation: str) -> None:
        error = caught.value
        assert (error.code, error.operation, error.attempts) == ("closed", operation, 0)
        assert str(error) == f"{operation} failed: the client is closed; make a new one"
        assert isinstance(error, errors.BudError)
        assert isinstance(error, RuntimeError)

    with bed.client() as bud:
        other = bud.with_options(timeout=5)
        assert bud.flavor() == "guide"
    for closed in (bud, other):
        with pytest.raises(errors.ClosedError) as caught:
            closed.flavor()
        seen(caught, "client.flavor")
        with pytest.raises(errors.ClosedError) as caught:
            closed.users.list()
        seen(caught, "users.list")
        with pytest.raises(errors.ClosedError) as caught:
            closed.endpoints.wait("e-1")
        seen(caught, "endpoints.wait")
    bud.close()

    async def main() -> None:
        async with bed.async_client() as bud:
            assert await bud.flavor() == "guide"
        with pytest.raises(errors.ClosedError) as caught:
            await bud.flavor()
        seen(caught, "client.flavor")

    asyncio.run(main())


def test_each_resource_is_one_object_per_client() -> None:
    with Server([]) as server:
        bud = Client(server.url, token="t", flavor="guide")
        assert bud.users is bud.users
        assert bud.users is not bud.with_options(timeout=5).users
        with mock.patch.object(bud.users, "set_role", return_value=None) as spy:
            bud.users.set_role("u-1", role="admin")
        spy.assert_called_once_with("u-1", role="admin")
        alone = AsyncClient(server.url, token="t", flavor="guide")
        assert alone.users is alone.users
        with mock.patch.object(alone.users, "set_role", new_callable=mock.AsyncMock) as later:
            asyncio.run(alone.users.set_role("u-1", role="admin"))
        later.assert_awaited_once_with("u-1", role="admin")
        assert server.requests == []


def test_options_of_a_subclass_keep_its_attributes() -> None:
    class Named(Client):
        def __init__(self, name: str) -> None:
            super().__init__("http://127.0.0.1:9", token="t", flavor="guide")
            self.name = name

    bud = Named("ours")
    mine = bud.users
    other = bud.with_options(attempts=1)
    assert (type(other), other.name) == (Named, "ours")
    assert other.users is not mine
    with pytest.raises(errors.ConnectError) as caught:
        other.users.get("u-1")
    assert caught.value.attempts == 1


def test_a_response_is_of_one_call_of_the_method_itself(bed: Bed) -> None:
    with bed.client() as bud:

        def two() -> str:
            bud.users.list().all()
            bud.flavor()
            return bud.flavor()

        with pytest.raises(TypeError, match="2 calls"):
            bud.with_response(two)

    heard: list[str] = []
    with Server(lambda _: Answer.of({"id": "e-1", "status": "RUNNING"})) as server:
        options: dict[str, Any] = {"token": "t", "flavor": "guide"}
        waiting = Client(server.url, **options)

        def wait() -> object:
            return waiting.endpoints.wait("e-1", on_update=lambda _: heard.append(waiting.flavor()))

        with pytest.raises(TypeError, match="one call"):
            waiting.with_response(wait)
        assert heard == ["guide"]

        async def main() -> None:
            alone = AsyncClient(server.url, **options)

            async def listener(_: object) -> None:
                heard.append(await alone.flavor())

            async def wait() -> object:
                return await alone.endpoints.wait("e-1", on_update=listener)

            with pytest.raises(TypeError, match="one call"):
                await alone.with_response(wait)
            assert heard == ["guide", "guide"]

        asyncio.run(main())


def test_a_coroutine_function_is_refused_where_nothing_awaits_it() -> None:
    async def listener(_: object) -> None: ...

    with Server(lambda _: Answer.of({"id": "e-1", "status": "DEPLOYING"})) as server:
        bud = Client(server.url, token="t", flavor="guide")
        with pytest.raises(TypeError, match="AsyncClient awaits"):
            bud.endpoints.wait("e-1", poll_interval=0.1, on_update=listener)


def test_lists() -> None:
    with Server(people) as server:
        bud = Client(server.url, token="t", flavor="guide")
        users = bud.users.list(page_size=3)
        assert [user.id for user in users] == [f"u-{number}" for number in range(7)]
        assert len(server.requests) == 3
        # Again, from the beginning.
        assert [user.id for user in users.all()] == [user.id for user in users]
        pages = list(bud.users.list(page_size=3).pages())
        assert [len(page) for page in pages] == [3, 3, 1]
        assert [page.total for page in pages] == [7, 7, 7]
        assert pages[-1].cursor is None
        rest = bud.users.list(cursor=pages[0].cursor).all()
        assert [user.id for user in rest] == ["u-3", "u-4", "u-5", "u-6"]
        before = len(server.requests)
        for user in bud.users.list(page_size=3):
            if user.id == "u-1":
                break
        assert len(server.requests) == before + 1
        assert bud.users.list(page_size=3, concurrency=4).all() == users.all()
        assert "users.list" in repr(users)
        assert "all()" in users._repr_html_()

    async def main() -> None:
        with Server(people) as server:
            bud = AsyncClient(server.url, token="t", flavor="guide")
            assert [user.id async for user in bud.users.list(page_size=3)] == [f"u-{number}" for number in range(7)]
            pages = [page async for page in bud.users.list(page_size=3).pages()]
            assert [len(page) for page in pages] == [3, 3, 1]
            assert len(await bud.users.list(page_size=3).all()) == 7
            before = len(server.requests)
            async for user in bud.users.list(page_size=3):
                if user.id == "u-1":
                    break
            assert len(server.requests) == before + 1

    asyncio.run(main())


def test_a_list_goes_on_where_it_broke_off() -> None:
    broken = threading.Event()

    def once(request: Request) -> Answer:
        if "page=2" in request.line and not broken.is_set():
            broken.set()
            return Answer.of({"message": "no"}, 403)
        return people(request)

    with Server(once) as server:
        bud = Client(server.url, token="t", flavor="guide")
        users = iter(bud.users.list(page_size=3))
        seen = [next(users).id for _ in range(3)]
        with pytest.raises(errors.PermissionDenied) as caught:
            next(users)
        seen += [user.id for user in bud.users.list(cursor=caught.value.cursor)]
        assert seen == [f"u-{number}" for number in range(7)]


def test_one_reader_at_a_time() -> None:
    with Server(lambda _: Answer(hang=True)) as server:
        bud = Client(server.url, token="t", flavor="guide", timeout=2, attempts=1)
        stream = bud._handle.stream("users.list", {}, {})

        def first() -> None:
            with pytest.raises(errors.CallTimeout):
                stream.next()

        thread = threading.Thread(target=first)
        thread.start()
        assert server.asked.acquire(timeout=20)
        with pytest.raises(RuntimeError, match="one reader"):
            stream.next()
        thread.join(20)
        assert stream.next() is None


def test_exports(bud: Client, tmp_path: Path) -> None:
    file = tmp_path / "audit.csv"
    seen: list[int] = []
    export = bud.audit.export(start="2026-01-01T00:00:00Z", end="2026-02-01T00:00:00Z")
    done = export.write_to(file, on_update=lambda progress: seen.append(progress.bytes))
    assert (done.rows, done.bytes, done.proven) == (3000, file.stat().st_size, True)
    assert seen
    assert file.stat().st_mode & 0o077 == 0
    assert b"".join(export) == file.read_bytes()
    assert len(export.records().all()) == 3000
    with pytest.raises(errors.InvalidArgument, match="there already"):
        export.write_to(file)
    assert export.write_to(str(file), overwrite=True).rows == 3000


def test_what_a_listener_raises_ends_the_job(bed: Bed, tmp_path: Path) -> None:
    file = tmp_path / "audit.csv"
    span: dict[str, Any] = {"start": "2026-01-01T00:00:00Z", "end": "2026-02-01T00:00:00Z"}

    def enough(_: object) -> None:
        raise LookupError("enough")

    async def enough_later(_: object) -> None:
        await asyncio.sleep(0)
        raise LookupError("enough")

    with bed.client() as bud:
        with pytest.raises(LookupError, match="enough"):
            bud.audit.export(**span).write_to(file, on_update=enough)
        assert bud.flavor() == "guide"

    async def main() -> None:
        async with bed.async_client() as bud:
            with pytest.raises(LookupError, match="enough"):
                await bud.audit.export(**span).write_to(file, on_update=enough_later)
            assert await bud.flavor() == "guide"

    asyncio.run(main())
    assert list(tmp_path.iterdir()) == []


def test_configuration_from_the_environment(bed: Bed, run: Run, tmp_path: Path) -> None:
    done = run("import bud_sdk; bud = bud_sdk.Client(); print(bud, bud.flavor(), bud.users.list().first().email)")
    assert done.stdout == f"Client('{bed.url}/') guide {bed.email}\n"
    code = "import bud_sdk\ntry: bud_sdk.Client()\nexcept bud_sdk.ConfigError as error: print(error)"
    environment = {name: value for name, value in os.environ.items() if not name.startswith("BUD_")}
    bare = subprocess.run(
        [sys.executable, "-c", code],
        env={**environment, "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert "BUD_BASE_URL" in bare.stdout


def test_variables_that_the_program_sets_are_read(bed: Bed, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    for name, value in (("BUD_BASE_URL", bed.url), ("BUD_EMAIL", bed.email), ("BUD_PASSWORD", bed.password)):
        monkeypatch.setenv(name, value)
    user = Client().users.list().first()
    assert user is not None
    assert user.email == bed.email
    monkeypatch.delenv("BUD_PASSWORD")
    with pytest.raises(ConfigError, match="BUD_EMAIL is set, but BUD_PASSWORD is not"):
        Client()


def test_given_addresses_read_no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BUD_TOKEN", "t")
    with pytest.raises(ConfigError):
        Client("http://127.0.0.1:9")
    assert Client("http://127.0.0.1:9", env=True).base_url == "http://127.0.0.1:9/"


def encrypted(authority: trustme.CA) -> tuple[str, Any]:
    """An https server that answers one connection."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        with listener:
            connection, _ = listener.accept()
            try:
                with context.wrap_socket(connection, server_side=True) as secure:
                    read(secure)
                    secure.sendall(Answer.of({"id": "u-1"}).text())
            except (ssl.SSLError, ConnectionError):
                connection.close()

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    return f"https://127.0.0.1:{listener.getsockname()[1]}", thread


def test_certificates_are_checked_and_can_be_added() -> None:
    authority = trustme.CA()
    pem = authority.cert_pem.bytes().decode()
    url, _ = encrypted(authority)
    assert Client(url, token="t", flavor="guide", ca_certificate=pem).users.get("u-1").id == "u-1"
    url, _ = encrypted(authority)
    with pytest.raises(errors.TlsError):
        Client(url, token="t", flavor="guide").users.get("u-1")
    with pytest.raises(errors.ConfigError):
        Client(url, token="t", ca_certificate="no certificate")


def test_https_goes_through_the_proxy_of_the_environment(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    code = """
import sys, bud_sdk
bud = bud_sdk.Client("https://api.bud.invalid", token="t", flavor="guide", attempts=1)
try:
    bud.users.get("u-1")
except bud_sdk.TransportError:
    print("failed")
"""
    with Server(lambda _: Answer(403)) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy.url)
        monkeypatch.delenv("NO_PROXY", raising=False)
        monkeypatch.delenv("no_proxy", raising=False)
        assert run(code).stdout == "failed\n"
        assert [request.line for request in proxy.requests] == ["CONNECT api.bud.invalid:443"]
        assert proxy.requests[0].header("authorization") is None


def test_unknown_values_of_a_server_are_no_error() -> None:
    with Server(lambda _: Answer.of({"id": "u-1", "role": "emperor", "since": 7})) as server:
        user = Client(server.url, token="t", flavor="guide").users.get("u-1")
        assert (user.role, user.extra) == ("emperor", {"since": 7})


def test_docstrings_tell_of_arguments_and_routes() -> None:
    text = inspect.getdoc(Client("http://127.0.0.1:9", token="t").users.get)
    assert text is not None
    assert "Reads one user." in text
    assert "id: The user." in text
    assert "GET /users/{id}" in text
    assert "Day-2 guide: 8.1" in text


def test_importing_is_quick(run: Run) -> None:
    done = run("import time; began = time.perf_counter(); import bud_sdk; print(time.perf_counter() - began)")
    # Meant: a tenth of a second.
    assert float(done.stdout) < 3
