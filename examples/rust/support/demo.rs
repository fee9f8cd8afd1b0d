//! The embedded test server, furnished so that every example finds something to work on.

use std::path::PathBuf;
use std::time::Duration;

use bud_sdk::{Client, Deployment, EndpointStatus, NewProject, Timestamp};
use bud_testbed::Testbed;

use super::{Failure, Result};

/// An embedded test server and what is on it.
pub struct Demo {
    pub user_email: String,
    pub project: String,
    pub cluster: String,
    pub stopped_endpoint: String,
    pub running_endpoint: String,
    pub old_key: String,
    /// When its audit log begins.
    pub audit_since: Timestamp,
    /// Where an example may leave a new key; it is removed with the server.
    pub key_file: PathBuf,
    /// Kept, because the server stops with it.
    bed: Testbed,
}

impl Demo {
    pub(super) async fn start() -> Result<(Client, Self)> {
        let bed = Testbed::builder().export_content_length(true).start().await?;
        let bud = Client::builder()
            .base_url(bed.url())
            .password(bed.admin_email(), bed.admin_password())
            .build()?;

        for (name, tokens, cost_cents) in [("Chat", 9_100_000, 61_200), ("Search", 10_400_000, 48_000)] {
            let project = bud.projects().create(NewProject::new(name)).await?;
            bed.set_usage(project.id.as_str(), tokens, 35_000, cost_cents);
        }
        bed.seed_audit(20_000);

        let (project, cluster) = (bed.project_id(), bed.cluster_id());
        let [stopped, running, ..] = &bed.endpoint_ids()[..] else {
            return Err(Failure::new("the embedded server has too few endpoints"));
        };
        bud.endpoints().deploy(running.as_str(), Deployment::on(cluster.as_str())).await?;
        let wait = bud.endpoints().wait(running.as_str()).until(EndpointStatus::Running);
        wait.every(Duration::from_millis(1)).await?;

        let demo = Self {
            user_email: bed.seed_user("USER").email,
            old_key: bud
                .credentials()
                .create("API Key v1", project.as_str())
                .await?
                .credential
                .id
                .to_string(),
            stopped_endpoint: stopped.clone(),
            running_endpoint: running.clone(),
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
