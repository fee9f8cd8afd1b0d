//! A call from beginning to end: tokens, attempts, waiting, and the error that says it all.

use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, LOCATION, USER_AGENT};
use http::{HeaderMap, HeaderName, HeaderValue};
use tokio::time::{Instant, sleep, timeout_at};
use tracing::{Instrument, debug, info_span, warn};
use url::Url;

use super::attempt::{Answer, attempt};
use super::redact::mask;
use super::refusal::{challenge, encoding, is_foreign, is_page, should_retry, without_mark};
use super::retry::Outcome;
use super::retry_after::retry_after;
use super::transport::{Failure, Incoming, Outgoing};
use super::{Authorize, Channel, Deadline, Options, Patience, Platform, Token, require_runtime};
use crate::error::{Error, ErrorKind, Result};
use crate::operation::{
    Describe, Flavor, Operation, Parts, Raw, Read, Reply, Route, ServerMessage, clean, fill,
};
use crate::types::{Secret, Warning};

const AGENT: HeaderValue = HeaderValue::from_static(concat!("bud-sdk/", env!("CARGO_PKG_VERSION")));
const JSON: HeaderValue = HeaderValue::from_static("application/json");
const ANY: HeaderValue = HeaderValue::from_static("*/*");

/// What is asked.
pub(super) struct Request<'a> {
    pub(super) operation: &'static str,
    pub(super) route: &'a Route,
    pub(super) parts: &'a Parts,
}

/// What is known of a call beside its result.
#[derive(Debug, Clone, Default)]
pub(crate) struct Meta {
    pub(crate) status: u16,
    pub(crate) request_id: Option<String>,
    pub(crate) attempts: u32,
    pub(crate) elapsed: Duration,
    pub(crate) warnings: Vec<Warning>,
    /// An attempt before the one that was answered may have changed something.
    pub(crate) maybe_applied: bool,
}

impl Meta {
    fn of(refusal: &Error) -> Self {
        Self {
            status: refusal.status().unwrap_or_default(),
            request_id: refusal.request_id().map(str::to_owned),
            attempts: refusal.attempts(),
            elapsed: refusal.elapsed().unwrap_or_default(),
            warnings: Vec::new(),
            maybe_applied: refusal.maybe_applied(),
        }
    }

    /// Adds warnings, each of which is also logged.
    fn warn(&mut self, operation: &'static str, warnings: Vec<Warning>) {
        for warning in &warnings {
            warn!(target: "bud_sdk::warnings", operation, code = warning.code(), "{warning}");
        }
        self.warnings.extend(warnings);
    }
}

/// Runs an operation with all the requests that it needs, within one deadline.
pub(crate) async fn execute<O: Operation>(
    platform: &Platform,
    operation: &O,
    options: &Options,
    authorize: &dyn Authorize,
) -> Result<(O::Output, Meta)> {
    let deadline = options.deadline();
    let result = async {
        let (flavor, mut route, mut parts) = prepare(platform, operation, options, deadline).await?;
        let mut read: Option<Read<O::Output>> = None;
        let mut attempts = 0;
        let mut warnings = Vec::new();
        let mut changed = false;
        loop {
            let request = Request { operation: O::ID, route: &route, parts: &parts };
            let result = run(&platform.channel, &request, options, deadline, authorize).await;
            let (raw, mut meta) = match result {
                Ok(answered) => answered,
                // An error of the session is no answer to this request, so that its status decides nothing here.
                Err(refusal) => match operation.settled(&refusal).filter(|_| !refusal.is_of_session()) {
                    Some(output) => return Ok((output, Meta::of(&refusal))),
                    // An earlier step has changed something, even if this one only looks.
                    None if changed => return Err(refusal.with_maybe_applied(true)),
                    None => return Err(refusal),
                },
            };
            let before = changed || meta.maybe_applied;
            changed |= !route.is_read();
            attempts += meta.attempts;
            meta.attempts = attempts;
            let mask = |text: &str| masked(text, &parts.secrets, &authorize.secrets());
            let reply = match raw.refusal(mask) {
                Some(refusal) => Err(refusal),
                None => {
                    warnings.append(&mut meta.warnings);
                    warnings.extend(raw.warnings(mask));
                    let reply = match read.take() {
                        Some(read) => read(raw),
                        None => operation.decode(flavor, raw),
                    };
                    // The server did its part; the answer does not show it.
                    reply.map_err(|error| error.with_maybe_applied(changed))
                }
            };
            let explain = |error: Error| {
                let applied = before || (changed && error.maybe_applied());
                error
                    .masked(|text| clean(&mask(text), 1024))
                    .with_request(route.method.as_str(), route.path)
                    .with_request_id(meta.request_id.clone())
                    .with_effort(attempts, deadline.elapsed())
                    .with_maybe_applied(applied)
            };
            let (output, more) = match reply.map_err(explain)? {
                Reply::Done(output) => (output, Vec::new()),
                Reply::Warned(output, more) => (output, more),
                Reply::Then(next) => {
                    (route, parts, read) = (next.route, next.parts, Some(next.read));
                    continue;
                }
            };
            warnings.extend(more);
            meta.warn(O::ID, std::mem::take(&mut warnings));
            return Ok((output, meta));
        }
    };
    result.await.map_err(|error: Error| explained(operation, error))
}

