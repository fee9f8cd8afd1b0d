//! Calls: begun by an operation's name, waited for by a thread or by an event loop.

use std::panic::AssertUnwindSafe;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bud_sdk::bindings::{self, Arg, Connector, Kind, StreamItem, Target, Task};
use bytes::BytesMut;
use futures_util::{FutureExt, StreamExt};
use pyo3::exceptions::{PyRuntimeError, PyTypeError};
use pyo3::prelude::*;
use pyo3::types::PyDict;
use serde_json::{Map, Value};

use crate::bridge::{Bridge, Running};
use crate::error;
use crate::input;
use crate::output::Outcome;
use crate::runtime::{PerProcess, engine};

/// A chunk of a download grows up to this while more is there already: each costs Python a step.
const CHUNK: usize = 1 << 20;

/// The way to one backend. In a forked child it is made again, of the same options: connections and sessions are not shared with
/// the parent.
#[pyclass(frozen, module = "bud_sdk._native")]
pub(crate) struct Handle {
    connector: Connector,
    place: Option<String>,
    /// Not per process: a child of one that closed it has a closed one.
    closed: AtomicBool,
    targets: PerProcess<Mutex<Option<Target>>>,
}

#[pymethods]
impl Handle {
    #[new]
    #[pyo3(signature = (options, *, backend))]
    fn new(py: Python<'_>, options: &Bound<'_, PyDict>, backend: &str) -> PyResult<Self> {
        let options = arguments(py, "connect", options, &[])?;
        let connector = bindings::backend(backend).and_then(|backend| backend.connector(options, None));
        let connector = connector.map_err(|error| error::to_py(py, &error))?;
        let (closed, targets) = (AtomicBool::new(false), PerProcess::new());
        let mut handle = Self { connector, place: None, closed, targets };
        handle.place = handle.target(py, "connect")?.base_url().map(str::to_owned);
        Ok(handle)
    }

    /// The address, if the backend has one.
    #[getter]
    fn place(&self) -> Option<&str> {
        self.place.as_deref()
    }

    /// Gives the connections back, as soon as calls that are under way are done. No call is made after it.
    fn close(&self, py: Python<'_>) {
        self.closed.store(true, Ordering::SeqCst);
        let target = self.targets.get().and_then(|target| unpoisoned(target).take());
        py.detach(|| drop(target));
    }

    /// Makes a call and waits for (value, status, request id, attempts, seconds, warnings).
    fn call<'py>(
        &self,
        py: Python<'py>,
        operation: &str,
        args: &Bound<'py, PyDict>,
        options: &Bound<'py, PyDict>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let work = self.single(py, operation, args, options)?;
        finish(py, work)
    }

    /// Begins a call whose result goes to a loop's queue.
    fn start(
        &self,
        py: Python<'_>,
        bridge: &Bridge,
        key: u64,
        operation: &str,
        args: &Bound<'_, PyDict>,
        options: &Bound<'_, PyDict>,
    ) -> PyResult<Running> {
        let work = self.single(py, operation, args, options)?;
        bridge.spawn(key, work)
    }

    /// Begins a list, an export or a job. Nothing is sent until it is read.
    fn stream(
        &self,
        py: Python<'_>,
        operation: &str,
        args: &Bound<'_, PyDict>,
        options: &Bound<'_, PyDict>,
    ) -> PyResult<Stream> {
        match self.begin(py, operation, args, options)? {
            Task::Stream(stream) => Ok(Stream {
                process: std::process::id(),
                state: Arc::new(Mutex::new(State::Idle(Reading { stream, next: None }))),
            }),
            Task::Call(_) => Err(PyTypeError::new_err("this is no list, export or job")),
        }
    }
}

impl Handle {
    /// What `operation` is called on.
    fn target(&self, py: Python<'_>, operation: &str) -> PyResult<Target> {
        let runtime = engine()?;
        let closed = || error::closed(py, operation);
        if self.closed.load(Ordering::SeqCst) {
            return Err(closed());
        }
        let target = self.targets.get_or_make(|| {
            let _entered = runtime.handle().enter();
            let made = self.connector.connect().map_err(|error| error::to_py(py, &error))?;
            Ok(Mutex::new(Some(made)))
        })?;
        let target = unpoisoned(target).clone();
        target.ok_or_else(closed)
    }

    fn begin(
        &self,
        py: Python<'_>,
        operation: &str,
        args: &Bound<'_, PyDict>,
        options: &Bound<'_, PyDict>,
    ) -> PyResult<Task> {
        let entry =
            bindings::entry(operation).ok_or_else(|| error::internal("there is no such operation"))?;
        let args = arguments(py, operation, args, entry.args)?;
        let options = arguments(py, operation, options, &[])?;
        let _entered = engine()?.handle().enter();
        entry.begin(&self.target(py, operation)?, args, options).map_err(|error| error::to_py(py, &error))
    }

    fn single(
        &self,
        py: Python<'_>,
        operation: &str,
        args: &Bound<'_, PyDict>,
        options: &Bound<'_, PyDict>,
    ) -> PyResult<impl Future<Output = Outcome> + Send + 'static> {
        match self.begin(py, operation, args, options)? {
            Task::Call(call) => Ok(call.map(|answer| match answer {
                Ok(answer) => Outcome::Answer(answer),
                Err(error) => Outcome::Failed(error),
            })),
            Task::Stream(_) => Err(PyTypeError::new_err("this is no single call")),
        }
    }
}

