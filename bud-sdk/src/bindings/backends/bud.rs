//! The Bud platform.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Map, Value};

use crate::bindings::args::{Args, When, named_options};
use crate::bindings::results::read_key;
use crate::bindings::target::Handle;
use crate::bindings::{Backend, Connector, Example, Target, entries};
use crate::bud::{Client, ClientBuilder, Flavor, Role};
use crate::config::Variables;
use crate::error::{Error, Result};
use crate::types::Secret;

named_options! {
    /// The API's address, such as `https://api.bud.example.com`. Tokens go there and nowhere else; plain http is taken for
    /// loopback addresses only.
    base_url: String,
    /// The e-mail address to log in with, at the first call.
    email: String,
    /// The password to log in with.
    password: Secret,
    /// An access token from elsewhere. The client cannot renew it.
    token: Secret,
    /// An API key. Administration routes need a person's login and refuse keys.
    api_key: Secret,
    /// Which API the server speaks: `guide` or `runtime`. Without it the server is asked once.
    flavor: String,
    /// The longest time that a call may take with all its attempts and waiting. 60 seconds.
    timeout: Duration,
    /// The longest time that one attempt may take. 30 seconds.
    attempt_timeout: Duration,
    /// The longest time that opening a connection may take. 10 seconds.
    connect_timeout: Duration,
    /// The largest number of connections in use at a time; further calls wait for a free one, within their deadline.
    /// Default: 100.
    max_connections: u32,
    /// How often a call is tried, the first time included. 3; 1 turns retries off.
    attempts: u32,
    /// Headers that every request carries. Credentials and framing are refused.
    headers: BTreeMap<String, String>,
    /// Certificates to trust beside the platform's own, as the text of a PEM bundle, not its path. Line breaks may be
    /// written as `\n`.
    ca_certificate: String,
    /// Does not use the proxy that `HTTPS_PROXY`, `ALL_PROXY` and `NO_PROXY` describe.
    no_proxy: bool,
    /// Takes plain http for addresses that are not loopback: tokens and passwords are then sent in clear text.
    allow_http: bool,
    /// Reads what is not given here from `BUD_...` variables, and from `~/.bud/config.toml` what is not there.
    env: bool,
    /// Uses `[profiles.NAME]` of the configuration file first; implies `env`.
    profile: String,
    /// Keeps the session for later programs, in `~/.bud/sessions`.
    remember_session: bool,
    /// Which role to give where the API lacks the one that is asked for, by its name. Without this such a role is refused.
    role_map: BTreeMap<String, String>,
    /// The deployment's private key as PEM text. It decrypts the API keys that the runtime API returns.
    deployment_key: Secret,
    /// The password of that key, if it has one.
    deployment_key_password: Secret,
}

pub(super) const BACKEND: Backend = Backend {
    name: "bud",
    class: "Client",
    topic: "",
    about: "A client of one Bud platform",
    docs: "No request is made before the first call, which logs in. Make one client and share it: it holds the connections \
           and the session.",
    example: Example {
        options: &[("base_url", "https://api.bud.example.com"), ("email", ""), ("password", "")],
        call: "users.list",
        args: &[],
        shown: &["email"],
    },
    options: OPTIONS,
    variables: Some("BUD_..."),
    own: "client",
    entries: entries::BUD,
    connector,
};

impl Handle for Client {
    fn base_url(&self) -> Option<&str> {
        Some(Self::base_url(self))
    }
}

impl From<Client> for Target {
    fn from(client: Client) -> Self {
        Self::new(client)
    }
}

fn connector(options: Map<String, Value>, variables: Variables) -> Result<Connector> {
    let given = Given::read(&mut Args::new(options))?;
    Ok(Connector::new(move || built(Client::builder().variables(variables.clone()), given.clone())))
}

