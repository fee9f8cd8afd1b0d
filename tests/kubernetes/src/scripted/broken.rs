//! A small cluster of the platform: as it is when all is well, and as it is on a bad day.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::Objects;

fn ago(minutes: i64) -> String {
    let time = Timestamp::now() - SignedDuration::from_mins(minutes);
    time.to_string()
}

const DAY: i64 = 24 * 60;

fn node(name: &str, gpus: u32, ready: bool) -> Value {
    let (status, reason) = if ready { ("True", "KubeletReady") } else { ("Unknown", "NodeStatusUnknown") };
    let amounts =
        json!({ "cpu": "64", "memory": "512Gi", "pods": "110", "nvidia.com/gpu": gpus.to_string() });
    json!({
        "metadata": {
            "name": name, "uid": format!("uid-{name}"), "creationTimestamp": ago(90 * DAY),
            "labels": { "nvidia.com/gpu.count": gpus.to_string(), "nvidia.com/gpu.present": "true", "nvidia.com/gpu.product": "NVIDIA-H100-80GB-HBM3" },
        },
        "spec": {},
        "status": {
            "capacity": amounts, "allocatable": amounts, "nodeInfo": { "kubeletVersion": "v1.36.3" },
            "conditions": [
                { "type": "MemoryPressure", "status": "False" },
                { "type": "Ready", "status": status, "reason": reason, "lastTransitionTime": ago(if ready { DAY } else { 12 }), "message": if ready { "kubelet is posting ready status" } else { "Kubelet stopped posting node status." } },
            ],
        },
    })
}

/// A pod of a deployment.
fn pod(namespace: &str, deployment: &str, number: u32, node: &str) -> Value {
    let name = format!("{deployment}-7c9f-{number:05}");
    json!({
        "metadata": {
            "name": name, "namespace": namespace, "uid": format!("uid-{name}"), "creationTimestamp": ago(3 * DAY),
            "labels": { "app": deployment, "pod-template-hash": "7c9f" },
            "ownerReferences": [{ "kind": "ReplicaSet", "name": format!("{deployment}-7c9f"), "controller": true }],
        },
        "spec": { "nodeName": node, "containers": [{ "name": "main", "image": format!("registry.example.com/{deployment}:1.4.2"), "resources": {} }] },
        "status": {
            "phase": "Running", "podIP": "10.0.0.7",
            "conditions": [
                { "type": "PodScheduled", "status": "True" },
                { "type": "Initialized", "status": "True" },
                { "type": "Ready", "status": "True", "lastTransitionTime": ago(DAY) },
            ],
            "containerStatuses": [{ "name": "main", "ready": true, "restartCount": 0, "state": { "running": { "startedAt": ago(DAY) } } }],
        },
    })
}

fn deployment(namespace: &str, name: &str, wanted: u32, ready: u32) -> Value {
    let available = if ready < wanted { "False" } else { "True" };
    json!({
        "metadata": { "name": name, "namespace": namespace, "generation": 1, "creationTimestamp": ago(30 * DAY) },
        "spec": { "replicas": wanted, "selector": { "matchLabels": { "app": name } }, "template": { "metadata": { "labels": { "app": name } } } },
        "status": {
            "observedGeneration": 1, "replicas": wanted, "updatedReplicas": wanted, "readyReplicas": ready, "availableReplicas": ready,
            "conditions": [
                { "type": "Available", "status": available, "lastTransitionTime": ago(11) },
                { "type": "Progressing", "status": "True", "reason": "NewReplicaSetAvailable" },
            ],
        },
    })
}

fn service(namespace: &str, name: &str, ready: usize) -> (Value, Value) {
    let service = json!({
        "metadata": { "name": name, "namespace": namespace, "creationTimestamp": ago(30 * DAY) },
        "spec": { "type": "ClusterIP", "clusterIP": "10.96.0.9", "selector": { "app": name }, "ports": [{ "port": 80, "protocol": "TCP" }] },
    });
    let endpoint = json!({ "addresses": ["10.0.0.7"], "conditions": { "ready": true } });
    let slice = json!({
        "metadata": { "name": format!("{name}-abcde"), "namespace": namespace, "labels": { "kubernetes.io/service-name": name } },
        "endpoints": vec![endpoint; ready],
    });
    (service, slice)
}

