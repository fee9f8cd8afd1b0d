//! Endpoints of the platform as shipped: who reaches them, how they are scaled, and how they go.

use std::time::Duration;

use bud_sdk::endpoints::{
    Autoscaler, CostLimits, Endpoint, EndpointStatus, GpuScaling, MetricSource, MetricSourceType, Prediction,
    ScaleToZero, ScalingBehavior, ScalingPolicy, ScalingRule, ScalingStrategy, ScheduleHint,
};
use bud_sdk::permissions::PermissionLevel;
use bud_sdk::projects::NewMember;
use bud_sdk::{Client, ErrorKind, Result};
use bud_testbed::{Fault, Script, Testbed, Wire, respond_json};
use serde_json::json;

use crate::common::{TOKEN, millis, runtime, runtime_user};

const DETAIL: (&str, &str) = ("GET", "/endpoints/{id}/model-cluster-detail");
const DELETE: (&str, &str) = ("POST", "/endpoints/{id}/delete-workflow");

/// One who is no superuser, and a member of the first project.
async fn member(bed: &Testbed, bud: &Client) -> Client {
    let user = bed.seed_user("ADMIN");
    let member = NewMember::user(user.id.as_str(), PermissionLevel::Edit);
    bud.projects().add_members(bed.project_id(), [member]).await.unwrap();
    runtime_user(bed, &user.email, &user.password)
}

fn quick(wait: bud_sdk::endpoints::EndpointWait) -> bud_sdk::endpoints::EndpointWait {
    wait.poll_interval(millis(2)).timeout(Duration::from_secs(20))
}

#[tokio::test]
async fn the_endpoints_of_a_project_and_one_of_them() {
    let (bed, bud) = runtime(Testbed::builder()).await;
    let listed = bud.projects().endpoints(bed.project_id()).all().await.unwrap();
    assert_eq!(listed.len(), 3);
    let first = &listed[0];
    assert_eq!(first.project_id.as_ref().unwrap().as_str(), bed.project_id(), "as it was asked for");
    assert_eq!(first.model_id, first.model.as_ref().map(|model| model.id.clone()));
    let cluster = first.cluster.as_ref().unwrap();
    assert_eq!(first.cluster_id.as_ref(), Some(&cluster.id));
    assert_ne!(cluster.cluster_id.as_ref().unwrap().as_str(), cluster.id.as_str());
    assert!(first.updated_at.is_some() && first.is(&EndpointStatus::Running));
    let status = first.status.as_ref().unwrap();
    assert_eq!(status.raw(), "running", "the server's spelling is kept");

    let one = bud.endpoints().get(first).await.unwrap();
    assert_eq!((&one.id, &one.name, &one.model_id), (&first.id, &first.name, &first.model_id));
    let config = one.deployment_config.unwrap();
    assert_eq!((config.concurrent_requests, config.avg_context_length), (Some(1), Some(1000)));
    assert!(one.model.unwrap().supported_endpoints["chat"].enabled.unwrap());

    let failed = bud.endpoints().list().status(EndpointStatus::Failed).all().await.unwrap();
    assert_eq!(failed.len(), 0);
    let stopped = bud.endpoints().list().status(EndpointStatus::Stopped).all().await.unwrap_err();
    assert_eq!((stopped.kind(), stopped.param()), (ErrorKind::InvalidArgument, Some("status")));
}

