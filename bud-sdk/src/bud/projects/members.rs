//! The members of a project, on the platform as shipped.

use serde_json::{Value, json};

use super::Projects;
use crate::bud::Flavor;
use crate::bud::login::check_email;
use crate::bud::permissions::scopes;
use crate::bud::{PermissionLevel, Role, ScopeState, UserStatus, UserType};
use crate::call::{Call, List};
use crate::error::{Error, Result};
use crate::operation::{Describe, Operation, Page, Paged, Parts, Raw, Reply, Route, Routes};
use crate::schema::model;
use crate::types::{ProjectId, UserId, Wire, check_segment};

const INSTEAD: &str = "use permissions.grant, list and revoke";

impl Projects {
    /// Lists the members of a project. `GET /projects/{id}/users`, runtime only; on the guide's API use
    /// [`permissions().list().project(id)`](crate::permissions::Permissions::list).
    ///
    /// Yields [`Member`](crate::projects::Member) items.
    pub fn members(&self, id: impl Into<ProjectId>) -> List<ListMembers> {
        self.client().list(ListMembers { project: id.into(), page: 1, limit: 1 })
    }

    /// Takes users into a project. `POST /projects/{id}/add-users`, runtime only. An e-mail address that the platform does not
    /// know is answered with success too: an invitation was mailed.
    ///
    /// # Errors
    /// `InvalidArgument` for nobody, or a level other than view and edit; `Conflict` for who is a member already: nobody
    /// is then added, so use [`permissions().grant`](crate::permissions::Permissions::grant) to change what members may.
    ///
    /// ```no_run
    /// # async fn demo(bud: bud_sdk::Client, project: bud_sdk::projects::Project) -> bud_sdk::Result<()> {
    /// use bud_sdk::permissions::PermissionLevel;
    /// use bud_sdk::projects::NewMember;
    /// bud.projects().add_members(&project, [NewMember::email("new@example.com", PermissionLevel::View)]).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn add_members(
        &self,
        id: impl Into<ProjectId>,
        members: impl IntoIterator<Item = NewMember>,
    ) -> Call<AddMembers> {
        self.client().call(AddMembers { project: id.into(), members: members.into_iter().collect() })
    }

    /// Takes users out of a project. `POST /projects/{id}/remove-users`, runtime only. No API key is deleted: the platform refuses
    /// to take out who has some for the project, unless [`remove_credentials`](Call::remove_credentials) says to delete them.
    ///
    /// # Errors
    /// `InvalidArgument` for nobody; `Conflict` while there are API keys; `BadRequest` for all members at once, and for who is
    /// none; `NotFound`.
    pub fn remove_members<U: Into<UserId>>(
        &self,
        id: impl Into<ProjectId>,
        users: impl IntoIterator<Item = U>,
    ) -> Call<RemoveMembers> {
        let users = users.into_iter().map(Into::into).collect();
        self.client().call(RemoveMembers { project: id.into(), users, remove_credentials: false })
    }
}

/// A user to be taken into a project.
#[derive(Debug, Clone)]
pub struct NewMember {
    who: Who,
    level: PermissionLevel,
}

#[derive(Debug, Clone)]
enum Who {
    Id(UserId),
    Email(String),
}

impl NewMember {
    /// A user of the platform, and whether he may view or edit the project's endpoints.
    pub fn user(id: impl Into<UserId>, level: PermissionLevel) -> Self {
        Self { who: Who::Id(id.into()), level }
    }
    /// Likewise by e-mail address; who is not known yet is invited.
    pub fn email(email: impl Into<String>, level: PermissionLevel) -> Self {
        Self { who: Who::Email(email.into()), level }
    }

    fn to_json(&self) -> Result<Value> {
        let scopes = scopes::of_level(&self.level).ok_or_else(|| {
            Error::invalid("level", format!("a member may view or edit, not {}", self.level))
        })?;
        match &self.who {
            Who::Id(id) => {
                check_segment("user_id", id.as_str())?;
                Ok(json!({ "user_id": id, "scopes": scopes }))
            }
            Who::Email(email) => {
                check_email(email)?;
                Ok(json!({ "email": email, "scopes": scopes }))
            }
        }
    }
}

model! {
    /// A member of a project.
    Member {
        /// The user's id.
        pub id: UserId,
        /// His whole name.
        pub name: Option<String>,
        /// The address that he signs in with.
        pub email: Option<String>,
        /// The colour of his avatar.
        pub color: Option<String>,
        /// What he may do on the platform.
        pub role: Option<Wire<Role>>,
        /// Whether he may sign in.
        pub status: Option<Wire<UserStatus>>,
        /// His company.
        pub company: Option<String>,
        /// What he uses the platform for.
        pub purpose: Option<String>,
        /// Which of the platform's applications he works with.
        pub user_type: Option<Wire<UserType>>,
        /// What he may do in the project.
        pub permissions: Vec<ScopeState>,
        /// `owner` or `participant`.
        pub project_role: Option<String>,
    }
}

impl From<&Member> for UserId {
    fn from(member: &Member) -> Self {
        member.id.clone()
    }
}

pub(in crate::bud) const MEMBERS: Route = Route::get("/projects/{id}/users");
const ADD: Route = Route::post("/projects/{id}/add-users").accepted();
const REMOVE: Route = Route::post("/projects/{id}/remove-users").accepted();
/// How many members are looked at at a time.
const LOOK: u32 = 100;