/// The error as the operation knows it.
fn explained<D: Describe>(operation: &D, error: Error) -> Error {
    let error = error.with_operation(D::ID);
    if error.is_of_session() { error } else { operation.explain(error) }
}

/// Sends a request whose answer the caller reads himself.
pub(crate) async fn open<D: Describe>(
    platform: &Platform,
    request: &D,
    options: &Options,
    authorize: &dyn Authorize,
) -> Result<(Incoming, Meta)> {
    let deadline = options.deadline();
    let result = async {
        let (_, route, parts) = prepare(platform, request, options, deadline).await?;
        let request = Request { operation: D::ID, route: &route, parts: &parts };
        match exchange(&platform.channel, &request, options, deadline, authorize, false).await? {
            (Answer::Open(incoming), meta) => Ok((incoming, meta)),
            _ => Err(Error::new(ErrorKind::Protocol, "the answer has no body to read")),
        }
    };
    result.await.map_err(|error: Error| explained(request, error))
}

/// Sends one request that no operation describes.
pub(crate) async fn send(
    channel: &Channel,
    operation: &'static str,
    route: &Route,
    parts: &Parts,
    options: &Options,
    authorize: &dyn Authorize,
) -> Result<(Raw, Meta)> {
    let request = Request { operation, route, parts };
    let result = match options.check().and_then(|()| require_runtime()) {
        Ok(()) => run(channel, &request, options, options.deadline(), authorize).await,
        Err(error) => Err(error),
    };
    result.map_err(|error| error.with_operation(operation))
}

/// Everything that can be refused before any I/O is refused here, but for the flavor, which may have to be asked for.
async fn prepare<D: Describe>(
    platform: &Platform,
    request: &D,
    options: &Options,
    deadline: Deadline,
) -> Result<(Flavor, Route, Parts)> {
    options.check()?;
    require_runtime()?;
    if let Some(refused) = refused_on_every_flavor(platform, request) {
        return Err(refused);
    }
    let flavor = platform.flavor(options, deadline).await?;
    let route = D::ROUTES.route(flavor)?;
    let parts = request.encode(flavor)?;
    Ok((flavor, route, parts))
}

/// An argument that is wrong on each flavor that this server may speak needs no server to be refused.
fn refused_on_every_flavor<D: Describe>(platform: &Platform, request: &D) -> Option<Error> {
    let mut refused = None;
    for flavor in [Flavor::Guide, Flavor::Runtime] {
        if platform.may_be(flavor) && D::ROUTES.route(flavor).is_ok() {
            match request.encode(flavor) {
                Err(error) if error.kind() == ErrorKind::InvalidArgument => refused = refused.or(Some(error)),
                _ => return None,
            }
        }
    }
    refused
}

/// Sends one request as often as it is needed and safe, and reads its answer whole.
pub(super) async fn run(
    channel: &Channel,
    request: &Request<'_>,
    options: &Options,
    deadline: Deadline,
    authorize: &dyn Authorize,
) -> Result<(Raw, Meta)> {
    match exchange(channel, request, options, deadline, authorize, true).await? {
        (Answer::Whole { status, headers, body } | Answer::Refused { status, headers, body }, meta) => {
            let body = body.slice_ref(without_mark(&body));
            Ok((Raw { status, headers, body }, meta))
        }
        (Answer::Open(_), _) => Err(Error::new(ErrorKind::Protocol, "the answer was not read")),
    }
}

