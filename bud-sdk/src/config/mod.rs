//! Plain data from the builder, the environment and files; every value knows where it was set.
//!
//! Each service has names of its own ([`keys`]); these are those of the Bud API. A service beside it has `BUD_NAME_URL`, `_TOKEN`,
//! `_USERNAME`, `_PASSWORD`, `_TIMEOUT` and `_CA_CERTIFICATE`, and the table of its name in the file and in each profile, with the
//! keys `url`, `token` and so on. What is configured for one service is never used for another.
//!
//! A value is taken from the first of these layers that has it:
//!
//! 1. the builder;
//! 2. the environment: `BUD_BASE_URL` (or `BUD_API_URL`); `BUD_API_KEY`, `BUD_TOKEN`, or `BUD_EMAIL` with
//!    `BUD_PASSWORD`; `BUD_API_FLAVOR`, `BUD_TIMEOUT`, `BUD_CA_CERTIFICATE`, `BUD_VERIFY_SSL`;
//! 3. `[profiles.NAME]` of the configuration file, NAME from the builder or `BUD_PROFILE`;
//! 4. the flat keys of that file: `api_url`, `api_key`, `timeout`, `verify_ssl` and `[auth]`, as the platform's command
//!    line writes them, and `email`, `password`, `flavor` and `ca_certificate`. A profile has the same keys. Others are
//!    ignored.
//!
//! The file is `~/.bud/config.toml`, or what `BUD_CONFIG` names. Layers 2 to 4 are read only on request (`builder.env`).
//! Without credentials anywhere, the session of the command line in `~/.bud/tokens.json` is used.
//!
//! A variable that is set to nothing but blanks counts as unset. A default file that cannot be read counts as absent; one
//! that another user owns or may write is refused.
//!
//! What a layer says of a server (credentials, flavor, certificates) holds for the server that the layer names: its
//! origin and path. The
//! environment may leave that open; what a file says is used for the file's own `api_url` and nowhere else. So no
//! password or token is sent to an address that was put before the one that it was kept for.

mod address;
mod env;
mod file;
mod keys;
mod login;
mod owner;
mod pem;
#[cfg(test)]
mod tests;
mod tokens;

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use url::Url;

use crate::error::{Error, Result};
use crate::types::Secret;

use address::check_base_url;
pub(crate) use address::{is_loopback, server};
#[cfg(any(unix, feature = "kubernetes"))]
pub(crate) use env::home;
pub(crate) use env::{Surroundings, Variables};
#[cfg(any(test, feature = "monitoring"))]
pub(crate) use keys::service_keys;
pub(crate) use keys::{Key, Keys};
pub(crate) use login::Login;
#[cfg(unix)]
pub(crate) use owner::own_uid;
pub(crate) use pem::pem_text;
use tokens::CliTokens;

/// Where a value was set: named in errors, so that a person knows what to change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Place {
    Builder(&'static str),
    Environment(&'static str),
    File { path: Arc<Path>, key: String },
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Builder(method) => write!(f, "builder.{method}"),
            Self::Environment(variable) => write!(f, "the environment variable {variable}"),
            Self::File { path, key } => write!(f, "`{key}` in {}", path.display()),
        }
    }
}

/// A value and its place.
#[derive(Debug, Clone)]
pub(crate) struct Sourced<T> {
    pub(crate) value: T,
    pub(crate) place: Place,
}

impl<T> Sourced<T> {
    pub(crate) fn new(value: T, place: Place) -> Self {
        Self { value, place }
    }
}

/// Certificates to trust.
#[derive(Debug, Clone)]
enum Bundle {
    File(PathBuf),
    /// PEM text in the place of a path.
    Text(Secret),
}

/// What one layer says.
#[derive(Debug, Clone, Default)]
pub(crate) struct Layer {
    pub(crate) base_url: Option<Sourced<String>>,
    /// The error is for those who would use them.
    pub(crate) login: Option<Result<Login>>,
    pub(crate) flavor: Option<Sourced<String>>,
    pub(crate) timeout: Option<Duration>,
    verify: Option<Sourced<bool>>,
    ca_certificate: Option<Sourced<Bundle>>,
    file: Option<Arc<Path>>,
}

