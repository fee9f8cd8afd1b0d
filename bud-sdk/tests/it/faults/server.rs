//! The fault catalogue, group S: what a server answers. Its HTTP/2 entry stands with the TLS server.

use std::time::Duration;

use bud_sdk::ErrorKind;
use bud_sdk::users::Role;
use bud_testbed::{Fault, Script, Testbed, gzip_bomb, respond, respond_chunked, respond_json};
use bytes::Bytes;
use serde_json::json;

use crate::common::fault::{Home, MOST_BYTES, SOON, fails, in_time, new_user, thrice, user};
use crate::common::{USER, millis};

const JSON: [(&str, &str); 1] = [("content-type", "application/json")];

fn says(status: u16, headers: &[(&str, &str)]) -> Script {
    let headers: Vec<_> = JSON.iter().chain(headers).copied().collect();
    Script::answer(respond(status, &headers, r#"{"detail":"the server's words"}"#))
}

#[tokio::test]
async fn s01_one_failure_of_the_server_repeats_a_read_and_never_a_change() {
    for status in [408, 500, 502, 503, 504] {
        let home = Home::new([says(status, &[])]).await;
        home.succeeds(home.bud.users().get(USER), 2).await;
        let home = Home::new([says(status, &[])]).await;
        home.succeeds(home.bud.users().set_role(USER, Role::User), 2).await;
        let home = Home::new([says(status, &[])]).await;
        let kind = if status == 408 { ErrorKind::Api } else { ErrorKind::Server };
        let error = home.fails(home.bud.users().create(new_user()), kind, 1, SOON).await;
        assert_eq!((error.status(), error.maybe_applied()), (Some(status), true));
    }
}

#[tokio::test]
async fn s02_a_create_is_sent_once_and_keeps_the_servers_words() {
    for headers in [[("retry-after", "0")], [("x-should-retry", "true")], [("x-request-id", "r-1")]] {
        let home = Home::new(thrice(says(503, &headers))).await;
        let error = fails(home.bud.users().create(new_user()), ErrorKind::Server, SOON).await;
        assert_eq!((error.status(), error.attempts(), home.wire.requests().len()), (Some(503), 1, 1));
        assert!(error.to_string().contains("the server's words") && error.maybe_applied(), "{error}");
    }
    let home = Home::new([says(429, &[("retry-after", "0")])]).await;
    let error = home.fails(home.bud.users().create(new_user()), ErrorKind::RateLimited, 1, SOON).await;
    assert!(!error.maybe_applied(), "{error}");
}

#[tokio::test]
async fn s03_a_refusal_is_final_and_names_the_fields() {
    let kinds = [
        (400, ErrorKind::BadRequest),
        (403, ErrorKind::PermissionDenied),
        (409, ErrorKind::Conflict),
        (422, ErrorKind::Validation),
    ];
    let body = json!({ "detail": [
        { "loc": ["body", "email"], "msg": "is taken", "type": "value_error", "input": "canary" },
        { "loc": ["body", "role"], "msg": "is unknown", "type": "enum" },
    ]});
    for (status, kind) in kinds {
        let refusal = || [Script::answer(respond_json(status, &body))];
        let home = Home::new(refusal()).await;
        home.fails(home.bud.users().get(USER), kind, 1, SOON).await;
        let home = Home::new(refusal()).await;
        let error = home.fails(home.bud.users().create(new_user()), kind, 1, SOON).await;
        assert_eq!((error.status(), error.attempts(), error.maybe_applied()), (Some(status), 1, false));
        assert_eq!(error.fields().len(), 2);
        assert!(error.to_string().contains("email: is taken"), "{error}");
    }
}

#[tokio::test]
async fn s04_any_retry_after_is_bounded_and_none_panics() {
    for now in ["0", "-1", "-99999999999999999999", "abc", "", "0.01", "Wed, 21 Oct 2015 07:28:00 GMT", "1e9"]
    {
        let home = Home::new([says(429, &[("retry-after", now)])]).await;
        home.succeeds(home.bud.users().get(USER), 2).await;
    }
    let later = ["1", "1.5", "99999999999999999999", "Tue, 31 Dec 2999 23:59:59 GMT"];
    for later in later {
        let home = Home::new([says(429, &[("retry-after", later)])]).await;
        let call = home.bud.users().get(USER).timeout(millis(900));
        let error = home.fails(call, ErrorKind::RateLimited, 1, millis(100)).await;
        assert!(error.retry_after().unwrap() >= Duration::from_secs(1), "{later}: {error}");
        assert!(error.elapsed().unwrap() < millis(900), "{later}: it is told at once");
    }
    // Of two headers one counts, whichever it is.
    for (one, two) in [("0", "3600"), ("3600", "0")] {
        let home = Home::new([says(429, &[("retry-after", one), ("retry-after", two)])]).await;
        let result = in_time(home.bud.users().get(USER), SOON).await;
        assert!(result.is_ok() || result.unwrap_err().is_rate_limited());
        home.works().await;
    }
}

/// A clock that is wrong by years cannot make a wait of years: the server's own date counts.
#[tokio::test]
async fn s04_a_date_is_read_by_the_servers_own_clock() {
    let dates = [("date", "Tue, 31 Dec 2999 23:59:58 GMT"), ("retry-after", "Tue, 31 Dec 2999 23:59:58 GMT")];
    let home = Home::new([says(503, &dates)]).await;
    home.succeeds(home.bud.users().get(USER), 2).await;
}

#[tokio::test]
async fn s06_the_servers_word_on_retries_counts_on_the_wire() {
    let cases = [
        (503, [("retry-after-ms", "20"), ("retry-after", "3600")], 2),
        (503, [("x-should-retry", "false"), ("retry-after", "0")], 1),
        (409, [("x-should-retry", "true"), ("retry-after", "0")], 2),
        (409, [("x-should-retry", "maybe"), ("retry-after", "0")], 1),
        (503, [("x-should-retry", "maybe"), ("retry-after", "0")], 2),
    ];
    for (status, headers, requests) in cases {
        let home = Home::new([says(status, &headers)]).await;
        let result = in_time(home.bud.users().get(USER), SOON).await;
        assert_eq!((result.is_ok(), home.wire.requests().len()), (requests == 2, requests), "{headers:?}");
        home.works().await;
    }
    let home = Home::new([says(409, &[("x-should-retry", "true")])]).await;
    home.fails(home.bud.users().create(new_user()), ErrorKind::Conflict, 1, SOON).await;
}

#[tokio::test]
async fn s07_a_thousand_failing_calls_add_a_hundred_requests_at_most() {
    let bed = Testbed::builder().start().await.unwrap();
    bed.fault(Fault::on("GET", "/users/{id}").status(503).times(u32::MAX));
    let bud = crate::common::admin(&bed);
    for _ in 0..10 {
        let calls: Vec<_> = (0..100).map(|_| tokio::spawn(bud.users().get(USER).into_future())).collect();
        for call in calls {
            let error = in_time(call, Duration::from_secs(3)).await.unwrap().unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Server);
        }
    }
    let count = bed.count("GET", "/users/{id}");
    assert!((1000..=1100).contains(&count), "{count}");
    bed.clear_faults();
    let id = bed.admin_id().to_owned();
    assert_eq!(bud.users().get(id.as_str()).await.unwrap().id.as_str(), id);
}

#[tokio::test]
async fn s09_nothing_is_an_answer_only_where_none_is_needed() {
    for status in [204, 205, 200] {
        let nothing = || [Script::answer(respond(status, &[], ""))];
        let home = Home::new(nothing()).await;
        home.fails(home.bud.users().get(USER), ErrorKind::Decode, 1, SOON).await;
        let home = Home::new(nothing()).await;
        let error = home.fails(home.bud.users().create(new_user()), ErrorKind::Decode, 1, SOON).await;
        assert!(error.maybe_applied(), "the server did it: {error}");
        let home = Home::new(nothing()).await;
        home.succeeds(home.bud.projects().delete("p-1"), 1).await;
    }
}

/// What the server could push before it was cut off, sockets' buffers included.
async fn pushed(home: &Home, kind: ErrorKind, within: Duration) -> u64 {
    home.fails(home.bud.users().get(USER), kind, 1, within).await;
    home.wire.bytes_written()
}

#[tokio::test]
async fn s13_a_list_without_end_is_cut_off_at_the_limit() {
    let item = format!("{{\"id\":\"{USER}\"}},").repeat(1000);
    let chunk = format!("{:x}\r\n{item}\r\n", item.len());
    let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n";
    let chunked =
        Script::new().read_request().send(format!("{head}transfer-encoding: chunked\r\n\r\n1\r\n[\r\n"));
    let to_the_end = Script::new().read_request().send(format!("{head}connection: close\r\n\r\n["));
    for script in [chunked.endless(chunk), to_the_end.endless(item.clone())] {
        let home = Home::new([script]).await;
        let bytes = pushed(&home, ErrorKind::BodyTooLarge, SOON).await;
        assert!(bytes < MOST_BYTES, "{bytes}");
    }
    let announced = format!("{head}content-length: 1000000000\r\n\r\n");
    let home = Home::new([Script::new().read_request().send(announced).endless(item)]).await;
    let bytes = pushed(&home, ErrorKind::BodyTooLarge, millis(100)).await;
    assert!(bytes < MOST_BYTES / 2, "the announcement is enough: {bytes}");
}

#[tokio::test]
async fn s14_an_error_without_end_is_read_to_eight_kilobytes() {
    let chunk = format!("{:x}\r\n{}\r\n", 65536, "x".repeat(65536));
    let head = "HTTP/1.1 500 X\r\ncontent-type: text/plain\r\ntransfer-encoding: chunked\r\n\r\n";
    let endless = Script::new().read_request().send(head).endless(chunk);
    let slow = Script::new().read_request().send(head).drip("1\r\nx\r\n".repeat(1000), millis(5));
    for script in [endless, slow] {
        let home = Home::with([script], |bud| bud.attempts(1)).await;
        let error = home.fails(home.bud.users().get(USER), ErrorKind::Server, 1, SOON).await;
        assert!(home.wire.bytes_written() < MOST_BYTES / 2, "{}", home.wire.bytes_written());
        assert_eq!(error.status(), Some(500));
    }
}

#[tokio::test]
async fn s15_what_is_encoded_is_refused_by_name() {
    let bomb = gzip_bomb(50_000_000);
    for encoding in ["gzip", "br", "zstd", "deflate", "gzip, gzip", "x-unknown"] {
        let answer = |status| Script::answer(respond(status, &[("content-encoding", encoding)], &bomb));
        let home = Home::new([answer(200)]).await;
        let error = home.fails(home.bud.users().get(USER), ErrorKind::Protocol, 1, SOON).await;
        assert!(error.message().contains(encoding), "{error}");
        let home = Home::with([answer(500)], |bud| bud.attempts(1)).await;
        home.fails(home.bud.users().get(USER), ErrorKind::Server, 1, SOON).await;
    }
    let plainly = [("content-encoding", "identity")];
    let body = json!({ "id": USER }).to_string();
    let home = Home::new([Script::answer(respond(200, &plainly, body))]).await;
    home.succeeds(home.bud.users().get(USER), 1).await;
}

#[tokio::test]
async fn s16_heads_without_end_are_cut_off() {
    let head = |name: &str| Script::new().read_request().send(format!("HTTP/1.1 200 OK\r\n{name}"));
    let cases = [
        head("").endless("x-a: b\r\n".repeat(1000)),
        head("x-a: ").endless("b".repeat(10_000)),
        head("").endless(format!("x-a: {}\r\n", "b".repeat(10_000))),
    ];
    for script in cases {
        let home = Home::new([script]).await;
        let error = home.fails(home.bud.users().get(USER), ErrorKind::Protocol, 1, SOON).await;
        assert!(home.wire.bytes_written() < MOST_BYTES / 2, "{error}");
    }
    let long = "b".repeat(64 * 1024);
    let body = json!({ "id": USER }).to_string();
    let home =
        Home::new([Script::answer(respond(200, &[("x-a", &long), ("x-request-id", &long)], body))]).await;
    home.succeeds(home.bud.users().get(USER), 1).await;
}

#[tokio::test]
async fn s16_interim_answers_are_passed_over_until_the_deadline() {
    let hints = "HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n";
    let go_on = "HTTP/1.1 100 Continue\r\n\r\n";
    for interim in [go_on.repeat(10_000), hints.repeat(1000)] {
        let whole = [interim.as_bytes(), &user()].concat();
        let home = Home::new([Script::answer(whole)]).await;
        home.succeeds(home.bud.users().get(USER), 1).await;
    }
    for interim in [go_on, hints] {
        let home = Home::new([Script::new().read_request().endless(interim.repeat(1000))]).await;
        let call = home.bud.users().get(USER).timeout(millis(300));
        let error = in_time(call, millis(300)).await.unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Timeout | ErrorKind::Protocol), "{error}");
        home.works().await;
    }
}

