//! Projects: what endpoints, keys and permissions belong to.

pub(super) mod members;

use serde_json::json;

use super::endpoints::ALL;
use super::users::{keys_stay, shows};
use super::{Credential, Endpoint, check_name};
use crate::bud::Client;
use crate::bud::{Flavor, changed, paged};
use crate::call::{Call, List};
use crate::error::{Error, Result};
use crate::operation::{
    Describe, Filter, FilterProof, Operation, Page, Paged, Parts, Raw, Reply, Route, Routes,
};
use crate::schema::{model, open_enum};
use crate::types::{ProjectId, Timestamp, UserId, Wire, check_segment};
pub use members::{AddMembers, ListMembers, Member, NewMember, RemoveMembers};

impl Client {
    /// Projects: guide section 4.
    pub fn projects(&self) -> Projects {
        Projects(self.clone())
    }
}

/// The projects of the platform.
#[derive(Debug, Clone)]
pub struct Projects(Client);

impl Projects {
    pub(super) fn client(&self) -> &Client {
        &self.0
    }

    /// Creates a project. Guide section 4.1: `POST /projects` (guide), `POST /projects/` (runtime).
    ///
    /// Awaiting it returns a [`Project`](crate::projects::Project).
    ///
    /// # Errors
    /// `InvalidArgument` for an empty name; `Conflict` when it is taken. It is sent once: after a failure with
    /// `maybe_applied`, look the project up first.
    ///
    /// ```no_run
    /// # async fn demo(bud: bud_sdk::Client) -> bud_sdk::Result<()> {
    /// use bud_sdk::projects::NewProject;
    /// let project = bud.projects().create(NewProject::new("New Project").description("What it is for")).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn create(&self, project: NewProject) -> Call<CreateProject> {
        self.0.call(CreateProject(project))
    }

    /// Reads one project. `GET /projects/{id}` on both flavors; on runtime without its times.
    ///
    /// Awaiting it returns a [`Project`](crate::projects::Project).
    ///
    /// # Errors
    /// `NotFound`.
    pub fn get(&self, id: impl Into<ProjectId>) -> Call<GetProject> {
        self.0.call(GetProject(id.into()))
    }

    /// Lists projects. `GET /projects` (guide), `GET /projects/` in order of creation (runtime).
    ///
    /// Yields [`Project`](crate::projects::Project) items.
    ///
    /// On runtime the server shows an administrator only the administrators' projects, so that the clients' are asked for
    /// afterwards; of these it shows the ones that the caller is a member of.
    pub fn list(&self) -> List<ListProjects> {
        self.0.list(ListProjects::default())
    }

    /// Changes a project's name or description. `PUT /projects/{id}` (guide), `PATCH /projects/{id}` (runtime).
    ///
    /// Awaiting it returns a [`Project`](crate::projects::Project).
    ///
    /// # Errors
    /// `InvalidArgument` when nothing would change; `NotFound`.
    pub fn update(&self, id: impl Into<ProjectId>, update: ProjectUpdate) -> Call<UpdateProject> {
        self.0.call(UpdateProject(id.into(), update))
    }

    /// Deletes a project; this cannot be undone. Guide section 4.3: `DELETE /projects/{id}` on both flavors. Undeploy its
    /// [`endpoints`](Self::endpoints) first: the server refuses a project whose endpoints are up. On runtime it also refuses
    /// one that has API keys: delete them first, or say [`remove_credentials`](Call::remove_credentials).
    ///
    /// # Errors
    /// `Conflict` or `BadRequest` while endpoints are up or keys are left; `NotFound` when there was no such project. When an attempt was
    /// lost on the way and the next one finds nothing, that is success.
    pub fn delete(&self, id: impl Into<ProjectId>) -> Call<DeleteProject> {
        self.0.call(DeleteProject { id: id.into(), remove_credentials: false })
    }

    /// Lists the endpoints of a project. Guide section 4.3: `GET /projects/{id}/endpoints` (guide), `GET /endpoints/` in order
    /// of creation (runtime).
    ///
    /// Yields [`Endpoint`](crate::endpoints::Endpoint) items.
    pub fn endpoints(&self, id: impl Into<ProjectId>) -> List<ListProjectEndpoints> {
        self.0.list(ListProjectEndpoints { project: id.into(), page: 1, limit: 1 })
    }
}

/// A project to be created.
#[derive(Debug, Clone)]
pub struct NewProject {
    name: String,
    description: String,
    project_type: Option<ProjectType>,
}

