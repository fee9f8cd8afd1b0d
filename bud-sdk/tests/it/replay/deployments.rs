//! Endpoints, deployments, workflows, and the settings of clusters.

use std::time::Duration;

use bud_sdk::clusters::{AccessMode, StorageDefaults};
use bud_sdk::endpoints::{Autoscaler, DeployModel, Deployment, DeploymentStage, ModelDeployment};
use bud_sdk::{Client, Error};
use bytes::Bytes;
use serde_json::{Value, json};

use super::exchange::{Exchange, answer};
use super::plan::{ENVELOPE, Plan, Typed, done, list, plan, typed};

const PROJECT: &str = "7f00b700-8dab-430e-a386-57f0da1a3e0b";
const MODEL: &str = "755bb264-85d5-4107-9027-193a4be5ef99";
const CLUSTER: &str = "864d7965-59bd-46a8-a262-a50fbdbe4ddc";

/// Names that are spelled otherwise here.
const SPELLED: &[(&str, &str)] = &[
    ("object", ""),
    ("message", ""),
    ("modified_at", "updated_at"),
    ("type", "kind"),
    ("minReplicas", "min_replicas"),
    ("maxReplicas", "max_replicas"),
    ("scalingStrategy", "scaling_strategy"),
    ("metricsSources", "metrics_sources"),
    ("gpuConfig", "gpu_config"),
    ("memoryThreshold", "memory_threshold"),
    ("computeThreshold", "compute_threshold"),
    ("topologyAware", "topology_aware"),
    ("vGPUSupport", "vgpu_support"),
    ("costConfig", "cost_config"),
    ("hourlyBudgetLimit", "hourly_budget_limit"),
    ("dailyBudgetLimit", "daily_budget_limit"),
    ("spotInstancePreference", "spot_instance_preference"),
    ("predictionConfig", "prediction_config"),
    ("lookAheadMinutes", "look_ahead_minutes"),
    ("historyDays", "history_days"),
    ("minConfidence", "min_confidence"),
    ("predictionMetrics", "prediction_metrics"),
    ("scheduleHints", "schedule_hints"),
    ("multiCluster", "multi_cluster"),
    ("federationMode", "federation_mode"),
    ("clusterWeights", "cluster_weights"),
    ("failoverThresholds", "failover_thresholds"),
    ("healthCheckFailures", "health_check_failures"),
    ("latencyMs", "latency_ms"),
    ("cloudProvider", "cloud_provider"),
    ("preferredGPUType", "preferred_gpu_type"),
    ("protocolType", "protocol_type"),
    ("targetMetric", "target_metric"),
    ("targetValue", "target_value"),
    ("cronExpression", "cron_expression"),
    ("targetReplicas", "target_replicas"),
    ("scaleToZeroConfig", "scale_to_zero_config"),
    ("activationScale", "activation_scale"),
    ("gracePeriod", "grace_period"),
    ("scaleUp", "scale_up"),
    ("scaleDown", "scale_down"),
    ("stabilizationWindowSeconds", "stabilization_window_seconds"),
    ("periodSeconds", "period_seconds"),
    ("selectPolicy", "select_policy"),
];

const WORKER: &[(&str, &str)] = &[
    ("object", ""),
    ("message", ""),
    ("created_datetime", "created_at"),
    ("last_restart_datetime", "restarted_at"),
    ("last_updated_datetime", "updated_at"),
];

/// Values of keys and headers are not kept.
const GUARDED: &[(&str, &str)] = &[
    ("object", ""),
    ("message", ""),
    ("modified_at", "updated_at"),
    ("type", "kind"),
    ("other_provider_creds", ""),
    ("extra_headers", ""),
];

