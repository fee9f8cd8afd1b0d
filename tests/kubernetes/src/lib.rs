//! A real Kubernetes control plane for tests: kube-apiserver on etcd, with controllers and a scheduler where they are
//! wanted, on free loopback ports. What would need machines is a stand-in: the [`Kubelet`] answers logs and exec, and
//! [`Metrics`] serves metrics.k8s.io.
//!
//! ```no_run
//! # async fn example() -> bud_kubernetes_testbed::Outcome {
//! use bud_kubernetes_testbed::Cluster;
//! use serde_json::json;
//!
//! let cluster = Cluster::builder().start().await?;
//! cluster.add_node("gpu-1", json!({"nvidia.com/gpu": "8"})).await?;
//! // ... a client is given cluster.admin().kubeconfig() ...
//! # Ok(()) }
//! ```
//!
//! Beside it stands a [`Scripted`] server, for what a real one does not do on demand.
//!
//! The programs are found or built by [`Binaries`]. Nothing outlives the process that started it, even when that is
//! killed. One cluster may be shared by tests that each have a runtime of their own.
#![cfg(unix)]

use std::sync::{Mutex, MutexGuard, PoisonError};

mod api;
mod binaries;
mod clock;
mod cluster;
mod exec;
mod guard;
mod identity;
mod kubelet;
mod logs;
mod metrics;
mod pki;
mod pods;
mod scripted;
mod server;
mod start;

pub use api::{Answer, Api};
pub use binaries::Binaries;
pub use cluster::{Cluster, Printed};
pub use exec::{ExecRequest, ExecScript, ExecStep};
pub use guard::Guard;
pub use identity::Identity;
pub use kubelet::Kubelet;
pub use logs::ContainerLog;
pub use metrics::Metrics;
pub use pods::Running;
pub use scripted::{Objects, Scripted};
pub use start::Builder;

/// A failure is a text for people.
pub type Outcome<T = ()> = Result<T, String>;

/// A panic elsewhere must not hide itself behind a poisoned lock.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Says what failed.
pub(crate) fn failed<E: std::fmt::Display>(what: impl std::fmt::Display) -> impl FnOnce(E) -> String {
    move |error| format!("{what}: {error}")
}
