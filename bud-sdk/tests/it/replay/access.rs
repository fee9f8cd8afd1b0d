//! Projects, members, rights, API keys and clusters.

use bud_sdk::credentials::{CredentialUpdate, Expiry};
use bud_sdk::permissions::{Grant, PermissionLevel, Scope, Scopes};
use bud_sdk::projects::{NewMember, NewProject, ProjectType, ProjectUpdate};
use serde_json::{Value, json};

use super::exchange::{Exchange, answer};
use super::plan::{ENVELOPE, Plan, done, list, plan, typed};

const SAID: &[(&str, &str)] = &[("object", ""), ("message", ""), ("param", "")];

fn text<'a>(exchange: &'a Exchange, name: &str) -> &'a str {
    exchange.sent[name].as_str().unwrap_or_default()
}

pub fn plan_of(exchange: &Exchange) -> Option<Plan> {
    let id = exchange.id().to_owned();
    Some(match (exchange.method.as_str(), exchange.template.as_str()) {
        ("POST", "/projects/") => new_project(exchange),
        ("POST", "/projects") => new_project(exchange).on_guide(),
        ("GET", "/projects/") => projects(exchange),
        ("GET", "/projects/{id}") => {
            let plan =
                plan("", |bud| async move { Ok(typed(&bud.projects().get(id).await?).map(beside_itself)) });
            plan.renamed(ENVELOPE)
        }
        ("PATCH", "/projects/{id}") => {
            let update = ProjectUpdate::new().description(text(exchange, "description"));
            let plan =
                plan("/project", |bud| async move { Ok(typed(&bud.projects().update(id, update).await?)) });
            // Tags are not changed here.
            if exchange.sent["tags"].is_array() { plan.answer_only() } else { plan }
        }
        ("PUT", "/projects/{id}") => {
            let update = ProjectUpdate::new().name(text(exchange, "name"));
            let plan =
                plan("/project", |bud| async move { Ok(typed(&bud.projects().update(id, update).await?)) });
            plan.on_guide()
        }
        ("DELETE", "/projects/{id}") => {
            let keep = exchange.query("remove_credential") == Some("false");
            plan("", move |bud| async move {
                let call = bud.projects().delete(id);
                let call = if keep { call } else { call.remove_credentials() };
                call.await.map(|()| done())
            })
            .renamed(SAID)
        }
        ("GET", "/projects/{id}/users") => list(exchange, "users", |bud| bud.projects().members(id)),
        ("POST", "/projects/{id}/add-users") => add_members(exchange, id),
        ("POST", "/projects/{id}/remove-users") => {
            let users: Vec<String> = serde_json::from_value(exchange.sent["user_ids"].clone()).unwrap();
            plan("", |bud| async move { bud.projects().remove_members(id, users).await.map(|()| done()) })
                .renamed(SAID)
        }
        ("GET", "/projects/{id}/endpoints") => {
            plan("", |bud| async move { bud.projects().endpoints(id).all().await.map(|_| done()) }).on_guide()
        }
        ("GET", "/projects/{id}/billing/quota") => {
            plan("", |bud| async move { bud.quotas().of_project(id).await.map(|_| done()) }).on_guide()
        }
        ("POST", "/permissions") => {
            let grant = Grant::project(
                text(exchange, "user_id"),
                text(exchange, "resource_id"),
                PermissionLevel::Edit,
            );
            plan("", |bud| async move { bud.permissions().grant(grant).await.map(|_| done()) }).on_guide()
        }
        ("PATCH", "/permissions/project") => set_member(exchange),
        ("PUT", "/permissions/{id}/global") => set_global(exchange, id),
        ("GET", "/permissions/{id}/projects") => user_projects(exchange, id),
        ("GET", "/users/{id}/permissions") => {
            // A user without rules has a list in the object's place, and empty lists here.
            let none = exchange.answer["result"] == json!([]);
            plan("/result", move |bud| async move {
                let shown = typed(&bud.permissions().of_user(id).await?);
                let empty = |list: &Value| list.as_array().is_some_and(Vec::is_empty);
                let all = shown.value.as_object().unwrap().values().all(empty);
                Ok(shown.map(|value| if none && all { json!([]) } else { value }))
            })
        }
        ("GET", "/clusters") => list(exchange, "clusters", |bud| bud.clusters().list()).on_guide(),
        ("GET", "/clusters/") => {
            list(exchange, "clusters", |bud| bud.clusters().list()).on_guide().answer_only()
        }
        ("GET", "/clusters/clusters") => list(exchange, "clusters", |bud| bud.clusters().list()).renamed(&[
            ("object", ""),
            ("message", ""),
            ("modified_at", "updated_at"),
            ("endpoint_count", "total_endpoints_count"),
        ]),
        ("GET", "/clusters/{id}") => {
            plan("/cluster", |bud| async move { Ok(typed(&bud.clusters().get(id).await?)) })
        }
        ("POST", "/clusters/{id}/refresh") => {
            plan("", |bud| async move { bud.clusters().refresh(id).await.map(|_| done()) }).on_guide()
        }
        ("POST", "/credentials/") => new_key(exchange),
        ("POST", "/credentials") => new_key(exchange).on_guide(),
        ("GET", "/credentials/") => keys(exchange),
        ("PUT", "/credentials/{id}") => update_key(exchange, id),
        // There are no such calls.
        ("PATCH" | "GET", "/credentials/{id}") => update_key(exchange, id).answer_only(),
        ("DELETE", "/credentials/{id}") => {
            plan("", |bud| async move { bud.credentials().delete(id).await.map(|()| done()) }).renamed(SAID)
        }
        _ => return None,
    })
}

