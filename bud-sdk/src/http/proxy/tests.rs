//! Which URL goes through which proxy, and what is refused and how.

use std::collections::HashMap;

use super::*;
use crate::error::ErrorKind;

fn read(variables: &[(&str, &str)]) -> ProxySettings {
    let table: HashMap<_, _> = variables.iter().copied().collect();
    ProxySettings::from_env(&|name| table.get(name).map(OsString::from))
}

fn decided(variables: &[(&str, &str)], url: &str) -> Result<Option<Proxy>> {
    read(variables).for_url(&Url::parse(url).unwrap()).map(Option::<&Proxy>::cloned)
}

/// A URL that the variable decides on.
fn url_of(name: &str) -> &'static str {
    if name.to_lowercase().starts_with("http_") { "http://api.bud.test" } else { API }
}

/// The proxy that the URL goes through.
fn through(variables: &[(&str, &str)], url: &str) -> Option<String> {
    let settings = read(variables);
    settings.for_url(&Url::parse(url).unwrap()).unwrap().map(|proxy| proxy.url.to_string())
}

const API: &str = "https://api.bud.test/v1";

#[test]
fn each_scheme_has_its_variable_and_upper_case_and_the_special_one_win() {
    let all = [
        ("HTTPS_PROXY", "http://a:1"),
        ("https_proxy", "http://b:2"),
        ("HTTP_PROXY", "http://c:3"),
        ("http_proxy", "http://d:4"),
        ("ALL_PROXY", "http://e:5"),
        ("all_proxy", "http://f:6"),
    ];
    for (from, https, http) in [
        (0, "http://a:1/", "http://c:3/"),
        (1, "http://b:2/", "http://c:3/"),
        (3, "http://e:5/", "http://d:4/"),
    ] {
        let variables = &all[from..];
        assert_eq!(through(variables, API).as_deref(), Some(https));
        assert_eq!(through(variables, "http://api.bud.test").as_deref(), Some(http));
    }
    assert_eq!(through(&all[5..], "http://api.bud.test").as_deref(), Some("http://f:6/"));
    assert_eq!(through(&[], API), None);
}

#[test]
fn blank_counts_as_unset() {
    for blank in ["", " ", "\t", "\n", " \r\n "] {
        assert_eq!(through(&[("HTTPS_PROXY", blank), ("NO_PROXY", blank)], API), None, "{blank:?}");
        let next = [("HTTPS_PROXY", blank), ("https_proxy", "http://b:2"), ("ALL_PROXY", "http://e:5")];
        assert_eq!(through(&next, API).as_deref(), Some("http://b:2/"), "{blank:?}");
    }
}

#[test]
fn a_cgi_programs_http_proxy_is_its_clients_header() {
    let variables = [("REQUEST_METHOD", "GET"), ("HTTP_PROXY", "http://evil:1")];
    assert_eq!(through(&variables, "http://api.bud.test"), None);
    let lower = [("REQUEST_METHOD", "GET"), ("HTTP_PROXY", "http://evil:1"), ("http_proxy", "http://own:2")];
    assert_eq!(through(&lower, "http://api.bud.test").as_deref(), Some("http://own:2/"));
}

