//! The shape of answers: how objects are wrapped and lists are paged.

use axum::Json;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::error::ApiError;
use super::fields::Fields;
use crate::options::{Builder, ListShape, ObjectShape};

/// RFC 3339 in UTC, to the microsecond.
pub(crate) fn time(at: Timestamp) -> String {
    format!("{at:.6}")
}

/// A single object under its shape.
pub(crate) fn one(options: &Builder, status: StatusCode, name: &str, object: Value) -> Response {
    let wrapped = |key: &str| Value::Object(Map::from_iter([(key.to_owned(), object.clone())]));
    let body = match options.object_shape {
        ObjectShape::Plain | ObjectShape::NoContentOnUpdate => object,
        ObjectShape::Wrapped(key) => wrapped(key),
        ObjectShape::Named => wrapped(name),
    };
    (status, Json(body)).into_response()
}

/// The answer to an update.
pub(crate) fn updated(options: &Builder, name: &str, object: Value) -> Response {
    if options.object_shape == ObjectShape::NoContentOnUpdate {
        return StatusCode::NO_CONTENT.into_response();
    }
    one(options, StatusCode::OK, name, object)
}

/// Which page of a list is wanted.
pub(crate) struct Page {
    number: u64,
    limit: u64,
}

impl Page {
    /// Reads `page` and `limit`, and refuses every parameter that is not read by then.
    pub(crate) fn read(mut query: Fields) -> Result<Self, ApiError> {
        let number = query.number("page", false, 1, u32::MAX.into());
        let limit = query.number("limit", false, 1, 1000);
        query.finish()?;
        Ok(Self { number: number.unwrap_or(1), limit: limit.unwrap_or(20) })
    }

    /// A list under its shape. Only the rows that are shown are rendered.
    pub(crate) fn of<T>(
        self,
        shape: ListShape,
        plural: &str,
        rows: impl Iterator<Item = T>,
        render: impl Fn(T) -> Value,
    ) -> Response {
        let key = match shape {
            ListShape::Bare => return Json(rows.map(render).collect::<Vec<_>>()).into_response(),
            ListShape::Envelope => plural,
            ListShape::Key(key) => key,
        };
        let rows: Vec<_> = rows.collect();
        let total = rows.len() as u64;
        let skip = (self.number - 1).saturating_mul(self.limit);
        let skip = usize::try_from(skip).unwrap_or(usize::MAX);
        let take = usize::try_from(self.limit).unwrap_or(usize::MAX);
        let items = rows.into_iter().skip(skip).take(take).map(render).collect();
        let mut body = json!({
            "page": self.number, "limit": self.limit,
            "total_record": total, "total_pages": total.div_ceil(self.limit),
        });
        body[key] = Value::Array(items);
        Json(body).into_response()
    }
}

/// The shape of lists where the guide does not show one.
pub(crate) fn list_shape(options: &Builder) -> ListShape {
    options.list_shape.unwrap_or(ListShape::Envelope)
}
