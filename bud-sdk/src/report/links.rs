//! What explains what.

use std::collections::{BTreeMap, BTreeSet};

use super::{Finding, Report};

/// Findings by the fingerprint of what explains them, each with its place in the report.
pub(super) struct Links<'a>(BTreeMap<&'a str, Vec<(usize, &'a Finding)>>);

impl<'a> Links<'a> {
    pub(super) fn of(report: &'a Report) -> Self {
        let mut links = Self(BTreeMap::new());
        for (place, finding) in report.findings.iter().enumerate() {
            if let Some(cause) = &finding.caused_by {
                links.0.entry(cause).or_default().push((place, finding));
            }
        }
        links
    }

    /// What a finding explains, at first or second hand, in the report's order: what was not seen before.
    pub(super) fn effects(&self, cause: &str, seen: &mut BTreeSet<usize>) -> Vec<&'a Finding> {
        let (mut effects, mut next) = (Vec::new(), vec![cause]);
        while let Some(cause) = next.pop() {
            for (place, effect) in self.0.get(cause).into_iter().flatten() {
                if seen.insert(*place) {
                    effects.push((*place, *effect));
                    next.push(&effect.fingerprint);
                }
            }
        }
        effects.sort_unstable_by_key(|(place, _)| *place);
        effects.into_iter().map(|(_, effect)| effect).collect()
    }
}