#[test]
fn forms_of_a_proxy() {
    for (value, url, login) in [
        ("proxy.test:3128", "http://proxy.test:3128/", None),
        ("proxy.test", "http://proxy.test/", None),
        (" http://proxy.test:3128/ ", "http://proxy.test:3128/", None),
        ("HTTPS://Proxy.Test", "https://proxy.test/", None),
        ("http://[::1]:3128", "http://[::1]:3128/", None),
        ("socks5://proxy.test", "socks5://proxy.test:1080", None),
        ("socks5h://u:p@proxy.test:9", "socks5h://proxy.test:9", Some(("u", "p"))),
        ("http://u%40x:p%3A%2F@proxy.test:1", "http://proxy.test:1/", Some(("u@x", "p:/"))),
        ("user@proxy.test:1", "http://proxy.test:1/", Some(("user", ""))),
        ("http://u:p@ss@proxy.test:1", "http://proxy.test:1/", Some(("u", "p@ss"))),
    ] {
        let proxy = Proxy::parse("X", value).unwrap();
        let held = proxy.credentials.as_ref().map(|(user, password)| (user.as_str(), password.expose()));
        assert_eq!((proxy.url.as_str(), held), (url, login), "{value}");
        assert_eq!(proxy.basic_auth().is_some(), login.is_some());
    }
    let proxy = Proxy::parse("X", "http://Aladdin:open%20sesame@h:1").unwrap();
    assert_eq!(proxy.basic_auth().unwrap().to_str().unwrap(), "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
    assert_eq!(proxy.name(), "the proxy h:1 (from X)");
    assert!(!format!("{proxy:?}").contains("sesame"));
}

#[test]
fn a_value_that_cannot_be_used_names_the_variable_and_is_not_shown() {
    for value in [
        "ftp://canary:canary@proxy.test",
        "socks4://canary",
        "http://proxy.test:canary",
        "http://proxy.test:99999",
        "http://proxy.test:0",
        "http://",
        "http://:3128",
        "://canary",
        "\"http://canary:3128\"",
        "'canary:3128'",
        "http://\"canary\":1",
        "http://canary proxy:1",
        "http://canary\nproxy:1",
        "http://canary:3128\n",
        "http://user:12#canary@proxy.test:3128",
        "http://user:12/canary@proxy.test:3128",
        "http://user:12?canary@proxy.test:3128",
        "http://user:12\\canary@proxy.test:3128",
        "http://proxy.test:3128/canary",
        "http://u:canary%0d%0a@proxy.test",
        "http://u:canary%ff@proxy.test",
        "http://canary%3Ax:p@proxy.test",
        "http://%00canary",
        "http://[canary]:1",
    ] {
        for name in ["HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"] {
            let error = decided(&[(name, value)], url_of(name)).unwrap_err();
            let text = format!("{error} {error:?} {:?}", std::error::Error::source(&error));
            assert_eq!(error.kind(), ErrorKind::Config, "{value}");
            assert!(text.contains(name) && !text.contains("canary"), "{value:?}: {text}");
        }
    }
}

#[cfg(unix)]
#[test]
fn a_variable_that_is_no_text_is_refused_by_name() {
    use std::os::unix::ffi::OsStringExt;
    for name in ["HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"] {
        let bytes = |asked: &str| match asked {
            _ if asked == name => Some(OsString::from_vec(b"canary\xff".to_vec())),
            "https_proxy" => Some("http://proxy.test:1".into()),
            _ => None,
        };
        let settings = ProxySettings::from_env(&bytes);
        if name == "ALL_PROXY" {
            assert!(settings.for_url(&Url::parse(API).unwrap()).is_ok(), "nothing asks for it");
            continue;
        }
        let text = settings.for_url(&Url::parse(API).unwrap()).unwrap_err().to_string();
        assert!(text.contains(name) && !text.contains("canary"), "{text}");
    }
}

#[test]
fn a_value_that_nothing_would_use_disturbs_no_one() {
    let both = [("HTTPS_PROXY", "http://a:1"), ("HTTP_PROXY", "http://b:2"), ("ALL_PROXY", "ftp://c")];
    assert!(decided(&both, API).is_ok());
    let other = [("HTTPS_PROXY", "http://a:1"), ("HTTP_PROXY", "ftp://c")];
    assert!(decided(&other, API).is_ok() && decided(&other, "http://api.bud.test").is_err());
    for exempt in ["*", "api.bud.test"] {
        assert!(decided(&[("HTTPS_PROXY", "ftp://c"), ("NO_PROXY", exempt)], API).is_ok());
    }
    assert!(decided(&[("HTTPS_PROXY", "ftp://c"), ("NO_PROXY", "other.test")], API).is_err());
    assert!(decided(&[("HTTPS_PROXY", "ftp://c")], "https://localhost:8443").is_ok());
}

fn direct(list: &str, url: &str) -> bool {
    through(&[("ALL_PROXY", "http://proxy.test:1"), ("NO_PROXY", list)], url).is_none()
}

#[test]
fn no_proxy_as_curl_reads_it() {
    for (list, url) in [
        ("*", API),
        ("*", "https://203.0.113.9"),
        ("*", "https://[2001:db8::1]"),
        ("other.test, *", API),
        ("bud.test", API),
        (".bud.test", API),
        ("*.bud.test", API),
        (".api.bud.test", API),
        ("API.Bud.TEST", API),
        ("api.bud.test.", API),
        ("api.bud.test", "https://api.bud.test./v1"),
        ("api.bud.test:443", API),
        ("api.bud.test:8443", "https://api.bud.test:8443"),
        ("  other.test ,\tapi.bud.test , ", API),
        ("other.test api.bud.test", API),
        (",,api.bud.test,,", API),
        ("bücher.example", "https://xn--bcher-kva.example"),
        ("203.0.113.9", "https://203.0.113.9"),
        ("203.0.113.9:8443", "https://203.0.113.9:8443"),
        ("203.0.113.0/24", "https://203.0.113.9"),
        ("203.0.113.77/24", "https://203.0.113.9"),
        ("0.0.0.0/0", "https://203.0.113.9"),
        ("203.0.113.9/32", "https://203.0.113.9"),
        ("2001:db8::1", "https://[2001:db8::1]"),
        ("[2001:db8::1]", "https://[2001:DB8:0::1]"),
        ("[2001:db8::1]:8443", "https://[2001:db8::1]:8443"),
        ("2001:db8::/32", "https://[2001:db8:7::1]"),
        ("::/0", "https://[2001:db8:7::1]"),
        ("203.0.113.9", "https://[::ffff:203.0.113.9]"),
    ] {
        assert!(direct(list, url), "{list} exempts {url}");
    }
    for (list, url) in [
        ("", API),
        ("ud.test", API),
        ("x.api.bud.test", API),
        ("test.", "https://bud.tests"),
        ("api.bud.test:8443", API),
        ("api.bud.test:canary", API),
        ("api.bud.test:", API),
        ("*.test.*", API),
        ("a*", API),
        (".", API),
        (":443", API),
        ("203.0.113.9", "https://203.0.113.91"),
        ("203.0.113.0/33", "https://203.0.113.9"),
        ("203.0.113.0/x", "https://203.0.113.9"),
        ("203.0.113.0/25", "https://203.0.113.200"),
        ("0.0.0.0/0", API),
        ("113.9", "https://203.0.113.9"),
        ("[2001:db8::1]:8443", "https://[2001:db8::1]"),
        ("2001:db8::/129", "https://[2001:db8::1]"),
        ("0.0.0.0/0", "https://[2001:db8::1]"),
    ] {
        assert!(!direct(list, url), "{list} does not exempt {url}");
    }
}

#[test]
fn loopback_is_always_direct() {
    for url in [
        "https://localhost",
        "https://127.0.0.1:1",
        "https://127.9.9.9",
        "https://[::1]:1",
        "http://LOCALHOST",
    ] {
        assert!(direct("", url), "{url}");
    }
    assert!(!direct("", "https://localhost.evil.test"));
    assert!(!direct("", "https://127.0.0.1.evil.test"));
}

/// Any text in any variable: an answer or an error that names a variable, never a panic and never the text.
#[test]
fn any_text_is_read_or_refused_without_being_shown() {
    const PIECES: &[&str] = &[
        "http",
        "https",
        "socks5h",
        "ftp",
        "://",
        ":",
        "/",
        "@",
        "%",
        "%2",
        "%ff",
        "%40",
        "[",
        "]",
        "::1",
        "*",
        ".",
        ",",
        " ",
        "\n",
        "\0",
        "\u{202e}",
        "é",
        "99999",
        "3128",
        "/24",
        "/129",
        "10.0.0.1",
        "proxy.test",
        "#",
        "?",
        "\\",
        "'",
        "\"",
        "u:p@",
    ];
    const NAMES: &[&str] =
        &["HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy", "NO_PROXY"];
    let mut random = fastrand::Rng::with_seed(11);
    let urls = [API, "http://10.0.0.1", "https://[2001:db8::1]:8443"].map(|url| Url::parse(url).unwrap());
    let mut accepted = 0;
    for _ in 0..20_000 {
        let mut table = HashMap::new();
        for name in NAMES {
            if random.bool() {
                let mut text: String =
                    (0..random.usize(0..7)).map(|_| PIECES[random.usize(0..PIECES.len())]).collect();
                let at = text.char_indices().map(|(at, _)| at).nth(random.usize(0..8)).unwrap_or(text.len());
                text.insert_str(at, "canary");
                table.insert(*name, text);
            }
        }
        let settings = ProxySettings::from_env(&|name| table.get(name).map(OsString::from));
        for url in &urls {
            match settings.for_url(url) {
                Ok(_) => accepted += 1,
                Err(error) => {
                    let text = format!("{error} {error:?}");
                    assert!(
                        !text.contains("canary") && text.contains("PROXY") | text.contains("proxy"),
                        "{table:?}: {text}"
                    );
                }
            }
        }
    }
    assert!(accepted > 1000, "{accepted}");
}
