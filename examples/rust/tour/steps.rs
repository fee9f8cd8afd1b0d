//! The steps of the tour. Each returns what it did, and keeps what later steps need.

use std::env;
use std::hash::{BuildHasher, RandomState};
use std::path::{Path, PathBuf};
use std::time::Duration;

use bud_sdk::clusters::{Cluster, ClusterStatus};
use bud_sdk::credentials::{ApiKeyValue, Credential, CredentialType};
use bud_sdk::endpoints::{DeployModel, Deployment, EndpointId, EndpointStatus};
use bud_sdk::permissions::{Grant, PermissionLevel};
use bud_sdk::projects::{NewProject, Project, ProjectType};
use bud_sdk::users::{NewUser, Role, User};
use bud_sdk::{Capabilities, Client, ErrorKind, Flavor, Secret, Timestamp};
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
    /// Where the audit log goes.
    file: &'a Path,
    platform: &'a Platform,
    user: Option<User>,
    /// His first password, where the API made one.
    password: Option<Secret>,
    project: Option<Project>,
    grant: Option<Grant>,
    cluster: Option<Cluster>,
    keys: Vec<Credential>,
    /// The endpoint that this tour deployed, as long as it may be up.
    endpoint: Option<EndpointId>,
}

impl<'a> Tour<'a> {
    pub fn new(platform: &'a Platform, file: &'a Path) -> Self {
        Self {
            bud: &platform.bud,
            // The standard library's source of randomness.
            name: format!("bud-tour-{:08x}", RandomState::new().hash_one(()) as u32),
            api: None,
            audit_file: None,
            file,
            platform,
            user: None,
            password: None,
            project: None,
            grant: None,
            cluster: None,
            keys: Vec::new(),
            endpoint: None,
        }
    }

    /// Whether the server offers it; if not, what to use instead is said.
    fn offered(&self, operation: &str) -> Result<(), Stop> {
        let api = needed(&self.api, "the API is not known")?;
        let lacking = api.unsupported().find(|lacking| lacking.id == operation);
        match lacking {
            Some(lacking) => Err(Stop::Unsupported(lacking.instead.unwrap_or("no other way").to_owned())),
            None => Ok(()),
        }
    }

