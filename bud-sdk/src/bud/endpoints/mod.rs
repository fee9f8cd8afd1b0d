//! Endpoints: models that answer requests.

mod autoscale;
mod deploy_model;
mod operations;
mod wait;
mod workers;

use super::{Cluster, Model};
use crate::bud::Client;
use crate::bud::Flavor;
use crate::call::{Call, List};
use crate::error::{Error, Result};
use crate::operation::Parts;
use crate::schema::{model, open_enum};
use crate::types::{ClusterId, EndpointId, ModelId, ProjectId, Timestamp, UserId, Wire, WorkflowId};

pub use autoscale::{
    Autoscaler, Autoscaling, CloudProvider, CostLimits, FailoverThresholds, FederationMode, GpuScaling,
    MetricSource, MetricSourceType, MultiCluster, Prediction, ScaleToZero, ScalingBehavior, ScalingPolicy,
    ScalingRule, ScalingStrategy, ScheduleHint, SpotPreference,
};
pub use autoscale::{GetAutoscaler, SetAutoscaler};
pub use deploy_model::DeployStep;
pub use deploy_model::{
    DeployModel, DeploymentStage, DeploymentUpdate, DeploymentUpdates, HardwareMode, ModelDeployment,
};
pub(super) use operations::ALL;
pub use operations::{DeployEndpoint, GetEndpoint, ListEndpoints, ScaleEndpoint, UndeployEndpoint};
pub use wait::{EndpointUpdates, EndpointWait};
pub use workers::ListWorkers;
pub use workers::Worker;

impl Client {
    /// Endpoints: guide section 5.
    pub fn endpoints(&self) -> Endpoints {
        Endpoints(self.clone())
    }
}

/// The endpoints of the platform.
///
/// The platform as shipped gives rights to endpoints by project alone, so that there only a superuser reaches them unless
/// the call says which project they belong to: `.project(id)`, which every call here takes and the guide's API does not
/// need.
///
/// With the project, the global permission `project:manage` is enough there: a client user, who has it from the beginning, reads and
/// scales the endpoints of every project, also of those that they are no member of.
#[derive(Debug, Clone)]
pub struct Endpoints(Client);

impl Endpoints {
    /// Reads one endpoint. Guide section 5.2 and 10.3: `GET /endpoints/{id}` (guide),
    /// `GET /endpoints/{id}/model-cluster-detail`, which does not tell the project, the replicas and the times (runtime).
    ///
    /// Awaiting it returns an [`Endpoint`](crate::endpoints::Endpoint).
    ///
    /// # Errors
    /// `NotFound`; `PermissionDenied` on runtime for who is no superuser and has not said [`project`](Call::project).
    pub fn get(&self, id: impl Into<EndpointId>) -> Call<GetEndpoint> {
        self.0.call(GetEndpoint::new(id.into()))
    }

    /// Lists endpoints. `GET /endpoints` (guide), `GET /endpoints/` in order of creation (runtime).
    ///
    /// Yields [`Endpoint`](crate::endpoints::Endpoint) items.
    pub fn list(&self) -> List<ListEndpoints> {
        self.0.list(ListEndpoints::default())
    }

