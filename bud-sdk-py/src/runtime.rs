//! The runtime behind all calls: made when it is first needed, made anew in a forked child, ended before the interpreter.
//!
//! Its threads never touch Python. Results wait in a queue until a thread of Python's takes them, so that no thread of ours
//! can run into an interpreter that is going away.

use std::future::Future;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

use pyo3::exceptions::{PyOSError, PyRuntimeError};
use pyo3::prelude::*;
use tokio::runtime::{Builder, Handle, Runtime};

/// How often a waiting call looks whether Ctrl-C was pressed.
const SIGNALS: Duration = Duration::from_millis(50);
/// How long the end of the program waits for what is still running.
const LAST_CALLS: Duration = Duration::from_secs(2);
const WORKERS: usize = 2;

/// One value per process. A child of `fork` has the memory of its parent and none of its threads, so it needs its own.
///
/// Looking a value up takes no lock, which a fork could leave locked for ever.
pub(crate) struct PerProcess<T> {
    first: OnceLock<Box<Own<T>>>,
}

struct Own<T> {
    process: u32,
    value: T,
    next: OnceLock<Box<Own<T>>>,
}

impl<T> PerProcess<T> {
    pub(crate) const fn new() -> Self {
        Self { first: OnceLock::new() }
    }

    /// This process's value, if it has one.
    pub(crate) fn get(&self) -> Option<&T> {
        let process = std::process::id();
        let mut slot = &self.first;
        while let Some(own) = slot.get() {
            if own.process == process {
                return Some(&own.value);
            }
            slot = &own.next;
        }
        None
    }

    /// This process's value, made now if it has none.
    pub(crate) fn get_or_make(&self, make: impl FnOnce() -> PyResult<T>) -> PyResult<&T> {
        if let Some(value) = self.get() {
            return Ok(value);
        }
        let mut made = Box::new(Own { process: std::process::id(), value: make()?, next: OnceLock::new() });
        let mut slot = &self.first;
        // Behind all that are there. Another thread may have been quicker; then its value is taken.
        while let Err(again) = slot.set(made) {
            made = again;
            match slot.get() {
                Some(own) if own.process != made.process => slot = &own.next,
                _ => break,
            }
        }
        self.get().ok_or_else(|| PyRuntimeError::new_err("bud_sdk has lost its threads"))
    }
}

/// What belongs to another process is left alone: its locks may be held by threads that are not here.
impl<T> Drop for PerProcess<T> {
    fn drop(&mut self) {
        let mut next = self.first.take();
        while let Some(own) = next {
            let Own { process, value, next: mut rest } = *own;
            if process != std::process::id() {
                std::mem::forget(value);
            }
            next = rest.take();
        }
    }
}

/// The runtime of one process.
pub(crate) struct Engine {
    handle: Handle,
    runtime: Mutex<Option<Runtime>>,
    ended: AtomicBool,
    /// Threads that use it just now, or are on their way back into Python.
    awake: AtomicUsize,
}

static ENGINE: PerProcess<Engine> = PerProcess::new();

/// This process's engine.
pub(crate) fn engine() -> PyResult<&'static Engine> {
    let engine = ENGINE.get_or_make(|| {
        let runtime =
            Builder::new_multi_thread().worker_threads(WORKERS).thread_name("bud-sdk").enable_all().build();
        let runtime = runtime
            .map_err(|error| PyOSError::new_err(format!("bud_sdk cannot start its threads: {error}")))?;
        Ok(Engine {
            handle: runtime.handle().clone(),
            runtime: Mutex::new(Some(runtime)),
            ended: AtomicBool::new(false),
            awake: AtomicUsize::new(0),
        })
    })?;
    if engine.ended.load(Ordering::SeqCst) {
        return Err(PyRuntimeError::new_err("the program is ending: bud_sdk makes no more calls"));
    }
    Ok(engine)
}

/// Ends the runtime of this process. Called once, before the interpreter goes away.
pub(crate) fn shut_down(py: Python<'_>) {
    let Some(engine) = ENGINE.get() else { return };
    engine.ended.store(true, Ordering::SeqCst);
    py.detach(|| {
        // Whoever is on his way into Python gets there while there is one, and nobody uses the runtime when it ends.
        let limit = Instant::now() + LAST_CALLS;
        while engine.awake.load(Ordering::SeqCst) > 0 && Instant::now() < limit {
            thread::sleep(Duration::from_millis(1));
        }
        let runtime = engine.runtime.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(runtime) = runtime {
            runtime.shutdown_timeout(LAST_CALLS);
        }
    });
}

impl Engine {
    pub(crate) fn handle(&self) -> &Handle {
        &self.handle
    }

    /// Runs it on this thread, without the interpreter, and looks after Ctrl-C. The thread does not become one of the
    /// runtime's, so this works inside a running event loop, too.
    pub(crate) fn block_on<T: Send>(
        &self,
        py: Python<'_>,
        future: impl Future<Output = T> + Send,
    ) -> PyResult<T> {
        let result = py.detach(|| self.wait(future));
        self.rest();
        result
    }

    /// Returns awake.
    fn wait<T>(&self, future: impl Future<Output = T>) -> PyResult<T> {
        let _entered = self.handle.enter();
        let mut future = pin!(future);
        let waker = Waker::from(Arc::new(Unpark(thread::current())));
        let mut looked = Instant::now();
        loop {
            self.wake();
            if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
                return Ok(output);
            }
            if looked.elapsed() >= SIGNALS {
                looked = Instant::now();
                Python::attach(|py| py.check_signals())?;
            }
            self.rest();
            thread::park_timeout(SIGNALS);
        }
    }

    /// Before a thread uses the runtime or goes back into Python. Threads that are still here when the program ends stay
    /// here: neither would survive their return.
    fn wake(&self) {
        self.awake.fetch_add(1, Ordering::SeqCst);
        if self.ended.load(Ordering::SeqCst) {
            self.rest();
            loop {
                thread::park();
            }
        }
    }

    fn rest(&self) {
        self.awake.fetch_sub(1, Ordering::SeqCst);
    }
}

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}
