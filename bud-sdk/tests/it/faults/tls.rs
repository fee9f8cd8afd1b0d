//! The fault catalogue, group T: a TLS server that is really one, with certificates of its own. Also what needs it from
//! the other groups: the wrong protocol (N13) and the redirect to clear text (X5).

use std::sync::Arc;

use bud_sdk::{ErrorKind, Timestamp};
use bud_testbed::{Script, Wire, respond, respond_until_close};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, date_time_ymd};
use rustls::ServerConfig;
use rustls::pki_types::PrivateKeyDer;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use crate::common::fault::{SOON, fails, new_user, user, works};
use crate::common::tls::{HOME, Home, Serve, authority, config, named, signed};
use crate::common::{Folder, USER, plain};

#[tokio::test]
async fn t01_a_certificate_signed_by_itself_is_refused() {
    let key = KeyPair::generate().unwrap();
    let certificate = named(&HOME).self_signed(&key).unwrap();
    let identity = (vec![certificate.der().clone()], PrivateKeyDer::Pkcs8(key.serialize_der().into()));
    let home = Home::healthy(identity).await;
    home.is_refused_for(&plain(&home.url()).build().unwrap(), "certificate").await;
}

#[tokio::test]
async fn t02_a_certificate_outside_its_time_is_refused() {
    let authority = authority();
    for (from, to, cause) in [(2001, 2002, "expired"), (2997, 2998, "not valid yet")] {
        let mut params = named(&HOME);
        params.not_before = date_time_ymd(from, 1, 1);
        params.not_after = date_time_ymd(to, 1, 1);
        let home = Home::healthy(signed(&params, &authority)).await;
        home.is_refused_for(&home.client(&authority), cause).await;
    }
}

#[tokio::test]
async fn t03_a_certificate_for_another_host_is_refused() {
    let authority = authority();
    for names in [&["bud.example.com"][..], &["127.0.0.2"], &["*.0.0.1"], &[]] {
        let home = Home::healthy(signed(&named(names), &authority)).await;
        home.is_refused_for(&home.client(&authority), "not valid for name").await;
    }
}

#[tokio::test]
async fn t04_an_unknown_authority_is_refused_with_and_without_ones_own() {
    let (ours, theirs) = (authority(), authority());
    let home = Home::healthy(signed(&named(&HOME), &theirs)).await;
    home.is_refused_for(&plain(&home.url()).build().unwrap(), "UnknownIssuer").await;
    let mut other = CertificateParams::default();
    other.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    other.distinguished_name.push(DnType::CommonName, "another");
    let other = CertifiedIssuer::self_signed(other, KeyPair::generate().unwrap()).unwrap();
    let home = Home::healthy(signed(&named(&HOME), &other)).await;
    home.is_refused_for(&home.client(&ours), "UnknownIssuer").await;
}

/// A server that knows only what is too old: by an alert, and by choosing it all the same.
#[tokio::test]
async fn t05_old_versions_of_tls_are_refused() {
    let alert = vec![0x15, 3, 1, 0, 2, 2, 70];
    let hello = |version: u8| {
        let mut hello = vec![0x16, 3, version, 0, 42, 2, 0, 0, 38, 3, version];
        hello.extend([7; 32]);
        hello.extend([0, 0, 0x2f, 0]);
        hello
    };
    for answer in [alert, hello(1), hello(2)] {
        let wire = Wire::start([Script::new().read(100).send(answer).stall()]).await.unwrap();
        let bud = plain(&wire.url().replace("http:", "https:")).build().unwrap();
        let error = fails(bud.users().create(new_user()), ErrorKind::Tls, SOON).await;
        assert_eq!((error.attempts(), error.maybe_applied(), wire.connections()), (1, false, 1), "{error}");
    }
}

