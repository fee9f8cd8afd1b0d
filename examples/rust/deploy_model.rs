//! Deploys a model on the platform as shipped and shows how far it is. Guide sections 5.1 and 5.2.
//!
//! ```sh
//! export BUD_BASE_URL=https://api.bud.example.com BUD_EMAIL=admin@example.com BUD_PASSWORD=...
//! cargo run --example deploy_model -- MODEL_ID PROJECT_ID NAME
//! cargo run --example deploy_model -- MODEL_ID PROJECT_ID NAME WORKFLOW_ID_TO_RESUME
//! ```
//!
//! Without `BUD_BASE_URL` it runs on an embedded test server, and needs no arguments. On the API that the guide documents
//! endpoints are deployed instead: see `deploy_and_wait`.

mod support;

use std::time::Duration;

use bud_sdk::endpoints::DeployModel;
use bud_testbed::Flavor;
use support::Failure;

#[tokio::main]
async fn main() -> support::Result<()> {
    let platform = support::connect_or(Flavor::Runtime).await?;
    let model = platform.argument(1, "the model's id", |demo| demo.model.clone())?;
    let project = platform.argument(2, "the project's id", |demo| demo.project.clone())?;
    let name = platform.argument(3, "a name for the endpoint", |_| "Day Two Chat".to_owned())?;

    // What it is to be good for decides how large it becomes, and where it goes.
    let model = DeployModel::new(model, project, name).concurrent_requests(10).context_length(4000);
    let mut deployment = platform.bud.endpoints().deploy_model(model).timeout(Duration::from_secs(3600));
    if platform.demo.is_some() {
        deployment = deployment.poll_interval(Duration::from_millis(100));
    }
    if let Some(workflow) = std::env::args().nth(4) {
        deployment = deployment.resume(workflow);
    }

    let mut updates = deployment.updates();
    while let Some(update) = updates.next().await {
        // What starts the deployment is never sent twice; whatever happens, the workflow can be taken up again.
        let update = update.map_err(|error| match error.cursor() {
            Some(workflow) => Failure::new(format!("{error}\nResume it with the workflow {workflow}")),
            None => error.into(),
        })?;
        let stage = update.stage.map(|stage| stage.to_string()).unwrap_or_default();
        println!("{stage:<15} {}", update.detail.unwrap_or_default());
        if let Some(endpoint) = update.endpoint {
            let status = endpoint.status.as_ref().map_or("unknown", |status| status.raw());
            println!("{} is {status}", endpoint.name.as_deref().unwrap_or(endpoint.id.as_str()));
        }
    }
    Ok(())
}
