//! The identity service is down: the server then answers 401 to valid tokens, 401 to their renewal and 500 to logins, as it
//! does to bad ones. Calls, waits and jobs outlive that within their deadlines, and never use up the server's logins.

use std::time::Duration;

use bud_sdk::endpoints::DeployModel;
use bud_sdk::operations::Method;
use bud_sdk::testing::{Answer, Script};
use bud_sdk::users::{NewUser, Role};
use bud_sdk::{Client, Error, ErrorKind, Flavor};
use bud_testbed::{Fault, Outage, Testbed};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use crate::common::{TOKEN, millis, runtime, secs, shipped, with_password};

const LOGIN: &str = "/auth/login";
const REFRESH: &str = "/auth/refresh-token";
const DOWN: &str = "the identity service (Keycloak or its database) is likely unavailable";

/// Ends the outage after a time.
async fn over(bed: &Testbed, after: Duration) {
    sleep(after).await;
    bed.outage(None);
}

// On a server that plays it.

#[tokio::test]
async fn reads_and_changes_outlive_an_outage_with_the_session_that_they_had() {
    for outage in [Outage::Keycloak, Outage::Postgres] {
        let (bed, bud) = shipped().await;
        bud.auth().whoami().await.unwrap();
        bed.clear_requests();
        bed.outage(Some(outage));

        let new = NewUser::new("new@example.com", "New", "User", Role::Developer);
        let call = async { tokio::join!(bud.auth().whoami(), bud.users().create(new)) };
        let ((me, made), ()) = tokio::join!(call, over(&bed, millis(900)));

        me.unwrap();
        let made = made.unwrap();
        let users = bud.users().list().all().await.unwrap();
        assert_eq!(users.iter().filter(|user| user.id == made.user.id).count(), 1, "created once");
        assert!(bed.count("POST", LOGIN) <= 2, "{} logins", bed.count("POST", LOGIN));
        assert!(bed.count("POST", REFRESH) >= 2, "renewed, not logged in");
    }
}

#[tokio::test]
async fn an_outage_with_an_expired_token_is_outlived_too() {
    let (bed, bud) = runtime(Testbed::builder().access_ttl(secs(1))).await;
    bud.auth().whoami().await.unwrap();
    bed.outage(Some(Outage::Keycloak));
    sleep(millis(1100)).await;
    let (me, ()) = tokio::join!(bud.auth().whoami(), over(&bed, millis(700)));
    me.unwrap();
}

#[tokio::test]
async fn a_call_without_retries_reports_the_outage_at_once() {
    let (bed, bud) = shipped().await;
    bud.auth().whoami().await.unwrap();
    bed.outage(Some(Outage::Keycloak));
    let error = bud.auth().whoami().attempts(1).await.unwrap_err();
    assert_eq!((error.kind(), error.status()), (ErrorKind::Server, Some(401)), "{error}");
    assert!(error.message().starts_with(DOWN) && !error.is_auth(), "{error}");
    assert!(error.message().contains("Something went wrong"), "the server's words: {error}");
    assert_eq!(error.operation(), Some("auth.whoami"));
    assert!(error.to_string().contains("GET /users/me answered 401"), "{error}");
}

#[tokio::test]
async fn a_wait_outlives_an_outage_and_names_itself_and_its_limit() {
    let (bed, bud) = shipped().await;
    let id = bed.endpoint_ids().remove(0);
    let wait = || bud.endpoints().wait(id.as_str()).poll_interval(millis(20));
    wait().await.unwrap();
    bed.outage(Some(Outage::Postgres));
    let (found, ()) = tokio::join!(wait().timeout(secs(30)), over(&bed, millis(600)));
    found.unwrap();

    bed.outage(Some(Outage::Postgres));
    let error = wait().timeout(secs(1)).await.unwrap_err();
    assert_eq!((error.kind(), error.operation()), (ErrorKind::PollTimeout, Some("endpoints.wait")));
    assert!(error.message().contains("not reached within 1 s"), "{error}");
    assert!(error.message().contains(DOWN), "{error}");
    assert!(error.hint().unwrap().contains(&id), "what to wait for again: {error}");
}

