//! What is asked of a cluster: each file a job of the guide.

pub(crate) mod certificates;
pub(crate) mod dapr;
pub(crate) mod dra;
pub(crate) mod events;
pub(crate) mod exec;
pub(crate) mod find;
pub(crate) mod follow;
pub(crate) mod gpu_readings;
pub(crate) mod logs;
pub(crate) mod nodes;
pub(crate) mod pods;
pub(crate) mod postgres;
pub(crate) mod services;
pub(crate) mod top;
pub(crate) mod workloads;

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
