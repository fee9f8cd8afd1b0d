//! Reading bodies and queries as this dialect does: what it does not know it ignores, what it refuses it echoes.

use serde_json::{Map, Value, json};

use super::problem::{Problem, field};

/// The fields of a body or query, and what was wrong with them.
pub(crate) struct Input {
    fields: Map<String, Value>,
    place: &'static str,
    errors: Vec<Value>,
}

impl Input {
    /// A JSON object body.
    pub(crate) fn body(bytes: &[u8], is_json: bool) -> Result<Self, Problem> {
        let wrong = |kind: &str, message: &str, input: &Value| {
            Problem::Fields(vec![field(kind, &["body"], message, input)])
        };
        let text = Value::String(String::from_utf8_lossy(bytes).into_owned());
        if bytes.is_empty() {
            return Err(wrong("missing", "Field required", &Value::Null));
        }
        let value = if is_json {
            serde_json::from_slice(bytes).map_err(|_| wrong("json_invalid", "JSON decode error", &text))?
        } else {
            text
        };
        match value {
            Value::Object(fields) => Ok(Self { fields, place: "body", errors: Vec::new() }),
            other => Err(wrong(
                "model_attributes_type",
                "Input should be a valid dictionary or object to extract fields from",
                &other,
            )),
        }
    }

    /// A query. Of fields with the same name, the last one counts.
    pub(crate) fn query(raw: &str) -> Self {
        let pairs = form_urlencoded::parse(raw.as_bytes());
        let fields = pairs.map(|(name, value)| (name.into_owned(), value.into_owned().into())).collect();
        Self { fields, place: "query", errors: Vec::new() }
    }

    /// A bare list as body.
    pub(crate) fn list(bytes: &[u8]) -> Result<Vec<Value>, Problem> {
        match serde_json::from_slice(bytes) {
            Ok(Value::Array(items)) => Ok(items),
            Ok(other) => {
                let wrong = field("list_type", &["body"], "Input should be a valid list", &other);
                Err(Problem::Fields(vec![wrong]))
            }
            Err(_) => Err(Problem::Fields(vec![field(
                "json_invalid",
                &["body"],
                "JSON decode error",
                &Value::Null,
            )])),
        }
    }

    pub(crate) fn refuse(&mut self, name: &str, kind: &str, message: &str) {
        let input = self.fields.get(name).cloned().unwrap_or_default();
        self.errors.push(field(kind, &[self.place, name], message, &input));
    }

