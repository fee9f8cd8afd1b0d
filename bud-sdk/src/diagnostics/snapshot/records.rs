//! What is kept of each object.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::Shared;
use crate::kubernetes::calls::dapr::{DaprSidecar, DaprState, is_of_dapr};
use crate::kubernetes::calls::gpu_readings::is_engine;
use crate::kubernetes::calls::pods::{Pod, given};
use crate::kubernetes::calls::workloads::{Kind, Rollout};
use crate::kubernetes::objects::hami;
use crate::kubernetes::objects::requests::{gpus, requested};
use crate::kubernetes::objects::{self, Condition, condition};
use crate::report::Subject;
use crate::types::Timestamp;

/// A pod. Of one in trouble, all that was read.
#[derive(Debug)]
pub(in crate::diagnostics) struct PodRecord {
    pub(in crate::diagnostics) name: Box<str>,
    pub(in crate::diagnostics) namespace: Arc<str>,
    pub(in crate::diagnostics) node: Option<Arc<str>>,
    /// What made it; the deployment, where a replica set of one did.
    pub(in crate::diagnostics) owner: Option<Arc<Subject>>,
    pub(in crate::diagnostics) labels: Arc<BTreeMap<String, String>>,
    pub(in crate::diagnostics) ready: bool,
    /// It has done its work, or failed at it.
    pub(in crate::diagnostics) ended: bool,
    /// The GPUs that it asks for, by resource.
    pub(in crate::diagnostics) gpus: Box<[(Arc<str>, u32)]>,
    /// It runs a model.
    pub(in crate::diagnostics) engine: bool,
    pub(in crate::diagnostics) created_at: Option<Timestamp>,
    /// The volumes that it claims.
    pub(in crate::diagnostics) claims: Box<[Box<str>]>,
    /// Its sidecar, if it should have one.
    pub(in crate::diagnostics) dapr: Option<Box<DaprSidecar>>,
    /// All of it, if it belongs to Dapr's control plane.
    pub(in crate::diagnostics) of_dapr: Option<Box<objects::Pod>>,
    pub(in crate::diagnostics) trouble: Option<Box<Trouble>>,
}

/// A pod that is not well, or was not lately.
#[derive(Debug)]
pub(in crate::diagnostics) struct Trouble {
    pub(in crate::diagnostics) pod: objects::Pod,
    /// What kubectl prints as STATUS.
    pub(in crate::diagnostics) status: String,
    pub(in crate::diagnostics) healthy: bool,
}

/// What happened longer ago is history.
const DAY: Duration = Duration::from_secs(24 * 3600);

impl PodRecord {
    pub(in crate::diagnostics) fn of(pod: objects::Pod, now: Timestamp, shared: &mut Shared) -> Self {
        let shown = Pod::of(&pod, now);
        let containers = || pod.spec.containers.iter().chain(&pod.spec.init_containers);
        let mut asked: Vec<&String> =
            containers().flat_map(|container| gpus(&container.resources.requests)).collect();
        asked.sort_unstable();
        asked.dedup();
        let amount = |resource: &str| u32::try_from(requested(&pod, resource).units()).unwrap_or_default();
        let asked: Vec<(Arc<str>, u32)> =
            asked.into_iter().map(|resource| (shared.text(resource), amount(resource))).collect();
        let claims = pod.spec.volumes.iter().filter_map(|volume| volume.persistent_volume_claim.as_ref());
        let claims: Vec<Box<str>> = claims.map(|claim| claim.claim_name.as_str().into()).collect();
        let dapr = DaprSidecar::of(&pod).map(Box::new);
        let quiet = shown.healthy
            && pod.metadata.deletion_timestamp.is_none()
            && !ended_lately(&pod, now)
            && dapr.as_ref().is_none_or(|sidecar| sidecar.state == DaprState::Healthy);
        Self {
            name: pod.metadata.name.as_str().into(),
            namespace: shared.text(&pod.metadata.namespace),
            node: given(&pod.spec.node_name).map(|node| shared.text(&node)),
            owner: maker(&pod.metadata).map(|owner| shared.subject(owner)),
            labels: shared.labels(pod.metadata.labels.clone()),
            ready: objects::holds(&pod.status.conditions, "Ready"),
            ended: matches!(pod.status.phase.as_str(), "Succeeded" | "Failed"),
            gpus: asked.into(),
            engine: is_engine(&pod),
            created_at: pod.metadata.creation_timestamp,
            claims: claims.into(),
            dapr,
            of_dapr: is_of_dapr(&pod.metadata).then(|| Box::new(pod.clone())),
            trouble: (!quiet)
                .then(|| Box::new(Trouble { status: shown.status, healthy: shown.healthy, pod })),
        }
    }

