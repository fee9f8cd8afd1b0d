//! What calls and streams share: JSON in, errors out, and an end before the end.

use std::future::Future;

use bud_sdk::door::error_json;
use futures_util::future::{AbortRegistration, Abortable};
use serde_json::{Map, Value, json};

/// An object that was written by the TypeScript part.
pub fn object(text: &str, what: &str) -> napi::Result<Map<String, Value>> {
    serde_json::from_str(text).map_err(|_| {
        // The parser's own message may show what it read.
        let message = format!("the {what} cannot be read");
        napi::Error::from_reason(json!({ "kind": "invalid_argument", "text": message }).to_string())
    })
}

/// The core's error as one of Node's, whose message is JSON.
pub fn refused(error: bud_sdk::Error) -> napi::Error {
    napi::Error::from_reason(error_json(&error).to_string())
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
    napi::Error::from_reason(json!({ "kind": "cancelled", "text": "cancelled by the caller" }).to_string())
}
