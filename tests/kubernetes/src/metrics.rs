//! A stand-in for metrics-server: metrics.k8s.io behind an APIService.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use axum::body::Body;
use axum::extract::{Path, State};
use axum::routing::get;
use axum::{Json, Router};
use http::{Response, StatusCode};
use jiff::Timestamp;
use rustls::ServerConfig;
use serde_json::{Value, json};

use crate::{Outcome, lock, server};

const GROUP: &str = "metrics.k8s.io/v1beta1";
/// The Service that it hides behind, in this namespace.
pub(crate) const SERVICE: &str = "metrics-stand-in";
pub(crate) const NAMESPACE: &str = "kube-system";

/// What nodes and pods use, as told.
#[derive(Debug, Clone)]
pub struct Metrics {
    core: Arc<Core>,
}

#[derive(Debug, Default)]
struct Core {
    nodes: Mutex<BTreeMap<String, Value>>,
    /// By namespace and name; the containers.
    pods: Mutex<BTreeMap<(String, String), Vec<Value>>>,
}

impl Metrics {
    /// With its port.
    pub(crate) async fn start(config: ServerConfig) -> Outcome<(Self, u16)> {
        let core = Arc::new(Core::default());
        let root = format!("/apis/{GROUP}");
        let router = Router::new()
            .route(&root, get(resources))
            .route(&format!("{root}/nodes"), get(nodes))
            .route(&format!("{root}/nodes/{{name}}"), get(node))
            .route(&format!("{root}/pods"), get(pods))
            .route(&format!("{root}/namespaces/{{namespace}}/pods"), get(pods_of))
            .route(&format!("{root}/namespaces/{{namespace}}/pods/{{name}}"), get(pod))
            .with_state(Arc::clone(&core));
        Ok((Self { core }, server::serve(router, config).await?))
    }

    /// A node uses this much, as quantities such as `250m` and `1Gi`.
    pub fn node(&self, name: &str, cpu: &str, memory: &str) {
        lock(&self.core.nodes).insert(name.to_owned(), json!({"cpu": cpu, "memory": memory}));
    }

    /// A container of a pod uses this much.
    pub fn container(&self, namespace: &str, pod: &str, container: &str, cpu: &str, memory: &str) {
        let usage = json!({"name": container, "usage": {"cpu": cpu, "memory": memory}});
        let mut pods = lock(&self.core.pods);
        pods.entry((namespace.to_owned(), pod.to_owned())).or_default().push(usage);
    }
}

type Shared = State<Arc<Core>>;

async fn resources() -> Json<Value> {
    let resource = |name: &str, kind: &str, namespaced: bool| json!({"name": name, "singularName": "", "namespaced": namespaced, "kind": kind, "verbs": ["get", "list"]});
    Json(json!({
        "kind": "APIResourceList", "apiVersion": "v1", "groupVersion": GROUP,
        "resources": [resource("nodes", "NodeMetrics", false), resource("pods", "PodMetrics", true)],
    }))
}

async fn nodes(State(core): Shared) -> Json<Value> {
    let nodes = lock(&core.nodes);
    list("NodeMetricsList", nodes.iter().map(|(name, usage)| node_item(name, usage)).collect())
}

async fn node(State(core): Shared, Path(name): Path<String>) -> Response<Body> {
    let found = lock(&core.nodes).get(&name).map(|usage| node_item(&name, usage));
    single(found, "nodes", &name)
}

async fn pods(State(core): Shared) -> Json<Value> {
    pod_list(&core, None)
}

async fn pods_of(State(core): Shared, Path(namespace): Path<String>) -> Json<Value> {
    pod_list(&core, Some(&namespace))
}

async fn pod(State(core): Shared, Path(place): Path<(String, String)>) -> Response<Body> {
    let found = lock(&core.pods).get(&place).map(|containers| pod_item(&place, containers));
    single(found, "pods", &place.1)
}

fn pod_list(core: &Core, namespace: Option<&str>) -> Json<Value> {
    let pods = lock(&core.pods);
    let wanted = pods.iter().filter(|(place, _)| namespace.is_none_or(|namespace| place.0 == namespace));
    list("PodMetricsList", wanted.map(|(place, containers)| pod_item(place, containers)).collect())
}

fn node_item(name: &str, usage: &Value) -> Value {
    let mut item = item("NodeMetrics", json!({"name": name}));
    item["usage"] = usage.clone();
    item
}

fn pod_item((namespace, name): &(String, String), containers: &[Value]) -> Value {
    let mut item = item("PodMetrics", json!({"namespace": namespace, "name": name}));
    item["containers"] = containers.into();
    item
}

fn item(kind: &str, mut metadata: Value) -> Value {
    let now = format!("{:.0}", Timestamp::now());
    metadata["creationTimestamp"] = now.clone().into();
    json!({"kind": kind, "apiVersion": GROUP, "metadata": metadata, "timestamp": now, "window": "15s"})
}

fn list(kind: &str, items: Vec<Value>) -> Json<Value> {
    Json(json!({"kind": kind, "apiVersion": GROUP, "metadata": {}, "items": items}))
}

fn single(found: Option<Value>, kind: &str, name: &str) -> Response<Body> {
    let (status, body) = match found {
        Some(item) => (StatusCode::OK, item),
        None => (
            StatusCode::NOT_FOUND,
            json!({
                "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "reason": "NotFound", "code": 404,
                "message": format!("{kind}.metrics.k8s.io \"{name}\" not found"),
            }),
        ),
    };
    let mut response = Response::new(Body::from(body.to_string()));
    *response.status_mut() = status;
    response.headers_mut().insert("content-type", http::HeaderValue::from_static("application/json"));
    response
}
