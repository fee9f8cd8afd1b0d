//! Server messages that carry a meaning which their status does not have.

use std::ops::RangeInclusive;

use crate::error::{Error, ErrorKind};

/// A refusal that means something else than its status says.
#[derive(Debug)]
pub(crate) struct Quirk {
    /// The operations that it is about; all of the backend if there are none.
    operations: &'static [&'static str],
    status: RangeInclusive<u16>,
    message: Message,
    /// What it means. None: the status has the right kind.
    kind: Option<ErrorKind>,
    /// What to do.
    hint: Option<&'static str>,
    /// What shows that servers answer so.
    #[cfg_attr(not(test), expect(dead_code, reason = "the tests compare it with the recordings"))]
    evidence: Evidence,
}

/// How a server's message is recognized.
#[derive(Debug)]
pub(crate) enum Message {
    Is(&'static str),
    StartsWith(&'static str),
    /// In any case.
    Contains(&'static str),
    Any,
}

/// What shows that servers answer so.
#[derive(Debug)]
#[cfg_attr(not(test), expect(dead_code, reason = "the tests compare it with the recordings"))]
pub(crate) enum Evidence {
    /// Recorded exchanges, by their names: one at least.
    Recorded(&'static [&'static str]),
    /// A sentence about the service, and no recording: where it comes from.
    Described(&'static str),
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
    pub(crate) const fn new(
        operations: &'static [&'static str],
        status: RangeInclusive<u16>,
        message: Message,
        evidence: Evidence,
    ) -> Self {
        Self { operations, status, message, kind: None, hint: None, evidence }
    }

    pub(crate) const fn means(mut self, kind: ErrorKind) -> Self {
        self.kind = Some(kind);
        self
    }

    pub(crate) const fn hint(mut self, hint: &'static str) -> Self {
        self.hint = Some(hint);
        self
    }

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

    #[cfg(test)]
    pub(crate) fn operations(&self) -> &'static [&'static str] {
        self.operations
    }
    #[cfg(test)]
    pub(crate) fn evidence(&self) -> &Evidence {
        &self.evidence
    }
}

/// The error as the first quirk explains it that fits.
pub(crate) fn explain(quirks: &[Quirk], operation: &str, error: Error) -> Error {
    match quirks.iter().find(|quirk| quirk.fits(operation, &error)) {
        Some(quirk) => quirk.explain(error),
        None => error,
    }
}
