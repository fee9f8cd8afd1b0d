//! Looks for what is wrong with the database: the pods of PostgreSQL, a connection from a service's pod, and how full the
//! connection pool is. Guide sections 2.1 and 10.2.
//!
//! ```sh
//! cargo run --example postgres_pool --features kubernetes -- budapp --namespace bud-system --database bud-data --context NAME
//! ```
//!
//! The cluster is that of `KUBECONFIG`, else of `~/.kube/config`, by its current context unless `--context` names
//! another.

mod support;

use bud_sdk::kubernetes::Namespaces;

/// What the guide runs looks for `budapp.db`, which the platform as shipped does not have.
const PROBE: &str =
    "from budapp.commons.database import get_engine; get_engine().connect().close(); print('OK')";

#[tokio::main]
async fn main() -> support::Result<()> {
    let cluster = support::connect().await?;
    let service = support::argument(1, "budapp");
    let database = support::option("--database").unwrap_or_else(|| "bud-data".to_owned());

    // The label of its chart; where it was installed as the guide has it, `app=postgresql`.
    let scope = Namespaces::one(&database).labels("app.kubernetes.io/name=postgresql");
    for pod in cluster.pods(scope).await? {
        println!("{} {}/{} {}", pod.name, pod.ready, pod.containers, pod.status);
    }

    let command = ["python", "-c", PROBE];
    let probe = cluster.exec(support::namespace("bud-system"), &service, command).await?;
    let said = if probe.exit_code == 0 { &probe.stdout } else { &probe.stderr };
    println!("from {service}: {} (exit code {})", said.trim(), probe.exit_code);

    let pool = cluster.postgres(&database).await?;
    println!("{} of {} connections, {:.0}%", pool.connections, pool.most, pool.used_percent);
    println!("{} active, {} idle, {} wait for a lock", pool.active, pool.idle, pool.waiting_for_lock);
    println!("{} idle in a transaction for long", pool.idle_in_transaction_long);
    // From here on the guide warns.
    if pool.used_percent > 80.0 {
        println!("the pool is nearly full");
    }
    Ok(())
}
