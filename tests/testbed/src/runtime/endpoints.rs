//! Endpoints: what runs.

use serde_json::{Value, json};

use super::call::{Answer, Call, Id, ok};
use super::clusters;
use super::deploy::{self, Workflow};
use super::input::Paging;
use super::problem::{Problem, bad, field, missing};
use super::users;
use super::world::{World, time};
use crate::ids;
use crate::lock;
use crate::server::Core;
use crate::state::{Endpoint, EndpointStatus, Store};

/// Bodies that hardly anything of changes, with the real server's fields: see the recordings.
pub(super) fn shape(name: &str) -> Value {
    let shapes: Value = serde_json::from_str(include_str!("bodies/shapes.json")).unwrap_or_default();
    shapes[name].clone()
}

pub(super) fn model(world: &World, id: &str, kind: &str) -> Value {
    let cloud = id == world.cloud_model;
    let mut body = shape(kind);
    let mut set = |name: &str, value: Value| {
        if body.get(name).is_some() {
            body[name] = value;
        }
    };
    set("id", id.into());
    set("name", if cloud { "gpt-x" } else { "tiny-llm" }.into());
    set("uri", if cloud { "openai/gpt-x" } else { "http://models/tiny-llm" }.into());
    set("source", if cloud { "openai" } else { "bud" }.into());
    set("provider_type", if cloud { "cloud_model" } else { "url" }.into());
    set("local_path", if cloud { Value::Null } else { "tiny-llm".into() });
    set("created_at", "2026-01-01T00:00:00.000001Z".into());
    set("modified_at", "2026-01-01T00:00:00.000001Z".into());
    set("created_by", world.admin_id.as_str().into());
    body
}

fn status(endpoint: &Endpoint) -> &'static str {
    match endpoint.status {
        _ if endpoint.is_stopping() => "deleting",
        EndpointStatus::Failed => "failure",
        EndpointStatus::Deploying => "deploying",
        EndpointStatus::Running => "running",
        EndpointStatus::Stopped => "deleted",
    }
}

/// Lets time pass, and forgets what is gone.
fn settle(store: &mut Store, world: &mut World, polled: Option<&str>) {
    let pace = store.pace;
    for endpoint in &mut store.endpoints {
        endpoint.advance(pace, polled == Some(endpoint.id.as_str()));
    }
    store.endpoints.retain(|endpoint| endpoint.status != EndpointStatus::Stopped);
    world.running.retain(|id, _| store.endpoints.iter().any(|endpoint| endpoint.id == *id));
}

fn cluster_of(store: &Store, world: &mut World, endpoint: &Endpoint) -> Value {
    let cloud = world.running.get(&endpoint.id).is_some_and(|running| running.cloud);
    match endpoint.cluster_id.as_ref().and_then(|id| store.cluster(id)).filter(|_| !cloud) {
        Some(cluster) => clusters::body(store, world, cluster),
        None => Value::Null,
    }
}

pub(super) async fn list(call: Call) -> Answer {
    call.must_list_endpoints()?;
    let scoped = call.must_on_endpoints("endpoint:view").is_ok();
    let mut input = call.open.params();
    let paging = Paging::read(&mut input, 0, u64::MAX);
    let words = ["running", "failure", "deploying", "unhealthy", "deleting", "deleted", "pending"];
    let wanted = input.choice("status", &words);
    let name = input.text("name", 0, 100);
    let project = input.text("project_id", 0, 100);
    input.finish()?;
    let mut store = lock(&call.open.core.store);
    let mut world = lock(&call.open.core.world);
    settle(&mut store, &mut world, None);
    let mut items = Vec::new();
    for endpoint in &store.endpoints {
        let fits = wanted.as_ref().is_none_or(|wanted| wanted == status(endpoint))
            && name.as_ref().is_none_or(|name| *name == endpoint.name)
            && project.as_ref().is_none_or(|project| *project == endpoint.project_id)
            && (scoped || world.project(&endpoint.project_id).may(&call.user.id, "endpoint:view"));
        if !fits {
            continue;
        }
        let mut body = shape("endpoint_in_list");
        body["id"] = endpoint.id.as_str().into();
        body["name"] = endpoint.name.as_str().into();
        body["status"] = status(endpoint).into();
        body["created_at"] = time(endpoint.created_at).into();
        body["modified_at"] = time(endpoint.updated_at).into();
        body["model"] = model(&world, &endpoint.model_id, "model_in_list");
        if let Some(admin) = store.user(&world.admin_id) {
            body["model"]["created_user"] = users::body(admin, &world.profile(admin));
        }
        body["cluster"] = cluster_of(&store, &mut world, endpoint);
        items.push(body);
    }
    ok(paging.answer("endpoints.list", "Successfully list all endpoints", "endpoints", items))
}

