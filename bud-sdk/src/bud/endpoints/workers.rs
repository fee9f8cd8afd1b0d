//! What answers the requests of an endpoint.

use super::Target;
use crate::bud::Flavor;
use crate::call::List;
use crate::error::Result;
use crate::operation::{Describe, Operation, Page, Paged, Parts, Raw, Reply, Route, Routes};
use crate::schema::model;
use crate::types::{DeployClusterId, EndpointId, ProjectId, Timestamp};

const WORKERS: Route = Route::get("/endpoints/{id}/workers");
/// More than any endpoint may have.
const ALL_WORKERS: u32 = 10_000;

model! {
    /// One of the replicas that answer an endpoint's requests (runtime).
    Worker {
        /// The id.
        pub id: Option<String>,
        /// The name of its pod.
        pub name: Option<String>,
        /// What it is doing: `Running`, `Pending`, `Failed`...
        pub status: Option<String>,
        /// The cluster that it runs on.
        pub cluster_id: Option<DeployClusterId>,
        /// The namespace there.
        pub namespace: Option<String>,
        /// The node there.
        pub node_name: Option<String>,
        /// The address of that node.
        pub node_ip: Option<String>,
        /// What it computes with.
        pub device_name: Option<String>,
        /// `CPU`, `GPU` or `HPU`.
        pub hardware: Option<String>,
        /// How much of that it uses.
        pub utilization: Option<String>,
        /// Its processor cores.
        pub cores: Option<u32>,
        /// Its memory.
        pub memory: Option<String>,
        /// How long it has run.
        pub uptime: Option<String>,
        /// Requests that it takes at the same time.
        pub concurrency: Option<u64>,
        /// How its deployment went: `ready`, `pending`, `ingress_failed`, `failed`.
        pub deployment_status: Option<String>,
        /// When it was created.
        pub created_at: Option<Timestamp> = "created_datetime",
        /// When it was last started anew.
        pub restarted_at: Option<Timestamp> = "last_restart_datetime",
        /// When the platform last looked.
        pub updated_at: Option<Timestamp> = "last_updated_datetime",
    }
}

impl Worker {
    /// Whether it answers requests.
    pub(super) fn runs(&self) -> bool {
        self.status.as_deref().is_some_and(|status| status.eq_ignore_ascii_case("running"))
    }
}

/// Asks for all workers of an endpoint as they are now.
pub(super) fn of_endpoint(target: &Target, flavor: Flavor) -> Result<(Route, Parts)> {
    let parts = target.parts(flavor)?.query("refresh", true).query("page", 1).query("limit", ALL_WORKERS);
    Ok((WORKERS, parts))
}

/// `endpoints.workers`
#[derive(Debug, Clone)]
pub struct ListWorkers {
    target: Target,
    refresh: bool,
    page: u32,
    limit: u32,
}

impl ListWorkers {
    pub(super) fn new(id: EndpointId) -> Self {
        Self { target: id.into(), refresh: false, page: 1, limit: 1 }
    }
}

impl List<ListWorkers> {
    /// The project that the endpoint belongs to. The platform asks for it of everybody but superusers.
    pub fn project(mut self, project: impl Into<ProjectId>) -> Self {
        self.operation_mut().target.project = Some(project.into());
        self
    }
    /// Has the platform look at the cluster first, instead of telling what it saw last.
    pub fn refresh(mut self) -> Self {
        self.operation_mut().refresh = true;
        self
    }
}

impl Describe for ListWorkers {
    type Flavor = Flavor;
    const ID: &'static str = "endpoints.workers";
    const SECTIONS: &'static [&'static str] = &["5.3", "10.3"];
    const ROUTES: Routes<Flavor> =
        Routes::runtime_only(WORKERS, "use endpoints.get: that API tells how many replicas there are");
    fn encode(&self, flavor: Flavor) -> Result<Parts> {
        let parts = self.target.parts(flavor)?.query("page", self.page).query("limit", self.limit);
        Ok(if self.refresh { parts.query("refresh", true) } else { parts })
    }
}

impl Operation for ListWorkers {
    type Output = Page<Worker>;
    fn decode(&self, _: Flavor, raw: Raw) -> Result<Reply<Page<Worker>>> {
        raw.page("workers").map(Reply::Done)
    }
}

impl Paged for ListWorkers {
    type Item = Worker;
    fn set_page(&mut self, page: u32, limit: u32) {
        (self.page, self.limit) = (page, limit);
    }
    fn key(worker: &Worker) -> &str {
        worker.id.as_deref().unwrap_or_default()
    }
}
