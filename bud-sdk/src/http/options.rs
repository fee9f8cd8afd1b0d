//! What can be set for one call, and the deadline that follows from it.

use std::fmt;
use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue};
use tokio::time::Instant;

use crate::error::{Error, Result};

/// Options of a call; what is not set comes from the client.
#[derive(Clone, Default)]
pub(crate) struct Options {
    pub(crate) total: Option<Duration>,
    pub(crate) attempt: Option<Duration>,
    pub(crate) attempts: Option<u32>,
    pub(crate) headers: Vec<(String, String)>,
}

/// Shows the names of headers only: a value may open a proxy.
impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let headers: Vec<_> = self.headers.iter().map(|(name, _)| name).collect();
        let Self { total, attempt, attempts, .. } = self;
        write!(
            f,
            "Options {{ total: {total:?}, attempt: {attempt:?}, attempts: {attempts:?}, headers: {headers:?} }}"
        )
    }
}

/// The longest time that may be set; beyond it, clock arithmetic would overflow.
const LONGEST: Duration = Duration::from_secs(365 * 24 * 3600);

impl Options {
    pub(crate) const TOTAL: Duration = Duration::from_secs(60);
    pub(crate) const ATTEMPT: Duration = Duration::from_secs(30);
    pub(crate) const ATTEMPTS: u32 = 3;

    /// These options, with the rest filled in from the client's.
    pub(crate) fn or(mut self, client: &Self) -> Self {
        self.total = self.total.or(client.total);
        self.attempt = self.attempt.or(client.attempt);
        self.attempts = self.attempts.or(client.attempts);
        self.headers.splice(0..0, client.headers.iter().cloned());
        self
    }

    pub(crate) fn check(&self) -> Result<()> {
        for (param, time) in [("timeout", self.total), ("attempt_timeout", self.attempt)] {
            time.map_or(Ok(()), |time| Self::check_time(param, time))?;
        }
        if self.attempts.is_some_and(|attempts| !(1..=20).contains(&attempts)) {
            return Err(Error::invalid("attempts", "it must be from 1 to 20"));
        }
        self.header_map().map(drop)
    }

    pub(crate) fn check_time(param: &'static str, time: Duration) -> Result<()> {
        if time.is_zero() || time > LONGEST {
            return Err(Error::invalid(param, "it must be more than zero and at most a year"));
        }
        Ok(())
    }

    /// The extra headers, checked. Those that carry credentials or framing belong to the pipeline.
    pub(crate) fn header_map(&self) -> Result<HeaderMap> {
        let mut map = HeaderMap::with_capacity(self.headers.len());
        for (name, value) in &self.headers {
            let refused =
                |why: &str| Error::invalid("header", format!("{}: {why}", crate::operation::clean(name, 60)));
            let name = HeaderName::try_from(name.as_str()).map_err(|_| refused("not a header name"))?;
            let value =
                HeaderValue::try_from(value.as_str()).map_err(|_| refused("its value cannot be sent"))?;
            match name.as_str() {
                "idempotency-key" => {
                    return Err(refused("neither API honours it, and it would unlock no retry"));
                }
                "authorization" | "proxy-authorization" | "cookie" | "x-api-key" => {
                    return Err(refused(
                        "credentials are given to the builder, which keeps them to one origin",
                    ));
                }
                "host" | "content-length" | "transfer-encoding" | "connection" | "accept-encoding"
                | "expect" => {
                    return Err(refused("the transport sets it"));
                }
                _ => {
                    map.insert(name, value);
                }
            }
        }
        Ok(map)
    }

    pub(crate) fn attempt_time(&self) -> Duration {
        self.attempt.unwrap_or(Self::ATTEMPT)
    }

    pub(crate) fn attempt_count(&self) -> u32 {
        self.attempts.unwrap_or(Self::ATTEMPTS)
    }

    pub(crate) fn deadline(&self) -> Deadline {
        let started = Instant::now();
        let total = self.total.unwrap_or(Self::TOTAL).min(LONGEST);
        Deadline { started, at: started + total }
    }
}

/// When a call began and when it must have ended, by a clock that only goes forward.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Deadline {
    pub(crate) started: Instant,
    pub(crate) at: Instant,
}

impl Deadline {
    pub(crate) fn left(&self) -> Duration {
        self.at.saturating_duration_since(Instant::now())
    }
    pub(crate) fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }
}
