//! A log that is followed: over broken connections, restarts, and from a pod to the one that takes its place.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_core::Stream;
use futures_util::StreamExt;
use futures_util::stream::unfold;
use tokio::time::error::Elapsed;
use tokio::time::{Instant, sleep_until, timeout, timeout_at};

use crate::error::{Error, Result};
use crate::http::Body;
use crate::kubernetes::calls::find::container;
use crate::kubernetes::calls::logs::{Lines, LogLine, Logs, explained};
use crate::kubernetes::connection::request::Ask;
use crate::kubernetes::objects;
use crate::types::Timestamp;

/// So long may a followed log be silent before it is asked for again: the connection may have died unseen.
const SILENCE: Duration = Duration::from_secs(60);
/// Between a log that ended and the next look at its pod.
const PAUSE: Duration = Duration::from_secs(1);

impl Logs {
    /// The log as it is written, from the last lines on. It goes on over broken connections and restarts, and with the pod
    /// that takes a pod's place; it ends when the pod is gone for good, or after the time to follow.
    ///
    /// ```no_run
    /// # async fn demo(cluster: bud_sdk::kubernetes::Cluster) -> bud_sdk::Result<()> {
    /// let mut log = cluster.logs("bud-system", "budapp").follow();
    /// while let Some(line) = log.next().await {
    ///     println!("{}", line?.text);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn follow(self) -> LogStream {
        let deadline = Instant::now() + self.timeout;
        let begun = async move {
            let pods = self.pods().await?;
            let follow = |pod: &objects::Pod| {
                let followed = Followed::new(self.clone(), pod.metadata.name.clone(), deadline);
                followed.stream()
            };
            Ok::<_, Error>(futures_util::stream::select_all(pods.iter().map(follow)))
        };
        LogStream(Box::pin(
            futures_util::stream::once(begun)
                .flat_map(|begun| match begun {
                    Ok(lines) => lines.boxed(),
                    Err(error) => futures_util::stream::once(async { Err(error) }).boxed(),
                })
                .fuse(),
        ))
    }
}

/// A followed log: a [`Stream`], and [`next`](Self::next) for use without one.
#[must_use = "a log is followed as far as it is read"]
pub struct LogStream(Pin<Box<dyn Stream<Item = Result<LogLine>> + Send>>);

impl LogStream {
    /// The next line, or `None` at the end. After an error there is nothing more.
    pub async fn next(&mut self) -> Option<Result<LogLine>> {
        poll_fn(|cx| self.0.as_mut().poll_next(cx)).await
    }
}

impl Stream for LogStream {
    type Item = Result<LogLine>;
    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0.as_mut().poll_next(cx)
    }
}

/// The log of one pod, followed.
struct Followed {
    logs: Logs,
    pod: String,
    /// Of the pod and the container whose log was opened last.
    uid: String,
    container: String,
    deadline: Instant,
    body: Option<(Body, Lines)>,
    /// The newest time of a line that was told, and how many lines of that very time were.
    last: Option<(Timestamp, usize)>,
    /// While lines come again on a new connection: how many of that time have.
    again: Option<usize>,
    failures: u32,
}

impl Followed {
    fn new(logs: Logs, pod: String, deadline: Instant) -> Self {
        let (uid, container) = Default::default();
        Self { logs, pod, uid, container, deadline, body: None, last: None, again: None, failures: 0 }
    }

