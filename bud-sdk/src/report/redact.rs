//! Takes what looks like a secret out of texts.
//!
//! Each finder reads the text once and tells where secrets are; what was found is replaced at the end. Messages of Kubernetes stay
//! readable: in doubt, a plain word is a word (`failed to fetch token: unexpected status`), and anything else is a secret.

use std::ops::Range;

const REDACTED: &str = "[redacted]";

/// The text without what looks like a secret.
pub(crate) fn redact(text: &str) -> String {
    let mut clean = text.to_owned();
    // Beside what is gone, something may stand out that did not before. Most texts are read once.
    for _ in 0..8 {
        let secrets = find(&clean);
        if secrets.is_empty() {
            break;
        }
        clean = without(&clean, secrets);
    }
    clean
}

fn find(text: &str) -> Secrets {
    let bytes = text.as_bytes();
    let mut secrets = Vec::new();
    private_keys(text, &mut secrets);
    connection_strings(text, &mut secrets);
    schemes(bytes, &mut secrets);
    jwts(bytes, &mut secrets);
    prefixed(bytes, &mut secrets);
    named(bytes, &mut secrets);
    secrets
}

fn without(text: &str, mut secrets: Secrets) -> String {
    secrets.sort_unstable_by_key(|secret| secret.start);
    let mut clean = String::with_capacity(text.len());
    let mut from = 0;
    for (at, secret) in secrets.iter().enumerate() {
        // What overlaps the one before it, or follows at once, is of it.
        if at == 0 || secret.start > from {
            // Finders cut beside ASCII characters, where a character begins or ends.
            clean.push_str(text.get(from..secret.start).unwrap_or_default());
            clean.push_str(REDACTED);
        }
        from = from.max(secret.end);
    }
    clean.push_str(text.get(from..).unwrap_or_default());
    clean
}

type Secrets = Vec<Range<usize>>;

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
/// Whether no word goes on here. An escaped line break is none: `\nsk-...`.
fn starts_word(bytes: &[u8], at: usize) -> bool {
    match bytes.get(..at).unwrap_or_default() {
        [.., b'\\', b'n' | b'r' | b't'] => true,
        [.., last] => !is_word(*last),
        [] => true,
    }
}

/// The label's end, if a line such as `-----BEGIN RSA PRIVATE KEY-----` starts here.
fn fence(bytes: &[u8], at: usize, word: &[u8]) -> Option<usize> {
    let label = at.checked_add(5 + word.len())?;
    let starts = bytes.get(at..label)?.strip_prefix(b"-----")? == word;
    let room = bytes.get(label..bytes.len().min(label + 60))?;
    let end = room.windows(5).position(|window| window == b"-----").filter(|_| starts)?;
    let label_is = |byte: &u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || *byte == b' ';
    let name = room.get(..end).filter(|name| name.iter().all(label_is))?;
    name.windows(11).any(|window| window == b"PRIVATE KEY").then_some(label + end + 5)
}

/// Private keys in PEM, also those of which only one end is in the text.
fn private_keys(text: &str, secrets: &mut Secrets) {
    let bytes = text.as_bytes();
    let mut from = 0;
    while let Some(found) = text.get(from..).and_then(|rest| rest.find("-----")) {
        let at = from + found;
        if let Some(body) = fence(bytes, at, b"BEGIN ") {
            let end = text.get(body..).and_then(|rest| rest.find("-----END ")).map(|end| body + end);
            let end = end.map_or(bytes.len(), |end| fence(bytes, end, b"END ").unwrap_or(end));
            secrets.push(at..end);
            from = end;
        } else if let Some(end) = fence(bytes, at, b"END ") {
            let mut start = at;
            loop {
                let line = run_back(bytes.get(from..).unwrap_or_default(), start - from, |byte| {
                    byte.is_ascii_whitespace()
                });
                let word = run_back(bytes.get(from..).unwrap_or_default(), line, is_base64);
                // The last line of a key is short, the others are not.
                if word == line || (start != at && line - word < 32) {
                    break;
                }
                start = from + word;
            }
            secrets.push(start..end);
            from = end;
        } else {
            from = at + 1;
        }
    }
}

fn is_base64(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=')
}

/// The password in `postgres://user:password@host`.
fn connection_strings(text: &str, secrets: &mut Secrets) {
    let bytes = text.as_bytes();
    let mut from = 0;
    while let Some(found) = text.get(from..).and_then(|rest| rest.find("://")) {
        let start = from + found + 3;
        from = start;
        let rest = text.get(start..).unwrap_or_default();
        let next = rest.find("://").map_or(bytes.len(), |next| start + next);
        let ends =
            |byte: u8| byte.is_ascii_whitespace() || is_quote(byte) || matches!(byte, b'<' | b'>' | b'\\');
        let address = bytes.get(start..next).unwrap_or_default();
        let address = address.get(..run(address, 0, |byte| !ends(byte))).unwrap_or_default();
        let authority = run(address, 0, |byte| !matches!(byte, b'/' | b'?' | b'#'));
        let Some(colon) = address.get(..authority).and_then(|it| it.iter().position(|byte| *byte == b':'))
        else {
            continue;
        };
        let host_at = |to: usize| address.get(..to).and_then(|it| it.iter().rposition(|byte| *byte == b'@'));
        let at = host_at(authority).filter(|at| colon < *at).or_else(|| {
            // A password with a slash in it; a port is none.
            let port = address.get(colon + 1..authority).unwrap_or_default();
            let is_port = port.iter().all(u8::is_ascii_digit) || address.first() == Some(&b'[');
            host_at(address.len()).filter(|_| !is_port)
        });
        let Some(at) = at.filter(|at| colon + 1 < *at) else { continue };
        let digest = begins(address, at + 1, b"sha256:") || begins(address, at + 1, b"sha512:");
        if !digest && !was_redacted(address.get(colon + 1..at).unwrap_or_default()) {
            secrets.push(start + colon + 1..start + at);
        }
    }
}

