//! Proxy settings, read from the environment the same way for the API and for Kubernetes. Pure: variables go in, a
//! decision per URL comes out.

use std::ffi::OsString;
use std::net::IpAddr;

use base64::Engine;
use http::HeaderValue;
use url::{Host, Url};

use crate::config::{Place, is_loopback};
use crate::error::{Error, Result};
use crate::types::Secret;

/// What `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY` and `NO_PROXY` say.
///
/// A value that cannot be used is an error only for a URL that it would decide on.
#[derive(Debug, Clone)]
pub(crate) struct ProxySettings {
    https: Option<Result<Proxy>>,
    http: Option<Result<Proxy>>,
    exempt: Result<NoProxy>,
}

/// A proxy, checked.
#[derive(Debug, Clone)]
pub(crate) struct Proxy {
    /// Scheme, host and port only.
    pub(crate) url: Url,
    pub(crate) credentials: Option<(String, Secret)>,
    /// Where it was set, for errors.
    pub(crate) place: String,
}

impl ProxySettings {
    /// Reads the variables; an upper case name wins over its lower case form, and a blank value counts as unset.
    pub(crate) fn from_env(variable: &dyn Fn(&str) -> Option<OsString>) -> Self {
        // In a CGI program HTTP_PROXY is the client's `Proxy` header.
        let cgi = variable("REQUEST_METHOD").is_some();
        let named = |names: &[&'static str]| match first(variable, names) {
            Ok(Some((name, value))) => Some(Proxy::parse(&Place::Environment(name).to_string(), &value)),
            Ok(None) => None,
            Err(error) => Some(Err(error)),
        };
        let all = || named(&["ALL_PROXY", "all_proxy"]);
        Self {
            https: named(&["HTTPS_PROXY", "https_proxy"]).or_else(all),
            http: named(if cgi { &["http_proxy"] } else { &["HTTP_PROXY", "http_proxy"] }).or_else(all),
            exempt: NoProxy::from_env(variable),
        }
    }

    /// The proxy for this URL; `None`: a direct connection. Loopback addresses are always direct.
    ///
    /// # Errors
    /// `Config`, naming the variable, for a value that cannot be used: a direct connection in its place could be one that
    /// the user's network forbids.
    pub(crate) fn for_url(&self, url: &Url) -> Result<Option<&Proxy>> {
        let proxy = match url.scheme() {
            "https" | "wss" => self.https.as_ref(),
            _ => self.http.as_ref(),
        };
        let Some(proxy) = proxy.filter(|_| !is_loopback(url)) else { return Ok(None) };
        if self.exempt.as_ref().map_err(Error::clone)?.covers(url) {
            return Ok(None);
        }
        proxy.as_ref().map(Some).map_err(Error::clone)
    }
}

