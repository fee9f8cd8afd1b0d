//! Takes what looks like a secret out of texts.
//!
//! [`FORMATS`] has what is known by its form, [`named`] finds what stands behind a name such as `password`. What they find is
//! replaced at the end. Messages of Kubernetes stay readable: in doubt, a plain word is a word (`failed to fetch token:
//! unexpected status`), and anything else is a secret.

mod named;

use std::ops::Range;
use std::sync::LazyLock;

use regex::{Regex, RegexSet};

const REDACTED: &str = "[redacted]";
/// How the text of something that was redacted begins, here or by another program.
const MARK: &[u8] = b"[redacted";

/// A form by which a secret is known: its name, a pattern, and what must be true of the group `secret` and of the text behind it.
/// Only the group is replaced, or the whole match where there is none.
type Format = (&'static str, &'static str, fn(&str, &str) -> bool);

/// The patterns have no Unicode classes, which cost tables. `(?:^|[^0-9A-Za-z_-]|\\[nrt])` is the start of a word, also behind
/// an escaped line break.
const FORMATS: &[Format] = &[
    (
        "private key",
        r"-----BEGIN [A-Z0-9 ]*PRIVATE KEY[A-Z0-9 ]*-----(?s:.*?)(?:-----END [A-Z0-9 ]*-----|\z)",
        always,
    ),
    // The last line of a key is short, the others are not.
    (
        "end of a private key",
        r"(?:(?:[A-Za-z0-9+/=]{32,}[\t-\r ]+)*[A-Za-z0-9+/=]+[\t-\r ]*)?-----END [A-Z0-9 ]*PRIVATE KEY[A-Z0-9 ]*-----",
        always,
    ),
    ("password in an address", r##"://[^\t-\r "'`<>\\/?#:]*:(?<secret>[^\t-\r "'`<>\\/?#]+)@"##, is_password),
    // What stands before the slash is no port, and what stands behind it goes up to the last `@` before the next address.
    (
        "password with a slash in an address",
        r##"://(?:[^\t-\r "'`<>\\/?#:\[][^\t-\r "'`<>\\/?#:]*)?:(?<secret>[0-9]*[^\t-\r "'`<>\\/?#@0-9][^\t-\r "'`<>\\/?#@]*[/?#](?:[^\t-\r "'`<>\\:]|:+/?[^\t-\r "'`<>\\:/])*:*)@"##,
        is_password,
    ),
    (
        "authorization header",
        r#"(?i-u:authorization)[\t "'`:=\\\[]+(?:(?i-u:bearer|basic|token)[\t ]+)+(?<secret>[0-9A-Za-z_.~+/-]+=*)"#,
        always,
    ),
    // Elsewhere than in a header, `Basic` and `Token` are words.
    (
        "bearer token",
        r"(?:^|[^0-9A-Za-z_-]|\\[nrt])(?:(?i-u:bearer)[\t ]+)+(?<secret>[0-9A-Za-z_.~+/-]+=*)",
        is_random,
    ),
    // The full stop of a sentence is not a part of it.
    ("JWT", r"eyJ[0-9A-Za-z_-]{7,}\.[0-9A-Za-z_-]{4,}(?:\.+[0-9A-Za-z_-]+)*", always),
    (
        "AWS access key ID",
        r"(?:^|[^0-9A-Za-z_-]|\\[nrt])(?<secret>A[KS]IA[0-9A-Z]{16})(?:[^0-9A-Za-z]|$)",
        always,
    ),
    ("Hugging Face token", r"hf_[0-9A-Za-z]{16,}", always),
    ("GitHub token", r"gh[oprsu]_[0-9A-Za-z]{16,}|github_pat_[0-9A-Za-z_-]{11,}", always),
    ("GitLab token", r"glpat-[0-9A-Za-z_-]{16,}", always),
    (
        "key of OpenAI and those who follow it",
        r"(?:^|[^0-9A-Za-z_-]|\\[nrt])(?<secret>sk-[0-9A-Za-z_-]{16,})",
        is_key,
    ),
];

fn always(_: &str, _: &str) -> bool {
    true
}

/// It was not redacted before, and is not the tag of an image, whose digest follows.
fn is_password(secret: &str, after: &str) -> bool {
    let digest = ["@sha256:", "@sha512:"].iter().any(|digest| after.starts_with(digest));
    !digest && memchr::memmem::find(secret.as_bytes(), MARK).is_none()
}

/// A word of a sentence is shorter, and has neither digits nor capitals in it.
fn is_random(token: &str, after: &str) -> bool {
    let text = token.trim_end_matches('=');
    let mixed = |byte: u8| byte.is_ascii_digit() || byte.is_ascii_uppercase();
    let random = text.len() >= 24 || (text.len() >= 8 && text.bytes().skip(1).any(mixed));
    // `Bearer realm="..."` is a server's question.
    let name =
        text.len() < token.len() && text.bytes().all(|byte| byte.is_ascii_alphabetic() || byte == b'_');
    random && !(name && after.starts_with(|next: char| !next.is_ascii_whitespace()))
}

/// A name of words and numbers, such as a pod's, has neither long parts nor capitals.
fn is_key(key: &str, _: &str) -> bool {
    key.bytes().any(|byte| byte.is_ascii_uppercase()) || key.split('-').any(|part| part.len() >= 16)
}

/// Tells in one pass over a text which of the formats it has: most texts have none.
static SET: LazyLock<RegexSet> =
    LazyLock::new(|| RegexSet::new(FORMATS.iter().map(|(_, pattern, _)| pattern)).unwrap_or_default());

static REGEXES: LazyLock<Vec<Regex>> =
    LazyLock::new(|| FORMATS.iter().filter_map(|(_, pattern, _)| Regex::new(pattern).ok()).collect());

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

fn find(text: &str) -> Vec<Range<usize>> {
    let mut secrets = named::find(text);
    let formats = REGEXES.iter().zip(FORMATS).enumerate();
    let found = SET.matches(text);
    for (_, (regex, (_, _, is_secret))) in formats.filter(|(number, _)| found.matched(*number)) {
        let mut from = 0;
        while let Some(groups) = regex.captures_at(text, from)
            && let Some(secret) = groups.name("secret").or_else(|| groups.get(0))
        {
            if is_secret(secret.as_str(), text.get(secret.end()..).unwrap_or_default()) {
                secrets.push(secret.range());
            } else if secret.start() > from {
                // Another one may begin in it.
                from = secret.start();
                continue;
            }
            from = secret.end();
        }
    }
    secrets
}

fn without(text: &str, mut secrets: Vec<Range<usize>>) -> String {
    secrets.sort_unstable_by_key(|secret| secret.start);
    let mut clean = String::with_capacity(text.len());
    let mut from = 0;
    for (at, secret) in secrets.iter().enumerate() {
        // What overlaps the one before it, or follows at once, is of it.
        if at == 0 || secret.start > from {
            // Secrets begin and end beside ASCII characters, where a character begins or ends.
            clean.push_str(text.get(from..secret.start).unwrap_or_default());
            clean.push_str(REDACTED);
        }
        from = from.max(secret.end);
    }
    clean.push_str(text.get(from..).unwrap_or_default());
    clean
}

#[cfg(test)]
mod tests;