fn bearer(bed: &Testbed) -> String {
    let sent = bed.requests();
    let bearer = sent.iter().rev().find_map(|sent| sent.header("authorization")).unwrap();
    bearer.strip_prefix("Bearer ").unwrap().to_owned()
}

/// A client with a token that another one renews.
async fn with_token(bed: &Testbed, owner: &Client) -> Client {
    owner.auth().whoami().await.unwrap();
    let builder = Client::builder().base_url(bed.url()).bearer_token(bearer(bed)).flavor(Flavor::Runtime);
    builder.build().unwrap()
}

#[tokio::test]
async fn a_token_client_reports_that_an_outage_is_possible_and_its_waits_outlive_it() {
    let (bed, owner) = shipped().await;
    let bud = with_token(&bed, &owner).await;
    bud.auth().whoami().await.unwrap();
    bed.outage(Some(Outage::Keycloak));
    let error = bud.auth().whoami().await.unwrap_err();
    assert_eq!((error.kind(), error.status()), (ErrorKind::AuthRejected, Some(401)));
    assert!(error.hint().unwrap().contains("the identity service (Keycloak or its database)"), "{error}");

    let wait = bud.endpoints().wait(bed.endpoint_ids()[0].as_str()).poll_interval(millis(20));
    let (found, ()) = tokio::join!(wait.timeout(secs(30)), over(&bed, millis(300)));
    found.unwrap();

    // A token that never worked is just refused.
    let never = Client::builder().base_url(bed.url()).bearer_token(TOKEN).flavor(Flavor::Runtime);
    let never = never.build().unwrap();
    let error =
        never.endpoints().wait(bed.endpoint_ids()[0].as_str()).poll_interval(millis(2)).await.unwrap_err();
    assert_eq!((error.kind(), error.operation()), (ErrorKind::AuthRejected, Some("endpoints.wait")));
    assert!(!error.hint().unwrap().contains("Keycloak"), "{error}");
}

#[tokio::test]
async fn a_deployment_of_a_token_client_outlives_an_outage_at_any_step() {
    for nth in [1, 2, 4, 6, 9, 12] {
        let (bed, owner) = runtime(Testbed::builder().deploy_polls(2)).await;
        let bud = with_token(&bed, &owner).await;
        bud.auth().whoami().await.unwrap();
        bed.clear_requests();
        let refused = Fault::on("*", "/models/deploy-workflow").status(401).times(1);
        bed.fault(refused.nth(nth.min(4)));
        bed.fault(Fault::on("GET", "/workflows/{id}").nth(nth).status(401).times(3));
        bed.fault(Fault::on("GET", "/clusters/recommended/{id}").status(401).times(2));
        bed.fault(Fault::on("GET", "/endpoints/").status(401).times(2));
        let model = DeployModel::new(bed.local_model_id(), bed.project_id(), "tiny-ep-2");
        let deployment = bud.endpoints().deploy_model(model).poll_interval(millis(5)).timeout(secs(30));
        let endpoint = deployment.await.unwrap();
        assert_eq!(endpoint.name.as_deref(), Some("tiny-ep-2"));
        assert_eq!(bed.deployments_started(), 1, "outage at {nth}");
    }
}

#[tokio::test]
async fn a_deployment_that_an_outage_ends_names_itself_and_the_workflow_to_resume() {
    let (bed, owner) = runtime(Testbed::builder().deploy_polls(2)).await;
    for (nth, bud) in [(2, with_token(&bed, &owner).await), (3, owner.clone())] {
        bud.auth().whoami().await.unwrap();
        let model = || DeployModel::new(bed.local_model_id(), bed.project_id(), format!("tiny-{nth}"));
        let deployment = bud.endpoints().deploy_model(model()).poll_interval(millis(5)).timeout(secs(2));
        let mut updates = deployment.updates();
        let mut count = 0;
        let error = loop {
            match updates.next().await.unwrap() {
                Ok(_) => count += 1,
                Err(error) => break error,
            }
            if count == nth {
                bed.outage(Some(Outage::Keycloak));
            }
        };
        assert_eq!(error.operation(), Some("endpoints.deploy_model"), "{error}");
        assert_eq!(error.kind(), ErrorKind::PollTimeout, "{error}");
        let workflow = error.cursor().expect("the workflow").to_owned();
        assert!(error.hint().unwrap().contains(&workflow), "{error}");
        assert!(error.message().contains("within 2 s"), "the given limit: {error}");
        assert!(error.message().contains("401"), "{error}");
        bed.outage(None);
        let resumed = bud.endpoints().deploy_model(model()).poll_interval(millis(5)).resume(workflow);
        resumed.timeout(secs(30)).await.unwrap();
    }
    assert_eq!(bed.deployments_started(), 2);
}