fn new_project(exchange: &Exchange) -> Plan {
    let new = NewProject::new(text(exchange, "name")).description(text(exchange, "description"));
    let new = match exchange.sent["project_type"].as_str() {
        Some(kind) => new.project_type(ProjectType::from(kind)),
        None => new,
    };
    // A description is always sent; a name is checked here.
    let fine = !text(exchange, "name").is_empty() && exchange.sent["description"].is_string();
    let new = if text(exchange, "name").is_empty() { NewProject::new("New") } else { new };
    let plan = plan("/project", |bud| async move { Ok(typed(&bud.projects().create(new).await?)) });
    if fine { plan } else { plan.answer_only() }
}

fn projects(exchange: &Exchange) -> Plan {
    let plan = list(exchange, "projects", |bud| bud.projects().list());
    let run = plan.run;
    let run: super::plan::Run = Box::new(|bud| {
        Box::pin(async {
            Ok(run(bud).await?.map(|mut page| {
                for project in page["projects"].as_array_mut().unwrap() {
                    *project = beside_itself(project.take());
                }
                page
            }))
        })
    });
    // We order otherwise, so that no two have the same place.
    let sends = plan.sends && exchange.query("order_by").is_none();
    Plan { run, sends, ..plan }
}

/// The numbers beside a project are its own.
fn beside_itself(project: Value) -> Value {
    let mut beside = project.clone();
    beside["project"] = project;
    beside
}

fn add_members(exchange: &Exchange, id: String) -> Plan {
    let user = &exchange.sent["users"][0];
    let level = match user["scopes"].as_array().unwrap().len() {
        1 => PermissionLevel::View,
        _ => PermissionLevel::Edit,
    };
    let members = [NewMember::user(user["user_id"].as_str().unwrap(), level)];
    let plan = plan("", |bud| async move { bud.projects().add_members(id, members).await.map(|()| done()) });
    // A scope that there is not cannot be asked for.
    if user["scopes"][0] == "edit" { plan.renamed(SAID).answer_only() } else { plan.renamed(SAID) }
}

fn set_member(exchange: &Exchange) -> Plan {
    let sent = &exchange.sent[0];
    let id = |name: &str| sent[name].as_str().unwrap().to_owned();
    let level = match &sent["permissions"] {
        scopes if scopes[1]["has_permission"] == true => PermissionLevel::Edit,
        _ => PermissionLevel::View,
    };
    let grant = Grant::project(id("user_id"), id("project_id"), level);
    let members = json!({ "users": [{ "id": id("user_id") }] });
    let plan = plan("", |bud| async move { bud.permissions().grant(grant).await.map(|_| done()) });
    // What holds afterwards is read again.
    let held = json!({ "users": [{ "id": id("user_id"), "permissions": sent["permissions"] }] });
    let plan = plan.after([answer(200, &members)]).before([answer(200, &held)]).renamed(SAID);
    // We always say both scopes, and only those that there are.
    if sent["permissions"].as_array().unwrap().len() == 2 { plan } else { plan.answer_only() }
}

