//! The accept loop and what every request passes: log, faults, rate limits, the API, journal.

use std::collections::{HashMap, VecDeque};
use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use axum::body::Body;
use bytes::Bytes;
use futures_util::StreamExt;
use http::{HeaderValue, Request, Response, header};
use hyper::body::{Body as _, Incoming};
use hyper::service::{Service, service_fn};
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, watch};
use tokio::task::JoinSet;

use crate::fault::{Fault, Faults};
use crate::guide;
use crate::ids;
use crate::lock;
use crate::log::{Journal, Log, SeenRequest, fits};
use crate::options::{Builder, Flavor, Outage};
use crate::runtime;
use crate::runtime::world::World;
use crate::script::{Script, play};
use crate::state::Store;
use crate::state::sessions::Sessions;

/// No request of this API is larger.
const BODY_LIMIT: usize = 16 * 1024 * 1024;

/// Everything that a server holds, whatever dialect it speaks.
pub(crate) struct Core {
    pub(crate) options: Builder,
    pub(crate) store: Mutex<Store>,
    /// What the dialect of the platform as shipped knows beyond that. Locked after the store.
    pub(crate) world: Mutex<World>,
    pub(crate) sessions: Mutex<Sessions>,
    pub(crate) log: Log,
    pub(crate) faults: Faults,
    pub(crate) scripts: Mutex<VecDeque<Script>>,
    pub(crate) refresh_delay: Mutex<Duration>,
    pub(crate) outage: Mutex<Option<Outage>>,
    /// A change asks every connection to end after what it is doing.
    pub(crate) hang_up: watch::Sender<()>,
    pub(crate) journal: Journal,
    windows: Mutex<HashMap<usize, (Instant, u32)>>,
    scripted_bytes: AtomicU64,
    pub(crate) connections: AtomicUsize,
}

/// Where a request came from.
#[derive(Clone, Copy)]
pub(crate) struct Peer(pub(crate) SocketAddr);

impl Core {
    pub(crate) fn new(options: Builder, store: Store, admin_id: &str) -> io::Result<Self> {
        Ok(Self {
            sessions: Mutex::new(Sessions::new(options.access_ttl, options.refresh_ttl)),
            store: Mutex::new(store),
            world: Mutex::new(World::new(admin_id)),
            options,
            log: Log::default(),
            faults: Faults::default(),
            scripts: Mutex::default(),
            refresh_delay: Mutex::default(),
            outage: Mutex::default(),
            hang_up: watch::Sender::new(()),
            journal: Journal::from_env()?,
            windows: Mutex::default(),
            scripted_bytes: AtomicU64::new(0),
            connections: AtomicUsize::new(0),
        })
    }

    fn templates(&self) -> &'static [&'static str] {
        match self.options.flavor {
            Flavor::Guide => guide::TEMPLATES,
            Flavor::Runtime => runtime::TEMPLATES,
        }
    }

    /// The seconds to wait, when a limit of this route is used up.
    fn limited(&self, method: &str, path: &str) -> Option<u64> {
        let mut windows = lock(&self.windows);
        for (index, limit) in self.options.rate_limits.iter().enumerate() {
            if (limit.method != "*" && limit.method != method) || !fits(&limit.template, path) {
                continue;
            }
            let now = Instant::now();
            let window = windows.entry(index).or_insert((now, 0));
            if now.duration_since(window.0) >= limit.window {
                *window = (now, 0);
            }
            window.1 = window.1.saturating_add(1);
            if window.1 > limit.requests {
                let left = limit.window.saturating_sub(now.duration_since(window.0));
                // Rounded up: who waits that long finds the window open.
                return Some(left.as_secs() + u64::from(left.subsec_nanos() > 0));
            }
        }
        None
    }
}

/// Accepts until it is aborted; every connection ends with it.
pub(crate) async fn serve(listener: TcpListener, core: Arc<Core>) {
    let api = TowerToHyperService::new(match core.options.flavor {
        Flavor::Guide => guide::router(Arc::clone(&core)),
        Flavor::Runtime => runtime::router(Arc::clone(&core)),
    });
    let mut open = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            Some(_) = open.join_next() => continue,
        };
        let Ok((stream, peer)) = accepted else { continue };
        let _ = stream.set_nodelay(true);
        let number = core.connections.fetch_add(1, Ordering::SeqCst);
        let core = Arc::clone(&core);
        let script = lock(&core.scripts).pop_front();
        match script {
            Some(script) => {
                open.spawn(async move {
                    play(script, stream, number, &core.log, &core.scripted_bytes).await;
                });
            }
            None => {
                let api = api.clone();
                open.spawn(connection(core, api, stream, peer, number));
            }
        }
    }
}

type Api = TowerToHyperService<axum::Router>;

async fn connection(core: Arc<Core>, api: Api, stream: TcpStream, peer: SocketAddr, number: usize) {
    let control = Arc::new(Control::default());
    let mut hang_up = core.hang_up.subscribe();
    let io = TokioIo::new(Plug { stream, control: Arc::clone(&control) });
    let service = service_fn(|request| answer(&core, &api, &control, Peer(peer), number, request));
    let mut http = std::pin::pin!(hyper::server::conn::http1::Builder::new().serve_connection(io, service));
    // An error here is a peer that went away or a fault that was asked for.
    tokio::select! {
        _ = http.as_mut() => return,
        _ = hang_up.changed() => http.as_mut().graceful_shutdown(),
    }
    let _ = http.await;
}

/// Ends the connection without an answer.
#[derive(Debug)]
struct HangUp;

impl std::fmt::Display for HangUp {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("hung up")
    }
}

impl std::error::Error for HangUp {}

