//! What it takes for a typed value, an error and a request to agree with a recording.

use bud_sdk::{Error, ErrorKind, Timestamp};
use bud_testbed::SeenRequest;
use serde_json::Value;

use super::exchange::Exchange;

/// The typed value of an answer, and where it keeps what the answer calls otherwise. Below a name without a place nothing is
/// looked for.
pub struct Kept<'a> {
    pub renamed: &'static [(&'static str, &'static str)],
    pub value: &'a Value,
}

impl Kept<'_> {
    /// Every leaf of the recorded answer is found again, and nothing was left unknown.
    pub fn holds(&self, payload: &str, recorded: &Value) -> Result<(), String> {
        self.found(payload, recorded, self.value)
    }

    fn found(&self, path: &str, recorded: &Value, typed: &Value) -> Result<(), String> {
        match recorded {
            Value::Object(fields) if typed.is_object() => fields.iter().try_for_each(|(name, value)| {
                let place = self.renamed.iter().find(|(from, _)| from == name).map(|(_, to)| *to);
                match place {
                    Some("") => Ok(()),
                    // What is kept as it came keeps its names, too.
                    place => {
                        let renamed = place.and_then(|place| typed.get(place));
                        self.found(&format!("{path}/{name}"), value, renamed.unwrap_or(&typed[name]))
                    }
                }
            }),
            Value::Array(items) if typed.is_array() => {
                let typed = typed.as_array().map(Vec::as_slice).unwrap_or_default();
                if items.len() != typed.len() {
                    return Err(format!("{path}: {} items of {}", typed.len(), items.len()));
                }
                let mut pairs = items.iter().zip(typed).enumerate();
                pairs.try_for_each(|(at, (item, typed))| self.found(&format!("{path}/{at}"), item, typed))
            }
            leaf if same(leaf, typed) => Ok(()),
            leaf => Err(format!("{path}: {leaf} became {typed}")),
        }
    }
}

/// The same, in spite of what a model makes uniform: times in UTC, amounts as text, nothing for null.
fn same(recorded: &Value, typed: &Value) -> bool {
    let time = |value: &Value| -> Option<Timestamp> {
        let text = value.as_str()?;
        text.parse().or_else(|_| format!("{text}Z").parse()).ok()
    };
    let number = |value: &Value| value.as_f64().or_else(|| value.as_str()?.parse().ok());
    let nothing = |value: &Value| match value {
        Value::Null => true,
        Value::Array(items) => items.is_empty(),
        Value::Object(fields) => fields.is_empty(),
        _ => false,
    };
    recorded == typed
        || (nothing(recorded) && nothing(typed))
        || time(recorded).is_some_and(|recorded| time(typed) == Some(recorded))
        || number(recorded).is_some_and(|recorded| number(typed) == Some(recorded))
}

/// The request that was made is the recorded one; of its query, what was recorded is there.
pub fn request(exchange: &Exchange, sent: &SeenRequest) -> Result<(), String> {
    if (sent.method.as_str(), sent.path.as_str()) != (exchange.method.as_str(), exchange.path.as_str()) {
        return Err(format!("sent {} {} for {} {}", sent.method, sent.path, exchange.method, exchange.path));
    }
    let query = sent.target.split_once('?').map_or("", |(_, query)| query);
    let has = |name: &str, value: &str| {
        url::form_urlencoded::parse(query.as_bytes()).any(|(key, text)| key == name && text == value)
    };
    if let Some((name, value)) = exchange.query.iter().find(|(name, value)| !has(name, value)) {
        return Err(format!("sent {query:?} without {name}={value}"));
    }
    let body = if sent.text().is_empty() { Value::Null } else { sent.json() };
    if body != exchange.sent {
        return Err(format!("sent {body} for {}", exchange.sent));
    }
    Ok(())
}

/// The status gives the kind, unless the message is known to mean another; the server's words and fields are there.
pub fn error(exchange: &Exchange, error: &Error) -> Result<(), String> {
    let said = &exchange.answer;
    let text = said["message"].as_str().or(said["detail"].as_str()).unwrap_or_default();
    // A text of several lines becomes one.
    let text = said["result"]["error"].as_str().map_or(text, |text| text.lines().next().unwrap_or(text));
    let text = match said {
        Value::String(text) => text.as_str(),
        _ => text,
    };
    let login = exchange.path.starts_with("/auth/login");
    let expected = match (exchange.status, text) {
        (400, "Incorrect email or password") if login => ErrorKind::InvalidCredentials,
        (400, text) if login && (text.contains("Unable to login") || text.contains("setup incomplete")) => {
            ErrorKind::AuthRejected
        }
        (400, "Inactive user") => ErrorKind::PermissionDenied,
        (400, "Cluster not found" | "Workflow not found") => ErrorKind::NotFound,
        (400, text) if text.contains("already") => ErrorKind::Conflict,
        (400, text) if text.contains("active endpoint") || text.contains("Credentials need") => {
            ErrorKind::Conflict
        }
        (200, text) if text.contains("not found") => ErrorKind::NotFound,
        (200, _) => ErrorKind::Server,
        (300..=399, _) => ErrorKind::UnexpectedRedirect,
        (400, _) => ErrorKind::BadRequest,
        // A session that cannot be renewed is opened anew, and that is answered the same.
        (401, "Token Expired or Invalid") => ErrorKind::InvalidCredentials,
        (401, _) => ErrorKind::AuthRejected,
        (403, _) => ErrorKind::PermissionDenied,
        (404, _) => ErrorKind::NotFound,
        (422, _) => ErrorKind::Validation,
        (429, _) => ErrorKind::RateLimited,
        (500.., _) => ErrorKind::Server,
        _ => ErrorKind::Api,
    };
    if (error.kind(), error.status()) != (expected, Some(exchange.status)) {
        return Err(format!(
            "{:?} {:?} for {expected:?} {}: {error}",
            error.kind(),
            error.status(),
            exchange.status
        ));
    }
    if !error.message().contains(text) {
        return Err(format!("{text:?} is not in {error}"));
    }
    let Some(fields) = said["detail"].as_array() else {
        return Ok(());
    };
    for (at, field) in fields.iter().enumerate() {
        let location: Vec<String> = field["loc"]
            .as_array()
            .ok_or("no loc")?
            .iter()
            .map(|part| part.as_str().map_or_else(|| part.to_string(), str::to_owned))
            .collect();
        let found = error.fields().get(at).ok_or_else(|| format!("field {at} is missing in {error}"))?;
        if found.location != location.join(".") || Some(found.message.as_str()) != field["msg"].as_str() {
            return Err(format!("field {at} is {found:?}"));
        }
    }
    // What was sent comes back in such an answer, and may be a password.
    let shown = format!("{error} {error:?}");
    let secret = ["password", "refresh_token"].iter().find_map(|name| exchange.sent[name].as_str());
    match secret.filter(|secret| secret.len() > 3 && shown.contains(secret)) {
        Some(secret) => Err(format!("{secret} is shown")),
        None => Ok(()),
    }
}
