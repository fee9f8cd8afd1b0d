//! Projects and their members.

use http::StatusCode;
use serde_json::{Value, json};

use super::call::{Answer, Call, Id, done, ok, said};
use super::input::Paging;
use super::problem::{Problem, bad, failed, field, missing};
use super::users;
use super::world::{Member, ProjectInfo, Status, World, owning, time};
use crate::lock;
use crate::state::audit::AuditRow;
use crate::state::{Credential, Project, Store};

const ENDPOINT_SCOPES: [&str; 2] = ["endpoint:view", "endpoint:manage"];

/// As reading and changing give it.
fn short(project: &Project, info: &ProjectInfo) -> Value {
    json!({
        "name": project.name, "description": project.description, "tags": info.tags, "icon": info.icon,
        "project_type": info.project_type, "id": project.id,
    })
}

/// As creating and listing give it.
fn long(project: &Project, info: &ProjectInfo) -> Value {
    let mut body = short(project, info);
    body["created_by"] = info.owner.as_str().into();
    body["created_at"] = time(project.created_at).into();
    body["modified_at"] = time(project.updated_at).into();
    body
}

pub(super) fn named(store: &Store, world: &mut World, id: &str) -> Option<Value> {
    let project = store.project(id)?;
    let info = world.project(id);
    (!info.deleted).then(|| short(project, info))
}

fn record(call: &Call, store: &mut Store, action: &'static str, project: &Project) {
    let row = AuditRow {
        action,
        resource_type: "project",
        resource_id: Some(project.id.clone()),
        resource_name: Some(project.name.clone()),
        details: json!({ "operation": action, "success": true }),
        ..AuditRow::default()
    };
    call.open.record(store, Some(&call.user), row);
}

pub(super) async fn create(call: Call) -> Answer {
    call.must("project:manage")?;
    let mut input = call.open.input()?;
    let name = input.needed_text("name", 1, 100);
    let description = input.text("description", 0, usize::MAX);
    let given_type = input.choice("project_type", &["client_app", "admin_app"]);
    let tags = input.get("tags").cloned().unwrap_or_default();
    let icon = input.get("icon").cloned().unwrap_or_default();
    input.finish()?;
    // Not null in the database, though the schema lets it be left out.
    let description = description.ok_or_else(|| failed("Failed to create project"))?;
    let mut store = lock(&call.open.core.store);
    let mut world = lock(&call.open.core.world);
    let same = |project: &&Project| project.name.eq_ignore_ascii_case(&name);
    let taken: Vec<String> = store.projects.iter().filter(same).map(|project| project.id.clone()).collect();
    if taken.iter().any(|id| !world.project(id).deleted) {
        return Err(bad("Project already exist with same name"));
    }
    let project = Project::new(&name, &description);
    let info = world.project(&project.id);
    info.project_type = given_type.unwrap_or_else(|| format!("{}_app", call.profile.user_type));
    (info.tags, info.icon) = (tags, icon);
    (info.owner, info.members) = (call.user.id.clone(), vec![owning(&call.user.id)]);
    let body = long(&project, info);
    record(&call, &mut store, "create", &project);
    store.projects.push(project);
    said("project.create", "Project created successfully", "project", body)
}

pub(super) async fn list(call: Call) -> Answer {
    let mut input = call.open.params();
    let paging = Paging::read(&mut input, 0, u64::MAX);
    let kind = input.choice("project_type", &["client_app", "admin_app"]);
    input.finish()?;
    // Without a type, administrators see those of their own type alone.
    let kind = kind.unwrap_or_else(|| format!("{}_app", call.profile.user_type));
    let store = lock(&call.open.core.store);
    let mut world = lock(&call.open.core.world);
    let mut items = Vec::new();
    for project in &store.projects {
        let endpoints = store.endpoints.iter().filter(|endpoint| endpoint.project_id == project.id).count();
        let keys = store.credentials.iter().filter(|key| key.project_id == project.id).count();
        let info = world.project(&project.id).clone();
        let member = info.members.iter().any(|member| member.user_id == call.user.id);
        let shown = member || call.is_super() && kind == "admin_app";
        if info.deleted || info.project_type != kind || !shown {
            continue;
        }
        let colors: Vec<Value> = info
            .members
            .iter()
            .filter_map(|member| store.user(&member.user_id))
            .map(|user| users::body(user, &world.profile(user))["color"].clone())
            .collect();
        items.push(json!({
            "project": long(project, &info), "users_count": info.members.len(), "endpoints_count": endpoints,
            "credentials_count": keys, "profile_colors": colors,
        }));
    }
    ok(paging.answer("project.list", "Projects listed successfully", "projects", items))
}

