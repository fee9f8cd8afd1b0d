//! How a client of a monitoring service is configured.

use std::fmt;
use std::sync::Arc;

use crate::auth::{Fixed, Hints, Session, Source, TokenExchange, Tokens};
use crate::call::{Checked, ConnectionBuilder, connection_setters};
use crate::config::Login;
use crate::error::{Error, Result};
use crate::http::{AuthHeader, Authenticate, BackendSpec, BoxFuture, Connection, Options};
use crate::types::Secret;

/// Configures a client of a monitoring service. What is set here wins over the environment, and that over the configuration
/// file; see [`env`](Self::env). Without credentials, requests carry none.
#[must_use = "call build() to get a client"]
pub struct ServiceBuilder<S> {
    connection: ConnectionBuilder,
    make: fn(Arc<Connection>) -> S,
}

impl<S> ServiceBuilder<S> {
    pub(super) fn new(spec: &'static BackendSpec, make: fn(Arc<Connection>) -> S) -> Self {
        Self { connection: ConnectionBuilder::new(spec), make }
    }

    connection_setters!();

    /// Sends a user name and a password with each request (HTTP Basic).
    pub fn basic_auth(mut self, username: impl Into<String>, password: impl Into<Secret>) -> Self {
        self.connection.login(Login::Password { user: username.into(), password: password.into() });
        self
    }

    /// Reads what was not set here from the environment, and what is not there from `~/.bud/config.toml` (or the file that
    /// `BUD_CONFIG` names). NAME is the service's name, such as `PROMETHEUS` or `ALERTMANAGER`:
    ///
    /// - `BUD_NAME_URL`, `BUD_NAME_TIMEOUT` (seconds);
    /// - `BUD_NAME_TOKEN`, else `BUD_NAME_USERNAME` and `BUD_NAME_PASSWORD`;
    /// - `BUD_NAME_CA_CERTIFICATE`, the path of a PEM bundle or its text;
    /// - the table of the file that has the service's name in lower case, within `[profiles.PROFILE]` first: `url`, `timeout`,
    ///   `token`, `username`, `password`, `ca_certificate`.
    ///
    /// What a file holds is sent to the file's own `url` and nowhere else. A variable that is blank counts as unset.
    pub fn env(mut self) -> Self {
        self.connection.use_env = true;
        self
    }

    /// Checks everything and makes the client. No request is made yet.
    ///
    /// # Errors
    /// `Config` or `InvalidArgument`, naming what is missing or wrong and where it was set.
    pub fn build(self) -> Result<S> {
        let mut checked = self.connection.check()?;
        let authenticate = authenticate(&mut checked)?;
        let channel = Arc::new(checked.channel()?);
        let connection = Connection { channel, authenticate, options: checked.options };
        Ok((self.make)(Arc::new(connection)))
    }
}

/// What these services are asked with: none of them has sessions.
fn authenticate(checked: &mut Checked) -> Result<Arc<dyn Authenticate>> {
    if let Some(provider) = checked.provider.take() {
        let (exchange, options) = (Box::new(NoLogin), checked.options.clone());
        return Ok(Arc::new(Session::new(exchange, options, Source::Custom(provider), None, None)));
    }
    // What cannot be sent is found now and not at the first call.
    let header = match checked.config.login(&checked.base)? {
        None => return Ok(Arc::new(Fixed::new(None).with_hint(NEEDED))),
        Some(Login::Token(token) | Login::ApiKey(token)) => AuthHeader::bearer(token),
        Some(Login::Password { user, .. }) if user.contains(':') => {
            return Err(Error::invalid("username", "it must contain no colon"));
        }
        Some(Login::Password { user, password }) => AuthHeader::basic(&user, password),
    };
    let header = header.map_err(|error| Error::config(error.message().to_owned()))?;
    Ok(Arc::new(Fixed::new(Some(Arc::new(header))).with_hint(REFUSED)))
}

const REFUSED: &str = "check the credentials of this service";
const NEEDED: &str =
    "this service, or a proxy in front of it, requires credentials: set bearer_token or basic_auth";

static HINTS: Hints = Hints {
    log_in_again: REFUSED,
    session_or_outage: REFUSED,
    token_or_outage: REFUSED,
    outage: "an earlier token worked: check that the token provider returns tokens for this service, or try again",
    api_key: REFUSED,
};

/// These services have no login: a token comes from the program's own source.
struct NoLogin;

fn no_login<T: Send + 'static>() -> BoxFuture<'static, Result<T>> {
    Box::pin(async { Err(Error::config("this service has no login")) })
}

impl TokenExchange for NoLogin {
    fn log_in<'a>(&'a self, _: String, _: Secret, _: &'a Options) -> BoxFuture<'a, Result<Tokens>> {
        no_login()
    }
    fn refresh<'a>(&'a self, _: Secret, _: &'a Options) -> BoxFuture<'a, Result<Tokens>> {
        no_login()
    }
    fn log_out<'a>(
        &'a self,
        _: Secret,
        _: &'a Options,
        _: &'a dyn Authenticate,
    ) -> BoxFuture<'a, Result<()>> {
        no_login()
    }
    fn random(&self) -> f64 {
        fastrand::f64()
    }
    fn hints(&self) -> &'static Hints {
        &HINTS
    }
}

impl<S> fmt::Debug for ServiceBuilder<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // An address that was not checked yet may hold a password.
        f.debug_struct("ServiceBuilder").finish_non_exhaustive()
    }
}
