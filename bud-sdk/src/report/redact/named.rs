//! Secrets that stand behind their names.
//!
//! These are found by hand: whether `token: x509: ...` is a secret or a sentence depends on the quotes around the name, on what
//! the line begins with and on how it goes on, for which a pattern would have to look back and ahead.

use std::ops::Range;

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-'
}
fn is_space(byte: u8) -> bool {
    byte == b' ' || byte == b'\t'
}
fn is_quote(byte: u8) -> bool {
    matches!(byte, b'"' | b'\'' | b'`')
}

/// The end of what begins at `from` and of which each byte is such.
fn run(bytes: &[u8], from: usize, such: impl Fn(u8) -> bool) -> usize {
    bytes
        .get(from..)
        .unwrap_or_default()
        .iter()
        .position(|byte| !such(*byte))
        .map_or(bytes.len(), |at| from + at)
}
/// The start of what ends at `to` and of which each byte is such.
fn run_back(bytes: &[u8], to: usize, such: impl Fn(u8) -> bool) -> usize {
    bytes.get(..to).unwrap_or_default().iter().rposition(|byte| !such(*byte)).map_or(0, |at| at + 1)
}
fn begins(bytes: &[u8], at: usize, with: &[u8]) -> bool {
    bytes
        .get(at..)
        .is_some_and(|rest| rest.get(..with.len()).is_some_and(|start| start.eq_ignore_ascii_case(with)))
}
/// What the name of a secret ends with.
const NAMES: [&[u8]; 13] = [
    b"password",
    b"passwd",
    b"passphrase",
    b"secret",
    b"token",
    b"api_key",
    b"apikey",
    b"api-key",
    b"secret_key",
    b"secretkey",
    b"secret-key",
    b"secret_access_key",
    b"secretaccesskey",
];
/// What is no secret although it stands where one would.
const NOTHING: [&str; 14] = [
    "null",
    "nil",
    "none",
    "true",
    "false",
    "undefined",
    "unset",
    "expired",
    "invalid",
    "missing",
    "required",
    "unauthorized",
    "forbidden",
    "denied",
];

/// `password=hunter2`, `"apiKey": "..."`, `token: ...`.
pub(super) fn find(text: &str) -> Vec<Range<usize>> {
    let bytes = text.as_bytes();
    let mut secrets = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        let end = run(bytes, at, is_word);
        if end == at {
            at += 1;
            continue;
        }
        let name = bytes.get(at..end).unwrap_or_default();
        let found =
            if NAMES.iter().any(|known| ends_with(name, known)) { value(bytes, at..end) } else { None };
        at = found.as_ref().map_or(end, |value| value.end);
        secrets.extend(found.filter(|value| !value.is_empty()));
    }
    secrets
}

/// A longer one without white space is no sentence's.
const LONGEST_WORD: usize = 1024;

