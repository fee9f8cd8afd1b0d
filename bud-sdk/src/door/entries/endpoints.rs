//! Endpoints and clusters.

use std::time::Duration;

use super::entries;
use crate::door::args::When;
use crate::door::work::watch;
use crate::resources::{Cluster, Deployment, Endpoint, EndpointStatus, EndpointWait};
use crate::types::{ClusterId, EndpointId, ProjectId};

entries! {
    /// Reads one endpoint.
    call endpoints.get(
        /// The endpoint.
        id: EndpointId,
    ) -> Endpoint = |bud| bud.endpoints().get(id);
    /// Lists endpoints.
    pages endpoints.list(
        /// Only those of this project.
        project: Option<ProjectId>,
        /// Only those in this state.
        status: Option<EndpointStatus>,
    ) -> Endpoint = |bud| {
        let list = bud.endpoints().list().when(project, |list, project| list.project(project));
        list.when(status, |list, status| list.status(status))
    };
    /// Deploys an endpoint to a cluster and returns it as it is then, usually `DEPLOYING`: wait for it to run. It is sent
    /// once: after a failure that may have been applied, read the endpoint first.
    call endpoints.deploy(
        /// The endpoint.
        id: EndpointId,
        /// The cluster.
        cluster: ClusterId,
        /// How many replicas, from 1 to 1000. 1.
        replicas: Option<u32>,
        /// How many GPUs each replica gets, up to 1024. 1.
        gpus: Option<u32>,
        /// How much memory each replica gets, from 1 to 65536 gigabytes. 16.
        memory_gb: Option<u32>,
    ) -> Endpoint = |bud| {
        let deployment = Deployment::on(cluster)
            .when(replicas, Deployment::replicas)
            .when(gpus, Deployment::gpus)
            .when(memory_gb, Deployment::memory_gb);
        bud.endpoints().deploy(id, deployment)
    };
    /// Sets the number of replicas. They come and go afterwards: wait for them.
    call endpoints.scale(
        /// The endpoint.
        id: EndpointId,
        /// How many, from 1 to 1000.
        replicas: u32,
    ) -> Endpoint = |bud| bud.endpoints().scale(id, replicas);
    /// Takes an endpoint down. Undeploying what is already down changes nothing, so it is repeated after a failure.
    call endpoints.undeploy(
        /// The endpoint.
        id: EndpointId,
    ) -> Endpoint = |bud| bud.endpoints().undeploy(id);
    /// Waits for an endpoint's state, and tells what each look showed. It goes on through outages and renewed tokens; a failure
    /// of the endpoint ends it at once.
    job endpoints.wait(
        /// The endpoint.
        id: EndpointId,
        /// The state to wait for. `RUNNING`.
        until: Option<EndpointStatus>,
        /// Also waits until it has this many replicas.
        replicas: Option<u32>,
        /// Takes this state for a failure, too.
        fail_on: Option<EndpointStatus>,
        /// The longest time to wait. 30 minutes.
        within: Option<Duration>,
        /// The time between the first looks; it grows to eight times as much. 2 seconds.
        every: Option<Duration>,
    ) -> Endpoint [Endpoint] = |bud| {
        let wait = bud.endpoints().wait(id)
            .when(until, EndpointWait::until)
            .when(replicas, EndpointWait::replicas)
            .when(fail_on, EndpointWait::fail_on)
            .when(within, EndpointWait::within)
            .when(every, EndpointWait::every);
        watch(wait.updates())
    };

    /// Lists clusters.
    pages clusters.list() -> Cluster = |bud| bud.clusters().list();
    /// Reads one cluster.
    call clusters.get(
        /// The cluster.
        id: ClusterId,
    ) -> Cluster = |bud| bud.clusters().get(id);
    /// Has the platform look at the cluster again, and returns it as it is known then.
    call clusters.refresh(
        /// The cluster.
        id: ClusterId,
    ) -> Cluster = |bud| bud.clusters().refresh(id);
}
