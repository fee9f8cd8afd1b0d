//! Reports as text, for terminals and logs.

use std::ffi::OsStr;
use std::fmt::{self, Display};
use std::io::IsTerminal;

use super::view::{FindingView, View};
use super::{Report, ReportDiff, Severity, Verdict};

/// How many pieces of evidence are shown of each finding. All are in the JSON.
const MOST_EVIDENCE: usize = 3;

/// A [`Report`] or a [`ReportDiff`] as text: what to look at, a line each, with what shows it and what to do.
///
/// It is printed with `{}`. There is no colour unless a program asks for it:
/// - [`color_if_terminal`](Text::color_if_terminal) decides as most programs do: colour on a terminal, unless the environment variable
///   `NO_COLOR` is set and not empty;
/// - [`color`](Text::color) is for those with a `--color` of their own.
///
/// Control characters of foreign text are written as escapes: nothing in a cluster can steer a terminal.
///
/// ```
/// # fn show(report: &bud_sdk::report::Report) {
/// println!("{}", report.to_text().color_if_terminal(&std::io::stdout()));
/// # }
/// ```
#[derive(Debug, Clone, Copy)]
#[must_use = "a text does nothing until it is printed"]
pub struct Text<'a> {
    shown: Shown<'a>,
    color: bool,
}

#[derive(Debug, Clone, Copy)]
enum Shown<'a> {
    Report(&'a Report),
    ReportDiff(&'a ReportDiff),
}

impl Report {
    /// The report as text, for a terminal or a log.
    pub fn to_text(&self) -> Text<'_> {
        Text { shown: Shown::Report(self), color: false }
    }
}

impl ReportDiff {
    /// The difference as text, for a terminal or a log.
    pub fn to_text(&self) -> Text<'_> {
        Text { shown: Shown::ReportDiff(self), color: false }
    }
}

impl Text<'_> {
    /// With colour, or without.
    pub fn color(mut self, color: bool) -> Self {
        self.color = color;
        self
    }

    /// With colour if that is where it is printed: on a terminal, unless the environment variable `NO_COLOR` is set and not empty.
    pub fn color_if_terminal(self, stream: &impl IsTerminal) -> Self {
        self.color(colored(stream.is_terminal(), std::env::var_os("NO_COLOR").as_deref()))
    }

    fn paint<'a>(self, text: &'a str, paint: &'static str) -> Painted<'a> {
        Painted { text, paint: Some(paint).filter(|_| self.color) }
    }

    /// One line for a finding, and below it what shows it and what to do.
    fn finding(self, f: &mut fmt::Formatter<'_>, finding: &FindingView<'_>) -> fmt::Result {
        let severity = self.paint(finding.severity_name.as_str(), of(finding.severity));
        write!(f, "{severity} {} {}: {}", finding.code, finding.about, finding.title)?;
        if finding.count > 1 {
            write!(f, " (×{})", finding.count)?;
        }
        if let Some(since) = &finding.since {
            write!(f, " since {since}")?;
        }
        writeln!(f)?;
        for evidence in finding.evidence.iter().take(MOST_EVIDENCE) {
            write!(f, "    {}: {}", evidence.kind, evidence.text)?;
            if let Some(at) = &evidence.at {
                write!(f, " ({at})")?;
            }
            writeln!(f)?;
        }
        if let Some(remedy) = &finding.remedy {
            writeln!(f, "    -> {remedy}")?;
        }
        Ok(())
    }

    fn report(self, f: &mut fmt::Formatter<'_>, report: &Report) -> fmt::Result {
        let view = View::of(report);
        write!(f, "{}", view.server)?;
        if let Some(version) = &view.version {
            write!(f, " ({version})")?;
        }
        let verdict = self.paint(view.verdict_name.as_str(), of_verdict(view.verdict));
        writeln!(f, ": {verdict}, {}", view.counts)?;
        for tree in &view.trees {
            self.finding(f, &tree.root)?;
            if !tree.effects.is_empty() {
                writeln!(f, "    explains: {}", tree.explains)?;
            }
        }
        if !view.unread.is_empty() {
            writeln!(f, "not read:")?;
        }
        for (section, why) in &view.unread {
            writeln!(f, "    {section}: {why}")?;
        }
        Ok(())
    }

    fn difference(self, f: &mut fmt::Formatter<'_>, difference: &ReportDiff) -> fmt::Result {
        let ReportDiff { new, resolved, unchanged } = difference;
        writeln!(f, "{} new, {} resolved, {unchanged} unchanged", new.len(), resolved.len())?;
        for finding in new {
            write!(f, "{} ", self.paint("new", "31"))?;
            self.finding(f, &FindingView::of(finding, None))?;
        }
        for finding in resolved {
            let FindingView { severity_name, code, about, title, .. } = FindingView::of(finding, None);
            let resolved = self.paint("resolved", "32");
            writeln!(f, "{resolved} {severity_name} {code} {about}: {title}")?;
        }
        Ok(())
    }
}

impl Display for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.shown {
            Shown::Report(report) => self.report(f, report),
            Shown::ReportDiff(difference) => self.difference(f, difference),
        }
    }
}

fn colored(terminal: bool, no_color: Option<&OsStr>) -> bool {
    terminal && no_color.is_none_or(OsStr::is_empty)
}

/// Text in a colour; a terminal's code, or none.
struct Painted<'a> {
    text: &'a str,
    paint: Option<&'static str>,
}

impl Display for Painted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.paint {
            Some(paint) => write!(f, "\x1b[{paint}m{}\x1b[0m", self.text),
            None => f.write_str(self.text),
        }
    }
}

fn of(severity: &Severity) -> &'static str {
    match severity {
        Severity::Critical => "1;31",
        Severity::Error => "31",
        Severity::Warning => "33",
        _ => "36",
    }
}

fn of_verdict(verdict: &Verdict) -> &'static str {
    match verdict {
        Verdict::Healthy => "32",
        Verdict::Critical => "1;31",
        _ => "33",
    }
}

#[cfg(all(test, feature = "kubernetes"))]
mod tests;
