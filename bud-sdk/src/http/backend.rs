//! What is particular to one HTTP service, as data: the pipeline itself knows no service.

use super::{BoxFuture, Channel, Deadline, Options};
use crate::config::Keys;
use crate::error::Result;
use crate::operation::{OperationInfo, Quirk, ServerMessage};

/// Takes secrets out of a text.
pub(crate) type Mask<'a> = &'a dyn Fn(&str) -> String;

/// Asks a server which of its service's APIs it speaks: the answer is a place in the list of flavors.
pub(crate) type Detect = for<'a> fn(&'a Channel, &'a Options, Deadline) -> BoxFuture<'a, Result<usize>>;

/// The description of a service.
pub(crate) struct BackendSpec {
    /// The name in configurations and spans: `bud`, `prometheus`.
    pub(crate) name: &'static str,
    /// How its values are named in the environment and in the configuration file.
    pub(crate) keys: &'static Keys,
    /// None for a service with one API.
    pub(crate) detect: Option<Detect>,
    /// Reads what a refusal says: its body and content type.
    pub(crate) read_error: fn(&[u8], Option<&str>, Mask<'_>) -> ServerMessage,
    /// Refusals that mean something else than their status says.
    pub(crate) quirks: &'static [Quirk],
    /// Everything that it can be asked.
    pub(crate) operations: &'static [OperationInfo],
    /// The largest answer that is read whole, in bytes.
    pub(crate) largest_answer: usize,
    /// A refusal is repeated only where the server says when: one without `Retry-After` is its last word.
    pub(crate) says_when: bool,
    /// Its own 404 may be plain text; of other services, that is a proxy's.
    pub(crate) plain_not_found: bool,
}

/// A list page is some tens of kilobytes.
const LARGEST_ANSWER: usize = 16 << 20;

impl BackendSpec {
    /// A service with one API and errors in the usual forms.
    pub(crate) const fn new(
        name: &'static str,
        keys: &'static Keys,
        operations: &'static [OperationInfo],
    ) -> Self {
        Self {
            name,
            keys,
            detect: None,
            read_error: ServerMessage::read,
            quirks: &[],
            operations,
            largest_answer: LARGEST_ANSWER,
            says_when: false,
            plain_not_found: false,
        }
    }
}

impl std::fmt::Debug for BackendSpec {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name)
    }
}
