//! Reads several clusters at once and says how each of them is. Guide sections 2.1 and 2.2.
//!
//! ```sh
//! cargo run --example report_clusters --features kubernetes -- CONTEXT CONTEXT...
//! ```
//!
//! The clusters are those of these contexts of `KUBECONFIG`, else of `~/.kube/config`. Exits as `cluster_report` does for the
//! worst of them.

mod support;

use std::process::ExitCode;

#[tokio::main]
async fn main() -> support::Result<ExitCode> {
    let contexts: Vec<String> = std::env::args().skip(1).collect();
    let fleet = support::connect().await?.reports(contexts).await?;
    for member in &fleet.clusters {
        match (&member.report, &member.error) {
            (Some(report), _) => {
                let found = &report.summary;
                println!(
                    "{}: {}, {} critical, {} errors, {} warnings",
                    member.context, report.verdict, found.critical, found.error, found.warning
                );
            }
            (None, error) => println!("{}: {}", member.context, support::known(error.as_deref())),
        }
    }
    Ok(ExitCode::from(fleet.exit_code()))
}
