//! What a refusal's headers and body say, and whose answer it is.

use http::HeaderMap;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE, WWW_AUTHENTICATE};

use crate::operation::clean;

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
    status == 404 && (is_page(headers, body) || (!json && encoding(headers).is_none()))
}

/// Whether this is a page for people, as proxies and sign-ins send in the API's place.
pub(super) fn is_page(headers: &HeaderMap, body: &[u8]) -> bool {
    let declared = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let html = declared.trim_start().get(..9).is_some_and(|start| start.eq_ignore_ascii_case("text/html"));
    html || without_mark(body).trim_ascii_start().starts_with(b"<")
}

/// What a `WWW-Authenticate` header says is wrong.
pub(super) fn challenge(headers: &HeaderMap) -> Option<String> {
    let text = headers.get(WWW_AUTHENTICATE)?.to_str().ok()?;
    let value = |name: &str| {
        // The name may also be the end of another one, or part of a value.
        let behind = text.match_indices(name).find_map(|(at, _)| {
            let alone = text[..at].ends_with([' ', ',', '\t']);
            text[at + name.len()..].trim_start().strip_prefix('=').filter(|_| alone)
        })?;
        let value = behind.trim_start().strip_prefix('"')?.split('"').next()?;
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

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn a_challenge_says_what_is_wrong_by_the_names_of_its_own_parameters() {
        for (header, said) in [
            (r#"Bearer realm="x", error="invalid_token", error_description="gone""#, Some("gone")),
            (r#"Bearer error="invalid_token", error_description="""#, Some("invalid_token")),
            (r#"Bearer error_description="", error="invalid_token""#, Some("invalid_token")),
            (r#"Bearer realm="error", error = "expired""#, Some("expired")),
            (r#"Bearer last_error="old""#, None),
            (r#"Bearer realm="x""#, None),
            ("Basic", None),
        ] {
            let headers = HeaderMap::from_iter([(WWW_AUTHENTICATE, HeaderValue::from_static(header))]);
            assert_eq!(challenge(&headers).as_deref(), said, "{header}");
        }
    }

    #[test]
    fn a_page_for_people_is_nobodys_answer() {
        for (content_type, body, page) in [
            ("text/html; charset=utf-8", "", true),
            ("Text/HTML", "{}", true),
            ("application/json", "{}", false),
            ("", "\u{feff} <!doctype html>", true),
            ("text/plain", "gone", false),
        ] {
            let headers = HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static(content_type))]);
            assert_eq!(is_page(&headers, body.as_bytes()), page, "{content_type} {body}");
            assert!(!is_foreign(403, &headers, body.as_bytes()));
            assert_eq!(is_foreign(404, &headers, body.as_bytes()), page || body == "gone");
        }
    }
}
