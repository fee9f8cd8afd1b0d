//! What is worth knowing of a result and is no error.

use std::borrow::Cow;
use std::fmt;

use serde::Serialize;

/// Something about a result that its caller should know and that is no error: the list changed while it was read, the server
/// accepted a change without showing it, a permission is wider than the one that was granted.
///
/// Warnings are part of [`Response`](crate::Response), of [`Listing`](crate::Listing) and of the streams of a list, and every one
/// is logged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Warning {
    code: &'static str,
    message: Cow<'static, str>,
}

impl Warning {
    /// The server reports other totals at the end of the list than at its beginning.
    pub(crate) const CHANGED_WHILE_READING: &'static str = "changed_while_reading";
    /// The permission that holds is another one than the one that was granted.
    pub(crate) const EFFECTIVE_LEVEL: &'static str = "effective_level";
    /// The API of this server does less than the operation's intent, and that matters here.
    pub(crate) const LIMITATION: &'static str = "limitation";
    /// The server accepted the change, and nothing shows it yet.
    pub(crate) const NOT_SHOWN: &'static str = "not_shown";
    /// What was to be deleted was not seen to exist.
    pub(crate) const NOT_SEEN: &'static str = "not_seen";
    /// The server's own warning.
    pub(crate) const SERVER: &'static str = "server";
    /// Rows of a list that do not show whether they match a filter were left out.
    pub(crate) const UNPROVEN_ROWS: &'static str = "unproven_rows";
    /// Rows of a list that could not be read were left out.
    pub(crate) const UNREADABLE_ROWS: &'static str = "unreadable_rows";

    pub(crate) fn new(code: &'static str, message: impl Into<Cow<'static, str>>) -> Self {
        Self { code, message: message.into() }
    }

    /// With another message.
    pub(crate) fn masked(&self, mask: &dyn Fn(&str) -> String) -> Self {
        Self::new(self.code, mask(&self.message))
    }

    /// A stable name, the same in all languages: `changed_while_reading`, `effective_level`, `limitation`, `not_seen`,
    /// `not_shown`, `server`, `unproven_rows` or `unreadable_rows`.
    pub fn code(&self) -> &'static str {
        self.code
    }

    /// What there is to know, in one sentence. Never contains a secret.
    pub fn message(&self) -> &str {
        &self.message
    }
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}
