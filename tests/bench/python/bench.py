"""Ratios between the Python package and what it would replace, each from interleaved rounds of one run.

`cargo xtask bench python` runs it. The server is that of the core's benchmark, in a process of its own on one
processor; everything measured runs on the others. Both sides make the same requests, which the server counts. Only
ratios have targets: absolute times say more about the machine and what else runs on it. The platform's own Python
package is in no registry; it is compared when a checkout of it is given with --official PATH. A run with one of
--quick, --rounds and --mib is a look at it: only others are judged and kept.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import os
import platform
import random
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import aiohttp
import httpx
from bud_sdk import AsyncClient, Client
from pydantic import BaseModel, ConfigDict

TOKEN = (
    "bench-token-0123456789abcdefghijklmnopqrstuvwxyz0123456789abcdefghijklmnopqrstuvwxyz0123456789"
    "abcdefghijklmnopqrstuvwxyz0123456789abcdefghijklmnopqrstuvwxyz0123456789abcdefghijklmnopqrst"
)
BEARER = {"authorization": f"Bearer {TOKEN}"}
CALLS = 500
IN_FLIGHT = 64
RANGE = {"start": "2026-01-01T00:00:00Z", "end": "2026-02-01T00:00:00Z"}
# The last of ten pages is short, so that nobody asks for an eleventh.
USERS = 990
FIELDS = ("id", "email", "first_name", "last_name", "name", "role", "status", "company", "purpose")
TIMES = ("created_at", "updated_at")


class User(BaseModel):
    """What an application writes by hand today."""

    model_config = ConfigDict(extra="allow")

    id: str
    email: str | None = None
    first_name: str | None = None
    last_name: str | None = None
    name: str | None = None
    role: str | None = None
    status: str | None = None
    user_type: str | None = None
    color: str | None = None
    company: str | None = None
    purpose: str | None = None
    created_at: datetime | None = None
    updated_at: datetime | None = None


class Server:
    """The benchmark's server."""

    def __init__(self, program: str, processor: int | None) -> None:
        command = [program, "serve", *([] if processor is None else [str(processor)])]
        self._child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self._child.stdout is not None
        self.url = self._child.stdout.readline().strip()

    def counts(self) -> tuple[int, int]:
        """Requests and bytes so far."""
        with urllib.request.urlopen(f"{self.url}/stats") as answer:
            requests, bytes_, _ = map(int, answer.read().split())
        return requests, bytes_

    def close(self) -> None:
        self._child.terminate()
        self._child.wait()


class Bed:
    """The test server of this repository, which speaks as the platform does that the official package is for."""

    def __init__(self, program: str, processor: int | None, folder: Path) -> None:
        self._journal = folder / "journal"
        self._journal.touch()
        command = [program, "--flavor", "runtime", "--seed-users", str(USERS - 1)]
        environment = {**os.environ, "BUD_TESTBED_JOURNAL": str(self._journal)}
        self._child = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)
        if processor is not None:
            os.sched_setaffinity(self._child.pid, [processor])
        assert self._child.stdout is not None
        lines = [self._child.stdout.readline().strip().partition(": ") for _ in range(3)]
        self.url, self.email, self.password = (value for _, _, value in lines)

    def counts(self) -> tuple[int, int]:
        """Requests so far; its answers are the same for all."""
        return self._journal.read_text().count("\n"), 0

    def close(self) -> None:
        self._child.terminate()
        self._child.wait()


@dataclass
class Arm:
    """One way of doing the work."""

    name: str
    run: Callable[[], object]
    seconds: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)


# By their names in targets.json, which says what they are of and what they are to be.
Ratios = dict[str, float]


def race(title: str, server: Server | Bed, rounds: int, unit: int, ours: Arm, theirs: Arm) -> float:
    """How many times as quick we are: the median of the rounds' own ratios."""
    arms = [ours, theirs]
    work: dict[str, tuple[int, int]] = {}
    for turn in range(rounds + 1):
        random.shuffle(arms)
        for arm in arms:
            before, cpu, began = server.counts(), time.process_time(), time.perf_counter()
            arm.run()
            seconds, cpu = time.perf_counter() - began, time.process_time() - cpu
            after = server.counts()
            work[arm.name] = (after[0] - before[0], after[1] - before[1])
            # The first turn warms up.
            if turn:
                arm.seconds.append(seconds)
                arm.cpu.append(cpu)
    if work[ours.name] != work[theirs.name]:
        sys.exit(f"not the same work: {work}")
    print(f"\n{title}: {rounds} rounds, {work[ours.name][0]} requests each")
    for arm in (theirs, ours):
        wall, cpu = statistics.median(arm.seconds) / unit, statistics.median(arm.cpu) / unit
        print(f"  {arm.name:<34} {wall * 1e6:>10.1f} us wall  {cpu * 1e6:>10.1f} us CPU")
    return statistics.median(their / our for our, their in zip(ours.seconds, theirs.seconds, strict=True))


