"""Reports in the forms in which people read them; what is in them is the core's affair."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from bud_sdk import Difference, FleetReport, InvalidArgument, Report, Table, reports

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
    text = reports.text(bad)
    assert "NODE_NOT_READY Node gpu-2" in text
    assert "explains: 1 pod, 1 deployment, 1 service" in text.replace("1 deployment, 1 pod", "1 pod, 1 deployment")
    assert reports.html(bad) == bad._repr_html_()
    page = reports.page(bad)
    assert page.startswith("<!doctype html>")
    assert "NODE_NOT_READY" in page
    assert "<script" not in page


def test_exit_codes_are_for_programs(bad: Report, well: Report) -> None:
    assert (reports.exit_code(bad), reports.exit_code(well)) == (3, 0)
    fleet = {
        "verdict": "UNKNOWN",
        "clusters": [
            {"context": "a", "report": json.loads(well.to_json()), "error": None},
            {"context": "b", "report": None, "error": "gone"},
        ],
    }
    assert reports.exit_code(FleetReport.from_json(json.dumps(fleet))) == 5


def test_findings_are_a_table_of_causes(bad: Report) -> None:
    causes = reports.findings(bad)
    assert isinstance(causes, Table)
    assert [finding.caused_by for finding in causes] == [None] * len(causes)
    assert len(reports.findings(bad, effects=True)) == len(bad.findings) > len(causes)
    assert "NODE_NOT_READY" in causes._repr_html_()
    node = next(finding for finding in causes if finding.code == "NODE_NOT_READY")
    assert (node.subject.kind, node.subject.name, node.severity) == ("Node", "gpu-2", "CRITICAL")


def test_what_changed_between_two(bad: Report, well: Report) -> None:
    changed = reports.difference(bad, well)
    assert isinstance(changed, Difference)
    assert changed.new == []
    assert "NODE_NOT_READY" in [finding.code for finding in changed.resolved]
    assert "NODE_NOT_READY" in reports.changes(bad, well)
    # What could not be read this time is not gone.
    assert reports.difference(well, bad).resolved == []


def test_what_is_no_report_is_refused() -> None:
    from bud_sdk import _native

    with pytest.raises(InvalidArgument) as caught:
        _native.render("text", "{}")
    assert caught.value.param == "report"