pub(super) async fn one(Id(id): Id, call: Call) -> Answer {
    call.must_on_endpoints("endpoint:view")?;
    let mut store = lock(&call.open.core.store);
    let mut world = lock(&call.open.core.world);
    settle(&mut store, &mut world, Some(&id));
    let endpoint = store.endpoint(&id).ok_or_else(|| missing("Endpoint"))?;
    let mut body = shape("endpoint_in_detail");
    body["id"] = id.as_str().into();
    body["name"] = endpoint.name.as_str().into();
    body["status"] = status(endpoint).into();
    body["model"] = model(&world, &endpoint.model_id, "model_in_detail");
    body["cluster"] = cluster_of(&store, &mut world, endpoint);
    if let Some(running) = world.running.get(&id) {
        body["deployment_config"] = running.deploy_config.clone();
    }
    ok(json!({
        "object": "endpoint.detail",
        "message": "Successfully fetched model cluster detail for the deployment.", "result": body,
    }))
}

/// As the API documents them: no recording of the real server has any.
pub(super) async fn workers(Id(id): Id, call: Call) -> Answer {
    call.must_on_endpoints("endpoint:view")?;
    let mut input = call.open.params();
    let paging = Paging::read(&mut input, 0, u64::MAX);
    input.finish()?;
    let mut store = lock(&call.open.core.store);
    let mut world = lock(&call.open.core.world);
    settle(&mut store, &mut world, None);
    let endpoint = store.endpoint(&id).ok_or_else(|| missing("Endpoint"))?;
    let deploy_id = endpoint.cluster_id.as_ref().map(|cluster| world.deploy_id(cluster));
    let (running, wanted) = (endpoint.replicas, endpoint.replicas_wanted());
    let worker = |number: u64| {
        let status = if number < running { "Running" } else { "Pending" };
        json!({
            "cluster_id": deploy_id, "namespace": format!("bud-{}", endpoint.name), "name": format!("worker-{number}"),
            "status": status, "node_name": "node-1", "device_name": "GPU 0", "utilization": null, "hardware": "GPU",
            "uptime": "1h", "last_restart_datetime": null, "last_updated_datetime": time(endpoint.updated_at),
            "created_datetime": time(endpoint.created_at), "node_ip": "10.0.0.1", "cores": 4, "memory": "16Gi",
            "deployment_status": "ready", "concurrency": 1, "id": ids::uuid(),
        })
    };
    let workers: Vec<Value> = (0..running.max(wanted)).map(worker).collect();
    let message = "Successfully retrieved endpoint workers";
    ok(paging.kept("endpoint.workers", message, "workers", &workers, Value::clone))
}

pub(super) async fn autoscale(Id(id): Id, call: Call) -> Answer {
    call.must_on_endpoints("endpoint:view")?;
    let store = lock(&call.open.core.store);
    store.endpoint(&id).ok_or_else(|| missing("Endpoint"))?;
    let world = lock(&call.open.core.world);
    let config = world.running.get(&id).and_then(|running| running.autoscale.clone());
    ok(json!({
        "object": "endpoint.autoscale", "message": "Autoscale configuration retrieved successfully",
        "endpoint_id": id, "autoscale_enabled": config.is_some(), "budaiscaler_config": config,
    }))
}

/// What is not said gets the platform's defaults.
fn scaler(given: &Value) -> Value {
    let mut config = json!({
        "enabled": false, "minReplicas": 1, "maxReplicas": 10, "scalingStrategy": "BudScaler", "metricsSources": [],
        "gpuConfig": {
            "enabled": false, "memoryThreshold": 80, "computeThreshold": 80, "topologyAware": false,
            "vGPUSupport": false,
        },
        "costConfig": {
            "enabled": false, "hourlyBudgetLimit": 0, "dailyBudgetLimit": 0, "spotInstancePreference": "none",
        },
        "predictionConfig": {
            "enabled": false, "lookAheadMinutes": 15, "historyDays": 7, "minConfidence": 0.7,
            "predictionMetrics": [],
        },
        "scheduleHints": [],
        "multiCluster": {
            "enabled": false, "federationMode": "active-passive", "clusterWeights": {},
            "failoverThresholds": { "healthCheckFailures": 3, "latencyMs": 5000 },
        },
        "behavior": {
            "scaleUp": {
                "stabilizationWindowSeconds": 0, "selectPolicy": "Max",
                "policies": [
                    { "type": "Percent", "value": 100, "periodSeconds": 15 },
                    { "type": "Pods", "value": 4, "periodSeconds": 15 },
                ],
            },
            "scaleDown": {
                "stabilizationWindowSeconds": 300, "selectPolicy": "Min",
                "policies": [{ "type": "Percent", "value": 100, "periodSeconds": 15 }],
            },
        },
    });
    for (name, value) in given.as_object().into_iter().flatten() {
        config[name] = value.clone();
    }
    config
}

