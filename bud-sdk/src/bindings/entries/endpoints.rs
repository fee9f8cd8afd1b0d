//! Endpoints, the workflows that deploy them, and clusters.

use std::ops::RangeInclusive;
use std::time::Duration;

use serde_json::Value;

use super::{Client, entries};
use crate::bindings::args::When;
use crate::bindings::task::{ending, watch};
use crate::bud::{
    AccessMode, Autoscaler, Autoscaling, Cluster, ClusterSettings, DeployModel, Deployment, DeploymentUpdate,
    Endpoint, EndpointStatus, EndpointWait, HardwareMode, ModelDeployment, Recommendations, ScalingStrategy,
    StorageDefaults, Worker, Workflow, WorkflowType,
};
use crate::error::{Error, Result};
use crate::types::{
    ClusterId, DeployClusterId, EndpointId, ModelId, ProjectId, ProviderCredentialId, WorkflowId,
};

entries! {
    on Client;

    /// Reads one endpoint.
    call endpoints.get(
        /// The endpoint.
        id: EndpointId,
        /// Its project; runtime only, where only superusers can leave it out.
        project: Option<ProjectId>,
    ) -> Endpoint = |bud| bud.endpoints().get(id).when(project, |call, project| call.project(project));
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
    /// Deploys a model and waits until the endpoint is there, in steps that can be resumed. What starts the deployment is sent
    /// once and never again. After what can pass, the error's cursor is the workflow to resume.
    job endpoints.deploy_model(
        /// The model.
        model: ModelId,
        /// The project that the endpoint will belong to.
        project: ProjectId,
        /// What the endpoint is to be called; names are unique on the whole platform, and stored in lower case with hyphens.
        name: String,
        /// The cluster, by its `cluster_id`. The cheapest one that is recommended.
        cluster: Option<DeployClusterId>,
        /// The platform's key for the provider that runs the model.
        provider_key: Option<ProviderCredentialId>,
        /// How many requests at the same time. 1.
        concurrent_requests: Option<u32>,
        /// The usual length of a request, up to 200000 tokens. 1000.
        context_length: Option<u32>,
        /// The usual length of an answer, in tokens. 100.
        sequence_length: Option<u32>,
        /// Milliseconds to the first token: the least and the most that is wanted.
        ttft: Option<Vec<u32>>,
        /// Tokens per second for each request, likewise.
        tokens_per_second: Option<Vec<u32>>,
        /// Seconds to the last token, likewise.
        e2e_latency: Option<Vec<u32>>,
        /// Whether it has its devices for itself. `dedicated`.
        hardware: Option<HardwareMode>,
        /// How the number of replicas is chosen: an object with the fields of `Autoscaler`.
        autoscaler: Option<Value>,
        /// The model may call tools.
        tool_calling: Option<bool>,
        /// The model shows its reasoning.
        reasoning: Option<bool>,
        /// The workflow of an earlier run that is to be resumed.
        resume: Option<WorkflowId>,
        /// The longest time that all of it may take. 60 minutes.
        timeout: Option<Duration>,
        /// The time between the first looks; it grows to eight times as much. 2 seconds.
        poll_interval: Option<Duration>,
    ) -> Endpoint [DeploymentUpdate] = |bud| {
        let model = DeployModel::new(model, project, name)
            .when(cluster, |model, cluster| model.on(cluster))
            .when(provider_key, |model, key| model.provider_key(key))
            .when(concurrent_requests, DeployModel::concurrent_requests)
            .when(context_length, DeployModel::context_length)
            .when(sequence_length, DeployModel::sequence_length)
            .when(pair("ttft", ttft)?, DeployModel::ttft)
            .when(pair("tokens_per_second", tokens_per_second)?, DeployModel::tokens_per_second)
            .when(pair("e2e_latency", e2e_latency)?, DeployModel::e2e_latency)
            .when(hardware, DeployModel::hardware)
            .when(autoscaler.map(|settings| scaler("autoscaler", settings)).transpose()?, DeployModel::autoscaler)
            .when(tool_calling.filter(|yes| *yes), |model, _| model.tool_calling())
            .when(reasoning.filter(|yes| *yes), |model, _| model.reasoning());
        let deployment = bud.endpoints().deploy_model(model)
            .when(resume, |deployment, workflow| deployment.resume(workflow))
            .when(timeout, ModelDeployment::timeout)
            .when(poll_interval, ModelDeployment::poll_interval);
        ending(deployment.updates(), |last: DeploymentUpdate| last.endpoint.map(|endpoint| *endpoint))
    };
    /// Sets the number of replicas. They come and go afterwards: wait for them.
    call endpoints.scale(
        /// The endpoint.
        id: EndpointId,
        /// How many, from 1 to 1000.
        replicas: u32,
        /// Its project; runtime only, where only superusers can leave it out.
        project: Option<ProjectId>,
    ) -> Endpoint = |bud| bud.endpoints().scale(id, replicas).when(project, |call, project| call.project(project));
    /// Lets the platform choose the number of replicas. What is left out gets the platform's defaults, whatever it was before.
    call endpoints.autoscale(
        /// The endpoint.
        id: EndpointId,
        /// The least replicas; 0 lets it sleep. 1.
        min_replicas: Option<u32>,
        /// The most replicas, up to 1000. 10.
        max_replicas: Option<u32>,
        /// The number is chosen at all; else it stays what it is. True.
        enabled: Option<bool>,
        /// Who chooses. `BudScaler`.
        strategy: Option<ScalingStrategy>,
        /// Everything else: an object with the fields of `Autoscaler`.
        settings: Option<Value>,
        /// Its project; only superusers can leave it out.
        project: Option<ProjectId>,
    ) -> Autoscaling = |bud| {
        let mut scaler = settings.map_or(Ok(Autoscaler::default()), |settings| scaler("settings", settings))?;
        scaler.enabled = enabled.or(scaler.enabled).or(Some(true));
        scaler.min_replicas = min_replicas.or(scaler.min_replicas);
        scaler.max_replicas = max_replicas.or(scaler.max_replicas);
        let scaler = scaler.when(strategy, Autoscaler::strategy);
        bud.endpoints().autoscale(id, scaler).when(project, |call, project| call.project(project))
    };
    /// How the number of replicas is chosen.
    call endpoints.autoscaler(
        /// The endpoint.
        id: EndpointId,
        /// Its project; only superusers can leave it out.
        project: Option<ProjectId>,
    ) -> Autoscaling = |bud| bud.endpoints().autoscaler(id).when(project, |call, project| call.project(project));
    /// Lists the replicas that answer an endpoint's requests, each with its state and place.
    pages endpoints.workers(
        /// The endpoint.
        id: EndpointId,
        /// Has the platform look at the cluster first, instead of telling what it saw last.
        refresh: Option<bool>,
        /// Its project; only superusers can leave it out.
        project: Option<ProjectId>,
    ) -> Worker = |bud| {
        let list = bud.endpoints().workers(id).when(refresh.filter(|yes| *yes), |list, _| list.refresh());
        list.when(project, |list, project| list.project(project))
    };
    /// Takes an endpoint down. Undeploying what is already down changes nothing, so it is repeated after a failure.
    call endpoints.undeploy(
        /// The endpoint.
        id: EndpointId,
        /// Its project; runtime only, where only superusers can leave it out.
        project: Option<ProjectId>,
    ) -> Endpoint = |bud| bud.endpoints().undeploy(id).when(project, |call, project| call.project(project));
    /// Waits for an endpoint's state, and tells what each look showed. It goes on through outages and renewed tokens; a failure
    /// of the endpoint ends it at once.
    job endpoints.wait(
        /// The endpoint.
        id: EndpointId,
        /// The state to wait for. `RUNNING`. What is undeployed reaches `STOPPED` on both APIs.
        until: Option<EndpointStatus>,
        /// Also waits until it has this many replicas.
        replicas: Option<u32>,
        /// Takes this state for a failure, too.
        fail_on: Option<EndpointStatus>,
        /// The longest time to wait. 30 minutes.
        timeout: Option<Duration>,
        /// The time between the first looks; it grows to eight times as much. 2 seconds.
        poll_interval: Option<Duration>,
        /// Its project; runtime only, where only superusers can leave it out.
        project: Option<ProjectId>,
    ) -> Endpoint [Endpoint] = |bud| {
        let wait = bud.endpoints().wait(id)
            .when(until, EndpointWait::until)
            .when(replicas, EndpointWait::replicas)
            .when(fail_on, EndpointWait::fail_on)
            .when(timeout, EndpointWait::timeout)
            .when(poll_interval, EndpointWait::poll_interval)
            .when(project, |wait, project| wait.project(project));
        watch(wait.updates())
    };

    /// Reads one workflow of the platform as shipped, whatever its state.
    call workflows.get(
        /// The workflow.
        id: WorkflowId,
    ) -> Workflow = |bud| bud.workflows().get(id);
    /// Lists the caller's own workflows that are in progress.
    pages workflows.list(
        /// Only those that do this.
        workflow_type: Option<WorkflowType>,
    ) -> Workflow = |bud| {
        bud.workflows().list().when(workflow_type, |list, workflow_type| list.workflow_type(workflow_type))
    };
    /// Takes back a workflow of the caller's own that is in progress. The server only forgets it: what it has started on a
    /// cluster goes on there.
    call workflows.cancel(
        /// The workflow.
        id: WorkflowId,
    ) -> () = |bud| bud.workflows().cancel(id);

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
    /// Where the deployment of a workflow would go well, the cheapest first; none or not all until the simulator is done.
    call clusters.recommended(
        /// The workflow.
        workflow: WorkflowId,
    ) -> Recommendations = |bud| bud.clusters().recommended(workflow);
    /// The storage that deployments on a cluster get by default.
    call clusters.settings(
        /// The cluster.
        id: ClusterId,
    ) -> ClusterSettings = |bud| bud.clusters().settings(id);
    /// Sets the storage that deployments on a cluster get by default. Both values are replaced: what is left out is cleared,
    /// but the platform chooses an access mode that suits the storage class if it can.
    call clusters.set_settings(
        /// The cluster.
        id: ClusterId,
        /// The storage class of their volumes.
        storage_class: Option<String>,
        /// Who may use those at the same time.
        access_mode: Option<AccessMode>,
    ) -> ClusterSettings = |bud| bud.clusters().set_settings(id, storage(storage_class, access_mode)?);
    /// Clears the settings of a cluster.
    call clusters.delete_settings(
        /// The cluster.
        id: ClusterId,
    ) -> () = |bud| bud.clusters().delete_settings(id);
}

