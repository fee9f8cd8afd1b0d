//! Whether records are still as they were written.

use serde_json::json;

use super::{Audit, TimeRange};
use crate::api::{Describe, Flavor, Operation, Parts, Raw, Reply, Route, Routes};
use crate::client::Call;
use crate::error::{Error, ErrorKind, Result};
use crate::types::{AuditId, Timestamp, UserId, check_segment, model};

const NONE: &str = "that API proves nothing about its records";

impl Audit {
    /// Whether a record is still as it was written. `GET /audit/records/{id}/verify`, runtime only.
    ///
    /// # Errors
    /// `NotFound`: of a record that there is not, the server says with success that it is not valid.
    pub fn verify(&self, id: impl Into<AuditId>) -> Call<VerifyRecord> {
        self.0.call(VerifyRecord(id.into()))
    }

    /// The same for many records at once. `POST /audit/verify-batch`, runtime only. One that there is not is among the
    /// results, as not valid and with a message that says so.
    ///
    /// # Errors
    /// `InvalidArgument` for none.
    pub fn verify_many<I: Into<AuditId>>(&self, ids: impl IntoIterator<Item = I>) -> Call<VerifyRecords> {
        self.0.call(VerifyRecords(ids.into_iter().map(Into::into).collect()))
    }

    /// Looks through the newest records for some that were changed: 100, or as many as [`limit`](Call::limit) says. Older
    /// records are not looked at: [`records_checked`](TamperCheck::records_checked) says how many were.
    /// `GET /audit/find-tampered`, runtime only.
    ///
    /// # Errors
    /// `InvalidArgument` for more than 1000.
    pub fn find_tampered(&self) -> Call<FindTampered> {
        self.0.call(FindTampered { limit: None, range: None })
    }
}

impl Call<FindTampered> {
    /// How many records to look at, from 1 to 1000.
    pub fn limit(mut self, records: u32) -> Self {
        self.operation_mut().limit = Some(records);
        self
    }
    /// Only what happened within a range, its end not included.
    pub fn within(mut self, range: impl Into<TimeRange>) -> Self {
        self.operation_mut().range = Some(range.into());
        self
    }
}

model! {
    /// Whether a record is still as it was written.
    Verification {
        /// The record.
        pub audit_id: Option<AuditId>,
        /// Whether it is.
        pub is_valid: Option<bool>,
        /// What the server says of it.
        pub message: Option<String>,
        /// When it was looked at.
        pub verified_at: Option<Timestamp>,
        /// That there was an answer; it says nothing of the record.
        pub success: Option<bool>,
    }
}

model! {
    /// Whether records are still as they were written.
    Verifications {
        /// In numbers.
        pub summary: Option<VerificationCounts>,
        /// One by one.
        pub results: Vec<Verification>,
        /// When they were looked at.
        pub verified_at: Option<Timestamp>,
        /// That there was an answer; it says nothing of the records.
        pub success: Option<bool>,
    }
}

model! {
    /// Records in numbers.
    VerificationCounts {
        /// Looked at.
        pub total_checked: Option<u64>,
        /// As they were written.
        pub valid_count: Option<u64>,
        /// Changed, or not there.
        pub invalid_count: Option<u64>,
    }
}

