//! What changed between two reports.

use std::collections::BTreeSet;

use super::{Finding, Report};
use crate::types::records;

records! {
    in report;

    /// What changed between two reports of a cluster.
    Difference {
        /// What was not found before.
        new: Vec<Finding>,
        /// What is found no longer. What could not be read this time is not counted as gone.
        resolved: Vec<Finding>,
        /// How many findings are in both.
        lasting: u32,
    }
}

impl Difference {
    pub(super) fn between(earlier: &Report, later: &Report) -> Self {
        fn prints(report: &Report) -> BTreeSet<&str> {
            report.findings.iter().map(|finding| finding.fingerprint.as_str()).collect()
        }
        let (before, after) = (prints(earlier), prints(later));
        let only = |report: &Report, other: &BTreeSet<&str>| -> Vec<Finding> {
            let missing = |finding: &&Finding| !other.contains(finding.fingerprint.as_str());
            report.findings.iter().filter(missing).cloned().collect()
        };
        // Where a section was not read, nothing is known of what was found there.
        let blind = later.sections.iter().any(super::ReportSection::incomplete);
        Self {
            new: only(later, &before),
            resolved: if blind { Vec::new() } else { only(earlier, &after) },
            lasting: u32::try_from(before.intersection(&after).count()).unwrap_or(u32::MAX),
        }
    }
}
