//! Reads a whole cluster and says what is wrong, why, and what to do. Guide sections 2.1, 2.2, 6.2, 8.2 and 10.
//!
//! ```sh
//! cargo run --example cluster_report --features kubernetes -- --demo
//! cargo run --example cluster_report --features kubernetes -- --context NAME --format html > report.html
//! ```
//!
//! The cluster is that of `KUBECONFIG`, else of `~/.kube/config`, by its current context unless `--context` names another.
//! `--demo` starts a server with a broken cluster instead. `--format` is `text`, `json` or `html`. Exits with 0 where all is
//! well, 3 for errors, 4 for warnings, 5 where something could not be read.

mod support;

use std::io;
use std::process::ExitCode;

use bud_kubernetes_testbed::{Objects, Scripted};
use bud_sdk::diagnostics::ReportUpdate;
use bud_sdk::kubernetes::Cluster;

#[tokio::main]
async fn main() -> support::Result<ExitCode> {
    let demo = match std::env::args().any(|arg| arg == "--demo") {
        true => Some(Scripted::start(Objects::broken()).await.map_err(io::Error::other)?),
        false => None,
    };
    let cluster = match &demo {
        Some(demo) => Cluster::builder().kubeconfig(demo.kubeconfig()).connect().await?,
        None => support::connect().await?,
    };
    let report = cluster.report().on_update(|update| {
        if let ReportUpdate::Read { kind, objects } = update {
            eprintln!("{objects} {kind}");
        }
    });
    let report = report.await?;
    match support::option("--format").as_deref() {
        Some("json") => println!("{}", report.to_json()),
        Some("html") => println!("{}", report.to_html_page()),
        _ => print!("{}", report.to_text().color_if_terminal(&io::stdout())),
    }
    Ok(ExitCode::from(report.exit_code()))
}
