//! The one way out: authorize, send, retry, explain. Not generic, and ignorant of what it carries.

mod attempt;
mod backend;
mod budget;
mod channel;
mod connection;
mod exchange;
mod options;
pub(crate) mod proxy;
mod redact;
mod refusal;
mod retry;
mod retry_after;
mod run;
#[cfg(test)]
mod tests;
mod tls;
mod transport;

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use http::HeaderValue;

use crate::error::{Error, ErrorKind, Result};
use crate::types::Secret;

pub(crate) use backend::BackendSpec;
#[cfg(any(feature = "monitoring", feature = "kubernetes"))]
pub(crate) use backend::Mask;
pub(crate) use channel::{Channel, Slot};
pub(crate) use connection::Connection;
pub(crate) use exchange::{Meta, Request};
pub(crate) use options::{Deadline, Options};
pub(crate) use proxy::{Proxy, ProxySettings};
pub(crate) use redact::mask;
#[cfg(feature = "kubernetes")]
pub(crate) use refusal::Refusal;
pub(crate) use retry::Policy;
pub(crate) use run::{execute, send};
#[cfg(feature = "kubernetes")]
pub(crate) use run::{fetch, stream};
pub(crate) use tls::TlsRoots;
#[cfg(feature = "kubernetes")]
pub(crate) use tls::install_default_provider;
#[cfg(any(feature = "testing", feature = "kubernetes"))]
pub(crate) use transport::Outgoing;
pub(crate) use transport::{Body, Connector, Failure, Incoming, Transport};
#[cfg(feature = "kubernetes")]
pub(crate) use transport::{address, causes, find, own_fault};

pub(crate) type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Calls wait by tokio's timers and connections, which panic where none of its runtimes is entered.
pub(crate) fn require_runtime() -> Result<()> {
    match tokio::runtime::Handle::try_current() {
        Ok(_) => Ok(()),
        Err(_) => Err(Error::config("no tokio runtime is running here")
            .with_hint("await calls inside #[tokio::main] or Runtime::block_on, or use bud_sdk::blocking")),
    }
}

/// Where the credentials of requests come from; the pipeline does not know how.
pub(crate) trait Authenticate: Send + Sync {
    /// The header for the next request; `None` where none is needed.
    fn header(&self, patience: Patience) -> BoxFuture<'_, Result<Option<Arc<AuthHeader>>>>;
    /// The server accepted a header.
    fn accepted(&self) {}
    /// The server refused this header, or what else the request was sent with. True if other credentials may be had.
    fn rejected(&self, _: Option<&AuthHeader>) -> bool {
        false
    }
    /// What it means, and what to do, when the server refuses the credentials for good.
    fn refused(&self, error: Error) -> Error {
        error
    }
    /// What it holds that must not appear in any text that comes back, should a server or proxy echo it.
    fn secrets(&self) -> Vec<Secret> {
        Vec::new()
    }
}

/// How long a call waits for credentials.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Patience {
    /// The call's deadline.
    pub(crate) until: tokio::time::Instant,
    /// Whether it retries at all.
    pub(crate) retries: bool,
}

/// No credentials: for the requests that open a session, and for services without a login.
pub(crate) struct Anonymous;

impl Authenticate for Anonymous {
    fn header(&self, _: Patience) -> BoxFuture<'_, Result<Option<Arc<AuthHeader>>>> {
        Box::pin(async { Ok(None) })
    }
}

/// An `Authorization` header, checked once and ready to be sent.
#[derive(Debug)]
pub(crate) struct AuthHeader {
    /// The token, or the password.
    pub(crate) secret: Secret,
    /// What a server could echo of it, if that is not the secret itself.
    encoded: Option<Secret>,
    value: HeaderValue,
}

impl AuthHeader {
    /// Longer tokens are no tokens.
    const MAX_LENGTH: usize = 16 * 1024;

    /// A bearer token.
    pub(crate) fn bearer(secret: Secret) -> Result<Self> {
        let text = secret.expose();
        let refused = |why: &'static str| Err(Error::new(ErrorKind::AuthRejected, why));
        if text.is_empty() {
            return refused("the token is empty");
        }
        if text.len() > Self::MAX_LENGTH || !text.bytes().all(|b| b.is_ascii_graphic()) {
            return refused("the token has characters or a length that no token has");
        }
        let value = format!("Bearer {text}");
        Self::new(secret, &value)
    }

    /// User name and password, as RFC 7617 has them.
    #[cfg(any(feature = "monitoring", feature = "kubernetes"))]
    pub(crate) fn basic(username: &str, password: Secret) -> Result<Self> {
        use base64::Engine;
        let encoded =
            base64::engine::general_purpose::STANDARD.encode(format!("{username}:{}", password.expose()));
        let header = Self::new(password, &format!("Basic {encoded}"))?;
        Ok(Self { encoded: Some(encoded.into()), ..header })
    }

    /// The one place where a secret becomes a header.
    pub(crate) fn new(secret: Secret, value: &str) -> Result<Self> {
        let mut value = HeaderValue::try_from(value)
            .map_err(|_| Error::new(ErrorKind::AuthRejected, "the token cannot stand in a header"))?;
        value.set_sensitive(true);
        Ok(Self { secret, encoded: None, value })
    }

    /// For a request that is not made by the pipeline.
    #[cfg(feature = "kubernetes")]
    pub(crate) fn value(&self) -> HeaderValue {
        self.value.clone()
    }

    /// What must not appear in any text that comes back.
    pub(crate) fn secrets(&self) -> impl Iterator<Item = Secret> {
        [Some(self.secret.clone()), self.encoded.clone()].into_iter().flatten()
    }
}
