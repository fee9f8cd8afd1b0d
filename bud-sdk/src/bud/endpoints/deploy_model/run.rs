//! The steps of a deployment, one after the other.

use std::time::Duration;

use serde_json::Value;
use tokio::time::{Instant, sleep, timeout};

use super::step::{DeployStep, TRIGGER};
use super::{Begun, DeployModel, DeploymentStage, DeploymentUpdate, Shared, begun};
use crate::bud::Client;
use crate::bud::ModelProviderType;
use crate::bud::clusters::{RecommendClusters, Recommendations, RecommendedCluster};
use crate::bud::endpoints::{Endpoint, EndpointStatus, ListEndpoints};
use crate::bud::workflows::{GetWorkflow, Workflow, WorkflowStatus, WorkflowSteps};
use crate::call::{SLOWEST, Teller, Verdict, Wait};
use crate::error::{Error, ErrorKind, Result, seconds};
use crate::http::{Meta, Options};
use crate::operation::Describe;
use crate::types::{DeployClusterId, Extra, WorkflowId, check_segment};

/// A deployment under way.
pub(super) struct Run {
    client: Client,
    model: DeployModel,
    wait: Wait,
    shared: Shared,
    deadline: Instant,
    /// The name as the platform stores it.
    stored: String,
}

type Tell = Teller<DeploymentUpdate>;

impl Run {
    pub(super) fn new(client: Client, model: DeployModel, wait: Wait, shared: Shared) -> Self {
        Self { client, model, wait, shared, deadline: Instant::now(), stored: String::new() }
    }

    pub(super) async fn all(mut self, resumed: Option<WorkflowId>, mut tell: Tell) -> Result<Endpoint> {
        let own = resumed.is_none();
        let outcome = self.steps(resumed, &mut tell).await;
        let error = match outcome {
            Ok(endpoint) => return Ok(endpoint),
            Err(error) => error.for_operation(DeployStep::ID),
        };
        let Begun { workflow, started } = begun(&self.shared).clone();
        let Some(workflow) = workflow else { return Err(error) };
        if own && !started && is_final(&error) {
            // Nobody could do anything with it. Should this fail, it does no harm either.
            let _ = self.client.workflows().cancel(&workflow).await;
            return Err(error);
        }
        let advice = match error.kind() {
            ErrorKind::OperationFailed | ErrorKind::NotFound => format!("its workflow is {workflow}"),
            _ => format!("resume it by its workflow, {workflow}"),
        };
        // A wait's own hint is about the wait alone.
        let hint = error.hint().filter(|_| error.kind() != ErrorKind::PollTimeout);
        let hint = hint.map_or_else(|| advice.clone(), |hint| format!("{hint}; {advice}"));
        Err(error.with_cursor(workflow.to_string()).with_hint(hint))
    }

    async fn steps(&mut self, resumed: Option<WorkflowId>, tell: &mut Tell) -> Result<Endpoint> {
        self.stored = self.model.check()?;
        if let Some(workflow) = &resumed {
            check_segment("workflow_id", workflow.as_str())?;
        }
        self.deadline = self.wait.deadline()?;
        self.client.route::<DeployStep>().await?;
        let workflow = match resumed {
            None => self.step(DeployStep::first(&self.model)).await?,
            Some(id) => self.resumed(id).await?,
        };
        let id = workflow.id.clone();
        // Known before anybody is told: what was started, by an earlier run too, is not to be cancelled.
        let started = is_started(&workflow) || workflow.is(&WorkflowStatus::Completed);
        *begun(&self.shared) = Begun { workflow: Some(id.clone()), started };
        tell.tell(self.update(&id, DeploymentStage::Begun)).await;
        if !started && workflow.failure().is_none() {
            self.prepare(workflow, tell).await?;
            self.start(&id, tell).await?;
        }
        self.finish(&id, tell).await?;
        let endpoint = self.endpoint().await?;
        let update = self.update(&id, DeploymentStage::Done);
        tell.tell(DeploymentUpdate { endpoint: Some(Box::new(endpoint.clone())), ..update }).await;
        Ok(endpoint)
    }

