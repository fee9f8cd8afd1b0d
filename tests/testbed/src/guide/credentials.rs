//! API keys. The value is shown once and not kept.

use axum::extract::Path;
use axum::response::IntoResponse;
use http::StatusCode;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::call::{Answer, Call, Deed};
use super::error::ApiError;
use super::fields::Fields;
use super::shape::{Page, list_shape, one as answer_one, time};
use crate::state::Credential;
use crate::{ids, lock};

fn body(credential: &Credential) -> Value {
    json!({
        "id": credential.id, "name": credential.name, "project_id": credential.project_id,
        "created_at": time(credential.created_at), "last_used_at": null, "expires_at": null,
    })
}

fn deed(action: &'static str, credential: &Credential) -> Deed {
    Deed {
        action,
        kind: "api_key",
        id: Some(credential.id.clone()),
        name: Some(credential.name.clone()),
        details: json!({"operation": action, "project_id": credential.project_id}),
        ..Deed::default()
    }
}

pub(crate) async fn create(call: Call) -> Answer {
    call.must_manage()?;
    let mut fields = Fields::body(&call.open.body)?;
    let name = fields.text("name", true, 100);
    let project_id = fields.text("project_id", true, 128);
    let (name, project_id) = fields.finish_with(name.zip(project_id))?;
    let mut store = lock(&call.open.core.store);
    store.project(&project_id).ok_or_else(|| ApiError::not_found("Project"))?;
    call.must_edit(&store, "project", &project_id)?;
    let credential = Credential { id: ids::uuid(), name, project_id, created_at: Timestamp::now() };
    call.record(&mut store, deed("create", &credential));
    let mut answer = body(&credential);
    answer["key"] = json!(ids::secret("bud_sk_"));
    store.credentials.push(credential);
    Ok(answer_one(&call.open.core.options, StatusCode::CREATED, "credential", answer))
}

pub(crate) async fn list(call: Call) -> Answer {
    call.must_manage()?;
    let mut query = Fields::query(&call.open.query)?;
    let project_id = query.text("project_id", false, 128);
    let page = Page::read(query)?;
    let store = lock(&call.open.core.store);
    let rows = store
        .credentials
        .iter()
        .filter(|credential| project_id.as_ref().is_none_or(|id| *id == credential.project_id))
        .filter(|credential| call.may_edit(&store, "project", &credential.project_id));
    Ok(page.of(list_shape(&call.open.core.options), "credentials", rows, body))
}

pub(crate) async fn delete(Path(id): Path<String>, call: Call) -> Answer {
    call.must_manage()?;
    Fields::query(&call.open.query)?.finish()?;
    Fields::no_body(&call.open.body)?;
    let mut store = lock(&call.open.core.store);
    let credential = store.credentials.iter().find(|c| c.id == id).cloned();
    let credential = credential.ok_or_else(|| ApiError::not_found("Credential"))?;
    call.must_edit(&store, "project", &credential.project_id)?;
    store.credentials.retain(|credential| credential.id != id);
    call.record(&mut store, deed("delete", &credential));
    Ok(StatusCode::NO_CONTENT.into_response())
}
