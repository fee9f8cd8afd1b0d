//! Deploying a model on the platform as shipped: a job of many steps.

mod run;
mod spec;
mod step;

use std::fmt;
use std::future::IntoFuture;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use futures_core::Stream;

use super::{Endpoint, Endpoints};
use crate::bud::Client;
use crate::call::{Job, OnUpdate, Wait};
use crate::error::{Error, ErrorKind, Result};
use crate::http::BoxFuture;
use crate::schema::{model, open_enum};
use crate::types::{DeployClusterId, Wire, WorkflowId};

use run::Run;
pub use spec::{DeployModel, HardwareMode};
pub use step::DeployStep;

impl Endpoints {
    /// Deploys a model and waits until the endpoint is there, for at most an hour. Guide section 5.1:
    /// `POST /models/deploy-workflow` in steps, `GET /clusters/recommended/{id}` until the simulator is done,
    /// `GET /workflows/{id}` until the deployment is, then `GET /endpoints/`. Runtime only: on the guide's API use
    /// [`deploy`](Self::deploy).
    ///
    /// What starts the deployment is sent once and never again, not even after an answer that was lost: the platform would
    /// deploy twice. Instead the workflow is looked at.
    ///
    /// # Errors
    /// `InvalidArgument`, before any request, for what the platform would refuse; also for a model that a provider runs and
    /// no key for it. `Conflict` when the name is taken, which says what it is stored as. `OperationFailed` with the
    /// platform's reason when the simulation or the deployment fails. `PollTimeout` at the deadline: the deployment goes on.
    /// `Unconfirmed` when nothing shows that it was started. Every error of a workflow that was begun and not taken back
    /// names it: [`cursor`](Error::cursor) is the workflow to [`resume`](ModelDeployment::resume).
    ///
    /// ```no_run
    /// # async fn demo(bud: bud_sdk::Client, project: bud_sdk::projects::Project) -> bud_sdk::Result<()> {
    /// use bud_sdk::endpoints::DeployModel;
    /// let model = DeployModel::new("model-uuid", &project, "chat").concurrent_requests(20).context_length(8000);
    /// let endpoint = bud.endpoints().deploy_model(model).on_update(|update| println!("{:?}", update.stage)).await?;
    /// println!("{:?} is {:?}", endpoint.name, endpoint.status);
    /// # Ok(())
    /// # }
    /// ```
    pub fn deploy_model(&self, model: DeployModel) -> ModelDeployment {
        let wait = Wait { timeout: Duration::from_secs(60 * 60), ..Wait::default() };
        ModelDeployment { client: self.0.clone(), model, resumed: None, wait, told: None }
    }
}

/// A deployment of a model. Awaiting it starts it; [`updates`](Self::updates) shows how far it is.
///
/// It goes on through outages (also of the identity service, which look like refused tokens), renewed tokens, a simulator that
/// is not ready, and lost events: the simulation is over when clusters are recommended, the deployment when the endpoint runs. When it is dropped, what it has begun on the
/// server stays, and can be [resumed](Self::resume). A workflow that it began and that is refused before anything was started
/// is taken back.
#[must_use = "a deployment does nothing until it is awaited"]
pub struct ModelDeployment {
    client: Client,
    model: DeployModel,
    resumed: Option<WorkflowId>,
    wait: Wait,
    told: Option<OnUpdate<DeploymentUpdate>>,
}

open_enum! {
    /// How far the deployment of a model is.
    DeploymentStage {
        /// A workflow was begun, or is resumed.
        Begun = "begun",
        /// The name was free and is stored.
        Named = "named",
        /// The simulator plans it.
        Simulating = "simulating",
        /// A cluster was chosen.
        ClusterChosen = "cluster_chosen",
        /// It was started.
        Started = "started",
        /// It is under way.
        Deploying = "deploying",
        /// The endpoint is there.
        Done = "done",
    }
}

model! {
    /// How far the deployment of a model is.
    DeploymentUpdate {
        /// The stage.
        pub stage: Option<Wire<DeploymentStage>>,
        /// The workflow, to resume it by.
        pub workflow_id: Option<WorkflowId>,
        /// The name that the endpoint will have.
        pub endpoint_name: Option<String>,
        /// The cluster that was chosen.
        pub cluster_id: Option<DeployClusterId>,
        /// What the platform says of it.
        pub detail: Option<String>,
        /// The endpoint, once it is there.
        pub endpoint: Option<Box<Endpoint>>,
    }
}

