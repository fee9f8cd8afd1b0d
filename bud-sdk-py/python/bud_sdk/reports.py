"""Reports of clusters in the forms in which people read them, and what changed between two.

    from bud_sdk import KubernetesCluster, reports

    with KubernetesCluster() as cluster:
        report = cluster.report()
        print(reports.text(report))
        raise SystemExit(reports.exit_code(report))

In a notebook a report shows itself, and `reports.findings(report)` is its table.
"""

from __future__ import annotations

from bud_sdk import _native
from bud_sdk._models import Difference, Finding, FleetReport, Report
from bud_sdk._table import Table

__all__ = ["changes", "difference", "exit_code", "findings", "html", "page", "text"]


def text(report: Report) -> str:
    """The report as text: a line for each root cause, what shows it, and what to do."""
    return _native.render("text", report.to_json())


def html(report: Report) -> str:
    """The report as a part of an HTML page; notebooks show reports so by themselves."""
    return _native.render("html", report.to_json())


def page(report: Report) -> str:
    """The report as an HTML page of its own, which needs nothing from elsewhere."""
    return _native.render("page", report.to_json())


def exit_code(report: Report | FleetReport) -> int:
    """A program's exit code: 0 healthy, 3 errors or worse, 4 warnings only, 5 nothing found, but not all could be read.

    Of several clusters it is that of the worst.
    """
    form = "fleet_exit_code" if isinstance(report, FleetReport) else "exit_code"
    return int(_native.render(form, report.to_json()))


def findings(report: Report, effects: bool = False) -> Table[Finding]:
    """What was found, as a table; with what other findings explain only if `effects` is true."""
    return Table(finding for finding in report.findings if effects or finding.caused_by is None)


def difference(earlier: Report, later: Report) -> Difference:
    """What changed between two reports of one cluster: what is new, and what is gone."""
    changed = _native.restore("Difference", _native.render("difference", later.to_json(), earlier.to_json()))
    assert isinstance(changed, Difference)
    return changed


def changes(earlier: Report, later: Report) -> str:
    """The same as text."""
    return _native.render("difference_text", later.to_json(), earlier.to_json())
