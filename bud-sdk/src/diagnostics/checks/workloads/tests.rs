use serde_json::{Value, json};

use super::super::testing::{ago, change, codes, deployment, drafts, findings, found, pod, warning};

/// A deployment whose only pods are not available, since so many seconds.
fn down(name: &str, replicas: u32, seconds: u64) -> Value {
    deployment(
        name,
        replicas,
        json!({
            "/status/readyReplicas": 0, "/status/availableReplicas": 0,
            "/status/conditions/0/status": "False", "/status/conditions/0/lastTransitionTime": ago(seconds),
            "/status/conditions/0/message": "Deployment does not have minimum availability.",
        }),
    )
}

fn one(code: &str, severity: &str, name: &str) -> Vec<(String, String, String)> {
    vec![(code.to_owned(), severity.to_owned(), name.to_owned())]
}

/// A set as Kubernetes has it, whole.
fn set(name: &str, replicas: u32, changes: Value) -> Value {
    let mut set = deployment(name, replicas, json!({ "/status/conditions": [] }));
    change(
        &mut set,
        json!({
            "/status/currentRevision": "r1", "/status/updateRevision": "r1", "/status/desiredNumberScheduled": replicas,
            "/status/updatedNumberScheduled": replicas, "/status/numberAvailable": replicas, "/status/numberReady": replicas,
        }),
    );
    change(&mut set, changes);
    set
}

fn of(kind: &str, owner: &str, name: &str, changes: Value) -> Value {
    let mut pod = pod(
        name,
        json!({ "/metadata/ownerReferences": [{ "kind": kind, "name": owner, "controller": true }], "/metadata/labels": { "app": owner } }),
    );
    change(&mut pod, changes);
    pod
}

fn unready(seconds: u64) -> Value {
    json!({
        "/status/conditions/2/status": "False", "/status/conditions/2/lastTransitionTime": ago(seconds),
        "/status/containerStatuses/0/ready": false,
    })
}

#[test]
fn a_deployment_without_a_pod_is_critical_where_users_are_hit() {
    assert_eq!(found(json!({ "deployments": [down("web", 2, 61)] })), one("DEP_DEGRADED", "CRITICAL", "web"));
    let mut elsewhere = down("web", 2, 61);
    change(&mut elsewhere, json!({ "/metadata/namespace": "other" }));
    assert_eq!(found(json!({ "deployments": [elsewhere] })), one("DEP_DEGRADED", "ERROR", "web"));
    assert!(codes(json!({ "deployments": [down("web", 2, 60)] })).is_empty(), "not in the first minute");
    assert!(codes(json!({ "deployments": [deployment("web", 2, json!({}))] })).is_empty());
    let finding = findings(json!({ "deployments": [down("web", 2, 61)] })).remove(0);
    assert_eq!(finding.title, "none of its pods is available");
    let told: Vec<&str> = finding.evidence.iter().map(|one| one.text.as_str()).collect();
    assert_eq!(
        told,
        [
            "0 of 2 pods available, 0 ready, 2 of the newest form",
            "Deployment does not have minimum availability."
        ]
    );
}

#[test]
fn some_pods_that_are_missing_are_an_error_after_a_minute() {
    let some = deployment("web", 3, json!({ "/status/readyReplicas": 2, "/status/availableReplicas": 2 }));
    let long = json!({ "deployments": [some.clone()], "pods": [pod("web-5d9f-a", unready(90))] });
    let all = drafts(long);
    assert_eq!(all.iter().filter(|draft| draft.code == "DEP_DEGRADED").count(), 1);
    let degraded = all.iter().find(|draft| draft.code == "DEP_DEGRADED").unwrap();
    assert_eq!(
        (degraded.severity.to_string().as_str(), degraded.title.as_str()),
        ("ERROR", "2 of its 3 pods are available")
    );
    assert_eq!(degraded.since.unwrap().to_string(), ago(90));
    let short = json!({ "deployments": [some], "pods": [pod("web-5d9f-a", unready(30))] });
    assert!(codes(short).is_empty(), "one that was just replaced");
}

#[test]
fn its_pods_say_why_a_deployment_is_down() {
    let objects = json!({ "deployments": [down("web", 1, 90)], "pods": [pod("web-5d9f-a", unready(90))] });
    let findings = findings(objects);
    let pod = findings.iter().find(|finding| finding.code == "POD_NOT_READY").unwrap();
    let deployment = findings.iter().find(|finding| finding.code == "DEP_DEGRADED").unwrap();
    assert_eq!(deployment.caused_by.as_ref(), Some(&pod.fingerprint));
    assert!(pod.caused_by.is_none());
}

