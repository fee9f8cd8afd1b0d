"""Kubeconfigs that cannot be used: each is an exception that names what is wrong, and none ends the process."""

from __future__ import annotations

import asyncio
import json
import traceback
from pathlib import Path
from typing import Any

import pytest
from bud_sdk import errors
from bud_sdk.kubernetes import AsyncCluster, Cluster
from server import Answer, Server

NODES = {"kind": "NodeList", "metadata": {}, "items": [{"metadata": {"name": "n"}}]}


def kubeconfig(folder: Path, server: str, user: dict[str, Any]) -> Path:
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "one",
        "clusters": [{"name": "one", "cluster": {"server": server}}],
        "users": [{"name": "one", "user": user}],
        "contexts": [{"name": "one", "context": {"cluster": "one", "user": "one"}}],
    }
    path = folder / "kubeconfig"
    path.write_text(json.dumps(config))
    return path


def refused(path: Path, **options: Any) -> str:
    with pytest.raises(errors.ConfigError) as caught:
        Cluster(str(path), **options).nodes()
    shown = "".join(traceback.format_exception(caught.value)) + repr(caught.value)
    # The lines of this file are part of a traceback; what is planted is not.
    assert "planted" not in "".join(line for line in shown.splitlines() if "test_kubeconfig" not in line)
    return str(caught.value)


@pytest.mark.parametrize("token", ["planted\nplanted", "planted\0", "\n"])
def test_a_token_that_cannot_be_sent_is_an_exception(tmp_path: Path, token: str) -> None:
    assert "users[0].user.token" in refused(kubeconfig(tmp_path, "https://127.0.0.1:1", {"token": token}))


def test_a_line_end_after_a_token_is_not_part_of_it(tmp_path: Path) -> None:
    with Server(lambda _: Answer.of(NODES)) as server:
        path = kubeconfig(tmp_path, server.url, {"token": "planted-token\n"})
        assert [node.name for node in Cluster(str(path)).nodes()] == ["n"]
        assert server.requests[0].header("authorization") == "Bearer planted-token"


def test_a_refusal_names_the_missing_permission(tmp_path: Path) -> None:
    answer = Answer.of({"kind": "Status", "message": "no", "reason": "Forbidden"}, 403)
    with Server(lambda _: answer) as server, pytest.raises(errors.PermissionDenied) as caught:
        Cluster(str(kubeconfig(tmp_path, server.url, {"token": "t"}))).nodes()
    assert caught.value.required_permission == "list nodes in all namespaces"
    assert caught.value.is_retryable is False


def test_a_server_without_a_scheme_is_an_exception(tmp_path: Path) -> None:
    path = kubeconfig(tmp_path, "127.0.0.1:6443", {})
    assert "clusters[0].cluster.server has no scheme" in refused(path)

    async def main() -> None:
        async with AsyncCluster(str(path)) as cluster:
            with pytest.raises(errors.ConfigError, match="has no scheme"):
                await cluster.nodes()

    asyncio.run(main())


@pytest.mark.parametrize(
    "text",
    [
        "users:\n- name: one\n\tuser: {token: planted}\n",
        'users:\n- name: one\n  user: {token: "planted}\n',
        "users:\n- name: one\n  user: {token: [planted]}\n",
        "users: [{name: one, user: {password: planted}\n",
    ],
)
def test_a_kubeconfig_that_does_not_parse_shows_nothing_of_itself(tmp_path: Path, text: str) -> None:
    path = tmp_path / "kubeconfig"
    path.write_text(text)
    message = refused(path)
    assert str(path) in message
    assert "line " in message or "users[0].user.token" in message


def test_clear_text_beyond_this_machine_takes_a_word(tmp_path: Path) -> None:
    path = kubeconfig(tmp_path, "http://api.example.invalid", {"token": "planted"})
    assert "clusters[0].cluster.server must begin with https://" in refused(path)
    # It is allowed then; there is no such server.
    with pytest.raises(errors.ConnectError):
        Cluster(str(path), allow_http=True).nodes()
