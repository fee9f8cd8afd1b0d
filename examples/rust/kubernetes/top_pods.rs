//! Shows what nodes and a namespace's pods use, the largest first. Guide section 2.2.
//!
//! ```sh
//! cargo run --example top_pods --features kubernetes -- --namespace bud-system --context NAME
//! ```
//!
//! The cluster is that of `KUBECONFIG`, else of `~/.kube/config`, by its current context unless `--context` names
//! another.

mod support;

use support::known;

#[tokio::main]
async fn main() -> support::Result<()> {
    let cluster = support::connect().await?;
    for node in cluster.top_nodes().await? {
        let (cpu, memory) = (known(node.cpu_percent), known(node.memory_percent));
        println!("node {}: CPU {cpu}%, memory {memory}%", node.name);
    }

    let mut pods = cluster.top_pods(support::namespace("bud-system")).await?;
    pods.sort_by_key(|pod| std::cmp::Reverse(pod.memory_bytes));
    for pod in pods {
        println!("{}: CPU {}m, memory {}Mi", pod.name, pod.cpu_millis, pod.memory_bytes >> 20);
        for container in pod.containers {
            println!("  {} {}m {}Mi", container.name, container.cpu_millis, container.memory_bytes >> 20);
        }
    }
    Ok(())
}
