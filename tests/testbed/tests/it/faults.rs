use std::time::{Duration, Instant};

use bud_testbed::{Fault, Script, Testbed, respond};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::client::{Client, connect};

async fn admin() -> (Testbed, Client) {
    let bed = Testbed::builder().start().await.unwrap();
    let admin = Client::admin(&bed).await;
    bed.clear_requests();
    (bed, admin)
}

fn project() -> serde_json::Value {
    json!({"name": "P", "description": "d"})
}

#[tokio::test]
async fn a_status_replaces_the_request_once() {
    let (bed, admin) = admin().await;
    bed.fault(Fault::on("POST", "/projects").status(503).header("Retry-After", "1").body("busy"));
    let reply = admin.post("/projects", project()).await.is(503);
    assert_eq!((reply.header("retry-after"), reply.text().as_str()), (Some("1"), "busy"));
    assert!(reply.header("x-request-id").is_some());
    assert_eq!(admin.get("/projects").await.json()["total_record"], 1, "it was not carried out");
    admin.post("/projects", project()).await.is(201);
    assert_eq!(bed.requests()[0].status, Some(503));
}

#[tokio::test]
async fn nth_times_and_templates() {
    let (bed, admin) = admin().await;
    let target = format!("/users/{}", bed.admin_id());
    bed.fault(Fault::on("*", "/users/{id}").nth(2).times(2).status(500));
    let mut seen = Vec::new();
    for _ in 0..5 {
        seen.push(admin.get(&target).await.status);
    }
    assert_eq!(seen, [200, 500, 500, 200, 200]);
    bed.fault(Fault::on("GET", "/users").always().status(502));
    for _ in 0..3 {
        admin.get("/users").await.is(502);
    }
    bed.clear_faults();
    admin.get("/users").await.is(200);
}

#[tokio::test]
async fn headers_may_repeat() {
    let (bed, admin) = admin().await;
    let fault = Fault::on("GET", "/users").status(429);
    bed.fault(fault.header("retry-after", "1").header("retry-after", "2"));
    let reply = admin.get("/users").await.is(429);
    let all: Vec<_> = reply.headers.iter().filter(|(name, _)| name == "retry-after").collect();
    assert_eq!(all.len(), 2);
    // Without status or body a header joins the real answer.
    bed.fault(Fault::on("GET", "/users").header("x-more", "yes"));
    let reply = admin.get("/users").await.is(200);
    assert_eq!(reply.header("x-more"), Some("yes"));
    assert_eq!(reply.json()["total_record"], 1);
}

#[tokio::test]
async fn redirects() {
    let (bed, admin) = admin().await;
    bed.fault(Fault::on("GET", "/users").redirect("http://127.0.0.2:1/x"));
    let reply = admin.get("/users").await.is(302);
    assert_eq!(reply.header("location"), Some("http://127.0.0.2:1/x"));
    bed.fault(Fault::on("GET", "/users").status(307).redirect("/users"));
    admin.get("/users").await.is(307);
}

#[tokio::test]
async fn delays_come_after_the_deed() {
    let (bed, admin) = admin().await;
    bed.fault(Fault::on("POST", "/projects").delay(Duration::from_millis(200)));
    let started = Instant::now();
    admin.post("/projects", project()).await.is(201);
    assert!(started.elapsed() >= Duration::from_millis(200));
    bed.fault(Fault::on("POST", "/projects").delay(Duration::from_secs(60)));
    let impatient = tokio::time::timeout(Duration::from_millis(100), admin.post("/projects", project()));
    assert!(impatient.await.is_err());
    assert_eq!(admin.get("/projects").await.json()["total_record"], 3);
}

#[tokio::test]
async fn bodies_are_cut_to_the_byte() {
    let (bed, admin) = admin().await;
    bed.seed_audit(20_000);
    let whole = admin.get("/clusters").await.is(200);
    for count in [0, 1, 100] {
        bed.fault(Fault::on("GET", "/clusters").cut_after(count));
        let reply = admin.get("/clusters").await.is(200);
        assert_eq!(reply.body, whole.body[..count]);
        assert_eq!(reply.header("content-length"), whole.header("content-length"));
        assert!(!reply.complete && !reply.reset);
    }
    let export = "/audit/export?start_date=2026-01-01T00:00:00Z&end_date=2026-02-01T00:00:00Z";
    for count in [1000, 3_000_000] {
        bed.fault(Fault::on("GET", "/audit/export").cut_after(count));
        let reply = admin.get(export).await.is(200);
        assert_eq!(reply.body.len(), count);
        assert_eq!(reply.header("transfer-encoding"), Some("chunked"));
        assert!(!reply.complete && !reply.reset);
    }
    bed.fault(Fault::on("GET", "/audit/export").cut_after(1000).reset());
    let reply = admin.get(export).await.is(200);
    assert!(reply.reset);
    assert_eq!(reply.body.len(), 1000);
    assert!(admin.get(export).await.is(200).complete);
}

