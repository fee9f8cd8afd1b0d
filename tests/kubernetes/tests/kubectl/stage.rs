//! What a case connects to: two API servers with TLS and one without that record each request, and two proxies that record where
//! they were asked to lead. A name and an address that do not exist lead, through a proxy, to the server on that port.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, KeyUsagePurpose};
use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{DigitallySignedStruct, DistinguishedName, ServerConfig, SignatureScheme};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

/// An authority, and certificates of it for a server and for clients.
pub(crate) struct Pki {
    pub(crate) authority: String,
    /// That of an authority that is not trusted.
    pub(crate) other_authority: String,
    /// A client's certificates and keys.
    pub(crate) client: [(String, String); 2],
    server: Arc<ServerConfig>,
}

impl Pki {
    pub(crate) fn new() -> Self {
        let authority = authority("authority");
        let other_authority = authority_pem("other");
        let client = ["client-one", "client-two"].map(|name| signed(&authority, name, &[]));
        let (certificate, key) = signed(&authority, "server", &["127.0.0.1", "localhost", "kube.test"]);
        let chain = vec![CertificateDer::from_pem_slice(certificate.as_bytes()).unwrap()];
        let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap();
        let server = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_client_cert_verifier(Arc::new(Anyone))
            .with_single_cert(chain, key)
            .unwrap();
        Self { authority: authority.pem(), other_authority, client, server: Arc::new(server) }
    }
}

fn authority(name: &str) -> CertifiedIssuer<'static, KeyPair> {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::DigitalSignature];
    params.distinguished_name.push(DnType::CommonName, name);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

fn authority_pem(name: &str) -> String {
    authority(name).pem()
}

fn signed(authority: &CertifiedIssuer<'static, KeyPair>, name: &str, names: &[&str]) -> (String, String) {
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    let mut params = CertificateParams::new(names).unwrap();
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    let key = KeyPair::generate().unwrap();
    (params.signed_by(&key, authority).unwrap().pem(), key.serialize_pem())
}

/// Takes every client certificate and none: what is shown is recorded, not judged.
#[derive(Debug)]
struct Anyone;

impl ClientCertVerifier for Anyone {
    fn client_auth_mandatory(&self) -> bool {
        false
    }
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }
    fn verify_client_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: UnixTime,
    ) -> Result<ClientCertVerified, rustls::Error> {
        Ok(ClientCertVerified::assertion())
    }
    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }
    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }
    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        ring::default_provider().signature_verification_algorithms.supported_schemes()
    }
}

/// What a server or a proxy was asked.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Seen {
    pub(crate) by: &'static str,
    /// The request line, without the version.
    pub(crate) asked: String,
    /// `host`, `authorization`, `proxy-authorization` and those of impersonation.
    pub(crate) headers: Vec<(String, String)>,
    /// The name in the client's certificate.
    pub(crate) certificate: Option<String>,
}

type Log = Arc<Mutex<Vec<Seen>>>;

/// The servers and proxies of one case, by name with their ports.
pub(crate) struct Stage {
    pub(crate) ports: BTreeMap<&'static str, u16>,
    log: Log,
    tasks: Vec<tokio::task::JoinHandle<()>>,
}

impl Stage {
    pub(crate) async fn new(pki: &Pki) -> Self {
        let mut stage = Self { ports: BTreeMap::new(), log: Log::default(), tasks: Vec::new() };
        for name in ["one", "two"] {
            let (acceptor, log) = (TlsAcceptor::from(Arc::clone(&pki.server)), Arc::clone(&stage.log));
            stage.serve(name, move |stream| secure(stream, acceptor.clone(), name, Arc::clone(&log))).await;
        }
        let log = Arc::clone(&stage.log);
        stage.serve("plain", move |stream| answer(stream, "plain", None, Arc::clone(&log))).await;
        let log = Arc::clone(&stage.log);
        stage.serve("http-proxy", move |stream| connect(stream, Arc::clone(&log))).await;
        let log = Arc::clone(&stage.log);
        stage.serve("socks-proxy", move |stream| socks(stream, Arc::clone(&log))).await;
        // Nothing listens there any more.
        let closed = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
        stage.ports.insert("closed", closed);
        stage
    }

    async fn serve<F>(&mut self, name: &'static str, talk: impl Fn(TcpStream) -> F + Send + 'static)
    where
        F: Future<Output = Option<()>> + Send + 'static,
    {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        self.ports.insert(name, listener.local_addr().unwrap().port());
        self.tasks.push(tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(talk(stream));
            }
        }));
    }

    /// What was asked since this was last called.
    pub(crate) fn take(&self) -> Vec<Seen> {
        let mut seen = std::mem::take(&mut *self.log.lock().unwrap());
        seen.sort();
        seen.dedup();
        seen
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        for task in &self.tasks {
            task.abort();
        }
    }
}

