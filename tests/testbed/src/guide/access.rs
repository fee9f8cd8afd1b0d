//! Who may do what.

use super::call::Call;
use super::error::ApiError;
use crate::state::{Level, Role, Store};

impl Call {
    pub(crate) fn is_admin(&self) -> bool {
        self.caller.role == Role::Admin
    }

    pub(crate) fn must_be_admin(&self) -> Result<(), ApiError> {
        if self.is_admin() { Ok(()) } else { Err(ApiError::forbidden()) }
    }

    /// Administrators and project administrators.
    pub(crate) fn must_manage(&self) -> Result<(), ApiError> {
        if self.caller.role == Role::User { Err(ApiError::forbidden()) } else { Ok(()) }
    }

    pub(crate) fn may_read(&self, store: &Store, kind: &str, id: &str) -> bool {
        self.is_admin() || store.level(&self.caller.id, kind, id).is_some()
    }

    pub(crate) fn may_edit(&self, store: &Store, kind: &str, id: &str) -> bool {
        // A plain user only reads, whatever level was granted.
        let edits = || store.level(&self.caller.id, kind, id) >= Some(Level::Edit);
        self.is_admin() || (self.caller.role == Role::ProjectAdmin && edits())
    }

    pub(crate) fn must_read(&self, store: &Store, kind: &str, id: &str) -> Result<(), ApiError> {
        if self.may_read(store, kind, id) { Ok(()) } else { Err(ApiError::forbidden()) }
    }

    pub(crate) fn must_edit(&self, store: &Store, kind: &str, id: &str) -> Result<(), ApiError> {
        if self.may_edit(store, kind, id) { Ok(()) } else { Err(ApiError::forbidden()) }
    }
}
