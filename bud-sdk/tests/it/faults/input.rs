//! Hostile input from the caller, and hostile hints from the server about where to go next.

use std::time::Duration;

use bud_sdk::endpoints::Deployment;
use bud_sdk::operations::Method;
use bud_sdk::permissions::{Grant, PermissionLevel};
use bud_sdk::projects::{NewProject, ProjectUpdate};
use bud_sdk::users::{NewUser, Role, UserUpdate};
use bud_sdk::{Client, Error, ErrorKind, Flavor, Result};
use bud_testbed::{Fault, Script, Testbed, Wire, respond, respond_json};
use serde_json::{Value, json};

use crate::common::{PASSWORD, TOKEN, admin, millis, plain, with_password};

/// A server that answers everything with this object, on one connection per request.
async fn answering(body: Value) -> (Wire, Client) {
    let home = Wire::builder().repeat_last().start([Script::answer(respond_json(200, &body))]).await.unwrap();
    let bud = plain(home.url()).build().unwrap();
    (home, bud)
}

fn refused<T: std::fmt::Debug>(result: Result<T>, param: &str) -> Error {
    let error = result.unwrap_err();
    assert_eq!((error.kind(), error.param()), (ErrorKind::InvalidArgument, Some(param)), "{error}");
    assert_eq!(error.attempts(), 0, "{error}");
    error
}

#[tokio::test]
async fn p1_where_a_server_says_to_go_next_is_never_gone_to() {
    let evil = Wire::builder().bind("127.0.0.2:0").repeat_last();
    let evil = evil.start([Script::answer(respond_json(200, &json!([])))]).await.unwrap();
    let port = evil.addr().port();
    let places = [
        format!("http://127.0.0.2:{port}/users?page=2"),
        format!("//127.0.0.2:{port}/users"),
        format!("\\\\127.0.0.2:{port}\\users"),
        format!("http://localhost@127.0.0.2:{port}/"),
        "file:///etc/passwd".to_owned(),
        "http://169.254.169.254/latest/meta-data".to_owned(),
        "javascript:alert(1)".to_owned(),
        "../../admin".to_owned(),
    ];
    for next in places {
        let users =
            |from: u32| (from..from + 2).map(|n| json!({ "id": format!("u-{n}") })).collect::<Value>();
        let page = |n: u32, from| {
            let body = json!({
                "users": users(from), "page": n, "limit": 2, "total_pages": 2, "total_record": 4,
                "next": next, "next_page": next, "next_cursor": next, "links": { "next": next }, "_links": { "next": { "href": next } },
            });
            let link = format!("<{next}>; rel=\"next\"");
            let headers =
                [("content-type", "application/json"), ("link", link.as_str()), ("content-location", &next)];
            Script::answer(respond(200, &headers, body.to_string()))
        };
        let home = Wire::builder().repeat_last();
        let home = home
            .start([page(1, 0), page(2, 2), Script::answer(respond_json(200, &json!([])))])
            .await
            .unwrap();
        let users = plain(home.url()).build().unwrap().users().list().page_size(2).all().await.unwrap();
        assert_eq!(users.len(), 4, "{next}");
        let queries: Vec<_> = home.requests().into_iter().map(|seen| seen.query).collect();
        assert_eq!(queries[..2], ["page=1&limit=2", "page=2&limit=2"], "{next}");
    }
    assert_eq!(evil.connections(), 0);
}

#[tokio::test]
async fn p8_a_wait_that_gives_up_leaves_the_work_alone() {
    let bed = Testbed::builder().deploy_polls(1000).start().await.unwrap();
    let bud = admin(&bed);
    let id = bed.endpoint_ids().remove(0);
    bud.endpoints().deploy(&*id, Deployment::on(bed.cluster_id())).await.unwrap();
    bed.clear_requests();
    let wait = bud.endpoints().wait(&*id).poll_interval(millis(5)).timeout(millis(150));
    assert_eq!(wait.await.unwrap_err().kind(), ErrorKind::PollTimeout);
    assert!(bed.requests().iter().all(|seen| seen.method == "GET"), "{:?}", bed.requests());
}

#[tokio::test]
async fn p9_a_wait_obeys_the_server_that_asks_for_patience() {
    let bed = Testbed::builder().deploy_polls(2).start().await.unwrap();
    let bud = admin(&bed);
    let id = bed.endpoint_ids().remove(0);
    bud.endpoints().deploy(&*id, Deployment::on(bed.cluster_id())).await.unwrap();
    bed.clear_requests();
    bed.fault(Fault::on("GET", "/endpoints/{id}").status(429).header("retry-after", "3600"));
    let wait = bud.endpoints().wait(&*id).poll_interval(millis(5)).timeout(millis(500));
    assert_eq!(wait.await.unwrap_err().kind(), ErrorKind::PollTimeout);
    assert_eq!(bed.count("GET", "/endpoints/{id}"), 1);
}

