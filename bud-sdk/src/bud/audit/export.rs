//! The audit export: a file that is whole, or no file.

use std::collections::VecDeque;
use std::fmt;
use std::future::poll_fn;
use std::path::Path;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use futures_core::Stream;
use futures_util::StreamExt;
use futures_util::stream::unfold;
use tokio::io::AsyncWrite;

use super::inspect::{Records, not_json};
use super::request::{ExportAudit, ExportFormat};
use super::windows::Windows;
use super::{AuditRecord, TimeRange};
use crate::bud::Client;
use crate::call::{Completeness, FileTarget, Limits, OnProgress, Progress, Source, Transfer, write_into};
use crate::error::Result;
use crate::http::{BoxFuture, Options};
use crate::operation::{Describe, from_slice};

/// An export, not asked for yet.
///
/// It is received in constant memory, and ends in an error unless it is whole: the protocol must mark its end, and its last
/// row must look like a row. The whole may take as long as it takes; only silence and a trickle end it.
///
/// The platform as shipped drops every row beyond 10,000 and does not say so. There the range is asked for in windows that
/// it says have no more, the newest first, and the rows of each are counted.
#[must_use = "an export does nothing until it is written or read"]
pub struct Export {
    client: Client,
    request: ExportAudit,
    overwrite: bool,
    limits: Limits,
    told: Option<OnProgress>,
}

impl Export {
    /// What it is written as. CSV.
    pub fn format(mut self, format: ExportFormat) -> Self {
        self.request.format = format;
        self
    }

    /// Replaces a file that is there already, once the new one is whole.
    pub fn overwrite(mut self, overwrite: bool) -> Self {
        self.overwrite = overwrite;
        self
    }

    /// The longest silence of the server. 60 seconds.
    pub fn idle_timeout(mut self, time: Duration) -> Self {
        self.limits.idle = time;
        self
    }

    /// The least that the server must send in each window of waiting for it. 1024 bytes in 30 seconds. Time that the disk
    /// or the reader takes does not count.
    pub fn min_throughput(mut self, bytes: u64, window: Duration) -> Self {
        (self.limits.least, self.limits.window) = (bytes, window);
        self
    }

    /// Takes an answer whose end the server does not mark, as some proxies cause. Whether it is whole is then
    /// [`Completeness::Unknown`].
    pub fn accept_unmarked_end(mut self, accept: bool) -> Self {
        self.limits.accept_unmarked = accept;
        self
    }

    /// Is told after each piece how far it is.
    pub fn on_progress(mut self, told: impl FnMut(Progress) + Send + 'static) -> Self {
        self.told = Some(Box::new(told));
        self
    }

    /// Writes it to a file, which appears under its name only when it is whole and on disk. Until then there is a file
    /// beside it, readable for its owner alone and removed on failure.
    ///
    /// # Errors
    /// `InvalidArgument` for a range that ends before it begins, or a target that is there already; `Download` when the
    /// export broke off, is not what was asked for, cannot be proven whole, or cannot be written.
    pub async fn write_to(self, path: impl AsRef<Path>) -> Result<Exported> {
        let target = FileTarget { path: path.as_ref(), overwrite: self.overwrite };
        named(async {
            self.limits.check()?;
            target.check()?;
            let transfer = target.save(self.begin().await?).await?;
            Ok(Exported::of(&transfer))
        })
        .await
    }

    /// Writes it into any writer and flushes that. What was written before an error is not whole.
    ///
    /// # Errors
    /// As [`write_to`](Self::write_to).
    pub async fn write_into(self, writer: &mut (impl AsyncWrite + Unpin)) -> Result<Exported> {
        named(async {
            let mut transfer = self.begin().await?;
            write_into(&mut transfer, writer).await?;
            Ok(Exported::of(&transfer))
        })
        .await
    }

    /// Its bytes as they arrive. Only a stream that ends without an error was whole.
    pub fn bytes(self) -> ExportStream<Bytes> {
        ExportStream::new(named(self.begin()), |transfer| Box::pin(named(transfer.next())))
    }

