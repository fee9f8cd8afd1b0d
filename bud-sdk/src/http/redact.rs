//! Keeps secrets out of foreign text: servers and proxies echo what they were sent.

use std::borrow::Cow;

/// Shorter secrets are not searched for: masking every `ab` would hide the message and protect nothing.
const SHORTEST: usize = 4;

/// The text without the given secrets, in each form in which text travels, and without anything that looks like a JWT.
pub(crate) fn mask<'a>(text: &'a str, secrets: &[&str]) -> Cow<'a, str> {
    let mut forms: Vec<String> =
        secrets.iter().filter(|secret| secret.len() >= SHORTEST).flat_map(|secret| forms(secret)).collect();
    // The longest first: one may be a part of another.
    forms.sort_unstable_by(|a, b| b.len().cmp(&a.len()).then_with(|| a.cmp(b)));
    forms.dedup();
    let mut masked = Cow::Borrowed(text);
    for form in &forms {
        if let Some(without) = replaced(&masked, form) {
            masked = Cow::Owned(without);
        }
    }
    while let Some((from, to)) = find_jwt(&masked) {
        let mut text = masked.into_owned();
        text.replace_range(from..to, "***");
        masked = Cow::Owned(text);
    }
    // Where a body breaks off, half a secret may be left.
    let half = forms.iter().filter_map(|form| half_at_the_end(&masked, form)).max();
    if let Some(length) = half {
        let mut text = masked.into_owned();
        text.truncate(text.len() - length);
        text.push_str("***");
        masked = Cow::Owned(text);
    }
    masked
}

/// The text without this form of a secret. Hexadecimal digits of escapes may be in either case, so escaped forms are
/// compared without regard to it.
fn replaced(text: &str, form: &str) -> Option<String> {
    if text.contains(form) {
        return Some(text.replace(form, "***"));
    }
    if !form.contains(['%', '&', '\\']) {
        return None;
    }
    let (lower, form) = (text.to_ascii_lowercase(), form.to_ascii_lowercase());
    let mut without = String::with_capacity(text.len());
    let mut from = 0;
    for (at, _) in lower.match_indices(&form) {
        without.push_str(text.get(from..at)?);
        without.push_str("***");
        from = at + form.len();
    }
    without.push_str(text.get(from..)?);
    (from > 0).then_some(without)
}

/// How many bytes at the end of the text are the beginning of this form.
fn half_at_the_end(text: &str, form: &str) -> Option<usize> {
    let whole = form.len().min(text.len() + 1);
    (SHORTEST..whole).rev().find(|length| form.get(..*length).is_some_and(|half| text.ends_with(half)))
}

/// A secret as it is, and as JSON, HTML, URLs, Python, JavaScript and base64 write it.
fn forms(secret: &str) -> Vec<String> {
    let escaped = |escape: fn(char, &mut String)| {
        let mut text = String::new();
        secret.chars().for_each(|c| escape(c, &mut text));
        text
    };
    let json = serde_json::to_string(secret).unwrap_or_default();
    let json = json.get(1..json.len().saturating_sub(1)).unwrap_or_default().to_owned();
    let percent = |set| percent_encoding::utf8_percent_encode(secret, set).to_string();
    let query: String = url::form_urlencoded::byte_serialize(secret.as_bytes()).collect();
    let mut forms = vec![
        secret.to_owned(),
        json.replace('/', "\\/"),
        // JSON inside JSON.
        json.replace('\\', "\\\\").replace('"', "\\\""),
        json,
        escaped(ascii_json),
        escaped(python),
        escaped(|c, text| named_html(c, text, "&#39;", "&#34;")),
        escaped(|c, text| named_html(c, text, "&#x27;", "&quot;")),
        escaped(|c, text| named_html(c, text, "&apos;", "&quot;")),
        escaped(|c, text| named_html(c, text, "'", "&quot;")),
        percent(percent_encoding::NON_ALPHANUMERIC),
        percent(PATH),
        percent(SEGMENT),
        query,
    ];
    forms.extend(base64_forms(secret.as_bytes()));
    forms.retain(|form| form.len() >= SHORTEST);
    forms
}

/// What stays in a path: letters, digits and what RFC 3986 calls unreserved or allows there.
const PATH: &percent_encoding::AsciiSet = &percent_encoding::CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'#')
    .add(b'<')
    .add(b'>')
    .add(b'?')
    .add(b'`')
    .add(b'{')
    .add(b'}')
    .add(b'%');
