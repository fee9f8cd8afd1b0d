//! Connecting to a cluster: by a kubeconfig file, by the environment's, or from inside it.

pub(crate) mod backend;
pub(crate) mod credentials;
pub(crate) mod kubeconfig;
pub(crate) mod list;
mod plugin;
mod proxy;
pub(crate) mod request;
pub(crate) mod transport;

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use kube::Config;
use secrecy::SecretString;

use crate::error::{Error, ErrorKind, Result};
use crate::http::{Channel, Options, Policy};
use crate::types::Timestamp;
use kubeconfig::{Impersonated, Selection, Settings, Surroundings, encoded};
use transport::{Connection, Current, told};

/// A Kubernetes cluster. Cloning it is cheap, and clones share connections.
///
/// ```no_run
/// # async fn demo() -> bud_sdk::Result<()> {
/// use bud_sdk::kubernetes::Cluster;
/// let cluster = Cluster::builder().kubeconfig("/path/to/cluster-kubeconfig").context("prod").connect().await?;
/// for node in cluster.nodes().await? {
///     println!("{} {}", node.name, node.status);
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Cluster(pub(crate) Arc<Inner>);

pub(crate) struct Inner {
    source: Selection,
    pub(crate) limits: Limits,
    current: Arc<Current>,
    /// What all calls share: the way to the server, the budget of retries.
    channel: Channel,
    /// One reconnection at a time.
    reconnecting: tokio::sync::Mutex<()>,
}

/// How long things may take.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    /// One attempt of a request.
    pub(crate) request: Duration,
    /// A call with all its requests.
    pub(crate) total: Duration,
    connect: Duration,
}

impl Limits {
    fn options(&self) -> Options {
        Options { total: Some(self.total), attempt: Some(self.request), ..Options::default() }
    }
}

/// Configures a [`Cluster`].
#[must_use = "call connect() to get a cluster"]
#[derive(Clone)]
pub struct ClusterBuilder {
    source: Selection,
    limits: Limits,
}

/// No limit in practice: each log that is followed has a connection for as long as that takes.
const CONNECTIONS: usize = 10_000;
/// Credentials are renewed this long before they end.
const EARLY: Duration = Duration::from_secs(60);

impl ClusterBuilder {
    /// The kubeconfig file. Paths in it are relative to its folder. Default: the files that `KUBECONFIG` names, merged as kubectl
    /// merges them; else `~/.kube/config`; else the service account of the pod that the program runs in.
    ///
    /// A kubeconfig can run programs: its credential plugins (`exec`) are started by [`connect`](Self::connect) and whenever
    /// credentials are renewed. Use only kubeconfigs that you trust. Plugins run without a terminal, within the connect timeout,
    /// and without the `BUD_` variables of the environment.
    pub fn kubeconfig(mut self, path: impl Into<PathBuf>) -> Self {
        self.source.kubeconfig = Some(path.into());
        self
    }
    /// The context of the kubeconfig. Default: its current context.
    pub fn context(mut self, name: impl Into<String>) -> Self {
        self.source.context = Some(name.into());
        self
    }
    /// Uses the service account of the pod that this runs in, and no kubeconfig file.
    pub fn in_cluster(mut self) -> Self {
        self.source.in_cluster = true;
        self
    }
    /// The longest time that one attempt of a request may take. 30 seconds. What only reads is tried up to three times, where
    /// another try may go better.
    pub fn request_timeout(mut self, time: Duration) -> Self {
        self.limits.request = time;
        self
    }
    /// The longest time that a call may take with all its requests. 2 minutes. Waits have their own.
    pub fn timeout(mut self, time: Duration) -> Self {
        self.limits.total = time;
        self
    }
    /// The longest time that opening a connection, or getting credentials from a plugin, may take. 10 seconds.
    pub fn connect_timeout(mut self, time: Duration) -> Self {
        self.limits.connect = time;
        self
    }
    /// Accepts a kubeconfig that turns off the verification of certificates (`insecure-skip-tls-verify`). Default: it is refused.
    pub fn allow_insecure_tls(mut self) -> Self {
        self.source.allow_insecure_tls = true;
        self
    }
    /// Accepts a server on plain http that is not on this machine. Credentials are then sent in clear text: anyone on the network
    /// can read them. Default: such a server is refused.
    pub fn allow_http(mut self) -> Self {
        self.source.allow_http = true;
        self
    }

    pub(crate) fn check(&self) -> Result<()> {
        let times = [
            ("request_timeout", self.limits.request),
            ("timeout", self.limits.total),
            ("connect_timeout", self.limits.connect),
        ];
        times.into_iter().try_for_each(|(param, time)| Options::check_time(param, time))
    }

    /// Reads the configuration and gets credentials. Sends no request yet.
    ///
    /// # Errors
    /// `Config` naming the file and the key that is wrong, and never a value; `InvalidArgument` for a time of zero, or
    /// of more than a year.
    pub async fn connect(self) -> Result<Cluster> {
        self.check()?;
        let Self { source, limits } = self;
        let connection = connect(&source, &limits, 0).await?;
        let mut base = connection.server.clone();
        // The client adds it.
        base.set_path("/");
        let current = Arc::new(Current::new(connection));
        let channel = Channel::new(&backend::SPEC, base, current.clone(), Policy::default(), CONNECTIONS);
        let reconnecting = tokio::sync::Mutex::new(());
        Ok(Cluster(Arc::new(Inner { source, limits, current, channel, reconnecting })))
    }
}

