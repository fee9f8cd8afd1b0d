//! Scopes: the rights that the platform as shipped knows.

use serde_json::{Value, json};

use super::PermissionLevel;
use crate::schema::{model, open_enum};
use crate::types::Wire;

open_enum! {
    /// A permission on the runtime API. Permissions on endpoints belong to a project, all others to the whole platform.
    Scope {
        /// To see models.
        ModelView = "model:view",
        /// To change models.
        ModelManage = "model:manage",
        /// To benchmark models. The server takes it and gives nothing for it.
        ModelBenchmark = "model:benchmark",
        /// To see projects.
        ProjectView = "project:view",
        /// To change projects.
        ProjectManage = "project:manage",
        /// To see clusters.
        ClusterView = "cluster:view",
        /// To change clusters.
        ClusterManage = "cluster:manage",
        /// To see users.
        UserView = "user:view",
        /// To change users.
        UserManage = "user:manage",
        /// To see benchmarks.
        BenchmarkView = "benchmark:view",
        /// To run benchmarks.
        BenchmarkManage = "benchmark:manage",
        /// To see the endpoints of a project.
        EndpointView = "endpoint:view",
        /// To change the endpoints of a project.
        EndpointManage = "endpoint:manage",
        /// To use the clients' application.
        ClientAccess = "client:access",
    }
}

model! {
    /// A right, and whether somebody has it.
    ScopeState {
        /// The right.
        pub name: Option<Wire<Scope>>,
        /// Whether he has it.
        pub has_permission: Option<bool>,
    }
}

/// Whether this right is among them, and given.
pub(crate) fn has(scopes: &[ScopeState], scope: &Scope) -> bool {
    scopes.iter().any(|state| state.name.as_deref() == Some(scope) && state.has_permission == Some(true))
}

/// Rights to give and to take.
#[derive(Debug, Clone, Default)]
pub struct Scopes(Vec<(Scope, bool)>);

impl Scopes {
    /// Changes nothing yet.
    pub fn new() -> Self {
        Self::default()
    }
    /// Gives a right.
    pub fn allow(mut self, scope: Scope) -> Self {
        self.0.push((scope, true));
        self
    }
    /// Takes a right.
    pub fn deny(mut self, scope: Scope) -> Self {
        self.0.push((scope, false));
        self
    }
    /// One that cannot be given on the whole platform.
    pub(crate) fn of_projects(&self) -> Option<&Scope> {
        self.0.iter().map(|(scope, _)| scope).find(|scope| scope.as_str().starts_with("endpoint:"))
    }
    /// One that a user does not have as it is asked for here. To view is not taken away while to manage includes it.
    pub(crate) fn first_unlike(&self, held: &[ScopeState]) -> Option<&Scope> {
        // Of several for one scope the last one counts.
        let last =
            |scope: &Scope| self.0.iter().rev().find(|(other, _)| other == scope).map(|(_, allow)| *allow);
        let implied = |scope: &Scope| {
            let manage =
                scope.as_str().strip_suffix(":view").map(|module| Scope::from(&*format!("{module}:manage")));
            manage.is_some_and(|manage| has(held, &manage))
        };
        let unlike = |scope: &Scope| match last(scope) {
            Some(true) => !has(held, scope),
            _ => has(held, scope) && !implied(scope),
        };
        self.0.iter().map(|(scope, _)| scope).find(|scope| unlike(scope))
    }
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
    pub(crate) fn to_json(&self) -> Value {
        self.0.iter().map(|(scope, has)| json!({ "name": scope.as_str(), "has_permission": has })).collect()
    }
}

/// What a level means for the endpoints of a project; `None` for a level that has no such meaning.
pub(crate) fn of_level(level: &PermissionLevel) -> Option<&'static [&'static str]> {
    match level {
        PermissionLevel::View => Some(&["endpoint:view"]),
        PermissionLevel::Edit => Some(&["endpoint:view", "endpoint:manage"]),
        PermissionLevel::Admin | PermissionLevel::Other(_) => None,
    }
}

/// The level that such scopes amount to.
pub(crate) fn to_level(scopes: &[ScopeState]) -> Option<Wire<PermissionLevel>> {
    if has(scopes, &Scope::EndpointManage) {
        return Some(PermissionLevel::Edit.into());
    }
    has(scopes, &Scope::EndpointView).then(|| PermissionLevel::View.into())
}
