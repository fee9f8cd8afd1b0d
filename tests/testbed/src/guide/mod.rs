//! The documented API: its routes and bodies.

use std::sync::Arc;

use axum::Router;
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, get, post};
use http::{HeaderValue, StatusCode, header};

use crate::server::Core;

mod access;
mod audit;
mod auth;
mod call;
mod clusters;
mod credentials;
mod endpoints;
mod error;
mod fields;
mod permissions;
mod projects;
mod shape;
mod users;

use error::ApiError;

/// Every path of this dialect, and the one by which clients find out that it is this dialect.
pub(crate) const TEMPLATES: &[&str] = &[
    "/auth/login",
    "/auth/refresh",
    "/auth/refresh-token",
    "/auth/logout",
    "/auth/password/reset",
    "/users",
    "/users/{id}",
    "/projects",
    "/projects/{id}",
    "/projects/{id}/endpoints",
    "/projects/{id}/billing/quota",
    "/permissions",
    "/permissions/{id}",
    "/endpoints",
    "/endpoints/{id}",
    "/endpoints/{id}/deploy",
    "/endpoints/{id}/undeploy",
    "/clusters",
    "/clusters/{id}",
    "/clusters/{id}/refresh",
    "/audit/export",
    "/credentials",
    "/credentials/{id}",
];

pub(crate) fn router(core: Arc<Core>) -> Router {
    Router::new()
        .route("/auth/login", post(auth::login))
        .route("/auth/refresh", post(auth::refresh))
        .route("/auth/logout", post(auth::logout))
        .route("/auth/password/reset", post(auth::reset_password))
        .route("/users", get(users::list).post(users::create))
        .route("/users/{id}", get(users::one).put(users::update))
        .route("/projects", get(projects::list).post(projects::create))
        .route("/projects/{id}", get(projects::one).put(projects::update).delete(projects::delete))
        .route("/projects/{id}/endpoints", get(endpoints::of_project))
        .route("/projects/{id}/billing/quota", get(projects::quota))
        .route("/permissions", get(permissions::list).post(permissions::grant))
        .route("/permissions/{id}", delete(permissions::revoke))
        .route("/endpoints", get(endpoints::list))
        .route("/endpoints/{id}", get(endpoints::one).put(endpoints::scale))
        .route("/endpoints/{id}/deploy", post(endpoints::deploy))
        .route("/endpoints/{id}/undeploy", post(endpoints::undeploy))
        .route("/clusters", get(clusters::list))
        .route("/clusters/{id}", get(clusters::one))
        .route("/clusters/{id}/refresh", post(clusters::refresh))
        .route("/audit/export", get(audit::export))
        .route("/credentials", get(credentials::list).post(credentials::create))
        .route("/credentials/{id}", delete(credentials::delete))
        .fallback(async || ApiError::detail(StatusCode::NOT_FOUND, "Not Found"))
        .method_not_allowed_fallback(async || {
            ApiError::detail(StatusCode::METHOD_NOT_ALLOWED, "Method Not Allowed")
        })
        .with_state(core)
}

/// The answer to a request above its rate limit.
pub(crate) fn too_many(wait: u64) -> Response {
    let text = format!("Rate limit exceeded: try again in {wait} seconds");
    let mut response = ApiError::detail(StatusCode::TOO_MANY_REQUESTS, &text).into_response();
    response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(wait));
    response
}
