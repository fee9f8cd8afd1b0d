//! Open enumerations: an unknown value is kept, never refused.

use std::fmt;
use std::marker::PhantomData;
use std::ops::Deref;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// An enumeration that knows the spellings of its values.
pub(crate) trait Known: Sized {
    fn parse(text: &str) -> Self;
    /// The canonical spelling.
    fn spelled(&self) -> &str;
}

/// A value as the server reported it: the canonical value, and the server's own spelling of it.
///
/// It reads like the value: `endpoint.status.as_deref() == Some(&EndpointStatus::Running)`.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Wire<T> {
    value: T,
    /// The spelling, if it is not the canonical one.
    raw: Option<Box<str>>,
}

#[expect(private_bounds, reason = "every enumeration of this crate is known")]
impl<T: Known> Wire<T> {
    /// The server's spelling: `RUNNING` on one API, `running` on the other.
    pub fn raw(&self) -> &str {
        self.raw.as_deref().unwrap_or_else(|| self.value.spelled())
    }
    /// The canonical value.
    pub fn into_inner(self) -> T {
        self.value
    }
}

impl<T: Known> From<T> for Wire<T> {
    fn from(value: T) -> Self {
        Self { value, raw: None }
    }
}

impl<T> Deref for Wire<T> {
    type Target = T;
    fn deref(&self) -> &T {
        &self.value
    }
}

impl<T: PartialEq> PartialEq<T> for Wire<T> {
    fn eq(&self, other: &T) -> bool {
        self.value == *other
    }
}

impl<T: fmt::Display> fmt::Display for Wire<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.value.fmt(f)
    }
}

impl<T: fmt::Debug> fmt::Debug for Wire<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.value.fmt(f)
    }
}

impl<T: Known> Serialize for Wire<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.raw())
    }
}

impl<'de, T: Known> Deserialize<'de> for Wire<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text<T>(PhantomData<T>);
        impl<T: Known> serde::de::Visitor<'_> for Text<T> {
            type Value = Wire<T>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string")
            }
            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Wire<T>, E> {
                let value = T::parse(text);
                let raw = (value.spelled() != text).then(|| text.into());
                Ok(Wire { value, raw })
            }
        }
        deserializer.deserialize_str(Text(PhantomData))
    }
}
