//! What endpoints are asked for, and what is done to them.

use serde::Deserialize;
use serde_json::json;

use super::autoscale::{Bounds, confirmed};
use super::workers::{Worker, of_endpoint};
use super::{Deployment, Endpoint, EndpointStatus, MOST_REPLICAS, Scoped, Target, check_range};
use crate::bud::quirks::GOING_DOWN;
use crate::bud::{Flavor, accepted, changed, paged};
use crate::call::List;
use crate::error::{Error, Result};
use crate::operation::{
    Describe, Filter, FilterProof, Operation, Page, Paged, Parts, Raw, Reply, Route, Routes, from_slice,
};
use crate::types::{EndpointId, ProjectId, Warning, WorkflowId, check_segment};

const ONE: Route = Route::get("/endpoints/{id}");
pub(super) const DETAIL: Route = Route::get("/endpoints/{id}/model-cluster-detail");
/// Where the platform as shipped lists endpoints, also those of one project.
pub(crate) const ALL: Route = Route::get("/endpoints/");

/// `endpoints.get`
#[derive(Debug, Clone)]
pub struct GetEndpoint {
    pub(super) target: Target,
    /// Also counts the replicas, where the server does not tell them by itself.
    pub(super) counted: bool,
}

impl GetEndpoint {
    pub(super) fn new(id: EndpointId) -> Self {
        Self { target: id.into(), counted: false }
    }
}

impl Scoped for GetEndpoint {
    fn target(&mut self) -> &mut Target {
        &mut self.target
    }
}

impl Describe for GetEndpoint {
    type Flavor = Flavor;
    const ID: &'static str = "endpoints.get";
    const SECTIONS: &'static [&'static str] = &["5.2", "10.3"];
    const ROUTES: Routes<Flavor> =
        Routes::both(ONE, DETAIL.limitation("without project, replicas and times"));
    fn encode(&self, flavor: Flavor) -> Result<Parts> {
        self.target.parts(flavor)
    }
}

impl Operation for GetEndpoint {
    type Output = Endpoint;
    fn decode(&self, flavor: Flavor, raw: Raw) -> Result<Reply<Endpoint>> {
        let endpoint = shown(&raw)?;
        if flavor == Flavor::Guide || !self.counted {
            return Ok(Reply::Done(endpoint));
        }
        let (route, parts) = of_endpoint(&self.target, flavor)?;
        Ok(Reply::then(route, parts, move |raw| {
            let workers: Page<Worker> = raw.page("workers")?;
            let running = workers.items.iter().filter(|worker| worker.runs()).count();
            Ok(Reply::Done(Endpoint { replicas: u32::try_from(running).ok(), ..endpoint }))
        }))
    }
}

fn shown(raw: &Raw) -> Result<Endpoint> {
    Ok(raw.object::<Endpoint>("endpoint")?.completed(None))
}

/// `endpoints.list`
#[derive(Debug, Clone, Default)]
pub struct ListEndpoints {
    page: u32,
    limit: u32,
    project: Option<ProjectId>,
    status: Option<EndpointStatus>,
    name: Option<String>,
}

impl ListEndpoints {
    /// The endpoint of this name in a project, where the server knows this filter.
    pub(super) fn named(project: ProjectId, name: String) -> Self {
        Self { project: Some(project), name: Some(name), ..Self::default() }
    }
}

impl List<ListEndpoints> {
    /// Only those of this project. On the platform as shipped only a superuser can leave it out.
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

/// The state as the platform as shipped spells it.
fn spelled(status: &EndpointStatus) -> Result<String> {
    match status {
        EndpointStatus::Stopped => Err(Error::invalid(
            "status",
            "the `runtime` API has no stopped endpoints: what is undeployed is gone",
        )),
        EndpointStatus::Failed => Ok("failure".to_owned()),
        EndpointStatus::Other(text) => Ok(text.clone().into()),
        known => Ok(known.as_str().to_ascii_lowercase()),
    }
}

impl Describe for ListEndpoints {
    type Flavor = Flavor;
    const ID: &'static str = "endpoints.list";
    const SECTIONS: &'static [&'static str] = &["5.2"];
    const ROUTES: Routes<Flavor> = Routes::both(Route::get("/endpoints"), ALL);
    fn encode(&self, flavor: Flavor) -> Result<Parts> {
        if let Some(project) = &self.project {
            check_segment("project_id", project.as_str())?;
        }
        let status = self.status.as_ref().map(|status| match flavor {
            Flavor::Guide => Ok(status.to_string()),
            Flavor::Runtime => spelled(status),
        });
        paged(flavor, self.page, self.limit)
            .query_opt("project_id", self.project.as_ref())
            .query_opt("status", status.transpose()?)
            .query_opt("name", self.name.as_ref())
            .scope(flavor, self.project.as_ref())
    }
}

