//! The SDK on a real API server, and kubectl beside it.

pub(crate) mod connection;
pub(crate) mod lists;
pub(crate) mod report;
pub(crate) mod rights;
pub(crate) mod streams;
pub(crate) mod work;

use bud_kubernetes_testbed::{Cluster as Bed, Identity, Outcome};
use bud_sdk::kubernetes::{Cluster, ClusterBuilder};

/// The SDK as the administrator.
pub(crate) async fn sdk(bed: &Bed) -> Outcome<Cluster> {
    connected(Cluster::builder().kubeconfig(bed.kubeconfig())).await
}

pub(crate) async fn connected(builder: ClusterBuilder) -> Outcome<Cluster> {
    builder.connect().await.map_err(|error| error.to_string())
}

/// The SDK as somebody else.
pub(crate) async fn sdk_as(bed: &Bed, identity: &Identity) -> Outcome<Cluster> {
    let name: String =
        identity.name().chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
    let file = bed.folder().join(format!("{name}.kubeconfig"));
    std::fs::write(&file, identity.kubeconfig()).map_err(|error| error.to_string())?;
    connected(Cluster::builder().kubeconfig(file)).await
}

/// What a call of the SDK gave, or why not.
pub(crate) fn told<T>(result: bud_sdk::Result<T>) -> Outcome<T> {
    result.map_err(|error| error.to_string())
}