/// An answer with another user behind it, on a connection that stays open.
fn smuggled(first: impl AsRef<[u8]>) -> Script {
    let second = respond_json(200, &json!({ "id": "smuggled" }));
    let both = [first.as_ref(), &second, &second].concat();
    Script::new().read_request().send(both).read_request().send(second).stall()
}

#[tokio::test]
async fn s17_a_head_that_breaks_the_rules_is_refused_and_its_connection_left() {
    let broken: [(&str, &[u8]); 6] = [
        ("two lengths", b"content-length: 0\r\ncontent-length: 5\r\n\r\n"),
        ("two lengths in one", b"content-length: 0, 5\r\n\r\n"),
        ("a negative length", b"content-length: -1\r\n\r\n"),
        ("a length of words", b"content-length: many\r\n\r\n"),
        ("a NUL", b"x-a: b\0c\r\ncontent-length: 0\r\n\r\n"),
        ("a space before the colon", b"content-length : 0\r\nx y: z\r\n\r\n"),
    ];
    for (what, head) in broken {
        let home = Home::new([smuggled([b"HTTP/1.1 200 OK\r\n", head].concat())]).await;
        let error = fails(home.bud.users().get(USER), ErrorKind::Protocol, SOON).await;
        assert_eq!(error.attempts(), 1, "{what}: {error}");
        home.works().await;
        assert_eq!(home.wire.connections(), 2, "{what}: the connection is not used again");
    }
}

