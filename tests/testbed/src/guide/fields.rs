//! Reading bodies and queries strictly: what the contract does not name is refused, and every complaint echoes its input.

use serde_json::{Map, Value, json};

use super::error::ApiError;

/// The fields of a body or query that are not read yet, and what was wrong with the others.
#[derive(Debug)]
pub(crate) struct Fields {
    whole: Value,
    left: Map<String, Value>,
    place: Vec<String>,
    errors: Vec<Value>,
}

impl Fields {
    /// A JSON object body.
    pub(crate) fn body(bytes: &[u8]) -> Result<Self, ApiError> {
        let wrong = |kind: &str, message: &str, input: Value| {
            ApiError::Invalid(vec![json!({"type": kind, "loc": ["body"], "msg": message, "input": input})])
        };
        if bytes.is_empty() {
            return Err(wrong("missing", "Field required", Value::Null));
        }
        let whole: Value = serde_json::from_slice(bytes).map_err(|_| {
            let sent = String::from_utf8_lossy(bytes).into_owned();
            wrong("json_invalid", "JSON decode error", Value::String(sent))
        })?;
        match whole {
            Value::Object(left) => Ok(Self::over(left, "body")),
            other => Err(wrong(
                "model_attributes_type",
                "Input should be a valid dictionary or object to extract fields from",
                other,
            )),
        }
    }

    /// A query string.
    pub(crate) fn query(raw: &str) -> Result<Self, ApiError> {
        let mut left = Map::new();
        let mut errors = Vec::new();
        for (name, value) in form_urlencoded::parse(raw.as_bytes()) {
            let value = Value::String(value.into_owned());
            if left.contains_key(name.as_ref()) {
                errors.push(json!({
                    "type": "repeated", "loc": ["query", name], "msg": "Given more than once", "input": value,
                }));
            } else {
                left.insert(name.into_owned(), value);
            }
        }
        let mut fields = Self::over(left, "query");
        fields.errors = errors;
        Ok(fields)
    }

    /// For routes without a body.
    pub(crate) fn no_body(bytes: &[u8]) -> Result<(), ApiError> {
        if bytes.is_empty() {
            return Ok(());
        }
        Self::body(bytes)?.finish()
    }

    fn over(left: Map<String, Value>, place: &str) -> Self {
        Self { whole: Value::Object(left.clone()), left, place: vec![place.to_owned()], errors: Vec::new() }
    }

    fn complain(&mut self, name: &str, kind: &str, message: &str, input: &Value) {
        let mut place = self.place.clone();
        place.push(name.to_owned());
        self.errors.push(json!({"type": kind, "loc": place, "msg": message, "input": input}));
    }

    /// A complaint of the caller's own.
    pub(crate) fn refuse(&mut self, name: &str, message: &str, input: &str) {
        self.complain(name, "value_error", message, &json!(input));
    }

    fn take(&mut self, name: &str, required: bool) -> Option<Value> {
        let value = self.left.remove(name).filter(|value| required || !value.is_null());
        if value.is_none() && required {
            let whole = self.whole.clone();
            self.complain(name, "missing", "Field required", &whole);
        }
        value
    }

    /// Text of 1 to `most` characters.
    pub(crate) fn text(&mut self, name: &str, required: bool, most: usize) -> Option<String> {
        let value = self.take(name, required)?;
        let Value::String(text) = &value else {
            self.complain(name, "string_type", "Input should be a valid string", &value);
            return None;
        };
        if text.is_empty() {
            let message = "String should have at least 1 character";
            self.complain(name, "string_too_short", message, &value);
            return None;
        }
        if text.chars().count() > most {
            let message = format!("String should have at most {most} characters");
            self.complain(name, "string_too_long", &message, &value);
            return None;
        }
        Some(text.clone())
    }

