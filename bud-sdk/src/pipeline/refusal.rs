//! What a refusal's headers and body say, and whose answer it is.

use http::HeaderMap;
use http::header::{CONTENT_ENCODING, WWW_AUTHENTICATE};

use crate::api::clean;

/// How a refusal's body is encoded, if it is.
pub(super) fn encoding(headers: &HeaderMap) -> Option<String> {
    let encoding = headers.get(CONTENT_ENCODING)?.to_str().ok()?;
    (!encoding.eq_ignore_ascii_case("identity")).then(|| clean(encoding, 40))
}

/// Without the byte order mark that some servers send first.
pub(super) fn without_mark(body: &[u8]) -> &[u8] {
    body.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(body)
}

/// Whether a 404 comes from something else than the API: a proxy's page, an ingress without a route. Of what was asked for it says
/// nothing.
pub(super) fn is_foreign(status: u16, headers: &HeaderMap, body: &[u8]) -> bool {
    let body = without_mark(body).trim_ascii();
    let json = matches!(body.first(), None | Some(b'{' | b'[' | b'"'));
    status == 404 && !json && encoding(headers).is_none()
}

/// What a `WWW-Authenticate` header says is wrong.
pub(super) fn challenge(headers: &HeaderMap) -> Option<String> {
    let text = headers.get(WWW_AUTHENTICATE)?.to_str().ok()?;
    let value = |name: &str| {
        let rest = text.split_once(name)?.1.trim_start().strip_prefix('=')?.trim_start();
        let value = rest.strip_prefix('"')?.split('"').next()?;
        (!value.is_empty()).then(|| value.to_owned())
    };
    value("error_description").or_else(|| value("error"))
}

pub(super) fn should_retry(headers: &HeaderMap) -> Option<bool> {
    match headers.get("x-should-retry")?.to_str().ok()? {
        "true" => Some(true),
        "false" => Some(false),
        _ => None,
    }
}