#[tokio::test]
async fn s17_chunks_that_break_the_rules_are_a_breach_of_protocol() {
    let chunked = |rest: String| format!("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n{rest}");
    let broken = [
        ("a size of letters", "zz\r\n{}\r\n".to_owned()),
        ("a negative size", "-5\r\n{}\r\n".to_owned()),
        ("a size without end", format!("{}\r\n", "F".repeat(17))),
        ("an extension of 1 MB", format!("2;{}\r\n{{}}\r\n0\r\n\r\n", "x".repeat(1 << 20))),
        ("a chunk longer than it says", "2\r\n{}{}{}\r\n0\r\n\r\n".to_owned()),
    ];
    let mut others = Vec::new();
    for (what, rest) in broken {
        let home = Home::with([smuggled(chunked(rest))], |bud| bud.attempts(1)).await;
        let error = in_time(home.bud.users().get(USER), SOON).await.unwrap_err();
        home.works().await;
        assert_eq!(home.wire.connections(), 2, "{what}: the connection is not used again");
        if error.kind() != ErrorKind::Protocol {
            others.push(format!("{what}: {error}"));
        }
    }
    assert_eq!(others, <[String; 0]>::default(), "each is a breach of protocol");
}

/// The largest size there is: no room is made for it, and its end is missed.
#[tokio::test]
async fn s17_a_chunk_of_the_largest_size_is_never_whole() {
    let head = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nFFFFFFFFFFFFFFFF\r\n{}";
    let home = Home::with([Script::answer(head)], |bud| bud.attempts(1)).await;
    home.fails(home.bud.users().get(USER), ErrorKind::Interrupted, 1, SOON).await;
    let endless = Script::new().read_request().send(head).endless("x".repeat(65536));
    let home = Home::new([endless]).await;
    let bytes = pushed(&home, ErrorKind::BodyTooLarge, SOON).await;
    assert!(bytes < MOST_BYTES, "{bytes}");
}

