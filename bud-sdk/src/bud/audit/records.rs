//! The log record by record, and in numbers.

use std::time::Duration;

use super::{Audit, AuditRecord, TimeRange};
use crate::bud::Flavor;
use crate::call::{Call, List};
use crate::error::{Error, Result};
use crate::operation::{
    Describe, Filter, FilterProof, Operation, Page, Paged, Parts, Raw, Reply, Route, Routes,
};
use crate::schema::model;
use crate::types::{AuditId, Timestamp, UserId, check_segment};

/// The server gives no larger page.
pub(super) const LARGEST_PAGE: u32 = 100;
/// What the platform as shipped does not say.
pub(super) const OWN_ONLY: &str = "who is no administrator gets his own records only";
const EXPORT: &str = "use audit.export(range).records()";

impl Audit {
    /// Lists records, the newest first, by hundreds at most; who is no administrator gets his own. `GET /audit/records`, runtime only: on the guide's API
    /// [`export`](Self::export)`(range).records()` gives them.
    ///
    /// Yields [`AuditRecord`](crate::audit::AuditRecord) items.
    ///
    /// ```no_run
    /// # async fn demo(bud: bud_sdk::Client) -> bud_sdk::Result<()> {
    /// let mut failures = bud.audit().records().action("login_failed").items();
    /// while let Some(record) = failures.next().await {
    ///     println!("{:?}", record?.ip_address);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn records(&self) -> List<ListAuditRecords> {
        self.0.list(ListAuditRecords::default())
    }

    /// Reads one record. `GET /audit/records/{id}`, runtime only.
    ///
    /// Awaiting it returns an [`AuditRecord`](crate::audit::AuditRecord).
    ///
    /// # Errors
    /// `NotFound`.
    pub fn get(&self, id: impl Into<AuditId>) -> Call<GetAuditRecord> {
        self.0.call(GetAuditRecord(id.into()))
    }

    /// The log in numbers; for who is no administrator, of his own records. `GET /audit/summary`, runtime only.
    ///
    /// Awaiting it returns an [`AuditSummary`](crate::audit::AuditSummary).
    ///
    /// # Errors
    /// Those of a request.
    pub fn summary(&self) -> Call<SummarizeAudit> {
        self.0.call(SummarizeAudit(None))
    }
}

impl Call<SummarizeAudit> {
    /// Only what happened within a range, its end not included.
    pub fn within(mut self, range: impl Into<TimeRange>) -> Self {
        self.operation_mut().0 = Some(range.into());
        self
    }
}

/// A filter that the rows show.
const fn on_runtime(name: &'static str) -> Filter<Flavor> {
    Filter::new(name, FilterProof::Refused, FilterProof::Rows)
}

