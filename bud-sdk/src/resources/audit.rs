//! The audit log: who did what, and when.

use std::fmt;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::LATER;
use crate::api::{Describe, Flavor, Parts, Route, Routes, ServerMessage};
use crate::client::{Client, Progress, Target, save};
use crate::error::{Error, ErrorKind, Result};
use crate::pipeline::Options;
use crate::types::Timestamp;

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
    /// println!("{} bytes in {}", done.bytes, done.path.display());
    /// # Ok(())
    /// # }
    /// ```
    pub fn export(&self, range: impl Into<TimeRange>) -> Export {
        Export {
            client: self.0.clone(),
            request: ExportAudit { range: range.into(), format: ExportFormat::Csv },
            overwrite: false,
            idle: Duration::from_secs(60),
            progress: None,
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

    /// Whether the first bytes can be what was asked for: an error page that came with a 200 must not become a file.
    fn check(self, head: &[u8]) -> Result<()> {
        let first = head.iter().copied().find(|b| !b.is_ascii_whitespace());
        let text = String::from_utf8_lossy(head);
        let error_body = ["{\"detail\"", "{\"error\"", "{\"object\":\"error\"", "{\"message\""]
            .iter()
            .any(|start| text.split_whitespace().collect::<String>().starts_with(start));
        let plausible = match self {
            Self::Csv => !matches!(first, None | Some(b'{' | b'[' | b'<')),
            Self::Json => matches!(first, Some(b'{' | b'[')) && !error_body,
        };
        if plausible {
            return Ok(());
        }
        let said = ServerMessage::read(head, None, str::to_owned).message;
        let message = format!("the answer is not {}: {said}", self.as_str().to_ascii_uppercase());
        Err(Error::new(ErrorKind::Download, message))
    }
}

/// An export, not asked for yet.
#[must_use = "an export does nothing until it is written somewhere"]
pub struct Export {
    client: Client,
    request: ExportAudit,
    overwrite: bool,
    idle: Duration,
    progress: Option<Box<dyn FnMut(Progress) + Send>>,
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
        self.idle = time;
        self
    }

    /// Is told after each piece how far it is.
    pub fn on_progress(mut self, told: impl FnMut(Progress) + Send + 'static) -> Self {
        self.progress = Some(Box::new(told));
        self
    }

    /// The request, for tests that look at what it would send.
    #[cfg(test)]
    pub(crate) fn operation(&self) -> &ExportAudit {
        &self.request
    }

    /// Writes it to a file, which appears under its name only when it is whole and on disk. Until then there is a file
    /// beside it, readable for its owner alone and removed on failure.
    ///
    /// # Errors
    /// `InvalidArgument` for a range that ends before it begins, or a target that is there already; `Download` when the
    /// export broke off, is not what was asked for, cannot be proven whole, or cannot be written.
    pub async fn write_to(mut self, path: impl AsRef<Path>) -> Result<Exported> {
        let path = path.as_ref();
        let format = self.request.format;
        let check = move |head: &[u8]| format.check(head);
        let target = Target {
            path,
            overwrite: self.overwrite,
            idle: self.idle,
            check: &check,
            progress: self
                .progress
                .as_mut()
                .map(|progress| &mut **progress as &mut (dyn FnMut(Progress) + Send)),
        };
        let result = async {
            if self.idle.is_zero() {
                return Err(Error::invalid("idle_timeout", "it must be more than zero"));
            }
            target.refuse_existing()?;
            let (incoming, _) = self.client.open(&self.request, Options::default()).await?;
            save(incoming, target).await
        };
        let bytes = result.await.map_err(|error| error.with_operation(ExportAudit::ID))?;
        Ok(Exported { path: path.to_owned(), bytes })
    }
}

impl fmt::Debug for Export {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Export").field("request", &self.request).finish_non_exhaustive()
    }
}

/// A finished export.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Exported {
    /// The file.
    pub path: PathBuf,
    /// Its size.
    pub bytes: u64,
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
        let TimeRange { start, end } = self.range;
        if start >= end {
            return Err(Error::invalid("range", "it ends before it begins"));
        }
        // The server includes its end, this range does not; its clock counts microseconds.
        let last = end - Duration::from_micros(1);
        Ok(Parts::new()
            .query("start_date", start)
            .query("end_date", last)
            .query("format", self.format.as_str()))
    }
}