const REPEATED: &[(&str, &str)] = &[("object", ""), ("message", ""), ("permissions", "")];

fn set_global(exchange: &Exchange, id: String) -> Plan {
    let sent = exchange.sent.as_array().cloned();
    let fine = sent.is_some();
    let scopes = sent
        .into_iter()
        .flatten()
        .fold(Scopes::new(), |scopes, scope| scopes.allow(Scope::from(scope["name"].as_str().unwrap())));
    let scopes = if fine { scopes } else { Scopes::new().allow(Scope::ProjectView) };
    let held = json!({ "result": { "global_scopes": exchange.sent } });
    let plan = plan("", |bud| async move { bud.permissions().set_global(id, scopes).await.map(|_| done()) });
    // The answer repeats what was asked for: what holds is read, and known by another recording.
    let plan = plan.before([answer(200, &held)]).renamed(REPEATED);
    if fine { plan } else { plan.answer_only() }
}

/// The scopes become a level; a project's name and status belong to projects.list.
fn user_projects(exchange: &Exchange, id: String) -> Plan {
    let renamed = &[
        ("object", ""),
        ("message", ""),
        ("id", "resource_id"),
        ("name", ""),
        ("status", ""),
        ("permissions", ""),
    ];
    list(exchange, "projects", |bud| bud.permissions().list().user(id)).renamed(renamed)
}

fn new_key(exchange: &Exchange) -> Plan {
    let sent = &exchange.sent;
    let (name, project) = (text(exchange, "name").to_owned(), text(exchange, "project_id").to_owned());
    let expiry = sent["expiry"].as_u64();
    let budget = sent["max_budget"].as_f64();
    let addresses = sent["ip_whitelist"].as_array().cloned();
    // What is no name and no expiry is refused here.
    let fine = !name.contains('\0') && expiry != Some(7) && project.len() == 36;
    let (name, project) = if fine { (name, project) } else { ("k".to_owned(), "p-1".to_owned()) };
    let plan = plan("/result", move |bud| async move {
        let mut call = bud.credentials().create(name, project);
        if expiry == Some(30) {
            call = call.expiry(Expiry::Days30);
        }
        if let Some(budget) = budget {
            call = call.max_budget(budget);
        }
        if let Some(addresses) = addresses {
            call = call.ip_whitelist(addresses.iter().map(|address| address.as_str().unwrap()));
        }
        let made = call.await?;
        Ok(typed(&made.credential).map(|mut credential| {
            if let bud_sdk::credentials::ApiKeyValue::Encrypted(key) = &made.key {
                credential["key"] = key.ciphertext().into();
            }
            credential
        }))
    });
    let plan = plan.renamed(KEYS);
    if fine { plan } else { plan.answer_only() }
}

const KEYS: &[(&str, &str)] = &[("object", ""), ("message", ""), ("expiry", "expires_at")];

fn keys(exchange: &Exchange) -> Plan {
    let id = exchange.query("project_id").map(str::to_owned);
    list(exchange, "credentials", move |bud| {
        let keys = bud.credentials().list();
        match id {
            Some(id) => keys.project(id),
            None => keys,
        }
    })
    .renamed(&[("object", ""), ("message", ""), ("expiry", "expires_at"), ("key", "")])
}

fn update_key(exchange: &Exchange, id: String) -> Plan {
    let name = exchange.sent["name"].as_str().unwrap_or("N").to_owned();
    let update = CredentialUpdate::new().name(name);
    // It is looked up first.
    let listed = answer(200, &json!({ "page": 1, "credentials": [{ "id": id }] }));
    plan("/result", |bud| async move { Ok(typed(&bud.credentials().update(id, update).await?)) })
        .after([listed])
        .renamed(&[("expiry", "expires_at"), ("key", "")])
}