pub fn plan_of(exchange: &Exchange) -> Option<Plan> {
    let id = exchange.id().to_owned();
    Some(match (exchange.method.as_str(), exchange.template.as_str()) {
        ("GET", "/endpoints/") => endpoints(exchange),
        ("GET", "/endpoints") => endpoints(exchange).on_guide(),
        ("GET", "/endpoints/{id}/model-cluster-detail") => {
            plan("/result", |bud| async move { Ok(typed(&bud.endpoints().get(id).await?)) }).renamed(SPELLED)
        }
        ("GET", "/endpoints/{id}") => {
            plan("", |bud| async move { bud.endpoints().get(id).await.map(|_| done()) }).on_guide()
        }
        ("GET", "/endpoints/{id}/workers") => {
            list(exchange, "workers", |bud| bud.endpoints().workers(id)).renamed(WORKER)
        }
        ("GET", "/endpoints/{id}/autoscale") => {
            let plan = plan("", |bud| async move { Ok(typed(&bud.endpoints().autoscaler(id).await?)) });
            plan.renamed(SPELLED)
        }
        ("PUT", "/endpoints/{id}/autoscale") => {
            let sent = &exchange.sent["budaiscaler_specification"];
            let number = |name: &str| sent[name].as_u64().map_or(3, |count| count as u32);
            let settings = Autoscaler::between(number("minReplicas"), number("maxReplicas"));
            let plan =
                plan("", |bud| async move { Ok(typed(&bud.endpoints().autoscale(id, settings).await?)) });
            plan.renamed(SPELLED)
        }
        ("POST", "/endpoints/{id}/delete-workflow") => {
            plan("", |bud| async move { Ok(typed(&bud.endpoints().undeploy(id).await?)) }).renamed(ENVELOPE)
        }
        ("POST", "/endpoints/{id}/deploy") => {
            let deployment = Deployment::on(exchange.sent["cluster_id"].as_str().unwrap());
            let plan =
                plan("", |bud| async move { bud.endpoints().deploy(id, deployment).await.map(|_| done()) });
            // We always say what each replica gets.
            plan.on_guide().answer_only()
        }
        ("PUT", "/endpoints/{id}") => {
            plan("", |bud| async move { bud.endpoints().scale(id, 3).await.map(|_| done()) }).on_guide()
        }
        ("POST", "/endpoints/{id}/undeploy") => {
            plan("", |bud| async move { bud.endpoints().undeploy(id).await.map(|_| done()) }).on_guide()
        }
        ("POST", "/models/deploy-workflow") => deployment(exchange),
        ("GET", "/workflows/{id}") => plan("", |bud| workflow(bud, id)).renamed(GUARDED),
        ("GET", "/workflows") => list(exchange, "workflows", |bud| bud.workflows().list()),
        ("DELETE", "/workflows/{id}") => {
            plan("", |bud| async move { bud.workflows().cancel(id).await.map(|()| done()) }).renamed(ENVELOPE)
        }
        ("GET", "/clusters/recommended/{id}") => {
            plan("", |bud| async move { Ok(typed(&bud.clusters().recommended(id).await?)) }).renamed(GUARDED)
        }
        ("GET", "/clusters/{id}/settings") => {
            plan("/settings", |bud| async move { Ok(typed(&bud.clusters().settings(id).await?)) })
        }
        ("PUT", "/clusters/{id}/settings") => {
            let sent = |name: &str| exchange.sent[name].as_str();
            let mut storage = StorageDefaults::class(sent("default_storage_class").unwrap());
            if let Some(mode) = sent("default_access_mode") {
                storage = storage.access_mode(AccessMode::from(mode));
            }
            plan(
                "/settings",
                |bud| async move { Ok(typed(&bud.clusters().set_settings(id, storage).await?)) },
            )
        }
        ("DELETE", "/clusters/{id}/settings") => {
            plan("", |bud| async move { bud.clusters().delete_settings(id).await.map(|()| done()) })
                .renamed(&[("object", ""), ("message", ""), ("param", "")])
        }
        _ => return None,
    })
}

fn endpoints(exchange: &Exchange) -> Plan {
    let project = exchange.query("project_id").map(str::to_owned);
    let plan = list(exchange, "endpoints", move |bud| {
        let endpoints = bud.endpoints().list();
        match project {
            Some(project) => endpoints.project(project),
            None => endpoints,
        }
    });
    // Only a deployment looks for a name.
    let plan = plan.renamed(SPELLED);
    if exchange.query("name").is_some() { plan.answer_only() } else { plan }
}

/// What is read of a workflow, under the names that it came by.
async fn workflow(bud: Client, id: String) -> Result<Typed, Error> {
    Ok(typed(&bud.workflows().get(id).await?).map(|mut shown| {
        (shown["workflow_id"], shown["workflow_steps"]) = (shown["id"].clone(), shown["steps"].clone());
        shown
    }))
}

