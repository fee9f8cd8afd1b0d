//! A Kubernetes cluster, typed: what the guide does with kubectl, dapr and nvidia-smi.
//!
//! Lists are read page by page into structures that hold only what is used. Nothing here changes a cluster, except for calls
//! named restart or exec.

mod age;
mod certificates;
mod connection;
mod dapr;
mod events;
mod exec;
mod find;
mod gpu_readings;
mod logs;
mod nodes;
mod plugin;
mod pods;
mod postgres;
mod quantity;
mod request;
mod requests;
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
pub use gpu_readings::GpuReading;
pub use logs::{LogLine, LogStream, Logs};
pub use nodes::{Node, NodeGpus};
pub use pods::Pod;
pub use postgres::PostgresPool;
pub use scope::Scope;
pub use services::Service;
pub use top::{ContainerUsage, NodeUsage, PodUsage};
pub use workloads::{Deployment, Rollout, RolloutState};
