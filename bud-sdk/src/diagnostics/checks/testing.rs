//! Snapshots for tests, from objects as Kubernetes has them.

use std::collections::BTreeMap;

use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::diagnostics::snapshot::{
    Context, EventRecord, NodeRecord, PodRecord, ServiceRecord, Shared, Snapshot, WorkloadRecord,
};
use crate::kubernetes::Certificate;
use crate::kubernetes::calls::services::behind;
use crate::kubernetes::calls::workloads::Kind;
use crate::kubernetes::objects;
use crate::report::{Draft, Finding, assemble};
use crate::types::Timestamp;

/// The moment of every snapshot.
pub(super) const NOW: &str = "2026-06-01T12:00:00Z";

pub(super) fn now() -> Timestamp {
    NOW.parse().unwrap()
}

/// So many seconds before.
pub(super) fn ago(seconds: u64) -> String {
    (now() - std::time::Duration::from_secs(seconds)).to_string()
}

/// A snapshot of these objects, by the plural names of their kinds: `{"pods": [...], "nodes": [...]}`. `bud-system` is the
/// platform's namespace. All that is not given was read and is empty.
pub(super) fn snapshot(objects: Value) -> Snapshot {
    fn each<T: DeserializeOwned>(objects: &Value, kind: &str) -> Vec<T> {
        let list = objects.get(kind).cloned().unwrap_or_else(|| json!([]));
        serde_json::from_value(list).unwrap()
    }
    let known = [
        "pods",
        "nodes",
        "deployments",
        "statefulsets",
        "daemonsets",
        "jobs",
        "services",
        "endpointslices",
        "claims",
        "classes",
        "autoscalers",
        "events",
        "certificates",
        "leases",
        "usage",
    ];
    for kind in objects.as_object().unwrap().keys() {
        assert!(known.contains(&kind.as_str()), "{kind}");
    }
    let now = now();
    let mut shared = Shared::default();
    let mut snapshot = Snapshot::empty(now, vec!["bud-system".to_owned()]);
    snapshot.pods = each::<objects::Pod>(&objects, "pods")
        .into_iter()
        .map(|pod| PodRecord::of(pod, now, &mut shared))
        .collect();
    snapshot.nodes = each::<objects::Node>(&objects, "nodes").iter().map(NodeRecord::of).collect();
    for (plural, kind) in [
        ("deployments", Kind::Deployment),
        ("statefulsets", Kind::StatefulSet),
        ("daemonsets", Kind::DaemonSet),
    ] {
        let all = each::<objects::Workload>(&objects, plural);
        snapshot.workloads.extend(all.into_iter().map(|one| WorkloadRecord::of(one, kind)));
    }
    snapshot.jobs = each(&objects, "jobs");
    snapshot.services =
        each::<objects::Service>(&objects, "services").into_iter().map(ServiceRecord::of).collect();
    snapshot.endpoints =
        each::<objects::EndpointSlice>(&objects, "endpointslices").iter().filter_map(behind).collect();
    snapshot.claims = each(&objects, "claims");
    snapshot.classes = each(&objects, "classes");
    snapshot.autoscalers = each(&objects, "autoscalers");
    let events = each::<objects::Event>(&objects, "events");
    snapshot.events = events.iter().filter_map(|event| EventRecord::of(event, now, &mut shared)).collect();
    snapshot.events.sort_by_key(|event| std::cmp::Reverse(event.at));
    let certificates = each::<objects::Certificate>(&objects, "certificates");
    snapshot.certificates = certificates.iter().map(|one| Certificate::of(one, now)).collect();
    let leases = each::<objects::Lease>(&objects, "leases");
    snapshot.leases =
        leases.into_iter().filter_map(|lease| Some((lease.metadata.name, lease.spec.renew_time?))).collect();
    snapshot.usage = each::<objects::NodeMetrics>(&objects, "usage")
        .into_iter()
        .map(|node| (node.metadata.name, (node.usage.of("cpu").millis(), node.usage.of("memory").units())))
        .collect::<BTreeMap<_, _>>();
    for section in [
        "pods",
        "nodes",
        "leases",
        "events",
        "workloads",
        "services",
        "jobs",
        "volumes",
        "autoscalers",
        "certificates",
        "metrics",
        "gpus",
    ] {
        snapshot.sections.add(section, 0, None);
    }
    snapshot
}

/// What all rules say of these objects.
pub(super) fn drafts(objects: Value) -> Vec<Draft> {
    let snapshot = snapshot(objects);
    super::find(&Context::of(&snapshot))
}

