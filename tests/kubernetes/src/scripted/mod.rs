//! A Kubernetes API server of our own, for what a real one does not do on demand: a cluster in a known state, of any size,
//! that forbids or stalls what it is told to. Lists come in pages, as a real server gives them.

mod broken;
mod large;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use serde_json::{Value, json};

use crate::{Outcome, failed, lock};

/// What is in the cluster.
#[derive(Clone, Default)]
pub struct Objects {
    lists: BTreeMap<String, List>,
    /// By `namespace/pod/container`; `previous` ones end in `/previous`.
    logs: BTreeMap<String, String>,
    forbidden: BTreeSet<String>,
    stalled: BTreeSet<String>,
    nothing: bool,
}

#[derive(Clone)]
enum List {
    Given(Arc<Vec<Value>>),
    /// So many, each made when it is asked for.
    Made(usize, fn(usize) -> Value),
}

impl List {
    fn len(&self) -> usize {
        match self {
            Self::Given(objects) => objects.len(),
            Self::Made(count, _) => *count,
        }
    }
    fn at(&self, number: usize) -> Value {
        match self {
            Self::Given(objects) => objects[number].clone(),
            Self::Made(_, make) => make(number),
        }
    }
}

impl Objects {
    /// A cluster that is well.
    pub fn healthy() -> Self {
        broken::healthy()
    }
    /// A cluster in which much is wrong: a node is down, a model waits for GPUs, an image is not there...
    pub fn broken() -> Self {
        broken::broken()
    }
    /// As many objects as asked for, as large as they are, and well.
    pub fn large(nodes: usize, pods: usize, events: usize) -> Self {
        large::objects(nodes, pods, events)
    }

    /// These objects of a kind, by its plural: `pods`, `deployments`, `metrics.k8s.io/nodes`.
    pub fn with(mut self, plural: &str, objects: Vec<Value>) -> Self {
        self.lists.insert(plural.to_owned(), List::Given(Arc::new(objects)));
        self
    }
    /// Answers 403 to lists of this kind in all namespaces, and in these namespaces if it is named as `namespace/plural`.
    pub fn forbid(mut self, plural: &str) -> Self {
        self.forbidden.insert(plural.to_owned());
        self
    }
    /// Never answers lists of this kind, or what `version` and `apis` are asked for.
    pub fn stall(mut self, plural: &str) -> Self {
        self.stalled.insert(plural.to_owned());
        self
    }
    /// Answers 404 to everything, as a server of something else does.
    pub fn nothing() -> Self {
        Self { nothing: true, ..Self::default() }
    }
    /// What a container wrote.
    pub fn log(mut self, namespace: &str, pod: &str, container: &str, text: &str) -> Self {
        self.logs.insert(format!("{namespace}/{pod}/{container}"), text.to_owned());
        self
    }
}

/// A running server.
pub struct Scripted {
    url: String,
    kubeconfig: PathBuf,
    seen: Arc<Mutex<Vec<String>>>,
    task: tokio::task::JoinHandle<()>,
}

impl Scripted {
    /// Starts it on a free port.
    pub async fn start(objects: Objects) -> Outcome<Self> {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.map_err(failed("a free port"))?;
        let port = listener.local_addr().map_err(failed("the port"))?.port();
        let (url, seen) = (format!("http://127.0.0.1:{port}"), Arc::new(Mutex::new(Vec::new())));
        let (objects, log) = (Arc::new(objects), seen.clone());
        let app = axum::Router::new().fallback(move |request: Request| {
            let objects = objects.clone();
            lock(&log).push(format!("{} {}", request.method(), request.uri()));
            let (method, uri) = (request.method().clone(), request.uri().clone());
            async move { answer(&objects, &method, &uri).await }
        });
        let task = tokio::spawn(async move {
            // It ends when the server is dropped.
            let _ = axum::serve(listener, app).await;
        });
        let kubeconfig = std::env::temp_dir().join(format!("bud-scripted-{}-{port}", std::process::id()));
        let config = json!({
            "apiVersion": "v1", "kind": "Config", "current-context": "scripted",
            "clusters": [{ "name": "scripted", "cluster": { "server": url } }],
            "users": [{ "name": "scripted", "user": { "token": "none" } }],
            "contexts": [{ "name": "scripted", "context": { "cluster": "scripted", "user": "scripted" } }],
        });
        std::fs::write(&kubeconfig, config.to_string()).map_err(failed(kubeconfig.display()))?;
        Ok(Self { url, kubeconfig, seen, task })
    }

    /// Its address.
    pub fn url(&self) -> &str {
        &self.url
    }
    /// A file that leads to it. It is removed with the server.
    pub fn kubeconfig(&self) -> &Path {
        &self.kubeconfig
    }
    /// The requests so far: method, path and query.
    pub fn requests(&self) -> Vec<String> {
        lock(&self.seen).clone()
    }
}

