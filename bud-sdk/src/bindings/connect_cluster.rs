//! Making a Kubernetes cluster's connection from named options.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value};
use tokio::sync::OnceCell;

use super::args::{Arg, Args, When};
use super::named_options;
use crate::error::Result;
use crate::kubernetes::{Cluster, ClusterBuilder};

named_options! {
    /// The kubeconfig file. Default: the files that `KUBECONFIG` names, merged as kubectl merges them; else `~/.kube/config`;
    /// else the service account of the pod that the program runs in. A kubeconfig can run programs (its credential plugins), so
    /// use only those that you trust.
    kubeconfig: PathBuf,
    /// The context of the kubeconfig. Default: its current context.
    context: String,
    /// Uses the service account of the pod that this runs in, and no kubeconfig file.
    in_cluster: bool,
    /// The longest time that one request may take. 30 seconds.
    request_timeout: Duration,
    /// The longest time that a call may take with all its requests. 2 minutes. Waits have their own.
    timeout: Duration,
    /// The longest time that opening a connection, or getting credentials from a plugin, may take. 10 seconds.
    connect_timeout: Duration,
    /// Accepts a kubeconfig that turns off the verification of certificates. Default: it is refused.
    allow_insecure_tls: bool,
    /// Accepts a server on plain http that is not on this machine. Credentials are then sent in clear text: anyone on the network
    /// can read them. Default: such a server is refused.
    allow_http: bool,
}

/// The options of [`connect_cluster`].
pub fn connect_cluster_options() -> &'static [Arg] {
    OPTIONS
}

/// A cluster whose kubeconfig is read, and whose credentials are got, by the first call. Cloning it is cheap.
#[derive(Clone, Debug)]
pub struct LazyCluster {
    builder: ClusterBuilder,
    cluster: Arc<OnceCell<Cluster>>,
}

impl LazyCluster {
    pub(super) async fn open(&self) -> Result<Cluster> {
        self.cluster.get_or_try_init(|| self.builder.clone().connect()).await.cloned()
    }
}

/// Prepares a connection from named options. Nothing is read yet.
///
/// # Errors
/// `InvalidArgument` naming an option that is unknown or of the wrong type.
pub fn connect_cluster(options: Map<String, Value>) -> Result<LazyCluster> {
    let given = Given::read(&mut Args::new(options))?;
    let builder = Cluster::builder()
        .when(given.kubeconfig, ClusterBuilder::kubeconfig)
        .when(given.context, ClusterBuilder::context)
        .when(given.in_cluster.filter(|yes| *yes), |builder, _| builder.in_cluster())
        .when(given.request_timeout, ClusterBuilder::request_timeout)
        .when(given.timeout, ClusterBuilder::timeout)
        .when(given.connect_timeout, ClusterBuilder::connect_timeout)
        .when(given.allow_insecure_tls.filter(|yes| *yes), |builder, _| builder.allow_insecure_tls())
        .when(given.allow_http.filter(|yes| *yes), |builder, _| builder.allow_http());
    builder.check()?;
    Ok(LazyCluster { builder, cluster: Arc::default() })
}
