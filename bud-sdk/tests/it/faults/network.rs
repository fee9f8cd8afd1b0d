//! The fault catalogue, group N: the network.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bud_sdk::endpoints::Deployment;
use bud_sdk::operations::Method;
use bud_sdk::users::Role;
use bud_sdk::{Client, ErrorKind, Flavor, Timestamp};
use bud_testbed::{Script, Step, Testbed, Wire};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream};

use crate::common::fault::{Home, SOON, fails, in_time, new_user, thrice, user, works};
use crate::common::{PASSWORD, TOKEN, USER, millis, plain, with_password};

#[tokio::test]
async fn n01_a_refused_connection_is_tried_three_times_even_for_a_change() {
    let url = Wire::refused_url().await.unwrap();
    let bud = plain(&url).build().unwrap();

    let errors = [
        fails(bud.users().get(USER), ErrorKind::Connect, SOON).await,
        fails(bud.users().create(new_user()), ErrorKind::Connect, SOON).await,
        fails(bud.endpoints().deploy("e-1", Deployment::on("c-1")), ErrorKind::Connect, SOON).await,
    ];

    for error in errors {
        assert_eq!((error.attempts(), error.maybe_applied()), (3, false), "{error}");
    }
    let address = url.strip_prefix("http://").unwrap();
    let _home = Wire::builder().bind(address).start([Script::answer(user())]).await.unwrap();
    works(&bud).await;
}

/// A login is tried again too when nothing of it was sent.
#[tokio::test]
async fn n01_a_refused_login_was_not_sent() {
    let url = Wire::refused_url().await.unwrap();
    let bud = with_password(&url, "admin@example.com", PASSWORD).build().unwrap();
    let error = fails(bud.auth().login(), ErrorKind::Connect, SOON).await;
    assert_eq!((error.attempts(), error.maybe_applied()), (3, false), "{error}");
}

/// A listener whose queue is full answers no further SYN, as an address without a host does.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn n02_a_connection_that_is_not_answered_ends_at_the_connect_timeout() {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let address = socket.local_addr().unwrap();
    let listener = socket.listen(1).unwrap();
    let mut waiting = Vec::new();
    while let Ok(stream) = tokio::time::timeout(millis(100), TcpStream::connect(address)).await {
        waiting.push(stream.unwrap());
        assert!(waiting.len() < 100, "the queue is never full");
    }
    let bud = plain(&format!("http://{address}")).connect_timeout(millis(100)).build().unwrap();

    let error = fails(bud.users().create(new_user()), ErrorKind::Timeout, SOON).await;
    assert_eq!((error.attempts(), error.maybe_applied()), (3, false), "{error}");
    assert!(error.message().contains("no connection"), "{error}");
    assert!(error.elapsed().unwrap() >= millis(300), "each attempt has its time");

    drop(waiting);
    let _home = tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                if stream.read(&mut [0; 4096]).await.is_ok_and(|count| count > 0) {
                    let _ = stream.write_all(&user()).await;
                }
            });
        }
    });
    works(&bud).await;
}

/// A label that no resolver takes, so that none is asked.
#[tokio::test]
async fn n03_a_name_that_does_not_resolve_is_named_without_the_query() {
    let host = format!("{}.invalid", "x".repeat(64));
    let bud = Client::builder().base_url(format!("http://{host}")).allow_http().bearer_token(TOKEN);
    let bud = bud.flavor(Flavor::Guide).build().unwrap();

    let call = bud.raw(Method::Post, "/models").query("token", "canary-query").json(&json!({})).unwrap();
    let error = fails(call, ErrorKind::Connect, SOON).await;

    assert_eq!((error.attempts(), error.maybe_applied()), (3, false), "{error}");
    assert!(error.message().contains(&host), "{error}");
}

#[tokio::test]
async fn n04_a_host_whose_first_address_is_dead_is_reached_at_the_second() {
    let v6 = Wire::builder().bind("[::1]:0").repeat_last().start([Script::answer(user())]).await;
    let v4 = Wire::builder().repeat_last().start([Script::answer(user())]).await.unwrap();
    let mut ports = vec![v4.addr().port()];
    // Only where the name has both addresses.
    let names = tokio::net::lookup_host("localhost:1").await.unwrap().filter(|at| at.is_ipv6()).count();
    ports.extend(v6.as_ref().ok().filter(|_| names > 0).map(|wire| wire.addr().port()));
    for port in ports {
        let bud = plain(&format!("http://localhost:{port}")).build().unwrap();
        let response = in_time(bud.users().get(USER).with_response(), SOON).await.unwrap();
        assert_eq!(response.attempts, 1, "the addresses of a host are not attempts");
        works(&bud).await;
    }
}

