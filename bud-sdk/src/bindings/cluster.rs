//! A Kubernetes cluster as calls see it.

use std::sync::Arc;

use tokio::sync::OnceCell;

use super::target::Handle;
use crate::error::Result;
use crate::kubernetes::{Cluster, ClusterBuilder};

/// A cluster whose kubeconfig is read, and whose credentials are got, by the first call. Cloning it is cheap.
#[derive(Clone, Debug)]
pub(super) struct LazyCluster {
    builder: ClusterBuilder,
    cluster: Arc<OnceCell<Cluster>>,
}

impl Handle for LazyCluster {}

impl LazyCluster {
    pub(super) fn new(builder: ClusterBuilder) -> Self {
        Self { builder, cluster: Arc::default() }
    }

    pub(super) async fn open(&self) -> Result<Cluster> {
        self.cluster.get_or_try_init(|| self.builder.clone().connect()).await.cloned()
    }
}