    /// Whether it is the platform as shipped, which wants to know more of some things.
    fn is_as_shipped(&self) -> bool {
        self.api.as_ref().is_some_and(|api| api.flavor == Flavor::Runtime)
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

    pub async fn whoami(&self) -> Step {
        self.offered("auth.whoami")?;
        let me = self.bud.auth().whoami().await?;
        Ok(me.role.map(|role| role.to_string()).unwrap_or_default())
    }

    pub async fn count_users(&self) -> Step {
        // The first page tells how many there are; the others need not be fetched.
        let page = self.bud.users().list().page_size(1).pages().next().await.transpose()?;
        let total = page.and_then(|page| page.total_record);
        Ok(total.map_or("the server does not say".to_owned(), |total| total.to_string()))
    }

    pub async fn create_user(&mut self) -> Step {
        let email = format!("{}@example.com", self.name);
        let made = self.bud.users().create(NewUser::new(&email, "Bud", "Tour", Role::User)).await?;
        self.user = Some(made.user);
        self.password = made.one_time_password;
        Ok(email)
    }

    /// Whom an administrator created must do this before anything else.
    pub async fn set_password(&self) -> Step {
        self.offered("auth.change_own_password")?;
        let first = needed(&self.password, "no password was made for him")?.clone();
        let email = format!("{}@example.com", self.name);
        let his = self.platform.log_in_as(&email, first).map_err(Stop::Failed)?;
        // Random, and like the name known to nobody: he resets it by mail.
        let own = format!("{}-Aa1!{:016x}", self.name, RandomState::new().hash_one(()));
        his.auth().change_own_password(own).await?;
        his.auth().logout().await?;
        Ok("by himself, once".to_owned())
    }

    pub async fn change_role(&self) -> Step {
        let user = needed(&self.user, "there is no user")?;
        let user = self.bud.users().set_role(user, Role::ProjectAdmin).await?;
        Ok(user.role.map(|role| role.to_string()).unwrap_or_default())
    }

    pub async fn create_project(&mut self) -> Step {
        let project = NewProject::new(&self.name).description("Made by the tour; may be deleted");
        // So that the user, who is no administrator, can be a member.
        let project =
            if self.is_as_shipped() { project.project_type(ProjectType::ClientApp) } else { project };
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
        self.offered("clusters.refresh")?;
        let cluster = needed(&self.cluster, "no cluster is available")?;
        let cluster = self.bud.clusters().refresh(cluster).await?;
        let free = cluster.gpu_available.map(|free| format!(", {free} GPUs free")).unwrap_or_default();
        let detail = format!("{}{free}", name_of(&cluster));
        self.cluster = Some(cluster);
        Ok(detail)
    }

    pub async fn deploy(&mut self) -> Step {
        self.offered("endpoints.deploy")?;
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

    pub async fn deploy_model(&mut self) -> Step {
        self.offered("endpoints.deploy_model")?;
        let project = needed(&self.project, "there is no project")?;
        let model = match &self.platform.demo {
            Some(demo) => Some(demo.model.clone()),
            None => env::var("BUD_TOUR_MODEL").ok(),
        };
        let model = needed(&model, "set BUD_TOUR_MODEL to the id of a model")?.as_str();
        let mut model = DeployModel::new(model, project, &self.name);
        if let Ok(key) = env::var("BUD_TOUR_PROVIDER_KEY") {
            model = model.provider_key(key);
        }
        let mut deployment = self.bud.endpoints().deploy_model(model);
        if self.platform.demo.is_some() {
            deployment = deployment.poll_interval(Duration::from_millis(100));
        }
        let endpoint = spin("deploying", deployment).await?;
        self.endpoint = Some(endpoint.id);
        Ok(format!("{} is running", endpoint.name.unwrap_or_default()))
    }

    pub async fn scale(&self) -> Step {
        let id = needed(&self.endpoint, "nothing was deployed")?;
        if let Err(error) = self.bud.endpoints().scale(id, 2).await {
            // A provider scales what it runs.
            let cannot = error.kind() == ErrorKind::BadRequest && error.message().contains("without cluster");
            return if cannot { skipped(error.message()) } else { Err(error.into()) };
        }
        let wait = self.platform.wait(id).until(EndpointStatus::Running).replicas(2);
        let scaled = spin("scaling", wait).await?;
        Ok(format!("{} replicas", scaled.replicas.unwrap_or_default()))
    }

    pub async fn undeploy(&mut self) -> Step {
        let id = needed(&self.endpoint, "nothing was deployed")?;
        let going = self.bud.endpoints().undeploy(id).await?;
        let wait = self.platform.wait(id).after(&going).until(EndpointStatus::Stopped);
        let down = spin("undeploying", wait).await?;
        self.endpoint = None;
        Ok(down.status.map(|status| status.to_string()).unwrap_or_default())
    }

    pub async fn check_quota(&self) -> Step {
        self.offered("quotas.of_project")?;
        let project = needed(&self.project, "there is no project")?;
        let quota = self.bud.quotas().of_project(project).await?;
        let used = quota.highest_use().map(|used| format!("{:.0}% used", used * 100.0));
        Ok(used.unwrap_or("no limit is known".to_owned()))
    }

    pub async fn check_own_quota(&self) -> Step {
        self.offered("quotas.mine")?;
        let quota = self.bud.quotas().mine().await?;
        let used = quota.usage.and_then(|usage| usage.tokens_usage_percent);
        let used = used.map(|percent| format!("{percent:.0}% of the tokens used")).unwrap_or_default();
        Ok(format!("{}: {used}", quota.plan_name.as_deref().unwrap_or("no plan")))
    }

    pub async fn create_key(&mut self) -> Step {
        self.new_key("v1").await
    }

    /// The new one first: nobody is without a key in between.
    pub async fn rotate_key(&mut self) -> Step {
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
        let call = self.bud.credentials().create(&name, project);
        // As the project that it is for.
        let call = if self.is_as_shipped() { call.credential_type(CredentialType::ClientApp) } else { call };
        let made = call.await?;
        self.keys.push(made.credential);
        match made.key {
            ApiKeyValue::Plain(key) => Ok(format!("{name}, {} characters", key.expose().len())),
            _ => Ok(format!("{name}, encrypted: the deployment's private key opens it")),
        }
    }

    pub async fn verify_audit(&self) -> Step {
        self.offered("audit.find_tampered")?;
        let found = self.bud.audit().find_tampered().await?;
        let shown = |number: Option<u64>| number.map_or("unknown".to_owned(), |number| number.to_string());
        let (changed, checked) = (shown(found.tampered_count), shown(found.records_checked));
        // The older ones were not looked at.
        Ok(format!("changed: {changed} of the newest {checked} records"))
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
        let done = export.write_to(self.file).await?;
        self.audit_file = Some(std::path::absolute(self.file).unwrap_or_else(|_| self.file.to_owned()));
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
