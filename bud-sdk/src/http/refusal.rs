//! What a refusal's headers and body say, and whose answer it is.

use std::time::{Duration, SystemTime};

use http::HeaderMap;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE, WWW_AUTHENTICATE};

use super::backend::{BackendSpec, Mask};
use super::retry_after::retry_after;
use crate::error::{Error, ErrorKind};
use crate::operation::{ServerMessage, clean, explain};

/// An answer that is no success, with the beginning of what the server says.
pub(crate) struct Refusal<'a> {
    pub(crate) spec: &'static BackendSpec,
    pub(crate) status: u16,
    pub(crate) headers: &'a HeaderMap,
    pub(crate) body: &'a [u8],
}

impl Refusal<'_> {
    /// The answer as an error: its kind follows the status, its text is the server's.
    pub(crate) fn error(&self, operation: &'static str, mask: Mask<'_>) -> Error {
        let Self { spec, status, headers, body } = *self;
        let kind = ErrorKind::of_status(status).unwrap_or(ErrorKind::Api);
        let content_type = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let said = match encoding(headers) {
            // Nothing here would unpack it.
            Some(encoding) => ServerMessage {
                message: format!("the reason is compressed ({encoding})"),
                ..ServerMessage::default()
            },
            None => (spec.read_error)(body, content_type, mask)
                .or_message(|| challenge(headers).map(|text| clean(&mask(&text), 300))),
        };
        if self.is_foreign() {
            return Error::new(ErrorKind::Api, said.message)
                .with_hint("this is not the API's own answer: is this the API's address?")
                .with_status(status);
        }
        let error = Error::new(kind, said.message)
            .with_status(status)
            .with_server_code(said.code)
            .with_param(said.param)
            .with_fields(said.fields)
            .with_retry_after(self.retry_after())
            .with_json(without_mark(body).trim_ascii_start().starts_with(b"{"));
        explain(spec.quirks, operation, error)
    }

    /// Whether a 404 comes from something else than the API: a proxy's page, an ingress without a route. Of what was asked for it
    /// says nothing.
    pub(super) fn is_foreign(&self) -> bool {
        let body = without_mark(self.body).trim_ascii();
        let json = matches!(body.first(), None | Some(b'{' | b'[' | b'"'));
        let own = json || self.spec.plain_not_found || encoding(self.headers).is_some();
        self.status == 404 && (is_page(self.headers, body) || !own)
    }

    /// The server's own word on whether another try has a point.
    pub(super) fn should_retry(&self) -> Option<bool> {
        let final_word = self.spec.says_when && self.retry_after().is_none();
        should_retry(self.headers).or(final_word.then_some(false))
    }

    pub(super) fn retry_after(&self) -> Option<Duration> {
        retry_after(self.headers, SystemTime::now())
    }
}

/// How a refusal's body is encoded, if it is.
fn encoding(headers: &HeaderMap) -> Option<String> {
    let encoding = headers.get(CONTENT_ENCODING)?.to_str().ok()?;
    (!encoding.eq_ignore_ascii_case("identity")).then(|| clean(encoding, 40))
}

/// Without the byte order mark that some servers send first.
pub(super) fn without_mark(body: &[u8]) -> &[u8] {
    body.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(body)
}

/// Whether this is a page for people, as proxies and sign-ins send in the API's place.
pub(super) fn is_page(headers: &HeaderMap, body: &[u8]) -> bool {
    let declared = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let html = declared.trim_start().get(..9).is_some_and(|start| start.eq_ignore_ascii_case("text/html"));
    html || without_mark(body).trim_ascii_start().starts_with(b"<")
}

/// What a `WWW-Authenticate` header says is wrong.
fn challenge(headers: &HeaderMap) -> Option<String> {
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

fn should_retry(headers: &HeaderMap) -> Option<bool> {
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
    use crate::config::service_keys;

    const SPEC: BackendSpec = BackendSpec::new("test", &service_keys!("TEST", "test"), &[]);
    static STRICT: BackendSpec = SPEC;
    static PLAIN: BackendSpec = BackendSpec { plain_not_found: true, says_when: true, ..SPEC };

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
            let is_foreign = |spec, status| {
                Refusal { spec, status, headers: &headers, body: body.as_bytes() }.is_foreign()
            };
            assert!(!is_foreign(&STRICT, 403) && !is_foreign(&PLAIN, 403));
            assert_eq!(is_foreign(&STRICT, 404), page || body == "gone");
            assert_eq!(is_foreign(&PLAIN, 404), page);
        }
    }

    #[test]
    fn a_server_that_says_when_to_come_back_means_no_more_where_it_does_not() {
        let told = |spec, pairs: &[(&'static str, &'static str)]| {
            let headers =
                pairs.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect();
            Refusal { spec, status: 503, headers: &headers, body: b"" }.should_retry()
        };
        let after = ("retry-after", "1");
        assert_eq!((told(&STRICT, &[]), told(&STRICT, &[after])), (None, None));
        assert_eq!((told(&PLAIN, &[]), told(&PLAIN, &[after])), (Some(false), None));
        let yes = ("x-should-retry", "true");
        assert_eq!((told(&STRICT, &[yes]), told(&PLAIN, &[yes])), (Some(true), Some(true)));
    }
}
