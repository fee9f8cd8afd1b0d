"""Lists, and exports."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator
from html import escape
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from bud_sdk._loop import Link
from bud_sdk._table import Table
from bud_sdk._warnings import BudWarning, warned

if TYPE_CHECKING:
    from bud_sdk._base import AsyncCaller, BaseCaller, SyncCaller
    from bud_sdk._native import AuditRecord, ExportProgress, ExportSummary, Stream
    from bud_sdk.types import Path

T = TypeVar("T")


class Listing(Table[T]):
    """All items of a list, or a part of them."""

    __slots__ = ("warnings",)

    warnings: tuple[BudWarning, ...]
    """What is worth knowing of the list and is no error."""

    def __init__(self, items: Iterable[T] = (), warnings: tuple[BudWarning, ...] = ()) -> None:
        super().__init__(items)
        self.warnings = warnings


class Page(Listing[T]):
    """A page of a list. Its warnings are those of the list so far."""

    __slots__ = ("cursor", "total")

    cursor: str | None
    """Where the list goes on after it; `cursor=` takes it. None at the end."""
    total: int | None
    """How many items there are in all, if the server says so."""

    def __init__(
        self,
        items: Iterable[T] = (),
        cursor: str | None = None,
        total: int | None = None,
        warnings: tuple[BudWarning, ...] = (),
    ) -> None:
        super().__init__(items, warnings)
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
        return self._client._handle.stream(self._operation, self._args, self._options)

    def _stream(self) -> Stream:
        stream, self._first = self._first or self._begin(), None
        return stream

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._operation}, fetched as it is read>"


class _Reading:
    """A list that is being read."""

    def __init__(self, stream: Stream, operation: str) -> None:
        self._stream = stream
        self._operation = operation
        self.warnings: tuple[BudWarning, ...] = ()

    def _page(self, piece: Any) -> Page[Any]:
        _, items, cursor, total, pairs = piece
        # Each page has the warnings of those before it, too.
        self.warnings = warned(self._operation, pairs, self.warnings)
        return Page(items, cursor, total, self.warnings)


class Pages(_Reading, Iterator[Page[T]]):
    """The pages of a list, as they are read. `warnings` are those of the list so far."""

    def __next__(self) -> Page[T]:
        try:
            piece = self._stream.next()
        except BaseException:
            self._stream.close()
            raise
        if piece is None:
            self._stream.close()
            raise StopIteration
        return self._page(piece)

    def close(self) -> None:
        """Ends it, and its request with it."""
        self._stream.close()


class Items(Iterator[T]):
    """The items of a list, as they are read."""

    def __init__(self, pages: Pages[T]) -> None:
        self._pages = pages
        self._items: Iterator[T] = iter(())

    @property
    def warnings(self) -> tuple[BudWarning, ...]:
        """What is worth knowing of the list so far and is no error."""
        return self._pages.warnings

    def __next__(self) -> T:
        while True:
            for item in self._items:
                return item
            self._items = iter(next(self._pages))

    def close(self) -> None:
        """Ends it, and its request with it."""
        self._items = iter(())
        self._pages.close()


class AsyncPages(_Reading, AsyncIterator[Page[T]]):
    """The pages of a list, as they are read. `warnings` are those of the list so far."""

    async def __anext__(self) -> Page[T]:
        try:
            piece = await Link.here().run(self._stream.start_next)
        except BaseException:
            self._stream.close()
            raise
        if piece is None:
            self._stream.close()
            raise StopAsyncIteration
        return self._page(piece)

    async def aclose(self) -> None:
        """Ends it, and its request with it."""
        self._stream.close()


class AsyncItems(AsyncIterator[T]):
    """The items of a list, as they are read."""

    def __init__(self, pages: AsyncPages[T]) -> None:
        self._pages = pages
        self._items: Iterator[T] = iter(())

    @property
    def warnings(self) -> tuple[BudWarning, ...]:
        """What is worth knowing of the list so far and is no error."""
        return self._pages.warnings

    async def __anext__(self) -> T:
        while True:
            for item in self._items:
                return item
            self._items = iter(await anext(self._pages))

    async def aclose(self) -> None:
        """Ends it, and its request with it."""
        self._items = iter(())
        await self._pages.aclose()


class List(_Begun, Generic[T]):
    """A list, fetched page by page as it is read: iterate it, or take `all()` of it.

    The platform pages by number, so items that appear or vanish meanwhile can be seen twice or missed.
    """

    __slots__ = ()

    def __iter__(self) -> Items[T]:
        return Items(self.pages())

    def pages(self) -> Pages[T]:
        """The list page by page."""
        return Pages(self._stream(), self._operation)

    def all(self) -> Listing[T]:
        """The whole list at once. The first error ends it, and what came before it is lost: iterate to keep that."""
        items: Listing[T] = Listing()
        for page in self.pages():
            items.extend(page)
            items.warnings = page.warnings
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

    def __aiter__(self) -> AsyncItems[T]:
        return AsyncItems(self.pages())

    def pages(self) -> AsyncPages[T]:
        """The list page by page."""
        return AsyncPages(self._stream(), self._operation)

    async def all(self) -> Listing[T]:
        """The whole list at once. The first error ends it, and what came before it is lost: iterate to keep that."""
        items: Listing[T] = Listing()
        async for page in self.pages():
            items.extend(page)
            items.warnings = page.warnings
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
