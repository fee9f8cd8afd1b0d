//! Sign-in, renewal, sign-out, password reset.

use http::{StatusCode, header};
use serde_json::{Value, json};

use super::call::{Answer, Open, done, ok};
use super::problem::{Problem, bad, detail, failed};
use super::world::Status;
use crate::ids;
use crate::lock;
use crate::options::Outage;
use crate::state::audit::AuditRow;
use crate::state::sessions::Tokens;

/// Resets that a user may ask for until the password is changed.
const RESETS: u32 = 5;

/// The identity provider's answer, passed on as it is.
fn token(tokens: &Tokens, remember: bool) -> Value {
    json!({
        "access_token": tokens.access, "expires_in": tokens.expires_in,
        // A remembered session is offline: it has no end of its own.
        "refresh_expires_in": if remember { 0 } else { 86_400 }, "refresh_token": tokens.refresh,
        "token_type": "Bearer", "id_token": tokens.access, "not-before-policy": 0, "session_state": ids::uuid(),
        "scope": if remember { "openid email profile offline_access" } else { "openid email profile" },
    })
}

fn row(action: &'static str, details: Value) -> AuditRow {
    AuditRow { action, resource_type: "session", details, ..AuditRow::default() }
}

pub(super) async fn login(open: Open) -> Answer {
    let mut input = open.input()?;
    let email = input.email("email");
    let password = input.needed_text("password", 8, 100);
    let admins_only = input.choice("user_type", &["admin", "client"]).as_deref() == Some("admin");
    let remember = input.flag("remember_me", false);
    input.finish()?;
    if lock(&open.core.outage).is_some() {
        return Err(failed("Something went wrong"));
    }
    let mut store = lock(&open.core.store);
    let user = store.user_by_email(&email).filter(|user| user.has_password(&password)).cloned();
    let Some(user) = user else {
        let reason = json!({ "success": false, "reason": "Invalid user credentials" });
        open.record(&mut store, None, row("login_failed", reason));
        return Err(bad("Incorrect email or password"));
    };
    let mut world = lock(&open.core.world);
    let profile = world.profile_mut(&user);
    if profile.status == Status::Deleted {
        return Err(bad("User account is not active"));
    }
    if admins_only && profile.user_type == "client" {
        return Err(bad("Access denied: client users cannot sign in here"));
    }
    // Both are read again from the identity provider, which knows nothing of a change made here.
    profile.role = profile.given_role.clone();
    if !matches!(profile.role.as_str(), "admin" | "super_admin") {
        profile.user_type = "client".to_owned();
    }
    let must_change = profile.must_change;
    open.record(&mut store, Some(&user), row("login", json!({ "success": true })));
    let tokens = lock(&open.core.sessions).open(&user.id);
    ok(json!({
        "object": "auth_token", "message": "User logged in successfully", "token": token(&tokens, remember),
        "first_login": must_change, "is_reset_password": must_change,
    }))
}

pub(super) async fn refresh(open: Open) -> Answer {
    let mut input = open.input()?;
    let refresh = input.needed_text("refresh_token", 1, usize::MAX);
    input.finish()?;
    let delay = *lock(&open.core.refresh_delay);
    tokio::time::sleep(delay).await;
    let down = lock(&open.core.outage).is_some();
    let tokens = if down { None } else { lock(&open.core.sessions).renew(&refresh) };
    let invalid = || Problem::Envelope(StatusCode::UNAUTHORIZED, "Token Expired or Invalid".to_owned());
    let tokens = tokens.ok_or_else(invalid)?;
    ok(json!({ "object": "info", "message": "Token refreshed successfully", "token": token(&tokens, false) }))
}

pub(super) async fn logout(open: Open) -> Answer {
    let mut input = open.input()?;
    let refresh = input.needed_text("refresh_token", 1, usize::MAX);
    input.finish()?;
    let bearer = open.headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    if let Some(token) = bearer.and_then(|text| text.strip_prefix("Bearer ")) {
        // Even if the rest fails.
        lock(&open.core.sessions).shut_out(token);
    }
    match *lock(&open.core.outage) {
        Some(Outage::Keycloak) => return Err(bad("Failed to logout user")),
        Some(Outage::Postgres) => return Err(failed("Failed to logout user")),
        None => {}
    }
    let mut sessions = lock(&open.core.sessions);
    // To end a session that has ended is fine; only what never was a token is refused.
    if sessions.end(&refresh) || sessions.was_issued(&refresh) {
        done("info", "User logged out successfully")
    } else {
        Err(bad("Failed to logout user"))
    }
}

pub(super) async fn reset_password(open: Open) -> Answer {
    let mut input = open.input()?;
    let email = input.email("email");
    input.finish()?;
    let mut store = lock(&open.core.store);
    if let Some(user) = store.user_by_email(&email).cloned() {
        let mut world = lock(&open.core.world);
        let profile = world.profile_mut(&user);
        profile.resets += 1;
        if profile.resets > RESETS {
            let text = "Reset password attempt limit exceeded";
            return Err(Problem::Envelope(StatusCode::TOO_MANY_REQUESTS, text.to_owned()));
        }
        store.mails.push(user.email);
    }
    // The same for an address that nobody has.
    ok(json!({
        "object": "user.reset-password", "message": "Email notification triggered for reset password",
        "acknowledged": true, "status": "processed", "transaction_id": format!("txn_{}", &ids::secret("")[..12]),
    }))
}

/// The answer to a request above its rate limit.
pub(crate) fn too_many(wait: u64) -> axum::response::Response {
    use axum::response::IntoResponse;
    let text = format!("Rate limit exceeded. Please try again in {wait} seconds.");
    let mut response = detail(StatusCode::TOO_MANY_REQUESTS, &text).into_response();
    response.headers_mut().insert(header::RETRY_AFTER, wait.into());
    response
}
