//! Endpoints: status, deployment, scaling, undeployment.

use axum::extract::Path;
use http::StatusCode;
use serde_json::{Value, json};

use super::call::{Answer, Call, Deed};
use super::error::ApiError;
use super::fields::Fields;
use super::shape::{Page, list_shape, one as answer_one, time, updated};
use crate::lock;
use crate::options::ListShape;
use crate::state::{ClusterStatus, Endpoint, EndpointStatus, Resources, Store};

const MOST_REPLICAS: u64 = 1_000_000;

fn body(endpoint: &Endpoint) -> Value {
    json!({
        "id": endpoint.id, "name": endpoint.name, "project_id": endpoint.project_id, "model_id": endpoint.model_id,
        "cluster_id": endpoint.cluster_id, "status": endpoint.status.as_str(), "replicas": endpoint.replicas,
        "resources": endpoint.resources.map(|r| json!({"gpu_count": r.gpu_count, "memory_gb": r.memory_gb})),
        "reason": endpoint.reason,
        "created_at": time(endpoint.created_at), "updated_at": time(endpoint.updated_at),
    })
}

fn missing() -> ApiError {
    ApiError::not_found("Endpoint")
}

fn deed(action: &'static str, endpoint: &Endpoint, details: Value) -> Deed {
    Deed {
        action,
        kind: "endpoint",
        id: Some(endpoint.id.clone()),
        name: Some(endpoint.name.clone()),
        details,
        ..Deed::default()
    }
}

fn pass_time(store: &mut Store) {
    let pace = store.pace;
    for endpoint in &mut store.endpoints {
        endpoint.advance(pace, false);
    }
}

fn find<'a>(store: &'a mut Store, id: &str) -> Result<&'a mut Endpoint, ApiError> {
    store.endpoints.iter_mut().find(|endpoint| endpoint.id == id).ok_or_else(missing)
}

pub(crate) async fn list(call: Call) -> Answer {
    let mut query = Fields::query(&call.open.query)?;
    let project = query.text("project_id", false, 128);
    answer_list(&call, query, project, list_shape(&call.open.core.options))
}

pub(crate) async fn of_project(Path(id): Path<String>, call: Call) -> Answer {
    let query = Fields::query(&call.open.query)?;
    {
        let store = lock(&call.open.core.store);
        store.project(&id).ok_or_else(|| ApiError::not_found("Project"))?;
        call.must_read(&store, "project", &id)?;
    }
    // The guide pipes this one into `jq '.[].id'`.
    let shape = call.open.core.options.list_shape.unwrap_or(ListShape::Bare);
    answer_list(&call, query, Some(id), shape)
}

fn answer_list(call: &Call, mut query: Fields, project: Option<String>, shape: ListShape) -> Answer {
    let status = query.choice("status", false, EndpointStatus::NAMES);
    let page = Page::read(query)?;
    let mut store = lock(&call.open.core.store);
    pass_time(&mut store);
    let rows = store
        .endpoints
        .iter()
        .filter(|endpoint| project.as_ref().is_none_or(|id| *id == endpoint.project_id))
        .filter(|endpoint| status.as_ref().is_none_or(|status| status == endpoint.status.as_str()))
        .filter(|endpoint| call.may_read(&store, "endpoint", &endpoint.id));
    Ok(page.of(shape, "endpoints", rows, body))
}

/// This is the status poll: work under way advances by it.
pub(crate) async fn one(Path(id): Path<String>, call: Call) -> Answer {
    Fields::query(&call.open.query)?.finish()?;
    let mut store = lock(&call.open.core.store);
    store.endpoint(&id).ok_or_else(missing)?;
    call.must_read(&store, "endpoint", &id)?;
    let pace = store.pace;
    let endpoint = find(&mut store, &id)?;
    endpoint.advance(pace, true);
    let answer = body(endpoint);
    Ok(answer_one(&call.open.core.options, StatusCode::OK, "endpoint", answer))
}