fn one(id: &ProjectId) -> Result<Parts> {
    Parts::new().segment("id", id.as_str())
}

/// Asks for the first page of a project's members, for [`find_member`].
pub(in crate::bud) fn first_members(project: &ProjectId) -> Result<Parts> {
    members_page(project, 1)
}

fn members_page(project: &ProjectId, page: u32) -> Result<Parts> {
    Ok(one(project)?.paged(Flavor::Runtime, page, LOOK))
}

/// Looks for a user among the members, page by page, and goes on with what was found.
pub(in crate::bud) fn find_member<T: 'static>(
    raw: &Raw,
    (project, user): (ProjectId, UserId),
    page: u32,
    found: impl FnOnce(Option<Member>) -> Result<Reply<T>> + Send + 'static,
) -> Result<Reply<T>> {
    let members: Page<Member> = raw.page("users")?;
    let last = members.is_last(page, LOOK);
    match members.items.into_iter().find(|member| member.id == user) {
        None if !last => {
            let parts = members_page(&project, page + 1)?;
            Ok(Reply::then(MEMBERS, parts, move |raw| find_member(&raw, (project, user), page + 1, found)))
        }
        member => found(member),
    }
}

/// The request that adds one user at this level.
pub(in crate::bud) fn add_one(
    project: &ProjectId,
    user: &UserId,
    scopes: &'static [&'static str],
) -> Result<(Route, Parts)> {
    let body = json!({ "users": [{ "user_id": user, "scopes": scopes }] });
    Ok((ADD, one(project)?.json(&body)?))
}

/// The request that removes one user, and deletes no API key of his.
pub(in crate::bud) fn remove_one(project: &ProjectId, user: &UserId) -> Result<(Route, Parts)> {
    // Left out, the server takes it as yes.
    let parts = one(project)?.query("remove_credential", false);
    Ok((REMOVE, parts.json(&json!({ "user_ids": [user] }))?))
}

/// `projects.members`
#[derive(Debug, Clone)]
pub struct ListMembers {
    project: ProjectId,
    page: u32,
    limit: u32,
}

impl Describe for ListMembers {
    type Flavor = Flavor;
    const ID: &'static str = "projects.members";
    const SECTIONS: &'static [&'static str] = &["4.2", "8.3"];
    const ROUTES: Routes<Flavor> = Routes::runtime_only(MEMBERS, "use permissions.list().project(id)");
    fn encode(&self, flavor: Flavor) -> Result<Parts> {
        Ok(one(&self.project)?.paged(flavor, self.page, self.limit))
    }
}

impl Operation for ListMembers {
    type Output = Page<Member>;
    fn decode(&self, _: Flavor, raw: Raw) -> Result<Reply<Page<Member>>> {
        raw.page("users").map(Reply::Done)
    }
}

impl Paged for ListMembers {
    type Item = Member;
    fn set_page(&mut self, page: u32, limit: u32) {
        (self.page, self.limit) = (page, limit);
    }
    fn key(member: &Member) -> &str {
        member.id.as_str()
    }
}

/// `projects.add_members`
#[derive(Debug, Clone)]
pub struct AddMembers {
    project: ProjectId,
    members: Vec<NewMember>,
}

impl Describe for AddMembers {
    type Flavor = Flavor;
    const ID: &'static str = "projects.add_members";
    const SECTIONS: &'static [&'static str] = &["4.2"];
    const ROUTES: Routes<Flavor> = Routes::runtime_only(ADD, INSTEAD);
    fn encode(&self, _: Flavor) -> Result<Parts> {
        let parts = one(&self.project)?;
        if self.members.is_empty() {
            return Err(Error::invalid("members", "there is nobody"));
        }
        let users = self.members.iter().map(NewMember::to_json).collect::<Result<Vec<_>>>()?;
        parts.json(&json!({ "users": users }))
    }
}

impl Operation for AddMembers {
    type Output = ();
    fn decode(&self, flavor: Flavor, raw: Raw) -> Result<Reply<()>> {
        raw.acknowledged(flavor).map(Reply::Done)
    }
}

/// `projects.remove_members`
#[derive(Debug, Clone)]
pub struct RemoveMembers {
    project: ProjectId,
    users: Vec<UserId>,
    remove_credentials: bool,
}

impl Call<RemoveMembers> {
    /// Also deletes their API keys for the project, for good.
    pub fn remove_credentials(mut self) -> Self {
        self.operation_mut().remove_credentials = true;
        self
    }
}

impl Describe for RemoveMembers {
    type Flavor = Flavor;
    const ID: &'static str = "projects.remove_members";
    const SECTIONS: &'static [&'static str] = &["8.3"];
    const ROUTES: Routes<Flavor> = Routes::runtime_only(REMOVE, INSTEAD);
    fn encode(&self, _: Flavor) -> Result<Parts> {
        let parts = one(&self.project)?;
        if self.users.is_empty() {
            return Err(Error::invalid("users", "there is nobody"));
        }
        for user in &self.users {
            check_segment("user_id", user.as_str())?;
        }
        let parts = parts.query("remove_credential", self.remove_credentials);
        parts.json(&json!({ "user_ids": self.users }))
    }
}

impl Operation for RemoveMembers {
    type Output = ();
    fn decode(&self, flavor: Flavor, raw: Raw) -> Result<Reply<()>> {
        raw.acknowledged(flavor).map(Reply::Done)
    }
}
