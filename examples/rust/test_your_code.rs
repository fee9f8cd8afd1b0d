//! Tests code that uses the SDK, without a server: a small job, and what it does when things go wrong.
//!
//! ```sh
//! cargo run --example test_your_code --features testing
//! ```
//!
//! In your own crate the checks are `#[tokio::test]`s, and the feature is enabled for them alone:
//!
//! ```toml
//! [dev-dependencies]
//! bud-sdk = { version = "0.1", features = ["testing"] }
//! ```

use bud_sdk::operations::Method;
use bud_sdk::testing::{Answer, Failure, Script};
use bud_sdk::{Client, ErrorKind, Result};
use serde_json::json;

/// The job: shuts a user out, and says whether there was something to do.
async fn offboard(bud: &Client, email: &str) -> Result<bool> {
    let mut users = bud.users().list().search(email).items();
    while let Some(user) = users.next().await {
        let user = user?;
        if user.email.as_deref() == Some(email) {
            bud.users().deactivate(&user).await?;
            return Ok(true);
        }
    }
    Ok(false)
}

/// A list that holds one user.
fn found(email: &str) -> Answer {
    Answer::json(200, json!({ "users": [{ "id": "u-1", "email": email }], "total_pages": 1 }))
}

async fn shuts_out_the_user_with_that_address() -> Result<()> {
    let done = Answer::json(200, json!({ "id": "u-1", "status": "INACTIVE" }));
    let script = Script::new().on(Method::Get, "/users", found("left@example.com")).on(
        Method::Put,
        "/users/{id}",
        done,
    );

    assert!(offboard(&script.client(), "left@example.com").await?);

    script.assert_done();
    let requests = script.requests();
    assert_eq!(requests[0].param("search"), Some("left@example.com"));
    assert_eq!(
        (requests[1].path.as_str(), &requests[1].json()["status"]),
        ("/users/u-1", &json!("INACTIVE"))
    );
    Ok(())
}

async fn leaves_a_user_with_a_similar_address_alone() -> Result<()> {
    // Only the list is in the script: a change would be an error.
    let script = Script::new().on(Method::Get, "/users", found("left@example.com.test"));
    assert!(!offboard(&script.client(), "left@example.com").await?);
    script.assert_done();
    Ok(())
}

async fn survives_a_connection_that_breaks() -> Result<()> {
    let script = Script::new().on(Method::Get, "/users", Answer::fails(Failure::Interrupted)).on(
        Method::Get,
        "/users",
        Answer::json(200, json!({ "users": [] })),
    );
    assert!(!offboard(&script.client(), "left@example.com").await?);
    script.assert_done();
    Ok(())
}

async fn hands_a_missing_right_to_its_caller() -> Result<()> {
    let script = Script::new().on(Method::Get, "/users", Answer::status(403));
    let outcome = offboard(&script.client(), "left@example.com").await;
    assert_eq!(outcome.err().map(|error| error.kind()), Some(ErrorKind::PermissionDenied));
    Ok(())
}

#[tokio::main]
async fn main() -> Result<()> {
    shuts_out_the_user_with_that_address().await?;
    println!("shuts out the user with that address: ok");
    leaves_a_user_with_a_similar_address_alone().await?;
    println!("leaves a user with a similar address alone: ok");
    survives_a_connection_that_breaks().await?;
    println!("survives a connection that breaks: ok");
    hands_a_missing_right_to_its_caller().await?;
    println!("hands a missing right to its caller: ok");
    Ok(())
}
