//! Workloads, and what stands around them: services, volumes, autoscalers, and the events that tell of them.

use bud_kubernetes_testbed::{Cluster as Bed, Outcome};
use serde_json::{Value, json};

use super::{Case, Old, PLACE, ago, condition, said, told};

pub(super) const CASES: &[Case] = &[
    ("DEP_NOT_PROGRESSING", ("Deployment", "late"), ("Deployment", "whole")),
    ("DEP_DEGRADED", ("Deployment", "half"), ("Deployment", "whole")),
    ("DEP_ZERO", ("Deployment", "asleep"), ("Deployment", "whole")),
    ("DEP_PAUSED", ("Deployment", "paused"), ("Deployment", "whole")),
    ("STS_ZERO", ("StatefulSet", "sleeps"), ("StatefulSet", "stands")),
    ("STS_ROLLOUT", ("StatefulSet", "waits"), ("StatefulSet", "stands")),
    ("DS_ROLLOUT", ("DaemonSet", "misses"), ("DaemonSet", "everywhere")),
    ("JOB_FAILED", ("Job", "gave-up"), ("Job", "done")),
    ("SVC_NO_ENDPOINTS", ("Service", "mute"), ("Service", "answers")),
    ("SVC_LB_PENDING", ("Service", "inside"), ("Service", "outside")),
    ("PVC_PENDING", ("PersistentVolumeClaim", "empty"), ("PersistentVolumeClaim", "bound")),
    ("PVC_LOST", ("PersistentVolumeClaim", "lost"), ("PersistentVolumeClaim", "bound")),
    ("HPA_MAXED", ("HorizontalPodAutoscaler", "maxed"), ("HorizontalPodAutoscaler", "scales")),
    ("HPA_BLIND", ("HorizontalPodAutoscaler", "blind"), ("HorizontalPodAutoscaler", "scales")),
    ("EVENT_STORM", ("Event", "Storms/Pod"), ("Event", "Drizzles/Pod")),
    ("QUOTA_BLOCKED", ("Deployment", "blocked"), ("Deployment", "whole")),
    ("WEBHOOK_DOWN", ("Webhook", "down.example"), ("Webhook", "back.example")),
];

/// An object in the place.
fn object(version: &str, kind: &str, name: &str, spec: Value, status: Value) -> Value {
    json!({
        "apiVersion": version, "kind": kind, "metadata": { "namespace": PLACE, "name": name },
        "spec": spec, "status": status,
    })
}

/// A workload of three pods, of which so many are there.
fn workload(kind: &str, name: &str, ready: u32, conditions: Vec<Value>) -> Value {
    let status = match kind {
        "DaemonSet" => json!({
            "observedGeneration": 1, "desiredNumberScheduled": 3, "currentNumberScheduled": 3, "numberReady": ready,
            "updatedNumberScheduled": 3, "numberAvailable": ready, "numberMisscheduled": 0, "numberUnavailable": 3 - ready,
        }),
        "StatefulSet" => json!({
            "observedGeneration": 1, "replicas": 3, "readyReplicas": ready, "availableReplicas": ready,
            "currentReplicas": 3, "updatedReplicas": 3, "currentRevision": "a", "updateRevision": "a",
        }),
        _ => json!({
            "observedGeneration": 1, "replicas": 3, "readyReplicas": ready, "availableReplicas": ready,
            "updatedReplicas": 3, "unavailableReplicas": 3 - ready, "conditions": conditions,
        }),
    };
    let mut made = crate::objects::set(kind, PLACE, name, "nowhere");
    if kind != "DaemonSet" {
        made["spec"]["replicas"] = 3.into();
    }
    made["status"] = status;
    made
}

fn event(reason: &str, kind: &str, about: &str, count: u32, seconds: i64, message: &str) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Event", "type": "Warning", "reason": reason, "message": message, "count": count,
        "metadata": { "namespace": PLACE, "name": format!("{about}.{}", reason.to_lowercase()) },
        "involvedObject": { "kind": kind, "namespace": PLACE, "name": about },
        "source": { "component": "planted" },
        "firstTimestamp": ago(seconds + 120), "lastTimestamp": ago(seconds),
    })
}

async fn workloads(old: &Old) -> Outcome {
    let good = || {
        vec![
            said("Available", "True", "MinimumReplicasAvailable", ""),
            said("Progressing", "True", "NewReplicaSetAvailable", ""),
        ]
    };
    let short =
        |progress: Value| vec![said("Available", "False", "MinimumReplicasUnavailable", ""), progress];
    let late = said("Progressing", "False", "ProgressDeadlineExceeded", "has timed out progressing");
    let done = said("Progressing", "True", "NewReplicaSetAvailable", "");
    let over = "pods \"blocked-5d9-x\" is forbidden: exceeded quota: compute, requested: cpu=1, used: cpu=8, limited: cpu=8";
    let mut asleep = workload("Deployment", "asleep", 0, good());
    asleep["spec"]["replicas"] = 0.into();
    asleep["status"] = json!({ "observedGeneration": 1, "conditions": good() });
    let mut sleeps = workload("StatefulSet", "sleeps", 0, vec![]);
    sleeps["spec"]["replicas"] = 0.into();
    sleeps["status"] =
        json!({ "observedGeneration": 1, "replicas": 0, "currentRevision": "a", "updateRevision": "a" });
    let mut paused = workload("Deployment", "paused", 3, good());
    paused["spec"]["paused"] = true.into();
    let refused = said("ReplicaFailure", "True", "FailedCreate", over);
    for made in [
        workload("Deployment", "whole", 3, good()),
        workload("Deployment", "late", 1, short(late)),
        workload("Deployment", "half", 1, short(done.clone())),
        workload("Deployment", "blocked", 1, short(done).into_iter().chain([refused]).collect()),
        asleep,
        sleeps,
        paused,
        workload("StatefulSet", "stands", 3, vec![]),
        workload("StatefulSet", "waits", 1, vec![]),
        workload("DaemonSet", "everywhere", 3, vec![]),
        workload("DaemonSet", "misses", 1, vec![]),
    ] {
        old.create(made).await?;
    }
    let job = || json!({ "template": { "spec": { "restartPolicy": "Never", "containers": [{ "name": "main", "image": "registry.example/job:1" }] } } });
    let limit =
        |kind| said(kind, "True", "BackoffLimitExceeded", "Job has reached the specified backoff limit");
    let gave_up = json!({ "startTime": ago(1800), "failed": 7, "conditions": [limit("FailureTarget"), limit("Failed")] });
    let done = json!({
        "startTime": ago(1800), "completionTime": ago(1200), "succeeded": 1,
        "conditions": [condition("SuccessCriteriaMet", "True"), condition("Complete", "True")],
    });
    old.create(object("batch/v1", "Job", "gave-up", job(), gave_up)).await?;
    old.create(object("batch/v1", "Job", "done", job(), done)).await
}

