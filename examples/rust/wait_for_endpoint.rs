//! Waits for an endpoint and shows what it sees on the way. Guide section 5.2.
//!
//! ```sh
//! export BUD_BASE_URL=https://api.bud.example.com BUD_EMAIL=admin@example.com BUD_PASSWORD=...
//! cargo run --example wait_for_endpoint -- ENDPOINT_ID
//! ```
//!
//! Without `BUD_BASE_URL` it runs on an embedded test server, has something happen to an endpoint there, and needs no arguments.

mod support;

use std::time::Duration;

use bud_sdk::ErrorKind;
use bud_sdk::endpoints::{Deployment, EndpointId, EndpointStatus};

#[tokio::main]
async fn main() -> support::Result<()> {
    let platform = support::connect().await?;
    let endpoint = platform.argument(1, "the endpoint's id", |demo| demo.stopped_endpoint.clone())?;
    let endpoint = EndpointId::new(endpoint);
    let mut wait = platform.wait(&endpoint);
    if let Some(demo) = &platform.demo {
        let endpoints = platform.bud.endpoints();
        match endpoints.deploy(&endpoint, Deployment::on(&demo.cluster)).await {
            Ok(_) => {}
            // On the platform as shipped every endpoint is deployed.
            Err(error) if error.kind() == ErrorKind::Unsupported => {
                endpoints.scale(&endpoint, 2).await?;
                wait = wait.replicas(2);
            }
            Err(error) => return Err(error.into()),
        }
    }

    // It ends when the endpoint runs, when it fails, or after half an hour; an unhealthy one counts as failed here.
    let mut updates = wait.fail_on(EndpointStatus::Unhealthy).timeout(Duration::from_secs(1800)).updates();
    while let Some(seen) = updates.next().await {
        let seen = seen?;
        let status = seen.status.as_ref().map_or("no status", |status| status.raw());
        println!("{status}, {} replica(s)", seen.replicas.unwrap_or_default());
    }
    Ok(())
}
