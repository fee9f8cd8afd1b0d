//! Waiting for a state: polling that spares the server, survives its bad moments, and always ends.

use std::time::Duration;

use tokio::time::{Instant, sleep, timeout_at};

use crate::error::{Error, ErrorKind, Result, seconds};

/// How long and how often to look.
#[derive(Debug, Clone)]
pub(crate) struct Wait {
    pub(crate) timeout: Duration,
    pub(crate) poll_interval: Duration,
    /// Polling slows down to this many times the interval; 1 keeps it.
    pub(crate) slowest: u32,
    /// The limit to report, for a wait that is part of a longer one.
    pub(crate) limit: Option<Duration>,
}

impl Default for Wait {
    fn default() -> Self {
        Self {
            timeout: Duration::from_secs(30 * 60),
            poll_interval: Duration::from_secs(2),
            slowest: SLOWEST,
            limit: None,
        }
    }
}

/// Polling slows down to this many times the first interval, unless a wait says otherwise.
pub(crate) const SLOWEST: u32 = 8;
/// A thing that was just made may not be there at once.
const MISSING_GRACE: u32 = 3;

const LONGEST_INTERVAL: Duration = Duration::from_secs(365 * 24 * 3600);

/// What one look at the thing means.
pub(crate) enum Verdict {
    Reached,
    /// Not yet; in this state.
    Pending(String),
    /// It looks as if it were, but there is no sign yet that this is the action's doing.
    Unproven(String),
    Failed(Error),
}

/// A wait under way.
pub(crate) struct Watch<L, J> {
    wait: Wait,
    look: L,
    judge: J,
    deadline: Instant,
    interval: Duration,
    /// Before the next look.
    pause: Option<Duration>,
    /// At least, as the server asked.
    asked: Duration,
    missing: u32,
    /// The state at the last look that showed one.
    last: String,
    /// Why the looks since then showed none.
    trouble: Option<String>,
    unproven: bool,
    ended: bool,
}

impl Wait {
    /// When it ends; refuses times that make no sense.
    pub(crate) fn deadline(&self) -> Result<Instant> {
        if self.poll_interval.is_zero() || self.poll_interval > LONGEST_INTERVAL {
            return Err(Error::invalid("poll_interval", "it must be more than zero and at most a year"));
        }
        let deadline = Instant::now().checked_add(self.timeout).filter(|_| !self.timeout.is_zero());
        deadline.ok_or_else(|| Error::invalid("timeout", "it must be more than zero, and not endless"))
    }

    /// `look` reads the thing within the time that it is given, `judge` says what that means.
    pub(crate) fn watch<L, J>(self, look: L, judge: J) -> Result<Watch<L, J>> {
        let deadline = self.deadline()?;
        Ok(Watch {
            look,
            judge,
            deadline,
            interval: self.poll_interval,
            pause: None,
            asked: Duration::ZERO,
            missing: 0,
            last: "nothing was seen yet".to_owned(),
            trouble: None,
            unproven: false,
            ended: false,
            wait: self,
        })
    }
}

impl<L, J> Watch<L, J> {
    /// The next look that showed something; `None` after the one that reached the end. What passes (an outage, also of the
    /// identity service, a 404 at the beginning) does not end it; what will not pass (a refused login, a missing
    /// permission) does.
    pub(crate) async fn next<T, F>(&mut self) -> Result<Option<T>>
    where
        L: FnMut(Duration) -> F,
        F: Future<Output = Result<T>>,
        J: FnMut(&T) -> Verdict,
    {
        crate::http::require_runtime()?;
        while !self.ended {
            if let Some(pause) = self.pause.take() {
                // Many who wait for the same thing must not ask in step.
                let pause = pause.mul_f64(0.75 + 0.5 * fastrand::f64()).max(std::mem::take(&mut self.asked));
                if Instant::now() + pause >= self.deadline {
                    return Err(self.over());
                }
                sleep(pause).await;
            }
            let pause = self.interval;
            let left = self.deadline.saturating_duration_since(Instant::now());
            let looked = timeout_at(self.deadline, (self.look)(left)).await;
            let value = match looked.map_err(|_| self.over())? {
                Ok(value) => Some(value),
                Err(error) if error.is_not_found() && self.missing < MISSING_GRACE => {
                    self.missing += 1;
                    None
                }
                Err(error) if error.is_transient() => {
                    self.trouble = Some(error.brief().to_string());
                    self.asked = error.retry_after().unwrap_or_default();
                    None
                }
                Err(error) => return Err(error),
            };
            self.interval = self.interval.mul_f64(1.5).min(self.wait.poll_interval * self.wait.slowest);
            self.pause = Some(pause);
            let Some(value) = value else { continue };
            self.trouble = None;
            // Once it was there, its absence is news.
            self.missing = MISSING_GRACE;
            match (self.judge)(&value) {
                Verdict::Reached => self.ended = true,
                Verdict::Pending(state) => (self.last, self.unproven) = (state, false),
                Verdict::Unproven(state) => (self.last, self.unproven) = (state, true),
                Verdict::Failed(error) => return Err(error),
            }
            return Ok(Some(value));
        }
        Ok(None)
    }

