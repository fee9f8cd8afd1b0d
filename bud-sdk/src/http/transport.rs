//! The wire: one request out, one answer in. The only file that knows reqwest.

use std::borrow::Cow;
use std::error::Error as StdError;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use futures_core::Stream;
use http::HeaderMap;
use url::Url;

use super::backend::Mask;
use super::{BoxFuture, Proxy, Slot, TlsRoots};
use crate::error::{Error, ErrorKind, Result};
use crate::operation::{Method, clean};

/// A request, ready to go.
pub(crate) struct Outgoing {
    pub(crate) method: Method,
    pub(crate) url: Url,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Option<Bytes>,
}

impl Outgoing {
    /// The method as the libraries for HTTP have it.
    pub(crate) fn method(&self) -> http::Method {
        match self.method {
            Method::Get => http::Method::GET,
            Method::Post => http::Method::POST,
            Method::Put => http::Method::PUT,
            Method::Patch => http::Method::PATCH,
            Method::Delete => http::Method::DELETE,
        }
    }
}

/// An answer whose body has not been read.
pub(crate) struct Incoming {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    /// The end of the body is marked by the protocol, so that a body that was cut is noticed.
    pub(crate) framed: bool,
    pub(crate) body: Body,
}

impl Incoming {
    pub(crate) fn new(status: u16, headers: HeaderMap, body: Body) -> Self {
        // The end is marked by a length or by chunks.
        let framed = headers.contains_key(http::header::CONTENT_LENGTH)
            || headers.contains_key(http::header::TRANSFER_ENCODING);
        Self { status, headers, framed, body }
    }
}

/// A body as it arrives.
pub(crate) struct Body {
    stream: Pin<Box<dyn Stream<Item = Result<Bytes, Failure>> + Send>>,
    /// Of the connection that it arrives on.
    slot: Option<Slot>,
}

impl Stream for Body {
    type Item = Result<Bytes, Failure>;
    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.stream.as_mut().poll_next(cx)
    }
}

impl Body {
    pub(crate) fn new(stream: impl Stream<Item = Result<Bytes, Failure>> + Send + 'static) -> Self {
        Self { stream: Box::pin(stream), slot: None }
    }
    /// Keeps the connection until the body is dropped.
    pub(super) fn hold(&mut self, slot: Slot) {
        self.slot = Some(slot);
    }
    pub(crate) async fn next(&mut self) -> Option<Result<Bytes, Failure>> {
        std::future::poll_fn(|cx| self.stream.as_mut().poll_next(cx)).await
    }
}

/// Why there was no answer, or why it broke off.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub(crate) struct Failure {
    pub(crate) kind: ErrorKind,
    /// The request, or a part of it, may have reached the server.
    pub(crate) sent: bool,
    /// Another try may go better.
    pub(crate) transient: bool,
    pub(crate) message: String,
    /// Who is to blame, where it is not the server.
    pub(crate) peer: Option<String>,
    /// What to do, where more is known than the kind says.
    pub(crate) hint: Option<Cow<'static, str>>,
}

impl Failure {
    pub(crate) fn new(kind: ErrorKind, sent: bool, message: impl Into<String>) -> Self {
        let transient = matches!(kind, ErrorKind::Connect | ErrorKind::Timeout | ErrorKind::Interrupted);
        Self { kind, sent, transient, message: message.into(), peer: None, hint: None }
    }

    /// The failure as an error of a request to this URL.
    pub(crate) fn into_error(self, url: &Url, mask: Mask<'_>) -> Error {
        let message = match (self.peer, self.kind) {
            (Some(peer), _) => format!("{peer}: {}", self.message),
            (None, ErrorKind::Connect | ErrorKind::Tls) => format!("{}: {}", address(url), self.message),
            (None, _) => self.message,
        };
        let error = Error::new(self.kind, clean(&mask(&message), 500));
        match (self.hint, self.kind) {
            (Some(hint), _) => error.with_hint(hint),
            (None, ErrorKind::Connect) => {
                error.with_hint("nothing was sent; check the base URL and the network")
            }
            (None, _) => error,
        }
    }

    pub(crate) fn hint(self, hint: impl Into<Cow<'static, str>>) -> Self {
        Self { hint: Some(hint.into()), ..self }
    }