pub(super) async fn set_autoscale(Id(id): Id, call: Call) -> Answer {
    call.must_on_endpoints("endpoint:manage")?;
    let mut input = call.open.input()?;
    input.need("budaiscaler_specification");
    let given = input.get("budaiscaler_specification").cloned().unwrap_or_default();
    let body: Value = serde_json::from_slice(&call.open.body).unwrap_or_default();
    for (name, value) in body.as_object().into_iter().flatten() {
        // The one place where what is unknown is refused.
        if name != "budaiscaler_specification" {
            let wrong = field("extra_forbidden", &["body", name], "Extra inputs are not permitted", value);
            return Err(Problem::Fields(vec![wrong]));
        }
    }
    input.finish()?;
    let mut store = lock(&call.open.core.store);
    let mut world = lock(&call.open.core.world);
    let pace = store.pace;
    let found = store.endpoints.iter_mut().find(|endpoint| endpoint.id == id);
    let endpoint = found.ok_or_else(|| missing("Endpoint"))?;
    if let Some(replicas) = given["minReplicas"].as_u64().filter(|least| given["maxReplicas"] == *least) {
        endpoint.scale(pace, replicas);
    }
    let config = scaler(&given);
    if let Some(running) = world.running.get_mut(&id) {
        running.autoscale = Some(config.clone());
    }
    ok(json!({
        "object": "endpoint.autoscale", "message": "Autoscale configuration updated successfully",
        "endpoint_id": id, "autoscale_enabled": given["enabled"] == true, "budaiscaler_config": config,
    }))
}

pub(super) async fn delete(Id(id): Id, call: Call) -> Answer {
    call.must_on_endpoints("endpoint:manage")?;
    let mut store = lock(&call.open.core.store);
    let mut world = lock(&call.open.core.world);
    settle(&mut store, &mut world, None);
    let pace = store.pace;
    let found = store.endpoints.iter_mut().find(|endpoint| endpoint.id == id);
    let endpoint = found.ok_or_else(|| missing("Endpoint"))?;
    if endpoint.is_stopping() {
        return Err(bad("Deployment is already deleting"));
    }
    if world.running.get(&id).is_some_and(|running| running.cloud) {
        // There is nothing to take down.
        store.endpoints.retain(|endpoint| endpoint.id != id);
        world.running.remove(&id);
    } else {
        endpoint.undeploy(pace);
    }
    let workflow = Workflow::new(&ids::uuid(), &call.user.id, "endpoint_deletion", 1);
    let workflow_id = workflow.id.clone();
    world.workflows.push(workflow);
    ok(json!({
        "object": "endpoint.delete", "message": "Deployment deleting initiated successfully",
        "workflow_id": workflow_id,
    }))
}

/// What a finished deployment leaves behind.
pub(super) fn start(store: &mut Store, world: &mut World, workflow: &deploy::Ready) -> String {
    let id = store.seed_endpoint(&workflow.project_id, &workflow.name);
    if let Some(endpoint) = store.endpoints.iter_mut().find(|endpoint| endpoint.id == id) {
        endpoint.model_id = workflow.model_id.clone();
        endpoint.status = EndpointStatus::Running;
        endpoint.cluster_id = workflow.cluster_id.clone();
        endpoint.replicas = 1;
    }
    let running = super::world::Running {
        cloud: workflow.cluster_id.is_none(),
        deploy_config: workflow.deploy_config.clone(),
        autoscale: None,
    };
    world.running.insert(id.clone(), running);
    id
}

/// Endpoints that are stopped elsewhere run here: there is none that does not.
pub(crate) fn bring_up(core: &Core) {
    let mut store = lock(&core.store);
    let mut world = lock(&core.world);
    let cluster = store.clusters.first().map(|cluster| cluster.id.clone());
    let model_id = world.local_model.clone();
    for endpoint in store.endpoints.iter_mut().filter(|endpoint| endpoint.status == EndpointStatus::Stopped) {
        endpoint.status = EndpointStatus::Running;
        endpoint.cluster_id = cluster.clone();
        endpoint.replicas = 1;
        endpoint.model_id = model_id.clone();
        let deploy_config = shape("endpoint_in_detail")["deployment_config"].clone();
        let running = super::world::Running { cloud: false, deploy_config, autoscale: None };
        world.running.insert(endpoint.id.clone(), running);
    }
}
