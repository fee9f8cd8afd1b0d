//! Looking for changed records: in the newest ones with one request, or in all of them window by window.

use std::time::Duration;

use super::windows::halves;
use super::{Audit, AuditRecord, TimeRange};
use crate::bud::Flavor;
use crate::call::Call;
use crate::error::{Error, ErrorKind, Result};
use crate::operation::{Describe, Operation, Parts, Raw, Reply, Route, Routes};
use crate::schema::model;
use crate::types::{AuditId, Extra, Timestamp, UserId};

const NONE: &str = "that API proves nothing about its records";
/// What one request looks at, unless it says otherwise.
const USUAL: u64 = 100;
/// And at most.
const LARGEST: u64 = 1000;
const FIND: Route = Route::get("/audit/find-tampered");
const COUNT: Route = Route::get("/audit/records");

impl Audit {
    /// Looks through the newest records for some that were changed: 100, or as many as [`limit`](Call::limit) says, or
    /// [`all`](Call::all). [`records_checked`](TamperCheck::records_checked) says how many were looked at.
    /// `GET /audit/find-tampered`, runtime only.
    ///
    /// Awaiting it returns a [`TamperCheck`](crate::audit::TamperCheck).
    ///
    /// # Errors
    /// `InvalidArgument` for more than 1000. With `all`, `Incomplete` for more than 1000 records of one microsecond.
    ///
    /// ```no_run
    /// # async fn demo(bud: bud_sdk::Client) -> bud_sdk::Result<()> {
    /// use std::time::Duration;
    /// let found = bud.audit().find_tampered().all().timeout(Duration::from_secs(600)).await?;
    /// println!("{:?} of {:?} records were changed", found.tampered_count, found.records_checked);
    /// # Ok(())
    /// # }
    /// ```
    pub fn find_tampered(&self) -> Call<FindTampered> {
        self.0.call(FindTampered { limit: None, range: None, all: false })
    }
}

impl Call<FindTampered> {
    /// How many of the newest records to look at, from 1 to 1000. Default: 100.
    pub fn limit(mut self, records: u32) -> Self {
        self.operation_mut().limit = Some(records);
        self
    }
    /// Only what happened within a range, its end not included.
    pub fn within(mut self, range: impl Into<TimeRange>) -> Self {
        self.operation_mut().range = Some(range.into());
        self
    }
    /// Looks at every record, or at every record of the range: windows of at most 1000 records, with two requests for each.
    /// All of it counts towards the call's [`timeout`](Call::timeout), so give a long log more time.
    pub fn all(mut self) -> Self {
        self.operation_mut().all = true;
        self
    }
}

model! {
    /// What was found among the records that were looked at.
    TamperCheck {
        /// How many records were changed, of those that were looked at.
        pub tampered_count: Option<u64>,
        /// How many records were looked at: the newest ones at most, or with `all` exactly so many. The server states its
        /// limit, so that of a shorter log fewer were looked at.
        pub records_checked: Option<u64>,
        /// Those records that were changed.
        pub tampered_records: Vec<TamperedRecord>,
        /// The server's message.
        pub message: Option<String>,
        /// When it looked.
        pub checked_at: Option<Timestamp>,
        /// That there was an answer; it says nothing of the records.
        pub success: Option<bool>,
    }
}

model! {
    /// A record that is not as it was written.
    TamperedRecord {
        /// The record.
        pub id: Option<AuditId>,
        /// When it was done, as the record says.
        pub timestamp: Option<Timestamp>,
        /// What was done.
        pub action: Option<String>,
        /// What kind of thing it was done to.
        pub resource_type: Option<String>,
        /// The id of that thing.
        pub resource_id: Option<String>,
        /// Who did it.
        pub user_id: Option<UserId>,
        /// What is wrong with it, in the server's words.
        pub verification_message: Option<String>,
    }
}

/// `audit.find_tampered`
#[derive(Debug, Clone)]
pub struct FindTampered {
    limit: Option<u32>,
    range: Option<TimeRange>,
    all: bool,
}

impl Describe for FindTampered {
    type Flavor = Flavor;
    const ID: &'static str = "audit.find_tampered";
    const SECTIONS: &'static [&'static str] = &["9.1"];
    const ROUTES: Routes<Flavor> = Routes::runtime_only(FIND, NONE);
    fn encode(&self, _: Flavor) -> Result<Parts> {
        if self.limit.is_some_and(|limit| !(1..=1000).contains(&limit)) {
            return Err(Error::invalid("limit", "it must be from 1 to 1000"));
        }
        if self.all && self.limit.is_some() {
            return Err(Error::invalid("limit", "all records have no limit: give one of both"));
        }
        let limit = if self.all { Some(LARGEST as u32) } else { self.limit };
        let parts = Parts::new().query_opt("limit", limit);
        match self.range {
            Some(range) => range.query(parts),
            None => Ok(parts),
        }
    }
}

