//! What arrived: the requests that a server saw, kept for assertions, and the journal of answered routes.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::sync::Mutex;

use crate::lock;

/// One request as it arrived.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeenRequest {
    /// The method, as sent.
    pub method: String,
    /// The request target: path and query, as sent.
    pub target: String,
    /// The path alone, percent-encoding kept.
    pub path: String,
    /// The raw query without `?`; empty when there is none.
    pub query: String,
    /// Header names (lower case) and values in order; bytes that are not UTF-8 are replaced.
    pub headers: Vec<(String, String)>,
    /// The body's bytes.
    pub body: Vec<u8>,
    /// The status that was answered; `None` while unanswered, and for good when the connection was cut instead.
    pub status: Option<u16>,
    /// Which connection it came on, counted from 0.
    pub connection: usize,
}

impl SeenRequest {
    pub(crate) fn new(method: &str, target: &str, headers: Vec<(String, String)>, connection: usize) -> Self {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        Self {
            method: method.to_owned(),
            target: target.to_owned(),
            path: path.to_owned(),
            query: query.to_owned(),
            headers,
            body: Vec::new(),
            status: None,
            connection,
        }
    }

    /// The first header of that name, whatever its case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// The body as text; bytes that are not UTF-8 are replaced.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body as JSON; `Null` when it is not JSON.
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }
}

/// Whether `path` fits `template`; a segment written `{like_this}` matches any one segment.
pub(crate) fn fits(template: &str, path: &str) -> bool {
    let mut wanted = template.split('/');
    let mut given = path.split('/');
    loop {
        match (wanted.next(), given.next()) {
            (None, None) => return true,
            (Some(want), Some(have)) if want == have => {}
            (Some(want), Some(have)) if !have.is_empty() && want.starts_with('{') && want.ends_with('}') => {}
            _ => return false,
        }
    }
}

#[derive(Default)]
pub(crate) struct Log(Mutex<Entries>);

#[derive(Default)]
struct Entries {
    // Raised by `clear`, so that a late answer cannot be written onto a newer request.
    era: usize,
    seen: Vec<SeenRequest>,
}

/// Where a request stands in the log.
#[derive(Clone, Copy)]
pub(crate) struct Ticket {
    era: usize,
    index: usize,
}

impl Log {
    pub(crate) fn arrived(&self, request: SeenRequest) -> Ticket {
        let mut entries = lock(&self.0);
        entries.seen.push(request);
        Ticket { era: entries.era, index: entries.seen.len() - 1 }
    }

    pub(crate) fn update(&self, ticket: Ticket, change: impl FnOnce(&mut SeenRequest)) {
        let mut entries = lock(&self.0);
        if entries.era == ticket.era
            && let Some(entry) = entries.seen.get_mut(ticket.index)
        {
            change(entry);
        }
    }

    pub(crate) fn all(&self) -> Vec<SeenRequest> {
        lock(&self.0).seen.clone()
    }

    pub(crate) fn count(&self, method: &str, template: &str) -> usize {
        lock(&self.0).seen.iter().filter(|seen| seen.method == method && fits(template, &seen.path)).count()
    }

    pub(crate) fn clear(&self) {
        let mut entries = lock(&self.0);
        entries.era += 1;
        entries.seen.clear();
    }
}

/// The variable that names the journal file.
pub(crate) const JOURNAL: &str = "BUD_TESTBED_JOURNAL";

/// Appends one line per answered request: `flavor METHOD path-template status`.
pub(crate) struct Journal(Option<Mutex<File>>);

impl Journal {
    pub(crate) fn from_env() -> std::io::Result<Self> {
        match std::env::var_os(JOURNAL).filter(|name| !name.is_empty()) {
            None => Ok(Self(None)),
            Some(name) => {
                let file = OpenOptions::new().create(true).append(true).open(name)?;
                Ok(Self(Some(Mutex::new(file))))
            }
        }
    }

    pub(crate) fn note(&self, flavor: &str, method: &str, template: &str, status: u16) {
        if let Some(file) = &self.0 {
            // One write per line: with O_APPEND lines of many processes do not mix.
            let line = format!("{flavor} {method} {template} {status}\n");
            let _ = lock(file).write_all(line.as_bytes());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::fits;

    #[test]
    fn templates() {
        assert!(fits("/users/{id}", "/users/1"));
        assert!(fits("/users", "/users"));
        assert!(!fits("/users/{id}", "/users/"));
        assert!(!fits("/users/{id}", "/users/1/2"));
        assert!(!fits("/users", "/user"));
    }
}
