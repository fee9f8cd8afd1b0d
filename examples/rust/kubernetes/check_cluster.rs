//! Checks a cluster as every morning, and shows what is not well: nodes, deployments, the platform's pods and services, and
//! Dapr. Guide sections 2.1, 2.2 and 6.2.
//!
//! ```sh
//! cargo run --example check_cluster --features kubernetes -- --namespace bud-system --context NAME
//! ```
//!
//! The cluster is that of `KUBECONFIG`, else of `~/.kube/config`, by its current context unless `--context` names
//! another.

mod support;

use bud_sdk::kubernetes::{DaprState, Namespaces};

#[tokio::main]
async fn main() -> support::Result<()> {
    let cluster = support::connect().await?;
    let namespace = support::namespace("bud-system");

    let nodes = cluster.nodes().await?;
    let unwell = nodes.iter().filter(|node| !node.ready || !node.schedulable);
    report("nodes", nodes.len(), unwell.map(|node| format!("{} is {}", node.name, node.status)));

    let deployments = cluster.deployments(Namespaces::all()).await?;
    let unwell = deployments.iter().filter(|one| !one.healthy);
    let line = |ready, wanted, name, rollout| format!("{name} has {ready} of {wanted}, {rollout}");
    report(
        "deployments",
        deployments.len(),
        unwell.map(|one| line(one.ready, one.replicas, &one.name, one.rollout.as_str())),
    );

    let pods = cluster.pods(&namespace).await?;
    let unwell = pods.iter().filter(|pod| !pod.healthy);
    report("pods", pods.len(), unwell.map(|pod| format!("{} is {}", pod.name, pod.status)));

    let services = cluster.services(&namespace).await?;
    let unwell = services.iter().filter(|service| !service.healthy);
    report("services", services.len(), unwell.map(|service| format!("{} has nothing ready", service.name)));

    let dapr = cluster.dapr(&namespace).await?;
    let parts = dapr.components.iter().filter(|part| !part.healthy);
    let parts = parts.map(|part| format!("{} is {}", part.name, part.state));
    report("parts of Dapr", dapr.components.len(), parts);
    let sidecars = dapr.sidecars.iter().filter(|sidecar| *sidecar.state != DaprState::Healthy);
    let sidecars = sidecars.map(|sidecar| format!("that of {} is {}", sidecar.pod, sidecar.state));
    report("sidecars of Dapr", dapr.sidecars.len(), sidecars);
    Ok(())
}

fn report(what: &str, all: usize, unwell: impl Iterator<Item = String>) {
    let unwell: Vec<String> = unwell.collect();
    println!("{all} {what}, {} not well", unwell.len());
    for line in unwell {
        println!("  {line}");
    }
}
