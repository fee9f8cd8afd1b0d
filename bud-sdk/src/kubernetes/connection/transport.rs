//! The client for Kubernetes as what carries requests: its connection of the moment, and its failures in the terms of the pipeline.

use std::io;
use std::sync::{Mutex, PoisonError};

use futures_util::StreamExt;
use http::Request;
use http::header::AUTHORIZATION;
use http_body_util::BodyExt;
use hyper_util::client::legacy;
use kube::client::Body;
use url::{Position, Url};

use crate::error::ErrorKind;
use crate::http::{
    self as pipeline, BoxFuture, Failure, Incoming, Outgoing, Transport, causes, find, own_fault,
};
use crate::kubernetes::connection::kubeconfig::Authorization;
use crate::types::Timestamp;

/// A client with the credentials of one moment.
#[derive(Clone)]
pub(crate) struct Connection {
    pub(crate) client: kube::Client,
    pub(crate) generation: u64,
    /// What requests are authorized with. A certificate is the client's own.
    pub(crate) authorization: Authorization,
    pub(crate) expires: Option<Timestamp>,
    pub(crate) server: Url,
    /// The proxy that requests go through, for errors.
    pub(crate) proxy: Option<String>,
    pub(crate) namespace: String,
}

/// The connection of this moment. Requests go by it.
pub(crate) struct Current(Mutex<Connection>);

impl Current {
    pub(crate) fn new(connection: Connection) -> Self {
        Self(Mutex::new(connection))
    }
    pub(crate) fn get(&self) -> Connection {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
    pub(crate) fn set(&self, connection: Connection) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = connection;
    }
}

impl Transport for Current {
    fn send(&self, outgoing: Outgoing) -> BoxFuture<'static, Result<Incoming, Failure>> {
        let connection = self.get();
        Box::pin(async move {
            let mut request = request(outgoing)?;
            // Client and credentials are of one moment: a header of an earlier one may have been for another server.
            if connection.authorization.is_none() {
                request.headers_mut().remove(AUTHORIZATION);
            }
            connection.authorization.apply(&mut request);
            let sent = connection.client.send(request).await;
            let (head, body) = sent.map_err(|error| connection.explain(&error))?.into_parts();
            let body = body.into_data_stream().map(|piece| piece.map_err(|error| broken(&error)));
            Ok(Incoming::new(head.status.as_u16(), head.headers, pipeline::Body::new(body)))
        })
    }
}

/// The request as the client takes it, which adds the server's address and the path below which it is served.
fn request(outgoing: Outgoing) -> Result<Request<Body>, Failure> {
    let method = outgoing.method();
    let body = outgoing.body.map_or_else(Body::empty, Body::from);
    let request = Request::builder().method(method).uri(&outgoing.url[Position::BeforePath..]).body(body);
    let mut request = request.map_err(|error| Failure::new(ErrorKind::Protocol, false, error.to_string()))?;
    *request.headers_mut() = outgoing.headers;
    Ok(request)
}

fn broken(error: &kube::Error) -> Failure {
    Failure::new(ErrorKind::Interrupted, true, format!("the answer broke off: {}", told(error)))
}

impl Connection {
    /// Why there was no answer.
    pub(crate) fn explain(&self, error: &kube::Error) -> Failure {
        let sent = !find::<legacy::Error>(error).is_some_and(legacy::Error::is_connect);
        if let Some(failure) = own_fault(error, sent) {
            return failure;
        }
        let timed_out = |cause: &(dyn std::error::Error + 'static)| {
            cause.downcast_ref::<io::Error>().is_some_and(|io| io.kind() == io::ErrorKind::TimedOut)
        };
        let kind = match sent {
            _ if find::<rustls::Error>(error).is_some() => ErrorKind::Tls,
            _ if causes(error).any(timed_out) => ErrorKind::Timeout,
            true => ErrorKind::Interrupted,
            false => ErrorKind::Connect,
        };
        let failure = Failure::new(kind, sent, told(error));
        let failure = match kind {
            // The kubeconfig may have changed its server since the cluster was connected to.
            ErrorKind::Connect | ErrorKind::Tls => {
                Failure { peer: Some(pipeline::address(&self.server)), ..failure }
            }
            _ => failure,
        };
        match (kind, &self.proxy) {
            (ErrorKind::Connect | ErrorKind::Interrupted, Some(proxy)) => {
                failure.hint(format!("the connection goes through {proxy}: is it right, and reachable?"))
            }
            (ErrorKind::Connect, None) => {
                failure.hint("is the address in the kubeconfig right, and the cluster reachable from here?")
            }
            (ErrorKind::Tls, _) => failure.hint(
                "is the CA in the kubeconfig the cluster's, and its name or address in the certificate?",
            ),
            _ => failure,
        }
    }
}

/// What an error and those behind it say, once each.
pub(crate) fn told(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        let more = error.to_string();
        if !text.contains(&more) {
            text = format!("{text}: {more}");
        }
        source = error.source();
    }
    crate::operation::clean(&text, 500)
}
