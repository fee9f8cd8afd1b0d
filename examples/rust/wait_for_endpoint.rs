//! Waits for an endpoint and shows what it sees on the way. Guide section 5.2.
//!
//! ```sh
//! export BUD_BASE_URL=https://api.bud.example.com BUD_EMAIL=admin@example.com BUD_PASSWORD=...
//! cargo run --example wait_for_endpoint -- ENDPOINT_ID
//! ```
//!
//! Without `BUD_BASE_URL` it runs on an embedded test server, deploys an endpoint there, and needs no arguments.

mod support;

use std::time::Duration;

use bud_sdk::{Deployment, EndpointId, EndpointStatus};

#[tokio::main]
async fn main() -> support::Result<()> {
    let platform = support::connect().await?;
    let endpoint = platform.argument(1, "the endpoint's id", |demo| demo.stopped_endpoint.clone())?;
    let endpoint = EndpointId::new(endpoint);
    if let Some(demo) = &platform.demo {
        platform.bud.endpoints().deploy(&endpoint, Deployment::on(&demo.cluster)).await?;
    }

    // It ends when the endpoint runs, when it fails, or after half an hour; an unhealthy one counts as failed here.
    let wait = platform.wait(&endpoint).fail_on(EndpointStatus::Unhealthy).within(Duration::from_secs(1800));
    let mut updates = wait.updates();
    while let Some(seen) = updates.next().await {
        let seen = seen?;
        let status = seen.status.as_ref().map_or("no status", |status| status.raw());
        println!("{status}, {} replica(s)", seen.replicas.unwrap_or_default());
    }
    Ok(())
}
