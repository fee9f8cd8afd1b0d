//! What is wrong in a picture. Each file has the checks of one part of a cluster: pure functions, and what each code means.

mod autoscalers;
mod certificates;
pub(super) mod dapr;
pub(super) mod engines;
mod events;
mod gpus;
mod nodes;
pub(super) mod pods;
mod postgres;
mod services;
mod storage;
#[cfg(test)]
mod testing;
mod unschedulable;
mod workloads;

use super::picture::View;
use crate::report::Draft;

/// A check: what its code means, how to confirm it, how to mend it.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Check {
    /// `POD_CRASHLOOP`.
    pub code: &'static str,
    /// How urgent it is.
    pub severity: &'static str,
    /// The section of the report that it belongs to.
    pub section: &'static str,
    /// What it means, and when it is found.
    pub means: &'static str,
    /// How to confirm it.
    pub confirm: &'static str,
    /// How to mend it.
    pub fix: &'static str,
}

impl Check {
    const fn new(
        section: &'static str,
        code: &'static str,
        severity: &'static str,
        means: &'static str,
        confirm: &'static str,
        fix: &'static str,
    ) -> Self {
        Self { code, severity, section, means, confirm, fix }
    }
}

struct Part {
    checks: &'static [Check],
    find: fn(&View<'_>, &mut Vec<Draft>),
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
    PARTS.iter().flat_map(|part| part.checks)
}

/// How to mend what this code stands for.
fn fix(code: &str) -> &'static str {
    checks().find(|check| check.code == code).map_or("", |check| check.fix)
}

/// All that is wrong.
pub(super) fn find(view: &View<'_>) -> Vec<Draft> {
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

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::checks;

    #[test]
    fn every_code_is_documented_once() {
        let mut codes = BTreeSet::new();
        for check in checks() {
            assert!(codes.insert(check.code), "{} is there twice", check.code);
            for text in [check.severity, check.section, check.means, check.confirm, check.fix] {
                assert!(!text.trim().is_empty(), "{}", check.code);
            }
        }
    }
}
