"""What is worth knowing of a result and is no error: beside the result, and in the log."""

from __future__ import annotations

import asyncio
import copy
import logging
import pickle
import threading

import pytest
from bud_sdk import AsyncClient, BudWarning, Client, Listing
from server import Answer, Request, Server

OF_THE_LIST = ["unreadable_rows", "changed_while_reading"]


def deprecated(_: Request) -> Answer:
    answer = Answer.of({"id": "u-1"})
    answer.headers += [("warning", '299 - "the role is deprecated"')]
    return answer


def moving(request: Request) -> Answer:
    """Three pages, of which the second has a row that cannot be read; the server counts another total at the end."""
    query = dict(pair.split("=") for pair in request.line.partition("?")[2].split("&"))
    page = int(query["page"])
    rows = [[{"id": "u-1"}, {"id": "u-2"}], [{"id": "u-3"}, {"id": {"a": 1}}], [{"id": "u-5"}]][page - 1]
    total = 6 if page == 3 else 5
    return Answer.of({"users": rows, "page": page, "limit": 2, "total_record": total, "total_pages": 3})


def codes(warnings: tuple[BudWarning, ...]) -> list[str]:
    return [warning.code for warning in warnings]


def test_a_result_has_its_warnings_beside_it_and_each_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    with Server(deprecated) as server:
        bud = Client(server.url, token="t", flavor="guide")
        response = bud.with_response(bud.users.get, "u-1")
        assert response.warnings == (BudWarning("server", "the role is deprecated"),)
        record = caplog.records[-1]
        assert (record.name, record.levelno) == ("bud_sdk", logging.WARNING)
        assert record.getMessage() == "users.get: the role is deprecated"
        assert vars(record)["code"] == "server"
        assert record.thread == threading.get_ident()
        bud.users.get("u-1")
        assert len(caplog.records) == 2

        async def main() -> None:
            alone = AsyncClient(server.url, token="t", flavor="guide")
            later = await alone.with_response(alone.users.get, "u-1")
            assert later.warnings == response.warnings

        asyncio.run(main())
        assert [record.thread for record in caplog.records] == [threading.get_ident()] * 3


def test_a_result_without_warnings_has_none(caplog: pytest.LogCaptureFixture) -> None:
    with Server(lambda _: Answer.of({"id": "u-1", "users": []})) as server:
        bud = Client(server.url, token="t", flavor="guide")
        assert bud.with_response(bud.users.get, "u-1").warnings == ()
        assert bud.users.list().all().warnings == ()
        assert caplog.records == []


def test_a_list_has_its_warnings_however_it_is_read(caplog: pytest.LogCaptureFixture) -> None:
    with Server(moving) as server:
        users = Client(server.url, token="t", flavor="guide").users.list(page_size=2)
        found = users.all()
        assert isinstance(found, Listing)
        assert codes(found.warnings) == OF_THE_LIST
        assert [user.id for user in found] == ["u-1", "u-2", "u-3", "u-5"]
        assert [vars(record)["code"] for record in caplog.records] == OF_THE_LIST
        for again in (copy.copy(found), pickle.loads(pickle.dumps(found))):
            assert (again, again.warnings) == (found, found.warnings)
        pages = users.pages()
        assert [codes(page.warnings) for page in pages] == [[], OF_THE_LIST[:1], OF_THE_LIST]
        assert codes(pages.warnings) == OF_THE_LIST
        items = iter(users)
        assert items.warnings == ()
        assert [user.id for user in items] == ["u-1", "u-2", "u-3", "u-5"]
        assert codes(items.warnings) == OF_THE_LIST
        # Each way of reading it makes its own requests, and so its own warnings, each once.
        assert len(caplog.records) == 6

        async def main() -> None:
            later = AsyncClient(server.url, token="t", flavor="guide").users.list(page_size=2)
            assert codes((await later.all()).warnings) == OF_THE_LIST
            items = aiter(later)
            assert [user.id async for user in items] == ["u-1", "u-2", "u-3", "u-5"]
            assert codes(items.warnings) == OF_THE_LIST

        asyncio.run(main())


def test_a_list_that_is_left_early_ends_its_request() -> None:
    with Server(moving) as server:
        users = Client(server.url, token="t", flavor="guide").users.list(page_size=2)
        items = iter(users)
        assert next(items).id == "u-1"
        items.close()
        assert next(items, None) is None
        pages = users.pages()
        next(pages)
        pages.close()
        assert list(pages) == []
        assert len(server.requests) == 2

        async def main() -> None:
            later = aiter(AsyncClient(server.url, token="t", flavor="guide").users.list(page_size=2))
            assert (await anext(later)).id == "u-1"
            await later.aclose()
            assert [user async for user in later] == []

        asyncio.run(main())
        assert len(server.requests) == 3