/// The same, folded and linked.
pub(super) fn findings(objects: Value) -> Vec<Finding> {
    assemble(drafts(objects))
}

/// Code, severity and name of what was found, in the order of the report.
pub(super) fn found(objects: Value) -> Vec<(String, String, String)> {
    let told = |finding: Finding| (finding.code, finding.severity.to_string(), finding.subject.name);
    findings(objects).into_iter().map(told).collect()
}

/// The codes of what was found.
pub(super) fn codes(objects: Value) -> Vec<String> {
    found(objects).into_iter().map(|(code, _, _)| code).collect()
}

/// A pod of the deployment `web` in `bud-system` on the node `n1` that runs and is ready, and what is changed of it, by JSON
/// pointers; the members on the way are made.
pub(super) fn pod(name: &str, changes: Value) -> Value {
    let mut pod = json!({
        "metadata": {
            "name": name, "namespace": "bud-system", "uid": format!("uid-{name}"), "creationTimestamp": ago(86_400 * 3),
            "labels": { "app": "web", "pod-template-hash": "5d9f" },
            "ownerReferences": [{ "kind": "ReplicaSet", "name": "web-5d9f", "controller": true }],
        },
        "spec": { "nodeName": "n1", "containers": [{ "name": "main", "image": "registry/web:1" }] },
        "status": {
            "phase": "Running",
            "conditions": [
                { "type": "PodScheduled", "status": "True" },
                { "type": "Initialized", "status": "True" },
                { "type": "Ready", "status": "True", "lastTransitionTime": ago(86_400) },
            ],
            "containerStatuses": [{ "name": "main", "ready": true, "restartCount": 0, "state": { "running": { "startedAt": ago(86_400) } } }],
        },
    });
    change(&mut pod, changes);
    pod
}

/// Sets what JSON pointers name.
pub(super) fn change(object: &mut Value, changes: Value) {
    for (pointer, value) in changes.as_object().unwrap() {
        let mut place = &mut *object;
        for part in pointer.split('/').skip(1) {
            let part = part.replace("~1", "/");
            place = match part.parse::<usize>() {
                Ok(at) if place.is_array() => &mut place[at],
                _ => &mut place[part.as_str()],
            };
        }
        *place = value.clone();
    }
}

/// A node that is well, and what is changed of it.
pub(super) fn node(name: &str, changes: Value) -> Value {
    let mut node = json!({
        "metadata": { "name": name, "creationTimestamp": ago(86_400 * 30), "labels": {} },
        "spec": {},
        "status": {
            "capacity": { "cpu": "8", "memory": "32Gi", "pods": "110" },
            "allocatable": { "cpu": "8", "memory": "32Gi", "pods": "110" },
            "conditions": [{ "type": "Ready", "status": "True", "lastTransitionTime": ago(86_400) }],
            "nodeInfo": { "kubeletVersion": "v1.36.3" },
        },
    });
    change(&mut node, changes);
    node
}

/// A deployment in `bud-system` with all its pods, and what is changed of it.
pub(super) fn deployment(name: &str, replicas: u32, changes: Value) -> Value {
    let mut deployment = json!({
        "metadata": { "name": name, "namespace": "bud-system", "generation": 2, "creationTimestamp": ago(86_400 * 3) },
        "spec": { "replicas": replicas, "template": { "metadata": { "labels": { "app": name } } } },
        "status": {
            "observedGeneration": 2, "replicas": replicas, "updatedReplicas": replicas, "readyReplicas": replicas,
            "availableReplicas": replicas,
            "conditions": [
                { "type": "Available", "status": "True", "lastTransitionTime": ago(3600) },
                { "type": "Progressing", "status": "True", "reason": "NewReplicaSetAvailable" },
            ],
        },
    });
    change(&mut deployment, changes);
    deployment
}

/// A warning about an object, so many seconds ago.
pub(super) fn warning(kind: &str, name: &str, uid: &str, reason: &str, message: &str, seconds: u64) -> Value {
    json!({
        "metadata": { "name": format!("{name}.{reason}.{seconds}"), "namespace": "bud-system" },
        "type": "Warning", "reason": reason, "message": message, "count": 3,
        "firstTimestamp": ago(seconds + 300), "lastTimestamp": ago(seconds),
        "involvedObject": { "kind": kind, "namespace": "bud-system", "name": name, "uid": uid },
    })
}
