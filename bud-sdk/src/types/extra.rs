//! What a server sent beyond the fields that this version knows.

use std::fmt;

/// Fields that the server sent and this version does not know, and values of known fields that cannot be read.
#[derive(Clone, Default, PartialEq)]
pub struct Extra(pub(crate) serde_json::Map<String, serde_json::Value>);

impl Extra {
    /// The value of one unknown field.
    pub fn get(&self, name: &str) -> Option<&serde_json::Value> {
        self.0.get(name)
    }
    /// The names of the unknown fields.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }
    /// Whether every field was known.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Shows the names only: what an unknown field holds may be a secret.
impl fmt::Debug for Extra {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.names()).finish()
    }
}
