use std::time::{Duration, Instant};

use bud_testbed::{
    Script, Step, Wire, gzip_bomb, respond, respond_chunked, respond_json, respond_until_close,
};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::client::{connect, drain, parse, raw, request_bytes};

fn get() -> String {
    request_bytes("GET", "/x?y=z", None, None)
}

#[tokio::test]
async fn scripts_play_in_order_and_log() {
    let wire = Wire::start(vec![
        Script::answer(respond_json(201, &json!({"a": 1}))),
        Script::from(vec![
            Step::ReadRequest,
            Step::Send(respond(503, &[("retry-after", "1")], "no")),
            Step::Close,
        ]),
    ])
    .await
    .unwrap();
    let body = json!({"b": 2});
    let reply = raw(wire.url(), &request_bytes("POST", "/x?y=z", Some("t"), Some(&body))).await.is(201);
    assert_eq!(reply.json(), json!({"a": 1}));
    assert!(reply.complete && !reply.reset);
    raw(wire.url(), &get()).await.is(503);
    // Nothing is left: closed at once.
    assert_eq!(raw(wire.url(), &get()).await.status, 0);
    let seen = wire.requests();
    assert_eq!(seen.len(), 2);
    assert_eq!((seen[0].method.as_str(), seen[0].target.as_str()), ("POST", "/x?y=z"));
    assert_eq!(seen[0].json(), body);
    assert_eq!(seen[0].header("AUTHORIZATION"), Some("Bearer t"));
    assert_eq!(seen[1].connection, 1);
    assert_eq!(wire.connections(), 3);
}

#[tokio::test]
async fn two_requests_on_one_connection() {
    let script = Script::new()
        .read_request()
        .send(respond(200, &[], "one"))
        .read_request()
        .send(respond(200, &[], "two"))
        .close();
    let wire = Wire::start([script]).await.unwrap();
    let mut stream = connect(wire.url()).await;
    // Both at once: the second must not be lost with the first.
    let both = format!("{}{}", request_bytes("POST", "/1", None, Some(&json!({}))), get());
    stream.write_all(both.as_bytes()).await.unwrap();
    let (bytes, reset) = drain(&mut stream).await;
    let text = String::from_utf8(bytes).unwrap();
    assert!(text.contains("one") && text.ends_with("two") && !reset);
    assert_eq!(wire.requests().len(), 2);
}

#[tokio::test]
async fn the_last_script_may_repeat() {
    let scripts = [Script::answer(respond(500, &[], "")), Script::answer(respond(200, &[], ""))];
    let wire = Wire::builder().repeat_last().start(scripts).await.unwrap();
    let mut seen = Vec::new();
    for _ in 0..4 {
        seen.push(raw(wire.url(), &get()).await.status);
    }
    assert_eq!(seen, [500, 200, 200, 200]);
}

#[tokio::test]
async fn another_host() {
    let wire = Wire::builder()
        .bind("127.0.0.2:0")
        .start([Script::answer(respond(200, &[], "there"))])
        .await
        .unwrap();
    assert!(wire.url().starts_with("http://127.0.0.2:"));
    assert_eq!(wire.addr().ip().to_string(), "127.0.0.2");
    assert_eq!(raw(wire.url(), &get()).await.is(200).text(), "there");
}

#[tokio::test]
async fn close_reset_and_stall() {
    let wire = Wire::start([
        Script::new().read_request().close(),
        Script::new().read_request().send("HTTP/1.1 200 OK\r\n").reset(),
        Script::new().read_request().send("HTTP/1.1 200 OK\r\n").stall(),
    ])
    .await
    .unwrap();
    let reply = raw(wire.url(), &get()).await;
    assert!(!reply.reset && reply.body.is_empty());
    assert!(raw(wire.url(), &get()).await.reset);
    let url = wire.url().to_owned();
    let stalled = tokio::spawn(async move {
        let mut stream = connect(&url).await;
        stream.write_all(get().as_bytes()).await.unwrap();
        drain(&mut stream).await.0
    });
    while wire.connections() < 3 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert!(!stalled.is_finished());
    // The end of the server is the end of the stall.
    drop(wire);
    assert_eq!(stalled.await.unwrap(), b"HTTP/1.1 200 OK\r\n");
}

