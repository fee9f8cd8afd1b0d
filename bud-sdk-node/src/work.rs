//! What calls and streams share: JSON in, errors out, and an end before the end.

use std::future::Future;

use bud_sdk::bindings::{Dialect, error_json};
use futures_util::future::{AbortRegistration, Abortable};
use serde_json::{Map, Value, json};

/// What the messages of errors begin with, so that the TypeScript part knows them from those of others. Their classes do not
/// tell: in a context of its own, a test has another `Error`.
const MARK: &str = "bud-sdk error: ";

fn marked(facts: &Value) -> napi::Error {
    napi::Error::from_reason(format!("{MARK}{facts}"))
}

/// An object that was written by the TypeScript part.
pub fn object(text: &str, what: &str) -> napi::Result<Map<String, Value>> {
    serde_json::from_str(text).map_err(|_| {
        // The parser's own message may show what it read.
        marked(&json!({ "kind": "invalid_argument", "text": format!("the {what} cannot be read") }))
    })
}

/// The core's error as one of Node's, whose message is JSON.
pub fn refused(error: bud_sdk::Error) -> napi::Error {
    marked(&error_json(&error, Dialect::Node))
}

/// What the work comes to, unless it is aborted: then it is dropped at once.
pub async fn unless_aborted<T>(
    work: impl Future<Output = T>,
    registration: Option<AbortRegistration>,
) -> napi::Result<T> {
    match registration {
        None => Ok(work.await),
        Some(registration) => Abortable::new(work, registration).await.map_err(|_| cancelled()),
    }
}

/// The caller ended it, and knows.
pub fn cancelled() -> napi::Error {
    marked(&json!({ "kind": "cancelled", "text": "cancelled by the caller" }))
}
