use serde_json::{Value, json};

use super::super::testing::{ago, change, codes, deployment, drafts, findings, found, node, pod};
use super::by_log;

const PARTS: [&str; 5] = [
    "dapr-operator",
    "dapr-sentry",
    "dapr-sidecar-injector",
    "dapr-placement-server",
    "dapr-scheduler-server",
];

/// A pod of the control plane.
fn plane(app: &str, number: u32, ready: bool) -> Value {
    let ready_text = if ready { "True" } else { "False" };
    pod(
        &format!("{app}-{number}"),
        json!({
            "/metadata/namespace": "dapr-system", "/metadata/labels": { "app": app },
            "/metadata/ownerReferences": [{ "kind": "StatefulSet", "name": app, "controller": true }],
            "/spec/containers/0/image": "ghcr.io/dapr/dapr:1.15.2",
            "/status/conditions/2/status": ready_text, "/status/containerStatuses/0/ready": ready,
        }),
    )
}

/// A control plane without what is named.
fn without(left_out: &[&str]) -> Vec<Value> {
    PARTS.iter().filter(|app| !left_out.contains(app)).map(|app| plane(app, 0, true)).collect()
}

/// A pod with a sidecar, and what is changed of it.
fn app(name: &str, changes: Value) -> Value {
    let mut pod = pod(
        name,
        json!({
            "/metadata/annotations": { "dapr.io/enabled": "true", "dapr.io/app-id": "web" },
            "/spec/containers": [{ "name": "main", "image": "web:1" }, { "name": "daprd", "image": "ghcr.io/dapr/daprd:1.15.2" }],
            "/status/containerStatuses": [
                { "name": "main", "ready": true, "restartCount": 0, "state": { "running": { "startedAt": ago(86_400) } } },
                { "name": "daprd", "ready": true, "restartCount": 0, "state": { "running": { "startedAt": ago(86_400) } } },
            ],
        }),
    );
    change(&mut pod, changes);
    pod
}

/// That its sidecar is not ready, since so many seconds.
fn unready(seconds: u64, state: Value) -> Value {
    json!({
        "/status/conditions/2": { "type": "Ready", "status": "False", "lastTransitionTime": ago(seconds) },
        "/status/containerStatuses/1": { "name": "daprd", "ready": false, "restartCount": 4, "state": state },
    })
}

fn with(mut pods: Vec<Value>, more: &[Value]) -> Value {
    pods.extend(more.iter().cloned());
    json!({ "pods": pods, "nodes": [node("n1", json!({}))] })
}

fn dapr(objects: Value) -> Vec<(String, String, String)> {
    found(objects).into_iter().filter(|(code, ..)| code.starts_with("DAPR")).collect()
}

fn told(code: &str, severity: &str, name: &str) -> Vec<(String, String, String)> {
    vec![(code.to_owned(), severity.to_owned(), name.to_owned())]
}

#[test]
fn what_is_missing_or_down_is_told_by_its_weight() {
    assert_eq!(found(with(without(&[]), &[])), []);
    for app in ["dapr-operator", "dapr-sentry", "dapr-sidecar-injector"] {
        assert_eq!(dapr(with(without(&[app]), &[])), told("DAPR_CP_DOWN", "CRITICAL", app), "missing");
        let down = with(without(&[app]), &[plane(app, 0, false)]);
        assert_eq!(dapr(down), told("DAPR_CP_DOWN", "CRITICAL", app), "down");
        // One of three that is ready does not make it healthy (dapr/cli#453).
        let mut objects = with(without(&[app]), &[plane(app, 0, true), plane(app, 1, false)]);
        let mut owner = deployment(
            app,
            2,
            json!({ "/metadata/namespace": "dapr-system", "/metadata/labels": { "app": app } }),
        );
        change(&mut owner, json!({ "/spec/template/metadata/labels/app": app }));
        objects["deployments"] = json!([owner]);
        assert_eq!(dapr(objects), told("DAPR_CP_DOWN", "ERROR", app), "degraded");
    }
    for app in ["dapr-placement-server", "dapr-scheduler-server"] {
        assert_eq!(dapr(with(without(&[app]), &[])), [], "it may be left out");
        let down = with(without(&[app]), &[plane(app, 0, false)]);
        assert_eq!(dapr(down), told("DAPR_CP_DOWN", "WARNING", app));
    }
}