#[tokio::test]
async fn closing_on_an_unread_request_loses_nothing() {
    let large = vec![b'x'; 8_000_000];
    let pause = Duration::from_millis(50);
    let script = Script::new().sleep(pause).send(respond(200, &[], &large)).close();
    let wire = Wire::start([script]).await.unwrap();
    let mut stream = connect(wire.url()).await;
    stream.write_all(get().as_bytes()).await.unwrap();
    let (bytes, reset) = drain(&mut stream).await;
    let reply = parse(&bytes, reset).is(200);
    assert!(reply.complete && !reply.reset, "{} bytes", reply.body.len());
}

#[tokio::test]
async fn reads_sleeps_and_drips() {
    let pause = Duration::from_millis(20);
    let script = Script::new().read(5).sleep(pause * 5).drip("0123456789", pause).close();
    let wire = Wire::start([script]).await.unwrap();
    let mut stream = connect(wire.url()).await;
    stream.write_all(b"hel").await.unwrap();
    let mut byte = [0];
    let early = tokio::time::timeout(Duration::from_millis(150), stream.read(&mut byte)).await;
    assert!(early.is_err(), "five bytes were to come first");
    let started = Instant::now();
    stream.write_all(b"lo").await.unwrap();
    assert_eq!(drain(&mut stream).await.0, b"0123456789");
    assert!(started.elapsed() >= pause * 15);
    assert_eq!(wire.bytes_written(), 10);
}

#[tokio::test]
async fn endless_ends_with_its_reader() {
    let script = Script::new().read_request().send("HTTP/1.1 200 OK\r\n\r\n").endless("abcdefgh");
    let wire = Wire::start([script]).await.unwrap();
    let mut stream = connect(wire.url()).await;
    stream.write_all(get().as_bytes()).await.unwrap();
    let mut buffer = vec![0; 1_000_000];
    stream.read_exact(&mut buffer).await.unwrap();
    drop(stream);
    let mut before = 0;
    loop {
        tokio::time::sleep(Duration::from_millis(50)).await;
        let now = wire.bytes_written();
        if now == before {
            break;
        }
        before = now;
    }
    assert!(before >= 1_000_000);
}

#[tokio::test]
async fn bodies_by_every_framing() {
    let wire = Wire::start([
        Script::answer(respond_chunked(200, &[], ["ab", "cd"], true)),
        Script::answer(respond_chunked(200, &[], ["ab", "cd"], false)),
        Script::answer(respond_until_close(200, &[], "until the end")),
        Script::answer(respond(200, &[("content-length", "10")], "short")),
    ])
    .await
    .unwrap();
    let reply = raw(wire.url(), &get()).await.is(200);
    assert_eq!((reply.text().as_str(), reply.complete), ("abcd", true));
    let reply = raw(wire.url(), &get()).await.is(200);
    assert_eq!((reply.text().as_str(), reply.complete), ("abcd", false));
    let reply = raw(wire.url(), &get()).await.is(200);
    assert_eq!((reply.text().as_str(), reply.complete), ("until the end", true));
    assert!(!raw(wire.url(), &get()).await.is(200).complete);
}

#[tokio::test]
async fn bombs_and_dead_ports() {
    let bomb = gzip_bomb(50_000_000);
    assert!(bomb.len() < 100_000, "{}", bomb.len());
    let mut unpacked = flate2::read::GzDecoder::new(&bomb[..]);
    assert_eq!(std::io::copy(&mut unpacked, &mut std::io::sink()).unwrap(), 50_000_000);
    let url = Wire::refused_url().await.unwrap();
    let address = url.strip_prefix("http://").unwrap();
    assert!(tokio::net::TcpStream::connect(address).await.is_err());
}