impl Cluster {
    /// Starts to configure a connection.
    pub fn builder() -> ClusterBuilder {
        let limits = Limits {
            request: Duration::from_secs(30),
            total: Duration::from_secs(120),
            connect: Duration::from_secs(10),
        };
        ClusterBuilder { source: Selection::default(), limits }
    }

    /// How to connect to the cluster of another context of the same kubeconfig.
    pub(crate) fn sibling(&self, context: &str) -> ClusterBuilder {
        let source =
            Selection { context: Some(context.to_owned()), in_cluster: false, ..self.0.source.clone() };
        ClusterBuilder { source, limits: self.0.limits }
    }

    /// The address of the API server.
    pub fn server(&self) -> String {
        self.0.current.get().server.into()
    }

    /// The namespace of the context, for pods and services that are named alone.
    pub fn default_namespace(&self) -> String {
        self.0.current.get().namespace
    }

    /// The connection of this moment, with credentials that have not ended.
    pub(crate) async fn connection(&self) -> Result<Connection> {
        let now = self.0.current.get();
        match now.expires.filter(|expires| *expires <= Timestamp::now() + EARLY) {
            Some(_) => self.reconnect(now.generation).await,
            None => Ok(now),
        }
    }

    /// Renews credentials, unless another call has done so since `generation`.
    pub(crate) async fn reconnect(&self, generation: u64) -> Result<Connection> {
        let _turn = self.0.reconnecting.lock().await;
        let now = self.0.current.get();
        if now.generation != generation {
            return Ok(now);
        }
        // On the heap: every request has room for this, and a report makes many at a time.
        let fresh = Box::pin(connect(&self.0.source, &self.0.limits, generation + 1)).await?;
        self.0.current.set(fresh.clone());
        Ok(fresh)
    }
}

/// Where the token and the CA of a pod's service account are.
const SERVICE_ACCOUNT: &str = "/var/run/secrets/kubernetes.io/serviceaccount";

fn read(selection: &Selection) -> Result<(Settings, Option<proxy::Via>)> {
    let variable = |name: &str| std::env::var_os(name);
    let around = Surroundings {
        variable: &variable,
        home: crate::config::home(),
        service_account: Path::new(SERVICE_ACCOUNT),
    };
    let settings = kubeconfig::load(selection, &around)?;
    let proxy = proxy::of(&settings, &variable)?;
    Ok((settings, proxy))
}

async fn connect(selection: &Selection, limits: &Limits, generation: u64) -> Result<Connection> {
    let (mut settings, proxy) = read(selection)?;
    let mut expires = None;
    if let Some(exec) = settings.exec.take() {
        let credentials = plugin::run(&exec, settings.cluster_info.take(), limits.connect).await?;
        settings.authorization = credentials.authorization;
        settings.identity = credentials.identity;
        expires = credentials.expires;
    }
    let (server, authorization) = (settings.server.url.clone(), settings.authorization.clone());
    let namespace = settings.namespace.clone();
    let place = settings.place.clone();
    let (config, proxy) = configured(settings, limits, proxy);
    crate::http::install_default_provider();
    let client = kube::Client::try_from(config).map_err(|error| {
        // The others may hold the address of a proxy with its password.
        let why = match error {
            kube::Error::RustlsTls(error) => told(&error),
            _ => "no client can be made of it".to_owned(),
        };
        Error::config(format!("{place}: {why}"))
    })?;
    Ok(Connection { client, generation, authorization, expires, server, proxy, namespace })
}

/// The client's own form of the settings. It reads nothing further: no file but a CA that is renewed, and no variable.
fn configured(settings: Settings, limits: &Limits, proxy: Option<proxy::Via>) -> (Config, Option<String>) {
    let mut config = Config::new(settings.server.uri);
    config.default_namespace = settings.namespace;
    config.root_cert = settings.authorities;
    config.root_cert_file = settings.authority_file;
    config.accept_invalid_certs = settings.insecure;
    config.tls_server_name = settings.server_name;
    config.disable_compression = settings.disable_compression;
    // Retries are ours: one place decides, counts and reports.
    config.default_retry = false;
    config.connect_timeout = Some(limits.connect);
    let Impersonated { user, uid, groups, extra } = settings.impersonated;
    config.auth_info.impersonate = user;
    config.auth_info.impersonate_uid = uid;
    config.auth_info.impersonate_groups = Some(groups);
    config.auth_info.impersonate_user_extra = Some(extra.into_iter().collect());
    if let Some(identity) = settings.identity {
        let key = encoded(identity.key.expose().as_bytes());
        config.auth_info.client_certificate_data = Some(encoded(identity.certificates.as_bytes()));
        config.auth_info.client_key_data = Some(SecretString::from(key));
    }
    let (uri, name) = proxy.map(|via| (via.uri, via.name)).unzip();
    config.proxy_url = uri;
    (config, name)
}

impl fmt::Debug for Cluster {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cluster").field("server", &self.server()).finish_non_exhaustive()
    }
}

impl fmt::Debug for ClusterBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Selection { kubeconfig, context, in_cluster, .. } = &self.source;
        let mut shown = f.debug_struct("ClusterBuilder");
        shown.field("kubeconfig", kubeconfig).field("context", context).field("in_cluster", in_cluster);
        shown.finish_non_exhaustive()
    }
}

/// What is not there without being an error of anybody.
pub(crate) fn not_installed(what: &str) -> Error {
    Error::new(ErrorKind::Unsupported, format!("{what} is not installed in this cluster"))
}
