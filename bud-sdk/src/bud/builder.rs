//! The builder of a client of the Bud API.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use tracing::warn;
use url::Url;

use super::client::{Client, Inner, Unlock};
use super::session::BudTokens;
use super::{Flavor, SPEC};
use crate::auth::{Session, Source, Store, Tokens, resumed};
use crate::call::{ConnectionBuilder, connection_setters};
use crate::config::{Config, Login, Place, Sourced};
use crate::error::{Error, Result};
use crate::http::{AuthHeader, Connection};
use crate::types::Secret;

impl Client {
    /// Starts to configure a client.
    pub fn builder() -> ClientBuilder {
        ClientBuilder::new()
    }

    /// A client from the environment and `~/.bud/config.toml`; see [`ClientBuilder::env`] for what is read.
    ///
    /// # Errors
    /// `Config`, naming the variable, or the file and key, that is missing or wrong.
    pub fn from_env() -> Result<Self> {
        Self::builder().env().build()
    }
}

/// Configures a [`Client`]. What is set here wins over the environment, and that over the configuration file; see
/// [`env`](Self::env).
#[must_use = "call build() to get a client"]
pub struct ClientBuilder {
    connection: ConnectionBuilder,
    remember: bool,
    names: Vec<(String, String)>,
    unlock: Option<Arc<dyn Unlock>>,
}

impl ClientBuilder {
    pub(super) fn new() -> Self {
        Self { connection: ConnectionBuilder::new(&SPEC), remember: false, names: Vec::new(), unlock: None }
    }

    connection_setters!();

    /// Logs in with e-mail and password at the first call, and renews the session by itself.
    pub fn password(mut self, email: impl Into<String>, password: impl Into<Secret>) -> Self {
        self.connection.login(Login::Password { user: email.into(), password: password.into() });
        self
    }

    /// Uses an API key. The platform's administration routes need a person's login and refuse keys.
    pub fn api_key(mut self, key: impl Into<Secret>) -> Self {
        self.connection.login(Login::ApiKey(key.into()));
        self
    }

    /// Which API the server speaks. Without it the server is asked once, by a request that changes nothing.
    pub fn flavor(mut self, flavor: Flavor) -> Self {
        let named = Sourced::new(flavor.as_str().to_owned(), Place::Builder("flavor"));
        self.connection.layer.flavor = Some(named);
        self
    }

    /// Reads what was not set here from the environment, and what is not there from the configuration file.
    ///
    /// - `BUD_BASE_URL` (or `BUD_API_URL`), `BUD_API_FLAVOR` (`guide` or `runtime`), `BUD_TIMEOUT` (seconds);
    /// - `BUD_API_KEY`, else `BUD_TOKEN`, else `BUD_EMAIL` and `BUD_PASSWORD`;
    /// - `BUD_CA_CERTIFICATE`, the path of a PEM bundle or its text; certificates are always checked;
    /// - `BUD_PROFILE`, see [`profile`](Self::profile), and `BUD_CONFIG`, another path of the configuration file;
    /// - `~/.bud/config.toml`, as the platform's command line writes it: `api_url`, `api_key`, `timeout`, and `[auth]` with
    ///   `type`, `email`, `password` and `api_key`; also `email`, `password`, `flavor` and `ca_certificate`.
    ///
    /// Without credentials in any of these, the session that `bud auth login` left in `~/.bud/tokens.json` is used. That
    /// file is never written.
    ///
    /// What a file holds is sent to the file's own `api_url` and nowhere else, whatever address is set above it. Likewise
    /// the credentials in the environment, if it names an address. A server is its origin and path: `https://host/a` and
    /// `https://host/b` are two. No file and no `BUD_` variable is read without this method or
    /// [`profile`](Self::profile).
    ///
    /// A variable that is blank counts as unset. The files must not be writable by other users, and must belong to this
    /// user or to root; a default file that cannot be read is ignored.
    pub fn env(mut self) -> Self {
        self.connection.use_env = true;
        self
    }