async fn exchange(
    channel: &Channel,
    request: &Request<'_>,
    options: &Options,
    deadline: Deadline,
    authorize: &dyn Authorize,
    whole: bool,
) -> Result<(Answer, Meta)> {
    let route = request.route;
    let span = info_span!(
        "bud.call",
        operation = request.operation,
        method = route.method.as_str(),
        path = route.path
    );
    let mut call = Exchange {
        channel,
        request,
        authorize,
        deadline,
        url: fill(&channel.base, route.path, request.parts)?,
        headers: headers(request.parts, options, whole)?,
        attempts: 0,
        maybe_applied: false,
    };
    let result = call.run(options, whole).instrument(span).await;
    result.map_err(|error| {
        // The request for a token failed, and has said so itself.
        if error.names_a_request() {
            let changed = call.maybe_applied && !route.is_read();
            return if changed { error.with_maybe_applied(true) } else { error };
        }
        let template = request.parts.template.unwrap_or(route.path);
        let path = request.parts.raw_path.clone().map_or(template.into(), std::borrow::Cow::Owned);
        error
            .with_request(route.method.as_str(), path)
            .with_effort(call.attempts, deadline.elapsed())
            .with_maybe_applied(call.maybe_applied && !route.is_read())
    })
}

fn headers(parts: &Parts, options: &Options, whole: bool) -> Result<HeaderMap> {
    let mut headers = options.header_map()?;
    headers.entry(USER_AGENT).or_insert(AGENT);
    headers.entry(ACCEPT).or_insert(if whole { JSON } else { ANY });
    if parts.body.is_some() {
        headers.insert(CONTENT_TYPE, JSON);
    }
    headers.extend(parts.headers.iter().map(|(name, value)| (HeaderName::from_static(name), value.clone())));
    Ok(headers)
}

/// What the platform as shipped says, with a 400, to a user who may do nothing.
const INACTIVE: &str = "Inactive user";
const ACTIVATE: &str =
    "this user must first set his own password (auth.change_own_password), or was deactivated";

/// One request on its way, over all its attempts.
struct Exchange<'a> {
    channel: &'a Channel,
    request: &'a Request<'a>,
    authorize: &'a dyn Authorize,
    deadline: Deadline,
    url: Url,
    headers: HeaderMap,
    attempts: u32,
    /// Some attempt may have reached the server without a clear refusal.
    maybe_applied: bool,
}

