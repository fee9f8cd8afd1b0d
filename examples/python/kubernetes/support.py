"""What the examples on a Kubernetes cluster share: the connection, and their arguments."""

from __future__ import annotations

import argparse
import os
import subprocess
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from bud_sdk.kubernetes import Cluster

ROOT = Path(__file__).resolve().parents[3]


def arguments(about: str | None, **options: str | int | bool | None) -> argparse.Namespace:
    """The arguments, with what they are unless given. `service` and `count` stand alone, the others are options."""
    parser = argparse.ArgumentParser(description=about, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--context", help="the context of the kubeconfig; its current one unless given")
    for name, usual in options.items():
        if isinstance(usual, bool):
            parser.add_argument(f"--{name}", action="store_true")
            continue
        kind = int if isinstance(usual, int) else str
        if name in ("service", "count"):
            parser.add_argument(name, nargs="?", default=usual, type=kind)
        else:
            parser.add_argument(f"--{name}", default=usual, type=kind)
    return parser.parse_args()


def connect(given: argparse.Namespace) -> Cluster:
    """The cluster of `KUBECONFIG` or of `~/.kube/config`, by its current context unless `--context` names another."""
    return Cluster(context=given.context)


def known(value: float | str | None) -> str:
    """What may be unknown, as text."""
    if isinstance(value, float):
        return f"{value:.0f}"
    return "?" if value is None else str(value)


@contextmanager
def broken_cluster() -> Generator[str]:
    """The kubeconfig of a server with a broken cluster, for those who have none at hand. It ends with the block."""
    program = os.environ.get("BUD_KUBE_TESTBED")
    command = [program] if program else ["cargo", "run", "--quiet", "--package", "bud-kubernetes-testbed", "--"]
    command += ["scripted", "broken"]
    # The server ends with its standard input.
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT) as server:
        assert server.stdout is not None
        assert server.stdin is not None
        try:
            yield server.stdout.readline().strip().removeprefix("kubeconfig: ")
        finally:
            server.stdin.close()