/// Chunks win over a length, as RFC 9112 has it; lines may end in LF alone. Either way the next caller gets his own.
#[tokio::test]
async fn s17_a_queued_answer_is_never_given_to_the_next_caller() {
    let own = json!({ "id": USER }).to_string();
    let both = [("content-length", "3"), ("transfer-encoding", "chunked")];
    let both = String::from_utf8(respond_chunked(200, &both[..1], [&own], true).to_vec()).unwrap();
    let bare = format!("HTTP/1.1 200 OK\ncontent-length: {}\n\n{own}", own.len());
    let good = String::from_utf8(respond(200, &[], &own).to_vec()).unwrap();
    for first in [both, bare, good] {
        let home = Home::new([smuggled(&first)]).await;
        let result = in_time(home.bud.users().get(USER), SOON).await;
        if let Ok(user) = &result {
            assert_eq!(user.id.as_str(), USER, "{first}");
        }
        for _ in 0..3 {
            home.works().await;
        }
    }
    // Sent a little later, when the connection may be in use again.
    let late = Script::new().read_request().send(user()).sleep(millis(20));
    let late = late.send(respond_json(200, &json!({ "id": "smuggled" }))).stall();
    let home = Home::new([late]).await;
    home.works().await;
    tokio::time::sleep(millis(100)).await;
    home.works().await;
}

