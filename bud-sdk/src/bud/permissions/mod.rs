//! Permissions: who may do what with which resource.

mod list;
pub(super) mod scopes;

use serde_json::{Value, json};

use super::projects::members::{MEMBERS, Member, add_one, find_member, first_members, remove_one};
use crate::bud::Client;
use crate::bud::Flavor;
use crate::call::{Call, List};
use crate::error::{Error, ErrorKind, Result};
use crate::operation::{Describe, Operation, Page, Parts, Raw, Reply, Route, Routes, from_slice};
use crate::schema::{model, open_enum};
use crate::types::{Extra, PermissionId, ProjectId, Timestamp, UserId, Warning, Wire, check_segment};
pub use scopes::{Scope, ScopeState, Scopes};

pub use list::ListPermissions;

impl Client {
    /// Permissions: guide section 4.2 and 8.3.
    pub fn permissions(&self) -> Permissions {
        Permissions(self.clone())
    }
}

/// The permissions of the platform.
#[derive(Debug, Clone)]
pub struct Permissions(Client);

impl Permissions {
    /// Grants a permission. Guide section 4.2: `POST /permissions` (guide).
    ///
    /// Awaiting it returns a [`Permission`](crate::permissions::Permission).
    ///
    /// On runtime a user who is no member of the project becomes one (`POST /projects/{id}/add-users`), and of a member the
    /// scopes are set (`PATCH /permissions/project`), after a look at `GET /projects/{id}/users`: view is `endpoint:view`, edit
    /// is that and `endpoint:manage`. The permission has no id there. Afterwards the members are read again: the result is the level
    /// that holds, with the warning `effective_level` if a global permission of the user includes more than was granted.
    ///
    /// # Errors
    /// `NotFound` for an unknown user or resource, `Conflict` when it was granted before (guide). It is sent once: after a
    /// failure with `maybe_applied`, list the user's permissions first. `Unsupported` on runtime for another level than view
    /// and edit, or another resource than a project: use [`set_global`](Self::set_global).
    ///
    /// ```no_run
    /// # async fn demo(bud: bud_sdk::Client, user: bud_sdk::users::User, project: bud_sdk::projects::Project) -> bud_sdk::Result<()> {
    /// use bud_sdk::permissions::{Grant, PermissionLevel};
    /// bud.permissions().grant(Grant::project(&user, &project, PermissionLevel::Edit)).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn grant(&self, grant: Grant) -> Call<GrantPermission> {
        self.0.call(GrantPermission(grant))
    }

    /// Lists permissions, of one user or on one resource if so asked. Guide section 8.3: `GET /permissions` (guide). On runtime
    /// it must be of one user (`GET /permissions/{user_id}/projects`) or on one project (`GET /projects/{id}/users`); one without
    /// a level is one that the platform could not look up.
    ///
    /// Yields [`Permission`](crate::permissions::Permission) items.
    pub fn list(&self) -> List<ListPermissions> {
        self.0.list(ListPermissions::default())
    }

    /// Takes back what a user was granted on a resource, whatever its level, and returns how many permissions that were;
    /// 0 when there was none. Guide section 8.3: `GET /permissions` filtered, then `DELETE /permissions/{id}` (guide);
    /// `GET /projects/{id}/users`, then `POST /projects/{id}/remove-users`, which ends the membership (runtime, projects only).
    ///
    /// # Errors
    /// `Conflict` on runtime while the user has API keys for the project. `Incomplete` when the server shows more than one page for one user and resource: nothing is then deleted.
    pub fn revoke(&self, grant: &Grant) -> Call<RevokePermission> {
        self.0.call(RevokePermission(grant.clone()))
    }

    /// Deletes one permission. Guide section 8.3: `DELETE /permissions/{id}`. Guide only: the other API has no such ids.
    ///
    /// # Errors
    /// `NotFound` when there was none. When an attempt was lost on the way and the next one finds nothing, that is success.
    pub fn revoke_by_id(&self, id: impl Into<PermissionId>) -> Call<RevokePermissionById> {
        self.0.call(RevokePermissionById(id.into()))
    }

    /// What a user may do, by kind of thing. `GET /users/{id}/permissions`, runtime only. A user without any rule of his own
    /// has empty lists.
    ///
    /// Awaiting it returns a [`UserPermissions`](crate::permissions::UserPermissions).
    ///
    /// # Errors
    /// `PermissionDenied`; an unknown user is answered 500 (`Server`).
    pub fn of_user(&self, user: impl Into<UserId>) -> Call<GetUserPermissions> {
        self.0.call(GetUserPermissions(user.into()))
    }

    /// Gives and takes global permissions, and returns those that the user then has; to manage something includes to view it.
    /// `PUT /permissions/{id}/global`, then `GET /users/{id}/permissions`, because the server answers with success even if
    /// Keycloak refused one of them. Runtime only.
    ///
    /// Awaiting it returns a list of [`ScopeState`](crate::permissions::ScopeState).
    ///
    /// # Errors
    /// `Unconfirmed` when a permission is still as it was.
    /// `InvalidArgument` for nothing, and for rights that belong to projects; `NotFound` for a user who is unknown or has not
    /// accepted his invitation yet; `BadRequest` for a superuser.
    ///
    /// ```no_run
    /// # async fn demo(bud: bud_sdk::Client, user: bud_sdk::users::User) -> bud_sdk::Result<()> {
    /// use bud_sdk::permissions::{Scope, Scopes};
    /// let scopes = Scopes::new().allow(Scope::ProjectManage).deny(Scope::ClusterView);
    /// bud.permissions().set_global(&user, scopes).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn set_global(&self, user: impl Into<UserId>, scopes: Scopes) -> Call<SetGlobalPermissions> {
        self.0.call(SetGlobalPermissions(user.into(), scopes))
    }
}