    /// Looks until the end: what the last look showed.
    #[cfg(feature = "kubernetes")]
    pub(crate) async fn outcome<T, F>(mut self) -> Result<T>
    where
        L: FnMut(Duration) -> F,
        F: Future<Output = Result<T>>,
        J: FnMut(&T) -> Verdict,
    {
        let mut last = None;
        while let Some(value) = self.next().await? {
            last = Some(value);
        }
        last.ok_or_else(|| self.over())
    }

    fn over(&self) -> Error {
        let within = seconds(self.wait.limit.unwrap_or(self.wait.timeout));
        let trouble = self.trouble.as_ref().map(|trouble| format!("; the last look failed: {trouble}"));
        let trouble = trouble.unwrap_or_default();
        if self.unproven {
            let message =
                format!("change not confirmed within {within} (state stayed {}){trouble}", self.last);
            return Error::new(ErrorKind::Unconfirmed, message);
        }
        let message = format!("not reached within {within}; last seen: {}{trouble}", self.last);
        Error::new(ErrorKind::PollTimeout, message).with_hint("the work goes on: wait again to resume")
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_hundred_who_wait_do_not_ask_in_step() {
        let looks = Mutex::new(Vec::new());
        let began = Instant::now();
        let waits = (0..100).map(|_| async {
            let mut count = 0;
            let look = |_| {
                count += 1;
                looks.lock().unwrap().push((count, began.elapsed()));
                let count = count;
                async move { Ok(count) }
            };
            let judge =
                |count: &i32| if *count == 6 { Verdict::Reached } else { Verdict::Pending(String::new()) };
            let mut watch = Wait::default().watch(look, judge).unwrap();
            while watch.next().await.unwrap().is_some() {}
        });
        futures_util::future::join_all(waits).await;
        let looks = looks.into_inner().unwrap();
        for turn in 2..=6 {
            let mut at: Vec<_> =
                looks.iter().filter(|(count, _)| *count == turn).map(|(_, at)| *at).collect();
            at.sort();
            // 2 s, 3 s, 4.5 s...: a quarter more or less each time.
            let spread = at[99] - at[0];
            assert!(spread > Duration::from_millis(700), "look {turn} spread over {spread:?}");
            let crowd =
                at.iter().map(|at| at.as_millis() / 100).fold((0, 0, 0), |(most, now, last), tenth| {
                    let now = if tenth == last { now + 1 } else { 1 };
                    (most.max(now), now, tenth)
                });
            assert!(crowd.0 < 40, "{} of 100 within a tenth of a second", crowd.0);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn looks_become_rarer_and_obey_the_server() {
        let began = Instant::now();
        let mut at = Vec::new();
        let look = |_| {
            at.push(began.elapsed().as_secs_f64());
            let busy = at.len() == 3;
            async move {
                let error =
                    Error::new(ErrorKind::Server, "busy").with_retry_after(Some(Duration::from_secs(100)));
                if busy { Err(error) } else { Ok(()) }
            }
        };
        let wait = Wait { timeout: Duration::from_secs(300), ..Wait::default() };
        let mut watch = wait.watch(look, |(): &()| Verdict::Pending("DEPLOYING".to_owned())).unwrap();
        let error = loop {
            if let Err(error) = watch.next().await {
                break error;
            }
        };
        assert_eq!(error.kind(), ErrorKind::PollTimeout);
        assert!(error.message().contains("DEPLOYING"), "{error}");
        let pauses: Vec<f64> = at.windows(2).map(|pair| pair[1] - pair[0]).collect();
        assert!((1.5..2.5).contains(&pauses[0]) && (2.25..3.75).contains(&pauses[1]), "{pauses:?}");
        assert!(pauses[2] >= 75.0, "the server asked for 100 s: {pauses:?}");
        assert!(pauses[3..].iter().all(|pause| *pause <= 20.0), "at most eight times 2 s: {pauses:?}");
    }
}
