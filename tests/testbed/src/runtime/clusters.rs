//! Clusters, their settings, and those that a deployment may go to.

use http::StatusCode;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::call::{Answer, Call, Id, ok, said};
use super::deploy::Simulation;
use super::input::Paging;
use super::problem::{bad, failed, missing};
use super::world::{World, naive, time};
use crate::ids;
use crate::lock;
use crate::state::{Cluster, ClusterStatus, Store};

pub(super) fn status(cluster: &Cluster) -> &'static str {
    match cluster.status {
        ClusterStatus::Available => "available",
        ClusterStatus::NotAvailable => "not_available",
    }
}

/// As lists and endpoints give it.
pub(super) fn body(store: &Store, world: &mut World, cluster: &Cluster) -> Value {
    let (gpus, free) = (cluster.gpu_count, store.gpu_available(cluster));
    let gpu_nodes = u64::from(gpus > 0);
    json!({
        "id": cluster.id, "name": cluster.name, "icon": "icons/clusters/cluster.png",
        "ingress_url": format!("http://ingress.{}", cluster.name), "cluster_type": cluster.cluster_type,
        "created_at": time(cluster.created_at), "modified_at": time(cluster.last_refreshed_at),
        "status": status(cluster), "cluster_id": world.deploy_id(&cluster.id), "cpu_count": cluster.total_nodes * 8,
        "gpu_count": gpus, "hpu_count": 0, "cpu_total_workers": cluster.total_nodes - gpu_nodes,
        "cpu_available_workers": cluster.available_nodes.saturating_sub(gpu_nodes), "gpu_total_workers": gpu_nodes,
        "gpu_available_workers": u64::from(free > 0), "hpu_total_workers": 0, "hpu_available_workers": 0,
        "total_nodes": cluster.total_nodes, "available_nodes": cluster.available_nodes,
    })
}

pub(super) async fn list(call: Call) -> Answer {
    call.must("cluster:view")?;
    let mut input = call.open.params();
    let paging = Paging::read(&mut input, 0, u64::MAX);
    let name = input.text("name", 0, 100);
    input.finish()?;
    let store = lock(&call.open.core.store);
    let mut world = lock(&call.open.core.world);
    let named =
        store.clusters.iter().filter(|cluster| name.as_ref().is_none_or(|name| *name == cluster.name));
    let items = named.map(|cluster| {
        let mut body = body(&store, &mut world, cluster);
        // Only one cluster by itself says what it is.
        body["cluster_type"] = Value::Null;
        let endpoints =
            store.endpoints.iter().filter(|endpoint| endpoint.cluster_id.as_ref() == Some(&cluster.id));
        body["endpoint_count"] = endpoints.count().into();
        body
    });
    let items = items.collect();
    ok(paging.answer("cluster.list", "Request fulfilled, document follows", "clusters", items))
}

pub(super) async fn one(Id(id): Id, call: Call) -> Answer {
    call.must("cluster:view")?;
    let store = lock(&call.open.core.store);
    let mut world = lock(&call.open.core.world);
    // 400, as the real server has it.
    let cluster = store.cluster(&id).ok_or_else(|| bad("Cluster not found"))?;
    let mut body = body(&store, &mut world, cluster);
    let endpoints =
        store.endpoints.iter().filter(|endpoint| endpoint.cluster_id.as_ref() == Some(&id)).count();
    body["total_workers_count"] = cluster.total_nodes.into();
    body["active_workers_count"] = cluster.available_nodes.into();
    body["total_endpoints_count"] = endpoints.into();
    body["running_endpoints_count"] = endpoints.into();
    body["hardware_type"] = if cluster.gpu_count > 0 { json!(["CPU", "GPU"]) } else { json!(["CPU"]) };
    said("cluster.get", "Cluster details fetched successfully", "cluster", body)
}

pub(super) async fn settings(Id(id): Id, call: Call) -> Answer {
    call.must("cluster:view")?;
    let world = lock(&call.open.core.world);
    let settings = world.settings.get(&id).ok_or_else(|| missing("Cluster settings"))?;
    said("cluster.settings.get", "Cluster settings retrieved successfully", "settings", settings.clone())
}

