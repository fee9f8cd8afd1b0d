//! The platform's state in memory, in no dialect: what exists, and the rules that hold whatever the wire looks like.

use std::collections::VecDeque;

use jiff::Timestamp;

use crate::ids;
use crate::options::Builder;

pub(crate) mod audit;
pub(crate) mod deployment;
pub(crate) mod sessions;

use audit::Audit;
use deployment::{Pace, Work};

/// The address of the first administrator.
pub(crate) const ADMIN_EMAIL: &str = "admin@example.com";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    User,
    ProjectAdmin,
    Admin,
}

impl Role {
    pub(crate) const NAMES: &[&str] = &["USER", "PROJECT_ADMIN", "ADMIN"];

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::User => "USER",
            Self::ProjectAdmin => "PROJECT_ADMIN",
            Self::Admin => "ADMIN",
        }
    }

    pub(crate) fn parse(name: &str) -> Option<Self> {
        [Self::User, Self::ProjectAdmin, Self::Admin].into_iter().find(|role| role.as_str() == name)
    }
}

#[derive(Debug, Clone)]
pub(crate) struct User {
    pub(crate) id: String,
    pub(crate) email: String,
    pub(crate) first_name: String,
    pub(crate) last_name: String,
    pub(crate) role: Role,
    pub(crate) active: bool,
    /// Salted; none until one is set.
    password: Option<(String, String)>,
    pub(crate) created_at: Timestamp,
    pub(crate) updated_at: Timestamp,
}

impl User {
    pub(crate) fn new(email: &str, first_name: &str, last_name: &str, role: Role) -> Self {
        let now = Timestamp::now();
        Self {
            id: ids::uuid(),
            email: email.to_owned(),
            first_name: first_name.to_owned(),
            last_name: last_name.to_owned(),
            role,
            active: true,
            password: None,
            created_at: now,
            updated_at: now,
        }
    }

    pub(crate) fn name(&self) -> String {
        format!("{} {}", self.first_name, self.last_name).trim().to_owned()
    }

    pub(crate) fn set_password(&mut self, password: &str) {
        let salt = ids::secret("");
        self.password = Some((ids::sha256(&format!("{salt}{password}")), salt));
    }

    pub(crate) fn has_password(&self, password: &str) -> bool {
        self.password.as_ref().is_some_and(|(hash, salt)| *hash == ids::sha256(&format!("{salt}{password}")))
    }
}

#[derive(Debug, Clone)]
pub(crate) struct Project {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) description: String,
    pub(crate) quota: Quota,
    pub(crate) created_at: Timestamp,
    pub(crate) updated_at: Timestamp,
}

impl Project {
    pub(crate) fn new(name: &str, description: &str) -> Self {
        let now = Timestamp::now();
        Self {
            id: ids::uuid(),
            name: name.to_owned(),
            description: description.to_owned(),
            quota: Quota::default(),
            created_at: now,
            updated_at: now,
        }
    }
}

/// Money in hundredths: a float would not stay what was set.
#[derive(Debug, Clone)]
pub(crate) struct Quota {
    pub(crate) tokens_used: u64,
    pub(crate) tokens_quota: u64,
    pub(crate) requests_used: u64,
    pub(crate) requests_quota: u64,
    pub(crate) cost_used: u64,
    pub(crate) cost_quota: u64,
}

impl Default for Quota {
    fn default() -> Self {
        Self {
            tokens_used: 125_000,
            tokens_quota: 10_000_000,
            requests_used: 420,
            requests_quota: 100_000,
            cost_used: 1_234,
            cost_quota: 100_000,
        }
    }
}

impl Quota {
    pub(crate) fn suspended(&self) -> bool {
        self.tokens_used > self.tokens_quota
            || self.requests_used > self.requests_quota
            || self.cost_used > self.cost_quota
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Level {
    View,
    Edit,
    Admin,
}

impl Level {
    pub(crate) const NAMES: &[&str] = &["view", "edit", "admin"];

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::View => "view",
            Self::Edit => "edit",
            Self::Admin => "admin",
        }
    }

    pub(crate) fn parse(name: &str) -> Option<Self> {
        [Self::View, Self::Edit, Self::Admin].into_iter().find(|level| level.as_str() == name)
    }
}

