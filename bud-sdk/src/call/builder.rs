//! The builder: everything is checked once, when the client is built.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tracing::warn;
use url::Url;

use crate::auth::{Session, Source, Store, TokenProvider, Tokens, resumed};
use crate::config::{Config, Layer, Login, Place, Sourced, Surroundings, Variables, is_loopback};
use crate::error::{Error, Result};
use crate::http::{Channel, Connector, Options, Platform, Policy, ProxySettings, TlsRoots, Token, Transport};
use crate::operation::Flavor;
use crate::types::Secret;

use super::client::Inner;
use super::{Client, Unlock};

/// Configures a [`Client`]. What is set here wins over the environment, and that over the configuration file; see
/// [`env`](Self::env).
#[must_use = "call build() to get a client"]
pub struct ClientBuilder {
    layer: Layer,
    profile: Option<String>,
    remember: bool,
    token_provider: Option<Box<dyn TokenProvider>>,
    options: Options,
    connect_timeout: Duration,
    max_connections: usize,
    use_env: bool,
    variables: Variables,
    use_proxy: bool,
    allow_http: bool,
    ca_certificates: Vec<Vec<u8>>,
    transport: Option<(Arc<dyn Transport>, Policy)>,
    names: Vec<(String, String)>,
    unlock: Option<Arc<dyn Unlock>>,
}

impl ClientBuilder {
    pub(super) fn new() -> Self {
        Self {
            layer: Layer::default(),
            profile: None,
            remember: false,
            token_provider: None,
            options: Options::default(),
            connect_timeout: Duration::from_secs(10),
            max_connections: Channel::CONNECTIONS,
            use_env: false,
            variables: Variables::default(),
            use_proxy: true,
            allow_http: false,
            ca_certificates: Vec::new(),
            transport: None,
            names: Vec::new(),
            unlock: None,
        }
    }

    /// The API's address: `https://api.bud.example.com`, with the path under which it is served, if any.
    /// Tokens go there and nowhere else. Plain http is taken for loopback addresses only.
    pub fn base_url(mut self, url: impl Into<String>) -> Self {
        self.layer.base_url = Some(Sourced::new(url.into(), Place::Builder("base_url")));
        self
    }

    /// Logs in with e-mail and password at the first call, and renews the session by itself.
    pub fn password(self, email: impl Into<String>, password: impl Into<Secret>) -> Self {
        self.login(Login::Password { email: email.into(), password: password.into() })
    }

    /// Uses an access token that somebody else obtained. It cannot be renewed.
    pub fn bearer_token(self, token: impl Into<Secret>) -> Self {
        self.login(Login::Token(token.into()))
    }

    /// Uses an API key. The platform's administration routes need a person's login and refuse keys.
    pub fn api_key(self, key: impl Into<Secret>) -> Self {
        self.login(Login::ApiKey(key.into()))
    }

    /// Gets tokens from your own source.
    pub fn token_provider(mut self, provider: impl TokenProvider) -> Self {
        self.token_provider = Some(Box::new(provider));
        self.layer.login = None;
        self
    }

    fn login(mut self, login: Login) -> Self {
        self.layer.login = Some(Ok(login));
        self.token_provider = None;
        self
    }

    /// Which API the server speaks. Without it the server is asked once, by a request that changes nothing.
    pub fn flavor(mut self, flavor: Flavor) -> Self {
        self.layer.flavor = Some(flavor);
        self
    }

    /// The longest time that a call may take with all its attempts and waiting. 60 seconds.
    pub fn timeout(mut self, total: Duration) -> Self {
        self.layer.timeout = Some(total);
        self
    }

    /// The longest time that one attempt may take. 30 seconds.
    pub fn attempt_timeout(mut self, attempt: Duration) -> Self {
        self.options.attempt = Some(attempt);
        self
    }

    /// The longest time that opening a connection may take. 10 seconds.
    pub fn connect_timeout(mut self, time: Duration) -> Self {
        self.connect_timeout = time;
        self
    }

    /// The largest number of connections in use at a time; further calls wait for a free one, within their deadline.
    /// Default: 100.
    pub fn max_connections(mut self, connections: usize) -> Self {
        self.max_connections = connections;
        self
    }

    /// How often a call is tried, the first time included. 3; 1 turns retries off.
    pub fn attempts(mut self, attempts: u32) -> Self {
        self.options.attempts = Some(attempts);
        self
    }