#[tokio::test]
async fn who_is_no_superuser_says_which_project_gives_the_right() {
    let (bed, bud) = runtime(Testbed::builder().deploy_polls(1)).await;
    let (project, id) = (bed.project_id(), bed.endpoint_ids().remove(0));
    let member = member(&bed, &bud).await;
    let endpoints = member.endpoints();

    let denied = ErrorKind::PermissionDenied;
    assert_eq!(endpoints.get(&id).await.unwrap_err().kind(), denied);
    // The list alone needs no project: it is of the projects that the caller is a member of.
    assert_eq!(endpoints.list().all().await.unwrap().len(), 3);
    assert_eq!(endpoints.scale(&id, 2).await.unwrap_err().kind(), denied);
    assert_eq!(endpoints.undeploy(&id).await.unwrap_err().kind(), denied);
    assert_eq!(endpoints.wait(&id).await.unwrap_err().kind(), denied);
    assert_eq!(endpoints.autoscaler(&id).await.unwrap_err().kind(), denied);

    assert_eq!(member.projects().endpoints(&project).all().await.unwrap().len(), 3);
    assert_eq!(endpoints.list().project(&project).all().await.unwrap().len(), 3);
    endpoints.get(&id).project(&project).await.unwrap();
    endpoints.scale(&id, 2).project(&project).await.unwrap();
    quick(endpoints.wait(&id).project(&project).replicas(2)).await.unwrap();
    assert_eq!(endpoints.workers(&id).project(&project).all().await.unwrap().len(), 2);
    endpoints.autoscale(&id, Autoscaler::off()).project(&project).await.unwrap();
    let scaling = endpoints.autoscaler(&id).project(&project).await.unwrap();
    assert_eq!(scaling.budaiscaler_config.unwrap().enabled, Some(false));
    let going = endpoints.undeploy(&id).project(&project).await.unwrap();
    let wait = endpoints.wait(&id).project(&project).after(&going);
    quick(wait.until(EndpointStatus::Stopped)).await.unwrap();
}

#[tokio::test]
async fn scaling_pins_the_autoscaler_and_the_replicas_are_counted() {
    let (bed, bud) = runtime(Testbed::builder().deploy_polls(3)).await;
    let id = bed.endpoint_ids().remove(0);
    bud.endpoints().autoscale(&id, Autoscaler::between(1, 9).strategy(ScalingStrategy::Hpa)).await.unwrap();

    let answered = bud.endpoints().scale(&id, 3).await.unwrap();
    assert!(answered.is(&EndpointStatus::Running));
    assert_eq!(answered.replicas, None, "that the server does not tell");
    let scaled = quick(bud.endpoints().wait(&id).after(&answered).replicas(3)).await.unwrap();
    assert_eq!(scaled.replicas, Some(3));
    assert!(bed.count("GET", "/endpoints/{id}/workers") > 1, "at the first look it had the old number");

    let pinned = bud.endpoints().autoscaler(&id).await.unwrap().budaiscaler_config.unwrap();
    assert_eq!((pinned.min_replicas, pinned.max_replicas), (Some(3), Some(3)));
    assert_eq!(pinned.scaling_strategy.as_deref(), Some(&ScalingStrategy::BudScaler), "as documented");
    let workers = bud.endpoints().workers(&id).refresh().all().await.unwrap();
    assert_eq!(workers.len(), 3);
    assert!(workers.iter().all(|worker| worker.status.as_deref() == Some("Running")));
    let target = bed.requests().pop().unwrap().target;
    assert!(target.contains("refresh=true"), "{target}");
}

#[tokio::test]
async fn every_setting_of_the_autoscaler_goes_out_and_comes_back() {
    let (bed, bud) = runtime(Testbed::builder()).await;
    let id = bed.endpoint_ids().remove(0);
    let gpu = {
        let mut gpu = GpuScaling::default();
        gpu.memory_threshold = Some(70);
        (gpu.vgpu_support, gpu.preferred_gpu_type) = (Some(true), Some("H100".to_owned()));
        gpu
    };
    let mut cost = CostLimits::default();
    cost.hourly_budget_limit = Some(12.5);
    let mut prediction = Prediction::default();
    (prediction.min_confidence, prediction.prediction_metrics) = (Some(0.9), vec!["rate".to_owned()]);
    let (mut policy, mut rule, mut behavior) =
        (ScalingPolicy::default(), ScalingRule::default(), ScalingBehavior::default());
    (policy.kind, policy.value, policy.period_seconds) = (Some("Pods".to_owned()), Some(2), Some(30));
    rule.policies = vec![policy];
    behavior.scale_up = Some(rule);
    let mut sleep = ScaleToZero::default();
    sleep.grace_period = Some("10m".to_owned());
    let mut settings = Autoscaler::between(1, 4)
        .metric(MetricSource::new(MetricSourceType::InferenceEngine, "waiting_requests", "5"))
        .gpu(gpu)
        .cost(cost)
        .prediction(prediction)
        .schedule(ScheduleHint::new("mornings", "0 8 * * 1-5", 3))
        .scale_to_zero(sleep);
    settings.behavior = Some(behavior);
    let set = bud.endpoints().autoscale(&id, settings).await.unwrap();
    assert_eq!((set.endpoint_id.unwrap().as_str(), set.autoscale_enabled), (id.as_str(), Some(true)));

    let sent = bed.requests().pop().unwrap().json();
    assert_eq!(
        sent["budaiscaler_specification"],
        json!({
            "enabled": true, "minReplicas": 0, "maxReplicas": 4,
            "metricsSources": [{
                "type": "inferenceEngine", "targetMetric": "waiting_requests", "targetValue": "5",
            }],
            "gpuConfig": { "memoryThreshold": 70, "vGPUSupport": true, "preferredGPUType": "H100" },
            "costConfig": { "hourlyBudgetLimit": 12.5 },
            "predictionConfig": { "minConfidence": 0.9, "predictionMetrics": ["rate"] },
            "scheduleHints": [{ "name": "mornings", "cronExpression": "0 8 * * 1-5", "targetReplicas": 3 }],
            "behavior": { "scaleUp": { "policies": [{ "type": "Pods", "value": 2, "periodSeconds": 30 }] } },
            "scaleToZeroConfig": { "gracePeriod": "10m" },
        })
    );
    // What was read can be changed and written again.
    let mut read = bud.endpoints().autoscaler(&id).await.unwrap().budaiscaler_config.unwrap();
    assert_eq!(read.gpu_config.as_ref().unwrap().preferred_gpu_type.as_deref(), Some("H100"));
    read.max_replicas = Some(5);
    bud.endpoints().autoscale(&id, read).await.unwrap();
    let again = bed.requests().pop().unwrap().json();
    assert_eq!(again["budaiscaler_specification"]["maxReplicas"], 5);
    assert_eq!(
        again["budaiscaler_specification"]["gpuConfig"],
        sent["budaiscaler_specification"]["gpuConfig"]
    );
}

