//! The client.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::backend::SPEC;
use super::capabilities::Capabilities;
use super::flavor::Flavor;
use crate::auth::Session;
use crate::call::{Call, List, RawCall};
use crate::error::Result;
use crate::http::{Connection, Incoming, Meta, Options};
use crate::operation::{Describe, Method, Operation, Paged, Route};
use crate::types::Secret;

/// A client of one Bud platform. Cloning it is cheap, and clones share connections, session and retry budget.
///
/// ```no_run
/// # async fn demo() -> bud_sdk::Result<()> {
/// let bud = bud_sdk::Client::builder()
///     .base_url("https://api.bud.example.com")
///     .password("admin@example.com", std::env::var("BUD_PASSWORD").unwrap_or_default())
///     .build()?;
/// for user in bud.users().list().all().await? {
///     println!("{}", user.email.as_deref().unwrap_or("no e-mail"));
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Client(pub(super) Arc<Inner>);

pub(super) struct Inner {
    pub(super) connection: Arc<Connection>,
    pub(super) session: Session,
    pub(super) names: Vec<(String, String)>,
    pub(super) unlock: Option<Arc<dyn Unlock>>,
}

/// Opens API keys that come encrypted.
pub(crate) trait Unlock: Send + Sync {
    /// The key of this ciphertext in hexadecimal digits.
    fn open(&self, ciphertext: &str) -> Result<Secret>;
}

impl Client {
    /// The address that it calls.
    pub fn base_url(&self) -> &str {
        self.0.connection.channel.base.as_str()
    }

    /// Which API the server speaks: as configured, or asked for once.
    ///
    /// # Errors
    /// Those of a request, and `Config` when the answer is unclear.
    pub async fn flavor(&self) -> Result<Flavor> {
        self.0.connection.flavor().await
    }

    /// What this server's API offers, operation by operation, and what is lost or to be used instead.
    ///
    /// # Errors
    /// Those of [`flavor`](Self::flavor).
    pub async fn capabilities(&self) -> Result<Capabilities> {
        Ok(Capabilities::on(self.flavor().await?, SPEC.operations))
    }

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
        RawCall::new(&self.0.connection, method, path.into())
    }

    pub(crate) fn call<O: Operation>(&self, operation: O) -> Call<O> {
        Call::new(&self.0.connection, operation)
    }

    pub(crate) fn list<O: Paged>(&self, operation: O) -> List<O> {
        List::new(&self.0.connection, operation)
    }

    pub(crate) async fn execute<O: Operation>(
        &self,
        operation: &O,
        options: Options,
    ) -> Result<(O::Output, Meta)> {
        self.0.connection.execute(operation, options).await
    }

    /// The options of a call that is part of something with so much time left.
    pub(crate) fn options_within(&self, left: Duration) -> Options {
        let total = self.0.connection.options.total.unwrap_or(Options::TOTAL);
        Options { total: Some(total.min(left).max(Duration::from_millis(1))), ..Options::default() }
    }

    pub(crate) async fn open<D: Describe>(&self, request: &D, options: Options) -> Result<(Incoming, Meta)> {
        self.0.connection.open(request, options).await
    }

    /// Where an operation goes on this server.
    pub(crate) async fn route<D: Describe<Flavor = Flavor>>(&self) -> Result<Route> {
        D::ROUTES.route(self.flavor().await?)
    }

    /// What must not be shown of any text that comes back.
    pub(crate) fn secrets(&self) -> Vec<Secret> {
        self.0.connection.secrets()
    }

    /// What the program gives in place of this name, where the API lacks it.
    pub(crate) fn mapped_name(&self, wanted: &str) -> Option<&str> {
        let found = self.0.names.iter().rev().find(|(name, _)| name == wanted);
        found.map(|(_, given)| given.as_str())
    }

    pub(crate) fn unlock(&self) -> Option<&Arc<dyn Unlock>> {
        self.0.unlock.as_ref()
    }

    pub(crate) fn session(&self) -> &Session {
        &self.0.session
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("base_url", &self.base_url()).finish_non_exhaustive()
    }
}
