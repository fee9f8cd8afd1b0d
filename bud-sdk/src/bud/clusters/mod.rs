//! Clusters: where endpoints are deployed to.

mod recommended;
mod settings;

use crate::bud::Client;
use crate::bud::{Flavor, accepted, paged};
use crate::call::{Call, List};
use crate::error::Result;
use crate::operation::{Describe, Operation, Page, Paged, Parts, Raw, Reply, Route, Routes};
use crate::schema::{model, open_enum};
use crate::types::{ClusterId, DeployClusterId, Timestamp, Wire};

pub use recommended::RecommendClusters;
pub use recommended::{
    ClusterResource, Estimate, Estimates, Recommendations, RecommendedCluster, RequiredDevice,
};
pub use settings::{AccessMode, ClusterSettings, StorageDefaults};
pub use settings::{DeleteClusterSettings, GetClusterSettings, SetClusterSettings};

impl Client {
    /// Clusters as the platform sees them: guide section 6.
    pub fn clusters(&self) -> Clusters {
        Clusters(self.clone())
    }
}

/// The clusters that the platform deploys to.
#[derive(Debug, Clone)]
pub struct Clusters(Client);

impl Clusters {
    fn client(&self) -> &Client {
        &self.0
    }

    /// Lists clusters. Guide section 6.1: `GET /clusters` (guide), `GET /clusters/clusters` in order of creation (runtime,
    /// where `cluster_type` is then missing).
    ///
    /// Yields [`Cluster`](crate::clusters::Cluster) items.
    ///
    /// ```no_run
    /// # async fn demo(bud: bud_sdk::Client) -> bud_sdk::Result<()> {
    /// for cluster in bud.clusters().list().all().await? {
    ///     println!("{:?}: {:?} of {:?} GPUs free", cluster.name, cluster.gpu_available, cluster.gpu_count);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn list(&self) -> List<ListClusters> {
        self.0.list(ListClusters::default())
    }

    /// Reads one cluster. Guide section 6.1: `GET /clusters/{id}` on both flavors.
    ///
    /// Awaiting it returns a [`Cluster`](crate::clusters::Cluster).
    ///
    /// # Errors
    /// `NotFound`.
    pub fn get(&self, id: impl Into<ClusterId>) -> Call<GetCluster> {
        self.0.call(GetCluster(id.into()))
    }

    /// Has the platform look at the cluster again, and returns it as it is known then; the new state may come a little
    /// later (`last_refreshed_at` moves). Guide section 6.3: `POST /clusters/{id}/refresh`.
    ///
    /// Awaiting it returns a [`Cluster`](crate::clusters::Cluster).
    ///
    /// # Errors
    /// `NotFound`. It is sent once.
    pub fn refresh(&self, id: impl Into<ClusterId>) -> Call<RefreshCluster> {
        self.0.call(RefreshCluster(id.into()))
    }
}

open_enum! {
    /// Whether a cluster can be used.
    ClusterStatus {
        /// It can.
        Available = "AVAILABLE",
        /// It does not answer.
        NotAvailable = "NOT_AVAILABLE",
        /// It is broken.
        Error = "ERROR",
        /// It is being removed.
        Deleting = "DELETING",
        /// It was removed.
        Deleted = "DELETED",
    }
}

