//! The value of an API key, plain or encrypted.

use std::fmt;

use crate::types::Secret;

/// The value of an API key.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum ApiKeyValue {
    /// The key itself, ready to be used.
    Plain(Secret),
    /// The key under the deployment's public key: of no use without the private one.
    Encrypted(EncryptedKey),
}

impl ApiKeyValue {
    /// The key, if it can be used.
    pub fn plain(&self) -> Option<&Secret> {
        match self {
            Self::Plain(key) => Some(key),
            Self::Encrypted(_) => None,
        }
    }
}

/// An API key as the platform as shipped sends it: RSA-OAEP with SHA-256 under the deployment's public key. It is not the
/// key.
#[derive(Clone)]
pub struct EncryptedKey(Secret);

impl EncryptedKey {
    pub(super) fn new(ciphertext: Secret) -> Self {
        Self(ciphertext)
    }
    /// The ciphertext, in hexadecimal digits.
    pub fn ciphertext(&self) -> &str {
        self.0.expose()
    }
    /// The key itself.
    ///
    /// # Errors
    /// `Decode` when it is not under this key.
    #[cfg(feature = "decrypt")]
    pub fn decrypt(&self, key: &DeploymentKey) -> crate::Result<Secret> {
        crate::bud::Unlock::open(key, self.ciphertext())
    }
}

/// Shows that it is one, and nothing of it.
impl fmt::Debug for EncryptedKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("EncryptedKey(***)")
    }
}

#[cfg(feature = "decrypt")]
pub use with_rsa::DeploymentKey;

#[cfg(feature = "decrypt")]
mod with_rsa {
    use std::fmt;
    use std::sync::Arc;

    use rsa::pkcs1::DecodeRsaPrivateKey;
    use rsa::pkcs8::DecodePrivateKey;
    use rsa::rand_core::OsRng;
    use rsa::{Oaep, RsaPrivateKey};
    use sha2::Sha256;

    use crate::bud::{ClientBuilder, Unlock};
    use crate::error::{Error, ErrorKind, Result};
    use crate::types::Secret;

    /// The private key of a deployment, which opens the API keys that its platform sends.
    #[derive(Clone)]
    pub struct DeploymentKey(Arc<RsaPrivateKey>);

    impl DeploymentKey {
        /// Reads a PEM file's text: PKCS#8 or PKCS#1, not encrypted.
        ///
        /// # Errors
        /// `InvalidArgument` for what is no such key.
        pub fn from_pem(pem: &str) -> Result<Self> {
            let pem = &*text(pem)?;
            let key = RsaPrivateKey::from_pkcs8_pem(pem).or_else(|_| RsaPrivateKey::from_pkcs1_pem(pem));
            let key = key.map_err(|_| {
                let encrypted = pem.contains("ENCRYPTED");
                let why = if encrypted {
                    "it is encrypted: give its password"
                } else {
                    "not an RSA private key in PEM"
                };
                Error::invalid("deployment_key", why)
            })?;
            Ok(Self(Arc::new(key)))
        }

        /// Reads a PEM file's text that is encrypted with a password: PKCS#8 (`BEGIN ENCRYPTED PRIVATE KEY`).
        ///
        /// # Errors
        /// `InvalidArgument` for what is no such key, or a wrong password.
        pub fn from_encrypted_pem(pem: &str, password: impl Into<Secret>) -> Result<Self> {
            let pem = &*text(pem)?;
            let key = RsaPrivateKey::from_pkcs8_encrypted_pem(pem, password.into().expose().as_bytes());
            let why = "the password is wrong, or it is not an encrypted PKCS#8 key in PEM \
                       (openssl pkcs8 -topk8 converts others)";
            key.map(|key| Self(Arc::new(key))).map_err(|_| Error::invalid("deployment_key", why))
        }
    }

