//! The address of an API server.

use http::Uri;
use percent_encoding::percent_decode_str;
use thiserror::Error;
use url::Url;

use crate::types::Secret;

/// With the longest path of a request, an address still fits into what an HTTP client takes.
const LONGEST: usize = 2048;

/// An address without credentials, query and fragment.
#[derive(Debug)]
pub(crate) struct Server {
    pub(crate) url: Url,
    pub(crate) uri: Uri,
    /// User name and password that stood in the address.
    pub(crate) credentials: Option<(String, Secret)>,
}

/// Why a text is no address of a server. It stands behind the key that has the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub(crate) enum Unusable {
    #[error("has no scheme; it must begin with https://")]
    NoScheme,
    #[error("must begin with https://")]
    Scheme,
    #[error("must be a URL such as https://api.example.com:6443")]
    NoUrl,
    #[error("has a user name or password that is not UTF-8")]
    Credentials,
}

/// Reads an address as kubectl does, but for one without a scheme: kubectl guesses one by what else the cluster has.
pub(crate) fn parse(text: &str) -> Result<Server, Unusable> {
    let Some((scheme, rest)) = text.split_once("://") else {
        return Err(Unusable::NoScheme);
    };
    if !matches!(scheme.to_ascii_lowercase().as_str(), "https" | "http") {
        return Err(Unusable::Scheme);
    }
    // A parser of URLs for browsers would skip or remove these.
    let odd = |c: char| c.is_whitespace() || c.is_control() || c == '\\';
    if rest.starts_with('/') || text.contains(odd) || text.len() > LONGEST {
        return Err(Unusable::NoUrl);
    }
    let mut url = Url::parse(text).map_err(|_| Unusable::NoUrl)?;
    if url.host_str().is_none_or(str::is_empty) {
        return Err(Unusable::NoUrl);
    }
    let decoded = |text: &str| {
        let text = percent_decode_str(text).decode_utf8();
        text.map(String::from).map_err(|_| Unusable::Credentials)
    };
    let credentials = match (url.username(), url.password()) {
        ("", None) => None,
        (name, password) => Some((decoded(name)?, Secret::new(decoded(password.unwrap_or_default())?))),
    };
    // Neither fails for a URL that has a host.
    let _ = url.set_username("");
    let _ = url.set_password(None);
    url.set_query(None);
    url.set_fragment(None);
    let path: Vec<&str> = url.path().split('/').filter(|part| !part.is_empty()).collect();
    let path = format!("/{}", path.join("/"));
    url.set_path(&path);
    let uri = url.as_str().parse().map_err(|_| Unusable::NoUrl)?;
    Ok(Server { url, uri, credentials })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_as_kubectl_reads_them() {
        for (text, url) in [
            ("https://10.0.0.1:6443", "https://10.0.0.1:6443/"),
            ("HTTPS://Api.Example.COM:443/", "https://api.example.com/"),
            ("https://h/k8s/clusters/c-1/", "https://h/k8s/clusters/c-1"),
            ("https://h//k8s//clusters///", "https://h/k8s/clusters"),
            ("https://h/a?token=x#y", "https://h/a"),
            ("https://[fd00::1]:6443", "https://[fd00::1]:6443/"),
            ("http://127.0.0.1:8001", "http://127.0.0.1:8001/"),
        ] {
            assert_eq!(parse(text).unwrap().url.as_str(), url, "{text}");
        }
        let server = parse("https://a%40b:c%3Ad@h:1").unwrap();
        let (name, password) = server.credentials.unwrap();
        assert_eq!((name.as_str(), password.expose(), server.url.as_str()), ("a@b", "c:d", "https://h:1/"));
        assert_eq!(server.uri.to_string(), "https://h:1/");
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for text in [
            "",
            "127.0.0.1:6443",
            "api.example.com",
            "localhost",
            "//h",
            "/path",
            "https:h",
            "https:/h",
            "https://",
            "https:///h",
            "https:\\\\h",
            "https://h h",
            "https://h\n",
            "https://h:99999",
            "https://h:x",
            "https://[::1",
            "ftp://h",
            "unix:///run/api.sock",
            "https://u:p@",
            "https://%ff:x@h",
        ] {
            assert!(parse(text).is_err(), "{text:?}");
        }
        assert!(parse(&format!("https://h/{}", "a".repeat(3000))).is_err());
    }
}