    pub(in crate::diagnostics) fn subject(&self) -> Subject {
        Subject::new("Pod", &self.namespace, &self.name)
    }
    /// The node that it is on.
    pub(in crate::diagnostics) fn node(&self) -> Option<&str> {
        self.node.as_deref()
    }
}

fn ended_lately(pod: &objects::Pod, now: Timestamp) -> bool {
    let statuses = pod.status.container_statuses.iter().chain(&pod.status.init_container_statuses);
    statuses.into_iter().any(|status| {
        let ended = status.last_state.terminated.as_ref().and_then(|ended| ended.finished_at);
        status.restart_count > 0 && ended.is_some_and(|at| now.since(at) < DAY)
            || status.state.terminated.as_ref().is_some_and(|ended| ended.exit_code != 0)
    })
}

/// What made an object. A deployment's replica sets are named after it and the hash of their pods' template.
pub(in crate::diagnostics) fn maker(meta: &objects::Meta) -> Option<Subject> {
    let owners = &meta.owner_references;
    let owner = owners.iter().find(|owner| owner.controller).or_else(|| owners.first())?;
    let hash = meta.labels.get("pod-template-hash").filter(|_| owner.kind == "ReplicaSet");
    let deployment = hash.and_then(|hash| owner.name.strip_suffix(hash.as_str())?.strip_suffix('-'));
    Some(match deployment {
        Some(deployment) => Subject::new("Deployment", &meta.namespace, deployment),
        None => Subject::new(&owner.kind, &meta.namespace, &owner.name),
    })
}

/// A node.
#[derive(Debug)]
pub(in crate::diagnostics) struct NodeRecord {
    pub(in crate::diagnostics) name: Box<str>,
    /// The condition of that name.
    pub(in crate::diagnostics) ready: Option<Condition>,
    /// Conditions that are bad when they hold, and hold.
    pub(in crate::diagnostics) bad: Vec<Condition>,
    pub(in crate::diagnostics) schedulable: bool,
    /// Since when no pods are placed on it.
    pub(in crate::diagnostics) cordoned_at: Option<Timestamp>,
    pub(in crate::diagnostics) created_at: Option<Timestamp>,
    pub(in crate::diagnostics) kubelet_version: Box<str>,
    pub(in crate::diagnostics) gpus: Vec<GpuRecord>,
    /// Its labels say that it has GPUs.
    pub(in crate::diagnostics) gpu_present: bool,
    pub(in crate::diagnostics) cards: Option<u32>,
    pub(in crate::diagnostics) product: Option<Box<str>>,
    /// HAMi's own register of the cards.
    pub(in crate::diagnostics) hami_register: Option<Box<str>>,
    pub(in crate::diagnostics) hami_handshake: Option<Box<str>>,
    /// Thousandths of cores that may be given to pods.
    pub(in crate::diagnostics) cpu_millis: i64,
    pub(in crate::diagnostics) memory_bytes: i64,
}

/// One kind of GPU of a node.
#[derive(Debug)]
pub(in crate::diagnostics) struct GpuRecord {
    pub(in crate::diagnostics) resource: Box<str>,
    pub(in crate::diagnostics) capacity: u32,
    pub(in crate::diagnostics) allocatable: u32,
}

