"""What clients and resources are made of."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Generic, NoReturn, ParamSpec, TypeVar

from bud_sdk._errors import InternalError
from bud_sdk._loop import Link
from bud_sdk._native import Handle
from bud_sdk._table import Table
from bud_sdk._warnings import BudWarning, warned

if TYPE_CHECKING:
    from types import TracebackType

    from typing_extensions import Self

    from bud_sdk._native import Bridge, Running
    from bud_sdk.types import Seconds

T = TypeVar("T")
P = ParamSpec("P")

OnUpdate = Callable[[Any], object]


@dataclass(frozen=True)
class Response(Generic[T]):
    """A result, and what is known of the answer that it came in."""

    value: T
    """The result."""
    status: int | None
    """The HTTP status of the last answer, if it was one call that was answered."""
    request_id: str | None
    """The server's id of the request, for its operators."""
    attempts: int
    """How many requests were sent."""
    elapsed: timedelta
    """How long it took, waiting between attempts included."""
    warnings: tuple[BudWarning, ...] = ()
    """What is worth knowing of the result and is no error."""


# Where `with_response` wants to be told of the answer.
_told: ContextVar[list[Response[Any]] | None] = ContextVar("bud_sdk_told", default=None)


def opened(backend: str, options: dict[str, Any], *, address: str | None = None) -> Handle:
    """The handle of a backend, with the options that were given. Without its `address`, the environment has it."""
    given = {name: value for name, value in options.items() if value is not None}
    if address is not None and address not in given:
        given.setdefault("env", True)
    return Handle(given, backend=backend)


def result(operation: str, answer: Any) -> Any:
    """The value of an answer. The rest of it goes to `with_response`, and warnings go to the log."""
    value, status, request_id, attempts, elapsed, pairs = answer
    warnings = warned(operation, pairs)
    if type(value) is list:
        value = Table(value)
    told = _told.get()
    if told is not None:
        told.append(Response(value, status, request_id, attempts, timedelta(seconds=elapsed), warnings))
    return value


def only(told: list[Response[Any]]) -> Response[Any]:
    """The response of a single call."""
    if len(told) != 1:
        made = f"{len(told)} calls" if told else "none of its own"
        raise TypeError(f"with_response takes a method that makes one call, such as client.users.get; this made {made}")
    return told[0]


def not_awaited(result: object) -> None:
    """Refuses what a coroutine function returned where nothing awaits it."""
    if inspect.iscoroutine(result):
        result.close()
        raise TypeError("on_update is a coroutine function: AsyncClient awaits those, Client does not")


class BaseCaller:
    """What makes calls, of any backend."""

    _handle: Handle
    _defaults: dict[str, Any]

    def __init__(self, handle: Handle) -> None:
        self._handle = handle
        self._defaults = {}

    def _options(self, options: dict[str, Any]) -> dict[str, Any]:
        for name, default in self._defaults.items():
            if name not in options:
                continue
            if name == "headers" and options[name] is not None:
                options[name] = {**default, **options[name]}
            elif options[name] is None:
                options[name] = default
        return options

    def __repr__(self) -> str:
        # Without a handle where it could not be made.
        place = self._handle.place if hasattr(self, "_handle") else None
        return f"{type(self).__name__}({place!r})" if place else f"{type(self).__name__}()"

    def __reduce__(self) -> NoReturn:
        raise TypeError(f"a {type(self).__name__} is not pickled: it holds credentials and connections")