/// `Bearer` and a token; `Basic` and the like only in an `Authorization` header, for elsewhere it is a word.
fn schemes(bytes: &[u8], secrets: &mut Secrets) {
    for at in 0..bytes.len() {
        let Some(scheme) =
            [&b"bearer"[..], b"basic", b"token"].into_iter().find(|scheme| begins(bytes, at, scheme))
        else {
            continue;
        };
        let end = at + scheme.len();
        let start = run(bytes, end, is_space);
        if start == end || !starts_word(bytes, at) {
            continue;
        }
        let body = run(bytes, start, |byte| is_word(byte) || matches!(byte, b'.' | b'~' | b'+' | b'/'));
        let stop = run(bytes, body, |byte| byte == b'=');
        // `Bearer realm="..."` is a server's question.
        let name = bytes
            .get(start..body)
            .unwrap_or_default()
            .iter()
            .all(|byte| byte.is_ascii_alphabetic() || *byte == b'_');
        let question = name && stop > body && bytes.get(stop).is_some_and(|byte| !byte.is_ascii_whitespace());
        if body == start || question {
            continue;
        }
        let before = run_back(bytes, at, |byte| {
            is_space(byte) || is_quote(byte) || matches!(byte, b':' | b'=' | b'\\' | b'[')
        });
        let header =
            before.checked_sub(13).is_some_and(|start| before < at && begins(bytes, start, b"authorization"));
        let token = bytes.get(start..body).unwrap_or_default();
        let random = token.len() >= 24
            || (token.len() >= 8
                && token.iter().skip(1).any(|byte| byte.is_ascii_digit() || byte.is_ascii_uppercase()));
        if header || (scheme == b"bearer" && random) {
            secrets.push(start..stop);
        }
    }
}

/// JSON in base64 (`eyJ`), in parts with dots between them.
fn jwts(bytes: &[u8], secrets: &mut Secrets) {
    let mut at = 0;
    while at < bytes.len() {
        if !bytes.get(at..).is_some_and(|rest| rest.starts_with(b"eyJ")) {
            at += 1;
            continue;
        }
        let head = run(bytes, at, is_word);
        let body = run(bytes, head + 1, is_word);
        // No shorter part of the same is one either.
        let is_jwt = bytes.get(head) == Some(&b'.') && head - at >= 10 && body - head > 4;
        let end = if is_jwt { run(bytes, body, |byte| is_word(byte) || byte == b'.') } else { head };
        if is_jwt {
            // The full stop of a sentence is not a part of it.
            let stop = run_back(bytes, end, |byte| byte == b'.');
            secrets.push(at..stop);
        }
        at = end;
    }
}

/// Keys that are known by how they begin.
fn prefixed(bytes: &[u8], secrets: &mut Secrets) {
    let is_letter = |byte: u8| byte.is_ascii_alphanumeric();
    let mut at = 0;
    while at < bytes.len() {
        let is = |prefix: &str| bytes.get(at..).is_some_and(|rest| rest.starts_with(prefix.as_bytes()));
        let end = if is("AKIA") || is("ASIA") {
            let end = run(bytes.get(..bytes.len().min(at + 21)).unwrap_or_default(), at, is_letter);
            let whole = bytes.get(at..end).unwrap_or_default();
            let exact = whole.len() == 20 && !whole.iter().any(u8::is_ascii_lowercase);
            (exact && starts_word(bytes, at)).then_some(end)
        } else if ["hf_", "ghp_", "gho_", "ghu_", "ghs_", "ghr_"].into_iter().any(is) {
            let start = run(bytes, at, |byte| byte != b'_') + 1;
            Some(run(bytes, start, is_letter)).filter(|end| end - start >= 16)
        } else if is("github_pat_") || is("glpat-") {
            Some(run(bytes, at, is_word)).filter(|end| end - at >= 22)
        } else if is("sk-") && starts_word(bytes, at) {
            let start = at + 3;
            let end = run(bytes, start, is_word);
            let key = bytes.get(start..end).unwrap_or_default();
            // A name of words and numbers, such as a pod's, has neither long parts nor capitals.
            let random = key.iter().any(u8::is_ascii_uppercase)
                || key.split(|byte| *byte == b'-').any(|part| part.len() >= 16);
            Some(end).filter(|_| key.len() >= 16 && random)
        } else {
            None
        };
        if let Some(end) = end {
            secrets.push(at..end);
        }
        at = end.unwrap_or(at + 1);
    }
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
fn named(bytes: &[u8], secrets: &mut Secrets) {
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

fn was_redacted(text: &[u8]) -> bool {
    text.windows(9).any(|window| window == b"[redacted")
}

/// What was found, or nothing of it, if it says that there is none or was redacted before.
fn something(bytes: &[u8], found: Range<usize>) -> Range<usize> {
    let text = bytes.get(found.clone()).unwrap_or_default();
    let inner = text.strip_prefix(b"<").and_then(|text| text.strip_suffix(b">")).unwrap_or(text);
    let something = text.iter().any(|byte| byte.is_ascii_alphanumeric() || !byte.is_ascii())
        && !was_redacted(text)
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

#[cfg(test)]
mod tests;
