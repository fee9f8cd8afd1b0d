//! A Kubernetes cluster, typed: what the guide does with kubectl, dapr and nvidia-smi.
//!
//! Lists are read page by page into structures that hold only what is used. Nothing here changes a cluster, except for calls
//! named restart or exec.

pub(crate) mod calls;
pub(crate) mod connection;
pub(crate) mod namespaces;
pub(crate) mod objects;

pub use calls::certificates::{Certificate, CertificateState};
pub use calls::dapr::{DaprComponent, DaprSidecar, DaprState, DaprStatus};
pub use calls::events::Event;
pub use calls::exec::{CommandOutput, Exec};
pub use calls::follow::LogStream;
pub use calls::gpu_readings::GpuReading;
pub use calls::logs::{LogLine, Logs};
pub use calls::nodes::{Node, NodeGpus};
pub use calls::pods::Pod;
pub use calls::postgres::PostgresPool;
pub use calls::services::Service;
pub use calls::top::{ContainerUsage, NodeUsage, PodUsage};
pub use calls::workloads::{Deployment, Rollout, RolloutState};
pub use calls::{ClusterCall, calls};
pub use connection::{Cluster, ClusterBuilder};
pub use namespaces::Namespaces;
