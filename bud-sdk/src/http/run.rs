//! A call from beginning to end: tokens, attempts, waiting, and the error that says it all.

use http::header::{ACCEPT, CONTENT_TYPE, USER_AGENT};
use http::{HeaderMap, HeaderName, HeaderValue};
use tracing::{Instrument, info_span};

use super::attempt::Answer;
use super::exchange::{Exchange, Meta, Request, masked};
use super::refusal::without_mark;
use super::transport::Incoming;
use super::{Authenticate, Channel, Deadline, Options, require_runtime};
use crate::error::{Error, ErrorKind, Result};
use crate::operation::{ApiFlavor, Describe, Operation, Parts, Raw, Read, Reply, Route, clean, fill};

const AGENT: HeaderValue = HeaderValue::from_static(concat!("bud-sdk/", env!("CARGO_PKG_VERSION")));
const JSON: HeaderValue = HeaderValue::from_static("application/json");
const ANY: HeaderValue = HeaderValue::from_static("*/*");

/// Runs an operation with all the requests that it needs, within one deadline.
pub(crate) async fn execute<O: Operation>(
    channel: &Channel,
    operation: &O,
    options: &Options,
    authenticate: &dyn Authenticate,
) -> Result<(O::Output, Meta)> {
    let deadline = options.deadline();
    let result = async {
        let (flavor, mut route, mut parts) = prepare(channel, operation, options, deadline).await?;
        let mut read: Option<Read<O::Output>> = None;
        let mut attempts = 0;
        let mut warnings = Vec::new();
        let mut changed = false;
        loop {
            let request = Request { operation: O::ID, route: &route, parts: &parts };
            let result = run(channel, &request, options, deadline, authenticate).await;
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
            let mask = |text: &str| masked(text, &parts.secrets, &authenticate.secrets());
            let reply = match raw.failure(&mask) {
                Some(refusal) => Err(refusal),
                None => {
                    warnings.append(&mut meta.warnings);
                    warnings.extend(raw.warnings(&mask));
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
            warnings.extend(more.iter().map(|warning| warning.masked(&mask)));
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
    channel: &Channel,
    described: &D,
    options: &Options,
    authenticate: &dyn Authenticate,
) -> Result<(Incoming, Meta)> {
    let deadline = options.deadline();
    let result = async {
        let (_, route, parts) = prepare(channel, described, options, deadline).await?;
        let request = Request { operation: D::ID, route: &route, parts: &parts };
        stream(channel, &request, options, deadline, authenticate).await
    };
    result.await.map_err(|error: Error| explained(described, error))
}

/// Sends one request whose answer is read by the caller.
pub(crate) async fn stream(
    channel: &Channel,
    request: &Request<'_>,
    options: &Options,
    deadline: Deadline,
    authenticate: &dyn Authenticate,
) -> Result<(Incoming, Meta)> {
    require_runtime()?;
    match exchange(channel, request, options, deadline, authenticate, false).await? {
        (Answer::Open(incoming), meta) => Ok((incoming, meta)),
        _ => Err(Error::new(ErrorKind::Protocol, "the answer has no body to read")),
    }
}

/// Sends one request that no operation describes.
pub(crate) async fn send(
    channel: &Channel,
    request: &Request<'_>,
    options: &Options,
    deadline: Deadline,
    authenticate: &dyn Authenticate,
) -> Result<(Raw, Meta)> {
    let result = match options.check() {
        Ok(()) => fetch(channel, request, options, deadline, authenticate).await,
        Err(error) => Err(error),
    };
    result.map_err(|error| error.with_operation(request.operation))
}

/// The same for a call that its caller names, with options that are checked.
pub(crate) async fn fetch(
    channel: &Channel,
    request: &Request<'_>,
    options: &Options,
    deadline: Deadline,
    authenticate: &dyn Authenticate,
) -> Result<(Raw, Meta)> {
    require_runtime()?;
    run(channel, request, options, deadline, authenticate).await
}

/// Everything that can be refused before any I/O is refused here, but for the flavor, which may have to be asked for.
async fn prepare<D: Describe>(
    channel: &Channel,
    request: &D,
    options: &Options,
    deadline: Deadline,
) -> Result<(D::Flavor, Route, Parts)> {
    options.check()?;
    require_runtime()?;
    let encoded = encode(channel, request)?;
    let flavor: D::Flavor = channel.flavor(options, deadline).await?;
    let route = D::ROUTES.route(flavor)?;
    let parts = match encoded.filter(|(known, _)| *known == flavor) {
        Some((_, parts)) => parts?,
        None => request.encode(flavor)?,
    };
    Ok((flavor, route, parts))
}

/// What would be sent on the first flavor that takes the arguments. One that is wrong on each flavor that this server may speak
/// needs no server to be refused.
fn encode<D: Describe>(channel: &Channel, request: &D) -> Result<Option<(D::Flavor, Result<Parts>)>> {
    let mut refused = None;
    for flavor in D::Flavor::ALL.iter().copied() {
        if channel.may_be(flavor) && D::ROUTES.route(flavor).is_ok() {
            match request.encode(flavor) {
                Err(error) if error.kind() == ErrorKind::InvalidArgument => refused = refused.or(Some(error)),
                parts => return Ok(Some((flavor, parts))),
            }
        }
    }
    refused.map_or(Ok(None), Err)
}

/// Sends one request as often as it is needed and safe, and reads its answer whole.
async fn run(
    channel: &Channel,
    request: &Request<'_>,
    options: &Options,
    deadline: Deadline,
    authenticate: &dyn Authenticate,
) -> Result<(Raw, Meta)> {
    match exchange(channel, request, options, deadline, authenticate, true).await? {
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
    authenticate: &dyn Authenticate,
    whole: bool,
) -> Result<(Answer, Meta)> {
    let route = request.route;
    let span = info_span!(
        "bud_sdk.call",
        backend = channel.spec.name,
        operation = request.operation,
        method = route.method.as_str(),
        path = route.path
    );
    let mut call = Exchange {
        channel,
        request,
        authenticate,
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
            .with_idempotent(route.idempotent)
    })
}

fn headers(parts: &Parts, options: &Options, whole: bool) -> Result<HeaderMap> {
    let mut headers = options.header_map()?;
    headers.entry(USER_AGENT).or_insert(AGENT);
    headers.entry(ACCEPT).or_insert(if whole { JSON } else { ANY });
    if parts.body.is_some() {
        headers.insert(CONTENT_TYPE, parts.content_type.clone().unwrap_or(JSON));
    }
    headers.extend(parts.headers.iter().map(|(name, value)| (HeaderName::from_static(name), value.clone())));
    Ok(headers)
}