#[tokio::test]
async fn i2_base_urls_are_used_as_meant_or_refused() {
    let home = Wire::builder().repeat_last();
    let home = home.start([Script::answer(respond_json(200, &json!({ "id": "u-1" })))]).await.unwrap();
    let port = home.addr().port();
    let meant = [
        (format!("http://127.0.0.1:{port}"), "/users/u-1"),
        (format!("http://127.0.0.1:{port}/"), "/users/u-1"),
        (format!("  http://127.0.0.1:{port}/v1  "), "/v1/users/u-1"),
        (format!("http://127.0.0.1:{port}/v1/"), "/v1/users/u-1"),
        (format!("http://127.0.0.1:{port}/a/../b%20c/"), "/b%20c/users/u-1"),
        (format!("HTTP://LOCALHOST:{port}/V1"), "/V1/users/u-1"),
        (format!("http://127.1:{port}"), "/users/u-1"),
    ];
    for (url, path) in meant {
        plain(&url)
            .build()
            .unwrap()
            .users()
            .get("u-1")
            .await
            .unwrap_or_else(|error| panic!("{url}: {error}"));
        assert_eq!(home.requests().last().unwrap().path, path, "{url}");
    }
    let before = home.connections();
    for url in [
        "",
        " ",
        "/v1",
        "127.0.0.1",
        "https://",
        "https://:443",
        "https://h:99999",
        "https://h:port",
        "https://user@h",
        "https://:canary@h",
        "https://h/?canary",
        "https://h/#canary",
        "file:///etc/passwd",
        "ftp://h",
        "unix:/run/x",
        "data:text/plain,canary",
        "http://192.0.2.1",
        "http://[2001:db8::1]",
        "http://127.0.0.1.evil.test",
        "http://localhost.",
        "http://loc\u{430}lhost",
        "https://a b",
        "https://h\0.test",
        "https://h%00.test",
        "https://[::1",
        "https://\u{202e}",
    ] {
        let error = plain(url).build().err().unwrap_or_else(|| panic!("{url:?} is taken"));
        assert_eq!(error.kind(), ErrorKind::Config, "{url:?}");
        assert!(!format!("{error} {error:?}").contains("canary"), "{error:?}");
    }
    for url in ["http://[::1]:80", "https://b\u{fc}cher.example", "https://h:8443/v1", "https://10.0.0.1"] {
        assert!(plain(url).build().is_ok(), "{url}");
    }
    let idn = plain("https://b\u{fc}cher.example").build().unwrap();
    assert_eq!(idn.base_url(), "https://xn--bcher-kva.example/", "what is really called is shown");
    assert_eq!(home.connections(), before);
}

#[tokio::test]
async fn i3_headers_that_smuggle_are_refused() {
    let (home, bud) = answering(json!({ "id": "u-1" })).await;
    let long = "x".repeat(70_000);
    for (name, value) in [
        ("x-a", "a\r\nx-evil: canary"),
        ("x-a", "a\nb"),
        ("x-a", "a\rb"),
        ("x-a", "a\0b"),
        ("x-a", "\u{7f}"),
        ("x-a\r\nx-evil", "canary"),
        ("x a", "b"),
        ("x:a", "b"),
        ("", "b"),
        ("\u{fc}", "b"),
        ("user-agent", "a\r\nb"),
        ("Idempotency-Key", "canary"),
        ("Authorization", "canary"),
        ("Cookie", "canary"),
        ("X-API-Key", "canary"),
        ("Host", "evil.test"),
        ("Content-Length", "0"),
        ("Transfer-Encoding", "chunked"),
        ("Connection", "close"),
        ("Accept-Encoding", "gzip"),
        ("Proxy-Authorization", "canary"),
        (long.as_str(), "b"),
    ] {
        let errors = [
            refused(bud.users().get("u-1").header(name, value).await, "header"),
            refused(bud.users().list().header(name, value).all().await, "header"),
            refused(bud.raw(Method::Get, "/users").header(name, value).await, "header"),
            refused(plain(home.url()).header(name, value).build(), "header"),
        ];
        for error in errors {
            let text = format!("{error} {error:?}");
            assert!(!text.contains("canary") && text.len() < 1000 && !text.contains('\r'), "{text}");
        }
    }
    assert_eq!(home.connections(), 0);
    for token in ["", " ", "a b", "a\r\nx-evil: b", "a\0", "\u{fc}", &"x".repeat(20_000)] {
        let builder = || Client::builder().base_url(home.url()).flavor(Flavor::Guide);
        for built in [builder().bearer_token(token).build(), builder().api_key(token).build()] {
            let error = built.err().unwrap_or_else(|| panic!("{token:.20?} is taken"));
            assert_eq!(error.kind(), ErrorKind::Config, "{token:.20?}");
        }
    }
    bud.users().get("u-1").header("x-a", "a b\tc").await.unwrap();
}

