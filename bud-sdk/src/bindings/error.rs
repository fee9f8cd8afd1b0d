//! An error as data.

use serde_json::{Value, json};

use super::Dialect;
use crate::error::Error;

/// An error as JSON, the same in all languages: `text` is the one line for people, `kind` the stable name for programs, times
/// are in seconds. Names of arguments are those of the language. Nothing of it is secret.
pub fn error_json(error: &Error, dialect: Dialect) -> Value {
    let fields: Vec<Value> = error
        .fields()
        .iter()
        .map(|field| json!({ "location": field.location, "message": field.message, "rule": field.rule }))
        .collect();
    json!({
        "kind": error.code(),
        "text": dialect.speak(&error.to_string()),
        "message": dialect.speak(error.message()),
        "hint": error.hint().map(|hint| dialect.speak(hint)),
        "status": error.status(),
        "server_code": error.server_code(),
        "param": error.param(),
        "fields": fields,
        "request_id": error.request_id(),
        "retry_after": error.retry_after().map(|delay| delay.as_secs_f64()),
        "attempts": error.attempts(),
        "elapsed": error.elapsed().map(|time| time.as_secs_f64()),
        "operation": error.operation(),
        "maybe_applied": error.maybe_applied(),
        "is_retryable": error.is_retryable(),
        "required_permission": error.required_permission(),
        "path": error.path(),
        "cursor": error.cursor(),
    })
}