/// A user, a resource, and what he may do with it.
#[derive(Debug, Clone)]
pub struct Grant {
    user: UserId,
    resource_type: ResourceType,
    resource: Box<str>,
    level: PermissionLevel,
}

impl Grant {
    /// Access to a project.
    pub fn project(user: impl Into<UserId>, project: impl Into<ProjectId>, level: PermissionLevel) -> Self {
        let project: ProjectId = project.into();
        Self::on(user, ResourceType::Project, project.as_str(), level)
    }

    /// Access to a resource of any type, named by its id.
    pub fn on(
        user: impl Into<UserId>,
        resource_type: ResourceType,
        resource_id: impl Into<String>,
        level: PermissionLevel,
    ) -> Self {
        let resource: String = resource_id.into();
        Self { user: user.into(), resource_type, resource: resource.into(), level }
    }

    fn check(&self) -> Result<()> {
        check_segment("user_id", self.user.as_str())?;
        check_segment("resource_id", &self.resource)
    }

    /// The project, if it is about one: the platform as shipped has no other permissions on single things.
    fn only_project(&self) -> Result<ProjectId> {
        match self.resource_type {
            ResourceType::Project => Ok(ProjectId::from(&*self.resource)),
            _ => Err(no_such("it has permissions on projects only")),
        }
    }
}

fn no_such(why: &str) -> Error {
    Error::new(ErrorKind::Unsupported, format!("the `runtime` API of this server does not offer it: {why}"))
        .with_hint("use permissions.set_global, or the project's members")
}

open_enum! {
    /// How much a permission allows.
    PermissionLevel {
        /// To look.
        View = "view",
        /// To look and change.
        Edit = "edit",
        /// To administer.
        Admin = "admin",
    }
}

open_enum! {
    /// What a permission is about.
    ResourceType {
        /// A project.
        Project = "project",
        /// An endpoint.
        Endpoint = "endpoint",
        /// A cluster.
        Cluster = "cluster",
        /// A model.
        Model = "model",
    }
}

model! {
    /// What a user may do with a resource.
    Permission {
        /// The id (guide).
        pub id: Option<PermissionId>,
        /// Who may.
        pub user_id: Option<UserId>,
        /// What kind of thing it is about.
        pub resource_type: Option<Wire<ResourceType>>,
        /// The id of that thing.
        pub resource_id: Option<String>,
        /// How much he may.
        pub permission_level: Option<Wire<PermissionLevel>>,
        /// When it was granted.
        pub created_at: Option<Timestamp>,
    }
}

impl Permission {
    /// On a project of the platform as shipped, which reports scopes.
    fn on_project(user: UserId, project: &str, scopes: &[ScopeState]) -> Self {
        Self {
            id: None,
            user_id: Some(user),
            resource_type: Some(ResourceType::Project.into()),
            resource_id: Some(project.to_owned()),
            permission_level: scopes::to_level(scopes),
            created_at: None,
            extra: Extra::default(),
        }
    }
}

model! {
    /// What a user may do with one thing.
    ResourceScopes {
        /// The id of the thing.
        pub id: Option<String>,
        /// Its id in Keycloak.
        pub rs_id: Option<String>,
        /// Its name.
        pub name: Option<String>,
        /// Whether it is in use, where the server says so.
        pub status: Option<String>,
        /// What he may do with it.
        pub permissions: Vec<ScopeState>,
    }
}

