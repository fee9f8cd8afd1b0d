//! Logs in once and goes on in the next program without a login. Guide section 3.1.
//!
//! ```sh
//! export BUD_BASE_URL=https://api.bud.example.com BUD_EMAIL=admin@example.com BUD_PASSWORD=...
//! cargo run --example reuse_session
//! ```
//!
//! Without `BUD_BASE_URL` it runs on an embedded test server. The session is kept in `~/.bud/sessions`, for its owner alone,
//! and is removed by the logout at the end.

mod support;

use bud_sdk::{Client, ClientBuilder};

#[tokio::main]
async fn main() -> support::Result<()> {
    let platform = support::connect().await?;
    let configured = || -> ClientBuilder {
        match &platform.demo {
            Some(demo) => {
                Client::builder().base_url(platform.bud.base_url()).password(demo.email(), demo.password())
            }
            None => Client::builder().env(),
        }
    };

    // What a first program does.
    let first = configured().remember_session().build()?;
    first.auth().login().await?;
    println!("logged in at {}", first.base_url());
    drop(first);

    // What a later program does: its first call needs no login.
    let later = configured().remember_session().build()?;
    let users = later.users().list().all().await?;
    println!("{} users, seen without another login", users.len());
    if let Some(demo) = &platform.demo {
        println!("the server saw {} login(s) with that session", demo.logins());
    }

    // At the end of the day: the server forgets the session, and so does the disk.
    later.auth().logout().await?;
    println!("logged out");
    Ok(())
}