async fn around(old: &Old) -> Outcome {
    let none = || json!(null);
    let service = |app: &str, kind: &str| json!({ "type": kind, "selector": { "app": app }, "ports": [{ "port": 80 }] });
    old.create(object("v1", "Service", "mute", service("nobody", "ClusterIP"), none())).await?;
    old.create(object("v1", "Service", "answers", service("whole", "ClusterIP"), none())).await?;
    let reached = json!({ "loadBalancer": { "ingress": [{ "ip": "192.0.2.1" }] } });
    old.create(object("v1", "Service", "inside", service("whole", "LoadBalancer"), none())).await?;
    old.create(object("v1", "Service", "outside", service("whole", "LoadBalancer"), reached)).await?;
    for name in ["answers", "inside", "outside"] {
        old.create(json!({
            "apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "addressType": "IPv4",
            "metadata": { "namespace": PLACE, "name": name, "labels": { "kubernetes.io/service-name": name } },
            "endpoints": [{ "addresses": ["10.0.0.1"], "conditions": { "ready": true } }], "ports": [{ "port": 80 }],
        }))
        .await?;
    }

    let claim = || json!({ "storageClassName": "gone", "accessModes": ["ReadWriteOnce"], "resources": { "requests": { "storage": "1Gi" } } });
    for (name, phase) in [("empty", "Pending"), ("bound", "Bound"), ("lost", "Lost")] {
        let status = json!({ "phase": phase });
        old.create(object("v1", "PersistentVolumeClaim", name, claim(), status)).await?;
    }

    let able = || said("AbleToScale", "True", "ReadyForNewScale", "");
    let active = |status: &str, reason: &str| said("ScalingActive", status, reason, "as it was planted");
    let limited = |status: &str, reason: &str| said("ScalingLimited", status, reason, "as it was planted");
    for (name, current, conditions) in [
        ("scales", 2, [able(), active("True", "ValidMetricFound"), limited("False", "DesiredWithinRange")]),
        ("maxed", 5, [able(), active("True", "ValidMetricFound"), limited("True", "TooManyReplicas")]),
        (
            "blind",
            2,
            [able(), active("False", "FailedGetResourceMetric"), limited("False", "DesiredWithinRange")],
        ),
    ] {
        let spec = json!({
            "minReplicas": 1, "maxReplicas": 5,
            "scaleTargetRef": { "apiVersion": "apps/v1", "kind": "Deployment", "name": "whole" },
        });
        let status =
            json!({ "currentReplicas": current, "desiredReplicas": current, "conditions": conditions });
        old.create(object("autoscaling/v2", "HorizontalPodAutoscaler", name, spec, status)).await?;
    }
    Ok(())
}

async fn events(old: &Old) -> Outcome {
    let call = |webhook: &str, service: &str| {
        format!(
            "Internal error occurred: failed calling webhook \"{webhook}\": failed to call webhook: Post \
             \"https://{service}.{PLACE}.svc:443/mutate?timeout=10s\": connect: connection refused"
        )
    };
    // What a quota kept from the twin it has meanwhile.
    let over = "pods \"whole-5d9-x\" is forbidden: exceeded quota: compute, requested: cpu=1, used: cpu=8, limited: cpu=8";
    for one in [
        event("Storms", "Pod", "wet", 500, 10, "again"),
        event("Drizzles", "Pod", "damp", 5, 10, "again"),
        event("FailedCreate", "ReplicaSet", "whole-5d9", 3, 600, over),
        event("FailedCreate", "ReplicaSet", "half-5d9", 3, 60, &call("down.example", "mute")),
        event("FailedCreate", "ReplicaSet", "once-5d9", 3, 1800, &call("back.example", "answers")),
    ] {
        old.create(one).await?;
    }
    Ok(())
}

pub(crate) async fn what_is_planted_of_workloads(_: &Bed) -> Outcome {
    let old = Old::start().await?;
    old.bed.add_namespace(PLACE).await?;
    workloads(&old).await?;
    around(&old).await?;
    events(&old).await?;
    let report = told(old.sdk.report().await)?;
    old.compare(&report, CASES);
    // The webhook's service has nobody behind it.
    let of = |code: &str| report.findings.iter().find(|finding| finding.code == code).unwrap();
    assert_eq!(of("WEBHOOK_DOWN").caused_by.as_ref(), Some(&of("SVC_NO_ENDPOINTS").fingerprint));
    Ok(())
}