async fn secure(stream: TcpStream, acceptor: TlsAcceptor, name: &'static str, log: Log) -> Option<()> {
    let stream = acceptor.accept(stream).await.ok()?;
    let shown = stream.get_ref().1.peer_certificates().and_then(|chain| common_name(chain.first()?));
    answer(stream, name, shown, log).await
}

/// The last common name of a certificate: the subject stands behind the issuer.
fn common_name(der: &[u8]) -> Option<String> {
    let at = der.windows(5).rposition(|part| part == [0x06, 0x03, 0x55, 0x04, 0x03])?;
    let length = usize::from(*der.get(at + 6)?);
    String::from_utf8(der.get(at + 7..at + 7 + length)?.to_vec()).ok()
}

/// The head of a request.
async fn head(stream: &mut (impl AsyncRead + Unpin)) -> Option<String> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") && head.len() < 1 << 20 {
        head.push(stream.read_u8().await.ok()?);
        // So TLS begins, and no request.
        if head == [0x16] {
            return None;
        }
    }
    String::from_utf8(head).ok()
}

fn seen(by: &'static str, head: &str, certificate: Option<String>) -> Seen {
    let mut lines = head.lines();
    let asked = lines.next().unwrap_or_default().trim_end_matches(" HTTP/1.1").to_owned();
    let recorded = |name: &str| {
        ["host", "authorization", "proxy-authorization"].contains(&name) || name.starts_with("impersonate-")
    };
    let headers = lines.filter_map(|line| line.split_once(": "));
    let headers = headers.map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()));
    let mut headers: Vec<(String, String)> = headers.filter(|(name, _)| recorded(name)).collect();
    if by == "http-proxy" {
        headers.retain(|(name, _)| name != "host");
    }
    headers.sort();
    Seen { by, asked, headers, certificate }
}

async fn answer(
    stream: impl AsyncRead + AsyncWrite + Unpin,
    name: &'static str,
    certificate: Option<String>,
    log: Log,
) -> Option<()> {
    let mut stream = tokio::io::BufReader::new(stream);
    let head = head(&mut stream).await?;
    log.lock().unwrap().push(seen(name, &head, certificate));
    let body = r#"{"kind":"NodeList","apiVersion":"v1","metadata":{},"items":[]}"#;
    let answer = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(answer.as_bytes()).await.ok()?;
    stream.shutdown().await.ok()
}

/// Leads to the port on this machine, whatever the host.
async fn lead(stream: &mut TcpStream, port: u16) -> Option<()> {
    let mut target = TcpStream::connect(("127.0.0.1", port)).await.ok()?;
    copy_bidirectional(stream, &mut target).await.ok().map(drop)
}

async fn connect(mut stream: TcpStream, log: Log) -> Option<()> {
    let head = head(&mut stream).await?;
    let asked = seen("http-proxy", &head, None);
    let target = asked.asked.strip_prefix("CONNECT ").map(str::to_owned);
    log.lock().unwrap().push(asked);
    let Some(target) = target else {
        let refused = "HTTP/1.1 405 Method Not Allowed\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
        return stream.write_all(refused.as_bytes()).await.ok();
    };
    let port = target.rsplit(':').next()?.parse().ok()?;
    stream.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n").await.ok()?;
    lead(&mut stream, port).await
}

async fn socks(mut stream: TcpStream, log: Log) -> Option<()> {
    let (_version, methods) = (stream.read_u8().await.ok()?, stream.read_u8().await.ok()?);
    stream.read_exact(&mut vec![0; methods.into()]).await.ok()?;
    stream.write_all(&[5, 0]).await.ok()?;
    let mut request = [0; 4];
    stream.read_exact(&mut request).await.ok()?;
    let length = match request[3] {
        1 => 4,
        3 => stream.read_u8().await.ok()?.into(),
        _ => return None,
    };
    let mut host = vec![0; length];
    stream.read_exact(&mut host).await.ok()?;
    let port = stream.read_u16().await.ok()?;
    let host = match request[3] {
        1 => host.iter().map(u8::to_string).collect::<Vec<_>>().join("."),
        _ => String::from_utf8(host).ok()?,
    };
    log.lock().unwrap().push(seen("socks-proxy", &format!("CONNECT {host}:{port}"), None));
    stream.write_all(&[5, 0, 0, 1, 0, 0, 0, 0, 0, 0]).await.ok()?;
    lead(&mut stream, port).await
}
