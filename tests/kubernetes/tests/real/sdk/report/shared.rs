//! Reports of the control plane that all scenarios share, with its controllers: what is found has its cause, and contexts are read
//! at once.

use bud_kubernetes_testbed::{Cluster, Outcome};
use bud_sdk::report::{Finding, Report};
use serde_json::{Value, json};

use super::super::{sdk, told};
use crate::objects::{kubectl, pod};

const PLACE: &str = "bud-report-0a1b2c3d";

fn condition(kind: &str, status: &str) -> Value {
    json!({ "type": kind, "status": status, "lastTransitionTime": "2026-01-01T00:00:00Z" })
}

/// A pod whose status is as a kubelet would have written it.
async fn planted(cluster: &Cluster, name: &str, node: &str, state: Value, conditions: Vec<Value>) -> Outcome {
    let mut planted = pod(PLACE, name, node);
    planted["metadata"]["labels"] = json!({ "app": name });
    planted["status"] = json!({ "phase": "Running", "conditions": conditions, "containerStatuses": [state] });
    cluster.api().create(&planted).await.map(|_| ())
}

fn state(ready: bool, restarts: u32, state: Value, last: Value) -> Value {
    json!({
        "name": "main", "image": "registry.example/main:1", "imageID": "", "ready": ready, "restartCount": restarts,
        "state": state, "lastState": last,
    })
}

async fn node(cluster: &Cluster, name: &str, changes: Value) -> Outcome {
    cluster.add_node(name, json!({ "nvidia.com/gpu": "8" })).await?;
    let path = format!("/api/v1/nodes/{name}");
    let now = bud_sdk::Timestamp::now().to_string();
    let mut conditions = vec![
        json!({ "type": "Ready", "status": "True", "lastHeartbeatTime": now, "lastTransitionTime": now }),
    ];
    conditions.extend(changes["conditions"].as_array().cloned().unwrap_or_default());
    let mut status = json!({ "conditions": conditions });
    if let Some(allocatable) = changes.get("allocatable") {
        status["allocatable"] = allocatable.clone();
    }
    cluster.api().patch_status(&path, &status).await?;
    Ok(())
}

async fn read(cluster: &Cluster) -> Outcome<Report> {
    let sdk = sdk(cluster).await?;
    told(sdk.report().platform([PLACE]).only([PLACE]).await)
}

fn about<'a>(report: &'a Report, code: &str, name: &str) -> Option<&'a Finding> {
    report.findings.iter().find(|finding| finding.code == code && finding.subject.name == name)
}

