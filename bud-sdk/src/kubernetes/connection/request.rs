//! One request to the API server, and lists page by page: bounded in time and size, with errors that name the missing permission.

use std::collections::HashSet;
use std::fmt;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::{Method, Request, Response};
use http_body_util::BodyExt;
use kube::client::Body;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;
use tokio::time::{Instant, sleep, timeout_at};

use crate::error::{Error, ErrorKind, Result};
use crate::kubernetes::connection::{Connection, told};
use crate::kubernetes::objects::{ListMeta, Status};
use crate::kubernetes::{Cluster, Namespaces};
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
            method: Method::GET,
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

    fn request(&self) -> Result<Request<Body>> {
        let mut request =
            Request::builder().method(&self.method).uri(self.uri()?).header("accept", "application/json");
        let body = match &self.body {
            None => Body::empty(),
            Some((kind, bytes)) => {
                request = request.header("content-type", *kind);
                Body::from(bytes.clone())
            }
        };
        request.body(body).map_err(|error| Error::invalid("path", error))
    }

    /// The permission that it takes.
    fn permission(&self) -> String {
        match &self.namespace {
            Some(namespace) => format!("{} {} in namespace {namespace}", self.verb, self.resource),
            None => format!("{} {} in all namespaces", self.verb, self.resource),
        }
    }
}

/// What a list is asked for at a time.
pub(crate) const PAGE: usize = 500;
/// The longest path and query. With the server's address before it, it is what the HTTP library takes (65,534 bytes).
const LONGEST: usize = 60_000;
/// A page of the largest pods has a tenth of this.
const LARGEST: usize = 64 << 20;
const LARGEST_ERROR: usize = 64 << 10;
/// A read that is refused for the moment is asked for again, twice at the most.
const TRIES: u32 = 3;
const LONGEST_DELAY: Duration = Duration::from_secs(5);

/// An answer with a body that is not read yet.
pub(crate) struct Open {
    pub(crate) response: Response<Body>,
    pub(crate) deadline: Instant,
}

impl Cluster {
    /// Until when a call that begins now may go on.
    pub(crate) fn deadline(&self) -> Instant {
        Instant::now() + self.0.limits.total
    }

    /// Sends a request and waits for the head of its answer, which is a good one.
    pub(crate) async fn open(&self, ask: &Ask, deadline: Instant) -> Result<Open> {
        let started = Instant::now();
        let mut connection = self.connection().await?;
        let (mut renewed, mut tries, mut sent) = (false, 1, 0);
        loop {
            let until = deadline.min(Instant::now() + self.0.limits.request);
            let outcome = self.attempt(&connection, ask, until).await;
            sent += 1;
            let Err(error) = outcome else { return outcome };
            if error.status() == Some(401) && !renewed {
                renewed = true;
                connection = self.reconnect(connection.generation).await?;
                continue;
            }
            let delay = error.retry_after().unwrap_or(Duration::from_millis(200 << tries));
            let passing = matches!(error.status(), Some(429 | 503)) && error.retry_after().is_some()
                || error.kind() == ErrorKind::Interrupted;
            let again = ask.method == Method::GET && passing && tries < TRIES && delay <= LONGEST_DELAY;
            if !again || Instant::now() + delay >= deadline {
                return Err(error.with_effort(sent, started.elapsed()));
            }
            tries += 1;
            sleep(delay).await;
        }
    }

    async fn attempt(&self, connection: &Connection, ask: &Ask, until: Instant) -> Result<Open> {
        let mut request = ask.request()?;
        connection.authorize(&mut request);
        let maybe = ask.method != Method::GET;
        let sent = timeout_at(until, connection.client.send(request)).await;
        let sent = sent.map_err(|_| self.silent(ask).with_maybe_applied(maybe))?;
        let response = sent.map_err(|error| {
            let error = failed(error, ask).with_maybe_applied(maybe);
            match (&connection.proxy, error.kind()) {
                (Some(proxy), ErrorKind::Connect | ErrorKind::Interrupted) => error
                    .with_hint(format!("the connection goes through {proxy}: is it right, and reachable?")),
                _ => error,
            }
        })?;
        if response.status().is_success() {
            return Ok(Open { response, deadline: until });
        }
        let (status, after) = (response.status().as_u16(), retry_after(&response));
        let body = read(response, LARGEST_ERROR, until, ask).await.unwrap_or_default();
        Err(refused(status, &body, ask).with_retry_after(after))
    }

