//! Certificates and keys: what a kubeconfig holds in base64 or in files, in the form that the TLS library takes.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rustls::RootCertStore;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use thiserror::Error;

use crate::types::Secret;

/// A certificate chain and its key, as PEM.
#[derive(Clone)]
pub(crate) struct Identity {
    pub(crate) certificates: String,
    pub(crate) key: Secret,
}

/// Why certificates or keys cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub(crate) enum Unusable {
    /// It stands behind the key that has the bundle.
    #[error("holds no certificate that can be read (PEM is expected)")]
    NoAuthority,
    #[error("the client certificate cannot be read (PEM is expected)")]
    NoCertificate,
    #[error("the client certificate cannot be read")]
    Certificate,
    #[error("the client certificate is X.509 v{0}, which the TLS library does not support; reissue it as v3")]
    Version(u8),
    #[error("the client key is encrypted; store it decrypted")]
    Encrypted,
    #[error("the client key cannot be read (PEM is expected: PKCS #8, PKCS #1 or SEC 1)")]
    NoKey,
    #[error(
        "the client key is on the curve {0}, which the TLS library does not support; reissue it with one of: {SUPPORTED}"
    )]
    Curve(&'static str),
    #[error(
        "the client key is of a kind that the TLS library does not support; reissue it with one of: {SUPPORTED}"
    )]
    Kind,
    #[error("the client key does not belong to the client certificate")]
    Mismatch,
}

const SUPPORTED: &str = "RSA of 2,048 bits and more, ECDSA on P-256 and P-384, Ed25519";

/// No chain and no bundle is that long.
const MOST_SECTIONS: usize = 10_000;

/// Decodes base64 that may be wrapped into lines.
pub(crate) fn decoded(text: &str) -> Option<Vec<u8>> {
    let compact: String = text.chars().filter(|c| !c.is_ascii_whitespace()).collect();
    STANDARD.decode(compact).ok()
}

pub(crate) fn encoded(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

fn certificates(pem: &[u8]) -> Vec<CertificateDer<'static>> {
    CertificateDer::pem_slice_iter(pem).take(MOST_SECTIONS).flatten().collect()
}

/// The certificates of a bundle that can be trusted; those that cannot be read are passed over, as in kubectl.
pub(crate) fn authorities(pem: &[u8]) -> Result<Vec<Vec<u8>>, Unusable> {
    let mut store = RootCertStore::empty();
    let usable = certificates(pem).into_iter().filter(|one| store.add(one.clone()).is_ok());
    let usable: Vec<Vec<u8>> = usable.map(|one| one.to_vec()).collect();
    if usable.is_empty() { Err(Unusable::NoAuthority) } else { Ok(usable) }
}

/// Checks a certificate chain and its key, and returns them without anything else that stood between them.
pub(crate) fn identity(certificate: &[u8], key: &[u8]) -> Result<Identity, Unusable> {
    let chain = certificates(certificate);
    let leaf = chain.first().ok_or(Unusable::NoCertificate)?;
    if let Some(version @ (1 | 2)) = version(leaf) {
        return Err(Unusable::Version(version));
    }
    let parsed = PrivateKeyDer::from_pem_slice(key).map_err(|_| match contains(key, b"ENCRYPTED") {
        true => Unusable::Encrypted,
        false => Unusable::NoKey,
    })?;
    let signer = rustls::crypto::ring::sign::any_supported_type(&parsed).map_err(|_| unsupported(&parsed))?;
    let pair = rustls::sign::CertifiedKey::new(chain.clone(), signer);
    match pair.keys_match() {
        Err(rustls::Error::InconsistentKeys(rustls::InconsistentKeys::KeyMismatch)) => {
            return Err(Unusable::Mismatch);
        }
        Err(rustls::Error::InvalidCertificate(_)) => return Err(Unusable::Certificate),
        _ => {}
    }
    let text = |label: &str, der: &[u8]| section(label, der);
    let key = match &parsed {
        PrivateKeyDer::Pkcs1(key) => text("RSA PRIVATE KEY", key.secret_pkcs1_der()),
        PrivateKeyDer::Sec1(key) => text("EC PRIVATE KEY", key.secret_sec1_der()),
        other => text("PRIVATE KEY", other.secret_der()),
    };
    let certificates = chain.iter().map(|one| text("CERTIFICATE", one)).collect();
    Ok(Identity { certificates, key: Secret::new(key) })
}

fn section(label: &str, der: &[u8]) -> String {
    let mut text = format!("-----BEGIN {label}-----\n");
    // 48 bytes are 64 characters.
    for line in der.chunks(48) {
        text.push_str(&encoded(line));
        text.push('\n');
    }
    text + &format!("-----END {label}-----\n")
}

/// Names what the key is on, for the curves that are met in the field.
fn unsupported(key: &PrivateKeyDer<'_>) -> Unusable {
    const CURVES: [(&[u8], &str); 3] = [
        (&[0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x23], "P-521"),
        (&[0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x0a], "secp256k1"),
        (&[0x06, 0x03, 0x2b, 0x65, 0x71], "Ed448"),
    ];
    let der = key.secret_der();
    let curve = CURVES.iter().find(|(oid, _)| contains(der, oid));
    curve.map_or(Unusable::Kind, |(_, name)| Unusable::Curve(name))
}

fn contains(bytes: &[u8], part: &[u8]) -> bool {
    memchr::memmem::find(bytes, part).is_some()
}

/// The version of a certificate: the field is left out in v1, where the serial number comes first.
fn version(der: &[u8]) -> Option<u8> {
    let (0x30, certificate) = element(der)? else { return None };
    let (0x30, signed) = element(certificate)? else { return None };
    match element(signed)? {
        (0xa0, version) => match element(version)? {
            (0x02, [number]) => number.checked_add(1),
            _ => None,
        },
        (0x02, _) => Some(1),
        _ => None,
    }
}

/// The tag and the content of the first element.
fn element(der: &[u8]) -> Option<(u8, &[u8])> {
    let (tag, rest) = der.split_first()?;
    let (first, rest) = rest.split_first()?;
    let count = usize::from(*first & 0x7f);
    let (length, rest) = match *first {
        short if short < 0x80 => (usize::from(short), rest),
        _ if (1..=4).contains(&count) => {
            let digits = rest.get(..count)?;
            let length = digits.iter().fold(0, |length: usize, digit| length << 8 | usize::from(*digit));
            (length, rest.get(count..)?)
        }
        _ => return None,
    };
    Some((*tag, rest.get(..length)?))
}

/// Certificates as PEM.
pub(crate) fn bundle(certificates: &[Vec<u8>]) -> String {
    certificates.iter().map(|der| section("CERTIFICATE", der)).collect()
}
