//! Records of one moment come in another order with each request: the log of the platform as shipped has no unique order. Its
//! server here is as recorded: newest first, whole pages, exact totals.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bud_sdk::{Client, ErrorKind, Flavor, Timestamp};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

/// A record: its number, and the microsecond that it is of.
type Record = (u64, i64);

const START: i64 = 1_767_225_600_000_000;

fn time(micros: i64) -> String {
    let seconds = std::time::Duration::from_micros(micros.unsigned_abs());
    Timestamp::from(std::time::SystemTime::UNIX_EPOCH + seconds).to_string()
}

fn page(records: &[Record], target: &str, request: u64) -> Value {
    let url = url(target);
    let query = |name: &str| url.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone());
    let number = |name: &str| query(name).unwrap().parse::<usize>().unwrap();
    let within = |micros: i64| {
        let after = query("start_date")
            .is_none_or(|start| start.parse::<Timestamp>().unwrap() <= time(micros).parse().unwrap());
        let before = query("end_date")
            .is_none_or(|end| time(micros).parse::<Timestamp>().unwrap() <= end.parse().unwrap());
        after && before
    };
    let mut found: Vec<Record> = records.iter().copied().filter(|(_, micros)| within(*micros)).collect();
    // Ties come in an order of this request's own.
    let shuffled = |number: u64| {
        (number.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ request.wrapping_mul(0xD6E8_FEB8_6659_FD93))
            .wrapping_mul(0xA24B_AED4_963E_E407)
    };
    found.sort_by_key(|(number, micros)| (std::cmp::Reverse(*micros), shuffled(*number)));
    let (page, limit) = (number("page"), number("limit"));
    let rows: Vec<Value> = found
        .iter()
        .skip((page - 1) * limit)
        .take(limit)
        .map(|(number, micros)| json!({ "id": format!("a-{number}"), "timestamp": time(*micros), "action": "login" }))
        .collect();
    json!({
        "object": "audit.record.list", "page": page, "limit": limit, "total_record": found.len(),
        "total_pages": found.len().div_ceil(limit).max(1), "data": rows,
    })
}

fn url(target: &str) -> Vec<(String, String)> {
    let query = target.split_once('?').map_or("", |(_, query)| query);
    let decode = |text: &str| text.replace("%3A", ":").replace("%2B", "+");
    query
        .split('&')
        .filter_map(|pair| pair.split_once('='))
        .map(|(key, value)| (key.to_owned(), decode(value)))
        .collect()
}

/// A server of these records, its address, and how many requests it got.
async fn served(records: Vec<Record>) -> (String, Arc<AtomicU64>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let requests = Arc::new(AtomicU64::new(0));
    let counted = requests.clone();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                let Ok(byte) = stream.read_u8().await else { break };
                head.push(byte);
            }
            let head = String::from_utf8(head).unwrap();
            let Some(target) = head.split(' ').nth(1) else { continue };
            let body = page(&records, target, counted.fetch_add(1, Ordering::Relaxed)).to_string();
            let answer = format!(
                "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}",
                body.len()
            );
            stream.write_all(answer.as_bytes()).await.unwrap();
        }
    });
    (address, requests)
}

fn client(address: &str) -> Client {
    Client::builder().base_url(address).bearer_token("t").flavor(Flavor::Runtime).attempts(1).build().unwrap()
}

#[tokio::test]
async fn a_log_with_many_records_of_each_moment_is_read_whole() {
    let records: Vec<Record> =
        (0..600).map(|number| (number, START + (number as i64 / 60) * 1_000_000)).collect();
    let (address, requests) = served(records).await;
    let listing = client(&address).audit().records().page_size(7).all().await.unwrap();
    let distinct: BTreeSet<_> = listing.iter().map(|record| record.id.to_string()).collect();
    assert_eq!((listing.len(), distinct.len()), (600, 600));
    assert!(listing.warnings().is_empty(), "{:?}", listing.warnings());
    assert!(requests.load(Ordering::Relaxed) > 86, "a plain reading would have lost some");
}

#[tokio::test]
async fn more_records_of_one_moment_than_a_page_holds_are_incomplete() {
    let (address, _) = served((0..250).map(|number| (number, START)).collect()).await;
    let error = client(&address).audit().records().all().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Incomplete, "{error}");
    assert!(error.hint().unwrap().contains("audit.export"), "{error}");
}

#[tokio::test]
async fn a_log_without_ties_is_read_once() {
    let (address, requests) = served((0..95).map(|number| (number, START + number as i64)).collect()).await;
    let listing = client(&address).audit().records().page_size(10).all().await.unwrap();
    assert_eq!((listing.len(), requests.load(Ordering::Relaxed)), (95, 10));
}
