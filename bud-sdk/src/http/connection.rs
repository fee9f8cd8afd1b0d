//! What calls are made on: a way to one service, credentials for it, and the options of its client.

use std::fmt;
use std::sync::Arc;

use super::run::{execute, open};
use super::{Anonymous, Authenticate, Channel, Incoming, Meta, Options};
use crate::error::Result;
use crate::operation::{ApiFlavor, Describe, Operation};
use crate::types::Secret;

/// Cloning it is cheap; clones share connections, session and retry budget.
#[derive(Clone)]
pub(crate) struct Connection {
    pub(crate) channel: Arc<Channel>,
    pub(crate) authenticate: Arc<dyn Authenticate>,
    pub(crate) options: Options,
}

impl Connection {
    /// The same without credentials.
    pub(crate) fn anonymous(&self) -> Self {
        Self { authenticate: Arc::new(Anonymous), ..self.clone() }
    }

    pub(crate) async fn execute<O: Operation>(
        &self,
        operation: &O,
        options: Options,
    ) -> Result<(O::Output, Meta)> {
        execute(&self.channel, operation, &options.or(&self.options), &*self.authenticate).await
    }

    pub(crate) async fn open<D: Describe>(&self, request: &D, options: Options) -> Result<(Incoming, Meta)> {
        open(&self.channel, request, &options.or(&self.options), &*self.authenticate).await
    }

    /// Which API the server speaks: as configured, or asked for once.
    pub(crate) async fn flavor<F: ApiFlavor>(&self) -> Result<F> {
        self.channel.flavor(&self.options, self.options.deadline()).await
    }

    /// What must not be shown of any text that comes back.
    pub(crate) fn secrets(&self) -> Vec<Secret> {
        self.authenticate.secrets()
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection").field("base_url", &self.channel.base.as_str()).finish_non_exhaustive()
    }
}
