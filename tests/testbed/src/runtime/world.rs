//! What this dialect knows beyond the common state, beside it and by its identifiers.

use std::collections::{BTreeSet, HashMap, HashSet};

use jiff::Timestamp;
use serde_json::Value;

use super::deploy::Workflow;
use crate::ids;
use crate::state::audit::format_time;
use crate::state::{Role, User};

/// A throwaway key pair, for these tests alone.
pub(crate) const DEPLOYMENT_KEY: &str = include_str!("deployment_key.pem");

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Status {
    Active,
    Invited,
    Deleted,
}

impl Status {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Invited => "invited",
            Self::Deleted => "deleted",
        }
    }
}

#[derive(Debug, Clone)]
pub(crate) struct Profile {
    pub(crate) role: String,
    /// The role that the identity provider has, which the next sign-in brings back.
    pub(crate) given_role: String,
    pub(crate) status: Status,
    pub(crate) user_type: String,
    pub(crate) company: Option<String>,
    pub(crate) purpose: Option<String>,
    pub(crate) scopes: BTreeSet<String>,
    pub(crate) must_change: bool,
    pub(crate) resets: u32,
}

#[derive(Debug, Clone)]
pub(crate) struct Member {
    pub(crate) user_id: String,
    pub(crate) scopes: BTreeSet<String>,
}

#[derive(Debug, Clone)]
pub(crate) struct ProjectInfo {
    pub(crate) deleted: bool,
    pub(crate) project_type: String,
    pub(crate) tags: Value,
    pub(crate) icon: Value,
    pub(crate) owner: String,
    pub(crate) members: Vec<Member>,
}

impl ProjectInfo {
    pub(crate) fn may(&self, user_id: &str, scope: &str) -> bool {
        self.members.iter().any(|member| member.user_id == user_id && member.scopes.contains(scope))
    }
}

#[derive(Debug, Clone)]
pub(crate) struct Key {
    pub(crate) owner: String,
    pub(crate) plain: String,
    /// What goes over the wire in its place.
    pub(crate) sealed: String,
    pub(crate) expiry: Option<String>,
    pub(crate) max_budget: Value,
    pub(crate) model_budgets: Value,
    pub(crate) credential_type: String,
    pub(crate) ip_whitelist: Value,
}

#[derive(Debug, Clone)]
pub(crate) struct Running {
    pub(crate) cloud: bool,
    pub(crate) deploy_config: Value,
    pub(crate) autoscale: Option<Value>,
}

pub(crate) struct World {
    pub(crate) admin_id: String,
    profiles: HashMap<String, Profile>,
    projects: HashMap<String, ProjectInfo>,
    pub(crate) keys: HashMap<String, Key>,
    pub(crate) running: HashMap<String, Running>,
    pub(crate) settings: HashMap<String, Value>,
    deploy_ids: HashMap<String, String>,
    pub(crate) workflows: Vec<Workflow>,
    pub(crate) local_model: String,
    pub(crate) cloud_model: String,
    pub(crate) provider_key: String,
    pub(crate) deployments: u32,
    pub(crate) metrics_down: bool,
    pub(crate) tampered: HashSet<String>,
}

impl World {
    pub(crate) fn new(admin_id: &str) -> Self {
        Self {
            admin_id: admin_id.to_owned(),
            profiles: HashMap::new(),
            projects: HashMap::new(),
            keys: HashMap::new(),
            running: HashMap::new(),
            settings: HashMap::new(),
            deploy_ids: HashMap::new(),
            workflows: Vec::new(),
            local_model: ids::uuid(),
            cloud_model: ids::uuid(),
            provider_key: ids::uuid(),
            deployments: 0,
            metrics_down: false,
            tampered: HashSet::new(),
        }
    }

    /// A user of the common state is active, and an administrator may do what administrators may.
    fn usual(&self, user: &User) -> Profile {
        let role = match user.role {
            Role::Admin if user.id == self.admin_id => "super_admin",
            Role::Admin => "admin",
            Role::ProjectAdmin => "devops",
            Role::User => "developer",
        };
        let scopes: &[&str] = match user.role {
            Role::Admin => &GLOBAL_SCOPES,
            Role::ProjectAdmin | Role::User => &["cluster:view", "model:view", "project:view"],
        };
        Profile {
            role: role.to_owned(),
            given_role: role.to_owned(),
            status: Status::Active,
            user_type: if user.role == Role::Admin { "admin" } else { "client" }.to_owned(),
            company: None,
            purpose: None,
            scopes: scopes.iter().map(|scope| (*scope).to_owned()).collect(),
            must_change: false,
            resets: 0,
        }
    }

    pub(crate) fn profile(&mut self, user: &User) -> Profile {
        self.profile_mut(user).clone()
    }

    pub(crate) fn profile_mut(&mut self, user: &User) -> &mut Profile {
        let usual = self.usual(user);
        self.profiles.entry(user.id.clone()).or_insert(usual)
    }

    pub(crate) fn project(&mut self, id: &str) -> &mut ProjectInfo {
        let owner = self.admin_id.clone();
        self.projects.entry(id.to_owned()).or_insert_with(|| ProjectInfo {
            deleted: false,
            project_type: "admin_app".to_owned(),
            tags: Value::Null,
            icon: Value::Null,
            members: vec![owning(&owner)],
            owner,
        })
    }

    /// The identifier that deployments name a cluster by; not the cluster's own.
    pub(crate) fn deploy_id(&mut self, cluster_id: &str) -> String {
        self.deploy_ids.entry(cluster_id.to_owned()).or_insert_with(ids::uuid).clone()
    }
}

pub(crate) fn owning(user_id: &str) -> Member {
    let scopes = ["endpoint:view", "endpoint:manage", "project:manage", "project:view"];
    Member { user_id: user_id.to_owned(), scopes: scopes.map(str::to_owned).into() }
}

pub(crate) const GLOBAL_SCOPES: [&str; 10] = [
    "cluster:view",
    "cluster:manage",
    "model:view",
    "model:manage",
    "project:view",
    "project:manage",
    "user:view",
    "user:manage",
    "benchmark:view",
    "benchmark:manage",
];

/// RFC 3339 to the microsecond.
pub(crate) fn time(at: Timestamp) -> String {
    format_time(at.as_microsecond())
}

/// The same without a zone.
pub(crate) fn naive(at: Timestamp) -> String {
    time(at).trim_end_matches('Z').to_owned()
}

/// A time of billing and verification: with an offset.
pub(crate) fn offset(at: Timestamp) -> String {
    format!("{}+00:00", naive(at))
}
