//! Server messages that carry a meaning which their status does not have.

use std::ops::RangeInclusive;

use crate::error::{Error, ErrorKind};

/// A refusal that means something else than its status says.
pub(crate) struct Quirk {
    /// The operations that it is about; all of the backend if there are none.
    pub(crate) operations: &'static [&'static str],
    pub(crate) status: RangeInclusive<u16>,
    pub(crate) message: Message,
    /// What it means. None: the status has the right kind.
    pub(crate) kind: Option<ErrorKind>,
    /// What to do.
    pub(crate) hint: Option<&'static str>,
    /// What shows that servers answer so: a recorded exchange, or a sentence of the API's description.
    pub(crate) evidence: &'static str,
}

/// How a server's message is recognized.
pub(crate) enum Message {
    Is(&'static str),
    StartsWith(&'static str),
    /// In any case.
    Contains(&'static str),
    Any,
}

impl Message {
    fn fits(&self, message: &str) -> bool {
        match self {
            Self::Is(text) => message == *text,
            Self::StartsWith(text) => message.starts_with(text),
            Self::Contains(text) => message.to_ascii_lowercase().contains(&text.to_ascii_lowercase()),
            Self::Any => true,
        }
    }
}

impl Quirk {
    /// Whether this refusal is the one.
    pub(crate) fn fits(&self, operation: &str, error: &Error) -> bool {
        (self.operations.is_empty() || self.operations.contains(&operation))
            && error.status().is_some_and(|status| self.status.contains(&status))
            && self.message.fits(error.message())
    }

    fn explain(&self, error: Error) -> Error {
        let error = match self.kind {
            Some(kind) => error.with_kind(kind),
            None => error,
        };
        match self.hint {
            Some(hint) => error.with_hint(hint),
            None => error,
        }
    }
}

/// The error as the first quirk explains it that fits.
pub(crate) fn explain(quirks: &[Quirk], operation: &str, error: Error) -> Error {
    match quirks.iter().find(|quirk| quirk.fits(operation, &error)) {
        Some(quirk) => quirk.explain(error),
        None => error,
    }
}
