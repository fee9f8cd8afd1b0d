//! How a service opens, renews and ends a session.

use super::Tokens;
use crate::error::Result;
use crate::http::{Authenticate, BoxFuture, Options};
use crate::types::Secret;

/// The token requests of one server. A session decides when they are sent.
pub(crate) trait TokenExchange: Send + Sync {
    fn log_in<'a>(
        &'a self,
        email: String,
        password: Secret,
        options: &'a Options,
    ) -> BoxFuture<'a, Result<Tokens>>;
    fn refresh<'a>(&'a self, refresh_token: Secret, options: &'a Options) -> BoxFuture<'a, Result<Tokens>>;
    /// `bearer` is the access token that the session had.
    fn log_out<'a>(
        &'a self,
        refresh_token: Secret,
        options: &'a Options,
        bearer: &'a dyn Authenticate,
    ) -> BoxFuture<'a, Result<()>>;
    /// A number from 0 to 1, for pauses.
    fn random(&self) -> f64;
    /// What a person can do when the credentials are refused.
    fn hints(&self) -> &'static Hints;
}

/// The next steps after a refusal, by what the session is made from and whether its tokens worked before.
pub(crate) struct Hints {
    /// A session that was opened elsewhere and has ended.
    pub(crate) log_in_again: &'static str,
    /// The same, but it worked before: an outage would look the same.
    pub(crate) session_or_outage: &'static str,
    /// A token that worked before.
    pub(crate) token_or_outage: &'static str,
    /// A token that was just issued.
    pub(crate) outage: &'static str,
    /// An API key.
    pub(crate) api_key: &'static str,
}
