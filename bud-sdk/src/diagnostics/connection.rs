//! Connecting to a cluster: by a kubeconfig file, by the environment's, or from inside it.

use std::fmt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use kube::Config;
use kube::config::{KubeConfigOptions, Kubeconfig, KubeconfigError};

use super::plugin;
use crate::error::{Error, ErrorKind, Result};
use crate::types::Timestamp;

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
pub struct Cluster(pub(super) Arc<Inner>);

pub(super) struct Inner {
    source: Source,
    pub(super) limits: Limits,
    current: Mutex<Connection>,
    /// One reconnection at a time.
    reconnecting: tokio::sync::Mutex<()>,
}

/// A client with the credentials of one moment.
#[derive(Clone)]
pub(super) struct Connection {
    pub(super) client: kube::Client,
    pub(super) generation: u64,
    expires: Option<Timestamp>,
    server: String,
    namespace: String,
}

/// How long things may take.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    /// One request.
    pub(super) request: Duration,
    /// A call with all its requests.
    pub(super) total: Duration,
    connect: Duration,
}

#[derive(Clone, Default)]
struct Source {
    kubeconfig: Option<PathBuf>,
    context: Option<String>,
    in_cluster: bool,
    insecure: bool,
}

/// Configures a [`Cluster`].
#[must_use = "call connect() to get a cluster"]
#[derive(Clone)]
pub struct ClusterBuilder {
    source: Source,
    limits: Limits,
}

/// Before they end, credentials are got anew.
const EARLY: Duration = Duration::from_secs(60);

impl ClusterBuilder {
    /// The kubeconfig file; certificates that it names are looked for beside it. Without it, that of `KUBECONFIG`, else
    /// `~/.kube/config`, else the service account of the pod that this runs in.
    pub fn kubeconfig(mut self, path: impl Into<PathBuf>) -> Self {
        self.source.kubeconfig = Some(path.into());
        self
    }
    /// The context of the kubeconfig file; its current one unless said otherwise.
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
    /// Takes a kubeconfig that turns off the checking of certificates (`insecure-skip-tls-verify`); without this such a one is
    /// refused.
    pub fn allow_insecure_tls(mut self) -> Self {
        self.source.insecure = true;
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

    /// Reads the configuration and gets credentials. The cluster is not asked anything yet.
    ///
    /// # Errors
    /// `Config` naming the file and what is wrong with it; `InvalidArgument` for a time of zero.
    pub async fn connect(self) -> Result<Cluster> {
        self.check()?;
        let Self { source, limits } = self;
        let connection = source.connect(&limits, 0).await?;
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
        ClusterBuilder { source: Source::default(), limits }
    }

    /// How to connect to the cluster of another context of the same kubeconfig.
    pub(super) fn sibling(&self, context: &str) -> ClusterBuilder {
        let source = Source { context: Some(context.to_owned()), in_cluster: false, ..self.0.source.clone() };
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
    pub(super) async fn connection(&self) -> Result<Connection> {
        let now = self.now();
        match now.expires.filter(|expires| *expires <= Timestamp::now() + EARLY) {
            Some(_) => self.reconnect(now.generation).await,
            None => Ok(now),
        }
    }

    /// Gets credentials anew, unless somebody has done so since `generation`.
    pub(super) async fn reconnect(&self, generation: u64) -> Result<Connection> {
        let _turn = self.0.reconnecting.lock().await;
        let now = self.now();
        if now.generation != generation {
            return Ok(now);
        }
        let fresh = self.0.source.connect(&self.0.limits, generation + 1).await?;
        *self.0.current.lock().unwrap_or_else(PoisonError::into_inner) = fresh.clone();
        Ok(fresh)
    }
}

impl Source {
    async fn connect(&self, limits: &Limits, generation: u64) -> Result<Connection> {
        let (mut config, place) = self.config().await?;
        if config.accept_invalid_certs && !self.insecure {
            let message =
                format!("{place} turns off the checking of certificates (insecure-skip-tls-verify)");
            return Err(Error::config(message)
                .with_hint("give the cluster's CA instead, or say allow_insecure_tls()"));
        }
        let expires = match config.auth_info.exec.take() {
            Some(exec) => plugin::run(&exec, &mut config, limits.connect).await?,
            None => None,
        };
        // kube's own retries go on for minutes; those of this crate are in `request`.
        config.default_retry = false;
        config.connect_timeout = Some(limits.connect);
        let (server, namespace) = (config.cluster_url.to_string(), config.default_namespace.clone());
        crate::pipeline::install_default_provider();
        let client = kube::Client::try_from(config)
            .map_err(|error| Error::config(format!("{place}: {}", told(&error))).with_source(error))?;
        Ok(Connection { client, generation, expires, server, namespace })
    }

    /// The configuration, and what to call it in errors.
    async fn config(&self) -> Result<(Config, String)> {
        let options = KubeConfigOptions { context: self.context.clone(), ..KubeConfigOptions::default() };
        let (kubeconfig, place) = match &self.kubeconfig {
            _ if self.in_cluster => return in_cluster(),
            Some(path) => (Kubeconfig::read_from(path), path.display().to_string()),
            None if std::env::var_os("KUBECONFIG").is_some() => (Kubeconfig::read(), "KUBECONFIG".to_owned()),
            None => {
                match crate::config::home().map(|home| home.join(".kube/config")).filter(|path| path.exists())
                {
                    Some(path) => (Kubeconfig::read_from(&path), path.display().to_string()),
                    None if std::env::var_os("KUBERNETES_SERVICE_HOST").is_some() => return in_cluster(),
                    None => {
                        let message = "there is no kubeconfig: none was given, KUBECONFIG is not set, and there is no ~/.kube/config";
                        return Err(Error::config(message));
                    }
                }
            }
        };
        let wrong =
            |error: KubeconfigError| Error::config(format!("{place}: {}", told(&error))).with_source(error);
        let config =
            Config::from_custom_kubeconfig(kubeconfig.map_err(wrong)?, &options).await.map_err(wrong)?;
        Ok((config, place))
    }
}

fn in_cluster() -> Result<(Config, String)> {
    let config = Config::incluster()
        .map_err(|error| Error::config(format!("not in a cluster: {}", told(&error))).with_source(error))?;
    Ok((config, "the pod's service account".to_owned()))
}

/// What an error and those behind it say, once each.
pub(super) fn told(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        let more = error.to_string();
        if !text.contains(&more) {
            text = format!("{text}: {more}");
        }
        source = error.source();
    }
    crate::api::clean(&text, 500)
}

impl fmt::Debug for Cluster {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cluster").field("server", &self.server()).finish_non_exhaustive()
    }
}

impl fmt::Debug for ClusterBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Source { kubeconfig, context, in_cluster, .. } = &self.source;
        let mut shown = f.debug_struct("ClusterBuilder");
        shown.field("kubeconfig", kubeconfig).field("context", context).field("in_cluster", in_cluster);
        shown.finish_non_exhaustive()
    }
}

/// What is not there without being an error of anybody.
pub(super) fn not_installed(what: &str) -> Error {
    Error::new(ErrorKind::Unsupported, format!("{what} is not installed in this cluster"))
}
