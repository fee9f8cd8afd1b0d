//! What every client is configured by: everything is checked once, when the client is built.

use std::sync::Arc;
use std::time::Duration;

use url::Url;

use crate::auth::TokenProvider;
use crate::config::{Config, Layer, Login, Place, Sourced, Surroundings, Variables, is_loopback};
use crate::error::{Error, Result};
use crate::http::{BackendSpec, Channel, Connector, Options, Policy, ProxySettings, TlsRoots, Transport};

/// The part of a builder that is the same for all services.
pub(crate) struct ConnectionBuilder {
    spec: &'static BackendSpec,
    pub(crate) layer: Layer,
    pub(crate) profile: Option<String>,
    pub(crate) token_provider: Option<Box<dyn TokenProvider>>,
    pub(crate) options: Options,
    pub(crate) connect_timeout: Duration,
    pub(crate) max_connections: usize,
    pub(crate) use_env: bool,
    pub(crate) variables: Variables,
    pub(crate) use_proxy: bool,
    pub(crate) allow_http: bool,
    pub(crate) ca_certificates: Vec<Vec<u8>>,
    pub(crate) transport: Option<(Arc<dyn Transport>, Policy)>,
}

impl ConnectionBuilder {
    pub(crate) fn new(spec: &'static BackendSpec) -> Self {
        Self {
            spec,
            layer: Layer::default(),
            profile: None,
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
        }
    }

    pub(crate) fn login(&mut self, login: Login) {
        self.layer.login = Some(Ok(login));
        self.token_provider = None;
    }

    pub(crate) fn base_url(&mut self, url: String) {
        self.layer.base_url = Some(Sourced::new(url, Place::Builder("base_url")));
    }

