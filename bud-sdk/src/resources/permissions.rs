//! Permissions: who may do what with which resource.

use serde_json::json;

use super::LATER;
use crate::api::{Describe, Flavor, Operation, Page, Paged, Parts, Raw, Reply, Route, Routes, paged};
use crate::client::{Call, Client, List};
use crate::error::{Error, ErrorKind, Result};
use crate::types::{PermissionId, ProjectId, Timestamp, UserId, Wire, check_segment, model, open_enum};

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
    /// Grants a permission. Guide section 4.2: `POST /permissions`.
    ///
    /// # Errors
    /// `NotFound` for an unknown user or resource, `Conflict` when it was granted before. It is sent once: after a failure
    /// with `maybe_applied`, list the user's permissions first.
    ///
    /// ```no_run
    /// # async fn demo(bud: bud_sdk::Client, user: bud_sdk::User, project: bud_sdk::Project) -> bud_sdk::Result<()> {
    /// use bud_sdk::{Grant, PermissionLevel};
    /// bud.permissions().grant(Grant::project(&user, &project, PermissionLevel::Edit)).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn grant(&self, grant: Grant) -> Call<GrantPermission> {
        self.0.call(GrantPermission(grant))
    }

    /// Lists permissions, of one user or on one resource if so asked. Guide section 8.3: `GET /permissions`.
    pub fn list(&self) -> List<ListPermissions> {
        List::new(self.0.clone(), ListPermissions::default())
    }

    /// Takes back what a user was granted on a resource, whatever its level, and returns how many permissions that were;
    /// 0 when there was none. Guide section 8.3: `GET /permissions` filtered, then `DELETE /permissions/{id}`.
    ///
    /// # Errors
    /// `Incomplete` when the server shows more than one page for one user and resource: nothing is then deleted.
    pub fn revoke(&self, grant: &Grant) -> Call<Revoke> {
        self.0.call(Revoke(grant.clone()))
    }

    /// Deletes one permission. Guide section 8.3: `DELETE /permissions/{id}`.
    ///
    /// # Errors
    /// `NotFound` when there was none. When an attempt was lost on the way and the next one finds nothing, that is success.
    pub fn revoke_by_id(&self, id: impl Into<PermissionId>) -> Call<RevokeById> {
        self.0.call(RevokeById(id.into()))
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
        /// The id.
        pub id: PermissionId,
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

impl From<&Permission> for PermissionId {
    fn from(permission: &Permission) -> Self {
        permission.id.clone()
    }
}

const LIST: Route = Route::get("/permissions");
const DELETE: Route = Route::delete("/permissions/{id}");

/// `permissions.grant`
#[derive(Debug, Clone)]
pub struct GrantPermission(Grant);

impl Describe for GrantPermission {
    const ID: &'static str = "permissions.grant";
    const SECTIONS: &'static [&'static str] = &["4.2"];
    const ROUTES: Routes = Routes::guide_only(Route::post("/permissions"), LATER);
    fn encode(&self, _: Flavor) -> Result<Parts> {
        let grant = &self.0;
        grant.check()?;
        Parts::new().json(&json!({
            "user_id": grant.user,
            "resource_type": grant.resource_type.as_str(),
            "resource_id": grant.resource,
            "permission_level": grant.level.as_str(),
        }))
    }
}

impl Operation for GrantPermission {
    type Output = Permission;
    fn decode(&self, _: Flavor, raw: Raw) -> Result<Reply<Permission>> {
        raw.object("permission").map(Reply::Done)
    }
}

/// `permissions.list`
#[derive(Debug, Clone, Default)]
pub struct ListPermissions {
    page: u32,
    limit: u32,
    user: Option<UserId>,
    resource: Option<(ResourceType, String)>,
}

impl List<ListPermissions> {
    /// Only those of this user.
    pub fn user(mut self, user: impl Into<UserId>) -> Self {
        self.operation_mut().user = Some(user.into());
        self
    }
    /// Only those on this project.
    pub fn project(self, project: impl Into<ProjectId>) -> Self {
        let project: ProjectId = project.into();
        self.resource(ResourceType::Project, project.as_str())
    }
    /// Only those on this resource.
    pub fn resource(mut self, resource_type: ResourceType, resource_id: impl Into<String>) -> Self {
        self.operation_mut().resource = Some((resource_type, resource_id.into()));
        self
    }
}