    fn silent(&self, ask: &Ask) -> Error {
        let message = format!("the API server did not answer within {:?}", self.0.limits.request);
        Error::new(ErrorKind::Timeout, message).with_request(method(ask), ask.path.clone())
    }

    /// Sends a request and reads its answer whole.
    pub(crate) async fn ask(&self, ask: &Ask, deadline: Instant) -> Result<(Bytes, Timestamp)> {
        let Open { response, deadline } = self.open(ask, deadline).await?;
        let now = date(&response);
        let body = read(response, LARGEST, deadline, ask).await?;
        Ok((body, now))
    }

    /// Sends a request and reads its answer as this type.
    pub(crate) async fn read<T: DeserializeOwned>(&self, ask: &Ask) -> Result<(T, Timestamp)> {
        let (body, now) = self.ask(ask, self.deadline()).await?;
        Ok((decode(&body, ask)?, now))
    }

    /// Shows each object of a list as it comes, page by page, with the server's time, and keeps what `keep` makes of it. Objects
    /// that cannot be read are left out and logged, as long as others can be read.
    pub(crate) async fn list<T: DeserializeOwned, R>(
        &self,
        root: &str,
        plural: &'static str,
        scope: &Namespaces,
        keep: impl FnMut(T, Timestamp) -> R,
    ) -> Result<Vec<R>> {
        let (kept, skipped) = self.collect(root, plural, scope, keep).await?;
        match skipped.detail(plural) {
            Some(detail) if kept.is_empty() => Err(Error::decode(".items", detail)),
            Some(detail) => {
                tracing::warn!("{detail}");
                Ok(kept)
            }
            None => Ok(kept),
        }
    }

    /// The same for what is summed up or chosen from: there, an object that is left out would make the result wrong.
    pub(crate) async fn list_whole<T: DeserializeOwned, R>(
        &self,
        root: &str,
        plural: &'static str,
        scope: &Namespaces,
        keep: impl FnMut(T, Timestamp) -> R,
    ) -> Result<Vec<R>> {
        let (kept, skipped) = self.collect(root, plural, scope, keep).await?;
        skipped.detail(plural).map_or(Ok(kept), |detail| Err(Error::decode(".items", detail)))
    }

    /// What was kept of a list, and what was skipped.
    async fn collect<T: DeserializeOwned, R>(
        &self,
        root: &str,
        plural: &'static str,
        scope: &Namespaces,
        mut keep: impl FnMut(T, Timestamp) -> R,
    ) -> Result<(Vec<R>, Skipped)> {
        let (mut kept, mut skipped) = (Vec::new(), Skipped::default());
        self.list_into(root, plural, scope, (PAGE, self.deadline()), (&mut kept, &mut skipped), &mut keep)
            .await?;
        Ok((kept, skipped))
    }

    /// The same, in pages of this size until this moment; the server's time at the end. What was kept before a failure stays.
    pub(crate) async fn list_into<T: DeserializeOwned, R>(
        &self,
        root: &str,
        plural: &'static str,
        scope: &Namespaces,
        (size, deadline): (usize, Instant),
        (kept, skipped): (&mut Vec<R>, &mut Skipped),
        keep: &mut impl FnMut(T, Timestamp) -> R,
    ) -> Result<Option<Timestamp>> {
        let mut last = None;
        for (namespace, path) in scope.paths(root, plural)? {
            let ask =
                Ask { query: scope.query(), ..Ask::get(path, plural, namespace.as_deref()).verb("list") };
            last = Some(self.pages(&ask, (size, deadline), (kept, skipped), keep).await?);
        }
        Ok(last)
    }

