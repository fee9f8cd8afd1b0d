//! What was begun: a future of one answer, or a stream of pieces.

use std::any::Any;
use std::collections::VecDeque;
use std::future::{Future, IntoFuture};
use std::io::{self, Write};
use std::marker::PhantomData;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use bytes::Bytes;
use futures_core::Stream;
use futures_util::StreamExt;
use futures_util::stream::unfold;
use serde::Serialize;
use serde_json::ser::{CompactFormatter, Formatter};

use super::CallOptions;
use crate::call::{Call, List, RawCall, RawResponse};
use crate::error::{Error, ErrorKind, Result};
use crate::operation::{Operation, Paged};
use crate::schema::EXACT;
use crate::types::Warning;

/// A future behind a pointer.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// A stream behind a pointer.
pub type BoxStream<'a, T> = Pin<Box<dyn Stream<Item = T> + Send + 'a>>;

/// A result of any type: to be taken apart by those who know it, or written as JSON.
pub trait Output: Send {
    /// The result as JSON. Models write enumerations as the server spelled them, and unknown fields beside their own; all whole
    /// numbers beyond 2^53 are text, because most readers of JSON would round them.
    ///
    /// # Errors
    /// `Decode` for what cannot be written as JSON, which no model holds.
    fn to_json(&self) -> Result<String>;
    /// The result itself, to be downcast to the entry's output.
    fn into_any(self: Box<Self>) -> Box<dyn Any + Send>;
}

impl<T: Serialize + Send + 'static> Output for T {
    fn to_json(&self) -> Result<String> {
        let mut text = Vec::with_capacity(256);
        let written = self.serialize(&mut serde_json::Serializer::with_formatter(&mut text, Exact));
        let failed = |error: &dyn std::fmt::Display| Error::decode(".", error.to_string());
        written.map_err(|error| failed(&error))?;
        String::from_utf8(text).map_err(|error| failed(&error))
    }
    fn into_any(self: Box<Self>) -> Box<dyn Any + Send> {
        self
    }
}

/// Writes whole numbers that a floating point number cannot hold as text.
struct Exact;

impl Formatter for Exact {
    fn write_u64<W: ?Sized + Write>(&mut self, writer: &mut W, value: u64) -> io::Result<()> {
        if value > EXACT { write!(writer, "\"{value}\"") } else { CompactFormatter.write_u64(writer, value) }
    }
    fn write_i64<W: ?Sized + Write>(&mut self, writer: &mut W, value: i64) -> io::Result<()> {
        let exact = value.unsigned_abs() <= EXACT;
        if exact { CompactFormatter.write_i64(writer, value) } else { write!(writer, "\"{value}\"") }
    }
}

/// A result, and what is known of the answer that it came in.
pub struct Answer {
    /// The result.
    pub value: Box<dyn Output>,
    /// The HTTP status of the last answer, if it was one call that was answered.
    pub status: Option<u16>,
    /// The server's id of the request.
    pub request_id: Option<String>,
    /// How many requests were sent.
    pub attempts: u32,
    /// How long it took.
    pub elapsed: Duration,
    /// What is worth knowing of the result and is no error.
    pub warnings: Vec<Warning>,
}

/// A piece of a stream.
pub enum StreamItem {
    /// A page of a list: a `Vec` of the entry's output, where the list goes on, and how many items there are in all if the
    /// server said so.
    Page {
        /// The items.
        items: Box<dyn Output>,
        /// Where to go on after this page; `None` at the end.
        cursor: Option<String>,
        /// How many there are in all, as the server counts.
        total: Option<u64>,
        /// What is worth knowing of the list so far: those of the last page are all.
        warnings: Vec<Warning>,
    },
    /// Bytes.
    Chunk(Bytes),
    /// How far a job is.
    Update(Box<dyn Output>),
    /// The result of a job; nothing comes after it.
    Done(Box<dyn Output>),
}

