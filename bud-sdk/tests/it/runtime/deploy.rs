//! Deploying a model on the platform as shipped: once, whatever happens on the way.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use bud_sdk::clusters::DeployClusterId;
use bud_sdk::endpoints::{Autoscaler, DeployModel, DeploymentStage, EndpointStatus, ModelDeployment};
use bud_sdk::permissions::PermissionLevel;
use bud_sdk::projects::NewMember;
use bud_sdk::workflows::{WorkflowStatus, WorkflowType};
use bud_sdk::{Client, ErrorKind};
use bud_testbed::{Fault, Testbed};
use serde_json::{Value, json};

use crate::common::{TOKEN, millis, plain, runtime, runtime_user};

const STEP: (&str, &str) = ("POST", "/models/deploy-workflow");
const WORKFLOW: (&str, &str) = ("GET", "/workflows/{id}");
const RECOMMENDED: (&str, &str) = ("GET", "/clusters/recommended/{id}");

fn local(bed: &Testbed) -> DeployModel {
    DeployModel::new(bed.local_model_id(), bed.project_id(), "Tiny EP 2")
}

fn quick(deployment: ModelDeployment) -> ModelDeployment {
    deployment.poll_interval(millis(2)).timeout(Duration::from_secs(20))
}

fn deploy(bud: &Client, model: DeployModel) -> ModelDeployment {
    quick(bud.endpoints().deploy_model(model))
}

/// The bodies of the steps that arrived.
fn steps(bed: &Testbed) -> Vec<Value> {
    bed.requests().iter().filter(|sent| sent.path == STEP.1).map(|sent| sent.json()).collect()
}

fn triggers(bed: &Testbed) -> usize {
    steps(bed).iter().filter(|step| step["trigger_workflow"] == true).count()
}

#[tokio::test]
async fn a_model_is_deployed_step_by_step() {
    let (bed, bud) = runtime(Testbed::builder().deploy_polls(2)).await;
    let told = Arc::new(Mutex::new(Vec::new()));
    let model = local(&bed).concurrent_requests(20).context_length(8000).ttft(1..=200);
    let mut updates = deploy(&bud, model.autoscaler(Autoscaler::between(1, 3)))
        .on_update({
            let told = Arc::clone(&told);
            move |update| told.lock().unwrap().push(update.stage.clone().unwrap().into_inner())
        })
        .updates();
    let mut seen = Vec::new();
    let mut last = None;
    while let Some(update) = updates.next().await {
        let update = update.unwrap();
        seen.push(update.stage.clone().unwrap().into_inner());
        last = Some(update);
    }
    let stages = {
        use DeploymentStage::*;
        [Begun, Named, Simulating, Simulating, ClusterChosen, Started, Deploying, Deploying, Deploying, Done]
    };
    assert_eq!(seen, stages);
    assert_eq!(*told.lock().unwrap(), seen);
    let endpoint = last.unwrap().endpoint.unwrap();
    assert_eq!(endpoint.name.as_deref(), Some("tiny-ep-2"));
    assert!(endpoint.is(&EndpointStatus::Running));
    assert_eq!(endpoint.project_id.unwrap().as_str(), bed.project_id());
    assert_eq!(bed.deployments_started(), 1);

    let workflow = updates.workflow().unwrap();
    let id = workflow.as_str();
    assert_eq!(
        steps(&bed),
        [
            json!({ "workflow_total_steps": 6, "step_number": 1, "model_id": bed.local_model_id() }),
            json!({ "workflow_id": id, "step_number": 2, "project_id": bed.project_id(), "endpoint_name": "Tiny EP 2" }),
            json!({
                "workflow_id": id, "step_number": 3, "hardware_mode": "dedicated",
                "deploy_config": {
                    "concurrent_requests": 20, "avg_context_length": 8000, "avg_sequence_length": 100,
                    "ttft": [1, 200],
                },
            }),
            json!({ "workflow_id": id, "step_number": 5, "cluster_id": bed.cluster_deploy_id() }),
            json!({
                "workflow_id": id, "step_number": 6, "trigger_workflow": true,
                "budaiscaler_specification": { "enabled": true, "minReplicas": 1, "maxReplicas": 3 },
            }),
        ]
    );
    let found = bud.workflows().get(&workflow).await.unwrap();
    assert!(found.is(&WorkflowStatus::Completed) && found.failure().is_none());
}

