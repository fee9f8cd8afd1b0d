//! Logs, as a kubelet at its worst gives them.

use std::time::{Duration, Instant};

use axum::response::{IntoResponse, Response};
use bud_sdk::kubernetes::LogLine;
use serde_json::{Value, json};

use crate::server::{Asked, Server};
use crate::{list, status};

pub(crate) fn texts(lines: &[LogLine]) -> Vec<&str> {
    lines.iter().map(|line| line.text.as_str()).collect()
}

/// A pod that runs.
pub(crate) fn running(name: &str) -> Value {
    json!({
        "metadata": { "name": name, "namespace": "here", "uid": format!("uid-{name}") },
        "spec": { "nodeName": "n", "restartPolicy": "Always", "containers": [{ "name": "main" }] },
        "status": { "phase": "Running" },
    })
}

pub(crate) fn object(object: Value) -> Response {
    axum::Json(object).into_response()
}

pub(crate) fn gone() -> Response {
    status(404, "NotFound", "not found")
}

/// The deployment `app` with that many pods, as a list of deployments has it.
pub(crate) fn app(replicas: u32) -> Value {
    json!({
        "metadata": { "name": "bud-app", "namespace": "here" },
        "spec": { "replicas": replicas, "selector": { "matchLabels": { "app": "app" } } },
    })
}

/// What should end and does not is a failure, not an hour.
const LONG: Duration = Duration::from_secs(60);
const DEPLOYMENTS: &str = "/apis/apps/v1/namespaces/here/deployments";
const PODS: &str = "/api/v1/namespaces/here/pods";

/// What stands in the path behind the pods.
pub(crate) fn of_pods(asked: &Asked) -> Option<&str> {
    asked.path.strip_prefix(PODS)
}

#[tokio::test]
async fn a_kind_before_a_name_means_that_very_object() {
    let server = Server::start(|asked, _| match asked.path.as_str() {
        DEPLOYMENTS => list(&[app(1)], ""),
        "/apis/apps/v1/namespaces/here/deployments/bud-app" => object(app(1)),
        "/apis/apps/v1/namespaces/here/statefulsets/db" => {
            object(json!({ "metadata": { "name": "db" }, "spec": { "selector": { "matchLabels": { "app": "db" } } } }))
        }
        PODS if asked.query("labelSelector") == Some("app%3Ddb") => list(&[running("db-0")], ""),
        PODS => list(&[running("p")], ""),
        path if path.ends_with("/log") => "line\n".into_response(),
        _ => gone(),
    })
    .await;
    let cluster = server.cluster().await;
    for name in ["app", "bud-app", "deployment/bud-app"] {
        assert_eq!(cluster.logs("here", name).await.unwrap()[0].pod, "p", "{name}");
    }
    assert_eq!(cluster.logs("here", "statefulset/db").await.unwrap()[0].pod, "db-0");
    // As kubectl has it: there is no such deployment, whatever ends like it.
    assert!(cluster.logs("here", "deployment/app").await.unwrap_err().is_not_found());
    assert!(cluster.exec("here", "deployment/app", ["true"]).await.unwrap_err().is_not_found());
    assert_eq!(cluster.logs("here", "job/app").await.unwrap_err().param(), Some("name"));
}

#[tokio::test]
async fn a_container_that_is_not_there_ends_a_followed_log_at_once() {
    let server = Server::start(|asked, _| match of_pods(&asked) {
        Some("/p") => object(running("p")),
        _ => gone(),
    })
    .await;
    let mut log = server.cluster().await.logs("here", "pod/p").container("daprd").timeout(LONG).follow();
    let error = log.next().await.unwrap().unwrap_err();
    assert!(error.is_not_found() && error.message().contains("it has main"), "{error}");
    assert!(log.next().await.is_none());
    assert_eq!(server.requests(), 2, "the pods, and the one that is followed");
}