#[tokio::test]
async fn t06_a_signature_that_is_not_the_authoritys_or_not_the_keys_is_refused() {
    // The same name, another key.
    let (ours, theirs) = (authority(), authority());
    let home = Home::healthy(signed(&named(&HOME), &theirs)).await;
    home.is_refused_for(&home.client(&ours), "BadSignature").await;

    // The right certificate in the hands of one who has not its key.
    let ((chain, _), (_, key)) = (signed(&named(&HOME), &ours), signed(&named(&HOME), &ours));
    let key = rustls::crypto::ring::sign::any_supported_type(&key).unwrap();
    let stolen = Arc::new(rustls::sign::CertifiedKey::new(chain, key));
    #[derive(Debug)]
    struct Stolen(Arc<rustls::sign::CertifiedKey>);
    impl rustls::server::ResolvesServerCert for Stolen {
        fn resolve(&self, _: rustls::server::ClientHello<'_>) -> Option<Arc<rustls::sign::CertifiedKey>> {
            Some(self.0.clone())
        }
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let config = config.with_no_client_auth().with_cert_resolver(Arc::new(Stolen(stolen)));
    let home = Home::new(config, Serve { answer: user(), notify: true }).await;
    home.is_refused_for(&home.client(&ours), "BadSignature").await;
}

#[tokio::test]
async fn t07_an_authority_of_ones_own_works_with_each_version_of_tls_and_http() {
    let authority = authority();
    for version in rustls::ALL_VERSIONS {
        for (alpn, serve) in [
            (&[b"http/1.1".as_slice()][..], Serve { answer: user(), notify: true }),
            (&[], Serve { answer: user(), notify: true }),
            (&[b"h2", b"http/1.1"], Serve { answer: user(), notify: true }),
        ] {
            let home = Home::new(config(signed(&named(&HOME), &authority), &[version], alpn), serve).await;
            let bud = home.client(&authority);
            for _ in 0..3 {
                works(&bud).await;
            }
            assert_eq!((home.connections(), home.requests()), (1, 3), "{version:?} {alpn:?}");
            // Also by name, and in a bundle of several.
            let url = format!("https://localhost:{}", home.address.port());
            let bundle = format!("# ours\n{}\n{}", self::authority().pem(), authority.pem());
            works(&plain(&url).ca_certificate(bundle).build().unwrap()).await;
        }
    }
}

#[tokio::test]
async fn t07_what_is_no_certificate_is_refused_when_the_client_is_built() {
    let key = KeyPair::generate().unwrap().serialize_pem();
    let pem = authority().pem();
    let cut = &pem[..pem.len() / 2];
    for text in ["", "\n", "certificate", key.as_str(), cut, &pem.replace('\n', "")] {
        let error = plain("https://127.0.0.1:1").ca_certificate(text).build().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Config, "{text}: {error}");
        assert!(error.to_string().contains("ca_certificate"), "{error}");
        assert!(key.lines().nth(1).is_some_and(|line| !error.to_string().contains(line)));
    }
}

/// It has the frame of a certificate, and nothing or something else in it.
#[tokio::test]
async fn t07_a_certificate_that_cannot_be_read_is_named() {
    for inside in ["", "AAAA\n", "MIIB\n"] {
        let pem = format!("-----BEGIN CERTIFICATE-----\n{inside}-----END CERTIFICATE-----\n");
        let error = plain("https://127.0.0.1:1").ca_certificate(pem).build().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Config, "{inside}: {error}");
        assert!(error.to_string().contains("ca_certificate"), "{inside}: {error}");
    }
}

/// Without close_notify somebody may have cut the answer: only its marked end proves that it is whole.
#[tokio::test]
async fn t09_an_end_without_a_word_is_no_end_of_an_export() {
    let authority = authority();
    let rows = "id,action\r\n1,login\r\n";
    let csv = [("content-type", "text/csv")];
    let january = || -> std::ops::Range<Timestamp> {
        "2026-01-01T00:00:00Z".parse().unwrap().."2026-02-01T00:00:00Z".parse().unwrap()
    };
    let serve = |answer, notify| {
        let config = config(signed(&named(&HOME), &authority), rustls::ALL_VERSIONS, &[]);
        Home::new(config, Serve { answer, notify })
    };
    for (accepted, notify) in [(false, false), (true, false), (false, true)] {
        let home = serve(respond_until_close(200, &csv, rows), notify).await;
        let folder = Folder::new(&format!("truncated-{accepted}-{notify}"));
        let bud = home.client(&authority);
        let export = bud.audit().export(january()).accept_unmarked_end(accepted);
        let export = export.write_to(folder.path().join("audit.csv"));
        fails(export, ErrorKind::Download, SOON).await;
        assert_eq!(folder.names(), <[String; 0]>::default());
        assert_eq!(home.requests(), 1);
    }
    let home = serve(respond(200, &csv, rows), false).await;
    let mut written = Vec::new();
    home.client(&authority).audit().export(january()).write_into(&mut written).await.unwrap();
    assert_eq!(written, rows.as_bytes());

    // A buffered answer likewise.
    let body = format!("{{\"id\":\"{USER}\"}}");
    let home = serve(respond_until_close(200, &[], &body), false).await;
    let bud = home.client(&authority);
    fails(bud.users().get(USER).attempts(1), ErrorKind::Interrupted, SOON).await;
    let home = serve(user(), false).await;
    works(&home.client(&authority)).await;
}

#[tokio::test]
async fn n13_tls_and_clear_text_at_each_others_port_are_named() {
    let wire = Wire::start([Script::answer(user())]).await.unwrap();
    let answering = Wire::start([Script::new().read(50).send("HTTP/1.1 400 Bad Request\r\n\r\n").close()]);
    let answering = answering.await.unwrap();
    let bud = plain(&answering.url().replace("http:", "https:")).build().unwrap();
    let error = fails(bud.users().create(new_user()), ErrorKind::Tls, SOON).await;
    assert_eq!((error.attempts(), error.maybe_applied()), (1, false), "{error}");
    assert!(error.message().contains("does this port speak TLS?"), "{error}");
    assert_eq!(wire.requests().len(), 0);

    let authority = authority();
    let home = Home::healthy(signed(&named(&HOME), &authority)).await;
    let bud = plain(&home.url().replace("https:", "http:")).build().unwrap();
    let error = fails(bud.users().get(USER), ErrorKind::Protocol, SOON).await;
    assert!(error.message().contains("does this port speak TLS"), "{error}");
    assert_eq!((error.attempts(), home.requests()), (1, 0));
    works(&home.client(&authority)).await;
}

