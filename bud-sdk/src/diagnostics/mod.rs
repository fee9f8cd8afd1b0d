//! A Kubernetes cluster, typed: what the guide does with kubectl, dapr and nvidia-smi.
//!
//! Lists are read page by page into structures that hold only what is used. Nothing here changes a cluster, except for calls
//! named restart or exec.

mod certificates;
mod connection;
mod dapr;
mod dra;
mod events;
mod evidence;
mod exec;
mod find;
mod fleet;
mod follow;
mod gpu_readings;
mod hami;
mod kubeconfig;
mod logs;
mod nodes;
mod picture;
mod plugin;
mod pods;
mod postgres;
mod proxy;
mod quantity;
mod report;
mod request;
mod requests;
mod rules;
mod scope;
mod services;
mod slim;
mod top;
mod workloads;

pub use certificates::{Certificate, CertificateState};
pub use connection::{Cluster, ClusterBuilder};
pub use dapr::{DaprComponent, DaprSidecar, DaprState, DaprStatus};
pub use events::Event;
pub use exec::{CommandOutput, Exec};
pub use fleet::ClusterReports;
pub use gpu_readings::GpuReading;
pub use logs::{LogLine, LogStream, Logs};
pub use nodes::{Node, NodeGpus};
pub use pods::Pod;
pub use postgres::PostgresPool;
pub use report::{ClusterReport, ReportUpdate};
pub use rules::{Check, checks};
pub use scope::Scope;
pub use services::Service;
pub use top::{ContainerUsage, NodeUsage, PodUsage};
pub use workloads::{Deployment, Rollout, RolloutState};

/// A call on a cluster, for the table of what is covered.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct ClusterCall {
    /// `kubernetes.pods`.
    pub id: &'static str,
    /// The sections of the Day-2 guide that it serves.
    pub sections: &'static [&'static str],
}

const fn call(id: &'static str, sections: &'static [&'static str]) -> ClusterCall {
    ClusterCall { id, sections }
}

const CALLS: &[ClusterCall] = &[
    call("kubernetes.pods", &["2.1", "2.2", "10.1", "10.2"]),
    call("kubernetes.services", &["2.2"]),
    call("kubernetes.events", &["2.2"]),
    call("kubernetes.top_pods", &["2.2"]),
    call("kubernetes.top_nodes", &["2.2"]),
    call("kubernetes.dapr", &["2.1", "2.2"]),
    call("kubernetes.nodes", &["6.2"]),
    call("kubernetes.gpus", &["6.2"]),
    call("kubernetes.deployments", &["6.2"]),
    call("kubernetes.engine_pods", &["6.2", "10.3"]),
    call("kubernetes.certificates", &["8.2"]),
    call("kubernetes.logs", &["9.4", "10.1"]),
    call("kubernetes.follow_logs", &["9.4"]),
    call("kubernetes.find", &["9.4", "10.1"]),
    call("kubernetes.rollout", &["10.1"]),
    call("kubernetes.wait_for_rollout", &["10.1"]),
    call("kubernetes.restart", &["10.1"]),
    call("kubernetes.exec", &["2.1", "10.2"]),
    call("kubernetes.postgres", &["10.2"]),
    call("kubernetes.gpu_readings", &["10.3"]),
    call("kubernetes.report", &["2.1", "2.2", "6.2", "8.2", "10.1", "10.2"]),
    call("kubernetes.reports", &["2.1", "2.2"]),
];

/// Every call on a cluster, with the sections of the guide that it serves.
pub fn calls() -> &'static [ClusterCall] {
    CALLS
}
