//! What clients of all services beside the platform are made of.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Map, Value};

use crate::bindings::args::{Args, When, named_options};
use crate::bindings::target::Handle;
use crate::bindings::{Arg, Connector};
use crate::config::Variables;
use crate::error::{Error, Result};
use crate::monitoring::ServiceBuilder;
use crate::types::Secret;

named_options! {
    /// The address, with the path under which the service is served, if any. Credentials go there and nowhere else; plain http is
    /// taken for loopback addresses only.
    base_url: String,
    /// The user name for a service, or a proxy in front of it, that asks for one (HTTP Basic).
    username: String,
    /// The password that belongs to it.
    password: Secret,
    /// A bearer token. It cannot be renewed.
    token: Secret,
    /// The longest time that a call may take with all its attempts and waiting. Default: 60 seconds.
    timeout: Duration,
    /// The longest time that one attempt may take. Default: 30 seconds.
    attempt_timeout: Duration,
    /// The longest time that opening a connection may take. Default: 10 seconds.
    connect_timeout: Duration,
    /// The largest number of connections in use at a time; further calls wait for a free one, within their deadline.
    /// Default: 100.
    max_connections: u32,
    /// How often a call is tried, the first time included; 1 turns retries off. Default: 3.
    attempts: u32,
    /// Headers that every request carries, such as that of a tenant. Credentials and framing are refused.
    headers: BTreeMap<String, String>,
    /// Certificates to trust beside the system's own, as the text of a PEM bundle, not its path. Line breaks may be written as
    /// `\n`.
    ca_certificate: String,
    /// Does not use the proxy that `HTTPS_PROXY`, `ALL_PROXY` and `NO_PROXY` describe.
    no_proxy: bool,
    /// Takes plain http for addresses that are not loopback: credentials are then sent in clear text.
    allow_http: bool,
    /// Reads what is not given here from the service's `BUD_...` variables, and from its table in `~/.bud/config.toml` what is not
    /// there.
    env: bool,
    /// Uses the service's table in `[profiles.NAME]` of the configuration file first; implies `env`.
    profile: String,
}

pub(super) const SERVICE_OPTIONS: &[Arg] = OPTIONS;

/// Reads the options of a service, of which this is the builder.
pub(super) fn connector<S: Handle>(
    builder: fn() -> ServiceBuilder<S>,
    options: Map<String, Value>,
    variables: Variables,
) -> Result<Connector> {
    let given = Given::read(&mut Args::new(options))?;
    Ok(Connector::new(move || built(builder().variables(variables.clone()), given.clone())))
}

fn built<S>(builder: ServiceBuilder<S>, given: Given) -> Result<S> {
    let headers = given.headers.unwrap_or_default();
    let builder = match (given.username, given.password, given.token) {
        (None, None, None) => builder,
        (Some(username), Some(password), None) => builder.basic_auth(username, password),
        (None, None, Some(token)) => builder.bearer_token(token),
        (Some(_), None, None) => return Err(Error::invalid("password", "a user name without a password")),
        (None, Some(_), None) => return Err(Error::invalid("username", "a password without a user name")),
        (_, _, Some(_)) => return Err(Error::invalid("token", "give a token or a password, not both")),
    };
    let builder = builder
        .when(given.base_url, ServiceBuilder::base_url)
        .when(given.timeout, ServiceBuilder::timeout)
        .when(given.attempt_timeout, ServiceBuilder::attempt_timeout)
        .when(given.connect_timeout, ServiceBuilder::connect_timeout)
        .when(given.max_connections, |builder, most| builder.max_connections(most as usize))
        .when(given.attempts, ServiceBuilder::attempts)
        .when(given.ca_certificate, ServiceBuilder::ca_certificate)
        .when(given.profile, ServiceBuilder::profile)
        .when(given.no_proxy.filter(|yes| *yes), |builder, _| builder.no_proxy())
        .when(given.allow_http.filter(|yes| *yes), |builder, _| builder.allow_http())
        .when(given.env.filter(|yes| *yes), |builder, _| builder.env());
    headers.into_iter().fold(builder, |builder, (name, value)| builder.header(name, value)).build()
}
