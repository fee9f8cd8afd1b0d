//! TLS: the only file that names a crypto provider.

use std::sync::Arc;

use rustls::client::WantsClientCert;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, ConfigBuilder, RootCertStore, WantsVerifier};
use rustls_platform_verifier::Verifier;

use crate::config::pem_text;
use crate::error::{Error, Result};

/// The certificates that are trusted: the platform's, and the ones given.
#[derive(Debug, Clone, Default)]
pub(crate) struct TlsRoots {
    pub(crate) extra: Vec<CertificateDer<'static>>,
    /// How the program can give its own, for hints.
    setting: String,
}

impl TlsRoots {
    /// Those of the system, and others by this setting.
    pub(crate) fn new(setting: String) -> Self {
        Self { extra: Vec::new(), setting }
    }

    /// Adds every certificate of a PEM bundle; other entries, such as a private key, are passed over.
    ///
    /// # Errors
    /// `Config`, naming the place and the certificate by its number. No parser's own text: it quotes what it reads, and a
    /// bundle may hold a private key.
    pub(crate) fn add_pem(&mut self, place: &str, pem: &[u8]) -> Result<()> {
        let wrong = |why: &str| Error::config(format!("{place}: {why}"));
        let text = std::str::from_utf8(pem)
            .map_err(|_| wrong("it must be PEM text (openssl x509 -inform der converts a DER file)"))?;
        let text = pem_text(text).map_err(wrong)?;
        let before = self.extra.len();
        for certificate in CertificateDer::pem_slice_iter(text.as_bytes()) {
            let number = self.extra.len() - before + 1;
            let certificate = certificate
                .map_err(|_| wrong(&format!("the PEM text is broken at or before certificate {number}")))?;
            if RootCertStore::empty().add(certificate.clone()).is_err() {
                return Err(wrong(&format!("certificate {number} is not one that can be trusted")));
            }
            self.extra.push(certificate);
        }
        if self.extra.len() == before {
            return Err(wrong("there is no certificate in it (is it a key?)"));
        }
        Ok(())
    }

    /// Nothing process-wide is installed, so an application keeps its own choice of provider.
    pub(crate) fn config(&self) -> Result<ClientConfig> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let roots = self.extra.iter().cloned();
        let verifier = Verifier::new_with_extra_roots(roots, provider.clone()).map_err(|_| match self.extra[..] {
            [] => Error::config("no trusted certificates: this system has none, so that no https server can be checked")
                .with_hint(format!(
                    "install the package ca-certificates, set SSL_CERT_FILE to a PEM bundle, or give one by {}",
                    self.setting
                )),
            _ => Error::config("ca_certificate: a certificate in it cannot be trusted"),
        })?;
        let builder = builder(provider)?;
        // Not dangerous: it is the platform's verifier with more roots.
        Ok(finish(builder.dangerous().with_custom_certificate_verifier(Arc::new(verifier))))
    }

    /// For plain http: no certificate is trusted, and none is looked for.
    pub(crate) fn none() -> Result<ClientConfig> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        Ok(finish(builder(provider)?.with_root_certificates(RootCertStore::empty())))
    }
}

fn builder(provider: Arc<CryptoProvider>) -> Result<ConfigBuilder<ClientConfig, WantsVerifier>> {
    ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|_| Error::config("TLS cannot be set up: the crypto provider has no usable version"))
}

fn finish(builder: ConfigBuilder<ClientConfig, WantsClientCert>) -> ClientConfig {
    let mut config = builder.with_no_client_auth();
    // Not HTTP/2: there a connection outlives the requests on it, and one that has died unseen would fail them all.
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    config
}

/// For the Kubernetes client, which takes the process's own provider. An application that has chosen one keeps it.
#[cfg(feature = "kubernetes")]
pub(crate) fn install_default_provider() {
    if rustls::crypto::CryptoProvider::get_default().is_none() {
        // Somebody else may be faster; his choice is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;

    fn pem(name: &str) -> String {
        let key = rcgen::KeyPair::generate().unwrap();
        let params = rcgen::CertificateParams::new(vec![name.to_owned()]).unwrap();
        format!("{}{}", params.self_signed(&key).unwrap().pem(), key.serialize_pem())
    }

    fn read(text: impl AsRef<[u8]>) -> Result<usize> {
        let mut roots = TlsRoots::default();
        roots.add_pem("here", text.as_ref()).map(|()| roots.extra.len())
    }

    #[test]
    fn a_bundle_is_read_in_each_form_and_keys_in_it_are_passed_over() {
        let bundle = format!("# a note\n{}{}", pem("a.test"), pem("b.test"));
        for form in [bundle.clone(), bundle.replace('\n', "\\n"), bundle.replace('\n', "\r\n")] {
            assert_eq!(read(form).unwrap(), 2);
        }
    }

    #[test]
    fn what_is_broken_is_named_by_place_and_number_and_never_shown() {
        let whole = pem("a.test");
        let (_, key) = whole.split_once("-----END CERTIFICATE-----\n").unwrap();
        let line = whole.replace('\n', "");
        let second = format!("{whole}-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n");
        for (text, says) in [
            ("", "empty"),
            ("/etc/ssl/certs/ca.pem", "not a path"),
            ("canary", "PEM text"),
            (key, "no certificate"),
            (&line, "certificate 1"),
            (&whole[..300], "certificate 1"),
            (&second, "certificate 2"),
        ] {
            let error = read(text).unwrap_err();
            let shown = format!("{error} {error:?} {:?}", std::error::Error::source(&error));
            assert_eq!(error.kind(), ErrorKind::Config);
            assert!(shown.contains("here: ") && shown.contains(says) && shown.len() < 500, "{says}: {shown}");
            assert!(!key.lines().any(|line| line.len() > 9 && shown.contains(line)), "{shown}");
        }
        assert!(read(b"\x30\x82\x01\xff").unwrap_err().to_string().contains("DER"));
    }

    /// Any change of a bundle: read or refused, never a panic and never a piece of the key.
    #[test]
    fn any_bundle_is_read_or_refused_without_being_shown() {
        let mut random = fastrand::Rng::with_seed(12);
        let whole = pem("a.test").into_bytes();
        let key = String::from_utf8(whole.clone()).unwrap();
        let key: Vec<String> =
            key.lines().filter(|line| line.len() > 40).map(|line| line[..20].to_owned()).collect();
        let mut refused = 0;
        for _ in 0..5_000 {
            let mut text = whole.clone();
            for _ in 0..random.usize(1..6) {
                let (at, end) = (random.usize(0..text.len()), random.usize(0..text.len() + 1));
                match random.u8(0..5) {
                    0 => text[at] = random.u8(..),
                    1 => text.truncate(at.max(1)),
                    2 => drop(text.drain(at.min(end)..end.max(at))),
                    3 => text.insert(at, *random.choice(b"\\\n-= \0").unwrap()),
                    _ => {
                        text = text
                            .iter()
                            .flat_map(|b| if *b == b'\n' { vec![b'\\', b'n'] } else { vec![*b] })
                            .collect()
                    }
                }
                if text.is_empty() {
                    text = b"-".to_vec();
                }
            }
            if let Err(error) = read(&text) {
                refused += 1;
                let shown = format!("{error} {error:?} {:?}", std::error::Error::source(&error));
                assert!(shown.len() < 400 && !key.iter().any(|part| shown.contains(part)), "{shown}");
            }
        }
        assert!(refused > 1000, "{refused}");
    }
}
