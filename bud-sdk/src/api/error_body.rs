//! What a server says when it refuses, in any of the shapes it may take.

use serde_json::Value;

use crate::error::FieldError;

/// The longest server text that an error carries.
const MAX_MESSAGE: usize = 1024;
/// The same for codes, rules and names of fields.
const MAX_NAME: usize = 200;

/// What could be read out of an error body.
#[derive(Debug, Default)]
pub(crate) struct ServerMessage {
    pub(crate) message: String,
    pub(crate) code: Option<String>,
    pub(crate) param: Option<String>,
    pub(crate) fields: Vec<FieldError>,
}

impl ServerMessage {
    /// Reads a body of any kind. What was sent (`input`) is never taken over: it may be a password. `mask` takes known
    /// secrets out of each text before it is cut to its length, so that no part of one is left at the cut.
    pub(crate) fn read(body: &[u8], content_type: Option<&str>, mask: impl Fn(&str) -> String) -> Self {
        let text = String::from_utf8_lossy(body);
        let text = text.trim();
        let mut said = match serde_json::from_str::<Value>(text) {
            Ok(value) => Self::from_json(&value),
            // JSON that breaks off is not shown as text: it may hold what was sent.
            Err(_) if text.starts_with(['{', '[']) => Self { message: salvage(text), ..Self::default() },
            Err(_) if is_html(text, content_type) => Self { message: html_title(text), ..Self::default() },
            Err(_) => Self { message: text.to_owned(), ..Self::default() },
        };
        let tidy = |text: &str, max| clean(&mask(text), max);
        said.message = tidy(&said.message, MAX_MESSAGE);
        said.code = said.code.map(|code| tidy(&code, MAX_NAME));
        said.param = said.param.map(|param| tidy(&param, MAX_NAME));
        for field in &mut said.fields {
            field.location = tidy(&field.location, MAX_NAME);
            field.message = tidy(&field.message, MAX_MESSAGE);
            field.rule = field.rule.as_deref().map(|rule| tidy(rule, MAX_NAME));
        }
        if said.message.is_empty() {
            said.message = "the server gave no reason".to_owned();
        }
        said
    }

    fn from_json(value: &Value) -> Self {
        let object = match value {
            Value::Object(object) => object,
            Value::Array(list) => return Self::from_list(list),
            Value::String(text) => return Self { message: text.clone(), ..Self::default() },
            _ => return Self::default(),
        };
        let text = |name: &str| match object.get(name) {
            Some(Value::String(text)) if !text.is_empty() => Some(text.clone()),
            Some(Value::Number(number)) => Some(number.to_string()),
            _ => None,
        };
        let code = text("type").or_else(|| text("code"));
        let error = object.get("error").or_else(|| object.get("result")?.get("error"));
        let inner = [object.get("detail"), object.get("errors"), object.get("message"), error]
            .into_iter()
            .flatten()
            .find(|inner| inner.as_array().is_some_and(|list| !list.is_empty()) || inner.is_object());
        if let Some(inner) = inner {
            let mut said = Self::from_json(inner);
            if let Some(message) = text("message").filter(|_| inner.is_array()) {
                said.message = message;
            }
            return Self { code: code.or(said.code), param: text("param").or(said.param), ..said };
        }
        // RFC 9457 has title and detail, OAuth has error and error_description; both halves say something.
        let heading = text("message").or_else(|| text("title"));
        let heading = heading.or_else(|| error.and_then(Value::as_str).map(str::to_owned));
        let rest = text("detail").or_else(|| text("error_description"));
        let message = match (heading, rest) {
            (Some(heading), Some(rest)) if heading != rest => format!("{heading}: {rest}"),
            (Some(only), _) | (None, Some(only)) => only,
            (None, None) => text("msg").or_else(|| text("reason")).unwrap_or_else(|| {
                let names = object.keys().map(String::as_str).collect::<Vec<_>>().join(", ");
                format!("the server gave no reason (fields: {names})")
            }),
        };
        Self { message, code, param: text("param"), ..Self::default() }
    }