/// The project, if it is there and the caller may see it.
fn find<'a>(call: &Call, store: &'a Store, world: &mut World, id: &str) -> Result<&'a Project, Problem> {
    let project = store.project(id).ok_or_else(|| missing("Project"))?;
    let info = world.project(id);
    if info.deleted {
        return Err(missing("Project"));
    }
    let member = info.members.iter().any(|member| member.user_id == call.user.id);
    if !call.is_super() && !member {
        let text = "Access denied: Client users can only access client application projects";
        return Err(Problem::Envelope(StatusCode::FORBIDDEN, text.to_owned()));
    }
    Ok(project)
}

pub(super) async fn one(Id(id): Id, call: Call) -> Answer {
    let store = lock(&call.open.core.store);
    let mut world = lock(&call.open.core.world);
    let project = find(&call, &store, &mut world, &id)?;
    let endpoints = store.endpoints.iter().filter(|endpoint| endpoint.project_id == id).count();
    // Only clients are told of their keys.
    let own = |key: &&Credential| {
        key.project_id == id && world.keys.get(&key.id).is_some_and(|key| key.owner == call.user.id)
    };
    let keys: Vec<Value> = store
        .credentials
        .iter()
        .filter(own)
        .map(|key| json!({ "id": key.id, "name": key.name, "last_used_at": null }))
        .collect();
    let keys = (call.profile.user_type == "client").then_some(keys);
    ok(json!({
        "object": "project.retrieve", "message": "Project retrieved successfully",
        "project": short(project, world.project(&id)), "endpoints_count": endpoints,
        "credentials_count": keys.as_ref().map(Vec::len), "credentials": keys,
    }))
}

pub(super) async fn change(Id(id): Id, call: Call) -> Answer {
    call.must("project:manage")?;
    let mut input = call.open.input()?;
    let name = input.text("name", 1, 100);
    let description = input.text("description", 0, 400);
    let tags = input.get("tags").cloned();
    input.finish()?;
    let mut store = lock(&call.open.core.store);
    let mut world = lock(&call.open.core.world);
    let mut project = find(&call, &store, &mut world, &id)?.clone();
    project.name = name.unwrap_or(project.name);
    project.description = description.unwrap_or(project.description);
    project.updated_at = jiff::Timestamp::now();
    let info = world.project(&id);
    if let Some(Value::Array(mut tags)) = tags {
        for tag in &mut tags {
            tag["color"] = tag["color"].as_str().unwrap_or_default().to_ascii_uppercase().into();
        }
        info.tags = tags.into();
    }
    let body = short(&project, info);
    record(&call, &mut store, "update", &project);
    if let Some(kept) = store.projects.iter_mut().find(|kept| kept.id == id) {
        *kept = project;
    }
    said("project.edit", "Project details updated successfully", "project", body)
}

pub(super) async fn delete(Id(id): Id, call: Call) -> Answer {
    call.must("project:manage")?;
    let remove = call.open.params().flag("remove_credential", true);
    let mut store = lock(&call.open.core.store);
    let mut world = lock(&call.open.core.world);
    let project = find(&call, &store, &mut world, &id)?.clone();
    if store.endpoints.iter().any(|endpoint| endpoint.project_id == id) {
        return Err(bad("Cannot delete the project because it has an active endpoint."));
    }
    let keys: Vec<String> =
        store.credentials.iter().filter(|key| key.project_id == id).map(|key| key.id.clone()).collect();
    if !keys.is_empty() && !remove {
        return Err(bad("Credentials need to be removed"));
    }
    world.keys.retain(|key, _| !keys.contains(key));
    store.credentials.retain(|key| key.project_id != id);
    world.project(&id).deleted = true;
    record(&call, &mut store, "delete", &project);
    done("project.delete", "Project deleted successfully")
}

pub(super) async fn members(Id(id): Id, call: Call) -> Answer {
    let mut input = call.open.params();
    let paging = Paging::read(&mut input, 0, u64::MAX);
    input.finish()?;
    let store = lock(&call.open.core.store);
    let mut world = lock(&call.open.core.world);
    find(&call, &store, &mut world, &id)?;
    let info = world.project(&id).clone();
    let mut items = Vec::new();
    for member in &info.members {
        let Some(user) = store.user(&member.user_id) else { continue };
        let mut body = users::body(user, &world.profile(user));
        let order = ["endpoint:view", "endpoint:manage", "project:manage", "project:view"];
        let permissions = order.map(|scope| {
            let has = member.scopes.contains(scope) || scope.starts_with("project:");
            json!({ "name": scope, "has_permission": has })
        });
        body["permissions"] = permissions.as_slice().into();
        body["project_role"] = if member.user_id == info.owner { "owner" } else { "participant" }.into();
        items.push(body);
    }
    ok(paging.answer("project.list_users", "Users listed successfully", "users", items))
}

