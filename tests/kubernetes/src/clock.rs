//! The same API server at a later time: everything is passed on as it is, and its Date is moved. What is judged by its age is
//! old at once that way, for nobody may write when an object was created.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use http::header::{CONNECTION, CONTENT_LENGTH, DATE, HOST, TRANSFER_ENCODING};
use http::{HeaderValue, Response, StatusCode};
use hyper_util::rt::TokioIo;
use jiff::Timestamp;
use tokio::net::TcpListener;

use crate::identity::Identity;
use crate::logs::refusal;
use crate::pki::client_config;
use crate::{Outcome, failed, server};

struct Core {
    client: reqwest::Client,
    url: String,
    later: Duration,
}

/// Serves on the current runtime until that ends; the port. It speaks without TLS, on the loopback alone.
pub(crate) async fn serve(to: Identity, later: Duration) -> Outcome<u16> {
    let client = reqwest::Client::builder()
        .tls_backend_preconfigured(client_config(&to.authority, None)?)
        .http1_only()
        .no_proxy()
        .build()
        .map_err(failed("an HTTP client"))?;
    let core = Arc::new(Core { client, url: to.url, later });
    let router = Router::new().fallback(pass).with_state(core);
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.map_err(failed("a free port"))?;
    let port = listener.local_addr().map_err(failed("a free port"))?.port();
    tokio::spawn(server::plain(listener, router));
    Ok(port)
}

async fn pass(State(core): State<Arc<Core>>, request: Request) -> Response<Body> {
    let passed = core.pass(request).await;
    passed.unwrap_or_else(|reason| refusal(StatusCode::BAD_GATEWAY, reason))
}

impl Core {
    async fn pass(&self, mut request: Request) -> Outcome<Response<Body>> {
        let path = request.uri().path_and_query().map_or("/", |path| path.as_str());
        let mut asked = self.client.request(request.method().clone(), format!("{}{path}", self.url));
        for (name, value) in request.headers() {
            if ![HOST, CONTENT_LENGTH, TRANSFER_ENCODING].contains(name) {
                asked = asked.header(name, value);
            }
        }
        let upgrade =
            request.headers().contains_key(http::header::UPGRADE).then(|| hyper::upgrade::on(&mut request));
        let body = request.into_body();
        let body = axum::body::to_bytes(body, usize::MAX).await.map_err(failed("a request"))?;
        let answer = asked.body(body).send().await.map_err(failed("the API server"))?;
        let mut response = Response::builder().status(answer.status());
        for (name, value) in answer.headers() {
            let own = answer.status() != StatusCode::SWITCHING_PROTOCOLS && *name == CONNECTION;
            if !own && ![DATE, CONTENT_LENGTH, TRANSFER_ENCODING].contains(name) {
                response = response.header(name, value);
            }
        }
        let date = answer.headers().get(DATE).and_then(|date| self.moved(date));
        if let Some(date) = date {
            response = response.header(DATE, date);
        }
        let body = match upgrade.filter(|_| answer.status() == StatusCode::SWITCHING_PROTOCOLS) {
            Some(upgrade) => {
                tokio::spawn(async move {
                    if let (Ok(near), Ok(mut far)) = (upgrade.await, answer.upgrade().await) {
                        let _ = tokio::io::copy_bidirectional(&mut TokioIo::new(near), &mut far).await;
                    }
                });
                Body::empty()
            }
            None => Body::from_stream(answer.bytes_stream()),
        };
        response.body(body).map_err(failed("an answer"))
    }

    fn moved(&self, date: &HeaderValue) -> Option<HeaderValue> {
        let date = jiff::fmt::rfc2822::parse(date.to_str().ok()?).ok()?.timestamp();
        let later: Timestamp = date.checked_add(self.later).ok()?;
        let text = later.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
        HeaderValue::from_str(&text).ok()
    }
}
