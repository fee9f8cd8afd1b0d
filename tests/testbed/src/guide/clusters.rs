//! Clusters.

use axum::extract::Path;
use http::StatusCode;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::call::{Answer, Call, Deed};
use super::error::ApiError;
use super::fields::Fields;
use super::shape::{Page, list_shape, one as answer_one, time};
use crate::lock;
use crate::state::{Cluster, ClusterStatus, Store};

fn body(store: &Store, cluster: &Cluster) -> Value {
    json!({
        "id": cluster.id, "name": cluster.name, "status": cluster.status.as_str(),
        "cluster_type": cluster.cluster_type,
        "total_nodes": cluster.total_nodes, "available_nodes": cluster.available_nodes,
        "gpu_count": cluster.gpu_count, "gpu_available": store.gpu_available(cluster),
        "last_refreshed_at": time(cluster.last_refreshed_at), "created_at": time(cluster.created_at),
    })
}

fn missing() -> ApiError {
    ApiError::not_found("Cluster")
}

pub(crate) async fn list(call: Call) -> Answer {
    let mut query = Fields::query(&call.open.query)?;
    let names = [ClusterStatus::Available, ClusterStatus::NotAvailable].map(ClusterStatus::as_str);
    let status = query.choice("status", false, &names);
    let page = Page::read(query)?;
    let store = lock(&call.open.core.store);
    let rows = store
        .clusters
        .iter()
        .filter(|cluster| status.as_ref().is_none_or(|status| status == cluster.status.as_str()));
    Ok(page.of(list_shape(&call.open.core.options), "clusters", rows, |cluster| body(&store, cluster)))
}

pub(crate) async fn one(Path(id): Path<String>, call: Call) -> Answer {
    Fields::query(&call.open.query)?.finish()?;
    let store = lock(&call.open.core.store);
    let cluster = store.cluster(&id).ok_or_else(missing)?;
    Ok(answer_one(&call.open.core.options, StatusCode::OK, "cluster", body(&store, cluster)))
}

pub(crate) async fn refresh(Path(id): Path<String>, call: Call) -> Answer {
    call.must_be_admin()?;
    Fields::no_body(&call.open.body)?;
    let mut store = lock(&call.open.core.store);
    let cluster = store.clusters.iter_mut().find(|c| c.id == id).ok_or_else(missing)?;
    cluster.last_refreshed_at = Timestamp::now();
    let cluster = cluster.clone();
    let deed = Deed {
        action: "refresh",
        kind: "cluster",
        id: Some(cluster.id.clone()),
        name: Some(cluster.name.clone()),
        ..Deed::default()
    };
    call.record(&mut store, deed);
    let answer = body(&store, &cluster);
    Ok(answer_one(&call.open.core.options, StatusCode::ACCEPTED, "cluster", answer))
}
