//! Objects that are odd, and lists that do not end.

use std::time::{Duration, Instant};

use axum::response::IntoResponse;
use bud_kubernetes_testbed::{Objects, Scripted};
use bud_sdk::ErrorKind;
use bud_sdk::kubernetes::Cluster;
use bud_sdk::report::{Unavailable, Verdict};
use serde_json::{Value, json};

use crate::list;
use crate::server::{Server, pod};

fn event(name: &str, changes: Value) -> Value {
    let mut event = json!({
        "metadata": { "name": name, "namespace": "here", "creationTimestamp": "2026-01-01T00:00:00Z" },
        "type": "Warning", "reason": "Odd", "message": "something", "count": 2,
        "involvedObject": { "kind": "Pod", "namespace": "here", "name": "a" },
        "lastTimestamp": "2026-01-01T00:00:00Z",
    });
    event.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
    event
}

fn node(name: &str, changes: Value) -> Value {
    let mut status = json!({ "conditions": [{ "type": "Ready", "status": "True" }] });
    status.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
    json!({ "metadata": { "name": name }, "status": status })
}

#[tokio::test]
async fn r1_one_object_that_cannot_be_read_loses_no_list() {
    let server = Server::start(|asked, _| match asked.path.as_str() {
        path if path.ends_with("/events") => list(
            &[
                event("fine", json!({})),
                event("negative", json!({ "count": -1 })),
                event("large", json!({ "count": 5_000_000_000u64, "series": null })),
                event("larger", json!({ "count": 1e300 })),
                event("text", json!({ "count": "many" })),
                event("no-time", json!({ "lastTimestamp": "yesterday" })),
                json!("no object"),
            ],
            "",
        ),
        path if path.ends_with("/nodes") => list(
            &[
                node("fine", json!({})),
                node("odd", json!({ "conditions": [{ "type": "Ready", "status": 7 }] })),
                node("negative", json!({ "allocatable": { "cpu": "-1", "pods": "1e40" } })),
            ],
            "",
        ),
        "/api/v1/namespaces/none/pods" => list(&[json!({ "metadata": { "name": 7 } }), json!(null)], ""),
        "/api/v1/pods" => list(&[pod("fine"), json!({ "metadata": { "name": "odd" }, "spec": 7 })], ""),
        _ => list(&[], ""),
    })
    .await;
    let cluster = server.cluster().await;
    let mut counts: Vec<u32> =
        cluster.events("here").await.unwrap().iter().map(|event| event.count).collect();
    counts.sort_unstable();
    assert_eq!(counts, [1, 2, u32::MAX, u32::MAX]);
    let nodes = cluster.nodes().await.unwrap();
    assert_eq!(nodes.iter().map(|node| node.name.as_str()).collect::<Vec<_>>(), ["fine", "negative"]);
    // A list of nothing that can be read is no empty list.
    let error = cluster.pods("none").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Decode, "{error}");
    assert!(error.to_string().contains("2 of the pods cannot be read"), "{error}");
    // What is summed up must be whole.
    let error = cluster.gpus().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Decode, "{error}");
    assert!(error.to_string().contains("1 of the pods cannot be read: odd"), "{error}");
}

#[tokio::test]
async fn r1_a_report_names_the_object_and_its_section_is_incomplete() {
    let objects = Objects::healthy().with(
        "events",
        vec![
            event("fine", json!({})),
            event("odd-one", json!({ "message": 7 })),
            event("low", json!({ "count": -1 })),
        ],
    );
    let server = Scripted::start(objects).await.unwrap();
    let cluster = Cluster::builder().kubeconfig(server.kubeconfig()).connect().await.unwrap();
    let report = cluster.report().await.unwrap();
    assert_ne!(report.verdict, Verdict::Healthy, "{}", report.to_json());
    let section = report.sections.iter().find(|section| section.name == "events").unwrap();
    assert_eq!((section.objects, section.reason.as_deref()), (2, Some(&Unavailable::Error)), "{section:?}");
    let finding = report.findings.iter().find(|finding| finding.code == "SECTION_UNAVAILABLE").unwrap();
    assert_eq!(finding.subject.name, "events");
    let evidence: String = finding.evidence.iter().map(|evidence| evidence.text.as_str()).collect();
    assert_eq!(evidence, "1 of the events cannot be read: here/odd-one");
    // All other sections are whole.
    let others = report.sections.iter().filter(|section| section.name != "events");
    assert!(others.into_iter().all(|section| section.reason.as_deref() != Some(&Unavailable::Error)));
}

