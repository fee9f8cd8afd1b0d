use bud_testbed::Testbed;
use serde_json::{Value, json};

use crate::client::Client;

const JANUARY: &str = "start_date=2026-01-01T00:00:00Z&end_date=2026-01-31T23:59:59.999999Z";

/// RFC 4180, by hand.
fn csv(text: &str) -> Vec<Vec<String>> {
    let (mut rows, mut row, mut cell, mut quoted) = (Vec::new(), Vec::new(), String::new(), false);
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match (quoted, c) {
            (true, '"') if chars.peek() == Some(&'"') => {
                chars.next();
                cell.push('"');
            }
            (_, '"') => quoted = !quoted,
            (false, ',') => row.push(std::mem::take(&mut cell)),
            (false, '\r') => {}
            (false, '\n') => {
                row.push(std::mem::take(&mut cell));
                rows.push(std::mem::take(&mut row));
            }
            (_, c) => cell.push(c),
        }
    }
    rows
}

async fn bed(rows: u64) -> (Testbed, Client) {
    let bed = Testbed::builder().start().await.unwrap();
    bed.seed_audit(rows);
    let admin = Client::admin(&bed).await;
    (bed, admin)
}

#[tokio::test]
async fn a_hundred_thousand_rows_are_streamed() {
    let (_bed, admin) = bed(100_000).await;
    let reply = admin.get(&format!("/audit/export?{JANUARY}&format=csv")).await.is(200);
    assert_eq!(reply.header("transfer-encoding"), Some("chunked"));
    assert_eq!(reply.header("content-type"), Some("text/csv; charset=utf-8"));
    assert!(reply.complete);
    let text = reply.text();
    assert!(text.starts_with("id,timestamp,action,"));
    assert!(text.ends_with("\r\n"));
    let rows = csv(&text);
    assert_eq!(rows.len(), 100_001);
    assert!(rows.iter().all(|row| row.len() == 18));
    assert!(rows[1..].windows(2).all(|pair| pair[0][1] < pair[1][1]), "oldest first");
    assert!(
        rows.iter()
            .any(|row| row[5] == "two\nlines\r\nor three".replace('\r', "") || row[5].contains("lines\r"))
    );
    assert!(rows.iter().any(|row| row[5] == "comma, \"quote\" and ; semicolon"));
    assert!(rows.iter().any(|row| row[5].starts_with("=HYPERLINK")));
}

#[tokio::test]
async fn ranges_add_up() {
    let (_bed, admin) = bed(1000).await;
    let count = async |start: &str, end: &str| {
        let target = format!("/audit/export?start_date={start}&end_date={end}&format=json");
        admin.get(&target).await.is(200).json().as_array().unwrap().len()
    };
    let first = count("2026-01-01T00:00:00Z", "2026-01-15T23:59:59.999999Z").await;
    let second = count("2026-01-16T00:00:00Z", "2026-01-31T23:59:59.999999Z").await;
    assert_eq!(first + second, 1000);
    assert_eq!(count("2025-01-01T00:00:00Z", "2025-12-31T00:00:00Z").await, 0);
    assert_eq!(count("2026-01-01T01:00:00%2B01:00", "2026-01-01T00:00:00Z").await, 1);
}

#[tokio::test]
async fn json_and_csv_say_the_same() {
    let (_bed, admin) = bed(300).await;
    let list = admin.get(&format!("/audit/export?{JANUARY}&format=json")).await.is(200).json();
    let rows = csv(&admin.get(&format!("/audit/export?{JANUARY}")).await.text());
    let list = list.as_array().unwrap();
    assert_eq!(list.len() + 1, rows.len());
    for (object, row) in list.iter().zip(&rows[1..]) {
        for (name, cell) in rows[0].iter().zip(row) {
            let text = match &object[name] {
                Value::Null => String::new(),
                Value::String(text) => text.replace('\r', ""),
                other => other.to_string(),
            };
            assert_eq!(&text, &cell.replace('\r', ""), "{name}");
        }
    }
}

#[tokio::test]
async fn the_length_can_be_told() {
    let bed = Testbed::builder().export_content_length(true).start().await.unwrap();
    bed.seed_audit(2000);
    let admin = Client::admin(&bed).await;
    for format in ["csv", "json"] {
        let reply = admin.get(&format!("/audit/export?{JANUARY}&format={format}")).await.is(200);
        assert_eq!(reply.header("content-length"), Some(reply.body.len().to_string().as_str()));
        assert!(reply.complete && reply.header("transfer-encoding").is_none());
    }
}

#[tokio::test]
async fn dates_must_be_rfc_3339() {
    let (_bed, admin) = bed(0).await;
    for query in [
        "",
        "start_date=2026-01-01T00:00:00Z",
        "start_date=2026-01-01&end_date=2026-01-02",
        "start_date=2026-01-01T00:00:00&end_date=2026-01-02T00:00:00",
        // An unescaped plus is a space.
        "start_date=2026-01-01T00:00:00+00:00&end_date=2026-01-02T00:00:00Z",
        "start_date=2026-01-02T00:00:00Z&end_date=2026-01-01T00:00:00Z",
        "start_date=2026-02-30T00:00:00Z&end_date=2026-03-01T00:00:00Z",
        "start_date=2026-01-01T00:00:00Z&end_date=2026-01-02T00:00:00Z&format=xml",
    ] {
        let reply = admin.get(&format!("/audit/export?{query}")).await.is(422);
        assert!(reply.json()["detail"].is_array(), "{query}");
    }
}

#[tokio::test]
async fn deeds_leave_rows() {
    let (bed, admin) = bed(0).await;
    let nobody = Client::nobody(&bed);
    let wrong = json!({"email": bed.admin_email(), "password": "Canary-1234"});
    nobody.post("/auth/login", wrong).await.is(401);
    let user = json!({"email": "n@example.com", "first_name": "N", "last_name": "N", "role": "USER"});
    let made = admin.post("/users", user).await.is(201).json();
    let target = format!("/users/{}", made["id"].as_str().unwrap());
    admin.put(&target, json!({"status": "INACTIVE"})).await.is(200);
    admin.get(&target).await.is(200);
    let range = "start_date=2020-01-01T00:00:00Z&end_date=2100-01-01T00:00:00Z&format=json";
    let reply = admin.get(&format!("/audit/export?{range}")).await.is(200);
    let rows = reply.json();
    let rows = rows.as_array().unwrap();
    let actions: Vec<_> = rows.iter().map(|row| row["action"].as_str().unwrap()).collect();
    assert_eq!(actions, ["login", "login_failed", "create", "update"]);
    assert_eq!(bed.audit_count(), 4);
    let last = &rows[3];
    assert_eq!(last["resource_type"], "user");
    assert_eq!(last["resource_id"], made["id"]);
    assert_eq!(last["actioned_by"], bed.admin_id());
    assert_eq!(last["previous_state"]["status"], "ACTIVE");
    assert_eq!(last["new_state"]["status"], "INACTIVE");
    assert_eq!(last["ip_address"], "127.0.0.1");
    assert_eq!(last["record_hash"].as_str().unwrap().len(), 64);
    assert!(!reply.text().contains("Canary-1234"));
}