pub(super) async fn set_settings(Id(id): Id, call: Call) -> Answer {
    call.must("cluster:manage")?;
    if lock(&call.open.core.store).cluster(&id).is_none() {
        return Err(missing("Cluster"));
    }
    let mut input = call.open.input()?;
    let class = input.text("default_storage_class", 1, 255);
    let modes = ["ReadWriteOnce", "ReadWriteMany", "ReadOnlyMany", "ReadWriteOncePod"];
    let mode = input.choice("default_access_mode", &modes);
    input.finish()?;
    let now = naive(Timestamp::now());
    let mut world = lock(&call.open.core.world);
    let settings = world.settings.entry(id.clone()).or_insert_with(|| {
        json!({
            "default_storage_class": null, "default_access_mode": null, "id": ids::uuid(), "cluster_id": id,
            "created_by": call.user.id, "created_at": now, "modified_at": now,
        })
    });
    settings["modified_at"] = now.into();
    // What is left out is cleared.
    (settings["default_storage_class"], settings["default_access_mode"]) = (class.into(), mode.into());
    said("cluster.settings.update", "Cluster settings updated successfully", "settings", settings.clone())
}

pub(super) async fn delete_settings(Id(id): Id, call: Call) -> Answer {
    call.must("cluster:manage")?;
    match lock(&call.open.core.world).settings.remove(&id) {
        // They are gone all the same.
        Some(_) => Err(failed("Failed to delete cluster settings")),
        None => Err(missing("Cluster settings")),
    }
}

pub(super) async fn recommended(Id(id): Id, call: Call) -> Answer {
    let store = lock(&call.open.core.store);
    let mut world = lock(&call.open.core.world);
    let found = world.workflows.iter_mut().find(|workflow| workflow.id == id);
    let workflow = found.ok_or_else(|| missing("Workflow"))?;
    let ready = match &mut workflow.simulation {
        Simulation::NotAsked => return Err(failed("Failed to get recommended clusters")),
        Simulation::Running(polls) => {
            *polls = polls.saturating_sub(1);
            *polls == 0
        }
        Simulation::Done => true,
    };
    if ready {
        workflow.simulation = Simulation::Done;
    }
    let mut clusters = Vec::new();
    for cluster in store.clusters.iter().filter(|cluster| ready && status(cluster) == "available") {
        let deploy_id = world.deploy_id(&cluster.id);
        let figure = json!({ "label": "Better than expected", "value": 1.5 });
        clusters.push(json!({
            "id": cluster.id, "cluster_id": deploy_id, "name": cluster.name, "cost_per_token": 0.25,
            "total_resources": cluster.gpu_count, "resources_used": cluster.gpu_count - store.gpu_available(cluster),
            "resource_details": [{ "type": "GPU", "available": store.gpu_available(cluster), "total": cluster.gpu_count }],
            "required_devices": [{ "device_type": "GPU", "num_replicas": 1, "concurrency": 1, "cost_per_million_tokens": 0.25 }],
            "benchmarks": {
                "replicas": 1, "concurrency": figure, "ttft": figure, "per_session_tokens_per_sec": figure,
                "e2e_latency": figure, "over_all_throughput": figure,
            },
            "tool_calling_parser_type": null, "reasoning_parser_type": null, "chat_template": null,
            "supports_lora": null, "supports_pipeline_parallelism": null,
        }));
    }
    ok(json!({
        "object": "cluster.recommended", "message": "Recommended clusters retrieved successfully",
        "clusters": clusters, "status": if ready { "success" } else { "processing" }, "workflow_id": id,
    }))
}

/// What the status of a request for a cluster by its deployment name is.
pub(super) fn by_deploy_id(
    store: &Store,
    world: &mut World,
    id: &str,
) -> Result<String, super::problem::Problem> {
    let found = store.clusters.iter().find(|cluster| world.deploy_id(&cluster.id) == id);
    let cluster = found.ok_or_else(|| missing("Cluster"))?;
    if cluster.status == ClusterStatus::NotAvailable {
        return Err(super::problem::Problem::Envelope(
            StatusCode::BAD_REQUEST,
            "Cluster is not available".to_owned(),
        ));
    }
    Ok(cluster.id.clone())
}