impl Operation for ListEndpoints {
    type Output = Page<Endpoint>;
    fn decode(&self, flavor: Flavor, raw: Raw) -> Result<Reply<Page<Endpoint>>> {
        let page = endpoints(&raw, flavor, self.project.as_ref())?;
        Ok(Reply::Done(
            page.filtered("status", self.status.as_ref(), |endpoint, status| {
                Some(endpoint.status.as_deref()? == status)
            })
            .filtered("name", self.name.as_ref(), |endpoint, name| Some(endpoint.name.as_ref()? == name)),
        ))
    }
}

/// A page of endpoints, all of one project if one was asked for. The platform as shipped leaves the project out of its rows, and is
/// recorded to honor the filter; a row that names another project is never taken for one of this.
fn endpoints(raw: &Raw, flavor: Flavor, project: Option<&ProjectId>) -> Result<Page<Endpoint>> {
    let page =
        raw.page::<Endpoint>("endpoints")?.filtered(
            "project_id",
            project,
            |endpoint, project| match &endpoint.project_id {
                Some(own) => Some(own == project),
                None => (flavor == Flavor::Runtime).then_some(true),
            },
        );
    page.try_map(|endpoint| Ok(endpoint.completed(project)))
}

impl Paged for ListEndpoints {
    type Item = Endpoint;
    const FILTERS: &'static [Filter<Flavor>] = &[
        Filter::new("project", FilterProof::Rows, FilterProof::Server("endpoints_list_by_project")),
        Filter::rows("status"),
        Filter::rows("name"),
    ];
    fn set_page(&mut self, page: u32, limit: u32) {
        (self.page, self.limit) = (page, limit);
    }
    fn key(endpoint: &Endpoint) -> &str {
        endpoint.id.as_str()
    }
}

/// `endpoints.deploy`
#[derive(Debug, Clone)]
pub struct DeployEndpoint(pub(super) EndpointId, pub(super) Deployment);

impl Describe for DeployEndpoint {
    type Flavor = Flavor;
    const ID: &'static str = "endpoints.deploy";
    const SECTIONS: &'static [&'static str] = &["5.1"];
    const ROUTES: Routes<Flavor> = Routes::guide_only(
        Route::post("/endpoints/{id}/deploy").accepted(),
        "use endpoints.deploy_model: that API has no endpoint before its deployment, which is a workflow over a model",
    );
    fn encode(&self, _: Flavor) -> Result<Parts> {
        let deployment = &self.1;
        check_segment("cluster_id", deployment.cluster.as_str())?;
        check_range("replicas", deployment.replicas, 1..=MOST_REPLICAS)?;
        check_range("gpus", deployment.gpus, 0..=1024)?;
        check_range("memory_gb", deployment.memory_gb, 1..=65536)?;
        Parts::new().segment("id", self.0.as_str())?.json(&json!({
            "cluster_id": deployment.cluster,
            "replicas": deployment.replicas,
            "resources": { "gpu_count": deployment.gpus, "memory_gb": deployment.memory_gb },
        }))
    }
}

impl Operation for DeployEndpoint {
    type Output = Endpoint;
    fn decode(&self, flavor: Flavor, raw: Raw) -> Result<Reply<Endpoint>> {
        let parts = Target::from(self.0.clone()).parts(flavor)?;
        accepted(raw, "endpoint", ONE, parts, |endpoint: &Endpoint| {
            Some(matches!(
                endpoint.status.as_deref()?,
                EndpointStatus::Deploying | EndpointStatus::Pending | EndpointStatus::Running
            ))
        })
    }
}

/// `endpoints.scale`
#[derive(Debug, Clone)]
pub struct ScaleEndpoint(pub(super) Target, pub(super) u32);

impl Scoped for ScaleEndpoint {
    fn target(&mut self) -> &mut Target {
        &mut self.0
    }
}