#[tokio::test]
async fn a_model_that_a_provider_runs_takes_a_key_and_no_cluster() {
    let (bed, bud) = runtime(Testbed::builder()).await;
    let cloud = || DeployModel::new(bed.cloud_model_id(), bed.project_id(), "cloud-ep");
    let error = deploy(&bud, cloud()).await.unwrap_err();
    assert_eq!((error.kind(), error.param()), (ErrorKind::InvalidArgument, Some("provider_key")));
    let with_key = || cloud().provider_key(bed.provider_credential_id());
    let error = deploy(&bud, with_key().on(bed.cluster_deploy_id())).await.unwrap_err();
    assert_eq!(error.param(), Some("cluster_id"));
    let left = bud.workflows().list().all().await.unwrap();
    assert_eq!(left.len(), 0, "what was begun in vain is taken back");

    let endpoint = deploy(&bud, with_key()).await.unwrap();
    assert_eq!((endpoint.name.as_deref(), endpoint.cluster_id), (Some("cloud-ep"), None));
    assert_eq!((bed.deployments_started(), bed.count(RECOMMENDED.0, RECOMMENDED.1)), (1, 0));
}

#[tokio::test]
async fn a_taken_name_is_refused_and_said_as_it_is_stored() {
    let (bed, bud) = runtime(Testbed::builder()).await;
    let model = DeployModel::new(bed.local_model_id(), bed.project_id(), "Llama 3 8B");
    let error = deploy(&bud, model).await.unwrap_err();
    assert_eq!((error.kind(), error.status()), (ErrorKind::Conflict, Some(400)));
    assert!(error.to_string().contains("An endpoint with this name already exists"), "{error}");
    assert!(error.to_string().contains("`llama-3-8b`"), "{error}");
    assert_eq!(bud.workflows().list().all().await.unwrap().len(), 0);
    assert_eq!(bed.deployments_started(), 0);
}

#[tokio::test]
async fn a_name_that_is_stored_as_another_ends_it() {
    let (bed, bud) = runtime(Testbed::builder()).await;
    let other = |body: &mut Value| body["workflow_steps"]["endpoint_name"] = "other".into();
    bed.fault(Fault::on(STEP.0, STEP.1).nth(2).edit(other));
    let error = deploy(&bud, local(&bed)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict);
    assert!(error.message().contains("`other`") && error.message().contains("`tiny-ep-2`"), "{error}");
    assert_eq!(bed.deployments_started(), 0);
}

#[tokio::test]
async fn the_callers_cluster_is_taken_and_another_id_of_it_is_not() {
    let (bed, bud) = runtime(Testbed::builder().deploy_polls(0)).await;
    let error = deploy(&bud, local(&bed).on(bed.cluster_id())).await.unwrap_err();
    assert!(error.is_not_found());
    assert!(error.to_string().contains("cluster_id of the cluster, not its id"), "{error}");
    let cluster = bud.clusters().get(bed.cluster_id()).await.unwrap().cluster_id.unwrap();
    deploy(&bud, local(&bed).on(&cluster)).await.unwrap();
    assert_eq!(DeployClusterId::new(bed.cluster_deploy_id()), cluster);
}

#[tokio::test]
async fn who_is_no_superuser_deploys_with_the_right_of_the_project() {
    let (bed, bud) = runtime(Testbed::builder().deploy_polls(1)).await;
    let user = bed.seed_user("ADMIN");
    let member = NewMember::user(user.id.as_str(), PermissionLevel::Edit);
    bud.projects().add_members(bed.project_id(), [member]).await.unwrap();
    bed.clear_requests();
    deploy(&runtime_user(&bed, &user.email, &user.password), local(&bed)).await.unwrap();
    let scoped = |path: &str| {
        let mut sent = bed.requests();
        sent.retain(|sent| sent.path == path);
        sent.iter().all(|sent| sent.header("x-entity-id") == Some(&bed.project_id())) && !sent.is_empty()
    };
    assert!(scoped(STEP.1) && scoped("/endpoints/"));
}

#[tokio::test]
async fn outages_and_expired_tokens_do_not_end_it() {
    let (bed, bud) = runtime(Testbed::builder().deploy_polls(2)).await;
    bed.fault(Fault::on(RECOMMENDED.0, RECOMMENDED.1).status(500).times(4));
    bed.fault(Fault::on(WORKFLOW.0, WORKFLOW.1).reset().times(3));
    bed.fault(Fault::on(WORKFLOW.0, WORKFLOW.1).nth(8).status(503).times(4));
    let mut updates = deploy(&bud, local(&bed)).updates();
    while let Some(update) = updates.next().await {
        if update.unwrap().stage.as_deref() == Some(&DeploymentStage::Simulating) {
            bed.expire_tokens();
        }
    }
    assert_eq!((bed.deployments_started(), triggers(&bed)), (1, 1));
}