    /// Another try would end the same way.
    fn permanent(self) -> Self {
        Self { transient: false, ..self }
    }
}

/// A server as errors call it.
pub(crate) fn address(url: &Url) -> String {
    let (host, port) = (url.host_str().unwrap_or_default(), url.port_or_known_default().unwrap_or_default());
    format!("{host}:{port}")
}

/// What carries requests: reqwest, the client for Kubernetes, or a script in tests.
pub(crate) trait Transport: Send + Sync {
    fn send(&self, request: Outgoing) -> BoxFuture<'static, Result<Incoming, Failure>>;
}

/// How connections are made.
#[derive(Debug, Clone)]
pub(crate) struct Connector {
    pub(crate) connect_timeout: Duration,
    pub(crate) proxy: Option<Proxy>,
    pub(crate) roots: TlsRoots,
    /// Whether the server is reached by https. Without it no certificate is needed, and none has to be found.
    pub(crate) secure: bool,
    /// How many idle connections are kept for later calls.
    pub(crate) connections: usize,
}

impl Connector {
    pub(crate) fn build(&self) -> Result<ReqwestTransport> {
        let tls = if self.secure { self.roots.config() } else { TlsRoots::none() };
        let mut builder = reqwest::Client::builder()
            // No redirect is followed: a follower re-sends tokens and bodies to foreign hosts.
            .redirect(reqwest::redirect::Policy::none())
            // Retries are ours: one place decides, counts and reports.
            .retry(reqwest::retry::never())
            .referer(false)
            // Another crate of the same program may enable these features of reqwest, for this client too.
            .no_gzip()
            .no_deflate()
            .no_brotli()
            .no_zstd()
            .no_hickory_dns()
            .http1_only()
            .pool_max_idle_per_host(self.connections)
            .tcp_nodelay(true)
            .connect_timeout(self.connect_timeout)
            .tls_backend_preconfigured(tls?)
            // The environment is read by this crate, which checks it.
            .no_proxy();
        if let Some(proxy) = &self.proxy {
            builder = builder.proxy(through(proxy)?);
        }
        let client = builder.build().map_err(|error| {
            Error::config("the HTTP client cannot be built").with_source(error.without_url())
        })?;
        let proxy = self.proxy.as_ref().map(|proxy| (proxy.name(), proxy.place.clone()));
        Ok(ReqwestTransport { client, way: Arc::new(Way { secure: self.secure, proxy }) })
    }
}

fn through(proxy: &Proxy) -> Result<reqwest::Proxy> {
    let refused = |why: &str| {
        Error::config(format!("{}: {why}", proxy.place)).with_hint(
            "set HTTPS_PROXY to an http proxy, name the server in NO_PROXY, or use builder.no_proxy",
        )
    };
    if proxy.is_socks() {
        return Err(refused("SOCKS proxies are not supported for the API"));
    }
    let through = reqwest::Proxy::all(proxy.url.clone()).map_err(|_| refused("not a usable proxy"))?;
    Ok(match proxy.basic_auth() {
        Some(header) => through.custom_http_auth(header),
        None => through,
    })
}

pub(crate) struct ReqwestTransport {
    client: reqwest::Client,
    way: Arc<Way>,
}

/// What a failure is explained with.
struct Way {
    secure: bool,
    /// The proxy as errors call it, and where it was set.
    proxy: Option<(String, String)>,
}

impl Transport for ReqwestTransport {
    fn send(&self, request: Outgoing) -> BoxFuture<'static, Result<Incoming, Failure>> {
        let way = self.way.clone();
        let mut outgoing = reqwest::Request::new(request.method(), request.url);
        *outgoing.headers_mut() = request.headers;
        *outgoing.body_mut() = request.body.map(reqwest::Body::from);
        let answer = self.client.execute(outgoing);
        Box::pin(async move {
            let response = answer.await.map_err(|error| way.explain(error))?;
            let (status, headers) = (response.status().as_u16(), response.headers().clone());
            let body = Body::new(Chunks { inner: Box::pin(response.bytes_stream()), way });
            Ok(Incoming::new(status, headers, body))
        })
    }
}