impl Exchange<'_> {
    async fn run(&mut self, options: &Options, whole: bool) -> Result<(Answer, Meta)> {
        let route = self.request.route;
        let authorize = self.authorize;
        let mut renewed = false;
        // A 401 is resent once beside the count: the request was not processed.
        let mut counted = 0;
        let mut refused: Option<Error> = None;
        let patience = Patience { until: self.deadline.at, retries: options.attempt_count() > 1 };
        loop {
            let token = timeout_at(self.deadline.at, authorize.token(patience))
                .await
                .map_err(|_| Error::new(ErrorKind::Timeout, "no token before the deadline"))?
                .map_err(|error| after_refusal(error, refused.as_ref()))?;
            let slot = self.channel.slot(self.deadline).await?;
            if self.deadline.left().is_zero() {
                return Err(Error::new(ErrorKind::Timeout, "the deadline was past before it was sent"));
            }
            let until = self.deadline.at.min(Instant::now() + options.attempt_time());
            let outgoing = self.outgoing(token.as_deref());
            self.attempts += 1;
            counted += 1;
            let started = Instant::now();
            let mut result = attempt(&*self.channel.transport, outgoing, until, whole).await;
            match &mut result {
                Ok(Answer::Open(incoming)) => incoming.body.hold(slot),
                _ => drop(slot),
            }
            self.observe(&result, started);
            if token.is_some() && accepts_token(&result) {
                authorize.accepted();
            }
            let (error, outcome) = match result {
                Ok(answer @ (Answer::Whole { .. } | Answer::Open(_))) => {
                    self.channel.budget.refill();
                    let meta = self.meta(&answer, token.as_deref());
                    return Ok((answer, meta));
                }
                Ok(Answer::Refused { status, headers, body })
                    if self.maybe_applied
                        && route.done_on_repeat.contains(&status)
                        && !is_foreign(status, &headers, &body) =>
                {
                    let answer = Answer::Whole { status, headers, body: Bytes::new() };
                    let mut meta = self.meta(&answer, token.as_deref());
                    let message = format!(
                        "an earlier attempt was lost on the way, and the repeated one was answered {status}: it was not seen to exist"
                    );
                    meta.warnings.push(Warning::new(Warning::NOT_SEEN, message));
                    return Ok((answer, meta));
                }
                Ok(Answer::Refused { status: 401, headers, body }) => {
                    // A second refusal is not the token's fault: it is fresh, and others use it.
                    let error = self.refusal(401, &headers, &body, token.as_deref());
                    if !renewed && token.as_ref().is_some_and(|token| authorize.rejected(token)) {
                        renewed = true;
                        counted -= 1;
                        refused = Some(error);
                        continue;
                    }
                    return Err(authorize.refused(error));
                }
                Ok(Answer::Refused { status, headers, body }) => {
                    // A server or proxy in trouble may have done the work before it failed.
                    self.maybe_applied |= status >= 500 || status == 408;
                    let outcome = Outcome {
                        status: Some(status),
                        sent: true,
                        transient: true,
                        timed_out: status == 408,
                        should_retry: should_retry(&headers),
                        retry_after: retry_after(&headers, SystemTime::now()),
                    };
                    (self.refusal(status, &headers, &body, token.as_deref()), outcome)
                }
                Err(failure) => {
                    self.maybe_applied |= failure.sent;
                    let outcome = Outcome {
                        status: None,
                        sent: failure.sent,
                        transient: failure.transient,
                        timed_out: failure.kind == ErrorKind::Timeout,
                        should_retry: None,
                        retry_after: None,
                    };
                    (self.failure(failure, token.as_deref()), outcome)
                }
            };
            let (policy, budget) = (&self.channel.policy, &self.channel.budget);
            let left = self.deadline.left();
            let attempts = options.attempt_count();
            let Some(delay) = outcome.next_delay(route, policy, budget, counted, attempts, left) else {
                return Err(error);
            };
            warn!(
                code = error.code(),
                status = error.status(),
                delay_ms = delay.as_millis() as u64,
                "trying again"
            );
            sleep(delay).await;
        }
    }

    fn outgoing(&self, token: Option<&Token>) -> Outgoing {
        let mut headers = self.headers.clone();
        if let Some(token) = token {
            headers.insert(AUTHORIZATION, token.header.clone());
        }
        Outgoing {
            method: self.request.route.method,
            url: self.url.clone(),
            headers,
            body: self.request.parts.body.clone(),
        }
    }

    fn observe(&self, result: &Result<Answer, Failure>, started: Instant) {
        let elapsed_ms = started.elapsed().as_millis() as u64;
        match result {
            Ok(
                Answer::Whole { status, .. }
                | Answer::Refused { status, .. }
                | Answer::Open(Incoming { status, .. }),
            ) => {
                debug!(attempt = self.attempts, status, elapsed_ms, "answered");
            }
            Err(failure) => {
                debug!(attempt = self.attempts, code = failure.kind.as_str(), elapsed_ms, "failed")
            }
        }
    }

    fn meta(&self, answer: &Answer, token: Option<&Token>) -> Meta {
        let (Answer::Whole { status, headers, .. }
        | Answer::Refused { status, headers, .. }
        | Answer::Open(Incoming { status, headers, .. })) = answer;
        Meta {
            status: *status,
            request_id: self.request_id(headers, token),
            attempts: self.attempts,
            elapsed: self.deadline.elapsed(),
            warnings: Vec::new(),
            maybe_applied: self.maybe_applied && !self.request.route.is_read(),
        }
    }

    /// The server's answer as an error: its kind follows the status, its text is the server's.
    fn refusal(&self, status: u16, headers: &HeaderMap, body: &[u8], token: Option<&Token>) -> Error {
        if (300..400).contains(&status) {
            return self.redirect(status, headers, token);
        }
        let kind = ErrorKind::of_status(status).unwrap_or(ErrorKind::Api);
        let content_type = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let mask = |text: &str| self.mask(text, token);
        let said = match encoding(headers) {
            // Nothing here would unpack it.
            Some(encoding) => ServerMessage {
                message: format!("the reason is compressed ({encoding})"),
                ..ServerMessage::default()
            },
            None => ServerMessage::read(body, content_type, mask)
                .or_message(|| challenge(headers).map(|text| clean(&mask(&text), 300))),
        };
        if is_foreign(status, headers, body) {
            return Error::new(ErrorKind::Api, said.message)
                .with_hint("this is not the API's own answer: is this the API's address?")
                .with_status(status)
                .with_request_id(self.request_id(headers, token));
        }
        let inactive = status == 400 && said.message == INACTIVE;
        let kind = if inactive { ErrorKind::PermissionDenied } else { kind };
        let error = Error::new(kind, said.message);
        let error = if inactive { error.with_hint(ACTIVATE) } else { error };
        error
            .with_status(status)
            .with_server_code(said.code)
            .with_param(said.param)
            .with_fields(said.fields)
            .with_request_id(self.request_id(headers, token))
            .with_retry_after(retry_after(headers, SystemTime::now()))
            .with_json(without_mark(body).trim_ascii_start().starts_with(b"{"))
    }

    fn redirect(&self, status: u16, headers: &HeaderMap, token: Option<&Token>) -> Error {
        let target =
            headers.get(LOCATION).and_then(|to| to.to_str().ok()).and_then(|to| self.url.join(to).ok());
        let target = match target {
            Some(to) if to.origin() == self.url.origin() => {
                format!("to {}", clean(&self.mask(to.path(), token), 200))
            }
            Some(to) => {
                let origin = to.origin().ascii_serialization();
                format!("to {}", clean(&self.mask(&origin, token), 200))
            }
            None => "without a usable target".to_owned(),
        };
        Error::new(
            ErrorKind::UnexpectedRedirect,
            format!("the server redirects {target}, and no redirect is followed"),
        )
        .with_hint("set the base URL to the API's own address")
        .with_status(status)
        .with_request_id(self.request_id(headers, token))
    }

    fn failure(&self, failure: Failure, token: Option<&Token>) -> Error {
        let message = match (failure.peer, failure.kind) {
            (Some(peer), _) => format!("{peer}: {}", failure.message),
            (None, ErrorKind::Connect | ErrorKind::Tls) => {
                let host = self.url.host_str().unwrap_or_default();
                let port = self.url.port_or_known_default().unwrap_or_default();
                format!("{host}:{port}: {}", failure.message)
            }
            (None, _) => failure.message,
        };
        let error = Error::new(failure.kind, clean(&self.mask(&message, token), 500));
        match (failure.hint, failure.kind) {
            (Some(hint), _) => error.with_hint(hint),
            (None, ErrorKind::Connect) => {
                error.with_hint("nothing was sent; check the base URL and the network")
            }
            (None, _) => error,
        }
    }

    /// A gateway may make the id from what it was sent.
    fn request_id(&self, headers: &HeaderMap, token: Option<&Token>) -> Option<String> {
        let id = headers.get("x-request-id").or_else(|| headers.get("x-correlation-id"))?;
        let id = id.to_str().ok()?;
        // The usual UUID can hold a secret in no other form than its own, which is cheap to look for.
        let plain = id.len() <= 64 && id.bytes().all(|b| b.is_ascii_hexdigit() || b == b'-');
        let held = || self.authorize.secrets().iter().any(|secret| id.contains(secret.expose()));
        if plain && !held() && !token.is_some_and(|token| id.contains(token.secret.expose())) {
            return Some(id.to_owned());
        }
        Some(clean(&self.mask(id, token), 100))
    }

    fn mask(&self, text: &str, token: Option<&Token>) -> String {
        let mut held = self.authorize.secrets();
        held.extend(token.map(|token| token.secret.clone()));
        masked(text, &self.request.parts.secrets, &held)
    }
}

