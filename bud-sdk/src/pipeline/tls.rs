//! TLS: the only file that names a crypto provider.

use std::sync::Arc;

use rustls::ClientConfig;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls_platform_verifier::BuilderVerifierExt;

use crate::error::{Error, Result};

/// The certificates that are trusted: the platform's, and the ones given.
#[derive(Debug, Clone, Default)]
pub(crate) struct TlsRoots {
    pub(crate) extra: Vec<CertificateDer<'static>>,
}

impl TlsRoots {
    /// Adds every certificate of a PEM bundle.
    pub(crate) fn add_pem(&mut self, pem: &[u8]) -> Result<()> {
        let before = self.extra.len();
        for certificate in CertificateDer::pem_slice_iter(pem) {
            let certificate = certificate
                .map_err(|error| Error::config(format!("ca_certificate: not a PEM bundle: {error}")))?;
            self.extra.push(certificate);
        }
        if self.extra.len() == before {
            return Err(Error::config("ca_certificate: there is no certificate in it (is it a key?)"));
        }
        Ok(())
    }

    /// Nothing process-wide is installed, so an application keeps its own choice of provider.
    pub(crate) fn config(&self) -> Result<ClientConfig> {
        let broken = |error: rustls::Error| Error::config(format!("TLS cannot be set up: {error}"));
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ClientConfig::builder_with_provider(provider.clone())
            .with_safe_default_protocol_versions()
            .map_err(broken)?;
        let mut config = if self.extra.is_empty() {
            builder.with_platform_verifier().map_err(broken)?.with_no_client_auth()
        } else {
            let unusable = |error: rustls::Error| {
                Error::config(format!("ca_certificate: a certificate in it cannot be used: {error}"))
            };
            let roots = self.extra.iter().cloned();
            let verifier = rustls_platform_verifier::Verifier::new_with_extra_roots(roots, provider);
            let verifier = verifier.map_err(unusable)?;
            // Not dangerous: it is the platform's verifier with more roots.
            builder.dangerous().with_custom_certificate_verifier(Arc::new(verifier)).with_no_client_auth()
        };
        // Not HTTP/2: there a connection outlives the requests on it, and one that has died unseen would fail them all.
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(config)
    }
}

/// For the Kubernetes client, which takes the process's own provider. An application that has chosen one keeps it.
#[cfg(feature = "kube")]
pub(crate) fn install_default_provider() {
    if rustls::crypto::CryptoProvider::get_default().is_none() {
        // Somebody else may be faster; his choice is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
    }
}