pub(crate) async fn what_is_planted_is_found_and_what_is_well_is_not(cluster: &Cluster) -> Outcome {
    cluster.add_namespace(PLACE).await?;
    let api = cluster.api();
    node(cluster, "report-well", json!({})).await?;
    node(cluster, "report-full", json!({ "conditions": [condition("DiskPressure", "True")] })).await?;
    node(
        cluster,
        "report-cards",
        json!({ "allocatable": { "cpu": "8", "memory": "32Gi", "pods": "110", "nvidia.com/gpu": "7" } }),
    )
    .await?;
    node(cluster, "report-down", json!({})).await?;
    api.patch_status("/api/v1/nodes/report-down", &json!({ "conditions": [condition("Ready", "Unknown")] }))
        .await?;

    let (running, none) = (json!({ "running": { "startedAt": "2026-01-01T00:00:00Z" } }), json!({}));
    let finished = bud_sdk::Timestamp::now().to_string();
    let ended = |code: i32, reason: &str| json!({ "terminated": { "exitCode": code, "reason": reason, "startedAt": "2026-01-01T00:00:00Z", "finishedAt": finished } });
    let waiting =
        |reason: &str, message: &str| json!({ "waiting": { "reason": reason, "message": message } });
    let ready = || {
        vec![condition("Ready", "True"), condition("PodScheduled", "True"), condition("Initialized", "True")]
    };
    let unready = || {
        vec![condition("Ready", "False"), condition("PodScheduled", "True"), condition("Initialized", "True")]
    };
    planted(cluster, "well", "report-well", state(true, 0, running.clone(), none.clone()), ready()).await?;
    planted(cluster, "old-restarts", "report-well", state(true, 9, running.clone(), json!({ "terminated": { "exitCode": 1, "startedAt": "2026-01-01T00:00:00Z", "finishedAt": "2026-01-01T00:00:00Z" } })), ready()).await?;
    planted(
        cluster,
        "crashes",
        "report-well",
        state(false, 7, waiting("CrashLoopBackOff", "back-off 5m0s"), ended(127, "Error")),
        unready(),
    )
    .await?;
    planted(
        cluster,
        "hungry",
        "report-well",
        state(true, 2, running.clone(), ended(137, "OOMKilled")),
        ready(),
    )
    .await?;
    planted(cluster, "restarts", "report-well", state(true, 6, running.clone(), ended(1, "Error")), ready())
        .await?;
    planted(
        cluster,
        "imageless",
        "report-well",
        state(false, 0, waiting("ImagePullBackOff", "manifest unknown"), none.clone()),
        unready(),
    )
    .await?;
    planted(
        cluster,
        "keyless",
        "report-well",
        state(false, 0, waiting("CreateContainerConfigError", "secret \"db\" not found"), none.clone()),
        unready(),
    )
    .await?;
    planted(cluster, "unready", "report-well", state(false, 0, running.clone(), none.clone()), unready())
        .await?;
    planted(cluster, "lost", "report-down", state(false, 0, running.clone(), none.clone()), unready())
        .await?;
    let mut ended_pod = pod(PLACE, "done", "report-well");
    ended_pod["status"] = json!({ "phase": "Succeeded", "containerStatuses": [state(false, 0, ended(0, "Completed"), none.clone())] });
    api.create(&ended_pod).await?;
    let mut evicted = pod(PLACE, "evicted", "report-well");
    evicted["status"] =
        json!({ "phase": "Failed", "reason": "Evicted", "message": "The node was low on resource: memory." });
    api.create(&evicted).await?;

    for (name, app) in [("answers", "well"), ("silent", "nobody")] {
        api.create(&json!({
            "apiVersion": "v1", "kind": "Service", "metadata": { "namespace": PLACE, "name": name },
            "spec": { "selector": { "app": app }, "ports": [{ "port": 80 }] },
        }))
        .await?;
    }
    api.create(&json!({
        "apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "addressType": "IPv4",
        "metadata": { "namespace": PLACE, "name": "answers-1", "labels": { "kubernetes.io/service-name": "answers" } },
        "endpoints": [{ "addresses": ["10.0.0.1"], "conditions": { "ready": true } }], "ports": [{ "port": 80 }],
    }))
    .await?;

    // Each of these is found by its own code, about its own object; services are given a minute.
    let wanted = [
        ("POD_CRASHLOOP", "crashes"),
        ("POD_OOMKILLED", "hungry"),
        ("POD_RESTARTS", "restarts"),
        ("POD_IMAGE_PULL", "imageless"),
        ("POD_CONFIG_ERROR", "keyless"),
        ("POD_NOT_READY", "unready"),
        ("POD_NOT_READY", "lost"),
        ("POD_EVICTED", "evicted"),
        ("NODE_PRESSURE", "report-full"),
        ("NODE_NOT_READY", "report-down"),
        ("GPU_UNHEALTHY", "report-cards"),
    ];
    let report = read(cluster).await?;
    for (code, name) in wanted {
        assert!(about(&report, code, name).is_some(), "no {code} about {name}: {}", report.to_json());
    }
    assert!(about(&report, "POD_CRASHLOOP", "crashes").unwrap().remedy.contains("command"), "127");
    let down = about(&report, "NODE_NOT_READY", "report-down").unwrap();
    assert_eq!(about(&report, "POD_NOT_READY", "lost").unwrap().caused_by.as_ref(), Some(&down.fingerprint));
    for well in ["well", "old-restarts", "done", "report-well", "answers"] {
        let said: Vec<&str> = report
            .findings
            .iter()
            .filter(|finding| finding.subject.name == well)
            .map(|finding| finding.code.as_str())
            .collect();
        assert!(said.is_empty(), "{well}: {said:?}");
    }
    assert_eq!(report.exit_code(), 3);
    assert_eq!(report.version.as_deref().map(|version| version.starts_with("v1.")), Some(true));
    api.delete(&format!("/api/v1/namespaces/{PLACE}")).await?;
    for name in ["report-well", "report-full", "report-cards", "report-down"] {
        api.delete(&format!("/api/v1/nodes/{name}")).await?;
    }
    Ok(())
}

pub(crate) async fn contexts_are_read_at_once(cluster: &Cluster) -> Outcome {
    let context = kubectl(cluster, "config current-context").await?.trim().to_owned();
    let sdk = sdk(cluster).await?;
    let fleet =
        told(sdk.reports([context.as_str(), "nowhere"]).each(|report| report.only(["default"])).await)?;
    assert_eq!(fleet.clusters.len(), 2);
    let report = fleet.clusters[0].report.as_ref().unwrap();
    assert!(report.sections.iter().any(|section| section.name == "nodes" && section.reason.is_none()));
    assert!(
        fleet.clusters[1].error.as_deref().is_some_and(|error| error.contains("nowhere")),
        "{:?}",
        fleet.clusters[1].error
    );
    Ok(())
}