    /// Its records, typed. They are asked for as JSON, whatever [`format`](Self::format) says.
    ///
    /// ```no_run
    /// # async fn demo(bud: bud_sdk::Client, january: bud_sdk::Timestamp, february: bud_sdk::Timestamp) -> bud_sdk::Result<()> {
    /// let mut records = bud.audit().export(january..february).records();
    /// while let Some(record) = records.next().await {
    ///     let record = record?;
    ///     println!("{:?} {:?} {:?}", record.timestamp, record.action, record.resource_name);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn records(mut self) -> ExportStream<AuditRecord> {
        self.request.format = ExportFormat::Json;
        let begun = named(self.begin());
        let begun = async { Ok((begun.await?, Records::default(), VecDeque::new())) };
        ExportStream::new(begun, |(transfer, cutter, queue)| {
            Box::pin(named(next_record(transfer, cutter, queue)))
        })
    }

    /// The request, for tests that look at what it would send.
    #[cfg(test)]
    pub(crate) fn operation(&self) -> &ExportAudit {
        &self.request
    }

    pub(super) fn new(client: Client, range: TimeRange) -> Self {
        let request = ExportAudit { range, format: ExportFormat::Csv };
        Self { client, request, overwrite: false, limits: Limits::default(), told: None }
    }

    async fn begin(self) -> Result<Feed> {
        self.limits.check()?;
        self.request.check()?;
        if let Some(most_rows) = self.client.route::<ExportAudit>().await?.most_rows {
            let windows = Windows::new(self.client, self.request, self.limits, self.told, most_rows);
            return Ok(Feed::Windows(Box::new(windows)));
        }
        let (incoming, _) = self.client.open(&self.request, Options::default()).await?;
        let sent = incoming.headers.get(http::header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
        if self.request.format == ExportFormat::Json && sent.is_some_and(|kind| kind.contains("csv")) {
            return Err(not_json("text/csv"));
        }
        let inspect = self.request.format.inspect(self.client.secrets());
        Ok(Feed::Whole(Box::new(Transfer::new(incoming, self.limits, inspect, self.told)?)))
    }
}

/// Where the pieces of an export come from.
enum Feed {
    /// One answer has it all.
    Whole(Box<Transfer>),
    /// The server cuts what is too long, so it is asked for in parts.
    Windows(Box<Windows>),
}

impl Source for Feed {
    async fn next(&mut self) -> Result<Option<Bytes>> {
        match self {
            Self::Whole(transfer) => transfer.next().await,
            Self::Windows(windows) => windows.next().await,
        }
    }
}

async fn named<T>(work: impl Future<Output = Result<T>>) -> Result<T> {
    work.await.map_err(|error| error.for_operation(ExportAudit::ID))
}

async fn next_record(
    transfer: &mut Feed,
    cutter: &mut Records,
    queue: &mut VecDeque<Vec<u8>>,
) -> Result<Option<AuditRecord>> {
    while queue.is_empty() {
        let Some(chunk) = transfer.next().await? else {
            return Ok(None);
        };
        queue.extend(cutter.feed(&chunk)?);
    }
    queue.pop_front().map(|record| from_slice(&record)).transpose()
}

impl fmt::Debug for Export {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Export").field("request", &self.request).finish_non_exhaustive()
    }
}

/// An export as it arrives: a [`Stream`], and [`next`](Self::next) for use without one.
#[must_use = "an export is received as far as it is read"]
pub struct ExportStream<T>(Pin<Box<dyn Stream<Item = Result<T>> + Send>>);

impl<T: Send + 'static> ExportStream<T> {
    /// A stream over a state that is begun at the first look; it ends after an error.
    fn new<S: Send + 'static>(
        begun: impl Future<Output = Result<S>> + Send + 'static,
        next: impl for<'a> Fn(&'a mut S) -> BoxFuture<'a, Result<Option<T>>> + Send + Sync + 'static,
    ) -> Self {
        enum At<B, S> {
            Begin(B),
            Middle(S),
            End,
        }
        Self(Box::pin(
            unfold((At::Begin(Box::pin(begun)), next), |(at, next)| async move {
                let state = match at {
                    At::Begin(begun) => begun.await,
                    At::Middle(state) => Ok(state),
                    At::End => return None,
                };
                let step = async {
                    let mut state = state?;
                    Ok(next(&mut state).await?.map(|item| (item, state)))
                };
                match step.await {
                    Ok(Some((item, state))) => Some((Ok(item), (At::Middle(state), next))),
                    Ok(None) => None,
                    Err(error) => Some((Err(error), (At::End, next))),
                }
            })
            .fuse(),
        ))
    }

    /// The next piece, or `None` at the end. After an error there is nothing more.
    pub async fn next(&mut self) -> Option<Result<T>> {
        poll_fn(|cx| self.0.as_mut().poll_next(cx)).await
    }
}

impl<T> Stream for ExportStream<T> {
    type Item = Result<T>;
    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0.as_mut().poll_next(cx)
    }
}

/// A finished export.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Exported {
    /// Its size.
    pub bytes: u64,
    /// How many rows or records it has; a header is none.
    pub rows: u64,
    /// In how many parts it was asked for.
    pub windows: u32,
    /// Whether it is proven to be all that the server had to send.
    pub completeness: Completeness,
}

impl Exported {
    fn of(feed: &Feed) -> Self {
        let (Progress { bytes, rows, .. }, windows, completeness) = match feed {
            Feed::Whole(transfer) => (transfer.progress(), 1, transfer.completeness()),
            Feed::Windows(windows) => (windows.progress(), windows.count(), windows.completeness()),
        };
        Self { bytes, rows, windows, completeness }
    }
}
