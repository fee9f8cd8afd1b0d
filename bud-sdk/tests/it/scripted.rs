//! Sessions, waits and exports against a script and a clock that stands still: what only exact times show.

use std::time::Duration;

use bud_sdk::audit::ExportFormat;
use bud_sdk::endpoints::Deployment;
use bud_sdk::operations::Method;
use bud_sdk::testing::{Answer, Failure, Script};
use bud_sdk::users::Role;
use bud_sdk::{Client, ErrorKind, Flavor, Timestamp};
use serde_json::json;
use tokio::time::{Instant, sleep};

use crate::common::{january, secs};

fn time(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// A client that logs in with a password.
fn session(script: &Script) -> Client {
    let builder = Client::builder().base_url("https://bud.test").password("a@example.com", "hunter2-long");
    builder.flavor(Flavor::Guide).script(script).build().unwrap()
}

fn tokens(number: u32, life: u32) -> Answer {
    let (access, refresh) = (format!("access-{number}"), format!("refresh-{number}"));
    Answer::json(200, json!({ "access_token": access, "refresh_token": refresh, "expires_in": life }))
}

fn user() -> Answer {
    Answer::json(200, json!({ "id": "u-1" })).always()
}

fn endpoint(status: &str, changed: &str) -> Answer {
    Answer::json(200, json!({ "id": "e-1", "status": status, "updated_at": changed }))
}

fn asked(script: &Script, path: &str) -> usize {
    script.requests().iter().filter(|request| request.path == path).count()
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_has_ended_may_be_asked_again() {
    let script = Script::new().on(Method::Get, "/audit/export", Answer::status(200).body("[]"));
    let mut records = script.client().audit().export(january()).records();
    assert!(records.next().await.is_none() && records.next().await.is_none());

    let script = Script::new().on(Method::Get, "/endpoints/e-1", endpoint("RUNNING", "2026-01-01T00:00:00Z"));
    let mut updates = script.client().endpoints().wait("e-1").updates();
    assert!(updates.next().await.unwrap().is_ok());
    assert!(updates.next().await.is_none() && updates.next().await.is_none());
}

#[tokio::test(start_paused = true)]
async fn who_waits_for_anothers_question_about_the_flavor_keeps_his_own_deadline() {
    let script = Script::new()
        .on(
            Method::Post,
            "/auth/refresh-token",
            Answer::json(404, json!({ "detail": "Not Found" })).after(secs(25)),
        )
        .on(Method::Get, "/users/u-1", user());
    let builder = Client::builder().base_url("https://bud.test").bearer_token("some-token");
    let bud = builder.script(&script).build().unwrap();
    let other = tokio::spawn({
        let bud = bud.clone();
        async move { bud.users().get("u-1").await.map(drop) }
    });
    sleep(Duration::from_millis(10)).await;
    let began = Instant::now();
    let error = bud.users().get("u-1").timeout(secs(1)).await.unwrap_err();
    assert_eq!((error.kind(), began.elapsed()), (ErrorKind::Timeout, secs(1)));
    other.await.unwrap().unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_good_token_serves_while_it_is_renewed() {
    let script = Script::new()
        .on(Method::Post, "/auth/login", tokens(1, 300))
        .on(Method::Post, "/auth/refresh", tokens(2, 300).after(secs(20)).always())
        .on(Method::Get, "/users/u-1", user());
    let bud = session(&script);
    bud.users().get("u-1").await.unwrap();
    sleep(secs(250)).await;
    let began = Instant::now();
    bud.users().get("u-1").timeout(secs(5)).await.unwrap();
    assert_eq!(began.elapsed(), Duration::ZERO, "it has 50 s left");
    sleep(secs(40)).await;
    bud.users().get("u-1").await.unwrap();
    let last = script.requests().pop().unwrap();
    assert_eq!((last.path.as_str(), asked(&script, "/auth/refresh")), ("/users/u-1", 1));
}

#[tokio::test(start_paused = true)]
async fn whether_something_was_applied_is_not_blurred_by_a_renewal() {
    // A read whose renewal broke off has changed nothing.
    let script = Script::new()
        .on(Method::Post, "/auth/login", tokens(1, 10))
        .on(Method::Post, "/auth/refresh", Answer::fails(Failure::Interrupted))
        .on(Method::Get, "/users/u-1", user());
    let bud = session(&script);
    bud.users().get("u-1").await.unwrap();
    sleep(secs(20)).await;
    let error = bud.users().get("u-1").await.unwrap_err();
    assert!(!error.maybe_applied(), "{error}");

    // A change that may have worked still may when the token for its second try could not be had.
    let login = json!({ "access_token": "access-1", "expires_in": 10 });
    let script = Script::new()
        .on(Method::Post, "/auth/login", Answer::json(200, login))
        .on(Method::Put, "/users/u-1", Answer::status(503).header("retry-after", "15"))
        .on(Method::Post, "/auth/login", Answer::status(503).always());
    let error = session(&script).users().set_role("u-1", Role::Admin).await.unwrap_err();
    assert!(error.maybe_applied(), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_login_with_a_token_that_cannot_be_sent_has_failed() {
    let login = json!({ "access_token": "access 1\r\n", "expires_in": 10 });
    let script = Script::new().on(Method::Post, "/auth/login", Answer::json(200, login));
    let error = session(&script).auth().login().await.unwrap_err();
    assert!(error.is_auth() && !error.to_string().contains("access 1"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_route_that_always_refuses_costs_one_renewal_a_call_and_no_good_token() {
    let script = Script::new()
        .on(Method::Post, "/auth/login", tokens(1, 300))
        .on(Method::Post, "/auth/refresh", tokens(2, 300).always())
        .on(Method::Get, "/users/u-1", user())
        .on(Method::Get, "/clusters/c-1", Answer::status(401).always());
    let bud = session(&script);
    for _ in 0..5 {
        assert_eq!(bud.clusters().get("c-1").await.unwrap_err().kind(), ErrorKind::AuthRejected);
        bud.users().get("u-1").await.unwrap();
    }
    assert_eq!(asked(&script, "/auth/refresh"), 5);
}

/// A session whose token is gone and whose renewal takes 20 s, one second after a call has started that.
async fn in_a_renewal(script: &Script) -> (Client, tokio::task::JoinHandle<bud_sdk::Result<()>>) {
    let bud = session(script);
    bud.users().get("u-1").await.unwrap();
    sleep(secs(20)).await;
    let call = tokio::spawn({
        let bud = bud.clone();
        async move { bud.users().get("u-1").await.map(drop) }
    });
    sleep(secs(1)).await;
    (bud, call)
}

#[tokio::test(start_paused = true)]
async fn a_login_takes_its_turn_after_a_renewal_and_a_logout_ends_what_is_there_then() {
    let script = Script::new()
        .on(Method::Post, "/auth/login", tokens(1, 10))
        .on(Method::Post, "/auth/refresh", tokens(9, 300).after(secs(20)).always())
        .on(Method::Post, "/auth/login", tokens(2, 300))
        .on(Method::Post, "/auth/logout", Answer::status(204).always())
        .on(Method::Get, "/users/u-1", user());
    let (bud, call) = in_a_renewal(&script).await;
    let began = Instant::now();
    bud.auth().login().await.unwrap();
    assert_eq!(began.elapsed(), secs(19));
    bud.auth().logout().await.unwrap();
    let _ = call.await.unwrap();
    sleep(secs(30)).await;
    let last = script.requests().pop().unwrap();
    assert_eq!((last.path.as_str(), &last.json()["refresh_token"]), ("/auth/logout", &json!("refresh-2")));
    assert_eq!(bud.users().get("u-1").await.unwrap_err().kind(), ErrorKind::SessionExpired);
}

#[tokio::test(start_paused = true)]
async fn a_logout_that_nobody_waits_for_ends_the_session_all_the_same() {
    let script = Script::new()
        .on(Method::Post, "/auth/login", tokens(1, 10))
        .on(Method::Post, "/auth/refresh", tokens(9, 300).after(secs(20)).always())
        .on(Method::Post, "/auth/logout", Answer::status(204).always())
        .on(Method::Get, "/users/u-1", user());
    let (bud, call) = in_a_renewal(&script).await;
    assert!(tokio::time::timeout(secs(2), bud.auth().logout()).await.is_err());
    let _ = call.await.unwrap();
    sleep(secs(30)).await;
    let last = script.requests().pop().unwrap();
    assert_eq!((last.path.as_str(), &last.json()["refresh_token"]), ("/auth/logout", &json!("refresh-9")));
}

#[tokio::test(start_paused = true)]
async fn the_answer_of_an_action_is_the_state_before() {
    let (early, late) = ("2026-01-01T00:00:00Z", "2026-01-01T00:00:09Z");
    // It was deploying in the answer, and runs at the first look.
    let script = Script::new()
        .on(
            Method::Post,
            "/endpoints/e-1/deploy",
            Answer::json(200, json!({ "id": "e-1", "status": "DEPLOYING" })),
        )
        .on(
            Method::Get,
            "/endpoints/e-1",
            Answer::json(200, json!({ "id": "e-1", "status": "RUNNING" })).always(),
        );
    let bud = script.client();
    let answered = bud.endpoints().deploy("e-1", Deployment::on("c-1")).await.unwrap();
    bud.endpoints().wait("e-1").after(&answered).timeout(secs(60)).await.unwrap();
    // It had failed before, and at the first look still says so.
    let script = Script::new()
        .on(Method::Post, "/endpoints/e-1/deploy", endpoint("FAILED", early))
        .on(Method::Get, "/endpoints/e-1", endpoint("FAILED", early))
        .on(Method::Get, "/endpoints/e-1", endpoint("DEPLOYING", late))
        .on(Method::Get, "/endpoints/e-1", endpoint("RUNNING", late));
    let bud = script.client();
    let answered = bud.endpoints().deploy("e-1", Deployment::on("c-1")).await.unwrap();
    bud.endpoints().wait("e-1").after(&answered).timeout(secs(60)).await.unwrap();
    script.assert_done();
    // It fails again: that is news.
    let script = Script::new().on(Method::Get, "/endpoints/e-1", endpoint("FAILED", early)).on(
        Method::Get,
        "/endpoints/e-1",
        endpoint("FAILED", late),
    );
    let wait = script.client().endpoints().wait("e-1").after(&answered).timeout(secs(60)).await;
    assert_eq!(wait.unwrap_err().kind(), ErrorKind::OperationFailed);
}

#[tokio::test(start_paused = true)]
async fn a_wait_is_never_shorter_than_the_server_asked_and_never_endless() {
    for _ in 0..20 {
        let script = Script::new()
            .on(Method::Get, "/endpoints/e-1", Answer::status(429).header("retry-after", "100"))
            .on(Method::Get, "/endpoints/e-1", endpoint("RUNNING", "2026-01-01T00:00:00Z"));
        script.client().endpoints().wait("e-1").timeout(secs(600)).await.unwrap();
        let looks = script.requests();
        assert!(looks[1].at - looks[0].at >= secs(100), "{:?}", looks[1].at - looks[0].at);
    }
    let script = Script::new();
    let error = script.client().endpoints().wait("e-1").poll_interval(Duration::MAX).await.unwrap_err();
    assert_eq!((error.param(), script.requests().len()), (Some("poll_interval"), 0));
}

#[tokio::test(start_paused = true)]
async fn what_is_no_export_is_refused_and_its_echo_masked() {
    let token = "the-token-of-a-script";
    let bodies = [
        (format!("{{\"detail\":\"token {token} is bad\"}}"), ExportFormat::Csv),
        (
            format!("{{\"detail\":[{{\"loc\":[\"query\"],\"msg\":\"token {token} is bad\"}}]}}"),
            ExportFormat::Json,
        ),
        ("upstream request timeout".to_owned(), ExportFormat::Csv),
    ];
    for (body, format) in bodies {
        let script = Script::new().on(Method::Get, "/audit/export", Answer::status(200).body(body.as_str()));
        let export = script.client().audit().export(january()).format(format);
        let error = export.write_into(&mut Vec::new()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Download, "{body}");
        assert!(!format!("{error} {error:?}").contains(token), "{error}");
    }
}

#[tokio::test(start_paused = true)]
async fn ranges_that_meet_leave_no_record_between_them() {
    let export = Answer::status(200).body("id,action\n").always();
    let script = Script::new().on(Method::Get, "/audit/export", export);
    let bud = script.client();
    let (a, c) = (time("2026-01-01T00:00:00Z"), time("2026-01-03T00:00:00Z"));
    // Between two of the server's microseconds.
    let b = time("2026-01-02T00:00:00.0000005Z");
    for range in [a..b, b..c] {
        bud.audit().export(range).write_into(&mut Vec::new()).await.unwrap();
    }
    let sent = script.requests();
    assert_eq!(sent[0].param("end_date").unwrap(), "2026-01-02T00:00:00Z");
    assert_eq!(sent[1].param("start_date").unwrap(), "2026-01-02T00:00:00.000001Z");
}

#[tokio::test(start_paused = true)]
async fn a_secret_inside_a_secret_leaves_no_tail_and_header_values_are_not_shown() {
    let login = json!({ "access_token": "admin-secret-xyz", "refresh_token": "admin-secret-xyz-tail" });
    let echo = json!({ "message": "bad token admin-secret-xyz-tail" });
    let script = Script::new().on(Method::Post, "/auth/login", Answer::json(200, login)).on(
        Method::Get,
        "/users/u-1",
        Answer::json(400, echo),
    );
    let bud = session(&script);
    let error = bud.users().get("u-1").await.unwrap_err();
    assert!(!error.to_string().contains("tail"), "{error}");
    let call = bud.users().get("u-1").header("cf-access-client-secret", "canary");
    assert!(!format!("{call:?}").contains("canary"));
}
