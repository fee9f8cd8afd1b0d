//! Reports as text, for terminals and logs.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::fmt::{self, Display};
use std::io::IsTerminal;

use super::links::Links;
use super::{
    Evidence, EvidenceKind, Finding, Report, ReportDiff, ReportSection, SectionStatus, Severity, Verdict,
};
use crate::operation::clean;
use crate::types::{Timestamp, age};

/// How many pieces of evidence are shown of each finding. All are in the JSON.
const MOST_EVIDENCE: usize = 3;
/// The longest text in a line, in characters.
const LONGEST: usize = 400;

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
    fn finding(self, f: &mut fmt::Formatter<'_>, finding: &Finding, now: Option<Timestamp>) -> fmt::Result {
        let severity = line(finding.severity.as_str());
        write!(
            f,
            "{} {} {}",
            self.paint(&severity, of(&finding.severity)),
            line(&finding.code),
            about(finding)
        )?;
        write!(f, ": {}", line(&finding.title))?;
        if finding.count > 1 {
            write!(f, " (×{})", finding.count)?;
        }
        match (finding.since, now) {
            (Some(since), Some(now)) => writeln!(f, " since {}", age(since.min(now), now))?,
            (Some(since), None) => writeln!(f, " since {since}")?,
            (None, _) => writeln!(f)?,
        }
        for evidence in finding.evidence.iter().take(MOST_EVIDENCE) {
            let kind = evidence.kind.as_str().to_lowercase();
            write!(f, "    {}: {}", line(&kind), line(&told(evidence)))?;
            match (evidence.at, now) {
                (Some(at), Some(now)) => writeln!(f, " ({} ago)", age(at.min(now), now))?,
                (Some(at), None) => writeln!(f, " ({at})")?,
                (None, _) => writeln!(f)?,
            }
        }
        if !finding.remedy.is_empty() {
            writeln!(f, "    -> {}", line(&finding.remedy))?;
        }
        Ok(())
    }

    fn report(self, f: &mut fmt::Formatter<'_>, report: &Report) -> fmt::Result {
        let version = report.version.as_deref().map(|version| format!(" ({})", line(version)));
        write!(f, "{}{}: ", line(&report.server), version.unwrap_or_default())?;
        let (verdict, paint) = (line(report.verdict.as_str()), of_verdict(&report.verdict));
        writeln!(f, "{}, {}", self.paint(&verdict, paint), counts(report))?;
        for (root, effects) in trees(report) {
            self.finding(f, root, Some(report.finished_at))?;
            if !effects.is_empty() {
                writeln!(f, "    explains: {}", objects(&effects))?;
            }
        }
        let unread: Vec<&ReportSection> = unread(report).collect();
        if !unread.is_empty() {
            writeln!(f, "not read:")?;
        }
        for section in unread {
            writeln!(f, "    {}: {}", line(&section.name), why(section))?;
        }
        Ok(())
    }

    fn difference(self, f: &mut fmt::Formatter<'_>, difference: &ReportDiff) -> fmt::Result {
        let ReportDiff { new, resolved, unchanged } = difference;
        writeln!(f, "{} new, {} resolved, {unchanged} unchanged", new.len(), resolved.len())?;
        for finding in new {
            write!(f, "{} ", self.paint("new", "31"))?;
            self.finding(f, finding, None)?;
        }
        for finding in resolved {
            let (severity, code) = (line(finding.severity.as_str()), line(&finding.code));
            let resolved = self.paint("resolved", "32");
            writeln!(f, "{resolved} {severity} {code} {}: {}", about(finding), line(&finding.title))?;
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

/// Foreign text, fit for a line.
pub(super) fn line(text: &str) -> String {
    clean(text, LONGEST)
}

/// What is shown of a piece of evidence: of a log the end, which says most.
pub(super) fn told(evidence: &Evidence) -> Cow<'_, str> {
    let count = evidence.text.chars().count();
    if *evidence.kind != EvidenceKind::Log || count <= LONGEST {
        return Cow::Borrowed(&evidence.text);
    }
    Cow::Owned(['…'].into_iter().chain(evidence.text.chars().skip(count - LONGEST + 1)).collect())
}

/// What a finding is about, with its container.
pub(super) fn about(finding: &Finding) -> String {
    match &finding.container {
        Some(container) => line(&format!("{} ({container})", finding.subject)),
        None => line(&finding.subject.to_string()),
    }
}

/// `1 critical, 2 errors`.
pub(super) fn counts(report: &Report) -> String {
    let summary = &report.summary;
    let words = [
        (summary.critical, "critical", "critical"),
        (summary.error, "error", "errors"),
        (summary.warning, "warning", "warnings"),
        (summary.info, "note", "notes"),
    ];
    let found = words.iter().filter(|(count, ..)| *count > 0);
    let found = found.map(|(count, one, many)| format!("{count} {}", if *count == 1 { one } else { many }));
    let mut found: Vec<String> = found.collect();
    if *report.verdict == Verdict::Unknown {
        found.push("not all could be read".to_owned());
    } else if found.is_empty() {
        found.push("nothing found".to_owned());
    }
    found.join(", ")
}

/// Each finding that nothing else explains, with all that it explains. None is left out, even if what explains it is not there.
pub(super) fn trees(report: &Report) -> Vec<(&Finding, Vec<&Finding>)> {
    let links = Links::of(report);
    let known: BTreeSet<&str> = report.findings.iter().map(|finding| finding.fingerprint.as_str()).collect();
    let explained = |(_, finding): &(usize, &Finding)| {
        finding.caused_by.as_deref().is_some_and(|cause| known.contains(cause))
    };
    let (rest, roots): (Vec<_>, Vec<_>) = report.findings.iter().enumerate().partition(explained);
    let mut seen = BTreeSet::new();
    let mut trees = Vec::new();
    // Those of the rest that are not seen from a root explain each other.
    for (place, root) in roots.into_iter().chain(rest) {
        if seen.insert(place) {
            trees.push((root, links.effects(&root.fingerprint, &mut seen)));
        }
    }
    trees
}

/// `12 pods, 3 deployments, 2 services`: the objects of findings, each counted once.
pub(super) fn objects(findings: &[&Finding]) -> String {
    // By what made them: how many were folded, and which were not.
    let mut groups: BTreeMap<(String, String), (u64, BTreeSet<String>)> = BTreeMap::new();
    for finding in findings {
        let name = finding.subject.to_string();
        if finding.count > 1 {
            let group = groups.entry((made_by(finding).to_lowercase(), name)).or_default();
            group.0 = group.0.max(u64::from(finding.count));
        } else {
            let maker = finding.owner.as_ref().map_or_else(|| name.clone(), ToString::to_string);
            groups.entry((finding.subject.kind.to_lowercase(), maker)).or_default().1.insert(name);
        }
    }
    let mut kinds: BTreeMap<String, u64> = BTreeMap::new();
    for ((kind, _), (folded, names)) in groups {
        // A fold has names for a few only: those beside it may be of it.
        let count = folded.max(u64::try_from(names.len()).unwrap_or(u64::MAX));
        *kinds.entry(kind).or_default() += count;
    }
    let mut kinds: Vec<(String, u64)> = kinds.into_iter().collect();
    kinds.sort_by(|one, other| other.1.cmp(&one.1).then_with(|| one.0.cmp(&other.0)));
    let kinds = kinds.into_iter().map(|(kind, count)| match count {
        1 => format!("1 {kind}"),
        _ => format!("{count} {}", plural(&kind)),
    });
    line(&kinds.collect::<Vec<String>>().join(", "))
}

/// What objects of a kind make: a fold is about what made its members.
fn made_by(finding: &Finding) -> &str {
    match finding.subject.kind.as_str() {
        // Those that were taken from a node are told of the node.
        _ if finding.code.starts_with("POD_") => "Pod",
        "Deployment" | "StatefulSet" | "DaemonSet" | "ReplicaSet" | "ReplicationController" | "Job" => "Pod",
        "CronJob" => "Job",
        other => other,
    }
}

fn plural(kind: &str) -> String {
    match kind.strip_suffix('y') {
        Some(stem) if !stem.ends_with(['a', 'e', 'o', 'u']) => format!("{stem}ies"),
        _ if kind.ends_with("endpoints") => kind.to_owned(),
        _ if kind.ends_with(['s', 'x']) => format!("{kind}es"),
        _ => format!("{kind}s"),
    }
}

/// The sections that were not read, or not wholly.
pub(super) fn unread(report: &Report) -> impl Iterator<Item = &ReportSection> {
    let unread = |section: &&ReportSection| {
        section.reason.is_some() || matches!(*section.status, SectionStatus::Unavailable)
    };
    report.sections.iter().filter(unread)
}

/// `forbidden, missing permission: list pods: ...`
pub(super) fn why(section: &ReportSection) -> String {
    let reason = section.reason.as_ref().map_or("unavailable", |reason| reason.as_str());
    let mut why = reason.to_lowercase().replace('_', " ");
    if let Some(right) = &section.missing_permission {
        why.push_str(&format!(", missing permission: {right}"));
    }
    if let Some(detail) = &section.detail {
        why.push_str(&format!(": {detail}"));
    }
    line(&why)
}

#[cfg(all(test, feature = "kubernetes"))]
mod tests;