#[tokio::test]
async fn a_log_that_is_not_there_is_an_error_and_one_that_breaks_off_is_not_asked_for_without_end() {
    let server = Server::start(|asked, _| match of_pods(&asked) {
        Some("/p" | "/breaks") => object(running(asked.path.rsplit('/').next().unwrap())),
        Some("/breaks/log") => {
            // Its head and half a line arrive before it breaks.
            let broken = futures_util::stream::unfold(0, |at| async move {
                tokio::time::sleep(Duration::from_millis(50 * at)).await;
                let piece = if at == 0 { Ok("half") } else { Err(std::io::Error::other("no more")) };
                Some((piece, at + 1))
            });
            Response::new(axum::body::Body::from_stream(broken))
        }
        _ => gone(),
    })
    .await;
    let cluster = server.cluster().await;
    let error = cluster.logs("here", "pod/p").timeout(LONG).follow().next().await.unwrap().unwrap_err();
    assert_eq!(error.status(), Some(404), "{error}");
    assert!(server.take() <= 4);

    let started = Instant::now();
    let mut log = cluster.logs("here", "pod/breaks").timeout(Duration::from_secs(3)).follow();
    assert!(log.next().await.is_none(), "the time to follow is over");
    assert!(started.elapsed() >= Duration::from_secs(3));
    // Two for each try, and one try a second.
    assert!(server.requests() <= 10, "{}", server.requests());
}

#[tokio::test]
async fn lines_are_told_once_each_in_whatever_order_their_times_are() {
    let at = |second: u32, text: &str| format!("2026-01-01T00:00:{second:02}.000000001Z {text}\n");
    let first = [at(5, "five"), at(3, "three"), at(5, "five again"), at(6, "six"), at(4, "four")].concat();
    // From another zone, as after its clock's change; the same moments all the same.
    let local = |text: &str| format!("2026-01-01T02:00:06.000000001+02:00 {text}\n");
    let second = [at(5, "five again"), local("six"), local("six too"), at(7, "seven"), at(2, "two")].concat();
    let server = Server::start(move |asked, _| match of_pods(&asked) {
        Some("/p") => object(running("p")),
        Some("/p/log") if asked.query("sinceTime").is_none() => first.clone().into_response(),
        Some("/p/log") => second.clone().into_response(),
        _ => gone(),
    })
    .await;
    let mut log = server.cluster().await.logs("here", "pod/p").timeout(LONG).follow();
    let mut told = Vec::new();
    while told.len() < 8 {
        told.push(log.next().await.unwrap().unwrap());
    }
    assert_eq!(texts(&told), ["five", "three", "five again", "six", "four", "six too", "seven", "two"]);
    assert!(
        server.queries().iter().any(|query| query.contains("sinceTime=2026-01-01T00%3A00%3A06.000000001Z"))
    );
}

/// A container that has ended, in a pod that goes on.
fn ended(name: &str, policy: &str, code: i32) -> Value {
    let mut pod = running(name);
    pod["spec"]["restartPolicy"] = policy.into();
    pod["status"]["containerStatuses"] =
        json!([{ "name": "main", "state": { "terminated": { "exitCode": code, "reason": "x" } } }]);
    pod
}

#[tokio::test]
async fn a_followed_log_ends_with_a_container_that_will_not_be_started_again() {
    let server = Server::start(|asked, _| match of_pods(&asked) {
        Some("/done") => object(ended("done", "OnFailure", 0)),
        Some("/crashes") => object(ended("crashes", "OnFailure", 1)),
        Some("/done/log" | "/crashes/log") => "line\n".into_response(),
        _ => gone(),
    })
    .await;
    let cluster = server.cluster().await;
    let started = Instant::now();
    let mut log = cluster.logs("here", "pod/done").timeout(LONG).follow();
    assert_eq!(log.next().await.unwrap().unwrap().text, "line");
    assert!(log.next().await.is_none());
    assert!(started.elapsed() < Duration::from_secs(60));
    server.take();
    // One that will be is waited for.
    let mut log = cluster.logs("here", "pod/crashes").timeout(Duration::from_secs(4)).follow();
    while log.next().await.is_some() {}
    let opened = server.paths().iter().filter(|path| path.ends_with("/log")).count();
    assert!(opened >= 2, "{opened}");
}