impl Operation for FindTampered {
    type Output = TamperCheck;
    fn decode(&self, _: Flavor, raw: Raw) -> Result<Reply<TamperCheck>> {
        let mut found = read(&raw)?;
        if !self.all {
            let limit = self.limit.map_or(USUAL, u64::from);
            found.records_checked = found.message.as_deref().and_then(stated).or(Some(limit));
            return Ok(Reply::Done(found));
        }
        // What is written from now on belongs to a later search.
        let now = Timestamp::now();
        let begin = Timestamp::from_micros(0);
        let range = self.range.unwrap_or(TimeRange { start: begin, end: now });
        let range = TimeRange { start: range.start, end: range.end.min(now.max(range.start + MICROSECOND)) };
        Walk { left: vec![range.inclusive()?], newest: Some(found), ..Walk::default() }.next()
    }
}

const MICROSECOND: Duration = Duration::from_micros(1);

fn read(raw: &Raw) -> Result<TamperCheck> {
    let found: TamperCheck = raw.whole()?;
    raw.expect(found.tampered_count.is_some(), "tampered_count")?;
    Ok(found)
}

/// The number in "Checked 100 records for tampering": the limit, which the server states nowhere else.
fn stated(message: &str) -> Option<u64> {
    let mut words = message.split_whitespace();
    words.find(|word| word.eq_ignore_ascii_case("checked"))?;
    let number = words.next()?.replace(',', "").parse().ok()?;
    words.next().is_some_and(|word| word.to_ascii_lowercase().starts_with("record")).then_some(number)
}

/// A search of all records under way. Each window is counted, then halved or looked at.
#[derive(Default)]
struct Walk {
    /// The first and last microsecond of each window, the newest one last.
    left: Vec<(Timestamp, Timestamp)>,
    /// The answer about the newest records, which is about all of a short log.
    newest: Option<TamperCheck>,
    found: Vec<TamperedRecord>,
    changed: u64,
    checked: u64,
    checked_at: Option<Timestamp>,
}

impl Walk {
    fn next(mut self) -> Result<Reply<TamperCheck>> {
        let Some((first, last)) = self.left.pop() else { return Ok(Reply::Done(self.done())) };
        let range = TimeRange { start: first, end: last + MICROSECOND };
        let count = range.query(Parts::new().query("page", 1).query("limit", 1))?;
        Ok(Reply::then(COUNT, count, move |raw| {
            let rows = raw.page::<AuditRecord>("data")?.total_record;
            let rows = rows.ok_or_else(|| Error::decode(".total_record", "it is missing"))?;
            let newest = self.newest.take();
            match newest.filter(|_| rows <= LARGEST) {
                Some(newest) => {
                    self.take(newest, rows);
                    self.next()
                }
                None if rows == 0 => self.next(),
                None if rows <= LARGEST => self.look(range, rows),
                None => {
                    self.left.extend(halves(first, last, rows, LARGEST).map_err(too_many)?);
                    self.next()
                }
            }
        }))
    }

    fn look(mut self, range: TimeRange, rows: u64) -> Result<Reply<TamperCheck>> {
        let parts = range.query(Parts::new().query("limit", LARGEST))?;
        Ok(Reply::then(FIND, parts, move |raw| {
            self.take(read(&raw)?, rows);
            self.next()
        }))
    }

    fn take(&mut self, found: TamperCheck, rows: u64) {
        self.changed += found.tampered_count.unwrap_or_default();
        self.found.extend(found.tampered_records);
        self.checked += rows;
        self.checked_at = found.checked_at.or(self.checked_at);
    }

    fn done(self) -> TamperCheck {
        TamperCheck {
            tampered_count: Some(self.changed),
            records_checked: Some(self.checked),
            tampered_records: self.found,
            message: Some(format!("Checked {} records for tampering", self.checked)),
            checked_at: self.checked_at,
            success: Some(true),
            extra: Extra::default(),
        }
    }
}

fn too_many(error: Error) -> Error {
    match error.kind() {
        ErrorKind::Incomplete => error.with_hint("verify those records with audit.verify_many"),
        _ => error,
    }
}

#[cfg(test)]
mod tests {
    use super::stated;

    #[test]
    fn the_number_of_records_is_read_from_the_servers_message_alone() {
        assert_eq!(stated("Checked 100 records for tampering"), Some(100));
        assert_eq!(stated("Checked 1 record"), Some(1));
        assert_eq!(stated("checked 10,050 records"), Some(10_050));
        let odd =
            ["", "Checked", "Checked all records", "Checked 5 windows", "100 records", "Checked -1 records"];
        for odd in odd {
            assert_eq!(stated(odd), None, "{odd}");
        }
    }
}