/// What stands after a secret's name, if that is a secret. It is empty where nothing more is to be sought before its end.
fn value(bytes: &[u8], name: Range<usize>) -> Option<Range<usize>> {
    let get = |at: usize| bytes.get(at).copied();
    // The quotes around the name, which may be escaped.
    let after = run(bytes, name.end, |byte| byte == b'\\');
    let before = name.start.checked_sub(1).and_then(get);
    let quoted = before.is_some_and(is_quote) && get(after) == before;
    let mut at = if quoted { after + 1 } else { name.end };
    let spaces = run(bytes, at, is_space);
    let equals = match get(spaces) {
        Some(b'=') => true,
        // ` : ` is how Kubernetes joins sentences.
        Some(b':') if spaces == at => get(at + 1) == Some(b'='),
        _ => return None,
    };
    at = run(bytes, spaces + 1, |byte| equals && matches!(byte, b'=' | b'>'));
    let start = run(bytes, at, is_space);
    let tight = !equals && start == at;

    let opening = run(bytes, start, |byte| byte == b'\\');
    if let Some(quote) = get(opening).filter(|byte| is_quote(*byte)) {
        let inside = opening + 1;
        let found = closing(bytes, inside, quote, opening > start).map(|end| inside..end);
        return found.or_else(|| word(bytes, inside, bytes.len())).map(|found| something(bytes, found));
    }
    let found = word(bytes, start, bytes.len().min(start + LONGEST_WORD))?;
    if equals || found.len() + 2 > LONGEST_WORD {
        return word(bytes, start, bytes.len()).map(|found| something(bytes, found));
    }
    let found = something(bytes, found);
    let text = bytes.get(found.clone()).filter(|text| !text.is_empty())?;
    // From here on it is `name: value`, which may be a sentence, or `name:value`, which may be an image.
    if matches!(text.first(), Some(b'{' | b'[' | b'&')) || text.windows(3).any(|window| window == b"://") {
        return None;
    }
    let whole = bytes.get(name.clone()).unwrap_or_default();
    if tight && !ends_with(whole, b"password") && !ends_with(whole, b"passwd") {
        let image = before == Some(b'/') || (whole.contains(&b'-') && !ends_with(whole, b"api-key"));
        let random = text.len() >= 16 && text.iter().any(u8::is_ascii_digit) && !text.contains(&b'.');
        return Some(found).filter(|_| random && !image);
    }
    let line_end = |at: usize| matches!(get(at), None | Some(b'\n' | b'\r' | b',' | b';' | b'}'));
    let rest = run(bytes, found.end, is_space);
    // `token: x509: certificate signed by unknown authority`
    if text.last() == Some(&b':') && !line_end(rest) {
        return None;
    }
    if !is_plain(text) {
        return Some(found);
    }
    let indent = run_back(bytes, name.start - usize::from(quoted), |byte| is_space(byte) || byte == b'-');
    let line_start =
        matches!(indent.checked_sub(1).and_then(get), None | Some(b'\n' | b'\r' | b',' | b';' | b'{'));
    Some(found).filter(|_| line_start && line_end(rest))
}

fn ends_with(text: &[u8], with: &[u8]) -> bool {
    text.len().checked_sub(with.len()).is_some_and(|start| begins(text, start, with))
}

/// Up to white space, a quote, `&`, `,` or `;`, or to `limit`. Brackets that close something around it are left.
fn word(bytes: &[u8], start: usize, limit: usize) -> Option<Range<usize>> {
    let ends = |byte: u8| byte.is_ascii_whitespace() || is_quote(byte) || matches!(byte, b'&' | b',' | b';');
    let bytes = bytes.get(..limit)?;
    let end = run(bytes, start, |byte| !ends(byte));
    let text = bytes.get(start..end)?;
    let end = start + run_back(text, text.len(), |byte| matches!(byte, b')' | b'}' | b']' | b'\\'));
    Some(start..end).filter(|value| !value.is_empty())
}

/// Where a quoted text ends. It is sought only so far, for each quote may be one that is never closed.
fn closing(bytes: &[u8], start: usize, quote: u8, escaped: bool) -> Option<usize> {
    let mut at = start;
    let limit = bytes.len().min(start + 4096);
    while at < limit {
        match *bytes.get(at)? {
            b'\n' => return None,
            b'\\' if escaped => return Some(at),
            b'\\' => at += 2,
            byte if byte == quote => return Some(at),
            _ => at += 1,
        }
    }
    None
}

/// What was found, or nothing of it, if it says that there is none or was redacted before.
fn something(bytes: &[u8], found: Range<usize>) -> Range<usize> {
    let text = bytes.get(found.clone()).unwrap_or_default();
    let inner = text.strip_prefix(b"<").and_then(|text| text.strip_suffix(b">")).unwrap_or(text);
    let something = text.iter().any(|byte| byte.is_ascii_alphanumeric() || !byte.is_ascii())
        && memchr::memmem::find(text, super::MARK).is_none()
        && !NOTHING.iter().any(|nothing| inner.eq_ignore_ascii_case(nothing.as_bytes()));
    if something { found } else { found.end..found.end }
}

/// A word, or a status.
fn is_plain(text: &[u8]) -> bool {
    let word = |byte: &u8| {
        byte.is_ascii_alphabetic() || matches!(byte, b'-' | b'_' | b'/' | b'.' | b':' | b'(' | b'\'')
    };
    text.iter().all(word) || (text.len() <= 3 && text.iter().all(u8::is_ascii_digit))
}
