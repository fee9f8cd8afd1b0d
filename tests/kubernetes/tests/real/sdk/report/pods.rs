//! Pods, each with a twin that is as near to it as one that is well can be.

use bud_kubernetes_testbed::{Cluster as Bed, Outcome};
use serde_json::{Value, json};

use super::{
    Case, Old, PLACE, ago, condition, container, ended, pod, running, said, told, up, waiting, well,
};

pub(super) const CASES: &[Case] = &[
    ("POD_CRASHLOOP", ("Pod", "crashes"), ("Pod", "crashed-once")),
    ("POD_OOMKILLED", ("Pod", "hungry"), ("Pod", "hungry-once")),
    ("POD_RESTARTS", ("Pod", "restarts"), ("Pod", "restarted-long-ago")),
    ("POD_IMAGE_PULL", ("Pod", "imageless"), ("Pod", "pulls")),
    ("POD_CONFIG_ERROR", ("Pod", "keyless"), ("Pod", "well")),
    ("POD_UNSCHEDULABLE", ("Pod", "refused"), ("Pod", "well")),
    ("POD_NO_SCHEDULER", ("Pod", "unseen"), ("Pod", "well")),
    ("POD_SCHED_GATED", ("Pod", "gated"), ("Pod", "well")),
    ("POD_STUCK_CREATING", ("Pod", "stuck"), ("Pod", "pulls")),
    ("POD_NOT_READY", ("Pod", "unready"), ("Pod", "wakes")),
    ("POD_TERMINATING_STUCK", ("Pod", "stays"), ("Pod", "leaves")),
    ("POD_EVICTED", ("Pod", "evicted"), ("Pod", "done")),
    ("POD_FAILED", ("Pod", "failed"), ("Pod", "done")),
    ("POD_UNKNOWN", ("Pod", "unheard"), ("Pod", "well")),
    ("VLLM_NOT_READY", ("Pod", "model-stuck"), ("Pod", "model-loads")),
];

/// Without a node.
fn waits(name: &str, conditions: &[Value]) -> Value {
    let mut waits = pod(PLACE, name, "node", json!({ "phase": "Pending", "conditions": conditions }));
    waits["spec"].as_object_mut().unwrap().remove("nodeName");
    waits
}

pub(crate) async fn what_is_planted_of_pods(_: &Bed) -> Outcome {
    const DAYS: i64 = 3 * 86_400;
    let old = Old::start().await?;
    old.bed.add_namespace(PLACE).await?;
    old.node("node", json!({}), vec![]).await?;
    let none = || json!({});
    let runs = |ready: bool, restarts: u32, state: Value, last: Value| {
        running(ready, container(ready, restarts, state, last))
    };
    let starts = |reason: &str, seconds: i64| {
        let mut placed = condition("PodScheduled", "True");
        placed["lastTransitionTime"] = ago(seconds).into();
        let conditions = [placed, condition("Ready", "False")];
        json!({ "phase": "Pending", "conditions": conditions,
            "containerStatuses": [container(false, 0, waiting(reason, "as it was planted"), none())] })
    };
    let loads = |seconds: i64| {
        let mut status = runs(false, 0, up(seconds), none());
        status["conditions"][2]["lastTransitionTime"] = ago(seconds).into();
        status
    };
    for (name, status) in [
        ("well", well()),
        ("crashes", runs(false, 7, waiting("CrashLoopBackOff", "back-off 5m0s"), ended(127, "Error", 60))),
        ("crashed-once", runs(true, 1, up(1200), ended(1, "Error", 1200))),
        ("hungry", runs(true, 2, up(600), ended(137, "OOMKilled", 600))),
        ("hungry-once", runs(true, 1, up(DAYS), ended(137, "OOMKilled", DAYS))),
        ("restarts", runs(true, 9, up(1200), ended(1, "Error", 1200))),
        ("restarted-long-ago", runs(true, 9, up(DAYS), ended(1, "Error", DAYS))),
        ("imageless", starts("ImagePullBackOff", 600)),
        ("keyless", starts("CreateContainerConfigError", 600)),
        ("stuck", starts("ContainerCreating", 1200)),
        ("pulls", starts("ContainerCreating", 30)),
        ("unready", loads(1200)),
        ("wakes", loads(20)),
        (
            "done",
            json!({ "phase": "Succeeded", "containerStatuses": [container(false, 0, ended(0, "Completed", 600), none())] }),
        ),
        (
            "failed",
            json!({ "phase": "Failed", "containerStatuses": [container(false, 0, ended(3, "Error", 600), none())] }),
        ),
        (
            "evicted",
            json!({ "phase": "Failed", "reason": "Evicted", "message": "The node was low on resource: memory." }),
        ),
        ("stays", well()),
        ("leaves", well()),
    ] {
        old.create(pod(PLACE, name, "node", status)).await?;
    }
    let mut unheard = well();
    unheard["conditions"][2]["status"] = "Unknown".into();
    old.create(pod(PLACE, "unheard", "node", unheard)).await?;
    let why = "0/1 nodes are available: 1 Insufficient cpu.";
    old.create(waits("refused", &[said("PodScheduled", "False", "Unschedulable", why)])).await?;
    old.create(waits("unseen", &[])).await?;
    let mut gated = waits("gated", &[]);
    gated.as_object_mut().unwrap().remove("status");
    gated["spec"]["schedulingGates"] = json!([{ "name": "kueue.x-k8s.io/admission" }]);
    old.create(gated).await?;
    // The one was to be gone an hour ago, the other has another hour.
    for (name, grace) in [("stays", 1), ("leaves", 7200)] {
        let path = format!("/api/v1/namespaces/{PLACE}/pods/{name}?gracePeriodSeconds={grace}");
        let answer = old.bed.api().send("DELETE", &path, "application/json", None).await?;
        assert_eq!(answer.status, 200, "{}", answer.text);
    }
    for (name, seconds) in [("model-stuck", 1200), ("model-loads", 20)] {
        let mut model = pod(PLACE, name, "node", loads(seconds));
        model["spec"]["containers"][0]["args"] = json!(["-m", "vllm.entrypoints.openai.api_server"]);
        old.create(model).await?;
    }
    old.compare(&told(old.sdk.report().await)?, CASES);
    Ok(())
}