impl NewProject {
    /// A project with this name and no description.
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), description: String::new(), project_type: None }
    }
    /// Says what it is for.
    pub fn description(mut self, text: impl Into<String>) -> Self {
        self.description = text.into();
        self
    }
    /// Whose application it belongs to; that of who creates it unless said otherwise. Runtime only. An administrator's is the
    /// administrators', which takes no clients as members: for those say `ClientApp`.
    pub fn project_type(mut self, project_type: ProjectType) -> Self {
        self.project_type = Some(project_type);
        self
    }
}

/// What to change about a project; what is not set stays.
#[derive(Debug, Clone, Default)]
pub struct ProjectUpdate {
    name: Option<String>,
    description: Option<String>,
}

impl ProjectUpdate {
    /// Changes nothing yet.
    pub fn new() -> Self {
        Self::default()
    }
    /// Sets the name.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }
    /// Sets the description.
    pub fn description(mut self, text: impl Into<String>) -> Self {
        self.description = Some(text.into());
        self
    }
}

open_enum! {
    /// Whether a project is in use.
    ProjectStatus {
        /// It is.
        Active = "ACTIVE",
        /// It is not.
        Inactive = "INACTIVE",
        /// It was deleted; its record is kept.
        Deleted = "DELETED",
    }
}

open_enum! {
    /// Which of the platform's applications a project belongs to.
    ProjectType {
        /// The clients'.
        ClientApp = "client_app",
        /// The administrators', which takes no clients as members.
        AdminApp = "admin_app",
    }
}

model! {
    /// What endpoints, keys and permissions belong to.
    Project {
        /// The id.
        pub id: ProjectId,
        /// The name.
        pub name: Option<String>,
        /// What it is for.
        pub description: Option<String>,
        /// Whether it is in use.
        pub status: Option<Wire<ProjectStatus>>,
        /// Labels: text on one API, objects with a name and a colour on the other.
        pub tags: Vec<serde_json::Value>,
        /// Its picture (runtime).
        pub icon: Option<String>,
        /// Which of the platform's applications it belongs to (runtime).
        pub project_type: Option<Wire<ProjectType>>,
        /// Who created it (runtime).
        pub created_by: Option<UserId>,
        /// How many users it has (runtime, lists).
        pub users_count: Option<u32>,
        /// How many endpoints it has (runtime, lists).
        pub endpoints_count: Option<u32>,
        /// How many API keys it has (runtime, lists).
        pub credentials_count: Option<u32>,
        /// The colours of its users' avatars (runtime, lists).
        pub profile_colors: Vec<String>,
        /// Its API keys, without their values (runtime, one project, where the server sends them).
        pub credentials: Vec<Credential>,
        /// When it was created.
        pub created_at: Option<Timestamp>,
        /// When it was last changed.
        pub updated_at: Option<Timestamp> = "modified_at",
    }
}

model! {
    /// A project in a list of the platform as shipped: itself, and numbers about it.
    Counted {
        /// The project.
        pub(crate) project: Option<Project>,
        /// Numbers about it.
        pub(crate) users_count: Option<u32>,
        /// Likewise.
        pub(crate) endpoints_count: Option<u32>,
        /// Likewise.
        pub(crate) credentials_count: Option<u32>,
        /// Likewise.
        pub(crate) profile_colors: Vec<String>,
        /// Its API keys.
        pub(crate) credentials: Vec<Credential>,
        /// One project has them beside what the server says of its answer.
        pub(crate) object: Option<String>,
        /// Likewise.
        pub(crate) message: Option<String>,
    }
}

impl Counted {
    fn into_project(self) -> Result<Project> {
        let mut project = self.project.ok_or_else(|| Error::decode(".project", "it is missing"))?;
        project.extra.0.extend(self.extra.0);
        Ok(Project {
            users_count: self.users_count,
            endpoints_count: self.endpoints_count,
            credentials_count: self.credentials_count,
            profile_colors: self.profile_colors,
            credentials: self.credentials.into_iter().map(Credential::without_key).collect(),
            ..project
        })
    }
}

impl From<&Project> for ProjectId {
    fn from(project: &Project) -> Self {
        project.id.clone()
    }
}

const ONE: Route = Route::get("/projects/{id}");

fn one(id: &ProjectId) -> Result<Parts> {
    Parts::new().segment("id", id.as_str())
}

/// `projects.create`
#[derive(Debug, Clone)]
pub struct CreateProject(NewProject);

