//! The kinds of objects that a snapshot is made of: one row each.

use tokio::time::{Instant, timeout_at};

use super::read::{Part, Problem, Reading, Scope, Source};
use super::{EventRecord, NodeRecord, PodRecord, ServiceRecord, Shared, WorkloadRecord};
use crate::http::BoxFuture;
use crate::kubernetes::Certificate;
use crate::kubernetes::calls::services::behind;
use crate::kubernetes::calls::workloads::{APPS, Kind};
use crate::kubernetes::calls::{dra, top};
use crate::kubernetes::connection::list::PAGE;
use crate::kubernetes::objects;
use crate::report::Unavailable;

const CORE: &str = "/api/v1";
/// Nodes are large: each names all the images that it has.
const NODES_PAGE: usize = 250;

/// They are asked for in this order.
pub(in crate::diagnostics) const SOURCES: &[Source] = &[
    Source {
        section: "pods",
        root: CORE,
        plural: "pods",
        scope: Scope::Namespaced,
        page: PAGE,
        optional: false,
        read: pods,
    },
    Source {
        section: "nodes",
        root: CORE,
        plural: "nodes",
        scope: Scope::Cluster,
        page: NODES_PAGE,
        optional: false,
        read: |reading| {
            reading.list(|node: objects::Node, _| NodeRecord::of(&node), |snapshot, all| snapshot.nodes = all)
        },
    },
    Source {
        section: "events",
        root: CORE,
        plural: "events",
        scope: Scope::Namespaced,
        page: PAGE,
        optional: false,
        read: events,
    },
    Source {
        section: "workloads",
        root: APPS,
        plural: "deployments",
        scope: Scope::Namespaced,
        page: PAGE,
        optional: false,
        read: |reading| workloads(reading, Kind::Deployment),
    },
    Source {
        section: "workloads",
        root: APPS,
        plural: "statefulsets",
        scope: Scope::Namespaced,
        page: PAGE,
        optional: false,
        read: |reading| workloads(reading, Kind::StatefulSet),
    },
    Source {
        section: "workloads",
        root: APPS,
        plural: "daemonsets",
        scope: Scope::Namespaced,
        page: PAGE,
        optional: false,
        read: |reading| workloads(reading, Kind::DaemonSet),
    },
    Source {
        section: "services",
        root: CORE,
        plural: "services",
        scope: Scope::Namespaced,
        page: PAGE,
        optional: false,
        read: |reading| {
            let keep = |service: objects::Service, _| ServiceRecord::of(service);
            reading.list(keep, |snapshot, all| snapshot.services = all)
        },
    },
    Source {
        section: "services",
        root: "/apis/discovery.k8s.io/v1",
        plural: "endpointslices",
        scope: Scope::Namespaced,
        page: PAGE,
        optional: false,
        read: endpoints,
    },
    Source {
        section: "jobs",
        root: "/apis/batch/v1",
        plural: "jobs",
        scope: Scope::Namespaced,
        page: PAGE,
        optional: false,
        read: |reading| reading.list(|job: objects::Job, _| job, |snapshot, all| snapshot.jobs = all),
    },
    Source {
        section: "volumes",
        root: CORE,
        plural: "persistentvolumeclaims",
        scope: Scope::Namespaced,
        page: PAGE,
        optional: false,
        read: |reading| {
            reading.list(|claim: objects::VolumeClaim, _| claim, |snapshot, all| snapshot.claims = all)
        },
    },
    Source {
        section: "volumes",
        root: "/apis/storage.k8s.io/v1",
        plural: "storageclasses",
        scope: Scope::Cluster,
        page: PAGE,
        optional: false,
        read: |reading| {
            reading.list(|class: objects::StorageClass, _| class, |snapshot, all| snapshot.classes = all)
        },
    },
    Source {
        section: "autoscalers",
        root: "/apis/autoscaling/v2",
        plural: "horizontalpodautoscalers",
        scope: Scope::Namespaced,
        page: PAGE,
        optional: false,
        read: |reading| {
            let keep = |autoscaler: objects::Autoscaler, _| autoscaler;
            reading.list(keep, |snapshot, all| snapshot.autoscalers = all)
        },
    },
    Source {
        section: "certificates",
        root: "/apis/cert-manager.io/v1",
        plural: "certificates",
        scope: Scope::Namespaced,
        page: PAGE,
        optional: true,
        read: |reading| {
            let keep = |certificate: objects::Certificate, now| Certificate::of(&certificate, now);
            reading.list(keep, |snapshot, all| snapshot.certificates = all)
        },
    },
    Source {
        section: "leases",
        root: "/apis/coordination.k8s.io/v1",
        plural: "leases",
        scope: Scope::Namespace("kube-node-lease"),
        page: PAGE,
        optional: false,
        read: |reading| Box::pin(leases(reading)),
    },
    Source {
        section: "metrics",
        // The version is asked for: clusters have one of two.
        root: "/apis/metrics.k8s.io",
        plural: "nodes",
        scope: Scope::Cluster,
        page: PAGE,
        optional: true,
        read: |reading| Box::pin(usage(reading)),
    },
    Source {
        section: "gpus",
        root: dra::ROOT,
        plural: "resourceslices",
        scope: Scope::Cluster,
        page: PAGE,
        optional: true,
        read: |reading| Box::pin(offered(reading)),
    },
];