model! {
    /// A cluster that endpoints are deployed to.
    Cluster {
        /// The id.
        pub id: ClusterId,
        /// The name.
        pub name: Option<String>,
        /// Whether it can be used.
        pub status: Option<Wire<ClusterStatus>>,
        /// What it runs on, as the server says.
        pub cluster_type: Option<String>,
        /// Nodes in all.
        pub total_nodes: Option<u32>,
        /// Nodes that can be used.
        pub available_nodes: Option<u32>,
        /// GPUs in all.
        pub gpu_count: Option<u32>,
        /// GPUs that are free.
        pub gpu_available: Option<u32>,
        /// When the platform last looked (guide).
        pub last_refreshed_at: Option<Timestamp>,
        /// The id that deployments name (runtime); another one than `id`.
        pub cluster_id: Option<DeployClusterId>,
        /// Its picture (runtime).
        pub icon: Option<String>,
        /// Where requests to its endpoints go in (runtime).
        pub ingress_url: Option<String>,
        /// What it computes with: `CPU`, `GPU`, `HPU` (runtime, one cluster).
        pub hardware_type: Vec<String>,
        /// CPU nodes' processors in all (runtime).
        pub cpu_count: Option<u32>,
        /// HPUs in all (runtime).
        pub hpu_count: Option<u32>,
        /// Workers with CPUs only (runtime).
        pub cpu_total_workers: Option<u32>,
        /// Those of them that can be used (runtime).
        pub cpu_available_workers: Option<u32>,
        /// Workers with GPUs (runtime).
        pub gpu_total_workers: Option<u32>,
        /// Those of them that can be used (runtime).
        pub gpu_available_workers: Option<u32>,
        /// Workers with HPUs (runtime).
        pub hpu_total_workers: Option<u32>,
        /// Those of them that can be used (runtime).
        pub hpu_available_workers: Option<u32>,
        /// Workers in all (runtime, one cluster).
        pub total_workers_count: Option<u32>,
        /// Those of them that are active (runtime, one cluster).
        pub active_workers_count: Option<u32>,
        /// Endpoints on it (runtime).
        pub total_endpoints_count: Option<u32> = "endpoint_count",
        /// Those of them that run (runtime, one cluster).
        pub running_endpoints_count: Option<u32>,
        /// When it was added.
        pub created_at: Option<Timestamp>,
        /// When it was last changed.
        pub updated_at: Option<Timestamp> = "modified_at",
    }
}

impl Cluster {
    /// Whether it is in this state, as far as the server says.
    pub fn is(&self, status: &ClusterStatus) -> bool {
        self.status.as_deref() == Some(status)
    }
}

impl From<&Cluster> for ClusterId {
    fn from(cluster: &Cluster) -> Self {
        cluster.id.clone()
    }
}

const ONE: Route = Route::get("/clusters/{id}");

fn one(id: &ClusterId) -> Result<Parts> {
    Parts::new().segment("id", id.as_str())
}

/// `clusters.list`
#[derive(Debug, Clone, Default)]
pub struct ListClusters {
    page: u32,
    limit: u32,
}

impl Describe for ListClusters {
    type Flavor = Flavor;
    const ID: &'static str = "clusters.list";
    const SECTIONS: &'static [&'static str] = &["6.1"];
    const ROUTES: Routes<Flavor> = Routes::both(Route::get("/clusters"), Route::get("/clusters/clusters"));
    fn encode(&self, flavor: Flavor) -> Result<Parts> {
        Ok(paged(flavor, self.page, self.limit))
    }
}

impl Operation for ListClusters {
    type Output = Page<Cluster>;
    fn decode(&self, _: Flavor, raw: Raw) -> Result<Reply<Page<Cluster>>> {
        raw.page("clusters").map(Reply::Done)
    }
}

impl Paged for ListClusters {
    type Item = Cluster;
    fn set_page(&mut self, page: u32, limit: u32) {
        (self.page, self.limit) = (page, limit);
    }
    fn key(cluster: &Cluster) -> &str {
        cluster.id.as_str()
    }
}

/// `clusters.get`
#[derive(Debug, Clone)]
pub struct GetCluster(ClusterId);

impl Describe for GetCluster {
    type Flavor = Flavor;
    const ID: &'static str = "clusters.get";
    const SECTIONS: &'static [&'static str] = &["6.1"];
    const ROUTES: Routes<Flavor> = Routes::both(ONE, ONE);
    fn encode(&self, _: Flavor) -> Result<Parts> {
        one(&self.0)
    }
}

impl Operation for GetCluster {
    type Output = Cluster;
    fn decode(&self, _: Flavor, raw: Raw) -> Result<Reply<Cluster>> {
        raw.object("cluster").map(Reply::Done)
    }
}

/// `clusters.refresh`
#[derive(Debug, Clone)]
pub struct RefreshCluster(ClusterId);

impl Describe for RefreshCluster {
    type Flavor = Flavor;
    const ID: &'static str = "clusters.refresh";
    const SECTIONS: &'static [&'static str] = &["6.3"];
    const ROUTES: Routes<Flavor> = Routes::guide_only(
        Route::post("/clusters/{id}/refresh").accepted(),
        "that platform pushes its state by itself: read the cluster again",
    );
    fn encode(&self, _: Flavor) -> Result<Parts> {
        one(&self.0)
    }
}

impl Operation for RefreshCluster {
    type Output = Cluster;
    fn decode(&self, _: Flavor, raw: Raw) -> Result<Reply<Cluster>> {
        accepted(raw, "cluster", ONE, one(&self.0)?, |_: &Cluster| None)
    }
}