/// The text without the secrets that were sent, and those that the session holds.
fn masked(text: &str, sent: &[Secret], held: &[Secret]) -> String {
    let secrets: Vec<&str> = sent.iter().chain(held).map(Secret::expose).collect();
    mask(text, &secrets).into_owned()
}

/// Whether the answer shows that the server knows the token: any of the API's own that comes after the check of it.
fn accepts_token(result: &Result<Answer, Failure>) -> bool {
    match result {
        Ok(Answer::Whole { headers, body, .. }) => !is_page(headers, body),
        Ok(Answer::Open(incoming)) => !is_page(&incoming.headers, &[]),
        Ok(Answer::Refused { status, headers, body }) => {
            matches!(status, 403 | 404 | 409 | 422)
                && !is_foreign(*status, headers, body)
                && !is_page(headers, body)
        }
        Err(_) => false,
    }
}

/// A token that is missing in an outage is reported with the answer to the caller's own request.
fn after_refusal(error: Error, refused: Option<&Error>) -> Error {
    match refused.filter(|_| error.may_be_outage() && !error.names_a_request()) {
        Some(refused) => {
            let id = refused.request_id().map(str::to_owned);
            error.with_status(refused.status().unwrap_or(401)).with_request_id(id)
        }
        None => error,
    }
}
