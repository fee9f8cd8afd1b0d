//! The fault catalogue, group X: redirects. The one from https to http stands with the TLS server.

use bud_sdk::endpoints::Deployment;
use bud_sdk::operations::Method;
use bud_sdk::users::Role;
use bud_sdk::{ErrorKind, Timestamp};
use bud_testbed::{Fault, Script, Testbed, Wire, gzip_bomb, respond, respond_json};
use serde_json::json;

use crate::common::fault::{Home, MOST_BYTES, SOON, fails, new_user, user, works};
use crate::common::{Folder, PASSWORD, USER, admin, millis, plain, with_password};

const STATUSES: [u16; 5] = [301, 302, 303, 307, 308];

/// A server on another address that would collect whatever is sent to it.
async fn stranger(answer: bytes::Bytes) -> Wire {
    let wire = Wire::builder().bind("127.0.0.2:0").repeat_last();
    wire.start([Script::answer(answer)]).await.unwrap()
}

fn to(status: u16, location: &str) -> Script {
    Script::answer(respond(status, &[("Location", location)], ""))
}

#[tokio::test]
async fn x01_no_status_takes_a_call_to_another_host() {
    let other = stranger(user()).await;
    for status in STATUSES {
        let home = Home::new([to(status, &format!("{}/users", other.url()))]).await;
        let call = home.bud.users().get(USER).header("x-tenant", "canary-tenant");
        let error = home.fails(call, ErrorKind::UnexpectedRedirect, 1, SOON).await;
        assert_eq!((error.status(), error.attempts()), (Some(status), 1));
    }
    assert_eq!(other.connections(), 0);
}

/// The stack below would send the token on the second hop, and after the way home again.
#[tokio::test]
async fn x02_neither_two_hops_nor_the_way_back_are_gone() {
    let first = Wire::builder().repeat_last().start([Script::answer(user())]).await.unwrap();
    for back in ["/second".to_owned(), format!("{}/users/{USER}", first.url())] {
        let other = stranger(respond(302, &[("Location", &back)], "")).await;
        for status in STATUSES {
            let home = Home::new([to(status, &format!("{}/first", other.url()))]).await;
            let call = home.bud.raw(Method::Post, "/models").json(&json!({ "key": "canary-body" })).unwrap();
            home.fails(call, ErrorKind::UnexpectedRedirect, 1, SOON).await;
        }
        assert_eq!(other.connections(), 0);
    }
    assert_eq!(first.connections(), 0);
}

/// A refresh carries a secret just as a login does.
#[tokio::test]
async fn x03_neither_a_refresh_nor_an_export_goes_elsewhere() {
    let other = stranger(user()).await;
    for status in STATUSES {
        let bed = Testbed::builder().start().await.unwrap();
        let bud = admin(&bed);
        bud.auth().login().await.unwrap();
        bed.expire_tokens();
        let target = format!("{}/auth/refresh", other.url());
        bed.fault(Fault::on("POST", "/auth/refresh").status(status).redirect(&target));
        let error = fails(bud.users().get(bed.admin_id()), ErrorKind::UnexpectedRedirect, SOON).await;
        assert_eq!((error.status(), bed.count("POST", "/auth/refresh")), (Some(status), 1));
    }
    let bed = Testbed::builder().start().await.unwrap();
    let bud = admin(&bed);
    bed.fault(Fault::on("GET", "/audit/export").redirect(&format!("{}/audit.csv", other.url())));
    let folder = Folder::new("redirected");
    let range = "2026-01-01T00:00:00Z".parse::<Timestamp>().unwrap().."2026-02-01T00:00:00Z".parse().unwrap();
    let export = bud.audit().export(range).write_to(folder.path().join("audit.csv"));
    fails(export, ErrorKind::UnexpectedRedirect, SOON).await;
    assert_eq!(folder.names(), <[String; 0]>::default());
    assert_eq!(other.connections(), 0);
    bud.users().get(bed.admin_id()).await.unwrap();
}

/// Nor does the question which API it is, or a login that would be followed by a request without a body.
#[tokio::test]
async fn x03_a_password_and_the_first_question_stay_at_home() {
    let other = stranger(user()).await;
    for status in STATUSES {
        let target = format!("{}/auth/login", other.url());
        let wire = Wire::builder().repeat_last().start([to(status, &target)]).await.unwrap();
        let bud = with_password(wire.url(), "admin@example.com", PASSWORD).build().unwrap();
        fails(bud.users().get(USER), ErrorKind::UnexpectedRedirect, SOON).await;
        let asking = bud_sdk::Client::builder().base_url(wire.url()).bearer_token(crate::common::TOKEN);
        let asking = asking.build().unwrap();
        fails(asking.flavor(), ErrorKind::Config, SOON).await;
        assert_eq!(wire.requests().len(), 2);
    }
    assert_eq!(other.connections(), 0);
}

#[tokio::test]
async fn x04_a_change_never_becomes_a_look() {
    for status in STATUSES {
        for method in ["POST", "PUT", "DELETE"] {
            let home = Home::new([to(status, &format!("/users/{USER}"))]).await;
            let (kind, bud) = (ErrorKind::UnexpectedRedirect, &home.bud);
            let error = match method {
                "POST" => {
                    home.fails(bud.endpoints().deploy("e-1", Deployment::on("c-1")), kind, 1, SOON).await
                }
                "PUT" => home.fails(bud.users().set_role(USER, Role::User), kind, 1, SOON).await,
                _ => home.fails(bud.projects().delete("p-1"), kind, 1, SOON).await,
            };
            assert_eq!((error.status(), error.maybe_applied()), (Some(status), false));
            assert_eq!(home.wire.requests()[0].method, method);
        }
    }
}

