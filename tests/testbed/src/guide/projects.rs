//! Projects and their quotas.

use axum::extract::Path;
use axum::response::IntoResponse;
use http::StatusCode;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use serde_json::{Value, json};

use super::call::{Answer, Call, Deed};
use super::error::ApiError;
use super::fields::Fields;
use super::shape::{Page, list_shape, one as answer_one, time, updated};
use crate::state::{EndpointStatus, Level, Permission, Project, Role};
use crate::{ids, lock};

fn body(project: &Project) -> Value {
    json!({
        "id": project.id, "name": project.name, "description": project.description, "status": "ACTIVE", "tags": [],
        "created_at": time(project.created_at), "updated_at": time(project.updated_at),
    })
}

fn deed(action: &'static str, project: &Project) -> Deed {
    Deed {
        action,
        kind: "project",
        id: Some(project.id.clone()),
        name: Some(project.name.clone()),
        details: json!({"operation": action}),
        ..Deed::default()
    }
}

fn missing() -> ApiError {
    ApiError::not_found("Project")
}

pub(crate) async fn create(call: Call) -> Answer {
    call.must_manage()?;
    let mut fields = Fields::body(&call.open.body)?;
    let name = fields.text("name", true, 100);
    let description = fields.free_text("description", 2000);
    let name = fields.finish_with(name)?;
    let mut store = lock(&call.open.core.store);
    let project = Project::new(&name, &description.unwrap_or_default());
    if call.caller.role == Role::ProjectAdmin {
        // Who makes a project administers it.
        store.permissions.push(Permission {
            id: ids::uuid(),
            user_id: call.caller.id.clone(),
            resource_type: "project".to_owned(),
            resource_id: project.id.clone(),
            level: Level::Admin,
            created_at: Timestamp::now(),
        });
    }
    let answer = body(&project);
    let deed = Deed { after: Some(answer.clone()), ..deed("create", &project) };
    call.record(&mut store, deed);
    store.projects.push(project);
    Ok(answer_one(&call.open.core.options, StatusCode::CREATED, "project", answer))
}

pub(crate) async fn list(call: Call) -> Answer {
    let mut query = Fields::query(&call.open.query)?;
    let search = query.free_text("search", 200).map(|text| text.to_lowercase());
    let page = Page::read(query)?;
    let store = lock(&call.open.core.store);
    let rows = store
        .projects
        .iter()
        .filter(|project| call.may_read(&store, "project", &project.id))
        .filter(|project| search.as_ref().is_none_or(|s| project.name.to_lowercase().contains(s)));
    Ok(page.of(list_shape(&call.open.core.options), "projects", rows, body))
}

pub(crate) async fn one(Path(id): Path<String>, call: Call) -> Answer {
    Fields::query(&call.open.query)?.finish()?;
    let store = lock(&call.open.core.store);
    let project = store.project(&id).ok_or_else(missing)?;
    call.must_read(&store, "project", &id)?;
    Ok(answer_one(&call.open.core.options, StatusCode::OK, "project", body(project)))
}

pub(crate) async fn update(Path(id): Path<String>, call: Call) -> Answer {
    let mut fields = Fields::body(&call.open.body)?;
    let name = fields.text("name", false, 100);
    let description = fields.free_text("description", 2000);
    if fields.is_empty() {
        fields.refuse("name", "At least one field is required", "");
    }
    let mut store = lock(&call.open.core.store);
    store.project(&id).ok_or_else(missing)?;
    call.must_edit(&store, "project", &id)?;
    fields.finish()?;
    let project = store.projects.iter_mut().find(|p| p.id == id).ok_or_else(missing)?;
    let before = body(project);
    project.name = name.unwrap_or_else(|| project.name.clone());
    project.description = description.unwrap_or_else(|| project.description.clone());
    project.updated_at = Timestamp::now();
    let project = project.clone();
    let deed = Deed { before: Some(before), after: Some(body(&project)), ..deed("update", &project) };
    call.record(&mut store, deed);
    Ok(updated(&call.open.core.options, "project", body(&project)))
}

pub(crate) async fn delete(Path(id): Path<String>, call: Call) -> Answer {
    Fields::query(&call.open.query)?.finish()?;
    Fields::no_body(&call.open.body)?;
    let mut store = lock(&call.open.core.store);
    let project = store.project(&id).cloned().ok_or_else(missing)?;
    call.must_edit(&store, "project", &id)?;
    let pace = store.pace;
    for endpoint in &mut store.endpoints {
        endpoint.advance(pace, false);
    }
    let live = store
        .endpoints
        .iter()
        .find(|endpoint| endpoint.project_id == id && endpoint.status != EndpointStatus::Stopped);
    if let Some(live) = live {
        let text = format!("Project has active endpoints: {} is {}", live.name, live.status.as_str());
        return Err(ApiError::conflict(text, Some("endpoints")));
    }
    store.remove_project(&id);
    let deed = Deed { before: Some(body(&project)), ..deed("delete", &project) };
    call.record(&mut store, deed);
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// Hundredths as decimal text.
fn money(cents: u64) -> String {
    format!("{}.{:02}", cents / 100, cents % 100)
}

pub(crate) async fn quota(Path(id): Path<String>, call: Call) -> Answer {
    Fields::query(&call.open.query)?.finish()?;
    let store = lock(&call.open.core.store);
    let project = store.project(&id).ok_or_else(missing)?;
    call.must_read(&store, "project", &id)?;
    let today = Timestamp::now().to_zoned(TimeZone::UTC);
    let start = today.first_of_month().and_then(|day| day.start_of_day());
    let end = start.as_ref().ok().and_then(|start| start.checked_add(1.month()).ok());
    let quota = &project.quota;
    let body = json!({
        "project_id": id,
        "period_start": start.ok().map(|start| time(start.timestamp())),
        "period_end": end.map(|end| time(end.timestamp())),
        "tokens_used": quota.tokens_used, "tokens_quota": quota.tokens_quota,
        "requests_used": quota.requests_used, "requests_quota": quota.requests_quota,
        "cost_used": money(quota.cost_used), "cost_quota": money(quota.cost_quota),
        "suspended": quota.suspended(),
    });
    Ok(answer_one(&call.open.core.options, StatusCode::OK, "quota", body))
}
