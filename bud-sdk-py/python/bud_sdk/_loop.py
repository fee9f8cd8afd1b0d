"""Results on their way into an event loop."""

from __future__ import annotations

import asyncio
import atexit
import itertools
import threading
import weakref
from collections.abc import Callable
from typing import Any

from bud_sdk import _native

_links: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, Link] = weakref.WeakKeyDictionary()


class Link:
    """One event loop's queue of results. The native part fills it, and wakes the loop without touching Python."""

    __slots__ = ("__weakref__", "_keys", "_native", "_waiting")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._native = _native.Bridge()
        self._keys = itertools.count()
        self._waiting: dict[int, asyncio.Future[tuple[bool, Any]]] = {}
        descriptor = self._native.fileno()
        try:
            if descriptor is None:
                raise NotImplementedError
            loop.add_reader(descriptor, self._drain)
        except NotImplementedError:
            # A loop that watches no descriptors is woken by a thread.
            _Waker(loop, self._native, self._drain)

    @staticmethod
    def here() -> Link:
        """That of the running loop."""
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            message = "AsyncClient needs a running asyncio event loop: use Client with other frameworks"
            raise RuntimeError(message) from None
        link = _links.get(loop)
        if link is None:
            link = _links[loop] = Link(loop)
        return link

    async def run(self, start: Callable[[_native.Bridge, int], _native.Running | None]) -> Any:
        """Begins the work and waits for its result. Cancelling this drops the work."""
        key = next(self._keys)
        running = start(self._native, key)
        if running is None:
            return None
        future = self._waiting[key] = asyncio.get_running_loop().create_future()
        try:
            succeeded, value = await future
        finally:
            del self._waiting[key]
            running.abort()
        if succeeded:
            return value
        raise value

    def _drain(self) -> None:
        for key, succeeded, value in self._native.drain():
            future = self._waiting.get(key)
            # None, or done: it was cancelled meanwhile.
            if future is not None and not future.done():
                future.set_result((succeeded, value))


class _Waker:
    """A thread that waits for results and wakes a loop."""

    def __init__(self, loop: asyncio.AbstractEventLoop, bridge: _native.Bridge, drain: Callable[[], None]) -> None:
        self._bridge = bridge
        self._loop = weakref.ref(loop, lambda _: bridge.close())
        self._drain = drain
        self._thread = threading.Thread(target=self._run, name="bud-sdk-loop", daemon=True)
        self._thread.start()
        # Before the interpreter goes away.
        atexit.register(self._stop)

    def _run(self) -> None:
        while self._bridge.wait():
            loop = self._loop()
            if loop is None or loop.is_closed():
                break
            try:
                loop.call_soon_threadsafe(self._drain)
            except RuntimeError:
                break
            del loop
        atexit.unregister(self._stop)

    def _stop(self) -> None:
        self._bridge.close()
        self._thread.join(2)
