//! A cluster read as findings: a snapshot is taken once, the checks are applied, and the logs of what fails are fetched.

mod checks;
mod evidence;
mod fleet;
mod report;
mod snapshot;

pub use checks::{Check, Level, checks};
pub use fleet::ClusterReports;
pub use report::{ClusterReport, ReportUpdate};