#[test]
fn a_rollout_under_way_and_young_pods_are_no_fault() {
    let under_way = deployment(
        "web",
        4,
        json!({
            "/status/updatedReplicas": 2, "/status/readyReplicas": 3, "/status/availableReplicas": 3,
            "/status/conditions/1/reason": "ReplicaSetUpdated",
        }),
    );
    assert!(codes(json!({ "deployments": [under_way] })).is_empty());
    // All are ready, and one has not been for minReadySeconds.
    let young = deployment("web", 4, json!({ "/status/availableReplicas": 3 }));
    assert!(codes(json!({ "deployments": [young] })).is_empty());
}

#[test]
fn a_first_rollout_under_way_is_a_warning_and_a_later_one_that_leaves_nothing_is_critical() {
    let rolled = |made: u64, since: u64| {
        let mut web = down("web", 1, since);
        let going = json!({ "/metadata/creationTimestamp": ago(made), "/status/conditions/1/reason": "ReplicaSetUpdated" });
        change(&mut web, going);
        found(json!({ "deployments": [web] }))
    };
    assert_eq!(rolled(301, 300), one("DEP_DEGRADED", "WARNING", "web"), "a model is loaded");
    assert_eq!(rolled(9000, 300), one("DEP_DEGRADED", "CRITICAL", "web"), "it was available before");
}

#[test]
fn what_is_ready_by_now_is_not_missing() {
    let some = deployment("web", 2, json!({ "/status/readyReplicas": 1, "/status/availableReplicas": 1 }));
    let pods = |ages: &[u64]| -> Vec<Value> {
        let pod = |(number, age): (usize, &u64)| {
            pod(&format!("web-5d9f-{number}"), json!({ "/metadata/creationTimestamp": ago(*age) }))
        };
        ages.iter().enumerate().map(pod).collect()
    };
    let told = |ages: &[u64]| codes(json!({ "deployments": [some.clone()], "pods": pods(ages) }));
    assert!(told(&[900, 900]).is_empty(), "read a moment later");
    assert_eq!(told(&[900]), ["DEP_DEGRADED"], "the second is not there");
    assert!(told(&[60]).is_empty(), "the first was just made");
    let few = set("db", 2, json!({ "/status/readyReplicas": 1 }));
    let all = |ages: &[u64]| -> Vec<Value> {
        let changes = |age: &u64| json!({ "/metadata/creationTimestamp": ago(*age) });
        let pod =
            |(number, age): (usize, &u64)| of("StatefulSet", "db", &format!("db-{number}"), changes(age));
        ages.iter().enumerate().map(pod).collect()
    };
    let told = |ages: &[u64]| codes(json!({ "statefulsets": [few.clone()], "pods": all(ages) }));
    assert!(told(&[900, 900]).is_empty());
    assert_eq!(told(&[900]), ["STS_ROLLOUT"]);
}

#[test]
fn a_pod_that_is_ready_does_not_explain_those_that_are_not() {
    let restarts = json!({
        "/status/containerStatuses/0/restartCount": 1,
        "/status/containerStatuses/0/lastState": { "terminated": { "exitCode": 137, "reason": "OOMKilled", "finishedAt": ago(90) } },
    });
    let starting = json!({
        "/spec/containers/0/startupProbe": { "periodSeconds": 10, "failureThreshold": 60 },
        "/status/containerStatuses/0/started": false,
        "/status/containerStatuses/0/state": { "running": { "startedAt": ago(120) } },
    });
    let mut unready = unready(120);
    unready.as_object_mut().unwrap().extend(starting.as_object().unwrap().clone());
    let half = deployment("web", 2, json!({ "/status/readyReplicas": 1, "/status/availableReplicas": 1 }));
    let findings = findings(json!({
        "deployments": [half], "pods": [pod("web-5d9f-a", restarts), pod("web-5d9f-b", unready)],
    }));
    let of = |code: &str| findings.iter().find(|finding| finding.code == code).unwrap();
    assert_eq!(of("POD_OOMKILLED").severity.as_str(), "ERROR", "more urgent than what explains");
    assert_eq!(of("DEP_DEGRADED").caused_by.as_ref(), Some(&of("POD_NOT_READY").fingerprint));
}