/// A workflow as it stands before a step.
fn stands(id: &str, step: u32, known: &Value) -> Bytes {
    let mut steps = json!({});
    steps.as_object_mut().unwrap().extend(known.as_object().unwrap().clone());
    answer(
        200,
        &json!({
            "object": "workflow.get", "workflow_id": id, "status": "in_progress", "current_step": step,
            "total_steps": 6, "workflow_steps": steps,
        }),
    )
}

/// One step of a deployment: the requests before it are answered so that it comes next, and what it was answered is read
/// once more as the workflow that it is.
fn deployment(exchange: &Exchange) -> Plan {
    let sent = exchange.sent.clone();
    let text = |name: &str| sent[name].as_str().map(str::to_owned);
    let id = text("workflow_id").unwrap_or_else(|| "none".to_owned());
    let name = exchange.answer["workflow_steps"]["endpoint_name"].as_str().map(str::to_owned);
    let name = text("endpoint_name").or(name).unwrap_or_else(|| "tiny-ep-2".to_owned());
    let (used, project) = (text("model_id"), text("project_id"));
    let (used, project) = (used.as_deref().unwrap_or(MODEL), project.as_deref().unwrap_or(PROJECT));
    let mut model = DeployModel::new(used, project, name.as_str()).on(CLUSTER);
    if let Some(cluster) = text("cluster_id") {
        model = model.on(cluster);
    }
    if sent["budaiscaler_specification"].is_object() {
        model = model.autoscaler(Autoscaler::between(1, 3));
    }
    let begun = json!({ "model_id": used, "model": { "id": used, "provider_type": "url" } });
    let mut named = begun.clone();
    (named["endpoint_name"], named["project"]) = (name.as_str().into(), json!({ "id": project }));
    let mut planned = named.clone();
    (planned["deploy_config"], planned["simulator_id"]) = (json!({}), "s-1".into());
    let recommended = json!({ "status": "success", "clusters": [{ "cluster_id": CLUSTER }] });
    // Its workflow, the look at it and at the simulator's result, and the steps before.
    let resumed = stands(&id, 4, &planned);
    let looks = [resumed.clone(), resumed.clone(), answer(200, &recommended)];
    let (before, fine, until): (Vec<Bytes>, bool, _) = match sent["step_number"].as_u64().unwrap() {
        1 if sent["workflow_id"].is_null() => {
            let fine = sent["workflow_total_steps"] == 6;
            (Vec::new(), fine, DeploymentStage::Begun)
        }
        // A name is sent with its project, and nothing is started in the same step.
        2 => (vec![stands(&id, 1, &begun)], sent["endpoint_name"].is_string(), DeploymentStage::Named),
        3 => (vec![stands(&id, 2, &named)], true, DeploymentStage::Simulating),
        5 => (looks.to_vec(), true, DeploymentStage::ClusterChosen),
        _ => (looks.into_iter().chain([stands(&id, 5, &planned)]).collect(), true, DeploymentStage::Started),
    };
    let (resumes, until_simulated) = (!before.is_empty(), until == DeploymentStage::Simulating);
    let shown = exchange.answer["workflow_id"].as_str().unwrap_or(&id).to_owned();
    let plan = plan("", move |bud| async move {
        let deployment = bud.endpoints().deploy_model(model).poll_interval(Duration::from_millis(1));
        let deployment = if resumes { deployment.resume(id) } else { deployment };
        reach(deployment, until).await?;
        workflow(bud, shown).await
    });
    // A plan is followed by looks at the simulation.
    let seen = exchange.response();
    let behind = match until_simulated {
        true => vec![seen.clone(), answer(200, &recommended), seen],
        false => vec![seen],
    };
    let plan = plan.after(before).before(behind).renamed(GUARDED);
    if fine { plan } else { plan.answer_only() }
}

async fn reach(deployment: ModelDeployment, until: DeploymentStage) -> Result<(), Error> {
    let mut updates = deployment.updates();
    while let Some(update) = updates.next().await {
        if update?.stage.as_deref() == Some(&until) {
            return Ok(());
        }
    }
    panic!("it ended before {until}")
}