#[tokio::test]
async fn settings_that_the_platform_would_refuse_are_not_sent() {
    type Change = fn(&mut Autoscaler);
    let home = Wire::start(Vec::<Script>::new()).await.unwrap();
    let client = Client::builder().base_url(home.url()).bearer_token(TOKEN).build().unwrap();
    let refused = |change: Change| {
        let mut settings = Autoscaler::between(1, 4);
        change(&mut settings);
        let call = client.endpoints().autoscale("e-1", settings);
        async move { call.await.unwrap_err().param().map(str::to_owned) }
    };
    let cases: [(&str, Change); 8] = [
        ("min_replicas", |settings| settings.min_replicas = Some(5)),
        ("max_replicas", |settings| settings.max_replicas = Some(1001)),
        ("memory_threshold", |settings| {
            let mut gpu = GpuScaling::default();
            gpu.memory_threshold = Some(101);
            settings.gpu_config = Some(gpu);
        }),
        ("daily_budget_limit", |settings| {
            let mut cost = CostLimits::default();
            cost.daily_budget_limit = Some(f64::NAN);
            settings.cost_config = Some(cost);
        }),
        ("min_confidence", |settings| {
            let mut prediction = Prediction::default();
            prediction.min_confidence = Some(1.5);
            settings.prediction_config = Some(prediction);
        }),
        ("schedule", |settings| settings.schedule_hints = vec![ScheduleHint::new("", "* * * * *", 1)]),
        ("metric", |settings| settings.metrics_sources = vec![MetricSource::default()]),
        ("activation_scale", |settings| {
            let mut sleep = ScaleToZero::default();
            sleep.activation_scale = Some(0);
            settings.scale_to_zero_config = Some(sleep);
        }),
    ];
    for (param, change) in cases {
        assert_eq!(refused(change).await.as_deref(), Some(param));
    }
    assert_eq!(home.requests().len(), 0);
}

async fn undeployed(bud: &Client, id: &str, until: EndpointStatus) -> Result<Endpoint> {
    quick(bud.endpoints().wait(id).until(until)).await
}

#[tokio::test]
async fn what_is_undeployed_is_gone_and_that_ends_the_wait() {
    for until in [EndpointStatus::Stopped, EndpointStatus::Deleted] {
        let (bed, bud) = runtime(Testbed::builder().undeploy_polls(3)).await;
        let id = bed.endpoint_ids().remove(0);
        let answered = bud.endpoints().undeploy(&id).await.unwrap();
        assert_eq!((answered.id.as_str(), answered.is(&EndpointStatus::Deleting)), (id.as_str(), true));
        assert!(answered.workflow_id.is_some());
        let down = undeployed(&bud, &id, until).await.unwrap();
        assert!(down.is(&EndpointStatus::Deleted), "{down:?}");
        assert_eq!(bed.count(DETAIL.0, DETAIL.1), 3);
        assert!(bud.endpoints().get(&id).await.unwrap_err().is_not_found());
        let left = bud.projects().endpoints(bed.project_id()).all().await.unwrap();
        assert_eq!(left.len(), 2);
    }
}

