//! A 2xx is not yet a success: failures that stand in the body of an answer whose status says otherwise, and what an answer to
//! a change proves.

use std::sync::LazyLock;

use memchr::memmem::Finder;
use serde_json::Value;

use super::envelope::Fields;
use super::error_body::{ServerMessage, html_title, is_html};
use super::{Raw, clean};
use crate::error::{Error, ErrorKind, Result};
use crate::types::Warning;

/// What an answer may say about itself beside the thing that was asked for.
const ABOUT: [&str; 25] = [
    "code",
    "detail",
    "details",
    "error",
    "error_code",
    "error_description",
    "errors",
    "instance",
    "message",
    "msg",
    "object",
    "ok",
    "param",
    "path",
    "reason",
    "request_id",
    "requestId",
    "status",
    "statusCode",
    "success",
    "timestamp",
    "title",
    "traceId",
    "trace_id",
    "type",
];

/// The names without which no failure stands in an answer. They are looked for in every answer, so that the search is prepared once.
static FAILURES: LazyLock<[Finder<'static>; 3]> =
    LazyLock::new(|| ["\"success\"", "\"error", "\"detail\""].map(Finder::new));
static WARNING: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new("\"warning"));

impl Raw {
    /// The failure that stands in an answer with a status of success, in the server's words. `mask` takes secrets out of them.
    pub(crate) fn failure(&self, mask: &dyn Fn(&str) -> String) -> Option<Error> {
        let content_type = self.header("content-type");
        let text = || String::from_utf8_lossy(&self.body);
        let markup = self.body.iter().find(|b| !b.is_ascii_whitespace()) == Some(&b'<');
        if markup && is_html(text().trim(), content_type) {
            let message = format!("the server sent {}, not JSON", html_title(text().trim()));
            let error = Error::decode(".", clean(&mask(&message), 300)).with_status(self.status);
            let error = error.with_maybe_applied(true);
            return Some(error.with_hint("is this the API's address, and is no login page in front of it?"));
        }
        if !FAILURES.iter().any(|needle| needle.find(&self.body).is_some()) {
            return None;
        }
        let fields = Fields::read(&self.body)?;
        if !says_failure(&fields) {
            return None;
        }
        let said = ServerMessage::read(&self.body, content_type, mask).or_message(|| None);
        let code = fields.get("code").or_else(|| fields.get("status")).and_then(|code| number(code.get()));
        let kind = code.and_then(ErrorKind::of_status).unwrap_or(ErrorKind::Api);
        let error = Error::new(kind, said.message)
            .with_status(self.status)
            .with_server_code(said.code)
            .with_param(said.param)
            .with_fields(said.fields);
        // A refusal by a code of the 400s was made before anything was done.
        Some(error.with_maybe_applied(!code.is_some_and(|code| (400..500).contains(&code))))
    }

    /// Whether the server says that it accepted a change: by having nothing to say, or by an acknowledgment.
    ///
    /// An empty object or something else than an object is neither, so that the change is unconfirmed. `silence`: an empty body
    /// is an acknowledgment. `names`: the fields of which one must be there; none: any field will do.
    pub(crate) fn acknowledges(&self, silence: bool, names: &[&str]) -> Result<()> {
        let unconfirmed = |what: &str| {
            let message = format!("the server answered {} with {what}, which confirms nothing", self.status);
            Err(Error::new(ErrorKind::Unconfirmed, message)
                .with_status(self.status)
                .with_hint("read the state to see whether the change was made"))
        };
        // A repeated request whose 404 says that the first one had worked has no body of its own.
        if self.status == 204 || !(200..300).contains(&self.status) {
            return Ok(());
        }
        if self.is_nothing() {
            return if silence { Ok(()) } else { unconfirmed("an empty body") };
        }
        let Some(fields) = Fields::read(&self.body) else {
            return unconfirmed("something else than an object");
        };
        if blames(&fields) {
            // The fault may be the thing's own, or the reason why nothing was done.
            if fields.get("id").is_some() {
                return unconfirmed("an object that has an error in it");
            }
            let said = ServerMessage::read(&self.body, None, &str::to_owned).or_message(|| None);
            let error = Error::new(ErrorKind::Api, said.message).with_status(self.status);
            return Err(error.with_server_code(said.code).with_param(said.param).with_maybe_applied(true));
        }
        let mut fields = fields.iter().map(|(name, _)| name);
        let acknowledged = fields.any(|name| names.is_empty() || names.contains(&name));
        if acknowledged { Ok(()) } else { unconfirmed("an object that acknowledges nothing") }
    }

    /// Whether the answer blames something, beside whatever else it has.
    pub(crate) fn is_blaming(&self) -> bool {
        Fields::read(&self.body).is_some_and(|fields| blames(&fields))
    }

    /// Whether there is no content: no body, or the null that some frameworks send in its place.
    pub(crate) fn is_nothing(&self) -> bool {
        self.is_empty() || self.body.trim_ascii() == b"null"
    }

    /// What the server warns of beside a result.
    pub(crate) fn warnings(&self, mask: &dyn Fn(&str) -> String) -> Vec<Warning> {
        let warning = |text: &str| Warning::new(Warning::SERVER, clean(&mask(text), 300));
        // `299 - "text"`, as Kubernetes and RFC 7234 write it.
        let headers = self.headers.get_all("warning").iter().filter_map(|value| value.to_str().ok());
        let quoted = |text: &str| text.split('"').nth(1).filter(|text| !text.is_empty()).map(warning);
        let mut found: Vec<Warning> = headers.filter_map(quoted).collect();
        if WARNING.find(&self.body).is_some()
            && let Some(fields) = Fields::read(&self.body)
        {
            let values = ["warning", "warnings"].into_iter().filter_map(|name| fields.get(name));
            for value in values.filter_map(|value| serde_json::from_str(value.get()).ok()) {
                match value {
                    Value::String(text) if !text.is_empty() => found.push(warning(&text)),
                    Value::Array(texts) => found.extend(texts.iter().filter_map(Value::as_str).map(warning)),
                    _ => {}
                }
            }
        }
        found
    }
}

fn says_failure(fields: &Fields<'_>) -> bool {
    let text = |name: &str| fields.get(name).map(|value| value.get());
    if matches!(text("success"), Some("false" | "\"false\"" | "0")) || text("object") == Some("\"error\"") {
        return true;
    }
    // With the expected thing beside it, it is one of that thing's fields.
    blames(fields)
        && !fields.iter().any(|(name, value)| {
            name == "id"
                || (!ABOUT.contains(&name)
                    && value.get().starts_with(['{', '['])
                    && is_something(value.get()))
        })
}

fn blames(fields: &Fields<'_>) -> bool {
    ["error", "errors", "detail"]
        .iter()
        .any(|name| fields.get(name).is_some_and(|value| is_something(value.get())))
}

fn is_something(json: &str) -> bool {
    let inner = json.trim_matches(|c: char| matches!(c, '[' | ']' | '{' | '}' | '"') || c.is_whitespace());
    !matches!(inner, "" | "null" | "false" | "0")
}

fn number(json: &str) -> Option<u16> {
    json.trim_matches('"').parse().ok()
}
