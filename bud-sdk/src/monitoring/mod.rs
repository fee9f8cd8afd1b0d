//! Metrics and alerts.

mod builder;

pub use builder::ServiceBuilder;

pub use crate::types::Float;
