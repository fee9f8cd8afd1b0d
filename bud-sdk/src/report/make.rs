//! A report as it is made.

use super::{
    Finding, FleetMember, FleetReport, Report, ReportSection, ReportSummary, SCHEMA, Severity, Verdict,
};
use crate::types::Timestamp;

impl Severity {
    /// The smaller, the more urgent.
    pub(crate) fn rank(&self) -> u8 {
        match self {
            Self::Critical => 0,
            Self::Error => 1,
            Self::Warning => 2,
            _ => 3,
        }
    }
}

/// What is known when a report is made, beside its findings.
#[derive(Debug)]
pub(crate) struct About {
    pub(crate) server: String,
    pub(crate) version: Option<String>,
    pub(crate) started_at: Timestamp,
    pub(crate) finished_at: Timestamp,
    pub(crate) namespaces: Vec<String>,
}

/// An address without the user and password that may stand before the host.
fn without_user(address: String) -> String {
    let Some((scheme, rest)) = address.split_once("://") else { return address };
    let (authority, path) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
    match authority.rsplit_once('@') {
        Some((_, host)) => format!("{scheme}://{host}{path}"),
        None => address,
    }
}

impl Report {
    pub(crate) fn new(about: About, sections: Vec<ReportSection>, findings: Vec<Finding>) -> Self {
        let mut summary = ReportSummary { critical: 0, error: 0, warning: 0, info: 0 };
        for finding in findings.iter().filter(|finding| finding.caused_by.is_none()) {
            match *finding.severity {
                Severity::Critical => summary.critical += 1,
                Severity::Error => summary.error += 1,
                Severity::Warning => summary.warning += 1,
                _ => summary.info += 1,
            }
        }
        let verdict = if summary.critical > 0 {
            Verdict::Critical
        } else if summary.error + summary.warning > 0 {
            Verdict::Degraded
        } else if sections.iter().any(ReportSection::incomplete) {
            Verdict::Unknown
        } else {
            Verdict::Healthy
        };
        let About { server, version, started_at, finished_at, namespaces } = about;
        Self {
            schema: SCHEMA.to_owned(),
            server: without_user(server),
            version,
            started_at,
            finished_at,
            namespaces,
            verdict: verdict.into(),
            summary,
            sections,
            findings,
        }
    }
}

impl FleetReport {
    pub(crate) fn new(clusters: Vec<FleetMember>) -> Self {
        let of = |member: &FleetMember| match &member.report {
            Some(report) => Verdict::clone(&report.verdict),
            None => Verdict::Unknown,
        };
        let rank = |verdict: &Verdict| match verdict {
            Verdict::Healthy => 0,
            Verdict::Degraded => 2,
            Verdict::Critical => 3,
            _ => 1,
        };
        let worst = clusters.iter().map(of).max_by_key(rank);
        Self { verdict: worst.unwrap_or(Verdict::Unknown).into(), clusters }
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn an_address_has_no_user() {
        for (address, expected) in [
            ("https://me:hunter2@api:6443/a@b", "https://api:6443/a@b"),
            ("https://token@api", "https://api"),
            ("https://p@ss@api?x", "https://api?x"),
            ("https://api:6443/clusters/a@b", "https://api:6443/clusters/a@b"),
            ("api", "api"),
        ] {
            assert_eq!(super::without_user(address.to_owned()), expected);
        }
    }
}
