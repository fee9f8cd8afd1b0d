//! Credentials in, bearer token out.

mod exchange;
mod fixed;
mod folder;
mod outage;
mod session;
mod store;

use std::time::Duration;

use crate::error::Result;
use crate::http::BoxFuture;
use crate::types::Secret;

pub(crate) use exchange::{Hints, TokenExchange};
#[cfg(feature = "monitoring")]
pub(crate) use fixed::Fixed;
pub(crate) use session::{Session, Source};
pub(crate) use store::{Store, resumed};

/// Where access tokens come from when it is neither a password nor a fixed token: a vault, a cloud identity, a test.
///
/// It is asked for a token when there is none, when the last one is about to expire, and once after the server refused
/// it; never by two calls at a time.
///
/// ```
/// use std::pin::Pin;
/// use bud_sdk::{AccessToken, Error, Result, TokenProvider};
///
/// struct FromFile(std::path::PathBuf);
///
/// impl TokenProvider for FromFile {
///     fn token(&self) -> Pin<Box<dyn Future<Output = Result<AccessToken>> + Send + '_>> {
///         Box::pin(async {
///             let token = std::fs::read_to_string(&self.0).map_err(|error| Error::credentials(error.to_string()))?;
///             Ok(AccessToken::new(token.trim()))
///         })
///     }
/// }
/// ```
pub trait TokenProvider: Send + Sync + 'static {
    /// Gets a fresh token.
    fn token(&self) -> BoxFuture<'_, Result<AccessToken>>;
}

/// An access token, and how long it is good for.
#[derive(Debug, Clone)]
pub struct AccessToken {
    pub(crate) token: Secret,
    pub(crate) expires_in: Option<Duration>,
}

impl AccessToken {
    /// A token of unknown life: it is used until the server refuses it.
    pub fn new(token: impl Into<Secret>) -> Self {
        Self { token: token.into(), expires_in: None }
    }
    /// Sets how long it is good for, from now.
    pub fn expires_in(mut self, life: Duration) -> Self {
        self.expires_in = Some(life);
        self
    }
}

/// What is known after a login.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct SignIn {
    /// How long the access token is good for; it is renewed by itself.
    pub expires_in: Option<Duration>,
    /// The account must change its password before it can do anything else, if the server says either way. The seeded super
    /// user need not.
    pub must_change_password: Option<bool>,
}

/// Tokens as received, checked.
#[derive(Debug, Clone)]
pub struct Tokens {
    pub(crate) access: Secret,
    pub(crate) refresh: Option<Secret>,
    pub(crate) expires_in: Option<Duration>,
    pub(crate) must_change_password: Option<bool>,
}
