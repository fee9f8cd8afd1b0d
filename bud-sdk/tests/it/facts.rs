//! Measured traps of the HTTP stack, each with the defence that this crate has against it. Without its defence each of
//! these tests fails.

use std::time::{Duration, Instant};

use bud_sdk::endpoints::Deployment;
use bud_sdk::operations::Method;
use bud_sdk::users::{NewUser, Role};
use bud_sdk::{Client, ErrorKind, Flavor, Timestamp};
use bud_testbed::{Script, Step, Wire, gzip_bomb, respond, respond_json, respond_until_close};
use serde_json::json;

use crate::common::{Folder, PASSWORD, TOKEN, USER, millis, plain, test_path, with_password};

fn user() -> bytes::Bytes {
    respond_json(200, &json!({ "id": USER, "email": "user@example.com" }))
}

/// A server on another address that would collect whatever is sent to it.
async fn stranger() -> Wire {
    let hop = respond(302, &[("Location", "/second")], "");
    Wire::builder()
        .bind("127.0.0.2:0")
        .repeat_last()
        .start([Script::answer(hop), Script::answer(user())])
        .await
        .unwrap()
}

/// F1, F2: on the second hop to a foreign host reqwest sends the token again, and other headers on the first.
#[tokio::test]
async fn a_redirect_takes_nothing_to_another_host() {
    let other = stranger().await;
    let target = format!("{}/first", other.url());
    let home = Wire::start([Script::answer(respond(302, &[("Location", &target)], ""))]).await.unwrap();
    let bud = plain(home.url()).header("x-tenant", "canary-tenant").build().unwrap();

    let error = bud.users().get(USER).await.unwrap_err();

    assert_eq!(error.kind(), ErrorKind::UnexpectedRedirect);
    assert_eq!(error.status(), Some(302));
    assert!(error.message().contains("http://127.0.0.2"), "{error}");
    assert_eq!(home.requests().len(), 1);
    assert_eq!(other.requests(), [], "nothing may reach the other host");
}

/// F2: credentials cannot be put where a follower would not strip them.
#[tokio::test]
async fn credentials_in_custom_headers_are_refused() {
    for name in ["x-api-key", "Authorization", "cookie", "Proxy-Authorization", "idempotency-key"] {
        let error = plain("http://127.0.0.1:1").header(name, TOKEN).build().unwrap_err();
        assert_eq!(error.param(), Some("header"));
        assert!(error.to_string().contains(name) && !error.to_string().contains(TOKEN), "{error}");
    }
}

/// F3: a 307 replays the body, and with it the password.
#[tokio::test]
async fn a_redirected_login_does_not_send_the_password_on() {
    for status in [301, 302, 303, 307, 308] {
        let other = stranger().await;
        let target = format!("{}/auth/login", other.url());
        let home =
            Wire::start([Script::answer(respond(status, &[("Location", &target)], ""))]).await.unwrap();
        let bud = with_password(home.url(), "admin@example.com", PASSWORD).build().unwrap();

        let error = bud.auth().login().await.unwrap_err();

        assert_eq!((error.kind(), error.status()), (ErrorKind::UnexpectedRedirect, Some(status)));
        assert_eq!(other.requests(), []);
    }
}

/// F3: a 302 turns a POST into a GET whose 200 looks like success.
#[tokio::test]
async fn a_redirected_change_is_no_success() {
    for status in [301, 302, 303] {
        let found = respond(status, &[("Location", "/endpoints/e-1")], "");
        let endpoint = respond_json(200, &json!({ "id": "e-1", "status": "RUNNING" }));
        let home = Wire::start([Script::answer(found), Script::answer(endpoint)]).await.unwrap();
        let bud = plain(home.url()).build().unwrap();

        let error = bud.endpoints().deploy("e-1", Deployment::on("c-1")).await.unwrap_err();

        assert_eq!((error.kind(), error.status()), (ErrorKind::UnexpectedRedirect, Some(status)));
        assert_eq!(home.requests().len(), 1);
    }
}