    /// A list of texts, or of refused fields.
    fn from_list(list: &[Value]) -> Self {
        let fields: Vec<FieldError> = list.iter().map(field_error).collect();
        let message = fields.iter().map(field_text).collect::<Vec<_>>().join("; ");
        let fields: Vec<FieldError> = fields.into_iter().filter(|field| !field.location.is_empty()).collect();
        Self { message, param: fields.first().map(|field| field.location.clone()), code: None, fields }
    }
}

/// What can be said of JSON that breaks off: its message, if that stands at the beginning and is whole, or long.
fn salvage(text: &str) -> String {
    let said = ["message", "detail", "title", "error"].iter().find_map(|name| {
        let rest = text.strip_prefix('{')?.trim_start().strip_prefix(&format!("\"{name}\""))?;
        let rest = rest.trim_start().strip_prefix(':')?.trim_start().strip_prefix('"')?;
        match rest.find(['"', '\\']) {
            Some(end) => rest.get(..end),
            // It will be cut much earlier anyway; else its end may be half a secret.
            None => Some(rest).filter(|rest| rest.len() > 2 * MAX_MESSAGE),
        }
    });
    said.map_or("the server's reason breaks off".to_owned(), str::to_owned)
}

fn field_error(entry: &Value) -> FieldError {
    let text = |name: &str| entry.get(name).and_then(Value::as_str).map(str::to_owned);
    let location = match entry.get("loc") {
        Some(Value::Array(parts)) => {
            let parts =
                parts.iter().map(|part| part.as_str().map_or_else(|| part.to_string(), str::to_owned));
            parts.collect::<Vec<_>>().join(".")
        }
        _ => text("field").or_else(|| text("param")).unwrap_or_default(),
    };
    let message = text("msg").or_else(|| text("message")).or_else(|| text("detail"));
    let message = message.or_else(|| entry.as_str().map(str::to_owned));
    FieldError::new(location, message.unwrap_or_default(), text("type"))
}

fn field_text(field: &FieldError) -> String {
    if field.location.is_empty() {
        field.message.clone()
    } else {
        format!("{}: {}", field.location, field.message)
    }
}

fn is_html(text: &str, content_type: Option<&str>) -> bool {
    content_type.is_some_and(|kind| kind.contains("html"))
        || text.get(..1) == Some("<") && text.to_ascii_lowercase().contains("<html")
}

/// A proxy's page says what it has to say in its title or first heading.
fn html_title(text: &str) -> String {
    let lower = text.to_ascii_lowercase();
    for (open, close) in [("<title>", "</title>"), ("<h1>", "</h1>")] {
        let found = lower.find(open).and_then(|at| {
            let from = at + open.len();
            let rest = text.get(from..)?;
            rest.get(..lower.get(from..)?.find(close).unwrap_or(rest.len()))
        });
        if let Some(title) = found.map(str::trim).filter(|title| !title.is_empty()) {
            return format!("an HTML page: {title}");
        }
    }
    "an HTML page without a title".to_owned()
}

/// Makes foreign text fit for one line of an error or log: no control characters, no more than `max` characters.
pub(crate) fn clean(text: &str, max: usize) -> String {
    let mut line = String::with_capacity(text.len().min(max));
    for (count, c) in text.trim().chars().enumerate() {
        if count == max {
            line.push('…');
            break;
        }
        match c {
            '\n' | '\r' | '\t' => line.push(' '),
            // Control characters, and those that reorder or hide text.
            c if c.is_control()
                || matches!(c, '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2028}' | '\u{2029}' | '\u{2066}'..='\u{2069}' | '\u{FEFF}') =>
            {
                line.extend(c.escape_unicode());
            }
            c => line.push(c),
        }
    }
    line
}