def sync_calls(server: Server, rounds: int) -> Ratios:
    bud = Client(server.url, token=TOKEN, flavor="guide")
    plain = httpx.Client(headers=BEARER, trust_env=False)

    def ours() -> None:
        for number in range(CALLS):
            assert bud.users.get(f"u-{number}").email

    def theirs() -> None:
        for number in range(CALLS):
            assert plain.get(f"{server.url}/users/u-{number}").raise_for_status().json()["email"]

    title = "One call after another"
    ratio = race(title, server, rounds, CALLS, Arm("bud_sdk.Client", ours), Arm("httpx + json", theirs))
    return {"call_speed": ratio}


def async_calls(server: Server, rounds: int) -> Ratios:
    calls = CALLS * 4

    async def our_calls() -> None:
        async with AsyncClient(server.url, token=TOKEN, flavor="guide") as bud:
            left = iter(range(calls))

            async def some() -> None:
                for number in left:
                    assert (await bud.users.get(f"u-{number}")).email

            await asyncio.gather(*[some() for _ in range(IN_FLIGHT)])

    async def their_calls() -> None:
        connector = aiohttp.TCPConnector(limit=IN_FLIGHT)
        async with aiohttp.ClientSession(headers=BEARER, connector=connector) as session:
            left = iter(range(calls))

            async def some() -> None:
                for number in left:
                    async with session.get(f"{server.url}/users/u-{number}", raise_for_status=True) as answer:
                        assert (await answer.json())["email"]

            await asyncio.gather(*[some() for _ in range(IN_FLIGHT)])

    arms = (
        Arm("bud_sdk.AsyncClient", lambda: asyncio.run(our_calls())),
        Arm("aiohttp + json", lambda: asyncio.run(their_calls())),
    )
    ratio = race(f"{IN_FLIGHT} calls in flight", server, rounds, calls, *arms)
    return {"calls_in_flight_speed": ratio}


def lists(server: Server, rounds: int) -> Ratios:
    bud = Client(server.url, token=TOKEN, flavor="guide")
    plain = httpx.Client(headers=BEARER, trust_env=False)

    def their_users() -> list[User]:
        users: list[User] = []
        # The last page is shorter, and may be empty.
        for page in itertools.count(1):
            answer = plain.get(f"{server.url}/users", params={"page": page, "limit": 100}).raise_for_status().json()
            users += [User.model_validate(user) for user in answer["users"]]
            if len(answer["users"]) < 100:
                break
        return users

    def three(users: object) -> None:
        assert isinstance(users, list)
        for user in users:
            _ = user.id, user.email, user.role

    def every(users: object) -> None:
        assert isinstance(users, list)
        for user in users:
            for name in (*FIELDS, *TIMES):
                getattr(user, name)

    ratios = {}
    for name, title, read in (
        ("users_three_fields_speed", "three fields read", three),
        ("users_every_field_speed", "every field read", every),
    ):
        ours = Arm("bud_sdk.Client", lambda read=read: read(bud.users.list().all()))  # type: ignore[misc]
        theirs = Arm("httpx + pydantic", lambda read=read: read(their_users()))  # type: ignore[misc]
        ratios[name] = race(f"10,000 users, {title}", server, rounds, 10_000, ours, theirs)
    return ratios


def exports(server: Server, rounds: int, mib: int) -> Ratios:
    base = f"{server.url}/mib/{mib}"
    shm = Path("/dev/shm")
    room = shm.exists() and os.statvfs(shm).f_bavail * os.statvfs(shm).f_frsize > 2 * mib << 20
    with tempfile.TemporaryDirectory(dir=shm if room else None) as folder:
        file = Path(folder) / "audit.csv"
        bud = Client(base, token=TOKEN, flavor="guide")
        plain = httpx.Client(headers=BEARER, trust_env=False)

        def ours() -> None:
            assert bud.audit.export(start=RANGE["start"], end=RANGE["end"]).write_to(file).bytes == mib << 20
            file.unlink()

        def theirs() -> None:
            query = {"start_date": RANGE["start"], "end_date": "2026-01-31T23:59:59.999999Z", "format": "csv"}
            with plain.stream("GET", f"{base}/audit/export", params=query) as answer, file.open("wb") as out:
                for chunk in answer.raise_for_status().iter_bytes():
                    out.write(chunk)
            assert file.stat().st_size == mib << 20
            file.unlink()

        arms = (Arm("bud_sdk: export().write_to(file)", ours), Arm("httpx: stream to a file", theirs))
        ratio = race(f"Export of {mib} MiB", server, rounds, mib, *arms)
    more = growth(server, mib)
    print(f"  growth of memory, read in chunks: {more:.1f} MiB")
    return {"export_speed": ratio, "export_memory": more}