impl Describe for CreateProject {
    type Flavor = Flavor;
    const ID: &'static str = "projects.create";
    const SECTIONS: &'static [&'static str] = &["4.1"];
    const ROUTES: Routes<Flavor> = Routes::both(Route::post("/projects"), Route::post("/projects/"));
    fn encode(&self, flavor: Flavor) -> Result<Parts> {
        let NewProject { name, description, project_type } = &self.0;
        check_name("name", name)?;
        match (flavor, project_type) {
            (_, None) => Parts::new().json(&json!({ "name": name, "description": description })),
            (Flavor::Guide, Some(_)) => {
                Err(Error::invalid("project_type", "the `guide` API has one kind of projects"))
            }
            (Flavor::Runtime, Some(kind)) => Parts::new()
                .json(&json!({ "name": name, "description": description, "project_type": kind.as_str() })),
        }
    }
}

impl Operation for CreateProject {
    type Output = Project;
    fn decode(&self, _: Flavor, raw: Raw) -> Result<Reply<Project>> {
        raw.object("project").map(Reply::Done)
    }
}

/// `projects.get`
#[derive(Debug, Clone)]
pub struct GetProject(ProjectId);

impl Describe for GetProject {
    type Flavor = Flavor;
    const ID: &'static str = "projects.get";
    const SECTIONS: &'static [&'static str] = &["4.1"];
    const ROUTES: Routes<Flavor> = Routes::both(ONE, ONE);
    fn encode(&self, _: Flavor) -> Result<Parts> {
        one(&self.0)
    }
}

impl Operation for GetProject {
    type Output = Project;
    fn decode(&self, flavor: Flavor, raw: Raw) -> Result<Reply<Project>> {
        match flavor {
            Flavor::Guide => raw.object("project").map(Reply::Done),
            // Its numbers stand beside it.
            Flavor::Runtime => {
                let found: Counted = raw.whole()?;
                raw.expect(found.project.is_some(), "project")?;
                found.into_project().map(Reply::Done)
            }
        }
    }
}

/// `projects.list`
#[derive(Debug, Clone, Default)]
pub struct ListProjects {
    page: u32,
    limit: u32,
    project_type: Option<ProjectType>,
    /// What the server shows by itself has been read: the projects of clients follow.
    of_clients: bool,
}

impl List<ListProjects> {
    /// Only projects of this application. Runtime only.
    pub fn project_type(mut self, project_type: ProjectType) -> Self {
        self.operation_mut().project_type = Some(project_type);
        self
    }
}

impl Describe for ListProjects {
    type Flavor = Flavor;
    const ID: &'static str = "projects.list";
    const SECTIONS: &'static [&'static str] = &["4.1"];
    const ROUTES: Routes<Flavor> = Routes::both(
        Route::get("/projects"),
        Route::get("/projects/").limitation("clients' projects are shown to their members only"),
    );
    fn encode(&self, flavor: Flavor) -> Result<Parts> {
        if self.project_type.is_some() && flavor == Flavor::Guide {
            return Err(Error::invalid("project_type", "the `guide` API has one kind of projects"));
        }
        let of_clients = self.of_clients.then_some(&ProjectType::ClientApp);
        Ok(paged(flavor, self.page, self.limit)
            .query_opt("project_type", self.project_type.as_ref().or(of_clients)))
    }
}

impl Operation for ListProjects {
    type Output = Page<Project>;
    fn decode(&self, flavor: Flavor, raw: Raw) -> Result<Reply<Page<Project>>> {
        match flavor {
            Flavor::Guide => raw.page("projects").map(Reply::Done),
            Flavor::Runtime => {
                let page = raw.page("projects")?.try_map(Counted::into_project)?;
                let wanted = self.project_type.as_ref();
                let mut page = page.filtered("project_type", wanted, |project, kind| {
                    Some(project.project_type.as_deref()? == kind)
                });
                // To an administrator the server shows the administrators' projects alone, unless it is asked for the others.
                page.more_parts = wanted.is_none() && !self.of_clients;
                Ok(Reply::Done(page))
            }
        }
    }
}

impl Paged for ListProjects {
    type Item = Project;
    const FILTERS: &'static [Filter<Flavor>] =
        &[Filter::new("project_type", FilterProof::Refused, FilterProof::Rows)];
    fn next_part(&mut self) {
        self.of_clients = true;
    }
    fn set_page(&mut self, page: u32, limit: u32) {
        (self.page, self.limit) = (page, limit);
    }
    fn key(project: &Project) -> &str {
        project.id.as_str()
    }
}

/// `projects.update`
#[derive(Debug, Clone)]
pub struct UpdateProject(ProjectId, ProjectUpdate);