    /// A workflow of an earlier run, if it is about the same.
    async fn resumed(&self, id: WorkflowId) -> Result<Workflow> {
        let read = GetWorkflow(id);
        let workflow = self.outlive(|options| self.client.execute(&read, options)).await?;
        let Some(steps) = workflow.steps.as_deref() else { return Ok(workflow) };
        let other = |what: &'static str, of: &str| {
            Err(Error::invalid(what, format!("the workflow has another one: {of}")))
        };
        match steps {
            WorkflowSteps { model_id: Some(model), .. } if *model != self.model.model => {
                other("model_id", model.as_str())
            }
            WorkflowSteps { project: Some(project), .. } if project.id != self.model.project => {
                other("project_id", project.id.as_str())
            }
            WorkflowSteps { endpoint_name: Some(name), .. } if *name != self.stored => other("name", name),
            _ => Ok(workflow),
        }
    }

    /// Everything up to what starts it. What is stored already is not sent again.
    async fn prepare(&self, mut workflow: Workflow, tell: &mut Tell) -> Result<()> {
        let id = workflow.id.clone();
        let by_provider = self.is_by_provider(&workflow)?;
        let next = |number| DeployStep::of(&id, &self.model.project, number);
        if known(&workflow, |steps| steps.endpoint_name.is_some()) {
            self.check_name(&workflow)?;
        } else {
            // A name is looked up only if none was stored before: a second one would be taken unseen.
            let named = next(2)
                .with("project_id", self.model.project.as_str())
                .with("endpoint_name", self.model.name.as_str());
            workflow = self.step(named).await.map_err(|error| self.name_is_taken(error))?;
            self.check_name(&workflow)?;
        }
        tell.tell(self.update(&id, DeploymentStage::Named)).await;

        let planned = |steps: &WorkflowSteps| {
            steps.deploy_config.is_some() && (by_provider || steps.simulator_id.is_some())
        };
        if !known(&workflow, planned) {
            let plan = next(3)
                .with("hardware_mode", self.model.hardware.as_str())
                .with("deploy_config", self.model.load())
                .with_opt("credential_id", self.model.provider_key.as_ref().map(ToString::to_string));
            self.step(plan).await?;
        }
        if by_provider {
            return Ok(());
        }
        let recommended = self.simulated(&id, tell).await?;
        let (cluster, details) = self.choose(recommended)?;
        let parser = |of: fn(&RecommendedCluster) -> &Option<String>, wanted: bool| {
            details.as_ref().filter(|_| wanted).and_then(|details| of(details).clone())
        };
        let (tools, reasoning) = (self.model.tool_calling, self.model.reasoning);
        let chosen = next(5)
            .with("cluster_id", cluster.as_str())
            .with_opt("enable_tool_calling", tools.then_some(true))
            .with_opt("tool_calling_parser_type", parser(|details| &details.tool_calling_parser_type, tools))
            .with_opt("enable_reasoning", reasoning.then_some(true))
            .with_opt("reasoning_parser_type", parser(|details| &details.reasoning_parser_type, reasoning))
            .with_opt("chat_template", parser(|details| &details.chat_template, tools || reasoning));
        self.step(chosen).await?;
        let update = self.update(&id, DeploymentStage::ClusterChosen);
        tell.tell(DeploymentUpdate { cluster_id: Some(cluster), ..update }).await;
        Ok(())
    }

    /// Whether a provider runs the model: it takes a key then, and no cluster.
    fn is_by_provider(&self, workflow: &Workflow) -> Result<bool> {
        let model = workflow.steps.as_ref().and_then(|steps| steps.model.as_deref());
        let kind = model.and_then(|model| model.provider_type.as_deref());
        let by_provider = kind == Some(&ModelProviderType::CloudModel);
        if by_provider && self.model.provider_key.is_none() {
            return Err(Error::invalid("provider_key", "a provider runs this model, and takes a key"));
        }
        if by_provider && self.model.cluster.is_some() {
            return Err(Error::invalid("cluster_id", "a provider runs this model, and takes no cluster"));
        }
        Ok(by_provider)
    }

    fn check_name(&self, workflow: &Workflow) -> Result<()> {
        let stored = workflow.steps.as_ref().and_then(|steps| steps.endpoint_name.as_deref());
        match stored {
            Some(stored) if stored == self.stored => Ok(()),
            stored => {
                let stored = stored.unwrap_or("nothing");
                let message = format!("the platform stored `{stored}` for the name, not `{}`", self.stored);
                Err(Error::new(ErrorKind::Conflict, message).with_hint("give the name as it is stored"))
            }
        }
    }

    fn name_is_taken(&self, error: Error) -> Error {
        if !error.is_conflict() {
            return error;
        }
        let hint =
            format!("names are unique on the whole platform, and this one is stored as `{}`", self.stored);
        error.with_hint(hint)
    }

    /// Waits for the simulator.
    async fn simulated(&self, id: &WorkflowId, tell: &mut Tell) -> Result<Vec<RecommendedCluster>> {
        let look = |left| async move {
            // Only the workflow knows of a simulation that failed.
            let workflow = self.workflow(id, left).await?;
            if let Some(reason) = workflow.failure() {
                return Ok(Simulation { failure: Some(reason), ..Simulation::default() });
            }
            let recommend = RecommendClusters(id.clone());
            let found = self.client.execute(&recommend, self.client.options_within(left)).await?.0;
            Ok(Simulation { done: simulation_done(&workflow), found: Some(found), failure: None })
        };
        let mut before = None;
        let own = self.model.cluster.is_some();
        let judge = |simulation: &Simulation| simulation.judge(own, &mut before);
        let mut watch = self.rest()?.watch(look, judge)?;
        let mut clusters = Vec::new();
        while let Some(simulation) = watch.next().await? {
            clusters = simulation.found.map(|found| found.clusters).unwrap_or_default();
            let update = self.update(id, DeploymentStage::Simulating);
            let detail = format!("{} clusters are recommended", clusters.len());
            tell.tell(DeploymentUpdate { detail: Some(detail), ..update }).await;
        }
        Ok(clusters)
    }

    /// The caller's cluster, or the first one that is recommended; and what is known of it.
    fn choose(
        &self,
        recommended: Vec<RecommendedCluster>,
    ) -> Result<(DeployClusterId, Option<RecommendedCluster>)> {
        let fits = |found: &RecommendedCluster| {
            self.model.cluster.as_ref().is_none_or(|wanted| found.cluster_id.as_ref() == Some(wanted))
        };
        let details = recommended.into_iter().find(|found| found.cluster_id.is_some() && fits(found));
        let cluster = details.as_ref().and_then(|details| details.cluster_id.clone());
        let cluster = self.model.cluster.clone().or(cluster);
        let cluster = cluster.ok_or_else(|| Error::decode(".clusters[].cluster_id", "it is missing"))?;
        Ok((cluster, details))
    }

    /// Starts it, once. Whether an answer came or not, from here on only the workflow tells.
    async fn start(&self, id: &WorkflowId, tell: &mut Tell) -> Result<()> {
        let settings = self.model.autoscaler.as_ref().map(|settings| settings.to_wire()).transpose()?;
        let trigger = DeployStep::of(id, &self.model.project, TRIGGER)
            .with("trigger_workflow", true)
            .with_opt("budaiscaler_specification", settings);
        self.left()?;
        begun(&self.shared).started = true;
        let detail = match self.step(trigger).await {
            Ok(_) => None,
            Err(error) if error.maybe_applied() => Some(error.to_string()),
            Err(error) => {
                begun(&self.shared).started = false;
                return Err(self.name_is_taken(error));
            }
        };
        let update = self.update(id, DeploymentStage::Started);
        tell.tell(DeploymentUpdate { detail, ..update }).await;
        Ok(())
    }

    /// Waits for the workflow's end.
    async fn finish(&self, id: &WorkflowId, tell: &mut Tell) -> Result<()> {
        let look = |left| async move {
            let workflow = self.workflow(id, left).await?;
            // The platform may lose the event that completes the workflow; the endpoint shows that the work is done.
            let running = last_event_completed(&workflow)
                && self.listed(left).await?.is_some_and(|found| is_up(&found));
            Ok((workflow, running))
        };
        let judge = |(workflow, running): &(Workflow, bool)| match workflow.failure() {
            Some(reason) => Verdict::Failed(failed("the deployment", &reason)),
            None if *running || workflow.is(&WorkflowStatus::Completed) => Verdict::Reached,
            None if is_started(workflow) => Verdict::Pending(state(workflow)),
            None => Verdict::Unproven(state(workflow)),
        };
        let mut watch = self.rest()?.watch(look, judge)?;
        while let Some((workflow, _)) = watch.next().await? {
            let update = self.update(id, DeploymentStage::Deploying);
            tell.tell(DeploymentUpdate { detail: Some(state(&workflow)), ..update }).await;
        }
        Ok(())
    }

    /// The endpoint of a finished workflow, which does not name it.
    async fn endpoint(&self) -> Result<Endpoint> {
        let look = |left| async move {
            self.listed(left).await?.ok_or_else(|| {
                let message =
                    format!("the workflow is completed, but there is no endpoint `{}`", self.stored);
                Error::new(ErrorKind::NotFound, message)
            })
        };
        let mut watch = self.rest()?.watch(look, |_: &Endpoint| Verdict::Reached)?;
        let found = watch.next().await?;
        found.ok_or_else(|| Error::new(ErrorKind::Unconfirmed, "nothing was seen of the endpoint"))
    }

    async fn workflow(&self, id: &WorkflowId, left: Duration) -> Result<Workflow> {
        Ok(self.client.execute(&GetWorkflow(id.clone()), self.client.options_within(left)).await?.0)
    }

    /// The endpoint by its name, if it is listed.
    async fn listed(&self, left: Duration) -> Result<Option<Endpoint>> {
        let named = ListEndpoints::named(self.model.project.clone(), self.stored.clone());
        let list = self.client.list(named);
        let found = match timeout(left, list.all()).await {
            Ok(found) => found?,
            Err(_) => return Err(Error::new(ErrorKind::Timeout, "the list did not arrive in time")),
        };
        Ok(found.into_iter().find(|endpoint| endpoint.name.as_deref() == Some(&self.stored)))
    }

    async fn step(&self, step: DeployStep) -> Result<Workflow> {
        self.outlive(|options| self.client.execute(&step, options)).await
    }

    /// Sends a request until something other than an outage of the identity service comes back, within the deadline. In
    /// such an outage requests are refused unprocessed, so that sending again is safe for each of them.
    async fn outlive<T, F>(&self, send: impl Fn(Options) -> F) -> Result<T>
    where
        F: Future<Output = Result<(T, Meta)>>,
    {
        let mut pause = self.wait.poll_interval;
        loop {
            let left = self.left()?;
            let error = match send(self.client.options_within(left)).await {
                Ok((answer, _)) => return Ok(answer),
                Err(error) => error,
            };
            if !error.may_be_outage() || error.maybe_applied() {
                return Err(error);
            }
            let jittered = pause.mul_f64(0.75 + 0.5 * fastrand::f64());
            if jittered >= self.deadline.saturating_duration_since(Instant::now()) {
                return Err(self.over(Some(&error)));
            }
            sleep(jittered).await;
            pause = pause.mul_f64(1.5).min(self.wait.poll_interval * SLOWEST);
        }
    }

    fn over(&self, last: Option<&Error>) -> Error {
        let last =
            last.map(|error| format!("; the last request failed: {}", error.brief())).unwrap_or_default();
        let message = format!("not done within {}{last}", seconds(self.wait.timeout));
        Error::new(ErrorKind::PollTimeout, message)
    }

    /// The time that is left.
    fn left(&self) -> Result<Duration> {
        let left = self.deadline.saturating_duration_since(Instant::now());
        if left.is_zero() { Err(self.over(None)) } else { Ok(left) }
    }

    fn rest(&self) -> Result<Wait> {
        Ok(Wait {
            timeout: self.left()?,
            poll_interval: self.wait.poll_interval,
            limit: Some(self.wait.timeout),
            ..Wait::default()
        })
    }

    fn update(&self, id: &WorkflowId, stage: DeploymentStage) -> DeploymentUpdate {
        DeploymentUpdate {
            stage: Some(stage.into()),
            workflow_id: Some(id.clone()),
            endpoint_name: Some(self.stored.clone()),
            cluster_id: self.model.cluster.clone(),
            detail: None,
            endpoint: None,
            extra: Extra::default(),
        }
    }
}

