//! Permissions.

use axum::extract::Path;
use axum::response::IntoResponse;
use http::StatusCode;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::call::{Answer, Call, Deed};
use super::error::ApiError;
use super::fields::Fields;
use super::shape::{Page, list_shape, one as answer_one, time};
use crate::state::{Level, Permission};
use crate::{ids, lock};

const KINDS: &[&str] = &["project", "endpoint", "cluster"];

fn body(permission: &Permission) -> Value {
    json!({
        "id": permission.id, "user_id": permission.user_id, "resource_type": permission.resource_type,
        "resource_id": permission.resource_id, "permission_level": permission.level.as_str(),
        "created_at": time(permission.created_at),
    })
}

fn deed(action: &'static str, permission: &Permission) -> Deed {
    Deed {
        action,
        kind: "permission",
        id: Some(permission.id.clone()),
        details: body(permission),
        ..Deed::default()
    }
}

pub(crate) async fn grant(call: Call) -> Answer {
    call.must_manage()?;
    let mut fields = Fields::body(&call.open.body)?;
    let user_id = fields.text("user_id", true, 128);
    let kind = fields.choice("resource_type", true, KINDS);
    let resource_id = fields.text("resource_id", true, 128);
    let level = fields.choice("permission_level", true, Level::NAMES);
    let level = level.and_then(|name| Level::parse(&name));
    let given = user_id.zip(kind).zip(resource_id).zip(level);
    let (((user_id, kind), resource_id), level) = fields.finish_with(given)?;
    let mut store = lock(&call.open.core.store);
    if store.user(&user_id).is_none() {
        return Err(ApiError::not_found("User"));
    }
    let known = match kind.as_str() {
        "project" => store.project(&resource_id).is_some(),
        "endpoint" => store.endpoint(&resource_id).is_some(),
        _ => store.cluster(&resource_id).is_some(),
    };
    if !known {
        return Err(ApiError::not_found("Resource"));
    }
    call.must_edit(&store, &kind, &resource_id)?;
    let held = store
        .permissions
        .iter_mut()
        .find(|p| p.user_id == user_id && p.resource_type == kind && p.resource_id == resource_id);
    // One permission per user and resource: granting again changes its level.
    let (status, permission) = match held {
        Some(held) => {
            held.level = level;
            (StatusCode::OK, held.clone())
        }
        None => {
            let permission = Permission {
                id: ids::uuid(),
                user_id,
                resource_type: kind,
                resource_id,
                level,
                created_at: Timestamp::now(),
            };
            store.permissions.push(permission.clone());
            (StatusCode::CREATED, permission)
        }
    };
    call.record(&mut store, deed("grant", &permission));
    Ok(answer_one(&call.open.core.options, status, "permission", body(&permission)))
}

pub(crate) async fn list(call: Call) -> Answer {
    let mut query = Fields::query(&call.open.query)?;
    let user_id = query.text("user_id", false, 128);
    let kind = query.choice("resource_type", false, KINDS);
    let resource_id = query.text("resource_id", false, 128);
    let page = Page::read(query)?;
    let store = lock(&call.open.core.store);
    let rows = store
        .permissions
        .iter()
        .filter(|p| p.user_id == call.caller.id || call.may_edit(&store, &p.resource_type, &p.resource_id))
        .filter(|p| user_id.as_ref().is_none_or(|id| *id == p.user_id))
        .filter(|p| kind.as_ref().is_none_or(|kind| *kind == p.resource_type))
        .filter(|p| resource_id.as_ref().is_none_or(|id| *id == p.resource_id));
    Ok(page.of(list_shape(&call.open.core.options), "permissions", rows, body))
}

pub(crate) async fn revoke(Path(id): Path<String>, call: Call) -> Answer {
    call.must_manage()?;
    Fields::query(&call.open.query)?.finish()?;
    Fields::no_body(&call.open.body)?;
    let mut store = lock(&call.open.core.store);
    let permission = store.permissions.iter().find(|p| p.id == id).cloned();
    let permission = permission.ok_or_else(|| ApiError::not_found("Permission"))?;
    call.must_edit(&store, &permission.resource_type, &permission.resource_id)?;
    store.permissions.retain(|p| p.id != id);
    call.record(&mut store, deed("revoke", &permission));
    Ok(StatusCode::NO_CONTENT.into_response())
}
