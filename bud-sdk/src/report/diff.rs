//! What changed between two reports.

use std::collections::BTreeSet;

use super::{Finding, Report};
use crate::schema::records;

records! {

    /// What changed between two reports of a cluster.
    ReportDiff {
        /// What was not found before.
        new: Vec<Finding>,
        /// What is found no longer, where it was looked for. What was not read this time is not counted as gone.
        resolved: Vec<Finding>,
        /// How many findings are in both.
        unchanged: u32,
    }
}

impl ReportDiff {
    pub(super) fn between(earlier: &Report, later: &Report) -> Self {
        fn prints(report: &Report) -> BTreeSet<&str> {
            report.findings.iter().map(|finding| finding.fingerprint.as_str()).collect()
        }
        let (before, after) = (prints(earlier), prints(later));
        let only = |report: &Report, other: &BTreeSet<&str>, also: &dyn Fn(&Finding) -> bool| {
            let missing = |finding: &&Finding| !other.contains(finding.fingerprint.as_str()) && also(finding);
            report.findings.iter().filter(missing).cloned().collect()
        };
        Self {
            new: only(later, &before, &|_| true),
            resolved: only(earlier, &after, &|finding| looked_at(finding, earlier, later)),
            unchanged: u32::try_from(before.intersection(&after).count()).unwrap_or(u32::MAX),
        }
    }
}

/// Whether a finding of the earlier report would be in the later one if it were still there.
fn looked_at(finding: &Finding, earlier: &Report, later: &Report) -> bool {
    let covered = |namespace: &String| later.namespaces.is_empty() || later.namespaces.contains(namespace);
    let there = match &finding.subject.namespace {
        Some(namespace) => covered(namespace),
        // Nodes are always looked at; what is summed up over namespaces needs all of them.
        None => {
            matches!(finding.section.as_str(), "nodes" | "metrics")
                || later.namespaces.is_empty()
                || (!earlier.namespaces.is_empty() && earlier.namespaces.iter().all(covered))
        }
    };
    there && later.sections.iter().any(|section| section.name == finding.section && section.was_read())
}

#[cfg(all(test, feature = "kubernetes"))]
mod tests {
    use super::super::sample::{report, section};
    use super::super::{Draft, Report, SectionStatus, Severity, Subject, Unavailable, assemble};

    fn of(sections: Vec<super::super::ReportSection>, drafts: Vec<Draft>, namespaces: &[&str]) -> Report {
        let mut report = report(sections, assemble(drafts));
        report.namespaces = namespaces.iter().map(|&name| name.to_owned()).collect();
        report
    }
    fn draft(section: &str, subject: Subject) -> Draft {
        Draft::new("A", Severity::Error, subject, "it is broken").section(section)
    }
    fn resolved(earlier: &Report, later: &Report) -> usize {
        later.diff(earlier).resolved.len()
    }

    #[test]
    fn what_was_not_read_is_not_resolved_and_all_else_is() {
        let read = |name: &str| section(name, SectionStatus::Ok, None);
        let not = |name: &str, why| section(name, SectionStatus::Unavailable, Some(why));
        let pod = || draft("pods", Subject::new("Pod", "here", "a"));
        let pool = || draft("postgres", Subject::new("Postgres", "here", "b"));
        let both = of(vec![read("pods"), read("postgres")], vec![pod(), pool()], &[]);
        let later = |sections| of(sections, Vec::new(), &[]);
        assert_eq!(resolved(&both, &later(vec![read("pods"), read("postgres")])), 2);
        for why in
            [Unavailable::NotConfigured, Unavailable::Forbidden, Unavailable::Timeout, Unavailable::Error]
        {
            let later = later(vec![read("pods"), not("postgres", why)]);
            let gone = later.diff(&both).resolved;
            assert_eq!((gone.len(), gone[0].section.as_str()), (1, "pods"));
        }
        assert_eq!(
            resolved(&both, &later(vec![read("pods"), not("postgres", Unavailable::NotInstalled)])),
            2,
            "what was taken away is broken no longer"
        );
        assert_eq!(resolved(&both, &later(vec![read("pods")])), 1);
    }

    #[test]
    fn what_was_not_looked_at_is_not_resolved() {
        let sections =
            || vec![section("pods", SectionStatus::Ok, None), section("nodes", SectionStatus::Ok, None)];
        let drafts = || {
            vec![
                draft("pods", Subject::new("Pod", "here", "a")),
                draft("pods", Subject::new("Pod", "there", "b")),
                draft("pods", Subject::new("Webhook", "", "c")),
                draft("nodes", Subject::node("d")),
            ]
        };
        let earlier = |namespaces: &[&str]| of(sections(), drafts(), namespaces);
        let later = |namespaces: &[&str]| of(sections(), Vec::new(), namespaces);
        assert_eq!(resolved(&earlier(&[]), &later(&[])), 4);
        assert_eq!(resolved(&earlier(&[]), &later(&["here"])), 2, "the pod here and the node");
        assert_eq!(resolved(&earlier(&["here", "there"]), &later(&["there", "here", "elsewhere"])), 4);
        assert_eq!(resolved(&earlier(&["here", "there"]), &later(&["there"])), 2);
    }
}
