//! Server messages of the Bud API that carry a meaning which their status does not have, each with what shows it. Nothing else of
//! the Bud API compares what a server says.

#[cfg(test)]
mod tests;

use crate::error::ErrorKind::{
    AuthRejected, Conflict, InvalidCredentials, NotFound, PermissionDenied, Server,
};
use crate::operation::Evidence::{Described, Recorded};
use crate::operation::Message::{Any, Contains, Is, StartsWith};
use crate::operation::Quirk;

const LOGIN: &[&str] = &["auth.login"];
const DEPLOY: &[&str] = &["endpoints.deploy_model"];
/// What changes the members of a project on the runtime API.
const REMOVE_MEMBERS: &[&str] = &["projects.remove_members", "permissions.revoke"];
const ADD_MEMBERS: &[&str] = &["projects.add_members", "permissions.grant"];
/// What names a user on the runtime API.
const USER: &[&str] =
    &["users.get", "users.update", "users.set_role", "permissions.of_user", "permissions.list"];
/// What has a name that may be taken.
const NAMED: &[&str] = &["users.create", "projects.create", "credentials.create", "credentials.update"];

/// The first one that fits counts.
pub(super) const QUIRKS: &[Quirk] = &[
    // Logins: the runtime API answers 400 to each of these, and the guide API 401 to a wrong password and 403 to a deactivated
    // account. Only the words tell them apart.
    Quirk::new(LOGIN, 400..=403, Contains("incorrect email or password"), Recorded(&["login_wrong_password", "kc_wrong_password_1"]))
        .means(InvalidCredentials)
        .hint(WRONG_PASSWORD),
    Quirk::new(LOGIN, 400..=403, Contains("account is not active"), Described("the platform's login route: a deleted user"))
        .means(AuthRejected)
        .hint(DEACTIVATED),
    Quirk::new(LOGIN, 400..=403, Contains("inactive user"), Described("what every other call of such a user is answered"))
        .means(AuthRejected)
        .hint(DEACTIVATED),
    // The account is disabled in Keycloak.
    Quirk::new(LOGIN, 400..=403, Contains("unable to login"), Recorded(&["kc_login_of_a_user_disabled_in_keycloak_400"]))
        .means(AuthRejected)
        .hint(NOT_SET_UP),
    // Keycloak requires an action of the user.
    Quirk::new(LOGIN, 400..=403, Contains("account setup incomplete"), Described("the platform's login route: an action that Keycloak requires"))
        .means(AuthRejected)
        .hint(NOT_SET_UP),
    Quirk::new(LOGIN, 400..=403, Contains("account is not fully set up"), Described("Keycloak's invalid_grant"))
        .means(AuthRejected)
        .hint(NOT_SET_UP),
    Quirk::new(LOGIN, 400..=403, Contains("account disabled"), Described("Keycloak's invalid_grant"))
        .means(AuthRejected)
        .hint(DEACTIVATED),
    Quirk::new(LOGIN, 401..=401, Any, Described("guide section 3.1")).means(InvalidCredentials).hint(WRONG_PASSWORD),
    Quirk::new(LOGIN, 500..=599, Any, Recorded(&["kc_down_login", "pg_down_login"])).means(Server).hint(LOGIN_FAILS),
    // A user who may do nothing.
    Quirk::new(
        &[],
        400..=400,
        Is("Inactive user"),
        Recorded(&["invited_user_list_projects_400_inactive", "deleted_user_token_400_inactive"]),
    )
    .means(PermissionDenied)
    .hint("this user must first set their own password (auth.change_own_password), or was deactivated"),
    // An unknown user, a deactivated one and an outage are answered alike.
    Quirk::new(
        USER,
        500..=500,
        StartsWith("Failed to "),
        Recorded(&["user_get_unknown_500", "user_get_deactivated_500", "user_permissions_unknown_user_500"]),
    )
    .hint("the runtime API answers 500 for an unknown or deactivated user"),
    // What is there already.
    Quirk::new(&["users.create"], 400..=400, Contains("Failed to register user"), Described("the platform's route: Keycloak refuses the user"))
        .hint(
            "Keycloak may already have a user with this email whom the platform does not know: delete that user in Keycloak, \
             or use another email",
        ),
    Quirk::new(
        NAMED,
        400..=400,
        Contains("already"),
        Recorded(&["user_create_duplicate", "project_create_duplicate", "credential_create_duplicate_400"]),
    )
    .means(Conflict),
    Quirk::new(DEPLOY, 400..=400, Contains("already"), Recorded(&["deploy3_step2_name_taken_400"]))
        .means(Conflict)
        .hint(UNIQUE),
    Quirk::new(DEPLOY, 409..=409, Any, Described("what 400 means here, by its own status")).hint(UNIQUE),
    // What cannot be while something else is.
    Quirk::new(
        ADD_MEMBERS,
        400..=400,
        Contains("cannot be added to admin"),
        Recorded(&["project_add_users_client_to_admin_project_400"]),
    )
    .hint("a project that is to have clients is created with project_type(ProjectType::ClientApp)"),
    Quirk::new(ADD_MEMBERS, 400..=400, Contains("already"), Recorded(&["project_add_users_again"])).means(Conflict),
    Quirk::new(
        &["projects.delete"],
        400..=400,
        Contains("Credentials need to be removed"),
        Recorded(&["project_delete_with_credentials_flag_false"]),
    )
    .means(Conflict)
    .hint("delete the project's API keys first, or say remove_credentials()"),
    Quirk::new(&["projects.delete"], 400..=400, Contains("active endpoint"), Recorded(&["project_delete_with_endpoint_400"]))
        .means(Conflict)
        .hint("undeploy the endpoints first"),
    Quirk::new(REMOVE_MEMBERS, 400..=400, Contains(CREDENTIALS), Described(LIKE_PROJECTS))
        .means(Conflict)
        .hint("delete the API keys first, or use projects.remove_members with remove_credentials"),
    Quirk::new(&["users.deactivate"], 400..=400, Contains(CREDENTIALS), Described(LIKE_PROJECTS))
        .means(Conflict)
        .hint("delete their API keys first, or say remove_credentials()"),
    Quirk::new(&["workflows.cancel"], 400..=400, Contains("not in progress"), Described("the platform's workflow service"))
        .means(Conflict),
    // What there is not.
    Quirk::new(&["workflows.get"], 400..=400, Contains("Workflow not found"), Recorded(&["workflow_get_unknown_400"]))
        .means(NotFound),
    Quirk::new(DEPLOY, 400..=400, Contains("Workflow not found"), Described("as for workflows.get")).means(NotFound),
    Quirk::new(DEPLOY, 404..=404, Contains("Cluster"), Recorded(&["deploy_step5_wrong_cluster_id_uses_cluster_pk"]))
        .hint("it takes the cluster_id of the cluster, not its id"),
    Quirk::new(&["clusters.get"], 400..=400, Contains("Cluster not found"), Recorded(&["cluster_get_unknown_400"]))
        .means(NotFound),
];

/// An endpoint that is being taken down is as asked.
pub(super) const GOING_DOWN: Quirk = Quirk::new(
    &["endpoints.undeploy"],
    400..=400,
    Contains("already deleting"),
    Described("the platform's route: a deployment that is being deleted"),
);

const CREDENTIALS: &str = "Credentials need to be removed";
const UNIQUE: &str = "names of endpoints are unique on the whole platform";
const LIKE_PROJECTS: &str = "the platform's user and project services, in the words of projects.delete";

const WRONG_PASSWORD: &str = "check the email and password; after two wrong passwords in quick succession the server locks \
    the account for 60 s and refuses the right password with the same words";
const DEACTIVATED: &str = "the account is deactivated: an administrator can reactivate it (users.reactivate)";
const NOT_SET_UP: &str =
    "the account is disabled or not set up in Keycloak: an administrator must complete or enable it there";
const LOGIN_FAILS: &str =
    "the identity service (Keycloak or its database) is likely unavailable: try again when it is up";
