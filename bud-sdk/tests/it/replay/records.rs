//! The audit log and billing.

use bud_sdk::audit::AuditRecord;
use bud_sdk::quotas::Granularity;
use bud_sdk::{Client, List, Timestamp};
use serde_json::json;

use super::exchange::{Exchange, answer};
use super::plan::{ENVELOPE, Plan, Typed, done, list, plan, typed};

fn time(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn range(exchange: &Exchange) -> Option<std::ops::Range<Timestamp>> {
    let at = |name: &str| exchange.query(name).filter(|text| text.ends_with('Z')).map(time);
    let (start, end) = (at("start_date")?, at("end_date")?);
    // The server includes its end.
    (start < end).then_some(start..end + std::time::Duration::from_micros(1))
}

pub fn plan_of(exchange: &Exchange) -> Option<Plan> {
    let id = exchange.id().to_owned();
    Some(match (exchange.method.as_str(), exchange.template.as_str()) {
        ("GET", "/audit/records") if exchange.query("export_csv").is_some() => export(exchange),
        ("GET", "/audit/records") => records(exchange),
        ("GET", "/audit/export") => {
            let january = time("2026-01-01T00:00:00Z")..time("2026-02-01T00:00:00Z");
            let plan = plan("", |bud| async move {
                bud.audit().export(january).write_into(&mut Vec::new()).await.map(|_| done())
            });
            plan.on_guide()
        }
        ("GET", "/audit/records/{id}") => {
            plan("/data", |bud| async move { Ok(typed(&bud.audit().get(id).await?)) })
        }
        ("GET", "/audit/records/{id}/verify") => {
            plan("", |bud| async move { Ok(typed(&bud.audit().verify(id).await?)) })
        }
        ("POST", "/audit/verify-batch") => {
            let ids: Vec<String> = serde_json::from_value(exchange.sent.clone()).unwrap();
            plan("", |bud| async move { Ok(typed(&bud.audit().verify_many(ids).await?)) })
        }
        ("GET", "/audit/find-tampered") => {
            let limit = exchange.query("limit").map(|text| text.parse::<u32>().unwrap());
            let fine = limit.is_none_or(|limit| limit <= 1000);
            let plan = plan("", move |bud| async move {
                let call = bud.audit().find_tampered();
                let call = match limit.filter(|_| fine) {
                    Some(limit) => call.limit(limit),
                    None => call,
                };
                Ok(typed(&call.await?))
            });
            if fine { plan } else { plan.answer_only() }
        }
        ("GET", "/audit/summary") => {
            let range = range(exchange);
            let fine = range.is_some() == exchange.query("start_date").is_some();
            let plan = plan("/data", |bud| async move {
                let call = bud.audit().summary();
                let call = match range {
                    Some(range) => call.within(range),
                    None => call,
                };
                Ok(typed(&call.await?))
            });
            if fine { plan } else { plan.answer_only() }
        }
        ("GET", "/billing/current") => {
            plan("/result", |bud| async move { Ok(typed(&bud.quotas().mine().await?)) })
        }
        ("GET", "/billing/user/{id}/usage") => {
            plan("/result", |bud| async move { Ok(typed(&bud.quotas().of_user(id).await?)) })
        }
        ("GET", "/billing/user/{id}") => {
            plan("/result", |bud| async move { Ok(typed(&bud.quotas().billing_of(id).await?)) })
        }
        ("GET", "/billing/plans") => {
            plan("/result", |bud| async move { Ok(typed(&bud.quotas().plans().await?)) })
        }
        ("GET", "/billing/check-limits") => {
            plan("/result", |bud| async move { Ok(typed(&bud.quotas().limits().await?)) })
        }
        ("POST", "/billing/history") => {
            let january = time("2026-01-01T00:00:00Z")..time("2026-01-31T23:59:59.000001Z");
            plan("/result/data", |bud| async move {
                let call = bud.quotas().history(january).granularity(Granularity::Daily);
                Ok(typed(&call.await?))
            })
        }
        _ => return None,
    })
}

fn filtered(
    bud: &Client,
    exchange: &Exchange,
) -> List<impl bud_sdk::operations::Paged<Item = AuditRecord> + use<>> {
    let mut records = bud.audit().records();
    if let Some(action) = exchange.query("action") {
        records = records.action(action);
    }
    records
}

fn records(exchange: &Exchange) -> Plan {
    let mut kept = exchange.clone();
    kept.query.retain(|(name, value)| name != "limit" || value != "101");
    let exchange = &kept.clone();
    let plan = list(exchange, "data", move |bud| filtered(&bud, &kept)).renamed(ENVELOPE);
    // Dates that are no times, or go backwards, are refused here; pages of more than 100 as well.
    let odd = exchange.query("start_date").is_some() || exchange.name.contains("limit_101");
    if odd { Plan { sends: false, ..plan } } else { plan }
}

/// The answer to one window, whose rows are announced before: the file is the answer, byte for byte.
fn export(exchange: &Exchange) -> Plan {
    let csv = exchange.answer.as_str().unwrap_or_default().to_owned();
    let rows = csv.matches("\r\n").count().saturating_sub(1);
    let announced = json!({ "page": 1, "limit": 1, "total_record": rows, "total_pages": rows, "data": [] });
    let january = time("2026-01-01T00:00:00Z")..time("2026-02-01T00:00:00Z");
    let plan = plan("", |bud| async move {
        let mut file = Vec::new();
        bud.audit().export(january).write_into(&mut file).await?;
        Ok(Typed::other(String::from_utf8(file).unwrap().into()))
    });
    plan.after([answer(200, &announced)]).answer_only()
}
