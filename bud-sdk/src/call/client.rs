//! The client.

use std::fmt;
use std::sync::Arc;

use super::{Call, Capabilities, ClientBuilder};
use crate::auth::Session;
use crate::error::Result;
use crate::http::{Incoming, Meta, Options, Platform, execute, open};
use crate::operation::{Describe, Flavor, Operation, OperationInfo, Route};
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
    pub(super) platform: Arc<Platform>,
    pub(super) session: Session,
    pub(super) options: Options,
    pub(super) operations: &'static [OperationInfo],
    pub(super) names: Vec<(String, String)>,
    pub(super) unlock: Option<Arc<dyn Unlock>>,
}

/// Opens API keys that come encrypted.
pub(crate) trait Unlock: Send + Sync {
    /// The key of this ciphertext in hexadecimal digits.
    fn open(&self, ciphertext: &str) -> Result<Secret>;
}

impl Client {
    /// Starts to configure a client.
    pub fn builder() -> ClientBuilder {
        ClientBuilder::new()
    }

    /// A client from the environment and `~/.bud/config.toml`; see [`ClientBuilder::env`] for what is read.
    ///
    /// # Errors
    /// `Config`, naming the variable, or the file and key, that is missing or wrong.
    pub fn from_env() -> Result<Self> {
        Self::builder().env().build()
    }

    /// The address that it calls.
    pub fn base_url(&self) -> &str {
        self.0.platform.channel.base.as_str()
    }

    /// Which API the server speaks: as configured, or asked for once.
    ///
    /// # Errors
    /// Those of a request, and `Config` when the answer is unclear.
    pub async fn flavor(&self) -> Result<Flavor> {
        let options = &self.0.options;
        self.0.platform.flavor(options, options.deadline()).await
    }

    /// What this server's API offers, operation by operation, and what is lost or to be used instead.
    ///
    /// # Errors
    /// Those of [`flavor`](Self::flavor).
    pub async fn capabilities(&self) -> Result<Capabilities> {
        Ok(Capabilities::on(self.flavor().await?, self.0.operations))
    }

    pub(crate) fn call<O: Operation>(&self, operation: O) -> Call<O> {
        Call::new(self.clone(), operation)
    }

    pub(crate) async fn execute<O: Operation>(
        &self,
        operation: &O,
        options: Options,
    ) -> Result<(O::Output, Meta)> {
        execute(&self.0.platform, operation, &options.or(&self.0.options), &self.0.session).await
    }

    /// The options of a call that is part of something with so much time left.
    pub(crate) fn options_within(&self, left: std::time::Duration) -> Options {
        let total = self.0.options.total.unwrap_or(Options::TOTAL);
        Options {
            total: Some(total.min(left).max(std::time::Duration::from_millis(1))),
            ..Options::default()
        }
    }

    pub(crate) async fn execute_anonymous<O: Operation>(
        &self,
        operation: &O,
        options: Options,
    ) -> Result<(O::Output, Meta)> {
        let options = options.or(&self.0.options);
        execute(&self.0.platform, operation, &options, &crate::http::Anonymous).await
    }

    pub(crate) async fn open<D: Describe>(&self, request: &D, options: Options) -> Result<(Incoming, Meta)> {
        open(&self.0.platform, request, &options.or(&self.0.options), &self.0.session).await
    }

    /// Where an operation goes on this server.
    pub(crate) async fn route<D: Describe>(&self) -> Result<Route> {
        D::ROUTES.route(self.flavor().await?)
    }

    /// What must not be shown of any text that comes back.
    pub(crate) fn secrets(&self) -> Vec<Secret> {
        crate::http::Authorize::secrets(&self.0.session)
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
