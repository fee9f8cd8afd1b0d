//! The proxy that leads to an API server: the kubeconfig's own, else the environment's, by the rules of Kubernetes' own clients.
//! The client for Kubernetes reads no variable itself.

use std::ffi::OsString;

use http::Uri;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use crate::error::{Error, Result};
use crate::http::proxy::{Proxy, ProxySettings};
use crate::kubernetes::connection::kubeconfig::Settings;

/// A proxy, as the client for Kubernetes takes it.
pub(crate) struct Via {
    /// With user name and password.
    pub(crate) uri: Uri,
    /// The proxy without them, and the variable or the key that names it.
    pub(crate) name: String,
}

/// The proxy for the server of these settings.
///
/// # Errors
/// `Config` naming the variable or the key, and never its value.
pub(crate) fn of(settings: &Settings, variable: &dyn Fn(&str) -> Option<OsString>) -> Result<Option<Via>> {
    if let Some((place, url)) = &settings.proxy {
        // A variable may leave it out.
        if !url.contains("://") {
            return Err(Error::config(format!("{place} must begin with http://, https:// or socks5://")));
        }
        return via(&Proxy::parse(place, url)?).map(Some);
    }
    // Kubernetes' own clients do not know ALL_PROXY.
    let known = |name: &str| if name.eq_ignore_ascii_case("ALL_PROXY") { None } else { variable(name) };
    let environment = ProxySettings::from_env(&known);
    environment.for_url(&settings.server.url)?.map(via).transpose()
}

fn via(proxy: &Proxy) -> Result<Via> {
    // Either resolves names at the proxy.
    let scheme = if proxy.is_socks() { "socks5" } else { proxy.url.scheme() };
    let host = proxy.url.host_str().unwrap_or_default();
    let port = proxy.url.port_or_known_default().unwrap_or(1080);
    let escaped = |text| utf8_percent_encode(text, NON_ALPHANUMERIC);
    let login = match &proxy.credentials {
        None => String::new(),
        Some(_) if proxy.is_socks() => {
            let message =
                format!("{}: a SOCKS proxy with a user name is not supported for Kubernetes", proxy.place);
            return Err(
                Error::config(message).with_hint("use an HTTP proxy, or a SOCKS proxy without credentials")
            );
        }
        Some((name, password)) => format!("{}:{}@", escaped(name), escaped(password.expose())),
    };
    let uri = format!("{scheme}://{login}{host}:{port}").parse();
    let uri = uri.map_err(|_| Error::config(format!("{}: not a usable proxy", proxy.place)))?;
    Ok(Via { uri, name: proxy.name() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn uri(value: &str) -> Result<String> {
        via(&Proxy::parse("HTTPS_PROXY", value)?).map(|via| via.uri.to_string())
    }

    #[test]
    fn proxies_as_the_client_takes_them() {
        for (value, expected) in [
            ("proxy.example.com:3128", "http://proxy.example.com:3128/"),
            ("http://proxy.example.com", "http://proxy.example.com:80/"),
            ("https://proxy.example.com", "https://proxy.example.com:443/"),
            ("socks5://127.0.0.1", "socks5://127.0.0.1:1080/"),
            ("socks5h://[::1]:9050", "socks5://[::1]:9050/"),
            ("http://u:p%40%25@h:1", "http://u:p%40%25@h:1/"),
        ] {
            assert_eq!(uri(value).unwrap(), expected, "{value}");
        }
    }

    #[test]
    fn s_h2_errors_name_the_place_and_not_the_value() {
        for value in [
            "ftp://canary:canary@h:1",
            "socks5://canary:canary@h:1",
            "http://canary:canary@h:x",
            "canary canary",
        ] {
            let error = uri(value).unwrap_err();
            let shown = format!("{error} {error:?} {}", error.hint().unwrap_or_default());
            assert!(shown.contains("HTTPS_PROXY") && !shown.contains("canary"), "{shown}");
        }
    }
}
