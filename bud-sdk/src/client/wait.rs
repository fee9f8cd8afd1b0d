//! Waiting for a state: polling that spares the server, survives its bad moments, and always ends.

use std::time::Duration;

use tokio::time::{Instant, sleep, timeout_at};

use crate::error::{Error, ErrorKind, Result};

/// How long and how often to look.
#[derive(Debug, Clone)]
pub(crate) struct Wait {
    pub(crate) within: Duration,
    pub(crate) every: Duration,
}

impl Default for Wait {
    fn default() -> Self {
        Self { within: Duration::from_secs(30 * 60), every: Duration::from_secs(2) }
    }
}

/// Polling slows down to this many times the first interval.
const SLOWEST: u32 = 8;
/// A thing that was just made may not be there at once.
const MISSING_GRACE: u32 = 3;

/// What one look at the thing means.
pub(crate) enum Verdict {
    Reached,
    /// Not yet; in this state.
    Pending(String),
    Failed(Error),
}

impl Wait {
    /// Looks until `judge` has decided or the time is over. What passes (an outage, a 404 at the beginning) does not end
    /// the wait; what will not pass (a refused login, a missing right) does.
    pub(crate) async fn poll<T, F>(
        &self,
        mut look: impl FnMut() -> F,
        mut judge: impl FnMut(&T) -> Verdict,
    ) -> Result<T>
    where
        F: Future<Output = Result<T>>,
    {
        if self.within.is_zero() || self.every.is_zero() {
            return Err(Error::invalid("within", "the time to wait and the interval must be more than zero"));
        }
        let started = Instant::now();
        let deadline =
            started.checked_add(self.within).ok_or_else(|| Error::invalid("within", "it is too long"))?;
        let (mut missing, mut last) = (0, "nothing was seen yet".to_owned());
        let mut interval = self.every;
        let over = |last: &str| {
            let message = format!("not reached within {:?}; last seen: {last}", self.within);
            Error::new(ErrorKind::PollTimeout, message).with_hint("the work goes on: wait again to resume")
        };
        loop {
            let mut pause = interval;
            match timeout_at(deadline, look()).await {
                Err(_) => return Err(over(&last)),
                Ok(Ok(value)) => match judge(&value) {
                    Verdict::Reached => return Ok(value),
                    Verdict::Failed(error) => return Err(error),
                    Verdict::Pending(state) => last = state,
                },
                Ok(Err(error)) if error.is_not_found() && missing < MISSING_GRACE => missing += 1,
                Ok(Err(error)) if passes(&error) => {
                    last = error.to_string();
                    pause = pause.max(error.retry_after().unwrap_or_default());
                }
                Ok(Err(error)) => return Err(error),
            }
            // Many who wait for the same thing must not ask in step.
            let pause = pause.mul_f64(0.75 + 0.5 * fastrand::f64());
            if Instant::now() + pause >= deadline {
                return Err(over(&last));
            }
            sleep(pause).await;
            interval = interval.mul_f64(1.5).min(self.every * SLOWEST);
        }
    }
}

fn passes(error: &Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::Connect
            | ErrorKind::Timeout
            | ErrorKind::Interrupted
            | ErrorKind::RateLimited
            | ErrorKind::Server
    )
}
