//! Billing: plans, and what users have used. Never projects.

use http::StatusCode;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::call::{Answer, Call, Id, Open, ok};
use super::problem::detail;
use super::world::{World, offset, time};
use crate::lock;
use crate::options::Outage;
use crate::state::User;

const FREE: &str = "00000000-0000-0000-0000-000000000001";
const PERIOD: (&str, &str) = ("2026-11-01T00:00:00", "2026-12-01T00:00:00");

fn result(result: &Value, message: &str) -> Answer {
    ok(json!({ "success": true, "result": result, "message": message }))
}

pub(super) async fn plans(open: Open) -> Answer {
    if *lock(&open.core.outage) == Some(Outage::Postgres) {
        return Err(detail(StatusCode::INTERNAL_SERVER_ERROR, "Failed to fetch billing plans"));
    }
    let plan = |number: u8, name: &str, price: &str, tokens: u64, cost: &str| {
        json!({
            "id": format!("00000000-0000-0000-0000-{number:012}"), "name": name,
            "description": format!("{name} tier"), "monthly_token_quota": tokens, "monthly_cost_quota": cost,
            "max_projects": 2, "max_endpoints_per_project": 5, "base_monthly_price": price,
            "overage_token_price": null, "features": { "support": "community", "api_rate_limit": 100 },
            "is_active": true, "created_at": "2026-01-01T00:00:00.000001Z",
            "modified_at": "2026-01-01T00:00:00.000001Z",
        })
    };
    let plans = json!([
        plan(1, "Free", "0.00", 100_000, "10.00"),
        plan(2, "Standard", "99.00", 10_000_000, "1000.00"),
    ]);
    result(&plans, "Billing plans retrieved successfully")
}

/// Only clients have a plan. Without the metrics service, what they used is nothing.
fn usage(world: &mut World, user: &User) -> Value {
    let client = world.profile(user).user_type == "client";
    let (tokens, cost) = if world.metrics_down || !client { (0, 0.0) } else { (25_000, 2.5) };
    let when = |text: &str| if client { json!(format!("{text}+00:00")) } else { Value::Null };
    json!({
        "has_billing": client, "billing_period_start": when(PERIOD.0), "billing_period_end": when(PERIOD.1),
        "plan_name": if client { "Free" } else { "No Plan" },
        "billing_plan_id": if client { json!(FREE) } else { Value::Null }, "base_monthly_price": 0.0,
        "usage": {
            "tokens_used": tokens, "tokens_quota": 100_000, "tokens_usage_percent": f64::from(tokens) / 1000.0,
            "cost_used": cost, "cost_quota": 10.0, "cost_usage_percent": cost * 10.0,
            "request_count": tokens / 100, "success_rate": 0.0,
        },
        "is_suspended": false, "suspension_reason": null,
    })
}

pub(super) async fn mine(call: Call) -> Answer {
    let usage = usage(&mut lock(&call.open.core.world), &call.user);
    result(&usage, "Current usage retrieved successfully")
}

pub(super) async fn usage_of(Id(id): Id, call: Call) -> Answer {
    if call.profile.user_type != "admin" {
        return Err(detail(StatusCode::FORBIDDEN, "Only admins can view other users' billing information"));
    }
    let store = lock(&call.open.core.store);
    let user = store.user(&id).ok_or_else(|| detail(StatusCode::NOT_FOUND, "User not found"))?;
    let usage = usage(&mut lock(&call.open.core.world), user);
    result(&usage, "User usage retrieved successfully")
}

pub(super) async fn of_user(Id(id): Id, call: Call) -> Answer {
    if call.profile.user_type != "admin" {
        return Err(detail(StatusCode::FORBIDDEN, "Only admins can view other users' billing information"));
    }
    let store = lock(&call.open.core.store);
    let user = store.user(&id);
    let mut world = lock(&call.open.core.world);
    let client = user.filter(|user| world.profile(user).user_type == "client");
    let nothing = || detail(StatusCode::NOT_FOUND, "No billing information found for this user");
    let user = client.ok_or_else(nothing)?;
    let body = json!({
        "id": crate::ids::uuid(), "user_id": id, "billing_plan_id": FREE,
        "billing_period_start": format!("{}Z", PERIOD.0), "billing_period_end": format!("{}Z", PERIOD.1),
        "custom_token_quota": null, "custom_cost_quota": null, "enable_email_notifications": true,
        "enable_in_app_notifications": true, "is_active": true, "is_suspended": false,
        "suspension_reason": null, "is_current": true, "cycle_number": 1, "superseded_at": null,
        "superseded_by_id": null, "created_at": time(user.created_at), "modified_at": time(user.updated_at),
    });
    result(&body, "User billing information retrieved successfully")
}

pub(super) async fn limits(call: Call) -> Answer {
    let admin = call.profile.user_type == "admin";
    let usage = usage(&mut lock(&call.open.core.world), &call.user);
    let body = json!({
        "user_id": call.user.id, "user_type": call.profile.user_type, "allowed": true,
        "status": if admin { "admin_unlimited" } else { "allowed" }, "tokens_quota": 100_000,
        "tokens_used": usage["usage"]["tokens_used"], "cost_quota": "10.00",
        "cost_used": usage["usage"]["cost_used"], "prev_tokens_used": 0, "prev_cost_used": 0.0,
        "reason": if admin { "Admin user - unlimited access" } else { "Within limits" }, "reset_at": null,
        "last_updated": offset(Timestamp::now()), "billing_cycle_start": usage["billing_period_start"],
        "billing_cycle_end": usage["billing_period_end"], "plan_name": usage["plan_name"],
    });
    result(&body, "Usage limits checked successfully")
}

pub(super) async fn history(call: Call) -> Answer {
    let mut input = call.open.input()?;
    input.need("start_date");
    input.need("end_date");
    let start = input.time("start_date");
    input.time("end_date");
    let granularity = input.choice("granularity", &["hourly", "daily", "weekly", "monthly"]);
    input.finish()?;
    // A failure of the service behind it is told as success.
    let body = if lock(&call.open.core.world).metrics_down {
        json!({ "error": "Client error '404 Not Found' for url 'http://budmetrics/usage/history'", "data": [] })
    } else {
        let day = start.map(crate::state::audit::format_time).unwrap_or_default();
        let step = json!({
            "date": day.get(..10), "tokens": 1000, "input_tokens": 600, "output_tokens": 400, "requests": 10,
            "cost": 0.1,
        });
        json!({ "data": [step], "granularity": granularity.as_deref().unwrap_or("daily") })
    };
    result(&body, "Usage history retrieved successfully")
}