#[tokio::test]
async fn a_simulation_that_fails_or_finds_nothing_ends_it() {
    let step = |status: &str, message: &str| json!({ "id": "run", "title": "Run", "payload": { "content": { "status": status, "message": message } } });
    for (step, words) in [
        (step("FAILED", "no device has enough memory"), "no device has enough memory"),
        (step("COMPLETED", "done"), "no cluster would be good enough"),
    ] {
        let (bed, bud) = runtime(Testbed::builder()).await;
        bed.fault(Fault::on(WORKFLOW.0, WORKFLOW.1).always().edit(move |body| {
            body["workflow_steps"]["bud_simulator_events"]["steps"] = json!([step]);
        }));
        let none = |body: &mut Value| (body["clusters"], body["status"]) = (json!([]), "success".into());
        bed.fault(Fault::on(RECOMMENDED.0, RECOMMENDED.1).always().edit(none));
        let error = deploy(&bud, local(&bed)).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::OperationFailed);
        assert!(error.message().contains(words), "{error}");
        assert_eq!((bed.deployments_started(), error.cursor()), (0, None));
    }
}

#[tokio::test]
async fn clusters_are_chosen_when_the_simulator_is_done_or_two_looks_agree_on_them() {
    let (bed, bud) = runtime(Testbed::builder().deploy_polls(0)).await;
    let step = |status: &str| json!({ "id": "run", "payload": { "content": { "status": status } } });
    let half = json!([step("COMPLETED"), { "id": "rank", "payload": {} }]);
    bed.fault(Fault::on(WORKFLOW.0, WORKFLOW.1).times(4).edit(move |body| {
        body["workflow_steps"]["bud_simulator_events"]["steps"] = half.clone();
    }));
    let other = |body: &mut Value| body["clusters"][0]["cluster_id"] = "another".into();
    bed.fault(Fault::on(RECOMMENDED.0, RECOMMENDED.1).nth(2).edit(other));
    deploy(&bud, local(&bed)).await.unwrap();
    // None, another, the last one, and that again.
    assert_eq!(bed.count(RECOMMENDED.0, RECOMMENDED.1), 4, "an event that is missing may be lost");
}

#[tokio::test]
async fn a_deployment_that_fails_ends_it_with_the_reason() {
    // As the workflow says it.
    let (bed, bud) = runtime(Testbed::builder().deploy_polls(3).fail_deployment_at(1, "no GPU left")).await;
    let error = deploy(&bud, local(&bed)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::OperationFailed);
    assert!(error.message().contains("no GPU left"), "{error}");
    assert!(error.cursor().is_some(), "the workflow can be looked at");
    // As the service at work says it, while the workflow stays in progress.
    let (bed, bud) = runtime(Testbed::builder().deploy_polls(50)).await;
    let said =
        json!({ "content": { "status": "FAILED", "title": "Deploying", "message": "image pull failed" } });
    bed.fault(Fault::on(WORKFLOW.0, WORKFLOW.1).nth(5).always().edit(move |body| {
        body["workflow_steps"]["budserve_cluster_events"]["steps"][1]["payload"] = said.clone();
    }));
    let error = deploy(&bud, local(&bed)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::OperationFailed);
    assert!(error.message().contains("image pull failed"), "{error}");
}

#[tokio::test]
async fn a_lost_answer_to_what_starts_it_starts_nothing_twice() {
    for fault in [
        Fault::on(STEP.0, STEP.1).nth(5).reset().applied(),
        Fault::on(STEP.0, STEP.1).nth(5).status(504).applied(),
    ] {
        let (bed, bud) = runtime(Testbed::builder().deploy_polls(2)).await;
        bed.fault(fault);
        let endpoint = deploy(&bud, local(&bed)).await.unwrap();
        assert_eq!(endpoint.name.as_deref(), Some("tiny-ep-2"));
        assert_eq!((bed.deployments_started(), triggers(&bed)), (1, 1));
    }
}

