//! How results get into an event loop: one queue per loop, and one wake-up for all that waits in it.

use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use futures_util::FutureExt;
use pyo3::prelude::*;
use pyo3::types::PyList;
use tokio::task::AbortHandle;

use crate::output::Outcome;
use crate::runtime::engine;

/// The queue of one event loop.
#[pyclass(frozen, module = "bud_sdk._native")]
pub(crate) struct Bridge(Arc<Queue>);

#[derive(Default)]
struct Queue {
    state: Mutex<State>,
    filled: Condvar,
    signal: Signal,
}

#[derive(Default)]
struct State {
    done: Vec<(u64, Outcome)>,
    /// Something was put in since the last wait.
    fresh: bool,
    closed: bool,
}

impl Queue {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn push(&self, key: u64, outcome: Outcome) {
        let mut state = self.state();
        state.done.push((key, outcome));
        // Whoever put the first one in has woken the loop.
        let first = state.done.len() == 1;
        state.fresh |= first;
        drop(state);
        if first {
            self.filled.notify_one();
            self.signal.raise();
        }
    }
}

#[pymethods]
impl Bridge {
    #[new]
    fn new() -> PyResult<Self> {
        Ok(Self(Arc::new(Queue { signal: Signal::new()?, ..Queue::default() })))
    }

    /// A file descriptor that becomes readable when something is done; None where the system has no such thing.
    fn fileno(&self) -> Option<i32> {
        self.0.signal.fileno()
    }

    /// What is done: (key, succeeded, value) each.
    fn drain<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        self.0.signal.lower();
        let done = std::mem::take(&mut self.0.state().done);
        let list = PyList::empty(py);
        for (key, outcome) in done {
            match outcome.into_py(py) {
                Ok(value) => list.append((key, true, value))?,
                Err(error) => list.append((key, false, error.into_value(py)))?,
            }
        }
        Ok(list)
    }

    /// Waits, in a thread for it alone, until something is done. False: it was closed.
    fn wait(&self, py: Python<'_>) -> bool {
        py.detach(|| {
            let mut state = self.0.state();
            while !state.fresh && !state.closed {
                state = self.0.filled.wait(state).unwrap_or_else(PoisonError::into_inner);
            }
            state.fresh = false;
            !state.closed
        })
    }

    /// Ends the wait.
    fn close(&self) {
        self.0.state().closed = true;
        self.0.filled.notify_all();
    }
}

impl Bridge {
    /// Begins the work; its result comes with this key.
    pub(crate) fn spawn(
        &self,
        key: u64,
        work: impl Future<Output = Outcome> + Send + 'static,
    ) -> PyResult<Running> {
        let queue = self.0.clone();
        let task = engine()?.handle().spawn(async move {
            let outcome = AssertUnwindSafe(work).catch_unwind().await;
            queue.push(key, outcome.unwrap_or_else(Outcome::panicked));
        });
        Ok(Running(task.abort_handle()))
    }
}

/// Work that was begun.
#[pyclass(frozen, module = "bud_sdk._native")]
pub(crate) struct Running(AbortHandle);

#[pymethods]
impl Running {
    /// Drops the work, and with it its request and connection. Without effect when it is done.
    fn abort(&self) {
        self.0.abort();
    }
}

#[cfg(unix)]
mod signal {
    use std::io::{self, Read, Write};
    use std::os::fd::AsRawFd;
    use std::os::unix::net::UnixStream;

    /// Two ends of a connection that lives in this process.
    #[derive(Default)]
    pub(super) struct Signal(Option<(UnixStream, UnixStream)>);

    impl Signal {
        pub(super) fn new() -> io::Result<Self> {
            let (ours, theirs) = UnixStream::pair()?;
            ours.set_nonblocking(true)?;
            theirs.set_nonblocking(true)?;
            Ok(Self(Some((ours, theirs))))
        }
        pub(super) fn fileno(&self) -> Option<i32> {
            self.0.as_ref().map(|(_, theirs)| theirs.as_raw_fd())
        }
        pub(super) fn raise(&self) {
            if let Some((ours, _)) = &self.0 {
                // If it is full, it is readable as well.
                let _ = (&*ours).write(&[1]);
            }
        }
        pub(super) fn lower(&self) {
            if let Some((_, theirs)) = &self.0 {
                let _ = (&*theirs).read(&mut [0; 64]);
            }
        }
    }
}

#[cfg(not(unix))]
mod signal {
    /// There is none: a thread waits instead.
    #[derive(Default)]
    pub(super) struct Signal;

    impl Signal {
        pub(super) fn new() -> std::io::Result<Self> {
            Ok(Self)
        }
        pub(super) fn fileno(&self) -> Option<i32> {
            None
        }
        pub(super) fn raise(&self) {}
        pub(super) fn lower(&self) {}
    }
}

use signal::Signal;