impl Describe for UpdateProject {
    type Flavor = Flavor;
    const ID: &'static str = "projects.update";
    const SECTIONS: &'static [&'static str] = &["4.1"];
    const ROUTES: Routes<Flavor> = Routes::both(
        Route::put("/projects/{id}").shown_by_a_read(),
        Route::patch("/projects/{id}").shown_by_a_read(),
    );
    fn encode(&self, _: Flavor) -> Result<Parts> {
        let mut body = serde_json::Map::new();
        if let Some(name) = &self.1.name {
            check_name("name", name)?;
            body.insert("name".to_owned(), name.as_str().into());
        }
        if let Some(text) = &self.1.description {
            body.insert("description".to_owned(), text.as_str().into());
        }
        if body.is_empty() {
            return Err(Error::invalid("update", "it changes nothing"));
        }
        one(&self.0)?.json(&body)
    }
}

impl Operation for UpdateProject {
    type Output = Project;
    fn decode(&self, _: Flavor, raw: Raw) -> Result<Reply<Project>> {
        let ProjectUpdate { name, description } = self.1.clone();
        changed(raw, "project", ONE, one(&self.0)?, move |project: &Project| {
            shows([(&name, &project.name), (&description, &project.description)])
        })
    }
}

/// `projects.delete`
#[derive(Debug, Clone)]
pub struct DeleteProject {
    id: ProjectId,
    remove_credentials: bool,
}

impl Call<DeleteProject> {
    /// Also deletes the project's API keys, for good. Runtime only: on the guide's API it is refused.
    pub fn remove_credentials(mut self) -> Self {
        self.operation_mut().remove_credentials = true;
        self
    }
}

impl Describe for DeleteProject {
    type Flavor = Flavor;
    const ID: &'static str = "projects.delete";
    const SECTIONS: &'static [&'static str] = &["4.3"];
    const ROUTES: Routes<Flavor> =
        Routes::both(Route::delete("/projects/{id}").accepted(), Route::delete("/projects/{id}").accepted());
    fn encode(&self, flavor: Flavor) -> Result<Parts> {
        let parts = one(&self.id)?;
        match flavor {
            Flavor::Guide if self.remove_credentials => Err(keys_stay("remove_credentials")),
            Flavor::Guide => Ok(parts),
            // Left out, the server takes it as yes.
            Flavor::Runtime => Ok(parts.query("remove_credential", self.remove_credentials)),
        }
    }
}

impl Operation for DeleteProject {
    type Output = ();
    fn decode(&self, flavor: Flavor, raw: Raw) -> Result<Reply<()>> {
        raw.acknowledged(flavor).map(Reply::Done)
    }
}

/// `projects.endpoints`
#[derive(Debug, Clone)]
pub struct ListProjectEndpoints {
    project: ProjectId,
    page: u32,
    limit: u32,
}

impl Describe for ListProjectEndpoints {
    type Flavor = Flavor;
    const ID: &'static str = "projects.endpoints";
    const SECTIONS: &'static [&'static str] = &["4.3"];
    const ROUTES: Routes<Flavor> = Routes::both(Route::get("/projects/{id}/endpoints"), ALL);
    fn encode(&self, flavor: Flavor) -> Result<Parts> {
        let project = &self.project;
        match flavor {
            Flavor::Guide => Ok(one(project)?.query("page", self.page).query("limit", self.limit)),
            Flavor::Runtime => {
                check_segment("id", project.as_str())?;
                let parts = paged(flavor, self.page, self.limit).query("project_id", project);
                parts.scope(flavor, Some(project))
            }
        }
    }
}

impl Operation for ListProjectEndpoints {
    type Output = Page<Endpoint>;
    fn decode(&self, _: Flavor, raw: Raw) -> Result<Reply<Page<Endpoint>>> {
        // The documented API shows the endpoints of the project in the path, and need not name it in each row.
        let named = |endpoint: &Endpoint| endpoint.project_id.as_ref().is_none_or(|id| *id == self.project);
        let page = raw.page::<Endpoint>("endpoints")?.only(named);
        page.try_map(|endpoint| Ok(endpoint.completed(Some(&self.project)))).map(Reply::Done)
    }
}

impl Paged for ListProjectEndpoints {
    type Item = Endpoint;
    const FILTERS: &'static [Filter<Flavor>] =
        &[Filter::new("project", FilterProof::Path, FilterProof::Server("endpoints_list_by_project"))];
    fn set_page(&mut self, page: u32, limit: u32) {
        (self.page, self.limit) = (page, limit);
    }
    fn key(endpoint: &Endpoint) -> &str {
        endpoint.id.as_str()
    }
}
