use super::super::sample::{healthy, report, rich, unknown};
use super::*;

#[test]
fn a_node_that_is_down_is_one_line_with_all_that_it_explains() {
    insta::assert_snapshot!(rich().to_text(), @r#"
    https://10.0.0.1:6443 (v1.33.1): CRITICAL, 1 critical, 1 warning, 1 note
    CRITICAL NODE_NOT_READY Node n7: the node is not ready since 5m
        condition: Ready is Unknown: Kubelet stopped posting (5m ago)
        event: NodeNotReady
        metric: no <b>heartbeat</b> & "no" lease (6m ago)
        -> see whether the machine runs
        explains: 12 pods, 3 deployments, 2 services
    WARNING POD_CRASHLOOP StatefulSet bud/w (app): it starts\u{1b}[2J again and again (×2) since 3h
        log: FATAL: no\u{1b}[31m connection to postgres://bud:[redacted]@db/bud
        -> read the log
    INFO QUOTA_NEAR ResourceQuota bud/q: 90% of cpu
    not read:
        secrets: forbidden, missing permission: list secrets in all namespaces: no word of secrets
        dapr: not installed: no word of dapr
    "#);
}

#[test]
fn what_is_not_known_is_not_called_healthy() {
    insta::assert_snapshot!(unknown().to_text(), @r#"
    https://10.0.0.1:6443 (v1.33.1): UNKNOWN, not all could be read
    not read:
        secrets: forbidden, missing permission: list secrets in all namespaces: no word of secrets
    "#);
    for report in [unknown(), rich()] {
        assert!(!report.to_text().color(true).to_string().to_lowercase().contains("healthy"));
    }
    insta::assert_snapshot!(healthy().to_text(), @r#"
    https://10.0.0.1:6443 (v1.33.1): HEALTHY, nothing found
    not read:
        certificates: not installed: no word of certificates
    "#);
}

#[test]
fn a_difference_tells_what_is_new_and_what_is_gone() {
    let mut fewer = rich();
    fewer.findings.retain(|finding| finding.code != "POD_CRASHLOOP");
    insta::assert_snapshot!(rich().diff(&fewer).to_text(), @r#"
    1 new, 0 resolved, 10 unchanged
    new WARNING POD_CRASHLOOP StatefulSet bud/w (app): it starts\u{1b}[2J again and again (×2) since 2026-01-31T09:00:00Z
        log: FATAL: no\u{1b}[31m connection to postgres://bud:[redacted]@db/bud
        -> read the log
    "#);
    insta::assert_snapshot!(fewer.diff(&rich()).to_text(), @r#"
    0 new, 1 resolved, 10 unchanged
    resolved WARNING POD_CRASHLOOP StatefulSet bud/w (app): it starts\u{1b}[2J again and again
    "#);
}

#[test]
fn colour_is_for_terminals_and_nothing_else_steers_one() {
    assert!(!rich().to_text().to_string().contains('\x1b'));
    let colored = rich().to_text().color(true).to_string();
    assert!(colored.contains("\x1b[1;31mCRITICAL\x1b[0m NODE_NOT_READY"), "{colored}");
    assert!(!colored.contains("\x1b[2J") && !colored.contains("\x1b[31m connection"), "{colored}");
    assert_eq!(colored.matches("\x1b[").count(), 2 * (1 + 3), "the verdict and three findings");
    let set = |text: &'static str| Some(OsStr::new(text));
    assert!(super::colored(true, None) && super::colored(true, set("")));
    assert!(!super::colored(false, None) && !super::colored(true, set("0")));

    // Whatever a report says of itself.
    let mut foreign = rich();
    let nasty = "x\x1b]0;\x07\r\n\u{202e}\u{9b}y";
    foreign.server = nasty.to_owned();
    foreign.version = Some(nasty.to_owned());
    foreign.verdict = serde_json::from_value(nasty.into()).unwrap();
    foreign.sections[1].name = nasty.to_owned();
    foreign.sections[1].detail = Some(nasty.to_owned());
    foreign.sections[1].missing_permission = Some(nasty.to_owned());
    foreign.sections[1].reason = Some(serde_json::from_value(nasty.into()).unwrap());
    for finding in &mut foreign.findings {
        finding.code = nasty.to_owned();
        finding.severity = serde_json::from_value(nasty.into()).unwrap();
        finding.subject.kind = nasty.to_owned();
        finding.subject.namespace = Some(nasty.to_owned());
        finding.container = Some(nasty.to_owned());
        finding.remedy = nasty.to_owned();
        for evidence in &mut finding.evidence {
            evidence.kind = serde_json::from_value(nasty.into()).unwrap();
            evidence.text = nasty.to_owned();
        }
    }
    let none = report(Vec::new(), Vec::new());
    for text in [foreign.to_text(), foreign.diff(&none).to_text(), none.diff(&foreign).to_text()] {
        let text = text.to_string();
        assert!(!text.contains(|c: char| c != '\n' && (c.is_control() || c == '\u{202e}')), "{text:?}");
    }
}

#[test]
fn of_a_long_log_the_end_is_shown() {
    let mut report = rich();
    let log = report.findings.iter_mut().find(|finding| finding.code == "POD_CRASHLOOP").unwrap();
    log.evidence[0].text = format!("{} no room is left", "x".repeat(900));
    for shown in [report.to_text().to_string(), report.to_html()] {
        assert!(shown.contains("log: …xxx") && shown.contains("xxx no room is left"), "{shown}");
    }
}
