//! Metrics and alerts: Prometheus.

mod builder;
mod prometheus;

pub use builder::ServiceBuilder;
pub use prometheus::{
    BuildInfo, GetBuildInfo, Prometheus, PrometheusQuery, QueryResult, ResultType, Sample, Series,
};

pub use crate::types::Float;