fn built(builder: ClientBuilder, given: Given) -> Result<Client> {
    let headers = given.headers.unwrap_or_default();
    let roles = given.role_map.unwrap_or_default();
    let builder = login(builder, given.email, given.password, given.token, given.api_key)?
        .when(given.base_url, ClientBuilder::base_url)
        .when(given.timeout, ClientBuilder::timeout)
        .when(given.attempt_timeout, ClientBuilder::attempt_timeout)
        .when(given.connect_timeout, ClientBuilder::connect_timeout)
        .when(given.max_connections, |builder, most| builder.max_connections(most as usize))
        .when(given.attempts, ClientBuilder::attempts)
        .when(given.ca_certificate, ClientBuilder::ca_certificate)
        .when(given.profile, ClientBuilder::profile)
        .when(given.flavor.as_deref().map(flavor).transpose()?, ClientBuilder::flavor)
        .when(given.no_proxy.filter(|yes| *yes), |builder, _| builder.no_proxy())
        .when(given.allow_http.filter(|yes| *yes), |builder, _| builder.allow_http())
        .when(given.env.filter(|yes| *yes), |builder, _| builder.env())
        .when(given.remember_session.filter(|yes| *yes), |builder, _| builder.remember_session());
    let builder = headers.into_iter().fold(builder, |builder, (name, value)| builder.header(name, value));
    let mapped = |builder: ClientBuilder, (wanted, role): (&String, &String)| {
        builder.role_map(Role::from(wanted.as_str()), Role::from(role.as_str()))
    };
    let builder = roles.iter().fold(builder, mapped);
    match (given.deployment_key, given.deployment_key_password) {
        (Some(pem), password) => builder.deployment_key(read_key(pem.expose(), password)?).build(),
        (None, Some(_)) => {
            Err(Error::invalid("deployment_key_password", "there is no deployment_key for it"))
        }
        (None, None) => builder.build(),
    }
}

fn login(
    builder: ClientBuilder,
    email: Option<String>,
    password: Option<Secret>,
    token: Option<Secret>,
    api_key: Option<Secret>,
) -> Result<ClientBuilder> {
    match (email, password, token, api_key) {
        (None, None, None, None) => Ok(builder),
        (Some(email), Some(password), None, None) => Ok(builder.password(email, password)),
        (None, None, Some(token), None) => Ok(builder.bearer_token(token)),
        (None, None, None, Some(key)) => Ok(builder.api_key(key)),
        (Some(_), None, None, None) => Err(Error::invalid("password", "an email without a password")),
        (None, Some(_), None, None) => Err(Error::invalid("email", "a password without an email")),
        (_, _, Some(_), _) => {
            Err(Error::invalid("token", "give a token, an API key or a password, not two of them"))
        }
        (_, _, _, Some(_)) => Err(Error::invalid("api_key", "give an API key or a password, not both")),
    }
}

fn flavor(name: &str) -> Result<Flavor> {
    Flavor::named(name).ok_or_else(|| Error::invalid("flavor", "it must be guide or runtime"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;

    fn table(variables: &[(&str, &str)]) -> BTreeMap<String, Secret> {
        variables.iter().map(|(name, value)| ((*name).to_owned(), Secret::from(*value))).collect()
    }

    fn from_environment() -> Map<String, Value> {
        [("env".to_owned(), Value::from(true))].into_iter().collect()
    }

    #[test]
    fn variables_that_are_handed_over_take_the_place_of_those_of_the_process() {
        let variables = table(&[("BUD_BASE_URL", "https://api.example.com"), ("BUD_TOKEN", "canary")]);
        assert!(!format!("{:?}", Variables::table(variables.clone())).contains("canary"));
        let connector = BACKEND.connector(from_environment(), Some(variables)).unwrap();
        assert!(!format!("{connector:?}").contains("canary"));
        // As often as it is asked.
        for _ in 0..2 {
            assert_eq!(connector.connect().unwrap().base_url(), Some("https://api.example.com/"));
        }
        // Whatever the process has, also a home folder with a configuration file.
        let error = BACKEND.connector(from_environment(), Some(table(&[]))).unwrap().connect().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Config);
        assert!(error.message().contains("no base URL"), "{error}");
    }
}