#[tokio::test]
async fn resets_and_closes_answer_nothing() {
    let (bed, admin) = admin().await;
    bed.fault(Fault::on("POST", "/projects").reset());
    let reply = admin.post("/projects", project()).await;
    assert!(reply.reset && reply.body.is_empty());
    bed.fault(Fault::on("POST", "/projects").close());
    let reply = admin.post("/projects", project()).await;
    assert!(!reply.reset && reply.body.is_empty());
    assert_eq!(admin.get("/projects").await.json()["total_record"], 1);
    bed.fault(Fault::on("POST", "/projects").applied().close());
    admin.post("/projects", project()).await;
    assert_eq!(admin.get("/projects").await.json()["total_record"], 2, "done, but nobody was told");
    assert_eq!(bed.requests()[0].status, None);
    assert_eq!(bed.count("POST", "/projects"), 3);
}

#[tokio::test]
async fn drips() {
    let (bed, admin) = admin().await;
    let fault = Fault::on("GET", "/users").body("0123456789");
    bed.fault(fault.drip_every(Duration::from_millis(20)));
    let started = Instant::now();
    let reply = admin.get("/users").await.is(200);
    assert!(started.elapsed() >= Duration::from_millis(200));
    assert_eq!(reply.text(), "0123456789");
    assert!(reply.complete);
    let fault = Fault::on("GET", "/users").body("0123456789").cut_after(3);
    bed.fault(fault.drip_every(Duration::from_millis(5)));
    let reply = admin.get("/users").await.is(200);
    assert_eq!(reply.text(), "012");
    assert!(!reply.complete);
}

#[tokio::test]
async fn wrong_bodies_after_right_deeds() {
    let (bed, admin) = admin().await;
    bed.fault(Fault::on("POST", "/projects").wrong_body("<html>").header("content-type", "text/html"));
    let reply = admin.post("/projects", project()).await.is(201);
    assert_eq!((reply.text().as_str(), reply.header("content-type")), ("<html>", Some("text/html")));
    assert!(reply.complete);
    assert_eq!(admin.get("/projects").await.json()["total_record"], 2);
    bed.fault(Fault::on("GET", "/projects").edit(|body| body["total_record"] = json!("2")));
    assert_eq!(admin.get("/projects").await.is(200).json()["total_record"], "2");
}

#[tokio::test]
async fn a_script_takes_the_next_connection() {
    let (bed, admin) = admin().await;
    bed.fault_next_connection(Script::answer(respond(200, &[], "scripted")));
    assert_eq!(admin.get("/users").await.text(), "scripted");
    assert_eq!(admin.get("/users").await.is(200).json()["total_record"], 1);
    assert_eq!(bed.count("GET", "/users"), 2, "scripted requests are seen too");
}

#[tokio::test]
async fn connections_are_kept_and_can_be_closed() {
    let (bed, admin) = admin().await;
    let mut stream = connect(bed.url()).await;
    let token = admin.token.as_deref().unwrap();
    let request = format!("GET /clusters HTTP/1.1\r\nhost: bed\r\nauthorization: Bearer {token}\r\n\r\n");
    let mut buffer = vec![0; 65536];
    for _ in 0..2 {
        stream.write_all(request.as_bytes()).await.unwrap();
        let count = stream.read(&mut buffer).await.unwrap();
        assert!(buffer[..count].starts_with(b"HTTP/1.1 200"));
    }
    let seen = bed.requests();
    assert_eq!(seen[0].connection, seen[1].connection);
    bed.close_connections();
    assert_eq!(stream.read(&mut buffer).await.unwrap(), 0);
}

#[tokio::test]
async fn shutdown_frees_the_port() {
    let (bed, _) = admin().await;
    let port: u16 = bed.url().rsplit(':').next().unwrap().parse().unwrap();
    let mut idle = connect(bed.url()).await;
    bed.shutdown().await;
    let mut byte = [0];
    assert_eq!(idle.read(&mut byte).await.unwrap_or(0), 0);
    assert!(tokio::net::TcpStream::connect(("127.0.0.1", port)).await.is_err());
    Testbed::builder().port(port).start().await.unwrap();
}

#[tokio::test]
async fn lengths_may_lie() {
    let (bed, admin) = admin().await;
    let fault = Fault::on("GET", "/users").body("0123456789");
    bed.fault(fault.clone().header("content-length", "99"));
    let reply = admin.get("/users").await.is(200);
    assert_eq!((reply.text().as_str(), reply.complete), ("0123456789", false));
    bed.fault(fault.header("content-length", "4"));
    let reply = admin.get("/users").await.is(200);
    assert_eq!((reply.text().as_str(), reply.complete), ("0123", true));
}
