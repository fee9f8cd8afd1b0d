//! The builder: everything is checked once, when the client is built.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::api::Flavor;
use crate::auth::{Credentials, Session, Source};
use crate::config::{Config, Login, Origin, Sourced, check_base_url};
use crate::error::{Error, Result};
use crate::pipeline::{Channel, Connector, Options, Platform, Policy, TlsRoots, Token};
use crate::types::Secret;

use super::{Client, Inner};

/// Configures a [`Client`]. What is set here wins over the environment.
#[must_use = "call build() to get a client"]
pub struct ClientBuilder {
    config: Config,
    credentials: Option<Box<dyn Credentials>>,
    options: Options,
    connect_timeout: Duration,
    use_env: bool,
    use_proxy: bool,
    allow_http: bool,
    ca_certificates: Vec<Vec<u8>>,
}

impl ClientBuilder {
    pub(super) fn new() -> Self {
        Self {
            config: Config::default(),
            credentials: None,
            options: Options::default(),
            connect_timeout: Duration::from_secs(10),
            use_env: false,
            use_proxy: true,
            allow_http: false,
            ca_certificates: Vec::new(),
        }
    }

    /// The API's address: `https://api.bud.example.com`, with the path under which it is served, if any.
    /// Tokens go there and nowhere else. Plain http is taken for loopback addresses only.
    pub fn base_url(mut self, url: impl Into<String>) -> Self {
        self.config.base_url = Some(Sourced { value: url.into(), origin: Origin::Builder("base_url") });
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
    pub fn credentials(mut self, credentials: impl Credentials) -> Self {
        self.credentials = Some(Box::new(credentials));
        self.config.login = None;
        self
    }

    fn login(mut self, login: Login) -> Self {
        self.config.login = Some(login);
        self.credentials = None;
        self
    }

    /// Which API the server speaks. Without it the server is asked once, by a request that changes nothing.
    pub fn flavor(mut self, flavor: Flavor) -> Self {
        self.config.flavor = Some(flavor);
        self
    }

    /// The longest time that a call may take with all its attempts and waiting. 60 seconds.
    pub fn timeout(mut self, total: Duration) -> Self {
        self.config.timeout = Some(total);
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

    /// Does not use the proxy that `HTTPS_PROXY`, `ALL_PROXY` and `NO_PROXY` describe. For plain http none is ever used:
    /// it would see the token.
    pub fn no_proxy(mut self) -> Self {
        self.use_proxy = false;
        self
    }

    /// Trusts the certificates of this PEM bundle beside the platform's own.
    pub fn ca_certificate(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.ca_certificates.push(pem.into());
        self
    }

    /// Takes plain http for addresses that are not loopback: tokens and passwords are then sent in clear text.
    pub fn allow_http(mut self) -> Self {
        self.allow_http = true;
        self
    }

    /// Reads what was not set from the environment; see [`Client::from_env`].
    pub fn env(mut self) -> Self {
        self.use_env = true;
        self
    }

    /// Checks everything and makes the client. No request is made yet.
    ///
    /// # Errors
    /// `Config` or `InvalidArgument`, naming what is missing or wrong and where it was set.
    pub fn build(self) -> Result<Client> {
        let mut config = self.config;
        if self.use_env {
            let env = Config::from_env(|name| std::env::var(name).ok())?;
            config.base_url = config.base_url.or(env.base_url);
            if self.credentials.is_none() {
                config.login = config.login.or(env.login);
            }
            config.flavor = config.flavor.or(env.flavor);
            config.timeout = config.timeout.or(env.timeout);
        }
        let base = config.base_url.ok_or_else(|| {
            Error::config("no base URL").with_hint("call builder.base_url, or set BUD_BASE_URL")
        })?;
        let base = check_base_url(&base, self.allow_http)?;
        let options = Options { total: config.timeout, ..self.options };
        options.check()?;
        if self.connect_timeout.is_zero() {
            return Err(Error::invalid("connect_timeout", "it must be more than zero"));
        }
        let mut roots = TlsRoots::default();
        for pem in &self.ca_certificates {
            roots.add_pem(pem)?;
        }
        let use_proxy = self.use_proxy && base.scheme() == "https";
        let connector = Connector { connect_timeout: self.connect_timeout, use_proxy, roots };
        let channel = Channel::new(base, Arc::new(connector.build()?), Policy::default());
        let platform = Arc::new(Platform::new(channel, config.flavor));
        let session = match (self.credentials, config.login) {
            (Some(custom), _) => Session::new(platform.clone(), options.clone(), Source::Custom(custom)),
            (None, Some(Login::Password { email, password })) => {
                Session::new(platform.clone(), options.clone(), Source::Password { email, password })
            }
            (None, Some(Login::Token(token))) => {
                Session::with_token(platform.clone(), options.clone(), Source::Token, usable(token)?)
            }
            (None, Some(Login::ApiKey(key))) => {
                Session::with_token(platform.clone(), options.clone(), Source::ApiKey, usable(key)?)
            }
            (None, None) => {
                return Err(Error::config("no credentials").with_hint(
                    "call builder.password, bearer_token, api_key or credentials, or set BUD_EMAIL and BUD_PASSWORD",
                ));
            }
        };
        Ok(Client(Arc::new(Inner { platform, session, options, operations: crate::operations() })))
    }
}

fn usable(token: Secret) -> Result<Token> {
    Token::bearer(token).map_err(|error| Error::config(error.message().to_owned()))
}

impl fmt::Debug for ClientBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientBuilder").field("config", &self.config).finish_non_exhaustive()
    }
}