pub(crate) async fn deploy(Path(id): Path<String>, call: Call) -> Answer {
    call.must_manage()?;
    let mut fields = Fields::body(&call.open.body)?;
    let cluster_id = fields.text("cluster_id", true, 128);
    let replicas = fields.number("replicas", true, 1, MOST_REPLICAS);
    let mut resources = Resources { gpu_count: 1, memory_gb: 16 };
    if let Some(mut inner) = fields.inner("resources") {
        let gpus = inner.number("gpu_count", false, 0, 1024);
        let memory = inner.number("memory_gb", false, 1, 1_000_000);
        resources.gpu_count = gpus.unwrap_or(resources.gpu_count);
        resources.memory_gb = memory.unwrap_or(resources.memory_gb);
        fields.close(inner);
    }
    let (cluster_id, replicas) = fields.finish_with(cluster_id.zip(replicas))?;
    let mut store = lock(&call.open.core.store);
    pass_time(&mut store);
    let endpoint = store.endpoint(&id).ok_or_else(missing)?;
    call.must_edit(&store, "endpoint", &id)?;
    if !matches!(endpoint.status, EndpointStatus::Stopped | EndpointStatus::Failed) || endpoint.is_stopping()
    {
        let text = format!("Endpoint is {}: undeploy it first", endpoint.status.as_str());
        return Err(ApiError::conflict(text, Some("status")));
    }
    let cluster = store.cluster(&cluster_id).ok_or_else(|| ApiError::not_found("Cluster"))?;
    if cluster.status != ClusterStatus::Available {
        let text = format!("Cluster {} is {}", cluster.name, cluster.status.as_str());
        return Err(ApiError::conflict(text, Some("cluster_id")));
    }
    let wanted = resources.gpu_count.saturating_mul(replicas);
    must_fit(wanted, store.gpu_available(cluster))?;
    let pace = store.pace;
    let failure = store.failures.pop_front();
    let endpoint = find(&mut store, &id)?;
    endpoint.deploy(pace, &cluster_id, replicas, resources, failure);
    let endpoint = endpoint.clone();
    let details = json!({"cluster_id": cluster_id, "replicas": replicas, "gpu_count": resources.gpu_count});
    call.record(&mut store, deed("deploy", &endpoint, details));
    Ok(answer_one(&call.open.core.options, StatusCode::ACCEPTED, "endpoint", body(&endpoint)))
}

fn must_fit(wanted: u64, free: u64) -> Result<(), ApiError> {
    if wanted > free {
        let text = format!("Not enough GPUs: {wanted} wanted, {free} available");
        return Err(ApiError::conflict(text, Some("resources")));
    }
    Ok(())
}

pub(crate) async fn scale(Path(id): Path<String>, call: Call) -> Answer {
    call.must_manage()?;
    let mut fields = Fields::body(&call.open.body)?;
    let replicas = fields.number("replicas", true, 1, MOST_REPLICAS);
    let replicas = fields.finish_with(replicas)?;
    let mut store = lock(&call.open.core.store);
    pass_time(&mut store);
    let endpoint = store.endpoint(&id).ok_or_else(missing)?.clone();
    call.must_edit(&store, "endpoint", &id)?;
    if endpoint.status != EndpointStatus::Running || endpoint.is_stopping() {
        let text = format!("Endpoint is {}: only a running one can be scaled", endpoint.status.as_str());
        return Err(ApiError::conflict(text, Some("status")));
    }
    if let Some(cluster) = endpoint.cluster_id.as_ref().and_then(|id| store.cluster(id)) {
        let per_replica = endpoint.resources.map_or(0, |r| r.gpu_count);
        // What it holds itself is free for it.
        let free = store.gpu_available(cluster).saturating_add(endpoint.gpus_held());
        must_fit(per_replica.saturating_mul(replicas), free)?;
    }
    let pace = store.pace;
    let live = find(&mut store, &id)?;
    live.scale(pace, replicas);
    let answer = body(live);
    let details = json!({"from": endpoint.replicas, "to": replicas});
    call.record(&mut store, deed("scale", &endpoint, details));
    Ok(updated(&call.open.core.options, "endpoint", answer))
}

pub(crate) async fn undeploy(Path(id): Path<String>, call: Call) -> Answer {
    call.must_manage()?;
    Fields::no_body(&call.open.body)?;
    let mut store = lock(&call.open.core.store);
    store.endpoint(&id).ok_or_else(missing)?;
    call.must_edit(&store, "endpoint", &id)?;
    let pace = store.pace;
    let endpoint = find(&mut store, &id)?;
    endpoint.undeploy(pace);
    let endpoint = endpoint.clone();
    call.record(&mut store, deed("undeploy", &endpoint, json!({"operation": "undeploy"})));
    Ok(answer_one(&call.open.core.options, StatusCode::ACCEPTED, "endpoint", body(&endpoint)))
}
