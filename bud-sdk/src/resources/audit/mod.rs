//! The audit log: who did what, and when.

mod inspect;

use std::collections::VecDeque;
use std::fmt;
use std::future::poll_fn;
use std::ops::Range;
use std::path::Path;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use futures_core::Stream;
use futures_util::StreamExt;
use futures_util::stream::unfold;
use tokio::io::AsyncWrite;

use super::LATER;
use crate::api::{Describe, Flavor, Parts, Route, Routes, from_slice};
use crate::client::{
    Client, Completeness, FileTarget, Inspect, Limits, OnProgress, Progress, Transfer, write_into,
};
use crate::error::{Error, Result};
use crate::pipeline::{BoxFuture, Options};
use crate::types::{AuditId, Secret, Timestamp, UserId, model};
use inspect::{Csv, Json, Records};

impl Client {
    /// The audit log: guide section 9.1.
    pub fn audit(&self) -> Audit {
        Audit(self.clone())
    }
}

/// The audit log of the platform.
#[derive(Debug, Clone)]
pub struct Audit(Client);

impl Audit {
    /// Exports the records of a time range, its end not included. Guide section 9.1: `GET /audit/export`.
    ///
    /// ```no_run
    /// # async fn demo(bud: bud_sdk::Client) -> bud_sdk::Result<()> {
    /// use bud_sdk::Timestamp;
    /// let january: Timestamp = "2026-01-01T00:00:00Z".parse()?;
    /// let february: Timestamp = "2026-02-01T00:00:00Z".parse()?;
    /// let done = bud.audit().export(january..february).write_to("audit_export.csv").await?;
    /// println!("{} rows in {} bytes", done.rows, done.bytes);
    /// # Ok(())
    /// # }
    /// ```
    pub fn export(&self, range: impl Into<TimeRange>) -> Export {
        Export {
            client: self.0.clone(),
            request: ExportAudit { range: range.into(), format: ExportFormat::Csv },
            overwrite: false,
            limits: Limits::default(),
            told: None,
        }
    }
}

/// A time range; its end is not included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TimeRange {
    start: Timestamp,
    end: Timestamp,
}

impl From<Range<Timestamp>> for TimeRange {
    fn from(range: Range<Timestamp>) -> Self {
        Self { start: range.start, end: range.end }
    }
}

/// What an export is written as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ExportFormat {
    /// Rows with a header. Cells are the server's, byte for byte: some begin with `=` or `@`, which a spreadsheet would
    /// run as a formula.
    Csv,
    /// Records as the API gives them.
    Json,
}

impl ExportFormat {
    fn as_str(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Json => "json",
        }
    }

    fn inspect(self, secrets: Vec<Secret>) -> Box<dyn Inspect> {
        match self {
            Self::Csv => Box::new(Csv::new(secrets)),
            Self::Json => Box::new(Json::new(secrets)),
        }
    }
}

/// An export, not asked for yet.
///
/// It is received in constant memory, and ends in an error unless it is whole: the protocol must mark its end, and its last
/// row must look like a row. The whole may take as long as it takes; only silence and a trickle end it.
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

    async fn begin(self) -> Result<Transfer> {
        self.limits.check()?;
        let (incoming, _) = self.client.open(&self.request, Options::default()).await?;
        let inspect = self.request.format.inspect(self.client.secrets());
        Transfer::new(incoming, self.limits, inspect, self.told)
    }
}

async fn named<T>(work: impl Future<Output = Result<T>>) -> Result<T> {
    work.await.map_err(|error| error.with_operation(ExportAudit::ID))
}

async fn next_record(
    transfer: &mut Transfer,
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
    /// Whether it is proven to be all that the server had to send.
    pub completeness: Completeness,
}

impl Exported {
    fn of(transfer: &Transfer) -> Self {
        let progress = transfer.progress();
        Self { bytes: progress.bytes, rows: progress.rows, completeness: transfer.completeness() }
    }
}

model! {
    /// Something that somebody did.
    AuditRecord {
        /// The id.
        pub id: AuditId,
        /// Who did it.
        pub user_id: Option<UserId>,
        /// His e-mail address; empty for a failed login with an unknown address, which `resource_name` may then have.
        pub user_email: Option<String>,
        /// His name.
        pub user_name: Option<String>,
        /// Who did it in his name.
        pub actioned_by: Option<UserId>,
        /// That person's e-mail address.
        pub actioned_by_email: Option<String>,
        /// That person's name.
        pub actioned_by_name: Option<String>,
        /// What was done: `create`, `login_failed`...
        pub action: Option<String>,
        /// What kind of thing it was done to.
        pub resource_type: Option<String>,
        /// The id of that thing.
        pub resource_id: Option<String>,
        /// Its name.
        pub resource_name: Option<String>,
        /// When it was done.
        pub timestamp: Option<Timestamp>,
        /// More about it.
        pub details: Option<serde_json::Value>,
        /// From which address it was done.
        pub ip_address: Option<String>,
        /// The thing before.
        pub previous_state: Option<serde_json::Value>,
        /// The thing after.
        pub new_state: Option<serde_json::Value>,
        /// What proves that the record was not changed.
        pub record_hash: Option<String>,
        /// When the record was written.
        pub created_at: Option<Timestamp>,
    }
}

/// `audit.export`
#[derive(Debug, Clone)]
pub struct ExportAudit {
    range: TimeRange,
    format: ExportFormat,
}

impl Describe for ExportAudit {
    const ID: &'static str = "audit.export";
    const SECTIONS: &'static [&'static str] = &["9.1"];
    const ROUTES: Routes = Routes::guide_only(Route::get("/audit/export"), LATER);
    fn encode(&self, _: Flavor) -> Result<Parts> {
        // The server includes its end, this range does not; its clock counts microseconds.
        let TimeRange { start, end } = self.range;
        let (start, last) = (start.ceil_micros(), end.ceil_micros() - Duration::from_micros(1));
        if last < start {
            return Err(Error::invalid("range", "it is empty, or ends before it begins"));
        }
        Ok(Parts::new()
            .query("start_date", start)
            .query("end_date", last)
            .query("format", self.format.as_str()))
    }
}