#[tokio::test]
async fn n05_a_connection_closed_after_the_request_repeats_a_read_and_never_a_change() {
    let gone = Script::from([Step::ReadRequest, Step::Close]);
    let home = Home::new([gone.clone()]).await;
    home.succeeds(home.bud.users().get(USER), 2).await;
    let home = Home::new([gone.clone()]).await;
    home.succeeds(home.bud.users().set_role(USER, Role::User), 2).await;

    let home = Home::new(thrice(gone.clone())).await;
    let error = home.fails(home.bud.users().get(USER), ErrorKind::Interrupted, 3, SOON).await;
    assert_eq!((error.attempts(), error.maybe_applied()), (3, false));

    let home = Home::new([gone.clone()]).await;
    let error = home.fails(home.bud.users().create(new_user()), ErrorKind::Interrupted, 1, SOON).await;
    assert_eq!((error.attempts(), error.maybe_applied()), (1, true));
    let home = Home::new([gone]).await;
    let deploy = home.bud.endpoints().deploy("e-1", Deployment::on("c-1"));
    let error = home.fails(deploy, ErrorKind::Interrupted, 1, SOON).await;
    assert!(error.maybe_applied());
}

/// A login that may have been sent is not sent again: wrong ones are counted.
#[tokio::test]
async fn n05_a_login_whose_answer_is_lost_is_not_repeated() {
    for lost in [Step::Close, Step::Reset] {
        let wire = Wire::start([Script::from([Step::ReadRequest, lost])]).await.unwrap();
        let bud = with_password(wire.url(), "admin@example.com", PASSWORD).build().unwrap();
        let error = fails(bud.auth().login(), ErrorKind::Interrupted, SOON).await;
        assert_eq!((error.attempts(), wire.requests().len()), (1, 1));
    }
}

#[tokio::test]
async fn n07_connections_that_the_server_closed_while_idle_cost_no_call() {
    let idle = Script::new().read_request().send(user()).sleep(millis(50)).close();
    let wire = Wire::builder().repeat_last().start([idle]).await.unwrap();
    let bud = plain(wire.url()).build().unwrap();
    for _ in 0..2 {
        let calls: Vec<_> = (0..64)
            .map(|n| {
                let bud = bud.clone();
                tokio::spawn(async move {
                    match n % 2 {
                        0 => bud.users().get(USER).with_response().await.map(|response| response.attempts),
                        _ => bud.users().create(new_user()).with_response().await.map(|made| made.attempts),
                    }
                })
            })
            .collect();
        for call in calls {
            assert_eq!(in_time(call, SOON).await.unwrap().unwrap(), 1);
        }
        tokio::time::sleep(millis(300)).await;
    }
    assert_eq!(wire.requests().len(), 128);
}

#[tokio::test]
async fn n08_a_reset_within_head_or_body_repeats_a_read_and_never_a_change() {
    for part in ["HTTP/1.1 200 OK\r\ncontent-le", "HTTP/1.1 200 OK\r\ncontent-length: 90\r\n\r\n{\"id\":"] {
        let reset = Script::new().read_request().send(part).sleep(millis(30)).reset();
        let home = Home::new([reset.clone()]).await;
        home.succeeds(home.bud.users().get(USER), 2).await;
        let home = Home::new(thrice(reset.clone())).await;
        let error = home.fails(home.bud.users().get(USER), ErrorKind::Interrupted, 3, SOON).await;
        assert!(!error.maybe_applied());
        let home = Home::new([reset]).await;
        let error = home.fails(home.bud.users().create(new_user()), ErrorKind::Interrupted, 1, SOON).await;
        assert!(error.maybe_applied(), "{error}");
    }
}

#[tokio::test]
async fn n09_a_status_line_and_then_silence_is_a_timeout() {
    let silent = Script::new().read_request().send("HTTP/1.1 200 OK\r\n").stall();
    let home = Home::with(thrice(silent.clone()), |bud| bud.attempt_timeout(millis(100))).await;
    let error = home.fails(home.bud.users().get(USER), ErrorKind::Timeout, 3, SOON).await;
    assert!(error.message().contains("no answer"), "{error}");
    let home = Home::with([silent], |bud| bud.attempt_timeout(millis(100))).await;
    let error = home.fails(home.bud.users().create(new_user()), ErrorKind::Timeout, 1, millis(100)).await;
    assert!(error.maybe_applied());
}