    async fn pages<T: DeserializeOwned, R>(
        &self,
        ask: &Ask,
        (size, deadline): (usize, Instant),
        (kept, skipped): (&mut Vec<R>, &mut Skipped),
        keep: &mut impl FnMut(T, Timestamp) -> R,
    ) -> Result<Timestamp> {
        let (begun, skipped_before) = (kept.len(), skipped.clone());
        let (mut next, mut seen, mut restarted) = (String::new(), HashSet::new(), false);
        loop {
            // Never with a resourceVersion: the server would then forget the limit.
            let mut page = ask.clone().query("limit", size);
            if !next.is_empty() {
                page = page.query("continue", &next);
            }
            let (body, now) = match self.ask(&page, deadline).await {
                // The server has forgotten where the list stood; once, it is started again.
                Err(error) if error.status() == Some(410) && !next.is_empty() && !restarted => {
                    restarted = true;
                    kept.truncate(begun);
                    skipped.clone_from(&skipped_before);
                    next.clear();
                    seen.clear();
                    continue;
                }
                answer => answer?,
            };
            let list: Page<'_> = decode(&body, ask)?;
            for item in list.items {
                match serde_json::from_str(item.get()) {
                    Ok(object) => kept.push(keep(object, now)),
                    Err(_) => skipped.add(item),
                }
            }
            next = list.metadata.next;
            if next.is_empty() {
                return Ok(now);
            }
            // Each page leads further. A server that leads back would never end.
            if !seen.insert(next.clone()) {
                let message = "the server repeats a page of the list: its `continue` token was seen before";
                let error = Error::decode(".metadata.continue", message);
                return Err(error.with_request(method(ask), ask.path.clone()));
            }
        }
    }
}

/// Objects of a list that could not be read.
#[derive(Debug, Clone, Default)]
pub(crate) struct Skipped {
    count: u64,
    /// The first few.
    names: Vec<String>,
}

/// As many names as are shown.
const NAMED: usize = 3;

impl Skipped {
    fn add(&mut self, item: &RawValue) {
        #[derive(Deserialize)]
        struct Named {
            metadata: Meta,
        }
        #[derive(Deserialize)]
        struct Meta {
            #[serde(default)]
            namespace: Option<String>,
            name: String,
        }
        self.count += 1;
        if self.names.len() < NAMED {
            let named = serde_json::from_str::<Named>(item.get());
            let name = named.map_or_else(
                |_| "one without a name".to_owned(),
                |Named { metadata: Meta { namespace, name } }| match namespace {
                    Some(namespace) => format!("{namespace}/{name}"),
                    None => name,
                },
            );
            self.names.push(crate::operation::clean(&name, 130));
        }
    }

    /// How many, and which; none if all could be read.
    pub(crate) fn detail(&self, plural: &str) -> Option<String> {
        let more = self.count.saturating_sub(self.names.len() as u64);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        (self.count > 0).then(|| {
            format!("{} of the {plural} cannot be read: {}{more}", self.count, self.names.join(", "))
        })
    }
}

#[derive(Deserialize)]
struct Page<'a> {
    #[serde(default)]
    metadata: ListMeta,
    #[serde(borrow, default)]
    items: Vec<&'a RawValue>,
}

fn method(ask: &Ask) -> &'static str {
    match ask.method {
        Method::PATCH => "PATCH",
        _ => "GET",
    }
}

fn decode<'a, T: Deserialize<'a>>(body: &'a [u8], ask: &Ask) -> Result<T> {
    serde_json::from_slice(body).map_err(|error| wrong_shape(&error, ask))
}

fn wrong_shape(error: &serde_json::Error, ask: &Ask) -> Error {
    // Where it stands, not what it says: that may be anything.
    let message = format!("the answer has another shape (line {}, column {})", error.line(), error.column());
    Error::decode(".", message).with_request(method(ask), ask.path.clone())
}

/// Reads a body that may not be larger than this.
pub(crate) async fn read(response: Response<Body>, most: usize, until: Instant, ask: &Ask) -> Result<Bytes> {
    let mut body = response.into_body();
    let mut whole = BytesMut::new();
    loop {
        let frame = timeout_at(until, body.frame()).await.map_err(|_| {
            let message = format!("the answer was not whole in time ({} bytes of it came)", whole.len());
            Error::new(ErrorKind::Timeout, message).with_request(method(ask), ask.path.clone())
        })?;
        let Some(frame) = frame else { return Ok(whole.freeze()) };
        let frame = frame.map_err(|error| {
            let message = format!("the answer broke off: {}", told(&error));
            Error::new(ErrorKind::Interrupted, message).with_request(method(ask), ask.path.clone())
        })?;
        if let Ok(data) = frame.into_data() {
            if whole.len() + data.len() > most {
                let message = format!("the answer is larger than {} MiB", most >> 20);
                return Err(
                    Error::new(ErrorKind::BodyTooLarge, message).with_request(method(ask), ask.path.clone())
                );
            }
            whole.extend_from_slice(&data);
        }
    }
}

