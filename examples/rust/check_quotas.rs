//! Shows how much of its quotas every project has used, the fullest first. Guide section 9.2.
//!
//! ```sh
//! export BUD_BASE_URL=https://api.bud.example.com BUD_EMAIL=admin@example.com BUD_PASSWORD=...
//! cargo run --example check_quotas
//! ```
//!
//! Without `BUD_BASE_URL` it runs on an embedded test server.

mod support;

use std::fmt::Display;

#[tokio::main]
async fn main() -> support::Result<()> {
    let platform = support::connect().await?;
    let mut rows = Vec::new();
    let mut projects = platform.bud.projects().list().items();
    while let Some(project) = projects.next().await {
        let project = project?;
        let quota = platform.bud.quotas().of_project(&project).await?;
        rows.push((quota.highest_use(), project, quota));
    }
    // A quota that the server does not tell is unknown, not unused: those come first, to be looked at.
    rows.sort_by(|(a, ..), (b, ..)| b.unwrap_or(f64::INFINITY).total_cmp(&a.unwrap_or(f64::INFINITY)));

    println!("{:<24} {:>6} {:>23} {:>17} {:>19}", "PROJECT", "USED", "TOKENS", "REQUESTS", "COST");
    for (used, project, quota) in &rows {
        println!(
            "{:<24} {:>6} {:>23} {:>17} {:>19}{}",
            project.name.as_deref().unwrap_or(project.id.as_str()),
            used.map_or("?".to_owned(), |used| format!("{:.0}%", used * 100.0)),
            pair(&quota.tokens_used, &quota.tokens_quota),
            pair(&quota.requests_used, &quota.requests_quota),
            pair(&quota.cost_used, &quota.cost_quota),
            if quota.suspended == Some(true) { "  suspended" } else { "" },
        );
    }
    Ok(())
}

fn pair<T: Display>(used: &Option<T>, quota: &Option<T>) -> String {
    let text = |number: &Option<T>| number.as_ref().map_or("?".to_owned(), T::to_string);
    format!("{} / {}", text(used), text(quota))
}
