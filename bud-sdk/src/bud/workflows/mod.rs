//! Workflows: what the platform as shipped does in steps, and takes its time for.

mod parts;
mod steps;

use serde_json::Value;

use super::beside;
use crate::bud::Client;
use crate::bud::{Flavor, paged};
use crate::call::{Call, List};
use crate::error::Result;
use crate::operation::{
    Describe, Filter, FilterProof, Operation, Page, Paged, Parts, Raw, Reply, Route, Routes,
};
use crate::schema::{model, open_enum};
use crate::types::{Timestamp, Wire, WorkflowId};

pub use parts::{
    AdapterConfig, DeploymentTemplate, GuardrailProbe, GuardrailProfile, GuardrailRule, ModelScan,
    PromptMessage, PromptModelSettings, PromptSchema, ProviderCredential, Quantization, QuantizationScheme,
};
pub use steps::WorkflowSteps;

const NONE: &str = "that API has no workflows: use endpoints.deploy, endpoints.undeploy and endpoints.wait";

impl Client {
    /// Workflows of the platform as shipped: deployments and undeployments under way.
    pub fn workflows(&self) -> Workflows {
        Workflows(self.clone())
    }
}

/// The workflows of the platform as shipped.
#[derive(Debug, Clone)]
pub struct Workflows(Client);

impl Workflows {
    /// Reads one workflow, whatever its state. Guide section 5.2: `GET /workflows/{id}`, runtime only.
    ///
    /// Awaiting it returns a [`Workflow`](crate::workflows::Workflow).
    ///
    /// # Errors
    /// `NotFound`.
    ///
    /// ```no_run
    /// # async fn demo(bud: bud_sdk::Client) -> bud_sdk::Result<()> {
    /// let workflow = bud.workflows().get("8f14e45f-ceea-467f-a0e6-4b6d1f3c2a10").await?;
    /// println!("{:?}, step {:?} of {:?}", workflow.status, workflow.current_step, workflow.total_steps);
    /// # Ok(())
    /// # }
    /// ```
    pub fn get(&self, id: impl Into<WorkflowId>) -> Call<GetWorkflow> {
        self.0.call(GetWorkflow(id.into()))
    }

    /// Lists the caller's own workflows that are in progress; others the server does not list. `GET /workflows` in order of
    /// creation, runtime only.
    ///
    /// Yields [`Workflow`](crate::workflows::Workflow) items.
    pub fn list(&self) -> List<ListWorkflows> {
        self.0.list(ListWorkflows::default())
    }

    /// Takes back a workflow of the caller's own that is in progress: it is gone afterwards. `DELETE /workflows/{id}`, runtime
    /// only.
    ///
    /// The server only forgets it. What it has started on a cluster goes on there, and no endpoint will come of it, so that a
    /// deployment that is under way is better left to end and then undeployed.
    ///
    /// # Errors
    /// `NotFound`, also for somebody else's; `Conflict` when it has ended.
    pub fn cancel(&self, id: impl Into<WorkflowId>) -> Call<CancelWorkflow> {
        self.0.call(CancelWorkflow(id.into()))
    }
}

open_enum! {
    /// How far a workflow is.
    WorkflowStatus {
        /// It has begun: steps are missing, or it is at work.
        InProgress = "in_progress",
        /// It is done.
        Completed = "completed",
        /// It has failed.
        Failed = "failed",
    }
}

open_enum! {
    /// What a workflow does.
    WorkflowType {
        /// It deploys a model.
        ModelDeployment = "model_deployment",
        /// It takes an endpoint down.
        EndpointDeletion = "endpoint_deletion",
        /// It adds a worker to an endpoint.
        AddWorkerToEndpoint = "add_worker_to_endpoint",
        /// It takes a worker from an endpoint.
        EndpointWorkerDeletion = "endpoint_worker_deletion",
        /// It adds a cluster.
        ClusterOnboarding = "cluster_onboarding",
        /// It removes a cluster.
        ClusterDeletion = "cluster_deletion",
        /// It adds a model that a provider runs.
        CloudModelOnboarding = "cloud_model_onboarding",
        /// It adds a model that clusters run.
        LocalModelOnboarding = "local_model_onboarding",
        /// It looks for what does harm in a model.
        ModelSecurityScan = "model_security_scan",
        /// It reads a licence.
        LicenseFaqFetch = "license_faq_fetch",
        /// It makes a model smaller.
        LocalModelQuantization = "local_model_quantization",
        /// It measures a model.
        ModelBenchmark = "model_benchmark",
        /// It adds an adapter to an endpoint.
        AddAdapter = "add_adapter",
        /// It takes an adapter from an endpoint.
        DeleteAdapter = "delete_adapter",
        /// It makes an evaluation.
        EvaluationCreation = "evaluation_creation",
        /// It evaluates a model.
        EvaluateModel = "evaluate_model",
        /// It deploys a guardrail.
        GuardrailDeployment = "guardrail_deployment",
        /// It makes a prompt.
        PromptCreation = "prompt_creation",
        /// It makes the schema of a prompt.
        PromptSchemaCreation = "prompt_schema_creation",
        /// It makes a probe.
        CustomProbeCreation = "custom_probe_creation",
    }
}

