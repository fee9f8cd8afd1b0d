//! Projects, their members, and permissions.

use super::{Client, entries};
use crate::bindings::args::When;
use crate::bud::{
    Endpoint, Grant, Member, NewMember, NewProject, Permission, PermissionLevel, Project, ProjectType,
    ProjectUpdate, ResourceType, Scope, ScopeState, Scopes, UserPermissions,
};
use crate::error::Error;
use crate::types::{PermissionId, ProjectId, UserId};

entries! {
    on Client;

    /// Creates a project. It is sent once: after a failure that may have been applied, look the project up first.
    call projects.create(
        /// Its name.
        name: String,
        /// What it is for.
        description: Option<String>,
        /// Which of the platform's applications it belongs to; that of who creates it unless said otherwise. Runtime only.
        project_type: Option<ProjectType>,
    ) -> Project = |bud| {
        let project = NewProject::new(name).when(description, NewProject::description);
        bud.projects().create(project.when(project_type, NewProject::project_type))
    };
    /// Reads one project.
    call projects.get(
        /// The project.
        id: ProjectId,
    ) -> Project = |bud| bud.projects().get(id);
    /// Lists projects. On runtime the server shows an administrator only the administrators' projects, so that the clients' are
    /// asked for afterwards; of these it shows the ones that the caller is a member of.
    pages projects.list(
        /// Only projects of this application. Runtime only.
        project_type: Option<ProjectType>,
    ) -> Project = |bud| bud.projects().list().when(project_type, |projects, kind| projects.project_type(kind));
    /// Changes a project; what is not given stays.
    call projects.update(
        /// The project.
        id: ProjectId,
        /// The name.
        name: Option<String>,
        /// What it is for.
        description: Option<String>,
    ) -> Project = |bud| {
        let update = ProjectUpdate::new().when(name, ProjectUpdate::name).when(description, ProjectUpdate::description);
        bud.projects().update(id, update)
    };
    /// Deletes a project; this cannot be undone. Undeploy its endpoints first: the server refuses a project whose endpoints
    /// are up.
    call projects.delete(
        /// The project.
        id: ProjectId,
        /// Also deletes the project's API keys, for good. Runtime only.
        remove_credentials: Option<bool>,
    ) -> () = |bud| {
        let call = bud.projects().delete(id);
        call.when(remove_credentials.filter(|yes| *yes), |call, _| call.remove_credentials())
    };
    /// Lists the endpoints of a project.
    pages projects.endpoints(
        /// The project.
        id: ProjectId,
    ) -> Endpoint = |bud| bud.projects().endpoints(id);
    /// Lists the members of a project.
    pages projects.members(
        /// The project.
        id: ProjectId,
    ) -> Member = |bud| bud.projects().members(id);
    /// Takes users into a project, all with the same right. An address that the platform does not know is invited by mail.
    call projects.add_members(
        /// The project.
        id: ProjectId,
        /// The users, by their ids or e-mail addresses.
        members: Vec<String>,
        /// Whether they may `view` or `edit` the project's endpoints.
        level: PermissionLevel,
    ) -> () = |bud| {
        let member = |who: String| match who.contains('@') {
            true => NewMember::email(who, level.clone()),
            false => NewMember::user(who, level.clone()),
        };
        bud.projects().add_members(id, members.into_iter().map(member))
    };
    /// Ends the membership of users. It is refused while they have API keys for the project, unless those are to be deleted.
    call projects.remove_members(
        /// The project.
        id: ProjectId,
        /// The users.
        users: Vec<UserId>,
        /// Also deletes their API keys for the project, for good.
        remove_credentials: Option<bool>,
    ) -> () = |bud| {
        let call = bud.projects().remove_members(id, users);
        call.when(remove_credentials.filter(|yes| *yes), |call, _| call.remove_credentials())
    };

    /// Lets a user do something with a project, or with another resource named by its type and id.
    call permissions.grant(
        /// The user.
        user: UserId,
        /// The id of the resource.
        resource_id: String,
        /// How much he may.
        level: PermissionLevel,
        /// What kind of thing it is; a project unless said otherwise.
        resource_type: Option<ResourceType>,
    ) -> Permission = |bud| bud.permissions().grant(grant(user, resource_id, level, resource_type));
    /// Lists permissions. On the platform as shipped a user or a project must be given.
    pages permissions.list(
        /// Only those of this user.
        user: Option<UserId>,
        /// Only those on this project.
        project: Option<ProjectId>,
        /// Only those on a resource of this type; with `resource_id`.
        resource_type: Option<ResourceType>,
        /// Only those on this resource; with `resource_type`.
        resource_id: Option<String>,
    ) -> Permission = |bud| {
        let list = bud.permissions().list().when(user, |list, user| list.user(user));
        match (project, resource_type, resource_id) {
            (project, None, None) => list.when(project, |list, project| list.project(project)),
            (None, Some(kind), Some(id)) => list.resource(kind, id),
            (Some(_), _, _) => return Err(Error::invalid("project", "give a project or a resource, not both")),
            (None, None, Some(_)) => return Err(Error::invalid("resource_type", "it is missing")),
            (None, Some(_), None) => return Err(Error::invalid("resource_id", "it is missing")),
        }
    };
    /// Takes a permission back, and says how many there were.
    call permissions.revoke(
        /// The user.
        user: UserId,
        /// The id of the resource.
        resource_id: String,
        /// What kind of thing it is; a project unless said otherwise.
        resource_type: Option<ResourceType>,
    ) -> u32 = |bud| {
        // The level plays no part in it.
        bud.permissions().revoke(&grant(user, resource_id, PermissionLevel::View, resource_type))
    };
    /// Deletes one permission by its id.
    call permissions.revoke_by_id(
        /// The permission.
        id: PermissionId,
    ) -> () = |bud| bud.permissions().revoke_by_id(id);
    /// What a user may do, by kind of thing.
    call permissions.of_user(
        /// The user.
        user: UserId,
    ) -> UserPermissions = |bud| bud.permissions().of_user(user);
    /// Gives and takes rights on the whole platform, and returns the user's rights as the server then reports them.
    call permissions.set_global(
        /// The user.
        user: UserId,
        /// Rights to give.
        allow: Option<Vec<Scope>>,
        /// Rights to take.
        deny: Option<Vec<Scope>>,
    ) -> Vec<ScopeState> = |bud| {
        let scopes = allow.into_iter().flatten().fold(Scopes::new(), Scopes::allow);
        bud.permissions().set_global(user, deny.into_iter().flatten().fold(scopes, Scopes::deny))
    };
}

fn grant(user: UserId, resource: String, level: PermissionLevel, kind: Option<ResourceType>) -> Grant {
    Grant::on(user, kind.unwrap_or(ResourceType::Project), resource, level)
}
