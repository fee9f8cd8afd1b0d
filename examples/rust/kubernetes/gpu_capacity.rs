//! Shows the GPUs of each node: how many there are, may be given out, are asked for, and are free. Guide section 6.2.
//!
//! ```sh
//! cargo run --example gpu_capacity --features kubernetes -- --context NAME
//! ```
//!
//! The cluster is that of `KUBECONFIG`, else of `~/.kube/config`, by its current context unless `--context` names
//! another.

mod support;

use support::known;

#[tokio::main]
async fn main() -> support::Result<()> {
    let cluster = support::connect().await?;
    println!("{:<24} {:<20} CAPACITY ALLOCATABLE REQUESTED FREE PRODUCT", "NODE", "RESOURCE");
    let mut free = 0;
    for gpus in cluster.gpus().await? {
        let (name, resource, product) = (&gpus.node, &gpus.resource, known(gpus.product));
        let (capacity, allocatable) = (gpus.capacity, gpus.allocatable);
        println!(
            "{name:<24} {resource:<20} {capacity:>8} {allocatable:>11} {:>9} {:>4} {product}",
            gpus.requested, gpus.free
        );
        // Nothing new is placed on a node that is cordoned.
        free += if gpus.schedulable { gpus.free } else { 0 };
    }
    println!("{free} free for new pods");
    Ok(())
}
