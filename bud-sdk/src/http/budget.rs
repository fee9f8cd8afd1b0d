//! The retry budget, shared by all calls of a client: a server in trouble is not hammered by everyone at once.

use std::sync::atomic::{AtomicU32, Ordering};

const FULL: u32 = 500;

#[derive(Debug)]
pub(crate) struct Budget(AtomicU32);

impl Budget {
    pub(crate) const RETRY: u32 = 5;
    pub(crate) const RETRY_AFTER_TIMEOUT: u32 = 10;

    pub(crate) fn new() -> Self {
        Self(AtomicU32::new(FULL))
    }

    /// Takes the cost of a retry; false if there is too little left.
    pub(crate) fn take(&self, cost: u32) -> bool {
        self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(cost)).is_ok()
    }

    /// A success gives a little back.
    pub(crate) fn refill(&self) {
        let _ = self
            .0
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| (left < FULL).then_some(left + 1));
    }
}