/// The JSON of named arguments; what cannot be sent is refused by its name.
fn arguments(
    py: Python<'_>,
    operation: &str,
    args: &Bound<'_, PyDict>,
    known: &[Arg],
) -> PyResult<Map<String, Value>> {
    let mut all = Map::new();
    for (name, value) in args.iter() {
        let name: String = name.extract()?;
        if value.is_none() {
            continue;
        }
        let ty = known.iter().find(|arg| arg.name == name).map(|arg| &arg.ty);
        match input::to_json(&value, ty)? {
            Ok(value) => all.insert(name, value),
            Err(why) => return Err(error::invalid(py, operation, &name, &why)),
        };
    }
    Ok(all)
}

/// Waits on this thread. A panic below is an error like others.
fn finish<'py>(py: Python<'py>, work: impl Future<Output = Outcome> + Send) -> PyResult<Bound<'py, PyAny>> {
    let outcome = engine()?.block_on(py, AssertUnwindSafe(work).catch_unwind())?;
    outcome.unwrap_or_else(Outcome::panicked).into_py(py)
}

/// A list, an export or a job, as far as it was read.
#[pyclass(frozen, module = "bud_sdk._native")]
pub(crate) struct Stream {
    process: u32,
    state: Arc<Mutex<State>>,
}

enum State {
    Idle(Reading),
    Busy,
    Ended,
}

struct Reading {
    stream: bindings::BoxStream<'static, bud_sdk::Result<StreamItem>>,
    /// Came while a chunk was filled, and is no chunk.
    next: Option<Option<bud_sdk::Result<StreamItem>>>,
}

#[pymethods]
impl Stream {
    /// Waits for the next piece: (kind, value, cursor, total, warnings), or None at the end. Updates may be left out.
    #[pyo3(signature = (updates = true))]
    fn next<'py>(&self, py: Python<'py>, updates: bool) -> PyResult<Bound<'py, PyAny>> {
        let Some(turn) = self.turn()? else { return Ok(py.None().into_bound(py)) };
        finish(py, turn.run(updates))
    }

    /// Begins to fetch the next piece for a loop's queue. None at the end.
    #[pyo3(signature = (bridge, key, updates = true))]
    fn start_next(&self, bridge: &Bridge, key: u64, updates: bool) -> PyResult<Option<Running>> {
        let Some(turn) = self.turn()? else { return Ok(None) };
        bridge.spawn(key, turn.run(updates)).map(Some)
    }

    /// Ends it, and its request with it.
    fn close(&self) {
        if self.process == std::process::id() {
            drop(std::mem::replace(&mut *unpoisoned(&self.state), State::Ended));
        }
    }
}

impl Stream {
    fn turn(&self) -> PyResult<Option<Turn>> {
        if self.process != std::process::id() {
            return Err(PyRuntimeError::new_err("begun before a fork: begin it anew in the child"));
        }
        let mut state = unpoisoned(&self.state);
        match std::mem::replace(&mut *state, State::Busy) {
            State::Idle(reading) => Ok(Some(Turn { reading: Some(reading), state: self.state.clone() })),
            State::Busy => Err(PyRuntimeError::new_err("it is being read already: one reader at a time")),
            State::Ended => {
                *state = State::Ended;
                Ok(None)
            }
        }
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        if self.process != std::process::id() {
            // Its runtime is in another process.
            std::mem::forget(self.state.clone());
        }
    }
}

fn unpoisoned<T>(lock: &Mutex<T>) -> MutexGuard<'_, T> {
    lock.lock().unwrap_or_else(PoisonError::into_inner)
}

/// One reader's turn. Dropped half-way, it ends the stream: what was on its way is lost.
struct Turn {
    reading: Option<Reading>,
    state: Arc<Mutex<State>>,
}

impl Turn {
    async fn run(mut self, updates: bool) -> Outcome {
        let Some(reading) = &mut self.reading else { return Outcome::StreamItem(None) };
        loop {
            match reading.piece().await {
                Some(Ok(StreamItem::Update(_))) if !updates => {}
                Some(Ok(piece)) => {
                    self.give_back();
                    return Outcome::StreamItem(Some(piece));
                }
                Some(Err(error)) => return Outcome::Failed(error),
                None => return Outcome::StreamItem(None),
            }
        }
    }

    fn give_back(&mut self) {
        let mut state = unpoisoned(&self.state);
        // Closed meanwhile: it stays so.
        if let (State::Busy, Some(reading)) = (&*state, self.reading.take()) {
            *state = State::Idle(reading);
        }
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        if self.reading.take().is_some() {
            *unpoisoned(&self.state) = State::Ended;
        }
    }
}

impl Reading {
    async fn piece(&mut self) -> Option<bud_sdk::Result<StreamItem>> {
        let first = match self.next.take() {
            Some(kept) => kept,
            None => self.stream.next().await,
        };
        let Some(Ok(StreamItem::Chunk(first))) = first else { return first };
        let mut chunk = BytesMut::from(first);
        while chunk.len() < CHUNK && self.next.is_none() {
            match self.stream.next().now_or_never() {
                Some(Some(Ok(StreamItem::Chunk(more)))) => chunk.extend_from_slice(&more),
                Some(other) => self.next = Some(other),
                None => break,
            }
        }
        Some(Ok(StreamItem::Chunk(chunk.freeze())))
    }
}

/// Everything that can be called: name and kind.
pub(crate) fn operations() -> Vec<(&'static str, &'static str)> {
    bindings::registry().map(|entry| (entry.id, kind(entry.kind))).collect()
}

fn kind(kind: Kind) -> &'static str {
    match kind {
        Kind::Call => "call",
        Kind::Pages => "pages",
        Kind::Bytes => "bytes",
        _ => "job",
    }
}
