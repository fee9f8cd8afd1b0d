//! What a server says when it refuses, in any of the shapes it may take.

use serde_json::{Map, Value};

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
    pub(crate) fn read(body: &[u8], content_type: Option<&str>, mask: &dyn Fn(&str) -> String) -> Self {
        let text = String::from_utf8_lossy(body);
        let text = text.trim_start_matches('\u{FEFF}').trim();
        let mut said = match serde_json::from_str::<Value>(text) {
            Ok(value) => Self::of_body(&value),
            // JSON that breaks off is not shown as text: it may hold what was sent.
            Err(_) if text.starts_with(['{', '[']) => Self { message: salvage(text), ..Self::default() },
            Err(_) if is_html(text, content_type) => Self { message: html_title(text), ..Self::default() },
            Err(_) => Self { message: text.to_owned(), ..Self::default() },
        };
        said.message = exception(&said.message).to_owned();
        said.tidied(mask)
    }

    /// Without secrets and control characters, each text no longer than it may be.
    pub(crate) fn tidied(mut self, mask: &dyn Fn(&str) -> String) -> Self {
        let tidy = |text: &str, max| clean(&mask(text), max);
        self.message = tidy(&self.message, MAX_MESSAGE);
        self.code = self.code.map(|code| tidy(&code, MAX_NAME));
        self.param = self.param.map(|param| tidy(&param, MAX_NAME));
        for field in &mut self.fields {
            field.location = tidy(&field.location, MAX_NAME);
            field.message = tidy(&field.message, MAX_MESSAGE);
            field.rule = field.rule.as_deref().map(|rule| tidy(rule, MAX_NAME));
        }
        self
    }

    /// With a reason from elsewhere, if the body has none.
    pub(crate) fn or_message(mut self, reason: impl FnOnce() -> Option<String>) -> Self {
        if self.message.is_empty() {
            self.message = reason().unwrap_or_else(|| "the server gave no reason".to_owned());
        }
        self
    }

    /// A body that is JSON, whatever it holds.
    fn of_body(value: &Value) -> Self {
        let mut said = Self::from_json(value, 0);
        if let Some(object) = value.as_object().filter(|_| said.message.is_empty()) {
            let names = object.keys().map(String::as_str).collect::<Vec<_>>().join(", ");
            said.message = format!("the server gave no reason (fields: {names})");
        }
        said
    }

    fn from_json(value: &Value, depth: u8) -> Self {
        let object = match value {
            Value::Object(object) => object,
            Value::Array(list) => return Self::from_list(list, depth),
            Value::String(text) => return Self { message: text.clone(), ..Self::default() },
            _ => return Self::default(),
        };
        let text = |name: &str| text_of(object.get(name)?);
        // RFC 9457 has title and detail, OAuth has error and error_description; both halves say something.
        let heading =
            ["message", "title", "error", "msg", "reason", "defaultMessage"].into_iter().find_map(text);
        let rest = ["detail", "error_description", "description"].into_iter().find_map(text);
        let mut said = Self {
            message: joined(heading.unwrap_or_default(), rest.unwrap_or_default()),
            code: text("type").or_else(|| text("code")),
            param: text("param"),
            fields: Vec::new(),
        };
        let result = object.get("result").and_then(|result| result.get("error"));
        let inner = ["detail", "details", "errors", "error", "message"]
            .into_iter()
            .filter_map(|name| object.get(name));
        for inner in inner.chain(result).filter(|_| depth < DEEPEST) {
            let inner = match inner {
                Value::Array(list) => Self::from_list(list, depth + 1),
                Value::Object(fields) => Self::from_fields(fields, depth + 1),
                _ if Some(inner) == result => Self::from_json(inner, depth + 1),
                _ => continue,
            };
            said.message = joined(said.message, inner.message);
            said.code = said.code.or(inner.code);
            said.param = said.param.or(inner.param);
            said.fields.extend(inner.fields);
        }
        said
    }

    /// An error object inside another, or the refused fields by their names: `{"name": ["taken", "too short"]}`.
    fn from_fields(object: &Map<String, Value>, depth: u8) -> Self {
        let is_error = REASONS.iter().chain(&["code", "type"]).any(|name| object.contains_key(*name));
        let reasons = |value: &Value| match value {
            Value::String(_) => true,
            Value::Array(list) => !list.is_empty() && list.iter().all(Value::is_string),
            _ => false,
        };
        if is_error || !object.values().any(reasons) {
            return Self::from_json(&Value::Object(object.clone()), depth);
        }
        let named = object.iter().filter(|(_, value)| reasons(value)).flat_map(|(name, value)| {
            let texts = value.as_array().map_or_else(|| vec![value], |list| list.iter().collect());
            texts
                .into_iter()
                .filter_map(Value::as_str)
                .map(|text| FieldError::new(name.clone(), text.to_owned(), None))
        });
        Self::of_refused(named.collect())
    }

    /// A list of texts, or of refused fields.
    fn from_list(list: &[Value], depth: u8) -> Self {
        Self::of_refused(list.iter().map(|entry| field_error(entry, depth)).collect())
    }

    fn of_refused(fields: Vec<FieldError>) -> Self {
        let texts: Vec<String> = fields.iter().map(field_text).filter(|text| !text.is_empty()).collect();
        let fields: Vec<FieldError> = fields.into_iter().filter(|field| !field.location.is_empty()).collect();
        let param = fields.first().map(|field| field.location.clone());
        Self { message: texts.join("; "), param, code: None, fields }
    }
}