impl Layer {
    /// Whether what it says of a server holds for this one.
    fn speaks_of(&self, base: &Url) -> bool {
        match &self.base_url {
            Some(own) => address::same_server(&own.value, base),
            None => self.file.is_none(),
        }
    }
}

/// Everything that was configured of one service, the strongest layer first.
#[derive(Debug, Clone)]
pub(crate) struct Config {
    keys: &'static Keys,
    layers: Vec<Layer>,
    /// The tokens of the command line, and the address in the file beside them.
    tokens: Option<(PathBuf, String)>,
    /// What the environment holds that the program did not ask for.
    unread: Unread,
}

/// What stands in the environment of a program that does not read it: named in errors, and not used.
#[derive(Debug, Clone, Default)]
struct Unread {
    address: Option<&'static str>,
    credentials: Option<String>,
}

impl Config {
    /// Nothing but what the program itself has set.
    pub(crate) fn of_builder(keys: &'static Keys, mut builder: Layer) -> Self {
        let wrong = |part, why| login::in_builder(keys, part, why);
        builder.login = builder.login.map(|login| login.and_then(|login| login.checked(wrong)));
        Self { keys, layers: vec![builder], tokens: None, unread: Unread::default() }
    }

    /// Notes which variables would help a program that does not read them.
    pub(crate) fn beside(mut self, around: &Surroundings<'_>) -> Self {
        self.unread =
            Unread { address: around.address(self.keys), credentials: around.credentials(self.keys) };
        self
    }

    /// All layers.
    pub(crate) fn read(
        keys: &'static Keys,
        builder: Layer,
        profile: Option<&str>,
        around: &Surroundings<'_>,
    ) -> Result<Self> {
        let mut config = Self::of_builder(keys, builder);
        config.layers.push(around.layer(keys)?);
        let profile = match profile {
            Some(name) => Some(Sourced::new(name.to_owned(), Place::Builder("profile"))),
            None => around.text("BUD_PROFILE")?,
        };
        let folder = around.home.as_ref().map(|home| home.join(".bud"));
        match (around.path("BUD_CONFIG"), folder) {
            (Some(named), _) => {
                let bytes = file::read_named(&named.value, &named.place, file::Trust::Owner)?;
                config.layers.extend(file::layers(keys, &named.value, Some(bytes), profile.as_ref())?);
            }
            (None, Some(folder)) => {
                let path = folder.join("config.toml");
                let layers = file::layers(keys, &path, file::read_default(&path)?, profile.as_ref())?;
                let flat = layers.last().filter(|_| keys.command_line);
                let address = flat.and_then(|flat| flat.base_url.clone());
                config.tokens = address.map(|address| (folder.join("tokens.json"), address.value));
                config.layers.extend(layers);
            }
            (None, None) => {
                if let Some(profile) = profile {
                    return Err(Error::config(format!(
                        "{} names a profile, but there is no home folder with a configuration file",
                        profile.place
                    ))
                    .with_hint("set BUD_CONFIG"));
                }
            }
        }
        Ok(config)
    }

    /// The address in use, checked.
    pub(crate) fn base_url(&self, allow_http: bool) -> Result<Url> {
        let given = self.layers.iter().find_map(|layer| layer.base_url.as_ref());
        let given = given.ok_or_else(|| {
            Error::config("no base URL").with_hint(match self.unread.address {
                Some(variable) => {
                    format!("{variable} is set, but not read: use builder.env, or builder.base_url")
                }
                None => {
                    format!("use builder.base_url, or builder.env with {}", self.keys.url.variable())
                }
            })
        })?;
        check_base_url(given, allow_http)
    }

    fn about<'a>(&'a self, base: &'a Url) -> impl Iterator<Item = &'a Layer> {
        self.layers.iter().filter(move |layer| layer.speaks_of(base))
    }

