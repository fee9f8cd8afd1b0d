"""What a process does around its calls: exits, forks, is interrupted, runs threads."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator

import pytest
from bud_sdk import Client
from conftest import Bed, Run
from server import Answer, Server

SHORT = """
import asyncio, bud_sdk
async def main():
    async with bud_sdk.AsyncClient() as bud:
        await asyncio.gather(*[bud.users.list(page_size=20).first() for _ in range(30)])
        for _ in range(30):
            await bud.flavor()
asyncio.run(main())
"""

# Wrong in the ways that people are: nothing is closed, and calls are still under way at the end.
IN_FLIGHT = """
import asyncio, sys, threading, time, bud_sdk
url = sys.argv[1]
sync = bud_sdk.Client(url, token="t", flavor="guide")
for _ in range(4):
    threading.Thread(target=sync.users.get, args=("u-1",), daemon=True).start()
async def main():
    bud = bud_sdk.AsyncClient(url, token="t", flavor="guide")
    tasks = [asyncio.ensure_future(bud.users.get("u-1")) for _ in range(8)]
    await asyncio.sleep(0.3)
    if sys.argv[2] == "exit":
        sys.exit(0)
    if sys.argv[2] == "stop":
        asyncio.get_running_loop().stop()
        return
if sys.argv[2] == "stop":
    loop = asyncio.new_event_loop()
    task = loop.create_task(main())
    loop.run_forever()
else:
    asyncio.run(main())
"""


@pytest.fixture
def load() -> Iterator[None]:
    """A busy machine: a quiet one does not show races with the interpreter's end."""
    busy = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(4)]
    yield
    for child in busy:
        child.kill()
        child.wait()


@pytest.fixture
def deaf() -> Iterator[Server]:
    """A server that never answers."""
    with Server(lambda _: Answer(hang=True)) as server:
        yield server


@pytest.mark.usefixtures("load")
def test_short_programs_end_cleanly_on_a_busy_machine(run: Run) -> None:
    for _ in range(12):
        done = run(SHORT)
        assert (done.returncode, done.stderr) == (0, ""), done.stderr


@pytest.mark.usefixtures("load")
@pytest.mark.parametrize("how", ["return", "exit", "stop"])
def test_a_program_ends_cleanly_with_calls_under_way(run: Run, deaf: Server, how: str) -> None:
    for _ in range(5):
        began = time.monotonic()
        done = run(IN_FLIGHT, deaf.url, how)
        # A stopped loop is told so by asyncio itself; that is no failure.
        told = [line for line in done.stderr.splitlines() if "Fatal" in line or "panick" in line or "bud_sdk" in line]
        assert (done.returncode, told) == (0, []), done.stderr
        assert time.monotonic() - began < 30


FORK = """
import asyncio, os, sys, threading, warnings, bud_sdk
warnings.simplefilter("ignore", DeprecationWarning)
bud = bud_sdk.Client()
users = bud.users.list(page_size=10).all()
listed = iter(bud.users.list(page_size=10))
next(listed)
closed = [bud_sdk.Client(), bud_sdk.Client()]
closed[0].flavor()
for client in closed:
    client.close()
stop = threading.Event()
def busy():
    while not stop.is_set():
        bud.users.get(users[0])
threads = [threading.Thread(target=busy) for _ in range(3)]
for thread in threads:
    thread.start()
async def async_call():
    async with bud_sdk.AsyncClient() as other:
        return await other.users.get(users[1])
asyncio.run(async_call())
for _ in range(8):
    child = os.fork()
    if child == 0:
        assert bud.users.get(users[0]) == users[0]
        assert asyncio.run(async_call()) == users[1]
        try:
            list(listed)
        except RuntimeError as error:
            assert "fork" in str(error), error
        else:
            raise AssertionError("a list of the parent's went on")
        for client in closed:
            try:
                client.flavor()
            except RuntimeError as error:
                assert "closed" in str(error), error
            else:
                raise AssertionError("a closed client is open in the child")
        own = bud_sdk.Client()
        own.close()
        own.close()
        sys.stdout.flush()
        del bud, listed
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
stop.set()
for thread in threads:
    thread.join()
assert bud.users.get(users[0]) == users[0]
print("done")
"""


def test_a_forked_child_makes_calls_of_its_own(run: Run) -> None:
    done = run(FORK)
    assert (done.returncode, done.stdout, done.stderr) == (0, "done\n", "")


