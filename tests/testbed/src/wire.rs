//! A raw TCP server that plays one script per connection, for faults that no HTTP library would commit.

use std::collections::VecDeque;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use tokio::net::TcpListener;
use tokio::task::{JoinHandle, JoinSet};

use crate::log::{Log, SeenRequest};
use crate::script::{Script, play};

/// A scripted TCP server. It stops when it is dropped.
#[derive(Debug)]
pub struct Wire {
    addr: SocketAddr,
    url: String,
    shared: Arc<Shared>,
    task: JoinHandle<()>,
}

#[derive(Default)]
struct Shared {
    log: Log,
    connections: AtomicUsize,
    written: AtomicU64,
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shared").finish_non_exhaustive()
    }
}

/// Options of a [`Wire`].
#[derive(Debug, Clone)]
pub struct WireBuilder {
    bind: String,
    repeat_last: bool,
}

impl WireBuilder {
    /// Where to listen; `127.0.0.1:0` unless said otherwise. `127.0.0.2:0` serves as another host.
    #[must_use]
    pub fn bind(mut self, address: &str) -> Self {
        self.bind = address.to_owned();
        self
    }

    /// Lets the last script play for every further connection. Otherwise these are closed at once.
    #[must_use]
    pub fn repeat_last(mut self) -> Self {
        self.repeat_last = true;
        self
    }

    /// Starts to listen.
    ///
    /// # Errors
    /// When the address cannot be bound.
    pub async fn start<S: Into<Script>>(self, scripts: impl IntoIterator<Item = S>) -> io::Result<Wire> {
        let listener = TcpListener::bind(&self.bind).await?;
        let addr = listener.local_addr()?;
        let shared = Arc::new(Shared::default());
        let scripts = scripts.into_iter().map(Into::into).collect();
        let task = tokio::spawn(accept(listener, scripts, self.repeat_last, Arc::clone(&shared)));
        Ok(Wire { addr, url: format!("http://{addr}"), shared, task })
    }
}

async fn accept(
    listener: TcpListener,
    mut scripts: VecDeque<Script>,
    repeat_last: bool,
    shared: Arc<Shared>,
) {
    // Dropped with this task, and every connection with it.
    let mut playing = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            Some(_) = playing.join_next() => continue,
        };
        let Ok((stream, _)) = accepted else { continue };
        let _ = stream.set_nodelay(true);
        let number = shared.connections.fetch_add(1, Ordering::SeqCst);
        let script =
            if repeat_last && scripts.len() == 1 { scripts.front().cloned() } else { scripts.pop_front() };
        let shared = Arc::clone(&shared);
        playing.spawn(async move {
            play(script.unwrap_or_default(), stream, number, &shared.log, &shared.written).await;
        });
    }
}

impl Wire {
    /// Options before the start.
    pub fn builder() -> WireBuilder {
        WireBuilder { bind: "127.0.0.1:0".to_owned(), repeat_last: false }
    }

    /// Starts on a free port of 127.0.0.1; one script per connection, in order.
    ///
    /// # Errors
    /// When no port can be bound.
    pub async fn start<S: Into<Script>>(scripts: impl IntoIterator<Item = S>) -> io::Result<Self> {
        Self::builder().start(scripts).await
    }

    /// An URL on 127.0.0.1 where nothing listens: connecting is refused.
    ///
    /// # Errors
    /// When no port can be bound.
    pub async fn refused_url() -> io::Result<String> {
        let addr = TcpListener::bind("127.0.0.1:0").await?.local_addr()?;
        Ok(format!("http://{addr}"))
    }

    /// `http://ADDRESS:PORT`.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Where it listens.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// The requests that `ReadRequest` steps read.
    pub fn requests(&self) -> Vec<SeenRequest> {
        self.shared.log.all()
    }

    /// How many connections were accepted.
    pub fn connections(&self) -> usize {
        self.shared.connections.load(Ordering::SeqCst)
    }

    /// How many bytes the sockets took, over all connections.
    pub fn bytes_written(&self) -> u64 {
        self.shared.written.load(Ordering::Relaxed)
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        self.task.abort();
    }
}
