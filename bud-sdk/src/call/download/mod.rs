//! Downloads: a body that is watched while it arrives, and counts as whole only when that is proven.

mod file;
mod sink;

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use bytes::Bytes;
use futures_core::Stream;
use tokio::time::{Instant, timeout};

use crate::error::{Error, ErrorKind, Result};
use crate::http::{Body, Failure, Incoming};

pub(crate) use file::FileTarget;
pub(crate) use sink::write_into;

/// How far a download is.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Progress {
    /// Bytes received.
    pub bytes: u64,
    /// Bytes in all, if the server said so.
    pub total: Option<u64>,
    /// Rows or records received whole; a header is none.
    pub rows: u64,
    /// The time since the answer began.
    pub elapsed: Duration,
}

impl Progress {
    /// Bytes per second since the answer began.
    pub fn rate(&self) -> f64 {
        self.bytes as f64 / self.elapsed.as_secs_f64().max(1e-9)
    }
}

/// Whether a download is all that the server had to send.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Completeness {
    /// The protocol marked the end, and the content ends as it should.
    Proven,
    /// The content ends as it should, but so would one that was cut there: the end was not marked.
    Unknown,
}

/// Looks at the content as it passes.
pub(crate) trait Inspect: Send {
    /// Refuses what cannot be part of the content.
    fn feed(&mut self, chunk: &[u8]) -> Result<()>;
    /// Refuses an end where none can be.
    fn end(&mut self) -> Result<()>;
    /// How many rows have passed whole.
    fn rows(&self) -> u64;
}

/// What a server may not do to a download. Only the time that is spent waiting for the server counts: a slow disk or
/// consumer is no stall.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    /// The longest silence.
    pub(crate) idle: Duration,
    /// The least that must come in each window of waiting.
    pub(crate) least: u64,
    pub(crate) window: Duration,
    /// Takes a body whose end is not marked.
    pub(crate) accept_unmarked: bool,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            idle: Duration::from_secs(60),
            least: 1024,
            window: Duration::from_secs(30),
            accept_unmarked: false,
        }
    }
}

impl Limits {
    pub(crate) fn check(&self) -> Result<()> {
        if self.idle.is_zero() {
            return Err(Error::invalid("idle_timeout", "it must be more than zero"));
        }
        if self.window.is_zero() {
            return Err(Error::invalid("min_throughput", "the window must be more than zero"));
        }
        Ok(())
    }
}

/// A download piece by piece; `None` at an end that was proven, as far as it can be.
pub(crate) trait Source: Send + 'static {
    fn next(&mut self) -> impl Future<Output = Result<Option<Bytes>>> + Send;
}

pub(crate) type OnProgress = Box<dyn FnMut(Progress) + Send>;

/// A download under way.
pub(crate) struct Transfer {
    incoming: Incoming,
    limits: Limits,
    inspect: Box<dyn Inspect>,
    told: Option<OnProgress>,
    started: Instant,
    progress: Progress,
    /// Waited for the server, and received, in the present window.
    waited: Duration,
    received: u64,
    ended: bool,
}

impl Transfer {
    pub(crate) fn new(
        incoming: Incoming,
        limits: Limits,
        inspect: Box<dyn Inspect>,
        told: Option<OnProgress>,
    ) -> Result<Self> {
        if !incoming.framed && !limits.accept_unmarked {
            // Such a body ends with the connection, so a broken connection looks like its end.
            let message = "the server does not mark the end of the file, so it cannot be proven whole";
            return Err(Error::new(ErrorKind::Download, message).with_hint(
                "a proxy that speaks HTTP/1.0 is a likely cause; accept_unmarked_end(true) takes it",
            ));
        }
        let length = incoming.headers.get(http::header::CONTENT_LENGTH);
        let total = length.and_then(|length| length.to_str().ok()?.parse().ok());
        let progress = Progress { bytes: 0, total, rows: 0, elapsed: Duration::ZERO };
        Ok(Self {
            incoming,
            limits,
            inspect,
            told,
            started: Instant::now(),
            progress,
            waited: Duration::ZERO,
            received: 0,
            ended: false,
        })
    }

    /// The next piece; `None` at an end that was proven, as far as it can be.
    pub(crate) async fn next(&mut self) -> Result<Option<Bytes>> {
        if self.ended {
            return Ok(None);
        }
        let asked = Instant::now();
        let (chunk, arrived) = timeout(self.limits.idle, arrival(&mut self.incoming.body))
            .await
            .map_err(|_| self.broken(&format!("the server was silent for {:?}", self.limits.idle)))?;
        // The silence before the first piece is the query's, and `idle` bounds it.
        if self.progress.bytes > 0 {
            self.waited += arrived.saturating_duration_since(asked);
        }
        let Some(chunk) = chunk else {
            return self.end().map(|()| None);
        };
        let chunk = chunk.map_err(|failure| self.broken(&format!("the connection broke: {failure}")))?;
        self.progress.bytes += chunk.len() as u64;
        self.received += chunk.len() as u64;
        if self.waited >= self.limits.window {
            if self.received < self.limits.least {
                let (received, window) = (self.received, self.limits.window);
                return Err(self
                    .broken(&format!("the server sent {received} bytes in {window:?}, which is too slow")));
            }
            (self.waited, self.received) = (Duration::ZERO, 0);
        }
        self.inspect.feed(&chunk)?;
        self.progress.rows = self.inspect.rows();
        self.progress.elapsed = self.started.elapsed();
        if let Some(told) = &mut self.told {
            told(self.progress);
        }
        Ok(Some(chunk))
    }

    fn end(&mut self) -> Result<()> {
        self.ended = true;
        if let Some(total) = self.progress.total.filter(|total| *total != self.progress.bytes) {
            return Err(self.broken(&format!("the server announced {total} bytes")));
        }
        self.inspect.end()?;
        self.progress.rows = self.inspect.rows();
        Ok(())
    }

    fn broken(&self, why: &str) -> Error {
        Error::new(ErrorKind::Download, format!("it broke off after {} bytes: {why}", self.progress.bytes))
    }

    pub(crate) fn progress(&self) -> Progress {
        self.progress
    }

    pub(crate) fn completeness(&self) -> Completeness {
        if self.incoming.framed { Completeness::Proven } else { Completeness::Unknown }
    }
}

/// Notes when the server was done; from then on it is the reader who is waited for.
struct Woken {
    at: OnceLock<Instant>,
    reader: Waker,
}

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        let _ = self.at.set(Instant::now());
        self.reader.wake_by_ref();
    }
}

/// The next piece, and when it came: a reader may look at it much later.
async fn arrival(body: &mut Body) -> (Option<std::result::Result<Bytes, Failure>>, Instant) {
    let mut before: Option<Arc<Woken>> = None;
    poll_fn(|cx| {
        let arrived = before.as_ref().and_then(|woken| woken.at.get().copied());
        let woken = Arc::new(Woken { at: OnceLock::new(), reader: cx.waker().clone() });
        let waker = Waker::from(woken.clone());
        match Pin::new(&mut *body).poll_next(&mut Context::from_waker(&waker)) {
            Poll::Ready(piece) => Poll::Ready((piece, arrived.unwrap_or_else(Instant::now))),
            Poll::Pending => {
                before = Some(woken);
                Poll::Pending
            }
        }
    })
    .await
}
