//! Taking the snapshot: every kind is listed once, page by page, a few at a time, until a common end.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use serde::de::DeserializeOwned;
use tokio::sync::Semaphore;
use tokio::time::Instant;

use super::{EventRecord, NodeRecord, PodRecord, ServiceRecord, Shared, Snapshot, WorkloadRecord};
use crate::error::{Error, ErrorKind, Result};
use crate::kubernetes::calls::services::behind;
use crate::kubernetes::calls::workloads::{APPS, Kind};
use crate::kubernetes::calls::{dra, top};
use crate::kubernetes::connection::request::{Ask, PAGE, Skipped};
use crate::kubernetes::objects;
use crate::kubernetes::{Certificate, Cluster, Namespaces};
use crate::report::Unavailable;
use crate::types::Timestamp;

/// Lists that are under way at a time.
const AT_ONCE: usize = 4;
/// Nodes are large: each names all the images that it has.
const NODES_AT_ONCE: usize = 250;
/// What a cluster may do without. All else is on every server, so that one without it is none.
const EXTRAS: [&str; 3] = ["/apis/cert-manager.io/", "/apis/metrics.k8s.io/", "/apis/resource.k8s.io/"];

/// How the reading of each section went, by its name.
#[derive(Debug, Default)]
pub(in crate::diagnostics) struct Sections(pub(in crate::diagnostics) BTreeMap<&'static str, Section>);

#[derive(Debug, Default)]
pub(in crate::diagnostics) struct Section {
    pub(in crate::diagnostics) objects: u64,
    pub(in crate::diagnostics) problem: Option<Problem>,
}

/// Why something was not read, or not all of it.
#[derive(Debug, Clone)]
pub(in crate::diagnostics) struct Problem {
    pub(in crate::diagnostics) reason: Unavailable,
    pub(in crate::diagnostics) detail: String,
    pub(in crate::diagnostics) missing_permission: Option<String>,
    /// What the server sent has objects that cannot be read.
    pub(in crate::diagnostics) unreadable: bool,
}

impl Problem {
    pub(in crate::diagnostics) fn new(reason: Unavailable, detail: impl Into<String>) -> Self {
        Self { reason, detail: detail.into(), missing_permission: None, unreadable: false }
    }

    fn unreadable(skipped: &Skipped, plural: &str) -> Option<Self> {
        let detail = skipped.detail(plural)?;
        Some(Self { unreadable: true, ..Self::new(Unavailable::Error, detail) })
    }

    pub(in crate::diagnostics) fn of(error: &Error) -> Self {
        let reason = match error.kind() {
            ErrorKind::PermissionDenied => Unavailable::Forbidden,
            ErrorKind::NotFound | ErrorKind::Unsupported => Unavailable::NotInstalled,
            ErrorKind::Timeout => Unavailable::Timeout,
            _ => Unavailable::Error,
        };
        let missing_permission = error.hint().and_then(|hint| hint.strip_prefix("missing permission: "));
        let detail = crate::report::redact(&crate::operation::clean(&error.to_string(), 500));
        Self { reason, detail, missing_permission: missing_permission.map(str::to_owned), unreadable: false }
    }

    /// The same, with the namespaces that were read all the same.
    fn but_read(self, namespaces: &[&str]) -> Self {
        match namespaces {
            [] => self,
            some => Self { detail: format!("read was only {}: {}", some.join(", "), self.detail), ..self },
        }
    }
}

impl Sections {
    /// A section of several lists has the objects of all, and the first problem.
    pub(in crate::diagnostics) fn add(
        &mut self,
        name: &'static str,
        objects: usize,
        problem: Option<Problem>,
    ) {
        let section = self.0.entry(name).or_default();
        section.objects += objects as u64;
        section.problem = section.problem.take().or(problem);
    }
    /// Whether all of it was read.
    pub(in crate::diagnostics) fn whole(&self, name: &str) -> bool {
        self.0.get(name).is_some_and(|section| section.problem.is_none())
    }
}

/// Told of a section when it has been read, and of pods in trouble while others are still to come.
pub(in crate::diagnostics) trait Watch: Sync {
    fn read(&self, section: &'static str, objects: usize);
    fn pod(&self, pod: &PodRecord, now: Timestamp);
}

/// Reads a snapshot.
pub(in crate::diagnostics) struct Reader<'a> {
    pub(in crate::diagnostics) cluster: &'a Cluster,
    /// The only namespaces to look at, if not all.
    pub(in crate::diagnostics) only: &'a [String],
    pub(in crate::diagnostics) platform: &'a [String],
    /// When the whole must be done, and how long one section may take.
    pub(in crate::diagnostics) deadline: Instant,
    pub(in crate::diagnostics) section: Duration,
    pub(in crate::diagnostics) watch: &'a dyn Watch,
    /// The server's time at its latest answer.
    pub(in crate::diagnostics) latest: &'a Mutex<Option<Timestamp>>,
}

type Listed<R> = (Vec<R>, Option<Problem>);

impl Reader<'_> {
    /// # Errors
    /// What keeps everything from being read: no connection, refused credentials. All else is told by section.
    pub(in crate::diagnostics) async fn snapshot(&self) -> Result<Snapshot> {
        let version = Ask::get("/version", "version", None);
        let read = self.cluster.read::<objects::Version>(&version);
        let (version, now) = match tokio::time::timeout_at(self.deadline, read).await {
            Ok(Ok((version, now))) => (Some(version.git_version), now),
            Ok(Err(error)) if fatal(&error) => return Err(error),
            Ok(Err(_)) => (None, Timestamp::now()),
            Err(_) => {
                let message = "the API server did not answer in the time that the report may take";
                return Err(Error::new(ErrorKind::Timeout, message).with_request("GET", version.path.clone()));
            }
        };
        let mut snapshot = Snapshot::empty(now, self.platform.to_vec());
        snapshot.version = version.filter(|version| !version.is_empty());
        let permits = Semaphore::new(AT_ONCE);
        let (mut of_pods, mut of_events) = (Shared::default(), Shared::default());
        let (core, permits) = ("/api/v1", &permits);

        let pods = self.list(permits, core, "pods", PAGE, |pod: objects::Pod, now| {
            let pod = PodRecord::of(pod, now, &mut of_pods);
            if pod.trouble.is_some() {
                self.watch.pod(&pod, now);
            }
            pod
        });
        let nodes =
            self.whole(permits, core, "nodes", NODES_AT_ONCE, |node: objects::Node, _| NodeRecord::of(&node));
        let events = self.list(permits, core, "events", PAGE, |event: objects::Event, now| {
            EventRecord::of(&event, now, &mut of_events)
        });
        let deployments = self.workloads(permits, Kind::Deployment);
        let sets = self.workloads(permits, Kind::StatefulSet);
        let daemons = self.workloads(permits, Kind::DaemonSet);
        let first = futures_util::future::join5(
            pods,
            nodes,
            events,
            deployments,
            futures_util::future::join(sets, daemons),
        );

        let services = self
            .list(permits, core, "services", PAGE, |service: objects::Service, _| ServiceRecord::of(service));
        let slices = self.list(
            permits,
            "/apis/discovery.k8s.io/v1",
            "endpointslices",
            PAGE,
            |slice: objects::EndpointSlice, _| behind(&slice),
        );
        let jobs = self.list(permits, "/apis/batch/v1", "jobs", PAGE, |job: objects::Job, _| job);
        let claims =
            self.list(permits, core, "persistentvolumeclaims", PAGE, |claim: objects::VolumeClaim, _| claim);
        let classes = self.whole(
            permits,
            "/apis/storage.k8s.io/v1",
            "storageclasses",
            PAGE,
            |class: objects::StorageClass, _| class,
        );
        let second = futures_util::future::join5(services, slices, jobs, claims, classes);

        let autoscalers = self.list(
            permits,
            "/apis/autoscaling/v2",
            "horizontalpodautoscalers",
            PAGE,
            |one: objects::Autoscaler, _| one,
        );
        let certificates = self.list(
            permits,
            "/apis/cert-manager.io/v1",
            "certificates",
            PAGE,
            |one: objects::Certificate, now| Certificate::of(&one, now),
        );
        let leases = self.leases(permits);
        let usage = self.usage(permits);
        let slices_of_gpus =
            self.whole(permits, dra::ROOT, "resourceslices", PAGE, |slice: objects::ResourceSlice, _| {
                dra::of_gpus(&slice).then_some(slice.spec.node_name)
            });
        let third = futures_util::future::join5(autoscalers, certificates, leases, usage, slices_of_gpus);

        let (first, second, third) = futures_util::future::join3(first, second, third).await;
        let (pods, nodes, events, deployments, (sets, daemons)) = first;
        let (services, slices, jobs, claims, classes) = second;
        let (autoscalers, certificates, leases, usage, (offered, no_offers)) = third;

        let sections = &mut snapshot.sections;
        let elsewhere = pods.1.as_ref().is_some_and(|problem| problem.reason == Unavailable::Forbidden);
        snapshot.everywhere = self.only.is_empty() && !elsewhere;
        snapshot.pods = kept(sections, "pods", pods);
        snapshot.nodes = kept(sections, "nodes", nodes);
        snapshot.leases = kept(sections, "leases", leases).into_iter().collect();
        snapshot.events = kept(sections, "events", events).into_iter().flatten().collect();
        for listed in [deployments, sets, daemons] {
            snapshot.workloads.extend(kept(sections, "workloads", listed));
        }
        snapshot.services = kept(sections, "services", services);
        for (service, (ready, all)) in kept(sections, "services", slices).into_iter().flatten() {
            let sum = snapshot.endpoints.entry(service).or_default();
            (sum.0, sum.1) = (sum.0 + ready, sum.1 + all);
        }
        snapshot.jobs = kept(sections, "jobs", jobs);
        snapshot.claims = kept(sections, "volumes", claims);
        snapshot.classes = kept(sections, "volumes", classes);
        snapshot.autoscalers = kept(sections, "autoscalers", autoscalers);
        snapshot.certificates = kept(sections, "certificates", certificates);
        snapshot.usage = kept(sections, "metrics", usage).into_iter().collect();
        // Most clusters do not offer GPUs so.
        let unread = no_offers.filter(|problem| problem.reason != Unavailable::NotInstalled);
        snapshot.offered = unread.is_none().then(|| offered.into_iter().flatten().collect());
        sections.add("gpus", 0, unread);
        snapshot.events.sort_by(|one, other| {
            (other.at, &other.name, &other.message).cmp(&(one.at, &one.name, &one.message))
        });
        Ok(snapshot)
    }

    async fn workloads(&self, permits: &Semaphore, kind: Kind) -> Listed<WorkloadRecord> {
        let keep = |workload: objects::Workload, _| WorkloadRecord::of(workload, kind);
        self.list(permits, APPS, kind.plural(), PAGE, keep).await
    }

    /// Nodes tell by these that they are alive. They are all in one namespace.
    async fn leases(&self, permits: &Semaphore) -> Listed<(String, Timestamp)> {
        let namespace = ["kube-node-lease".to_owned()];
        let keep = |lease: objects::Lease, _| Some((lease.metadata.name, lease.spec.renew_time?));
        let (leases, problem) = self
            .within(permits, "/apis/coordination.k8s.io/v1", "leases", Some(&namespace), PAGE, keep)
            .await;
        (leases.into_iter().flatten().collect(), problem)
    }

    async fn usage(&self, permits: &Semaphore) -> Listed<(String, (i64, i64))> {
        let until = self.deadline.min(Instant::now() + self.section);
        let version = match tokio::time::timeout_at(until, self.cluster.metrics_version()).await {
            Ok(Ok(version)) => version,
            Ok(Err(error)) => return (Vec::new(), Some(Problem::of(&error))),
            Err(_) => {
                let detail = "the metrics API: the server did not say in time whether it has one";
                return (Vec::new(), Some(Problem::new(Unavailable::Timeout, detail)));
            }
        };
        let keep = |node: objects::NodeMetrics, _| {
            let (cpu, memory) = (node.usage.of("cpu").millis(), node.usage.of("memory").units());
            (node.metadata.name, (cpu, memory))
        };
        let root = format!("/apis/{}/{version}", top::GROUP);
        let (usage, problem) = self.within(permits, &root, "nodes", None, PAGE, keep).await;
        (
            usage,
            problem
                .map(|problem| Problem { detail: format!("the metrics API: {}", problem.detail), ..problem }),
        )
    }

    /// Lists what is in namespaces: everywhere, or where it is to be looked. Who may not look everywhere may perhaps look in the
    /// platform's namespaces.
    async fn list<T: DeserializeOwned, R>(
        &self,
        permits: &Semaphore,
        root: &str,
        plural: &'static str,
        size: usize,
        mut keep: impl FnMut(T, Timestamp) -> R,
    ) -> Listed<R> {
        let only = (!self.only.is_empty()).then_some(self.only);
        let (listed, problem) = self.within(permits, root, plural, only, size, &mut keep).await;
        let forbidden = problem.as_ref().is_some_and(|problem| problem.reason == Unavailable::Forbidden);
        if !forbidden || only.is_some() || self.platform.is_empty() {
            return (listed, problem);
        }
        let (listed, still) = self.within(permits, root, plural, Some(self.platform), size, keep).await;
        let all: Vec<&str> = self.platform.iter().map(String::as_str).collect();
        (listed, still.or_else(|| problem.map(|problem| problem.but_read(&all))))
    }

    /// Lists what is in no namespace.
    async fn whole<T: DeserializeOwned, R>(
        &self,
        permits: &Semaphore,
        root: &str,
        plural: &'static str,
        size: usize,
        keep: impl FnMut(T, Timestamp) -> R,
    ) -> Listed<R> {
        self.within(permits, root, plural, None, size, keep).await
    }

    /// Lists everywhere or in these namespaces, and keeps what came before the time was over. One that may not be read does not
    /// keep the others from it.
    async fn within<T: DeserializeOwned, R>(
        &self,
        permits: &Semaphore,
        root: &str,
        plural: &'static str,
        namespaces: Option<&[String]>,
        size: usize,
        mut keep: impl FnMut(T, Timestamp) -> R,
    ) -> Listed<R> {
        let mut listed = Vec::new();
        let late = |count: usize| {
            Problem::new(Unavailable::Timeout, format!("not read in time: {count} {plural} came"))
        };
        let permit = tokio::time::timeout_at(self.deadline, permits.acquire()).await;
        let Ok(Ok(_permit)) = permit else { return (listed, Some(late(0))) };
        let until = self.deadline.min(Instant::now() + self.section);
        let all = [None];
        let places: Vec<Option<&String>> = match namespaces {
            Some(namespaces) => namespaces.iter().map(Some).collect(),
            None => all.to_vec(),
        };
        let (mut read, mut problem, mut skipped) = (Vec::new(), None, Skipped::default());
        for place in places {
            let scope = place.map_or_else(Namespaces::all, Namespaces::from);
            let into = (&mut listed, &mut skipped);
            let list = self.cluster.list_into(root, plural, &scope, (size, until), into, &mut keep);
            let next = match tokio::time::timeout_at(until, list).await {
                Err(_) => late(listed.len()),
                Ok(Err(error)) if error.kind() == ErrorKind::Timeout => late(listed.len()),
                Ok(Err(error)) if error.status() == Some(404) && !is_extra(root) => {
                    Problem { reason: Unavailable::Error, ..Problem::of(&error) }
                }
                Ok(Err(error)) => Problem::of(&error),
                Ok(Ok(now)) => {
                    let mut latest = self.latest.lock().unwrap_or_else(PoisonError::into_inner);
                    *latest = (*latest).max(now);
                    read.extend(place.map(String::as_str));
                    continue;
                }
            };
            let forbidden = next.reason == Unavailable::Forbidden;
            problem = problem.or(Some(next));
            if !forbidden {
                break;
            }
        }
        self.watch.read(plural, listed.len());
        let problem = problem.map(|problem: Problem| problem.but_read(&read));
        (listed, problem.or_else(|| Problem::unreadable(&skipped, plural)))
    }
}

fn is_extra(root: &str) -> bool {
    EXTRAS.iter().any(|extra| root.starts_with(extra))
}

fn kept<R>(sections: &mut Sections, name: &'static str, (listed, problem): Listed<R>) -> Vec<R> {
    sections.add(name, listed.len(), problem);
    listed
}

/// Whether nothing else will be answered, either.
fn fatal(error: &Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::AuthRejected
            | ErrorKind::Connect
            | ErrorKind::Tls
            | ErrorKind::Timeout
            | ErrorKind::Config
    )
}
