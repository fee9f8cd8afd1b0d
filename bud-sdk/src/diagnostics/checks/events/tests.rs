use serde_json::{Value, json};

use super::super::testing::{ago, change, codes, deployment, findings, found, pod, snapshot, warning};
use super::Webhook;
use crate::diagnostics::snapshot::Context;
use crate::report::Finding;

/// A warning that came so often between two moments.
fn often(name: &str, reason: &str, count: u32, first: u64, last: u64) -> Value {
    let mut event = warning("Pod", name, "", reason, "Back-off restarting failed container", last);
    change(&mut event, json!({ "/count": count, "/firstTimestamp": ago(first) }));
    event
}

fn one(code: &str, severity: &str, name: &str) -> Vec<(String, String, String)> {
    vec![(code.to_owned(), severity.to_owned(), name.to_owned())]
}

const QUOTA: &str = "Error creating: pods \"web-5d9f-x\" is forbidden: exceeded quota: compute, requested: limits.cpu=1, used: limits.cpu=8, limited: limits.cpu=8";
const WEBHOOK: &str = "Error creating: Internal error occurred: failed calling webhook \"sidecar-injector.dapr.io\": failed to call webhook: Post \"https://dapr-sidecar-injector.bud-system.svc:443/mutate?timeout=10s\": no endpoints available for service \"dapr-sidecar-injector\"";

/// A stateful set of one pod, of which so many are there.
fn set(ready: u32) -> Value {
    json!({
        "metadata": { "name": "db", "namespace": "bud-system", "generation": 1, "creationTimestamp": ago(86_400) },
        "spec": { "replicas": 1, "template": { "metadata": { "labels": { "app": "db" } } } },
        "status": {
            "observedGeneration": 1, "replicas": ready, "readyReplicas": ready, "availableReplicas": ready,
            "updatedReplicas": ready, "currentReplicas": ready, "currentRevision": "a", "updateRevision": "a",
        },
    })
}

fn short() -> Value {
    deployment(
        "web",
        2,
        json!({
            "/status/readyReplicas": 1, "/status/availableReplicas": 1, "/status/updatedReplicas": 1,
            "/metadata/creationTimestamp": ago(300),
        }),
    )
}

#[test]
fn no_command_is_given_with_what_somebody_wrote_into_an_event() {
    let commands = |reason: &str| {
        let found = findings(json!({ "events": [often("a", reason, 200, 500, 10)] }));
        found.into_iter().find(|finding| finding.code == "EVENT_STORM").unwrap().commands
    };
    assert_eq!(commands("BackOff").len(), 1);
    for hostile in ["Back;id", "$(id)", "a b", "--token=x"] {
        assert!(commands(hostile).is_empty(), "{hostile}");
    }
}

#[test]
fn more_than_a_hundred_in_ten_minutes_are_a_storm_and_more_than_a_thousand_an_error() {
    let with = |count: u32| json!({ "events": [often("a", "BackOff", count, 500, 10)] });
    assert!(codes(with(100)).is_empty());
    assert_eq!(found(with(101)), one("EVENT_STORM", "WARNING", "BackOff/Pod"));
    assert_eq!(found(with(1000)), one("EVENT_STORM", "WARNING", "BackOff/Pod"));
    assert_eq!(found(with(1001)), one("EVENT_STORM", "ERROR", "BackOff/Pod"));
    let both = json!({ "events": [often("a", "BackOff", 60, 500, 10), often("b", "BackOff", 60, 500, 5)] });
    let finding = findings(both).remove(0);
    assert_eq!(finding.title, "120 times BackOff in ten minutes");
    assert_eq!(finding.evidence[0].text, "Pod b: Back-off restarting failed container");
    let apart = json!({ "events": [often("a", "BackOff", 60, 500, 10), often("b", "Failed", 60, 500, 5)] });
    assert!(codes(apart).is_empty(), "another reason");
}

#[test]
fn only_the_part_in_the_window_counts() {
    let with =
        |count: u32, first: u64, last: u64| json!({ "events": [often("a", "BackOff", count, first, last)] });
    assert!(codes(with(6000, 36_000, 0)).is_empty(), "a hundred in each ten minutes, and no more");
    assert_eq!(codes(with(6100, 36_000, 0)), ["EVENT_STORM"]);
    assert!(codes(with(9000, 3600, 601)).is_empty(), "it is over");
    assert!(codes(with(1000, 6000, 550)).is_empty(), "50 of 5450 seconds are within");
}

