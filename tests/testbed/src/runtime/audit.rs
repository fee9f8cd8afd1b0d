//! The audit log: paged, as CSV that is cut at 10,000 rows without a word, and verified.

use std::sync::Arc;

use axum::response::IntoResponse;
use http::{StatusCode, header};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::call::{Answer, Call, Id, check_uuid, ok, said};
use super::input::{Input, Paging};
use super::problem::{Problem, detail, forbidden};
use super::world::{World, offset};
use crate::lock;
use crate::state::Store;
use crate::state::audit::{AuditRow, format_time};

/// A CSV has no more rows than this, and does not say so.
const MOST_ROWS: usize = 10_000;
const COLUMNS: &str = "ID,Timestamp,User ID,User Email,User Name,Actioned By ID,Actioned By Email,Actioned By Name,\
                       Action,Resource Type,Resource ID,Resource Name,IP Address,Details,Previous State,New State,\
                       Record Hash";

/// Without a fraction of nothing.
fn stamp(micros: i64) -> String {
    format_time(micros).replace(".000000Z", "Z")
}

fn body(row: &AuditRow) -> Value {
    json!({
        "id": row.id, "user_id": row.user_id, "actioned_by": row.actioned_by, "action": row.action,
        "resource_type": row.resource_type, "resource_id": row.resource_id, "resource_name": row.resource_name,
        "timestamp": stamp(row.at), "details": row.details, "ip_address": row.ip_address,
        "previous_state": row.previous_state, "new_state": row.new_state, "record_hash": row.hash(),
        "created_at": stamp(row.at), "user_email": row.user_email, "user_name": row.user_name,
        "actioned_by_email": row.actioned_by_email, "actioned_by_name": row.actioned_by_name,
    })
}

/// A value as Python prints it.
fn python(value: &Value) -> String {
    match value {
        Value::Null => "None".to_owned(),
        Value::Bool(true) => "True".to_owned(),
        Value::Bool(false) => "False".to_owned(),
        Value::Number(number) => number.to_string(),
        Value::String(text) if text.contains('\'') => format!("\"{text}\""),
        Value::String(text) => format!("'{text}'"),
        Value::Array(items) => format!("[{}]", items.iter().map(python).collect::<Vec<_>>().join(", ")),
        Value::Object(fields) => {
            let fields = fields.iter().map(|(name, value)| format!("'{name}': {}", python(value)));
            format!("{{{}}}", fields.collect::<Vec<_>>().join(", "))
        }
    }
}

fn line(csv: &mut String, row: &AuditRow) {
    let text = |value: &Option<String>| value.clone().unwrap_or_default();
    let state = |value: &Option<Value>| value.as_ref().map(python).unwrap_or_default();
    let cells = [
        row.id.clone(),
        stamp(row.at).replace('Z', "+00:00"),
        text(&row.user_id),
        text(&row.user_email),
        text(&row.user_name),
        text(&row.actioned_by),
        text(&row.actioned_by_email),
        text(&row.actioned_by_name),
        row.action.to_owned(),
        row.resource_type.to_owned(),
        text(&row.resource_id),
        text(&row.resource_name),
        text(&row.ip_address),
        if row.details.is_null() { String::new() } else { python(&row.details) },
        state(&row.previous_state),
        state(&row.new_state),
        row.hash(),
    ];
    for (at, cell) in cells.iter().enumerate() {
        if at > 0 {
            csv.push(',');
        }
        if cell.contains([',', '"', '\r', '\n']) {
            csv.push_str(&format!("\"{}\"", cell.replace('"', "\"\"")));
        } else {
            csv.push_str(cell);
        }
    }
    csv.push_str("\r\n");
}

