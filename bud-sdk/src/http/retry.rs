//! Whether and when to send again. Pure: what happened goes in, a decision comes out.

use std::sync::Arc;
use std::time::Duration;

use super::budget::Budget;
use crate::operation::Route;

/// A longer wait is the caller's decision: he gets the delay in the error instead.
const LONGEST_SERVER_DELAY: Duration = Duration::from_secs(60);

/// How a client retries.
#[derive(Clone)]
pub(crate) struct Policy {
    pub(crate) base: Duration,
    pub(crate) cap: Duration,
    /// A number from 0 to 1; tests fix it.
    pub(crate) random: Arc<dyn Fn() -> f64 + Send + Sync>,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            base: Duration::from_millis(200),
            cap: Duration::from_secs(8),
            random: Arc::new(fastrand::f64),
        }
    }
}

impl Policy {
    /// Full jitter: from nothing to twice as much each time, up to the cap.
    fn backoff(&self, retry: u32) -> Duration {
        let most = self.base.saturating_mul(1 << retry.min(16)).min(self.cap);
        most.mul_f64((self.random)().clamp(0.0, 1.0))
    }
}

/// What an attempt ended with, as far as a retry is concerned.
pub(super) struct Outcome {
    /// The status, if there was an answer.
    pub(super) status: Option<u16>,
    /// The request may have reached the server.
    pub(super) sent: bool,
    /// The failure is of a kind that can pass.
    pub(super) transient: bool,
    pub(super) timed_out: bool,
    /// The server's own word on it.
    pub(super) should_retry: Option<bool>,
    pub(super) retry_after: Option<Duration>,
}

impl Outcome {
    /// Whether sending again is safe and has a point.
    fn repeatable(&self, route: &Route) -> bool {
        let Some(status) = self.status else {
            return self.transient && (!self.sent || route.idempotent);
        };
        match self.should_retry {
            Some(false) => return false,
            Some(true) if route.idempotent => return true,
            _ => {}
        }
        match status {
            429 => route.idempotent || route.limited_first,
            408 | 500 | 502 | 503 | 504 => route.idempotent,
            _ => false,
        }
    }

    /// How long to wait before the next attempt; `None`: this one was the last.
    pub(super) fn next_delay(
        &self,
        route: &Route,
        policy: &Policy,
        budget: &Budget,
        attempt: u32,
        attempts: u32,
        left: Duration,
    ) -> Option<Duration> {
        if attempt >= attempts || !self.repeatable(route) {
            return None;
        }
        let asked = self.retry_after.unwrap_or_default();
        let delay = policy.backoff(attempt - 1).max(asked);
        if asked > LONGEST_SERVER_DELAY || delay >= left {
            return None;
        }
        let cost = if self.timed_out { Budget::RETRY_AFTER_TIMEOUT } else { Budget::RETRY };
        budget.take(cost).then_some(delay)
    }
}
