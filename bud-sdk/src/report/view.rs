//! What is shown of a report, as text or as HTML: computed once, and fit for a line.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::{self, Display};

use super::links::Links;
use super::{Evidence, EvidenceKind, Finding, Report, ReportSection, SectionStatus, Severity, Verdict};
use crate::operation::clean;
use crate::types::{Timestamp, age};

/// The longest text in a line, in characters.
const LONGEST: usize = 400;

/// Foreign text, fit for a line: without control characters, and not too long.
pub(super) struct Line(String);

/// Foreign text, fit for a line.
pub(super) fn line(text: &str) -> Line {
    Line(clean(text, LONGEST))
}

impl Line {
    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

impl Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A report as it is shown.
pub(super) struct View<'a> {
    pub(super) server: Line,
    pub(super) version: Option<Line>,
    pub(super) verdict: &'a Verdict,
    pub(super) verdict_name: Line,
    /// `1 critical, 2 errors`.
    pub(super) counts: String,
    pub(super) finished_at: Timestamp,
    pub(super) trees: Vec<Tree<'a>>,
    /// The sections that were not read, or not wholly, and why.
    pub(super) unread: Vec<(Line, Line)>,
    /// The sections that were read, with the number of their objects.
    pub(super) read: Vec<(Line, u64)>,
}

/// A finding that nothing else explains, with all that it explains.
pub(super) struct Tree<'a> {
    pub(super) root: FindingView<'a>,
    pub(super) effects: Vec<&'a Finding>,
    /// `12 pods, 3 deployments`: the objects of the effects.
    pub(super) explains: Line,
}

/// A finding as it is shown.
pub(super) struct FindingView<'a> {
    pub(super) severity: &'a Severity,
    pub(super) severity_name: Line,
    pub(super) code: Line,
    pub(super) about: Line,
    pub(super) title: Line,
    pub(super) count: u32,
    /// The names of some of those that have it, if several have.
    pub(super) samples: Option<Line>,
    /// `5m`; where the present is not known, the time.
    pub(super) since: Option<String>,
    pub(super) evidence: Vec<EvidenceView>,
    pub(super) remedy: Option<Line>,
    pub(super) commands: Vec<Line>,
}

/// A piece of evidence as it is shown.
pub(super) struct EvidenceView {
    pub(super) kind: Line,
    pub(super) text: Line,
    /// `5m ago`; where the present is not known, the time.
    pub(super) at: Option<String>,
}

impl<'a> View<'a> {
    pub(super) fn of(report: &'a Report) -> Self {
        let tree = |(root, effects): (&'a Finding, Vec<&'a Finding>)| Tree {
            root: FindingView::of(root, Some(report.finished_at)),
            explains: objects(&effects),
            effects,
        };
        let read = report.sections.iter().filter(|section| section.reason.is_none());
        Self {
            server: line(&report.server),
            version: report.version.as_deref().map(line),
            verdict: &report.verdict,
            verdict_name: line(report.verdict.as_str()),
            counts: counts(report),
            finished_at: report.finished_at,
            trees: trees(report).into_iter().map(tree).collect(),
            unread: unread(report).map(|section| (line(&section.name), why(section))).collect(),
            read: read.map(|section| (line(&section.name), section.objects)).collect(),
        }
    }
}

impl<'a> FindingView<'a> {
    /// As it is shown at the time `now`, if that is known.
    pub(super) fn of(finding: &'a Finding, now: Option<Timestamp>) -> Self {
        let since = |at: Timestamp| now.map_or_else(|| at.to_string(), |now| age(at.min(now), now));
        let ago = |at: Timestamp| match now {
            Some(_) => format!("{} ago", since(at)),
            None => since(at),
        };
        let evidence = finding.evidence.iter().map(|evidence| EvidenceView {
            kind: line(&evidence.kind.as_str().to_lowercase()),
            text: line(&told(evidence)),
            at: evidence.at.map(ago),
        });
        let all = usize::try_from(finding.count).is_ok_and(|count| count <= finding.samples.len());
        let more = if all { "" } else { ", ..." };
        Self {
            severity: &finding.severity,
            severity_name: line(finding.severity.as_str()),
            code: line(&finding.code),
            about: about(finding),
            title: line(&finding.title),
            count: finding.count,
            samples: (finding.count > 1).then(|| line(&format!("{}{more}", finding.samples.join(", ")))),
            since: finding.since.map(since),
            evidence: evidence.collect(),
            remedy: Some(line(&finding.remedy)).filter(|_| !finding.remedy.is_empty()),
            commands: finding.commands.iter().map(|command| line(command)).collect(),
        }
    }
}

/// What is shown of a piece of evidence: of a log the end, which says most.
fn told(evidence: &Evidence) -> Cow<'_, str> {
    let count = evidence.text.chars().count();
    if *evidence.kind != EvidenceKind::Log || count <= LONGEST {
        return Cow::Borrowed(&evidence.text);
    }
    Cow::Owned(['…'].into_iter().chain(evidence.text.chars().skip(count - LONGEST + 1)).collect())
}

/// What a finding is about, with its container.
pub(super) fn about(finding: &Finding) -> Line {
    match &finding.container {
        Some(container) => line(&format!("{} ({container})", finding.subject)),
        None => line(&finding.subject.to_string()),
    }
}

/// `1 critical, 2 errors`.
fn counts(report: &Report) -> String {
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
fn trees(report: &Report) -> Vec<(&Finding, Vec<&Finding>)> {
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
fn objects(findings: &[&Finding]) -> Line {
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
fn unread(report: &Report) -> impl Iterator<Item = &ReportSection> {
    let unread = |section: &&ReportSection| {
        section.reason.is_some() || matches!(*section.status, SectionStatus::Unavailable)
    };
    report.sections.iter().filter(unread)
}

/// `forbidden, missing permission: list pods: ...`
fn why(section: &ReportSection) -> Line {
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