model! {
    /// What a user may do, by kind of thing.
    UserPermissions {
        /// On the whole platform.
        pub global_scopes: Vec<ScopeState>,
        /// With single projects.
        pub project_scopes: Vec<ResourceScopes>,
        /// With single users.
        pub user_scopes: Vec<ResourceScopes>,
        /// With single models.
        pub model_scopes: Vec<ResourceScopes>,
        /// With single clusters.
        pub cluster_scopes: Vec<ResourceScopes>,
        /// With single endpoints.
        pub endpoint_scopes: Vec<ResourceScopes>,
        /// With single benchmarks.
        pub benchmark_scopes: Vec<ResourceScopes>,
    }
}

const LIST: Route = Route::get("/permissions");
const DELETE: Route = Route::delete("/permissions/{id}").accepted();
const PERMISSIONS_OF: Route = Route::get("/users/{id}/permissions");
const SET_OF_MEMBER: Route = Route::patch("/permissions/project");

/// `permissions.grant`
#[derive(Debug, Clone)]
pub struct GrantPermission(Grant);

impl Describe for GrantPermission {
    type Flavor = Flavor;
    const ID: &'static str = "permissions.grant";
    const SECTIONS: &'static [&'static str] = &["4.2"];
    const ROUTES: Routes<Flavor> = Routes::both(
        Route::post("/permissions").shown_by_a_read(),
        MEMBERS
            .shown_by_a_read()
            .limitation("projects only, view or edit; it makes the user a member, and has no id"),
    );
    fn encode(&self, flavor: Flavor) -> Result<Parts> {
        let grant = &self.0;
        grant.check()?;
        if flavor == Flavor::Runtime {
            let project = grant.only_project()?;
            self.scopes()?;
            return first_members(&project);
        }
        Parts::new().json(&json!({
            "user_id": grant.user,
            "resource_type": grant.resource_type.as_str(),
            "resource_id": grant.resource,
            "permission_level": grant.level.as_str(),
        }))
    }
}

impl GrantPermission {
    fn scopes(&self) -> Result<&'static [&'static str]> {
        scopes::of_level(&self.0.level).ok_or_else(|| no_such("it knows view and edit only"))
    }

    /// Makes him a member, or sets what the member may: the server takes the latter of those who are none, to no effect.
    fn give(self, member: Option<Member>) -> Result<Reply<Permission>> {
        let (project, scopes) = (self.0.only_project()?, self.scopes()?);
        let Grant { user, level, .. } = self.0;
        let (route, parts) = match member {
            None => add_one(&project, &user, scopes)?,
            Some(_) => {
                let manage = scopes.contains(&"endpoint:manage");
                let permissions = json!([
                    { "name": "endpoint:view", "has_permission": true },
                    { "name": "endpoint:manage", "has_permission": manage },
                ]);
                let body = json!([{ "user_id": user, "project_id": project, "permissions": permissions }]);
                (SET_OF_MEMBER, Parts::new().json(&body)?)
            }
        };
        Ok(Reply::then(route, parts, move |raw| {
            raw.acknowledged(Flavor::Runtime)?;
            let (who, first) = ((project.clone(), user.clone()), first_members(&project)?);
            Ok(Reply::then(MEMBERS, first, move |raw| {
                find_member(&raw, who, 1, move |member| holds(&project, user, &level, member))
            }))
        }))
    }

    /// The permission that the documented API answers with, or shows in a list where it answers without it.
    fn shown(&self, raw: &Raw) -> Result<Reply<Permission>> {
        let Grant { user, resource_type, resource, level } = self.0.clone();
        let answer: Option<Permission> =
            if raw.is_nothing() { None } else { Some(raw.object("permission")?) };
        let says = |permission: &Permission| permission.id.is_some() || permission.permission_level.is_some();
        // With a blame beside it, only a read shows what holds.
        if let Some(permission) = answer.filter(says).filter(|_| !raw.is_blaming()) {
            return judged(permission, &level);
        }
        let parts = Parts::new()
            .query("page", 1)
            .query("limit", 100)
            .query("user_id", &user)
            .query("resource_type", &resource_type)
            .query("resource_id", &resource);
        let revoke = RevokePermission(self.0.clone());
        Ok(Reply::then(LIST, parts, move |raw| {
            let page: Page<Permission> = raw.page("permissions")?;
            let found = page.items.into_iter().filter(|permission| revoke.matches(permission));
            let found = found.max_by_key(|permission| {
                let held = permission.permission_level.as_deref();
                (held == Some(&level), held.and_then(rank))
            });
            judged(found.ok_or_else(not_held)?, &level)
        }))
    }
}