#[test]
fn nothing_is_said_where_dapr_is_not() {
    let annotated = json!({ "/spec/containers": [{ "name": "main" }], "/status/containerStatuses/1": null });
    let mut bare = app("a", annotated);
    bare["status"]["containerStatuses"].as_array_mut().unwrap().truncate(1);
    assert_eq!(codes(with(Vec::new(), &[bare])), [""; 0]);
}

#[test]
fn a_control_plane_that_is_gone_altogether_is_told_where_everything_was_looked_at() {
    use crate::diagnostics::snapshot::Context;
    let needed = ["dapr-operator", "dapr-sentry", "dapr-sidecar-injector"];
    let expected: Vec<_> = needed.iter().flat_map(|app| told("DAPR_CP_DOWN", "CRITICAL", app)).collect();
    let mut gone = dapr(with(Vec::new(), &[app("a", json!({}))]));
    gone.sort_unstable();
    assert_eq!(gone, expected);
    // Who looks at some namespaces only is not told that it is missing; sidecars are seen all the same.
    let runs = json!({ "running": { "startedAt": ago(400) } });
    for (changes, count) in [(json!({}), 0), (unready(300, runs), 1)] {
        let mut part = super::super::testing::snapshot(with(Vec::new(), &[app("a", changes)]));
        part.everywhere = false;
        let drafts = super::super::find(&Context::of(&part));
        assert_eq!(drafts.iter().filter(|draft| draft.code.starts_with("DAPR")).count(), count);
        assert!(drafts.iter().all(|draft| draft.code != "DAPR_CP_DOWN"));
    }
}

#[test]
fn a_part_that_is_started_again_has_a_minute() {
    let down = |seconds: u64| {
        let mut part = plane("dapr-sentry", 0, false);
        change(&mut part, json!({ "/status/conditions/2/lastTransitionTime": ago(seconds) }));
        dapr(with(without(&["dapr-sentry"]), &[part])).len()
    };
    assert_eq!((down(60), down(61)), (0, 1));
}

#[test]
fn what_is_not_read_is_not_missing() {
    use crate::diagnostics::snapshot::Context;
    let whole = super::super::testing::snapshot(with(without(&["dapr-sentry"]), &[]));
    assert_eq!(super::super::find(&Context::of(&whole)).len(), 1);
    let mut part = super::super::testing::snapshot(with(without(&["dapr-sentry"]), &[]));
    part.sections = Default::default();
    assert!(super::super::find(&Context::of(&part)).is_empty());
}

#[test]
fn a_part_that_is_down_follows_from_its_pods() {
    let down = with(without(&["dapr-sentry"]), &[plane("dapr-sentry", 0, false)]);
    let findings = findings(down);
    let part = findings.iter().find(|finding| finding.code == "DAPR_CP_DOWN").unwrap();
    let cause = findings.iter().find(|finding| finding.code == "POD_NOT_READY").unwrap();
    assert_eq!(part.caused_by.as_deref(), Some(cause.fingerprint.as_str()));
}

#[test]
fn a_pod_without_its_sidecar_follows_from_the_injector() {
    let mut bare = app("web-1", json!({ "/spec/containers": [{ "name": "main", "image": "web:1" }] }));
    bare["status"]["containerStatuses"].as_array_mut().unwrap().truncate(1);
    assert_eq!(found(with(without(&[]), &[bare.clone()])), told("DAPR_SIDECAR_MISSING", "ERROR", "web-1"));
    let findings = findings(with(without(&["dapr-sidecar-injector"]), &[bare.clone()]));
    let codes: Vec<(&str, bool)> =
        findings.iter().map(|finding| (finding.code.as_str(), finding.caused_by.is_some())).collect();
    assert_eq!(codes, [("DAPR_CP_DOWN", false), ("DAPR_SIDECAR_MISSING", true)]);
    assert_eq!(found(with(without(&[]), &[app("web-1", json!({}))])), []);
    // As an init container that stays, it is one, too.
    let native = json!({
        "/spec/initContainers": [{ "name": "daprd", "image": "ghcr.io/dapr/daprd:1.15.2", "restartPolicy": "Always" }],
        "/status/initContainerStatuses": [{ "name": "daprd", "ready": true, "started": true, "state": { "running": { "startedAt": ago(900) } } }],
    });
    change(&mut bare, native);
    assert_eq!(found(with(without(&[]), &[bare])), []);
}

