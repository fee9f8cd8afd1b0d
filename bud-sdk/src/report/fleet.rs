//! Reports of several clusters, side by side.

use super::{Report, Verdict};
use crate::schema::records;
use crate::types::Wire;

records! {

    /// Several clusters, each read as findings.
    FleetReport {
        /// What they come to together: as the worst of them, and never `HEALTHY` if one could not be read.
        verdict: Wire<Verdict>,
        /// The clusters, in the order in which they were named.
        clusters: Vec<FleetMember>,
    }
    /// One of several clusters.
    FleetMember {
        /// The context of the kubeconfig that leads to it.
        context: String,
        /// Its report.
        report: Option<Report>,
        /// Why there is none.
        error: Option<String>,
    }
}

impl FleetReport {
    /// A program's exit code for all: that of the worst cluster; one that could not be read counts as 5.
    pub fn exit_code(&self) -> u8 {
        let codes = self.clusters.iter().map(|member| member.report.as_ref().map_or(5, Report::exit_code));
        // Worst first: errors, warnings, what could not be read.
        let rank = |code: &u8| [0, 5, 4, 3].iter().position(|known| known == code);
        codes.max_by_key(rank).unwrap_or(5)
    }
}
