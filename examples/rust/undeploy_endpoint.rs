//! Takes an endpoint down and waits until its GPUs are free again. Guide section 5.4.
//!
//! ```sh
//! export BUD_BASE_URL=https://api.bud.example.com BUD_EMAIL=admin@example.com BUD_PASSWORD=...
//! cargo run --example undeploy_endpoint -- ENDPOINT_ID
//! ```
//!
//! Without `BUD_BASE_URL` it runs on an embedded test server, and needs no arguments.

mod support;

use bud_sdk::endpoints::{EndpointId, EndpointStatus};

#[tokio::main]
async fn main() -> support::Result<()> {
    let platform = support::connect().await?;
    let endpoint = platform.argument(1, "the endpoint's id", |demo| demo.running_endpoint.clone())?;
    let endpoint = EndpointId::new(endpoint);

    // Undeploying what is down or going down already changes nothing, so this may be run again.
    let going = platform.bud.endpoints().undeploy(&endpoint).await?;
    // On the platform as shipped it is gone afterwards, and perhaps before the first look.
    let wait = platform.wait(&endpoint).after(&going).until(EndpointStatus::Stopped);
    let down = support::spin("undeploying", wait).await?;
    let status = down.status.as_deref().map_or("unknown", EndpointStatus::as_str);
    println!("{} is {status}", down.name.as_deref().unwrap_or("The endpoint"));
    Ok(())
}