    /// Sends a header with every request. Credentials and framing are refused.
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.options.headers.push((name.into(), value.into()));
        self
    }

    /// Does not use the proxy that `HTTPS_PROXY`, `ALL_PROXY` and `NO_PROXY` describe. For plain http and for loopback
    /// addresses none is ever used.
    pub fn no_proxy(mut self) -> Self {
        self.use_proxy = false;
        self
    }

    /// Trusts the certificates of this PEM bundle beside the platform's own: its text, not its path. Line breaks may be
    /// written as `\n`.
    pub fn ca_certificate(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.ca_certificates.push(pem.into());
        self
    }

    /// Takes plain http for addresses that are not loopback: tokens and passwords are then sent in clear text.
    pub fn allow_http(mut self) -> Self {
        self.allow_http = true;
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
        self.use_env = true;
        self
    }

    /// Uses `[profiles.NAME]` of the configuration file before the rest of the file; it has the same keys. Implies
    /// [`env`](Self::env).
    pub fn profile(mut self, name: impl Into<String>) -> Self {
        self.profile = Some(name.into());
        self.env()
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

    /// Sends requests by this instead of over the network, and retries by this policy.
    #[cfg(feature = "testing")]
    pub(crate) fn transport(mut self, transport: Arc<dyn Transport>, policy: Policy) -> Self {
        self.transport = Some((transport, policy));
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

    /// Uses these in place of the process's variables: for `env`, the home folder and what else reads variables.
    #[cfg(feature = "bindings")]
    pub(crate) fn variables(mut self, variables: Variables) -> Self {
        self.variables = variables;
        self
    }

    /// Checks everything and makes the client. No request is made yet.
    ///
    /// # Errors
    /// `Config` or `InvalidArgument`, naming what is missing or wrong and where it was set. `Config` for a kept session
    /// that others than its owner could use.
    pub fn build(self) -> Result<Client> {
        let variable = |name: &str| self.variables.get(name);
        let around = Surroundings { variable: &variable, home: self.variables.home() };
        let config = match self.use_env {
            true => Config::read(self.layer, self.profile.as_deref(), &around)?,
            false => Config::of_builder(self.layer).beside(&around),
        };
        let base = config.base_url(self.allow_http)?;
        config.check_verify(&base)?;
        let options = Options { total: config.timeout(), ..self.options };
        options.check()?;
        if self.connect_timeout.is_zero() {
            return Err(Error::invalid("connect_timeout", "it must be more than zero"));
        }
        if !(1..=10_000).contains(&self.max_connections) {
            return Err(Error::invalid("max_connections", "it must be from 1 to 10,000"));
        }
        let start = match self.token_provider {
            Some(custom) => Start::from(Source::Custom(custom)),
            None => Start::configured(&config, &base, self.remember.then(|| self.variables.home()))?,
        };
        let roots = roots(&self.ca_certificates, &config, &base)?;
        let flavor = config.flavor(&base);
        let secure = base.scheme() == "https";
        // For plain http none is used: it would see the token.
        let proxied = secure && self.use_proxy && !is_loopback(&base);
        let proxy = match proxied {
            true => ProxySettings::from_env(&|name| self.variables.get(name)).for_url(&base)?.cloned(),
            false => None,
        };
        let (connect_timeout, connections) = (self.connect_timeout, self.max_connections);
        let connector = Connector { connect_timeout, proxy, roots, secure, connections };
        let (transport, policy) = match self.transport {
            Some(given) => given,
            None => (Arc::new(connector.build()?) as Arc<dyn Transport>, Policy::default()),
        };
        let channel = Channel::new(base, transport, policy, connections);
        let platform = Arc::new(Platform::new(channel, flavor));
        let session =
            Session::new(platform.clone(), options.clone(), start.source, start.store, start.tokens);
        Ok(Client(Arc::new(Inner {
            platform,
            session,
            options,
            operations: crate::operations::all(),
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
            Token::bearer(Secret::clone(&token))
                .map_err(|error| Error::config(error.message().to_owned()))?;
            Ok(Self { source, store: None, tokens: Some(resumed(token, None, None)) })
        };
        match config.login(base)? {
            Some(Login::Password { email, password }) => {
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

/// What the builder was given, else what was configured.
fn roots(given: &[Vec<u8>], config: &Config, base: &Url) -> Result<TlsRoots> {
    let mut roots = TlsRoots::default();
    for pem in given {
        roots.add_pem(&Place::Builder("ca_certificate").to_string(), pem)?;
    }
    if given.is_empty()
        && let Some(bundle) = config.ca_certificate(base)?
    {
        roots.add_pem(&bundle.place.to_string(), &bundle.value)?;
    }
    Ok(roots)
}

impl fmt::Debug for ClientBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // An address that was not checked yet may hold a password.
        f.debug_struct("ClientBuilder").finish_non_exhaustive()
    }
}
