//! An administrator's day, from the first login to the audit log, with a summary of what was done.
//!
//! ```sh
//! cargo run --example tour
//! BUD_DEMO_API=runtime cargo run --example tour
//! ```
//!
//! That runs on an embedded test server, which speaks the API of the guide or that of the platform as shipped; the tour finds out
//! which, and says what that API does not offer. For a real one set `BUD_BASE_URL`, `BUD_EMAIL` and `BUD_PASSWORD`: everything
//! made there is named `bud-tour-...` and taken away at the end. Nothing is deployed there unless `BUD_TOUR_ENDPOINT` names an
//! endpoint (by its id) that is stopped or, on the platform as shipped, `BUD_TOUR_MODEL` a model and, if a provider runs it,
//! `BUD_TOUR_PROVIDER_KEY` the platform's key for that.

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
    let mut tour = Tour::new(&platform, "audit_export.csv".as_ref());
    let mut summary = Summary::new();
    let ended = take(&mut tour, &mut summary).await;
    summary.print(&tour);
    if ended.is_err() {
        println!("{}", tour.leftovers());
    }
    ended
}

async fn take(tour: &mut Tour<'_>, summary: &mut Summary) -> Result<()> {
    let ended = unless_interrupted(day(tour, summary)).await;
    let ended = ended.unwrap_or_else(|| summary.interrupted());
    // However the day ended, nothing of it should stay.
    let cleaned = unless_interrupted(clean_up(tour, summary)).await;
    ended.and(cleaned.unwrap_or_else(|| summary.interrupted()))
}

async fn day(tour: &mut Tour<'_>, summary: &mut Summary) -> Result<()> {
    summary.note("Log in", tour.log_in().await)?;
    summary.note("Detect the API", tour.detect().await)?;
    summary.note("See who that is", tour.whoami().await)?;
    summary.note("Count the users", tour.count_users().await)?;
    summary.note("Create a user", tour.create_user().await)?;
    summary.note("Set his password", tour.set_password().await)?;
    summary.note("Change the role", tour.change_role().await)?;
    summary.note("Create a project", tour.create_project().await)?;
    summary.note("Grant access", tour.grant_access().await)?;
    summary.note("List clusters", tour.list_clusters().await)?;
    summary.note("Refresh a cluster", tour.refresh_cluster().await)?;
    summary.note("Deploy an endpoint", tour.deploy().await)?;
    summary.note("Deploy a model", tour.deploy_model().await)?;
    summary.note("Scale it to 2", tour.scale().await)?;
    summary.note("Undeploy it", tour.undeploy().await)?;
    summary.note("Check its quota", tour.check_quota().await)?;
    summary.note("Check one's quota", tour.check_own_quota().await)?;
    summary.note("Create an API key", tour.create_key().await)?;
    summary.note("Rotate the API key", tour.rotate_key().await)?;
    summary.note("Verify the audit log", tour.verify_audit().await)?;
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

#[cfg(test)]
mod tests {
    use bud_testbed::Flavor;
    use support::Platform;

    use super::*;

    /// What the tour does not do on each API, and nothing else: the documented API has no workflows, no self, no quotas of
    /// users and no proof of its log; the platform as shipped pushes the state of clusters, deploys models instead of
    /// endpoints, and has quotas of users instead of projects.
    #[tokio::test]
    async fn it_is_taken_on_both_apis_and_says_what_each_does_not_offer() {
        let on_the_guide = [
            "See who that is",
            "Set his password",
            "Deploy a model",
            "Check one's quota",
            "Verify the audit log",
        ];
        let as_shipped = ["Refresh a cluster", "Deploy an endpoint", "Check its quota"];
        let folder = std::env::temp_dir().join(format!("bud-tour-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        for (api, unsupported) in [(Flavor::Guide, on_the_guide.as_slice()), (Flavor::Runtime, &as_shipped)] {
            let platform = Platform::demo(api).await.unwrap();
            let file = folder.join(format!("{}.csv", api.as_str()));
            let mut tour = Tour::new(&platform, &file);
            let mut summary = Summary::new();
            take(&mut tour, &mut summary).await.unwrap();
            assert_eq!(tour.api.as_ref().unwrap().flavor.to_string(), api.as_str());
            assert_eq!(summary.steps_that_came_to("unsupported"), unsupported);
            assert_eq!(summary.steps_that_came_to("skipped"), <[&str; 0]>::default());
            // Twenty-one, and four to clean up.
            assert_eq!(summary.steps_that_came_to("ok").len(), 25 - unsupported.len());
            assert!(std::fs::metadata(&file).unwrap().len() > 1_000_000, "20,000 rows");
        }
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