#[test]
fn the_ten_worst_storms_are_told() {
    let names: Vec<String> = (0..12).map(|number| format!("Reason{number:02}")).collect();
    let events: Vec<Value> =
        (200..).zip(&names).map(|(count, reason)| often("a", reason, count, 500, 10)).collect();
    let found = found(json!({ "events": events }));
    assert_eq!(found.len(), 10);
    assert!(!found.iter().any(|(_, _, name)| name == "Reason00/Pod" || name == "Reason01/Pod"));
}

#[test]
fn a_storm_has_a_cause_only_where_all_of_it_has_that() {
    let crash = |name: &str, owner: &str| {
        pod(
            name,
            json!({
                "/metadata/ownerReferences": [{ "kind": "StatefulSet", "name": owner, "controller": true }],
                "/status/conditions/2": { "type": "Ready", "status": "False", "lastTransitionTime": ago(600) },
                "/status/containerStatuses/0": {
                    "name": "main", "ready": false, "restartCount": 7, "state": { "waiting": { "reason": "CrashLoopBackOff" } },
                    "lastState": { "terminated": { "exitCode": 1, "finishedAt": ago(30) } },
                },
            }),
        )
    };
    let caused = |others: &[(&str, &str)]| {
        let mut events = vec![often("a-0", "BackOff", 200, 500, 10)];
        events.extend(others.iter().map(|(name, _)| often(name, "BackOff", 200, 500, 20)));
        let pods: Vec<Value> = others
            .iter()
            .filter(|(_, owner)| !owner.is_empty())
            .map(|(name, owner)| crash(name, owner))
            .collect();
        let pods: Vec<Value> = pods.into_iter().chain([crash("a-0", "a")]).collect();
        let findings = findings(json!({ "events": events, "pods": pods }));
        findings.iter().find(|finding| finding.code == "EVENT_STORM").unwrap().caused_by.is_some()
    };
    assert!(caused(&[]), "one pod");
    assert!(caused(&[("a-1", "a")]), "two of one set");
    assert!(!caused(&[("b-0", "b")]), "two of two");
    assert!(!caused(&[("gone-0", "")]), "one is gone");
}

#[test]
fn a_quota_explains_the_workload_that_it_keeps_short() {
    let by_event = json!({
        "deployments": [short()], "events": [warning("ReplicaSet", "web-5d9f", "", "FailedCreate", QUOTA, 60)],
    });
    let mut refused = short();
    refused["status"]["conditions"].as_array_mut().unwrap().push(json!({
        "type": "ReplicaFailure", "status": "True", "reason": "FailedCreate", "message": QUOTA, "lastTransitionTime": ago(60),
    }));
    let by_condition = json!({ "deployments": [refused] });
    for (objects, effect) in [(by_event, "DEP_DEGRADED"), (by_condition, "DEP_NOT_PROGRESSING")] {
        let findings = findings(objects);
        let of = |code: &str| -> &Finding { findings.iter().find(|finding| finding.code == code).unwrap() };
        let quota = of("QUOTA_BLOCKED");
        assert_eq!(
            (quota.severity.as_str(), quota.subject.kind.as_str(), quota.subject.name.as_str()),
            ("ERROR", "Deployment", "web")
        );
        assert_eq!(quota.title, "the quota compute lets it have no more pods");
        assert_eq!(
            quota.evidence[0].text,
            "requested: limits.cpu=1, used: limits.cpu=8, limited: limits.cpu=8"
        );
        assert!(quota.caused_by.is_none());
        assert_eq!(of(effect).caused_by.as_ref(), Some(&quota.fingerprint));
        assert_eq!(findings.len(), 2);
    }
}

#[test]
fn a_quota_that_was_in_the_way_is_not_any_more() {
    let event = |seconds: u64| json!([warning("ReplicaSet", "web-5d9f", "", "FailedCreate", QUOTA, seconds)]);
    let whole = json!({ "deployments": [deployment("web", 2, json!({}))], "events": event(60) });
    assert!(codes(whole).is_empty(), "it has all its pods meanwhile");
    assert!(codes(json!({ "events": event(60) })).is_empty(), "its deployment is gone");
    let job = json!([warning("Job", "import", "", "FailedCreate", QUOTA, 60)]);
    assert!(codes(json!({ "events": job })).is_empty(), "its job is gone");
    let waits = json!([{ "metadata": { "name": "import", "namespace": "bud-system" } }]);
    assert_eq!(codes(json!({ "events": job, "jobs": waits })), ["QUOTA_BLOCKED"]);
    // What was not read may be there all the same.
    let mut unread = snapshot(json!({ "events": event(60) }));
    unread.sections.0.remove("workloads");
    assert_eq!(super::super::find(&Context::of(&unread)).len(), 1);
    let codes_at = |seconds: u64| codes(json!({ "deployments": [short()], "events": event(seconds) }));
    assert!(codes_at(3600).contains(&"QUOTA_BLOCKED".to_owned()));
    assert!(!codes_at(3601).contains(&"QUOTA_BLOCKED".to_owned()));
}