#[tokio::test]
async fn what_may_not_have_arrived_is_not_sent_again_but_by_the_caller() {
    let (bed, bud) = runtime(Testbed::builder().deploy_polls(0)).await;
    bed.fault(Fault::on(STEP.0, STEP.1).nth(5).reset());
    let deployment =
        bud.endpoints().deploy_model(local(&bed)).poll_interval(millis(2)).timeout(Duration::from_secs(3));
    let error = deployment.await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unconfirmed, "{error}");
    assert_eq!((bed.deployments_started(), triggers(&bed)), (0, 1));
    let workflow = error.cursor().unwrap().to_owned();
    assert!(error.to_string().contains(&workflow), "{error}");
    deploy(&bud, local(&bed)).resume(workflow).await.unwrap();
    assert_eq!((bed.deployments_started(), triggers(&bed)), (1, 2));
}

#[tokio::test]
async fn after_its_deadline_it_is_resumed_and_not_started_again() {
    let (bed, bud) = runtime(Testbed::builder().deploy_polls(100_000)).await;
    let deployment =
        bud.endpoints().deploy_model(local(&bed)).poll_interval(millis(2)).timeout(Duration::from_secs(3));
    let error = deployment.await.unwrap_err();
    assert_eq!((error.kind(), error.operation()), (ErrorKind::PollTimeout, Some("endpoints.deploy_model")));
    let workflow = error.cursor().unwrap().to_owned();
    assert!(error.hint().unwrap().contains(&workflow), "{error}");
    assert!(error.message().contains("in_progress, step 7 of 6"), "{error}");

    let done = |body: &mut Value| body["status"] = "completed".into();
    bed.fault(Fault::on(WORKFLOW.0, WORKFLOW.1).nth(3).always().edit(done));
    bed.seed_endpoint(&bed.project_id(), "tiny-ep-2");
    bed.clear_requests();
    let endpoint = deploy(&bud, local(&bed)).resume(workflow).await.unwrap();
    assert_eq!(endpoint.name.as_deref(), Some("tiny-ep-2"));
    assert_eq!((steps(&bed).len(), bed.deployments_started()), (0, 1));
}

#[tokio::test]
async fn a_step_that_failed_is_taken_again_when_it_is_resumed() {
    // Broken off at each step: the first begins a workflow that nobody knows of.
    for broken in 2..=4 {
        let (bed, bud) = runtime(Testbed::builder().deploy_polls(0)).await;
        bed.fault(Fault::on(STEP.0, STEP.1).nth(broken).status(503));
        let error = deploy(&bud, local(&bed)).await.unwrap_err();
        assert_eq!((error.kind(), error.status()), (ErrorKind::Server, Some(503)));
        let workflow = error.cursor().unwrap().to_owned();
        deploy(&bud, local(&bed)).resume(workflow.as_str()).await.unwrap();
        let sent = steps(&bed);
        let taken = |name: &str| sent.iter().filter(|step| !step[name].is_null()).count();
        assert_eq!(taken("workflow_total_steps"), 1);
        assert_eq!(
            taken("endpoint_name"),
            if broken == 2 { 2 } else { 1 },
            "a stored name is not sent again"
        );
        assert_eq!((taken("trigger_workflow"), bed.deployments_started()), (1, 1));
    }
}

#[tokio::test]
async fn a_workflow_about_something_else_is_not_resumed() {
    let (bed, bud) = runtime(Testbed::builder()).await;
    bed.fault(Fault::on(STEP.0, STEP.1).nth(3).status(503));
    let error = deploy(&bud, local(&bed)).await.unwrap_err();
    let workflow = error.cursor().unwrap().to_owned();
    let resume = |model: DeployModel| deploy(&bud, model).resume(workflow.as_str());
    let (model, project) = (bed.local_model_id(), bed.project_id());
    for (other, param) in [
        (DeployModel::new(model.as_str(), project.as_str(), "other"), "name"),
        (DeployModel::new(bed.cloud_model_id(), project.as_str(), "tiny-ep-2"), "model_id"),
        (DeployModel::new(model.as_str(), "p-2", "tiny-ep-2"), "project_id"),
    ] {
        assert_eq!(resume(other).await.unwrap_err().param(), Some(param));
    }
    let error = deploy(&bud, local(&bed)).resume("00000000-0000-4000-8000-000000000000").await.unwrap_err();
    assert!(error.is_not_found(), "{error}");
    assert_eq!(bud.workflows().list().all().await.unwrap().len(), 1, "it is there as before");
    resume(local(&bed)).await.unwrap();
}

