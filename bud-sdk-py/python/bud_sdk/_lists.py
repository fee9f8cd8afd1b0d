"""Lists, and exports."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator
from html import escape
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from bud_sdk._loop import Link
from bud_sdk._table import Table

if TYPE_CHECKING:
    from bud_sdk._base import AsyncCaller, BaseCaller, SyncCaller
    from bud_sdk._native import AuditRecord, ExportProgress, ExportSummary, Stream
    from bud_sdk.types import Path

T = TypeVar("T")


class Page(Table[T]):
    """A page of a list."""

    __slots__ = ("cursor", "total")

    cursor: str | None
    """Where the list goes on after it; `starting_at=` takes it. None at the end."""
    total: int | None
    """How many items there are in all, if the server says so."""

    def __init__(self, items: Iterable[T] = (), cursor: str | None = None, total: int | None = None) -> None:
        super().__init__(items)
        self.cursor = cursor
        self.total = total


class _Begun:
    """What can be begun again and again. First it is begun at once, so that wrong arguments are refused by the call."""

    __slots__ = ("_args", "_client", "_first", "_operation", "_options")

    def __init__(self, client: BaseCaller, operation: str, args: dict[str, Any], options: dict[str, Any]) -> None:
        self._client = client
        self._operation = operation
        self._args = args
        self._options = client._options(options)
        self._first: Stream | None = self._begin()

    def _begin(self) -> Stream:
        return self._client._door.stream(self._operation, self._args, self._options)

    def _stream(self) -> Stream:
        stream, self._first = self._first or self._begin(), None
        return stream

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._operation}, fetched as it is read>"


class List(_Begun, Generic[T]):
    """A list, fetched page by page as it is read: iterate it, or take `all()` of it.

    The platform pages by number, so items that appear or vanish meanwhile can be seen twice or missed.
    """

    __slots__ = ()

    def __iter__(self) -> Iterator[T]:
        for page in self.pages():
            yield from page

    def pages(self) -> Iterator[Page[T]]:
        """The list page by page."""
        stream = self._stream()
        try:
            while (piece := stream.next()) is not None:
                _, items, cursor, total = piece
                yield Page(items, cursor, total)
        finally:
            stream.close()

    def all(self) -> Table[T]:
        """The whole list at once. The first error ends it, and what came before it is lost: iterate to keep that."""
        items: Table[T] = Table()
        for page in self.pages():
            items.extend(page)
        return items

    def first(self) -> T | None:
        """The first item, if there is one."""
        return next(iter(self), None)

    def _repr_html_(self) -> str:
        return _hint(self._operation, "all()")


class AsyncList(_Begun, Generic[T]):
    """A list, fetched page by page as it is read: iterate it with `async for`, or await `all()` of it.

    The platform pages by number, so items that appear or vanish meanwhile can be seen twice or missed.
    """

    __slots__ = ()

    async def __aiter__(self) -> AsyncIterator[T]:
        async for page in self.pages():
            for item in page:
                yield item

    async def pages(self) -> AsyncIterator[Page[T]]:
        """The list page by page."""
        stream, link = self._stream(), Link.here()
        try:
            while (piece := await link.run(stream.start_next)) is not None:
                _, items, cursor, total = piece
                yield Page(items, cursor, total)
        finally:
            stream.close()

    async def all(self) -> Table[T]:
        """The whole list at once. The first error ends it, and what came before it is lost: iterate to keep that."""
        items: Table[T] = Table()
        async for page in self.pages():
            items.extend(page)
        return items

    async def first(self) -> T | None:
        """The first item, if there is one."""
        async for item in self:
            return item
        return None

    def _repr_html_(self) -> str:
        return _hint(self._operation, "await ….all()")


def _hint(operation: str, whole: str) -> str:
    return f"<p><code>{escape(operation)}</code>: fetched as it is read; <code>{escape(whole)}</code> shows it.</p>"


class Export(_Begun):
    """An export, sent as it is read: iterate its bytes, write it to a file, or read its records.

    Only an export that ends without an error was whole.
    """

    __slots__ = ()
    _client: SyncCaller

    def __init__(self, client: SyncCaller, operation: str, args: dict[str, Any]) -> None:
        super().__init__(client, operation, args, {})

    def __iter__(self) -> Iterator[bytes]:
        stream = self._stream()
        try:
            while (piece := stream.next()) is not None:
                yield piece[1]
        finally:
            stream.close()

    def write_to(
        self,
        path: Path,
        *,
        overwrite: bool = False,
        on_update: Callable[[ExportProgress], object] | None = None,
    ) -> ExportSummary:
        """Writes it into a file, which appears under its name only when it is whole and on disk, readable for its owner
        alone. Cells of CSV are the server's, byte for byte: some begin with `=`, which a spreadsheet would run.

        Args:
            path: The file.
            overwrite: Replaces a file that is there already, once the new one is whole.
            on_update: Is called with how far it is.
        """
        args = {**self._args, "path": path, "overwrite": overwrite}
        summary: ExportSummary = self._client._job(f"{self._operation}_file", args, on_update)
        return summary

    def records(self) -> List[AuditRecord]:
        """The typed records of it."""
        return List(self._client, f"{self._operation}_records", _of_records(self._args), {})


class AsyncExport(_Begun):
    """An export, sent as it is read: iterate its bytes, write it to a file, or read its records.

    Only an export that ends without an error was whole.
    """

    __slots__ = ()
    _client: AsyncCaller

    def __init__(self, client: AsyncCaller, operation: str, args: dict[str, Any]) -> None:
        super().__init__(client, operation, args, {})

    async def __aiter__(self) -> AsyncIterator[bytes]:
        stream, link = self._stream(), Link.here()
        try:
            while (piece := await link.run(stream.start_next)) is not None:
                yield piece[1]
        finally:
            stream.close()

    async def write_to(
        self,
        path: Path,
        *,
        overwrite: bool = False,
        on_update: Callable[[ExportProgress], object | Awaitable[object]] | None = None,
    ) -> ExportSummary:
        """Writes it into a file, which appears under its name only when it is whole and on disk, readable for its owner
        alone. Cells of CSV are the server's, byte for byte: some begin with `=`, which a spreadsheet would run.

        Args:
            path: The file.
            overwrite: Replaces a file that is there already, once the new one is whole.
            on_update: Is called with how far it is. What it returns is awaited, if it can be.
        """
        args = {**self._args, "path": path, "overwrite": overwrite}
        summary: ExportSummary = await self._client._job(f"{self._operation}_file", args, on_update)
        return summary

    def records(self) -> AsyncList[AuditRecord]:
        """The typed records of it."""
        return AsyncList(self._client, f"{self._operation}_records", _of_records(self._args), {})


def _of_records(args: dict[str, Any]) -> dict[str, Any]:
    # Records have no format. All else that they do not take is refused by its name.
    return {name: value for name, value in args.items() if name != "format"}