/// `audit.records`
#[derive(Debug, Clone, Default)]
pub struct ListAuditRecords {
    page: u32,
    limit: u32,
    range: Option<TimeRange>,
    filters: Vec<(&'static str, String)>,
}

impl ListAuditRecords {
    pub(super) fn within(range: TimeRange) -> Self {
        Self { range: Some(range), ..Self::default() }
    }
}

impl List<ListAuditRecords> {
    fn filter(mut self, name: &'static str, value: String) -> Self {
        self.operation_mut().filters.push((name, value));
        self
    }
    /// Only what happened within a range, its end not included.
    pub fn within(mut self, range: impl Into<TimeRange>) -> Self {
        self.operation_mut().range = Some(range.into());
        self
    }
    /// Only this action: `login`, `login_failed`, `create`, `update`, `delete`... Others than these are hardly ever written.
    pub fn action(self, action: impl Into<String>) -> Self {
        self.filter("action", action.into())
    }
    /// Only things of this kind: `session`, `project`, `api_key`...
    pub fn resource_type(self, kind: impl Into<String>) -> Self {
        self.filter("resource_type", kind.into())
    }
    /// Only the thing with this id.
    pub fn resource_id(self, id: impl Into<String>) -> Self {
        self.filter("resource_id", id.into())
    }
    /// Only things whose name contains this text.
    pub fn resource_name(self, name: impl Into<String>) -> Self {
        self.filter("resource_name", name.into())
    }
    /// Only what this user did.
    pub fn user(self, user: impl Into<UserId>) -> Self {
        let user: UserId = user.into();
        self.filter("user_id", user.as_str().to_owned())
    }
    /// Only what this user did in another's name.
    pub fn actioned_by(self, user: impl Into<UserId>) -> Self {
        let user: UserId = user.into();
        self.filter("actioned_by", user.as_str().to_owned())
    }
    /// Only what was done from exactly this address, as the client's own header says.
    pub fn ip_address(self, address: impl Into<String>) -> Self {
        self.filter("ip_address", address.into())
    }
    /// Only records with this text in the name of the thing or in the address that it was done from.
    pub fn search(self, text: impl Into<String>) -> Self {
        self.filter("search", text.into())
    }
}

impl Describe for ListAuditRecords {
    type Flavor = Flavor;
    const ID: &'static str = "audit.records";
    const SECTIONS: &'static [&'static str] = &["9.1"];
    const ROUTES: Routes<Flavor> =
        Routes::runtime_only(Route::get("/audit/records").limitation(OWN_ONLY), EXPORT);
    fn encode(&self, _: Flavor) -> Result<Parts> {
        if self.limit > LARGEST_PAGE {
            return Err(Error::invalid("page_size", "the audit log has pages of at most 100"));
        }
        // It has an order of its own.
        let mut parts = Parts::new().query("page", self.page.max(1)).query("limit", self.limit.max(1));
        if let Some(range) = self.range {
            parts = range.query(parts)?;
        }
        for (name, value) in &self.filters {
            if name.ends_with("_id") || *name == "actioned_by" {
                check_segment(name, value)?;
            }
            parts = parts.query(name, value);
        }
        Ok(parts)
    }
}

impl Operation for ListAuditRecords {
    type Output = Page<AuditRecord>;
    fn decode(&self, _: Flavor, raw: Raw) -> Result<Reply<Page<AuditRecord>>> {
        let page = raw.page::<AuditRecord>("data")?;
        let page = page.filtered("timestamp", self.range.as_ref(), |record, range| {
            record.timestamp.map(|time| range.start <= time && time < range.end)
        });
        let filters = self.filters.iter();
        Ok(Reply::Done(filters.fold(page, |page, (name, value)| {
            page.filtered(name, Some(value), |record, value| means(record, name, value))
        })))
    }
}

/// Whether a record is one that a filter means, whatever the server does with it; `None` where the record cannot tell.
fn means(record: &AuditRecord, filter: &str, value: &str) -> Option<bool> {
    // A value that could not be read is there, and not known.
    if record.extra.get(filter).is_some() {
        return None;
    }
    let is = |shown: Option<&str>| shown == Some(value);
    let contains = |shown: &Option<String>| {
        shown.as_ref().is_some_and(|shown| shown.to_lowercase().contains(&value.to_lowercase()))
    };
    let known = Some(match filter {
        "action" => is(record.action.as_deref()),
        "resource_type" => is(record.resource_type.as_deref()),
        "resource_id" => is(record.resource_id.as_deref()),
        "resource_name" => contains(&record.resource_name),
        "user_id" => is(record.user_id.as_ref().map(UserId::as_str)),
        "actioned_by" => is(record.actioned_by.as_ref().map(UserId::as_str)),
        "ip_address" => is(record.ip_address.as_deref()),
        _ => contains(&record.resource_name) || contains(&record.ip_address),
    });
    let unread = || ["resource_name", "ip_address"].iter().any(|name| record.extra.get(name).is_some());
    known.filter(|matches| *matches || filter != "search" || !unread())
}