    /// Whether it was given, even as null.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.fields.contains_key(name)
    }

    /// What was given, unless it is null.
    pub(crate) fn get(&self, name: &str) -> Option<&Value> {
        self.fields.get(name).filter(|value| !value.is_null())
    }

    pub(crate) fn need(&mut self, name: &str) {
        if !self.has(name) {
            let whole = Value::Object(self.fields.clone());
            self.errors.push(field("missing", &[self.place, name], "Field required", &whole));
        }
    }

    /// Text of these lengths, if given.
    pub(crate) fn text(&mut self, name: &str, least: usize, most: usize) -> Option<String> {
        let text = match self.get(name)? {
            Value::String(text) => text.clone(),
            _ => {
                self.refuse(name, "string_type", "Input should be a valid string");
                return None;
            }
        };
        if text.chars().count() < least {
            let plural = if least == 1 { "" } else { "s" };
            let message = format!("String should have at least {least} character{plural}");
            self.refuse(name, "string_too_short", &message);
            return None;
        }
        if text.chars().count() > most {
            self.refuse(name, "string_too_long", &format!("String should have at most {most} characters"));
            return None;
        }
        Some(text)
    }

    /// As `text`, and it must be there.
    pub(crate) fn needed_text(&mut self, name: &str, least: usize, most: usize) -> String {
        self.need(name);
        self.text(name, least, most).unwrap_or_default()
    }

    /// An address that the platform's validator takes: no reserved domain.
    pub(crate) fn email(&mut self, name: &str) -> String {
        let text = self.needed_text(name, 1, 254);
        let host = text.split_once('@').filter(|(user, _)| !user.is_empty()).map(|(_, host)| host);
        let reserved = [".local", ".test", ".invalid", ".localhost"];
        let good = host.is_some_and(|host| {
            host.contains('.') && !host.contains('@') && !reserved.iter().any(|end| host.ends_with(end))
        });
        if self.has(name) && !good {
            self.refuse(name, "value_error", "value is not a valid email address");
        }
        text
    }

    /// One of these words, if given.
    pub(crate) fn choice(&mut self, name: &str, words: &[&str]) -> Option<String> {
        let text = self.text(name, 0, usize::MAX)?;
        if words.contains(&text.as_str()) {
            return Some(text);
        }
        let words: Vec<String> = words.iter().map(|word| format!("'{word}'")).collect();
        self.refuse(name, "enum", &format!("Input should be {}", words.join(" or ")));
        None
    }

    /// A whole number within bounds; `otherwise` when it is not given.
    pub(crate) fn number(&mut self, name: &str, least: u64, most: u64, otherwise: u64) -> u64 {
        let number = match self.get(name) {
            None => return otherwise,
            Some(Value::Number(number)) => number.as_i64(),
            Some(Value::String(text)) if self.place == "query" => text.parse().ok(),
            Some(_) => None,
        };
        match number {
            None => self.refuse(name, "int_parsing", "Input should be a valid integer"),
            Some(number) if i128::from(number) < i128::from(least) => {
                let message = format!("Input should be greater than or equal to {least}");
                self.refuse(name, "greater_than_equal", &message);
            }
            Some(number) if i128::from(number) > i128::from(most) => {
                self.refuse(
                    name,
                    "less_than_equal",
                    &format!("Input should be less than or equal to {most}"),
                );
            }
            Some(number) => return u64::try_from(number).unwrap_or(otherwise),
        }
        otherwise
    }

    pub(crate) fn flag(&mut self, name: &str, otherwise: bool) -> bool {
        match self.get(name) {
            None => otherwise,
            Some(Value::Bool(flag)) => *flag,
            Some(Value::String(text)) => matches!(text.as_str(), "true" | "True" | "1" | "on" | "yes"),
            Some(_) => otherwise,
        }
    }

    /// A time in microseconds. What has no zone is UTC; a `+` that was not escaped is a space, and no time.
    pub(crate) fn time(&mut self, name: &str) -> Option<i64> {
        let text = self.text(name, 0, usize::MAX)?;
        let naive = || {
            let time: jiff::civil::DateTime = text.parse().ok()?;
            Some(time.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp())
        };
        let time = text.parse::<jiff::Timestamp>().ok().or_else(naive);
        if time.is_none() || text.contains(' ') {
            let message = "Input should be a valid datetime or date, unexpected extra characters at the end of the input";
            self.refuse(name, "datetime_from_date_parsing", message);
            return None;
        }
        time.map(jiff::Timestamp::as_microsecond)
    }

    /// Succeeds only if nothing was wrong.
    pub(crate) fn finish(self) -> Result<(), Problem> {
        if self.errors.is_empty() { Ok(()) } else { Err(Problem::Fields(self.errors)) }
    }
}

/// Whether a page was asked for that is larger than the database can count.
pub(crate) fn is_huge(query: &Input) -> bool {
    let page = query.get("page").and_then(Value::as_str).unwrap_or_default();
    page.len() > 18 && page.bytes().all(|b| b.is_ascii_digit())
}

/// Which page was asked for.
pub(crate) struct Paging {
    page: u64,
    limit: u64,
    ordered: bool,
}

impl Paging {
    pub(crate) fn read(input: &mut Input, least: u64, most: u64) -> Self {
        Self {
            page: input.number("page", 1, u64::MAX, 1),
            limit: input.number("limit", least, most, 10),
            ordered: input.get("order_by").is_some(),
        }
    }

    /// The envelope of the page: `total_pages` is 1 even when there is nothing. Without an order the same call gives the
    /// items in another one each time.
    pub(crate) fn answer(&self, kind: &str, message: &str, name: &str, mut items: Vec<Value>) -> Value {
        if !self.ordered && items.len() > 1 {
            let first = usize::from(crate::ids::random_bytes::<1>()[0]) % items.len();
            items.rotate_left(first);
        }
        let body = |item: &Value| item.clone();
        self.kept(kind, message, name, &items, body)
    }

    /// As `answer`, for what has an order of its own.
    pub(crate) fn kept<T>(
        &self,
        kind: &str,
        message: &str,
        name: &str,
        items: &[T],
        body: impl Fn(&T) -> Value,
    ) -> Value {
        let total = items.len() as u64;
        let skip = usize::try_from((self.page - 1).saturating_mul(self.limit)).unwrap_or(usize::MAX);
        let limit = usize::try_from(self.limit).unwrap_or(usize::MAX);
        let items: Vec<Value> = items.iter().skip(skip).take(limit).map(body).collect();
        json!({
            "object": kind, "message": message, "page": self.page, "limit": self.limit, "total_record": total,
            name: items, "total_pages": if self.limit == 0 { 1 } else { total.div_ceil(self.limit).max(1) },
        })
    }
}
