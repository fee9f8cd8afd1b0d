//! One step of a deployment: a request to a workflow that puts together what it is told.

use serde_json::{Map, Value};

use super::DeployModel;
use crate::bud::Flavor;
use crate::bud::workflows::{self, Workflow};
use crate::error::Result;
use crate::operation::{Describe, Operation, Parts, Raw, Reply, Route, Routes};
use crate::types::{ProjectId, WorkflowId};

/// The number of the step that starts the deployment. The platform counts one step by itself in between.
pub(super) const TRIGGER: u32 = 6;

/// `endpoints.deploy_model`
#[derive(Debug, Clone)]
pub struct DeployStep {
    project: ProjectId,
    body: Map<String, Value>,
}

impl DeployStep {
    /// The first step, which begins a workflow.
    pub(super) fn first(model: &DeployModel) -> Self {
        Self { project: model.project.clone(), body: Map::new() }
            .with("workflow_total_steps", TRIGGER)
            .with("step_number", 1)
            .with("model_id", model.model.as_str())
    }

    /// A later one.
    pub(super) fn of(workflow: &WorkflowId, project: &ProjectId, number: u32) -> Self {
        Self { project: project.clone(), body: Map::new() }
            .with("workflow_id", workflow.as_str())
            .with("step_number", number)
    }

    pub(super) fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.body.insert(name.to_owned(), value.into());
        self
    }

    pub(super) fn with_opt(self, name: &str, value: Option<impl Into<Value>>) -> Self {
        match value {
            Some(value) => self.with(name, value),
            None => self,
        }
    }
}

impl Describe for DeployStep {
    type Flavor = Flavor;
    const ID: &'static str = "endpoints.deploy_model";
    const SECTIONS: &'static [&'static str] = &["5.1"];
    const ROUTES: Routes<Flavor> =
        Routes::runtime_only(Route::post("/models/deploy-workflow"), "use endpoints.deploy");
    fn encode(&self, flavor: Flavor) -> Result<Parts> {
        Parts::new().json(&self.body)?.scope(flavor, Some(&self.project))
    }
}

impl Operation for DeployStep {
    type Output = Workflow;
    fn decode(&self, _: Flavor, raw: Raw) -> Result<Reply<Workflow>> {
        workflows::read(&raw).map(Reply::Done)
    }
}