    /// Checks the options, and reads the environment and the files if they are asked for.
    pub(crate) fn check(self) -> Result<Checked> {
        let variable = |name: &str| self.variables.get(name);
        let around = Surroundings { variable: &variable, home: self.variables.home() };
        let keys = self.spec.keys;
        let config = match self.use_env {
            true => Config::read(keys, self.layer, self.profile.as_deref(), &around)?,
            false => Config::of_builder(keys, self.layer).beside(&around),
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
        let wire = Wire {
            spec: self.spec,
            connect_timeout: self.connect_timeout,
            connections: self.max_connections,
            use_proxy: self.use_proxy,
            ca_certificates: self.ca_certificates,
            transport: self.transport,
        };
        let (provider, variables) = (self.token_provider, self.variables);
        Ok(Checked { config, base, options, provider, variables, wire })
    }
}

/// A configuration that was checked, before anything is connected.
pub(crate) struct Checked {
    pub(crate) config: Config,
    pub(crate) base: Url,
    pub(crate) options: Options,
    pub(crate) provider: Option<Box<dyn TokenProvider>>,
    pub(crate) variables: Variables,
    wire: Wire,
}

/// What the way to the server is made of.
struct Wire {
    spec: &'static BackendSpec,
    connect_timeout: Duration,
    connections: usize,
    use_proxy: bool,
    ca_certificates: Vec<Vec<u8>>,
    transport: Option<(Arc<dyn Transport>, Policy)>,
}

impl Checked {
    /// The way to the server. No request is made yet.
    pub(crate) fn channel(&mut self) -> Result<Channel> {
        let (base, wire) = (&self.base, &mut self.wire);
        let setting = format!("builder.ca_certificate or {}", wire.spec.keys.ca_certificate.variable());
        let roots = roots(&wire.ca_certificates, &self.config, base, TlsRoots::new(setting))?;
        let secure = base.scheme() == "https";
        // For plain http none is used: it would see the token.
        let proxied = secure && wire.use_proxy && !is_loopback(base);
        let proxy = match proxied {
            true => ProxySettings::from_env(&|name| self.variables.get(name)).for_url(base)?.cloned(),
            false => None,
        };
        let (connect_timeout, connections) = (wire.connect_timeout, wire.connections);
        let connector = Connector { connect_timeout, proxy, roots, secure, connections };
        let (transport, policy) = match wire.transport.take() {
            Some(given) => given,
            None => (Arc::new(connector.build()?) as Arc<dyn Transport>, Policy::default()),
        };
        Ok(Channel::new(wire.spec, base.clone(), transport, policy, connections))
    }
}

/// What the builder was given, else what was configured.
fn roots(given: &[Vec<u8>], config: &Config, base: &Url, mut roots: TlsRoots) -> Result<TlsRoots> {
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

/// The setters that the builders of all clients have; each holds a `ConnectionBuilder` named `connection`.
macro_rules! connection_setters {
    () => {
        /// The address: `https://api.example.com`, with the path under which the service is served, if any. Credentials go there
        /// and nowhere else. Plain http is taken for loopback addresses only.
        pub fn base_url(mut self, url: impl Into<String>) -> Self {
            self.connection.base_url(url.into());
            self
        }

        /// Uses an access token from elsewhere. The client cannot renew it.
        pub fn bearer_token(mut self, token: impl Into<$crate::types::Secret>) -> Self {
            self.connection.login($crate::config::Login::Token(token.into()));
            self
        }

        /// Gets tokens from your own source.
        pub fn token_provider(mut self, provider: impl $crate::auth::TokenProvider) -> Self {
            self.connection.token_provider = Some(Box::new(provider));
            self.connection.layer.login = None;
            self
        }

        /// The longest time that a call may take with all its attempts and waiting. Default: 60 s.
        pub fn timeout(mut self, total: std::time::Duration) -> Self {
            self.connection.layer.timeout = Some(total);
            self
        }

        /// The longest time that one attempt may take. Default: 30 s.
        pub fn attempt_timeout(mut self, attempt: std::time::Duration) -> Self {
            self.connection.options.attempt = Some(attempt);
            self
        }

        /// The longest time that opening a connection may take. Default: 10 s.
        pub fn connect_timeout(mut self, time: std::time::Duration) -> Self {
            self.connection.connect_timeout = time;
            self
        }

        /// The largest number of connections in use at a time; further calls wait for a free one, within their deadline.
        /// Default: 100.
        pub fn max_connections(mut self, connections: usize) -> Self {
            self.connection.max_connections = connections;
            self
        }

        /// How often a call is tried, the first time included; 1 turns retries off. Default: 3.
        pub fn attempts(mut self, attempts: u32) -> Self {
            self.connection.options.attempts = Some(attempts);
            self
        }

        /// Sends a header with every request. Credentials and framing are refused.
        pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
            self.connection.options.headers.push((name.into(), value.into()));
            self
        }

        /// Does not use the proxy that `HTTPS_PROXY`, `ALL_PROXY` and `NO_PROXY` describe. For plain http and for loopback
        /// addresses none is ever used.
        pub fn no_proxy(mut self) -> Self {
            self.connection.use_proxy = false;
            self
        }

        /// Trusts the certificates of this PEM bundle beside the system's own: its text, not its path. Line breaks may be
        /// written as `\n`.
        pub fn ca_certificate(mut self, pem: impl Into<Vec<u8>>) -> Self {
            self.connection.ca_certificates.push(pem.into());
            self
        }

        /// Takes plain http for addresses that are not loopback: credentials are then sent in clear text.
        pub fn allow_http(mut self) -> Self {
            self.connection.allow_http = true;
            self
        }

        /// Uses `[profiles.NAME]` of the configuration file before the rest of the file; it has the same keys. Implies
        /// [`env`](Self::env).
        pub fn profile(mut self, name: impl Into<String>) -> Self {
            self.connection.profile = Some(name.into());
            self.env()
        }

        /// Sends requests by this instead of over the network, and retries by this policy.
        #[cfg(feature = "testing")]
        pub(crate) fn transport(
            mut self,
            transport: std::sync::Arc<dyn $crate::http::Transport>,
            policy: $crate::http::Policy,
        ) -> Self {
            self.connection.transport = Some((transport, policy));
            self
        }

        /// Uses these in place of the process's variables: for `env`, the home folder and what else reads variables.
        #[cfg(feature = "bindings")]
        pub(crate) fn variables(mut self, variables: $crate::config::Variables) -> Self {
            self.connection.variables = variables;
            self
        }
    };
}
pub(crate) use connection_setters;