struct Chunks<S> {
    inner: Pin<Box<S>>,
    way: Arc<Way>,
}

impl<S: Stream<Item = reqwest::Result<Bytes>>> Stream for Chunks<S> {
    type Item = Result<Bytes, Failure>;
    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.inner.as_mut().poll_next(cx).map_err(|error| self.way.explain(error))
    }
}

impl Way {
    /// Says what happened without the URL, whose query may hold something private.
    fn explain(&self, error: reqwest::Error) -> Failure {
        let sent = !error.is_connect();
        let timed_out = error.is_timeout();
        let error = error.without_url();
        if let Some(failure) = own_fault(&error, sent) {
            return failure;
        }
        if let Some(tls) = find::<rustls::Error>(&error) {
            return self.tls(tls, sent, &error);
        }
        if timed_out {
            return match sent {
                true => Failure::new(ErrorKind::Timeout, true, "the connection went silent"),
                false => self.unsent(Failure::new(ErrorKind::Timeout, false, "no connection in time")),
            };
        }
        if !sent {
            return self.unconnected(&error);
        }
        if let Some(http) = find::<hyper::Error>(&error).filter(|http| http.is_parse()) {
            let hint = if self.secure { "" } else { " (does this port speak TLS, or another protocol?)" };
            return Failure::new(ErrorKind::Protocol, true, format!("the answer is not HTTP: {http}{hint}"));
        }
        if says(&error, UNASKED) {
            // Either another protocol, or what a kept connection's last answer left behind: a new connection shows which.
            let message = "the server spoke before it was asked (does this port speak another protocol?)";
            return Failure { transient: true, ..Failure::new(ErrorKind::Protocol, true, message) };
        }
        let malformed = |io: &std::io::Error| {
            matches!(io.kind(), std::io::ErrorKind::InvalidInput | std::io::ErrorKind::InvalidData)
        };
        if let Some(io) = find::<std::io::Error>(&error).filter(|io| malformed(io)) {
            let message = format!("the answer breaks the rules of HTTP: {io}");
            return Failure::new(ErrorKind::Protocol, true, message);
        }
        Failure::new(ErrorKind::Interrupted, true, format!("the connection broke: {}", root_cause(&error)))
    }

    fn tls(&self, tls: &rustls::Error, sent: bool, error: &reqwest::Error) -> Failure {
        // In TLS 1.3 the client has sent its request by the time it hears that the server refuses the handshake. The
        // server has then read no request.
        if let rustls::Error::AlertReceived(alert) = tls
            && let Some(certain) = refuses_client(*alert).filter(|certain| *certain || sent)
        {
            let message = match certain {
                true => "TLS: the server requires a client certificate".to_owned(),
                false => {
                    format!(
                        "TLS: the server refused the handshake ({alert:?}): it may require a client certificate"
                    )
                }
            };
            return Failure::new(ErrorKind::Tls, false, message).hint(NO_CLIENT_CERTIFICATES);
        }
        let hint = match tls {
            rustls::Error::InvalidMessage(_) => " (does this port speak TLS?)",
            _ => "",
        };
        // Only before the handshake is done is it certain that nothing was sent.
        let kind = if sent { ErrorKind::Interrupted } else { ErrorKind::Tls };
        let failure = Failure::new(kind, sent, format!("TLS: {tls}{hint}"));
        let failure = match tls {
            rustls::Error::AlertReceived(rustls::AlertDescription::HandshakeFailure) => failure.hint(
                "a server that requires a client certificate may answer like this; none can be given yet",
            ),
            _ => failure,
        };
        // Before the tunnel stands, the other side is the proxy.
        let proxy = self.proxy.as_ref().filter(|_| says(error, TUNNEL_CONNECT));
        Failure { peer: proxy.map(|(name, _)| name.clone()), ..failure }
    }

