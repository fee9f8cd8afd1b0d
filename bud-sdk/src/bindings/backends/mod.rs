//! The table of backends. Bindings and their generators know no other list of them.

mod bud;
mod kubernetes;
mod monitoring;
mod services;

use super::Backend;

/// Every backend, the platform first.
pub(super) const ALL: &[Backend] =
    &[bud::BACKEND, kubernetes::BACKEND, monitoring::PROMETHEUS, monitoring::ALERTMANAGER];