#[tokio::test]
async fn x05_a_redirect_from_https_to_http_is_not_followed() {
    let clear = Wire::builder().repeat_last().start([Script::answer(user())]).await.unwrap();
    let authority = authority();
    for status in [301, 302, 307, 308] {
        let answer = respond(status, &[("location", clear.url())], "");
        let config = config(signed(&named(&HOME), &authority), rustls::ALL_VERSIONS, &[]);
        let home = Home::new(config, Serve { answer, notify: true }).await;
        let bud = home.client(&authority);
        let error = fails(bud.users().get(USER), ErrorKind::UnexpectedRedirect, SOON).await;
        assert!(error.message().contains(clear.url()), "{error}");
        assert_eq!(home.requests(), 1);
    }
    assert_eq!(clear.connections(), 0);
}

/// What breaks after the request was sent may have been applied, also when it is TLS that breaks.
#[tokio::test]
async fn t09_a_record_that_is_broken_after_the_request_leaves_it_open_whether_it_was_applied() {
    let authority = authority();
    let config = config(signed(&named(&HOME), &authority), rustls::ALL_VERSIONS, &[]);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let server = tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        let mut stream = TlsAcceptor::from(Arc::new(config)).accept(stream).await.unwrap();
        let mut request = [0; 4096];
        let count = stream.read(&mut request).await.unwrap();
        let (mut bare, _) = stream.into_inner();
        bare.write_all(&[&[0x17, 3, 3, 0, 40], [7; 40].as_slice()].concat()).await.unwrap();
        let _ = bare.read(&mut [0; 1]).await;
        String::from_utf8_lossy(&request[..count]).into_owned()
    });
    let bud = plain(&format!("https://{address}")).ca_certificate(authority.pem()).build().unwrap();
    let error = fails(bud.users().create(new_user()), ErrorKind::Interrupted, SOON).await;
    assert_eq!((error.maybe_applied(), error.attempts()), (true, 1), "{error}");
    assert!(server.await.unwrap().starts_with("POST /users"));
}

/// A server that wants a certificate of the client: in TLS 1.3 it says so after the request was sent, and has not read it.
#[tokio::test]
async fn a_server_that_requires_a_client_certificate_is_told_apart_and_asked_once() {
    let authority = authority();
    let mut roots = rustls::RootCertStore::empty();
    roots.add(authority.der().clone()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let verifier =
        rustls::server::WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider.clone());
    let verifier = verifier.build().unwrap();
    for version in rustls::ALL_VERSIONS {
        let identity = signed(&named(&HOME), &authority);
        let builder = ServerConfig::builder_with_provider(provider.clone());
        let config = builder.with_protocol_versions(&[version]).unwrap();
        let config = config.with_client_cert_verifier(verifier.clone());
        let config = config.with_single_cert(identity.0, identity.1).unwrap();
        let home = Home::new(config, Serve { answer: user(), notify: true }).await;
        home.is_refused_for(&home.client(&authority), "requires a client certificate").await;
        let error = home.client(&authority).users().get(USER).await.unwrap_err();
        assert_eq!((error.kind(), error.attempts()), (ErrorKind::Tls, 1), "{version:?}: {error}");
        assert!(error.hint().is_some_and(|hint| hint.contains("client certificates")), "{error}");
    }
}

/// A system without certificates, as a minimal container is: plain http needs none, and neither does https with one's own.
/// The variables belong to the process, so the calls are made in one of its own.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_system_without_certificates_hinders_https_alone() {
    if let (Ok(clear), Ok(secure)) = (std::env::var("BUD_TEST_CLEAR"), std::env::var("BUD_TEST_SECURE")) {
        works(&plain(&clear).build().unwrap()).await;
        let error = plain(&secure).build().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Config);
        for named in ["no trusted certificates", "SSL_CERT_FILE", "ca_certificate", "BUD_CA_CERTIFICATE"] {
            assert!(error.to_string().contains(named), "{named}: {error}");
        }
        let own = std::env::var("BUD_TEST_AUTHORITY").unwrap();
        works(&plain(&secure).ca_certificate(own).build().unwrap()).await;
        return;
    }
    let authority = authority();
    let secure = Home::healthy(signed(&named(&HOME), &authority)).await;
    let clear = Wire::start([Script::answer(user())]).await.unwrap();
    let mut child = tokio::process::Command::new(std::env::current_exe().unwrap());
    let test = crate::common::test_path(module_path!(), "a_system_without_certificates_hinders_https_alone");
    child.args(["--exact", &test]);
    child.env("BUD_TEST_CLEAR", clear.url()).env("BUD_TEST_SECURE", secure.url());
    child.env("BUD_TEST_AUTHORITY", authority.pem());
    child.env("SSL_CERT_FILE", "/nowhere/certificates.pem").env("SSL_CERT_DIR", "/nowhere");
    let output = child.output().await.unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && text.contains("1 passed"), "{text}");
}