INTERRUPTED = {
    "call": "bud.users.get('u-1')",
    "iterator": "list(bud.users.list())",
    "export": "b''.join(bud.audit.export(start='2026-01-01T00:00:00Z', end='2026-01-02T00:00:00Z'))",
    "wait": "bud.endpoints.wait('e-1', timeout=3600)",
    "async": "asyncio.run(main())",
}

# A program that is started in the background has Ctrl-C ignored.
INTERRUPT = """
import asyncio, signal, sys, time, bud_sdk
signal.signal(signal.SIGINT, signal.default_int_handler)
bud = bud_sdk.Client(sys.argv[1], token="t", flavor="guide", timeout=3600, attempt_timeout=3600)
async def main():
    bud = bud_sdk.AsyncClient(sys.argv[1], token="t", flavor="guide", timeout=3600, attempt_timeout=3600)
    await bud.users.get("u-1")
print("ready", flush=True)
try:
    CALL
except KeyboardInterrupt:
    print("interrupted", flush=True)
"""


@pytest.mark.parametrize("what", INTERRUPTED)
def test_ctrl_c_ends_a_call_and_its_connection(deaf: Server, what: str) -> None:
    code = INTERRUPT.replace("CALL", INTERRUPTED[what])
    with subprocess.Popen([sys.executable, "-c", code, deaf.url], stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "ready\n"
        assert deaf.asked.acquire(timeout=20)
        child.send_signal(signal.SIGINT)
        began = time.monotonic()
        assert child.stdout.readline() == "interrupted\n"
        # Meant: 50 ms and a little.
        assert time.monotonic() - began < 2
        assert child.wait(20) == 0
    assert deaf.hung_up.wait(20)


def test_ctrl_c_between_looks_of_a_wait(bed: Bed, run: Run) -> None:
    code = """
import os, signal, sys, threading, time, bud_sdk
signal.signal(signal.SIGINT, signal.default_int_handler)
bud = bud_sdk.Client()
threading.Timer(0.5, os.kill, (os.getpid(), signal.SIGINT)).start()
began = time.monotonic()
try:
    bud.endpoints.wait(sys.argv[1], until="DELETED", fail_on="FAILED", timeout=3600, poll_interval=60)
except KeyboardInterrupt:
    print("interrupted" if time.monotonic() - began < 5 else "late")
"""
    done = run(code, bed.endpoint)
    assert (done.stdout, done.stderr) == ("interrupted\n", "")


def test_threads_wait_at_the_same_time_and_others_go_on() -> None:
    def slowly(_: object) -> Answer:
        return Answer.of({"id": "u-1"})

    gate = threading.Barrier(9)
    with Server(slowly) as server:
        server._lock = _Meeting(gate)  # type: ignore[assignment]
        bud = Client(server.url, token="t", flavor="guide")
        threads = [threading.Thread(target=bud.users.get, args=("u-1",)) for _ in range(8)]
        for thread in threads:
            thread.start()
        # The server answers when all eight have asked, and this thread counts meanwhile.
        gate.wait(20)
        for thread in threads:
            thread.join(20)
        assert len(server.requests) == 8


class _Meeting:
    """Lets nobody pass before all are there."""

    def __init__(self, gate: threading.Barrier) -> None:
        self._gate = gate
        self._lock = threading.Lock()

    def __enter__(self) -> None:
        self._gate.wait(20)
        self._lock.acquire()

    def __exit__(self, *_: object) -> None:
        self._lock.release()


MANY = """
import asyncio, sys, bud_sdk
def resident():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * 4096
async def main():
    async with bud_sdk.AsyncClient(sys.argv[1], token="t", flavor="guide") as bud:
        async def some(calls):
            for _ in range(calls):
                await bud.users.get("u-1")
        await asyncio.gather(*[some(160) for _ in range(64)])
        before = resident()
        await asyncio.gather(*[some(1407) for _ in range(64)])
        print(resident() - before)
asyncio.run(main())
"""


@pytest.mark.skipif(not os.path.exists("/proc/self/statm"), reason="memory is read from /proc")
def test_a_hundred_thousand_calls_leave_memory_as_it_was(run: Run, quick: str) -> None:
    done = run(MANY, quick, limit=600)
    assert done.stderr == ""
    assert int(done.stdout) < 8 << 20, f"{int(done.stdout) >> 10} KiB more"
