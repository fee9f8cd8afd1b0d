//! What a handler is given: who calls, from where, with what.

use std::sync::Arc;

use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::response::Response;
use bytes::Bytes;
use http::header;
use serde_json::{Value, json};

use super::error::ApiError;
use crate::lock;
use crate::server::{Core, Peer};
use crate::state::audit::AuditRow;
use crate::state::{Store, User};

/// What a handler answers.
pub(crate) type Answer = Result<Response, ApiError>;

/// A request without a caller.
pub(crate) struct Open {
    pub(crate) core: Arc<Core>,
    pub(crate) body: Bytes,
    pub(crate) query: String,
    pub(crate) ip: String,
}

/// A request of somebody who is logged in.
pub(crate) struct Call {
    pub(crate) open: Open,
    pub(crate) caller: User,
}

impl FromRequest<Arc<Core>> for Open {
    type Rejection = ApiError;

    async fn from_request(request: Request, core: &Arc<Core>) -> Result<Self, ApiError> {
        let (parts, body) = request.into_parts();
        let peer = parts.extensions.get::<Peer>().map(|peer| peer.0.ip().to_string());
        let body = axum::body::to_bytes(body, usize::MAX).await.unwrap_or_default();
        if !body.is_empty() && !says_json(&parts.headers) {
            return Err(ApiError::Invalid(vec![json!({
                "type": "model_attributes_type", "loc": ["body"],
                "msg": "Input should be JSON, and its Content-Type should say so",
                "input": String::from_utf8_lossy(&body),
            })]));
        }
        Ok(Self {
            core: Arc::clone(core),
            body,
            query: parts.uri.query().unwrap_or_default().to_owned(),
            ip: peer.unwrap_or_default(),
        })
    }
}

fn says_json(headers: &http::HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    kind.and_then(|kind| kind.split(';').next())
        .is_some_and(|kind| kind.trim().eq_ignore_ascii_case("application/json"))
}

struct Caller(User);

impl FromRequestParts<Arc<Core>> for Caller {
    type Rejection = ApiError;

    async fn from_request_parts(
        parts: &mut http::request::Parts,
        core: &Arc<Core>,
    ) -> Result<Self, ApiError> {
        let refuse = |text: &str| ApiError::Unauthorized(text.to_owned());
        let value = parts.headers.get(header::AUTHORIZATION).ok_or_else(|| refuse("Not authenticated"))?;
        let token = value
            .to_str()
            .ok()
            .and_then(|text| text.split_once(' '))
            .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
            .map(|(_, token)| token.trim())
            .ok_or_else(|| refuse("Invalid authentication credentials"))?;
        let identity = lock(&core.sessions).authenticate(token).map_err(refuse)?;
        let store = lock(&core.store);
        match store.user(&identity.user_id) {
            Some(user) if user.active => Ok(Self(user.clone())),
            _ => Err(refuse("User account is not active")),
        }
    }
}

impl FromRequest<Arc<Core>> for Call {
    type Rejection = ApiError;

    async fn from_request(request: Request, core: &Arc<Core>) -> Result<Self, ApiError> {
        let (mut parts, body) = request.into_parts();
        let Caller(caller) = Caller::from_request_parts(&mut parts, core).await?;
        let open = Open::from_request(Request::from_parts(parts, body), core).await?;
        Ok(Self { open, caller })
    }
}

/// What was done, for the audit trail.
#[derive(Default)]
pub(crate) struct Deed {
    pub(crate) action: &'static str,
    pub(crate) kind: &'static str,
    pub(crate) id: Option<String>,
    pub(crate) name: Option<String>,
    pub(crate) details: Value,
    pub(crate) before: Option<Value>,
    pub(crate) after: Option<Value>,
}

impl Open {
    /// Writes a row of the trail about `who`.
    pub(crate) fn record(&self, store: &mut Store, who: Option<&User>, deed: Deed) {
        // Only somebody else's record is acted on "for" a person.
        let actor = who.filter(|user| deed.kind == "user" && deed.id.as_ref() != Some(&user.id));
        let row = AuditRow {
            action: deed.action,
            resource_type: deed.kind,
            resource_id: deed.id,
            resource_name: deed.name,
            user_id: who.map(|user| user.id.clone()),
            user_email: who.map(|user| user.email.clone()),
            user_name: who.map(User::name),
            actioned_by: actor.map(|user| user.id.clone()),
            actioned_by_email: actor.map(|user| user.email.clone()),
            actioned_by_name: actor.map(User::name),
            ip_address: Some(self.ip.clone()),
            details: deed.details,
            previous_state: deed.before,
            new_state: deed.after,
            ..AuditRow::default()
        };
        store.audit.record(row);
    }
}

impl Call {
    /// Writes a row of the trail about the caller.
    pub(crate) fn record(&self, store: &mut Store, deed: Deed) {
        self.open.record(store, Some(&self.caller), deed);
    }
}
