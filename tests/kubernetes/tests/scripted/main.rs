//! The SDK against a scripted API server: what a real one will not do on demand.

#![cfg(unix)]

mod logs;
mod odd;
mod reads;
mod report;
mod rollouts;
mod server;

use std::time::Duration;

use axum::response::{IntoResponse, Response};
use bud_sdk::ErrorKind;
use bud_sdk::kubernetes::{Cluster, Namespaces};
use http::{StatusCode, header};
use serde_json::{Value, json};
use server::{Server, page, pod};

fn status(code: u16, reason: &str, message: &str) -> Response {
    let body =
        json!({ "kind": "Status", "status": "Failure", "reason": reason, "message": message, "code": code });
    (StatusCode::from_u16(code).unwrap(), axum::Json(body)).into_response()
}

fn list(items: &[Value], next: &str) -> Response {
    axum::Json(json!({ "kind": "List", "metadata": { "continue": next }, "items": items })).into_response()
}

#[tokio::test]
async fn fifty_thousand_pods_take_one_request_a_page_and_little_memory() {
    const PODS: usize = 50_000;
    // The memory of other tests in the same process would be counted as well.
    if !server::alone("fifty_thousand_pods_take_one_request_a_page_and_little_memory") {
        return;
    }
    let server = server::in_a_process_of_its_own(PODS);
    let cluster = server.cluster().await;
    // What is needed once is not counted.
    cluster.pods(Namespaces::all().labels("warm=up")).await.unwrap();
    let before = server::peak_memory();
    let pods = cluster.pods(Namespaces::all()).await.unwrap();
    let grown = server::peak_memory().saturating_sub(before);
    assert_eq!(pods.len(), PODS);
    assert_eq!((pods[0].name.as_str(), pods[PODS - 1].name.as_str()), ("pod-0", "pod-49999"));
    assert_eq!(server.requests(), PODS / 500 + 1, "and the one before");
    assert!(grown <= 64 << 20, "{} MiB", grown >> 20);
}

/// Serves for the test above, when that asks for it.
#[test]
fn serve_for_another_process() {
    server::serve_if_asked();
}

#[tokio::test]
async fn a_list_that_the_server_forgot_is_begun_again_once_and_shows_nothing_twice() {
    let forgetful = |times: usize| {
        Server::start(move |request, count| match request.query("continue") {
            None => list(&[pod("a"), pod("b")], "there"),
            Some(_) if count <= 2 * times => {
                status(410, "Expired", "the provided continue parameter is too old")
            }
            Some(_) => list(&[pod("c")], ""),
        })
    };
    let server = forgetful(1).await;
    let pods = server.cluster().await.pods("here").await.unwrap();
    let names: Vec<&str> = pods.iter().map(|pod| pod.name.as_str()).collect();
    assert_eq!((names, server.requests()), (vec!["a", "b", "c"], 4));
    let server = forgetful(2).await;
    let error = server.cluster().await.pods("here").await.unwrap_err();
    assert_eq!((error.status(), server.requests()), (Some(410), 4), "{error}");
}

#[tokio::test]
async fn what_is_forbidden_names_its_right_and_the_rest_goes_on() {
    let server = Server::start(|request, _| match request.path.as_str() {
        path if path.ends_with("/endpointslices") => status(403, "Forbidden", "endpointslices is forbidden"),
        path if path.ends_with("/services") => list(&[json!({ "metadata": { "name": "web" } })], ""),
        _ => list(&[], ""),
    })
    .await;
    let cluster = server.cluster().await;
    let error = cluster.services("here").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::PermissionDenied);
    assert_eq!(error.required_permission(), Some("list endpointslices in namespace here"));
    assert_eq!(error.hint(), Some("missing permission: list endpointslices in namespace here"));
    assert!(error.is_permission_denied() && !error.is_retryable(), "{error}");
    assert!(error.to_string().contains("endpointslices is forbidden"), "the server's own words: {error}");
    assert!(cluster.events("here").await.unwrap().is_empty());
}

#[tokio::test]
async fn what_stalls_or_drips_ends_in_time() {
    let server = Server::start(|request, _| {
        let pause = if request.path.contains("/stalls/") { 3600 } else { 1 };
        let body = futures_util::stream::unfold(0u32, move |count| async move {
            if count > 0 {
                tokio::time::sleep(Duration::from_secs(pause)).await;
            }
            Some((Ok::<_, std::io::Error>("{"), count + 1))
        });
        Response::builder()
            .header("content-type", "application/json")
            .body(axum::body::Body::from_stream(body))
            .unwrap()
    })
    .await;
    let cluster = server.limited(Duration::from_secs(2)).await;
    for namespace in ["stalls", "drips"] {
        let started = std::time::Instant::now();
        let error = cluster.pods(namespace).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Timeout, "{error}");
        assert!(started.elapsed() < Duration::from_secs(60), "{:?}", started.elapsed());
    }
}

