//! What is wrong in a snapshot. Each file has the checks of one part of a cluster: pure functions, and what each code means.

mod autoscalers;
mod certificates;
pub(super) mod dapr;
pub(super) mod engines;
mod events;
mod gpus;
mod nodes;
pub(super) mod pods;
mod postgres;
pub(super) mod sections;
mod services;
mod storage;
#[cfg(test)]
mod testing;
mod unschedulable;
mod workloads;

use std::fmt;
use std::time::Duration;

use super::snapshot::{Context, PodRecord, WorkloadRecord};
use crate::kubernetes::objects::condition;
use crate::report::{Draft, Severity, Subject};
use crate::types::Timestamp;

/// A check: what its code means, how to confirm it, how to mend it.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Check {
    /// `POD_CRASHLOOP`.
    pub code: &'static str,
    /// The severities that it can have, and when. One without a condition is the usual one.
    pub severity: &'static [Level],
    /// The section of the report that it belongs to.
    pub section: &'static str,
    /// What it means, and when it is found.
    pub means: &'static str,
    /// How to confirm it.
    pub confirm: &'static str,
    /// How to mend it.
    pub remedy: &'static str,
}

/// A severity that a check can have, and when: `ERROR after a minute`.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Level {
    /// How urgent it is.
    pub severity: Severity,
    /// When it has this severity. Empty if no condition is needed.
    pub when: &'static str,
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.severity.as_str())?;
        if self.when.is_empty() { Ok(()) } else { write!(f, " {}", self.when) }
    }
}

const fn critical(when: &'static str) -> Level {
    Level { severity: Severity::Critical, when }
}
const fn error(when: &'static str) -> Level {
    Level { severity: Severity::Error, when }
}
const fn warning(when: &'static str) -> Level {
    Level { severity: Severity::Warning, when }
}
const fn info(when: &'static str) -> Level {
    Level { severity: Severity::Info, when }
}

impl Check {
    /// The check where it has this severity, which must be one of its own.
    fn at(self, severity: Severity) -> Case {
        debug_assert!(
            self.severity.iter().any(|level| level.severity == severity),
            "{} {severity}",
            self.code
        );
        Case { check: self, severity }
    }

    /// A finding of a check that has a single severity.
    pub(super) fn draft(self, subject: Subject, title: impl Into<String>) -> Draft {
        Case::from(self).draft(subject, title)
    }
}

/// A check with the severity that it has in one case.
struct Case {
    check: Check,
    severity: Severity,
}

impl From<Check> for Case {
    fn from(check: Check) -> Self {
        debug_assert!(check.severity.len() == 1, "the severity of {} depends on the case", check.code);
        // A test sees to it that no check is without a severity.
        let only = check.severity.first().map_or(Severity::Error, |level| level.severity.clone());
        check.at(only)
    }
}

impl Case {
    fn draft(self, subject: Subject, title: impl Into<String>) -> Draft {
        let Self { check, severity } = self;
        // A check that is in no table of its file would not be documented.
        debug_assert!(checks().any(|known| known.code == check.code), "{} is in no table", check.code);
        Draft::new(check.code, severity, subject, title).section(check.section).remedy(check.remedy)
    }
}

struct Part {
    checks: &'static [Check],
    find: fn(&Context<'_>, &mut Vec<Draft>),
}

macro_rules! parts {
    ($($part:ident),* $(,)?) => {
        const PARTS: &[Part] = &[$(Part { checks: $part::CHECKS, find: $part::find }),*];
    };
}
parts!(
    pods,
    workloads,
    nodes,
    gpus,
    engines,
    services,
    storage,
    autoscalers,
    events,
    dapr,
    certificates,
    postgres
);

/// Every check of a [`Report`](crate::report::Report).
pub fn checks() -> impl Iterator<Item = &'static Check> {
    PARTS.iter().flat_map(|part| part.checks).chain(sections::CHECKS)
}

