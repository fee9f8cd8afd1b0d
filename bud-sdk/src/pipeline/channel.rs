//! A way to one host: its address, what carries the requests, and what all calls to it share.

use std::sync::Arc;

use tokio::sync::OnceCell;
use tokio::time::timeout_at;
use url::Url;

use super::budget::Budget;
use super::detect::detect;
use super::transport::Transport;
use super::{Deadline, Options, Policy};
use crate::api::Flavor;
use crate::error::{Error, ErrorKind, Result};

/// Requests go to this base URL and nowhere else; so do the tokens that are sent with them.
pub(crate) struct Channel {
    pub(crate) base: Url,
    pub(crate) transport: Arc<dyn Transport>,
    pub(crate) policy: Policy,
    pub(crate) budget: Budget,
}

impl Channel {
    pub(crate) fn new(base: Url, transport: Arc<dyn Transport>, policy: Policy) -> Self {
        Self { base, transport, policy, budget: Budget::new() }
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
        // Another call may be asking, with more time than this one has.
        let found = self.flavor.get_or_try_init(|| detect(&self.channel, options, deadline));
        let late = |_| {
            Error::new(ErrorKind::Timeout, "the flavor was not known before the deadline")
                .with_operation("client.flavor")
        };
        timeout_at(deadline.at, found).await.map_err(late)?.copied()
    }
}
