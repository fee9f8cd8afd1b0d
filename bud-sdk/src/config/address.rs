//! What may be a base URL.

use url::{Host, Url};

use super::Sourced;
use crate::error::{Error, Result};

/// Checks a base URL: an address and a path, nothing that could carry a secret, and no clear text over a network.
pub(super) fn check_base_url(given: &Sourced<String>, allow_http: bool) -> Result<Url> {
    let wrong = |why: &str| Err(Error::config(format!("{}: {why}", given.place)));
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

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

/// Whether an address as written leads to the same server: scheme, host and port.
pub(super) fn same_origin(written: &str, url: &Url) -> bool {
    Url::parse(written.trim()).is_ok_and(|written| written.origin() == url.origin())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Place;

    #[test]
    fn base_urls() {
        let check =
            |url: &str| check_base_url(&Sourced::new(url.to_owned(), Place::Builder("base_url")), false);
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

    #[test]
    fn one_server_is_scheme_host_and_port() {
        let url = Url::parse("https://api.example.com/v1").unwrap();
        for same in ["https://api.example.com", " https://API.example.com:443/other "] {
            assert!(same_origin(same, &url), "{same}");
        }
        for other in [
            "",
            "api.example.com",
            "http://api.example.com",
            "https://api.example.com:444",
            "https://example.com",
            "https://api.example.com.",
            "https://api.example.com@evil.test",
        ] {
            assert!(!same_origin(other, &url), "{other}");
        }
    }
}
