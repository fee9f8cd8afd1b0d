//! Prometheus.

use super::entries;
use crate::bindings::args::When;
use crate::monitoring::{BuildInfo, Prometheus, QueryResult};
use crate::types::Timestamp;

entries! {
    on Prometheus;

    /// Evaluates a PromQL expression at one moment. What the server warns of is among the warnings: an empty result with a warning
    /// is not "no data".
    call prometheus.query(
        /// The expression.
        query: String,
        /// The moment. Default: now, by the server's clock.
        time: Option<Timestamp>,
    ) -> QueryResult = |prometheus| {
        prometheus.query(query).when(time, |call, time| call.time(time))
    };
    /// Reads the server's version and build. It is for display: other servers with the same API give their own, or nothing.
    call prometheus.build_info() -> BuildInfo = |prometheus| prometheus.build_info();
}
