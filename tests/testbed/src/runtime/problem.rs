//! Errors as this dialect words them: an envelope, a mere detail, a list of refused fields, or text.

use axum::Json;
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use serde_json::{Value, json};

/// The connection that this answer goes out on is broken afterwards, as the real server's is.
#[derive(Clone, Copy)]
pub(crate) struct Crash;

/// Anything but success.
#[derive(Debug)]
pub(crate) enum Problem {
    /// `{object: "error", code, message, type, param}`.
    Envelope(StatusCode, String),
    /// `{detail: "text"}`.
    Detail(StatusCode, String),
    /// 401 with the challenge.
    Unauthorized(&'static str),
    /// 422 with `{detail: [{type, loc, msg, input}]}`.
    Fields(Vec<Value>),
    /// An exception that nobody caught: text, and a broken connection.
    Unhandled,
}

pub(crate) fn bad(text: &str) -> Problem {
    Problem::Envelope(StatusCode::BAD_REQUEST, text.to_owned())
}

pub(crate) fn missing(what: &str) -> Problem {
    Problem::Envelope(StatusCode::NOT_FOUND, format!("{what} not found"))
}

pub(crate) fn failed(text: &str) -> Problem {
    Problem::Envelope(StatusCode::INTERNAL_SERVER_ERROR, text.to_owned())
}

pub(crate) fn detail(status: StatusCode, text: &str) -> Problem {
    Problem::Detail(status, text.to_owned())
}

pub(crate) fn forbidden() -> Problem {
    detail(StatusCode::FORBIDDEN, "Insufficient permissions for this operation")
}

/// One refused field.
pub(crate) fn field(kind: &str, place: &[&str], message: &str, input: &Value) -> Value {
    json!({ "type": kind, "loc": place, "msg": message, "input": input })
}

/// The odd spelling is the platform's.
fn kind(status: StatusCode) -> &'static str {
    match status.as_u16() {
        400 => "BadRequesterror",
        401 => "Unauthorizederror",
        403 => "Forbiddenerror",
        404 => "NotFounderror",
        429 => "TooManyRequestserror",
        _ => "InternalServerErrorerror",
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        match self {
            Self::Envelope(status, message) => {
                let body = json!({
                    "object": "error", "code": status.as_u16(), "message": message, "type": kind(status),
                    "param": null,
                });
                (status, Json(body)).into_response()
            }
            Self::Detail(status, detail) => (status, Json(json!({ "detail": detail }))).into_response(),
            Self::Unauthorized(detail) => {
                let challenge = [(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"))];
                (StatusCode::UNAUTHORIZED, challenge, Json(json!({ "detail": detail }))).into_response()
            }
            Self::Fields(fields) => {
                (StatusCode::UNPROCESSABLE_ENTITY, Json(json!({ "detail": fields }))).into_response()
            }
            Self::Unhandled => {
                let mut response =
                    (StatusCode::INTERNAL_SERVER_ERROR, "Internal Server Error").into_response();
                response.extensions_mut().insert(Crash);
                response
            }
        }
    }
}