    /// Deploys an endpoint to a cluster and returns it as it is then, usually `Deploying`:
    /// [`wait`](Self::wait) for it to run. Guide section 5.1: `POST /endpoints/{id}/deploy`. Guide only: the platform as shipped
    /// has no endpoint before its deployment.
    ///
    /// Awaiting it returns an [`Endpoint`](crate::endpoints::Endpoint).
    ///
    /// # Errors
    /// `InvalidArgument` for numbers out of range, `NotFound` for an unknown endpoint or cluster, `Conflict` when it does
    /// not fit. It is sent once: after a failure with `maybe_applied`, read the endpoint's status first.
    ///
    /// ```no_run
    /// # async fn demo(bud: bud_sdk::Client, endpoint: bud_sdk::endpoints::Endpoint, cluster: bud_sdk::clusters::Cluster) -> bud_sdk::Result<()> {
    /// use bud_sdk::endpoints::{Deployment, EndpointStatus};
    /// use std::time::Duration;
    ///
    /// bud.endpoints().deploy(&endpoint, Deployment::on(&cluster).replicas(1).gpus(1).memory_gb(16)).await?;
    /// let ready = bud.endpoints().wait(&endpoint).until(EndpointStatus::Running).timeout(Duration::from_secs(1800)).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn deploy(&self, id: impl Into<EndpointId>, deployment: Deployment) -> Call<DeployEndpoint> {
        self.0.call(DeployEndpoint(id.into(), deployment))
    }

    /// Sets the number of replicas. Guide section 5.3: `PUT /endpoints/{id}` (guide), `PUT /endpoints/{id}/autoscale` with
    /// this number as least and most, which pins the autoscaler and resets whatever else was
    /// [set](Self::autoscale) of it (runtime). The replicas come and go afterwards: `wait(id).replicas(n)` waits for them.
    ///
    /// Awaiting it returns an [`Endpoint`](crate::endpoints::Endpoint).
    ///
    /// # Errors
    /// `InvalidArgument` for 0 (undeploy it instead) or more than 1000; `NotFound`, `Conflict`. On runtime `BadRequest` for an
    /// endpoint without a cluster, and `Server` when the cluster did not take it.
    pub fn scale(&self, id: impl Into<EndpointId>, replicas: u32) -> Call<ScaleEndpoint> {
        self.0.call(ScaleEndpoint(Target::from(id.into()), replicas))
    }

    /// Lets the platform choose the number of replicas, within bounds and by rules. What the settings leave out gets the
    /// platform's defaults, whatever it was before. Guide section 5.3: `PUT /endpoints/{id}/autoscale`, runtime only.
    ///
    /// Awaiting it returns an [`Autoscaling`](crate::endpoints::Autoscaling).
    ///
    /// # Errors
    /// `InvalidArgument`, naming the setting; `NotFound`; as [`scale`](Self::scale).
    ///
    /// ```no_run
    /// # async fn demo(bud: bud_sdk::Client, endpoint: bud_sdk::endpoints::Endpoint) -> bud_sdk::Result<()> {
    /// use bud_sdk::endpoints::{Autoscaler, ScheduleHint};
    /// let settings = Autoscaler::between(1, 4).schedule(ScheduleHint::new("mornings", "0 8 * * 1-5", 3));
    /// bud.endpoints().autoscale(&endpoint, settings).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn autoscale(&self, id: impl Into<EndpointId>, settings: Autoscaler) -> Call<SetAutoscaler> {
        self.0.call(SetAutoscaler(Target::from(id.into()), Box::new(settings)))
    }

    /// How the number of replicas is chosen. `GET /endpoints/{id}/autoscale`, runtime only.
    ///
    /// Awaiting it returns an [`Autoscaling`](crate::endpoints::Autoscaling).
    ///
    /// # Errors
    /// `NotFound`.
    pub fn autoscaler(&self, id: impl Into<EndpointId>) -> Call<GetAutoscaler> {
        self.0.call(GetAutoscaler(Target::from(id.into())))
    }

    /// Lists what answers an endpoint's requests: its replicas, each with its state and place.
    /// `GET /endpoints/{id}/workers`, runtime only.
    ///
    /// Yields [`Worker`](crate::endpoints::Worker) items.
    pub fn workers(&self, id: impl Into<EndpointId>) -> List<ListWorkers> {
        self.0.list(ListWorkers::new(id.into()))
    }

    /// Takes an endpoint down. Guide section 5.4: `POST /endpoints/{id}/undeploy`; it ends `Stopped` (guide).
    /// `POST /endpoints/{id}/delete-workflow`; it ends gone, its record too, and what is returned is its id, that it is being
    /// deleted, and the workflow that does it (runtime). Undeploying what is down or going down already changes
    /// nothing, so it is repeated after a failure.
    ///
    /// Awaiting it returns an [`Endpoint`](crate::endpoints::Endpoint).
    ///
    /// # Errors
    /// `NotFound`; on runtime also for what is gone already. `BadRequest` there while a prompt uses it.
    ///
    /// ```no_run
    /// # async fn demo(bud: bud_sdk::Client, endpoint: bud_sdk::endpoints::Endpoint) -> bud_sdk::Result<()> {
    /// let going = bud.endpoints().undeploy(&endpoint).await?;
    /// bud.endpoints().wait(&endpoint).after(&going).until(bud_sdk::endpoints::EndpointStatus::Stopped).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn undeploy(&self, id: impl Into<EndpointId>) -> Call<UndeployEndpoint> {
        self.0.call(UndeployEndpoint(Target::from(id.into())))
    }

    /// Waits for an endpoint's state; by default for `Running`, for at most 30 minutes. Guide section 5.2.
    pub fn wait(&self, id: impl Into<EndpointId>) -> EndpointWait {
        EndpointWait::new(self.0.clone(), id.into())
    }
}

