//! The steps of the tour. Each returns what it did, and keeps what later steps need.

use std::env;
use std::hash::{BuildHasher, RandomState};
use std::path::{Path, PathBuf};
use std::time::Duration;

use bud_sdk::{
    ApiKeyValue, Capabilities, Client, Cluster, ClusterStatus, Credential, Deployment, EndpointId,
    EndpointStatus, ErrorKind, Grant, NewProject, NewUser, PermissionLevel, Project, Role, Timestamp, User,
};
use indicatif::{ProgressBar, ProgressFinish};

use crate::summary::{Step, Stop};
use crate::support::{Platform, spin, style};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

pub struct Tour<'a> {
    bud: &'a Client,
    /// What everything made here is called, so that it can be told apart.
    name: String,
    pub api: Option<Capabilities>,
    pub audit_file: Option<PathBuf>,
    platform: &'a Platform,
    user: Option<User>,
    project: Option<Project>,
    grant: Option<Grant>,
    cluster: Option<Cluster>,
    keys: Vec<Credential>,
    /// The endpoint that this tour deployed, as long as it may be up.
    endpoint: Option<EndpointId>,
}

impl<'a> Tour<'a> {
    pub fn new(platform: &'a Platform) -> Self {
        Self {
            bud: &platform.bud,
            // The standard library's source of randomness.
            name: format!("bud-tour-{:08x}", RandomState::new().hash_one(()) as u32),
            api: None,
            audit_file: None,
            platform,
            user: None,
            project: None,
            grant: None,
            cluster: None,
            keys: Vec::new(),
            endpoint: None,
        }
    }

    pub async fn log_in(&self) -> Step {
        match self.bud.auth().login().await {
            Ok(session) => {
                let time = session.expires_in.map(|time| format!("good for {} minutes", time.as_secs() / 60));
                Ok(time.unwrap_or_default())
            }
            // A client with a token has nothing to log in with, and no need to.
            Err(error) if error.kind() == ErrorKind::Config => skipped(error.message()),
            Err(error) => Err(error.into()),
        }
    }

    pub async fn detect(&mut self) -> Step {
        let api = self.bud.capabilities().await?;
        let flavor = api.flavor.to_string();
        self.api = Some(api);
        Ok(flavor)
    }

    pub async fn count_users(&self) -> Step {
        // The first page tells how many there are; the others need not be fetched.
        let page = self.bud.users().list().limit(1).pages().next().await.transpose()?;
        let total = page.and_then(|page| page.total_record);
        Ok(total.map_or("the server does not say".to_owned(), |total| total.to_string()))
    }

    pub async fn create_user(&mut self) -> Step {
        let email = format!("{}@example.com", self.name);
        let made = self.bud.users().create(NewUser::new(&email, "Bud", "Tour", Role::User)).await?;
        self.user = Some(made.user);
        Ok(email)
    }

    pub async fn change_role(&self) -> Step {
        let user = needed(&self.user, "there is no user")?;
        let user = self.bud.users().set_role(user, Role::ProjectAdmin).await?;
        Ok(user.role.map(|role| role.to_string()).unwrap_or_default())
    }

    pub async fn create_project(&mut self) -> Step {
        let project = NewProject::new(&self.name).description("Made by the tour; may be deleted");
        self.project = Some(self.bud.projects().create(project).await?);
        Ok(self.name.clone())
    }

    pub async fn grant_access(&mut self) -> Step {
        let user = needed(&self.user, "there is no user")?;
        let project = needed(&self.project, "there is no project")?;
        let grant = Grant::project(user, project, PermissionLevel::Edit);
        self.bud.permissions().grant(grant.clone()).await?;
        self.grant = Some(grant);
        Ok("edit".to_owned())
    }

    pub async fn list_clusters(&mut self) -> Step {
        let clusters = self.bud.clusters().list().all().await?;
        let count = clusters.len();
        let available = Some(&ClusterStatus::Available);
        self.cluster = clusters.into_iter().find(|cluster| cluster.status.as_deref() == available);
        Ok(format!("{count} in all; using {}", self.cluster.as_ref().map_or("none", name_of)))
    }

    pub async fn refresh_cluster(&mut self) -> Step {
        let cluster = needed(&self.cluster, "no cluster is available")?;
        let cluster = self.bud.clusters().refresh(cluster).await?;
        let free = cluster.gpu_available.map(|free| format!(", {free} GPUs free")).unwrap_or_default();
        let detail = format!("{}{free}", name_of(&cluster));
        self.cluster = Some(cluster);
        Ok(detail)
    }

    pub async fn deploy(&mut self) -> Step {
        let cluster = needed(&self.cluster, "no cluster is available")?;
        let id = match &self.platform.demo {
            Some(demo) => Some(demo.stopped_endpoint.clone()),
            None => env::var("BUD_TOUR_ENDPOINT").ok(),
        };
        let id = EndpointId::new(needed(&id, "set BUD_TOUR_ENDPOINT to the id of a stopped endpoint")?);
        let endpoint = self.bud.endpoints().get(&id).await?;
        // One that is up serves somebody: it is not ours to take down later.
        if !endpoint.is(&EndpointStatus::Stopped) {
            return skipped("the endpoint of BUD_TOUR_ENDPOINT is not stopped");
        }
        if cluster.gpu_available.is_some_and(|free| free < 2) {
            return skipped("the cluster has fewer than 2 free GPUs");
        }
        // From here on it may be up, even if no answer comes.
        self.endpoint = Some(id.clone());
        let deployment = Deployment::on(cluster).replicas(1).gpus(1).memory_gb(16);
        if let Err(error) = self.bud.endpoints().deploy(&id, deployment).await {
            self.endpoint = self.endpoint.take().filter(|_| error.maybe_applied());
            return Err(error.into());
        }
        let wait = self.platform.wait(&id).until(EndpointStatus::Running);
        let running = spin("deploying", wait).await?;
        Ok(format!("{} is running", running.name.as_deref().unwrap_or(id.as_str())))
    }

