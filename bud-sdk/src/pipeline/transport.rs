//! The wire: one request out, one answer in. The only file that knows reqwest.

use std::error::Error as StdError;
use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use futures_core::Stream;
use http::HeaderMap;
use url::Url;

use super::{BoxFuture, TlsRoots};
use crate::api::Method;
use crate::error::{Error, ErrorKind, Result};

/// A request, ready to go.
pub(crate) struct Outgoing {
    pub(crate) method: Method,
    pub(crate) url: Url,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Option<Bytes>,
}

/// An answer whose body has not been read.
pub(crate) struct Incoming {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    /// The end of the body is marked by the protocol, so that a body that was cut is noticed.
    pub(crate) framed: bool,
    pub(crate) body: Body,
}

/// A body as it arrives.
pub(crate) struct Body(Pin<Box<dyn Stream<Item = Result<Bytes, Failure>> + Send>>);

impl Stream for Body {
    type Item = Result<Bytes, Failure>;
    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0.as_mut().poll_next(cx)
    }
}

impl Body {
    pub(crate) fn new(stream: impl Stream<Item = Result<Bytes, Failure>> + Send + 'static) -> Self {
        Self(Box::pin(stream))
    }
    pub(crate) async fn next(&mut self) -> Option<Result<Bytes, Failure>> {
        std::future::poll_fn(|cx| self.0.as_mut().poll_next(cx)).await
    }
}

/// Why there was no answer, or why it broke off.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) kind: ErrorKind,
    /// The request, or a part of it, may have reached the server.
    pub(crate) sent: bool,
    /// Another try may go better.
    pub(crate) transient: bool,
    pub(crate) message: String,
}

impl Failure {
    pub(crate) fn new(kind: ErrorKind, sent: bool, message: impl Into<String>) -> Self {
        let transient = matches!(kind, ErrorKind::Connect | ErrorKind::Timeout | ErrorKind::Interrupted);
        Self { kind, sent, transient, message: message.into() }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

/// What carries requests: reqwest, or a script in tests.
pub(crate) trait Transport: Send + Sync {
    fn send(&self, request: Outgoing) -> BoxFuture<'static, Result<Incoming, Failure>>;
}

/// How connections are made.
#[derive(Debug, Clone)]
pub(crate) struct Connector {
    pub(crate) connect_timeout: Duration,
    pub(crate) use_proxy: bool,
    pub(crate) roots: TlsRoots,
}

impl Connector {
    pub(crate) fn build(&self) -> Result<ReqwestTransport> {
        let mut builder = reqwest::Client::builder()
            // No redirect is followed: a follower re-sends tokens and bodies to foreign hosts.
            .redirect(reqwest::redirect::Policy::none())
            // Retries are ours: one place decides, counts and reports.
            .retry(reqwest::retry::never())
            .referer(false)
            .tcp_nodelay(true)
            .connect_timeout(self.connect_timeout)
            .tls_backend_preconfigured(self.roots.config()?);
        if !self.use_proxy {
            builder = builder.no_proxy();
        }
        let client = builder.build().map_err(|error| {
            Error::config("the HTTP client cannot be built").with_source(error.without_url())
        })?;
        Ok(ReqwestTransport(client))
    }
}

pub(crate) struct ReqwestTransport(reqwest::Client);

impl Transport for ReqwestTransport {
    fn send(&self, request: Outgoing) -> BoxFuture<'static, Result<Incoming, Failure>> {
        let method = match request.method {
            Method::Get => reqwest::Method::GET,
            Method::Post => reqwest::Method::POST,
            Method::Put => reqwest::Method::PUT,
            Method::Patch => reqwest::Method::PATCH,
            Method::Delete => reqwest::Method::DELETE,
        };
        let secure = request.url.scheme() == "https";
        let mut outgoing = reqwest::Request::new(method, request.url);
        *outgoing.headers_mut() = request.headers;
        *outgoing.body_mut() = request.body.map(reqwest::Body::from);
        let answer = self.0.execute(outgoing);
        Box::pin(async move {
            let response = answer.await.map_err(|error| explain(error, secure))?;
            let headers = response.headers();
            // The end is marked by a length or by chunks.
            let framed = headers.contains_key(http::header::CONTENT_LENGTH)
                || headers.contains_key(http::header::TRANSFER_ENCODING);
            Ok(Incoming {
                status: response.status().as_u16(),
                framed,
                headers: headers.clone(),
                body: Body::new(Chunks { inner: Box::pin(response.bytes_stream()), secure }),
            })
        })
    }
}

struct Chunks<S> {
    inner: Pin<Box<S>>,
    secure: bool,
}

impl<S: Stream<Item = reqwest::Result<Bytes>>> Stream for Chunks<S> {
    type Item = Result<Bytes, Failure>;
    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let secure = self.secure;
        self.inner.as_mut().poll_next(cx).map_err(|error| explain(error, secure))
    }
}

