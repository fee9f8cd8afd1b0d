/**
 * Reports of clusters in the forms in which people read them, and what changed between two.
 */

import type { ReportDiff, Finding, FleetReport, Report } from './generated/models.js';
import { readReportDiff } from './generated/models.js';
import { thrown } from './errors.js';
import { native } from './native.js';

/** The report as text: a line for each root cause, what shows it, and what to do. */
export function toText(report: Report): string {
  return render('text', report);
}

/** The report as a part of an HTML page. */
export function toHtml(report: Report): string {
  return render('html', report);
}

/** The report as an HTML page of its own, which needs nothing from elsewhere. */
export function toHtmlPage(report: Report): string {
  return render('page', report);
}

/**
 * A program's exit code: 0 healthy, 3 errors or worse, 4 warnings only, 5 nothing found, but not all could be read. Of several
 * clusters it is that of the worst.
 */
export function exitCode(report: Report | FleetReport): number {
  return Number(render('clusters' in report ? 'fleet_exit_code' : 'exit_code', report));
}

/** What was found and nothing else explains: what to look at. */
export function roots(report: Report): Finding[] {
  return report.findings.filter((finding) => finding.causedBy === undefined);
}

/** What changed since an earlier report of the same cluster: what is new, and what is gone. */
export function diff(report: Report, earlier: Report): ReportDiff {
  return readReportDiff(JSON.parse(render('diff', report, earlier)));
}

/** The same as text. */
export function diffText(report: Report, earlier: Report): string {
  return render('diff_text', report, earlier);
}

function render(form: string, report: Report | FleetReport, earlier?: Report): string {
  try {
    return native.render(form, wire(report), earlier && wire(earlier));
  } catch (error) {
    throw thrown(error);
  }
}

/** A report as the core writes it. */
function wire(report: Report | FleetReport): string {
  const snake = (name: string): string => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
  return JSON.stringify(report, (_, value: unknown) => {
    if (value === null || typeof value !== 'object' || Array.isArray(value)) return value;
    return Object.fromEntries(Object.entries(value).map(([name, inside]) => [snake(name), inside]));
  });
}
