//! Roles, as each API has them.

use crate::bud::Flavor;
use crate::bud::{Client, ClientBuilder};
use crate::error::{Error, Result};
use crate::schema::open_enum;

open_enum! {
    /// What a user may do.
    Role {
        /// An ordinary user (guide).
        User = "USER",
        /// Administers projects (guide).
        ProjectAdmin = "PROJECT_ADMIN",
        /// Administers the platform (both).
        Admin = "ADMIN",
        /// Owns the platform (runtime); it cannot be given.
        SuperAdmin = "SUPER_ADMIN",
        /// Develops (runtime).
        Developer = "DEVELOPER",
        /// Operates (runtime).
        Devops = "DEVOPS",
        /// Tests (runtime).
        Tester = "TESTER",
    }
}

impl Role {
    /// How this API spells the role. One that it lacks is refused: no other privilege is guessed in its place.
    pub(super) fn wire(&self, flavor: Flavor) -> Result<&str> {
        let spelled = match (flavor, self) {
            (_, Self::Other(text)) => Some(&**text),
            (Flavor::Guide, Self::User) => Some("USER"),
            (Flavor::Guide, Self::ProjectAdmin) => Some("PROJECT_ADMIN"),
            (Flavor::Guide, Self::Admin) => Some("ADMIN"),
            (Flavor::Runtime, Self::Admin) => Some("admin"),
            (Flavor::Runtime, Self::Developer) => Some("developer"),
            (Flavor::Runtime, Self::Devops) => Some("devops"),
            (Flavor::Runtime, Self::Tester) => Some("tester"),
            _ => None,
        };
        spelled.ok_or_else(|| {
            let known = match flavor {
                Flavor::Guide => "User, ProjectAdmin, Admin",
                Flavor::Runtime => "Admin, Developer, Devops, Tester",
            };
            Error::invalid("role", format!("the `{flavor}` API cannot give the role {self}; it has {known}"))
        })
    }
}

impl ClientBuilder {
    /// Says which role to give where the API lacks the one that is asked for. Without this such a role is refused: no
    /// privilege is guessed.
    ///
    /// ```
    /// use bud_sdk::Client;
    /// use bud_sdk::users::Role;
    /// let builder = Client::builder()
    ///     .role_map(Role::User, Role::Tester)
    ///     .role_map(Role::ProjectAdmin, Role::Devops);
    /// ```
    pub fn role_map(self, wanted: Role, given: Role) -> Self {
        self.name_map(wanted.as_str(), given.as_str())
    }
}

/// The role that was asked for, and the one that the program gives in its place.
#[derive(Debug, Clone)]
pub(super) struct Wanted {
    role: Role,
    instead: Option<Role>,
}

impl Wanted {
    pub(super) fn new(client: &Client, role: Role) -> Self {
        let instead = client.mapped_name(role.as_str()).map(Role::from);
        Self { role, instead }
    }

    pub(super) fn wire(&self, flavor: Flavor) -> Result<&str> {
        match (self.role.wire(flavor), &self.instead) {
            (Err(_), Some(instead)) => instead.wire(flavor),
            (result, _) => result,
        }
    }
}