/// What a deployment has left on the server.
#[derive(Debug, Default, Clone)]
struct Begun {
    workflow: Option<WorkflowId>,
    /// What starts it was sent.
    started: bool,
}

type Shared = Arc<Mutex<Begun>>;

fn begun(shared: &Shared) -> MutexGuard<'_, Begun> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

impl ModelDeployment {
    /// Goes on with a workflow that an earlier run of this began: the steps that are missing are taken, and what it has stored
    /// already (its name, its load) stays. One that was started is only waited for. Not while that run still goes on.
    ///
    /// The model, project and name must be the workflow's own.
    pub fn resume(mut self, workflow: impl Into<WorkflowId>) -> Self {
        self.resumed = Some(workflow.into());
        self
    }
    /// The longest time that all of it may take. 60 minutes.
    pub fn timeout(mut self, time: Duration) -> Self {
        self.wait.timeout = time;
        self
    }
    /// The time between the first looks at simulation and deployment; it grows to eight times as much. 2 seconds.
    pub fn poll_interval(mut self, time: Duration) -> Self {
        self.wait.poll_interval = time;
        self
    }
    /// Is told how far it is.
    pub fn on_update(mut self, callback: impl FnMut(&DeploymentUpdate) + Send + 'static) -> Self {
        self.told = Some(Box::new(callback));
        self
    }

    /// The request that begins it, for tests that look at what it would send.
    #[cfg(test)]
    pub(crate) fn operation(&self) -> DeployStep {
        DeployStep::first(&self.model)
    }

    /// How far it is, up to the endpoint that is there, or the error that ended it. It goes on as far as it is read.
    ///
    /// ```no_run
    /// # async fn demo(bud: bud_sdk::Client, model: bud_sdk::endpoints::DeployModel) -> bud_sdk::Result<()> {
    /// let mut updates = bud.endpoints().deploy_model(model).updates();
    /// while let Some(update) = updates.next().await {
    ///     let update = update?;
    ///     println!("{:?} {}", update.stage, update.detail.unwrap_or_default());
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn updates(self) -> DeploymentUpdates {
        let Self { client, model, resumed, wait, told } = self;
        let shared = Shared::default();
        let run = Run::new(client.clone(), model, wait, Arc::clone(&shared));
        DeploymentUpdates { job: Job::new(told, |teller| run.all(resumed, teller)), client, shared }
    }
}

impl IntoFuture for ModelDeployment {
    type Output = Result<Endpoint>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move {
            let outcome = self.updates().job.outcome().await;
            outcome.unwrap_or_else(|| Err(Error::new(ErrorKind::Unconfirmed, "nothing was seen of it")))
        })
    }
}

impl fmt::Debug for ModelDeployment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ModelDeployment").field("model", &self.model).finish_non_exhaustive()
    }
}

/// How far a deployment is: a [`Stream`], and [`next`](Self::next) for use without one.
#[must_use = "a deployment goes on as far as it is read"]
pub struct DeploymentUpdates {
    job: Job<DeploymentUpdate, Endpoint>,
    client: Client,
    shared: Shared,
}

impl DeploymentUpdates {
    /// The next update; `None` after the endpoint is there, or after an error.
    pub async fn next(&mut self) -> Option<Result<DeploymentUpdate>> {
        self.job.next().await
    }

    /// The workflow, once it was begun: what a later run resumes.
    pub fn workflow(&self) -> Option<WorkflowId> {
        begun(&self.shared).workflow.clone()
    }

    /// Goes no further, and takes back what was begun on the server.
    ///
    /// # Errors
    /// `Conflict` when the deployment was started: the platform could only forget it, and its cluster would go on. Let it
    /// end, then undeploy the endpoint. Else those of [`workflows.cancel`](crate::workflows::Workflows::cancel).
    pub async fn cancel(self) -> Result<()> {
        let Self { job, client, shared } = self;
        drop(job);
        let Begun { workflow, started } = begun(&shared).clone();
        match workflow {
            None => Ok(()),
            Some(_) if started => {
                Err(Error::new(ErrorKind::Conflict, "it was started, and its cluster is at work on it")
                    .with_operation("endpoints.deploy_model")
                    .with_hint("let it end, then undeploy the endpoint"))
            }
            Some(workflow) => client.workflows().cancel(workflow).await,
        }
    }
}

impl Stream for DeploymentUpdates {
    type Item = Result<DeploymentUpdate>;
    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        Pin::new(&mut self.job).poll_next(context)
    }
}
