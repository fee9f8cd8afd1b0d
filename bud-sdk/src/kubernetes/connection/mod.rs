//! Connecting to a cluster: by a kubeconfig file, by the environment's, or from inside it.

pub(crate) mod kubeconfig;
mod plugin;
mod proxy;
pub(crate) mod request;

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use http::Request;
use http::header::AUTHORIZATION;
use kube::Config;
use secrecy::SecretString;

use crate::error::{Error, ErrorKind, Result};
use crate::types::Timestamp;
use kubeconfig::{Authorization, Impersonated, Selection, Settings, Surroundings, encoded};

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
    current: Mutex<Connection>,
    /// One reconnection at a time.
    reconnecting: tokio::sync::Mutex<()>,
}

/// A client with the credentials of one moment.
#[derive(Clone)]
pub(crate) struct Connection {
    pub(crate) client: kube::Client,
    pub(crate) generation: u64,
    /// The proxy that requests go through, for errors.
    pub(crate) proxy: Option<String>,
    /// A token that is renewed in its file; other credentials are the client's own.
    authorization: Authorization,
    expires: Option<Timestamp>,
    server: String,
    namespace: String,
}

impl Connection {
    /// Adds the token of this moment to a request, if there is one that is renewed.
    pub(crate) fn authorize<B>(&self, request: &mut Request<B>) {
        self.authorization.apply(request);
    }
}

/// How long things may take.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    /// One request.
    pub(crate) request: Duration,
    /// A call with all its requests.
    pub(crate) total: Duration,
    connect: Duration,
}

/// Configures a [`Cluster`].
#[must_use = "call connect() to get a cluster"]
#[derive(Clone)]
pub struct ClusterBuilder {
    source: Selection,
    limits: Limits,
}

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
    /// The longest time that one request may take. 30 seconds.
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
        if let Some((param, _)) = times.iter().find(|(_, time)| time.is_zero()) {
            return Err(Error::invalid(param, "it must be more than zero"));
        }
        Ok(())
    }

    /// Reads the configuration and gets credentials. Sends no request yet.
    ///
    /// # Errors
    /// `Config` naming the file and the key that is wrong, and never a value; `InvalidArgument` for a time of zero.
    pub async fn connect(self) -> Result<Cluster> {
        self.check()?;
        let Self { source, limits } = self;
        let connection = connect(&source, &limits, 0).await?;
        let current = Mutex::new(connection);
        Ok(Cluster(Arc::new(Inner { source, limits, current, reconnecting: tokio::sync::Mutex::new(()) })))
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
        self.now().server
    }

    /// The namespace of the context, for pods and services that are named alone.
    pub fn default_namespace(&self) -> String {
        self.now().namespace
    }

    fn now(&self) -> Connection {
        self.0.current.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The connection of this moment, with credentials that have not ended.
    pub(crate) async fn connection(&self) -> Result<Connection> {
        let now = self.now();
        match now.expires.filter(|expires| *expires <= Timestamp::now() + EARLY) {
            Some(_) => self.reconnect(now.generation).await,
            None => Ok(now),
        }
    }

    /// Renews credentials, unless another call has done so since `generation`.
    pub(crate) async fn reconnect(&self, generation: u64) -> Result<Connection> {
        let _turn = self.0.reconnecting.lock().await;
        let now = self.now();
        if now.generation != generation {
            return Ok(now);
        }
        // On the heap: every request has room for this, and a report makes many at a time.
        let fresh = Box::pin(connect(&self.0.source, &self.0.limits, generation + 1)).await?;
        *self.0.current.lock().unwrap_or_else(PoisonError::into_inner) = fresh.clone();
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
    let server = settings.server.uri.to_string();
    let authorization = match &settings.authorization {
        Authorization::File(_) => settings.authorization.clone(),
        _ => Authorization::None,
    };
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
    Ok(Connection { client, generation, proxy, authorization, expires, server, namespace })
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
    // kube's own retries go on for minutes; those of this crate are in `request`.
    config.default_retry = false;
    config.connect_timeout = Some(limits.connect);
    if let Authorization::Fixed(value) = settings.authorization {
        config.headers.push((AUTHORIZATION, value));
    }
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

/// What an error and those behind it say, once each.
pub(crate) fn told(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        let more = error.to_string();
        if !text.contains(&more) {
            text = format!("{text}: {more}");
        }
        source = error.source();
    }
    crate::operation::clean(&text, 500)
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
