//! Where a deployment would go well, as the platform's simulator sees it.

use super::Clusters;
use crate::bud::Flavor;
use crate::bud::beside;
use crate::call::Call;
use crate::error::Result;
use crate::operation::{Describe, Operation, Parts, Raw, Reply, Route, Routes};
use crate::schema::model;
use crate::types::{ClusterId, Decimal, DeployClusterId, WorkflowId};

impl Clusters {
    /// Where the deployment of a workflow would go well, the cheapest first. The simulator takes its time: until it is done
    /// there are none or not all, and some servers say `processing`. [`deploy_model`](crate::endpoints::Endpoints::deploy_model)
    /// waits for it by itself. Guide section 5.1: `GET /clusters/recommended/{id}`, runtime only.
    ///
    /// Awaiting it returns a [`Recommendations`](crate::clusters::Recommendations).
    ///
    /// # Errors
    /// `NotFound` for an unknown workflow; `Server` while the simulator has not begun.
    pub fn recommended(&self, workflow: impl Into<WorkflowId>) -> Call<RecommendClusters> {
        self.client().call(RecommendClusters(workflow.into()))
    }
}

model! {
    /// Where a deployment would go well (runtime).
    Recommendations {
        /// The clusters.
        pub clusters: Vec<RecommendedCluster>,
        /// `success` or `processing`.
        pub status: Option<String>,
        /// The workflow that deploys.
        pub workflow_id: Option<WorkflowId>,
    }
}

model! {
    /// A cluster where a deployment would go well (runtime).
    RecommendedCluster {
        /// The cluster.
        pub id: Option<ClusterId>,
        /// The id that the deployment names it by.
        pub cluster_id: Option<DeployClusterId>,
        /// The name.
        pub name: Option<String>,
        /// What tokens would cost there, as the server says.
        pub cost_per_token: Option<Decimal>,
        /// Workers in all.
        pub total_resources: Option<u32>,
        /// Those of them that are in use.
        pub resources_used: Option<u32>,
        /// The same by kind.
        pub resource_details: Vec<ClusterResource>,
        /// What the deployment would take.
        pub required_devices: Vec<RequiredDevice>,
        /// How good it would be.
        pub benchmarks: Option<Estimates>,
        /// How calls of tools would be read.
        pub tool_calling_parser_type: Option<String>,
        /// How reasoning would be read.
        pub reasoning_parser_type: Option<String>,
        /// How messages would become text.
        pub chat_template: Option<String>,
        /// The engine would take adapters.
        pub supports_lora: Option<bool>,
        /// The engine would spread the model over nodes.
        pub supports_pipeline_parallelism: Option<bool>,
    }
}

model! {
    /// Workers of one kind.
    ClusterResource {
        /// `CPU`, `GPU` or `HPU`.
        pub kind: Option<String> = "type",
        /// Those that can be used.
        pub available: Option<u32>,
        /// All of them.
        pub total: Option<u32>,
    }
}

model! {
    /// What a deployment would take of one kind of device.
    RequiredDevice {
        /// The kind.
        pub device_type: Option<String>,
        /// How many replicas on it.
        pub num_replicas: Option<u32>,
        /// Requests at the same time.
        pub concurrency: Option<u64>,
        /// What a million tokens would cost.
        pub cost_per_million_tokens: Option<Decimal>,
    }
}

model! {
    /// How good a deployment would be.
    Estimates {
        /// How many replicas it would have.
        pub replicas: Option<u32>,
        /// Requests at the same time.
        pub concurrency: Option<Estimate>,
        /// Milliseconds to the first token.
        pub ttft: Option<Estimate>,
        /// Seconds to the last token.
        pub e2e_latency: Option<Estimate>,
        /// Tokens per second for each request.
        pub per_session_tokens_per_sec: Option<Estimate>,
        /// Tokens per second in all.
        pub over_all_throughput: Option<Estimate>,
    }
}

model! {
    /// A number, and how it compares with what was asked for.
    Estimate {
        /// The number.
        pub value: Option<f64>,
        /// In words: better or worse than expected.
        pub label: Option<String>,
    }
}

/// `clusters.recommended`
#[derive(Debug, Clone)]
pub struct RecommendClusters(pub(crate) WorkflowId);

impl Describe for RecommendClusters {
    type Flavor = Flavor;
    const ID: &'static str = "clusters.recommended";
    const SECTIONS: &'static [&'static str] = &["5.1"];
    const ROUTES: Routes<Flavor> = Routes::runtime_only(
        Route::get("/clusters/recommended/{id}"),
        "that API recommends none: clusters.list tells what is free",
    );
    fn encode(&self, _: Flavor) -> Result<Parts> {
        Parts::new().segment("id", self.0.as_str())
    }
}

impl Operation for RecommendClusters {
    type Output = Recommendations;
    fn decode(&self, _: Flavor, raw: Raw) -> Result<Reply<Recommendations>> {
        // An answer without its list is no answer without recommendations.
        raw.page::<RecommendedCluster>("clusters")?;
        beside(&raw, |found: &mut Recommendations| &mut found.extra).map(Reply::Done)
    }
}
