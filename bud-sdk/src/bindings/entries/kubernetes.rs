//! Kubernetes clusters.

use std::time::Duration;

use super::entries;
use crate::bindings::args::When;
use crate::bindings::cluster::LazyCluster;
use crate::bindings::results::ReportProgress;
use crate::bindings::task::job;
use crate::diagnostics::{ClusterReport, ClusterReports};
use crate::error::Result;
use crate::kubernetes::{
    Certificate, CommandOutput, DaprStatus, Deployment, Event, Exec, GpuReading, LogLine, Logs, Namespaces,
    Node, NodeGpus, NodeUsage, Pod, PodUsage, PostgresPool, Rollout, Service,
};
use crate::report::{FleetReport, Report};

entries! {
    on LazyCluster;

    /// Lists pods, with the status that kubectl prints: guide sections 2.2, 10.1 and 10.2.
    read kubernetes.pods(
        /// Only those of this namespace; all namespaces unless given.
        namespace: Option<String>,
        /// Only those with these labels, as kubectl's `-l` has them.
        labels: Option<String>,
    ) -> Vec<Pod> = |cluster| {
        let (cluster, scope) = (cluster.clone(), scope(namespace, labels));
        async move { cluster.open().await?.pods(scope).await }
    };
    /// Lists nodes: guide section 6.2.
    read kubernetes.nodes() -> Vec<Node> = |cluster| {
        let cluster = cluster.clone();
        async move { cluster.open().await?.nodes().await }
    };
    /// The GPUs of each node, by resource: what there is, what may be given out, what pods ask for, what is free. Guide section 6.2.
    read kubernetes.gpus() -> Vec<NodeGpus> = |cluster| {
        let cluster = cluster.clone();
        async move { cluster.open().await?.gpus().await }
    };
    /// Lists deployments, and how far their rollouts are: guide section 6.2.
    read kubernetes.deployments(
        /// Only those of this namespace; all namespaces unless given.
        namespace: Option<String>,
        /// Only those with these labels.
        labels: Option<String>,
    ) -> Vec<Deployment> = |cluster| {
        let (cluster, scope) = (cluster.clone(), scope(namespace, labels));
        async move { cluster.open().await?.deployments(scope).await }
    };
    /// The name of the deployment that a service's name means: the deployment of that very name, else the one with this Dapr app
    /// id, else with this `app` label, else the one whose name ends with it. Several are an error that lists them.
    read kubernetes.find(
        /// The namespace.
        namespace: String,
        /// The service.
        service: String,
    ) -> String = |cluster| {
        let cluster = cluster.clone();
        async move { cluster.open().await?.find(&namespace, &service).await }
    };
    /// How far the rollout of a deployment, stateful set or daemon set is.
    read kubernetes.rollout(
        /// The namespace.
        namespace: String,
        /// A service's name, or `deployment/NAME`, `statefulset/NAME`, `daemonset/NAME`.
        name: String,
    ) -> Rollout = |cluster| {
        let cluster = cluster.clone();
        async move { cluster.open().await?.rollout(&namespace, &name).await }
    };
    /// Waits until a rollout is complete.
    read kubernetes.wait_for_rollout(
        /// The namespace.
        namespace: String,
        /// A service's name, or `deployment/NAME`, `statefulset/NAME`, `daemonset/NAME`.
        name: String,
        /// The longest time to wait. 10 minutes.
        timeout: Option<Duration>,
    ) -> Rollout = |cluster| {
        let cluster = cluster.clone();
        let timeout = timeout.unwrap_or(Duration::from_secs(600));
        async move { cluster.open().await?.wait_for_rollout(&namespace, &name, timeout).await }
    };
    /// Restarts the pods of a deployment, stateful set or daemon set one after the other: guide section 10.1. This changes the cluster.
    run kubernetes.restart(
        /// The namespace.
        namespace: String,
        /// A service's name, or `deployment/NAME`, `statefulset/NAME`, `daemonset/NAME`.
        name: String,
    ) -> Rollout = |cluster| {
        let cluster = cluster.clone();
        async move { cluster.open().await?.restart(&namespace, &name).await }
    };
    /// Lists services with the number of endpoints that are ready: guide section 2.2.
    read kubernetes.services(
        /// Only those of this namespace; all namespaces unless given.
        namespace: Option<String>,
        /// Only those with these labels.
        labels: Option<String>,
    ) -> Vec<Service> = |cluster| {
        let (cluster, scope) = (cluster.clone(), scope(namespace, labels));
        async move { cluster.open().await?.services(scope).await }
    };
    /// Lists events in the order in which they happened, the newest last: guide section 2.2.
    read kubernetes.events(
        /// Only those of this namespace; all namespaces unless given.
        namespace: Option<String>,
    ) -> Vec<Event> = |cluster| {
        let (cluster, scope) = (cluster.clone(), scope(namespace, None));
        async move { cluster.open().await?.events(scope).await }
    };
    /// What pods use: guide section 2.2.
    read kubernetes.top_pods(
        /// Only those of this namespace; all namespaces unless given.
        namespace: Option<String>,
        /// Only those with these labels.
        labels: Option<String>,
    ) -> Vec<PodUsage> = |cluster| {
        let (cluster, scope) = (cluster.clone(), scope(namespace, labels));
        async move { cluster.open().await?.top_pods(scope).await }
    };
    /// What nodes use, and what part that is of what may be given to pods: guide section 2.2.
    read kubernetes.top_nodes() -> Vec<NodeUsage> = |cluster| {
        let cluster = cluster.clone();
        async move { cluster.open().await?.top_nodes().await }
    };
    /// The last lines of a service's log: guide sections 9.4 and 10.1.
    read kubernetes.logs(
        /// The namespace.
        namespace: String,
        /// A service's name, or `pod/NAME`, `deployment/NAME`, `statefulset/NAME`, `daemonset/NAME`.
        name: String,
        /// The container; the pod's default one unless given. `daprd` is Dapr's sidecar.
        container: Option<String>,
        /// How many lines of each pod. 100.
        tail: Option<u32>,
        /// Only what was written in this time.
        since: Option<Duration>,
        /// What the container wrote before it was last started again.
        previous: Option<bool>,
        /// All pods of the service, not only the most useful one.
        all_pods: Option<bool>,
    ) -> Vec<LogLine> = |cluster| {
        let cluster = cluster.clone();
        async move {
            let logs = cluster.open().await?.logs(namespace, name).when(container, Logs::container).when(tail, Logs::tail);
            chosen(logs, since, previous, all_pods).await
        }
    };
    /// The log of a service as it is written. It goes on over broken connections and restarts, and with the pod that takes a
    /// pod's place.
    items kubernetes.follow_logs(
        /// The namespace.
        namespace: String,
        /// A service's name, or `pod/NAME`, `deployment/NAME`, `statefulset/NAME`, `daemonset/NAME`.
        name: String,
        /// The container; the pod's default one unless given.
        container: Option<String>,
        /// How many of the last lines to begin with. 100.
        tail: Option<u32>,
        /// All pods of the service, not only the most useful one.
        all_pods: Option<bool>,
        /// The longest time to follow. An hour.
        timeout: Option<Duration>,
    ) -> LogLine = |cluster| {
        let cluster = cluster.clone();
        let begun = async move {
            let logs = cluster.open().await?.logs(namespace, name).when(container, Logs::container).when(tail, Logs::tail);
            Ok(chosen(logs, None, None, all_pods).when(timeout, Logs::timeout).follow())
        };
        futures_util::stream::StreamExt::flat_map(futures_util::stream::once(begun), opened)
    };
    /// Runs a command in a service's pod, without a terminal, and waits for its exit code. What it does to the container is the
    /// caller's affair.
    run kubernetes.exec(
        /// The namespace.
        namespace: String,
        /// A service's name, or `pod/NAME`, `deployment/NAME`, `statefulset/NAME`, `daemonset/NAME`.
        name: String,
        /// The command and its arguments.
        command: Vec<String>,
        /// The container; the pod's default one unless given.
        container: Option<String>,
        /// The longest time that it may take, finding the pod included. Default: 60 s.
        timeout: Option<Duration>,
    ) -> CommandOutput = |cluster| {
        let cluster = cluster.clone();
        async move {
            let exec = cluster.open().await?.exec(namespace, name, command);
            exec.when(container, Exec::container).when(timeout, Exec::timeout).await
        }
    };
    /// The state of Dapr's control plane, and of the sidecars of a namespace's pods: guide sections 2.1 and 2.2.
    read kubernetes.dapr(
        /// Whose sidecars; all namespaces unless given.
        namespace: Option<String>,
    ) -> DaprStatus = |cluster| {
        let (cluster, scope) = (cluster.clone(), scope(namespace, None));
        async move { cluster.open().await?.dapr(scope).await }
    };
    /// Lists certificates of cert-manager with when they end, those that end first first: guide section 8.2.
    read kubernetes.certificates(
        /// Only those of this namespace; all namespaces unless given.
        namespace: Option<String>,
    ) -> Vec<Certificate> = |cluster| {
        let (cluster, scope) = (cluster.clone(), scope(namespace, None));
        async move { cluster.open().await?.certificates(scope).await }
    };
    /// The connections of the platform's PostgreSQL, asked of its primary by a command in its container: guide sections 7.2 and 10.2.
    read kubernetes.postgres(
        /// The namespace.
        namespace: String,
    ) -> PostgresPool = |cluster| {
        let cluster = cluster.clone();
        async move { cluster.open().await?.postgres(&namespace).await }
    };
    /// The GPUs that a pod sees and how busy they are, by a command in its container: guide section 10.3.
    read kubernetes.gpu_readings(
        /// The namespace.
        namespace: String,
        /// A service's name, or `pod/NAME`, `deployment/NAME`, `statefulset/NAME`, `daemonset/NAME`.
        name: String,
    ) -> Vec<GpuReading> = |cluster| {
        let cluster = cluster.clone();
        async move { cluster.open().await?.gpu_readings(&namespace, &name).await }
    };
    /// Reads the cluster once and names what is wrong, why, and what to do, with one finding for each root cause: guide sections 2.1,
    /// 2.2, 6.2, 8.2 and 10. What cannot be read is told, with the missing permission. Nothing is changed.
    job kubernetes.report(
        /// Only these namespaces; all of them unless given.
        only: Option<Vec<String>>,
        /// The namespaces of the platform itself, where a failure is more urgent. `bud-system`, `bud-data` and `dapr-system`.
        platform: Option<Vec<String>>,
        /// The longest time that it may take; what was read until then is reported. 2 minutes.
        timeout: Option<Duration>,
        /// Adds the last lines of the logs of what fails, at most 20 pods. Default: true.
        logs: Option<bool>,
        /// Also asks by commands in containers: PostgreSQL for its connections, engines for what their GPUs do. False.
        commands: Option<bool>,
    ) -> Report [ReportProgress] = |cluster| {
        let cluster = cluster.clone();
        job(|tell| async move {
            let report = made(cluster.open().await?.report(), only, platform, logs, commands);
            report.when(timeout, ClusterReport::timeout).on_update(move |update| tell.next(ReportProgress::from(update))).await
        })
    };
    /// Reads several clusters at once, each as `report` does: those of other contexts of the same kubeconfig. One that cannot be
    /// reached is told as such and delays none of the others.
    run kubernetes.reports(
        /// The contexts.
        contexts: Vec<String>,
        /// Only these namespaces; all of them unless given.
        only: Option<Vec<String>>,
        /// The namespaces of the platform itself, where a failure is more urgent. `bud-system`, `bud-data` and `dapr-system`.
        platform: Option<Vec<String>>,
        /// The longest time that connecting to a cluster, and then its report, may take. Default: 120 s.
        timeout: Option<Duration>,
        /// Adds the last lines of the logs of what fails, at most 20 pods of each cluster. Default: true.
        logs: Option<bool>,
        /// Also asks by commands in containers. False.
        commands: Option<bool>,
    ) -> FleetReport = |cluster| {
        let cluster = cluster.clone();
        async move {
            let reports = cluster.open().await?.reports(contexts);
            let each = move |report| made(report, only.clone(), platform.clone(), logs, commands);
            reports.when(timeout, ClusterReports::timeout).each(each).await
        }
    };
    /// The pods that run models, in the namespaces that the platform makes for endpoints: guide sections 6.2 and 10.3.
    read kubernetes.engine_pods() -> Vec<Pod> = |cluster| {
        let cluster = cluster.clone();
        async move { cluster.open().await?.engine_pods().await }
    };
}