/// The server's time, by which ages are told.
fn date(response: &Response<Body>) -> Timestamp {
    let date = response.headers().get("date").and_then(|date| date.to_str().ok());
    let date = date.and_then(|date| httpdate::parse_http_date(date).ok());
    date.map_or_else(Timestamp::now, Timestamp::from)
}

fn retry_after(response: &Response<Body>) -> Option<Duration> {
    let seconds = response.headers().get("retry-after")?.to_str().ok()?.parse().ok()?;
    Some(Duration::from_secs(seconds))
}

/// What the server refused, and the permission that was missing.
pub(crate) fn refused(status: u16, body: &[u8], ask: &Ask) -> Error {
    let told: Status = serde_json::from_slice(body).unwrap_or_default();
    let text =
        if told.message.is_empty() { String::from_utf8_lossy(body).into_owned() } else { told.message };
    let text = match crate::operation::clean(&text, 500) {
        text if text.is_empty() => "it gave no reason".to_owned(),
        text => text,
    };
    let kind = match status {
        400 => ErrorKind::BadRequest,
        401 => ErrorKind::AuthRejected,
        403 => ErrorKind::PermissionDenied,
        404 => ErrorKind::NotFound,
        409 => ErrorKind::Conflict,
        422 => ErrorKind::Validation,
        429 => ErrorKind::RateLimited,
        500.. => ErrorKind::Server,
        _ => ErrorKind::Api,
    };
    let error = Error::new(kind, text).with_status(status).with_request(method(ask), ask.path.clone());
    let error = error.with_server_code((!told.reason.is_empty()).then_some(told.reason));
    match status {
        403 => {
            let permission = ask.permission();
            error.with_hint(format!("missing permission: {permission}")).with_required_permission(permission)
        }
        401 => error.with_hint("the kubeconfig's credentials were refused, and new ones as well"),
        _ => error,
    }
}

/// Why there was no answer.
pub(crate) fn failed(error: kube::Error, ask: &Ask) -> Error {
    let mut kind = ErrorKind::Interrupted;
    let mut source: Option<&(dyn std::error::Error + 'static)> = Some(&error);
    while let Some(error) = source {
        if error.is::<rustls::Error>() {
            kind = ErrorKind::Tls;
            break;
        }
        if let Some(error) = error.downcast_ref::<std::io::Error>() {
            if of_tls(error) {
                kind = ErrorKind::Tls;
                break;
            }
            match error.kind() {
                std::io::ErrorKind::ConnectionRefused
                | std::io::ErrorKind::HostUnreachable
                | std::io::ErrorKind::NetworkUnreachable
                | std::io::ErrorKind::NotFound => kind = ErrorKind::Connect,
                std::io::ErrorKind::TimedOut => kind = ErrorKind::Timeout,
                _ => {}
            }
        }
        if error.downcast_ref::<hyper_util::client::legacy::Error>().is_some_and(|error| error.is_connect()) {
            kind = ErrorKind::Connect;
        }
        source = error.source();
    }
    let message = told(&error);
    let error = Error::new(kind, message).with_request(method(ask), ask.path.clone());
    match kind {
        ErrorKind::Tls => error.with_hint(
            "is the CA in the kubeconfig the cluster's, and its name or address in the certificate?",
        ),
        ErrorKind::Connect => {
            error.with_hint("is the address in the kubeconfig right, and the cluster reachable from here?")
        }
        _ => error,
    }
}

/// Whether TLS failed: its error may stand inside several others, which do not name it as their source.
fn of_tls(error: &std::io::Error) -> bool {
    let mut inner = error.get_ref();
    while let Some(error) = inner {
        if error.is::<rustls::Error>() {
            return true;
        }
        inner = error.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
    }
    false
}
