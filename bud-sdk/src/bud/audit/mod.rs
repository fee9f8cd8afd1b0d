//! The audit log: who did what, and when.

mod export;
mod inspect;
mod records;
mod request;
mod tampered;
mod verify;
mod windows;

use std::ops::Range;
use std::time::Duration;

use crate::bud::Client;
use crate::error::{Error, Result};
use crate::operation::Parts;
use crate::schema::model;
use crate::types::{AuditId, Timestamp, UserId};

pub use export::{Export, ExportStream, Exported};
pub use records::ListAuditRecords;
pub use records::{ActionCount, AuditSummary, DateRange, UserCount};
pub use records::{GetAuditRecord, SummarizeAudit};
pub use request::{ExportAudit, ExportFormat};
pub use tampered::FindTampered;
pub use tampered::{TamperCheck, TamperedRecord};
pub use verify::{Verification, VerificationCounts, Verifications};
pub use verify::{VerifyRecord, VerifyRecords};

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
    /// Exports the records of a time range, its end not included. Guide section 9.1: `GET /audit/export` (guide), windows
    /// over `GET /audit/records` (runtime): the same rows, complete, the newest first. What happens after the call began is
    /// not in it. There, who is no administrator gets his own records and no others. The cells of the platform as shipped for details and states are as Python prints them, not JSON; the
    /// [`records`](Export::records) have them typed.
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
        Export::new(self.0.clone(), range.into())
    }
}

/// A time range; its end is not included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TimeRange {
    start: Timestamp,
    end: Timestamp,
}

impl TimeRange {
    /// Its first and last microsecond: servers include both ends, and their clocks count no finer.
    pub(super) fn inclusive(self) -> Result<(Timestamp, Timestamp)> {
        let (start, last) = (self.start.ceil_micros(), self.end.ceil_micros() - Duration::from_micros(1));
        if last < start {
            return Err(Error::invalid("range", "it is empty, or ends before it begins"));
        }
        Ok((start, last))
    }

    fn query(self, parts: Parts) -> Result<Parts> {
        let (start, last) = self.inclusive()?;
        Ok(parts.query("start_date", start).query("end_date", last))
    }
}

impl From<Range<Timestamp>> for TimeRange {
    fn from(range: Range<Timestamp>) -> Self {
        Self { start: range.start, end: range.end }
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
