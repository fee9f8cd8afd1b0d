//! One snapshot of a cluster: all that the rules look at, as small as it can be. A healthy pod takes some two hundred bytes;
//! only of those in trouble is all kept that was read.

mod read;
mod records;
mod sources;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

pub(super) use read::{Problem, Reader, Sections, Watch};
pub(super) use records::{
    EventRecord, NETWORK, NodeRecord, PRESSURES, PodRecord, ServiceRecord, Trouble, WorkloadRecord, maker,
};
pub(super) use sources::SOURCES;

use crate::kubernetes::objects;
use crate::kubernetes::{Certificate, GpuReading, PostgresPool};
use crate::report::Subject;
use crate::types::Timestamp;

/// A cluster at one moment.
#[derive(Debug)]
pub(super) struct Snapshot {
    /// The server's time.
    pub(super) now: Timestamp,
    /// The namespaces of the platform itself.
    pub(super) platform: Vec<String>,
    pub(super) version: Option<String>,
    pub(super) nodes: Vec<NodeRecord>,
    /// Whether pods were looked for in all namespaces. Nodes are always all there, so that what is summed up on one is not true
    /// where only some pods are.
    pub(super) everywhere: bool,
    /// The nodes whose GPUs a driver offers in resource slices; nothing where those were not all read.
    pub(super) offered: Option<BTreeSet<String>>,
    /// When the kubelet of a node was last heard of.
    pub(super) leases: BTreeMap<String, Timestamp>,
    /// Thousandths of a core and bytes of memory, by node.
    pub(super) usage: BTreeMap<String, (i64, i64)>,
    pub(super) pods: Vec<PodRecord>,
    pub(super) workloads: Vec<WorkloadRecord>,
    pub(super) jobs: Vec<objects::Job>,
    pub(super) services: Vec<ServiceRecord>,
    /// How many endpoints of a service are ready, of how many.
    pub(super) endpoints: BTreeMap<(String, String), (u32, u32)>,
    pub(super) claims: Vec<objects::VolumeClaim>,
    pub(super) classes: Vec<objects::StorageClass>,
    pub(super) autoscalers: Vec<objects::Autoscaler>,
    /// Warnings, and who pulls images: the newest first.
    pub(super) events: Vec<EventRecord>,
    pub(super) certificates: Vec<Certificate>,
    /// The connections of PostgreSQL, by namespace: only where commands may be run.
    pub(super) postgres: Vec<(String, PostgresPool)>,
    /// What engines' GPUs do, by namespace and pod: only where commands may be run.
    pub(super) readings: Vec<(String, String, Vec<GpuReading>)>,
    pub(super) sections: Sections,
}

impl Snapshot {
    pub(super) fn empty(now: Timestamp, platform: Vec<String>) -> Self {
        Self {
            now,
            platform,
            version: None,
            nodes: Vec::new(),
            everywhere: true,
            offered: Some(BTreeSet::new()),
            leases: BTreeMap::new(),
            usage: BTreeMap::new(),
            pods: Vec::new(),
            workloads: Vec::new(),
            jobs: Vec::new(),
            services: Vec::new(),
            endpoints: BTreeMap::new(),
            claims: Vec::new(),
            classes: Vec::new(),
            autoscalers: Vec::new(),
            events: Vec::new(),
            certificates: Vec::new(),
            postgres: Vec::new(),
            readings: Vec::new(),
            sections: Sections::default(),
        }
    }

    /// Whether the namespace is the platform's own.
    pub(super) fn is_platform(&self, namespace: &str) -> bool {
        self.platform.iter().any(|platform| platform == namespace)
    }

    /// Whether users are hit when something in this namespace is down: the platform, or its models.
    pub(super) fn is_critical_namespace(&self, namespace: &str) -> bool {
        self.is_platform(namespace) || crate::kubernetes::calls::gpu_readings::is_workload(namespace)
    }