def official(bed: Bed, rounds: int) -> Ratios:
    """Beside the platform's own package: a call that both have, and the users, for which that one has no call. There,
    its client is asked for the pages by their path, and gives dicts."""
    from bud import BudClient

    ours = Client(bed.url, email=bed.email, password=bed.password, flavor="runtime")
    theirs = BudClient(base_url=bed.url, email=bed.email, password=bed.password)

    record = ours.audit.records().first()
    assert record is not None

    def our_calls() -> None:
        for _ in range(CALLS):
            assert ours.audit.verify(record).is_valid

    def their_calls() -> None:
        for _ in range(CALLS):
            assert theirs.audit.verify(record.id)["is_valid"]

    def their_users() -> None:
        users: list[object] = []
        for page in itertools.count(1):
            answer = theirs._http.get("/users/", params={"page": page, "limit": 100})
            users += answer["users"]
            if page >= answer["total_pages"]:
                break
        assert len(users) == USERS

    def our_users() -> None:
        assert len(ours.users.list().all()) == USERS

    ratios = {}
    for name, what, unit, one, other in (
        ("official_call_speed", "one call", CALLS, our_calls, their_calls),
        ("official_users_speed", f"{USERS} users", USERS, our_users, their_users),
    ):
        arms = Arm("bud_sdk.Client", one), Arm("the official package", other)
        ratios[name] = race(f"The official package: {what}", bed, rounds, unit, *arms)
    theirs.close()
    return ratios


def growth(server: Server, mib: int) -> float:
    """How much more memory a large export takes at its peak than a small one, in MiB; chunks are read by Python."""

    def peak(size: int) -> int:
        code = (
            "import resource, sys, bud_sdk\n"
            "bud = bud_sdk.Client(sys.argv[1], token=sys.argv[2], flavor='guide')\n"
            "export = bud.audit.export(start='2026-01-01T00:00:00Z', end='2026-02-01T00:00:00Z')\n"
            "assert sum(map(len, export)) == int(sys.argv[3])\n"
            "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)"
        )
        command = [sys.executable, "-c", code, f"{server.url}/mib/{size}", TOKEN, str(size << 20)]
        return int(subprocess.run(command, check=True, capture_output=True, text=True).stdout)

    return (peak(mib) - peak(1)) / 1024


def main() -> None:
    options = argparse.ArgumentParser(prog="cargo xtask bench python", description=__doc__, allow_abbrev=False)
    options.add_argument("what", nargs="*", help="calls, lists, export or official; all of them unless said otherwise")
    options.add_argument("--quick", action="store_true", help="few rounds, a small export: for a first look")
    options.add_argument("--rounds", type=int)
    options.add_argument("--mib", type=int, help="size of the export")
    options.add_argument("--official", metavar="PATH", help="a checkout of the platform's own package, to compare with")
    given = options.parse_args()
    rounds, mib = given.rounds or (3 if given.quick else 15), given.mib or (256 if given.quick else 1024)
    wants = given.what or ["calls", "lists", "export", "official"]
    processors = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
    pinned = processors[0] if len(processors) > 1 else None
    if pinned is not None:
        os.sched_setaffinity(0, processors[1:])
    server = Server(os.environ["BUD_BENCH"], pinned)
    ratios: Ratios = {}
    try:
        if "calls" in wants:
            ratios |= sync_calls(server, rounds) | async_calls(server, rounds)
        if "lists" in wants:
            ratios |= lists(server, rounds)
        if "export" in wants:
            ratios |= exports(server, max(3, rounds // 3), mib)
        if "official" in wants and given.official:
            with tempfile.TemporaryDirectory() as folder:
                bed = Bed(os.environ["BUD_TESTBED"], pinned, Path(folder))
                try:
                    ratios |= official(bed, rounds)
                finally:
                    bed.close()
        elif "official" in wants:
            print("\nThe official package: skipped, for no checkout of it was given (--official PATH)")
    finally:
        server.close()
    print(f"\nCPython {platform.python_version()}, httpx {httpx.__version__}, aiohttp {aiohttp.__version__}\n")
    if file := os.environ.get("BUD_RATIOS"):
        Path(file).write_text(json.dumps(ratios))


if __name__ == "__main__":
    main()