/// The rows of the caller's filters, newest first. Who may not see all sees his own.
fn rows(call: &Call, input: &mut Input, store: &Store) -> Vec<Arc<AuditRow>> {
    let start = input.time("start_date").unwrap_or(i64::MIN);
    let end = input.time("end_date").unwrap_or(i64::MAX - 1);
    let mut wanted: Vec<(&str, String)> =
        ["action", "resource_type", "resource_id", "resource_name", "user_id", "actioned_by", "ip_address"]
            .into_iter()
            .filter_map(|name| Some((name, input.text(name, 0, 1000)?)))
            .collect();
    if call.profile.user_type != "admin" {
        wanted.push(("user_id", call.user.id.clone()));
    }
    let search = input.text("search", 0, 1000).map(|text| text.to_ascii_lowercase());
    let fits = |row: &Arc<AuditRow>| {
        let field = |name: &str| match name {
            "action" => Some(row.action),
            "resource_type" => Some(row.resource_type),
            "resource_id" => row.resource_id.as_deref(),
            "resource_name" => row.resource_name.as_deref(),
            "user_id" => row.user_id.as_deref(),
            "actioned_by" => row.actioned_by.as_deref(),
            _ => row.ip_address.as_deref(),
        };
        let found = search.as_ref().is_none_or(|text| {
            let has = |field: &Option<String>| {
                field.as_deref().unwrap_or_default().to_ascii_lowercase().contains(text)
            };
            has(&row.resource_name) || has(&row.ip_address)
        });
        found && wanted.iter().all(|(name, value)| field(name) == Some(value.as_str()))
    };
    let mut rows: Vec<Arc<AuditRow>> = store.audit.between(start, end).filter(fits).collect();
    // Stable, so that rows of one moment keep their order.
    rows.sort_by_key(|row| std::cmp::Reverse(row.at));
    rows
}

pub(super) async fn records(call: Call) -> Answer {
    let mut input = call.open.params();
    let csv = input.flag("export_csv", false);
    let paging = Paging::read(&mut input, 1, 100);
    let store = lock(&call.open.core.store);
    let rows = rows(&call, &mut input, &store);
    input.finish()?;
    if !csv {
        let message = "Audit records retrieved successfully";
        return ok(paging.kept("audit.record.list", message, "data", &rows, |row| body(row)));
    }
    let mut text = format!("{COLUMNS}\r\n");
    rows.iter().take(MOST_ROWS).for_each(|row| line(&mut text, row));
    let now: String =
        stamp(Timestamp::now().as_microsecond()).chars().filter(char::is_ascii_digit).take(14).collect();
    let headers = [
        (header::CONTENT_TYPE, "text/csv; charset=utf-8".to_owned()),
        (header::CONTENT_DISPOSITION, format!("attachment; filename=\"audit_export_{now}.csv\"")),
    ];
    Ok((headers, text).into_response())
}

fn find(store: &Store, id: &str) -> Option<Arc<AuditRow>> {
    store.audit.between(i64::MIN, i64::MAX - 1).find(|row| row.id == id)
}

pub(super) async fn one(Id(id): Id, call: Call) -> Answer {
    let found = find(&lock(&call.open.core.store), &id);
    let unknown = || detail(StatusCode::NOT_FOUND, &format!("Audit record with ID {id} not found"));
    said("audit.record", "Audit record retrieved successfully", "data", body(&*found.ok_or_else(unknown)?))
}

/// Of a record that there is not, too, this is told as success.
fn verdict(store: &Store, world: &World, id: &str) -> (bool, String) {
    match find(store, id) {
        None => (false, format!("Audit record with ID {id} not found")),
        Some(_) if world.tampered.contains(id) => {
            (false, "Audit record hash mismatch - possible tampering detected".to_owned())
        }
        Some(_) => (true, "Audit record integrity verified successfully".to_owned()),
    }
}

fn only_admins(call: &Call) -> Result<(), Problem> {
    if call.profile.user_type == "admin" { Ok(()) } else { Err(forbidden()) }
}

