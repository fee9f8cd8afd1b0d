//! What a handler is given: who calls, from where, with what, and by which right.

use std::sync::Arc;

use axum::Json;
use axum::extract::{FromRequest, FromRequestParts, Path, Request};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::request::Parts;
use http::{HeaderMap, StatusCode, header};
use serde_json::{Value, json};

use super::input::Input;
use super::problem::{Problem, detail, field, forbidden};
use super::world::{Profile, Status};
use crate::lock;
use crate::server::{Core, Peer};
use crate::state::audit::AuditRow;
use crate::state::{Store, User};

/// What a handler answers.
pub(crate) type Answer = Result<Response, Problem>;

pub(crate) fn ok(body: Value) -> Answer {
    Ok(Json(body).into_response())
}

/// `{object, message}` and whatever stands under `name`.
pub(crate) fn said(kind: &str, message: &str, name: &str, value: Value) -> Answer {
    ok(json!({ "object": kind, "message": message, name: value }))
}

/// `{object, message}`.
pub(crate) fn done(kind: &str, message: &str) -> Answer {
    ok(json!({ "object": kind, "message": message }))
}

/// A request without a caller.
pub(crate) struct Open {
    pub(crate) core: Arc<Core>,
    pub(crate) body: Bytes,
    pub(crate) query: String,
    pub(crate) headers: HeaderMap,
    ip: String,
}

impl FromRequest<Arc<Core>> for Open {
    type Rejection = Problem;

    async fn from_request(request: Request, core: &Arc<Core>) -> Result<Self, Problem> {
        let (parts, body) = request.into_parts();
        let peer = parts.extensions.get::<Peer>().map(|peer| peer.0.ip().to_string());
        // The first address of this header is believed.
        let forwarded = parts.headers.get("x-forwarded-for").and_then(|value| value.to_str().ok());
        let forwarded = forwarded.and_then(|list| list.split(',').next()).map(|ip| ip.trim().to_owned());
        Ok(Self {
            core: Arc::clone(core),
            body: axum::body::to_bytes(body, usize::MAX).await.unwrap_or_default(),
            query: parts.uri.query().unwrap_or_default().to_owned(),
            headers: parts.headers,
            ip: forwarded.or(peer).unwrap_or_default(),
        })
    }
}

impl Open {
    pub(crate) fn input(&self) -> Result<Input, Problem> {
        let kind = self.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
        Input::body(&self.body, kind.is_none_or(|kind| kind.starts_with("application/json")))
    }

    pub(crate) fn params(&self) -> Input {
        Input::query(&self.query)
    }

    /// Who the bearer token speaks for.
    fn identity(&self) -> Result<String, Problem> {
        let refuse = Problem::Unauthorized("Invalid authentication credentials");
        let Some(value) = self.headers.get(header::AUTHORIZATION) else {
            return Err(Problem::Unauthorized("Not authenticated"));
        };
        if lock(&self.core.outage).is_some() {
            return Err(refuse);
        }
        let token = value.to_str().ok().and_then(|text| text.strip_prefix("Bearer "));
        let identity = token.and_then(|token| lock(&self.core.sessions).authenticate(token.trim()).ok());
        identity.map(|identity| identity.user_id).ok_or(refuse)
    }

    /// Writes a row of the trail. Only sessions, projects and API keys ever come here.
    pub(crate) fn record(&self, store: &mut Store, who: Option<&User>, row: AuditRow) {
        store.audit.record(AuditRow {
            user_id: who.map(|user| user.id.clone()),
            user_email: who.map(|user| user.email.clone()),
            user_name: who.map(User::name),
            ip_address: Some(self.ip.clone()),
            ..row
        });
    }
}

/// A request of somebody who is logged in, whatever his state.
pub(crate) struct Someone {
    pub(crate) open: Open,
    pub(crate) user: User,
    pub(crate) profile: Profile,
}

/// A request of a user who may act.
pub(crate) struct Call(pub(crate) Someone);

impl std::ops::Deref for Call {
    type Target = Someone;
    fn deref(&self) -> &Someone {
        &self.0
    }
}

impl FromRequest<Arc<Core>> for Someone {
    type Rejection = Problem;

    async fn from_request(request: Request, core: &Arc<Core>) -> Result<Self, Problem> {
        let open = Open::from_request(request, core).await?;
        let id = open.identity()?;
        let user = lock(&core.store).user(&id).cloned();
        let user = user.ok_or(Problem::Unauthorized("Invalid authentication credentials"))?;
        let profile = lock(&core.world).profile(&user);
        let someone = Self { open, user, profile };
        if someone.profile.status == Status::Deleted { Err(someone.inactive()) } else { Ok(someone) }
    }
}

impl FromRequest<Arc<Core>> for Call {
    type Rejection = Problem;

    async fn from_request(request: Request, core: &Arc<Core>) -> Result<Self, Problem> {
        let someone = Someone::from_request(request, core).await?;
        if someone.profile.status == Status::Active { Ok(Self(someone)) } else { Err(someone.inactive()) }
    }
}

impl Someone {
    fn inactive(&self) -> Problem {
        detail(StatusCode::BAD_REQUEST, "Inactive user")
    }

    pub(crate) fn is_super(&self) -> bool {
        self.profile.role == "super_admin"
    }

    /// A right on the whole platform.
    pub(crate) fn may(&self, scope: &str) -> bool {
        self.is_super() || self.profile.scopes.contains(scope)
    }

    pub(crate) fn must(&self, scope: &str) -> Result<(), Problem> {
        if self.may(scope) { Ok(()) } else { Err(forbidden()) }
    }

    /// The list of endpoints needs less: without a project, the scope on all projects shows the caller's own.
    pub(crate) fn must_list_endpoints(&self) -> Result<(), Problem> {
        if self.may("project:view") { Ok(()) } else { self.must_on_endpoints("endpoint:view") }
    }

    /// A right on endpoints, which nobody but a superuser has without naming the project that it comes from.
    pub(crate) fn must_on_endpoints(&self, scope: &str) -> Result<(), Problem> {
        let header = |name: &str| self.open.headers.get(name).and_then(|value| value.to_str().ok());
        let in_project = match (header("x-resource-type"), header("x-entity-id")) {
            // The scope on all projects is enough for each, whoever its members are.
            (Some("project"), Some(project)) => {
                self.may("project:manage")
                    || lock(&self.open.core.world).project(project).may(&self.user.id, scope)
            }
            _ => false,
        };
        if self.is_super() || in_project { Ok(()) } else { Err(forbidden()) }
    }
}

/// The identifier in the path; what is no UUID is refused.
pub(crate) struct Id(pub(crate) String);

impl FromRequestParts<Arc<Core>> for Id {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, core: &Arc<Core>) -> Result<Self, Problem> {
        // `/users/me` has none, and takes no other method than GET for what it is.
        let id = Path::<String>::from_request_parts(parts, core).await;
        let id = id.map_or_else(|_| "me".to_owned(), |Path(id)| id);
        check_uuid("path", "id", &id)?;
        Ok(Self(id))
    }
}

pub(crate) fn check_uuid(place: &str, name: &str, id: &str) -> Result<(), Problem> {
    let groups: Vec<usize> = id.split('-').map(str::len).collect();
    if groups == [8, 4, 4, 4, 12] && id.bytes().all(|b| b == b'-' || b.is_ascii_hexdigit()) {
        return Ok(());
    }
    let message = "Input should be a valid UUID, invalid character";
    Err(Problem::Fields(vec![field("uuid_parsing", &[place, name], message, &json!(id))]))
}
