"""asyncio: real coroutines, cancellation, loops of all kinds."""

from __future__ import annotations

import asyncio
import gc
import inspect
import threading
import time
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from bud_sdk import AsyncClient, Client, NotFound
from bud_sdk.users import User
from conftest import Bed
from server import Answer, Server


def waiting(server: Server, **options: Any) -> AsyncClient:
    return AsyncClient(server.url, token="t", flavor="guide", **options)


def test_calls_are_real_coroutines(bed: Bed) -> None:
    async def main() -> None:
        async with bed.async_client() as bud:
            coroutine = bud.users.list(page_size=1).first()
            assert inspect.iscoroutine(coroutine)
            user = await asyncio.create_task(coroutine)
            assert user is not None
            assert (await asyncio.wait_for(bud.users.get(user), 30)) == user
            both = await asyncio.gather(bud.users.get(user), bud.users.get("nobody"), return_exceptions=True)
            assert both[0] == user
            assert isinstance(both[1], NotFound)

    asyncio.run(main())
    first = asyncio.run(bed.async_client().users.list(page_size=1).first())
    assert isinstance(first, User)


@pytest.mark.parametrize("how", ["cancel", "timeout"])
def test_cancelling_a_task_closes_its_request(how: str) -> None:
    async def main(server: Server) -> None:
        bud = waiting(server)
        task = asyncio.create_task(bud.users.get("u-1"))
        await asyncio.to_thread(server.asked.acquire, timeout=20)
        if how == "cancel":
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
        else:
            with pytest.raises(asyncio.TimeoutError):
                await asyncio.wait_for(task, 0.05)
        assert await asyncio.to_thread(server.hung_up.wait, 20)

    with Server(lambda _: Answer(hang=True)) as server:
        asyncio.run(main(server))


def test_cancelling_reaches_lists_exports_and_jobs() -> None:
    async def main() -> None:
        calls: list[Callable[[AsyncClient], Awaitable[object]]] = [
            lambda bud: bud.users.list().all(),
            lambda bud: bud.audit.export(start="2026-01-01T00:00:00Z", end="2026-01-02T00:00:00Z").records().all(),
            lambda bud: bud.endpoints.wait("e-1"),
        ]
        for begin in calls:
            with Server(lambda _: Answer(hang=True)) as server:
                task = asyncio.ensure_future(begin(waiting(server)))
                await asyncio.to_thread(server.asked.acquire, timeout=20)
                task.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await task
                assert await asyncio.to_thread(server.hung_up.wait, 20)

    asyncio.run(main())


def test_the_loop_is_never_blocked() -> None:
    async def main(server: Server) -> None:
        task = asyncio.create_task(waiting(server).users.get("u-1"))
        await asyncio.to_thread(server.asked.acquire, timeout=20)
        ticks = 0
        began = time.monotonic()
        while ticks < 20:
            await asyncio.sleep(0.005)
            ticks += 1
        assert time.monotonic() - began < 5
        assert not task.done()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    with Server(lambda _: Answer(hang=True)) as server:
        asyncio.run(main(server))


def test_the_sync_client_works_inside_a_running_loop(bed: Bed) -> None:
    async def cell() -> None:
        with bed.client() as bud:
            assert bud.users.list(page_size=3).first() == bud.users.list(page_size=5).first()

    asyncio.run(cell())


def test_one_client_serves_many_loops_and_threads(bed: Bed) -> None:
    bud = bed.async_client()

    async def main() -> int:
        users = await bud.users.list(page_size=50).all()
        return len(users)

    counts = [asyncio.run(main()) for _ in range(3)]
    threads = [threading.Thread(target=lambda: counts.append(asyncio.run(main()))) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(counts) == 6
    assert min(counts) >= 251


class Blind(asyncio.SelectorEventLoop):
    """A loop that watches no descriptors for others, as that of Windows."""

    def add_reader(self, fd: Any, callback: Any, *args: Any) -> Any:  # type: ignore[override]
        raise NotImplementedError


def test_a_loop_that_watches_no_descriptors_is_woken_by_a_thread(bed: Bed) -> None:
    async def main() -> None:
        async with bed.async_client() as bud:
            user = await bud.users.list(page_size=1).first()
            assert user is not None
            assert await asyncio.gather(*[bud.users.get(user) for _ in range(50)]) == [user] * 50

    loop = Blind()
    loop.run_until_complete(main())
    loop.close()
    del loop
    gc.collect()
    deadline = time.monotonic() + 20
    while any(thread.name == "bud-sdk-loop" for thread in threading.enumerate()):
        assert time.monotonic() < deadline, "its thread is still there"
        time.sleep(0.01)


def test_a_loop_that_is_gone_leaves_nothing_behind() -> None:
    async def abandon(server: Server) -> None:
        task = asyncio.ensure_future(waiting(server).users.get("u-1"))
        await asyncio.to_thread(server.asked.acquire, timeout=20)
        del task

    with Server(lambda _: Answer(hang=True)) as server:
        asyncio.run(abandon(server))
        assert server.hung_up.wait(20)


def test_updates_of_a_job_may_be_awaited(bed: Bed) -> None:
    async def main() -> list[str]:
        seen: list[str] = []

        async def told(endpoint: Any) -> None:
            await asyncio.sleep(0)
            seen.append(endpoint.status)

        async with bed.async_client() as bud:
            await bud.endpoints.deploy(bed.endpoint, cluster=bed.cluster)
            running = await bud.endpoints.wait(bed.endpoint, poll_interval=0.01, timeout=60, on_update=told)
            assert running.status == seen[-1] == "RUNNING"
            await bud.endpoints.undeploy(bed.endpoint)
        return seen

    assert len(asyncio.run(main())) > 1


def test_sync_and_async_have_the_same_methods() -> None:
    resources = [name for name, value in vars(Client).items() if type(value).__name__ == "cached_property"]
    assert len(resources) > 5
    sync, other = Client("http://127.0.0.1:9", token="t"), AsyncClient("http://127.0.0.1:9", token="t")
    for resource in resources:
        ours, theirs = type(getattr(sync, resource)), type(getattr(other, resource))
        methods = [name for name in vars(ours) if not name.startswith("_")]
        assert methods == [name for name in vars(theirs) if not name.startswith("_")]
        for name in methods:
            one, two = inspect.signature(getattr(ours, name)), inspect.signature(getattr(theirs, name))
            assert one.parameters == two.parameters, f"{resource}.{name}"
            assert getattr(ours, name).__doc__, f"{resource}.{name}"


def test_another_framework_is_told_what_it_needs() -> None:
    bud = AsyncClient("http://127.0.0.1:9", token="t", flavor="guide")
    for coroutine in (bud.users.get("u-1"), bud.users.list().all()):
        with pytest.raises(RuntimeError, match="needs a running asyncio event loop: use Client"):
            # As trio drives it.
            coroutine.send(None)