#[tokio::test]
async fn x06_what_looks_like_home_is_not_gone_to_either() {
    let near = Wire::builder().repeat_last().start([Script::answer(user())]).await.unwrap();
    let port = near.addr().port();
    let cases = [
        (format!("http://127.0.0.1:{port}/users"), format!("to http://127.0.0.1:{port},")),
        (format!("http://localhost:{port}/users"), format!("to http://localhost:{port},")),
        (format!("http://127.0.0.1.:{port}/users"), "to http://127.0.0.1".to_owned()),
        (format!("http://localhost.:{port}/users"), "to http://localhost.".to_owned()),
        (format!("http://user:canary@127.0.0.1:{port}/"), format!("to http://127.0.0.1:{port},")),
        (format!("//127.0.0.1:{port}/users"), format!("to http://127.0.0.1:{port},")),
        (format!("\\\\127.0.0.1:{port}\\users"), format!("to http://127.0.0.1:{port},")),
        ("http://bücher.example/".to_owned(), String::new()),
        ("https://\u{430}pi.example.com/?canary".to_owned(), String::new()),
        (
            "https://xn--pi-6kc.example.com/#canary".to_owned(),
            "to https://xn--pi-6kc.example.com,".to_owned(),
        ),
        ("file:///etc/passwd".to_owned(), String::new()),
        ("javascript:alert(1)".to_owned(), String::new()),
        ("data:text/html,canary".to_owned(), String::new()),
        ("http://[::1".to_owned(), "without a usable target".to_owned()),
        ("http://169.254.169.254/latest/".to_owned(), "to http://169.254.169.254,".to_owned()),
        (String::new(), String::new()),
    ];
    for (location, shown) in cases {
        let home = Home::new([to(302, &location)]).await;
        let error = home.fails(home.bud.users().get(USER), ErrorKind::UnexpectedRedirect, 1, SOON).await;
        assert!(error.message().contains(&shown), "{location}: {error}");
    }
    assert_eq!(near.connections(), 0);
}

#[tokio::test]
async fn x07_a_loop_is_one_request() {
    let wire = Wire::builder().repeat_last().start([to(302, &format!("/users/{USER}"))]).await.unwrap();
    let bud = plain(wire.url()).build().unwrap();
    fails(bud.users().get(USER), ErrorKind::UnexpectedRedirect, SOON).await;
    assert_eq!(wire.requests().len(), 1);
}

#[tokio::test]
async fn x07_a_location_of_any_length_and_with_any_bytes_is_one_short_line() {
    let long = |count: usize| format!("/{}", "a".repeat(count));
    let answer = |location: &[u8]| {
        let head = [b"HTTP/1.1 302 Found\r\nLocation: ".as_slice(), location].concat();
        Script::answer([head.as_slice(), b"\r\ncontent-length: 0\r\n\r\n"].concat())
    };
    let (short, longer, longest) = (long(10_000), long(300_000), long(1 << 20));
    let cases: [(&[u8], ErrorKind); 6] = [
        (short.as_bytes(), ErrorKind::UnexpectedRedirect),
        (longer.as_bytes(), ErrorKind::UnexpectedRedirect),
        (longest.as_bytes(), ErrorKind::Protocol),
        (b"/a\r\nSet-Cookie: canary", ErrorKind::UnexpectedRedirect),
        (b"/%0d%0aX: y\x1b[2J", ErrorKind::Protocol),
        (b"/\xff\xfe", ErrorKind::UnexpectedRedirect),
    ];
    for (location, kind) in cases {
        let home = Home::new([answer(location)]).await;
        let error = home.fails(home.bud.users().get(USER), kind, 1, SOON).await;
        assert!(error.to_string().chars().count() < 600, "{error}");
    }
}

#[tokio::test]
async fn x07_the_body_of_a_redirect_is_neither_unpacked_nor_read_to_its_end() {
    let bomb = [("Location", "/x"), ("content-encoding", "gzip")];
    let home = Home::new([Script::answer(respond(302, &bomb, gzip_bomb(50_000_000)))]).await;
    home.fails(home.bud.users().get(USER), ErrorKind::UnexpectedRedirect, 1, SOON).await;

    let head = "HTTP/1.1 302 Found\r\nLocation: /x\r\ntransfer-encoding: chunked\r\n\r\n";
    let chunk = format!("{:x}\r\n{}\r\n", 65536, "x".repeat(65536));
    let home = Home::new([Script::new().read_request().send(head).endless(chunk)]).await;
    home.fails(home.bud.users().get(USER), ErrorKind::UnexpectedRedirect, 1, SOON).await;
    assert!(home.wire.bytes_written() < MOST_BYTES / 2, "{}", home.wire.bytes_written());

    let home = Home::new([Script::new().read_request().send(head).stall()]).await;
    let call = home.bud.users().get(USER).attempt_timeout(millis(300));
    home.fails(call, ErrorKind::UnexpectedRedirect, 1, millis(300)).await;
}

/// What a redirect carries is no answer, even if it looks like one.
#[tokio::test]
async fn x07_a_redirect_with_the_answer_in_it_is_no_answer() {
    let body = respond_json(302, &json!({ "id": USER }));
    let home = Home::new([Script::answer(body)]).await;
    home.fails(home.bud.users().create(new_user()), ErrorKind::UnexpectedRedirect, 1, SOON).await;
    works(&home.bud).await;
}
