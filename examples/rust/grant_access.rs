//! Lets a user work on a project. Guide section 4.2.
//!
//! ```sh
//! export BUD_BASE_URL=https://api.bud.example.com BUD_EMAIL=admin@example.com BUD_PASSWORD=...
//! cargo run --example grant_access -- user@example.com PROJECT_ID edit
//! ```
//!
//! Without `BUD_BASE_URL` it runs on an embedded test server, and needs no arguments.

mod support;

use bud_sdk::permissions::{Grant, PermissionLevel};
use support::Failure;

#[tokio::main]
async fn main() -> support::Result<()> {
    let platform = support::connect().await?;
    let bud = &platform.bud;
    let email = platform.argument(1, "the user's e-mail address", |demo| demo.user_email.clone())?;
    let project = platform.argument(2, "the project's id", |demo| demo.project.clone())?;
    let level = platform.argument(3, "a level: view, edit or admin", |_| "edit".to_owned())?;

    // A search also finds longer addresses that contain this one.
    let found = bud.users().list().search(&email).all().await?;
    let user = found
        .iter()
        .find(|user| user.email.as_deref().is_some_and(|found| found.eq_ignore_ascii_case(&email)))
        .ok_or_else(|| Failure::new(format!("there is no user {email}")))?;

    let level = PermissionLevel::from(level.as_str());
    match bud.permissions().grant(Grant::project(user, project.as_str(), level)).await {
        Ok(_) => println!("Granted."),
        Err(error) if error.is_conflict() => println!("Nothing was changed: {}", error.message()),
        Err(error) => return Err(error.into()),
    }

    for permission in bud.permissions().list().user(user).all().await? {
        let level = permission.permission_level.as_deref().map_or("unknown", PermissionLevel::as_str);
        println!("{email}: {level} on {}", permission.resource_id.as_deref().unwrap_or("?"));
    }
    Ok(())
}