#[tokio::test]
async fn s19_a_problem_is_told_by_its_words_and_the_real_status() {
    let kind = [("content-type", "application/problem+json")];
    let problem =
        json!({ "type": "about:blank", "title": "Taken", "detail": "the name is in use", "status": 200 });
    let partial = json!({ "type": "about:blank", "title": "Taken" });
    for body in [problem, partial, json!({ "status": "409", "detail": "Taken" })] {
        let home = Home::new([Script::answer(respond(409, &kind, body.to_string()))]).await;
        let error = home.fails(home.bud.users().get(USER), ErrorKind::Conflict, 1, SOON).await;
        assert_eq!(error.status(), Some(409));
        assert!(error.message().contains("Taken"), "{error}");
    }
    let title = "\u{1b}[2Jtitle\r\n".repeat(100_000);
    let body = json!({ "title": title, "status": 409 }).to_string();
    let home = Home::new([Script::answer(respond(409, &kind, body))]).await;
    home.fails(home.bud.users().get(USER), ErrorKind::Conflict, 1, SOON).await;
}

#[tokio::test]
async fn s22_statuses_that_do_not_exist_are_errors() {
    let line = |status: &str| format!("HTTP/1.1 {status} X\r\ncontent-length: 0\r\n\r\n");
    for status in ["0", "000", "99", "099", "-1", "2000", "20"] {
        let home = Home::new([Script::answer(line(status))]).await;
        home.fails(home.bud.users().get(USER), ErrorKind::Protocol, 1, SOON).await;
    }
    for status in ["600", "999"] {
        let home = Home::new([Script::answer(line(status))]).await;
        let error = home.fails(home.bud.users().get(USER), ErrorKind::Api, 1, SOON).await;
        assert_eq!(error.status(), status.parse().ok());
    }
    for status in ["300", "304", "399"] {
        let home = Home::new([Script::answer(line(status))]).await;
        home.fails(home.bud.users().create(new_user()), ErrorKind::UnexpectedRedirect, 1, SOON).await;
    }
}

#[tokio::test]
async fn s22_a_switch_of_protocols_that_nobody_asked_for_is_an_error() {
    let switch = "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n";
    for rest in [Bytes::new(), user()] {
        let script = Script::new().read_request().send([switch.as_bytes(), &rest].concat()).stall();
        let home = Home::new([script]).await;
        let result = in_time(home.bud.users().get(USER).timeout(millis(900)), SOON).await;
        let error = result.unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Api | ErrorKind::Protocol), "{error}");
        assert_eq!(home.wire.requests().len(), 1);
        home.works().await;
    }
}
