//! Bytes that somebody else wrote: no answer, error body, cursor or time makes a reader panic, and none shows what was masked.

use bytes::Bytes;
use http::HeaderMap;
use serde_json::{Value, json};

use super::super::{AuditRecord, Endpoint, Permission, Project, Quota, User, Workflow};
use crate::bud::Flavor;
use crate::operation::{Raw, ServerMessage, clean, from_slice};
use crate::types::{Timestamp, UserId};

const CANARY: &str = "canary-5ecr3t";
const CASES: u32 = 4_000;

/// Values that answers hold, right or wrong.
fn value(random: &mut fastrand::Rng, depth: u32) -> Value {
    let texts = [
        "",
        "u-1",
        "never",
        "ADMIN",
        "2026-01-01T00:00:00Z",
        "9999-12-31T23:59:59Z",
        "-1",
        "\u{FEFF}",
        "\u{202E}x",
        CANARY,
    ];
    match random.u32(0..if depth > 3 { 6 } else { 9 }) {
        0 => Value::Null,
        1 => json!(random.bool()),
        2 => json!(random.i64(..)),
        3 => json!(random.f64() * 1e18),
        4 | 5 => json!(texts[random.usize(..texts.len())]),
        6 => (0..random.usize(..4)).map(|_| value(random, depth + 1)).collect(),
        _ => object(random, depth + 1),
    }
}

fn object(random: &mut fastrand::Rng, depth: u32) -> Value {
    let names = [
        "id",
        "user",
        "users",
        "data",
        "items",
        "result",
        "results",
        "page",
        "limit",
        "total_record",
        "total_pages",
        "success",
        "error",
        "errors",
        "detail",
        "message",
        "title",
        "code",
        "type",
        "param",
        "object",
        "status",
        "role",
        "created_at",
        "extra",
        "warnings",
        "loc",
        "msg",
        "input",
        "permissions",
        "project",
        "tags",
        "replicas",
        "projects",
        "name",
    ];
    let fields =
        (0..random.usize(..6)).map(|_| (names[random.usize(..names.len())].to_owned(), value(random, depth)));
    Value::Object(fields.collect())
}

/// A body, mostly whole, sometimes cut, spoiled or in front of something else.
fn body(random: &mut fastrand::Rng) -> Vec<u8> {
    let mut bytes =
        if random.u8(..8) == 0 { value(random, 0) } else { object(random, 0) }.to_string().into_bytes();
    match random.u8(..8) {
        0 => bytes.truncate(random.usize(..=bytes.len())),
        1 if !bytes.is_empty() => {
            let at = random.usize(..bytes.len());
            bytes[at] = random.u8(..);
        }
        2 => bytes.splice(..0, *b"\xEF\xBB\xBF").for_each(drop),
        3 => bytes.extend_from_slice(b" <html>"),
        4 => bytes = (0..random.usize(..64)).map(|_| random.u8(..)).collect(),
        _ => {}
    }
    bytes
}

fn mask(text: &str) -> String {
    text.replace(CANARY, "***")
}

#[test]
fn no_answer_makes_a_reader_panic() {
    let random = &mut fastrand::Rng::with_seed(11);
    let mut read = 0;
    for _ in 0..CASES {
        let bytes = body(random);
        let raw = Raw { status: 200, headers: HeaderMap::new(), body: Bytes::from(bytes.clone()) };
        let refusal = raw.failure(&mask);
        assert!(
            refusal.is_none_or(|error| !error.to_string().contains(CANARY)),
            "{}",
            String::from_utf8_lossy(&bytes)
        );
        assert!(raw.warnings(&mask).iter().all(|warning| !warning.message().contains(CANARY)));
        read += u32::from(raw.page::<User>("users").is_ok());
        read += u32::from(raw.page::<Permission>("permissions").is_ok());
        let _ =
            (raw.page::<AuditRecord>("data"), raw.object::<Project>("project"), raw.object::<Quota>("quota"));
        let _ =
            (raw.object_if_any::<Endpoint>("endpoint"), raw.whole::<Workflow>(), raw.result::<Vec<User>>());
        let _ = (
            raw.acknowledged(Flavor::Guide),
            raw.acknowledged(Flavor::Runtime),
            raw.object_exact::<User>("user"),
        );
        let _ = from_slice::<UserId>(&bytes);
    }
    assert!(read > 20, "{read}: the bodies are not all garbage");
}