#[tokio::test]
async fn a_lost_event_of_the_simulator_or_the_cluster_service_does_not_hang_a_deployment() {
    let (bed, bud) = runtime(Testbed::builder().deploy_polls(1)).await;
    let step = |status: Option<&str>| match status {
        Some(status) => json!({ "id": "s", "payload": { "content": { "status": status } } }),
        None => json!({ "id": "s", "payload": {} }),
    };
    // The last event of the simulation is lost; the deployment has one, and the workflow stays in progress.
    let lost = json!([step(Some("COMPLETED")), step(None), step(None)]);
    let ended = json!([step(None), step(Some("COMPLETED"))]);
    bed.fault(Fault::on("GET", "/workflows/{id}").always().edit(move |body| {
        let steps = &mut body["workflow_steps"];
        if !steps["bud_simulator_events"].is_null() {
            steps["bud_simulator_events"]["steps"] = lost.clone();
        }
        if body["status"] == "completed" {
            body["status"] = "in_progress".into();
            body["workflow_steps"]["budserve_cluster_events"]["steps"] = ended.clone();
        }
    }));
    let model = DeployModel::new(bed.local_model_id(), bed.project_id(), "tiny-ep-2");
    let deployment = bud.endpoints().deploy_model(model).poll_interval(millis(5)).timeout(secs(20));
    assert_eq!(deployment.await.unwrap().name.as_deref(), Some("tiny-ep-2"));
    assert_eq!(bed.deployments_started(), 1);
}

// On a clock that jumps: exact times and counts.

fn session(script: &Script) -> Client {
    let builder = Client::builder().base_url("https://bud.test").password("a@example.com", "hunter2-long");
    builder.flavor(Flavor::Runtime).script(script).build().unwrap()
}

fn tokens(number: u32) -> Answer {
    let (access, refresh) = (format!("access-{number}"), format!("refresh-{number}"));
    let token = json!({ "access_token": access, "refresh_token": refresh, "expires_in": 1800 });
    Answer::json(200, json!({ "token": token }))
}

fn user() -> Answer {
    Answer::json(200, json!({ "user": { "id": "u-1" } }))
}

fn said(status: u16, message: &str) -> Answer {
    Answer::json(status, json!({ "object": "error", "code": status, "message": message }))
}

fn refused() -> Answer {
    Answer::json(401, json!({ "detail": "Invalid authentication credentials" }))
}

fn asked(script: &Script, path: &str) -> usize {
    script.requests().iter().filter(|request| request.path == path).count()
}

/// A session that worked, then an outage that lasts.
fn down() -> Script {
    Script::new()
        .on(Method::Post, LOGIN, tokens(1))
        .on(Method::Post, LOGIN, said(500, "Something went wrong").always())
        .on(Method::Post, REFRESH, said(401, "Token Expired or Invalid").always())
        .on(Method::Get, "/users/u-1", user())
        .on(Method::Get, "/users/u-1", refused().always())
}

#[tokio::test(start_paused = true)]
async fn an_outage_that_lasts_ends_at_the_deadline() {
    let script = down();
    let bud = session(&script);
    bud.users().get("u-1").await.unwrap();
    let began = Instant::now();
    let error = bud.users().get("u-1").await.unwrap_err();
    let took = began.elapsed();
    assert!(took <= secs(60) && took > secs(45), "{took:?}");
    assert_eq!((error.kind(), error.operation()), (ErrorKind::Server, Some("users.get")));
    assert!(error.message().starts_with(DOWN), "{error}");
    assert!(error.hint().unwrap().contains("the session is kept"), "no other hint: {error}");
    assert_eq!(asked(&script, "/users/u-1"), 2, "nothing is sent without a token");
    let (renewals, logins) = (asked(&script, REFRESH), asked(&script, LOGIN) - 1);
    assert!((10..=17).contains(&renewals), "{renewals} renewals of 20 a minute");
    assert!((3..=6).contains(&logins), "{logins} logins of 10 a minute");
}

