//! Shows how much of its quotas every project has used, or every user on the platform as shipped; the fullest first. Guide
//! section 9.2.
//!
//! ```sh
//! export BUD_BASE_URL=https://api.bud.example.com BUD_EMAIL=admin@example.com BUD_PASSWORD=...
//! cargo run --example check_quotas
//! ```
//!
//! Without `BUD_BASE_URL` it runs on an embedded test server.

mod support;

use std::fmt::Display;

use bud_sdk::Client;

/// Whose it is, the highest share that is used, and tokens, requests and cost in words.
struct Row {
    name: String,
    used: Option<f64>,
    tokens: String,
    requests: String,
    cost: String,
    suspended: Option<bool>,
}

#[tokio::main]
async fn main() -> support::Result<()> {
    let platform = support::connect().await?;
    let bud = &platform.bud;
    let by_project = bud.capabilities().await?.supports("quotas.of_project");
    let mut rows = if by_project { projects(bud).await? } else { users(bud).await? };
    // A quota that the server does not tell is unknown, not unused: those come first, to be looked at.
    rows.sort_by(|a, b| b.used.unwrap_or(f64::INFINITY).total_cmp(&a.used.unwrap_or(f64::INFINITY)));

    let whose = if by_project { "PROJECT" } else { "USER" };
    println!("{whose:<28} {:>6} {:>23} {:>17} {:>19}", "USED", "TOKENS", "REQUESTS", "COST");
    for Row { name, used, tokens, requests, cost, suspended } in rows {
        let used = used.map_or("?".to_owned(), |used| format!("{:.0}%", used * 100.0));
        let suspended = if suspended == Some(true) { "  suspended" } else { "" };
        println!("{name:<28} {used:>6} {tokens:>23} {requests:>17} {cost:>19}{suspended}");
    }
    Ok(())
}

async fn projects(bud: &Client) -> bud_sdk::Result<Vec<Row>> {
    let mut rows = Vec::new();
    let mut projects = bud.projects().list().items();
    while let Some(project) = projects.next().await {
        let project = project?;
        let quota = bud.quotas().of_project(&project).await?;
        rows.push(Row {
            name: project.name.unwrap_or_else(|| project.id.to_string()),
            used: quota.highest_use(),
            tokens: pair(&quota.tokens_used, &quota.tokens_quota),
            requests: pair(&quota.requests_used, &quota.requests_quota),
            cost: pair(&quota.cost_used, &quota.cost_quota),
            suspended: quota.suspended,
        });
    }
    Ok(rows)
}

async fn users(bud: &Client) -> bud_sdk::Result<Vec<Row>> {
    let mut rows = Vec::new();
    let mut users = bud.users().list().items();
    while let Some(user) = users.next().await {
        let user = user?;
        let quota = bud.quotas().of_user(&user).await?;
        let usage = quota.usage.as_ref();
        let shares =
            usage.into_iter().flat_map(|usage| [usage.tokens_usage_percent, usage.cost_usage_percent]);
        let highest = shares.flatten().reduce(f64::max);
        rows.push(Row {
            name: user.email.unwrap_or_else(|| user.id.to_string()),
            used: highest.map(|percent| percent / 100.0),
            tokens: usage.map_or("?".to_owned(), |usage| pair(&usage.tokens_used, &usage.tokens_quota)),
            requests: pair(&usage.and_then(|usage| usage.request_count), &None),
            cost: usage.map_or("?".to_owned(), |usage| pair(&usage.cost_used, &usage.cost_quota)),
            suspended: quota.is_suspended,
        });
    }
    Ok(rows)
}

fn pair<T: Display>(used: &Option<T>, quota: &Option<T>) -> String {
    let text = |number: &Option<T>| number.as_ref().map_or("?".to_owned(), T::to_string);
    format!("{} / {}", text(used), text(quota))
}
