//! Quotas: how much may be used, and how much was.

use crate::api::{Describe, Flavor, Operation, Parts, Raw, Reply, Route, Routes};
use crate::client::{Call, Client};
use crate::error::{Error, Result};
use crate::types::{Decimal, ProjectId, Timestamp, model};

impl Client {
    /// Quotas: guide section 9.2.
    pub fn quotas(&self) -> Quotas {
        Quotas(self.clone())
    }
}

/// The quotas of the platform.
#[derive(Debug, Clone)]
pub struct Quotas(Client);

impl Quotas {
    /// Reads how much a project has used of what it may. Guide section 9.2: `GET /projects/{id}/billing/quota`.
    ///
    /// # Errors
    /// `NotFound`. On the platform as shipped quotas belong to users, not projects: `Unsupported`.
    ///
    /// ```no_run
    /// # async fn demo(bud: bud_sdk::Client, project: bud_sdk::Project) -> bud_sdk::Result<()> {
    /// let quota = bud.quotas().of_project(&project).await?;
    /// println!("{:?} of {:?} tokens", quota.tokens_used, quota.tokens_quota);
    /// # Ok(())
    /// # }
    /// ```
    pub fn of_project(&self, project: impl Into<ProjectId>) -> Call<ProjectQuota> {
        self.0.call(ProjectQuota(project.into()))
    }
}

model! {
    /// How much may be used in a period, and how much was. A quota that the server does not give is `None`, not unlimited.
    Quota {
        /// The project.
        pub project_id: Option<ProjectId>,
        /// When the period began.
        pub period_start: Option<Timestamp>,
        /// When it ends.
        pub period_end: Option<Timestamp>,
        /// Tokens used.
        pub tokens_used: Option<u64>,
        /// Tokens that may be used.
        pub tokens_quota: Option<u64>,
        /// Requests made.
        pub requests_used: Option<u64>,
        /// Requests that may be made.
        pub requests_quota: Option<u64>,
        /// Money spent, in the platform's currency.
        pub cost_used: Option<Decimal>,
        /// Money that may be spent.
        pub cost_quota: Option<Decimal>,
        /// Use was stopped.
        pub suspended: Option<bool> = "is_suspended",
    }
}

impl Quota {
    /// The largest share used of any quota, 1.0 being all of it; `None` when the server gives no pair to compare.
    pub fn highest_use(&self) -> Option<f64> {
        let share = |used: Option<f64>, quota: Option<f64>| {
            let (used, quota) = used.zip(quota)?;
            (quota > 0.0 && used.is_finite()).then_some(used / quota)
        };
        let count = |count: Option<u64>| count.map(|count| count as f64);
        let cost = |cost: &Option<Decimal>| cost.as_ref().map(Decimal::to_f64);
        [
            share(count(self.tokens_used), count(self.tokens_quota)),
            share(count(self.requests_used), count(self.requests_quota)),
            share(cost(&self.cost_used), cost(&self.cost_quota)),
        ]
        .into_iter()
        .flatten()
        .reduce(f64::max)
    }
}

/// `quotas.of_project`
#[derive(Debug, Clone)]
pub struct ProjectQuota(ProjectId);

impl Describe for ProjectQuota {
    const ID: &'static str = "quotas.of_project";
    const SECTIONS: &'static [&'static str] = &["9.2"];
    const ROUTES: Routes = Routes::guide_only(
        Route::get("/projects/{id}/billing/quota"),
        "that platform has quotas per user, never per project",
    );
    fn encode(&self, _: Flavor) -> Result<Parts> {
        Parts::new().segment("id", self.0.as_str())
    }
}

impl Operation for ProjectQuota {
    type Output = Quota;
    fn decode(&self, _: Flavor, raw: Raw) -> Result<Reply<Quota>> {
        let quota: Quota = raw.object("quota")?;
        // Nothing in it is required, so an answer about something else would read as an empty quota.
        if quota.tokens_used.is_none() && quota.requests_used.is_none() && quota.cost_used.is_none() {
            return Err(Error::decode(
                ".",
                "expected a quota, found none of tokens_used, requests_used, cost_used",
            )
            .with_status(raw.status));
        }
        Ok(Reply::Done(quota))
    }
}