impl Drop for Scripted {
    fn drop(&mut self) {
        self.task.abort();
        let _ = std::fs::remove_file(&self.kubeconfig);
    }
}

async fn answer(objects: &Objects, method: &http::Method, uri: &http::Uri) -> Response {
    let (path, query) = (uri.path(), uri.query().unwrap_or_default());
    let query = |name: &str| {
        let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
        pairs.into_iter().find(|(key, _)| *key == name).map(|(_, value)| value)
    };
    if method != http::Method::GET {
        return status(405, "MethodNotAllowed", "this server only shows");
    }
    let parts: Vec<&str> = path.trim_matches('/').split('/').collect();
    if objects.nothing {
        return status(404, "NotFound", "the server could not find the requested resource");
    }
    match parts[..] {
        ["version" | "apis"] if objects.stalled.contains(parts[0]) => std::future::pending().await,
        ["version"] => return axum::Json(json!({ "gitVersion": "v1.36.3" })).into_response(),
        ["apis"] => return axum::Json(groups(objects)).into_response(),
        ["api", "v1", "namespaces", namespace, "pods", pod, "log"] => {
            let container = query("container").unwrap_or_default();
            let mut key = format!("{namespace}/{pod}/{container}");
            if query("previous") == Some("true") {
                key.push_str("/previous");
            }
            return match objects.logs.get(&key) {
                Some(text) => text.clone().into_response(),
                None => status(404, "NotFound", &format!("no log of {key}")),
            };
        }
        _ => {}
    }
    let (group, rest) = match &parts[..] {
        ["api", "v1", rest @ ..] => ("", rest),
        ["apis", group, _, rest @ ..] => (*group, rest),
        _ => return status(404, "NotFound", "the server could not find the requested resource"),
    };
    let (namespace, plural) = match rest {
        [plural] => (None, *plural),
        ["namespaces", namespace, plural] => (Some(*namespace), *plural),
        _ => return status(404, "NotFound", "the server could not find the requested resource"),
    };
    let name = if group == "metrics.k8s.io" { format!("{group}/{plural}") } else { plural.to_owned() };
    if objects.stalled.contains(&name) {
        std::future::pending::<()>().await;
    }
    let at = namespace.map(|namespace| format!("{namespace}/{name}"));
    let forbidden = match &at {
        Some(at) => objects.forbidden.contains(at),
        None => objects.forbidden.contains(&name),
    };
    if forbidden {
        let message = format!("{plural} is forbidden: User \"scripted\" cannot list resource \"{plural}\"");
        return status(403, "Forbidden", &message);
    }
    const EXTRAS: [&str; 2] = ["cert-manager.io", "metrics.k8s.io"];
    let Some(list) = objects.lists.get(&name) else {
        if EXTRAS.contains(&group) {
            return status(404, "NotFound", "the server could not find the requested resource");
        }
        return page(&List::Given(Arc::default()), None, None, 0);
    };
    // A real server forgets the limit when it is asked for what it has at hand.
    let limit =
        query("limit").filter(|_| query("resourceVersion") != Some("0")).and_then(|limit| limit.parse().ok());
    let from = query("continue").and_then(|from| from.parse().ok()).unwrap_or(0);
    page(list, namespace, limit, from)
}

/// A page of a list, and what leads to the next.
fn page(list: &List, namespace: Option<&str>, limit: Option<usize>, from: usize) -> Response {
    let (mut items, mut at) = (Vec::new(), from);
    let most = limit.unwrap_or(usize::MAX);
    while at < list.len() && items.len() < most {
        let object = list.at(at);
        at += 1;
        if namespace.is_none_or(|namespace| {
            object.pointer("/metadata/namespace").and_then(Value::as_str) == Some(namespace)
        }) {
            items.push(object);
        }
    }
    let left = list.len() - at;
    let metadata = if left > 0 {
        json!({ "continue": at.to_string(), "remainingItemCount": left, "resourceVersion": "1" })
    } else {
        json!({ "resourceVersion": "1" })
    };
    axum::Json(json!({ "kind": "List", "apiVersion": "v1", "metadata": metadata, "items": items }))
        .into_response()
}

fn groups(objects: &Objects) -> Value {
    let mut groups = vec![json!({ "name": "apps", "versions": [{ "version": "v1" }] })];
    if objects.lists.keys().any(|name| name.starts_with("metrics.k8s.io/")) {
        groups.push(json!({ "name": "metrics.k8s.io", "versions": [{ "version": "v1beta1" }] }));
    }
    json!({ "kind": "APIGroupList", "groups": groups })
}

fn status(code: u16, reason: &str, message: &str) -> Response {
    let body =
        json!({ "kind": "Status", "status": "Failure", "reason": reason, "message": message, "code": code });
    let code = StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    (code, axum::Json(body)).into_response()
}
