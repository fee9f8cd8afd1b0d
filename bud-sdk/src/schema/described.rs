//! What a value is, as data: for those who write code from it in other languages.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::types::*;

/// The type of an argument, a field or a result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Type {
    /// Nothing.
    Nothing,
    /// Text.
    Text,
    /// True or false.
    Bool,
    /// A whole number; one beyond 2^53 is written as text.
    Int,
    /// A floating point number.
    Float,
    /// A floating point number that may be NaN or infinite; JSON then has it as text.
    Number,
    /// An RFC 3339 time in UTC.
    Time,
    /// Digits as text.
    Decimal,
    /// A time span in seconds.
    Seconds,
    /// Any JSON.
    Json,
    /// Text that must not be shown.
    Secret,
    /// What is kept inside and given to nobody.
    Hidden,
    /// Bytes.
    Bytes,
    /// An id: text with the name of what it identifies, such as `UserId`.
    Id(&'static str),
    /// An open enumeration.
    Enum(&'static Enumeration),
    /// A model.
    Model(&'static Model),
    /// A list of these.
    List(&'static Type),
    /// A map from text to these.
    Map(&'static Type),
    /// It may be absent.
    Optional(&'static Type),
}

/// A model: its name and fields.
#[derive(Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Model {
    /// `User`.
    pub name: &'static str,
    /// What it is.
    pub docs: &'static str,
    /// Its fields, in order.
    pub fields: &'static [ModelField],
    /// Where it is declared: `bud_sdk::bud::users`.
    pub(crate) module: &'static str,
    /// The server may send further fields, which are kept in `extra`.
    pub open: bool,
}

/// The public module of what is declared in this one: `users`, or nothing for the crate's root. Results of bindings name
/// the module that they belong to.
fn topic(module: &'static str) -> &'static str {
    let below = |prefix: &str| module.strip_prefix(prefix);
    let inside = below("bud_sdk::bud::")
        .or_else(|| below("bud_sdk::bindings::results::"))
        .or_else(|| below("bud_sdk::"));
    match inside.and_then(|path| path.split("::").next()) {
        Some("client") | None => "",
        Some(topic) => topic,
    }
}

/// The path by which another crate names a type.
fn path(module: &'static str, name: &str) -> String {
    match topic(module) {
        _ if module.starts_with("bud_sdk::bindings") => format!("bud_sdk::bindings::{name}"),
        "" => format!("bud_sdk::{name}"),
        topic => format!("bud_sdk::{topic}::{name}"),
    }
}

impl Enumeration {
    /// The public module that it belongs to, such as `users`.
    pub fn topic(&self) -> &'static str {
        topic(self.module)
    }
    /// The path of its Rust type.
    pub fn path(&self) -> String {
        path(self.module, self.name)
    }
}

impl Model {
    /// The public module that it belongs to, such as `users`; empty for what belongs to the client.
    pub fn topic(&self) -> &'static str {
        topic(self.module)
    }
    /// The path of its Rust type.
    pub fn path(&self) -> String {
        path(self.module, self.name)
    }
    /// The fields that are given to callers.
    pub fn shown(&self) -> impl Iterator<Item = &'static ModelField> {
        self.fields.iter().filter(|field| !matches!(field.ty, Type::Hidden | Type::Optional(Type::Hidden)))
    }
}

/// A field of a model.
#[derive(Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ModelField {
    /// Its name, in snake case.
    pub name: &'static str,
    /// What it holds.
    pub ty: Type,
    /// What it means.
    pub docs: &'static str,
    /// Its whole numbers may pass 2^53.
    pub wide: bool,
}

/// An open enumeration: an unknown value is kept as text.
#[derive(Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Enumeration {
    /// `Role`.
    pub name: &'static str,
    /// What it says.
    pub docs: &'static str,
    /// Its known values.
    pub values: &'static [EnumValue],
    /// Where it is declared.
    pub(crate) module: &'static str,
}

/// A known value of an enumeration.
#[derive(Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct EnumValue {
    /// The spelling that is the same on every API.
    pub name: &'static str,
    /// Further spellings that servers use; letter case never matters.
    pub aliases: &'static [&'static str],
    /// What it means.
    pub docs: &'static str,
}

/// What knows its own type.
pub(crate) trait Described {
    const TYPE: Type;
    /// Its whole numbers may pass 2^53.
    const WIDE: bool = false;
}

macro_rules! described {
    ($($type:ty = $as:expr),* $(,)?) => {
        $(impl Described for $type { const TYPE: Type = $as; })*
    };
}
described! {
    () = Type::Nothing,
    String = Type::Text,
    bool = Type::Bool,
    i32 = Type::Int,
    u32 = Type::Int,
    f64 = Type::Float,
    Timestamp = Type::Time,
    Duration = Type::Seconds,
    Decimal = Type::Decimal,
    Secret = Type::Hidden,
    serde_json::Value = Type::Json,
}

#[cfg(feature = "monitoring")]
described! { Float = Type::Number }

impl Described for u64 {
    const TYPE: Type = Type::Int;
    const WIDE: bool = true;
}

macro_rules! described_ids {
    ($($(#[$doc:meta])* $id:ident,)*) => { described! { $($id = Type::Id(stringify!($id)),)* } };
}
each_id!(described_ids);

impl<T: Described> Described for Wire<T> {
    const TYPE: Type = T::TYPE;
    const WIDE: bool = T::WIDE;
}
impl<T: Described> Described for Box<T> {
    const TYPE: Type = T::TYPE;
}
impl<T: Described> Described for Option<T> {
    const TYPE: Type = Type::Optional(&T::TYPE);
    const WIDE: bool = T::WIDE;
}
impl<T: Described> Described for Vec<T> {
    const TYPE: Type = Type::List(&T::TYPE);
    const WIDE: bool = T::WIDE;
}
impl<T: Described> Described for BTreeMap<String, T> {
    const TYPE: Type = Type::Map(&T::TYPE);
    const WIDE: bool = T::WIDE;
}

impl Type {
    /// Shows what this type is made of, and then itself.
    pub(crate) fn walk(&self, seen: &mut impl FnMut(&Self)) {
        match self {
            Self::List(inner) | Self::Map(inner) | Self::Optional(inner) => inner.walk(seen),
            Self::Model(model) => model.shown().for_each(|field| field.ty.walk(seen)),
            _ => {}
        }
        seen(self);
    }
}
