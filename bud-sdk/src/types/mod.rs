//! Values that know their own rules: ids, open enumerations, timestamps, amounts, secrets.

mod age;
mod decimal;
mod id;
mod model;
mod open_enum;
mod record;
#[cfg(feature = "door")]
mod schema;
mod secret;
mod time;
mod warning;

pub(crate) use age::{age, age_of};
pub use decimal::Decimal;
pub(crate) use id::check_segment;
pub use id::{
    AuditId, ClusterId, CredentialId, DeployClusterId, EndpointId, ModelId, PermissionId, ProjectId,
    ProviderCredentialId, UserId, WorkflowId,
};
#[cfg(feature = "door")]
pub(crate) use model::EXACT;
pub use model::Extra;
pub(crate) use model::{Field, Value, is_lenient, leniently, model, read_field};
pub use open_enum::Wire;
pub(crate) use open_enum::{Known, open_enum};
pub(crate) use record::records;
#[cfg(feature = "door")]
pub(crate) use schema::Described;
#[cfg(feature = "door")]
pub use schema::{EnumValue, Enumeration, Model, ModelField, Type};
pub use secret::Secret;
pub use time::Timestamp;
pub use warning::Warning;
