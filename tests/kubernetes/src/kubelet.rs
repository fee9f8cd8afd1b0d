//! A stand-in for the kubelets of all nodes: it answers what the API server asks them for logs and exec.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Body;
use axum::extract::{Path, Query, Request, State};
use axum::routing::any;
use http::header::{CONNECTION, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_PROTOCOL, UPGRADE};
use http::{Response, StatusCode};
use hyper_util::rt::TokioIo;
use rustls::ServerConfig;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::Role;

use crate::exec::{ExecRequest, ExecScript, play};
use crate::logs::{ContainerLog, answer, refusal};
use crate::{Outcome, lock, server};

/// The newest first.
const PROTOCOLS: [&str; 2] = ["v5.channel.k8s.io", "v4.channel.k8s.io"];

/// What containers have logged, and what commands in them do. Pods are known by their names, on whichever node they are.
#[derive(Clone)]
pub struct Kubelet {
    port: u16,
    core: Arc<Core>,
}

/// Namespace, pod, container, and whether it is the container's run before this one.
type Place = (String, String, String, bool);
type Script = Arc<dyn Fn(&ExecRequest) -> ExecScript + Send + Sync>;

#[derive(Default)]
struct Core {
    logs: Mutex<HashMap<Place, ContainerLog>>,
    /// By namespace.
    scripts: Mutex<HashMap<String, Script>>,
    execs: Mutex<Vec<ExecRequest>>,
}

impl std::fmt::Debug for Kubelet {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Kubelet").field("port", &self.port).finish_non_exhaustive()
    }
}

impl Kubelet {
    pub(crate) async fn start(config: ServerConfig) -> Outcome<Self> {
        let core = Arc::new(Core::default());
        let router = Router::new()
            .route("/containerLogs/{namespace}/{pod}/{container}", any(logs))
            .route("/exec/{namespace}/{pod}/{container}", any(exec))
            .with_state(Arc::clone(&core));
        let port = server::serve(router, config).await?;
        Ok(Self { port, core })
    }

    /// Where it listens.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The log of a container. Until it is first asked for here, the container has not started.
    pub fn log(&self, namespace: &str, pod: &str, container: &str) -> ContainerLog {
        self.place(namespace, pod, container, false)
    }

    /// The log of a container's run before this one.
    pub fn previous_log(&self, namespace: &str, pod: &str, container: &str) -> ContainerLog {
        self.place(namespace, pod, container, true)
    }

    fn place(&self, namespace: &str, pod: &str, container: &str, previous: bool) -> ContainerLog {
        let place = (namespace.to_owned(), pod.to_owned(), container.to_owned(), previous);
        lock(&self.core.logs).entry(place).or_insert_with(ContainerLog::new).clone()
    }

    /// What commands in the containers of a namespace do from now on.
    pub fn on_exec(
        &self,
        namespace: &str,
        script: impl Fn(&ExecRequest) -> ExecScript + Send + Sync + 'static,
    ) {
        lock(&self.core.scripts).insert(namespace.to_owned(), Arc::new(script));
    }

    /// The commands in the containers of a namespace so far.
    pub fn execs(&self, namespace: &str) -> Vec<ExecRequest> {
        lock(&self.core.execs).iter().filter(|request| request.namespace == namespace).cloned().collect()
    }
}

type Names = Path<(String, String, String)>;

async fn logs(
    State(core): State<Arc<Core>>,
    Path((namespace, pod, container)): Names,
    Query(query): Query<HashMap<String, String>>,
) -> Response<Body> {
    let previous = query.get("previous").is_some_and(|value| value == "true");
    let place = (namespace, pod, container, previous);
    let log = lock(&core.logs).get(&place).cloned();
    match log {
        Some(log) => answer(&log, &query),
        None => {
            let (_, pod, container, _) = place;
            refusal(
                StatusCode::BAD_REQUEST,
                match previous {
                    true => {
                        format!("previous terminated container \"{container}\" in pod \"{pod}\" not found")
                    }
                    false => format!(
                        "container \"{container}\" in pod \"{pod}\" is waiting to start: ContainerCreating"
                    ),
                },
            )
        }
    }
}

async fn exec(
    State(core): State<Arc<Core>>,
    Path((namespace, pod, container)): Names,
    Query(query): Query<Vec<(String, String)>>,
    mut request: Request,
) -> Response<Body> {
    let command = query.into_iter().filter(|(name, _)| name == "command").map(|(_, value)| value).collect();
    let asked = ExecRequest { namespace, pod, container, command };
    let header = |name| request.headers().get(name).and_then(|value| value.to_str().ok());
    let offered = header(SEC_WEBSOCKET_PROTOCOL).unwrap_or_default();
    let protocol = PROTOCOLS.into_iter().find(|name| offered.split(',').any(|one| one.trim() == *name));
    let (Some(protocol), Some(key)) = (protocol, header(SEC_WEBSOCKET_KEY)) else {
        return refusal(StatusCode::BAD_REQUEST, "only websockets are spoken here".to_owned());
    };
    let accept = derive_accept_key(key.as_bytes());
    let upgrade = hyper::upgrade::on(&mut request);
    let script = lock(&core.scripts).get(&asked.namespace).cloned();
    let script = match script {
        Some(script) => script(&asked),
        None => ExecScript::fail("nobody said what it does"),
    };
    lock(&core.execs).push(asked);
    tokio::spawn(async move {
        if let Ok(upgraded) = upgrade.await {
            play(script, WebSocketStream::from_raw_socket(TokioIo::new(upgraded), Role::Server, None).await)
                .await;
        }
    });
    let response = Response::builder()
        .status(StatusCode::SWITCHING_PROTOCOLS)
        .header(CONNECTION, "upgrade")
        .header(UPGRADE, "websocket")
        .header(SEC_WEBSOCKET_ACCEPT, accept)
        .header(SEC_WEBSOCKET_PROTOCOL, protocol)
        .body(Body::empty());
    response.unwrap_or_else(|error| refusal(StatusCode::INTERNAL_SERVER_ERROR, error.to_string()))
}