#[derive(Debug, Clone)]
pub(crate) struct Permission {
    pub(crate) id: String,
    pub(crate) user_id: String,
    pub(crate) resource_type: String,
    pub(crate) resource_id: String,
    pub(crate) level: Level,
    pub(crate) created_at: Timestamp,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum EndpointStatus {
    Stopped,
    Deploying,
    Running,
    Failed,
}

impl EndpointStatus {
    pub(crate) const NAMES: &[&str] = &["STOPPED", "DEPLOYING", "RUNNING", "FAILED"];

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Stopped => "STOPPED",
            Self::Deploying => "DEPLOYING",
            Self::Running => "RUNNING",
            Self::Failed => "FAILED",
        }
    }
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct Resources {
    pub(crate) gpu_count: u64,
    pub(crate) memory_gb: u64,
}

#[derive(Debug, Clone)]
pub(crate) struct Endpoint {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) project_id: String,
    pub(crate) model_id: String,
    pub(crate) cluster_id: Option<String>,
    pub(crate) status: EndpointStatus,
    pub(crate) replicas: u64,
    pub(crate) resources: Option<Resources>,
    pub(crate) reason: Option<String>,
    pub(crate) work: Option<Work>,
    pub(crate) created_at: Timestamp,
    pub(crate) updated_at: Timestamp,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ClusterStatus {
    Available,
    NotAvailable,
}

impl ClusterStatus {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Available => "AVAILABLE",
            Self::NotAvailable => "NOT_AVAILABLE",
        }
    }
}

#[derive(Debug, Clone)]
pub(crate) struct Cluster {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) status: ClusterStatus,
    pub(crate) cluster_type: &'static str,
    pub(crate) total_nodes: u64,
    pub(crate) available_nodes: u64,
    pub(crate) gpu_count: u64,
    pub(crate) last_refreshed_at: Timestamp,
    pub(crate) created_at: Timestamp,
}

#[derive(Debug, Clone)]
pub(crate) struct Credential {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) project_id: String,
    pub(crate) created_at: Timestamp,
}

pub(crate) struct Store {
    pub(crate) users: Vec<User>,
    pub(crate) projects: Vec<Project>,
    pub(crate) permissions: Vec<Permission>,
    pub(crate) endpoints: Vec<Endpoint>,
    pub(crate) clusters: Vec<Cluster>,
    pub(crate) credentials: Vec<Credential>,
    pub(crate) audit: Audit,
    pub(crate) mails: Vec<String>,
    pub(crate) failures: VecDeque<(u32, String)>,
    pub(crate) pace: Pace,
    seeded: usize,
}

/// A fresh store and who administers it.
pub(crate) struct Seed {
    pub(crate) store: Store,
    pub(crate) admin_id: String,
}

impl Store {
    pub(crate) fn seeded(admin_password: &str, options: &Builder) -> Seed {
        let mut admin = User::new(ADMIN_EMAIL, "First", "Admin", Role::Admin);
        admin.set_password(admin_password);
        let admin_id = admin.id.clone();
        let project = Project::new("Getting Started", "The project that every platform begins with");
        let project_id = project.id.clone();
        let cluster = |name: &str, status, total_nodes, available_nodes, gpu_count| Cluster {
            id: ids::uuid(),
            name: name.to_owned(),
            status,
            cluster_type: "ON_PREM",
            total_nodes,
            available_nodes,
            gpu_count,
            last_refreshed_at: Timestamp::now(),
            created_at: Timestamp::now(),
        };
        let mut store = Self {
            users: vec![admin],
            projects: vec![project],
            permissions: Vec::new(),
            endpoints: Vec::new(),
            clusters: vec![
                cluster("gpu-cluster-1", ClusterStatus::Available, 4, 4, 16),
                cluster("edge-cluster-2", ClusterStatus::NotAvailable, 2, 0, 4),
            ],
            credentials: Vec::new(),
            audit: Audit::default(),
            mails: Vec::new(),
            failures: options.failures.iter().cloned().collect(),
            pace: Pace::from(options),
            seeded: 0,
        };
        for name in ["llama-3-8b", "mistral-7b-instruct", "bge-m3-embedding"] {
            store.seed_endpoint(&project_id, name);
        }
        Seed { store, admin_id }
    }