#[tokio::test]
async fn i4_texts_arrive_as_they_were_given_or_are_refused() {
    let (home, bud) = answering(json!({ "id": "p-1" })).await;
    for text in [
        "\"quoted\" \\back\\ /slash/",
        "{\"name\":\"x\"}",
        "'; DROP TABLE projects; --",
        "<script>alert(1)</script>",
        "${jndi:ldap://evil.test}",
        "😀👨‍👩‍👧‍👦 ﷽ \u{202e}txt.exe \u{feff} é e\u{301}",
        "\u{fffd}\u{ffff}\u{10ffff}",
        "=cmd|' /C calc'!A0",
        &"ü".repeat(1000),
    ] {
        bud.projects().create(NewProject::new(text)).await.unwrap();
        let sent: Value = serde_json::from_slice(&home.requests().last().unwrap().body).unwrap();
        assert_eq!(sent["name"], text);
        let update = UserUpdate::new().first_name(text).last_name("B");
        bud.users().update("u-1", update).await.unwrap();
        let sent: Value = serde_json::from_slice(&home.requests().last().unwrap().body).unwrap();
        assert_eq!(sent, json!({ "first_name": text, "last_name": "B" }));
    }
    let raw = bud.raw(Method::Get, "/search").query("a&b=c", "x&y=z#f+g %2F\r\n\u{fc}").await;
    raw.unwrap();
    let seen = home.requests().pop().unwrap();
    assert_eq!(seen.path, "/search");
    assert_eq!(seen.query, "a%26b%3Dc=x%26y%3Dz%23f%2Bg+%252F%0D%0A%C3%BC");
}

#[tokio::test]
async fn i5_names_without_measure_are_refused() {
    let (home, bud) = answering(json!({ "id": "x-1" })).await;
    for name in [
        "x".repeat(1024 * 1024),
        "😀".repeat(1001),
        "a\0b".into(),
        "a\r\nb".into(),
        "\u{85}".into(),
        "\t".into(),
    ] {
        refused(bud.projects().create(NewProject::new(&*name)).await, "name");
        refused(bud.projects().update("p-1", ProjectUpdate::new().name(&*name)).await, "name");
        refused(bud.credentials().create(&*name, "p-1").await, "name");
        refused(
            bud.users().create(NewUser::new("a@example.com", "A", &*name, Role::User)).await,
            "last_name",
        );
        refused(bud.users().update("u-1", UserUpdate::new().first_name(&*name)).await, "first_name");
        refused(bud.auth().request_password_reset(format!("{name}@example.com")).await, "email");
    }
    assert_eq!(home.connections(), 0);
}

#[tokio::test]
async fn i6_i7_i10_numbers_and_addresses_out_of_bounds_make_no_request() {
    let (home, bud) = answering(json!({ "id": "x-1" })).await;
    for replicas in [0, 1001, 1 << 31, u32::MAX] {
        refused(bud.endpoints().scale("e-1", replicas).await, "replicas");
        refused(bud.endpoints().deploy("e-1", Deployment::on("c-1").replicas(replicas)).await, "replicas");
    }
    refused(bud.endpoints().deploy("e-1", Deployment::on("c-1").gpus(u32::MAX)).await, "gpus");
    for memory in [0, u32::MAX] {
        refused(bud.endpoints().deploy("e-1", Deployment::on("c-1").memory_gb(memory)).await, "memory_gb");
    }
    for email in ["a@b\r\nBcc: c@d", "a@b,c@d", "a@b;c@d", "\"a\"@b@c", "a\u{a0}@b", "a@b\0"] {
        refused(bud.users().create(NewUser::new(email, "A", "B", Role::User)).await, "email");
        let login = with_password(home.url(), email, PASSWORD).build();
        let error = match login {
            Err(error) => error,
            Ok(bud) => bud.auth().login().await.unwrap_err(),
        };
        assert!(matches!(error.kind(), ErrorKind::InvalidArgument | ErrorKind::Config), "{email:?}: {error}");
    }
    for limit in [0, 1001, u32::MAX] {
        refused(bud.projects().list().page_size(limit).all().await, "page_size");
        refused(bud.clusters().list().page_size(limit).all().await, "page_size");
    }
    refused(bud.permissions().grant(Grant::project("..", "p", PermissionLevel::View)).await, "user_id");
    assert_eq!(home.connections(), 0);
}

