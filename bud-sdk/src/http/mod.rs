//! The one way out: authorize, send, retry, explain. Not generic, and ignorant of what it carries.

mod attempt;
mod budget;
mod channel;
mod detect;
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

pub(crate) use channel::{Channel, Platform, Slot};
pub(crate) use exchange::Meta;
pub(crate) use options::{Deadline, Options};
pub(crate) use proxy::{Proxy, ProxySettings};
pub(crate) use redact::mask;
pub(crate) use retry::Policy;
pub(crate) use run::{execute, open, send};
pub(crate) use tls::TlsRoots;
#[cfg(feature = "kubernetes")]
pub(crate) use tls::install_default_provider;
#[cfg(feature = "testing")]
pub(crate) use transport::Outgoing;
pub(crate) use transport::{Body, Connector, Failure, Incoming, Transport};

pub(crate) type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Calls wait by tokio's timers and connections, which panic where none of its runtimes is entered.
pub(crate) fn require_runtime() -> Result<()> {
    match tokio::runtime::Handle::try_current() {
        Ok(_) => Ok(()),
        Err(_) => Err(Error::config("no tokio runtime is running here")
            .with_hint("await calls inside #[tokio::main] or Runtime::block_on, or use bud_sdk::blocking")),
    }
}

/// Where tokens come from; the pipeline does not know how.
pub(crate) trait Authorize: Send + Sync {
    /// The token for the next request; `None` where none is needed.
    fn token(&self, patience: Patience) -> BoxFuture<'_, Result<Option<Arc<Token>>>>;
    /// The server accepted a token.
    fn accepted(&self) {}
    /// The server refused this token. True if another one may be had.
    fn rejected(&self, token: &Token) -> bool;
    /// What it means, and what to do, when the server refuses the token for good.
    fn refused(&self, error: Error) -> Error {
        error
    }
    /// What it holds that must not appear in any text that comes back, should a server or proxy echo it.
    fn secrets(&self) -> Vec<Secret> {
        Vec::new()
    }
}

/// How long a call waits for a token.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Patience {
    /// The call's deadline.
    pub(crate) until: tokio::time::Instant,
    /// Whether it retries at all.
    pub(crate) retries: bool,
}

/// For the requests that open a session.
pub(crate) struct Anonymous;

impl Authorize for Anonymous {
    fn token(&self, _: Patience) -> BoxFuture<'_, Result<Option<Arc<Token>>>> {
        Box::pin(async { Ok(None) })
    }
    fn rejected(&self, _: &Token) -> bool {
        false
    }
}

/// A bearer token, checked once and ready to be sent.
#[derive(Debug)]
pub(crate) struct Token {
    pub(crate) secret: Secret,
    header: HeaderValue,
}

impl Token {
    /// Longer tokens are no tokens.
    const MAX_LENGTH: usize = 16 * 1024;

    /// The one place where a secret becomes a header.
    pub(crate) fn bearer(secret: Secret) -> Result<Self> {
        let text = secret.expose();
        let refused = |why: &'static str| Err(Error::new(ErrorKind::AuthRejected, why));
        if text.is_empty() {
            return refused("the token is empty");
        }
        if text.len() > Self::MAX_LENGTH || !text.bytes().all(|b| b.is_ascii_graphic()) {
            return refused("the token has characters or a length that no token has");
        }
        let Ok(mut header) = HeaderValue::try_from(format!("Bearer {text}")) else {
            return refused("the token cannot stand in a header");
        };
        header.set_sensitive(true);
        Ok(Self { secret, header })
    }
}