fn certificate(name: &str, begun: i64, left: i64) -> Value {
    let end = Timestamp::now() + SignedDuration::from_mins(left);
    json!({
        "metadata": { "name": name, "namespace": "bud-system" },
        "spec": { "secretName": name, "dnsNames": ["bud.example.com"], "issuerRef": { "kind": "ClusterIssuer", "name": "letsencrypt" } },
        "status": {
            "conditions": [{ "type": "Ready", "status": "True" }],
            "notBefore": ago(begun), "notAfter": end.to_string(),
        },
    })
}

fn event(kind: &str, namespace: &str, name: &str, reason: &str, message: &str, minutes: i64) -> Value {
    json!({
        "metadata": { "name": format!("{name}.{reason}"), "namespace": namespace },
        "type": "Warning", "reason": reason, "message": message, "count": 7,
        "firstTimestamp": ago(minutes + 20), "lastTimestamp": ago(minutes),
        "involvedObject": { "kind": kind, "namespace": namespace, "name": name, "uid": format!("uid-{name}") },
        "source": { "component": "kubelet" },
    })
}

/// What a test changes, by JSON pointers to what is there or may be added.
fn with(mut object: Value, changes: &[(&str, Value)]) -> Value {
    for (pointer, value) in changes {
        let (parent, name) = pointer.rsplit_once('/').unwrap_or(("", pointer));
        if let Some(parent) = object.pointer_mut(parent) {
            match name.parse::<usize>() {
                Ok(at) if parent.is_array() => parent[at] = value.clone(),
                _ => parent[name] = value.clone(),
            }
        }
    }
    object
}

/// The parts of a cluster while it is put together.
#[derive(Default)]
struct Parts {
    nodes: Vec<Value>,
    pods: Vec<Value>,
    deployments: Vec<Value>,
    services: Vec<Value>,
    slices: Vec<Value>,
    certificates: Vec<Value>,
    events: Vec<Value>,
}

impl Parts {
    /// A deployment with its pods, spread over nodes, and a service before it.
    fn app(&mut self, namespace: &str, name: &str, nodes: &[&str]) {
        let number = |number: usize| u32::try_from(number).unwrap_or_default();
        let pods = nodes.iter().enumerate().map(|(at, node)| pod(namespace, name, number(at), node));
        self.pods.extend(pods);
        self.deployments.push(deployment(namespace, name, number(nodes.len()), number(nodes.len())));
        let (service, slice) = service(namespace, name, nodes.len());
        self.services.push(service);
        self.slices.push(slice);
    }

    /// Of an app, so many pods are ready, and these things are said of the others.
    fn broken(&mut self, namespace: &str, name: &str, ready: usize, changes: &[(&str, Value)]) {
        let is = |object: &Value, app: &str| {
            object.pointer("/metadata/namespace").and_then(Value::as_str) == Some(namespace)
                && object.pointer("/metadata/labels/app").and_then(Value::as_str) == Some(app)
        };
        let mut wanted = 0;
        for pod in self.pods.iter_mut().filter(|pod| is(pod, name)) {
            wanted += 1;
            if wanted > ready {
                *pod = with(
                    std::mem::take(pod),
                    &[
                        (
                            "/status/conditions/2",
                            json!({ "type": "Ready", "status": "False", "lastTransitionTime": ago(11) }),
                        ),
                        ("/status/containerStatuses/0/ready", json!(false)),
                    ],
                );
                *pod = with(std::mem::take(pod), changes);
            }
        }
        let number = |number: usize| u32::try_from(number).unwrap_or_default();
        let place = |objects: &[Value]| {
            objects.iter().position(|object| {
                object["metadata"]["name"] == name && object["metadata"]["namespace"] == namespace
            })
        };
        if let Some(at) = place(&self.deployments) {
            self.deployments[at] = deployment(namespace, name, number(wanted), number(ready));
        }
        if let Some(at) = place(&self.services) {
            self.slices[at] = service(namespace, name, ready).1;
        }
    }

