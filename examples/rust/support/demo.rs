//! The embedded test server, furnished so that every example finds something to work on.

use std::path::PathBuf;
use std::time::Duration;

use bud_sdk::endpoints::{Deployment, EndpointStatus};
use bud_sdk::projects::NewProject;
use bud_sdk::users::Role;
use bud_sdk::{Client, ClientBuilder, Timestamp};
use bud_testbed::{Flavor, Testbed};

use super::{Failure, Result};

/// An embedded test server and what is on it.
pub struct Demo {
    pub user_email: String,
    pub project: String,
    pub cluster: String,
    /// One that is down; where every endpoint is up, one that is not the running one.
    pub stopped_endpoint: String,
    pub running_endpoint: String,
    /// A model that clusters run.
    pub model: String,
    pub old_key: String,
    /// When its audit log begins.
    pub audit_since: Timestamp,
    /// Where an example may leave a new key; it is removed with the server.
    pub key_file: PathBuf,
    /// Kept, because the server stops with it.
    bed: Testbed,
}

impl Demo {
    pub(super) async fn start(api: Flavor) -> Result<(Client, Self)> {
        let bed = Testbed::builder().flavor(api).export_content_length(true).start().await?;
        let builder = Client::builder().base_url(bed.url());
        let bud = configured(builder.password(bed.admin_email(), bed.admin_password()), &bed)?.build()?;

        for (name, tokens, cost_cents) in [("Chat", 9_100_000, 61_200), ("Search", 10_400_000, 48_000)] {
            let project = bud.projects().create(NewProject::new(name)).await?;
            bed.set_usage(project.id.as_str(), tokens, 35_000, cost_cents);
        }
        bed.seed_audit(20_000);

        let (project, cluster) = (bed.project_id(), bed.cluster_id());
        let [stopped, running, ..] = &bed.endpoint_ids()[..] else {
            return Err(Failure::new("the embedded server has too few endpoints"));
        };
        if bud.capabilities().await?.supports("endpoints.deploy") {
            bud.endpoints().deploy(running.as_str(), Deployment::on(cluster.as_str())).await?;
            let wait = bud.endpoints().wait(running.as_str()).until(EndpointStatus::Running);
            wait.poll_interval(Duration::from_millis(1)).await?;
        }
        let old_key = bud.credentials().create("API Key v1", project.as_str()).await?.credential.id;

        let demo = Self {
            // Only an administrator can be a member of the projects that an administrator makes on the platform as shipped.
            user_email: bed.seed_user(if api == Flavor::Runtime { "ADMIN" } else { "USER" }).email,
            old_key: old_key.to_string(),
            stopped_endpoint: stopped.clone(),
            running_endpoint: running.clone(),
            model: bed.local_model_id(),
            audit_since: "2026-01-01T00:00:00Z".parse()?,
            key_file: std::env::temp_dir().join(format!("bud-new-key-{}", std::process::id())),
            project,
            cluster,
            bed,
        };
        demo.bed.clear_requests();
        Ok((bud, demo))
    }
}

/// What every client of the examples is told: the guide's roles, as the platform as shipped has them.
pub(super) fn roles(builder: ClientBuilder) -> ClientBuilder {
    builder.role_map(Role::User, Role::Developer).role_map(Role::ProjectAdmin, Role::Devops)
}

/// The deployment's private key opens the API keys that come encrypted.
#[cfg(feature = "decrypt")]
fn configured(builder: ClientBuilder, bed: &Testbed) -> Result<ClientBuilder> {
    let key = bud_sdk::credentials::DeploymentKey::from_pem(bed.deployment_private_key_pem())?;
    Ok(roles(builder).deployment_key(key))
}

#[cfg(not(feature = "decrypt"))]
fn configured(builder: ClientBuilder, _: &Testbed) -> Result<ClientBuilder> {
    Ok(roles(builder))
}

impl Demo {
    pub fn email(&self) -> &str {
        self.bed.admin_email()
    }
    pub fn password(&self) -> &str {
        self.bed.admin_password()
    }
    /// How often somebody has logged in since it was furnished.
    pub fn logins(&self) -> usize {
        self.bed.count("POST", "/auth/login")
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.key_file);
    }
}