async fn answer(
    core: &Core,
    api: &Api,
    control: &Arc<Control>,
    peer: Peer,
    number: usize,
    request: Request<Incoming>,
) -> Result<Response<Body>, HangUp> {
    if control.crashed.load(Ordering::SeqCst) {
        control.reset.store(true, Ordering::SeqCst);
        return Err(HangUp);
    }
    let (mut parts, body) = request.into_parts();
    let method = parts.method.as_str().to_owned();
    let target = parts.uri.path_and_query().map_or_else(|| parts.uri.to_string(), ToString::to_string);
    let headers = parts
        .headers
        .iter()
        .map(|(name, value)| (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned()))
        .collect();
    let seen = SeenRequest::new(&method, &target, headers, number);
    let path = seen.path.clone();
    let ticket = core.log.arrived(seen);
    let body = axum::body::to_bytes(Body::new(body), BODY_LIMIT).await.map_err(|_| HangUp)?;
    core.log.update(ticket, |seen| seen.body = body.to_vec());

    parts.extensions.insert(peer);
    let request = Request::from_parts(parts, Body::from(body));
    let fault = core.faults.pick(&method, &path);
    let own = if fault.as_ref().is_none_or(Fault::carries_out) {
        let answered = match core.limited(&method, &path) {
            Some(wait) => match core.options.flavor {
                Flavor::Guide => guide::too_many(wait),
                Flavor::Runtime => runtime::too_many(wait),
            },
            None => api.call(request).await.unwrap_or_else(|never: Infallible| match never {}),
        };
        let template = core.templates().iter().find(|template| fits(template, &path));
        // Only what the API itself answered: an answer that a fault made up proves nothing.
        core.journal.note(
            core.options.flavor.as_str(),
            &method,
            template.unwrap_or(&"(none)"),
            answered.status().as_u16(),
        );
        if answered.extensions().get::<runtime::Crash>().is_some() {
            control.crashed.store(true, Ordering::SeqCst);
        }
        Some(answered)
    } else {
        None
    };
    let mut response = match (fault, own) {
        (None, Some(own)) => own,
        (None, None) => return Err(HangUp),
        (Some(fault), own) => {
            tokio::time::sleep(fault.delay).await;
            if fault.hangs_up() {
                control.reset.store(fault.reset, Ordering::SeqCst);
                return Err(HangUp);
            }
            torture(fault.spoil(own).await, &fault, control)
        }
    };
    if !response.headers().contains_key("x-request-id")
        && let Ok(id) = HeaderValue::from_str(&ids::uuid())
    {
        response.headers_mut().insert("x-request-id", id);
    }
    core.log.update(ticket, |seen| seen.status = Some(response.status().as_u16()));
    Ok(response)
}

/// Drips or cuts the body. What the head says of its length stays, so that a cut shows.
fn torture(response: Response<Body>, fault: &Fault, control: &Arc<Control>) -> Response<Body> {
    if fault.drip.is_none() && fault.cut().is_none() {
        return response;
    }
    let (mut parts, body) = response.into_parts();
    if let Some(length) = body.size_hint().exact() {
        parts.headers.entry(header::CONTENT_LENGTH).or_insert(HeaderValue::from(length));
    }
    let mut stream: Pin<Box<dyn futures_util::Stream<Item = io::Result<Bytes>> + Send>> =
        Box::pin(body.into_data_stream().map(|chunk| chunk.map_err(io::Error::other)));
    if let Some(limit) = fault.cut() {
        let control = Arc::clone(control);
        let reset = fault.reset;
        stream = Box::pin(futures_util::stream::unfold((stream, limit), move |(mut stream, left)| {
            let control = Arc::clone(&control);
            async move {
                if left > 0
                    && let Some(Ok(chunk)) = stream.next().await
                {
                    let chunk = chunk.slice(..chunk.len().min(left));
                    let left = left - chunk.len();
                    return Some((Ok(chunk), (stream, left)));
                }
                // Not before the socket has everything up to here.
                control.flushed().await;
                control.reset.store(reset, Ordering::SeqCst);
                Some((Err(io::Error::other("cut")), (stream, 0)))
            }
        }));
    }
    if let Some(pause) = fault.drip {
        let bytes = stream.flat_map(|chunk| {
            futures_util::stream::iter(match chunk {
                Ok(chunk) => (0..chunk.len()).map(|at| Ok(chunk.slice(at..=at))).collect::<Vec<_>>(),
                Err(error) => vec![Err(error)],
            })
        });
        stream = Box::pin(bytes.then(move |byte| async move {
            tokio::time::sleep(pause).await;
            byte
        }));
    }
    Response::from_parts(parts, Body::from_stream(stream))
}

/// What a request's handling may ask of its socket.
#[derive(Default)]
struct Control {
    reset: AtomicBool,
    /// The next request on this connection finds it broken.
    crashed: AtomicBool,
    waiting: AtomicBool,
    flush: Notify,
}

impl Control {
    async fn flushed(&self) {
        self.waiting.store(true, Ordering::SeqCst);
        self.flush.notified().await;
    }
}

/// A socket that tells when it is flushed and can end with a reset.
struct Plug {
    stream: TcpStream,
    control: Arc<Control>,
}

impl Drop for Plug {
    fn drop(&mut self) {
        if self.control.reset.load(Ordering::SeqCst) {
            let _ = self.stream.set_zero_linger();
        }
    }
}

impl AsyncRead for Plug {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl AsyncWrite for Plug {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        // hyper flushes the socket only when its own buffer is empty.
        if self.control.waiting.swap(false, Ordering::SeqCst) {
            self.control.flush.notify_one();
        }
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}

/// Binds before anything is spawned, so that an occupied port is an error and not a dead server.
pub(crate) async fn listen(port: u16) -> io::Result<TcpListener> {
    TcpListener::bind(("127.0.0.1", port)).await
}
