//! Whether records are still as they were written.

use serde_json::json;

use super::Audit;
use crate::bud::Flavor;
use crate::call::Call;
use crate::error::{Error, ErrorKind, Result};
use crate::operation::{Describe, Operation, Parts, Raw, Reply, Route, Routes};
use crate::schema::model;
use crate::types::{AuditId, Timestamp, check_segment};

const NONE: &str = "that API proves nothing about its records";

impl Audit {
    /// Whether a record is still as it was written. `GET /audit/records/{id}/verify`, runtime only.
    ///
    /// Awaiting it returns a [`Verification`](crate::audit::Verification).
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

/// `audit.verify`
#[derive(Debug, Clone)]
pub struct VerifyRecord(AuditId);

impl Describe for VerifyRecord {
    type Flavor = Flavor;
    const ID: &'static str = "audit.verify";
    const SECTIONS: &'static [&'static str] = &["9.1"];
    const ROUTES: Routes<Flavor> = Routes::runtime_only(Route::get("/audit/records/{id}/verify"), NONE);
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
    type Flavor = Flavor;
    const ID: &'static str = "audit.verify_many";
    const SECTIONS: &'static [&'static str] = &["9.1"];
    const ROUTES: Routes<Flavor> = Routes::runtime_only(Route::post("/audit/verify-batch").reading(), NONE);
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