/// The first variable that is set to something, under its name.
fn first(
    variable: &dyn Fn(&str) -> Option<OsString>,
    names: &[&'static str],
) -> Result<Option<(&'static str, String)>> {
    for name in names {
        match variable(name).map(OsString::into_string) {
            Some(Ok(value)) if value.trim().is_empty() => {}
            Some(Ok(value)) => return Ok(Some((name, value))),
            Some(Err(_)) => {
                return Err(Error::config(format!("{} must be text in UTF-8", Place::Environment(name))));
            }
            None => {}
        }
    }
    Ok(None)
}

impl Proxy {
    /// Reads one proxy, such as `http://user:password@proxy.example.com:3128`. Without a scheme it is `http`, as for curl.
    ///
    /// # Errors
    /// `Config`, naming the place and never the value, which may hold a password.
    pub(crate) fn parse(place: &str, value: &str) -> Result<Self> {
        let wrong = |why: &str| {
            Err(Error::config(format!("{place}: not a usable proxy: {why}"))
                .with_hint("write it as http://proxy.example.com:3128"))
        };
        let value = value.trim_matches([' ', '\t']);
        if value.contains(|c: char| c.is_control() || c.is_whitespace()) {
            return wrong("it contains white space or a line break");
        }
        let (scheme, rest) = value.split_once("://").unwrap_or(("http", value));
        let scheme = scheme.to_ascii_lowercase();
        if !matches!(scheme.as_str(), "http" | "https" | "socks5" | "socks5h") {
            return wrong("the scheme must be http, https, socks5 or socks5h");
        }
        // What follows an unescaped `/`, `?` or `#` may be the rest of a password; what stands before it would be taken for
        // the host and be looked up.
        if rest.strip_suffix('/').unwrap_or(rest).contains(['/', '\\', '?', '#']) {
            return wrong(
                "it must end with the port (special characters of a password are written as %2F and so on)",
            );
        }
        // Parsed as http: other schemes take any text for a host.
        let Ok(parsed) = Url::parse(&format!("http://{rest}")) else {
            return wrong("host and port cannot be read");
        };
        let host = parsed.host_str().unwrap_or_default();
        let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_' | b':' | b'[' | b']');
        if host.is_empty() || !host.bytes().all(plain) || parsed.port() == Some(0) {
            return wrong("host and port cannot be read");
        }
        let port = match (parsed.port(), scheme.as_str()) {
            (Some(port), _) => port,
            (None, "https") => 443,
            (None, "http") => 80,
            (None, _) => 1080,
        };
        let Ok(url) = Url::parse(&format!("{scheme}://{host}:{port}")) else {
            return wrong("host and port cannot be read");
        };
        let (Some(user), Some(password)) =
            (decoded(parsed.username()), decoded(parsed.password().unwrap_or("")))
        else {
            return wrong("the user name or the password is not UTF-8 text");
        };
        if [&user, &password].iter().any(|text| text.contains(char::is_control)) || user.contains(':') {
            return wrong("the user name or the password contains characters that cannot be sent");
        }
        let given = !user.is_empty() || !password.is_empty();
        let credentials = given.then(|| (user, Secret::from(password)));
        Ok(Self { url, credentials, place: place.to_owned() })
    }

    pub(crate) fn is_socks(&self) -> bool {
        self.url.scheme().starts_with("socks")
    }

    /// Host and port, and where it was set: how errors call it.
    pub(crate) fn name(&self) -> String {
        let host = self.url.host_str().unwrap_or_default();
        // A special scheme drops its own port.
        let port = self.url.port_or_known_default().unwrap_or(1080);
        format!("the proxy {host}:{port} (from {})", self.place)
    }

    /// What an http proxy is sent as `Proxy-Authorization`.
    pub(crate) fn basic_auth(&self) -> Option<HeaderValue> {
        let (user, password) = self.credentials.as_ref()?;
        let pair = base64::engine::general_purpose::STANDARD.encode(format!("{user}:{}", password.expose()));
        let mut header = HeaderValue::try_from(format!("Basic {pair}")).ok()?;
        header.set_sensitive(true);
        Some(header)
    }
}

/// The text of a percent-encoded part, if it is text.
fn decoded(part: &str) -> Option<String> {
    percent_encoding::percent_decode_str(part).decode_utf8().ok().map(Into::into)
}

/// Which hosts are reached directly, by curl's rules.
#[derive(Debug, Clone, Default)]
struct NoProxy {
    all: bool,
    entries: Vec<Exempt>,
}

#[derive(Debug, Clone)]
struct Exempt {
    hosts: Hosts,
    port: Option<u16>,
}

#[derive(Debug, Clone)]
enum Hosts {
    /// This host and those below it.
    Domain(String),
    Network {
        address: IpAddr,
        bits: u8,
    },
}

impl NoProxy {
    fn from_env(variable: &dyn Fn(&str) -> Option<OsString>) -> Result<Self> {
        let found = first(variable, &["NO_PROXY", "no_proxy"])?;
        Ok(found.map_or_else(Self::default, |(_, list)| Self::parse(&list)))
    }

    /// Entries are separated by commas or blanks. One that cannot match any host is passed over, as curl does.
    fn parse(list: &str) -> Self {
        let entries = list.split(|c: char| c == ',' || c.is_whitespace()).filter(|entry| !entry.is_empty());
        let mut exempt = Self::default();
        for entry in entries {
            exempt.all |= entry == "*";
            exempt.entries.extend(Exempt::parse(entry));
        }
        exempt
    }

    fn covers(&self, url: &Url) -> bool {
        if self.all {
            return true;
        }
        let port = url.port_or_known_default();
        let Some(host) = url.host_str() else { return false };
        let address = match url.host() {
            Some(Host::Ipv4(address)) => Some(IpAddr::V4(address)),
            Some(Host::Ipv6(address)) => Some(IpAddr::V6(address).to_canonical()),
            // A scheme that the URL standard does not know leaves addresses as text.
            _ => ip(host),
        };
        let host = host.trim_end_matches('.').to_ascii_lowercase();
        self.entries.iter().any(|entry| {
            entry.port.is_none_or(|own| Some(own) == port)
                && match (&entry.hosts, address) {
                    (Hosts::Network { address: network, bits }, Some(address)) => {
                        within(*network, *bits, address)
                    }
                    (Hosts::Domain(domain), None) => {
                        let below = host.strip_suffix(domain.as_str());
                        below.is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
                    }
                    _ => false,
                }
        })
    }
}

impl Exempt {
    fn parse(entry: &str) -> Option<Self> {
        if let Some((network, bits)) = entry.split_once('/') {
            let network = ip(network)?;
            let (address, bits) = (network, bits.parse().ok()?);
            let most = if address.is_ipv4() { 32 } else { 128 };
            return (bits <= most).then_some(Self { hosts: Hosts::Network { address, bits }, port: None });
        }
        let whole =
            |address: IpAddr| Hosts::Network { address, bits: if address.is_ipv4() { 32 } else { 128 } };
        if let Some(address) = ip(entry) {
            return Some(Self { hosts: whole(address), port: None });
        }
        let (host, port) = match entry.rsplit_once(':') {
            Some((host, port)) => (host, Some(port.parse().ok()?)),
            None => (entry, None),
        };
        if let Some(address) = ip(host) {
            return Some(Self { hosts: whole(address), port });
        }
        let domain = host.strip_prefix('*').unwrap_or(host).trim_matches('.').to_lowercase();
        if domain.is_empty() || domain.contains('*') {
            return None;
        }
        // The URL of a request holds names in their ASCII form.
        let ascii = Host::parse(&domain).map_or(domain, |host| host.to_string());
        Some(Self { hosts: Hosts::Domain(ascii), port })
    }
}

fn ip(text: &str) -> Option<IpAddr> {
    let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
    bare.parse::<IpAddr>().ok().map(|address| address.to_canonical())
}

fn within(network: IpAddr, bits: u8, address: IpAddr) -> bool {
    match (network, address) {
        (IpAddr::V4(network), IpAddr::V4(address)) => {
            let mask = u32::MAX.checked_shl(32 - u32::from(bits)).unwrap_or(0);
            network.to_bits() & mask == address.to_bits() & mask
        }
        (IpAddr::V6(network), IpAddr::V6(address)) => {
            let mask = u128::MAX.checked_shl(128 - u32::from(bits)).unwrap_or(0);
            network.to_bits() & mask == address.to_bits() & mask
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests;