    fn stream(self) -> Pin<Box<dyn Stream<Item = Result<LogLine>> + Send>> {
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
            match timeout_at(until, body.next()).await {
                Ok(Some(Ok(data))) => lines.feed(&data),
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
            Err(error) if self.failures < 30 && (starting(&error) || error.is_transient()) => {
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
        self.container = container(&pod, self.logs.container.as_deref())?;
        let container = self.container.as_str();
        if self.uid != pod.metadata.uid {
            // Its log begins anew, whatever its name is.
            self.last = None;
            self.uid = pod.metadata.uid;
        }
        let ask = self.logs.ask(&self.pod, container).query("follow", true);
        let ask = match &self.last {
            // To the second; what was told already is left out.
            Some((at, _)) => Ask {
                query: ask.query.into_iter().filter(|(name, _)| *name != "sinceSeconds").collect(),
                ..ask
            }
            .query("sinceTime", at),
            None => ask.query("tailLines", self.logs.tail),
        };
        let incoming = self.logs.cluster.open(&ask, self.logs.cluster.deadline()).await?;
        Ok((incoming.body, Lines::new(&self.pod, container)))
    }

    /// What may come after the end of a log: more of the same while the container runs or will be started again, else that of
    /// the pod that has taken the place of this one, which is then followed.
    async fn then(&mut self) -> Result<Then> {
        let (cluster, namespace) = (&self.logs.cluster, &self.logs.namespace);
        match passing(timeout(cluster.0.limits.request, cluster.pod(namespace, &self.pod)).await)? {
            Found::There(pod) if !over(&pod, &self.container) => return Ok(Then::Same),
            Found::There(_) | Found::Gone => {}
            Found::Unclear => return Ok(Then::Unclear),
        }
        if self.logs.name.starts_with("pod/") || self.logs.all_pods {
            return Ok(Then::Nothing);
        }
        let others = async {
            let workload = cluster.workload(namespace, &self.logs.name).await?;
            let pods = cluster.pods_of_workload(namespace, &workload).await?;
            Ok::<_, Error>((pods, workload.spec.replicas != Some(0)))
        };
        let (pods, wanted) = match passing(timeout(cluster.0.limits.request, others).await)? {
            Found::There(found) => found,
            Found::Gone => return Ok(Then::Nothing),
            Found::Unclear => return Ok(Then::Unclear),
        };
        let useful = |pod: &objects::Pod| !over(pod, &self.container) && pod.metadata.uid != self.uid;
        match pods.into_iter().find(useful) {
            Some(next) => {
                self.pod = next.metadata.name;
                Ok(Then::Other)
            }
            // One will take its place, though it is not there yet.
            None if wanted => Ok(Then::Unclear),
            None => Ok(Then::Nothing),
        }
    }
}

/// What a look at something came to.
enum Found<T> {
    There(T),
    Gone,
    Unclear,
}

/// What passes will show at the next request; what does not is an error.
fn passing<T>(looked: std::result::Result<Result<T>, Elapsed>) -> Result<Found<T>> {
    match looked {
        Ok(Ok(found)) => Ok(Found::There(found)),
        Ok(Err(error)) if error.is_not_found() => Ok(Found::Gone),
        Ok(Err(error)) if !error.is_transient() => Err(error),
        Ok(Err(_)) | Err(_) => Ok(Found::Unclear),
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

/// Whether this container of a pod will write nothing more: it has ended, and nobody will start it again.
fn over(pod: &objects::Pod, container: &str) -> bool {
    let (spec, status) = (&pod.spec, &pod.status);
    if matches!(status.phase.as_str(), "Succeeded" | "Failed") {
        return true;
    }
    let mut statuses = status
        .container_statuses
        .iter()
        .chain(&status.init_container_statuses)
        .chain(&status.ephemeral_container_statuses);
    let ended =
        statuses.find(|status| status.name == container).and_then(|one| one.state.terminated.as_ref());
    let Some(ended) = ended else { return false };
    let is = |one: &&objects::Container| one.name == container;
    let of_pod = spec.restart_policy.as_str();
    let policy = match (spec.containers.iter().find(is), spec.init_containers.iter().find(is)) {
        (Some(one), _) if !one.restart_policy.is_empty() => one.restart_policy.as_str(),
        (Some(_), _) => of_pod,
        (_, Some(sidecar)) if sidecar.restart_policy == "Always" => "Always",
        // A step is taken again only if it failed.
        (_, Some(_)) if of_pod == "Never" => "Never",
        (_, Some(_)) => "OnFailure",
        // An ephemeral one.
        (None, None) => "Never",
    };
    match policy {
        _ if pod.metadata.deletion_timestamp.is_some() => true,
        "Never" => true,
        "OnFailure" => ended.exit_code == 0,
        _ => false,
    }
}

fn starting(error: &Error) -> bool {
    error.status() == Some(400) && error.message().contains("waiting to start")
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn a_log_is_over_when_nobody_will_start_its_container_again() {
        let judged = |policy: &str, code: Option<i32>, more: Value| {
            let state =
                code.map_or(json!({ "running": {} }), |code| json!({ "terminated": { "exitCode": code } }));
            let status = json!([{ "name": "c", "state": state }]);
            let mut pod = json!({
                "metadata": { "name": "p" },
                "spec": { "restartPolicy": policy, "containers": [{ "name": "c" }] },
                "status": { "phase": "Running", "containerStatuses": status },
            });
            for (path, value) in more.as_object().unwrap() {
                let (parent, name) = path.rsplit_once('/').unwrap();
                pod.pointer_mut(parent).unwrap()[name] = value.clone();
            }
            over(&serde_json::from_value(pod).unwrap(), "c")
        };
        let plain = || json!({});
        for (policy, running, done, failed) in
            [("Always", false, false, false), ("OnFailure", false, true, false), ("Never", false, true, true)]
        {
            let outcome = [None, Some(0), Some(1)].map(|code| judged(policy, code, plain()));
            assert_eq!(outcome, [running, done, failed], "{policy}");
        }
        assert!(judged("Always", None, json!({ "/status/phase": "Failed" })));
        let deleted = json!({ "/metadata/deletionTimestamp": "2026-01-01T00:00:00Z" });
        assert!(judged("Always", Some(0), deleted.clone()) && !judged("Always", None, deleted));
        // Init containers are steps, unless they are sidecars; a container may have a rule of its own.
        let step = |own: Value| json!({ "/spec/containers": [], "/spec/initContainers": [{ "name": "c", "restartPolicy": own }] });
        assert!(judged("Always", Some(0), step(Value::Null)));
        assert!(!judged("Always", Some(1), step(Value::Null)) && judged("Never", Some(1), step(Value::Null)));
        assert!(!judged("Never", Some(0), step("Always".into())));
        assert!(judged("Always", Some(1), json!({ "/spec/containers/0/restartPolicy": "Never" })));
        assert!(judged(
            "Always",
            Some(1),
            json!({ "/spec/containers": [], "/spec/ephemeralContainers": [{ "name": "c" }] })
        ));
    }
}
