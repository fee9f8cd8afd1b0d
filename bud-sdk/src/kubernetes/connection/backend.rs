//! The API server as the pipeline knows it: what is particular to it, as data.

use crate::config::Keys;
use crate::http::{BackendSpec, Mask};
use crate::kubernetes::objects::Status;
use crate::operation::ServerMessage;

/// Kubeconfigs say how it is reached.
pub(crate) static SPEC: BackendSpec = BackendSpec {
    read_error: said,
    // A page of the largest pods has a tenth of this.
    largest_answer: 64 << 20,
    // A dead aggregated API says nothing of when; a client that tries on tries for minutes.
    says_when: true,
    // So it answers for groups of APIs that it does not have.
    plain_not_found: true,
    ..BackendSpec::new("kubernetes", &Keys::NONE, &[])
};

/// Reads a `Status`, or what a proxy answers in the server's place.
fn said(body: &[u8], content_type: Option<&str>, mask: Mask<'_>) -> ServerMessage {
    let status: Status = serde_json::from_slice(body).unwrap_or_default();
    let code = (!status.reason.is_empty()).then_some(status.reason);
    let said = match status.message.is_empty() {
        true => ServerMessage { code, ..ServerMessage::read(body, content_type, mask) },
        false => ServerMessage { message: status.message, code, ..ServerMessage::default() },
    };
    said.tidied(mask)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_is_read_and_any_other_answer_as_of_any_server() {
        let read = |body: &str| {
            let said = said(body.as_bytes(), None, &|text| text.replace("canary", "***"));
            (said.message, said.code)
        };
        let told = |message: &str, code: Option<&str>| (message.to_owned(), code.map(str::to_owned));
        for (body, expected) in [
            (
                r#"{"kind":"Status","message":"pods is forbidden","reason":"Forbidden","code":403}"#,
                told("pods is forbidden", Some("Forbidden")),
            ),
            (r#"{"message":"a canary\nline","reason":"canary"}"#, told("a *** line", Some("***"))),
            (r#"{"reason":"Expired"}"#, told("Expired", Some("Expired"))),
            ("404 page not found\n", told("404 page not found", None)),
            ("<html><title>Log in</title></html>", told("an HTML page: Log in", None)),
            ("", told("", None)),
        ] {
            assert_eq!(read(body), expected, "{body}");
        }
    }
}