/// Says what happened without the URL, whose query may hold something private.
fn explain(error: reqwest::Error, secure: bool) -> Failure {
    let sent = !error.is_connect();
    let timed_out = error.is_timeout();
    let error = error.without_url();
    if let Some(tls) = find::<rustls::Error>(&error) {
        let hint = match tls {
            rustls::Error::InvalidMessage(_) => " (does this port speak TLS?)",
            _ => "",
        };
        // Only before the handshake is done is it certain that nothing was sent.
        let kind = if sent { ErrorKind::Interrupted } else { ErrorKind::Tls };
        return Failure::new(kind, sent, format!("TLS: {tls}{hint}"));
    }
    if timed_out {
        let what = if sent { "the connection went silent" } else { "no connection in time" };
        return Failure::new(ErrorKind::Timeout, sent, what);
    }
    if !sent {
        return Failure::new(ErrorKind::Connect, false, format!("no connection: {}", root_cause(&error)));
    }
    if let Some(http) = find::<hyper::Error>(&error).filter(|http| http.is_parse()) {
        let hint = if secure { "" } else { " (does this port speak TLS, or another protocol?)" };
        return Failure::new(ErrorKind::Protocol, true, format!("the answer is not HTTP: {http}{hint}"));
    }
    if causes(&error).any(|cause| cause.to_string() == UNASKED) {
        // Either another protocol, or what a kept connection's last answer left behind: a new connection tells.
        let message = "the server spoke before it was asked (does this port speak another protocol?)";
        return Failure { transient: true, ..Failure::new(ErrorKind::Protocol, true, message) };
    }
    let malformed = |io: &std::io::Error| {
        matches!(io.kind(), std::io::ErrorKind::InvalidInput | std::io::ErrorKind::InvalidData)
    };
    if let Some(io) = find::<std::io::Error>(&error).filter(|io| malformed(io)) {
        return Failure::new(ErrorKind::Protocol, true, format!("the answer breaks the rules of HTTP: {io}"));
    }
    Failure::new(ErrorKind::Interrupted, true, format!("the connection broke: {}", root_cause(&error)))
}

/// hyper's words for bytes that arrive on a connection where nothing was asked; it has no predicate for them.
const UNASKED: &str = "received unexpected message from connection";

/// The causes of an error, itself first; also those that an I/O error hides inside.
fn causes<'a>(error: &'a (dyn StdError + 'static)) -> impl Iterator<Item = &'a (dyn StdError + 'static)> {
    fn cause<'a>(error: &'a (dyn StdError + 'static)) -> Option<&'a (dyn StdError + 'static)> {
        match error.downcast_ref::<std::io::Error>() {
            Some(io) => io.get_ref().map(|inner| inner as _),
            None => error.source(),
        }
    }
    std::iter::successors(Some(error), |error| cause(*error))
}

fn find<'a, T: StdError + 'static>(error: &'a (dyn StdError + 'static)) -> Option<&'a T> {
    causes(error).find_map(|cause| cause.downcast_ref())
}

fn root_cause(error: &(dyn StdError + 'static)) -> String {
    causes(error).last().map(ToString::to_string).unwrap_or_default()
}