#[tokio::test(start_paused = true)]
async fn many_reads_in_an_outage_spend_neither_the_logins_nor_time_beyond_their_deadlines() {
    let script = down();
    let bud = session(&script);
    bud.users().get("u-1").await.unwrap();
    let began = Instant::now();
    let mut calls = 0;
    while began.elapsed() < secs(300) {
        let started = Instant::now();
        let error = bud.users().get("u-1").timeout(secs(2)).await.unwrap_err();
        assert!(started.elapsed() <= secs(2), "{:?}: {error}", started.elapsed());
        assert!(error.operation() == Some("users.get") && error.message().starts_with(DOWN), "{error}");
        calls += 1;
        sleep(millis(50)).await;
    }
    assert!(calls > 100);
    let logins: Vec<_> = script.requests().into_iter().filter(|sent| sent.path == LOGIN).skip(1).collect();
    for first in &logins {
        let minute = logins.iter().filter(|sent| sent.at >= first.at && sent.at < first.at + secs(60));
        assert!(minute.count() <= 6, "the server takes 10 a minute");
    }
    let renewals: Vec<_> = script.requests().into_iter().filter(|sent| sent.path == REFRESH).collect();
    for first in &renewals {
        let minute = renewals.iter().filter(|sent| sent.at >= first.at && sent.at < first.at + secs(60));
        assert!(minute.count() <= 17, "the server takes 20 a minute");
    }
}

#[tokio::test(start_paused = true)]
async fn a_limited_login_is_not_waited_for_while_a_renewal_does() {
    let script = Script::new()
        .on(Method::Post, LOGIN, tokens(1))
        .on(Method::Post, LOGIN, said(429, "Rate limit exceeded").header("retry-after", "46").always())
        .on(Method::Post, REFRESH, said(401, "Token Expired or Invalid"))
        .on(Method::Post, REFRESH, tokens(2))
        .on(Method::Get, "/users/u-1", user())
        .on(Method::Get, "/users/u-1", refused())
        .on(Method::Get, "/users/u-1", user());
    let bud = session(&script);
    bud.users().get("u-1").await.unwrap();
    let began = Instant::now();
    bud.users().get("u-1").await.unwrap();
    assert!(began.elapsed() < secs(1), "{:?}", began.elapsed());
    assert_eq!(asked(&script, LOGIN), 2);
}

#[tokio::test(start_paused = true)]
async fn first_logins_that_fail_are_remembered_and_say_what_is_down() {
    let script = Script::new().on(Method::Post, LOGIN, said(500, "Something went wrong").always());
    let bud = session(&script);
    let began = Instant::now();
    while began.elapsed() < secs(60) {
        let started = Instant::now();
        let error = bud.users().get("u-1").await.unwrap_err();
        assert_eq!(started.elapsed(), Duration::ZERO, "it never worked: there is nothing to wait for");
        assert_eq!((error.kind(), error.operation()), (ErrorKind::Server, Some("users.get")));
        assert!(error.to_string().contains("POST /auth/login answered 500: Something went wrong"), "{error}");
        assert!(error.hint().unwrap().starts_with(DOWN), "{error}");
        sleep(millis(200)).await;
    }
    assert!((3..=6).contains(&asked(&script, LOGIN)), "{} logins", asked(&script, LOGIN));
}

#[tokio::test(start_paused = true)]
async fn a_session_that_has_ended_is_no_outage() {
    let script = Script::new()
        .on(Method::Post, LOGIN, tokens(1))
        .on(Method::Post, LOGIN, said(400, "Incorrect email or password").always())
        .on(Method::Post, REFRESH, said(401, "Token Expired or Invalid").always())
        .on(Method::Get, "/users/u-1", user())
        .on(Method::Get, "/users/u-1", refused().always());
    let bud = session(&script);
    bud.users().get("u-1").await.unwrap();
    let began = Instant::now();
    let error = bud.users().get("u-1").await.unwrap_err();
    assert_eq!((error.kind(), began.elapsed()), (ErrorKind::InvalidCredentials, Duration::ZERO));
    assert_eq!((asked(&script, LOGIN), asked(&script, REFRESH)), (2, 1));
    assert!(error.hint().unwrap().contains("locks the account for 60 s"), "{error}");
    // A wait does not go on with it either.
    let error = bud.endpoints().wait("e-1").await.unwrap_err();
    assert_eq!((error.kind(), began.elapsed()), (ErrorKind::InvalidCredentials, Duration::ZERO));
}