impl Describe for ListPermissions {
    const ID: &'static str = "permissions.list";
    const SECTIONS: &'static [&'static str] = &["8.3"];
    const ROUTES: Routes = Routes::guide_only(LIST, LATER);
    fn encode(&self, flavor: Flavor) -> Result<Parts> {
        let mut parts = paged(flavor, self.page, self.limit);
        if let Some(user) = &self.user {
            check_segment("user_id", user.as_str())?;
            parts = parts.query("user_id", user);
        }
        if let Some((resource_type, id)) = &self.resource {
            check_segment("resource_id", id)?;
            parts = parts.query("resource_type", resource_type).query("resource_id", id);
        }
        Ok(parts)
    }
}

impl Operation for ListPermissions {
    type Output = Page<Permission>;
    fn decode(&self, _: Flavor, raw: Raw) -> Result<Reply<Page<Permission>>> {
        raw.page("permissions").map(Reply::Done)
    }
}

impl Paged for ListPermissions {
    type Item = Permission;
    fn set_page(&mut self, page: u32, limit: u32) {
        (self.page, self.limit) = (page, limit);
    }
    fn key(permission: &Permission) -> &str {
        permission.id.as_str()
    }
}

/// `permissions.revoke`
#[derive(Debug, Clone)]
pub struct Revoke(Grant);

impl Revoke {
    /// Trusts no filter: a server that ignores it would have other people's permissions deleted.
    fn matches(&self, permission: &Permission) -> bool {
        let grant = &self.0;
        permission.user_id.as_ref() == Some(&grant.user)
            && permission.resource_id.as_deref() == Some(&grant.resource)
            && permission.resource_type.as_deref() == Some(&grant.resource_type)
    }
}

impl Describe for Revoke {
    const ID: &'static str = "permissions.revoke";
    const SECTIONS: &'static [&'static str] = &["8.3"];
    const ROUTES: Routes = Routes::guide_only(LIST, LATER);
    fn encode(&self, _: Flavor) -> Result<Parts> {
        let grant = &self.0;
        grant.check()?;
        Ok(Parts::new()
            .query("page", 1)
            .query("limit", 100)
            .query("user_id", &grant.user)
            .query("resource_type", &grant.resource_type)
            .query("resource_id", &grant.resource))
    }
}

impl Operation for Revoke {
    type Output = u32;
    fn decode(&self, _: Flavor, raw: Raw) -> Result<Reply<u32>> {
        let page: Page<Permission> = raw.page("permissions")?;
        if page.total_pages.is_some_and(|pages| pages > 1) {
            let message = "the server shows more than one page of permissions for one user and resource";
            return Err(Error::new(ErrorKind::Incomplete, message)
                .with_hint("nothing was deleted; list them and use revoke_by_id"));
        }
        let found = page.items.into_iter().filter(|permission| self.matches(permission));
        delete_each(found.map(|permission| permission.id).collect(), 0)
    }
}

/// Deletes the last of `ids`, then the others.
fn delete_each(mut ids: Vec<PermissionId>, deleted: u32) -> Result<Reply<u32>> {
    let Some(id) = ids.pop() else {
        return Ok(Reply::Done(deleted));
    };
    let parts = Parts::new().segment("id", id.as_str())?;
    Ok(Reply::then(DELETE, parts, move |_| delete_each(ids, deleted + 1)))
}

/// `permissions.revoke_by_id`
#[derive(Debug, Clone)]
pub struct RevokeById(PermissionId);

impl Describe for RevokeById {
    const ID: &'static str = "permissions.revoke_by_id";
    const SECTIONS: &'static [&'static str] = &["8.3"];
    const ROUTES: Routes =
        Routes::guide_only(DELETE, "use permissions.revoke: that API knows no permission ids");
    fn encode(&self, _: Flavor) -> Result<Parts> {
        Parts::new().segment("id", self.0.as_str())
    }
}

impl Operation for RevokeById {
    type Output = ();
    fn decode(&self, _: Flavor, _: Raw) -> Result<Reply<()>> {
        Ok(Reply::Done(()))
    }
}
