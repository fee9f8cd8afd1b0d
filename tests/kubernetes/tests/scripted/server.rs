//! A Kubernetes API server that does what a test says.

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use bud_sdk::kubernetes::Cluster;
use serde_json::{Value, json};

/// A request, as far as a script looks at it.
#[derive(Clone)]
pub(crate) struct Asked {
    pub(crate) method: String,
    pub(crate) path: String,
    query: String,
    pub(crate) authorization: String,
}

impl Asked {
    pub(crate) fn query(&self, name: &str) -> Option<&str> {
        let pairs = self.query.split('&').filter_map(|pair| pair.split_once('='));
        pairs.into_iter().find(|(key, _)| *key == name).map(|(_, value)| value)
    }
}

type Seen = Arc<Mutex<Vec<Asked>>>;

pub(crate) struct Server {
    url: String,
    seen: Seen,
    task: tokio::task::JoinHandle<()>,
}

impl Server {
    /// The script is told the request and how many there have been.
    pub(crate) async fn start(script: impl Fn(Asked, usize) -> Response + Send + Sync + 'static) -> Self {
        let seen = Seen::default();
        let (listener, task_seen) =
            (tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap(), seen.clone());
        let url = format!("http://{}", listener.local_addr().unwrap());
        let script = Arc::new(script);
        let app = axum::Router::new().fallback(move |request: Request| {
            let asked = Asked {
                method: request.method().to_string(),
                path: request.uri().path().to_owned(),
                query: request.uri().query().unwrap_or_default().to_owned(),
                authorization: request
                    .headers()
                    .get("authorization")
                    .map_or("", |value| value.to_str().unwrap())
                    .to_owned(),
            };
            let count = {
                let mut seen = task_seen.lock().unwrap();
                seen.push(asked.clone());
                seen.len()
            };
            let response = script(asked, count);
            async move { response }
        });
        let task = tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        Self { url, seen, task }
    }

    pub(crate) async fn cluster(&self) -> Cluster {
        connect(&self.url, Duration::from_secs(30)).await
    }

    pub(crate) async fn limited(&self, request: Duration) -> Cluster {
        connect(&self.url, request).await
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    pub(crate) fn requests(&self) -> usize {
        self.seen.lock().unwrap().len()
    }

    /// How many requests there were since it was last asked.
    pub(crate) fn take(&self) -> usize {
        std::mem::take(&mut *self.seen.lock().unwrap()).len()
    }

    pub(crate) fn of(&self, method: &str) -> usize {
        self.seen.lock().unwrap().iter().filter(|asked| asked.method == method).count()
    }

    pub(crate) fn all(&self) -> Vec<Asked> {
        self.seen.lock().unwrap().clone()
    }

    pub(crate) fn paths(&self) -> Vec<String> {
        self.seen.lock().unwrap().iter().map(|asked| asked.path.clone()).collect()
    }

    pub(crate) fn queries(&self) -> Vec<String> {
        self.seen.lock().unwrap().iter().map(|asked| asked.query.clone()).collect()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// What is sent as a token.
pub(crate) const TOKEN: &str = "canary-token";

pub(crate) fn kubeconfig(url: &str, token: &str) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Config", "current-context": "one",
        "clusters": [{ "name": "one", "cluster": { "server": url } }],
        "users": [{ "name": "one", "user": { "token": token } }],
        "contexts": [{ "name": "one", "context": { "cluster": "one", "user": "one" } }],
    })
}

async fn connect(url: &str, request: Duration) -> Cluster {
    let config = kubeconfig(url, TOKEN);
    let port = url.rsplit(':').next().unwrap();
    let path = std::env::temp_dir().join(format!("bud-kube-scripted-{}-{port}", std::process::id()));
    std::fs::write(&path, config.to_string()).unwrap();
    let cluster = Cluster::builder().kubeconfig(&path).request_timeout(request).connect().await;
    std::fs::remove_file(&path).unwrap();
    cluster.unwrap()
}

pub(crate) fn pod(name: &str) -> Value {
    json!({
        "metadata": { "name": name, "namespace": "here", "creationTimestamp": "2026-01-01T00:00:00Z" },
        "status": { "phase": "Running" },
    })
}

/// A page of that many pods, as the query has it.
pub(crate) fn page(asked: &Asked, all: usize) -> Response {
    let number = |name: &str| asked.query(name).and_then(|text| text.parse::<usize>().ok());
    let (from, limit) = (number("continue").unwrap_or(0), number("limit").unwrap_or(all));
    let end = (from + limit).min(all);
    let items: Vec<Value> = (from..end).map(large_pod).collect();
    let next = if end < all { end.to_string() } else { String::new() };
    let body = json!({ "kind": "PodList", "metadata": { "continue": next }, "items": items });
    axum::Json(body).into_response()
}