#[test]
fn a_rollout_that_made_no_progress_is_told_once() {
    let late = |available: u32| {
        deployment(
            "web",
            2,
            json!({
                "/status/updatedReplicas": 1, "/status/availableReplicas": available, "/status/readyReplicas": available,
                "/status/conditions/0/status": if available == 0 { "False" } else { "True" },
                "/status/conditions/1": {
                    "type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded",
                    "message": "ReplicaSet \"web-2\" has timed out progressing.",
                },
            }),
        )
    };
    assert_eq!(found(json!({ "deployments": [late(0)] })), one("DEP_NOT_PROGRESSING", "CRITICAL", "web"));
    assert_eq!(found(json!({ "deployments": [late(1)] })), one("DEP_NOT_PROGRESSING", "ERROR", "web"));
}

#[test]
fn pods_that_are_refused_are_told_with_the_reason() {
    let refused = json!({
        "/status/readyReplicas": 1, "/status/availableReplicas": 1,
        "/status/conditions/2": {},
    });
    let mut refused_one = deployment("web", 2, json!({}));
    refused_one["status"]["conditions"].as_array_mut().unwrap().push(json!({
        "type": "ReplicaFailure", "status": "True", "reason": "FailedCreate", "message": "pods \"web-1\" is forbidden: violates PodSecurity",
    }));
    let mut gone = refused;
    gone.as_object_mut().unwrap().remove("/status/conditions/2");
    change(&mut refused_one, gone);
    let finding = findings(json!({ "deployments": [refused_one] })).remove(0);
    assert_eq!(
        (finding.code.as_str(), finding.title.as_str()),
        ("DEP_NOT_PROGRESSING", "pods of it are refused")
    );
    assert!(finding.evidence.iter().any(|one| one.text.contains("violates PodSecurity")));
}

#[test]
fn a_form_that_no_controller_looks_at_is_an_error_after_a_minute() {
    let unseen = |seconds: u64| {
        deployment(
            "web",
            1,
            json!({
                "/metadata/generation": 3, "/metadata/creationTimestamp": ago(seconds),
                "/status/conditions/0/lastTransitionTime": ago(seconds),
            }),
        )
    };
    assert_eq!(found(json!({ "deployments": [unseen(61)] })), one("DEP_NOT_PROGRESSING", "ERROR", "web"));
    assert!(codes(json!({ "deployments": [unseen(60)] })).is_empty());
    // Sets have no conditions: who wrote them last says when.
    let edited = |seconds: u64| {
        let managed = json!([{ "manager": "kubectl", "time": ago(seconds), "fieldsV1": { "f:spec": {} } }, { "time": ago(9000) }]);
        set("db", 1, json!({ "/metadata/generation": 3, "/metadata/managedFields": managed }))
    };
    assert_eq!(found(json!({ "statefulsets": [edited(61)] })), one("STS_ROLLOUT", "ERROR", "db"));
    assert!(codes(json!({ "statefulsets": [edited(60)] })).is_empty(), "it was just changed");
    assert!(codes(json!({ "daemonsets": [edited(60)] })).is_empty(), "it was just changed");
}

#[test]
fn what_is_at_rest_is_a_warning_in_the_platform_alone() {
    for (code, changes) in [
        ("DEP_ZERO", json!({ "/spec/replicas": 0, "/status/replicas": 0 })),
        ("DEP_PAUSED", json!({ "/spec/paused": true })),
    ] {
        let replicas = if code == "DEP_ZERO" { 0 } else { 1 };
        let mut at_rest = deployment("web", replicas, changes);
        assert_eq!(found(json!({ "deployments": [at_rest.clone()] })), one(code, "WARNING", "web"));
        change(&mut at_rest, json!({ "/metadata/namespace": "other" }));
        assert_eq!(found(json!({ "deployments": [at_rest] })), one(code, "INFO", "web"));
    }
    let asleep = |namespace: &str| set("db", 0, json!({ "/metadata/namespace": namespace }));
    assert_eq!(found(json!({ "statefulsets": [asleep("bud-system")] })), one("STS_ZERO", "WARNING", "db"));
    assert_eq!(found(json!({ "statefulsets": [asleep("other")] })), one("STS_ZERO", "INFO", "db"));
    assert!(codes(json!({ "daemonsets": [asleep("other")] })).is_empty(), "it has no node to be on");
}

