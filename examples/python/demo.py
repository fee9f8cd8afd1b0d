"""What the examples share: a client, and a test server of our own for those who have no platform at hand."""

from __future__ import annotations

import atexit
import os
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bud_sdk import Client

ROOT = Path(__file__).resolve().parents[2]


@dataclass
class Demo:
    """A running test server, and what is on it."""

    url: str
    email: str
    password: str
    endpoint: str
    cluster: str


@dataclass
class Platform:
    """A client of the platform that the environment names, or of a test server."""

    bud: Client
    demo: Demo | None

    def argument(self, place: int, what: str, example: str | None = None) -> str:
        """An argument of the command line; on the test server, an example."""
        if len(sys.argv) > place:
            return sys.argv[place]
        if self.demo is not None and example is not None:
            return example
        sys.exit(f"argument {place} is missing: {what}")

    @property
    def pause(self) -> float | None:
        """The time between looks of a wait: the test server is quick."""
        return 0.01 if self.demo else None

    def running_endpoint(self) -> str | None:
        """On the test server, an endpoint that runs."""
        if self.demo is None:
            return None
        self.bud.endpoints.deploy(self.demo.endpoint, cluster=self.demo.cluster)
        return self.bud.endpoints.wait(self.demo.endpoint, poll_interval=0.01).id

    def project(self) -> str | None:
        """On the test server, a project."""
        if self.demo is None:
            return None
        return self.bud.projects.create("Chat").id


@contextmanager
def platform() -> Generator[Platform]:
    """The platform that `BUD_BASE_URL` and the like name; without them, a test server."""
    if "BUD_BASE_URL" in os.environ:
        with Client() as bud:
            yield Platform(bud, None)
        return
    with started() as server:
        try:
            demo = announced(server)
            with Client(demo.url, email=demo.email, password=demo.password) as bud:
                yield Platform(bud, demo)
        finally:
            server.terminate()


def serve() -> dict[str, str]:
    """Starts a test server that lives as long as this program, and returns the environment that names it."""
    server = started()
    atexit.register(server.terminate)
    demo = announced(server)
    return {"BUD_BASE_URL": demo.url, "BUD_EMAIL": demo.email, "BUD_PASSWORD": demo.password}


def started() -> subprocess.Popen[str]:
    program = os.environ.get("BUD_TESTBED")
    command = [program] if program else ["cargo", "run", "--quiet", "--package", "bud-testbed", "--"]
    command += ["--seed-users", "40", "--seed-audit", "2000"]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT)


def announced(server: subprocess.Popen[str]) -> Demo:
    assert server.stdout is not None
    lines = [server.stdout.readline().strip().partition(": ") for _ in range(5)]
    return Demo(**{name: value for name, _, value in lines})