#[tokio::test]
async fn a_record_that_stays_as_deleted_ends_it_too() {
    let (bed, bud) = runtime(Testbed::builder().undeploy_polls(10)).await;
    let id = bed.endpoint_ids().remove(0);
    bud.endpoints().undeploy(&id).await.unwrap();
    bed.fault(Fault::on(DETAIL.0, DETAIL.1).nth(3).edit(|body| body["result"]["status"] = "deleted".into()));
    let down = undeployed(&bud, &id, EndpointStatus::Stopped).await.unwrap();
    assert_eq!(down.status.unwrap().raw(), "deleted");
    assert_eq!(bed.count(DETAIL.0, DETAIL.1), 3);
}

#[tokio::test]
async fn what_is_gone_at_once_is_known_by_the_answer_before() {
    let (bed, bud) = runtime(Testbed::builder().undeploy_polls(0)).await;
    let id = bed.endpoint_ids().remove(0);
    let answered = bud.endpoints().undeploy(&id).await.unwrap();
    let wait = bud.endpoints().wait(&answered).after(&answered).until(EndpointStatus::Stopped);
    assert!(quick(wait).await.unwrap().is(&EndpointStatus::Deleted));
    // Without it, nothing tells it from an endpoint that there never was.
    let error = undeployed(&bud, &id, EndpointStatus::Stopped).await.unwrap_err();
    assert!(error.is_not_found());
}

#[tokio::test]
async fn absence_is_no_success_for_other_waits() {
    let (bed, bud) = runtime(Testbed::builder().undeploy_polls(2)).await;
    let id = bed.endpoint_ids().remove(0);
    bud.endpoints().undeploy(&id).await.unwrap();
    let error = quick(bud.endpoints().wait(&id)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::OperationFailed, "{error}");
    assert!(error.message().contains("DELETING"), "{error}");
}

#[tokio::test]
async fn undeploying_what_goes_down_already_changes_nothing() {
    let (bed, bud) = runtime(Testbed::builder().undeploy_polls(5)).await;
    let id = bed.endpoint_ids().remove(0);
    bud.endpoints().undeploy(&id).await.unwrap();
    let again = bud.endpoints().undeploy(&id).with_response().await.unwrap();
    assert_eq!(again.status, 400, "as the platform says it");
    assert!(again.value.is(&EndpointStatus::Deleting) && again.value.workflow_id.is_none());
    undeployed(&bud, &id, EndpointStatus::Stopped).await.unwrap();
    assert!(bud.endpoints().undeploy(&id).await.unwrap_err().is_not_found());
}

#[tokio::test]
async fn an_answer_that_was_lost_on_the_way_is_asked_for_again() {
    for (polls, status) in [(5, 400), (0, 404)] {
        let (bed, bud) = runtime(Testbed::builder().undeploy_polls(polls)).await;
        let id = bed.endpoint_ids().remove(0);
        bed.fault(Fault::on(DELETE.0, DELETE.1).reset().applied());
        let done = bud.endpoints().undeploy(&id).with_response().await.unwrap();
        assert_eq!((done.status, done.attempts), (status, 2));
        assert!(done.value.is(&EndpointStatus::Deleting));
    }
}

#[tokio::test]
async fn an_endpoint_that_something_needs_is_not_undeployed() {
    let used = json!({ "object": "error", "code": 400,
        "message": "Cannot delete deployment. It is being used by prompt 'p'" });
    let home = Wire::start([Script::answer(respond_json(400, &used))]).await.unwrap();
    let bud = Client::builder().base_url(home.url()).bearer_token(TOKEN).flavor(bud_sdk::Flavor::Runtime);
    let error = bud.build().unwrap().endpoints().undeploy("e-1").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::BadRequest);
    assert!(error.message().contains("used by prompt"), "{error}");
    assert_eq!(home.requests().len(), 1);
    assert_eq!(home.requests()[0].header("x-entity-id"), None, "no project was named");
}
