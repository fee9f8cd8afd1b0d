//! The platform as shipped: its routes and bodies, its traps included. What is not known from the real server (why a
//! simulation takes how long, what a billing plan costs) is made up; what is known is compared with recordings of it.

use std::sync::Arc;

use axum::Router;
use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, patch, post, put};
use http::{Method, StatusCode, header};

use crate::log::fits;
use crate::server::Core;

mod audit;
mod auth;
mod billing;
mod call;
mod clusters;
mod credentials;
pub(crate) mod deploy;
mod endpoints;
mod input;
mod problem;
mod projects;
mod users;
pub(crate) mod world;

pub(crate) use auth::too_many;
pub(crate) use problem::Crash;
use problem::detail;

pub(crate) use endpoints::bring_up;

/// Every path of this dialect.
pub(crate) const TEMPLATES: &[&str] = &[
    "/auth/login",
    "/auth/refresh-token",
    "/auth/logout",
    "/users/",
    "/users/me",
    "/users/me/permissions",
    "/users/reset-password",
    "/users/{id}",
    "/users/{id}/permissions",
    "/users/{id}/reactivate",
    "/projects/",
    "/projects/{id}",
    "/projects/{id}/users",
    "/projects/{id}/add-users",
    "/projects/{id}/remove-users",
    "/permissions/project",
    "/permissions/{id}/global",
    "/permissions/{id}/projects",
    "/endpoints/",
    "/endpoints/{id}/model-cluster-detail",
    "/endpoints/{id}/autoscale",
    "/endpoints/{id}/workers",
    "/endpoints/{id}/delete-workflow",
    "/models/deploy-workflow",
    "/workflows",
    "/workflows/{id}",
    "/clusters/clusters",
    "/clusters/recommended/{id}",
    "/clusters/{id}",
    "/clusters/{id}/settings",
    "/audit/records",
    "/audit/records/{id}",
    "/audit/records/{id}/verify",
    "/audit/verify-batch",
    "/audit/find-tampered",
    "/audit/summary",
    "/billing/plans",
    "/billing/current",
    "/billing/check-limits",
    "/billing/history",
    "/billing/user/{id}",
    "/billing/user/{id}/usage",
    "/credentials/",
    "/credentials/{id}",
];

pub(crate) fn router(core: Arc<Core>) -> Router {
    Router::new()
        .route("/auth/login", post(auth::login))
        .route("/auth/refresh-token", post(auth::refresh))
        .route("/auth/logout", post(auth::logout))
        .route("/users/", get(users::list).post(users::create))
        .route("/users/me", get(users::me).patch(users::change).delete(users::delete))
        .route("/users/me/permissions", get(users::my_permissions))
        .route("/users/reset-password", post(auth::reset_password))
        .route("/users/{id}", get(users::one).patch(users::change).delete(users::delete))
        .route("/users/{id}/permissions", get(projects::of_user))
        .route("/users/{id}/reactivate", patch(users::reactivate))
        .route("/projects/", get(projects::list).post(projects::create))
        .route("/projects/{id}", get(projects::one).patch(projects::change).delete(projects::delete))
        .route("/projects/{id}/users", get(projects::members))
        .route("/projects/{id}/add-users", post(projects::add_members))
        .route("/projects/{id}/remove-users", post(projects::remove_members))
        .route("/permissions/project", patch(projects::set_member))
        .route("/permissions/{id}/global", put(projects::set_global))
        .route("/permissions/{id}/projects", get(projects::user_projects))
        .route("/endpoints/", get(endpoints::list))
        .route("/endpoints/{id}/model-cluster-detail", get(endpoints::one))
        .route("/endpoints/{id}/autoscale", get(endpoints::autoscale).put(endpoints::set_autoscale))
        .route("/endpoints/{id}/workers", get(endpoints::workers))
        .route("/endpoints/{id}/delete-workflow", post(endpoints::delete))
        .route("/models/deploy-workflow", post(deploy::step))
        .route("/workflows", get(deploy::list))
        .route("/workflows/{id}", get(deploy::one).delete(deploy::cancel).patch(deploy::mark_completed))
        .route("/clusters/clusters", get(clusters::list))
        .route("/clusters/recommended/{id}", get(clusters::recommended))
        .route("/clusters/{id}", get(clusters::one))
        .route(
            "/clusters/{id}/settings",
            get(clusters::settings)
                .post(clusters::set_settings)
                .put(clusters::set_settings)
                .delete(clusters::delete_settings),
        )
        .route("/audit/records", get(audit::records))
        .route("/audit/records/{id}", get(audit::one))
        .route("/audit/records/{id}/verify", get(audit::verify))
        .route("/audit/verify-batch", post(audit::verify_batch))
        .route("/audit/find-tampered", get(audit::find_tampered))
        .route("/audit/summary", get(audit::summary))
        .route("/billing/plans", get(billing::plans))
        .route("/billing/current", get(billing::mine))
        .route("/billing/check-limits", get(billing::limits))
        .route("/billing/history", post(billing::history))
        .route("/billing/user/{id}", get(billing::of_user))
        .route("/billing/user/{id}/usage", get(billing::usage_of))
        .route("/credentials/", get(credentials::list).post(credentials::create))
        .route("/credentials/{id}", put(credentials::change).delete(credentials::delete))
        .fallback(elsewhere)
        .method_not_allowed_fallback(async || detail(StatusCode::METHOD_NOT_ALLOWED, "Method Not Allowed"))
        .layer(axum::middleware::from_fn(no_head))
        .with_state(core)
}

/// A path with a slash too many or too few is redirected, to an address that is built from what the client asked for.
async fn elsewhere(request: Request) -> Response {
    let uri = request.uri();
    let path = uri.path();
    let other = path.strip_suffix('/').map_or_else(|| format!("{path}/"), str::to_owned);
    let host = request.headers().get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    if !TEMPLATES
        .iter()
        .any(|template| fits(template, &other) && template.ends_with('/') == other.ends_with('/'))
    {
        return detail(StatusCode::NOT_FOUND, "Not Found").into_response();
    }
    let query = uri.query().map(|query| format!("?{query}")).unwrap_or_default();
    let to = format!("http://{host}{other}{query}");
    (StatusCode::TEMPORARY_REDIRECT, [(header::LOCATION, to)]).into_response()
}

/// No route answers HEAD.
async fn no_head(request: Request, next: axum::middleware::Next) -> Response {
    if request.method() != Method::HEAD {
        return next.run(request).await;
    }
    let kind = (header::CONTENT_TYPE, "application/json");
    (StatusCode::METHOD_NOT_ALLOWED, [kind, (header::ALLOW, "GET")]).into_response()
}
