//! Scripted clients: what users test their own code with.

use std::time::Duration;

use bud_sdk::endpoints::EndpointStatus;
use bud_sdk::operations::Method;
use bud_sdk::testing::{Answer, Failure, Script};
use bud_sdk::users::{NewUser, Role};
use bud_sdk::{Client, ErrorKind, Flavor};
use serde_json::json;

use crate::common::millis;

fn user() -> Answer {
    Answer::json(200, json!({ "id": "u-1", "email": "user@example.com", "role": "USER" }))
}

/// When each request was sent.
fn times(script: &Script) -> Vec<Duration> {
    script.requests().iter().map(|request| request.at).collect()
}

#[tokio::test]
async fn answers_come_in_order_and_requests_are_kept() {
    let script = Script::new()
        .on(Method::Post, "/users", Answer::json(201, json!({ "id": "u-1", "email": "a@example.com" })))
        .on(Method::Get, "/users", Answer::json(200, json!({ "users": [{ "id": "u-1" }], "total_pages": 1 })))
        .on(Method::Get, "/users/{id}", user())
        .on(Method::Get, "/users/u-1", Answer::status(404));
    let bud = script.client();

    let made = bud.users().create(NewUser::new("a@example.com", "A", "B", Role::Admin)).await.unwrap();
    assert_eq!(bud.users().list().page_size(7).all().await.unwrap().len(), 1);
    assert_eq!(bud.users().get(&made.user).header("x-trace", "7").await.unwrap().id.as_str(), "u-1");
    assert!(bud.users().get(&made.user).await.unwrap_err().is_not_found());

    script.assert_done();
    let requests = script.requests();
    let shown: Vec<_> = requests.iter().map(ToString::to_string).collect();
    assert_eq!(shown, ["POST /users", "GET /users", "GET /users/u-1", "GET /users/u-1"]);
    assert_eq!(requests[0].json()["role"], "ADMIN");
    assert_eq!((requests[1].param("limit"), requests[1].param("nothing")), (Some("7"), None));
    assert_eq!((requests[2].header("X-Trace"), requests[2].json()), (Some("7"), json!(null)));
}

#[tokio::test]
async fn credentials_are_seen_and_not_shown() {
    let token = json!({ "access_token": "canary-token", "refresh_token": "r", "expires_in": 600 });
    let script = Script::new().on(Method::Post, "/api/auth/login", Answer::json(200, token)).on(
        Method::Get,
        "/api/users/u-1",
        user(),
    );
    let bud = Client::builder()
        .base_url("https://bud.example.com/api")
        .password("a@example.com", "canary-password")
        .flavor(Flavor::Guide)
        .script(&script)
        .build()
        .unwrap();

    bud.users().get("u-1").await.unwrap();

    script.assert_done();
    let requests = script.requests();
    assert_eq!(requests[0].header("authorization"), None);
    assert_eq!(requests[0].json()["password"], "canary-password");
    assert_eq!(requests[1].header("authorization"), Some("***"));
    assert!(!format!("{script:?} {requests:?}").contains("canary"));
}

#[tokio::test(start_paused = true)]
async fn what_is_not_in_the_script_is_an_error_at_once() {
    let script = Script::new().on(Method::Get, "/users/u-1", user()).on(Method::Get, "/users/{id}/x", user());
    let bud = script.client();
    bud.users().get("u-1").await.unwrap();

    for _ in 0..2 {
        let error = bud.users().get("u-1").await.unwrap_err();
        assert_eq!((error.kind(), error.attempts()), (ErrorKind::Config, 1));
        assert!(
            error.message().ends_with(
                "the script has no answer left for GET /users/u-1; scripted: GET /users/u-1 (given 1 of 1 times), \
                 GET /users/{id}/x (given 0 of 1 times)"
            ),
            "{error}"
        );
    }
    let error = bud.users().deactivate("u-1").await.unwrap_err();
    assert!(error.message().contains("PUT /users/u-1") && !error.maybe_applied(), "{error}");
    // A wait does not look on for half an hour either.
    assert_eq!(bud.endpoints().wait("e-1").await.unwrap_err().kind(), ErrorKind::Config);
    assert_eq!((times(&script).last(), script.requests().len()), (Some(&Duration::ZERO), 5));
    let error = Script::new().client().users().get("u-1").await.unwrap_err();
    assert!(error.message().ends_with("scripted: nothing"), "{error}");
}

#[test]
#[should_panic = "the script is not done: GET /users/u-1 (given 0 of 2 times), GET /users (given 0 of any times)"]
fn a_script_that_is_not_done_says_what_is_left() {
    let script = Script::new().on(Method::Get, "/users/u-1", user().times(2));
    script.on(Method::Get, "/users", user().always()).assert_done();
}

#[tokio::test]
#[should_panic = "asked, but not in the script: GET /users/u-2"]
async fn a_script_that_was_left_is_not_done() {
    let script = Script::new();
    let _ = script.client().users().get("u-2").await;
    script.assert_done();
}

#[tokio::test]
async fn an_answer_is_given_as_often_as_it_says() {
    let script = Script::new().on(Method::Get, "/users/u-1", Answer::status(404).times(2)).on(
        Method::Get,
        "/users/u-1",
        user().always(),
    );
    let bud = script.client();
    for _ in 0..2 {
        assert!(bud.users().get("u-1").await.unwrap_err().is_not_found());
    }
    for _ in 0..5 {
        bud.users().get("u-1").await.unwrap();
    }
    script.assert_done();
    assert_eq!(script.requests().len(), 7);
}

