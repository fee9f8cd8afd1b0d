//! Gives a running endpoint another number of replicas and waits for them. Guide section 5.3.
//!
//! ```sh
//! export BUD_BASE_URL=https://api.bud.example.com BUD_EMAIL=admin@example.com BUD_PASSWORD=...
//! cargo run --example scale_endpoint -- ENDPOINT_ID 3
//! ```
//!
//! Without `BUD_BASE_URL` it runs on an embedded test server, and needs no arguments.

mod support;

use bud_sdk::endpoints::{EndpointId, EndpointStatus};
use support::Failure;

#[tokio::main]
async fn main() -> support::Result<()> {
    let platform = support::connect().await?;
    let endpoint = platform.argument(1, "the endpoint's id", |demo| demo.running_endpoint.clone())?;
    let endpoint = EndpointId::new(endpoint);
    let replicas = platform.argument(2, "the number of replicas", |_| "3".to_owned())?;
    let replicas =
        replicas.parse().map_err(|_| Failure::new(format!("{replicas} is no number of replicas")))?;

    let before = platform.bud.endpoints().get(&endpoint).await?;
    platform.bud.endpoints().scale(&endpoint, replicas).await?;

    // It is running all the while: only the number shows that the replicas have come. The platform as shipped does not tell it
    // by itself; the wait counts the workers there.
    let wait = platform.wait(&endpoint).until(EndpointStatus::Running).replicas(replicas);
    let scaled = support::spin("scaling", wait).await?;
    let number = |replicas: Option<u32>| replicas.map_or("?".to_owned(), |number| number.to_string());
    println!("From {} to {} replicas", number(before.replicas), number(scaled.replicas));
    Ok(())
}
