//! A way to one host: its address, what carries the requests, and what all calls to it share.

use std::sync::Arc;

use tokio::sync::{OnceCell, OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout_at;
use url::Url;

use super::backend::BackendSpec;
use super::budget::Budget;
use super::transport::Transport;
use super::{Deadline, Options, Policy};
use crate::error::{Error, ErrorKind, Result};
use crate::operation::ApiFlavor;

/// Requests go to this base URL and nowhere else; so do the tokens that are sent with them.
pub(crate) struct Channel {
    /// The service that is there.
    pub(crate) spec: &'static BackendSpec,
    pub(crate) base: Url,
    pub(crate) transport: Arc<dyn Transport>,
    pub(crate) policy: Policy,
    pub(crate) budget: Budget,
    /// One per connection that may be in use.
    slots: Arc<Semaphore>,
    connections: usize,
    /// Which API the server speaks, by its place in the list of flavors. Set by the configuration, or found once; only a success is
    /// remembered.
    flavor: OnceCell<usize>,
}

/// The right to use a connection, until it is dropped.
pub(crate) type Slot = OwnedSemaphorePermit;

impl Channel {
    /// How many connections a client uses unless it says otherwise. A process may often open 1,024 files in all.
    pub(crate) const CONNECTIONS: usize = 100;

    pub(crate) fn new(
        spec: &'static BackendSpec,
        base: Url,
        transport: Arc<dyn Transport>,
        policy: Policy,
        connections: usize,
    ) -> Self {
        let slots = Arc::new(Semaphore::new(connections));
        let flavor = OnceCell::new();
        Self { spec, base, transport, policy, budget: Budget::new(), slots, connections, flavor }
    }

    /// Does not ask the server which API it speaks.
    pub(crate) fn with_flavor<F: ApiFlavor>(mut self, flavor: Option<F>) -> Self {
        let place = |flavor: F| F::ALL.iter().position(|known| *known == flavor);
        self.flavor = OnceCell::new_with(flavor.and_then(place));
        self
    }

    /// Whether the server speaks this API, as far as is known without asking.
    pub(super) fn may_be<F: ApiFlavor>(&self, flavor: F) -> bool {
        self.flavor.get().is_none_or(|place| F::ALL.get(*place) == Some(&flavor))
    }

    pub(crate) async fn flavor<F: ApiFlavor>(&self, options: &Options, deadline: Deadline) -> Result<F> {
        super::require_runtime()?;
        let place = match self.spec.detect {
            None => 0,
            Some(detect) => {
                // Another call may be asking, with more time than this one has.
                let found = self.flavor.get_or_try_init(|| detect(self, options, deadline));
                let late = |_| {
                    Error::new(ErrorKind::Timeout, "the flavor was not known before the deadline")
                        .with_operation("client.flavor")
                };
                *timeout_at(deadline.at, found).await.map_err(late)??
            }
        };
        let unknown = || Error::new(ErrorKind::Config, "the server speaks an unknown API");
        F::ALL.get(place).copied().ok_or_else(unknown)
    }

    /// Waits for a free connection. It is no part of an attempt: nothing is sent meanwhile, so that a call that gives up
    /// here has changed nothing.
    pub(super) async fn slot(&self, deadline: Deadline) -> Result<Slot> {
        match timeout_at(deadline.at, self.slots.clone().acquire_owned()).await {
            Ok(Ok(slot)) => Ok(slot),
            // The semaphore is never closed.
            Ok(Err(_)) | Err(_) => {
                let message = format!(
                    "deadline exceeded before the request was sent: all {} connections of the client were in use",
                    self.connections
                );
                Err(Error::new(ErrorKind::Timeout, message)
                    .with_hint("make fewer calls at a time, or raise builder.max_connections"))
            }
        }
    }
}
