//! An administrator's day, from the first login to the audit log, with a summary of what was done.
//!
//! ```sh
//! cargo run --example tour
//! ```
//!
//! That runs on an embedded test server. For a real one set `BUD_BASE_URL`, `BUD_EMAIL` and `BUD_PASSWORD`: everything
//! made there is named `bud-tour-...` and taken away at the end. An endpoint is deployed, scaled and undeployed only
//! if `BUD_TOUR_ENDPOINT` names one (by its id) that is stopped.

mod steps;
mod summary;
#[path = "../support/mod.rs"]
mod support;

use std::future::Future;

use steps::Tour;
use summary::Summary;
use support::Result;

#[tokio::main]
async fn main() -> Result<()> {
    let platform = support::connect().await?;
    let mut tour = Tour::new(&platform);
    let mut summary = Summary::new();

    let ended = unless_interrupted(day(&mut tour, &mut summary)).await;
    let ended = ended.unwrap_or_else(|| summary.interrupted());
    // However the day ended, nothing of it should stay.
    let cleaned = unless_interrupted(clean_up(&mut tour, &mut summary)).await;
    let cleaned = cleaned.unwrap_or_else(|| summary.interrupted());

    summary.print(&tour);
    let ended = ended.and(cleaned);
    if ended.is_err() {
        println!("{}", tour.leftovers());
    }
    ended
}

async fn day(tour: &mut Tour<'_>, summary: &mut Summary) -> Result<()> {
    summary.note("Log in", tour.log_in().await)?;
    summary.note("Detect the API", tour.detect().await)?;
    summary.note("Count the users", tour.count_users().await)?;
    summary.note("Create a user", tour.create_user().await)?;
    summary.note("Change the role", tour.change_role().await)?;
    summary.note("Create a project", tour.create_project().await)?;
    summary.note("Grant access", tour.grant_access().await)?;
    summary.note("List clusters", tour.list_clusters().await)?;
    summary.note("Refresh a cluster", tour.refresh_cluster().await)?;
    summary.note("Deploy an endpoint", tour.deploy().await)?;
    summary.note("Scale it to 2", tour.scale().await)?;
    summary.note("Undeploy it", tour.undeploy().await)?;
    summary.note("Check the quota", tour.check_quota().await)?;
    summary.note("Create an API key", tour.create_key().await)?;
    summary.note("Replace the API key", tour.replace_key().await)?;
    summary.note("Export the audit log", tour.export_audit().await)
}

/// Takes away what is left, step by step, whether or not one of them fails; the first failure is returned.
async fn clean_up(tour: &mut Tour<'_>, summary: &mut Summary) -> Result<()> {
    let steps = [
        summary.note("Clean up: endpoint", tour.stop_endpoint().await),
        summary.note("Clean up: API keys", tour.delete_keys().await),
        summary.note("Clean up: access", tour.revoke_access().await),
        summary.note("Clean up: project", tour.delete_project().await),
        summary.note("Clean up: user", tour.deactivate_user().await),
    ];
    steps.into_iter().collect()
}

/// `None` when Ctrl-C came first.
async fn unless_interrupted<T>(work: impl Future<Output = T>) -> Option<T> {
    tokio::select! {
        ended = work => Some(ended),
        Ok(()) = tokio::signal::ctrl_c() => None,
    }
}
