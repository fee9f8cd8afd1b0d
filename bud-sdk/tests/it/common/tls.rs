//! A TLS server that is really one, with certificates of its own.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

use bud_sdk::{Client, ErrorKind};
use bytes::Bytes;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, SupportedProtocolVersion};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_rustls::{TlsAcceptor, server::TlsStream};

use crate::common::fault::{SOON, fails, new_user, user};
use crate::common::plain;

pub type Issuer = CertifiedIssuer<'static, KeyPair>;
pub type Identity = (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>);

pub fn authority() -> Issuer {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.distinguished_name.push(DnType::CommonName, "an authority");
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

pub fn named(names: &[&str]) -> CertificateParams {
    CertificateParams::new(names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>()).unwrap()
}

pub fn signed(params: &CertificateParams, by: &Issuer) -> Identity {
    let key = KeyPair::generate().unwrap();
    let certificate = params.signed_by(&key, by).unwrap();
    (vec![certificate.der().clone()], PrivateKeyDer::Pkcs8(key.serialize_der().into()))
}

pub fn config(
    identity: Identity,
    versions: &[&'static SupportedProtocolVersion],
    alpn: &[&[u8]],
) -> ServerConfig {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ServerConfig::builder_with_provider(provider).with_protocol_versions(versions).unwrap();
    let mut config = builder.with_no_client_auth().with_single_cert(identity.0, identity.1).unwrap();
    config.alpn_protocols = alpn.iter().map(|name| name.to_vec()).collect();
    config
}

/// What the server does with a connection once it is encrypted: it answers each request with this; without `notify` the
/// end comes without a word (close_notify).
#[derive(Clone)]
pub struct Serve {
    pub answer: Bytes,
    pub notify: bool,
}

#[derive(Default)]
struct Seen {
    connections: AtomicUsize,
    requests: AtomicUsize,
}

pub struct Home {
    pub address: SocketAddr,
    seen: Arc<Seen>,
    task: JoinHandle<()>,
}

impl Drop for Home {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Home {
    pub async fn new(config: ServerConfig, serve: Serve) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (seen, acceptor) = (Arc::new(Seen::default()), TlsAcceptor::from(Arc::new(config)));
        let task = tokio::spawn({
            let seen = seen.clone();
            async move {
                let mut serving = tokio::task::JoinSet::new();
                while let Ok((stream, _)) = listener.accept().await {
                    seen.connections.fetch_add(1, SeqCst);
                    let (seen, acceptor, serve) = (seen.clone(), acceptor.clone(), serve.clone());
                    serving.spawn(async move {
                        let Ok(stream) = acceptor.accept(stream).await else { return };
                        http1(stream, &serve.answer, serve.notify, &seen).await;
                    });
                }
            }
        });
        Self { address, seen, task }
    }

    /// With an identity, by HTTP/1.1 and any version of TLS.
    pub async fn healthy(identity: Identity) -> Self {
        let serve = Serve { answer: user(), notify: true };
        Self::new(config(identity, rustls::ALL_VERSIONS, &[b"http/1.1"]), serve).await
    }

    pub fn url(&self) -> String {
        format!("https://{}", self.address)
    }

    pub fn client(&self, trusted: &Issuer) -> Client {
        plain(&self.url()).ca_certificate(trusted.pem()).build().unwrap()
    }

    pub fn requests(&self) -> usize {
        self.seen.requests.load(SeqCst)
    }

    pub fn connections(&self) -> usize {
        self.seen.connections.load(SeqCst)
    }

    /// One handshake, no request, and no second try; even for a change nothing is left open.
    pub async fn is_refused_for(&self, bud: &Client, cause: &str) {
        let error = fails(bud.users().create(new_user()), ErrorKind::Tls, SOON).await;
        assert_eq!((error.attempts(), error.maybe_applied()), (1, false), "{error}");
        assert!(error.message().contains(cause), "{cause}: {error}");
        assert!(error.message().contains(&self.address.to_string()), "{error}");
        assert_eq!((self.connections(), self.requests()), (1, 0), "{error}");
    }
}

async fn http1(mut stream: TlsStream<TcpStream>, answer: &[u8], notify: bool, seen: &Seen) {
    let mut request = Vec::new();
    let mut piece = [0; 4096];
    loop {
        while !request.windows(4).any(|four| four == b"\r\n\r\n") {
            match stream.read(&mut piece).await {
                Ok(count @ 1..) => request.extend_from_slice(&piece[..count]),
                _ => return,
            }
        }
        request.clear();
        seen.requests.fetch_add(1, SeqCst);
        let _ = stream.write_all(answer).await;
        let _ = stream.flush().await;
        if !notify {
            let _ = stream.get_mut().0.shutdown().await;
            return;
        }
        if answer.windows(17).any(|part| part == b"connection: close") {
            let _ = stream.shutdown().await;
            return;
        }
    }
}

pub const HOME: [&str; 2] = ["127.0.0.1", "localhost"];