    /// Whether every pod of the cluster is here.
    pub(super) fn all_pods(&self) -> bool {
        self.everywhere && self.sections.whole("pods")
    }

    /// How long ago it was, by the server's clock; no time at all for what is yet to come.
    pub(super) fn elapsed(&self, at: Timestamp) -> Duration {
        self.now.since(at)
    }
}

/// A snapshot with what is looked up in it.
pub(super) struct Context<'a> {
    pub(super) snapshot: &'a Snapshot,
    nodes: HashMap<&'a str, &'a NodeRecord>,
    workloads: HashMap<&'a Subject, &'a WorkloadRecord>,
    /// How many pods of an owner are ready.
    ready: HashMap<&'a Subject, u32>,
    events: HashMap<&'a str, Vec<&'a EventRecord>>,
}

impl<'a> Context<'a> {
    pub(super) fn of(snapshot: &'a Snapshot) -> Self {
        let mut ready: HashMap<&Subject, u32> = HashMap::new();
        for pod in &snapshot.pods {
            if let Some(owner) = &pod.owner {
                *ready.entry(owner).or_default() += u32::from(pod.ready);
            }
        }
        let mut events: HashMap<&str, Vec<&EventRecord>> = HashMap::new();
        for event in &snapshot.events {
            events.entry(&event.name).or_default().push(event);
        }
        Self {
            snapshot,
            nodes: snapshot.nodes.iter().map(|node| (&*node.name, node)).collect(),
            workloads: snapshot.workloads.iter().map(|one| (&one.subject, one)).collect(),
            ready,
            events,
        }
    }

    pub(super) fn node(&self, name: &str) -> Option<&'a NodeRecord> {
        self.nodes.get(name).copied()
    }
    pub(super) fn workload(&self, subject: &Subject) -> Option<&'a WorkloadRecord> {
        self.workloads.get(subject).copied()
    }
    /// How many pods of this owner are ready.
    pub(super) fn ready_of(&self, owner: &Subject) -> u32 {
        self.ready.get(owner).copied().unwrap_or_default()
    }
    /// The events about an object, the newest first. The kubelet gives nodes' names for their uids, so that those are told by
    /// kind and name; other objects by their uid, for a name may come again.
    pub(super) fn events_about(
        &self,
        kind: &'a str,
        namespace: &'a str,
        name: &str,
        uid: &'a str,
    ) -> impl Iterator<Item = &'a EventRecord> {
        let all = self.events.get(name).map(Vec::as_slice).unwrap_or_default();
        all.iter().copied().filter(move |event| {
            let same = kind == "Node" || uid.is_empty() || event.uid.is_empty() || &*event.uid == uid;
            &*event.kind == kind && (kind == "Node" || &*event.namespace == namespace) && same
        })
    }
}

/// What is made once and shared by all that have it.
#[derive(Debug, Default)]
pub(super) struct Shared {
    texts: std::collections::HashSet<Arc<str>>,
    labels: std::collections::HashSet<Arc<BTreeMap<String, String>>>,
    subjects: std::collections::HashSet<Arc<Subject>>,
}

impl Shared {
    fn text(&mut self, text: &str) -> Arc<str> {
        if let Some(known) = self.texts.get(text) {
            return known.clone();
        }
        let new: Arc<str> = text.into();
        self.texts.insert(new.clone());
        new
    }
    fn labels(&mut self, labels: BTreeMap<String, String>) -> Arc<BTreeMap<String, String>> {
        if let Some(known) = self.labels.get(&labels) {
            return known.clone();
        }
        let new = Arc::new(labels);
        self.labels.insert(new.clone());
        new
    }
    fn subject(&mut self, subject: Subject) -> Arc<Subject> {
        if let Some(known) = self.subjects.get(&subject) {
            return known.clone();
        }
        let new = Arc::new(subject);
        self.subjects.insert(new.clone());
        new
    }
}
