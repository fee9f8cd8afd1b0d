//! What a script answers with.

use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use http::{HeaderMap, HeaderName, HeaderValue};
use serde_json::Value;

use crate::error::ErrorKind;
use crate::http::{Body, Failure as NoAnswer, Incoming};

/// An answer of a [`Script`](super::Script), given once unless [`times`](Self::times) or [`always`](Self::always) says
/// otherwise.
#[derive(Debug, Clone)]
pub struct Answer {
    status: u16,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
    failure: Option<Failure>,
    pub(super) delay: Duration,
    /// How often; `None` is always.
    pub(super) times: Option<u32>,
}

/// A way to get no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Failure {
    /// No connection: nothing was sent.
    Connect,
    /// The TLS handshake failed: nothing was sent.
    Tls,
    /// Silence: the request may have arrived.
    Timeout,
    /// The connection broke: the request may have arrived.
    Interrupted,
}

impl Answer {
    /// A status, and no body.
    pub fn status(status: u16) -> Self {
        Self {
            status,
            headers: Vec::new(),
            body: Vec::new(),
            failure: None,
            delay: Duration::ZERO,
            times: Some(1),
        }
    }

    /// A JSON body.
    pub fn json(status: u16, body: Value) -> Self {
        Self::status(status).header(CONTENT_TYPE.as_str(), "application/json").body(body.to_string())
    }

    /// No answer.
    pub fn fails(failure: Failure) -> Self {
        Self { failure: Some(failure), ..Self::status(0) }
    }

    /// Adds a header, such as `retry-after`.
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// Sets the body. Its length is sent with it; a longer `content-length` of yours makes an export that breaks off, while
    /// other calls do not look at it.
    pub fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self
    }

    /// Makes the answer, or the failure, come so much later: by tokio's clock, which a test can pause.
    pub fn after(mut self, delay: Duration) -> Self {
        self.delay = delay;
        self
    }

    /// Gives it so many times.
    pub fn times(mut self, times: u32) -> Self {
        self.times = Some(times);
        self
    }

    /// Gives it whenever it is asked for. [`assert_done`](super::Script::assert_done) wants it asked for once.
    pub fn always(mut self) -> Self {
        self.times = None;
        self
    }

    pub(super) fn give(self) -> Result<Incoming, NoAnswer> {
        if let Some(failure) = self.failure {
            return Err(failure.into());
        }
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_LENGTH, HeaderValue::from(self.body.len()));
        for (name, value) in self.headers {
            let (Ok(header), Ok(value)) = (HeaderName::try_from(&name), HeaderValue::try_from(value)) else {
                return Err(NoAnswer::new(ErrorKind::Config, false, format!("no usable header: {name}")));
            };
            headers.insert(header, value);
        }
        let body = Body::new(futures_util::stream::iter([Ok(Bytes::from(self.body))]));
        Ok(Incoming { status: self.status, headers, framed: true, body })
    }
}

impl From<Failure> for NoAnswer {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Connect => Self::new(ErrorKind::Connect, false, "no connection, says the script"),
            Failure::Tls => Self::new(ErrorKind::Tls, false, "no TLS, says the script"),
            Failure::Timeout => Self::new(ErrorKind::Timeout, true, "silence, says the script"),
            Failure::Interrupted => {
                Self::new(ErrorKind::Interrupted, true, "the connection broke, says the script")
            }
        }
    }
}
