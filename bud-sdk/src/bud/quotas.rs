//! Quotas: how much may be used, and how much was.

use serde::Deserialize;
use serde_json::json;

use super::TimeRange;
use crate::bud::Client;
use crate::bud::Flavor;
use crate::call::Call;
use crate::error::{Error, ErrorKind, Result};
use crate::operation::{Describe, Operation, Parts, Raw, Reply, Route, Routes};
use crate::schema::{model, open_enum};
use crate::types::{Decimal, ProjectId, Timestamp, UserId, check_segment};

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
    /// Awaiting it returns a [`Quota`](crate::quotas::Quota).
    ///
    /// # Errors
    /// `NotFound`. On the platform as shipped quotas belong to users, not projects: `Unsupported`.
    ///
    /// ```no_run
    /// # async fn demo(bud: bud_sdk::Client, project: bud_sdk::projects::Project) -> bud_sdk::Result<()> {
    /// let quota = bud.quotas().of_project(&project).await?;
    /// println!("{:?} of {:?} tokens", quota.tokens_used, quota.tokens_quota);
    /// # Ok(())
    /// # }
    /// ```
    pub fn of_project(&self, project: impl Into<ProjectId>) -> Call<GetProjectQuota> {
        self.0.call(GetProjectQuota(project.into()))
    }

    /// Reads how much a user has used of what he may. `GET /billing/user/{id}/usage`, runtime only. While the platform's
    /// metrics service is down, it says that nothing was used; of an unknown user, that he has no plan.
    ///
    /// Awaiting it returns a [`UserQuota`](crate::quotas::UserQuota).
    ///
    /// # Errors
    /// `PermissionDenied` for who is no administrator.
    ///
    /// ```no_run
    /// # async fn demo(bud: bud_sdk::Client, user: bud_sdk::users::User) -> bud_sdk::Result<()> {
    /// let quota = bud.quotas().of_user(&user).await?;
    /// if let Some(usage) = &quota.usage {
    ///     println!("{:?} of {:?} tokens", usage.tokens_used, usage.tokens_quota);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn of_user(&self, user: impl Into<UserId>) -> Call<GetUserQuota> {
        self.0.call(GetUserQuota(user.into()))
    }

    /// The same for the session's own user; without a plan of his own `has_billing` is false, and the numbers are those of the
    /// free plan. `GET /billing/current`, runtime only.
    ///
    /// Awaiting it returns a [`UserQuota`](crate::quotas::UserQuota).
    ///
    /// # Errors
    /// Those of a request.
    pub fn mine(&self) -> Call<GetOwnQuota> {
        self.0.call(GetOwnQuota)
    }

    /// A user's billing: his plan, and what was agreed beyond it. `GET /billing/user/{id}`, runtime only.
    ///
    /// Awaiting it returns a [`UserBilling`](crate::quotas::UserBilling).
    ///
    /// # Errors
    /// `NotFound` for who has none; `PermissionDenied` for who is no administrator.
    pub fn billing_of(&self, user: impl Into<UserId>) -> Call<GetBilling> {
        self.0.call(GetBilling(user.into()))
    }

    /// The plans that there are. `GET /billing/plans`, runtime only.
    ///
    /// Awaiting it returns a list of [`Plan`](crate::quotas::Plan).
    ///
    /// # Errors
    /// Those of a request.
    pub fn plans(&self) -> Call<ListPlans> {
        self.0.call(ListPlans)
    }

    /// Whether the session's own user may still use the platform. `GET /billing/check-limits`, runtime only.
    ///
    /// Awaiting it returns a [`UsageLimits`](crate::quotas::UsageLimits).
    ///
    /// # Errors
    /// Those of a request.
    pub fn limits(&self) -> Call<GetLimits> {
        self.0.call(GetLimits)
    }

    /// What the session's own user used, day by day unless said otherwise; a step without use is left out.
    /// `POST /billing/history`, runtime only.
    ///
    /// Awaiting it returns a list of [`UsageStep`](crate::quotas::UsageStep).
    ///
    /// # Errors
    /// `Server` while the platform's metrics service is down: the platform calls that a success.
    pub fn history(&self, range: impl Into<TimeRange>) -> Call<GetUsageHistory> {
        let range = range.into();
        self.0.call(GetUsageHistory { range, granularity: Granularity::Daily, project: None })
    }
}

impl Call<GetUsageHistory> {
    /// How long a step is.
    pub fn granularity(mut self, granularity: Granularity) -> Self {
        self.operation_mut().granularity = granularity;
        self
    }
    /// Only what was used in this project.
    pub fn project(mut self, project: impl Into<ProjectId>) -> Self {
        self.operation_mut().project = Some(project.into());
        self
    }
}

