//! Kubernetes clusters.

use std::path::PathBuf;
use std::time::Duration;

use serde_json::{Map, Value};

use crate::bindings::args::{Args, When, named_options};
use crate::bindings::cluster::LazyCluster;
use crate::bindings::{Backend, Connector, Example, entries};
use crate::config::Variables;
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
    /// The longest time that one attempt of a request may take; what only reads is tried up to three times. Default: 30 seconds.
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

pub(super) const BACKEND: Backend = Backend {
    name: "kubernetes",
    class: "Cluster",
    topic: "kubernetes",
    about: "A Kubernetes cluster",
    docs: "Its kubeconfig is read by the first call: that of `KUBECONFIG`, else `~/.kube/config`, else what the pod has that the \
           program runs in, unless options say otherwise. Nothing changes the cluster but `restart` and `exec`.",
    example: Example {
        options: &[("kubeconfig", "/path/to/cluster-kubeconfig")],
        call: "kubernetes.pods",
        args: &[("namespace", "bud-system")],
        shown: &["name", "status"],
    },
    options: OPTIONS,
    variables: None,
    own: "kubernetes",
    entries: entries::KUBERNETES,
    connector,
};

/// Its variables, such as `KUBECONFIG`, are those of the process.
fn connector(options: Map<String, Value>, _: Variables) -> Result<Connector> {
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
    Ok(Connector::new(move || Ok(LazyCluster::new(builder.clone()))))
}