#[test]
fn a_pause_is_part_of_what_is_wrong() {
    let mut paused = down("web", 1, 90);
    change(&mut paused, json!({ "/spec/paused": true }));
    let findings = findings(json!({ "deployments": [paused] }));
    assert_eq!(findings.len(), 1);
    assert!(findings[0].evidence.iter().any(|one| one.text == "its rollout is paused"));
}

#[test]
fn a_stateful_set_with_too_few_pods_is_an_error_after_a_minute() {
    let few = set("db", 3, json!({ "/status/readyReplicas": 2 }));
    let with = |seconds: u64| json!({ "statefulsets": [few.clone()], "pods": [of("StatefulSet", "db", "db-2", unready(seconds))] });
    let all = drafts(with(61));
    let told = all.iter().find(|draft| draft.code == "STS_ROLLOUT").unwrap();
    assert_eq!(
        (told.severity.to_string().as_str(), told.title.as_str()),
        ("ERROR", "2 of its 3 pods are ready")
    );
    assert!(codes(with(60)).is_empty());
    assert!(codes(json!({ "statefulsets": [set("db", 3, json!({}))] })).is_empty());
    assert_eq!(
        found(json!({ "statefulsets": [few] })),
        one("STS_ROLLOUT", "ERROR", "db"),
        "the third is not even there"
    );
}

#[test]
fn a_rollout_of_a_set_that_stands_still_is_a_warning_after_ten_minutes() {
    let half = || set("db", 2, json!({ "/status/updatedReplicas": 1, "/status/updateRevision": "r2" }));
    let with = |set: Value, seconds: u64| json!({ "statefulsets": [set], "pods": [of("StatefulSet", "db", "db-1", json!({ "/metadata/creationTimestamp": ago(seconds) }))] });
    assert_eq!(found(with(half(), 601)), one("STS_ROLLOUT", "WARNING", "db"));
    assert!(codes(with(half(), 600)).is_empty());
    let mut held = half();
    change(
        &mut held,
        json!({ "/spec/updateStrategy": { "type": "RollingUpdate", "rollingUpdate": { "partition": 1 } } }),
    );
    assert!(codes(with(held, 601)).is_empty(), "held back on purpose");
}

#[test]
fn a_daemon_set_with_too_few_pods_or_some_where_none_should_be() {
    let few = set("agent", 3, json!({ "/status/numberReady": 2, "/status/numberAvailable": 2 }));
    assert_eq!(found(json!({ "daemonsets": [few] })), one("DS_ROLLOUT", "ERROR", "agent"));
    let strange = set("agent", 3, json!({ "/status/numberMisscheduled": 1 }));
    let finding = findings(json!({ "daemonsets": [strange] })).remove(0);
    assert_eq!(
        (finding.severity.as_str(), finding.title.as_str()),
        ("WARNING", "it has 1 pod on nodes where none should be")
    );
    assert!(codes(json!({ "daemonsets": [set("agent", 3, json!({}))] })).is_empty());
    let fresh = set(
        "agent",
        3,
        json!({ "/status/numberReady": 0, "/status/numberAvailable": 0, "/metadata/creationTimestamp": ago(60) }),
    );
    assert!(codes(json!({ "daemonsets": [fresh] })).is_empty());
}

fn job(name: &str, condition: &str, reason: &str, changes: Value) -> Value {
    let mut job = json!({
        "metadata": { "name": name, "namespace": "bud-system", "creationTimestamp": ago(3600) },
        "status": {
            "failed": 2,
            "conditions": [{
                "type": condition, "status": "True", "reason": reason, "lastTransitionTime": ago(600),
                "message": "Job has reached the specified backoff limit",
            }],
        },
    });
    change(&mut job, changes);
    job
}