#[tokio::test]
async fn r1_a_certificate_that_never_ends_does_not_hide_one_that_has_ended() {
    let certificate = |name: &str, from: &str, to: &str| {
        json!({
            "metadata": { "name": name, "namespace": "here", "creationTimestamp": from },
            "spec": { "secretName": name, "issuerRef": { "kind": "ClusterIssuer", "name": "own" } },
            "status": { "notBefore": from, "notAfter": to, "conditions": [{ "type": "Ready", "status": "True" }] },
        })
    };
    let objects = Objects::healthy().with(
        "certificates",
        vec![
            certificate("never-ends", "2020-01-01T00:00:00Z", "9999-12-31T23:59:59Z"),
            certificate("has-ended", "2020-01-01T00:00:00Z", "2020-03-31T00:00:00Z"),
            certificate("odd", "2020-01-01T00:00:00Z", "soon"),
        ],
    );
    let server = Scripted::start(objects).await.unwrap();
    let cluster = Cluster::builder().kubeconfig(server.kubeconfig()).connect().await.unwrap();
    let report = cluster.report().await.unwrap();
    let found = |name: &str| report.findings.iter().filter(|finding| finding.subject.name == name).count();
    assert_eq!((found("has-ended"), found("never-ends")), (1, 0), "{}", report.to_json());
    let states: Vec<(String, String)> = cluster
        .certificates("here")
        .await
        .unwrap()
        .into_iter()
        .map(|certificate| (certificate.name, certificate.state.to_string()))
        .collect();
    assert!(states.contains(&("has-ended".to_owned(), "EXPIRED".to_owned())), "{states:?}");
    assert!(!states.iter().any(|(name, _)| name == "odd"), "{states:?}");
}

#[tokio::test]
async fn s_l4_a_list_that_leads_back_ends_with_an_error() {
    let server = Server::start(|asked, _| {
        let next = match asked.query("continue") {
            None => "a",
            Some("a") => "b",
            Some("b") if asked.path.contains("/back/") => "a",
            Some(_) if asked.path.contains("/same/") => "b",
            Some(_) => "",
        };
        list(&[pod("p")], next)
    })
    .await;
    let cluster = server.cluster().await;
    for namespace in ["same", "back"] {
        let started = Instant::now();
        let error = cluster.pods(namespace).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Decode, "{error}");
        assert!(error.to_string().contains("`continue` token was seen before"), "{error}");
        assert!(server.take() <= 4 && started.elapsed() < Duration::from_secs(10));
    }
    assert_eq!(cluster.pods("fine").await.unwrap().len(), 3);
}

#[tokio::test]
async fn a_command_that_is_too_long_for_an_address_is_refused() {
    let server = Server::start(|asked, _| match asked.path.as_str() {
        path if path.ends_with("/exec") => "".into_response(),
        _ => axum::Json(json!({
            "metadata": { "name": "p", "namespace": "here" },
            "spec": { "containers": [{ "name": "main" }] },
            "status": { "phase": "Running" },
        }))
        .into_response(),
    })
    .await;
    let cluster = server.cluster().await;
    for length in [61_000, 65_490, 70_000, 1_000_000] {
        let error = cluster.exec("here", "pod/p", ["echo".to_owned(), "x".repeat(length)]).await.unwrap_err();
        assert_eq!((error.kind(), error.param()), (ErrorKind::InvalidArgument, Some("command")), "{error}");
    }
}
