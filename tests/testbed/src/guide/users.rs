//! Users.

use axum::extract::Path;
use http::StatusCode;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::call::{Answer, Call, Deed};
use super::error::ApiError;
use super::fields::Fields;
use super::shape::{Page, list_shape, one as answer_one, time, updated};
use crate::lock;
use crate::state::{Role, User};

const STATUSES: &[&str] = &["ACTIVE", "INACTIVE"];

fn status(user: &User) -> &'static str {
    if user.active { "ACTIVE" } else { "INACTIVE" }
}

fn body(user: &User) -> Value {
    json!({
        "id": user.id, "email": user.email, "first_name": user.first_name, "last_name": user.last_name,
        "name": user.name(), "role": user.role.as_str(), "status": status(user),
        "created_at": time(user.created_at), "updated_at": time(user.updated_at),
    })
}

fn deed(action: &'static str, user: &User) -> Deed {
    Deed {
        action,
        kind: "user",
        id: Some(user.id.clone()),
        name: Some(user.email.clone()),
        details: json!({"operation": action}),
        after: Some(body(user)),
        ..Deed::default()
    }
}

pub(crate) async fn create(call: Call) -> Answer {
    call.must_be_admin()?;
    let mut fields = Fields::body(&call.open.body)?;
    let email = fields.email("email");
    let first = fields.text("first_name", true, 100);
    let last = fields.text("last_name", true, 100);
    let role = fields.choice("role", true, Role::NAMES).and_then(|name| Role::parse(&name));
    let (((email, first), last), role) = fields.finish_with(email.zip(first).zip(last).zip(role))?;
    let mut store = lock(&call.open.core.store);
    if store.user_by_email(&email).is_some() {
        return Err(ApiError::conflict("Email already registered", Some("email")));
    }
    let user = User::new(&email, &first, &last, role);
    call.record(&mut store, deed("create", &user));
    let answer = body(&user);
    store.users.push(user);
    Ok(answer_one(&call.open.core.options, StatusCode::CREATED, "user", answer))
}

pub(crate) async fn list(call: Call) -> Answer {
    call.must_manage()?;
    let mut query = Fields::query(&call.open.query)?;
    let role = query.choice("role", false, Role::NAMES);
    let wanted = query.choice("status", false, STATUSES);
    let search = query.free_text("search", 200).map(|text| text.to_lowercase());
    let page = Page::read(query)?;
    let store = lock(&call.open.core.store);
    let rows = store
        .users
        .iter()
        .filter(|user| role.as_ref().is_none_or(|role| role == user.role.as_str()))
        .filter(|user| wanted.as_ref().is_none_or(|wanted| wanted == status(user)))
        .filter(|user| {
            search.as_ref().is_none_or(|search| {
                user.email.to_lowercase().contains(search) || user.name().to_lowercase().contains(search)
            })
        });
    Ok(page.of(list_shape(&call.open.core.options), "users", rows, body))
}

pub(crate) async fn one(Path(id): Path<String>, call: Call) -> Answer {
    Fields::query(&call.open.query)?.finish()?;
    // Everybody may read themselves.
    if id != call.caller.id {
        call.must_manage()?;
    }
    let store = lock(&call.open.core.store);
    let user = store.user(&id).ok_or_else(|| ApiError::not_found("User"))?;
    Ok(answer_one(&call.open.core.options, StatusCode::OK, "user", body(user)))
}

pub(crate) async fn update(Path(id): Path<String>, call: Call) -> Answer {
    call.must_be_admin()?;
    let mut fields = Fields::body(&call.open.body)?;
    let role = fields.choice("role", false, Role::NAMES);
    let wanted = fields.choice("status", false, STATUSES);
    let first = fields.text("first_name", false, 100);
    let last = fields.text("last_name", false, 100);
    if fields.is_empty() {
        fields.refuse("role", "At least one field is required", "");
    }
    fields.finish()?;
    let mut store = lock(&call.open.core.store);
    let user =
        store.users.iter_mut().find(|user| user.id == id).ok_or_else(|| ApiError::not_found("User"))?;
    let before = body(user);
    if let Some(role) = role.and_then(|name| Role::parse(&name)) {
        user.role = role;
    }
    if let Some(wanted) = wanted {
        user.active = wanted == "ACTIVE";
    }
    user.first_name = first.unwrap_or_else(|| user.first_name.clone());
    user.last_name = last.unwrap_or_else(|| user.last_name.clone());
    user.updated_at = Timestamp::now();
    let user = user.clone();
    let deed = Deed { before: Some(before), ..deed("update", &user) };
    call.record(&mut store, deed);
    if !user.active {
        lock(&call.open.core.sessions).close_all_of(&user.id);
    }
    Ok(updated(&call.open.core.options, "user", body(&user)))
}
