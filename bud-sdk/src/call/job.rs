//! Work of many operations: one outcome, and something to tell on the way.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use futures_core::Stream;

use crate::error::Result;
use crate::http::BoxFuture;

/// Is told what the work tells.
pub(crate) type OnUpdate<U> = Box<dyn FnMut(&U) + Send>;

type Queue<U> = Arc<Mutex<VecDeque<U>>>;

fn locked<U>(queue: &Queue<U>) -> MutexGuard<'_, VecDeque<U>> {
    queue.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The end at which work tells how far it is.
pub(crate) struct Teller<U> {
    queue: Queue<U>,
    told: Option<OnUpdate<U>>,
}

impl<U> Teller<U> {
    /// Tells it, and goes on only when more is asked for.
    pub(crate) async fn tell(&mut self, update: U) {
        if let Some(told) = &mut self.told {
            told(&update);
        }
        locked(&self.queue).push_back(update);
        let mut read = false;
        poll_fn(|context| {
            if std::mem::replace(&mut read, true) {
                return Poll::Ready(());
            }
            context.waker().wake_by_ref();
            Poll::Pending
        })
        .await;
    }
}

/// Work under way: a stream of what it tells, then its outcome. It goes on as far as it is read.
pub(crate) struct Job<U, T> {
    work: BoxFuture<'static, Result<T>>,
    queue: Queue<U>,
    outcome: Option<T>,
    ended: bool,
}

impl<U, T> Job<U, T> {
    pub(crate) fn new<F>(told: Option<OnUpdate<U>>, work: impl FnOnce(Teller<U>) -> F) -> Self
    where
        F: Future<Output = Result<T>> + Send + 'static,
    {
        let queue = Queue::default();
        let work = Box::pin(work(Teller { queue: Arc::clone(&queue), told }));
        Self { work, queue, outcome: None, ended: false }
    }

    pub(crate) async fn next(&mut self) -> Option<Result<U>> {
        poll_fn(|context| Pin::new(&mut *self).poll_next(context)).await
    }

    /// Does all of the work.
    pub(crate) async fn outcome(mut self) -> Option<Result<T>> {
        while let Some(update) = self.next().await {
            if let Err(error) = update {
                return Some(Err(error));
            }
        }
        self.outcome.map(Ok)
    }
}

/// Nothing in it is pinned but what is in its box.
impl<U, T> Unpin for Job<U, T> {}

impl<U, T> Stream for Job<U, T> {
    type Item = Result<U>;
    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        loop {
            if let Some(update) = locked(&this.queue).pop_front() {
                return Poll::Ready(Some(Ok(update)));
            }
            if this.ended {
                return Poll::Ready(None);
            }
            match this.work.as_mut().poll(context) {
                Poll::Ready(outcome) => {
                    this.ended = true;
                    match outcome {
                        Ok(outcome) => this.outcome = Some(outcome),
                        Err(error) => return Poll::Ready(Some(Err(error))),
                    }
                }
                Poll::Pending if locked(&this.queue).is_empty() => return Poll::Pending,
                Poll::Pending => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;
    use crate::error::Error;

    async fn count(mut teller: Teller<u32>, steps: Arc<AtomicU32>, fails: bool) -> Result<&'static str> {
        for step in 1..=3 {
            steps.store(step, Ordering::Relaxed);
            teller.tell(step).await;
        }
        if fails { Err(Error::config("broken")) } else { Ok("done") }
    }

    #[tokio::test]
    async fn work_goes_no_further_than_it_is_read() {
        let steps = Arc::new(AtomicU32::new(0));
        let mut job = Job::new(None, |teller| count(teller, Arc::clone(&steps), false));
        assert_eq!(steps.load(Ordering::Relaxed), 0);
        assert_eq!(job.next().await.unwrap().unwrap(), 1);
        assert_eq!(steps.load(Ordering::Relaxed), 1);
        assert_eq!(job.outcome().await.unwrap().unwrap(), "done");
        assert_eq!(steps.load(Ordering::Relaxed), 3);
    }

    #[tokio::test]
    async fn an_error_is_the_last_that_is_heard_and_callbacks_hear_all() {
        let heard = Arc::new(AtomicU32::new(0));
        let told: OnUpdate<u32> = Box::new({
            let heard = Arc::clone(&heard);
            move |step| {
                heard.fetch_add(*step, Ordering::Relaxed);
            }
        });
        let mut job = Job::new(Some(told), |teller| count(teller, Arc::default(), true));
        for step in 1..=3 {
            assert_eq!(job.next().await.unwrap().unwrap(), step);
        }
        assert!(job.next().await.unwrap().is_err());
        assert!(job.next().await.is_none());
        assert_eq!(heard.load(Ordering::Relaxed), 6);
    }
}
