//! Restarts a service that does not respond, after a look at its pods and at what it and its sidecar wrote last, and waits
//! for the new pods. Guide section 10.1.
//!
//! ```sh
//! cargo run --example restart_service --features kubernetes -- budapp --namespace bud-system --context NAME
//! ```
//!
//! The cluster is that of `KUBECONFIG`, else of `~/.kube/config`, by its current context unless `--context` names
//! another.

mod support;

use std::time::Duration;

use bud_sdk::kubernetes::Namespaces;

#[tokio::main]
async fn main() -> support::Result<()> {
    let cluster = support::connect().await?;
    let namespace = support::namespace("bud-system");
    // The chart puts the release's name before that of the service, and names the label like the deployment.
    let deployment = cluster.find(&namespace, &support::argument(1, "budapp")).await?;
    let scope = Namespaces::one(&namespace).labels(format!("app={deployment}"));

    for pod in cluster.pods(scope).await? {
        println!("{} {}/{} {}", pod.name, pod.ready, pod.containers, pod.status);
        for container in pod.container_names {
            let logs = cluster.logs(&namespace, format!("pod/{}", pod.name)).container(&container);
            for line in logs.tail(5).await? {
                println!("  {container}: {}", line.text);
            }
        }
    }
    let before = cluster.rollout(&namespace, &deployment).await?;
    println!("{deployment} is {}", before.state);

    cluster.restart(&namespace, &deployment).await?;
    println!("{deployment} is restarted");
    let after = cluster.wait_for_rollout(&namespace, &deployment, Duration::from_secs(600)).await?;
    println!("{deployment} is {}, {} of {} available", after.state, after.available, after.replicas);
    Ok(())
}
