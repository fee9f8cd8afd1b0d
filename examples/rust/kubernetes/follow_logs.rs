//! Shows what a service writes, from the last lines on, until Ctrl-C. It goes on when the pod is restarted or replaced. Guide
//! sections 9.4 and 10.1.
//!
//! ```sh
//! cargo run --example follow_logs --features kubernetes -- budapp --namespace bud-system --context NAME
//! cargo run --example follow_logs --features kubernetes -- budapp --container daprd --tail 20 --seconds 60
//! ```
//!
//! The cluster is that of `KUBECONFIG`, else of `~/.kube/config`, by its current context unless `--context` names
//! another.

mod support;

use std::time::Duration;

#[tokio::main]
async fn main() -> support::Result<()> {
    let cluster = support::connect().await?;
    let service = support::argument(1, "budapp");
    let tail = support::option("--tail").map_or(Ok(100), |lines| lines.parse())?;
    let seconds = support::option("--seconds").map_or(Ok(3600), |seconds| seconds.parse())?;

    let mut logs = cluster.logs(support::namespace("bud-system"), service).tail(tail);
    if let Some(container) = support::option("--container") {
        logs = logs.container(container);
    }
    let mut lines = logs.timeout(Duration::from_secs(seconds)).follow();
    while let Some(line) = lines.next().await {
        let line = line?;
        println!("{} {}", line.container, line.text);
    }
    Ok(())
}
