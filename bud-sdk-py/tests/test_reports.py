"""Reports in the forms in which people read them; what is in them is the core's affair."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from bud_sdk import Table
from bud_sdk.report import FleetReport, Report, ReportDiff

SCENARIOS = Path(__file__).resolve().parents[2] / "tests/contract/scenarios/kubernetes"


def recorded(name: str) -> Report:
    scenario = json.loads((SCENARIOS / f"{name.replace(' ', '-')}.json").read_text())
    return Report.from_json(json.dumps(scenario["result"]))


@pytest.fixture
def bad() -> Report:
    return recorded("a report of a bad day")


@pytest.fixture
def well() -> Report:
    return recorded("a report of a cluster that is well")


def test_a_report_is_read_as_text_and_as_html(bad: Report) -> None:
    text = bad.to_text()
    assert "NODE_NOT_READY Node gpu-2" in text
    assert "explains: 1 pod, 1 deployment, 1 service" in text.replace("1 deployment, 1 pod", "1 pod, 1 deployment")
    assert bad.to_html() == bad._repr_html_()
    page = bad.to_html_page()
    assert page.startswith("<!doctype html>")
    assert "NODE_NOT_READY" in page
    assert "<script" not in page


def test_exit_codes_are_for_programs(bad: Report, well: Report) -> None:
    assert (bad.exit_code(), well.exit_code()) == (3, 0)
    fleet = {
        "verdict": "UNKNOWN",
        "clusters": [
            {"context": "a", "report": json.loads(well.to_json()), "error": None},
            {"context": "b", "report": None, "error": "gone"},
        ],
    }
    assert FleetReport.from_json(json.dumps(fleet)).exit_code() == 5


def test_findings_are_a_table_of_causes(bad: Report) -> None:
    causes = bad.roots()
    assert isinstance(causes, Table)
    assert [finding.caused_by for finding in causes] == [None] * len(causes)
    assert len(bad.findings) > len(causes)
    assert "NODE_NOT_READY" in causes._repr_html_()
    node = next(finding for finding in causes if finding.code == "NODE_NOT_READY")
    assert (node.subject.kind, node.subject.name, node.severity) == ("Node", "gpu-2", "CRITICAL")


def test_what_changed_between_two(bad: Report, well: Report) -> None:
    changed = well.diff(bad)
    assert isinstance(changed, ReportDiff)
    assert changed.new == []
    assert "NODE_NOT_READY" in [finding.code for finding in changed.resolved]
    assert "NODE_NOT_READY" in well.diff(bad).to_text()
    # What could not be read this time is not gone.
    assert bad.diff(well).resolved == []
