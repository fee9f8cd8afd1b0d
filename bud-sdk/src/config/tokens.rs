//! The session that the platform's command line left behind. It is read, and never written.

use std::path::Path;

use serde::Deserialize;

use crate::error::{Error, Result};
use crate::types::Secret;

/// `~/.bud/tokens.json`.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct CliTokens {
    pub(crate) access_token: Option<Secret>,
    pub(crate) refresh_token: Option<Secret>,
    /// Seconds since 1970.
    pub(crate) expires_at: Option<f64>,
}

/// `None` without a file, and after a logout, which leaves an empty object.
pub(super) fn read(path: &Path) -> Result<Option<CliTokens>> {
    let Some(bytes) = super::file::read_default(path)? else { return Ok(None) };
    // The parser's message could quote a token.
    let tokens: CliTokens = serde_json::from_slice(&bytes).map_err(|_| {
        Error::config(format!("{}: not what the command line writes", path.display()))
            .with_hint("log in again with `bud auth login`")
    })?;
    let some = |token: Option<Secret>| token.filter(|token| !token.expose().is_empty());
    let tokens = CliTokens {
        access_token: some(tokens.access_token),
        refresh_token: some(tokens.refresh_token),
        ..tokens
    };
    Ok((tokens.access_token.is_some() || tokens.refresh_token.is_some()).then_some(tokens))
}