#[test]
fn a_job_that_failed_is_told_with_the_end_of_its_pod() {
    let ended = json!({
        "/status/phase": "Failed", "/status/conditions/2/status": "False",
        "/status/containerStatuses/0": {
            "name": "main", "ready": false, "restartCount": 3,
            "state": { "terminated": { "exitCode": 1, "reason": "Error", "finishedAt": ago(650) } },
        },
    });
    let objects = json!({
        "jobs": [job("migrate", "Failed", "BackoffLimitExceeded", json!({}))],
        "pods": [of("Job", "migrate", "migrate-x", ended)],
    });
    let drafts = drafts(objects.clone());
    assert_eq!(drafts.len(), 1, "{drafts:#?}");
    let log = drafts[0].log.as_ref().unwrap();
    assert_eq!((log.pod.as_str(), log.container.as_str(), log.previous), ("migrate-x", "main", false));
    assert!(drafts[0].evidence.iter().any(|one| one.text == "main of migrate-x ended with exit code 1"));
    assert_eq!(drafts[0].title, "it failed: 2 pods of it ended with an error");
    assert_eq!(found(objects), one("JOB_FAILED", "ERROR", "migrate"));
    let elsewhere = job("migrate", "Failed", "DeadlineExceeded", json!({ "/metadata/namespace": "other" }));
    assert_eq!(found(json!({ "jobs": [elsewhere] })), one("JOB_FAILED", "WARNING", "migrate"));
}

#[test]
fn memory_explains_a_job_that_failed() {
    let killed = json!({
        "/status/phase": "Failed", "/status/conditions/2/status": "False",
        "/status/containerStatuses/0": {
            "name": "main", "ready": false, "restartCount": 0,
            "state": { "terminated": { "exitCode": 137, "reason": "OOMKilled", "finishedAt": ago(650) } },
        },
    });
    let findings = findings(json!({
        "jobs": [job("load", "Failed", "BackoffLimitExceeded", json!({}))], "pods": [of("Job", "load", "load-x", killed)],
    }));
    let memory = findings.iter().find(|finding| finding.code == "POD_OOMKILLED").unwrap();
    let job = findings.iter().find(|finding| finding.code == "JOB_FAILED").unwrap();
    assert_eq!(job.caused_by.as_ref(), Some(&memory.fingerprint));
    assert_eq!(findings.len(), 2);
}

#[test]
fn what_a_job_has_done_is_silent() {
    let done = json!({
        "/status/phase": "Succeeded", "/status/conditions/2/status": "False", "/status/conditions/2/reason": "PodCompleted",
        "/status/containerStatuses/0": {
            "name": "main", "ready": false, "restartCount": 7,
            "state": { "terminated": { "exitCode": 0, "reason": "Completed", "finishedAt": ago(600) } },
            "lastState": { "terminated": { "exitCode": 1, "reason": "Error", "finishedAt": ago(700) } },
        },
    });
    let objects = json!({
        "jobs": [job("migrate", "Complete", "CompletionsReached", json!({}))],
        "pods": [of("Job", "migrate", "migrate-x", done)],
    });
    assert!(codes(objects).is_empty());
}

#[test]
fn a_failure_that_a_later_run_made_up_for_is_history() {
    let owner = json!([{ "kind": "CronJob", "name": "backup", "controller": true }]);
    let failed =
        job("backup-1", "Failed", "BackoffLimitExceeded", json!({ "/metadata/ownerReferences": owner }));
    let run = |condition: &str, age: u64| {
        let changes = json!({ "/metadata/ownerReferences": owner, "/metadata/creationTimestamp": ago(age) });
        job("backup-2", condition, "", changes)
    };
    assert!(codes(json!({ "jobs": [failed.clone(), run("Complete", 60)] })).is_empty());
    assert_eq!(found(json!({ "jobs": [failed.clone(), run("Complete", 7200)] })).len(), 1, "it was before");
    assert_eq!(
        found(json!({ "jobs": [failed, run("Failed", 60)] })),
        one("JOB_FAILED", "ERROR", "backup"),
        "both are one"
    );
}

#[test]
fn a_webhook_that_refuses_the_pods_of_a_set_explains_it() {
    let message = "create Pod db-0 failed: Internal error occurred: failed calling webhook \"sidecar-injector.dapr.io\": failed to call webhook: \
                   Post \"https://dapr-sidecar-injector.bud-system.svc:443/mutate?timeout=10s\": no endpoints available";
    let objects = json!({
        "statefulsets": [set("db", 1, json!({ "/status/readyReplicas": 0 }))],
        "events": [warning("StatefulSet", "db", "", "FailedCreate", message, 60)],
    });
    let findings = findings(objects);
    let webhook = findings.iter().find(|finding| finding.code == "WEBHOOK_DOWN").unwrap();
    let set = findings.iter().find(|finding| finding.code == "STS_ROLLOUT").unwrap();
    assert_eq!(set.caused_by.as_ref(), Some(&webhook.fingerprint));
}
