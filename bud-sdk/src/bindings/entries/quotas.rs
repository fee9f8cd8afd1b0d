//! Quotas, billing and API keys.

use std::collections::BTreeMap;

use super::{Client, entries, range};
use crate::bindings::args::When;
use crate::bindings::results::IssuedKey;
use crate::bud::{
    Credential, CredentialType, CredentialUpdate, Expiry, Granularity, Plan, Quota, UsageLimits, UsageStep,
    UserBilling, UserQuota,
};
use crate::error::{Error, Result};
use crate::types::{CredentialId, ProjectId, Timestamp, UserId};

entries! {
    on Client;

    /// Reads how much a project has used of what it may.
    call quotas.of_project(
        /// The project.
        project: ProjectId,
    ) -> Quota = |bud| bud.quotas().of_project(project);
    /// Reads how much a user has used of what he may. While the platform's metrics service is down, it says that nothing was
    /// used; of an unknown user, that he has no plan.
    call quotas.of_user(
        /// The user.
        user: UserId,
    ) -> UserQuota = |bud| bud.quotas().of_user(user);
    /// The same for the session's own user.
    call quotas.mine() -> UserQuota = |bud| bud.quotas().mine();
    /// A user's billing: his plan, and what was agreed beyond it.
    call quotas.billing_of(
        /// The user.
        user: UserId,
    ) -> UserBilling = |bud| bud.quotas().billing_of(user);
    /// The plans that there are.
    call quotas.plans() -> Vec<Plan> = |bud| bud.quotas().plans();
    /// Whether the session's own user may still use the platform.
    call quotas.limits() -> UsageLimits = |bud| bud.quotas().limits();
    /// What the session's own user used, step by step.
    call quotas.history(
        /// The beginning.
        start: Timestamp,
        /// The end, not included.
        end: Timestamp,
        /// How long a step is. `daily`.
        granularity: Option<Granularity>,
        /// Only what was used in this project.
        project: Option<ProjectId>,
    ) -> Vec<UsageStep> = |bud| {
        let call = bud.quotas().history(range(start, end)?);
        let call = call.when(granularity, |call, granularity| call.granularity(granularity));
        call.when(project, |call, project| call.project(project))
    };

    /// Creates an API key and returns its value, which the documented API shows once. It is sent once: after a failure that
    /// may have been applied, a key that nobody knows may exist.
    call credentials.create(
        /// The name.
        name: String,
        /// The project that it opens.
        project: ProjectId,
        /// For how many days it is good: 30, 60, 90, or 0 for ever. Runtime only.
        expiry: Option<u32>,
        /// How much may be spent with it. Runtime only.
        max_budget: Option<f64>,
        /// How much of that on single models, by their ids. Runtime only.
        model_budgets: Option<BTreeMap<String, f64>>,
        /// The addresses and networks that may use it. Runtime only.
        ip_whitelist: Option<Vec<String>>,
        /// Which of the platform's applications it belongs to. Runtime only.
        credential_type: Option<CredentialType>,
    ) -> IssuedKey = |bud| {
        let mut call = bud.credentials().create(name, project)
            .when(days(expiry)?, |call, expiry| call.expiry(expiry))
            .when(max_budget, |call, budget| call.max_budget(budget))
            .when(ip_whitelist, |call, addresses| call.ip_whitelist(addresses))
            .when(credential_type, |call, kind| call.credential_type(kind));
        for (model, budget) in model_budgets.unwrap_or_default() {
            call = call.model_budget(model, budget);
        }
        call
    };
    /// Lists API keys, without their values. On the platform as shipped these are the caller's own.
    pages credentials.list(
        /// Only those of this project.
        project: Option<ProjectId>,
        /// Only those of this kind. Runtime only.
        credential_type: Option<CredentialType>,
    ) -> Credential = |bud| {
        let list = bud.credentials().list().when(project, |list, project| list.project(project));
        list.when(credential_type, |list, kind| list.credential_type(kind))
    };
    /// Changes an API key; what is not given stays.
    call credentials.update(
        /// The key.
        id: CredentialId,
        /// The name.
        name: Option<String>,
        /// For how many days from now it is good: 30, 60, 90, or 0 for ever.
        expiry: Option<u32>,
        /// How much may be spent with it.
        max_budget: Option<f64>,
        /// How much of that on single models, by their ids.
        model_budgets: Option<BTreeMap<String, f64>>,
        /// The addresses and networks that may use it.
        ip_whitelist: Option<Vec<String>>,
    ) -> Credential = |bud| {
        let mut update = CredentialUpdate::new()
            .when(name, CredentialUpdate::name)
            .when(days(expiry)?, CredentialUpdate::expiry)
            .when(max_budget, CredentialUpdate::max_budget)
            .when(ip_whitelist, CredentialUpdate::ip_whitelist);
        for (model, budget) in model_budgets.unwrap_or_default() {
            update = update.model_budget(model, budget);
        }
        bud.credentials().update(id, update)
    };
    /// Deletes an API key, at once and for good.
    call credentials.delete(
        /// The key.
        id: CredentialId,
    ) -> () = |bud| bud.credentials().delete(id);
}

fn days(days: Option<u32>) -> Result<Option<Expiry>> {
    match days {
        None => Ok(None),
        Some(0) => Ok(Some(Expiry::Never)),
        Some(30) => Ok(Some(Expiry::Days30)),
        Some(60) => Ok(Some(Expiry::Days60)),
        Some(90) => Ok(Some(Expiry::Days90)),
        Some(_) => Err(Error::invalid("expiry", "it must be 0, 30, 60 or 90 days")),
    }
}