#[tokio::test]
async fn n10_headers_that_drip_end_at_the_deadline() {
    let head = format!("HTTP/1.1 200 OK\r\n{}", "x-a: b\r\n".repeat(50));
    let home = Home::new([Script::new().read_request().drip(head, millis(50))]).await;
    let call = home.bud.users().get(USER).timeout(millis(300));
    let error = home.fails(call, ErrorKind::Timeout, 1, millis(300)).await;
    assert!(error.elapsed().unwrap() >= millis(300));
}

#[tokio::test]
async fn n12_a_server_that_reads_nothing_does_not_hold_a_large_request() {
    let deaf = Script::new().sleep(Duration::from_secs(30));
    let home = Home::new([deaf]).await;
    let body = json!({ "text": "x".repeat(16 * 1024 * 1024) });
    let call = home.bud.raw(Method::Post, "/models").json(&body).unwrap().timeout(millis(300));
    let error = home.fails(call, ErrorKind::Timeout, 0, millis(300)).await;
    assert!(error.maybe_applied(), "a part of it may have arrived");
}

#[tokio::test]
async fn n13_another_protocol_is_named() {
    for answer in ["SSH-2.0-OpenSSH_9.7\r\n", "+OK POP3 ready\r\n", "\x15\x03\x01\0\x02\x02\x0a"] {
        let home = Home::new([Script::answer(answer)]).await;
        let error = home.fails(home.bud.users().get(USER), ErrorKind::Protocol, 1, SOON).await;
        assert!(error.message().contains("another protocol"), "{error}");
    }
}

/// SSH, SMTP and FTP servers greet before they are asked.
#[tokio::test]
async fn n13_another_protocol_that_speaks_first_is_named_too() {
    let first = Script::new().send("SSH-2.0-OpenSSH_9.7\r\n").read_request().close();
    let home = Home::new(thrice(first)).await;
    let error = fails(home.bud.users().get(USER), ErrorKind::Protocol, SOON).await;
    // It could be what a kept connection's last answer left behind, so new connections are tried.
    assert_eq!(error.attempts(), 3, "{error}");
    assert!(error.message().contains("another protocol"), "{error}");
}

/// Everything passes late, and in small pieces.
async fn slow_line(to: String) -> std::net::SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let to: Arc<str> = to.strip_prefix("http://").unwrap().into();
    tokio::spawn(async move {
        while let Ok((near, _)) = listener.accept().await {
            let to = to.clone();
            tokio::spawn(async move {
                let far = TcpStream::connect(&*to).await.unwrap();
                let ((near_in, near_out), (far_in, far_out)) = (near.into_split(), far.into_split());
                tokio::join!(dawdle(near_in, far_out), dawdle(far_in, near_out));
            });
        }
    });
    address
}

async fn dawdle(mut from: impl AsyncReadExt + Unpin, mut to: impl AsyncWriteExt + Unpin) {
    let mut piece = [0; 600];
    while let Ok(count @ 1..) = from.read(&mut piece).await {
        tokio::time::sleep(millis(10)).await;
        if to.write_all(&piece[..count]).await.is_err() {
            return;
        }
    }
    let _ = to.shutdown().await;
}

#[tokio::test]
async fn n14_a_slow_line_is_no_fault_for_calls_waits_and_exports() {
    let bed = Testbed::builder().deploy_polls(2).start().await.unwrap();
    bed.seed_audit(200);
    let endpoint = bed.seed_endpoint(&bed.project_id(), "slow");
    let address = slow_line(bed.url().to_owned()).await;
    let bud = with_password(&format!("http://{address}"), bed.admin_email(), bed.admin_password());
    let bud = bud.build().unwrap();
    let started = Instant::now();

    bud.endpoints().deploy(&endpoint, Deployment::on(bed.cluster_id())).await.unwrap();
    bud.endpoints().wait(&endpoint).poll_interval(millis(10)).await.unwrap();
    let range = "2026-01-01T00:00:00Z".parse::<Timestamp>().unwrap().."2026-02-01T00:00:00Z".parse().unwrap();
    let mut whole = Vec::new();
    let done = bud.audit().export(range).write_into(&mut whole).await.unwrap();

    assert_eq!((done.rows, done.bytes), (200, whole.len() as u64));
    assert!(started.elapsed() > millis(100), "it was slow");
    assert_eq!(bed.count("GET", "/audit/export"), 1);
}