pub(super) async fn add_members(Id(id): Id, call: Call) -> Answer {
    call.must("project:manage")?;
    let mut input = call.open.input()?;
    input.need("users");
    let users = input.get("users").and_then(Value::as_array).cloned().unwrap_or_default();
    input.finish()?;
    let scopes = |user: &Value| -> Vec<String> {
        let scopes = user["scopes"].as_array().map(Vec::as_slice).unwrap_or_default();
        scopes.iter().filter_map(|scope| Some(scope.as_str()?.to_owned())).collect()
    };
    for (at, user) in users.iter().enumerate() {
        let refuse = |message: &str, input: &Value| {
            let at = at.to_string();
            Problem::Fields(vec![field("value_error", &["body", "users", &at, "scopes"], message, input)])
        };
        if scopes(user).iter().any(|scope| !ENDPOINT_SCOPES.contains(&scope.as_str())) {
            let message =
                "Value error, Found invalid scopes. Valid scopes are: {'endpoint:view', 'endpoint:manage'}";
            return Err(refuse(message, &user["scopes"]));
        }
        if user["user_id"].is_string() == user["email"].is_string() {
            return Err(refuse("Value error, Either user_id or email is required", user));
        }
    }
    let store = lock(&call.open.core.store);
    let mut world = lock(&call.open.core.world);
    find(&call, &store, &mut world, &id)?;
    let mut new = Vec::new();
    for user in &users {
        let found = match (user["user_id"].as_str(), user["email"].as_str()) {
            (Some(id), _) => Some(store.user(id).ok_or_else(|| bad("Found non active users in request"))?),
            (None, email) => store.user_by_email(email.unwrap_or_default()),
        };
        // An address that nobody has is invited.
        let Some(found) = found else { continue };
        let client = world.profile(found).user_type == "client";
        let info = world.project(&id);
        if client && info.project_type == "admin_app" {
            return Err(bad(&format!("Client user '{}' cannot be added to admin project", found.email)));
        }
        if info.members.iter().any(|member| member.user_id == found.id) {
            return Err(bad("User already in project"));
        }
        new.push(Member { user_id: found.id.clone(), scopes: scopes(user).into_iter().collect() });
    }
    world.project(&id).members.extend(new);
    done("project.add_users", "Invite sent successfully")
}

pub(super) async fn remove_members(Id(id): Id, call: Call) -> Answer {
    call.must("project:manage")?;
    let remove = call.open.params().flag("remove_credential", true);
    let mut input = call.open.input()?;
    input.need("user_ids");
    let gone = input.get("user_ids").and_then(Value::as_array).cloned().unwrap_or_default();
    input.finish()?;
    let mut store = lock(&call.open.core.store);
    let mut world = lock(&call.open.core.world);
    find(&call, &store, &mut world, &id)?;
    let goes = |user: &str| gone.iter().any(|id| id == user);
    let members = &world.project(&id).members;
    if !members.iter().any(|member| goes(&member.user_id)) {
        return Err(bad("User not in project"));
    }
    if members.len() == gone.len() {
        return Err(bad("Cannot remove all users from project"));
    }
    let of_project: Vec<String> =
        store.credentials.iter().filter(|key| key.project_id == id).map(|key| key.id.clone()).collect();
    if !remove && world.keys.iter().any(|(key, kept)| of_project.contains(key) && goes(&kept.owner)) {
        return Err(bad("Credentials need to be removed"));
    }
    world.keys.retain(|key, kept| !(of_project.contains(key) && goes(&kept.owner)));
    store.credentials.retain(|key| world.keys.contains_key(&key.id));
    world.project(&id).members.retain(|member| !goes(&member.user_id));
    done("project.remove_users", "Users removed from project successfully")
}

fn states(has: impl Fn(&str) -> bool, scopes: &[&str]) -> Value {
    scopes.iter().map(|scope| json!({ "name": scope, "has_permission": has(scope) })).collect()
}

