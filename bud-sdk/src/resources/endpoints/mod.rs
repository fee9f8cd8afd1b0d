//! Endpoints: models that answer requests.

use serde_json::json;

mod wait;

use super::LATER;
use crate::api::{
    Describe, Flavor, Operation, Page, Paged, Parts, Raw, Reply, Route, Routes, changed, paged,
};
use crate::client::{Call, Client, List};
use crate::error::{Error, Result};
use crate::types::{
    ClusterId, EndpointId, ModelId, ProjectId, Timestamp, Wire, check_segment, model, open_enum,
};
pub use wait::{EndpointUpdates, EndpointWait};

impl Client {
    /// Endpoints: guide section 5.
    pub fn endpoints(&self) -> Endpoints {
        Endpoints(self.clone())
    }
}

/// The endpoints of the platform.
#[derive(Debug, Clone)]
pub struct Endpoints(Client);

impl Endpoints {
    /// Reads one endpoint. Guide section 5.2 and 10.3: `GET /endpoints/{id}`.
    ///
    /// # Errors
    /// `NotFound`.
    pub fn get(&self, id: impl Into<EndpointId>) -> Call<GetEndpoint> {
        self.0.call(GetEndpoint(id.into()))
    }

    /// Lists endpoints. `GET /endpoints`.
    pub fn list(&self) -> List<ListEndpoints> {
        List::new(self.0.clone(), ListEndpoints::default())
    }

    /// Deploys an endpoint to a cluster and returns it as it is then, usually `Deploying`:
    /// [`wait`](Self::wait) for it to run. Guide section 5.1: `POST /endpoints/{id}/deploy`.
    ///
    /// # Errors
    /// `InvalidArgument` for numbers out of range, `NotFound` for an unknown endpoint or cluster, `Conflict` when it does
    /// not fit. It is sent once: after a failure with `maybe_applied`, read the endpoint's status first.
    ///
    /// ```no_run
    /// # async fn demo(bud: bud_sdk::Client, endpoint: bud_sdk::Endpoint, cluster: bud_sdk::Cluster) -> bud_sdk::Result<()> {
    /// use bud_sdk::{Deployment, EndpointStatus};
    /// use std::time::Duration;
    ///
    /// bud.endpoints().deploy(&endpoint, Deployment::on(&cluster).replicas(1).gpus(1).memory_gb(16)).await?;
    /// let ready = bud.endpoints().wait(&endpoint).until(EndpointStatus::Running).within(Duration::from_secs(1800)).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn deploy(&self, id: impl Into<EndpointId>, deployment: Deployment) -> Call<Deploy> {
        self.0.call(Deploy(id.into(), deployment))
    }

    /// Sets the number of replicas. Guide section 5.3: `PUT /endpoints/{id}`. The replicas come and go afterwards:
    /// `wait(id).replicas(n)` waits for them.
    ///
    /// # Errors
    /// `InvalidArgument` for 0 (undeploy it instead) or more than 1000; `NotFound`, `Conflict`.
    pub fn scale(&self, id: impl Into<EndpointId>, replicas: u32) -> Call<Scale> {
        self.0.call(Scale(id.into(), replicas))
    }

    /// Takes an endpoint down; it ends `Stopped`. Guide section 5.4: `POST /endpoints/{id}/undeploy`. Undeploying what is
    /// already down changes nothing, so it is repeated after a failure.
    ///
    /// # Errors
    /// `NotFound`.
    pub fn undeploy(&self, id: impl Into<EndpointId>) -> Call<Undeploy> {
        self.0.call(Undeploy(id.into()))
    }

    /// Waits for an endpoint's state; by default for `Running`, for at most 30 minutes. Guide section 5.2.
    pub fn wait(&self, id: impl Into<EndpointId>) -> EndpointWait {
        EndpointWait::new(self.0.clone(), id.into())
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

fn check_range(param: &'static str, number: u32, range: std::ops::RangeInclusive<u32>) -> Result<()> {
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
        /// It was undeployed.
        Stopped = "STOPPED",
        /// Its deployment failed.
        Failed = "FAILED" | "failure",
        /// It is deployed and does not answer well.
        Unhealthy = "UNHEALTHY",
        /// It is being taken down.
        Deleting = "DELETING",
        /// It was taken down.
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
    /// A model that answers requests.
    Endpoint {
        /// The id.
        pub id: EndpointId,
        /// The name.
        pub name: Option<String>,
        /// The project that it belongs to.
        pub project_id: Option<ProjectId>,
        /// The model.
        pub model_id: Option<ModelId>,
        /// The cluster that it is deployed to.
        pub cluster_id: Option<ClusterId>,
        /// What it is doing.
        pub status: Option<Wire<EndpointStatus>>,
        /// How many replicas it has.
        pub replicas: Option<u32>,
        /// What each replica gets.
        pub resources: Option<EndpointResources>,
        /// Why it is in this state, mostly for a failure.
        pub reason: Option<String>,
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
}

impl From<&Endpoint> for EndpointId {
    fn from(endpoint: &Endpoint) -> Self {
        endpoint.id.clone()
    }
}

const ONE: Route = Route::get("/endpoints/{id}");

fn one(id: &EndpointId) -> Result<Parts> {
    Parts::new().segment("id", id.as_str())
}

/// `endpoints.get`
#[derive(Debug, Clone)]
pub struct GetEndpoint(EndpointId);

impl Describe for GetEndpoint {
    const ID: &'static str = "endpoints.get";
    const SECTIONS: &'static [&'static str] = &["5.2", "10.3"];
    const ROUTES: Routes = Routes::guide_only(ONE, LATER);
    fn encode(&self, _: Flavor) -> Result<Parts> {
        one(&self.0)
    }
}

impl Operation for GetEndpoint {
    type Output = Endpoint;
    fn decode(&self, _: Flavor, raw: Raw) -> Result<Reply<Endpoint>> {
        raw.object("endpoint").map(Reply::Done)
    }
}

/// `endpoints.list`
#[derive(Debug, Clone, Default)]
pub struct ListEndpoints {
    page: u32,
    limit: u32,
    project: Option<ProjectId>,
    status: Option<EndpointStatus>,
}

impl List<ListEndpoints> {
    /// Only those of this project.
    pub fn project(mut self, project: impl Into<ProjectId>) -> Self {
        self.operation_mut().project = Some(project.into());
        self
    }
    /// Only those in this state.
    pub fn status(mut self, status: EndpointStatus) -> Self {
        self.operation_mut().status = Some(status);
        self
    }
}

impl Describe for ListEndpoints {
    const ID: &'static str = "endpoints.list";
    const SECTIONS: &'static [&'static str] = &["5.2"];
    const ROUTES: Routes = Routes::guide_only(Route::get("/endpoints"), LATER);
    fn encode(&self, flavor: Flavor) -> Result<Parts> {
        if let Some(project) = &self.project {
            check_segment("project_id", project.as_str())?;
        }
        Ok(paged(flavor, self.page, self.limit)
            .query_opt("project_id", self.project.as_ref())
            .query_opt("status", self.status.as_ref()))
    }
}

