use serde_json::{Value, json};

use super::super::testing::{ago, change, drafts, findings, found, node, pod, snapshot};
use crate::diagnostics::snapshot::Context;
use crate::kubernetes::GpuReading;
use crate::report::Draft;

/// A pod of a model that serves, and what is changed of it.
fn model(name: &str, changes: Value) -> Value {
    let mut pod = pod(
        name,
        json!({
            "/metadata/namespace": "bud-tiny-0a1b2c3d",
            "/spec/containers/0/name": "vllm",
            "/spec/containers/0/args": ["--model", "tiny"],
            "/status/containerStatuses/0/name": "vllm",
        }),
    );
    change(&mut pod, changes);
    pod
}

/// What is changed of one whose container is not ready.
fn unready(state: Value, restarts: u32, last: Value) -> Value {
    json!({
        "/status/conditions/2": { "type": "Ready", "status": "False", "lastTransitionTime": ago(1200) },
        "/status/containerStatuses/0": {
            "name": "vllm", "ready": false, "restartCount": restarts, "state": state, "lastState": last,
        },
    })
}

fn loading(seconds: u64) -> Value {
    unready(json!({ "running": { "startedAt": ago(seconds) } }), 0, json!({}))
}

fn crash() -> Value {
    let waiting = json!({ "waiting": { "reason": "CrashLoopBackOff" } });
    unready(waiting, 6, json!({ "terminated": { "exitCode": 1, "reason": "Error", "finishedAt": ago(60) } }))
}

fn waiting(reason: &str, created: u64) -> Value {
    json!({
        "/metadata/creationTimestamp": ago(created),
        "/status": {
            "phase": "Pending",
            "conditions": [{ "type": "PodScheduled", "status": "True", "lastTransitionTime": ago(created) }],
            "containerStatuses": [{ "name": "vllm", "state": { "waiting": { "reason": reason } } }],
        },
    })
}

fn pending(created: u64) -> Value {
    json!({
        "/metadata/creationTimestamp": ago(created), "/spec/nodeName": "",
        "/status": { "phase": "Pending", "conditions": [{
            "type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/1 nodes are available: 1 Too many pods.",
        }] },
    })
}

fn of(pods: &[Value]) -> Vec<Draft> {
    let all = drafts(json!({ "pods": pods, "nodes": [node("n1", json!({}))] }));
    all.into_iter().filter(|draft| draft.code.starts_with("VLLM")).collect()
}

#[test]
fn a_model_that_does_not_serve_is_critical_if_nothing_else_of_it_does() {
    for (phase, changes) in [
        ("loading", loading(1200)),
        ("crash", crash()),
        ("pulling", waiting("ImagePullBackOff", 90)),
        ("pulling", waiting("ContainerCreating", 900)),
        ("pending", pending(300)),
    ] {
        let alone = of(&[model("m", changes.clone())]);
        assert_eq!(alone.len(), 1, "{phase}");
        assert_eq!((alone[0].code, alone[0].severity.as_str()), ("VLLM_NOT_READY", "CRITICAL"), "{phase}");
        assert!(alone[0].title.contains(phase), "{phase}: {}", alone[0].title);
        let one_of_two = of(&[model("m", changes), model("other", json!({}))]);
        assert_eq!((one_of_two.len(), one_of_two[0].severity.as_str()), (1, "ERROR"), "{phase}");
    }
}

