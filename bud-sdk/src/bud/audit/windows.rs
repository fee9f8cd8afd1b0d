//! An export in parts, from a server that cuts what is too long and does not say so.

use std::time::Duration;

use bytes::Bytes;
use tokio::time::Instant;

use super::records::{LARGEST_PAGE, ListAuditRecords};
use super::request::{ExportAudit, ExportFormat};
use super::{AuditRecord, TimeRange};
use crate::bud::Client;
use crate::call::{Completeness, Limits, OnProgress, Pages, Progress, Transfer};
use crate::error::{Error, ErrorKind, Result};
use crate::http::Options;
use crate::types::Timestamp;

const MICROSECOND: Duration = Duration::from_micros(1);

/// The windows of a range, each with so few rows that the server gives them all. Its dates include both ends.
pub(super) struct Windows {
    client: Client,
    range: TimeRange,
    limits: Limits,
    told: Option<OnProgress>,
    most_rows: u64,
    started: Instant,
    progress: Progress,
    /// How many were received.
    count: u32,
    unmarked: bool,
    rows: Rows,
}

/// What is left to be asked for.
enum Rows {
    Csv {
        /// The first and last microsecond of each window, the newest one last.
        left: Vec<(Timestamp, Timestamp)>,
        now: Option<Box<Window>>,
        headed: bool,
    },
    Json {
        pages: Box<Pages<ListAuditRecords>>,
        /// What the first page said.
        total: Option<u64>,
        ended: bool,
    },
}

/// A window that is being received.
struct Window {
    transfer: Transfer,
    first: Timestamp,
    announced: u64,
    /// Its header has been passed or left out.
    begun: bool,
}

impl Windows {
    pub(super) fn new(
        client: Client,
        request: ExportAudit,
        limits: Limits,
        told: Option<OnProgress>,
        most_rows: u64,
    ) -> Self {
        // What is written from now on would move what is counted now.
        let now = Timestamp::now();
        let TimeRange { start, end } = request.range;
        let end = end.min(now).max(start.ceil_micros() + MICROSECOND);
        let range = TimeRange { start, end };
        let rows = match request.format {
            ExportFormat::Csv => {
                Rows::Csv { left: range.inclusive().into_iter().collect(), now: None, headed: false }
            }
            ExportFormat::Json => {
                let list = client.list(ListAuditRecords::within(range));
                Rows::Json {
                    pages: Box::new(list.page_size(LARGEST_PAGE).pages()),
                    total: None,
                    ended: false,
                }
            }
        };
        let progress = Progress { bytes: 0, total: None, rows: 0, elapsed: Duration::ZERO };
        let started = Instant::now();
        Self { client, range, limits, told, most_rows, started, progress, count: 0, unmarked: false, rows }
    }

    pub(super) async fn next(&mut self) -> Result<Option<Bytes>> {
        let piece = match &self.rows {
            Rows::Csv { .. } => self.next_csv().await?,
            Rows::Json { .. } => self.next_json().await?,
        };
        if let Some(piece) = &piece {
            self.progress.bytes += piece.len() as u64;
            self.progress.elapsed = self.started.elapsed();
            if let Some(told) = &mut self.told {
                told(self.progress);
            }
        }
        Ok(piece)
    }

    async fn next_csv(&mut self) -> Result<Option<Bytes>> {
        loop {
            let Rows::Csv { left, now, headed } = &mut self.rows else { return Ok(None) };
            if let Some(window) = now {
                if let Some(piece) = window.transfer.next().await? {
                    let piece = window.without_header(piece, headed);
                    if !piece.is_empty() {
                        return Ok(Some(piece));
                    }
                    continue;
                }
                let rows = window.transfer.progress().rows;
                window.check(rows, self.most_rows)?;
                self.unmarked |= window.transfer.completeness() == Completeness::Unknown;
                self.progress.rows += rows;
                self.count += 1;
                *now = None;
                continue;
            }
            let Some((first, last)) = left.pop() else { return Ok(None) };
            let announced = count(&self.client, first, last).await?;
            if announced > self.most_rows {
                left.extend(halves(first, last, announced, self.most_rows)?);
                continue;
            }
            // Without a row there is nothing to fetch, but for the header of an export without any.
            if announced == 0 && (*headed || !left.is_empty()) {
                self.count += 1;
                continue;
            }
            let request = ExportAudit { range: window_range(first, last), format: ExportFormat::Csv };
            let (incoming, _) = self.client.open(&request, Options::default()).await?;
            let inspect = ExportFormat::Csv.inspect(self.client.secrets());
            let transfer = Transfer::new(incoming, self.limits, inspect, None)?;
            *now = Some(Box::new(Window { transfer, first, announced, begun: false }));
        }
    }