pub(super) async fn verify(Id(id): Id, call: Call) -> Answer {
    only_admins(&call)?;
    let (valid, message) = verdict(&lock(&call.open.core.store), &lock(&call.open.core.world), &id);
    ok(json!({
        "success": true, "audit_id": id, "is_valid": valid, "message": message,
        "verified_at": offset(Timestamp::now()),
    }))
}

pub(super) async fn verify_batch(call: Call) -> Answer {
    only_admins(&call)?;
    let asked = Input::list(&call.open.body)?;
    let (store, world) = (lock(&call.open.core.store), lock(&call.open.core.world));
    let mut results = Vec::new();
    for id in &asked {
        let id = id.as_str().unwrap_or_default();
        check_uuid("body", "0", id)?;
        let (valid, message) = verdict(&store, &world, id);
        results.push(json!({ "audit_id": id, "is_valid": valid, "message": message }));
    }
    let valid = results.iter().filter(|result| result["is_valid"] == true).count();
    ok(json!({
        "success": true,
        "summary": {
            "total_checked": results.len(), "valid_count": valid, "invalid_count": results.len() - valid,
        },
        "results": results, "verified_at": offset(Timestamp::now()),
    }))
}

pub(super) async fn find_tampered(call: Call) -> Answer {
    only_admins(&call)?;
    let mut input = call.open.params();
    let limit = input.number("limit", 1, 1000, 100);
    let store = lock(&call.open.core.store);
    let rows = rows(&call, &mut input, &store);
    input.finish()?;
    let world = lock(&call.open.core.world);
    let checked = rows.iter().take(usize::try_from(limit).unwrap_or(usize::MAX));
    let tampered: Vec<Value> = checked
        .filter(|row| world.tampered.contains(&row.id))
        .map(|row| {
            json!({
                "id": row.id, "timestamp": stamp(row.at).replace('Z', "+00:00"), "action": row.action,
                "resource_type": row.resource_type, "resource_id": row.resource_id, "user_id": row.user_id,
                "verification_message": verdict(&store, &world, &row.id).1,
            })
        })
        .collect();
    ok(json!({
        "success": true, "message": format!("Checked {limit} records for tampering"),
        "tampered_count": tampered.len(), "tampered_records": tampered, "checked_at": offset(Timestamp::now()),
    }))
}

pub(super) async fn summary(call: Call) -> Answer {
    let mut input = call.open.params();
    let when = |input: &Input, name: &str| {
        let text = input.get(name).and_then(Value::as_str).map(|text| text.replace('Z', "+00:00"));
        json!(text)
    };
    let range = json!({ "start": when(&input, "start_date"), "end": when(&input, "end_date") });
    let store = lock(&call.open.core.store);
    let rows = rows(&call, &mut input, &store);
    input.finish()?;
    let count = |texts: Vec<String>| {
        let mut counts = std::collections::BTreeMap::<String, usize>::new();
        texts.into_iter().for_each(|text| *counts.entry(text).or_default() += 1);
        let mut counts: Vec<(String, usize)> = counts.into_iter().collect();
        counts.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        counts
    };
    let actions = count(rows.iter().map(|row| row.action.to_owned()).collect());
    let users = count(rows.iter().filter_map(|row| row.user_id.clone()).collect());
    let things = count(rows.iter().filter_map(|row| row.resource_id.clone()).collect());
    let failures = rows.iter().filter(|row| row.action == "login_failed").count();
    let actions: Vec<Value> =
        actions.iter().take(10).map(|(action, count)| json!({ "action": action, "count": count })).collect();
    let active: Vec<Value> =
        users.iter().take(10).map(|(user, count)| json!({ "user_id": user, "count": count })).collect();
    let data = json!({
        "total_records": rows.len(), "unique_users": users.len(), "unique_resources_updated": things.len(),
        "failure_events_count": failures, "most_common_actions": actions, "most_active_users": active,
        "date_range": range,
    });
    said("audit.summary", "Audit summary retrieved successfully", "data", data)
}
