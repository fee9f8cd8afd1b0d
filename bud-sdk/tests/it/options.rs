//! Options that no other test shows to matter: with each of them something else is seen than without.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use bud_sdk::operations::Method;
use bud_sdk::{AccessToken, Client, ErrorKind, Flavor, Result, TokenProvider};
use bud_testbed::{Fault, Script, Testbed, Wire, respond, respond_json};
use serde_json::json;

use crate::common::{admin, millis, plain};

fn user() -> bytes::Bytes {
    respond_json(200, &json!({ "id": "u-1" }))
}

async fn friendly() -> Wire {
    Wire::builder().repeat_last().start([Script::answer(user())]).await.unwrap()
}

async fn silent() -> Wire {
    Wire::builder().repeat_last().start([Script::new().read_request().stall()]).await.unwrap()
}

#[tokio::test]
async fn a_header_goes_with_every_request_of_a_client_or_with_one_call() {
    let home = friendly().await;
    let bud = plain(home.url()).header("x-tenant", "client").build().unwrap();
    bud.users().get("u-1").await.unwrap();
    bud.users().get("u-1").header("x-trace", "call").await.unwrap();
    bud.users().get("u-1").header("x-tenant", "call").await.unwrap();
    bud.raw(Method::Get, "/x").header("x-trace", "raw").await.unwrap();
    let _ = bud.users().list().header("x-trace", "list").all().await;
    let seen: Vec<_> = home
        .requests()
        .iter()
        .map(|seen| ["x-tenant", "x-trace"].map(|name| seen.header(name).unwrap_or("-").to_owned()).join(" "))
        .collect();
    assert_eq!(seen, ["client -", "client call", "call -", "client raw", "client list"]);
}

#[tokio::test]
async fn times_and_attempts_of_a_client_hold_where_a_call_says_nothing() {
    let home = silent().await;
    let started = Instant::now();
    let bud = plain(home.url()).timeout(millis(150)).build().unwrap();
    assert!(bud.users().get("u-1").await.unwrap_err().is_timeout());
    assert!(bud.raw(Method::Get, "/x").await.unwrap_err().is_timeout());
    let bud = plain(home.url()).attempt_timeout(millis(50)).attempts(2).build().unwrap();
    let error = bud.users().get("u-1").await.unwrap_err();
    assert_eq!((error.kind(), error.attempts()), (ErrorKind::Timeout, 2));
    // A call's own win.
    let error = bud.users().get("u-1").attempts(1).await.unwrap_err();
    assert_eq!(error.attempts(), 1);
    let bud = plain(home.url()).build().unwrap();
    assert!(bud.users().get("u-1").attempt_timeout(millis(50)).attempts(1).await.unwrap_err().is_timeout());
    assert!(bud.users().list().timeout(millis(50)).all().await.unwrap_err().is_timeout());
    assert!(bud.raw(Method::Get, "/x").timeout(millis(50)).await.unwrap_err().is_timeout());
    // Without any of them each of these takes 30 s or more.
    assert!(started.elapsed() < Duration::from_secs(15));
}

#[tokio::test]
async fn a_raw_call_sends_its_query_and_body_and_is_repeated_only_if_it_may() {
    let script = [Script::answer(respond(503, &[], "busy")), Script::answer(user())];
    let home = Wire::builder().repeat_last().start(script.clone()).await.unwrap();
    let bud = plain(home.url()).build().unwrap();
    let call = || bud.raw(Method::Post, "/things/").query("q", "a b&c").json(&json!({ "n": 1 })).unwrap();
    assert_eq!(call().await.unwrap_err().kind(), ErrorKind::Server);
    assert_eq!(home.requests().len(), 1);
    let home = Wire::start(script).await.unwrap();
    let bud = plain(home.url()).build().unwrap();
    let call = bud.raw(Method::Post, "/things/").query("q", "a b&c").json(&json!({ "n": 1 })).unwrap();
    let answer = call.idempotent().await.unwrap();
    assert_eq!(
        (answer.status(), answer.json::<serde_json::Value>().unwrap()["id"].as_str()),
        (200, Some("u-1"))
    );
    let sent = &home.requests()[1];
    assert_eq!((sent.target.as_str(), sent.json()), ("/things/?q=a+b%26c", json!({ "n": 1 })));
    assert_eq!(sent.header("content-type"), Some("application/json"));
}