/// As large as pods are, most of it of no interest.
fn large_pod(number: usize) -> Value {
    let managed: Vec<Value> = (0..6)
        .map(|field| json!({ "manager": "kubelet", "operation": "Update", "fieldsV1": { format!("f:field-{field}"): { "f:inner": {} } } }))
        .collect();
    let env: Vec<Value> =
        (0..8).map(|at| json!({ "name": format!("VARIABLE_{at}"), "value": "x".repeat(40) })).collect();
    json!({
        "metadata": {
            "name": format!("pod-{number}"), "namespace": "here", "uid": format!("uid-{number}"),
            "creationTimestamp": "2026-01-01T00:00:00Z", "managedFields": managed,
            "annotations": { "example.com/large": "y".repeat(500) }, "labels": { "app": "app" },
            "ownerReferences": [{ "kind": "ReplicaSet", "name": "app-5d9f", "uid": "u" }],
        },
        "spec": { "nodeName": format!("node-{}", number % 5000), "containers": [{ "name": "main", "image": "i", "env": env }] },
        "status": {
            "phase": "Running", "podIP": "10.0.0.1",
            "conditions": [{ "type": "Ready", "status": "True" }],
            "containerStatuses": [{ "name": "main", "ready": true, "restartCount": 0, "state": { "running": {} } }],
        },
    })
}

/// The most memory that this process has had, in bytes.
pub(crate) fn peak_memory() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<usize>().unwrap() << 10
}

/// Whether this is the only test of its process. If not, it is run in one of its own, where it must pass.
pub(crate) fn alone(test: &str) -> bool {
    const ALONE: &str = "BUD_KUBE_SCRIPTED_ALONE";
    if std::env::var_os(ALONE).is_some() {
        return true;
    }
    let mut command = Command::new(std::env::current_exe().unwrap());
    let output = command.args(["--exact", test, "--nocapture"]).env(ALONE, "1").output().unwrap();
    let said = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let (out, err) = (said(&output.stdout), said(&output.stderr));
    assert!(output.status.success() && out.contains("1 passed"), "{out}\n{err}");
    false
}

const ASKED: &str = "BUD_KUBE_SCRIPTED_PODS";

/// A server of that many pods whose memory is not this process's.
pub(crate) struct Elsewhere {
    child: Child,
    said: BufReader<ChildStdout>,
    url: String,
}

pub(crate) fn in_a_process_of_its_own(pods: usize) -> Elsewhere {
    let program = std::env::current_exe().unwrap();
    let mut command = Command::new(program);
    command.args(["--exact", "serve_for_another_process", "--nocapture"]).env(ASKED, pods.to_string());
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut said = BufReader::new(child.stdout.take().unwrap());
    let url = loop {
        let mut line = String::new();
        assert!(said.read_line(&mut line).unwrap() > 0, "the server did not start");
        if let Some((_, url)) = line.trim().split_once("serving at ") {
            break url.to_owned();
        }
    };
    Elsewhere { child, said, url }
}

/// A cluster of that size, served by the program of this package.
pub(crate) fn large(nodes: usize, pods: usize, events: usize) -> Elsewhere {
    let mut command = Command::new(env!("CARGO_BIN_EXE_bud-kubernetes-testbed"));
    command.args(["scripted", "large"]).args([nodes, pods, events].map(|size| size.to_string()));
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut said = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    said.read_line(&mut line).unwrap();
    let kubeconfig = line.trim().strip_prefix("kubeconfig: ").unwrap();
    let config: Value = serde_json::from_slice(&std::fs::read(kubeconfig).unwrap()).unwrap();
    let url = config["clusters"][0]["cluster"]["server"].as_str().unwrap().to_owned();
    Elsewhere { child, said, url }
}

impl Elsewhere {
    pub(crate) async fn cluster(&self) -> Cluster {
        connect(&self.url, Duration::from_secs(60)).await
    }

    /// How many requests it has seen. It ends with that.
    pub(crate) fn requests(mut self) -> usize {
        drop(self.child.stdin.take());
        let mut rest = String::new();
        self.said.read_to_string(&mut rest).unwrap();
        let count = rest.lines().find_map(|line| line.strip_prefix("requests: ")).unwrap();
        self.child.wait().unwrap();
        count.parse().unwrap()
    }
}

/// Serves until its standard input ends.
pub(crate) fn serve_if_asked() {
    let Some(pods) = std::env::var(ASKED).ok().and_then(|text| text.parse().ok()) else { return };
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let server = runtime.block_on(Server::start(move |asked, _| {
        let few = asked.query("labelSelector").is_some();
        page(&asked, if few { 1 } else { pods })
    }));
    println!("serving at {}", server.url);
    std::io::stdout().flush().unwrap();
    let _ = std::io::stdin().read_to_end(&mut Vec::new());
    println!("requests: {}", server.requests());
}