#[tokio::test]
async fn i11_times_out_of_bounds_are_refused_and_the_longest_do_no_harm() {
    let (home, bud) = answering(json!({ "id": "u-1" })).await;
    let (none, ever) = (Duration::ZERO, Duration::MAX);
    for time in [none, ever, Duration::from_secs(366 * 86_400)] {
        refused(bud.users().get("u-1").timeout(time).await, "timeout");
        refused(bud.users().get("u-1").attempt_timeout(time).await, "attempt_timeout");
        refused(bud.users().list().timeout(time).all().await, "timeout");
        refused(bud.raw(Method::Get, "/x").timeout(time).await, "timeout");
        refused(plain(home.url()).timeout(time).build(), "timeout");
        refused(plain(home.url()).attempt_timeout(time).build(), "attempt_timeout");
    }
    refused(plain(home.url()).connect_timeout(none).build(), "connect_timeout");
    for attempts in [0, 21, u32::MAX] {
        refused(bud.users().get("u-1").attempts(attempts).await, "attempts");
        refused(plain(home.url()).attempts(attempts).build(), "attempts");
    }
    assert_eq!(home.connections(), 0);
    let year = Duration::from_secs(365 * 86_400);
    let patient =
        plain(home.url()).timeout(year).attempt_timeout(year).connect_timeout(year).build().unwrap();
    patient.users().get("u-1").await.unwrap();
    let endless = plain(home.url()).connect_timeout(ever).build();
    if let Ok(endless) = endless {
        endless.users().get("u-1").await.unwrap();
    }
    let csv = respond(200, &[("content-type", "text/csv")], "id,action\r\n1,login\r\n");
    let home = Wire::start([Script::answer(csv)]).await.unwrap();
    let month = "2026-01-01T00:00:00Z".parse().unwrap().."2026-02-01T00:00:00Z".parse().unwrap();
    let export = plain(home.url()).build().unwrap().audit().export(month);
    let export = export.idle_timeout(ever).min_throughput(u64::MAX, ever);
    assert_eq!(export.write_into(&mut Vec::new()).await.unwrap().rows, 1);
}

#[tokio::test]
async fn i12_a_project_in_use_is_left_to_the_server_and_nothing_else_is_deleted() {
    let bed = Testbed::builder().deploy_polls(0).start().await.unwrap();
    let bud = admin(&bed);
    let id = bed.endpoint_ids().remove(0);
    bud.endpoints().deploy(&*id, Deployment::on(bed.cluster_id())).await.unwrap();
    bud.endpoints().wait(&*id).poll_interval(millis(2)).await.unwrap();
    let error = bud.projects().delete(bed.project_id()).await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Conflict | ErrorKind::BadRequest), "{error}");
    assert_eq!(bed.count("DELETE", "/projects/{id}"), 1);
    bud.projects().get(bed.project_id()).await.unwrap();
}

#[tokio::test]
async fn k11_headers_say_nothing_about_the_caller() {
    let bed = Testbed::builder().start().await.unwrap();
    let bud = admin(&bed);
    let project = bed.project_id();
    bud.projects().get(&*project).await.unwrap();
    bud.users().list().all().await.unwrap();
    bud.credentials().create("A", &*project).await.unwrap();
    let expected = ["accept", "authorization", "content-length", "content-type", "host", "user-agent"];
    for seen in bed.requests() {
        for (name, value) in &seen.headers {
            assert!(expected.contains(&name.as_str()), "{name} is sent to {}", seen.path);
            let secret =
                [bed.admin_password(), bed.admin_email(), &project].into_iter().any(|it| value.contains(it));
            assert!(!secret, "{name}");
        }
        assert_eq!(seen.header("user-agent"), Some(concat!("bud-sdk/", env!("CARGO_PKG_VERSION"))));
        assert!(!seen.query.contains(bed.admin_email()) && !seen.query.contains(TOKEN), "{}", seen.query);
    }
}