class BaseClient(BaseCaller):
    """A caller that has an address."""

    @property
    def base_url(self) -> str:
        """The address that it calls."""
        return self._handle.place or ""

    def with_options(
        self,
        *,
        timeout: Seconds | None = None,
        attempt_timeout: Seconds | None = None,
        attempts: int | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Self:
        """The same client, session and connections; its calls have these options unless they say otherwise. What takes
        less, as a list or a login does, has those that it takes.

        Args:
            timeout: The longest time that a call may take with all its attempts and waiting.
            attempt_timeout: The longest time that one attempt may take.
            attempts: How often a call is tried, the first time included; 1 turns retries off.
            headers: Further headers. Credentials, framing and idempotency keys are refused.
        """
        other = type(self).__new__(type(self))
        # Attributes of subclasses are kept. Resources are of one client each, and are made again.
        resources = (SyncResource, AsyncResource)
        vars(other).update({name: value for name, value in vars(self).items() if not isinstance(value, resources)})
        given = {"timeout": timeout, "attempt_timeout": attempt_timeout, "attempts": attempts}
        other._defaults = {**self._defaults, **{name: value for name, value in given.items() if value is not None}}
        if headers is not None:
            other._defaults["headers"] = {**self._defaults.get("headers", {}), **headers}
        return other


class SyncCaller(BaseCaller):
    """How calls are made without asyncio."""

    def close(self) -> None:
        """Releases the connections. Later calls raise `ClosedError`, also of clients that `with_options` made of it."""
        self._handle.close()

    def with_response(self, method: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Response[T]:
        """Makes one call, and returns its result with what is known of the answer.

        `client.with_response(client.users.get, "u-1").request_id`
        """
        told: list[Response[Any]] = []
        token = _told.set(told)
        try:
            method(*args, **kwargs)
        finally:
            _told.reset(token)
        return only(told)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
        /,
    ) -> None:
        self.close()

    def _client(self) -> SyncCaller:
        return self

    def _call(self, operation: str, args: dict[str, Any], options: dict[str, Any]) -> Any:
        return result(operation, self._handle.call(operation, args, self._options(options)))

    def _job(self, operation: str, args: dict[str, Any], on_update: OnUpdate | None) -> Any:
        stream = self._handle.stream(operation, args, {})
        # Calls of a listener are its own, and not the call that `with_response` is about.
        token = _told.set(None)
        try:
            while (piece := stream.next(on_update is not None)) is not None:
                kind, value, *_ = piece
                if kind == "done":
                    return value
                if on_update is not None:
                    not_awaited(on_update(value))
        finally:
            # Nothing may stand between the end of the work and its stop.
            stream.close()
            _told.reset(token)
        raise InternalError(f"{operation} ended without a result")


class SyncClient(SyncCaller, BaseClient):
    """A client without asyncio."""


class SyncResource:
    """The calls of one resource: one object per client, so that tests can patch its methods."""

    def __init__(self, owner: SyncClient) -> None:
        self._owner = owner

    def _client(self) -> SyncCaller:
        return self._owner

    def _call(self, operation: str, args: dict[str, Any], options: dict[str, Any]) -> Any:
        return self._owner._call(operation, args, options)

    def _job(self, operation: str, args: dict[str, Any], on_update: OnUpdate | None) -> Any:
        return self._owner._job(operation, args, on_update)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self._owner!r}>"


class AsyncCaller(BaseCaller):
    """How calls are made with asyncio."""

    async def close(self) -> None:
        """Releases the connections. Later calls raise `ClosedError`, also of clients that `with_options` made of it."""
        self._handle.close()

    async def with_response(
        self, method: Callable[P, Awaitable[T]], /, *args: P.args, **kwargs: P.kwargs
    ) -> Response[T]:
        """Makes one call, and returns its result with what is known of the answer.

        `(await client.with_response(client.users.get, "u-1")).request_id`
        """
        told: list[Response[Any]] = []
        token = _told.set(told)
        try:
            await method(*args, **kwargs)
        finally:
            _told.reset(token)
        return only(told)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
        /,
    ) -> None:
        await self.close()

    def _client(self) -> AsyncCaller:
        return self

    async def _call(self, operation: str, args: dict[str, Any], options: dict[str, Any]) -> Any:
        handle, options = self._handle, self._options(options)
        answer = await Link.here().run(lambda bridge, key: handle.start(bridge, key, operation, args, options))
        return result(operation, answer)

    async def _job(self, operation: str, args: dict[str, Any], on_update: OnUpdate | None) -> Any:
        stream = self._handle.stream(operation, args, {})
        link = Link.here()

        def start(bridge: Bridge, key: int) -> Running | None:
            return stream.start_next(bridge, key, on_update is not None)

        token = _told.set(None)
        try:
            while (piece := await link.run(start)) is not None:
                kind, value, *_ = piece
                if kind == "done":
                    return value
                if on_update is not None:
                    told = on_update(value)
                    if inspect.isawaitable(told):
                        await told
        finally:
            # Nothing may stand between the end of the work and its stop.
            stream.close()
            _told.reset(token)
        raise InternalError(f"{operation} ended without a result")


class AsyncClientBase(AsyncCaller, BaseClient):
    """A client with asyncio."""


class AsyncResource:
    """The calls of one resource: one object per client, so that tests can patch its methods."""

    def __init__(self, owner: AsyncClientBase) -> None:
        self._owner = owner

    def _client(self) -> AsyncCaller:
        return self._owner

    async def _call(self, operation: str, args: dict[str, Any], options: dict[str, Any]) -> Any:
        return await self._owner._call(operation, args, options)

    async def _job(self, operation: str, args: dict[str, Any], on_update: OnUpdate | None) -> Any:
        return await self._owner._job(operation, args, on_update)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self._owner!r}>"
