//! Calls without async: the same client and the same handles, with `.send()` where async code has `.await`.
//!
//! ```no_run
//! use bud_sdk::Client;
//! use bud_sdk::blocking::Blocking;
//!
//! fn main() -> bud_sdk::Result<()> {
//!     let bud = Client::from_env()?;
//!     let user = bud.users().get("8f14e45f-ceea-467f-a0e6-4b6d1f3c2a10").send()?;
//!     println!("{}", user.email.as_deref().unwrap_or("no e-mail"));
//!     for project in bud.projects().list().iter() {
//!         println!("{}", project?.id);
//!     }
//!     bud.auth().logout().send()
//! }
//! ```
//!
//! What can be awaited can be sent, async functions included: `list.all().send()`, `export.write_to("audit.csv").send()`,
//! `bud.flavor().send()`. What is a stream can be iterated, with [`BlockingStream`] in scope: `list.pages().iter()`,
//! `export.records().iter()`. Clients may be used from any number of threads at once.
//!
//! The network is served by one thread, for all clients. It begins with the first call and lives as long as the program,
//! so that connections stay open between calls and a token that is being renewed arrives.
//!
//! Inside an async runtime there is nothing to block on: such a call is refused with [`Config`](crate::ErrorKind::Config)
//! before anything is sent. That holds for tokio's `spawn_blocking` too, where `Handle::current().block_on(..)` does it.

use std::fmt;
use std::future::IntoFuture;
use std::sync::OnceLock;

use futures_core::Stream;
use futures_util::StreamExt;
use tokio::runtime::{Builder, Handle, Runtime};

use crate::call::{Items, List};
use crate::error::{Error, Result};
use crate::operation::Paged;

/// Sends what could be awaited, and waits for its result on this thread.
pub trait Blocking {
    /// What comes back.
    type Output;
    /// Sends it.
    ///
    /// # Errors
    /// Those of the call; [`Config`](crate::ErrorKind::Config) inside an async runtime, or when no thread can be had.
    fn send(self) -> Result<Self::Output>;
}

impl<F: IntoFuture<Output = Result<T>>, T> Blocking for F {
    type Output = T;
    fn send(self) -> Result<T> {
        runtime()?.block_on(self.into_future())
    }
}

/// The runtime of all blocking calls. A failure is not remembered: threads may be had a moment later.
fn runtime() -> Result<&'static Runtime> {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    // Only a thread that is known to be in no runtime can block without a panic.
    if !Handle::try_current().is_err_and(|error| error.is_missing_context()) {
        return Err(Error::config("blocking call inside an async runtime; await it instead"));
    }
    if let Some(runtime) = RUNTIME.get() {
        return Ok(runtime);
    }
    // A worker of its own: with a runtime that runs only during calls, kept connections would die unnoticed between them.
    let runtime = Builder::new_multi_thread().worker_threads(1).thread_name("bud-sdk").enable_all().build();
    let runtime = runtime.map_err(|error| {
        Error::config("the thread for blocking calls cannot be started").with_source(error)
    })?;
    Ok(RUNTIME.get_or_init(|| runtime))
}

/// Reads a stream item by item on this thread.
pub trait BlockingStream: Sized {
    /// The items. See [`Iter`].
    fn iter(self) -> Iter<Self>;
}

impl<S: Stream<Item = Result<T>> + Unpin, T> BlockingStream for S {
    fn iter(self) -> Iter<Self> {
        Iter { inner: self, refused: false }
    }
}

impl<O: Paged> List<O> {
    /// The list item by item, without async. See [`blocking`](crate::blocking).
    pub fn iter(self) -> Iter<Items<O>> {
        self.items().iter()
    }
}

/// The items of a stream, fetched as they are asked for. After an error there are no more.
#[must_use = "items are fetched when they are asked for"]
pub struct Iter<S> {
    inner: S,
    refused: bool,
}

impl<S> Iter<S> {
    /// The stream, as far as it was read. That of a list says where it stands.
    pub fn into_inner(self) -> S {
        self.inner
    }
}

impl<S: Stream<Item = Result<T>> + Unpin, T> Iterator for Iter<S> {
    type Item = Result<T>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.refused {
            return None;
        }
        match runtime() {
            Ok(runtime) => runtime.block_on(self.inner.next()),
            Err(error) => {
                self.refused = true;
                Some(Err(error))
            }
        }
    }
}

impl<S> fmt::Debug for Iter<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Iter").finish_non_exhaustive()
    }
}