/// What a node is short of, as the kubelet itself reports it.
pub(in crate::diagnostics) const PRESSURES: [&str; 3] = ["MemoryPressure", "DiskPressure", "PIDPressure"];
/// That a node's network is not set up.
pub(in crate::diagnostics) const NETWORK: &str = "NetworkUnavailable";
/// What node-problem-detector and the like report as bad. Others may be good: `EtcdIsVoter`.
const PROBLEMS: [&str; 8] = [
    "KernelDeadlock",
    "ReadonlyFilesystem",
    "FrequentKubeletRestart",
    "FrequentContainerdRestart",
    "FrequentDockerRestart",
    "FrequentUnregisterNetDevice",
    "CorruptDockerOverlay2",
    "XidError",
];

impl NodeRecord {
    pub(in crate::diagnostics) fn of(node: &objects::Node) -> Self {
        let (spec, status, meta) = (&node.spec, &node.status, &node.metadata);
        let bad = status.conditions.iter().filter(|condition| {
            let kind = condition.kind.as_str();
            let good = ["Ready", "Healthy", "Available", "Present", "Ok", "OK"];
            let of_gpu = (kind.starts_with("Gpu") || kind.starts_with("GPU"))
                && !good.iter().any(|end| kind.ends_with(end));
            let known = PRESSURES.contains(&kind) || kind == NETWORK || PROBLEMS.contains(&kind);
            condition.status == "True" && (known || of_gpu)
        });
        let mut resources: Vec<&String> = gpus(&status.capacity).chain(gpus(&status.allocatable)).collect();
        resources.sort_unstable();
        resources.dedup();
        let count = |amounts: &objects::Amounts, resource: &str| {
            u32::try_from(amounts.of(resource).units()).unwrap_or_default()
        };
        let gpu = |resource: &String| GpuRecord {
            resource: resource.as_str().into(),
            capacity: count(&status.capacity, resource),
            allocatable: count(&status.allocatable, resource),
        };
        let label = |name: &str| meta.labels.get(name);
        let cordoned = spec.taints.iter().find(|taint| taint.key == "node.kubernetes.io/unschedulable");
        Self {
            name: meta.name.as_str().into(),
            ready: condition(&status.conditions, "Ready").cloned(),
            bad: bad.cloned().collect(),
            schedulable: !spec.unschedulable,
            cordoned_at: cordoned.and_then(|taint| taint.time_added),
            created_at: meta.creation_timestamp,
            kubelet_version: status.node_info.kubelet_version.as_str().into(),
            gpus: resources.into_iter().map(gpu).collect(),
            gpu_present: label("nvidia.com/gpu.present").is_some_and(|present| present == "true")
                || label("nvidia.com/gpu.count").is_some_and(|count| count != "0"),
            cards: label("nvidia.com/gpu.count").and_then(|count| count.parse().ok()),
            product: label("nvidia.com/gpu.product").map(|product| product.as_str().into()),
            hami_register: meta.annotations.get(hami::REGISTER).map(Into::into),
            hami_handshake: meta.annotations.get(hami::HANDSHAKE).map(Into::into),
            cpu_millis: status.allocatable.of("cpu").millis(),
            memory_bytes: status.allocatable.of("memory").units(),
        }
    }
}

/// A deployment, stateful set or daemon set.
#[derive(Debug)]
pub(in crate::diagnostics) struct WorkloadRecord {
    pub(in crate::diagnostics) subject: Subject,
    /// The labels of its pods.
    pub(in crate::diagnostics) labels: BTreeMap<String, String>,
    /// How far its rollout is, and how many pods it should have and has.
    pub(in crate::diagnostics) rollout: Rollout,
    pub(in crate::diagnostics) ready: u32,
    pub(in crate::diagnostics) conditions: Vec<Condition>,
    /// Its controller has not seen its newest form.
    pub(in crate::diagnostics) unseen: bool,
    pub(in crate::diagnostics) paused: bool,
    /// All of it, if it belongs to Dapr's control plane.
    pub(in crate::diagnostics) of_dapr: Option<Box<objects::Workload>>,
    /// Pods of a daemon set on nodes where they should not be.
    pub(in crate::diagnostics) misscheduled: u32,
    pub(in crate::diagnostics) created_at: Option<Timestamp>,
    /// When anybody last wrote it.
    pub(in crate::diagnostics) touched_at: Option<Timestamp>,
}

