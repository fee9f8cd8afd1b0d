//! A report: findings with one root cause each, what could not be read, and what it comes to. No I/O.

#[cfg(feature = "kubernetes")]
mod assemble;
mod diff;
#[cfg(feature = "kubernetes")]
mod draft;
mod fleet;
mod html;
mod links;
#[cfg(feature = "kubernetes")]
mod make;
#[cfg(feature = "kubernetes")]
mod redact;
#[cfg(all(test, feature = "kubernetes"))]
pub(crate) mod sample;
mod schema;
mod text;
mod view;

pub use diff::ReportDiff;
pub use fleet::{FleetMember, FleetReport};
pub use schema::JSON_SCHEMA;
pub use text::Text;

#[cfg(feature = "kubernetes")]
pub(crate) use assemble::assemble;
#[cfg(feature = "kubernetes")]
pub(crate) use draft::{Draft, LogWanted, Subject};
#[cfg(feature = "kubernetes")]
pub(crate) use make::About;
#[cfg(feature = "kubernetes")]
pub(crate) use redact::redact;

use crate::schema::{open_enum, records};
use crate::types::{Timestamp, Wire};

/// The shape of the JSON of a [`Report`].
pub const SCHEMA: &str = "bud.diagnostics/v1";

open_enum! {

    /// How urgent a finding is.
    Severity {
        /// Users are hit, or will be within a day.
        Critical = "CRITICAL",
        /// A part is broken.
        Error = "ERROR",
        /// It will bite.
        Warning = "WARNING",
        /// Good to know.
        Info = "INFO",
    }
}

open_enum! {

    /// What a report comes to.
    Verdict {
        /// All was read, and nothing is wrong.
        Healthy = "HEALTHY",
        /// Something is broken, or will be.
        Degraded = "DEGRADED",
        /// Users are hit, or will be within a day.
        Critical = "CRITICAL",
        /// Nothing is known to be wrong, but not all could be read.
        Unknown = "UNKNOWN",
    }
}

open_enum! {

    /// How the reading of a section went.
    SectionStatus {
        /// It was read, and nothing is wrong.
        Ok = "OK",
        /// It was read, and something was found.
        Findings = "FINDINGS",
        /// It was not read, or not all of it.
        Unavailable = "UNAVAILABLE",
    }
}

open_enum! {

    /// Why a section could not be read.
    Unavailable {
        /// The cluster does not have it.
        NotInstalled = "NOT_INSTALLED",
        /// It takes something that was not given, such as the address of Prometheus.
        NotConfigured = "NOT_CONFIGURED",
        /// A permission is missing.
        Forbidden = "FORBIDDEN",
        /// It took too long.
        Timeout = "TIMEOUT",
        /// The server failed.
        Error = "ERROR",
    }
}

open_enum! {

    /// Where a piece of evidence comes from.
    EvidenceKind {
        /// The object's status.
        Status = "STATUS",
        /// One of its conditions.
        Condition = "CONDITION",
        /// An event about it.
        Event = "EVENT",
        /// The last lines of its log, without what looks like a secret.
        Log = "LOG",
        /// A measurement.
        Metric = "METRIC",
        /// What is asked for in its specification.
        Spec = "SPEC",
    }
}