/// What no repetition will change.
fn is_final(error: &Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::InvalidArgument
            | ErrorKind::Conflict
            | ErrorKind::BadRequest
            | ErrorKind::NotFound
            | ErrorKind::Validation
            | ErrorKind::PermissionDenied
            | ErrorKind::OperationFailed
    )
}

fn failed(what: &str, reason: &str) -> Error {
    let message = format!("{what} has failed: {}", crate::operation::clean(reason, 500));
    Error::new(ErrorKind::OperationFailed, message)
}

fn known(workflow: &Workflow, what: impl Fn(&WorkflowSteps) -> bool) -> bool {
    workflow.steps.as_deref().is_some_and(what)
}

/// Whether what starts it has arrived: the platform notes the step before it does anything.
fn is_started(workflow: &Workflow) -> bool {
    workflow.current_step.is_some_and(|step| step >= TRIGGER)
        || known(workflow, |steps| steps.budserve_cluster_events.is_some())
}

fn state(workflow: &Workflow) -> String {
    let status = workflow.status.as_ref().map_or("no status", |status| status.raw());
    match (workflow.current_step, workflow.total_steps) {
        (Some(step), Some(steps)) => format!("{status}, step {step} of {steps}"),
        _ => status.to_owned(),
    }
}

/// What a look at a simulation shows.
#[derive(Default)]
struct Simulation {
    failure: Option<String>,
    /// Whether its events say that it is done, if they say anything.
    done: Option<bool>,
    found: Option<Recommendations>,
}

