//! Many objects, each as large as they are: most of one is of no interest to anybody who lists.

use serde_json::{Value, json};

use super::{List, Objects};

pub(super) fn objects(nodes: usize, pods: usize, events: usize) -> Objects {
    let mut objects = Objects::default();
    objects.lists.insert("nodes".into(), List::Made(nodes, node));
    objects.lists.insert("pods".into(), List::Made(pods, pod));
    objects.lists.insert("events".into(), List::Made(events, event));
    objects
}

/// The same time always: what is listed twice is the same.
const LONG_AGO: &str = "2026-01-01T00:00:00Z";

fn managed(fields: usize) -> Vec<Value> {
    let field = |number: usize| {
        let name = format!("f:field-{number}");
        json!({ "manager": "kubelet", "operation": "Update", "apiVersion": "v1", "fieldsV1": { name: { "f:inner": {}, "f:other": {} } } })
    };
    (0..fields).map(field).collect()
}

fn node(number: usize) -> Value {
    let image = |image: usize| json!({ "names": [format!("registry.example.com/image-{image}@sha256:{number:064}")], "sizeBytes": 12_345_678 });
    json!({
        "metadata": {
            "name": format!("node-{number}"), "uid": format!("node-uid-{number}"), "creationTimestamp": LONG_AGO,
            "labels": { "kubernetes.io/hostname": format!("node-{number}"), "nvidia.com/gpu.product": "NVIDIA-H100" },
            "managedFields": managed(8),
        },
        "spec": {},
        "status": {
            "capacity": { "cpu": "64", "memory": "512Gi", "pods": "110", "nvidia.com/gpu": "8" },
            "allocatable": { "cpu": "64", "memory": "512Gi", "pods": "110", "nvidia.com/gpu": "8" },
            "conditions": [{ "type": "Ready", "status": "True", "reason": "KubeletReady", "lastTransitionTime": LONG_AGO }],
            "nodeInfo": { "kubeletVersion": "v1.36.3" },
            "images": (0..50).map(image).collect::<Vec<_>>(),
        },
    })
}

fn pod(number: usize) -> Value {
    let env: Vec<Value> =
        (0..20).map(|at| json!({ "name": format!("VARIABLE_{at}"), "value": "x".repeat(60) })).collect();
    let owner = number / 10;
    json!({
        "metadata": {
            "name": format!("app-{owner}-5d9f-{number:05}"), "namespace": format!("team-{}", owner % 50),
            "uid": format!("uid-{number}"), "creationTimestamp": LONG_AGO, "managedFields": managed(12),
            "annotations": { "example.com/large": "y".repeat(2000) },
            "labels": { "app": format!("app-{owner}"), "pod-template-hash": "5d9f" },
            "ownerReferences": [{ "kind": "ReplicaSet", "name": format!("app-{owner}-5d9f"), "uid": "u", "controller": true }],
        },
        "spec": {
            "nodeName": format!("node-{}", number % 5000),
            "containers": [{ "name": "main", "image": "registry.example.com/app:1", "env": env, "resources": { "requests": { "cpu": "100m", "memory": "256Mi" } } }],
        },
        "status": {
            "phase": "Running", "podIP": "10.0.0.1",
            "conditions": [{ "type": "Ready", "status": "True", "lastTransitionTime": LONG_AGO }],
            "containerStatuses": [{ "name": "main", "ready": true, "restartCount": 0, "state": { "running": { "startedAt": LONG_AGO } } }],
        },
    })
}

fn event(number: usize) -> Value {
    json!({
        "metadata": { "name": format!("app.{number:x}"), "namespace": format!("team-{}", number % 50), "managedFields": managed(2) },
        "type": "Warning", "reason": "Unhealthy", "message": format!("Readiness probe failed: HTTP probe failed with statuscode: 503 ({number})"),
        "count": 1, "firstTimestamp": LONG_AGO, "lastTimestamp": LONG_AGO,
        "involvedObject": { "kind": "Pod", "namespace": format!("team-{}", number % 50), "name": format!("app-{}-5d9f-{number:05}", number / 10), "uid": format!("uid-{number}") },
        "source": { "component": "kubelet", "host": format!("node-{}", number % 5000) },
    })
}