    pub(crate) fn seed_endpoint(&mut self, project_id: &str, name: &str) -> String {
        let now = Timestamp::now();
        let id = ids::uuid();
        self.endpoints.push(Endpoint {
            id: id.clone(),
            name: name.to_owned(),
            project_id: project_id.to_owned(),
            model_id: ids::uuid(),
            cluster_id: None,
            status: EndpointStatus::Stopped,
            replicas: 0,
            resources: None,
            reason: None,
            work: None,
            created_at: now,
            updated_at: now,
        });
        id
    }

    pub(crate) fn seed_users(&mut self, count: usize) -> Vec<String> {
        (0..count)
            .map(|_| {
                self.seeded += 1;
                let number = self.seeded;
                let user = User::new(
                    &format!("user-{number:05}@example.com"),
                    "Seeded",
                    &format!("User {number:05}"),
                    Role::User,
                );
                let id = user.id.clone();
                self.users.push(user);
                id
            })
            .collect()
    }

    pub(crate) fn seed_user(&mut self, role: Role, password: &str) -> (String, String) {
        self.seeded += 1;
        let number = self.seeded;
        let email =
            format!("{}-{number:05}@example.com", role.as_str().to_ascii_lowercase().replace('_', "-"));
        let mut user = User::new(&email, "Seeded", &format!("Person {number:05}"), role);
        user.set_password(password);
        let id = user.id.clone();
        self.users.push(user);
        (id, email)
    }

    pub(crate) fn set_password(&mut self, who: &str, password: &str) -> bool {
        let found = self.users.iter_mut().find(|user| user.id == who || user.email == who);
        found.map(|user| user.set_password(password)).is_some()
    }

    pub(crate) fn set_usage(&mut self, project_id: &str, tokens: u64, requests: u64, cost: u64) -> bool {
        let Some(project) = self.projects.iter_mut().find(|project| project.id == project_id) else {
            return false;
        };
        project.quota.tokens_used = tokens;
        project.quota.requests_used = requests;
        project.quota.cost_used = cost;
        true
    }

    pub(crate) fn user(&self, id: &str) -> Option<&User> {
        self.users.iter().find(|user| user.id == id)
    }

    pub(crate) fn user_by_email(&self, email: &str) -> Option<&User> {
        self.users.iter().find(|user| user.email.eq_ignore_ascii_case(email))
    }

    pub(crate) fn project(&self, id: &str) -> Option<&Project> {
        self.projects.iter().find(|project| project.id == id)
    }

    pub(crate) fn endpoint(&self, id: &str) -> Option<&Endpoint> {
        self.endpoints.iter().find(|endpoint| endpoint.id == id)
    }

    pub(crate) fn cluster(&self, id: &str) -> Option<&Cluster> {
        self.clusters.iter().find(|cluster| cluster.id == id)
    }

    /// The highest level that a user was given on a resource; an endpoint inherits from its project.
    pub(crate) fn level(&self, user_id: &str, resource_type: &str, resource_id: &str) -> Option<Level> {
        let own = self
            .permissions
            .iter()
            .filter(|p| {
                p.user_id == user_id && p.resource_type == resource_type && p.resource_id == resource_id
            })
            .map(|p| p.level)
            .max();
        let inherited = match self.endpoint(resource_id) {
            Some(endpoint) if resource_type == "endpoint" => {
                self.level(user_id, "project", &endpoint.project_id)
            }
            _ => None,
        };
        own.max(inherited)
    }

    /// GPUs of a cluster that no endpoint holds.
    pub(crate) fn gpu_available(&self, cluster: &Cluster) -> u64 {
        if cluster.status == ClusterStatus::NotAvailable {
            return 0;
        }
        let held = self.endpoints.iter().filter(|endpoint| {
            endpoint.cluster_id.as_ref() == Some(&cluster.id) && endpoint.status != EndpointStatus::Failed
        });
        cluster.gpu_count.saturating_sub(held.map(Endpoint::gpus_held).fold(0, u64::saturating_add))
    }

    /// Removes a project and what belongs to it.
    pub(crate) fn remove_project(&mut self, id: &str) {
        let gone: Vec<_> = self
            .endpoints
            .extract_if(.., |endpoint| endpoint.project_id == id)
            .map(|endpoint| endpoint.id)
            .collect();
        self.permissions.retain(|p| p.resource_id != id && !gone.contains(&p.resource_id));
        self.credentials.retain(|credential| credential.project_id != id);
        self.projects.retain(|project| project.id != id);
    }
}
