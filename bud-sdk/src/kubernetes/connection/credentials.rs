//! The credentials of a cluster as the pipeline takes them: got anew once, when the server refuses them.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use crate::error::{Error, Result};
use crate::http::{AuthHeader, Authenticate, BoxFuture, Patience};
use crate::kubernetes::Cluster;

/// The credentials of one request. They may be a client certificate, and no header at all: which were sent is known by the
/// connection's generation.
pub(crate) struct Credentials<'a> {
    cluster: &'a Cluster,
    sent: AtomicU64,
    refused: AtomicBool,
}

impl<'a> Credentials<'a> {
    pub(crate) fn of(cluster: &'a Cluster) -> Self {
        Self { cluster, sent: AtomicU64::new(0), refused: AtomicBool::new(false) }
    }
}

impl Authenticate for Credentials<'_> {
    fn header(&self, _: Patience) -> BoxFuture<'_, Result<Option<Arc<AuthHeader>>>> {
        Box::pin(async {
            let connection = match self.refused.swap(false, Ordering::Relaxed) {
                true => self.cluster.reconnect(self.sent.load(Ordering::Relaxed)).await?,
                false => self.cluster.connection().await?,
            };
            self.sent.store(connection.generation, Ordering::Relaxed);
            Ok(connection.authorization.header())
        })
    }

    fn rejected(&self, _: Option<&AuthHeader>) -> bool {
        self.refused.store(true, Ordering::Relaxed);
        true
    }

    fn refused(&self, error: Error) -> Error {
        error.with_hint(REFUSED)
    }
}

/// What to know of a 401 that comes again.
pub(crate) const REFUSED: &str = "the kubeconfig's credentials were refused, and new ones as well";
