//! Random identifiers, secrets and hashes. One source, so that every token and password is unguessable.

use ring::digest::{SHA256, digest};
use ring::rand::{SecureRandom, SystemRandom};

pub(crate) fn random_bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    // Without randomness every token would be equal: stopping is the only safe answer.
    assert!(SystemRandom::new().fill(&mut bytes).is_ok(), "the system's random source does not answer");
    bytes
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

pub(crate) fn sha256(text: &str) -> String {
    hex(digest(&SHA256, text.as_bytes()).as_ref())
}

pub(crate) fn uuid() -> String {
    uuid_from(random_bytes())
}

/// A version 4 UUID made of the given bytes.
pub(crate) fn uuid_from(mut bytes: [u8; 16]) -> String {
    bytes[6] = (bytes[6] & 0x0f) | 0x40;
    bytes[8] = (bytes[8] & 0x3f) | 0x80;
    let text = hex(&bytes);
    format!("{}-{}-{}-{}-{}", &text[..8], &text[8..12], &text[12..16], &text[16..20], &text[20..])
}

/// An opaque secret with a recognisable prefix.
pub(crate) fn secret(prefix: &str) -> String {
    format!("{prefix}{}", hex(&random_bytes::<24>()))
}

/// A password that satisfies the usual rules: upper, lower, digit, special, no white space.
pub(crate) fn password() -> String {
    const LETTERS: &[u8] = b"ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz23456789";
    let middle: String = random_bytes::<20>()
        .iter()
        .map(|byte| char::from(LETTERS[usize::from(*byte) % LETTERS.len()]))
        .collect();
    format!("Aa1!{middle}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uuids_have_version_and_variant() {
        let id = uuid();
        assert_eq!(id.len(), 36);
        assert_eq!(&id[14..15], "4");
        assert!("89ab".contains(&id[19..20]));
        assert_ne!(id, uuid());
    }

    #[test]
    fn hashes_are_sha256() {
        assert_eq!(sha256("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    }
}