/// An endpoint, and the project that the right to it comes from.
#[derive(Debug, Clone)]
pub(super) struct Target {
    id: EndpointId,
    project: Option<ProjectId>,
}

impl From<EndpointId> for Target {
    fn from(id: EndpointId) -> Self {
        Self { id, project: None }
    }
}

impl Target {
    fn parts(&self, flavor: Flavor) -> Result<Parts> {
        Parts::new().segment("id", self.id.as_str())?.scope(flavor, self.project.as_ref())
    }
}

/// An operation on one endpoint.
pub(super) trait Scoped {
    fn target(&mut self) -> &mut Target;
}

#[expect(private_bounds, reason = "the operations on endpoints are few, and all are here")]
impl<O: Scoped> Call<O> {
    /// The project that the endpoint belongs to. The platform as shipped asks for it of everybody but superusers; the guide's
    /// API does not need it, and it is not sent there.
    pub fn project(mut self, project: impl Into<ProjectId>) -> Self {
        self.operation_mut().target().project = Some(project.into());
        self
    }
}

/// Where and how large to deploy.
#[derive(Debug, Clone)]
pub struct Deployment {
    cluster: ClusterId,
    replicas: u32,
    gpus: u32,
    memory_gb: u32,
}

impl Deployment {
    /// One replica with one GPU and 16 GB of memory on this cluster.
    pub fn on(cluster: impl Into<ClusterId>) -> Self {
        Self { cluster: cluster.into(), replicas: 1, gpus: 1, memory_gb: 16 }
    }
    /// How many replicas, from 1 to 1000.
    pub fn replicas(mut self, replicas: u32) -> Self {
        self.replicas = replicas;
        self
    }
    /// How many GPUs each replica gets, up to 1024; 0 for none.
    pub fn gpus(mut self, gpus: u32) -> Self {
        self.gpus = gpus;
        self
    }
    /// How much memory each replica gets, from 1 to 65536 gigabytes.
    pub fn memory_gb(mut self, gigabytes: u32) -> Self {
        self.memory_gb = gigabytes;
        self
    }
}

/// The most replicas that an endpoint may have.
const MOST_REPLICAS: u32 = 1000;

fn check_range<T: PartialOrd + std::fmt::Display>(
    param: &'static str,
    number: T,
    range: std::ops::RangeInclusive<T>,
) -> Result<()> {
    if range.contains(&number) {
        return Ok(());
    }
    Err(Error::invalid(param, format!("{number} is not from {} to {}", range.start(), range.end())))
}

open_enum! {
    /// What an endpoint is doing.
    EndpointStatus {
        /// It is being deployed.
        Deploying = "DEPLOYING",
        /// It answers requests.
        Running = "RUNNING",
        /// It was undeployed (guide).
        Stopped = "STOPPED",
        /// Its deployment failed.
        Failed = "FAILED" | "failure",
        /// It is deployed and does not answer well.
        Unhealthy = "UNHEALTHY",
        /// It is being taken down.
        Deleting = "DELETING",
        /// It was taken down, for good (runtime).
        Deleted = "DELETED",
        /// It waits to be deployed.
        Pending = "PENDING",
    }
}

model! {
    /// What each replica gets.
    EndpointResources {
        /// GPUs.
        pub gpu_count: Option<u32>,
        /// Memory in gigabytes.
        pub memory_gb: Option<f64>,
    }
}

model! {
    /// What an endpoint was deployed for (runtime).
    DeploymentConfig {
        /// Requests at the same time.
        pub concurrent_requests: Option<u64>,
        /// The usual length of an answer, in tokens.
        pub avg_sequence_length: Option<u64>,
        /// The usual length of a request, in tokens.
        pub avg_context_length: Option<u64>,
        /// Tokens per second for each of them: the least and the most that is wanted.
        pub per_session_tokens_per_sec: Vec<f64>,
        /// Milliseconds to the first token, likewise.
        pub ttft: Vec<f64>,
        /// Seconds to the last token, likewise.
        pub e2e_latency: Vec<f64>,
        /// What the engine was told.
        pub engine_configs: Option<EngineConfig>,
        /// How the number of replicas is chosen.
        pub budaiscaler: Option<Autoscaler>,
        /// The nodes that it was planned for.
        pub nodes: Vec<serde_json::Value>,
    }
}

