"""Prometheus and Alertmanager, as Debian packages them, with planted series and behind a login."""

from __future__ import annotations

import asyncio
import json
import math
import os
import subprocess
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from bud_sdk import errors
from bud_sdk.monitoring import Alertmanager, AsyncPrometheus, Prometheus

ROOT = Path(__file__).resolve().parents[2]
MISSING = 77


@pytest.fixture(scope="module")
def servers() -> Iterator[dict[str, Any]]:
    program = os.environ.get("BUD_MONITORING_TESTBED", str(ROOT / "target/debug/bud-monitoring-testbed"))
    child = subprocess.Popen([program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert child.stdin is not None
    assert child.stdout is not None
    try:
        line = child.stdout.readline()
        if not line.startswith("{"):
            # Without the servers' programs it says what is missing.
            assert child.wait() == MISSING
            assert os.environ.get("CI") != "true", line
            pytest.skip(line.strip())
        yield json.loads(line)
    finally:
        # The servers end with its input.
        child.stdin.close()
        child.wait()
        child.stdout.close()


def at(servers: dict[str, Any]) -> datetime:
    return datetime.fromtimestamp(servers["prometheus"]["planted_at"], timezone.utc)


def test_values_are_floats_also_those_that_are_not_finite(servers: dict[str, Any]) -> None:
    with Prometheus(servers["prometheus"]["url"]) as prometheus:
        result = prometheus.query("planted", time=at(servers))
        assert result.result_type == "vector"
        values = {series.labels["instance"]: series.samples[0].value for series in result.series}
        assert values["a:1"] == 2.5
        assert math.isnan(values["b:1"])
        assert values["c:1"] == math.inf
        assert values['d"quoted\\ü:1'] == -12345678901234567000.0
        assert result.series[0].samples[0].time == at(servers)
        scalar = prometheus.query("-1 / 0").scalar
        assert scalar is not None
        assert scalar.value == -math.inf
        assert prometheus.build_info().version == servers["prometheus"]["version"]


def test_queries_run_side_by_side(servers: dict[str, Any]) -> None:
    async def main() -> list[float]:
        async with AsyncPrometheus(servers["prometheus"]["url"]) as prometheus:
            results = await asyncio.gather(*(prometheus.query(f"vector({n})") for n in range(20)))
            return [result.series[0].samples[0].value for result in results]

    assert asyncio.run(main()) == list(range(20))


def test_errors_are_the_servers_own(servers: dict[str, Any]) -> None:
    with Prometheus(servers["prometheus"]["url"]) as prometheus:
        with pytest.raises(errors.BadRequest, match="parse error") as caught:
            prometheus.query("sum(")
        assert (caught.value.status, caught.value.server_code) == (400, "bad_data")
        with pytest.raises(errors.InvalidArgument) as empty:
            prometheus.query("")
        assert empty.value.param == "query"


def test_a_silence_is_created_and_expired_behind_a_login(
    servers: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    place = servers["alertmanager"]
    # By variables alone, as in a job.
    monkeypatch.setenv("BUD_ALERTMANAGER_URL", place["url"])
    monkeypatch.setenv("BUD_ALERTMANAGER_USERNAME", place["username"])
    monkeypatch.setenv("BUD_ALERTMANAGER_PASSWORD", place["password"])
    with Alertmanager() as alertmanager:
        silence = alertmanager.create_silence(
            matchers=["alertname=HighLatency", 'instance=~"node-1.*"'],
            duration=timedelta(hours=2),
            comment="maintenance",
            created_by="tests",
        )
        assert silence.state == "active"
        # The server starts it when it comes, which is a moment later.
        assert timedelta(hours=1.9) < silence.ends_at - silence.starts_at <= timedelta(hours=2)
        assert [(matcher.name, matcher.is_regex) for matcher in silence.matchers] == [
            ("alertname", False),
            ("instance", True),
        ]
        assert alertmanager.silence(silence) == silence
        assert alertmanager.expire_silence(silence.id).state == "expired"
        with pytest.raises(errors.InvalidArgument) as caught:
            alertmanager.create_silence(matchers=[], duration=60, comment="c", created_by="me")
        assert caught.value.param == "matchers"


def test_a_wrong_password_is_named_and_not_shown(servers: dict[str, Any]) -> None:
    place = servers["alertmanager"]
    with (
        Alertmanager(place["url"], username=place["username"], password="planted-password") as alertmanager,
        pytest.raises(errors.AuthRejected, match="check the credentials") as caught,
    ):
        alertmanager.silence("6f2b7a1e-4a35-4a4e-8f52-0c5b6f3a1d11")
    assert caught.value.status == 401
    assert "planted" not in f"{caught.value!r} {caught.value} {alertmanager!r}"