    /// Keeps the session for later processes, so that they need no login: in `~/.bud/sessions`, in one file per server and
    /// account, readable by its owner alone. It holds tokens, no password. A logout removes it. The password is used only
    /// when there is no session to go on with.
    ///
    /// It is for logins with a password, and without effect for other credentials. A session that cannot be kept is
    /// a warning in the log and no error. Processes may share it: they renew it for each other.
    pub fn remember_session(mut self) -> Self {
        self.remember = true;
        self
    }

    /// A name that is used where the API lacks another.
    pub(crate) fn name_map(mut self, wanted: &str, given: &str) -> Self {
        self.names.push((wanted.to_owned(), given.to_owned()));
        self
    }

    /// What opens API keys that come encrypted.
    #[cfg(feature = "decrypt")]
    pub(crate) fn unlock(mut self, unlock: Arc<dyn Unlock>) -> Self {
        self.unlock = Some(unlock);
        self
    }

    /// Checks everything and makes the client. No request is made yet.
    ///
    /// # Errors
    /// `Config` or `InvalidArgument`, naming what is missing or wrong and where it was set. `Config` for a kept session
    /// that others than its owner could use.
    pub fn build(self) -> Result<Client> {
        let mut checked = self.connection.check()?;
        let start = match checked.provider.take() {
            Some(custom) => Start::from(Source::Custom(custom)),
            None => {
                let keep_in = self.remember.then(|| checked.variables.home());
                Start::configured(&checked.config, &checked.base, keep_in)?
            }
        };
        let flavor = checked.config.flavor(&checked.base).and_then(Flavor::named);
        let channel = Arc::new(checked.channel()?.with_flavor(flavor));
        let (exchange, options) = (Box::new(BudTokens(channel.clone())), checked.options);
        let session = Session::new(exchange, options.clone(), start.source, start.store, start.tokens);
        let connection = Connection { channel, authenticate: Arc::new(session.clone()), options };
        Ok(Client(Arc::new(Inner {
            connection: Arc::new(connection),
            session,
            names: self.names,
            unlock: self.unlock,
        })))
    }
}

/// How a session begins.
struct Start {
    source: Source,
    store: Option<Store>,
    tokens: Option<Tokens>,
}

impl From<Source> for Start {
    fn from(source: Source) -> Self {
        Self { source, store: None, tokens: None }
    }
}

impl Start {
    /// A session is kept for later below `keep_in`, the home folder; `None` within it: there is none.
    fn configured(config: &Config, base: &Url, keep_in: Option<Option<PathBuf>>) -> Result<Self> {
        let given = |source, token| {
            // A token that cannot be sent is found now and not at the first call.
            AuthHeader::bearer(Secret::clone(&token))
                .map_err(|error| Error::config(error.message().to_owned()))?;
            Ok(Self { source, store: None, tokens: Some(resumed(token, None, None)) })
        };
        match config.login(base)? {
            Some(Login::Password { user: email, password }) => {
                let store = keep_in.and_then(|home| store(home, base, &email));
                let tokens = store.as_ref().map(Store::load).transpose()?.flatten();
                Ok(Self { source: Source::Password { email, password }, store, tokens })
            }
            Some(Login::Token(token)) => given(Source::Token, token),
            Some(Login::ApiKey(key)) => given(Source::ApiKey, key),
            None => {
                let left = config.cli_tokens(base)?.ok_or_else(|| config.no_credentials(base))?;
                // Without an access token, an empty one: it is renewed at once.
                let access = left.access_token.unwrap_or_else(|| Secret::from(""));
                let tokens = Some(resumed(access, left.refresh_token, left.expires_at));
                Ok(Self { source: Source::Resumed, store: None, tokens })
            }
        }
    }
}

fn store(home: Option<PathBuf>, base: &Url, email: &str) -> Option<Store> {
    if home.is_none() {
        warn!("the session cannot be kept: there is no home folder");
    }
    home.map(|home| Store::new(&home, base, email))
}

impl fmt::Debug for ClientBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // An address that was not checked yet may hold a password.
        f.debug_struct("ClientBuilder").finish_non_exhaustive()
    }
}