    /// The credentials for that address.
    pub(crate) fn login(&self, base: &Url) -> Result<Option<Login>> {
        self.about(base).find_map(|layer| layer.login.clone()).transpose()
    }

    /// The session of the command line, if it is one with that address.
    pub(crate) fn cli_tokens(&self, base: &Url) -> Result<Option<CliTokens>> {
        match &self.tokens {
            Some((path, address)) if address::same_server(address, base) => tokens::read(path),
            _ => Ok(None),
        }
    }

    /// What to do without credentials.
    pub(crate) fn no_credentials(&self, base: &Url) -> Error {
        let withheld = self.layers.iter().find(|layer| layer.login.is_some() && !layer.speaks_of(base));
        let Some(layer) = withheld else {
            return Error::config("no credentials").with_hint(match &self.unread.credentials {
                Some(set) => format!(
                    "{set} set, but not read: use builder.env to send them to this address, or give others by \
                     builder.password, builder.bearer_token or builder.api_key"
                ),
                None => "use builder.password, builder.bearer_token or builder.api_key, or builder.env with BUD_EMAIL \
                         and BUD_PASSWORD"
                    .to_owned(),
            });
        };
        let place = match &layer.file {
            Some(path) => path.display().to_string(),
            None => "the environment".to_owned(),
        };
        Error::config(format!("no credentials for this server: those in {place} are not for its address"))
            .with_hint("credentials are only sent to the address that is set beside them")
    }

    /// The name of the API that the server speaks, checked.
    pub(crate) fn flavor<'a>(&'a self, base: &'a Url) -> Option<&'a str> {
        self.about(base).find_map(|layer| layer.flavor.as_ref()).map(|flavor| flavor.value.as_str())
    }

    pub(crate) fn timeout(&self) -> Option<Duration> {
        self.layers.iter().find_map(|layer| layer.timeout)
    }

    /// Refuses to be told not to check certificates.
    pub(crate) fn check_verify(&self, base: &Url) -> Result<()> {
        match self.about(base).find_map(|layer| layer.verify.as_ref()) {
            Some(Sourced { value: false, place }) => Err(always_checked(place)),
            _ => Ok(()),
        }
    }

    /// The PEM bundle to trust, read.
    pub(crate) fn ca_certificate(&self, base: &Url) -> Result<Option<Sourced<Vec<u8>>>> {
        let named = self.about(base).find_map(|layer| layer.ca_certificate.as_ref());
        let Some(Sourced { value, place }) = named else { return Ok(None) };
        let pem = match value {
            Bundle::File(path) => file::read_named(path, place, file::Trust::Anyone)?,
            Bundle::Text(text) => text.expose().as_bytes().to_vec(),
        };
        Ok(Some(Sourced::new(pem, place.clone())))
    }
}

fn always_checked(place: &Place) -> Error {
    Error::config(format!("{place}: certificates are always checked")).with_hint(
        "trust your own authority instead: BUD_CA_CERTIFICATE, the path of a PEM bundle, or builder.ca_certificate",
    )
}

/// Names the value and what it should be, never what it is.
fn wrong(place: &Place, expected: &str) -> Error {
    Error::config(format!("{place} must be {expected}"))
}

fn flavor(keys: &Keys, name: Sourced<String>) -> Result<Sourced<String>> {
    if keys.flavors.contains(&name.value.as_str()) {
        return Ok(name);
    }
    Err(wrong(&name.place, &keys.flavors.join(" or ")))
}

/// Beyond a year, clock arithmetic could overflow.
fn seconds(number: Option<f64>, place: &Place) -> Result<Duration> {
    let fits = number.filter(|seconds| *seconds > 0.0 && *seconds <= 365.0 * 86_400.0);
    let time =
        fits.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok()).filter(|time| !time.is_zero());
    time.ok_or_else(|| wrong(place, "a number of seconds above 0, and at most a year"))
}