open_enum! {
    /// The steps of a history.
    Granularity {
        /// Hours.
        Hourly = "hourly",
        /// Days.
        Daily = "daily",
        /// Weeks.
        Weekly = "weekly",
        /// Months.
        Monthly = "monthly",
    }
}

model! {
    /// What a user may use in a period, and what he did use.
    UserQuota {
        /// Whether he has a plan of his own; else these are the free plan's numbers.
        pub has_billing: Option<bool>,
        /// When the period began.
        pub billing_period_start: Option<Timestamp>,
        /// When it ends.
        pub billing_period_end: Option<Timestamp>,
        /// The plan.
        pub plan_name: Option<String>,
        /// Its id.
        pub billing_plan_id: Option<String>,
        /// What it costs a month.
        pub base_monthly_price: Option<Decimal>,
        /// What was used, in numbers; all of them 0 while the metrics service is down.
        pub usage: Option<Usage>,
        /// Use was stopped.
        pub is_suspended: Option<bool>,
        /// Why.
        pub suspension_reason: Option<String>,
    }
}

model! {
    /// What was used, and what may be.
    Usage {
        /// Tokens used.
        pub tokens_used: Option<u64>,
        /// Tokens that may be used.
        pub tokens_quota: Option<u64>,
        /// The one as hundredths of the other.
        pub tokens_usage_percent: Option<f64>,
        /// Money spent.
        pub cost_used: Option<Decimal>,
        /// Money that may be spent.
        pub cost_quota: Option<Decimal>,
        /// The one as hundredths of the other.
        pub cost_usage_percent: Option<f64>,
        /// Requests made.
        pub request_count: Option<u64>,
        /// The share of them that succeeded, in hundredths.
        pub success_rate: Option<f64>,
    }
}

model! {
    /// What was used in one step of a history.
    UsageStep {
        /// The step: its day, or its first moment.
        pub date: Option<String>,
        /// Tokens used.
        pub tokens: Option<u64>,
        /// Of these, those that went in.
        pub input_tokens: Option<u64>,
        /// Of these, those that came out.
        pub output_tokens: Option<u64>,
        /// Requests made.
        pub requests: Option<u64>,
        /// Money spent.
        pub cost: Option<Decimal>,
    }
}

model! {
    /// A user's billing.
    UserBilling {
        /// The id.
        pub id: Option<String>,
        /// The user.
        pub user_id: Option<UserId>,
        /// His plan.
        pub billing_plan_id: Option<String>,
        /// When the period began.
        pub billing_period_start: Option<Timestamp>,
        /// When it ends.
        pub billing_period_end: Option<Timestamp>,
        /// Tokens that were agreed beyond the plan.
        pub custom_token_quota: Option<u64>,
        /// Money that was agreed beyond the plan.
        pub custom_cost_quota: Option<Decimal>,
        /// He is told by e-mail.
        pub enable_email_notifications: Option<bool>,
        /// He is told in the application.
        pub enable_in_app_notifications: Option<bool>,
        /// It is in force.
        pub is_active: Option<bool>,
        /// Use was stopped.
        pub is_suspended: Option<bool>,
        /// Why.
        pub suspension_reason: Option<String>,
        /// It is of the present period.
        pub is_current: Option<bool>,
        /// Which period it is, from 1.
        pub cycle_number: Option<u32>,
        /// When another took its place.
        pub superseded_at: Option<Timestamp>,
        /// Which one that is.
        pub superseded_by_id: Option<String>,
        /// When it was created.
        pub created_at: Option<Timestamp>,
        /// When it was last changed.
        pub updated_at: Option<Timestamp> = "modified_at",
    }
}

model! {
    /// A plan that users can have.
    Plan {
        /// The id.
        pub id: Option<String>,
        /// The name.
        pub name: Option<String>,
        /// What it is.
        pub description: Option<String>,
        /// Tokens a month.
        pub monthly_token_quota: Option<u64>,
        /// Money a month.
        pub monthly_cost_quota: Option<Decimal>,
        /// Projects.
        pub max_projects: Option<u32>,
        /// Endpoints in each of them.
        pub max_endpoints_per_project: Option<u32>,
        /// What it costs a month.
        pub base_monthly_price: Option<Decimal>,
        /// What a token beyond it costs.
        pub overage_token_price: Option<Decimal>,
        /// What else belongs to it.
        pub features: Option<serde_json::Value>,
        /// It can be had.
        pub is_active: Option<bool>,
        /// When it was created.
        pub created_at: Option<Timestamp>,
        /// When it was last changed.
        pub updated_at: Option<Timestamp> = "modified_at",
    }
}

