//! The handle of a running server.

use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::task::JoinHandle;

use crate::fault::Fault;
use crate::ids;
use crate::lock;
use crate::log::SeenRequest;
use crate::options::{Builder, Flavor, Outage};
use crate::script::Script;
use crate::server::{Core, listen, serve};
use crate::state::{ClusterStatus, Role, Seed, Store};

/// A user that a test may log in as.
#[derive(Debug, Clone)]
pub struct SeededUser {
    /// The identifier.
    pub id: String,
    /// The e-mail address to log in with.
    pub email: String,
    /// The password to log in with.
    pub password: String,
}

/// A running server. It stops when it is dropped.
pub struct Testbed {
    url: String,
    admin: SeededUser,
    core: Arc<Core>,
    task: JoinHandle<()>,
}

impl std::fmt::Debug for Testbed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Testbed")
            .field("url", &self.url)
            .field("flavor", &self.flavor())
            .finish_non_exhaustive()
    }
}

impl Testbed {
    /// Options before the start.
    pub fn builder() -> Builder {
        Builder::default()
    }

    pub(crate) async fn start(options: Builder) -> io::Result<Self> {
        let listener = listen(options.port).await?;
        let url = format!("http://{}", listener.local_addr()?);
        let password = ids::password();
        let Seed { store, admin_id } = Store::seeded(&password, &options);
        let core = Arc::new(Core::new(options, store, &admin_id)?);
        if core.options.flavor == Flavor::Runtime {
            crate::runtime::bring_up(&core);
        }
        let task = tokio::spawn(serve(listener, Arc::clone(&core)));
        Ok(Self {
            url,
            admin: SeededUser { id: admin_id, email: crate::state::ADMIN_EMAIL.to_owned(), password },
            core,
            task,
        })
    }

    /// `http://127.0.0.1:PORT`.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The dialect it speaks.
    pub fn flavor(&self) -> Flavor {
        self.core.options.flavor
    }

    /// The first administrator's e-mail address.
    pub fn admin_email(&self) -> &str {
        &self.admin.email
    }

    /// The first administrator's password, another one at every start.
    pub fn admin_password(&self) -> &str {
        &self.admin.password
    }

    /// The first administrator's identifier.
    pub fn admin_id(&self) -> &str {
        &self.admin.id
    }

    /// Every HTTP request so far, in order of arrival.
    pub fn requests(&self) -> Vec<SeenRequest> {
        self.core.log.all()
    }

    /// How many requests of that method had a path of that template; a segment in braces matches any one segment.
    pub fn count(&self, method: &str, template: &str) -> usize {
        self.core.log.count(method, template)
    }

    /// Forgets the requests so far.
    pub fn clear_requests(&self) {
        self.core.log.clear();
    }

    /// How many connections were accepted.
    pub fn connections(&self) -> usize {
        self.core.connections.load(Ordering::SeqCst)
    }

    /// Closes every connection that is idle, and every other one after its answer.
    pub fn close_connections(&self) {
        let _ = self.core.hang_up.send(());
    }

    /// Every access token issued so far is answered 401 from now on. Refresh tokens stay valid.
    pub fn expire_tokens(&self) {
        lock(&self.core.sessions).expire_access();
    }

    /// Every refresh token issued so far is refused from now on. Access tokens stay valid.
    pub fn revoke_refresh_tokens(&self) {
        lock(&self.core.sessions).revoke_refresh();
    }

    /// Holds every refresh this long *before* it is carried out, so that a client that gives up has spent no token.
    pub fn refresh_delay(&self, delay: Duration) {
        *lock(&self.core.refresh_delay) = delay;
    }

    /// Takes a service behind the platform down, or up again. Only in the dialect `runtime`.
    pub fn outage(&self, outage: Option<Outage>) {
        *lock(&self.core.outage) = outage;
    }

    /// Adds that many users without a password; their identifiers.
    pub fn seed_users(&self, count: usize) -> Vec<String> {
        lock(&self.core.store).seed_users(count)
    }

    /// Adds one user with a password. Roles: `USER`, `PROJECT_ADMIN`, `ADMIN`.
    ///
    /// # Panics
    /// When there is no such role.
    pub fn seed_user(&self, role: &str) -> SeededUser {
        let Some(role) = Role::parse(role) else { panic!("there is no role {role}") };
        let password = ids::password();
        let (id, email) = lock(&self.core.store).seed_user(role, &password);
        SeededUser { id, email, password }
    }

    /// Gives a user, named by identifier or e-mail address, a password. Whether there is such a user.
    pub fn set_password(&self, user: &str, password: &str) -> bool {
        lock(&self.core.store).set_password(user, password)
    }

    /// Adds that many audit rows, spread evenly over January 2026 (UTC). They are made when they are read, not stored.
    pub fn seed_audit(&self, rows: u64) {
        lock(&self.core.store).audit.seed(rows);
    }

