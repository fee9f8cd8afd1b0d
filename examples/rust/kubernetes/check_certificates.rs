//! Shows when certificates end, those that end first first. Guide section 8.2.
//!
//! ```sh
//! cargo run --example check_certificates --features kubernetes -- --context NAME
//! ```
//!
//! The cluster is that of `KUBECONFIG`, else of `~/.kube/config`, by its current context unless `--context` names
//! another.

mod support;

use bud_sdk::kubernetes::Namespaces;

#[tokio::main]
async fn main() -> support::Result<()> {
    let cluster = support::connect().await?;
    for one in cluster.certificates(Namespaces::all()).await? {
        let left = one.days_left.map_or_else(|| "?".to_owned(), |days| format!("{days:.0}"));
        println!("{}/{} is {}, days left: {left}, from {}", one.namespace, one.name, one.state, one.issuer);
        if let Some(message) = one.message.filter(|_| !one.ready) {
            println!("  {message}");
        }
    }
    Ok(())
}