model! {
    /// What the platform as shipped does in steps.
    Workflow {
        /// The id.
        pub id: WorkflowId = "workflow_id",
        /// How far it is. One whose work has failed may stay in progress: see [`failure`](Self::failure).
        pub status: Option<Wire<WorkflowStatus>>,
        /// The last step so far; the platform adds steps of its own, so that it may be beyond the last one announced.
        pub current_step: Option<u32>,
        /// How many steps were announced.
        pub total_steps: Option<u32>,
        /// Why it failed.
        pub reason: Option<String>,
        /// What is known so far (one workflow).
        pub steps: Option<Box<WorkflowSteps>> = "workflow_steps",
        /// What it does (lists).
        pub workflow_type: Option<Wire<WorkflowType>>,
        /// What it is about (lists).
        pub title: Option<String>,
        /// Its picture (lists).
        pub icon: Option<String>,
        /// The project's name, mostly (lists).
        pub tag: Option<String>,
        /// What the service at work says of it (lists).
        pub progress: Option<Value>,
        /// When it began (lists).
        pub created_at: Option<Timestamp>,
        /// When it was last changed (lists).
        pub updated_at: Option<Timestamp> = "modified_at",
    }
}

impl From<&Workflow> for WorkflowId {
    fn from(workflow: &Workflow) -> Self {
        workflow.id.clone()
    }
}

impl Workflow {
    /// Whether it is in this state, as far as the server says.
    pub fn is(&self, status: &WorkflowStatus) -> bool {
        self.status.as_deref() == Some(status)
    }

    /// Why it has failed, if it has: the server's reason, or what the service at work said of the step that failed. The platform
    /// notes such a failure there alone, and leaves the workflow in progress.
    pub fn failure(&self) -> Option<String> {
        let said = self.steps.as_deref().and_then(WorkflowSteps::failed_event);
        if !self.is(&WorkflowStatus::Failed) {
            return said;
        }
        let reason = self.reason.clone().filter(|reason| !reason.is_empty());
        Some(reason.or(said).unwrap_or_else(|| "the server gives no reason".to_owned()))
    }

    /// What may hold secrets of others is not kept.
    fn guarded(mut self) -> Self {
        if let Some(steps) = &mut self.steps {
            steps.guard();
        }
        self
    }
}

/// Reads a workflow with what is known so far.
pub(super) fn read(raw: &Raw) -> Result<Workflow> {
    Ok(beside(raw, |workflow: &mut Workflow| &mut workflow.extra)?.guarded())
}

fn one(id: &WorkflowId) -> Result<Parts> {
    Parts::new().segment("id", id.as_str())
}

/// `workflows.get`
#[derive(Debug, Clone)]
pub struct GetWorkflow(pub(super) WorkflowId);

impl Describe for GetWorkflow {
    type Flavor = Flavor;
    const ID: &'static str = "workflows.get";
    const SECTIONS: &'static [&'static str] = &["5.2"];
    const ROUTES: Routes<Flavor> = Routes::runtime_only(Route::get("/workflows/{id}"), NONE);
    fn encode(&self, _: Flavor) -> Result<Parts> {
        one(&self.0)
    }
}

impl Operation for GetWorkflow {
    type Output = Workflow;
    fn decode(&self, _: Flavor, raw: Raw) -> Result<Reply<Workflow>> {
        read(&raw).map(Reply::Done)
    }
}

/// `workflows.list`
#[derive(Debug, Clone, Default)]
pub struct ListWorkflows {
    page: u32,
    limit: u32,
    workflow_type: Option<WorkflowType>,
}

impl List<ListWorkflows> {
    /// Only those that do this.
    pub fn workflow_type(mut self, workflow_type: WorkflowType) -> Self {
        self.operation_mut().workflow_type = Some(workflow_type);
        self
    }
}

impl Describe for ListWorkflows {
    type Flavor = Flavor;
    const ID: &'static str = "workflows.list";
    const SECTIONS: &'static [&'static str] = &["5.2"];
    const ROUTES: Routes<Flavor> = Routes::runtime_only(Route::get("/workflows"), NONE);
    fn encode(&self, flavor: Flavor) -> Result<Parts> {
        Ok(paged(flavor, self.page, self.limit).query_opt("workflow_type", self.workflow_type.as_ref()))
    }
}

impl Operation for ListWorkflows {
    type Output = Page<Workflow>;
    fn decode(&self, _: Flavor, raw: Raw) -> Result<Reply<Page<Workflow>>> {
        let page = raw.page::<Workflow>("workflows")?.filtered(
            "workflow_type",
            self.workflow_type.as_ref(),
            |workflow, kind| Some(workflow.workflow_type.as_deref()? == kind),
        );
        page.try_map(|workflow| Ok(workflow.guarded())).map(Reply::Done)
    }
}

impl Paged for ListWorkflows {
    type Item = Workflow;
    const FILTERS: &'static [Filter<Flavor>] =
        &[Filter::new("workflow_type", FilterProof::Refused, FilterProof::Rows)];
    fn set_page(&mut self, page: u32, limit: u32) {
        (self.page, self.limit) = (page, limit);
    }
    fn key(workflow: &Workflow) -> &str {
        workflow.id.as_str()
    }
}

/// `workflows.cancel`
#[derive(Debug, Clone)]
pub struct CancelWorkflow(pub(super) WorkflowId);

impl Describe for CancelWorkflow {
    type Flavor = Flavor;
    const ID: &'static str = "workflows.cancel";
    const SECTIONS: &'static [&'static str] = &["5.1"];
    const ROUTES: Routes<Flavor> = Routes::runtime_only(
        Route::delete("/workflows/{id}")
            .accepted()
            .limitation("what it has started on a cluster goes on there"),
        NONE,
    );
    fn encode(&self, _: Flavor) -> Result<Parts> {
        one(&self.0)
    }
}

impl Operation for CancelWorkflow {
    type Output = ();
    fn decode(&self, flavor: Flavor, raw: Raw) -> Result<Reply<()>> {
        raw.acknowledged(flavor).map(Reply::Done)
    }
}
