//! A log that is followed: over broken connections, restarts, and from a pod to the one that takes its place.

use std::pin::Pin;
use std::time::Duration;

use futures_core::Stream;
use futures_util::stream::unfold;
use http_body_util::BodyExt;
use kube::client::Body;
use tokio::time::{Instant, sleep_until, timeout, timeout_at};

use super::find::container;
use super::logs::{Lines, LogLine, Logs, explained};
use super::request::{Ask, Open, passes};
use super::slim;
use crate::error::{Error, Result};
use crate::types::Timestamp;

/// So long may a followed log be silent before it is asked for again: the connection may have died unseen.
const SILENCE: Duration = Duration::from_secs(60);
/// Between a log that ended and the next look at its pod.
const PAUSE: Duration = Duration::from_secs(1);

/// The log of one pod, followed.
pub(super) struct Followed {
    logs: Logs,
    pod: String,
    deadline: Instant,
    body: Option<(Body, Lines)>,
    /// The newest time of a line that was told, and how many lines of that very time were.
    last: Option<(Timestamp, usize)>,
    /// While lines come again on a new connection: how many of that time have.
    again: Option<usize>,
    failures: u32,
}

impl Followed {
    pub(super) fn new(logs: Logs, pod: String, deadline: Instant) -> Self {
        Self { logs, pod, deadline, body: None, last: None, again: None, failures: 0 }
    }

    pub(super) fn stream(self) -> Pin<Box<dyn Stream<Item = Result<LogLine>> + Send>> {
        Box::pin(unfold(Some(self), |state| async move {
            let mut state = state?;
            match state.next().await {
                Ok(Some(line)) => Some((Ok(line), Some(state))),
                Ok(None) => None,
                Err(error) => Some((Err(error), None)),
            }
        }))
    }

    async fn next(&mut self) -> Result<Option<LogLine>> {
        loop {
            if Instant::now() >= self.deadline {
                return Ok(None);
            }
            let Some((body, lines)) = &mut self.body else {
                if !self.connect().await? {
                    return Ok(None);
                }
                continue;
            };
            if let Some(line) = lines.ready.pop_front() {
                if self.fresh(&line) {
                    self.failures = 0;
                    return Ok(Some(line));
                }
                continue;
            }
            let until = self.deadline.min(Instant::now() + SILENCE);
            match timeout_at(until, body.frame()).await {
                Ok(Some(Ok(frame))) => {
                    if let Ok(data) = frame.into_data() {
                        lines.feed(&data);
                    }
                }
                // At its end a half line is a line; where it breaks off, the line comes again.
                Ok(None) => {
                    lines.end();
                    if lines.ready.is_empty() {
                        self.body = None;
                        self.pause().await;
                        if self.then().await? == Then::Nothing {
                            return Ok(None);
                        }
                    }
                }
                Ok(Some(Err(_))) | Err(_) => {
                    lines.clear();
                    self.body = None;
                    self.pause().await;
                }
            }
        }
    }

    /// Whether the line was not told before the connection was made anew. What comes on one connection comes once, in whatever
    /// order its times are.
    fn fresh(&mut self, line: &LogLine) -> bool {
        let Some(at) = line.at.as_deref().and_then(|at| at.parse::<Timestamp>().ok()) else { return true };
        match (&mut self.last, &mut self.again) {
            (Some((last, _)), again) if at < *last => again.is_none(),
            (Some((last, told)), Some(again)) if at == *last => {
                *again += 1;
                let fresh = *again > *told;
                *told = (*told).max(*again);
                fresh
            }
            (Some((last, told)), None) if at == *last => {
                *told += 1;
                true
            }
            (last, again) => {
                (*last, *again) = (Some((at, 1)), None);
                true
            }
        }
    }

    /// Asks for the log from where it stood. False: there is nothing more to come.
    async fn connect(&mut self) -> Result<bool> {
        let asked = self.open().await;
        match asked {
            Ok(open) => {
                self.again = self.last.map(|_| 0);
                self.body = Some(open);
                Ok(true)
            }
            // The pod may have been replaced. Where it is still there, what is missing is something else.
            Err(error) if error.status() == Some(404) => {
                self.pause().await;
                match self.then().await? {
                    Then::Same => Err(explained(error)),
                    then => Ok(then != Then::Nothing),
                }
            }
            // A container that is being started, or an outage.
            Err(error) if self.failures < 30 && (starting(&error) || passes(&error)) => {
                self.failures += 1;
                self.pause().await;
                Ok(true)
            }
            Err(error) => Err(explained(error)),
        }
    }

    async fn pause(&mut self) {
        sleep_until(self.deadline.min(Instant::now() + PAUSE)).await;
    }

    async fn open(&mut self) -> Result<(Body, Lines)> {
        let pod = self.logs.cluster.pod(&self.logs.namespace, &self.pod).await?;
        let container = container(&pod, self.logs.container.as_deref())?;
        let ask = self.logs.ask(&self.pod, &container).query("follow", true);
        let ask = match &self.last {
            // To the second; what was told already is left out.
            Some((at, _)) => Ask {
                query: ask.query.into_iter().filter(|(name, _)| *name != "sinceSeconds").collect(),
                ..ask
            }
            .query("sinceTime", at),
            None => ask.query("tailLines", self.logs.tail),
        };
        let Open { response, .. } = self.logs.cluster.open(&ask, self.logs.cluster.deadline()).await?;
        Ok((response.into_body(), Lines::new(&self.pod, &container)))
    }

    /// What may come after the end of a log: more of the same while the container runs or will be started again, else that of
    /// the pod that has taken the place of this one, which is then followed.
    async fn then(&mut self) -> Result<Then> {
        let (cluster, namespace) = (&self.logs.cluster, &self.logs.namespace);
        match timeout(cluster.0.limits.request, cluster.pod(namespace, &self.pod)).await {
            Ok(Ok(pod)) if !over(&pod) => return Ok(Then::Same),
            Ok(Ok(_)) => {}
            Ok(Err(error)) if error.is_not_found() => {}
            Ok(Err(error)) if !passes(&error) => return Err(error),
            // It will show at the next request.
            Ok(Err(_)) | Err(_) => return Ok(Then::Unclear),
        }
        if self.logs.name.starts_with("pod/") || self.logs.all_pods {
            return Ok(Then::Nothing);
        }
        let others = cluster.pods_of(namespace, &self.logs.name).await;
        let next = others
            .ok()
            .and_then(|pods| pods.into_iter().find(|pod| !over(pod) && pod.metadata.name != self.pod));
        let Some(next) = next else { return Ok(Then::Nothing) };
        self.pod = next.metadata.name;
        self.last = None;
        Ok(Then::Other)
    }
}

/// What comes after the end of a log.
#[derive(Debug, PartialEq, Eq)]
enum Then {
    Same,
    Other,
    Nothing,
    /// The server does not say at the moment.
    Unclear,
}

/// Whether a pod will write nothing more.
fn over(pod: &slim::Pod) -> bool {
    matches!(pod.status.phase.as_str(), "Succeeded" | "Failed")
}

fn starting(error: &Error) -> bool {
    error.status() == Some(400) && error.message().contains("waiting to start")
}
