//! The audit log.

use std::path::PathBuf;
use std::time::Duration;

use bytes::Bytes;

use super::{Client, entries, range, within};
use crate::bindings::args::When;
use crate::bindings::results::{ExportProgress, ExportSummary};
use crate::bindings::task::job;
use crate::bud::{AuditRecord, AuditSummary, Export, ExportFormat, TamperCheck, Verification, Verifications};
use crate::error::{Error, Result};
use crate::schema::{Described, Type};
use crate::types::{AuditId, Timestamp, UserId};

impl Described for Bytes {
    const TYPE: Type = Type::Bytes;
}

entries! {
    on Client;

    /// Exports the audit log as bytes, as they arrive. Only an export that ends without an error was whole. On the platform as
    /// shipped, who is no administrator gets his own records and no others.
    bytes audit.export(
        /// The beginning.
        start: Timestamp,
        /// The end, not included.
        end: Timestamp,
        /// `csv` or `json`. CSV.
        format: Option<String>,
        /// The longest silence of the server. 60 seconds.
        idle_timeout: Option<Duration>,
        /// Takes an answer whose end the server does not mark.
        accept_unmarked_end: Option<bool>,
    ) -> Bytes = |bud| {
        let export = bud.audit().export(range(start, end)?);
        configured(export, format, idle_timeout, accept_unmarked_end)?.bytes()
    };
    /// Exports the audit log into a file, which appears under its name only when it is whole and on disk, readable for its
    /// owner alone. Cells of CSV are the server's, byte for byte: some begin with `=`, which a spreadsheet would run.
    job audit.export_file(
        /// The file.
        path: PathBuf,
        /// The beginning.
        start: Timestamp,
        /// The end, not included.
        end: Timestamp,
        /// `csv` or `json`. CSV.
        format: Option<String>,
        /// Replaces a file that is there already, once the new one is whole.
        overwrite: Option<bool>,
        /// The longest silence of the server. 60 seconds.
        idle_timeout: Option<Duration>,
        /// Takes an answer whose end the server does not mark.
        accept_unmarked_end: Option<bool>,
    ) -> ExportSummary [ExportProgress] = |bud| {
        let export = bud.audit().export(range(start, end)?).overwrite(overwrite.unwrap_or_default());
        let export = configured(export, format, idle_timeout, accept_unmarked_end)?;
        job(|tell| async move {
            let export = export.on_progress(move |progress| tell.latest(ExportProgress::from(progress)));
            Ok(ExportSummary::from(export.write_to(path).await?))
        })
    };
    /// Exports the audit log as typed records, all of them.
    items audit.export_records(
        /// The beginning.
        start: Timestamp,
        /// The end, not included.
        end: Timestamp,
        /// The longest silence of the server. 60 seconds.
        idle_timeout: Option<Duration>,
    ) -> AuditRecord = |bud| {
        let export = bud.audit().export(range(start, end)?);
        configured(export, None, idle_timeout, None)?.records()
    };
    /// Lists the records of the audit log, the newest first. Who is no administrator gets his own.
    pages audit.records(
        /// Only what happened from here on; with `end`.
        start: Option<Timestamp>,
        /// Only what happened before; with `start`.
        end: Option<Timestamp>,
        /// Only this action: `login`, `login_failed`, `create`, `update`, `delete`...
        action: Option<String>,
        /// Only things of this kind: `session`, `project`, `api_key`...
        resource_type: Option<String>,
        /// Only the thing with this id.
        resource_id: Option<String>,
        /// Only things whose name contains this text.
        resource_name: Option<String>,
        /// Only what this user did.
        user: Option<UserId>,
        /// Only what this user did in another's name.
        actioned_by: Option<UserId>,
        /// Only what was done from exactly this address.
        ip_address: Option<String>,
        /// Only records with this text in the name of the thing or in the address that it was done from.
        search: Option<String>,
    ) -> AuditRecord = |bud| {
        bud.audit().records()
            .when(within(start, end)?, |list, range| list.within(range))
            .when(action, |list, action| list.action(action))
            .when(resource_type, |list, kind| list.resource_type(kind))
            .when(resource_id, |list, id| list.resource_id(id))
            .when(resource_name, |list, name| list.resource_name(name))
            .when(user, |list, user| list.user(user))
            .when(actioned_by, |list, user| list.actioned_by(user))
            .when(ip_address, |list, address| list.ip_address(address))
            .when(search, |list, text| list.search(text))
    };
    /// Reads one record.
    call audit.get(
        /// The record.
        id: AuditId,
    ) -> AuditRecord = |bud| bud.audit().get(id);
    /// The log in numbers; for who is no administrator, of his own records.
    call audit.summary(
        /// Only what happened from here on; with `end`.
        start: Option<Timestamp>,
        /// Only what happened before; with `start`.
        end: Option<Timestamp>,
    ) -> AuditSummary = |bud| bud.audit().summary().when(within(start, end)?, |call, range| call.within(range));
    /// Whether a record is still as it was written.
    call audit.verify(
        /// The record.
        id: AuditId,
    ) -> Verification = |bud| bud.audit().verify(id);
    /// The same for many records at once. One that there is not is among the results, as not valid.
    call audit.verify_many(
        /// The records.
        ids: Vec<AuditId>,
    ) -> Verifications = |bud| bud.audit().verify_many(ids);
    /// Looks through the newest records for some that were changed; `records_checked` says through how many.
    call audit.find_tampered(
        /// How many to look at, from 1 to 1000. 100.
        limit: Option<u32>,
        /// Only what happened from here on; with `end`.
        start: Option<Timestamp>,
        /// Only what happened before; with `start`.
        end: Option<Timestamp>,
        /// Looks at every record instead: two requests for each 1000 records, all within the call's `timeout`.
        all: Option<bool>,
    ) -> TamperCheck = |bud| {
        let call = bud.audit().find_tampered().when(within(start, end)?, |call, range| call.within(range));
        let call = call.when(limit, |call, limit| call.limit(limit));
        call.when(all.filter(|all| *all), |call, _| call.all())
    };
}

fn configured(
    export: Export,
    format: Option<String>,
    idle_timeout: Option<Duration>,
    accept_unmarked_end: Option<bool>,
) -> Result<Export> {
    let format = match format.as_deref() {
        None | Some("csv") => ExportFormat::Csv,
        Some("json") => ExportFormat::Json,
        Some(_) => return Err(Error::invalid("format", "it must be csv or json")),
    };
    let export = export.format(format).when(idle_timeout, Export::idle_timeout);
    Ok(export.when(accept_unmarked_end, Export::accept_unmarked_end))
}
