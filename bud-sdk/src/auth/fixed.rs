//! Credentials that stay as they are.

use std::sync::Arc;

use crate::error::{Error, Result};
use crate::http::{AuthHeader, Authenticate, BoxFuture, Patience};
use crate::types::Secret;

/// One header for all requests, or none.
pub(crate) struct Fixed {
    header: Option<Arc<AuthHeader>>,
    hint: Option<&'static str>,
}

impl Fixed {
    pub(crate) fn new(header: Option<Arc<AuthHeader>>) -> Self {
        Self { header, hint: None }
    }

    /// What to do when the server refuses the header.
    #[cfg(feature = "monitoring")]
    pub(crate) fn with_hint(mut self, hint: &'static str) -> Self {
        self.hint = Some(hint);
        self
    }
}

impl Authenticate for Fixed {
    fn header(&self, _: Patience) -> BoxFuture<'_, Result<Option<Arc<AuthHeader>>>> {
        Box::pin(async { Ok(self.header.clone()) })
    }

    fn refused(&self, error: Error) -> Error {
        match self.hint {
            Some(hint) => error.with_hint(hint),
            None => error,
        }
    }

    fn secrets(&self) -> Vec<Secret> {
        self.header.iter().flat_map(|header| header.secrets()).collect()
    }
}
