//! The stand-ins' way to serve: HTTP/1.1 over TLS on a free loopback port, with upgrades.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use rustls::ServerConfig;
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use crate::{Outcome, failed};

/// A peer that connects and says nothing.
const HANDSHAKE_LIMIT: Duration = Duration::from_secs(30);

/// Serves on the current runtime until that ends; the port.
pub(crate) async fn serve(router: Router, config: ServerConfig) -> Outcome<u16> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.map_err(failed("a free port"))?;
    let port = listener.local_addr().map_err(failed("a free port"))?.port();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let service = TowerToHyperService::new(router);
    tokio::spawn(async move {
        loop {
            let Ok((stream, _)) = listener.accept().await else { continue };
            let _ = stream.set_nodelay(true);
            let (acceptor, service) = (acceptor.clone(), service.clone());
            tokio::spawn(async move {
                // Whoever fails here, or goes away later, learns of it; nobody else has to.
                let accepted = tokio::time::timeout(HANDSHAKE_LIMIT, acceptor.accept(stream)).await;
                if let Ok(Ok(stream)) = accepted {
                    let http = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
                    let _ = http.with_upgrades().await;
                }
            });
        }
    });
    Ok(port)
}

/// Serves without TLS, for as long as it is polled.
pub(crate) async fn plain(listener: TcpListener, router: Router) {
    let service = TowerToHyperService::new(router);
    loop {
        let Ok((stream, _)) = listener.accept().await else { continue };
        let _ = stream.set_nodelay(true);
        let http = http1::Builder::new().serve_connection(TokioIo::new(stream), service.clone());
        tokio::spawn(http.with_upgrades());
    }
}
