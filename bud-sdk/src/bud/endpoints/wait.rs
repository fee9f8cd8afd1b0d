//! Waiting for an endpoint.

use std::fmt;
use std::future::{IntoFuture, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use futures_core::Stream;
use futures_util::StreamExt;
use futures_util::stream::unfold;

use super::{Endpoint, EndpointStatus, GetEndpoint, Target};
use crate::bud::Client;
use crate::call::{OnUpdate, Verdict, Wait};
use crate::error::{Error, ErrorKind, Result};
use crate::http::BoxFuture;
use crate::operation::from_slice;
use crate::types::{EndpointId, ProjectId, Timestamp};

/// A wait for an endpoint's state. Awaiting it starts it; [`updates`](Self::updates) shows what it sees on the way.
///
/// It looks more and more seldom, waits longer when the server asks for it, and goes on through outages (also of the identity
/// service, which look like refused tokens), renewed tokens and an endpoint that is not there yet at first. A failure of the endpoint ends it at once. It can be dropped and started again
/// at any time: the endpoint does not know of it.
#[must_use = "a wait does nothing until it is awaited"]
pub struct EndpointWait {
    client: Client,
    target: Target,
    goal: Goal,
    wait: Wait,
    told: Option<OnUpdate<Endpoint>>,
}

/// What is waited for.
#[derive(Debug, Clone)]
struct Goal {
    status: EndpointStatus,
    replicas: Option<u32>,
    failures: Vec<EndpointStatus>,
    /// The endpoint's time of change when the action was answered; the state proves nothing until a sign was seen.
    after: Option<(Option<EndpointStatus>, Option<Timestamp>)>,
}

impl EndpointWait {
    pub(super) fn new(client: Client, id: EndpointId) -> Self {
        let goal =
            Goal { status: EndpointStatus::Running, replicas: None, failures: Vec::new(), after: None };
        Self { client, target: id.into(), goal, wait: Wait::default(), told: None }
    }

    /// The project that the endpoint belongs to. The platform as shipped asks for it of everybody but superusers; the guide's
    /// API does not need it, and it is not sent there.
    pub fn project(mut self, project: impl Into<ProjectId>) -> Self {
        self.target.project = Some(project.into());
        self
    }
    /// The state to wait for. `Running`.
    ///
    /// What is undeployed ends `Stopped` on the guide's API and gone on the platform as shipped, so `Stopped` is also reached
    /// by `Deleted`, and what is not there any more after it was `Deleting` counts and is shown as `Deleted`.
    pub fn until(mut self, status: EndpointStatus) -> Self {
        self.goal.status = status;
        self
    }
    /// Also waits until it has this many replicas: after [`Endpoints::scale`](super::Endpoints::scale) the state alone
    /// proves nothing. On the platform as shipped each look then also counts the workers that run.
    pub fn replicas(mut self, replicas: u32) -> Self {
        self.goal.replicas = Some(replicas);
        self
    }
    /// Takes this state for a failure, too. A wait for `Running` fails on `Failed`, `Stopped`, `Deleting` and `Deleted`.
    pub fn fail_on(mut self, status: EndpointStatus) -> Self {
        self.goal.failures.push(status);
        self
    }
    /// Waits for the outcome of an action that answered with `endpoint`. The state counts only after a sign of the action:
    /// another state was seen, the endpoint's `updated_at` has moved (which the platform as shipped does not tell), or it has
    /// the asked number of replicas. Without one the wait ends as `Unconfirmed`, never as success. Being down needs no sign;
    /// a wait for it should be told of the undeployment, which may be done, and the endpoint gone, before the first look.
    ///
    /// ```no_run
    /// # async fn demo(bud: bud_sdk::Client) -> bud_sdk::Result<()> {
    /// let answered = bud.endpoints().deploy("e-1", bud_sdk::endpoints::Deployment::on("c-1")).await?;
    /// let ready = bud.endpoints().wait(&answered).after(&answered).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn after(mut self, endpoint: &Endpoint) -> Self {
        self.goal.after = Some((endpoint.status.as_deref().cloned(), endpoint.updated_at));
        self
    }
    /// The longest time to wait. 30 minutes.
    pub fn timeout(mut self, time: Duration) -> Self {
        self.wait.timeout = time;
        self
    }
    /// The time between the first looks; it grows to eight times as much. 2 seconds.
    pub fn poll_interval(mut self, time: Duration) -> Self {
        self.wait.poll_interval = time;
        self
    }
    /// Is told what each look showed.
    pub fn on_update(mut self, callback: impl FnMut(&Endpoint) + Send + 'static) -> Self {
        self.told = Some(Box::new(callback));
        self
    }

    /// What each look shows, up to the state that was waited for, or the error that ended the wait.
    ///
    /// ```no_run
    /// # async fn demo(bud: bud_sdk::Client) -> bud_sdk::Result<()> {
    /// let mut updates = bud.endpoints().wait("e-1").updates();
    /// while let Some(endpoint) = updates.next().await {
    ///     println!("{:?}", endpoint?.status);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn updates(self) -> EndpointUpdates {
        let Self { client, target, goal, wait, mut told } = self;
        let target_id = crate::operation::clean(target.id.as_str(), 128);
        let begins_going =
            goal.after.as_ref().is_some_and(|(status, _)| status == &Some(EndpointStatus::Deleting));
        // Once it goes down, its absence is the end of that.
        let going = Arc::new(AtomicBool::new(begins_going));
        let down = matches!(goal.status, EndpointStatus::Stopped | EndpointStatus::Deleted);
        let look = {
            let going = Arc::clone(&going);
            move |left| {
                let operation = GetEndpoint { target: target.clone(), counted: goal.replicas.is_some() };
                let (client, going) = (client.clone(), Arc::clone(&going));
                async move {
                    match client.execute(&operation, client.options_within(left)).await {
                        Ok((endpoint, _)) => Ok(endpoint),
                        Err(error) if error.is_not_found() && down && going.load(Ordering::Relaxed) => {
                            gone(&operation.target.id)
                        }
                        Err(error) => Err(error),
                    }
                }
            }
        };
        // What is down is down, whatever took it there.
        let mut signed = goal.after.is_none() || down;
        let judge = move |endpoint: &Endpoint| {
            if let Some(told) = &mut told {
                told(endpoint);
            }
            if endpoint.is(&EndpointStatus::Deleting) {
                going.store(true, Ordering::Relaxed);
            }
            goal.judge(endpoint, &mut signed)
        };
        EndpointUpdates(Box::pin(
            unfold(Some((wait.watch(look, judge), target_id)), |watch| async move {
                let step = async {
                    let (mut watch, id) = watch?;
                    let step = match &mut watch {
                        Ok(watch) => watch.next().await.transpose()?,
                        Err(refused) => Err(refused.clone()),
                    };
                    Some(match step {
                        Ok(endpoint) => (Ok(endpoint), Some((watch, id))),
                        Err(error) => (Err(named(error, &id)), None),
                    })
                };
                step.await
            })
            .fuse(),
        ))
    }
}