    pub async fn scale(&self) -> Step {
        let id = needed(&self.endpoint, "nothing was deployed")?;
        self.bud.endpoints().scale(id, 2).await?;
        let wait = self.platform.wait(id).until(EndpointStatus::Running).replicas(2);
        let scaled = spin("scaling", wait).await?;
        Ok(format!("{} replicas", scaled.replicas.unwrap_or_default()))
    }

    pub async fn undeploy(&mut self) -> Step {
        let id = needed(&self.endpoint, "nothing was deployed")?;
        self.bud.endpoints().undeploy(id).await?;
        spin("undeploying", self.platform.wait(id).until(EndpointStatus::Stopped)).await?;
        self.endpoint = None;
        Ok("stopped".to_owned())
    }

    pub async fn check_quota(&self) -> Step {
        let project = needed(&self.project, "there is no project")?;
        let quota = self.bud.quotas().of_project(project).await?;
        let used = quota.highest_use().map(|used| format!("{:.0}% used", used * 100.0));
        Ok(used.unwrap_or("no limit is known".to_owned()))
    }

    pub async fn create_key(&mut self) -> Step {
        self.new_key("v1").await
    }

    /// The new one first: nobody is without a key in between.
    pub async fn replace_key(&mut self) -> Step {
        let detail = self.new_key("v2").await?;
        // Here the new key would be handed to whoever uses the old one.
        let old = self.keys.first().ok_or(Stop::Nothing)?;
        self.bud.credentials().delete(old).await?;
        self.keys.remove(0);
        Ok(format!("{detail}; the old one is deleted"))
    }

    async fn new_key(&mut self, version: &str) -> Step {
        let project = needed(&self.project, "there is no project")?;
        let name = format!("{}-{version}", self.name);
        let made = self.bud.credentials().create(&name, project).await?;
        self.keys.push(made.credential);
        match made.key {
            ApiKeyValue::Plain(key) => Ok(format!("{name}, {} characters", key.expose().len())),
            _ => Ok(name),
        }
    }

    pub async fn export_audit(&mut self) -> Step {
        let now = Timestamp::now();
        let since = self.platform.demo.as_ref().map_or(now - DAY, |demo| demo.audit_since);
        let bar = ProgressBar::no_length().with_finish(ProgressFinish::AndClear);
        bar.set_style(style("{spinner} exporting: {bytes} ({bytes_per_sec})"));
        let shown = bar.clone();
        let export = self.bud.audit().export(since..now).overwrite(true).on_progress(move |progress| {
            if let (Some(total), None) = (progress.total, shown.length()) {
                shown.set_length(total);
                shown.set_style(style("exporting {wide_bar} {bytes} of {total_bytes} ({bytes_per_sec})"));
            }
            shown.set_position(progress.bytes);
        });
        let file = Path::new("audit_export.csv");
        let done = export.write_to(file).await?;
        self.audit_file = Some(std::path::absolute(file).unwrap_or_else(|_| file.to_owned()));
        Ok(format!("{} rows since {since:.0}", done.rows))
    }

    // Cleaning up.

    pub async fn stop_endpoint(&mut self) -> Step {
        if self.endpoint.is_none() {
            return Err(Stop::Nothing);
        }
        self.undeploy().await
    }

    pub async fn delete_keys(&mut self) -> Step {
        if self.keys.is_empty() {
            return Err(Stop::Nothing);
        }
        for key in &self.keys {
            self.bud.credentials().delete(key).await?;
        }
        Ok(format!("{} deleted", self.keys.len()))
    }

    pub async fn revoke_access(&self) -> Step {
        let grant = self.grant.as_ref().ok_or(Stop::Nothing)?;
        Ok(format!("{} permission revoked", self.bud.permissions().revoke(grant).await?))
    }

    pub async fn delete_project(&self) -> Step {
        let project = self.project.as_ref().ok_or(Stop::Nothing)?;
        self.bud.projects().delete(project).await?;
        Ok("deleted".to_owned())
    }

    pub async fn deactivate_user(&self) -> Step {
        let user = self.user.as_ref().ok_or(Stop::Nothing)?;
        self.bud.users().deactivate(user).await?;
        Ok("deactivated; users are kept for the audit log".to_owned())
    }

    /// Where to look by hand after a failure.
    pub fn leftovers(&self) -> String {
        let up = self.endpoint.as_ref().map(|id| format!("; the endpoint {id} may still be up"));
        format!("Whatever is left is named {}{}", self.name, up.unwrap_or_default())
    }
}

fn needed<'t, T>(thing: &'t Option<T>, otherwise: &str) -> Result<&'t T, Stop> {
    thing.as_ref().ok_or_else(|| Stop::Skipped(otherwise.to_owned()))
}

fn skipped(why: impl Into<String>) -> Step {
    Err(Stop::Skipped(why.into()))
}

fn name_of(cluster: &Cluster) -> &str {
    cluster.name.as_deref().unwrap_or(cluster.id.as_str())
}