/// Error objects that stand inside each other deeper than this are not read.
const DEEPEST: u8 = 3;

/// Names under which an error object says what is wrong.
const REASONS: [&str; 9] =
    ["message", "msg", "detail", "title", "error", "errors", "reason", "description", "defaultMessage"];

fn text_of(value: &Value) -> Option<String> {
    match value {
        Value::String(text) if !text.trim().is_empty() => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// Both texts, unless one of them says all.
fn joined(heading: String, rest: String) -> String {
    if rest.is_empty() || heading.contains(&rest) {
        return heading;
    }
    if heading.is_empty() || rest.starts_with(&heading) {
        return rest;
    }
    format!("{heading}: {rest}")
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

fn field_error(entry: &Value, depth: u8) -> FieldError {
    let text = |name: &str| entry.get(name).and_then(Value::as_str).map(str::to_owned);
    let location = match entry.get("loc") {
        Some(Value::Array(parts)) => {
            let parts =
                parts.iter().map(|part| part.as_str().map_or_else(|| part.to_string(), str::to_owned));
            parts.collect::<Vec<_>>().join(".")
        }
        // Spring, JSON Schema, Symfony, JSON:API.
        _ => ["loc", "field", "param", "pointer", "propertyPath", "path"]
            .into_iter()
            .find_map(text)
            .or_else(|| entry.get("source")?.get("pointer")?.as_str().map(str::to_owned))
            .unwrap_or_default(),
    };
    let rule = text("type").or_else(|| text("code"));
    let message = match entry {
        Value::String(text) => text.clone(),
        Value::Object(_) if depth < DEEPEST => ServerMessage::from_json(entry, depth + 1).message,
        _ => String::new(),
    };
    FieldError::new(location, message, rule)
}

/// Of a traceback, the line that matters: the last one, which names the exception.
fn exception(text: &str) -> &str {
    if !text.contains("Traceback (most recent call last)") {
        return text;
    }
    text.lines().map(str::trim).rfind(|line| !line.is_empty()).unwrap_or(text)
}

fn field_text(field: &FieldError) -> String {
    if field.location.is_empty() {
        field.message.clone()
    } else {
        format!("{}: {}", field.location, field.message)
    }
}

pub(super) fn is_html(text: &str, content_type: Option<&str>) -> bool {
    content_type.is_some_and(|kind| kind.contains("html"))
        || text.starts_with('<') && text.to_ascii_lowercase().contains("<html")
}

/// A proxy's page says what it has to say in its title or first heading.
pub(super) fn html_title(text: &str) -> String {
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

/// Characters that show nothing by themselves and could hide or reorder what a person reads: marks of direction, joiners,
/// fillers, tags, and variation selectors beyond those of emoji.
pub(crate) fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{00AD}' | '\u{034F}' | '\u{061C}' | '\u{115F}' | '\u{1160}' | '\u{17B4}' | '\u{17B5}'
        | '\u{180B}'..='\u{180F}' | '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2060}'..='\u{206F}'
        | '\u{3164}' | '\u{FEFF}' | '\u{FFA0}' | '\u{FFF0}'..='\u{FFFB}' | '\u{1BCA0}'..='\u{1BCA3}'
        | '\u{1D173}'..='\u{1D17A}' | '\u{E0000}'..='\u{E0FFF}')
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
            c if c.is_control() || is_invisible(c) => {
                line.extend(c.escape_unicode());
            }
            c => line.push(c),
        }
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn invisible_characters_are_made_visible() {
        for c in
            ['\u{61c}', '\u{200b}', '\u{202e}', '\u{2060}', '\u{2066}', '\u{feff}', '\u{e0041}', '\u{1b}']
        {
            let line = clean(&format!("a{c}b"), 100);
            assert_eq!(line, format!("a\\u{{{:x}}}b", u32::from(c)));
        }
        assert_eq!(clean("é 日本 🙂", 100), "é 日本 🙂");
    }
}