/// The error of a wait: whatever it asked for on the way, and with what to resume it by.
fn named(error: Error, id: &str) -> Error {
    let error = error.for_operation("endpoints.wait");
    match error.kind() {
        ErrorKind::PollTimeout => {
            error.with_hint(format!("the work goes on: wait for endpoint {id} again to resume"))
        }
        _ => error,
    }
}

/// What is not there any more.
fn gone(id: &EndpointId) -> Result<Endpoint> {
    let known = serde_json::json!({ "id": id, "status": EndpointStatus::Deleted.as_str() });
    from_slice(known.to_string().as_bytes())
}

impl Goal {
    fn judge(&self, endpoint: &Endpoint, signed: &mut bool) -> Verdict {
        let Some(status) = endpoint.status.as_deref() else {
            return Verdict::Pending("no status".to_owned());
        };
        let replicas_reached = self.replicas.is_none_or(|replicas| endpoint.replicas == Some(replicas));
        let moved = self.after.as_ref().is_some_and(|(state, time)| {
            state.as_ref().is_some_and(|state| state != status)
                || endpoint.updated_at.is_some() && endpoint.updated_at != *time
        });
        *signed |= moved || (self.replicas.is_some() && replicas_reached);
        let stopped = self.status == EndpointStatus::Stopped && *status == EndpointStatus::Deleted;
        if (*status == self.status || stopped) && replicas_reached {
            return if *signed { Verdict::Reached } else { Verdict::Unproven(status.to_string()) };
        }
        // What has failed, is down or going down does not start running by itself; it can still be taken down.
        let over = self.failures.contains(status)
            || self.status == EndpointStatus::Running
                && matches!(
                    status,
                    EndpointStatus::Failed
                        | EndpointStatus::Stopped
                        | EndpointStatus::Deleting
                        | EndpointStatus::Deleted
                );
        // Nor is a state a failure of the action that was there before it.
        if over && !*signed {
            return Verdict::Unproven(status.to_string());
        }
        if over {
            let reason = endpoint.reason.as_deref().unwrap_or("the server gives no reason");
            let message = format!("the endpoint is {status}: {}", crate::operation::clean(reason, 500));
            return Verdict::Failed(Error::new(ErrorKind::OperationFailed, message));
        }
        let replicas = endpoint.replicas.map(|replicas| format!(", {replicas} replicas"));
        Verdict::Pending(format!("{status}{}", replicas.unwrap_or_default()))
    }
}

impl IntoFuture for EndpointWait {
    type Output = Result<Endpoint>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move {
            let mut updates = self.updates();
            let mut last = None;
            while let Some(endpoint) = updates.next().await {
                last = Some(endpoint?);
            }
            last.ok_or_else(|| Error::new(ErrorKind::Unconfirmed, "nothing was seen of the endpoint"))
        })
    }
}

impl fmt::Debug for EndpointWait {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EndpointWait")
            .field("target", &self.target)
            .field("goal", &self.goal)
            .finish_non_exhaustive()
    }
}

/// What a wait sees: a [`Stream`], and [`next`](Self::next) for use without one.
#[must_use = "a wait goes on as far as it is read"]
pub struct EndpointUpdates(Pin<Box<dyn Stream<Item = Result<Endpoint>> + Send>>);

impl EndpointUpdates {
    /// The next look; `None` after the state that was waited for, or after an error.
    pub async fn next(&mut self) -> Option<Result<Endpoint>> {
        poll_fn(|cx| self.0.as_mut().poll_next(cx)).await
    }
}

impl Stream for EndpointUpdates {
    type Item = Result<Endpoint>;
    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0.as_mut().poll_next(cx)
    }
}
