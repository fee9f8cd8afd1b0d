//! The certificates of one cluster, made for it.

use std::sync::Arc;

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DistinguishedName, DnType, ExtendedKeyUsagePurpose,
    IsCa, KeyPair, KeyUsagePurpose,
};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{ClientConfig, RootCertStore, ServerConfig};

use crate::{Outcome, failed};

/// A certificate and its key, both as PEM.
#[derive(Clone)]
pub(crate) struct Pair {
    pub(crate) certificate: String,
    pub(crate) key: String,
}

/// The authority behind every certificate of a cluster.
pub(crate) struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    pub(crate) fn new() -> Outcome<Self> {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::DigitalSignature];
        params.distinguished_name = named("bud-kubernetes-testbed", None);
        CertifiedIssuer::self_signed(params, key()?).map(Self).map_err(failed("an authority"))
    }

    pub(crate) fn pem(&self) -> String {
        self.0.pem()
    }

    /// For a server that is called by these names and addresses.
    pub(crate) fn server(&self, names: &[&str]) -> Outcome<Pair> {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let mut params = CertificateParams::new(names).map_err(failed("a server's names"))?;
        params.distinguished_name = named("server", None);
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        self.sign(params)
    }

    /// For a client, whom Kubernetes takes for the user of that name, in that group.
    pub(crate) fn client(&self, name: &str, group: Option<&str>) -> Outcome<Pair> {
        let mut params = CertificateParams::default();
        params.distinguished_name = named(name, group);
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        self.sign(params)
    }

    fn sign(&self, mut params: CertificateParams) -> Outcome<Pair> {
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        let key = key()?;
        let certificate = params.signed_by(&key, &self.0).map_err(failed("a certificate"))?;
        Ok(Pair { certificate: certificate.pem(), key: key.serialize_pem() })
    }

    /// For a stand-in under these names, which only clients with a certificate of this authority may call.
    pub(crate) fn serving(&self, names: &[&str]) -> Outcome<ServerConfig> {
        let pair = self.server(names)?;
        let provider = provider();
        let verifier =
            WebPkiClientVerifier::builder_with_provider(roots(&self.pem())?, Arc::clone(&provider))
                .build()
                .map_err(failed("client certificates"))?;
        ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(failed("TLS"))?
            .with_client_cert_verifier(verifier)
            .with_single_cert(chain(&pair)?, private_key(&pair)?)
            .map_err(failed("a server's certificate"))
    }
}

/// Trusts one authority, and shows a certificate if there is one.
pub(crate) fn client_config(authority: &str, pair: Option<&Pair>) -> Outcome<ClientConfig> {
    let builder = ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .map_err(failed("TLS"))?
        .with_root_certificates(roots(authority)?);
    match pair {
        None => Ok(builder.with_no_client_auth()),
        Some(pair) => builder
            .with_client_auth_cert(chain(pair)?, private_key(pair)?)
            .map_err(failed("a client's certificate")),
    }
}

/// A key to sign service account tokens with and its public half, both as PEM.
pub(crate) fn signing_key() -> Outcome<(String, String)> {
    let key = key()?;
    Ok((key.serialize_pem(), key.public_key_pem()))
}

fn provider() -> Arc<rustls::crypto::CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

fn key() -> Outcome<KeyPair> {
    KeyPair::generate().map_err(failed("a key"))
}

fn named(name: &str, group: Option<&str>) -> DistinguishedName {
    let mut distinguished = DistinguishedName::new();
    distinguished.push(DnType::CommonName, name);
    if let Some(group) = group {
        distinguished.push(DnType::OrganizationName, group);
    }
    distinguished
}

fn roots(authority: &str) -> Outcome<Arc<RootCertStore>> {
    let mut store = RootCertStore::empty();
    let certificate = CertificateDer::from_pem_slice(authority.as_bytes()).map_err(failed("an authority"))?;
    store.add(certificate).map_err(failed("an authority"))?;
    Ok(Arc::new(store))
}

fn chain(pair: &Pair) -> Outcome<Vec<CertificateDer<'static>>> {
    let certificate = CertificateDer::from_pem_slice(pair.certificate.as_bytes());
    Ok(vec![certificate.map_err(failed("a certificate"))?])
}

fn private_key(pair: &Pair) -> Outcome<PrivateKeyDer<'static>> {
    PrivateKeyDer::from_pem_slice(pair.key.as_bytes()).map_err(failed("a key"))
}
