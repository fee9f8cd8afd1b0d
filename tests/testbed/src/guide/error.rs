//! Errors as the API words them.

use axum::Json;
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use serde_json::{Value, json};

/// Anything but success.
#[derive(Debug)]
pub(crate) enum ApiError {
    /// `{detail: "text"}`.
    Detail(StatusCode, String),
    /// 401, with the challenge.
    Unauthorized(String),
    /// `{object: "error", code, type, message, param}`.
    Domain { status: StatusCode, kind: &'static str, message: String, param: Option<&'static str> },
    /// 422 with `{detail: [{type, loc, msg, input}]}`.
    Invalid(Vec<Value>),
}

impl ApiError {
    pub(crate) fn detail(status: StatusCode, text: &str) -> Self {
        Self::Detail(status, text.to_owned())
    }

    pub(crate) fn forbidden() -> Self {
        Self::detail(StatusCode::FORBIDDEN, "Insufficient permissions for this operation")
    }

    pub(crate) fn not_found(what: &str) -> Self {
        Self::Domain {
            status: StatusCode::NOT_FOUND,
            kind: "NotFoundError",
            message: format!("{what} not found"),
            param: Some("id"),
        }
    }

    pub(crate) fn conflict(message: impl Into<String>, param: Option<&'static str>) -> Self {
        Self::Domain { status: StatusCode::CONFLICT, kind: "ConflictError", message: message.into(), param }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        match self {
            Self::Detail(status, detail) => (status, Json(json!({ "detail": detail }))).into_response(),
            Self::Unauthorized(detail) => {
                let mut response =
                    (StatusCode::UNAUTHORIZED, Json(json!({ "detail": detail }))).into_response();
                response.headers_mut().insert(
                    header::WWW_AUTHENTICATE,
                    HeaderValue::from_static("Bearer error=\"invalid_token\""),
                );
                response
            }
            Self::Domain { status, kind, message, param } => {
                let body = json!({
                    "object": "error", "code": status.as_u16(), "type": kind, "message": message, "param": param,
                });
                (status, Json(body)).into_response()
            }
            Self::Invalid(errors) => {
                (StatusCode::UNPROCESSABLE_ENTITY, Json(json!({ "detail": errors }))).into_response()
            }
        }
    }
}