    /// As `text`, but it may be empty.
    pub(crate) fn free_text(&mut self, name: &str, most: usize) -> Option<String> {
        if self.left.get(name).is_some_and(|value| value == "") {
            self.left.remove(name);
            return Some(String::new());
        }
        self.text(name, false, most)
    }

    pub(crate) fn email(&mut self, name: &str) -> Option<String> {
        let text = self.text(name, true, 254)?;
        let good = text.split_once('@').is_some_and(|(user, host)| {
            !user.is_empty() && !host.contains('@') && host.contains('.') && !host.starts_with('.')
        }) && !text.contains(|c: char| c.is_whitespace() || c.is_control() || c == ',');
        if !good {
            self.complain(name, "value_error", "value is not a valid email address", &json!(text));
            return None;
        }
        Some(text)
    }

    /// One of the given words.
    pub(crate) fn choice(&mut self, name: &str, required: bool, words: &[&str]) -> Option<String> {
        let text = self.text(name, required, usize::MAX)?;
        if words.contains(&text.as_str()) {
            return Some(text);
        }
        let list: Vec<_> = words.iter().map(|word| format!("'{word}'")).collect();
        let message = format!("Input should be {}", list.join(" or "));
        self.complain(name, "enum", &message, &json!(text));
        None
    }

    /// A whole number; in a query, written as text.
    pub(crate) fn number(&mut self, name: &str, required: bool, least: u64, most: u64) -> Option<u64> {
        let value = self.take(name, required)?;
        let in_query = self.place.first().is_some_and(|place| place == "query");
        let number = match &value {
            Value::Number(number) => number.as_i64().map(i128::from).or(number.as_u64().map(i128::from)),
            Value::String(text) if in_query => text.parse::<i64>().ok().map(i128::from),
            _ => None,
        };
        let Some(number) = number else {
            self.complain(name, "int_type", "Input should be a valid integer", &value);
            return None;
        };
        if number < i128::from(least) {
            let message = format!("Input should be greater than or equal to {least}");
            self.complain(name, "greater_than_equal", &message, &value);
            return None;
        }
        if number > i128::from(most) {
            let message = format!("Input should be less than or equal to {most}");
            self.complain(name, "less_than_equal", &message, &value);
            return None;
        }
        u64::try_from(number).ok()
    }

    /// An object inside; what is wrong in it is told with `close`.
    pub(crate) fn inner(&mut self, name: &str) -> Option<Self> {
        let value = self.take(name, false)?;
        let Value::Object(left) = value else {
            self.complain(
                name,
                "model_attributes_type",
                "Input should be a valid dictionary or object to extract fields from",
                &value,
            );
            return None;
        };
        let mut inner = Self::over(left, name);
        inner.place = self.place.iter().cloned().chain([name.to_owned()]).collect();
        Some(inner)
    }

    pub(crate) fn close(&mut self, inner: Self) {
        self.errors.extend(inner.all_errors());
    }

    fn all_errors(mut self) -> Vec<Value> {
        for (name, value) in std::mem::take(&mut self.left) {
            self.complain(&name, "extra_forbidden", "Extra inputs are not permitted", &value);
        }
        self.errors
    }

    /// Whether there was anything at all.
    pub(crate) fn is_empty(&self) -> bool {
        self.whole.as_object().is_none_or(Map::is_empty)
    }

    /// Refuses what is left over; succeeds only if nothing was wrong.
    pub(crate) fn finish(self) -> Result<(), ApiError> {
        let errors = self.all_errors();
        if errors.is_empty() { Ok(()) } else { Err(ApiError::Invalid(errors)) }
    }

    /// As `finish`, for a value that was required: without it there is an error too.
    pub(crate) fn finish_with<T>(self, value: Option<T>) -> Result<T, ApiError> {
        let whole = self.whole.clone();
        self.finish()?;
        value.ok_or_else(|| {
            ApiError::Invalid(vec![
                json!({"type": "missing", "loc": ["body"], "msg": "Field required", "input": whole}),
            ])
        })
    }
}
