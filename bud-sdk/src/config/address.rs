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

/// Whether the URL leads to this machine.
pub(crate) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

/// Which server this is: origin and path. One host may serve several deployments under paths of their own, and what was
/// kept for one is not for the other. The case of the host, the scheme's own port and slashes at the end do not matter.
pub(crate) fn server(url: &Url) -> String {
    format!("{}{}", url.origin().ascii_serialization(), url.path().trim_end_matches('/'))
}

/// Whether an address as written leads to the same server.
pub(super) fn same_server(written: &str, url: &Url) -> bool {
    Url::parse(written.trim()).is_ok_and(|written| {
        written.username().is_empty() && written.password().is_none() && server(&written) == server(url)
    })
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
    fn one_server_is_origin_and_path() {
        let url = Url::parse("https://api.example.com/v1").unwrap();
        for same in [
            "https://api.example.com/v1",
            " https://API.example.com:443/v1/ ",
            "HTTPS://api.example.com/v1//",
            "https://api.example.com/x/../v1",
        ] {
            assert!(same_server(same, &url), "{same}");
        }
        for other in [
            "",
            "api.example.com",
            "https://api.example.com",
            "https://api.example.com/other",
            "https://api.example.com/v1/x",
            "https://api.example.com/V1",
            "http://api.example.com/v1",
            "https://api.example.com:444/v1",
            "https://example.com/v1",
            "https://api.example.com./v1",
            "https://api.example.com@evil.test/v1",
        ] {
            assert!(!same_server(other, &url), "{other}");
        }
        let bare = Url::parse("https://api.example.com").unwrap();
        assert!(same_server("https://api.example.com/", &bare));
        assert!(!same_server("https://api.example.com/v1", &bare));
    }

    /// Any text: a URL that is safe to call, or an error without the text.
    #[test]
    fn any_text_is_a_safe_address_or_is_refused_without_being_shown() {
        const PIECES: &[&str] = &[
            "https://",
            "http://",
            "ftp://",
            "//",
            "/",
            "@",
            ":",
            "?",
            "#",
            "[::1]",
            "127.0.0.1",
            "localhost",
            ".",
            "..",
            "%2e",
            "%",
            "\\",
            "\n",
            "\0",
            " ",
            "é",
            "\u{202e}",
            "443",
            "99999",
            "api.example.com",
            "u:p@",
        ];
        let mut random = fastrand::Rng::with_seed(13);
        for _ in 0..20_000 {
            let mut text: String =
                (0..random.usize(0..7)).map(|_| PIECES[random.usize(0..PIECES.len())]).collect();
            text.push_str("canary");
            let given = Sourced::new(text.clone(), Place::Environment("BUD_BASE_URL"));
            match check_base_url(&given, random.bool()) {
                Ok(url) => {
                    assert!(matches!(url.scheme(), "http" | "https") && url.password().is_none(), "{text:?}");
                    assert!(
                        url.query().is_none() && url.host_str().is_some() && same_server(&text, &url),
                        "{text:?}"
                    );
                }
                Err(error) => {
                    let shown = format!("{error} {error:?}");
                    assert!(shown.contains("BUD_BASE_URL") && !shown.contains("canary"), "{text:?}: {shown}");
                }
            }
        }
    }
}