#[tokio::test]
async fn a_base_url_may_have_a_path() {
    let home = friendly().await;
    for path in ["/bud/v1", "/bud/v1/"] {
        plain(&format!("{}{path}", home.url())).build().unwrap().users().get("u-1").await.unwrap();
    }
    assert!(home.requests().iter().all(|sent| sent.path == "/bud/v1/users/u-1"));
}

#[tokio::test]
async fn a_bearer_token_and_a_key_are_sent_as_they_are() {
    let home = friendly().await;
    let builder = || Client::builder().base_url(home.url()).flavor(Flavor::Guide);
    builder().bearer_token("some-token").build().unwrap().users().get("u-1").await.unwrap();
    builder().api_key("some-key").build().unwrap().users().get("u-1").await.unwrap();
    let seen: Vec<_> =
        home.requests().iter().map(|seen| seen.header("authorization").unwrap().to_owned()).collect();
    assert_eq!(seen, ["Bearer some-token", "Bearer some-key"]);
    // The last one said wins.
    builder()
        .api_key("k")
        .password("a@b", "p")
        .bearer_token("t")
        .build()
        .unwrap()
        .users()
        .get("u-1")
        .await
        .unwrap();
    assert_eq!(home.requests()[2].header("authorization"), Some("Bearer t"));
}

struct Numbered(Arc<AtomicU32>, Option<Duration>);

impl TokenProvider for Numbered {
    fn token(&self) -> Pin<Box<dyn Future<Output = Result<AccessToken>> + Send + '_>> {
        let token = AccessToken::new(format!("token-{}", self.0.fetch_add(1, Ordering::SeqCst)));
        let life = self.1;
        Box::pin(async move { Ok(life.into_iter().fold(token, AccessToken::expires_in)) })
    }
}

#[tokio::test]
async fn a_token_with_a_known_life_is_renewed_before_its_end() {
    let home = friendly().await;
    for (life, asked) in [(None, 1), (Some(Duration::from_secs(3600)), 1), (Some(millis(1000)), 2)] {
        let count = Arc::new(AtomicU32::new(0));
        let builder = Client::builder().base_url(home.url()).flavor(Flavor::Guide);
        let bud = builder.token_provider(Numbered(count.clone(), life)).build().unwrap();
        bud.users().get("u-1").await.unwrap();
        tokio::time::sleep(millis(850)).await;
        bud.users().get("u-1").await.unwrap();
        tokio::time::sleep(millis(50)).await;
        assert_eq!(count.load(Ordering::SeqCst), asked, "{life:?}");
    }
}

#[tokio::test]
async fn a_client_knows_what_its_server_offers() {
    let bed = Testbed::builder().start().await.unwrap();
    let bud = admin(&bed);
    let offered = bud.capabilities().await.unwrap();
    assert_eq!(offered.flavor, Flavor::Guide);
    assert!(offered.supports("endpoints.deploy") && !offered.supports("endpoints.dance"));
    assert!(offered.supports("auth.login") && !offered.supports("auth.whoami"));
    assert!(offered.unsupported().all(|operation| operation.instead.is_some()));
    assert_eq!(bud.base_url().trim_end_matches('/'), bed.url());

    let builder = Client::builder().base_url(bed.url()).bearer_token("t").flavor(Flavor::Runtime);
    let offered = builder.build().unwrap().capabilities().await.unwrap();
    assert!(offered.supports("users.set_role") && !offered.supports("endpoints.deploy"));
    let set_role = offered.operations.iter().find(|operation| operation.id == "users.set_role").unwrap();
    assert!(set_role.limitation.unwrap().contains("sign-in"));
    assert!(offered.unsupported().all(|operation| operation.instead.is_some()));
}

#[tokio::test]
async fn a_response_tells_how_it_came() {
    let bed = Testbed::builder().start().await.unwrap();
    let bud = admin(&bed);
    bed.fault(Fault::on("GET", "/users/{id}").status(503));
    let response = bud.users().get(bed.admin_id()).with_response().await.unwrap();
    assert_eq!((response.status, response.attempts), (200, 2));
    assert!(response.request_id.is_some() && response.elapsed > Duration::ZERO);
    assert_eq!(response.value.id.as_str(), bed.admin_id());
}