#[tokio::test(start_paused = true)]
async fn an_answer_to_a_login_is_not_taken_for_the_answer_to_the_call() {
    // Undeploying takes this 400 for success: it goes down already.
    let script = Script::new().on(Method::Post, LOGIN, said(400, "already deleting").always());
    let error = session(&script).endpoints().undeploy("e-1").await.unwrap_err();
    assert_eq!((error.kind(), error.operation()), (ErrorKind::BadRequest, Some("endpoints.undeploy")));
    assert!(error.to_string().contains("POST /auth/login answered 400"), "{error}");
    // Nor is the hint about an unknown user given for it.
    let script = Script::new().on(Method::Post, LOGIN, said(500, "Failed to log in").always());
    let error = session(&script).users().get("u-1").await.unwrap_err();
    assert!(error.hint().unwrap().starts_with(DOWN), "{error}");
}

async fn refused_login(status: u16, body: Value) -> Error {
    let script = Script::new().on(Method::Post, LOGIN, Answer::json(status, body).always());
    let bud = session(&script);
    for _ in 0..3 {
        let error = bud.users().get("u-1").await.unwrap_err();
        assert!(error.is_auth(), "{error}");
    }
    assert_eq!(asked(&script, LOGIN), 1, "a refused login is not repeated");
    bud.auth().login().await.unwrap_err()
}

#[tokio::test(start_paused = true)]
async fn a_login_that_is_refused_is_an_authentication_failure_with_its_reason() {
    let envelope = |message: &str| json!({ "object": "error", "code": 400, "message": message });
    for (status, body, kind, advice) in [
        (400, envelope("Incorrect email or password"), ErrorKind::InvalidCredentials, "locks the account"),
        (400, envelope("User account is not active"), ErrorKind::AuthRejected, "users.reactivate"),
        (403, json!({ "detail": "User account is not active" }), ErrorKind::AuthRejected, "users.reactivate"),
        (
            400,
            envelope("Unable to login. Please contact administrator to complete account setup."),
            ErrorKind::AuthRejected,
            "in Keycloak",
        ),
        (
            400,
            envelope("Account setup incomplete. Please verify your email and complete required actions."),
            ErrorKind::AuthRejected,
            "in Keycloak",
        ),
    ] {
        let said = body["message"].as_str().or(body["detail"].as_str()).unwrap().to_owned();
        let error = refused_login(status, body).await;
        assert_eq!((error.kind(), error.status()), (kind, Some(status)), "{error}");
        assert_eq!((error.message(), error.operation()), (said.as_str(), Some("auth.login")));
        assert!(error.hint().unwrap().contains(advice), "{error}");
    }
}

#[tokio::test]
async fn a_deactivated_user_is_refused_with_the_reason_on_both_apis() {
    let (bed, bud) = shipped().await;
    let user = bed.seed_user("USER");
    crate::common::runtime_user(&bed, &user.email, &user.password).auth().login().await.unwrap();
    bud.users().deactivate(user.id.as_str()).await.unwrap();
    let theirs = crate::common::runtime_user(&bed, &user.email, &user.password);
    let error = theirs.auth().login().await.unwrap_err();
    assert!(error.is_auth() && error.message().contains("not active"), "{error}");

    let bed = Testbed::builder().start().await.unwrap();
    let user = bed.seed_user("USER");
    crate::common::admin(&bed).users().deactivate(user.id.as_str()).await.unwrap();
    let theirs = with_password(bed.url(), &user.email, &user.password).build().unwrap();
    let error = theirs.auth().login().await.unwrap_err();
    assert!(error.is_auth() && error.message().contains("not active"), "{error}");
}