/// F5: a kept-alive connection that closes after it took the request.
#[tokio::test]
async fn a_read_survives_a_connection_that_dies_under_it() {
    let dies = Script::new().read_request().send(user()).read_request().close();
    let home = Wire::start([dies, Script::answer(user())]).await.unwrap();
    let bud = plain(home.url()).build().unwrap();
    bud.users().get(USER).await.unwrap();

    let response = bud.users().get(USER).with_response().await.unwrap();

    assert_eq!(response.attempts, 2);
    assert_eq!(home.requests().len(), 3);
}

/// F5: the same for a change that must not be sent twice.
#[tokio::test]
async fn a_change_on_a_dying_connection_is_reported_and_not_repeated() {
    let dies = Script::new().read_request().send(user()).read_request().close();
    let home = Wire::start([dies, Script::answer(user())]).await.unwrap();
    let bud = plain(home.url()).build().unwrap();
    bud.users().get(USER).await.unwrap();

    let error = bud.users().create(NewUser::new("a@example.com", "A", "B", Role::User)).await.unwrap_err();

    assert_eq!(error.kind(), ErrorKind::Interrupted);
    assert!(error.maybe_applied());
    assert_eq!(error.attempts(), 1);
    assert_eq!(home.requests().len(), 2, "the POST arrived once");
}

/// F6: no read timeout stops a body that drips.
#[tokio::test]
async fn a_dripping_answer_ends_at_the_deadline() {
    let drip = Script::new().read_request().drip(user(), millis(20));
    let home = Wire::builder().repeat_last().start([drip]).await.unwrap();
    let bud = plain(home.url()).build().unwrap();
    let started = Instant::now();

    let error = bud.users().get(USER).timeout(millis(300)).await.unwrap_err();

    assert_eq!(error.kind(), ErrorKind::Timeout);
    assert!(started.elapsed() < Duration::from_secs(3), "the answer alone would take longer");
}

/// F7: a body that ends with the connection looks whole when it was cut.
#[tokio::test]
async fn an_export_without_a_marked_end_is_no_file() {
    let cut = respond_until_close(200, &[("Content-Type", "text/csv")], "id,action\r\n1,log");
    let home = Wire::start([Script::answer(cut)]).await.unwrap();
    let bud = plain(home.url()).build().unwrap();
    let folder = Folder::new("cut");
    let day = Timestamp::now() - Duration::from_secs(86_400)..Timestamp::now();

    let error = bud.audit().export(day).write_to(folder.path().join("audit.csv")).await.unwrap_err();

    assert_eq!(error.kind(), ErrorKind::Download);
    assert_eq!(folder.names(), <[String; 0]>::default());
}

/// F8: 485 KB of gzip become 500 MB.
#[tokio::test]
async fn a_compressed_bomb_is_not_unpacked() {
    let bomb = gzip_bomb(50_000_000);
    let headers = [("Content-Encoding", "gzip"), ("Content-Type", "application/json")];
    for status in [200, 500] {
        let home = Wire::builder()
            .repeat_last()
            .start([Script::answer(respond(status, &headers, &bomb))])
            .await
            .unwrap();
        let bud = plain(home.url()).attempts(1).build().unwrap();

        let error = bud.users().get(USER).await.unwrap_err();

        let expected = if status == 200 { ErrorKind::Protocol } else { ErrorKind::Server };
        assert_eq!(error.kind(), expected);
        assert_eq!(home.requests()[0].header("accept-encoding"), None, "nothing compressed was asked for");
    }
}

/// F8: neither is a plain body read without end.
#[tokio::test]
async fn bodies_without_end_are_cut_off() {
    for (status, kind) in [(200, ErrorKind::BodyTooLarge), (500, ErrorKind::Server)] {
        let head = format!(
            "HTTP/1.1 {status} X\r\nContent-Type: application/json\r\nContent-Length: 99999999999\r\n\r\n"
        );
        let chunked = format!("HTTP/1.1 {status} X\r\nTransfer-Encoding: chunked\r\n\r\n");
        let chunk = format!("{:x}\r\n{}\r\n", 65536, " ".repeat(65536));
        let announced = Script::new().read_request().send(head).endless(" ".repeat(65536));
        let unannounced = Script::new().read_request().send(chunked).endless(chunk);
        let home = Wire::start([announced, unannounced]).await.unwrap();
        let bud = plain(home.url()).attempts(1).build().unwrap();
        for _ in 0..2 {
            let started = Instant::now();
            assert_eq!(bud.users().get(USER).await.unwrap_err().kind(), kind);
            assert!(started.elapsed() < Duration::from_secs(10), "far below the 30 s of an attempt");
        }
    }
}