#[test]
fn a_sidecar_that_is_not_ready_is_told_after_a_minute() {
    let runs = json!({ "running": { "startedAt": ago(3600) } });
    let told = dapr(with(without(&[]), &[app("web-1", unready(300, runs.clone()))]));
    assert_eq!(told, self::told("DAPR_SIDECAR_NOT_READY", "ERROR", "web-1"));
    assert_eq!(dapr(with(without(&[]), &[app("web-1", unready(30, runs.clone()))])), []);
    let started = json!({ "running": { "startedAt": ago(30) } });
    assert_eq!(dapr(with(without(&[]), &[app("web-1", unready(300, started))])), []);
    let creating = json!({ "waiting": { "reason": "ContainerCreating" } });
    assert_eq!(dapr(with(without(&[]), &[app("web-1", unready(300, creating))])), []);

    let findings = findings(with(without(&[]), &[app("web-1", unready(300, runs.clone()))]));
    let the = |code: &str| findings.iter().find(|finding| finding.code == code).unwrap();
    let sidecar = the("DAPR_SIDECAR_NOT_READY");
    assert_eq!(the("POD_NOT_READY").caused_by.as_deref(), Some(sidecar.fingerprint.as_str()));
    assert!(sidecar.caused_by.is_none());
    let log = |state: Value| {
        let drafts = drafts(with(without(&[]), &[app("web-1", unready(300, state))]));
        let draft = drafts.into_iter().find(|draft| draft.code == "DAPR_SIDECAR_NOT_READY").unwrap();
        let log = draft.log.unwrap();
        (log.container, log.previous)
    };
    assert_eq!(log(runs), ("daprd".to_owned(), false));
    assert_eq!(log(json!({ "waiting": { "reason": "CrashLoopBackOff" } })), ("daprd".to_owned(), true));
}

#[test]
fn a_sidecar_that_ends_again_and_again_follows_from_that() {
    let crash = json!({ "waiting": { "reason": "CrashLoopBackOff" } });
    let mut objects = with(without(&[]), &[app("web-1", unready(300, crash.clone()))]);
    let cause = |objects: Value| {
        let findings = findings(objects);
        let sidecar = findings.iter().find(|finding| finding.code == "DAPR_SIDECAR_NOT_READY").unwrap();
        let cause = findings.iter().find(|one| Some(&one.fingerprint) == sidecar.caused_by.as_ref());
        cause.map(|cause| cause.code.clone())
    };
    assert_eq!(cause(objects).as_deref(), Some("POD_CRASHLOOP"));
    objects = with(without(&["dapr-sentry"]), &[app("web-1", unready(300, crash))]);
    assert_eq!(cause(objects).as_deref(), Some("DAPR_CP_DOWN"), "without the sentry it cannot start");
}

#[test]
fn sidecars_of_another_minor_version_are_told_once_for_their_owner() {
    let of = |image: &str| json!({ "/spec/containers/1/image": image });
    let old = [app("web-1", of("ghcr.io/dapr/daprd:1.14.4")), app("web-2", of("ghcr.io/dapr/daprd:1.14.4"))];
    assert_eq!(found(with(without(&[]), &old)), told("DAPR_VERSION_SKEW", "WARNING", "web"));
    let drafts = drafts(with(without(&[]), &old));
    assert_eq!(drafts[0].title, "2 sidecars of version 1.14, the control plane has 1.15");
    for image in
        ["ghcr.io/dapr/daprd:1.15.9-mariner", "ghcr.io/dapr/daprd:latest", "ghcr.io/dapr/daprd@sha256:ab"]
    {
        assert_eq!(found(with(without(&[]), &[app("web-1", of(image))])), [], "{image}");
    }
}

#[test]
fn the_component_is_named_from_the_log() {
    let name =
        |line: &str| by_log(&["time=x msg=starting".to_owned(), line.to_owned()]).map(|(what, _)| what);
    for line in [
        "error initializing component statestore: dial tcp: no such host",
        "level=error msg=\"Failed to init component statestore (state.redis/v1): redis store: error connecting\"",
        "level=fatal msg=\"Fatal error from runtime: process component statestore error: [INIT_COMPONENT_FAILURE]\"",
        "[INIT_COMPONENT_FAILURE]: initialization error occurred for statestore (state.redis/v1): x",
        "error initializing component 'statestore'",
    ] {
        assert_eq!(name(line).as_deref(), Some("the component statestore cannot be set up"), "{line}");
    }
    for line in [
        "",
        "dapr initialized. Status: Running",
        "error initializing component ",
        "component loaded. name: statestore",
    ] {
        assert_eq!(name(line), None, "{line}");
    }
}
