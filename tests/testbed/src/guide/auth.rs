//! Login, refresh, logout, password reset.

use axum::Json;
use axum::response::IntoResponse;
use http::StatusCode;
use serde_json::{Value, json};

use super::call::{Answer, Deed, Open};
use super::error::ApiError;
use super::fields::Fields;
use crate::lock;
use crate::state::sessions::Tokens;

fn tokens(open: &Open, tokens: &Tokens) -> axum::response::Response {
    let body = json!({
        "access_token": tokens.access, "refresh_token": tokens.refresh,
        "token_type": "Bearer", "expires_in": tokens.expires_in,
    });
    let body = if open.core.options.nested_token { json!({ "token": body }) } else { body };
    Json(body).into_response()
}

fn session_deed(action: &'static str, email: Option<String>, details: Value) -> Deed {
    Deed { action, kind: "session", name: email, details, ..Deed::default() }
}

pub(crate) async fn login(open: Open) -> Answer {
    let mut fields = Fields::body(&open.body)?;
    let email = fields.email("email");
    let password = fields.text("password", true, 1024);
    let (email, password) = fields.finish_with(email.zip(password))?;
    let mut store = lock(&open.core.store);
    let user = store.user_by_email(&email).cloned();
    let failed = |reason: &str| session_deed("login_failed", Some(email.clone()), json!({"reason": reason}));
    match user {
        Some(user) if user.has_password(&password) => {
            if !user.active {
                open.record(&mut store, Some(&user), failed("inactive"));
                return Err(ApiError::detail(StatusCode::FORBIDDEN, "User account is not active"));
            }
            let deed = session_deed("login", Some(email.clone()), json!({"success": true}));
            open.record(&mut store, Some(&user), deed);
            let fresh = lock(&open.core.sessions).open(&user.id);
            Ok(tokens(&open, &fresh))
        }
        other => {
            open.record(&mut store, other.as_ref(), failed("wrong credentials"));
            let text = "Incorrect email or password";
            Err(match open.core.options.wrong_password_status {
                400 => ApiError::Domain {
                    status: StatusCode::BAD_REQUEST,
                    kind: "BadRequestError",
                    message: text.to_owned(),
                    param: None,
                },
                code => {
                    ApiError::detail(StatusCode::from_u16(code).unwrap_or(StatusCode::UNAUTHORIZED), text)
                }
            })
        }
    }
}

fn refresh_token(open: &Open) -> Result<String, ApiError> {
    let mut fields = Fields::body(&open.body)?;
    let token = fields.text("refresh_token", true, 16 * 1024);
    fields.finish_with(token)
}

fn refused() -> ApiError {
    ApiError::Unauthorized("The refresh token is expired, used or unknown".to_owned())
}

pub(crate) async fn refresh(open: Open) -> Answer {
    let token = refresh_token(&open)?;
    let delay = *lock(&open.core.refresh_delay);
    tokio::time::sleep(delay).await;
    let store = lock(&open.core.store);
    let mut sessions = lock(&open.core.sessions);
    let owner = sessions.refresh_owner(&token).ok_or_else(refused)?;
    if !store.user(&owner).is_some_and(|user| user.active) {
        return Err(ApiError::Unauthorized("User account is not active".to_owned()));
    }
    let fresh = sessions.rotate(&token).ok_or_else(refused)?;
    Ok(tokens(&open, &fresh))
}

pub(crate) async fn logout(open: Open) -> Answer {
    let token = refresh_token(&open)?;
    let owner = lock(&open.core.sessions).close(&token).ok_or_else(refused)?;
    let mut store = lock(&open.core.store);
    let user = store.user(&owner).cloned();
    let email = user.as_ref().map(|user| user.email.clone());
    open.record(&mut store, user.as_ref(), session_deed("logout", email, json!({"success": true})));
    Ok(StatusCode::NO_CONTENT.into_response())
}

pub(crate) async fn reset_password(open: Open) -> Answer {
    let mut fields = Fields::body(&open.body)?;
    let email = fields.email("email");
    let email = fields.finish_with(email)?;
    let mut store = lock(&open.core.store);
    // The answer is the same for an address that nobody has: it must not tell who has an account.
    if let Some(user) = store.user_by_email(&email).cloned() {
        store.mails.push(user.email.clone());
        let deed = Deed {
            action: "password_reset",
            kind: "user",
            id: Some(user.id.clone()),
            name: Some(user.email.clone()),
            ..Deed::default()
        };
        open.record(&mut store, Some(&user), deed);
    }
    let body = json!({"message": "If the address is known, a mail is on its way"});
    Ok((StatusCode::ACCEPTED, Json(body)).into_response())
}