#[tokio::test]
async fn only_reads_are_repeated_and_only_when_the_server_says_when() {
    let answer = |code: u16, after: Option<&'static str>| {
        let mut response = status(code, "TooManyRequests", "busy");
        if let Some(after) = after {
            response.headers_mut().insert(header::RETRY_AFTER, after.parse().unwrap());
        }
        response
    };
    let server = Server::start(move |request, count| match request.path.as_str() {
        "/api/v1/namespaces/later/pods" if count < 3 => answer(429, Some("0")),
        "/api/v1/namespaces/later/pods" => list(&[pod("a")], ""),
        "/api/v1/namespaces/always/pods" => answer(503, Some("1")),
        // A dead aggregated API says nothing of when; a client that tries on tries for minutes.
        "/api/v1/namespaces/dead/pods" => answer(503, None),
        "/api/v1/namespaces/long/pods" => answer(429, Some("600")),
        path if path.ends_with("/deployments") => list(&[json!({ "metadata": { "name": "app" } })], ""),
        _ if request.method == "PATCH" => answer(503, Some("0")),
        _ => axum::Json(json!({ "metadata": { "name": "app" } })).into_response(),
    })
    .await;
    let cluster = server.cluster().await;
    assert_eq!(cluster.pods("later").await.unwrap().len(), 1);
    assert_eq!(server.take(), 3);
    for (namespace, requests) in [("always", 3), ("dead", 1), ("long", 1)] {
        let error = cluster.pods(namespace).await.unwrap_err();
        assert_eq!(server.take(), requests, "{namespace}: {error}");
        assert!(error.message().contains("busy"), "{error}");
        // All of it is told, not the last try alone.
        let waited = Duration::from_secs(requests as u64 - 1);
        assert!(error.attempts() as usize == requests && error.elapsed().unwrap() >= waited, "{error:?}");
    }
    let error = cluster.restart("here", "app").await.unwrap_err();
    assert_eq!((error.status(), server.of("PATCH")), (Some(503), 1), "{error}");
}

#[tokio::test]
async fn a_read_that_breaks_off_or_is_silent_is_repeated_and_a_change_is_not() {
    let server = Server::start(|request, count| match request.path.as_str() {
        // The head comes, and half of the body.
        "/api/v1/namespaces/half/pods" if count == 1 => {
            let pieces = [Ok("{\"items\": ["), Err(std::io::Error::other("no more"))];
            Response::new(axum::body::Body::from_stream(futures_util::stream::iter(pieces)))
        }
        "/api/v1/namespaces/silent/pods" if count == 1 => Response::new(axum::body::Body::from_stream(
            futures_util::stream::pending::<std::io::Result<&str>>(),
        )),
        path if path.ends_with("/pods") => list(&[pod("a")], ""),
        _ if request.method == "PATCH" => {
            let pieces = [Ok("{"), Err(std::io::Error::other("no more"))];
            Response::new(axum::body::Body::from_stream(futures_util::stream::iter(pieces)))
        }
        _ => axum::Json(json!({ "metadata": { "name": "app" } })).into_response(),
    })
    .await;
    let cluster = server.limited(Duration::from_secs(1)).await;
    for namespace in ["half", "silent"] {
        assert_eq!(cluster.pods(namespace).await.unwrap().len(), 1, "{namespace}");
        assert_eq!(server.take(), 2, "{namespace}");
    }
    let error = cluster.restart("here", "deployment/app").await.unwrap_err();
    assert_eq!((error.kind(), server.of("PATCH")), (ErrorKind::Interrupted, 1), "{error}");
    assert!(error.maybe_applied() && !error.is_retryable(), "{error}");
}

#[tokio::test]
async fn refused_credentials_are_read_again_with_their_server() {
    let moved = Server::start(|_, _| list(&[pod("a")], "")).await;
    let left = Server::start(|_, _| status(401, "Unauthorized", "Unauthorized")).await;
    let path = std::env::temp_dir().join(format!("bud-kube-scripted-moved-{}", std::process::id()));
    let write =
        |url: &str, token: &str| std::fs::write(&path, server::kubeconfig(url, token).to_string()).unwrap();
    write(left.url(), "token-of-before");
    let cluster = Cluster::builder().kubeconfig(&path).connect().await.unwrap();
    write(moved.url(), "token-of-now");
    assert_eq!(cluster.pods("here").await.unwrap().len(), 1);
    let sent = |server: &Server| -> Vec<String> {
        server.all().into_iter().map(|asked| asked.authorization).collect()
    };
    assert_eq!(sent(&left), ["Bearer token-of-before"]);
    assert_eq!(sent(&moved), ["Bearer token-of-now"]);
    assert_eq!(cluster.server().trim_end_matches('/'), moved.url());

    // A server that stays with it is asked twice, and told by its own address when it is gone.
    write(left.url(), "token-of-before");
    let cluster = Cluster::builder().kubeconfig(&path).connect().await.unwrap();
    left.take();
    let refused = cluster.pods("here").await.unwrap_err();
    assert_eq!((refused.kind(), left.take()), (ErrorKind::AuthRejected, 2), "{refused}");
    assert!(refused.hint().is_some_and(|hint| hint.contains("and new ones as well")), "{refused}");
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    write(&format!("http://{closed}"), "token-of-now");
    let gone = cluster.pods("here").await.unwrap_err();
    assert_eq!((gone.kind(), left.requests()), (ErrorKind::Connect, 1), "{gone}");
    assert!(gone.message().starts_with(&closed.to_string()), "{gone}");
    std::fs::remove_file(&path).unwrap();
}