    /// Adds that many audit rows of one moment, given in microseconds since 1970.
    pub fn seed_audit_at(&self, rows: u64, micros: i64) {
        lock(&self.core.store).audit.seed_at(rows, micros);
    }

    /// From now on the record is found to have been changed. Only in the dialect `runtime`, as all of the following.
    pub fn tamper_audit(&self, id: &str) {
        lock(&self.core.world).tampered.insert(id.to_owned());
    }

    /// A model that runs on a cluster.
    pub fn local_model_id(&self) -> String {
        lock(&self.core.world).local_model.clone()
    }

    /// A model that a provider runs.
    pub fn cloud_model_id(&self) -> String {
        lock(&self.core.world).cloud_model.clone()
    }

    /// The platform's key for that provider.
    pub fn provider_credential_id(&self) -> String {
        lock(&self.core.world).provider_key.clone()
    }

    /// The identifier by which deployments name the available cluster: another one than the cluster's own.
    pub fn cluster_deploy_id(&self) -> String {
        let cluster = self.cluster_id();
        lock(&self.core.world).deploy_id(&cluster)
    }

    /// How many deployments were started, each time that one was triggered.
    pub fn deployments_started(&self) -> u32 {
        lock(&self.core.world).deployments
    }

    /// Whether the service that measures use is down: use is then reported as nothing.
    pub fn metrics_down(&self, down: bool) {
        lock(&self.core.world).metrics_down = down;
    }

    /// The private key that opens the API keys of this server.
    pub fn deployment_private_key_pem(&self) -> &'static str {
        crate::runtime::world::DEPLOYMENT_KEY
    }

    /// An API key as it is to be used.
    pub fn plain_key(&self, credential_id: &str) -> Option<String> {
        lock(&self.core.world).keys.get(credential_id).map(|key| key.plain.clone())
    }

    /// How many audit rows there are, made ones included.
    pub fn audit_count(&self) -> u64 {
        lock(&self.core.store).audit.count()
    }

    /// Adds an endpoint to a project; its identifier. It is stopped, or runs where there are no stopped ones.
    pub fn seed_endpoint(&self, project_id: &str, name: &str) -> String {
        let id = lock(&self.core.store).seed_endpoint(project_id, name);
        if self.flavor() == Flavor::Runtime {
            crate::runtime::bring_up(&self.core);
        }
        id
    }

    /// The identifiers of all endpoints.
    pub fn endpoint_ids(&self) -> Vec<String> {
        lock(&self.core.store).endpoints.iter().map(|e| e.id.clone()).collect()
    }

    /// The first project; empty when it was deleted and none is left.
    pub fn project_id(&self) -> String {
        let store = lock(&self.core.store);
        store.projects.first().map(|p| p.id.clone()).unwrap_or_default()
    }

    /// The cluster that is AVAILABLE.
    pub fn cluster_id(&self) -> String {
        self.cluster(ClusterStatus::Available)
    }

    /// The cluster that is NOT_AVAILABLE.
    pub fn unavailable_cluster_id(&self) -> String {
        self.cluster(ClusterStatus::NotAvailable)
    }

    fn cluster(&self, status: ClusterStatus) -> String {
        let store = lock(&self.core.store);
        let cluster = store.clusters.iter().find(|c| c.status == status);
        cluster.map(|c| c.id.clone()).unwrap_or_default()
    }

    /// Sets what a project has used: tokens, requests, and cost in hundredths. Above its quota it is suspended.
    pub fn set_usage(&self, project_id: &str, tokens: u64, requests: u64, cost_cents: u64) -> bool {
        lock(&self.core.store).set_usage(project_id, tokens, requests, cost_cents)
    }

    /// The addresses that a password reset mail would have gone to.
    pub fn mails(&self) -> Vec<String> {
        lock(&self.core.store).mails.clone()
    }

    /// As [`Builder::fail_deployment_at`], on the running server.
    pub fn fail_deployment_at(&self, step: u32, reason: &str) {
        lock(&self.core.store).failures.push_back((step, reason.to_owned()));
    }

    /// Spoils answers of a route.
    pub fn fault(&self, fault: Fault) {
        self.core.faults.add(fault);
    }

    /// Forgets the faults and connection scripts that have not happened yet.
    pub fn clear_faults(&self) {
        self.core.faults.clear();
        lock(&self.core.scripts).clear();
    }

    /// Lets a script handle the next connection instead of the API. Connections that are open already stay as they are;
    /// see [`close_connections`](Self::close_connections).
    pub fn fault_next_connection(&self, script: impl Into<Script>) {
        lock(&self.core.scripts).push_back(script.into());
    }

    /// Stops the server: nothing listens and no connection is open when this returns.
    pub async fn shutdown(mut self) {
        self.task.abort();
        let _ = (&mut self.task).await;
    }
}

impl Drop for Testbed {
    fn drop(&mut self) {
        self.task.abort();
    }
}
