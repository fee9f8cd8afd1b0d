//! The session of the Bud API: its token requests, and what a person can do when it is refused.

use std::sync::Arc;

use super::login::{Login, Logout, Refresh};
use crate::auth::{Hints, TokenExchange, Tokens};
use crate::error::Result;
use crate::http::{Anonymous, Authenticate, BoxFuture, Channel, Options, execute};
use crate::types::Secret;

/// The token requests of one platform.
pub(super) struct BudTokens(pub(super) Arc<Channel>);

impl TokenExchange for BudTokens {
    fn log_in<'a>(
        &'a self,
        email: String,
        password: Secret,
        options: &'a Options,
    ) -> BoxFuture<'a, Result<Tokens>> {
        Box::pin(async move {
            let login = Login { email, password };
            execute(&self.0, &login, options, &Anonymous).await.map(|(tokens, _)| tokens)
        })
    }

    fn refresh<'a>(&'a self, refresh_token: Secret, options: &'a Options) -> BoxFuture<'a, Result<Tokens>> {
        Box::pin(async move {
            let refresh = Refresh { refresh_token };
            execute(&self.0, &refresh, options, &Anonymous).await.map(|(tokens, _)| tokens)
        })
    }

    fn log_out<'a>(
        &'a self,
        refresh_token: Secret,
        options: &'a Options,
        bearer: &'a dyn Authenticate,
    ) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            let logout = Logout { refresh_token };
            execute(&self.0, &logout, options, bearer).await.map(|((), _)| ())
        })
    }

    fn random(&self) -> f64 {
        (self.0.policy.random)()
    }

    fn hints(&self) -> &'static Hints {
        &HINTS
    }
}

static HINTS: Hints = Hints {
    log_in_again: "log in again with `bud auth login`, or set BUD_EMAIL and BUD_PASSWORD",
    session_or_outage: "this session worked before: it has ended, or the identity service (Keycloak or its database) is \
        unavailable. Try again; if that fails, log in again with `bud auth login`, or set BUD_EMAIL and BUD_PASSWORD",
    token_or_outage: "this token worked before: it has expired or was revoked, or the identity service (Keycloak or its \
        database) is unavailable. Try again; if that fails, build a client with a fresh token",
    outage: "an earlier token of this session worked: the identity service (Keycloak or its database) may be unavailable, so \
        try again",
    api_key: "an API key opens inference routes; administration needs a person's login",
};