impl Simulation {
    /// It has ended when what comes next is there: recommended clusters. The platform may lose an event, so that events
    /// alone prove neither end nor progress; recommendations that two looks in a row agree on count without them. `own`:
    /// the caller has chosen a cluster, and needs none recommended.
    fn judge(&self, own: bool, before: &mut Option<Vec<DeployClusterId>>) -> Verdict {
        if let Some(reason) = &self.failure {
            return Verdict::Failed(failed("the simulation", reason));
        }
        let found = self.found.as_ref();
        let clusters = found.map(|found| found.clusters.as_slice()).unwrap_or_default();
        let now: Vec<_> = clusters.iter().filter_map(|cluster| cluster.cluster_id.clone()).collect();
        let processing = found.is_some_and(|found| found.status.as_deref() == Some("processing"));
        let agreed = before.replace(now.clone()).is_some_and(|before| before == now && !now.is_empty());
        match self.done {
            Some(true) if own => Verdict::Reached,
            Some(true) if now.is_empty() && !processing => {
                let reason = "no cluster would be good enough for what was asked for";
                Verdict::Failed(Error::new(ErrorKind::OperationFailed, reason))
            }
            _ if now.is_empty() || processing => Verdict::Pending("no cluster is recommended yet".to_owned()),
            Some(false) if !agreed => Verdict::Pending("the simulator is at work".to_owned()),
            _ => Verdict::Reached,
        }
    }
}

fn is_up(endpoint: &Endpoint) -> bool {
    endpoint.is(&EndpointStatus::Running)
}

/// The states that the service at work reports for its steps; `None` for a step without one.
fn states(events: Option<&Value>) -> Vec<Option<&str>> {
    let steps = events.and_then(|events| events.get("steps")?.as_array());
    steps.into_iter().flatten().map(reported).collect()
}

fn reported(step: &Value) -> Option<&str> {
    step.get("payload")?.get("content")?.get("status")?.as_str()
}

fn completed(state: &Option<&str>) -> bool {
    state.is_some_and(|state| state.eq_ignore_ascii_case("completed"))
}

/// Whether the simulator has completed its last step, which follows all others; `None` when it reports nothing.
fn simulation_done(workflow: &Workflow) -> Option<bool> {
    let states = states(workflow.steps.as_ref()?.bud_simulator_events.as_ref());
    states.iter().any(Option::is_some).then(|| states.last().is_some_and(completed))
}

/// Whether the cluster service has completed the last step of the deployment.
fn last_event_completed(workflow: &Workflow) -> bool {
    let events = workflow.steps.as_ref().and_then(|steps| steps.budserve_cluster_events.as_ref());
    states(events).last().is_some_and(completed)
}
