//! Changing an API key. The platform drops the budget of a key in every change that does not say it again.

use super::{Credential, CredentialType, CredentialUpdate, object};
use crate::bud::Flavor;
use crate::bud::users::shows;
use crate::error::{Error, ErrorKind, Result};
use crate::operation::{Describe, Operation, Page, Parts, Raw, Reply, Route, Routes};
use crate::types::{CredentialId, check_segment};

const CHANGE: Route = Route::put("/credentials/{id}");
const LOOK: Route = Route::get("/credentials/");
/// How many keys are looked at at a time.
const AT_A_TIME: u32 = 100;

/// `credentials.update`
#[derive(Debug, Clone)]
pub struct UpdateCredential {
    id: CredentialId,
    update: CredentialUpdate,
}

/// Which keys are looked at. A list has those of one application only.
#[derive(Clone, Copy)]
struct Place {
    kind: &'static CredentialType,
    page: u32,
}

impl Place {
    const FIRST: Self = Self { kind: &CredentialType::AdminApp, page: 1 };

    fn look(self) -> Parts {
        Parts::new().paged(Flavor::Runtime, self.page, AT_A_TIME).query("credential_type", self.kind)
    }

    fn after(self, last: bool) -> Option<Self> {
        match self.kind {
            _ if !last => Some(Self { page: self.page + 1, ..self }),
            CredentialType::AdminApp => Some(Self { kind: &CredentialType::ClientApp, page: 1 }),
            _ => None,
        }
    }
}

impl UpdateCredential {
    pub(super) fn new(id: CredentialId, update: CredentialUpdate) -> Self {
        Self { id, update }
    }

    fn change(&self) -> Result<Parts> {
        let body = self.update.fields()?;
        if body.is_empty() {
            return Err(Error::invalid("update", "it changes nothing"));
        }
        Parts::new().segment("id", self.id.as_str())?.json(&object(body))
    }

    /// Goes on until the key is found, and says its budget again; nothing is looked for when a budget is given.
    fn find(mut self, raw: &Raw, place: Place) -> Result<Reply<Credential>> {
        let keys: Page<Credential> = raw.page("credentials")?;
        if self.update.max_budget.is_none() {
            let last = keys.is_last(place.page, AT_A_TIME);
            let found = keys.items.into_iter().find(|key| key.id == self.id);
            match (found, place.after(last)) {
                (Some(key), _) => self.update.max_budget = key.max_budget,
                (None, Some(next)) => {
                    return Ok(Reply::then(LOOK, next.look(), move |raw| self.find(&raw, next)));
                }
                (None, None) => {
                    let message = "there is no such key among the caller's own";
                    return Err(Error::new(ErrorKind::NotFound, message));
                }
            }
        }
        Ok(Reply::then(CHANGE, self.change()?, move |raw| match raw.object_if_any("credential")? {
            Some(changed) if self.is_shown_by(&changed) != Some(false) => Ok(Reply::Done(changed)),
            _ => Ok(Reply::then(LOOK, Place::FIRST.look(), move |raw| self.confirm(&raw, Place::FIRST))),
        }))
    }

    fn is_shown_by(&self, credential: &Credential) -> Option<bool> {
        shows([(&self.update.name, &credential.name)])
    }

    /// Looks for the key behind a change that was answered without it.
    fn confirm(self, raw: &Raw, place: Place) -> Result<Reply<Credential>> {
        let keys: Page<Credential> = raw.page("credentials")?;
        let last = keys.is_last(place.page, AT_A_TIME);
        match (keys.items.into_iter().find(|key| key.id == self.id), place.after(last)) {
            (Some(key), _) if self.is_shown_by(&key) == Some(true) => Ok(Reply::Done(key)),
            (None, Some(next)) => Ok(Reply::then(LOOK, next.look(), move |raw| self.confirm(&raw, next))),
            _ => {
                let message = "the server answered the change without the key, and does not show it changed";
                Err(Error::new(ErrorKind::Unconfirmed, message))
            }
        }
    }
}

impl Describe for UpdateCredential {
    type Flavor = Flavor;
    const ID: &'static str = "credentials.update";
    const SECTIONS: &'static [&'static str] = &["9.3"];
    const ROUTES: Routes<Flavor> = Routes::runtime_only(
        LOOK.shown_by_a_read(),
        "create a new key, replace the old one with it and delete that",
    );
    fn encode(&self, _: Flavor) -> Result<Parts> {
        check_segment("id", self.id.as_str())?;
        self.change()?;
        Ok(Place::FIRST.look())
    }
}

impl Operation for UpdateCredential {
    type Output = Credential;
    fn decode(&self, _: Flavor, raw: Raw) -> Result<Reply<Credential>> {
        self.clone().find(&raw, Place::FIRST)
    }
}