#[test]
fn no_error_body_panics_or_shows_what_is_masked_or_was_sent() {
    let random = &mut fastrand::Rng::with_seed(12);
    for _ in 0..CASES {
        let bytes = body(random);
        let kind = ["text/html", "application/json", "text/plain"][random.usize(..3)];
        let said = ServerMessage::read(&bytes, Some(kind), &mask);
        let all = format!("{said:?}");
        assert!(!all.contains(CANARY), "{all}");
        assert!(said.message.chars().count() <= 1025 && !said.message.contains(char::is_control), "{all}");
    }
}

#[test]
fn a_value_that_was_sent_is_never_taken_over() {
    let random = &mut fastrand::Rng::with_seed(13);
    for _ in 0..CASES / 10 {
        // Nothing masks it here: it is the name `input` that keeps it out.
        let entry = json!({ "loc": ["body", "x"], "msg": "refused", "type": "t", "input": { "password": CANARY }, "rejectedValue": CANARY });
        let mut body = json!({ "detail": [entry], "message": "m" });
        body[["title", "code", "errors", "x"][random.usize(..4)]] = json!(random.u8(..));
        let mut text = body.to_string();
        if random.bool() {
            text.insert(0, '\u{FEFF}');
        }
        let said = format!("{:?}", ServerMessage::read(text.as_bytes(), None, &str::to_owned));
        assert!(!said.contains(CANARY), "{said}");
    }
}

#[test]
fn times_beyond_the_range_are_clamped_and_nonsense_is_none() {
    let time = |text: &str| from_slice::<Timestamp>(json!(text).to_string().as_bytes()).ok();
    let last = time("9999-12-31T23:59:59Z").unwrap();
    assert!(last > "9999-12-29T00:00:00Z".parse().unwrap());
    for never in [
        "9999-12-31T23:59:59.999999Z",
        "9999-12-31T23:59:59+00:00",
        "10000-01-01T00:00:00Z",
        "+292278994-08-17T07:12:55Z",
    ] {
        assert_eq!(time(never), Some(last), "{never}");
    }
    for none in
        ["", "never", "0", "1767225600", "9999", "9999-99", "x9999-12-31T00:00:00Z", "2026-13-01T00:00:00Z"]
    {
        assert_eq!(time(none), None, "{none}");
    }
    let random = &mut fastrand::Rng::with_seed(14);
    for _ in 0..CASES {
        let letters = b"0123456789-+:.TZ 9";
        let text: String =
            (0..random.usize(..30)).map(|_| letters[random.usize(..letters.len())] as char).collect();
        let _ = (time(&text), text.parse::<Timestamp>());
    }
}

#[test]
fn cleaned_text_is_one_short_line() {
    let random = &mut fastrand::Rng::with_seed(15);
    for _ in 0..CASES {
        let text: String = (0..random.usize(..40))
            .map(|_| char::from_u32(random.u32(..0x11_0000)).unwrap_or('\n'))
            .collect();
        let line = clean(&text, 20);
        assert!(!line.contains(|c: char| c.is_control()), "{line:?}");
    }
}

#[test]
fn a_cursor_is_taken_or_refused_and_comes_back_as_it_was() {
    let random = &mut fastrand::Rng::with_seed(16);
    let bud = super::client();
    for _ in 0..CASES {
        let number = |random: &mut fastrand::Rng| {
            let bits = random.u32(1..40);
            random.u64(..1 << bits)
        };
        let mut text =
            format!("page={};page_size={};skip={}", number(random), number(random), number(random));
        if random.bool() {
            text += &format!(";part={}", random.u8(..4));
        }
        if random.u8(..3) == 0 {
            text.truncate(random.usize(..=text.len()));
        }
        let pages = bud.users().list().cursor(&text).pages();
        let cursor = pages.cursor().unwrap();
        assert!(
            cursor == text.trim_end_matches(";part=0") || cursor.starts_with("page=1;page_size=100;skip=0"),
            "{text} became {cursor}"
        );
    }
}