/// F9: URL builders drop `..` and follow `//host`, so that a call hits another resource or another host.
#[tokio::test]
async fn an_id_cannot_leave_its_segment() {
    let home = Wire::builder().repeat_last().start([Script::answer(user())]).await.unwrap();
    let bud = plain(home.url()).build().unwrap();
    for id in ["..", ".", "%2e%2e", "../../admin", "a\\..\\b", "//evil.test/x", "a\r\nb", "", "a?b", "a#b"] {
        assert_eq!(bud.projects().delete(id).await.unwrap_err().param(), Some("id"), "{id:?}");
        let path = format!("/users/{id}/");
        assert_eq!(bud.raw(Method::Get, path).await.unwrap_err().param(), Some("path"), "{id:?}");
    }
    assert_eq!(home.requests(), [], "refused before any I/O");
}

/// F10: the stack's own errors print the URL with its query, and Debug prints headers that are not marked.
#[tokio::test]
async fn errors_and_debug_show_neither_query_nor_token() {
    let url = Wire::refused_url().await.unwrap();
    let bud = plain(&url).attempts(1).build().unwrap();

    let error = bud.raw(Method::Get, "/models").query("token", "canary-query").await.unwrap_err();

    let mut texts =
        vec![format!("{error} {error:#} {error:?} {error:#?}"), format!("{bud:?} {:?}", bud.users())];
    let mut source = std::error::Error::source(&error);
    while let Some(cause) = source {
        texts.push(format!("{cause} {cause:?}"));
        source = cause.source();
    }
    for text in texts {
        assert!(!text.contains("canary-query") && !text.contains(TOKEN), "{text}");
    }
    assert_eq!(error.kind(), ErrorKind::Connect);
}

/// F11: environment proxies are used even for loopback and plain http, and see the token. The environment belongs to
/// the process, so the call is made in one of its own.
#[tokio::test]
async fn plain_http_never_goes_through_a_proxy() {
    if let Ok(url) = std::env::var("BUD_TEST_PROXIED_URL") {
        plain(&url).build().unwrap().users().get(USER).await.unwrap();
        return;
    }
    let home = Wire::start([Script::answer(user())]).await.unwrap();
    let proxy = Wire::builder().repeat_last().start([Script::answer(user())]).await.unwrap();
    let mut child = tokio::process::Command::new(std::env::current_exe().unwrap());
    child
        .args(["--exact", &test_path(module_path!(), "plain_http_never_goes_through_a_proxy")])
        .env("BUD_TEST_PROXIED_URL", home.url());
    for name in ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy", "HTTPS_PROXY", "https_proxy"] {
        child.env(name, proxy.url());
    }
    for name in ["NO_PROXY", "no_proxy", "REQUEST_METHOD"] {
        child.env_remove(name);
    }

    let output = child.output().await.unwrap();

    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && text.contains("1 passed"), "{text}");
    assert_eq!(proxy.requests(), [], "the proxy saw nothing");
    assert_eq!(home.requests().len(), 1);
}

/// Retries are counted in one place: the stack below makes none of its own.
#[tokio::test]
async fn nothing_below_repeats_a_request() {
    let home =
        Wire::builder().repeat_last().start([Script::from([Step::ReadRequest, Step::Close])]).await.unwrap();
    let bud =
        Client::builder().base_url(home.url()).bearer_token(TOKEN).flavor(Flavor::Guide).build().unwrap();

    let error = bud.users().get(USER).attempts(2).await.unwrap_err();

    assert_eq!((error.kind(), error.attempts()), (ErrorKind::Interrupted, 2));
    assert_eq!(home.requests().len(), 2);
}
