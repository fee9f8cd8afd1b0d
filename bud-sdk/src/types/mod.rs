//! Values that know their own rules: ids, open enumerations, timestamps, amounts, secrets.

mod age;
mod decimal;
mod extra;
#[cfg(feature = "monitoring")]
mod float;
pub mod ids;
mod secret;
mod time;
mod warning;
mod wire;

pub(crate) use age::age;
#[cfg(feature = "kubernetes")]
pub(crate) use age::age_of;
pub use decimal::Decimal;
pub use extra::Extra;
#[cfg(feature = "monitoring")]
pub use float::Float;
pub use ids::*;
pub use secret::Secret;
pub use time::Timestamp;
pub use warning::Warning;
pub(crate) use wire::Known;
pub use wire::Wire;