/// What was begun. Dropping it ends it.
pub enum Task {
    /// One answer.
    Call(BoxFuture<'static, Result<Answer>>),
    /// Pieces; after an error there are no more.
    Stream(BoxStream<'static, Result<StreamItem>>),
}

impl Task {
    /// With the name of what was called in its errors.
    pub(super) fn named(self, id: &'static str) -> Self {
        match self {
            Self::Call(call) => {
                Self::Call(Box::pin(async move { call.await.map_err(|error| error.with_operation(id)) }))
            }
            Self::Stream(pieces) => {
                let named = move |piece: Result<StreamItem>| piece.map_err(|error| error.with_operation(id));
                Self::Stream(Box::pin(pieces.map(named)))
            }
        }
    }
}

/// A call whose result is shown as `T`.
pub(super) fn call<O, T>(call: Call<O>, options: CallOptions) -> Result<Task>
where
    O: Operation,
    T: From<O::Output> + Output + 'static,
{
    let call = call.options(options.options).with_response();
    Ok(Task::Call(Box::pin(async move {
        let response = call.await?;
        let warnings = response.warnings().to_vec();
        Ok(Answer {
            warnings,
            value: Box::new(T::from(response.value)),
            status: Some(response.status),
            request_id: response.request_id,
            attempts: response.attempts,
            elapsed: response.elapsed,
        })
    })))
}

/// A call of the caller's own.
pub(super) fn raw<T>(call: RawCall, options: CallOptions) -> Result<Task>
where
    T: From<RawResponse> + Output + 'static,
{
    let call = call.options(options.options);
    Ok(Task::Call(Box::pin(async move {
        let response = call.await?;
        Ok(Answer {
            status: Some(response.status()),
            request_id: response.request_id().map(str::to_owned),
            attempts: response.attempts(),
            elapsed: response.elapsed(),
            warnings: Vec::new(),
            value: Box::new(T::from(response)),
        })
    })))
}

/// An async function of the core, which takes no options of its own but a time. What `changes` something may have done so when
/// its time is over.
pub(super) fn run<F, T>(work: F, options: CallOptions, changes: bool) -> Task
where
    F: IntoFuture,
    F::IntoFuture: Future<Output = Result<T>> + Send + 'static,
    T: Output + 'static,
{
    let total = options.options.total;
    let work = work.into_future();
    Task::Call(Box::pin(async move {
        let began = tokio::time::Instant::now();
        let value = match total {
            None => work.await?,
            Some(total) => tokio::time::timeout(total, work).await.map_err(|_| {
                let message = format!("not done within {total:?}");
                Error::new(ErrorKind::Timeout, message).with_maybe_applied(changes)
            })??,
        };
        let elapsed = began.elapsed();
        Ok(Answer {
            value: Box::new(value),
            status: None,
            request_id: None,
            attempts: 0,
            elapsed,
            warnings: Vec::new(),
        })
    }))
}

/// A list, page by page.
pub(super) fn pages<O>(list: List<O>, options: CallOptions) -> Result<Task>
where
    O: Paged,
    O::Item: Serialize,
{
    let pages = options.on_list(list).pages();
    Ok(Task::Stream(Box::pin(unfold(pages, |mut pages| async move {
        let page = pages.next().await?;
        let piece = page.map(|page| StreamItem::Page {
            total: page.total_record,
            items: Box::new(page.items),
            cursor: pages.cursor(),
            warnings: pages.warnings().to_vec(),
        });
        Some((piece, pages))
    }))))
}

/// A stream of single items, in batches of those that are there.
pub(super) fn items<T>(items: impl Stream<Item = Result<T>> + Send + 'static) -> Task
where
    T: Serialize + Send + 'static,
{
    const PARCEL: usize = 500;
    let pieces = items.ready_chunks(PARCEL).flat_map(|parcel| {
        let mut good = Vec::with_capacity(parcel.len());
        let mut failed = None;
        for item in parcel {
            match item {
                Ok(item) => good.push(item),
                Err(error) => failed = Some(Err(error)),
            }
        }
        let page = (!good.is_empty()).then(|| {
            Ok(StreamItem::Page { items: Box::new(good), cursor: None, total: None, warnings: Vec::new() })
        });
        futures_util::stream::iter([page, failed].into_iter().flatten())
    });
    Task::Stream(Box::pin(pieces))
}

/// Bytes, piece by piece.
pub(super) fn chunks(bytes: impl Stream<Item = Result<Bytes>> + Send + 'static) -> Task {
    Task::Stream(Box::pin(bytes.map(|chunk| chunk.map(StreamItem::Chunk))))
}

/// A task that ends with a `T`.
pub(super) struct Job<T>(Task, PhantomData<fn() -> T>);

impl<T> Job<T> {
    pub(super) fn into_task(self) -> Task {
        self.0
    }
}

/// A stream of updates whose last one is the result.
pub(super) fn watch<T>(updates: impl Stream<Item = Result<T>> + Send + Unpin + 'static) -> Job<T>
where
    T: Serialize + Clone + Send + 'static,
{
    ending(updates, Some)
}

/// A stream of updates whose last one has the result.
pub(super) fn ending<T, R>(
    updates: impl Stream<Item = Result<T>> + Send + Unpin + 'static,
    result: fn(T) -> Option<R>,
) -> Job<R>
where
    T: Serialize + Clone + Send + 'static,
    R: Serialize + Send + 'static,
{
    // An update is told at once; that it was the last one shows only afterwards.
    let state = (updates, None);
    let pieces = Box::pin(
        unfold(Some(state), move |state| async move {
            let (mut updates, last): (_, Option<T>) = state?;
            match updates.next().await {
                Some(Ok(update)) => {
                    Some((Ok(StreamItem::Update(Box::new(update.clone()))), Some((updates, Some(update)))))
                }
                Some(Err(error)) => Some((Err(error), None)),
                None => Some((Ok(StreamItem::Done(Box::new(result(last?)?))), None)),
            }
        })
        .fuse(),
    );
    Job(Task::Stream(pieces), PhantomData)
}

/// Work that reports its progress.
pub(super) fn job<F, T, U>(begin: impl FnOnce(Tell<U>) -> F) -> Job<T>
where
    F: Future<Output = Result<T>> + Send + 'static,
    T: Output + 'static,
    U: Output + 'static,
{
    let told = Tell(Arc::new(Mutex::new(Told { updates: VecDeque::new(), listener: None })));
    let work = Some(Box::pin(begin(told.clone())));
    Job(Task::Stream(Box::pin(Working { work, told, done: None })), PhantomData)
}

/// Where a job leaves word.
pub(super) struct Tell<U>(Arc<Mutex<Told<U>>>);

struct Told<U> {
    updates: VecDeque<U>,
    /// The work may go on in a task of its own, whose progress wakes nobody else.
    listener: Option<Waker>,
}

impl<U> Clone for Tell<U> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<U> Tell<U> {
    /// Of what is told so between two looks, the last counts.
    pub(super) fn latest(&self, update: U) {
        self.tell(update, true);
    }
    /// Each counts.
    pub(super) fn next(&self, update: U) {
        self.tell(update, false);
    }
    fn tell(&self, update: U, alone: bool) {
        let mut told = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if alone {
            told.updates.clear();
        }
        told.updates.push_back(update);
        if let Some(listener) = told.listener.take() {
            listener.wake();
        }
    }
    fn take(&self, listener: &Waker) -> Option<U> {
        let mut told = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        told.listener = Some(listener.clone());
        told.updates.pop_front()
    }
}

struct Working<F, T, U> {
    work: Option<Pin<Box<F>>>,
    told: Tell<U>,
    done: Option<Result<T>>,
}

impl<F, T, U> Unpin for Working<F, T, U> {}

impl<F, T, U> Stream for Working<F, T, U>
where
    F: Future<Output = Result<T>>,
    T: Output + 'static,
    U: Output + 'static,
{
    type Item = Result<StreamItem>;
    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let polled = self.work.as_mut().map(|work| work.as_mut().poll(cx));
        if let Some(Poll::Ready(done)) = polled {
            self.work = None;
            self.done = Some(done);
        }
        if let Some(update) = self.told.take(cx.waker()) {
            return Poll::Ready(Some(Ok(StreamItem::Update(Box::new(update)))));
        }
        match self.done.take() {
            Some(done) => Poll::Ready(Some(done.map(|value| StreamItem::Done(Box::new(value))))),
            None if self.work.is_some() => Poll::Pending,
            None => Poll::Ready(None),
        }
    }
}