records! {

    /// A cluster read as findings. The same picture of a cluster gives the same report, byte by byte.
    Report {
        /// The shape of this report's JSON: `bud.diagnostics/v1`.
        schema: String,
        /// The address of the API server.
        server: String,
        /// The version of Kubernetes, if it was told.
        version: Option<String>,
        /// When the reading began, by the server's clock.
        started_at: Timestamp,
        /// When it ended, by the server's clock; logs and commands in containers are read later, and are not counted.
        finished_at: Timestamp,
        /// The namespaces that were read; empty for all of them.
        namespaces: Vec<String>,
        /// What it comes to. It is `HEALTHY` only if all was read.
        verdict: Wire<Verdict>,
        /// How many findings there are that nothing else explains.
        summary: ReportSummary,
        /// What was read, and what could not be.
        sections: Vec<ReportSection>,
        /// What was found: the most urgent first, then by namespace, kind and name.
        findings: Vec<Finding>,
    }
    /// How many findings there are, without those that another one explains.
    ReportSummary {
        /// Users are hit, or will be within a day.
        critical: u32,
        /// A part is broken.
        error: u32,
        /// It will bite.
        warning: u32,
        /// Good to know.
        info: u32,
    }
    /// A part of the cluster, and how its reading went.
    ReportSection {
        /// `pods`, `nodes`...
        name: String,
        /// `OK`, `FINDINGS` or `UNAVAILABLE`.
        status: Wire<SectionStatus>,
        /// Why it could not be read, or not all of it.
        reason: Option<Wire<Unavailable>>,
        /// The same in words.
        detail: Option<String>,
        /// The missing permission: `list pods in all namespaces`.
        missing_permission: Option<String>,
        /// How many objects were read.
        objects: u64,
    }
    /// Something that is wrong, or good to know.
    Finding {
        /// Its stable code: `POD_CRASHLOOP`.
        code: String,
        /// How urgent it is. One that explains others is as urgent as they are.
        severity: Wire<Severity>,
        /// The section of the report that it belongs to: it is gone only if that was read.
        section: String,
        /// What is wrong, in one line.
        title: String,
        /// What it is about. Where several replicas have the same, it is what made them.
        subject: ObjectRef,
        /// What made the object: the deployment of a pod.
        owner: Option<ObjectRef>,
        /// The container.
        container: Option<String>,
        /// Since when, as far as is known.
        since: Option<Timestamp>,
        /// How many objects have it.
        count: u32,
        /// The names of up to three of them.
        samples: Vec<String>,
        /// What shows it.
        evidence: Vec<Evidence>,
        /// What to do.
        remedy: String,
        /// Commands that confirm it.
        commands: Vec<String>,
        /// The fingerprint of the finding that explains this one.
        caused_by: Option<String>,
        /// What is the same in the next report: its code, what it is about, and the container.
        fingerprint: String,
    }
    /// An object of Kubernetes.
    ObjectRef {
        /// `Pod`, `Deployment`...
        kind: String,
        /// Its namespace; none for nodes and the like.
        namespace: Option<String>,
        /// Its name.
        name: String,
    }
    /// What shows a finding.
    Evidence {
        /// Where it comes from.
        kind: Wire<EvidenceKind>,
        /// When it was so.
        at: Option<Timestamp>,
        /// What it says.
        text: String,
    }
}

impl std::fmt::Display for ObjectRef {
    /// `pod bud-system/budapp-5d9`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.namespace {
            Some(namespace) => write!(f, "{} {namespace}/{}", self.kind, self.name),
            None => write!(f, "{} {}", self.kind, self.name),
        }
    }
}

impl ReportSection {
    /// Whether something of it should have been read and was not.
    fn incomplete(&self) -> bool {
        self.reason.as_ref().is_some_and(|reason| {
            matches!(**reason, Unavailable::Forbidden | Unavailable::Timeout | Unavailable::Error)
        })
    }
    /// Whether all that there is of it was read.
    fn was_read(&self) -> bool {
        let absent = self.reason.as_ref().is_some_and(|reason| **reason == Unavailable::NotInstalled);
        absent || *self.status != SectionStatus::Unavailable
    }
}

impl Report {
    /// The findings that no other one explains: what to look at.
    pub fn roots(&self) -> impl Iterator<Item = &Finding> {
        self.findings.iter().filter(|finding| finding.caused_by.is_none())
    }

    /// The findings that this one explains, at first or second hand, in the report's order.
    pub fn effects<'a>(&'a self, cause: &Finding) -> Vec<&'a Finding> {
        let itself = |(_, finding): &(usize, &Finding)| finding.fingerprint == cause.fingerprint;
        let mut seen = self.findings.iter().enumerate().filter(itself).map(|(place, _)| place).collect();
        links::Links::of(self).effects(&cause.fingerprint, &mut seen)
    }

    /// A program's exit code for it: 0 healthy, 3 errors or worse, 4 warnings only, 5 nothing found, but not all could be read.
    /// (1 and 2 are for the program's own failure and for wrong arguments.)
    pub fn exit_code(&self) -> u8 {
        let summary = &self.summary;
        if summary.critical + summary.error > 0 {
            3
        } else if summary.warning > 0 {
            4
        } else if self.sections.iter().any(ReportSection::incomplete) {
            5
        } else {
            0
        }
    }

    /// The report as JSON, indented.
    pub fn to_json(&self) -> String {
        serde_json::to_string_pretty(self).unwrap_or_default()
    }

    /// What changed since an earlier report of the same cluster.
    pub fn diff(&self, earlier: &Report) -> ReportDiff {
        ReportDiff::between(earlier, self)
    }
}

#[cfg(all(test, feature = "kubernetes"))]
mod tests {
    #[test]
    fn effects_are_in_the_order_of_the_report_and_none_is_its_own() {
        let mut report = super::sample::rich();
        let places = |report: &super::Report| -> Vec<usize> {
            let effects = report.effects(&report.findings[0]);
            let place = |effect: &&super::Finding| {
                report.findings.iter().position(|finding| finding.fingerprint == effect.fingerprint).unwrap()
            };
            effects.iter().map(place).collect()
        };
        assert_eq!(places(&report), (1..9).collect::<Vec<_>>());
        // A ring.
        report.findings[0].caused_by = Some(report.findings[8].fingerprint.clone());
        assert_eq!(places(&report), (1..9).collect::<Vec<_>>());
    }
}