pub(super) async fn set_member(call: Call) -> Answer {
    call.must("project:manage")?;
    let changes = super::input::Input::list(&call.open.body)?;
    let mut world = lock(&call.open.core.world);
    for change in &changes {
        let permissions = change["permissions"].as_array().cloned().unwrap_or_default();
        for scope in &permissions {
            let name = scope["name"].as_str().unwrap_or_default();
            if !ENDPOINT_SCOPES.contains(&name) {
                return Err(bad(&format!("Invalid scope: {name}")));
            }
        }
        let info = world.project(change["project_id"].as_str().unwrap_or_default());
        // Of somebody who is no member it changes nothing, and succeeds.
        let member = info.members.iter_mut().find(|member| change["user_id"] == member.user_id);
        let Some(member) = member else { continue };
        for scope in permissions {
            let name = scope["name"].as_str().unwrap_or_default().to_owned();
            if scope["has_permission"] == true {
                member.scopes.insert(name);
            } else {
                member.scopes.remove(&name);
            }
        }
    }
    ok(json!({ "object": "info", "message": "Project permissions updated successfully", "param": null }))
}

pub(super) async fn set_global(Id(id): Id, call: Call) -> Answer {
    call.must("user:manage")?;
    let changes = super::input::Input::list(&call.open.body)?;
    let store = lock(&call.open.core.store);
    let mut world = lock(&call.open.core.world);
    let user = store.user(&id).ok_or_else(|| missing("User"))?;
    let profile = world.profile_mut(user);
    if profile.status != Status::Active || profile.role == "super_admin" {
        return Err(missing("User"));
    }
    let mut answer = changes.clone();
    for change in &changes {
        let name = change["name"].as_str().unwrap_or_default();
        if !super::world::GLOBAL_SCOPES.contains(&name) && name != "model:benchmark" {
            return Err(bad(&format!("Invalid permission: {name}.")));
        }
    }
    for change in &changes {
        let name = change["name"].as_str().unwrap_or_default();
        if change["has_permission"] != true {
            profile.scopes.remove(name);
            continue;
        }
        profile.scopes.insert(name.to_owned());
        // Who may change it may see it.
        if let Some(module) = name.strip_suffix(":manage") {
            let view = format!("{module}:view");
            profile.scopes.insert(view.clone());
            answer.push(json!({ "name": view, "has_permission": true }));
        }
    }
    said("permissions.global", "Global permissions updated successfully", "permissions", answer.into())
}

pub(super) async fn of_user(Id(id): Id, call: Call) -> Answer {
    call.must("user:view")?;
    let store = lock(&call.open.core.store);
    let mut world = lock(&call.open.core.world);
    let user = store.user(&id).ok_or_else(|| failed("Failed to get user roles"))?;
    let profile = world.profile(user);
    let mut projects = Vec::new();
    for project in &store.projects {
        let info = world.project(&project.id);
        if info.members.iter().any(|member| member.user_id == id) {
            projects.push(json!({
                "id": project.id, "rs_id": project.id, "name": format!("Project {}", project.id),
                "permissions": states(|scope| info.may(&id, scope), &ENDPOINT_SCOPES),
            }));
        }
    }
    // Who has no rule of his own has a list in the object's place.
    let result = if profile.scopes.is_empty() && projects.is_empty() {
        json!([])
    } else {
        json!({
            "global_scopes": states(|scope| profile.scopes.contains(scope), &super::world::GLOBAL_SCOPES),
            "project_scopes": projects, "user_scopes": [], "model_scopes": [], "cluster_scopes": [],
            "endpoint_scopes": [], "benchmark_scopes": [],
        })
    };
    said("user.permissions", "Successfully get user permissions", "result", result)
}

pub(super) async fn user_projects(Id(id): Id, call: Call) -> Answer {
    call.must("user:view")?;
    let mut input = call.open.params();
    let paging = Paging::read(&mut input, 0, u64::MAX);
    input.finish()?;
    let store = lock(&call.open.core.store);
    let mut world = lock(&call.open.core.world);
    let mut items = Vec::new();
    for project in &store.projects {
        let info = world.project(&project.id);
        if info.deleted {
            continue;
        }
        // All projects are there, whether he is a member or not.
        let member = info.members.iter().any(|member| member.user_id == id);
        let permissions = match member {
            true => states(|scope| info.may(&id, scope), &ENDPOINT_SCOPES),
            false => json!([]),
        };
        items.push(json!({
            "id": project.id, "name": project.name, "status": "active", "permissions": permissions,
        }));
    }
    ok(paging.answer(
        "permission.user.projects",
        "User project permissions listed successfully",
        "projects",
        items,
    ))
}
