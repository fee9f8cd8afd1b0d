//! Shows the pods that run models, and how busy their GPUs are, as nvidia-smi tells it inside of them. Guide section 10.3.
//!
//! ```sh
//! cargo run --example check_engines --features kubernetes -- --context NAME
//! ```
//!
//! The cluster is that of `KUBECONFIG`, else of `~/.kube/config`, by its current context unless `--context` names
//! another.

mod support;

use support::known;

#[tokio::main]
async fn main() -> support::Result<()> {
    let cluster = support::connect().await?;
    for pod in cluster.engine_pods().await? {
        println!("{}/{} is {} on {}", pod.namespace, pod.name, pod.status, known(pod.node));
        if !pod.healthy {
            println!("  {}", pod.message.unwrap_or_default());
            continue;
        }
        match cluster.gpu_readings(&pod.namespace, &format!("pod/{}", pod.name)).await {
            Ok(gpus) => {
                for gpu in gpus {
                    println!(
                        "  GPU {} {}: {}% busy, {} of {} MiB, {} °C",
                        known(gpu.index),
                        known(gpu.name),
                        known(gpu.utilization_percent),
                        known(gpu.memory_used_mib),
                        known(gpu.memory_total_mib),
                        known(gpu.temperature_celsius)
                    );
                }
            }
            // An image without nvidia-smi, say. The next pod may tell more.
            Err(error) => println!("  {error}"),
        }
    }
    Ok(())
}