/// The permission that a member holds on a project after a grant.
fn holds(
    project: &ProjectId,
    user: UserId,
    level: &PermissionLevel,
    member: Option<Member>,
) -> Result<Reply<Permission>> {
    let scopes = member.ok_or_else(not_held)?.permissions;
    let permission = Permission::on_project(user, project.as_str(), &scopes);
    match permission.permission_level.as_deref() {
        // View where edit was granted is the old state.
        None | Some(PermissionLevel::View) if *level != PermissionLevel::View => Err(not_held()),
        None => Err(not_held()),
        Some(_) => judged(permission, level),
    }
}

/// The levels that include each other, in their order.
fn rank(level: &PermissionLevel) -> Option<usize> {
    let levels = [PermissionLevel::View, PermissionLevel::Edit, PermissionLevel::Admin];
    levels.iter().position(|known| known == level)
}

fn not_held() -> Error {
    Error::new(ErrorKind::Unconfirmed, "the server accepted the grant, and does not show the permission")
}

/// The permission, with a warning if its level is above the one that was granted. Below it, it is the old state.
fn judged(permission: Permission, granted: &PermissionLevel) -> Result<Reply<Permission>> {
    let Some(held) = permission.permission_level.as_deref().filter(|held| *held != granted) else {
        return Ok(Reply::Done(permission));
    };
    if rank(held).zip(rank(granted)).is_some_and(|(held, granted)| held < granted) {
        return Err(not_held());
    }
    let message = format!(
        "{granted} was granted, and the server shows {held}: a global permission of the user, such as project:manage, includes it"
    );
    Ok(Reply::Warned(permission, vec![Warning::new(Warning::EFFECTIVE_LEVEL, message)]))
}

impl Operation for GrantPermission {
    type Output = Permission;
    fn decode(&self, flavor: Flavor, raw: Raw) -> Result<Reply<Permission>> {
        if flavor == Flavor::Guide {
            return self.shown(&raw);
        }
        let (who, this) = ((self.0.only_project()?, self.0.user.clone()), self.clone());
        find_member(&raw, who, 1, move |member| this.give(member))
    }
}

/// `permissions.revoke`
#[derive(Debug, Clone)]
pub struct RevokePermission(Grant);

impl RevokePermission {
    /// Trusts no filter: a server that ignores it would have other people's permissions deleted.
    fn matches(&self, permission: &Permission) -> bool {
        let grant = &self.0;
        permission.user_id.as_ref() == Some(&grant.user)
            && permission.resource_id.as_deref() == Some(&grant.resource)
            && permission.resource_type.as_deref() == Some(&grant.resource_type)
    }
}

impl Describe for RevokePermission {
    type Flavor = Flavor;
    const ID: &'static str = "permissions.revoke";
    const SECTIONS: &'static [&'static str] = &["8.3"];
    const ROUTES: Routes<Flavor> = Routes::both(
        LIST.accepted(),
        MEMBERS
            .accepted()
            .limitation("projects only; it ends the membership, and is refused while there are API keys"),
    );
    fn encode(&self, flavor: Flavor) -> Result<Parts> {
        let grant = &self.0;
        grant.check()?;
        if flavor == Flavor::Runtime {
            return first_members(&grant.only_project()?);
        }
        Ok(Parts::new()
            .query("page", 1)
            .query("limit", 100)
            .query("user_id", &grant.user)
            .query("resource_type", &grant.resource_type)
            .query("resource_id", &grant.resource))
    }
}

impl Operation for RevokePermission {
    type Output = u32;
    fn decode(&self, flavor: Flavor, raw: Raw) -> Result<Reply<u32>> {
        if flavor == Flavor::Runtime {
            let (project, user) = (self.0.only_project()?, self.0.user.clone());
            return find_member(&raw, (project.clone(), user.clone()), 1, move |member| {
                if member.is_none() {
                    return Ok(Reply::Done(0));
                }
                let (route, parts) = remove_one(&project, &user)?;
                Ok(Reply::then(route, parts, |raw| {
                    raw.acknowledged(Flavor::Runtime).map(|()| Reply::Done(1))
                }))
            });
        }
        let page: Page<Permission> = raw.page("permissions")?;
        if page.total_pages.is_some_and(|pages| pages > 1) {
            let message = "the server shows more than one page of permissions for one user and resource";
            return Err(Error::new(ErrorKind::Incomplete, message)
                .with_hint("nothing was deleted; list them and use revoke_by_id"));
        }
        let found = page.items.into_iter().filter(|permission| self.matches(permission));
        let ids = found.map(|permission| {
            permission.id.ok_or_else(|| Error::decode(".permissions[].id", "it is missing"))
        });
        delete_each(ids.collect::<Result<_>>()?, 0)
    }
}