#[test]
fn a_webhook_that_does_not_answer_is_one_finding_and_explains_what_it_blocks() {
    let mut refused = short();
    refused["status"]["conditions"].as_array_mut().unwrap().push(json!({
        "type": "ReplicaFailure", "status": "True", "reason": "FailedCreate", "message": WEBHOOK, "lastTransitionTime": ago(60),
    }));
    let events = [
        warning("ReplicaSet", "web-5d9f", "", "FailedCreate", WEBHOOK, 60),
        warning("StatefulSet", "db", "", "FailedCreate", WEBHOOK, 50),
    ];
    let service = json!({
        "metadata": { "name": "dapr-sidecar-injector", "namespace": "bud-system" },
        "spec": { "selector": { "app": "dapr-sidecar-injector" } },
    });
    let findings = findings(
        json!({ "deployments": [refused], "statefulsets": [set(0)], "events": events, "services": [service] }),
    );
    let of =
        |code: &str| -> Vec<&Finding> { findings.iter().filter(|finding| finding.code == code).collect() };
    let [webhook] = of("WEBHOOK_DOWN")[..] else { panic!("{findings:#?}") };
    assert_eq!(
        (webhook.severity.as_str(), webhook.subject.name.as_str()),
        ("CRITICAL", "sidecar-injector.dapr.io")
    );
    assert!(
        webhook.title.starts_with("dapr-sidecar-injector in bud-system does not answer"),
        "{}",
        webhook.title
    );
    assert_eq!(of("DEP_NOT_PROGRESSING")[0].caused_by.as_ref(), Some(&webhook.fingerprint));
    assert_eq!(
        webhook.caused_by.as_ref(),
        Some(&of("SVC_NO_ENDPOINTS")[0].fingerprint),
        "its service is why"
    );
    let told: Vec<&str> = webhook.evidence.iter().map(|one| one.text.as_str()).collect();
    assert!(told.contains(&"no endpoints available for service \"dapr-sidecar-injector\""), "{told:?}");
    assert!(told.contains(&"it keeps back db, web"), "{told:?}");
}

#[test]
fn a_webhook_that_answers_again_is_history() {
    let with = |seconds: u64, ready: bool, sets: Value| {
        json!({
            "statefulsets": sets,
            "events": [warning("StatefulSet", "db", "", "FailedCreate", WEBHOOK, seconds)],
            "services": [{ "metadata": { "name": "dapr-sidecar-injector", "namespace": "bud-system", "creationTimestamp": ago(30) },
                "spec": { "selector": { "app": "dapr-sidecar-injector" } } }],
            "endpointslices": [{
                "metadata": { "namespace": "bud-system", "labels": { "kubernetes.io/service-name": "dapr-sidecar-injector" } },
                "endpoints": [{ "addresses": ["10.0.0.1"], "conditions": { "ready": ready } }],
            }],
        })
    };
    let told = |seconds: u64, ready: bool, sets: Value| {
        codes(with(seconds, ready, sets)).contains(&"WEBHOOK_DOWN".to_owned())
    };
    assert!(told(301, false, json!([set(0)])));
    assert!(told(300, true, json!([set(0)])), "what was refused was perhaps not tried again");
    assert!(!told(301, true, json!([set(0)])));
    assert!(!told(3601, false, json!([set(0)])));
    assert!(!told(30, false, json!([set(1)])), "what it kept back is whole");
    assert!(!told(30, false, json!([])), "what it kept back is gone");
}

#[test]
fn a_webhook_is_read_from_what_the_server_says() {
    let webhook = Webhook::of(WEBHOOK).unwrap();
    assert_eq!(webhook.service, Some(("dapr-sidecar-injector", "bud-system")));
    let outside = Webhook::of(
        "failed calling webhook \"v.example.com\": Post \"https://hooks.example.com/x\": timeout",
    )
    .unwrap();
    assert_eq!((outside.name, outside.service, outside.error), ("v.example.com", None, "timeout"));
    assert!(
        Webhook::of("admission webhook \"v.example.com\" denied the request: no").is_none(),
        "it answers"
    );
}
