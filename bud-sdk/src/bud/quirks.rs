//! Server messages of the Bud API that carry a meaning which their status does not have, each with what shows it.

use crate::error::ErrorKind;
use crate::operation::{Message, Quirk};

/// The first one that fits counts.
pub(super) const QUIRKS: &[Quirk] = &[Quirk {
    operations: &[],
    status: 400..=400,
    message: Message::Is("Inactive user"),
    kind: Some(ErrorKind::PermissionDenied),
    hint: Some("this user must first set their own password (auth.change_own_password), or was deactivated"),
    evidence: "",
}];
