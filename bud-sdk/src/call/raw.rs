//! The way out for routes that have no typed call yet: the same pipeline, the caller's own path and body.

use std::future::IntoFuture;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::{Error, Result};
use crate::http::{BoxFuture, Connection, Meta, Options, Request, send};
use crate::operation::{Method, Parts, Route, check_raw_path};

use super::options::call_options;

/// A call to a route of the caller's choice. Awaiting it sends it.
#[must_use = "a call does nothing until it is awaited"]
#[derive(Debug, Clone)]
pub struct RawCall {
    connection: Arc<Connection>,
    path: String,
    parts: Parts,
    route: Route,
    options: Options,
}

impl RawCall {
    pub(crate) fn new(connection: &Arc<Connection>, method: Method, path: String) -> Self {
        Self {
            connection: connection.clone(),
            path,
            parts: Parts::new(),
            route: Route::any(method, method == Method::Get),
            options: Options::default(),
        }
    }

    /// Adds a query parameter.
    pub fn query(mut self, name: &str, value: impl std::fmt::Display) -> Self {
        self.parts = self.parts.query(name, value);
        self
    }

    /// Sends a JSON body.
    ///
    /// # Errors
    /// `InvalidArgument` when the value cannot be written as JSON.
    pub fn json(mut self, body: &impl Serialize) -> Result<Self> {
        self.parts = self.parts.json(body)?;
        Ok(self)
    }

    /// Says that sending it twice does what sending it once does, so that it may be repeated.
    pub fn idempotent(mut self) -> Self {
        self.route = self.route.idempotent();
        self
    }

    call_options!("the call");
}

impl IntoFuture for RawCall {
    type Output = Result<RawResponse>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move {
            let checked = match self.path.contains(['?', '#']) {
                true => Err(Error::invalid(
                    "path",
                    "it must hold no query and no fragment; give parameters as `query`",
                )),
                false => check_raw_path(&self.path),
            };
            checked.map_err(|error| error.with_operation("raw"))?;
            let Connection { channel, authenticate, options } = &*self.connection;
            let parts = Parts { raw_path: Some(self.path), ..self.parts };
            let request = Request { operation: "raw", route: &self.route, parts: &parts };
            let options = self.options.or(options);
            let (raw, meta) = send(channel, &request, &options, options.deadline(), &**authenticate).await?;
            Ok(RawResponse { meta, body: raw.body })
        })
    }
}

/// The answer to a raw call; its status is in the 200s.
#[derive(Clone)]
pub struct RawResponse {
    meta: Meta,
    body: Bytes,
}

impl RawResponse {
    /// The HTTP status.
    pub fn status(&self) -> u16 {
        self.meta.status
    }
    /// The server's id of the request.
    pub fn request_id(&self) -> Option<&str> {
        self.meta.request_id.as_deref()
    }
    /// How many requests were sent.
    pub fn attempts(&self) -> u32 {
        self.meta.attempts
    }
    /// How long it took, waiting between attempts included.
    pub fn elapsed(&self) -> Duration {
        self.meta.elapsed
    }
    /// The body, as it came.
    pub fn bytes(&self) -> &[u8] {
        &self.body
    }
    /// The body, read as JSON.
    ///
    /// # Errors
    /// `Decode`, with the place in the JSON.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T> {
        crate::operation::from_slice(&self.body)
    }
}

/// Shows no body: it may hold a secret.
impl std::fmt::Debug for RawResponse {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RawResponse")
            .field("status", &self.status())
            .field("body_bytes", &self.body.len())
            .finish_non_exhaustive()
    }
}
