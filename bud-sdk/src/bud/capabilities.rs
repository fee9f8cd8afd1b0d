//! What a server's API offers, read from the operations' own data.

use super::Flavor;
use crate::operation::{OperationInfo, Support};

/// What one API flavor offers, operation by operation.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Capabilities {
    /// The flavor that the server speaks.
    pub flavor: Flavor,
    /// All operations of this SDK, offered there or not.
    pub operations: Vec<Capability>,
}

/// One operation on one flavor.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Capability {
    /// `users.set_role`.
    pub id: &'static str,
    /// The server can do it.
    pub supported: bool,
    /// What is lost there compared with the operation's intent.
    pub limitation: Option<&'static str>,
    /// What to use instead of an operation that is not offered.
    pub instead: Option<&'static str>,
}

impl Capabilities {
    pub(super) fn on(flavor: Flavor, operations: &'static [OperationInfo]) -> Self {
        let operations = operations.iter().filter_map(|info| {
            let (limitation, instead) = match info.on(flavor.as_str())? {
                Support::Offered(route) => (route.limitation, None),
                Support::Unsupported(instead) => (None, Some(instead)),
            };
            Some(Capability { id: info.id, supported: instead.is_none(), limitation, instead })
        });
        Self { flavor, operations: operations.collect() }
    }

    /// Whether the server offers the operation. An operation that this SDK does not know is not offered.
    pub fn supports(&self, id: &str) -> bool {
        self.operations.iter().any(|operation| operation.id == id && operation.supported)
    }

    /// The operations that the server does not offer.
    pub fn unsupported(&self) -> impl Iterator<Item = &Capability> {
        self.operations.iter().filter(|operation| !operation.supported)
    }
}