#[tokio::test]
async fn an_outage_between_two_pods_is_no_end_and_a_missing_right_is_an_error() {
    // The first pod is gone when its log ends. Then the server is busy, then nothing has taken its place, then the second has.
    let server = Server::start(move |asked, count| match asked.path.as_str() {
        DEPLOYMENTS if count > 2 && count < 8 => status(500, "InternalError", "etcd is away"),
        DEPLOYMENTS => list(&[app(1)], ""),
        PODS if count == 2 => list(&[running("p")], ""),
        PODS if count < 14 => list(&[], ""),
        PODS => list(&[running("q")], ""),
        "/api/v1/namespaces/here/pods/p" if count <= 4 => object(running("p")),
        "/api/v1/namespaces/here/pods/p/log" => "from the first\n".into_response(),
        "/api/v1/namespaces/here/pods/q" => object(running("q")),
        "/api/v1/namespaces/here/pods/q/log" => "from the second\n".into_response(),
        _ => gone(),
    })
    .await;
    let mut log = server.cluster().await.logs("here", "app").timeout(LONG).follow();
    assert_eq!(log.next().await.unwrap().unwrap().text, "from the first");
    let line = log.next().await.expect("it goes on").unwrap();
    assert_eq!((line.text.as_str(), line.pod.as_str()), ("from the second", "q"));

    for (replicas, code) in [(1, Some(403)), (0, None)] {
        let server = Server::start(move |asked, count| match asked.path.as_str() {
            DEPLOYMENTS if count > 2 && code.is_some() => status(403, "Forbidden", "not for you"),
            DEPLOYMENTS => list(&[app(replicas)], ""),
            PODS if count == 2 => list(&[running("p")], ""),
            PODS => list(&[], ""),
            "/api/v1/namespaces/here/pods/p" if count <= 4 => object(running("p")),
            "/api/v1/namespaces/here/pods/p/log" => "line\n".into_response(),
            _ => gone(),
        })
        .await;
        let mut log = server.cluster().await.logs("here", "app").timeout(LONG).follow();
        assert_eq!(log.next().await.unwrap().unwrap().text, "line");
        let end = log.next().await;
        // A deployment that wants no pods gets none.
        assert_eq!(end.map(|line| line.unwrap_err().status()), code.map(Some), "{replicas}");
    }
}

#[tokio::test]
async fn a_tail_that_was_cut_off_says_so() {
    let server = Server::start(|asked, _| {
        // As a kubelet does it: from the first line of the tail on, until the limit.
        let log = |lines: usize| {
            let limit: usize = asked.query("limitBytes").unwrap().parse().unwrap();
            let mut log = "2026-01-01T00:00:00.000000000Z 0123456789012345678901234567890\n".repeat(lines);
            log.truncate(limit);
            log.into_response()
        };
        match of_pods(&asked) {
            Some("/p") => object(running("p")),
            Some("/q") => object(running("q")),
            Some("/p/log") => log(1 << 15),
            Some("/q/log") => log(1 << 10),
            _ => gone(),
        }
    })
    .await;
    let cluster = server.cluster().await;
    let lines = cluster.logs("here", "pod/p").tail(1 << 15).await.unwrap();
    let (last, before) = lines.split_last().unwrap();
    assert!(last.cut && before.len() > 16_000 && before.iter().all(|line| !line.cut), "{last:?}");
    let lines = cluster.logs("here", "pod/q").tail(1 << 15).await.unwrap();
    assert!(lines.len() == 1 << 10 && lines.iter().all(|line| !line.cut));
}