#[test]
fn what_serves_or_has_only_begun_is_not_told() {
    assert_eq!(of(&[model("m", json!({}))]).len(), 0);
    for (case, changes) in [
        ("it loads", loading(300)),
        ("it has only come", pending(20)),
        ("its image is pulled", waiting("ContainerCreating", 60)),
        ("it has done its work", json!({ "/status/phase": "Succeeded", "/status/conditions": [] })),
    ] {
        assert_eq!(of(&[model("m", changes)]).len(), 0, "{case}");
    }
    let queued = |created: u64| {
        let mut pod = model("m", pending(created));
        change(&mut pod, json!({ "/status/conditions/0/reason": "SchedulingGated" }));
        of(&[pod]).len()
    };
    assert_eq!((queued(300), queued(1200)), (0, 1), "a queue holds it back on purpose, for a while");
    let change_all = |first: Value, then: Value| {
        let mut pod = model("m", first);
        change(&mut pod, then);
        of(&[pod]).len()
    };
    assert_eq!(change_all(crash(), json!({})), 1);
    assert_eq!(change_all(crash(), json!({ "/metadata/namespace": "other" })), 0, "no model of the platform");
    let plain = json!({ "/spec/containers/0": { "name": "web", "image": "registry/web" } });
    assert_eq!(change_all(crash(), plain), 0, "no engine");
    let job = json!({ "/metadata/ownerReferences": [{ "kind": "Job", "name": "j", "controller": true }] });
    assert_eq!(change_all(crash(), job), 0, "a job");
    assert_eq!(
        change_all(crash(), json!({ "/metadata/deletionTimestamp": ago(5) })),
        0,
        "it is being deleted"
    );
}

#[test]
fn the_pods_own_finding_is_the_cause_and_its_log_is_wanted() {
    let objects = json!({ "pods": [model("m", crash())], "nodes": [node("n1", json!({}))] });
    let findings = findings(objects);
    let the = |code: &str| findings.iter().find(|finding| finding.code == code).unwrap();
    let cause = the("POD_CRASHLOOP");
    assert_eq!(the("VLLM_NOT_READY").caused_by.as_deref(), Some(cause.fingerprint.as_str()));
    assert!(cause.caused_by.is_none());

    let log = |changes: Value| of(&[model("m", changes)])[0].log.clone();
    let crashed = log(crash()).unwrap();
    assert_eq!((crashed.container.as_str(), crashed.previous), ("vllm", true));
    let loads = log(loading(1200)).unwrap();
    assert_eq!((loads.pod.as_str(), loads.previous), ("m", false));
    assert_eq!(log(pending(300)), None);
    // Between two crashes it runs for a while.
    let again = unready(
        json!({ "running": { "startedAt": ago(30) } }),
        5,
        json!({ "terminated": { "exitCode": 1, "finishedAt": ago(60) } }),
    );
    assert!(log(again).unwrap().previous);
}

#[test]
fn gpus_that_do_nothing_are_told() {
    let reading = |used: Option<f64>| GpuReading {
        index: Some(0),
        uuid: None,
        name: None,
        utilization_percent: used,
        memory_utilization_percent: None,
        memory_used_mib: Some(70_000.0),
        memory_total_mib: Some(81_559.0),
        temperature_celsius: None,
        power_watts: None,
        uncorrected_errors: None,
    };
    let with = |changes: Value, used: &[Option<f64>]| {
        let mut snapshot = snapshot(json!({ "pods": [model("m", changes)] }));
        let readings = used.iter().map(|used| reading(*used)).collect();
        snapshot.readings.push(("bud-tiny-0a1b2c3d".to_owned(), "m".to_owned(), readings));
        let drafts = super::super::find(&Context::of(&snapshot));
        drafts
            .into_iter()
            .map(|draft| (draft.code, draft.severity.to_string(), draft.title))
            .collect::<Vec<_>>()
    };
    let two = "2 GPUs do nothing while the model is up".to_owned();
    assert_eq!(with(json!({}), &[Some(0.0), Some(0.0)]), [("VLLM_GPU_IDLE", "INFO".to_owned(), two)]);
    let one = "1 GPU does nothing while the model is up".to_owned();
    assert_eq!(with(json!({}), &[Some(0.0)]), [("VLLM_GPU_IDLE", "INFO".to_owned(), one)]);
    assert_eq!(with(json!({}), &[Some(0.0), Some(40.0)]), []);
    assert_eq!(with(json!({}), &[Some(0.0), None]), [], "one does not tell");
    assert_eq!(with(json!({}), &[]), []);
    assert_eq!(with(json!({ "/metadata/creationTimestamp": ago(600) }), &[Some(0.0)]), [], "it is new");
    assert_eq!(found(json!({ "pods": [model("m", json!({}))] })), [], "nobody looked");
}