/// Likewise in one segment of it.
const SEGMENT: &percent_encoding::AsciiSet = &PATH.add(b'/');

fn ascii_json(c: char, text: &mut String) {
    match c {
        '"' | '\\' => text.extend(['\\', c]),
        ' '..='~' => text.push(c),
        c => c.encode_utf16(&mut [0; 2]).iter().for_each(|unit| text.push_str(&format!("\\u{unit:04x}"))),
    }
}

/// As `repr` does: quotes and backslashes.
fn python(c: char, text: &mut String) {
    if matches!(c, '\'' | '\\') {
        text.push('\\');
    }
    text.push(c);
}

fn named_html(c: char, text: &mut String, apostrophe: &str, quote: &str) {
    match c {
        '&' => text.push_str("&amp;"),
        '<' => text.push_str("&lt;"),
        '>' => text.push_str("&gt;"),
        '"' => text.push_str(quote),
        '\'' => text.push_str(apostrophe),
        c => text.push(c),
    }
}

/// In both alphabets, and at each place of a group of three bytes: it may stand behind a user name, as in `Basic`. Only the
/// digits that no neighbor changes are looked for.
fn base64_forms(secret: &[u8]) -> Vec<String> {
    use base64::Engine;
    use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
    let mut forms = Vec::new();
    for shift in 0..3 {
        let bytes: Vec<u8> = std::iter::repeat_n(0, shift).chain(secret.iter().copied()).collect();
        let (first, whole) = ((shift * 8).div_ceil(6), bytes.len() * 8 / 6);
        for text in [STANDARD_NO_PAD.encode(&bytes), URL_SAFE_NO_PAD.encode(&bytes)] {
            // Fewer digits could be a part of anything.
            forms.extend(text.get(first..whole).filter(|digits| digits.len() >= 6).map(str::to_owned));
        }
    }
    forms
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

    const SECRET: &str = r#"p"a's\s</&é wörd+%=1"#;

    #[test]
    fn masks_each_form_in_which_text_travels() {
        use base64::Engine;
        let base64 = |text: String| base64::engine::general_purpose::STANDARD.encode(text);
        for form in [
            SECRET.to_owned(),
            r#"p\"a's\\s</&é wörd+%=1"#.to_owned(),
            r#"p\"a's\\s<\/&é wörd+%=1"#.to_owned(),
            r#"p\\\"a's\\\\s</&é wörd+%=1"#.to_owned(),
            r#"p\"a's\\s</&\u00e9 w\u00f6rd+%=1"#.to_owned(),
            r#"p\"a's\\s</&\u00E9 w\u00F6rd+%=1"#.to_owned(),
            r#"p"a\'s\\s</&é wörd+%=1"#.to_owned(),
            r#"p&quot;a&#x27;s\s&lt;/&amp;é wörd+%=1"#.to_owned(),
            r#"p&#34;a&#39;s\s&lt;/&amp;é wörd+%=1"#.to_owned(),
            r#"p&quot;a's\s&lt;/&amp;é wörd+%=1"#.to_owned(),
            "p%22a%27s%5Cs%3C%2F%26%C3%A9%20w%C3%B6rd%2B%25%3D1".to_owned(),
            "p%22a%27s%5cs%3c%2f%26%c3%a9%20w%c3%b6rd%2b%25%3d1".to_owned(),
            "p%22a%27s%5Cs%3C%2F%26%C3%A9+w%C3%B6rd%2B%25%3D1".to_owned(),
        ] {
            assert_eq!(mask(&format!("told {form} again"), &[SECRET]), "told *** again", "{form}");
        }
        for before in ["", "a", "ab", "abc", "admin@example.com:"] {
            let encoded = base64(format!("{before}{SECRET}"));
            let masked = mask(&encoded, &[SECRET]);
            assert!(masked.contains("***") && masked.len() < encoded.len() - 20, "{masked}");
        }
    }

    #[test]
    fn masks_half_a_secret_where_the_text_breaks_off() {
        for length in 4..=SECRET.len() {
            let Some(half) = SECRET.get(..length) else { continue };
            assert_eq!(mask(&format!("you sent {half}"), &[SECRET]), "you sent ***", "{length}");
        }
        assert_eq!(mask("you sent p\"a", &[SECRET]), "you sent p\"a");
        assert_eq!(mask("p%22a%27s%5C", &[SECRET]), "***");
    }
}
