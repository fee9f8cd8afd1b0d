use serde_json::{Value, json};

use super::super::testing::{ago, change, codes, deployment, findings, found};

fn autoscaler(current: u32, condition: Value, changes: Value) -> Value {
    let mut one = json!({
        "metadata": { "name": "web", "namespace": "bud-system" },
        "spec": { "scaleTargetRef": { "kind": "Deployment", "name": "web" }, "minReplicas": 1, "maxReplicas": 4 },
        "status": { "currentReplicas": current, "desiredReplicas": current, "conditions": [condition] },
    });
    change(&mut one, changes);
    json!({ "autoscalers": [one] })
}

fn condition(kind: &str, status: &str, reason: &str, seconds: u64) -> Value {
    json!({ "type": kind, "status": status, "reason": reason, "message": "why", "lastTransitionTime": ago(seconds) })
}

fn one(code: &str, severity: &str) -> Vec<(String, String, String)> {
    vec![(code.to_owned(), severity.to_owned(), "web".to_owned())]
}

#[test]
fn one_that_wants_more_than_it_may_have_is_a_warning_and_an_error_after_half_an_hour() {
    let limited = |seconds: u64| condition("ScalingLimited", "True", "TooManyReplicas", seconds);
    assert_eq!(found(autoscaler(4, limited(1800), json!({}))), one("HPA_MAXED", "WARNING"));
    assert_eq!(found(autoscaler(4, limited(1801), json!({}))), one("HPA_MAXED", "ERROR"));
    assert!(codes(autoscaler(3, limited(60), json!({}))).is_empty(), "it is still on its way");
    assert!(
        codes(autoscaler(4, limited(60), json!({ "/spec/minReplicas": 4 }))).is_empty(),
        "it cannot scale"
    );
    let few = condition("ScalingLimited", "True", "TooFewReplicas", 9000);
    assert!(codes(autoscaler(4, few, json!({}))).is_empty());
    let enough = condition("ScalingLimited", "False", "DesiredWithinRange", 9000);
    assert!(codes(autoscaler(4, enough, json!({}))).is_empty(), "all that it may have is enough");
    let finding = findings(autoscaler(4, limited(60), json!({}))).remove(0);
    assert_eq!(finding.title, "it has all 4 pods that it may have and wants more");
    assert_eq!(finding.evidence[1].text, "Deployment web: 4 pods, 4 wanted, 1 to 4 allowed");
}

#[test]
fn one_that_cannot_measure_or_scale_is_an_error() {
    for (kind, reason, title) in [
        (
            "ScalingActive",
            "FailedGetResourceMetric",
            "it does not get what it measures: FailedGetResourceMetric",
        ),
        ("AbleToScale", "FailedGetScale", "it cannot scale web: FailedGetScale"),
    ] {
        let with =
            |status: &str, seconds: u64| autoscaler(2, condition(kind, status, reason, seconds), json!({}));
        assert_eq!(found(with("False", 61)), one("HPA_BLIND", "ERROR"));
        assert_eq!(findings(with("False", 61)).remove(0).title, title);
        assert!(codes(with("False", 60)).is_empty(), "pods that have just started are not measured yet");
        assert!(codes(with("True", 61)).is_empty());
    }
    for (kind, reason) in [("ScalingActive", "ScalingDisabled"), ("AbleToScale", "BackoffBoth")] {
        assert!(
            codes(autoscaler(0, condition(kind, "False", reason, 9000), json!({}))).is_empty(),
            "{reason}"
        );
    }
}

#[test]
fn a_target_that_is_down_is_why_nothing_is_measured() {
    let mut objects =
        autoscaler(1, condition("ScalingActive", "False", "FailedGetResourceMetric", 90), json!({}));
    objects["deployments"] = json!([deployment(
        "web",
        1,
        json!({
            "/status/readyReplicas": 0, "/status/availableReplicas": 0,
            "/status/conditions/0/status": "False", "/status/conditions/0/lastTransitionTime": ago(90),
        }),
    )]);
    let findings = findings(objects);
    let of = |code: &str| findings.iter().find(|finding| finding.code == code).unwrap();
    assert_eq!(of("HPA_BLIND").caused_by.as_ref(), Some(&of("DEP_DEGRADED").fingerprint));
}