impl Operation for ListEndpoints {
    type Output = Page<Endpoint>;
    fn decode(&self, _: Flavor, raw: Raw) -> Result<Reply<Page<Endpoint>>> {
        raw.page("endpoints").map(Reply::Done)
    }
}

impl Paged for ListEndpoints {
    type Item = Endpoint;
    fn set_page(&mut self, page: u32, limit: u32) {
        (self.page, self.limit) = (page, limit);
    }
    fn key(endpoint: &Endpoint) -> &str {
        endpoint.id.as_str()
    }
}

/// `endpoints.deploy`
#[derive(Debug, Clone)]
pub struct Deploy(EndpointId, Deployment);

impl Describe for Deploy {
    const ID: &'static str = "endpoints.deploy";
    const SECTIONS: &'static [&'static str] = &["5.1"];
    const ROUTES: Routes = Routes::guide_only(
        Route::post("/endpoints/{id}/deploy"),
        "that API has no endpoint before its deployment, which is a workflow over a model",
    );
    fn encode(&self, _: Flavor) -> Result<Parts> {
        let deployment = &self.1;
        check_segment("cluster_id", deployment.cluster.as_str())?;
        check_range("replicas", deployment.replicas, 1..=1000)?;
        check_range("gpus", deployment.gpus, 0..=1024)?;
        check_range("memory_gb", deployment.memory_gb, 1..=65536)?;
        one(&self.0)?.json(&json!({
            "cluster_id": deployment.cluster,
            "replicas": deployment.replicas,
            "resources": { "gpu_count": deployment.gpus, "memory_gb": deployment.memory_gb },
        }))
    }
}

impl Operation for Deploy {
    type Output = Endpoint;
    fn decode(&self, _: Flavor, raw: Raw) -> Result<Reply<Endpoint>> {
        changed(raw, "endpoint", ONE, one(&self.0)?)
    }
}

/// `endpoints.scale`
#[derive(Debug, Clone)]
pub struct Scale(EndpointId, u32);

impl Describe for Scale {
    const ID: &'static str = "endpoints.scale";
    const SECTIONS: &'static [&'static str] = &["5.3"];
    const ROUTES: Routes = Routes::guide_only(Route::put("/endpoints/{id}"), LATER);
    fn encode(&self, _: Flavor) -> Result<Parts> {
        check_range("replicas", self.1, 1..=1000)?;
        one(&self.0)?.json(&json!({ "replicas": self.1 }))
    }
}

impl Operation for Scale {
    type Output = Endpoint;
    fn decode(&self, _: Flavor, raw: Raw) -> Result<Reply<Endpoint>> {
        changed(raw, "endpoint", ONE, one(&self.0)?)
    }
}

/// `endpoints.undeploy`
#[derive(Debug, Clone)]
pub struct Undeploy(EndpointId);

impl Describe for Undeploy {
    const ID: &'static str = "endpoints.undeploy";
    const SECTIONS: &'static [&'static str] = &["4.3", "5.4"];
    const ROUTES: Routes = Routes::guide_only(Route::post("/endpoints/{id}/undeploy").idempotent(), LATER);
    fn encode(&self, _: Flavor) -> Result<Parts> {
        one(&self.0)
    }
}

impl Operation for Undeploy {
    type Output = Endpoint;
    fn decode(&self, _: Flavor, raw: Raw) -> Result<Reply<Endpoint>> {
        changed(raw, "endpoint", ONE, one(&self.0)?)
    }
}
