//! The way out for routes that have no typed call yet: the same pipeline, the caller's own path and body.

use std::future::IntoFuture;
use std::time::Duration;

use bytes::Bytes;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::{Error, Result};
use crate::http::{BoxFuture, Meta, Options, send};
use crate::operation::{Method, Parts, Route, check_raw_path};

use super::Client;

impl Client {
    /// Calls a route that has no typed call. The path begins with `/`; its segments are sent as they are, and those that
    /// would leave their place are refused. The session, deadlines, limits and errors are those of every call; only a GET
    /// is repeated after a failure that may have reached the server, unless [`idempotent`](RawCall::idempotent) says more.
    ///
    /// ```no_run
    /// # async fn demo(bud: bud_sdk::Client) -> bud_sdk::Result<()> {
    /// use bud_sdk::operations::Method;
    /// let models: serde_json::Value = bud.raw(Method::Get, "/models").query("limit", 5).await?.json()?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn raw(&self, method: Method, path: impl Into<String>) -> RawCall {
        RawCall {
            client: self.clone(),
            path: path.into(),
            parts: Parts::new(),
            route: Route::any(method, method == Method::Get),
            options: Options::default(),
        }
    }
}

/// A call to a route of the caller's choice. Awaiting it sends it.
#[must_use = "a call does nothing until it is awaited"]
#[derive(Debug, Clone)]
pub struct RawCall {
    client: Client,
    path: String,
    parts: Parts,
    route: Route,
    options: Options,
}

impl RawCall {
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

    /// The longest time that the call may take with all its attempts and waiting.
    pub fn timeout(mut self, total: Duration) -> Self {
        self.options.total = Some(total);
        self
    }

    /// The longest time that one attempt may take.
    pub fn attempt_timeout(mut self, attempt: Duration) -> Self {
        self.options.attempt = Some(attempt);
        self
    }

    /// How often it is tried, the first time included; 1 turns retries off.
    pub fn attempts(mut self, attempts: u32) -> Self {
        self.options.attempts = Some(attempts);
        self
    }

    /// Sends a further header. Credentials, framing and idempotency keys are refused.
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.options.headers.push((name.into(), value.into()));
        self
    }

    /// All of them at once.
    #[cfg(feature = "bindings")]
    pub(crate) fn options(self, options: Options) -> Self {
        Self { options, ..self }
    }
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
            let inner = &self.client.0;
            let parts = Parts { raw_path: Some(self.path), ..self.parts };
            let options = self.options.or(&inner.options);
            let (raw, meta) =
                send(&inner.platform.channel, "raw", &self.route, &parts, &options, &inner.session).await?;
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