#[tokio::test(start_paused = true)]
async fn retries_wait_exactly_as_long_as_they_may() {
    let script = Script::new().on(Method::Get, "/users/u-1", Answer::status(503).times(2)).on(
        Method::Get,
        "/users/u-1",
        user(),
    );
    assert_eq!(script.client().users().get("u-1").with_response().await.unwrap().attempts, 3);
    assert_eq!(times(&script), [0, 200, 600].map(millis));

    let script = Script::new()
        .on(Method::Get, "/users/u-1", Answer::status(429).header("Retry-After", "7"))
        .on(Method::Get, "/users/u-1", user());
    script.client().users().get("u-1").await.unwrap();
    assert_eq!(times(&script), [0, 7000].map(millis));
}

#[tokio::test(start_paused = true)]
async fn failures_are_those_of_a_network() {
    for (failure, kind, reads, changes, applied) in [
        (Failure::Connect, ErrorKind::Connect, 3, 3, false),
        (Failure::Tls, ErrorKind::Tls, 1, 1, false),
        (Failure::Timeout, ErrorKind::Timeout, 3, 1, true),
        (Failure::Interrupted, ErrorKind::Interrupted, 3, 1, true),
    ] {
        let script = Script::new().on(Method::Get, "/users/u-1", Answer::fails(failure).always()).on(
            Method::Post,
            "/users",
            Answer::fails(failure).always(),
        );
        let bud = script.client();
        let error = bud.users().get("u-1").await.unwrap_err();
        assert_eq!((error.kind(), error.attempts(), error.maybe_applied()), (kind, reads, false));
        let new = NewUser::new("a@example.com", "A", "B", Role::User);
        let error = bud.users().create(new).await.unwrap_err();
        assert_eq!((error.kind(), error.attempts(), error.maybe_applied()), (kind, changes, applied));
        script.assert_done();
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_may_come_late_or_too_late() {
    let script = Script::new()
        .on(Method::Get, "/users/u-1", user().after(Duration::from_secs(20)))
        .on(Method::Get, "/users/u-1", user().after(Duration::MAX))
        .on(Method::Get, "/users/u-2", Answer::fails(Failure::Timeout).after(Duration::from_secs(5)));
    let bud = script.builder().attempts(1).build().unwrap();

    let response = bud.users().get("u-1").with_response().await.unwrap();
    assert_eq!(response.elapsed, Duration::from_secs(20));
    // An attempt has 30 seconds.
    let error = bud.users().get("u-1").await.unwrap_err();
    assert_eq!((error.kind(), error.elapsed()), (ErrorKind::Timeout, Some(Duration::from_secs(30))));
    let error = bud.users().get("u-2").await.unwrap_err();
    assert_eq!((error.kind(), error.elapsed()), (ErrorKind::Timeout, Some(Duration::from_secs(5))));
}

#[tokio::test(start_paused = true)]
async fn a_wait_takes_no_time() {
    let endpoint = |status| Answer::json(200, json!({ "id": "e-1", "status": status }));
    let script = Script::new().on(Method::Get, "/endpoints/e-1", endpoint("DEPLOYING").times(50)).on(
        Method::Get,
        "/endpoints/e-1",
        endpoint("RUNNING"),
    );
    let began = std::time::Instant::now();
    let ready = script.client().endpoints().wait("e-1").await.unwrap();
    assert!(ready.is(&EndpointStatus::Running));
    script.assert_done();
    assert!(times(&script)[50] > Duration::from_secs(300) && began.elapsed() < Duration::from_secs(60));
}

#[tokio::test]
async fn bodies_are_what_the_script_says() {
    let broken = Answer::status(200).header("content-length", "100").body("id,action\n");
    let script = Script::new()
        .on(Method::Get, "/audit/export", Answer::status(200).body("id,action\n1,login\n"))
        .on(Method::Get, "/audit/export", broken)
        .on(Method::Get, "/users/u-1", Answer::status(200).header("a b", "c"));
    let bud = script.client();
    let folder = std::env::temp_dir().join(format!("bud-sdk-testing-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let (start, end) = ("2026-01-01T00:00:00Z".parse().unwrap(), "2026-02-01T00:00:00Z".parse().unwrap());

    let whole = bud.audit().export(start..end).write_to(folder.join("a.csv")).await;
    let cut = bud.audit().export(start..end).write_to(folder.join("b.csv")).await;
    let text = std::fs::read_to_string(folder.join("a.csv"));
    std::fs::remove_dir_all(&folder).unwrap();

    assert_eq!((whole.unwrap().bytes, text.unwrap().as_str()), (18, "id,action\n1,login\n"));
    assert_eq!(cut.unwrap_err().kind(), ErrorKind::Download);
    let error = bud.users().get("u-1").await.unwrap_err();
    assert_eq!((error.kind(), error.message()), (ErrorKind::Config, "no usable header: a b"));
}

#[tokio::test]
async fn a_client_without_a_flavor_asks_the_script() {
    let script = Script::new().on(Method::Post, "/auth/refresh-token", Answer::status(422)).on(
        Method::Patch,
        "/users/u-1",
        Answer::json(200, json!({ "user": { "id": "u-1", "role": "admin" } })),
    );
    let bud = Client::builder()
        .base_url("https://bud.example.com")
        .bearer_token("t")
        .script(&script)
        .build()
        .unwrap();
    assert_eq!(bud.users().set_role("u-1", Role::Admin).await.unwrap().role.as_deref(), Some(&Role::Admin));
    script.assert_done();
}

#[tokio::test]
async fn clones_are_one_script_that_may_grow() {
    let script = Script::new();
    let bud = script.client();
    let grown = script.clone().on(Method::Get, "/users/u-1", user());
    bud.users().get("u-1").await.unwrap();
    grown.assert_done();
    assert_eq!(script.requests(), grown.requests());
}