    fn objects(self) -> Objects {
        let usage = self.nodes.iter().map(|node| json!({ "metadata": { "name": node["metadata"]["name"] }, "usage": { "cpu": "12", "memory": "96Gi" } }));
        Objects::default()
            .with("metrics.k8s.io/nodes", usage.collect())
            .with("nodes", self.nodes)
            .with("pods", self.pods)
            .with("deployments", self.deployments)
            .with("services", self.services)
            .with("endpointslices", self.slices)
            .with("certificates", self.certificates)
            .with("events", self.events)
    }
}

fn parts() -> Parts {
    let mut parts = Parts {
        nodes: vec![node("gpu-1", 8, true), node("gpu-2", 8, true), node("gpu-3", 8, true)],
        ..Parts::default()
    };
    for app in ["budapp", "budcluster", "budmetrics", "budprompt"] {
        parts.app("bud-system", app, &["gpu-1", "gpu-2"]);
    }
    for app in ["budsim", "budnotify", "budeval"] {
        parts.app("bud-system", app, &["gpu-3", "gpu-3", "gpu-3", "gpu-3"]);
    }
    parts.app("bud-chat-0a1b2c3d", "llama-70b", &["gpu-1"]);
    let amount = json!({ "nvidia.com/gpu": "4" });
    if let Some(engine) = parts.pods.last_mut() {
        engine["spec"]["containers"][0]["resources"] = json!({ "requests": amount, "limits": amount });
    }
    parts.certificates = vec![certificate("bud-tls", 30 * DAY, 60 * DAY)];
    parts
}

pub(super) fn healthy() -> Objects {
    parts().objects()
}

pub(super) fn broken() -> Objects {
    let mut parts = parts();
    // A node is down, and with it three deployments.
    parts.nodes[2] = node("gpu-3", 8, false);
    for app in ["budsim", "budnotify", "budeval"] {
        parts.broken("bud-system", app, 0, &[]);
    }
    // One app's new version ends again and again.
    let crashed = json!([{
        "name": "main", "ready": false, "restartCount": 14, "state": { "waiting": { "reason": "CrashLoopBackOff", "message": "back-off 5m0s restarting failed container" } },
        "lastState": { "terminated": { "exitCode": 1, "reason": "Error", "finishedAt": ago(3) } },
    }]);
    parts.broken("bud-system", "budcluster", 1, &[("/status/containerStatuses", crashed)]);
    // Another one's image is not there.
    let answer = "Back-off pulling image \"registry.example.com/budprompt:1.4.2\": ErrImagePull: rpc error: code = NotFound desc = manifest unknown";
    let pulling = json!([{ "name": "main", "ready": false, "restartCount": 0, "state": { "waiting": { "reason": "ImagePullBackOff", "message": answer } } }]);
    parts.broken(
        "bud-system",
        "budprompt",
        1,
        &[("/status/containerStatuses", pulling), ("/status/phase", json!("Pending"))],
    );
    // A model asks for more GPUs than any node has free.
    parts.app("bud-search-4e5f6a7b", "qwen-235b", &[""]);
    let reasons = "0/3 nodes are available: 1 node(s) had untolerated taint(s) {node.kubernetes.io/unreachable: }, 2 Insufficient nvidia.com/gpu. preemption: 0/3 nodes are available: 3 Preemption is not helpful for scheduling.";
    let asks = json!([{ "name": "vllm", "image": "vllm/vllm-openai:0.11", "resources": { "requests": { "nvidia.com/gpu": "16" }, "limits": { "nvidia.com/gpu": "16" } } }]);
    parts.broken("bud-search-4e5f6a7b", "qwen-235b", 0, &[
        ("/spec", json!({ "containers": asks })),
        ("/status", json!({ "phase": "Pending", "conditions": [{ "type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": reasons, "lastTransitionTime": ago(25) }] })),
    ]);
    // A certificate is not renewed.
    parts.certificates.push(certificate("bud-gateway", 85 * DAY, 3 * DAY));
    parts.events.push(event(
        "Pod",
        "bud-system",
        "budcluster-7c9f-00001",
        "BackOff",
        "Back-off restarting failed container",
        1,
    ));
    parts.objects().log(
        "bud-system",
        "budcluster-7c9f-00001",
        "main/previous",
        "starting budcluster 1.4.2\nconnecting to postgresql://bud:hunter2@bud-postgresql:5432/budcluster\nsqlalchemy.exc.OperationalError: database \"budcluster\" does not exist\n",
    )
}
