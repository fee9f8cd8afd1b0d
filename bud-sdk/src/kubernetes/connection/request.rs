//! One request to the API server, as the pipeline sends it, with errors that name the missing permission.

use std::fmt;
use std::time::SystemTime;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use tokio::time::Instant;

use crate::error::{Error, Result};
use crate::http::{Deadline, Incoming, Request, fetch, stream};
use crate::kubernetes::Cluster;
use crate::kubernetes::connection::credentials::Credentials;
use crate::operation::{Method, Parts, Route};
use crate::types::Timestamp;

/// What is asked of the server, in the words of its access rules.
#[derive(Debug, Clone)]
pub(crate) struct Ask {
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) query: Vec<(&'static str, String)>,
    /// `list`, `get`, `patch`, `create`: the permission that it takes.
    pub(crate) verb: &'static str,
    /// `pods`, `pods/log`...
    pub(crate) resource: &'static str,
    pub(crate) namespace: Option<String>,
    pub(crate) body: Option<(&'static str, Vec<u8>)>,
}

impl Ask {
    pub(crate) fn get(path: impl Into<String>, resource: &'static str, namespace: Option<&str>) -> Self {
        Self {
            method: Method::Get,
            path: path.into(),
            query: Vec::new(),
            verb: "get",
            resource,
            namespace: namespace.map(str::to_owned),
            body: None,
        }
    }
    pub(crate) fn verb(mut self, verb: &'static str) -> Self {
        self.verb = verb;
        self
    }
    pub(crate) fn query(mut self, name: &'static str, value: impl fmt::Display) -> Self {
        self.query.push((name, value.to_string()));
        self
    }

    /// The path with the query.
    ///
    /// # Errors
    /// `InvalidArgument` if it is longer than a request may be; the client would panic.
    pub(crate) fn uri(&self) -> Result<String> {
        let mut uri = self.path.clone();
        if !self.query.is_empty() {
            uri.push('?');
            let at = uri.len();
            let mut query = url::form_urlencoded::Serializer::for_suffix(uri, at);
            query.extend_pairs(&self.query);
            uri = query.finish();
        }
        if uri.len() > LONGEST {
            return Err(Error::invalid(
                "command",
                format!("must not be longer than {LONGEST} bytes, escaped"),
            ));
        }
        Ok(uri)
    }

    /// Only a read is repeated when its outcome is unknown.
    fn route(&self) -> Route {
        Route::any(self.method, self.method == Method::Get)
    }

    fn parts(&self) -> Result<Parts> {
        self.uri()?;
        let query = self.query.iter().map(|(name, value)| ((*name).to_owned(), value.clone()));
        let mut parts =
            Parts { raw_path: Some(self.path.clone()), query: query.collect(), ..Parts::default() };
        if let Some((kind, bytes)) = &self.body {
            parts.content_type = Some(HeaderValue::from_static(kind));
            parts.body = Some(bytes.clone().into());
        }
        Ok(parts)
    }

    /// The permission that it takes.
    fn permission(&self) -> String {
        match &self.namespace {
            Some(namespace) => format!("{} {} in namespace {namespace}", self.verb, self.resource),
            None => format!("{} {} in all namespaces", self.verb, self.resource),
        }
    }

    /// The error of a refusal with the permission that was missing.
    pub(crate) fn explain(&self, error: Error) -> Error {
        if error.status() != Some(403) {
            return error;
        }
        let permission = self.permission();
        error.with_hint(format!("missing permission: {permission}")).with_required_permission(permission)
    }
}

/// The longest path and query. With the server's address before it, it is what the HTTP library takes (65,534 bytes).
const LONGEST: usize = 60_000;

impl Cluster {
    /// Until when a call that begins now may go on.
    pub(crate) fn deadline(&self) -> Instant {
        Instant::now() + self.0.limits.total
    }

    /// Sends a request and waits for the head of its answer, which is a good one.
    pub(crate) async fn open(&self, ask: &Ask, deadline: Instant) -> Result<Incoming> {
        let (route, parts) = (ask.route(), ask.parts()?);
        let request = Request { operation: ask.resource, route: &route, parts: &parts };
        let deadline = Deadline { started: Instant::now(), at: deadline };
        let (channel, options) = (&self.0.channel, self.0.limits.options());
        let opened = stream(channel, &request, &options, deadline, &Credentials::of(self)).await;
        opened.map(|(incoming, _)| incoming).map_err(|error| ask.explain(error))
    }

    /// Sends a request and reads its answer whole; with the server's time, by which ages are told.
    pub(crate) async fn ask(&self, ask: &Ask, deadline: Instant) -> Result<(Bytes, Timestamp)> {
        let (route, parts) = (ask.route(), ask.parts()?);
        let request = Request { operation: ask.resource, route: &route, parts: &parts };
        let deadline = Deadline { started: Instant::now(), at: deadline };
        let (channel, options) = (&self.0.channel, self.0.limits.options());
        let answered = fetch(channel, &request, &options, deadline, &Credentials::of(self)).await;
        answered.map(|(raw, _)| (raw.body, date(&raw.headers))).map_err(|error| ask.explain(error))
    }

    /// Sends a request and reads its answer as this type.
    pub(crate) async fn read<T: DeserializeOwned>(&self, ask: &Ask) -> Result<(T, Timestamp)> {
        let (body, now) = self.ask(ask, self.deadline()).await?;
        Ok((decode(&body, ask)?, now))
    }
}

pub(crate) fn decode<'a, T: Deserialize<'a>>(body: &'a [u8], ask: &Ask) -> Result<T> {
    serde_json::from_slice(body).map_err(|error| {
        // Where it stands, not what it says: that may be anything.
        let message =
            format!("the answer has another shape (line {}, column {})", error.line(), error.column());
        Error::decode(".", message).with_request(ask.method.as_str(), ask.path.clone())
    })
}

fn date(headers: &HeaderMap) -> Timestamp {
    let date = headers.get("date").and_then(|date| date.to_str().ok());
    let date: Option<SystemTime> = date.and_then(|date| httpdate::parse_http_date(date).ok());
    date.map_or_else(Timestamp::now, Timestamp::from)
}