#[tokio::test]
async fn what_a_server_echoes_of_the_token_is_not_told() {
    let server = Server::start(|request, _| {
        let said = format!("no user for {}", server::TOKEN);
        match request.path.ends_with("/pods") {
            true => status(403, "Forbidden", &said),
            false => (StatusCode::BAD_GATEWAY, said).into_response(),
        }
    })
    .await;
    let cluster = server.cluster().await;
    for error in [cluster.pods("here").await.unwrap_err(), cluster.nodes().await.unwrap_err()] {
        assert_eq!(error.message(), "no user for ***", "{error}");
        assert!(!format!("{error:?}").contains(server::TOKEN));
    }
}

#[tokio::test]
async fn a_missing_api_is_told_by_the_servers_plain_answer_and_a_page_is_nobodys() {
    let server = Server::start(|request, _| match request.path.contains("/here/") {
        true => (StatusCode::NOT_FOUND, "404 page not found\n").into_response(),
        false => (StatusCode::NOT_FOUND, axum::response::Html("<html><title>Lost</title>")).into_response(),
    })
    .await;
    let cluster = server.cluster().await;
    let missing = cluster.pods("here").await.unwrap_err();
    assert_eq!((missing.kind(), missing.message()), (ErrorKind::NotFound, "404 page not found"), "{missing}");
    let foreign = cluster.pods("there").await.unwrap_err();
    assert_eq!((foreign.kind(), foreign.status()), (ErrorKind::Api, Some(404)), "{foreign}");
}

#[tokio::test]
async fn odd_answers_are_errors_and_never_empty_lists() {
    let server = Server::start(|request, _| match request.path.as_str() {
        "/api/v1/namespaces/html/pods" => axum::response::Html("<html>log in</html>").into_response(),
        "/api/v1/namespaces/half/pods" => "{\"items\": [{".into_response(),
        "/api/v1/namespaces/text/pods" => (StatusCode::BAD_GATEWAY, "no upstream").into_response(),
        _ => "null".into_response(),
    })
    .await;
    let cluster = server.cluster().await;
    for (namespace, kind, says) in [
        ("html", ErrorKind::Decode, "another shape"),
        ("half", ErrorKind::Decode, "another shape"),
        ("text", ErrorKind::Server, "no upstream"),
        ("null", ErrorKind::Decode, "another shape"),
    ] {
        let error = cluster.pods(namespace).await.unwrap_err();
        assert_eq!(error.kind(), kind, "{namespace}: {error}");
        assert!(error.to_string().contains(says), "{namespace}: {error}");
    }
}

#[tokio::test]
async fn what_would_leave_its_place_is_refused_before_any_request() {
    let server = Server::start(|_, _| list(&[], "")).await;
    let cluster = server.cluster().await;
    for name in ["", "..", "a/b", "a?x=1", "A", "a%2fb", "a\nb", "kube-system/pods"] {
        for error in [
            cluster.pods(name).await.unwrap_err(),
            cluster.rollout(name, "app").await.unwrap_err(),
            cluster.logs(name, "pod/x").await.unwrap_err(),
        ] {
            assert_eq!(
                (error.kind(), error.param()),
                (ErrorKind::InvalidArgument, Some("namespace")),
                "{name:?}: {error}"
            );
        }
        let error = cluster.exec("here", format!("pod/{name}"), ["true"]).await.unwrap_err();
        assert_eq!(
            (error.kind(), error.param()),
            (ErrorKind::InvalidArgument, Some("name")),
            "{name:?}: {error}"
        );
    }
    let error = cluster.rollout("here", "job/x").await.unwrap_err();
    assert_eq!(error.param(), Some("name"));
    assert_eq!(server.requests(), 0);
    assert_eq!(
        Cluster::builder().timeout(Duration::ZERO).connect().await.unwrap_err().param(),
        Some("timeout")
    );
}

#[tokio::test]
async fn no_namespace_at_all_is_not_every_namespace() {
    let server = Server::start(|_, _| list(&[pod("a")], "")).await;
    let cluster = server.cluster().await;
    assert!(cluster.pods(Namespaces::several(Vec::<String>::new())).await.unwrap().is_empty());
    assert_eq!(server.requests(), 0);
    assert_eq!(cluster.pods(Namespaces::several(["here", "there"])).await.unwrap().len(), 2);
    assert_eq!(server.requests(), 2);
}

#[tokio::test]
async fn pages_are_asked_for_with_a_limit_and_without_a_version() {
    let server = Server::start(|request, _| page(&request, 1200)).await;
    assert_eq!(server.cluster().await.pods("here").await.unwrap().len(), 1200);
    for query in server.queries() {
        // With a version, a server forgets the limit and sends everything at once.
        assert!(query.contains("limit=500") && !query.contains("resourceVersion"), "{query}");
    }
    assert_eq!(server.requests(), 3);
}
