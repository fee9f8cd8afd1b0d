"""What the examples on a Kubernetes cluster share: the connection, and their arguments."""

from __future__ import annotations

import argparse

from bud_sdk import KubernetesCluster


def arguments(about: str | None, **options: str | int | None) -> argparse.Namespace:
    """The arguments, with what they are unless given. `service` and `count` stand alone, the others are options."""
    parser = argparse.ArgumentParser(description=about, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--context", help="the context of the kubeconfig; its current one unless given")
    for name, usual in options.items():
        kind = int if isinstance(usual, int) else str
        if name in ("service", "count"):
            parser.add_argument(name, nargs="?", default=usual, type=kind)
        else:
            parser.add_argument(f"--{name}", default=usual, type=kind)
    return parser.parse_args()


def connect(given: argparse.Namespace) -> KubernetesCluster:
    """The cluster of `KUBECONFIG` or of `~/.kube/config`, by its current context unless `--context` names another."""
    return KubernetesCluster(context=given.context)


def known(value: float | str | None) -> str:
    """What may be unknown, as text."""
    if isinstance(value, float):
        return f"{value:.0f}"
    return "?" if value is None else str(value)
