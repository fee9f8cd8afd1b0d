//! Plain data from the builder and the environment; every value knows where it came from.

use std::fmt;
use std::time::Duration;

use url::{Host, Url};

use crate::api::Flavor;
use crate::error::{Error, Result};
use crate::types::Secret;

/// Where a value came from: named in errors, so that a person knows what to change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Origin {
    Builder(&'static str),
    Environment(&'static str),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Builder(method) => write!(f, "builder.{method}"),
            Self::Environment(variable) => write!(f, "the environment variable {variable}"),
        }
    }
}

/// A value and its origin.
#[derive(Debug, Clone)]
pub(crate) struct Sourced<T> {
    pub(crate) value: T,
    pub(crate) origin: Origin,
}

/// Credentials as configured.
#[derive(Debug, Clone)]
pub(crate) enum Login {
    Password { email: String, password: Secret },
    Token(Secret),
    ApiKey(Secret),
}

/// Everything that can be configured from outside the program.
#[derive(Debug, Clone, Default)]
pub(crate) struct Config {
    pub(crate) base_url: Option<Sourced<String>>,
    pub(crate) login: Option<Login>,
    pub(crate) flavor: Option<Flavor>,
    pub(crate) timeout: Option<Duration>,
}

impl Config {
    /// Reads the environment; `variable` is `std::env::var`, or a table in tests.
    pub(crate) fn from_env(variable: impl Fn(&str) -> Option<String>) -> Result<Self> {
        let named = |name: &'static str| {
            variable(name).map(|value| Sourced { value, origin: Origin::Environment(name) })
        };
        if variable("BUD_VERIFY_SSL").is_some_and(|value| !matches!(value.trim(), "1" | "true" | "yes")) {
            return Err(Error::config("BUD_VERIFY_SSL: certificates are always checked")
                .with_hint("trust your own authority with builder.ca_certificate instead"));
        }
        let base_url = named("BUD_BASE_URL").or_else(|| named("BUD_API_URL"));
        let flavor = named("BUD_API_FLAVOR").map(|flavor| match flavor.value.as_str() {
            "guide" => Ok(Flavor::Guide),
            "runtime" => Ok(Flavor::Runtime),
            _ => Err(wrong(&flavor.origin, "guide or runtime")),
        });
        let timeout = named("BUD_TIMEOUT").map(|timeout| {
            let seconds = timeout.value.trim().parse().ok().filter(|seconds| *seconds > 0.0);
            let time = seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
            time.ok_or_else(|| wrong(&timeout.origin, "a number of seconds above 0"))
        });
        Ok(Self {
            base_url,
            login: login(&named)?,
            flavor: flavor.transpose()?,
            timeout: timeout.transpose()?,
        })
    }
}

fn login(named: &impl Fn(&'static str) -> Option<Sourced<String>>) -> Result<Option<Login>> {
    let full = |name| {
        named(name)
            .map(|found| {
                if found.value.is_empty() { Err(wrong(&found.origin, "not empty")) } else { Ok(found.value) }
            })
            .transpose()
    };
    if let Some(key) = full("BUD_API_KEY")? {
        return Ok(Some(Login::ApiKey(key.into())));
    }
    if let Some(token) = full("BUD_TOKEN")? {
        return Ok(Some(Login::Token(token.into())));
    }
    match (full("BUD_EMAIL")?, full("BUD_PASSWORD")?) {
        (Some(email), Some(password)) => Ok(Some(Login::Password { email, password: password.into() })),
        (Some(_), None) => Err(Error::config("BUD_EMAIL is set, but BUD_PASSWORD is not")),
        (None, Some(_)) => Err(Error::config("BUD_PASSWORD is set, but BUD_EMAIL is not")),
        (None, None) => Ok(None),
    }
}

/// Names the value and what it should be, never what it is.
fn wrong(origin: &Origin, expected: &str) -> Error {
    Error::config(format!("{origin} must be {expected}"))
}

/// Checks a base URL: an address and a path, nothing that could carry a secret, and no clear text over a network.
pub(crate) fn check_base_url(given: &Sourced<String>, allow_http: bool) -> Result<Url> {
    let wrong = |why: &str| Err(Error::config(format!("{}: {why}", given.origin)));
    let Ok(url) = Url::parse(given.value.trim()) else {
        return wrong("not a URL such as https://api.bud.example.com");
    };
    if !url.username().is_empty() || url.password().is_some() {
        return wrong("it holds a user name or password; credentials are given separately");
    }
    if url.query().is_some() || url.fragment().is_some() {
        return wrong("it has a query or fragment");
    }
    match url.scheme() {
        "https" => {}
        "http" if allow_http || is_loopback(&url) => {}
        "http" => return wrong("http would send tokens in clear text; use https (or builder.allow_http)"),
        _ => return wrong("the scheme must be https"),
    }
    if url.host_str().is_none_or(str::is_empty) {
        return wrong("it names no host");
    }
    Ok(url)
}

pub(crate) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn env(pairs: &[(&str, &str)]) -> Result<Config> {
        Config::from_env(|name| {
            pairs.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn reads_the_environment() {
        let config =
            env(&[("BUD_API_URL", "https://a"), ("BUD_API_FLAVOR", "runtime"), ("BUD_TIMEOUT", "1.5")])
                .unwrap();
        assert_eq!(config.base_url.unwrap().value, "https://a");
        assert_eq!(config.flavor, Some(Flavor::Runtime));
        assert_eq!(config.timeout, Some(Duration::from_millis(1500)));
        assert!(matches!(env(&[("BUD_API_KEY", "k")]).unwrap().login, Some(Login::ApiKey(_))));
        assert_eq!(
            env(&[("BUD_BASE_URL", "https://b"), ("BUD_API_URL", "https://a")])
                .unwrap()
                .base_url
                .unwrap()
                .value,
            "https://b"
        );
    }

    #[test]
    fn a_wrong_value_names_its_variable_and_is_not_shown() {
        let cases = [
            ("BUD_TIMEOUT", "canary"),
            ("BUD_TIMEOUT", "-1"),
            ("BUD_TIMEOUT", "NaN"),
            ("BUD_API_FLAVOR", "canary"),
            ("BUD_VERIFY_SSL", "flase"),
            ("BUD_API_KEY", ""),
            ("BUD_EMAIL", "canary@example.com"),
            ("BUD_PASSWORD", "canary"),
        ];
        for (name, value) in cases {
            let error = env(&[(name, value)]).unwrap_err().to_string();
            assert!(error.contains(name) && !error.contains("canary"), "{error}");
        }
    }

    #[test]
    fn base_urls() {
        let check = |url: &str| {
            check_base_url(&Sourced { value: url.to_owned(), origin: Origin::Builder("base_url") }, false)
        };
        for good in [
            "https://api.example.com",
            "https://api.example.com/v1/",
            "http://127.0.0.1:8080",
            "http://[::1]:80",
            "http://localhost",
        ] {
            assert!(check(good).is_ok(), "{good}");
        }
        for bad in [
            "",
            "api.example.com",
            "http://api.example.com",
            "file:///etc/passwd",
            "https://u:canary@h",
            "https://h/?token=canary",
            "https://h/#f",
            "ftp://h",
            "http://localhost.evil.test",
            "http://127.0.0.1.evil.test",
        ] {
            let error = check(bad).unwrap_err().to_string();
            assert!(error.contains("builder.base_url") && !error.contains("canary"), "{bad}: {error}");
        }
    }
}
