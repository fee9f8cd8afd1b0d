//! Metrics and alerts: Prometheus and Alertmanager.

mod alertmanager;
mod builder;
mod prometheus;

pub use crate::types::{Float, SilenceId};
pub use alertmanager::{
    Alertmanager, CreateSilence, ExpireSilence, GetSilence, Matcher, NewSilence, Silence, SilenceState,
};
pub use builder::ServiceBuilder;
pub use prometheus::{
    BuildInfo, GetBuildInfo, Prometheus, PrometheusQuery, QueryResult, ResultType, Sample, Series,
};

use crate::http::BackendSpec;

/// The services of this module.
pub(crate) const SPECS: [&BackendSpec; 2] = [&prometheus::SPEC, &alertmanager::SPEC];
