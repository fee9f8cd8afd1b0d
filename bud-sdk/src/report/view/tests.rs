use super::super::sample::rich;
use super::*;

#[test]
fn what_explains_each_other_and_what_nothing_there_explains_is_shown() {
    let mut report = rich();
    report
        .findings
        .retain(|finding| finding.code == "POD_NOT_READY" || finding.code == "SERVICE_NO_ENDPOINTS");
    assert_eq!(trees(&report).len(), 5, "what explained them is not there");
    let prints: Vec<String> = report.findings.iter().map(|finding| finding.fingerprint.clone()).collect();
    for (at, finding) in report.findings.iter_mut().enumerate() {
        finding.caused_by = Some(prints[(at + 1) % prints.len()].clone());
    }
    let trees = trees(&report);
    assert_eq!((trees.len(), trees[0].1.len()), (1, 4));
}

#[test]
fn objects_are_counted_once_and_each_kind_has_its_plural() {
    let report = rich();
    let mut findings: Vec<&Finding> = report.findings.iter().filter(|finding| finding.count == 4).collect();
    findings.extend(findings.clone());
    assert_eq!(objects(&findings).as_str(), "12 pods");
    for (kind, many) in [
        ("pod", "pods"),
        ("ingress", "ingresses"),
        ("networkpolicy", "networkpolicies"),
        ("gateway", "gateways"),
        ("endpoints", "endpoints"),
    ] {
        assert_eq!(plural(kind), many);
    }
}

#[test]
fn pods_that_were_taken_from_a_node_are_counted_as_pods() {
    use crate::report::{Draft, Severity, Subject, assemble};

    let taken = |name: &str| {
        let pod = Subject::new("Pod", "bud", name);
        let draft = Draft::new("POD_EVICTED", Severity::Warning, pod, "it was taken from n1: Evicted");
        draft.owner(Some(Subject::node("n1"))).fold_key("Evicted")
    };
    let findings = assemble(vec![taken("a"), taken("b"), taken("c")]);
    assert_eq!(objects(&findings.iter().collect::<Vec<&Finding>>()).as_str(), "3 pods");
}
