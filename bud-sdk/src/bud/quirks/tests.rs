//! Every quirk was seen, or says where it is described.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{GOING_DOWN, QUIRKS};
use crate::bud::operations::OPERATIONS;
use crate::error::{Error, ErrorKind};
use crate::operation::{Evidence, Quirk, ServerMessage, explain};

const RECORDINGS: [&str; 2] = [
    include_str!("../../../../tests/contract/runtime/exchanges.jsonl"),
    include_str!("../../../../tests/contract/runtime/exchanges_keycloak.jsonl"),
];

/// What has no recording; one more is a decision.
const NOT_RECORDED: usize = 13;

fn recorded() -> BTreeMap<String, Value> {
    let lines = RECORDINGS.iter().flat_map(|text| text.lines());
    lines
        .map(|line| serde_json::from_str::<Value>(line).unwrap())
        .map(|exchange| (exchange["name"].as_str().unwrap().to_owned(), exchange))
        .collect()
}

/// A refusal as the pipeline reads it.
fn refusal(exchange: &Value) -> Error {
    let body = exchange["response_body"].to_string();
    let said = ServerMessage::read(body.as_bytes(), Some("application/json"), &str::to_owned);
    let status = u16::try_from(exchange["status"].as_u64().unwrap()).unwrap();
    Error::new(ErrorKind::of_status(status).unwrap(), said.message).with_status(status)
}

fn all() -> impl Iterator<Item = &'static Quirk> {
    QUIRKS.iter().chain([&GOING_DOWN])
}

#[test]
fn recordings_show_what_they_are_said_to_show() {
    let recorded = recorded();
    let mut described = 0;
    for quirk in all() {
        let Evidence::Recorded(names) = quirk.evidence() else {
            described += 1;
            continue;
        };
        assert!(!names.is_empty(), "{quirk:?}");
        for name in *names {
            let error =
                refusal(recorded.get(*name).unwrap_or_else(|| panic!("nothing was recorded as {name}")));
            let of = |operation: &str| quirk.fits(operation, &error);
            let operations = quirk.operations();
            assert!(
                operations.iter().all(|id| of(id)) && (!operations.is_empty() || of("any")),
                "{name}: {error}"
            );
            // No quirk before it takes it for something else.
            let id = operations.first().copied().unwrap_or("any");
            let first = all().find(|quirk| quirk.fits(id, &error)).unwrap();
            assert!(std::ptr::eq(first, quirk), "{name} is taken for {first:?}");
        }
    }
    assert_eq!(described, NOT_RECORDED, "quirks that no recording shows");
}

#[test]
fn quirks_are_about_operations_that_there_are() {
    for quirk in all() {
        for id in quirk.operations() {
            assert!(OPERATIONS.iter().any(|info| info.id == *id), "{id}");
        }
        if let Evidence::Described(place) = quirk.evidence() {
            assert!(!place.is_empty(), "{quirk:?}");
        }
    }
}

#[test]
fn refused_logins_are_known_by_their_words() {
    let kind = |status, message: &str| {
        let error = Error::new(ErrorKind::of_status(status).unwrap(), message.to_owned()).with_status(status);
        explain(QUIRKS, "auth.login", error).kind()
    };
    for (status, message, expected) in [
        (400, "Incorrect email or password", ErrorKind::InvalidCredentials),
        (401, "anything", ErrorKind::InvalidCredentials),
        (401, "User account is not active", ErrorKind::AuthRejected),
        (403, "User account is not active", ErrorKind::AuthRejected),
        (400, "Inactive user", ErrorKind::AuthRejected),
        (400, "Account setup incomplete. Please verify your email", ErrorKind::AuthRejected),
        (400, "something else", ErrorKind::BadRequest),
        (403, "MFA required", ErrorKind::PermissionDenied),
        (422, "account is not active", ErrorKind::Validation),
        (503, "account is not active", ErrorKind::Server),
        (429, "Rate limit exceeded", ErrorKind::RateLimited),
    ] {
        assert_eq!(kind(status, message), expected, "{status} {message}");
    }
    let unsent = Error::new(ErrorKind::Connect, "account is not active");
    assert_eq!(explain(QUIRKS, "auth.login", unsent).kind(), ErrorKind::Connect);
}