impl Describe for ScaleEndpoint {
    type Flavor = Flavor;
    const ID: &'static str = "endpoints.scale";
    const SECTIONS: &'static [&'static str] = &["5.3"];
    const ROUTES: Routes<Flavor> = Routes::both(
        Route::put("/endpoints/{id}").shown_by_a_read(),
        Route::put("/endpoints/{id}/autoscale")
            .shown_by_a_read()
            .limitation("it pins the autoscaler to that number and resets its other settings"),
    );
    fn encode(&self, flavor: Flavor) -> Result<Parts> {
        let Self(target, replicas) = self;
        check_range("replicas", *replicas, 1..=MOST_REPLICAS)?;
        let body = match flavor {
            Flavor::Guide => json!({ "replicas": replicas }),
            Flavor::Runtime => json!({
                "budaiscaler_specification": {
                    "enabled": true, "minReplicas": replicas, "maxReplicas": replicas,
                },
            }),
        };
        target.parts(flavor)?.json(&body)
    }
}

impl Operation for ScaleEndpoint {
    type Output = Endpoint;
    fn decode(&self, flavor: Flavor, raw: Raw) -> Result<Reply<Endpoint>> {
        let Self(target, replicas) = self.clone();
        let parts = target.parts(flavor)?;
        if flavor == Flavor::Guide {
            // Replicas come and go: the endpoint that the server answers with shows those of the moment.
            if let Some(answered) = raw.object_if_any::<Endpoint>("endpoint")?.filter(|_| !raw.is_blaming()) {
                return Ok(match answered.replicas {
                    Some(now) if now != replicas => {
                        let message =
                            format!("{replicas} replicas were asked for, and there are {now} so far");
                        Reply::Warned(answered, vec![Warning::new(Warning::NOT_SHOWN, message)])
                    }
                    _ => Reply::Done(answered),
                });
            }
            return changed(raw, "endpoint", ONE, parts, move |endpoint: &Endpoint| {
                Some(endpoint.replicas? == replicas)
            });
        }
        confirmed(&raw, &target, Bounds::exactly(replicas), |_| {
            Ok(Reply::then(DETAIL, parts, |raw| shown(&raw).map(Reply::Done)))
        })
    }
}

/// `endpoints.undeploy`
#[derive(Debug, Clone)]
pub struct UndeployEndpoint(pub(super) Target);

impl Scoped for UndeployEndpoint {
    fn target(&mut self) -> &mut Target {
        &mut self.0
    }
}

impl Describe for UndeployEndpoint {
    type Flavor = Flavor;
    const ID: &'static str = "endpoints.undeploy";
    const SECTIONS: &'static [&'static str] = &["4.3", "5.4"];
    const ROUTES: Routes<Flavor> = Routes::both(
        Route::post("/endpoints/{id}/undeploy").idempotent().accepted(),
        Route::post("/endpoints/{id}/delete-workflow")
            .idempotent()
            .accepted()
            .done_on_repeat(&[404])
            .limitation(
                "the endpoint ends gone, its record too; the answer has only its id, state and workflow",
            ),
    );
    fn encode(&self, flavor: Flavor) -> Result<Parts> {
        self.0.parts(flavor)
    }
}

impl UndeployEndpoint {
    /// All that the platform as shipped says: that it goes down, and by which workflow.
    fn going(&self, workflow: Option<WorkflowId>) -> Result<Endpoint> {
        let known = json!({ "id": self.0.id, "status": "deleting", "workflow_id": workflow });
        from_slice(known.to_string().as_bytes())
    }

    fn is_going(endpoint: &Endpoint) -> Option<bool> {
        let down = [EndpointStatus::Stopped, EndpointStatus::Deleting, EndpointStatus::Deleted];
        Some(down.contains(endpoint.status.as_deref()?))
    }
}

impl Operation for UndeployEndpoint {
    type Output = Endpoint;
    fn decode(&self, flavor: Flavor, raw: Raw) -> Result<Reply<Endpoint>> {
        #[derive(Deserialize)]
        struct Begun {
            message: Option<String>,
            workflow_id: Option<WorkflowId>,
        }
        if flavor == Flavor::Guide {
            return accepted(raw, "endpoint", ONE, self.0.parts(flavor)?, Self::is_going);
        }
        // A repeated request that finds nothing more has no answer of its own.
        if raw.status == 404 {
            return self.going(None).map(Reply::Done);
        }
        raw.acknowledged(flavor)?;
        if raw.is_nothing() {
            let known = json!({ "id": self.0.id });
            return from_slice(known.to_string().as_bytes()).map(Reply::Done);
        }
        let Begun { message, workflow_id } = raw.whole()?;
        // By its description of itself, the server may leave out everything else.
        raw.expect(message.is_some() || workflow_id.is_some(), "message")?;
        self.going(workflow_id).map(Reply::Done)
    }
    /// What goes down already is as asked.
    fn settled(&self, error: &Error) -> Option<Endpoint> {
        if GOING_DOWN.fits(Self::ID, error) { self.going(None).ok() } else { None }
    }
}
