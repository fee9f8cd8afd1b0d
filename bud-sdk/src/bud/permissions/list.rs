//! Listing permissions.

use std::hash::{Hash, Hasher};

use super::{LIST, Permission, ResourceScopes, ResourceType, no_such};
use crate::bud::projects::members::{MEMBERS, Member, find_member, first_members};
use crate::bud::{Flavor, paged};
use crate::call::List;
use crate::error::{Error, Result};
use crate::operation::{
    Describe, Filter, FilterProof, Operation, Page, Paged, Parts, Raw, Reply, Route, Routes,
};
use crate::types::{PermissionId, ProjectId, UserId, check_segment};

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
    type Flavor = Flavor;
    const ID: &'static str = "permissions.list";
    const SECTIONS: &'static [&'static str] = &["8.3"];
    const ROUTES: Routes<Flavor> = Routes::both(
        LIST,
        Route::get("/permissions/{user_id}/projects")
            .limitation("of one user or on one project, without ids"),
    );
    fn encode(&self, flavor: Flavor) -> Result<Parts> {
        if let Some(user) = &self.user {
            check_segment("user_id", user.as_str())?;
        }
        if let Some((_, id)) = &self.resource {
            check_segment("resource_id", id)?;
        }
        if flavor == Flavor::Guide {
            let mut parts = paged(flavor, self.page, self.limit).query_opt("user_id", self.user.as_ref());
            if let Some((resource_type, id)) = &self.resource {
                parts = parts.query("resource_type", resource_type).query("resource_id", id);
            }
            return Ok(parts);
        }
        match (&self.user, self.project()?) {
            (None, None) => {
                Err(Error::invalid("user", "the `runtime` API lists by user or by project: name one"))
            }
            (Some(_), Some(project)) => Ok(first_members(&project)?.at(MEMBERS.path)),
            (None, Some(project)) => Ok(Parts::new()
                .at(MEMBERS.path)
                .segment("id", project.as_str())?
                .paged(flavor, self.page, self.limit)),
            (Some(user), None) => {
                Ok(Parts::new().segment("user_id", user.as_str())?.paged(flavor, self.page, self.limit))
            }
        }
    }
    fn explain(&self, error: Error) -> Error {
        if error.is_not_found() && self.user.is_some() {
            return error.with_hint("the user is unknown, or was invited and has not signed in yet");
        }
        error
    }
}

/// Seen with a real Keycloak: a user whom the server lists with `edit` on every project is refused by it.
const INHERITED: &str = "the levels include what the user's global permissions allow: a new user has project:manage and so is \
    listed with `edit` for every project, also for those that the server then refuses to them";

impl ListPermissions {
    fn project(&self) -> Result<Option<ProjectId>> {
        match &self.resource {
            None => Ok(None),
            Some((ResourceType::Project, id)) => Ok(Some(ProjectId::from(id.as_str()))),
            Some(_) => Err(no_such("it has permissions on projects only")),
        }
    }
}

impl Operation for ListPermissions {
    type Output = Page<Permission>;
    fn decode(&self, flavor: Flavor, raw: Raw) -> Result<Reply<Page<Permission>>> {
        if flavor == Flavor::Guide {
            let page = raw.page::<Permission>("permissions")?;
            return Ok(Reply::Done(
                page.filtered("user_id", self.user.as_ref(), |permission, user| {
                    Some(permission.user_id.as_ref()? == user)
                })
                .filtered(
                    "resource_id",
                    self.resource.as_ref(),
                    |permission, (kind, id)| {
                        if permission.resource_id.as_ref()? != id {
                            return Some(false);
                        }
                        Some(permission.resource_type.as_deref()? == kind)
                    },
                ),
            ));
        }
        let of = |member: Member, project: &ProjectId| {
            Permission::on_project(member.id, project.as_str(), &member.permissions)
        };
        match (&self.user, self.project()?) {
            (Some(user), Some(project)) => {
                find_member(&raw, (project.clone(), user.clone()), 1, move |member| {
                    let items = member.map(|member| of(member, &project)).into_iter().collect();
                    Ok(Reply::Done(Page::whole(items)))
                })
            }
            (None, Some(project)) => {
                raw.page("users")?.try_map(|member| Ok(of(member, &project))).map(Reply::Done)
            }
            // Every project of the platform is listed, those that he has nothing to do with without a scope.
            (Some(user), None) => raw
                .page::<ResourceScopes>("projects")?
                .only(|on| !on.permissions.is_empty())
                .try_map(|on| {
                    let id = on.id.ok_or_else(|| Error::decode(".projects[].id", "it is missing"))?;
                    Ok(Permission::on_project(user.clone(), &id, &on.permissions))
                })
                .map(|page| Reply::Done(Page { limitation: Some(INHERITED), ..page })),
            (None, None) => Ok(Reply::Done(Page::whole(Vec::new()))),
        }
    }
}

impl Paged for ListPermissions {
    type Item = Permission;
    const FILTERS: &'static [Filter<Flavor>] = &[
        Filter::new("user", FilterProof::Rows, FilterProof::Path),
        Filter::new("resource", FilterProof::Rows, FilterProof::Path),
    ];
    fn set_page(&mut self, page: u32, limit: u32) {
        (self.page, self.limit) = (page, limit);
    }
    fn key(permission: &Permission) -> &str {
        permission.id.as_ref().map_or("", PermissionId::as_str)
    }
    fn hash_key(permission: &Permission, hasher: &mut impl Hasher) {
        (&permission.id, &permission.user_id, &permission.resource_id).hash(hasher);
    }
}
