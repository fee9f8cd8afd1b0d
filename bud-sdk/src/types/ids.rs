//! Ids: opaque text on the way in, checked on the way out.

use std::fmt;

use serde::de::{self, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use crate::error::{Error, Result};

/// Longer ids are refused; the platform's are UUIDs.
const MAX_LENGTH: usize = 128;

/// Checks that `value` can stand as one path segment and cannot leave it.
///
/// Encoding alone is not enough: URL parsers drop `..` and `%2e%2e`, so that a delete would hit the parent.
pub(crate) fn check_segment(param: &'static str, value: &str) -> Result<()> {
    let why = if value.is_empty() {
        "it is empty"
    } else if value.len() > MAX_LENGTH {
        "it is longer than 128 characters"
    } else if value.bytes().all(|b| b == b'.') {
        "it is a dot segment"
    } else if !value.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'~' | b'-')) {
        "an id has only letters, digits and . _ ~ -"
    } else {
        return Ok(());
    };
    Err(Error::invalid(param, why))
}

/// Reads an id as text. Some servers count their rows, so a whole number is the text of its digits.
fn read_id<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    struct Text;
    impl Visitor<'_> for Text {
        type Value = String;
        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an id as text")
        }
        fn visit_str<E: de::Error>(self, text: &str) -> Result<String, E> {
            Ok(text.to_owned())
        }
        fn visit_u64<E: de::Error>(self, number: u64) -> Result<String, E> {
            Ok(number.to_string())
        }
        fn visit_i64<E: de::Error>(self, number: i64) -> Result<String, E> {
            Ok(number.to_string())
        }
    }
    deserializer.deserialize_any(Text)
}

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident,)*) => {$(
        $(#[$doc])*
        ///
        /// Any text can be held, so that one odd row does not lose a list; it is checked when it is used in a call.
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
        #[serde(transparent)]
        // Some belong to features that may be off.
        #[cfg_attr(not(feature = "monitoring"), allow(dead_code))]
        pub struct $name(Box<str>);

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                read_id(deserializer).map(Self::new)
            }
        }

        #[cfg_attr(not(feature = "monitoring"), allow(dead_code))]
        impl $name {
            /// Takes the id as text.
            pub fn new(id: impl Into<String>) -> Self {
                Self(id.into().into_boxed_str())
            }
            /// The id as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }
        impl From<&str> for $name {
            fn from(id: &str) -> Self {
                Self::new(id)
            }
        }
        impl From<String> for $name {
            fn from(id: String) -> Self {
                Self::new(id)
            }
        }
        impl From<&String> for $name {
            fn from(id: &String) -> Self {
                Self::new(id)
            }
        }
        impl From<&$name> for $name {
            fn from(id: &$name) -> Self {
                id.clone()
            }
        }
        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({})", stringify!($name), self.0)
            }
        }
    )*};
}

/// Hands every id to a macro: what is made for each is made from this one list.
macro_rules! each_id {
    ($made:ident) => {
        $made! {
            /// The id of a [`User`](crate::users::User).
            UserId,
            /// The id of a [`Project`](crate::projects::Project).
            ProjectId,
            /// The id of an [`Endpoint`](crate::endpoints::Endpoint).
            EndpointId,
            /// The id of a [`Cluster`](crate::clusters::Cluster).
            ClusterId,
            /// The id under which a cluster takes deployments on the platform as shipped (`cluster_id`, not `id`).
            DeployClusterId,
            /// The id of a [`Credential`](crate::credentials::Credential).
            CredentialId,
            /// The id of a [`Permission`](crate::permissions::Permission).
            PermissionId,
            /// The id of a [`Workflow`](crate::workflows::Workflow).
            WorkflowId,
            /// The id of a [`Model`](crate::models::Model).
            ModelId,
            /// The id of the platform's key for a provider of models, on the platform as shipped.
            ProviderCredentialId,
            /// The id of an audit record.
            AuditId,
            /// The ID of a silence.
            SilenceId,
        }
    };
}
pub(crate) use each_id;

each_id!(ids);