/// Deletes the last of `ids`, then the others.
fn delete_each(mut ids: Vec<PermissionId>, deleted: u32) -> Result<Reply<u32>> {
    let Some(id) = ids.pop() else {
        return Ok(Reply::Done(deleted));
    };
    let parts = Parts::new().segment("id", id.as_str())?;
    Ok(Reply::then(DELETE, parts, move |raw| {
        raw.acknowledged(Flavor::Guide)?;
        delete_each(ids, deleted + 1)
    }))
}

/// `permissions.revoke_by_id`
#[derive(Debug, Clone)]
pub struct RevokePermissionById(PermissionId);

impl Describe for RevokePermissionById {
    type Flavor = Flavor;
    const ID: &'static str = "permissions.revoke_by_id";
    const SECTIONS: &'static [&'static str] = &["8.3"];
    const ROUTES: Routes<Flavor> =
        Routes::guide_only(DELETE, "use permissions.revoke: that API knows no permission ids");
    fn encode(&self, _: Flavor) -> Result<Parts> {
        Parts::new().segment("id", self.0.as_str())
    }
}

impl Operation for RevokePermissionById {
    type Output = ();
    fn decode(&self, flavor: Flavor, raw: Raw) -> Result<Reply<()>> {
        raw.acknowledged(flavor).map(Reply::Done)
    }
}

/// `permissions.of_user`
#[derive(Debug, Clone)]
pub struct GetUserPermissions(UserId);

impl Describe for GetUserPermissions {
    type Flavor = Flavor;
    const ID: &'static str = "permissions.of_user";
    const SECTIONS: &'static [&'static str] = &["8.3"];
    const ROUTES: Routes<Flavor> = Routes::runtime_only(PERMISSIONS_OF, "use permissions.list().user(id)");
    fn encode(&self, _: Flavor) -> Result<Parts> {
        Parts::new().segment("id", self.0.as_str())
    }
}

impl Operation for GetUserPermissions {
    type Output = UserPermissions;
    fn decode(&self, _: Flavor, raw: Raw) -> Result<Reply<UserPermissions>> {
        of_user(&raw).map(Reply::Done)
    }
}

fn of_user(raw: &Raw) -> Result<UserPermissions> {
    // A user without a policy of their own has a list in the object's place, and nothing in it.
    match raw.result()? {
        Value::Array(none) if none.is_empty() => from_slice(b"{}"),
        _ => raw.result(),
    }
}

/// `permissions.set_global`
#[derive(Debug, Clone)]
pub struct SetGlobalPermissions(UserId, Scopes);

impl Describe for SetGlobalPermissions {
    type Flavor = Flavor;
    const ID: &'static str = "permissions.set_global";
    const SECTIONS: &'static [&'static str] = &["4.2"];
    const ROUTES: Routes<Flavor> = Routes::runtime_only(
        Route::put("/permissions/{id}/global").shown_by_a_read(),
        "use permissions.grant",
    );
    fn encode(&self, _: Flavor) -> Result<Parts> {
        if self.1.is_empty() {
            return Err(Error::invalid("scopes", "it changes nothing"));
        }
        if let Some(scope) = self.1.of_projects() {
            return Err(Error::invalid(
                "scopes",
                format!("{scope} belongs to a project: use permissions.grant"),
            ));
        }
        Parts::new().segment("id", self.0.as_str())?.json(&self.1.to_json())
    }
}

impl Operation for SetGlobalPermissions {
    type Output = Vec<ScopeState>;
    /// The answer repeats what was asked for, also what Keycloak refused. So what holds is read.
    fn decode(&self, flavor: Flavor, raw: Raw) -> Result<Reply<Vec<ScopeState>>> {
        raw.acknowledged(flavor)?;
        let wanted = self.1.clone();
        let parts = Parts::new().segment("id", self.0.as_str())?;
        Ok(Reply::then(PERMISSIONS_OF, parts, move |raw| {
            let held = of_user(&raw)?.global_scopes;
            match wanted.first_unlike(&held) {
                None => Ok(Reply::Done(held)),
                Some(scope) => {
                    let message = format!("the server accepted the change, and {scope} is still as it was");
                    Err(Error::new(ErrorKind::Unconfirmed, message))
                }
            }
        }))
    }
}
