//! Pieces, one at a time.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bud_sdk::bindings::{BoxStream, Output, StreamItem};
use bytes::Bytes;
use futures_util::{FutureExt, StreamExt};
use napi::bindgen_prelude::{Buffer, Either, Env, PromiseRaw};
use napi_derive::napi;
use serde_json::{Value, json};
use tokio::sync::{Mutex, Notify};

use crate::work::{cancelled, refused};

/// Chunks that are there already are handed over together, up to about this much: each way to JavaScript costs the same.
const PARCEL: usize = 256 * 1024;

/// A stream of pieces. Dropping it ends it, as cancelling does.
#[napi]
pub struct Stream {
    inner: Arc<Inner>,
}

struct Inner {
    /// `None` after the end.
    source: Mutex<Option<Source>>,
    cancelled: AtomicBool,
    wake: Notify,
}

struct Source {
    stream: BoxStream<'static, bud_sdk::Result<StreamItem>>,
    /// What came behind chunks that were handed over together; within it, `None` is the end.
    behind: Option<Option<bud_sdk::Result<StreamItem>>>,
    /// Whether anybody listens to updates. An export has one for each chunk, and each way to JavaScript takes its time.
    updates: bool,
}

#[napi]
impl Stream {
    /// The next piece: JSON of `{items, cursor, total, warnings}`, `{update}` or `{done}`, or bytes; null at the end.
    ///
    /// # Errors
    /// Those of the core; there is nothing more after one.
    #[napi]
    pub fn next<'env>(
        &self,
        env: &'env Env,
    ) -> napi::Result<PromiseRaw<'env, Option<Either<String, Buffer>>>> {
        let inner = self.inner.clone();
        env.spawn_future(async move { inner.next().await })
    }

    /// Ends it: what is under way is broken off.
    #[napi]
    pub fn cancel(&self) {
        self.inner.cancelled.store(true, Ordering::Release);
        self.inner.wake.notify_waiters();
        // If somebody holds it, he was woken, and lets go of it himself.
        self.inner.release();
    }
}

impl Stream {
    pub(crate) fn new(stream: BoxStream<'static, bud_sdk::Result<StreamItem>>, updates: bool) -> Self {
        let source = Mutex::new(Some(Source { stream, behind: None, updates }));
        Self { inner: Arc::new(Inner { source, cancelled: AtomicBool::new(false), wake: Notify::new() }) }
    }
}

impl Inner {
    async fn next(&self) -> napi::Result<Option<Either<String, Buffer>>> {
        let piece = self.take().await;
        // Whoever cancelled meanwhile could not take it away.
        if self.is_cancelled() {
            self.release();
        }
        piece
    }

    async fn take(&self) -> napi::Result<Option<Either<String, Buffer>>> {
        let mut slot = self.source.lock().await;
        // Registered before the flag is read, so that no cancellation falls between the two.
        let mut woken = pin!(self.wake.notified());
        woken.as_mut().enable();
        if self.is_cancelled() {
            return Err(cancelled());
        }
        let Some(source) = slot.as_mut() else {
            return Ok(None);
        };
        let piece = tokio::select! {
            biased;
            () = woken => Err(cancelled()),
            piece = source.piece() => piece,
        };
        if !matches!(piece, Ok(Some(_))) {
            *slot = None;
        }
        piece
    }

    fn is_cancelled(&self) -> bool {
        self.cancelled.load(Ordering::Acquire)
    }

    fn release(&self) {
        if let Ok(mut source) = self.source.try_lock() {
            *source = None;
        }
    }
}

impl Source {
    async fn piece(&mut self) -> napi::Result<Option<Either<String, Buffer>>> {
        let piece = loop {
            let next = match self.behind.take() {
                Some(next) => next,
                None => self.stream.next().await,
            };
            match next.transpose().map_err(refused)? {
                None => return Ok(None),
                Some(StreamItem::Update(_)) if !self.updates => {}
                Some(piece) => break piece,
            }
        };
        let text = match piece {
            StreamItem::Chunk(chunk) => return Ok(Some(Either::B(self.gather(chunk).into()))),
            StreamItem::Page { items, cursor, total, warnings } => {
                let items = items.to_json().map_err(refused)?;
                let total = total.to_json().map_err(refused)?;
                let (cursor, warnings) = (Value::from(cursor), json!(warnings));
                format!("{{\"items\":{items},\"cursor\":{cursor},\"total\":{total},\"warnings\":{warnings}}}")
            }
            StreamItem::Update(update) => format!("{{\"update\":{}}}", update.to_json().map_err(refused)?),
            StreamItem::Done(done) => format!("{{\"done\":{}}}", done.to_json().map_err(refused)?),
        };
        Ok(Some(Either::A(text)))
    }

    /// This chunk and those that are there already.
    fn gather(&mut self, first: Bytes) -> Vec<u8> {
        let mut parcel = Vec::from(first);
        while parcel.len() < PARCEL {
            match self.stream.next().now_or_never() {
                Some(Some(Ok(StreamItem::Chunk(chunk)))) => parcel.extend_from_slice(&chunk),
                None => break,
                other => {
                    self.behind = other;
                    break;
                }
            }
        }
        parcel
    }
}