fn scope(namespace: Option<String>, labels: Option<String>) -> Namespaces {
    namespace.map_or_else(Namespaces::all, Namespaces::one).when(labels, Namespaces::labels)
}

fn made(
    report: ClusterReport,
    only: Option<Vec<String>>,
    platform: Option<Vec<String>>,
    logs: Option<bool>,
    commands: Option<bool>,
) -> ClusterReport {
    report
        .when(only, ClusterReport::only)
        .when(platform, ClusterReport::platform)
        .when(logs.filter(|yes| !yes), |report, _| report.without_logs())
        .when(commands.filter(|yes| *yes), |report, _| report.with_commands())
}

fn chosen(logs: Logs, since: Option<Duration>, previous: Option<bool>, all_pods: Option<bool>) -> Logs {
    logs.when(since, Logs::since)
        .when(previous.filter(|yes| *yes), |logs, _| logs.previous())
        .when(all_pods.filter(|yes| *yes), |logs, _| logs.all_pods())
}

/// The lines of a log that could be opened, or why not.
fn opened(log: Result<crate::kubernetes::LogStream>) -> crate::bindings::BoxStream<'static, Result<LogLine>> {
    match log {
        Ok(log) => Box::pin(log),
        Err(error) => Box::pin(futures_util::stream::once(async { Err(error) })),
    }
}
