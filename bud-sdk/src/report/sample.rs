//! Reports for the tests of how they are shown.

use super::Severity::{Critical, Error, Info, Warning};
use super::{
    About, Draft, EvidenceKind, Finding, Report, ReportSection, SectionStatus, Subject, Unavailable, assemble,
};
use crate::types::Timestamp;

pub(crate) fn at(text: &str) -> Option<Timestamp> {
    Some(text.parse().unwrap())
}

pub(crate) fn section(name: &str, status: SectionStatus, reason: Option<Unavailable>) -> ReportSection {
    let forbidden = reason == Some(Unavailable::Forbidden);
    ReportSection {
        name: name.to_owned(),
        status: status.into(),
        detail: reason.as_ref().map(|_| format!("no word of {name}")),
        reason: reason.map(Into::into),
        missing_permission: forbidden.then(|| format!("list {name} in all namespaces")),
        objects: 12,
    }
}

pub(crate) fn report(sections: Vec<ReportSection>, findings: Vec<Finding>) -> Report {
    let about = About {
        server: "https://10.0.0.1:6443".to_owned(),
        version: Some("v1.33.1".to_owned()),
        started_at: at("2026-01-31T11:59:58Z").unwrap(),
        finished_at: at("2026-01-31T12:00:00Z").unwrap(),
        namespaces: vec!["bud".to_owned()],
    };
    Report::new(about, sections, findings)
}

/// One where nothing is wrong.
pub(crate) fn healthy() -> Report {
    let sections = vec![
        section("pods", SectionStatus::Ok, None),
        section("certificates", SectionStatus::Unavailable, Some(Unavailable::NotInstalled)),
    ];
    report(sections, Vec::new())
}

/// One of which nothing is known.
pub(crate) fn unknown() -> Report {
    report(vec![section("secrets", SectionStatus::Unavailable, Some(Unavailable::Forbidden))], Vec::new())
}

/// One node is down, with 12 pods, of 3 deployments, behind 2 services; beside it, a pod crashes and a note is made.
pub(crate) fn rich() -> Report {
    let down = Draft::new("NODE_NOT_READY", Error, Subject::node("n7"), "the node is not ready")
        .since(at("2026-01-31T11:55:00Z"))
        .evidence(
            EvidenceKind::Condition,
            at("2026-01-31T11:55:00Z"),
            "Ready is Unknown: Kubelet stopped posting",
        )
        .evidence(EvidenceKind::Event, None, "NodeNotReady")
        .evidence(EvidenceKind::Metric, at("2026-01-31T11:54:00Z"), "no <b>heartbeat</b> & \"no\" lease")
        .evidence(EvidenceKind::Spec, None, "the fourth piece is in the JSON")
        .remedy("see whether the machine runs")
        .command("kubectl describe node n7");
    let mut drafts = vec![down];
    for deployment in ["a", "b", "c"] {
        let owner = Subject::new("Deployment", "bud", deployment);
        for number in 0..4 {
            let pod = Subject::new("Pod", "bud", &format!("{deployment}-{number}"));
            let draft = Draft::new("POD_NOT_READY", Error, pod, "the pod is not ready");
            drafts.push(draft.section("pods").owner(Some(owner.clone())).because(Subject::node("n7")));
        }
        let draft = Draft::new("DEPLOYMENT_DEGRADED", Critical, owner.clone(), "none is available");
        drafts.push(draft.because(owner));
    }
    for (service, deployment) in [("s", "a"), ("t", "b")] {
        let draft = Draft::new(
            "SERVICE_NO_ENDPOINTS",
            Error,
            Subject::new("Service", "bud", service),
            "nobody answers",
        );
        drafts.push(draft.because(Subject::new("Deployment", "bud", deployment)));
    }
    for pod in ["w-0", "w-1"] {
        let draft = Draft::new(
            "POD_CRASHLOOP",
            Warning,
            Subject::new("Pod", "bud", pod),
            "it starts\x1b[2J again and again",
        );
        drafts.push(
            draft
                .section("pods")
                .owner(Some(Subject::new("StatefulSet", "bud", "w")))
                .container("app")
                .since(at("2026-01-31T09:00:00Z"))
                .evidence(
                    EvidenceKind::Log,
                    None,
                    "FATAL: no\x1b[31m connection to postgres://bud:hunter2@db/bud",
                )
                .remedy("read the log"),
        );
    }
    drafts.push(Draft::new("QUOTA_NEAR", Info, Subject::new("ResourceQuota", "bud", "q"), "90% of cpu"));
    let sections = vec![
        section("pods", SectionStatus::Findings, None),
        section("secrets", SectionStatus::Unavailable, Some(Unavailable::Forbidden)),
        section("dapr", SectionStatus::Unavailable, Some(Unavailable::NotInstalled)),
    ];
    report(sections, assemble(drafts))
}
