"""Configuration that cannot be used: what is refused, in whose words, and what it never shows."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import trustme
from bud_sdk import BudError, Client, ConfigError, InvalidArgument
from conftest import Bed
from server import Answer, Server

CANARY = "Canary-in-a-value-0123456789"
DEAD = "http://127.0.0.1:9"
API = "https://api.bud.invalid"
Call = Callable[..., str]


@pytest.fixture
def call(tmp_path: Path) -> Call:
    """Makes a client in a process of its own, with these variables and arguments, and tells what came of a call."""

    def program(variables: dict[str, str], arguments: str = "", method: str = 'users.get("u-1")') -> str:
        code = f"""
import bud_sdk
try:
    bud_sdk.Client({arguments}).{method}
    print("worked")
except bud_sdk.BudError as error:
    print(type(error).__name__, error)
"""
        kept = ("BUD_", "HTTP", "http", "ALL_PROXY", "all_proxy", "NO_PROXY", "no_proxy")
        environment = {name: value for name, value in os.environ.items() if not name.startswith(kept)}
        done = subprocess.run(
            [sys.executable, "-c", code],
            env={**environment, "HOME": str(tmp_path), **variables},
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        assert done.returncode == 0, done.stderr
        assert CANARY not in done.stdout + done.stderr
        return done.stdout

    return program


@pytest.mark.parametrize("blank", ["", " ", "\n"])
def test_blank_variables_count_as_unset(bed: Bed, call: Call, blank: str) -> None:
    others = (
        "BUD_TOKEN",
        "BUD_API_KEY",
        "BUD_API_URL",
        "BUD_CONFIG",
        "BUD_PROFILE",
        "BUD_TIMEOUT",
        "BUD_CA_CERTIFICATE",
    )
    login = {"BUD_BASE_URL": bed.url, "BUD_EMAIL": bed.email, "BUD_PASSWORD": bed.password}
    variables = {**login, **dict.fromkeys(others, blank), "HTTPS_PROXY": blank, "ALL_PROXY": blank}
    assert call(variables, method="users.list().first()") == "worked\n"


def test_tokens_are_trimmed_and_control_characters_are_refused_by_place(call: Call) -> None:
    with Server(lambda request: Answer.of({"id": "u-1", "name": request.header("authorization")})) as server:
        base = {"BUD_BASE_URL": server.url, "BUD_API_FLAVOR": "guide"}
        assert call({**base, "BUD_TOKEN": " t-1\n"}) == "worked\n"
        assert server.requests[-1].header("authorization") == "Bearer t-1"
        Client(server.url, token="t-2\r\n", flavor="guide").users.get("u-1")
        assert server.requests[-1].header("authorization") == "Bearer t-2"
        before = len(server.requests)
        for name, value in [
            ("BUD_TOKEN", f"{CANARY}\nx"),
            ("BUD_API_KEY", f"{CANARY} x"),
            ("BUD_PASSWORD", f"{CANARY}\n"),
            ("BUD_EMAIL", f"{CANARY}@example.com\r"),
        ]:
            login = {"BUD_EMAIL": "a@example.com", "BUD_PASSWORD": "p", name: value}
            told = call({**base, **login})
            assert told.startswith("ConfigError")
            assert f"environment variable {name}: " in told
        wrong: list[tuple[dict[str, Any], str]] = [
            ({"email": "a@example.com", "password": f"{CANARY}\n"}, "password"),
            ({"email": f"{CANARY}@example.com\r", "password": "p"}, "email"),
        ]
        for options, param in wrong:
            with pytest.raises(InvalidArgument) as caught:
                Client(server.url, **options)
            assert caught.value.param == param
            assert CANARY not in str(caught.value)
        with pytest.raises(ConfigError, match=r"^token: it has characters"):
            Client(server.url, token=f"{CANARY} x")
        assert len(server.requests) == before


def test_missing_credentials_are_told_in_pythons_words(monkeypatch: pytest.MonkeyPatch, call: Call) -> None:
    for name in ("BUD_EMAIL", "BUD_PASSWORD", "BUD_TOKEN", "BUD_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(ConfigError) as caught:
        Client(DEAD)
    told = str(caught.value)
    assert "email= and password=, token= or api_key=, or env=True with BUD_EMAIL and BUD_PASSWORD" in told
    assert caught.value.hint is not None
    assert "builder" not in told + caught.value.hint
    monkeypatch.setenv("BUD_EMAIL", "a@example.com")
    monkeypatch.setenv("BUD_PASSWORD", CANARY)
    with pytest.raises(ConfigError) as caught:
        Client(DEAD)
    told = str(caught.value)
    assert "BUD_EMAIL and BUD_PASSWORD are set, but not read: use env=True to send them to this address" in told
    assert CANARY not in told
    assert "use base_url=" in call({"BUD_TOKEN": "t"})


def bundle() -> tuple[str, list[str]]:
    """A certificate with its private key, and parts of the key that must not be seen."""
    identity = trustme.CA().issue_cert("bud.test")
    key = identity.private_key_pem.bytes().decode()
    text = identity.cert_chain_pems[0].bytes().decode() + key
    return text, [line[:20] for line in key.splitlines() if len(line) > 40]


def test_a_certificate_on_one_line_is_taken_and_a_broken_one_is_not_shown(call: Call, tmp_path: Path) -> None:
    text, secrets = bundle()
    escaped = text.replace("\n", "\\n")
    assert Client(API, token="t", ca_certificate=escaped)
    wrong = [
        (escaped[:-70].replace("MII", "M!I", 1), "PEM text is broken"),
        (text.replace("\n", ""), "PEM text is broken"),
        (text[text.index("-----BEGIN", 9) :], "no certificate"),
        ("/etc/ssl/ca.pem", "text expected, not a path"),
        (CANARY, "-----BEGIN"),
    ]
    for pem, why in wrong:
        with pytest.raises(ConfigError) as caught:
            Client(API, token="t", ca_certificate=pem)
        told = f"{caught.value} {caught.value!r} {caught.value.__cause__}"
        assert str(caught.value).startswith("ca_certificate: ")
        assert why in told
        assert not [secret for secret in [*secrets, CANARY] if secret in told]
        assert len(told) < 1000
        told = call({"BUD_CA_CERTIFICATE": pem, "BUD_BASE_URL": API, "BUD_TOKEN": "t"})
        assert told.startswith("ConfigError")
        assert "BUD_CA_CERTIFICATE" in told
        assert not [secret for secret in secrets if secret in told]
    path = tmp_path / "ca.pem"
    path.write_text(escaped)
    told = call({"BUD_CA_CERTIFICATE": str(path), "BUD_BASE_URL": f"{DEAD}", "BUD_TOKEN": "t"})
    assert told.startswith("ConnectError")


def test_a_deployment_key_is_not_shown() -> None:
    text, secrets = bundle()
    for key in (text, text.replace("\n", ""), "/etc/bud/key.pem", CANARY):
        with pytest.raises(BudError) as caught:
            Client(API, token="t", deployment_key=key)
        told = f"{caught.value} {caught.value!r} {caught.value.__cause__}"
        assert "deployment_key" in told
        assert not [secret for secret in [*secrets, CANARY] if secret in told]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("HTTPS_PROXY", f"ftp://{CANARY}:1"),
        ("https_proxy", f'"http://{CANARY}:1"'),
        ("ALL_PROXY", f"http://u:{CANARY}@proxy:x"),
        ("HTTPS_PROXY", f"http://{CANARY}:1\n"),
        ("ALL_PROXY", f"socks5://u:{CANARY}@127.0.0.1:1"),
    ],
)
def test_a_proxy_that_cannot_be_used_is_refused_by_its_variable(call: Call, name: str, value: str) -> None:
    told = call({name: value}, f'"{API}", token="t", flavor="guide"')
    assert told.startswith("ConfigError")
    assert name in told
    assert "builder" not in told
    assert call({name: value}, f'"{DEAD}", token="t", flavor="guide", attempts=1').startswith("ConnectError")


def test_a_proxy_that_is_down_is_blamed(call: Call) -> None:
    told = call({"HTTPS_PROXY": "http://127.0.0.1:9"}, f'"{API}", token="t", flavor="guide", attempts=1')
    assert told.startswith("ConnectError")
    assert "the proxy 127.0.0.1:9 (from the environment variable HTTPS_PROXY): no connection" in told


def test_no_more_connections_than_allowed() -> None:
    options: dict[str, Any] = {"token": "t", "flavor": "guide", "attempts": 1}
    with pytest.raises(InvalidArgument) as caught:
        Client(DEAD, max_connections=0, **options)
    assert caught.value.param == "max_connections"
    assert Client(DEAD, max_connections=2, **options)
