//! What a model is, written once as a list of fields: what reads it, and what bindings and docs are generated from.

#[cfg(feature = "bindings")]
mod described;
mod model;
mod open_enum;
mod record;

#[cfg(feature = "bindings")]
pub(crate) use described::Described;
#[cfg(feature = "bindings")]
pub use described::{EnumValue, Enumeration, Model, ModelField, Type};
#[cfg(feature = "bindings")]
pub(crate) use model::EXACT;
pub(crate) use model::{Field, Value, is_lenient, leniently, model, read_field};
pub(crate) use open_enum::open_enum;
pub(crate) use record::records;