model! {
    /// What the engine of an endpoint was told (runtime).
    EngineConfig {
        /// How messages become text.
        pub chat_template: Option<String>,
        /// It may call tools.
        pub enable_tool_calling: Option<bool>,
        /// How its calls are read.
        pub tool_calling_parser_type: Option<String>,
        /// It shows its reasoning.
        pub enable_reasoning: Option<bool>,
        /// How that is read.
        pub reasoning_parser_type: Option<String>,
        /// It takes adapters.
        pub supports_lora: Option<bool>,
    }
}

model! {
    /// A model that answers requests.
    Endpoint {
        /// The id.
        pub id: EndpointId,
        /// The name.
        pub name: Option<String>,
        /// The project that it belongs to; on runtime only in lists of a project's endpoints.
        pub project_id: Option<ProjectId>,
        /// The model.
        pub model_id: Option<ModelId>,
        /// The cluster that it is deployed to.
        pub cluster_id: Option<ClusterId>,
        /// What it is doing.
        pub status: Option<Wire<EndpointStatus>>,
        /// How many replicas it has; on runtime only in waits for them.
        pub replicas: Option<u32>,
        /// What each replica gets (guide).
        pub resources: Option<EndpointResources>,
        /// Why it is in this state, mostly for a failure.
        pub reason: Option<String>,
        /// The model (runtime).
        pub model: Option<Box<Model>>,
        /// The cluster that it is deployed to (runtime).
        pub cluster: Option<Box<Cluster>>,
        /// The paths that it answers at (runtime, lists).
        pub supported_endpoints: Vec<String>,
        /// Whether it is to be replaced (runtime, lists).
        pub is_deprecated: Option<bool>,
        /// Whether it is offered to everybody (runtime, lists).
        pub is_published: Option<bool>,
        /// Since when (runtime, lists).
        pub published_date: Option<Timestamp>,
        /// By whom (runtime, lists).
        pub published_by: Option<UserId>,
        /// What it was deployed for (runtime, one endpoint).
        pub deployment_config: Option<Box<DeploymentConfig>>,
        /// Requests at the same time (runtime, benchmarks).
        pub concurrency: Option<u64>,
        /// The longest request, in tokens (runtime, benchmarks).
        pub max_input_tokens: Option<u64>,
        /// The longest answer, in tokens (runtime, benchmarks).
        pub max_output_tokens: Option<u64>,
        /// What it is measured by (runtime, benchmarks).
        pub eval_with: Option<String>,
        /// What it is for (runtime, benchmarks).
        pub description: Option<String>,
        /// Labels (runtime, benchmarks).
        pub tags: Vec<serde_json::Value>,
        /// Its nodes (runtime, benchmarks).
        pub nodes: Vec<serde_json::Value>,
        /// What it is measured with (runtime, benchmarks).
        pub dataset_ids: Vec<serde_json::Value>,
        /// The same by name (runtime, benchmarks).
        pub dataset_names: Vec<serde_json::Value>,
        /// The workflow that takes it down (runtime, after an undeployment).
        pub workflow_id: Option<WorkflowId>,
        /// When it was created.
        pub created_at: Option<Timestamp>,
        /// When it was last changed.
        pub updated_at: Option<Timestamp> = "modified_at",
    }
}

impl Endpoint {
    /// Whether it is in this state, as far as the server says.
    pub fn is(&self, status: &EndpointStatus) -> bool {
        self.status.as_deref() == Some(status)
    }

    /// The platform as shipped shows the things themselves where the other API names them by their ids, and leaves out the
    /// project that it was asked for.
    pub(super) fn completed(mut self, project: Option<&ProjectId>) -> Self {
        self.model_id = self.model_id.or_else(|| self.model.as_deref().map(ModelId::from));
        self.cluster_id = self.cluster_id.or_else(|| self.cluster.as_deref().map(ClusterId::from));
        self.project_id = self.project_id.or_else(|| project.cloned());
        self
    }
}

impl From<&Endpoint> for EndpointId {
    fn from(endpoint: &Endpoint) -> Self {
        endpoint.id.clone()
    }
}
