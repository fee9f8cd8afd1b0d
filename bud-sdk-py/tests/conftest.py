from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from bud_sdk import AsyncClient, Client

ROOT = Path(__file__).resolve().parents[2]
CONTRACT = ROOT / "tests/contract"
BACKENDS: dict[str, dict[str, Any]] = json.loads((CONTRACT / "backends.json").read_text())


def made(backend: str, prefix: str, **options: Any) -> Any:
    """A client of a backend, for asyncio if the prefix is `Async`."""
    about = BACKENDS[backend]
    module = importlib.import_module(".".join(filter(None, ["bud_sdk", about["topic"]])))
    return getattr(module, prefix + about["class"])(**options)


@dataclass
class Bed:
    """A running test server with real state."""

    url: str
    email: str
    password: str
    endpoint: str
    cluster: str

    def client(self) -> Client:
        return Client(self.url, email=self.email, password=self.password)

    def async_client(self) -> AsyncClient:
        return AsyncClient(self.url, email=self.email, password=self.password)


@pytest.fixture(scope="session")
def bed() -> Iterator[Bed]:
    program = os.environ.get("BUD_TESTBED", str(ROOT / "target/debug/bud-testbed"))
    child = subprocess.Popen(
        [program, "--seed-users", "250", "--seed-audit", "3000"], stdout=subprocess.PIPE, text=True
    )
    try:
        assert child.stdout is not None
        lines = [child.stdout.readline().strip().partition(": ") for _ in range(5)]
        yield Bed(**{name: value for name, _, value in lines})
    finally:
        child.terminate()
        child.wait()
        assert child.stdout is not None
        child.stdout.close()


@pytest.fixture
def bud(bed: Bed) -> Iterator[Client]:
    with bed.client() as client:
        yield client


Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def run(bed: Bed) -> Run:
    """Runs a program in a process of its own; `BED` is the test server's address and login."""

    def program(code: str, *args: str, limit: float = 60) -> subprocess.CompletedProcess[str]:
        environment = {**os.environ, "BUD_BASE_URL": bed.url, "BUD_EMAIL": bed.email, "BUD_PASSWORD": bed.password}
        return subprocess.run(
            [sys.executable, "-W", "error", "-X", "faulthandler", "-c", code, *args],
            env=environment,
            capture_output=True,
            text=True,
            timeout=limit,
            check=False,
        )

    return program


@pytest.fixture
def quick() -> Iterator[str]:
    """The address of a server in a process of its own that gives everybody the same user."""
    program = [sys.executable, str(Path(__file__).with_name("quick.py"))]
    with subprocess.Popen(program, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        yield child.stdout.readline().strip()
        child.kill()