    async fn next_json(&mut self) -> Result<Option<Bytes>> {
        let Rows::Json { pages, total, ended } = &mut self.rows else { return Ok(None) };
        if *ended {
            return Ok(None);
        }
        let begins = self.progress.bytes == 0;
        let mut text = if begins { vec![b'['] } else { Vec::new() };
        match pages.next().await.transpose()? {
            Some(page) => {
                self.count += 1;
                *total = total.or(page.total_record);
                for record in &page.items {
                    if self.progress.rows > 0 {
                        text.push(b',');
                    }
                    self.progress.rows += 1;
                    write_record(&mut text, record)?;
                }
            }
            None => {
                *ended = true;
                let (rows, total) = (self.progress.rows, total.unwrap_or_default());
                if rows != total {
                    return Err(changed(rows, total, self.range.start));
                }
                text.push(b']');
            }
        }
        // A page without a record says nothing.
        if text.is_empty() { Box::pin(self.next_json()).await } else { Ok(Some(text.into())) }
    }

    pub(super) fn progress(&self) -> Progress {
        self.progress
    }

    pub(super) fn count(&self) -> u32 {
        self.count
    }

    pub(super) fn completeness(&self) -> Completeness {
        if self.unmarked { Completeness::Unknown } else { Completeness::Proven }
    }
}

impl Window {
    /// Only the first window has a header in the export.
    fn without_header(&mut self, piece: Bytes, headed: &mut bool) -> Bytes {
        if self.begun || !*headed {
            (self.begun, *headed) = (true, true);
            return piece;
        }
        // The platform's header has no quoted cell, so that its first line end is its own.
        match memchr::memchr(b'\n', &piece) {
            Some(end) => {
                self.begun = true;
                piece.slice(end + 1..)
            }
            None => Bytes::new(),
        }
    }

    /// More rows than were announced are all of them as long as the server did not have to cut.
    fn check(&self, rows: u64, most_rows: u64) -> Result<()> {
        let whole = rows == self.announced || (rows > self.announced && rows < most_rows);
        if whole { Ok(()) } else { Err(changed(rows, self.announced, self.first)) }
    }
}

fn changed(rows: u64, announced: u64, from: Timestamp) -> Error {
    let message = format!("the server announced {announced} records from {from} on, and gave {rows}");
    Error::new(ErrorKind::Incomplete, message).with_hint("the log changed meanwhile: export it again")
}

fn write_record(text: &mut Vec<u8>, record: &AuditRecord) -> Result<()> {
    serde_json::to_writer(text, record)
        .map_err(|error| Error::new(ErrorKind::Download, format!("a record cannot be written: {error}")))
}

fn window_range(first: Timestamp, last: Timestamp) -> TimeRange {
    TimeRange { start: first, end: last + MICROSECOND }
}

async fn count(client: &Client, first: Timestamp, last: Timestamp) -> Result<u64> {
    let mut pages = client.list(ListAuditRecords::within(window_range(first, last))).page_size(1).pages();
    let page = pages.next().await.transpose()?;
    let total = page.and_then(|page| page.total_record);
    total.ok_or_else(|| {
        Error::decode(".total_record", "it is missing, and without it nothing proves the export whole")
    })
}

/// Two windows in the place of one, the newer one last.
pub(super) fn halves(
    first: Timestamp,
    last: Timestamp,
    rows: u64,
    most_rows: u64,
) -> Result<[(Timestamp, Timestamp); 2]> {
    let (from, to) = (first.as_micros(), last.as_micros());
    if from >= to {
        let message =
            format!("{rows} records are of one moment, {first}, and the server gives {most_rows} at most");
        return Err(Error::new(ErrorKind::Incomplete, message)
            .with_hint("narrow the range, or ask the platform's operators for a larger limit"));
    }
    let middle = from + (to - from) / 2;
    Ok([(first, Timestamp::from_micros(middle)), (Timestamp::from_micros(middle + 1), last)])
}