/// The least and the most.
fn pair(param: &'static str, numbers: Option<Vec<u32>>) -> Result<Option<RangeInclusive<u32>>> {
    match numbers.as_deref() {
        None => Ok(None),
        Some([least, most]) => Ok(Some(*least..=*most)),
        Some(_) => Err(Error::invalid(param, "it must be two numbers: the least and the most")),
    }
}

/// Settings by the names that they have here or on the wire.
fn scaler(param: &'static str, settings: Value) -> Result<Autoscaler> {
    let read = crate::operation::from_slice::<Autoscaler>(settings.to_string().as_bytes());
    let mut scaler = read.map_err(|error| {
        let at = error.path().unwrap_or_default().to_owned();
        Error::invalid(param, format!("{} at {at}", error.message()))
    })?;
    // Who gives settings wants them to count.
    scaler.enabled = scaler.enabled.or(Some(true));
    let unknown = scaler.extra.names().next().map(|name| crate::operation::clean(name, 60));
    match unknown {
        Some(name) => Err(Error::invalid(param, format!("there is no setting {name}"))),
        None => Ok(scaler),
    }
}

fn storage(class: Option<String>, mode: Option<AccessMode>) -> Result<StorageDefaults> {
    match (class, mode) {
        (Some(class), mode) => Ok(StorageDefaults::class(class).when(mode, StorageDefaults::access_mode)),
        (None, Some(mode)) => Ok(StorageDefaults::access(mode)),
        (None, None) => {
            Err(Error::invalid("storage_class", "nothing would be set; delete_settings clears it"))
        }
    }
}