    fn unconnected(&self, error: &reqwest::Error) -> Failure {
        let failure = |message: &str| self.unsent(Failure::new(ErrorKind::Connect, false, message));
        if says(error, TUNNEL_AUTH) {
            let (_, place) = self.proxy.clone().unwrap_or_default();
            return failure("it requires a user name and password (407), or refuses the given ones")
                .permanent()
                .hint(format!("nothing was sent; write {place} as http://USER:PASSWORD@HOST:PORT"));
        }
        if says(error, TUNNEL_REFUSED) {
            return failure("it refused to connect to the server, or cannot reach it");
        }
        if says(error, TUNNEL_EOF) || says(error, TUNNEL_IO) {
            return failure("it closed the connection without an answer (is it an HTTP proxy?)");
        }
        failure(&format!("no connection: {}", root_cause(error)))
    }

    /// Blames the proxy for a connection that failed on the way to it, or at it.
    fn unsent(&self, failure: Failure) -> Failure {
        let Some((name, place)) = &self.proxy else { return failure };
        let hint = format!("nothing was sent; check {place}, or name the server in NO_PROXY");
        Failure { peer: Some(name.clone()), ..failure }.hint(hint)
    }
}

const NO_CLIENT_CERTIFICATES: &str = "nothing was processed; client certificates are not supported yet";

/// Whether this alert means that the server requires a client certificate: `Some(true)` for certain, `Some(false)` probably.
fn refuses_client(alert: rustls::AlertDescription) -> Option<bool> {
    use rustls::AlertDescription as Alert;
    match alert {
        Alert::CertificateRequired => Some(true),
        Alert::HandshakeFailure
        | Alert::NoCertificate
        | Alert::BadCertificate
        | Alert::UnsupportedCertificate
        | Alert::CertificateUnknown
        | Alert::AccessDenied => Some(false),
        _ => None,
    }
}

/// What no server or network is to blame for: this process, or this machine, has no file descriptor left.
pub(crate) fn own_fault(error: &(dyn StdError + 'static), sent: bool) -> Option<Failure> {
    /// `ENFILE` and `EMFILE` on Unix, and `WSAEMFILE`.
    const EXHAUSTED: [i32; 2] = if cfg!(windows) { [10024, 10024] } else { [23, 24] };
    let exhausted = |cause: &(dyn StdError + 'static)| {
        let io = cause.downcast_ref::<std::io::Error>();
        io.and_then(std::io::Error::raw_os_error).is_some_and(|code| EXHAUSTED.contains(&code))
    };
    if sent || !causes(error).any(exhausted) {
        return None;
    }
    let message = "no connection: this program has too many open files";
    let hint = "nothing was sent; raise the limit of open files (ulimit -n), or close some";
    Some(Failure::new(ErrorKind::Connect, false, message).permanent().hint(hint))
}

// The words of the tunnel's errors, whose type is private.
const TUNNEL_CONNECT: &str = "tunnel error: failed to create underlying connection";
const TUNNEL_AUTH: &str = "tunnel error: proxy authorization required";
const TUNNEL_REFUSED: &str = "tunnel error: unsuccessful";
const TUNNEL_EOF: &str = "tunnel error: unexpected end of file";
const TUNNEL_IO: &str = "tunnel error: io error establishing tunnel";

fn says(error: &(dyn StdError + 'static), words: &str) -> bool {
    causes(error).any(|cause| cause.to_string() == words)
}

/// hyper's words for bytes that arrive on a connection where nothing was asked; it has no predicate for them.
const UNASKED: &str = "received unexpected message from connection";

/// The causes of an error, itself first; also those that an I/O error hides inside.
pub(crate) fn causes<'a>(
    error: &'a (dyn StdError + 'static),
) -> impl Iterator<Item = &'a (dyn StdError + 'static)> {
    fn cause<'a>(error: &'a (dyn StdError + 'static)) -> Option<&'a (dyn StdError + 'static)> {
        match error.downcast_ref::<std::io::Error>() {
            Some(io) => io.get_ref().map(|inner| inner as _),
            None => error.source(),
        }
    }
    std::iter::successors(Some(error), |error| cause(*error))
}

/// The first of them that is of this type.
pub(crate) fn find<'a, T: StdError + 'static>(error: &'a (dyn StdError + 'static)) -> Option<&'a T> {
    causes(error).find_map(|cause| cause.downcast_ref())
}

fn root_cause(error: &(dyn StdError + 'static)) -> String {
    causes(error).last().map(ToString::to_string).unwrap_or_default()
}