impl Paged for ListAuditRecords {
    type Item = AuditRecord;
    const FILTERS: &'static [Filter<Flavor>] = &[
        on_runtime("within"),
        on_runtime("action"),
        on_runtime("resource_type"),
        on_runtime("resource_id"),
        on_runtime("resource_name"),
        on_runtime("user"),
        on_runtime("actioned_by"),
        on_runtime("ip_address"),
        on_runtime("search"),
    ];
    const LARGEST_PAGE: u32 = LARGEST_PAGE;
    fn split(&self) -> Option<[Self; 2]> {
        let ever = TimeRange { start: Timestamp::from_micros(0), end: Timestamp::from_micros(i64::MAX) };
        let (first, last) = self.range.unwrap_or(ever).inclusive().ok()?;
        let (from, to) = (first.as_micros(), last.as_micros());
        if from >= to {
            return None;
        }
        let middle = Timestamp::from_micros(from + (to - from) / 2 + 1);
        let range = |start, end| Self { range: Some(TimeRange { start, end }), ..self.clone() };
        // The newest come first.
        Some([range(middle, last + Duration::from_micros(1)), range(first, middle)])
    }
    const WHEN_INCOMPLETE: &'static str = "the server pages through records of one moment in no order: export the range as CSV with audit.export";
    fn set_page(&mut self, page: u32, limit: u32) {
        (self.page, self.limit) = (page, limit);
    }
    fn key(record: &AuditRecord) -> &str {
        record.id.as_str()
    }
}

/// `audit.get`
#[derive(Debug, Clone)]
pub struct GetAuditRecord(AuditId);

impl Describe for GetAuditRecord {
    type Flavor = Flavor;
    const ID: &'static str = "audit.get";
    const SECTIONS: &'static [&'static str] = &["9.1"];
    const ROUTES: Routes<Flavor> = Routes::runtime_only(Route::get("/audit/records/{id}"), EXPORT);
    fn encode(&self, _: Flavor) -> Result<Parts> {
        Parts::new().segment("id", self.0.as_str())
    }
}

impl Operation for GetAuditRecord {
    type Output = AuditRecord;
    fn decode(&self, _: Flavor, raw: Raw) -> Result<Reply<AuditRecord>> {
        raw.object("data").map(Reply::Done)
    }
}

model! {
    /// The log in numbers.
    AuditSummary {
        /// Records in all.
        pub total_records: Option<u64>,
        /// People who did something.
        pub unique_users: Option<u64>,
        /// Things that something was done to.
        pub unique_resources_updated: Option<u64>,
        /// Records of failures.
        pub failure_events_count: Option<u64>,
        /// What was done most.
        pub most_common_actions: Vec<ActionCount>,
        /// Who did most.
        pub most_active_users: Vec<UserCount>,
        /// What was looked at.
        pub date_range: Option<DateRange>,
    }
}

model! {
    /// How often something was done.
    ActionCount {
        /// What.
        pub action: Option<String>,
        /// How often.
        pub count: Option<u64>,
    }
}

model! {
    /// How much somebody did.
    UserCount {
        /// Who.
        pub user_id: Option<UserId>,
        /// How much.
        pub count: Option<u64>,
    }
}

model! {
    /// A span of time, as far as it is bounded.
    DateRange {
        /// Its start.
        pub start: Option<Timestamp>,
        /// Its end, included.
        pub end: Option<Timestamp>,
    }
}

/// `audit.summary`
#[derive(Debug, Clone)]
pub struct SummarizeAudit(Option<TimeRange>);

impl Describe for SummarizeAudit {
    type Flavor = Flavor;
    const ID: &'static str = "audit.summary";
    const SECTIONS: &'static [&'static str] = &["9.1"];
    const ROUTES: Routes<Flavor> =
        Routes::runtime_only(Route::get("/audit/summary").limitation(OWN_ONLY), EXPORT);
    fn encode(&self, _: Flavor) -> Result<Parts> {
        match self.0 {
            Some(range) => range.query(Parts::new()),
            None => Ok(Parts::new()),
        }
    }
}

impl Operation for SummarizeAudit {
    type Output = AuditSummary;
    fn decode(&self, _: Flavor, raw: Raw) -> Result<Reply<AuditSummary>> {
        let found: AuditSummary = raw.object("data")?;
        raw.expect(found.total_records.is_some(), "data.total_records")?;
        Ok(Reply::Done(found))
    }
}
