//! What is asked of a server, and what is made of its answers.

use axum::response::{IntoResponse, Response};
use bud_sdk::ErrorKind;
use bud_sdk::kubernetes::{Cluster, Namespaces};
use serde_json::{Value, json};

use crate::list;
use crate::logs::{app, object, running};
use crate::server::{Asked, Server};

/// A cluster with one of everything that is looked for.
fn one_of_everything(asked: &Asked) -> Response {
    let path = asked.path.as_str();
    match path {
        "/apis" => object(
            json!({ "groups": [{ "name": "metrics.k8s.io", "versions": [{ "version": "v1beta1" }] }] }),
        ),
        _ if path.ends_with("/log") => "line\n".into_response(),
        _ if path.ends_with("/deployments/bud-app") => object(app(1)),
        _ if path.ends_with("/deployments") => list(&[app(1)], ""),
        _ if path.ends_with("/pods/p") => object(running("p")),
        _ if path.ends_with("/pods") && !path.contains("metrics") => list(&[running("p")], ""),
        _ => list(&[], ""),
    }
}

async fn every_read(cluster: &Cluster) {
    let minute = std::time::Duration::from_secs(60);
    let here = || Namespaces::one("here");
    cluster.nodes().await.unwrap();
    cluster.gpus().await.unwrap();
    cluster.pods(here()).await.unwrap();
    cluster.engine_pods().await.unwrap();
    cluster.events(here()).await.unwrap();
    cluster.services(here()).await.unwrap();
    cluster.deployments(here()).await.unwrap();
    cluster.find("here", "app").await.unwrap();
    cluster.rollout("here", "app").await.unwrap();
    cluster.wait_for_rollout("here", "app", minute / 60).await.unwrap_err();
    cluster.dapr(here()).await.unwrap();
    cluster.top_pods(here()).await.unwrap();
    cluster.top_nodes().await.unwrap();
    cluster.certificates(here()).await.unwrap();
    cluster.logs("here", "app").await.unwrap();
    let mut log = cluster.logs("here", "app").timeout(minute / 30).follow();
    while log.next().await.is_some() {}
    cluster.postgres_primary("here").await.unwrap_err();
}

#[tokio::test]
async fn nothing_is_changed_but_by_a_restart_and_nothing_run_but_by_a_command() {
    let server = Server::start(|asked, _| one_of_everything(&asked)).await;
    let cluster = server.cluster().await;
    every_read(&cluster).await;
    let asked = server.all();
    assert!(asked.len() > 25, "{}", asked.len());
    for one in asked {
        assert!(one.method == "GET" && !one.path.ends_with("/exec"), "{} {}", one.method, one.path);
        assert!(!one.path.contains("secrets"), "{}", one.path);
    }

    server.take();
    cluster.restart("here", "app").await.unwrap();
    let asked = server.all();
    let changes: Vec<&Asked> = asked.iter().filter(|one| one.method != "GET").collect();
    let [change] = changes.as_slice() else { panic!("{} changes", changes.len()) };
    assert_eq!(
        (change.method.as_str(), change.path.as_str()),
        ("PATCH", "/apis/apps/v1/namespaces/here/deployments/bud-app")
    );

    server.take();
    // It is no websocket; what matters is how it was asked.
    for error in [
        cluster.exec("here", "app", ["true"]).await.unwrap_err(),
        cluster.gpu_readings("here", "app").await.unwrap_err(),
    ] {
        assert_ne!(error.kind(), ErrorKind::NotFound, "{error}");
    }
    let asked = server.all();
    assert!(asked.iter().all(|one| one.method == "GET"));
    assert_eq!(asked.iter().filter(|one| one.path == "/api/v1/namespaces/here/pods/p/exec").count(), 2);
}

#[tokio::test]
async fn events_are_told_in_the_order_of_their_newest_times() {
    let at = |minute: u32| format!("2026-01-01T00:{minute:02}:00Z");
    let event = |name: &str, more: Value| {
        let mut event = json!({
            "metadata": { "name": name, "namespace": "here", "creationTimestamp": at(0) }, "reason": name,
        });
        for (field, value) in more.as_object().unwrap() {
            event[field] = value.clone();
        }
        event
    };
    // By name, by creation and by lastTimestamp they would stand in other orders.
    let events = [
        event("a", json!({ "lastTimestamp": at(9), "firstTimestamp": at(1), "count": 4 })),
        event("b", json!({ "eventTime": at(3), "lastTimestamp": null })),
        event(
            "c",
            json!({ "eventTime": at(1), "series": { "count": 7, "lastObservedTime": at(5) }, "lastTimestamp": at(2) }),
        ),
        event("d", json!({})),
        event("f", json!({ "lastTimestamp": at(4), "eventTime": at(8) })),
        event("e", json!({ "lastTimestamp": at(4) })),
    ];
    let server = Server::start(move |asked, _| match asked.query("continue") {
        None => list(&events[..3], "more"),
        Some(_) => list(&events[3..], ""),
    })
    .await;
    let events = server.cluster().await.events("here").await.unwrap();
    let told: Vec<(&str, u32)> = events.iter().map(|event| (event.reason.as_str(), event.count)).collect();
    assert_eq!(told, [("d", 1), ("b", 1), ("e", 1), ("f", 1), ("c", 7), ("a", 4)]);
}

#[tokio::test]
async fn the_primary_of_postgresql_is_one_that_is_ready() {
    let pod = |name: &str, ready: &str| {
        let mut pod = running(name);
        pod["status"]["conditions"] = json!([{ "type": "Ready", "status": ready }]);
        pod
    };
    let server = Server::start(move |asked, _| match asked.path.as_str() {
        "/api/v1/namespaces/two/pods" => list(&[pod("pg-0", "False"), pod("pg-1", "True")], ""),
        "/api/v1/namespaces/down/pods" => list(&[pod("pg-0", "False")], ""),
        "/api/v1/namespaces/old/pods" if asked.query("labelSelector") == Some("app%3Dpostgresql") => {
            list(&[pod("old-0", "True")], "")
        }
        _ => list(&[], ""),
    })
    .await;
    let cluster = server.cluster().await;
    assert_eq!(cluster.postgres_primary("two").await.unwrap().name, "pg-1");
    assert_eq!(cluster.postgres_primary("old").await.unwrap().name, "old-0");
    let down = cluster.postgres_primary("down").await.unwrap_err();
    assert!(down.is_not_found() && down.message().contains("no pod that is ready"), "{down}");
    let none = cluster.postgres_primary("none").await.unwrap_err();
    assert!(none.is_not_found() && none.message().contains("in none"), "{none}");
}
