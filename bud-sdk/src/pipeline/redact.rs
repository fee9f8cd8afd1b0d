//! Keeps secrets out of foreign text: servers and proxies echo what they were sent.

use std::borrow::Cow;

/// Shorter secrets are not searched for: masking every `ab` would hide the message and protect nothing.
const SHORTEST: usize = 4;

/// The text without the given secrets, and without anything that looks like a JWT.
pub(crate) fn mask<'a>(text: &'a str, secrets: &[&str]) -> Cow<'a, str> {
    // The longest first: one may be a part of another.
    let mut secrets = secrets.to_vec();
    secrets.sort_unstable_by_key(|secret| std::cmp::Reverse(secret.len()));
    let mut masked = Cow::Borrowed(text);
    for secret in secrets {
        if secret.len() >= SHORTEST && masked.contains(secret) {
            masked = Cow::Owned(masked.replace(secret, "***"));
        }
    }
    while let Some((from, to)) = find_jwt(&masked) {
        let mut text = masked.into_owned();
        text.replace_range(from..to, "***");
        masked = Cow::Owned(text);
    }
    masked
}

/// A JWT is base64url of `{"` and on, in parts separated by dots.
fn find_jwt(text: &str) -> Option<(usize, usize)> {
    let mut from = 0;
    while let Some(at) = text.get(from..)?.find("eyJ") {
        let start = from + at;
        let rest = text.get(start..)?;
        let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '=');
        let length = rest.find(|c| !is_part(c)).unwrap_or(rest.len());
        if rest.get(..length)?.contains('.') {
            return Some((start, start + length));
        }
        from = start + length.max(3);
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn masks_what_it_was_told_and_what_looks_like_a_token() {
        let jwt = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl";
        let text = format!("password hunter2! and {jwt}, but eyJust a word stays");
        assert_eq!(mask(&text, &["hunter2!"]), "password *** and ***, but eyJust a word stays");
        assert_eq!(mask("nothing here", &["hunter2!", ""]), "nothing here");
    }
}