impl WorkloadRecord {
    pub(in crate::diagnostics) fn of(workload: objects::Workload, kind: Kind) -> Self {
        let rollout = Rollout::of(&workload, kind);
        let of_dapr = is_of_dapr(&workload.metadata).then(|| Box::new(workload.clone()));
        let objects::Workload { metadata, spec, status } = workload;
        Self {
            subject: Subject::new(kind.name(), &metadata.namespace, &metadata.name),
            labels: spec.template.metadata.labels,
            rollout,
            ready: if kind == Kind::DaemonSet { status.number_ready } else { status.ready_replicas },
            unseen: metadata.generation > status.observed_generation,
            conditions: status.conditions,
            paused: spec.paused,
            of_dapr,
            misscheduled: status.number_misscheduled,
            created_at: metadata.creation_timestamp,
            touched_at: metadata.touched.0,
        }
    }
}

/// A service.
#[derive(Debug)]
pub(in crate::diagnostics) struct ServiceRecord {
    pub(in crate::diagnostics) namespace: String,
    pub(in crate::diagnostics) name: String,
    pub(in crate::diagnostics) kind: String,
    pub(in crate::diagnostics) selector: BTreeMap<String, String>,
    /// Pods that are not ready count for it, too.
    pub(in crate::diagnostics) unready_too: bool,
    /// It was given an address outside.
    pub(in crate::diagnostics) balanced: bool,
    pub(in crate::diagnostics) created_at: Option<Timestamp>,
}

impl ServiceRecord {
    pub(in crate::diagnostics) fn of(service: objects::Service) -> Self {
        let objects::Service { metadata, spec, status } = service;
        Self {
            namespace: metadata.namespace,
            name: metadata.name,
            kind: spec.kind,
            selector: spec.selector,
            unready_too: spec.publish_not_ready_addresses,
            balanced: !status.load_balancer.ingress.is_empty(),
            created_at: metadata.creation_timestamp,
        }
    }
}

/// An event.
#[derive(Debug)]
pub(in crate::diagnostics) struct EventRecord {
    /// What it is about.
    pub(in crate::diagnostics) kind: Arc<str>,
    pub(in crate::diagnostics) namespace: Arc<str>,
    pub(in crate::diagnostics) name: Arc<str>,
    pub(in crate::diagnostics) uid: Box<str>,
    pub(in crate::diagnostics) reason: Arc<str>,
    pub(in crate::diagnostics) warning: bool,
    pub(in crate::diagnostics) message: Box<str>,
    pub(in crate::diagnostics) count: u32,
    pub(in crate::diagnostics) first_at: Option<Timestamp>,
    pub(in crate::diagnostics) at: Option<Timestamp>,
}

/// What is kept of a message.
const MESSAGE: usize = 500;

impl EventRecord {
    /// Nothing of what no rule looks at.
    pub(in crate::diagnostics) fn of(
        event: &objects::Event,
        now: Timestamp,
        shared: &mut Shared,
    ) -> Option<Self> {
        let warning = event.kind != "Normal";
        if !warning && !matches!(event.reason.as_str(), "Pulling" | "ExternalProvisioning") {
            return None;
        }
        let told = crate::kubernetes::Event::of(event, now);
        let object = &event.involved_object;
        let namespace =
            if object.namespace.is_empty() { &event.metadata.namespace } else { &object.namespace };
        Some(Self {
            kind: shared.text(&object.kind),
            namespace: shared.text(namespace),
            name: shared.text(&object.name),
            uid: object.uid.as_str().into(),
            reason: shared.text(&event.reason),
            warning,
            message: crate::operation::clean(&crate::report::redact(&event.message), MESSAGE).into(),
            count: told.count,
            first_at: told.first_at,
            at: told.at,
        })
    }
}