/// All that is wrong.
pub(super) fn find(view: &Context<'_>) -> Vec<Draft> {
    let mut drafts = Vec::new();
    for part in PARTS {
        (part.find)(view, &mut drafts);
    }
    drafts
}

/// `12 pods`, `1 pod`.
fn counted(count: usize, one: &str) -> String {
    if count == 1 { format!("1 {one}") } else { format!("{count} {one}s") }
}

/// Major and minor of `v1.36.2-eks-1` or `1.15.2-mariner`; a digest or `latest` has none.
fn minor(version: &str) -> Option<(u32, u32)> {
    let mut parts = version.trim_start_matches('v').split('.');
    let major = parts.next()?.parse().ok()?;
    let minor = parts.next()?;
    let end = minor.find(|c: char| !c.is_ascii_digit()).unwrap_or(minor.len());
    Some((major, minor[..end].parse().ok()?))
}

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(24 * 3600);
/// What passes by itself.
const GRACE: Duration = MINUTE;

/// Seconds as Kubernetes has them, which are never negative.
fn seconds(count: i64) -> Duration {
    Duration::from_secs(u64::try_from(count).unwrap_or_default())
}

/// Whether something changed within the last minute about pods that do not answer: one was made, began or ceased to be ready, or
/// was deleted. Where there are none, it goes by what should make them.
fn just_changed<'a>(
    view: &Context<'_>,
    pods: impl IntoIterator<Item = &'a PodRecord>,
    workloads: impl IntoIterator<Item = &'a WorkloadRecord>,
) -> bool {
    let of_pod = |pod: &PodRecord| {
        let whole = pod.trouble.as_ref().map(|trouble| &trouble.pod);
        let ready = whole.and_then(|whole| condition(&whole.status.conditions, "Ready"));
        let deleted = whole.and_then(|whole| {
            // It says until when the pod has time to end.
            let grace = seconds(whole.metadata.deletion_grace_period_seconds.unwrap_or_default());
            Some(whole.metadata.deletion_timestamp? - grace)
        });
        ready.and_then(|ready| ready.last_transition_time).max(pod.created_at).max(deleted)
    };
    let of_workload = |workload: &WorkloadRecord| {
        let available = condition(&workload.conditions, "Available");
        available.and_then(|available| available.last_transition_time).max(workload.created_at)
    };
    let newest: Option<Timestamp> = pods.into_iter().filter_map(of_pod).max();
    let newest = newest.or_else(|| workloads.into_iter().filter_map(of_workload).max());
    newest.is_some_and(|at| view.snapshot.elapsed(at) <= GRACE)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::checks;
    use crate::report::Severity;

    #[test]
    fn minor_versions_are_read_where_there_are_some() {
        assert_eq!(super::minor("v1.36.2-eks-1"), Some((1, 36)));
        assert_eq!(super::minor("1.15+"), Some((1, 15)));
        assert_eq!(super::minor("latest"), None);
    }

    #[test]
    fn every_code_is_documented_once() {
        let mut codes = BTreeSet::new();
        for check in checks() {
            assert!(codes.insert(check.code), "{} is there twice", check.code);
            for text in [check.section, check.means, check.confirm, check.remedy] {
                assert!(!text.trim().is_empty(), "{}", check.code);
            }
            let severities: BTreeSet<_> = check.severity.iter().map(|level| level.severity.rank()).collect();
            assert!(!severities.is_empty(), "{}", check.code);
            assert_eq!(severities.len(), check.severity.len(), "{} has a severity twice", check.code);
        }
    }

    /// So every planted case shows that its severity is documented.
    #[test]
    #[cfg(debug_assertions)]
    #[should_panic(expected = "WEBHOOK_DOWN WARNING")]
    fn a_severity_that_is_not_documented_fails_the_test() {
        let check = checks().find(|check| check.code == "WEBHOOK_DOWN").unwrap();
        check.at(Severity::Warning);
    }
}