#[tokio::test]
async fn it_is_cancelled_until_it_is_started() {
    let (bed, bud) = runtime(Testbed::builder().deploy_polls(5)).await;
    let begin = async |until: DeploymentStage| {
        let mut updates = deploy(&bud, local(&bed)).updates();
        loop {
            let update = updates.next().await.unwrap().unwrap();
            if update.stage.as_deref() == Some(&until) {
                return updates;
            }
        }
    };
    let updates = begin(DeploymentStage::Simulating).await;
    let workflow = updates.workflow().unwrap();
    updates.cancel().await.unwrap();
    assert!(bud.workflows().get(&workflow).await.unwrap_err().is_not_found());
    assert_eq!(bed.deployments_started(), 0);

    let updates = begin(DeploymentStage::Started).await;
    let workflow = updates.workflow().unwrap();
    let error = updates.cancel().await.unwrap_err();
    assert!(error.is_conflict() && error.hint().unwrap().contains("undeploy"), "{error}");
    assert!(bud.workflows().get(&workflow).await.unwrap().is(&WorkflowStatus::InProgress));

    // Nor by who resumes it, from the first update on.
    let mut updates = deploy(&bud, local(&bed)).resume(workflow.as_str()).updates();
    let first = updates.next().await.unwrap().unwrap();
    assert_eq!(first.stage.as_deref(), Some(&DeploymentStage::Begun));
    assert!(updates.cancel().await.unwrap_err().is_conflict());
    assert!(bud.workflows().get(&workflow).await.unwrap().is(&WorkflowStatus::InProgress));
}

#[tokio::test]
async fn what_is_wrong_is_refused_before_any_request() {
    let (bed, bud) = runtime(Testbed::builder()).await;
    let model = || local(&bed);
    for (deployment, param) in [
        (bud.endpoints().deploy_model(DeployModel::new("m", "p", "a_b")), "name"),
        (bud.endpoints().deploy_model(model().concurrent_requests(0)), "concurrent_requests"),
        (bud.endpoints().deploy_model(model()).timeout(Duration::ZERO), "timeout"),
        (bud.endpoints().deploy_model(model()).poll_interval(Duration::ZERO), "poll_interval"),
        (bud.endpoints().deploy_model(model()).resume("../w"), "workflow_id"),
    ] {
        let error = deployment.await.unwrap_err();
        assert_eq!((error.kind(), error.param()), (ErrorKind::InvalidArgument, Some(param)));
    }
    assert_eq!(bed.requests(), []);
}

#[tokio::test]
async fn on_the_documented_api_it_names_what_to_use_instead() {
    let bed = Testbed::builder().start().await.unwrap();
    let bud = plain(bed.url()).bearer_token(TOKEN).build().unwrap();
    let error = bud.endpoints().deploy_model(DeployModel::new("m", "p", "n")).await.unwrap_err();
    assert_eq!((error.kind(), error.operation()), (ErrorKind::Unsupported, Some("endpoints.deploy_model")));
    assert!(error.to_string().contains("endpoints.deploy"), "{error}");
    assert_eq!(bed.requests(), []);
}

#[tokio::test]
async fn workflows_are_read_listed_and_taken_back() {
    let (bed, bud) = runtime(Testbed::builder().deploy_polls(5)).await;
    let mut updates = deploy(&bud, local(&bed)).updates();
    while updates.next().await.unwrap().unwrap().stage.as_deref() != Some(&DeploymentStage::Named) {}
    let id = updates.workflow().unwrap();
    let workflow = bud.workflows().get(&id).await.unwrap();
    assert_eq!((&workflow.id, workflow.current_step, workflow.total_steps), (&id, Some(2), Some(6)));
    let steps = workflow.steps.unwrap();
    assert_eq!(steps.endpoint_name.as_deref(), Some("tiny-ep-2"));
    assert_eq!(steps.project.unwrap().id.as_str(), bed.project_id());
    assert_eq!(steps.model.unwrap().id.as_str(), bed.local_model_id());

    let listed = bud.workflows().list().workflow_type(WorkflowType::ModelDeployment).all().await.unwrap();
    assert_eq!(listed.len(), 1);
    assert_eq!((&listed[0].id, listed[0].title.as_deref()), (&id, Some("tiny-ep-2")));
    assert_eq!(
        bud.workflows().list().workflow_type(WorkflowType::AddWorkerToEndpoint).all().await.unwrap().len(),
        0
    );

    bud.workflows().cancel(&id).await.unwrap();
    let error = bud.workflows().get(&id).await.unwrap_err();
    assert_eq!((error.kind(), error.status()), (ErrorKind::NotFound, Some(400)), "so it says that");
    assert_eq!(bud.workflows().cancel(&id).await.unwrap_err().kind(), ErrorKind::NotFound);
}