model! {
    /// What was found among the records that were looked at.
    TamperCheck {
        /// How many records were changed, of those that were looked at.
        pub tampered_count: Option<u64>,
        /// How many records the server looked at, as its message says; older ones were not looked at.
        pub records_checked: Option<u64>,
        /// Those records.
        pub tampered_records: Vec<TamperedRecord>,
        /// What the server says of it.
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

/// `audit.verify`
#[derive(Debug, Clone)]
pub struct VerifyRecord(AuditId);

impl Describe for VerifyRecord {
    const ID: &'static str = "audit.verify";
    const SECTIONS: &'static [&'static str] = &["9.1"];
    const ROUTES: Routes = Routes::runtime_only(Route::get("/audit/records/{id}/verify"), NONE);
    fn encode(&self, _: Flavor) -> Result<Parts> {
        Parts::new().segment("id", self.0.as_str())
    }
}

impl Operation for VerifyRecord {
    type Output = Verification;
    fn decode(&self, _: Flavor, raw: Raw) -> Result<Reply<Verification>> {
        let found: Verification = raw.whole()?;
        let message = found.message.as_deref().unwrap_or_default();
        if found.is_valid != Some(true) && message.contains("not found") {
            return Err(Error::new(ErrorKind::NotFound, message.to_owned()).with_status(raw.status));
        }
        raw.expect(found.is_valid.is_some(), "is_valid")?;
        Ok(Reply::Done(found))
    }
}

/// `audit.verify_many`
#[derive(Debug, Clone)]
pub struct VerifyRecords(Vec<AuditId>);

impl Describe for VerifyRecords {
    const ID: &'static str = "audit.verify_many";
    const SECTIONS: &'static [&'static str] = &["9.1"];
    const ROUTES: Routes = Routes::runtime_only(Route::post("/audit/verify-batch").reading(), NONE);
    fn encode(&self, _: Flavor) -> Result<Parts> {
        if self.0.is_empty() {
            return Err(Error::invalid("ids", "there is none"));
        }
        self.0.iter().try_for_each(|id| check_segment("id", id.as_str()))?;
        Parts::new().json(&json!(self.0))
    }
}

impl Operation for VerifyRecords {
    type Output = Verifications;
    fn decode(&self, _: Flavor, raw: Raw) -> Result<Reply<Verifications>> {
        let found: Verifications = raw.whole()?;
        raw.expect(found.summary.is_some() || !found.results.is_empty(), "summary")?;
        Ok(Reply::Done(found))
    }
}

/// `audit.find_tampered`
#[derive(Debug, Clone)]
pub struct FindTampered {
    limit: Option<u32>,
    range: Option<TimeRange>,
}

impl Describe for FindTampered {
    const ID: &'static str = "audit.find_tampered";
    const SECTIONS: &'static [&'static str] = &["9.1"];
    const ROUTES: Routes = Routes::runtime_only(Route::get("/audit/find-tampered"), NONE);
    fn encode(&self, _: Flavor) -> Result<Parts> {
        if self.limit.is_some_and(|limit| !(1..=1000).contains(&limit)) {
            return Err(Error::invalid("limit", "it must be from 1 to 1000"));
        }
        let parts = Parts::new().query_opt("limit", self.limit);
        match self.range {
            Some(range) => range.query(parts),
            None => Ok(parts),
        }
    }
}

impl Operation for FindTampered {
    type Output = TamperCheck;
    fn decode(&self, _: Flavor, raw: Raw) -> Result<Reply<TamperCheck>> {
        let mut found: TamperCheck = raw.whole()?;
        raw.expect(found.tampered_count.is_some(), "tampered_count")?;
        let stated = || found.message.as_deref().and_then(records_checked);
        found.records_checked = found.records_checked.or_else(stated);
        Ok(Reply::Done(found))
    }
}

/// The number in "Checked 100 records for tampering": the server states it nowhere else.
fn records_checked(message: &str) -> Option<u64> {
    let mut words = message.split_whitespace();
    words.find(|word| word.eq_ignore_ascii_case("checked"))?;
    let number = words.next()?.replace(',', "").parse().ok()?;
    words.next().is_some_and(|word| word.to_ascii_lowercase().starts_with("record")).then_some(number)
}

#[cfg(test)]
mod tests {
    use super::records_checked;

    #[test]
    fn the_number_of_records_is_read_from_the_servers_message_alone() {
        assert_eq!(records_checked("Checked 100 records for tampering"), Some(100));
        assert_eq!(records_checked("Checked 1 record"), Some(1));
        assert_eq!(records_checked("checked 10,050 records"), Some(10_050));
        for odd in
            ["", "Checked", "Checked all records", "Checked 5 windows", "100 records", "Checked -1 records"]
        {
            assert_eq!(records_checked(odd), None, "{odd}");
        }
    }
}
