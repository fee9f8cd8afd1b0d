//! Starts both servers for tests in other languages, prints where they are as one line of JSON, and ends with its standard input.
//! If their programs are missing, it says so and ends with 77.

use std::process::ExitCode;

use bud_monitoring_testbed::{Alertmanager, Outcome, PASSWORD, PLANTED_AT, Prometheus, USERNAME, programs};
use serde_json::json;
use tokio::io::AsyncReadExt;

#[tokio::main]
async fn main() -> ExitCode {
    if let Err(missing) = programs() {
        println!("{missing}");
        return ExitCode::from(77);
    }
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(reason) => {
            eprintln!("{reason}");
            ExitCode::FAILURE
        }
    }
}

async fn run() -> Outcome {
    let (prometheus, alertmanager) = (Prometheus::start().await?, Alertmanager::start().await?);
    let places = json!({
        "prometheus": { "url": prometheus.url, "version": prometheus.version, "planted_at": PLANTED_AT },
        "alertmanager": { "url": alertmanager.url, "username": USERNAME, "password": PASSWORD },
    });
    println!("{places}");
    let mut rest = Vec::new();
    tokio::io::stdin().read_to_end(&mut rest).await.map(drop).map_err(|error| error.to_string())
}