    fn text(pem: &str) -> Result<std::borrow::Cow<'_, str>> {
        crate::config::pem_text(pem).map_err(|why| Error::invalid("deployment_key", why))
    }

    impl Unlock for DeploymentKey {
        fn open(&self, ciphertext: &str) -> Result<Secret> {
            let wrong =
                |why: &str| Error::new(ErrorKind::Decode, format!("the API key cannot be read: {why}"));
            let bytes = from_hex(ciphertext).ok_or_else(|| wrong("it is not in hexadecimal digits"))?;
            // Blinded, so that the time that it takes tells nothing of the private key.
            let plain = self.0.decrypt_blinded(&mut OsRng, Oaep::new::<Sha256>(), &bytes);
            let plain = plain.map_err(|_| wrong("it was not encrypted for this deployment key"))?;
            String::from_utf8(plain).map(Secret::new).map_err(|_| wrong("it is not text"))
        }
    }

    fn from_hex(text: &str) -> Option<Vec<u8>> {
        if !text.len().is_multiple_of(2) {
            return None;
        }
        let pairs = text.as_bytes().chunks_exact(2);
        pairs.map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()).collect()
    }

    /// Shows nothing of it.
    impl fmt::Debug for DeploymentKey {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("DeploymentKey(***)")
        }
    }

    impl ClientBuilder {
        /// The deployment's private key: API keys that the platform sends encrypted are then returned ready to be used.
        pub fn deployment_key(self, key: DeploymentKey) -> Self {
            self.unlock(Arc::new(key))
        }
    }
}

#[cfg(all(test, feature = "decrypt"))]
mod tests {
    use rsa::pkcs1::{EncodeRsaPrivateKey, LineEnding};
    use rsa::pkcs8::EncodePrivateKey;
    use rsa::rand_core::OsRng;
    use rsa::{Oaep, RsaPrivateKey, RsaPublicKey};
    use sha2::Sha256;

    use super::*;
    use crate::error::ErrorKind;

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    #[test]
    fn a_key_is_read_with_the_deployments_private_key_in_each_form() {
        let private = RsaPrivateKey::new(&mut OsRng, 1024).unwrap();
        let public = RsaPublicKey::from(&private);
        let sealed = public.encrypt(&mut OsRng, Oaep::new::<Sha256>(), b"bud_client_canary").unwrap();
        let sealed = EncryptedKey::new(Secret::new(hex(&sealed)));
        let pkcs8 = private.to_pkcs8_pem(LineEnding::LF).unwrap();
        let pkcs1 = private.to_pkcs1_pem(LineEnding::LF).unwrap();
        let locked = private.to_pkcs8_encrypted_pem(&mut OsRng, "pass", LineEnding::LF).unwrap();
        for key in [
            DeploymentKey::from_pem(&pkcs8),
            DeploymentKey::from_pem(&pkcs1),
            DeploymentKey::from_pem(&pkcs8.replace('\n', "\\n")),
            DeploymentKey::from_encrypted_pem(&locked, "pass"),
        ] {
            let key = key.unwrap();
            assert_eq!(sealed.decrypt(&key).unwrap().expose(), "bud_client_canary");
            assert_eq!(format!("{key:?}"), "DeploymentKey(***)");
        }
        for (error, says) in [
            (DeploymentKey::from_pem(&locked), "password"),
            (DeploymentKey::from_encrypted_pem(&locked, "wrong"), "password is wrong"),
            (DeploymentKey::from_pem("nothing"), "-----BEGIN"),
            (DeploymentKey::from_pem("/etc/bud/key.pem"), "not a path"),
            (DeploymentKey::from_encrypted_pem("key.pem", "pass"), "not a path"),
            (DeploymentKey::from_pem(&pkcs8.replace('\n', "")), "not an RSA"),
        ] {
            let error = error.unwrap_err();
            assert_eq!((error.kind(), error.param()), (ErrorKind::InvalidArgument, Some("deployment_key")));
            assert!(error.message().contains(says), "{error}");
        }
        let other = DeploymentKey::from_pem(
            &RsaPrivateKey::new(&mut OsRng, 1024).unwrap().to_pkcs8_pem(LineEnding::LF).unwrap(),
        );
        let other = other.unwrap();
        for odd in [sealed.clone(), EncryptedKey::new("xyz".into()), EncryptedKey::new("zz".into())] {
            let error = odd.decrypt(&other).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Decode);
            assert!(!error.to_string().contains(odd.ciphertext()));
        }
    }
}