fn pods(reading: Reading<'_>) -> BoxFuture<'_, Part> {
    let mut shared = Shared::default();
    let keep = move |pod: objects::Pod, now| {
        let pod = PodRecord::of(pod, now, &mut shared);
        if pod.trouble.is_some() {
            reading.reader.watch.pod(&pod, now);
        }
        pod
    };
    reading.list(keep, |snapshot, all| snapshot.pods = all)
}

fn events(reading: Reading<'_>) -> BoxFuture<'_, Part> {
    let mut shared = Shared::default();
    let keep = move |event: objects::Event, now| EventRecord::of(&event, now, &mut shared);
    reading.list(keep, |snapshot, all| {
        snapshot.events = all.into_iter().flatten().collect();
        snapshot.events.sort_by(|one, other| {
            (other.at, &other.name, &other.message).cmp(&(one.at, &one.name, &one.message))
        });
    })
}

fn workloads(reading: Reading<'_>, kind: Kind) -> BoxFuture<'_, Part> {
    let keep = move |workload: objects::Workload, _| WorkloadRecord::of(workload, kind);
    reading.list(keep, |snapshot, all| snapshot.workloads.extend(all))
}

/// A service may have several slices.
fn endpoints(reading: Reading<'_>) -> BoxFuture<'_, Part> {
    reading.list(
        |slice: objects::EndpointSlice, _| behind(&slice),
        |snapshot, all| {
            for (service, (ready, count)) in all.into_iter().flatten() {
                let sum = snapshot.endpoints.entry(service).or_default();
                (sum.0, sum.1) = (sum.0 + ready, sum.1 + count);
            }
        },
    )
}

/// Nodes tell by these that they are alive.
async fn leases(reading: Reading<'_>) -> Part {
    let keep = |lease: objects::Lease, _| Some((lease.metadata.name, lease.spec.renew_time?));
    let (leases, problem) = reading.listed(keep).await;
    let leases: Vec<_> = leases.into_iter().flatten().collect();
    Part::new(leases.len(), problem, |snapshot| snapshot.leases = leases.into_iter().collect())
}

async fn usage(reading: Reading<'_>) -> Part {
    let reader = reading.reader;
    let until = reader.deadline.min(Instant::now() + reader.section);
    let version = match timeout_at(until, reader.cluster.metrics_version()).await {
        Ok(Ok(version)) => version,
        Ok(Err(error)) => return Part::unread(Problem::of(&error)),
        Err(_) => {
            let detail = "the metrics API: the server did not say in time whether it has one";
            return Part::unread(Problem::new(Unavailable::Timeout, detail));
        }
    };
    let keep = |node: objects::NodeMetrics, _| {
        let (cpu, memory) = (node.usage.of("cpu").millis(), node.usage.of("memory").units());
        (node.metadata.name, (cpu, memory))
    };
    let root = format!("/apis/{}/{version}", top::GROUP);
    let (usage, problem) = reading.within(&root, None, keep).await;
    let problem =
        problem.map(|problem| Problem { detail: format!("the metrics API: {}", problem.detail), ..problem });
    Part::new(usage.len(), problem, |snapshot| snapshot.usage = usage.into_iter().collect())
}

/// The nodes whose GPUs a driver offers in resource slices. Most clusters do not offer GPUs so.
async fn offered(reading: Reading<'_>) -> Part {
    let keep = |slice: objects::ResourceSlice, _| dra::of_gpus(&slice).then_some(slice.spec.node_name);
    let (offered, problem) = reading.listed(keep).await;
    let problem = problem.filter(|problem| problem.reason != Unavailable::NotInstalled);
    let whole = problem.is_none();
    Part::new(0, problem, move |snapshot| {
        snapshot.offered = whole.then(|| offered.into_iter().flatten().collect());
    })
}