model! {
    /// Whether a user may still use the platform.
    UsageLimits {
        /// The user.
        pub user_id: Option<UserId>,
        /// `admin` or `client`.
        pub user_type: Option<String>,
        /// He may.
        pub allowed: Option<bool>,
        /// In a word: `allowed`, `admin_unlimited`...
        pub status: Option<String>,
        /// Tokens that may be used.
        pub tokens_quota: Option<u64>,
        /// Tokens used.
        pub tokens_used: Option<u64>,
        /// Money that may be spent.
        pub cost_quota: Option<Decimal>,
        /// Money spent.
        pub cost_used: Option<Decimal>,
        /// Tokens used when it was last looked at.
        pub prev_tokens_used: Option<u64>,
        /// Money spent then.
        pub prev_cost_used: Option<Decimal>,
        /// Why.
        pub reason: Option<String>,
        /// When it begins anew.
        pub reset_at: Option<Timestamp>,
        /// When it was looked at.
        pub last_updated: Option<Timestamp>,
        /// When the period began.
        pub billing_cycle_start: Option<Timestamp>,
        /// When it ends.
        pub billing_cycle_end: Option<Timestamp>,
        /// The plan.
        pub plan_name: Option<String>,
    }
}

const PER_PROJECT: &str = "use quotas.of_project: that API has quotas per project";

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
pub struct GetProjectQuota(ProjectId);

impl Describe for GetProjectQuota {
    type Flavor = Flavor;
    const ID: &'static str = "quotas.of_project";
    const SECTIONS: &'static [&'static str] = &["9.2"];
    const ROUTES: Routes<Flavor> = Routes::guide_only(
        Route::get("/projects/{id}/billing/quota"),
        "use quotas.of_user or quotas.mine: that platform has quotas per user, never per project",
    );
    fn encode(&self, _: Flavor) -> Result<Parts> {
        Parts::new().segment("id", self.0.as_str())
    }
}

impl Operation for GetProjectQuota {
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

/// An operation that only reads, has no arguments but an id, and whose result stands under `result`.
macro_rules! reads {
    ($($id:literal $name:ident($($arg:ty)?) $path:literal -> $output:ty;)*) => {$(
        #[doc = concat!("`", $id, "`")]
        #[derive(Debug, Clone)]
        pub struct $name$(($arg))?;

        impl Describe for $name {
            type Flavor = Flavor;
            const ID: &'static str = $id;
            const SECTIONS: &'static [&'static str] = &["9.2"];
            const ROUTES: Routes<Flavor> = Routes::runtime_only(Route::get($path), PER_PROJECT);
            fn encode(&self, _: Flavor) -> Result<Parts> {
                let parts = Parts::new();
                $(
                    let id: &$arg = &self.0;
                    let parts = parts.segment("id", id.as_str())?;
                )?
                Ok(parts)
            }
        }

        impl Operation for $name {
            type Output = $output;
            fn decode(&self, _: Flavor, raw: Raw) -> Result<Reply<$output>> {
                raw.result().map(Reply::Done)
            }
        }
    )*};
}

reads! {
    "quotas.of_user" GetUserQuota(UserId) "/billing/user/{id}/usage" -> UserQuota;
    "quotas.mine" GetOwnQuota() "/billing/current" -> UserQuota;
    "quotas.billing_of" GetBilling(UserId) "/billing/user/{id}" -> UserBilling;
    "quotas.plans" ListPlans() "/billing/plans" -> Vec<Plan>;
    "quotas.limits" GetLimits() "/billing/check-limits" -> UsageLimits;
}

/// `quotas.history`
#[derive(Debug, Clone)]
pub struct GetUsageHistory {
    range: TimeRange,
    granularity: Granularity,
    project: Option<ProjectId>,
}

impl Describe for GetUsageHistory {
    type Flavor = Flavor;
    const ID: &'static str = "quotas.history";
    const SECTIONS: &'static [&'static str] = &["9.2"];
    const ROUTES: Routes<Flavor> =
        Routes::runtime_only(Route::post("/billing/history").reading(), PER_PROJECT);
    fn encode(&self, _: Flavor) -> Result<Parts> {
        let (start, end) = self.range.inclusive()?;
        let mut body =
            json!({ "start_date": start, "end_date": end, "granularity": self.granularity.as_str() });
        if let (Some(project), Some(body)) = (&self.project, body.as_object_mut()) {
            check_segment("project_id", project.as_str())?;
            body.insert("project_id".to_owned(), project.as_str().into());
        }
        Parts::new().json(&body)
    }
}

impl Operation for GetUsageHistory {
    type Output = Vec<UsageStep>;
    fn decode(&self, _: Flavor, raw: Raw) -> Result<Reply<Self::Output>> {
        #[derive(Deserialize)]
        struct Steps {
            data: Vec<UsageStep>,
            error: Option<String>,
        }
        let Steps { data, error } = raw.result()?;
        match error {
            None => Ok(Reply::Done(data)),
            Some(error) => Err(Error::new(ErrorKind::Server, error).with_status(raw.status)),
        }
    }
}
