//! Deploys an endpoint and waits until it answers requests. Guide sections 5.1 and 5.2.
//! For the guide API: on the runtime API use `endpoints().deploy_model`, as the example `deploy_model` does.
//!
//! ```sh
//! export BUD_BASE_URL=https://api.bud.example.com BUD_EMAIL=admin@example.com BUD_PASSWORD=...
//! cargo run --example deploy_and_wait -- ENDPOINT_ID CLUSTER_ID
//! ```
//!
//! Without `BUD_BASE_URL` it runs on an embedded test server, and needs no arguments. The platform as shipped deploys models
//! instead of endpoints: see `deploy_model`.

mod support;

use std::time::Duration;

use bud_sdk::endpoints::{Deployment, EndpointId, EndpointStatus};
use bud_testbed::Flavor;

#[tokio::main]
async fn main() -> support::Result<()> {
    let platform = support::connect_or(Flavor::Guide).await?;
    let endpoint = platform.argument(1, "the endpoint's id", |demo| demo.stopped_endpoint.clone())?;
    let endpoint = EndpointId::new(endpoint);
    let cluster = platform.argument(2, "the cluster's id", |demo| demo.cluster.clone())?;

    let deployment = Deployment::on(cluster).replicas(1).gpus(1).memory_gb(16);
    platform.bud.endpoints().deploy(&endpoint, deployment).await?;

    // A wait survives outages, ends at once when the deployment fails, and can be started again after its deadline.
    let wait = platform.wait(&endpoint).until(EndpointStatus::Running).timeout(Duration::from_secs(30 * 60));
    let running = support::spin("deploying", wait).await?;
    println!(
        "{} is running with {} replica(s)",
        running.name.as_deref().unwrap_or("The endpoint"),
        running.replicas.unwrap_or_default()
    );
    Ok(())
}
