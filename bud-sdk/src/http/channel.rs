//! A way to one host: its address, what carries the requests, and what all calls to it share.

use std::sync::Arc;

use tokio::sync::{OnceCell, OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout_at;
use url::Url;

use super::budget::Budget;
use super::detect::detect;
use super::transport::Transport;
use super::{Deadline, Options, Policy};
use crate::error::{Error, ErrorKind, Result};
use crate::operation::Flavor;

/// Requests go to this base URL and nowhere else; so do the tokens that are sent with them.
pub(crate) struct Channel {
    pub(crate) base: Url,
    pub(crate) transport: Arc<dyn Transport>,
    pub(crate) policy: Policy,
    pub(crate) budget: Budget,
    /// One per connection that may be in use.
    slots: Arc<Semaphore>,
    connections: usize,
}

/// The right to use a connection, until it is dropped.
pub(crate) type Slot = OwnedSemaphorePermit;

impl Channel {
    /// How many connections a client uses unless it says otherwise. A process may often open 1,024 files in all.
    pub(crate) const CONNECTIONS: usize = 100;

    pub(crate) fn new(base: Url, transport: Arc<dyn Transport>, policy: Policy, connections: usize) -> Self {
        let slots = Arc::new(Semaphore::new(connections));
        Self { base, transport, policy, budget: Budget::new(), slots, connections }
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

/// The Bud API of one origin: the way to it, and the flavor that it speaks.
pub(crate) struct Platform {
    pub(crate) channel: Channel,
    /// Set by the configuration, or found once; only a success is remembered.
    flavor: OnceCell<Flavor>,
}

impl Platform {
    pub(crate) fn new(channel: Channel, flavor: Option<Flavor>) -> Self {
        Self { channel, flavor: OnceCell::new_with(flavor) }
    }

    /// Whether it is this flavor, as far as is known without asking.
    pub(crate) fn may_be(&self, flavor: Flavor) -> bool {
        self.flavor.get().is_none_or(|known| *known == flavor)
    }

    pub(crate) async fn flavor(&self, options: &Options, deadline: Deadline) -> Result<Flavor> {
        super::require_runtime()?;
        // Another call may be asking, with more time than this one has.
        let found = self.flavor.get_or_try_init(|| detect(&self.channel, options, deadline));
        let late = |_| {
            Error::new(ErrorKind::Timeout, "the flavor was not known before the deadline")
                .with_operation("client.flavor")
        };
        timeout_at(deadline.at, found).await.map_err(late)?.copied()
    }
}
