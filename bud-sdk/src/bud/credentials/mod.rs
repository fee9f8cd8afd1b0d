//! Credentials: the API keys with which programs use endpoints.

mod key;
mod update;

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Map, Value};

use super::check_name;
use crate::bud::{Client, Unlock};
use crate::bud::{Flavor, paged};
use crate::call::{Call, List};
use crate::error::{Error, ErrorKind, Result};
use crate::operation::{
    Describe, Filter, FilterProof, Operation, Page, Paged, Parts, Raw, Reply, Route, Routes,
};
use crate::schema::{model, open_enum};
use crate::types::{CredentialId, ModelId, ProjectId, Secret, Timestamp, Wire, check_segment};
#[cfg(feature = "decrypt")]
pub use key::DeploymentKey;
pub use key::{ApiKeyValue, EncryptedKey};
pub use update::UpdateCredential;

impl Client {
    /// API keys: guide section 9.3.
    pub fn credentials(&self) -> Credentials {
        Credentials(self.clone())
    }
}

/// The API keys of the platform.
#[derive(Debug, Clone)]
pub struct Credentials(Client);

impl Credentials {
    /// Creates an API key for a project. Guide section 9.3: `POST /credentials` (guide), `POST /credentials/` (runtime).
    ///
    /// Awaiting it returns a [`NewCredential`](crate::credentials::NewCredential).
    ///
    /// The guide's API shows the key this once. The platform as shipped returns it encrypted, here and in every list:
    /// [`ApiKeyValue::Encrypted`] is no key that could be used, until the deployment's private key is given (feature
    /// `decrypt`, `ClientBuilder::deployment_key`).
    ///
    /// # Errors
    /// `InvalidArgument` for an empty name; `NotFound` for an unknown project; `Conflict` when the name is taken. It is
    /// sent once: after a failure with `maybe_applied` a key may exist that nobody knows, and the error says how to find it.
    ///
    /// ```no_run
    /// # async fn demo(bud: bud_sdk::Client, project: bud_sdk::projects::Project) -> bud_sdk::Result<()> {
    /// let made = bud.credentials().create("API Key v2", &project).await?;
    /// let bud_sdk::credentials::ApiKeyValue::Plain(key) = &made.key else { return Ok(()) };
    /// // Hand key.expose() to whoever needs it, and then:
    /// bud.credentials().delete("the-old-credential").await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn create(&self, name: impl Into<String>, project: impl Into<ProjectId>) -> Call<CreateCredential> {
        self.0.call(CreateCredential {
            name: name.into(),
            project: project.into(),
            limits: CredentialUpdate::new(),
            credential_type: None,
            unlock: Opener(self.0.unlock().cloned()),
        })
    }

    /// Lists API keys. Guide section 9.3: `GET /credentials` (guide), `GET /credentials/` (runtime: only the caller's own).
    ///
    /// Yields [`Credential`](crate::credentials::Credential) items.
    pub fn list(&self) -> List<ListCredentials> {
        self.0.list(ListCredentials::default())
    }

    /// Changes an API key's name, limits or end; what is not set stays. `PUT /credentials/{id}`, runtime only. That server drops
    /// the budget of a key unless it is told it again, so that the key is looked up first among the caller's own.
    ///
    /// Awaiting it returns a [`Credential`](crate::credentials::Credential).
    ///
    /// # Errors
    /// `InvalidArgument` when nothing would change, or for numbers out of range; `NotFound`, `Conflict` for a taken name.
    ///
    /// ```no_run
    /// # async fn demo(bud: bud_sdk::Client, credential: bud_sdk::credentials::Credential) -> bud_sdk::Result<()> {
    /// use bud_sdk::credentials::{CredentialUpdate, Expiry};
    /// bud.credentials().update(&credential, CredentialUpdate::new().expiry(Expiry::Days30)).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn update(&self, id: impl Into<CredentialId>, update: CredentialUpdate) -> Call<UpdateCredential> {
        self.0.call(UpdateCredential::new(id.into(), update))
    }

    /// Deletes an API key: whoever uses it is refused from then on. Guide section 9.3: `DELETE /credentials/{id}` on both.
    ///
    /// # Errors
    /// `NotFound` when there was none. When an attempt was lost on the way and the next one finds nothing, that is success.
    pub fn delete(&self, id: impl Into<CredentialId>) -> Call<DeleteCredential> {
        self.0.call(DeleteCredential(id.into()))
    }
}

model! {
    /// An API key, without its value.
    Credential {
        /// The id.
        pub id: CredentialId,
        /// The name.
        pub name: Option<String>,
        /// The project that it opens.
        pub project_id: Option<ProjectId>,
        /// The value, where the server sends it; taken out by the one call that returns it.
        pub(crate) key: Option<Secret> = "api_key" | "value" | "secret",
        /// When it was created.
        pub created_at: Option<Timestamp>,
        /// When it was last used.
        pub last_used_at: Option<Timestamp>,
        /// When it stops working; where the server gives no zone it is UTC.
        pub expires_at: Option<Timestamp> = "expiry",
        /// The project that it opens, with its name (runtime, lists).
        pub project: Option<ProjectName>,
        /// How much may be spent with it (runtime).
        pub max_budget: Option<f64>,
        /// How much of that on single models, by their ids (runtime).
        pub model_budgets: BTreeMap<String, f64>,
        /// Which of the platform's applications it belongs to (runtime).
        pub credential_type: Option<Wire<CredentialType>>,
        /// The addresses that may use it (runtime); none means any.
        pub ip_whitelist: Vec<String>,
    }
}

model! {
    /// A project and its name.
    ProjectName {
        /// The id.
        pub id: ProjectId,
        /// The name.
        pub name: Option<String>,
    }
}

open_enum! {
    /// Which of the platform's applications an API key belongs to; it must be the project's.
    CredentialType {
        /// The clients'.
        ClientApp = "client_app",
        /// The administrators'.
        AdminApp = "admin_app",
    }
}

/// How long an API key is good for, counted from now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Expiry {
    /// Without end.
    Never,
    /// 30 days.
    Days30,
    /// 60 days.
    Days60,
    /// 90 days.
    Days90,
}

impl Expiry {
    fn days(self) -> u32 {
        match self {
            Self::Never => 0,
            Self::Days30 => 30,
            Self::Days60 => 60,
            Self::Days90 => 90,
        }
    }
}

/// What to change about an API key; what is not set stays.
#[derive(Debug, Clone, Default)]
pub struct CredentialUpdate {
    name: Option<String>,
    expiry: Option<Expiry>,
    max_budget: Option<f64>,
    model_budgets: BTreeMap<ModelId, f64>,
    ip_whitelist: Option<Vec<String>>,
}

impl CredentialUpdate {
    /// Changes nothing yet.
    pub fn new() -> Self {
        Self::default()
    }
    /// Sets the name.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }
    /// Has it end after this time, from now.
    pub fn expiry(mut self, expiry: Expiry) -> Self {
        self.expiry = Some(expiry);
        self
    }
    /// How much may be spent with it; more than 0.
    pub fn max_budget(mut self, budget: f64) -> Self {
        self.max_budget = Some(budget);
        self
    }
    /// How much of that may be spent on one model; more than 0.
    pub fn model_budget(mut self, model: impl Into<ModelId>, budget: f64) -> Self {
        self.model_budgets.insert(model.into(), budget);
        self
    }
    /// The addresses that may use it.
    pub fn ip_whitelist<A: Into<String>>(mut self, addresses: impl IntoIterator<Item = A>) -> Self {
        self.ip_whitelist = Some(addresses.into_iter().map(Into::into).collect());
        self
    }

    /// The fields that are set, checked.
    fn fields(&self) -> Result<Vec<(&'static str, Value)>> {
        let mut body: Vec<(&'static str, Value)> = Vec::new();
        if let Some(name) = &self.name {
            check_name("name", name)?;
            body.push(("name", name.as_str().into()));
        }
        if let Some(expiry) = self.expiry {
            body.push(("expiry", expiry.days().into()));
        }
        let budget = |param: &'static str, amount: f64| {
            let fine = amount.is_finite() && amount > 0.0;
            fine.then_some(amount).ok_or_else(|| Error::invalid(param, "it must be more than 0"))
        };
        if let Some(amount) = self.max_budget {
            body.push(("max_budget", budget("max_budget", amount)?.into()));
        }
        let mut budgets = Map::new();
        for (model, amount) in &self.model_budgets {
            check_segment("model_id", model.as_str())?;
            budgets.insert(model.as_str().to_owned(), budget("model_budget", *amount)?.into());
        }
        if !budgets.is_empty() {
            body.push(("model_budgets", budgets.into()));
        }
        if let Some(addresses) = &self.ip_whitelist {
            for address in addresses {
                let network = address.split_once('/').map_or(address.as_str(), |(network, _)| network);
                if network.parse::<std::net::IpAddr>().is_err() {
                    return Err(Error::invalid("ip_whitelist", "each must be an IP address or network"));
                }
            }
            body.push(("ip_whitelist", addresses.as_slice().into()));
        }
        Ok(body)
    }
}

/// A body of these fields: what is not set is left out rather than null.
fn object(fields: Vec<(&'static str, Value)>) -> Value {
    fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

impl Credential {
    /// The value as the platform as shipped sends it with every key; nobody can use it without the deployment's private key.
    pub fn encrypted_key(&self) -> Option<EncryptedKey> {
        self.key.clone().map(EncryptedKey::new)
    }

    pub(crate) fn without_key(mut self) -> Self {
        self.key = None;
        self
    }

    /// The project that it opens, wherever the server says so.
    fn opens(&self) -> Option<&ProjectId> {
        self.project_id.as_ref().or_else(|| Some(&self.project.as_ref()?.id))
    }

    /// With the project where every API has it.
    fn placed(mut self) -> Self {
        self.project_id = self.opens().cloned();
        self
    }
}

impl From<&Credential> for CredentialId {
    fn from(credential: &Credential) -> Self {
        credential.id.clone()
    }
}

/// An API key as created, with its value.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct NewCredential {
    /// The key's record.
    pub credential: Credential,
    /// The key's value.
    pub key: ApiKeyValue,
}

/// `credentials.create`
#[derive(Debug, Clone)]
pub struct CreateCredential {
    name: String,
    project: ProjectId,
    limits: CredentialUpdate,
    credential_type: Option<CredentialType>,
    unlock: Opener,
}

/// What opens keys that come encrypted, if the program gave it.
#[derive(Clone)]
struct Opener(Option<Arc<dyn Unlock>>);

impl std::fmt::Debug for Opener {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(if self.0.is_some() { "Opener(***)" } else { "Opener(none)" })
    }
}

/// What the guide's API does not take: there they are refused.
impl Call<CreateCredential> {
    /// Has it end after this time. Runtime only.
    pub fn expiry(mut self, expiry: Expiry) -> Self {
        let limits = &mut self.operation_mut().limits;
        *limits = std::mem::take(limits).expiry(expiry);
        self
    }
    /// How much may be spent with it; more than 0. Runtime only.
    pub fn max_budget(mut self, budget: f64) -> Self {
        let limits = &mut self.operation_mut().limits;
        *limits = std::mem::take(limits).max_budget(budget);
        self
    }
    /// How much of that may be spent on one model. Runtime only.
    pub fn model_budget(mut self, model: impl Into<ModelId>, budget: f64) -> Self {
        let limits = &mut self.operation_mut().limits;
        *limits = std::mem::take(limits).model_budget(model, budget);
        self
    }
    /// The addresses that may use it. Runtime only.
    pub fn ip_whitelist<A: Into<String>>(mut self, addresses: impl IntoIterator<Item = A>) -> Self {
        let limits = &mut self.operation_mut().limits;
        *limits = std::mem::take(limits).ip_whitelist(addresses);
        self
    }
    /// Which of the platform's applications it belongs to; the caller's own unless said otherwise. Runtime only.
    pub fn credential_type(mut self, credential_type: CredentialType) -> Self {
        self.operation_mut().credential_type = Some(credential_type);
        self
    }
}

impl Describe for CreateCredential {
    type Flavor = Flavor;
    const ID: &'static str = "credentials.create";
    const SECTIONS: &'static [&'static str] = &["9.3"];
    const ROUTES: Routes<Flavor> = Routes::both(
        Route::post("/credentials"),
        Route::post("/credentials/")
            .limitation("the key comes encrypted, and can be read with the deployment's private key only"),
    );
    fn encode(&self, flavor: Flavor) -> Result<Parts> {
        check_name("name", &self.name)?;
        check_segment("project_id", self.project.as_str())?;
        let mut body = self.limits.fields()?;
        if let Some(kind) = &self.credential_type {
            body.push(("credential_type", kind.as_str().into()));
        }
        if let Some((field, _)) = body.first().filter(|_| flavor == Flavor::Guide) {
            return Err(Error::invalid(field, "the `guide` API cannot be told this of an API key"));
        }
        body.push(("name", self.name.as_str().into()));
        body.push(("project_id", self.project.as_str().into()));
        Parts::new().json(&object(body))
    }
    fn explain(&self, error: Error) -> Error {
        if !error.maybe_applied() {
            return error;
        }
        error.with_hint(
            "a key that nobody knows may exist: list the project's credentials and delete what has this name",
        )
    }
}

impl Operation for CreateCredential {
    type Output = NewCredential;
    fn decode(&self, flavor: Flavor, raw: Raw) -> Result<Reply<NewCredential>> {
        let mut credential: Credential = raw.object("credential")?;
        let key = credential.key.take().filter(|key| !key.expose().is_empty());
        let Some(key) = key else {
            let id = crate::operation::clean(credential.id.as_str(), 128);
            let message = format!("the credential {id} was created, but the answer has no key");
            return Err(Error::new(ErrorKind::Decode, message));
        };
        let key = match (flavor, &self.unlock.0) {
            (Flavor::Guide, _) => ApiKeyValue::Plain(key),
            (Flavor::Runtime, None) => ApiKeyValue::Encrypted(EncryptedKey::new(key)),
            (Flavor::Runtime, Some(unlock)) => {
                let opened = unlock.open(key.expose()).map_err(|error| {
                    let id = crate::operation::clean(credential.id.as_str(), 128);
                    error.with_hint(format!("the credential {id} was created"))
                })?;
                ApiKeyValue::Plain(opened)
            }
        };
        Ok(Reply::Done(NewCredential { credential, key }))
    }
}

/// `credentials.list`
#[derive(Debug, Clone, Default)]
pub struct ListCredentials {
    page: u32,
    limit: u32,
    project: Option<ProjectId>,
    credential_type: Option<CredentialType>,
}

impl List<ListCredentials> {
    /// Only those of this application; those of the caller's own unless said otherwise. Runtime only.
    pub fn credential_type(mut self, credential_type: CredentialType) -> Self {
        self.operation_mut().credential_type = Some(credential_type);
        self
    }
    /// Only those of this project.
    pub fn project(mut self, project: impl Into<ProjectId>) -> Self {
        self.operation_mut().project = Some(project.into());
        self
    }
}

impl Describe for ListCredentials {
    type Flavor = Flavor;
    const ID: &'static str = "credentials.list";
    const SECTIONS: &'static [&'static str] = &["9.3"];
    const ROUTES: Routes<Flavor> = Routes::both(
        Route::get("/credentials"),
        Route::get("/credentials/").limitation("only the caller's own"),
    );
    fn encode(&self, flavor: Flavor) -> Result<Parts> {
        if let Some(project) = &self.project {
            check_segment("project_id", project.as_str())?;
        }
        let kind = self.credential_type.as_ref();
        if kind.is_some() && flavor == Flavor::Guide {
            return Err(Error::invalid("credential_type", "the `guide` API has one kind of API keys"));
        }
        Ok(paged(flavor, self.page, self.limit)
            .query_opt("project_id", self.project.as_ref())
            .query_opt("credential_type", kind))
    }
}

impl Operation for ListCredentials {
    type Output = Page<Credential>;
    fn decode(&self, flavor: Flavor, raw: Raw) -> Result<Reply<Page<Credential>>> {
        let page = raw
            .page::<Credential>("credentials")?
            .filtered("project_id", self.project.as_ref(), |credential, project| {
                Some(credential.opens()? == project)
            })
            .filtered("credential_type", self.credential_type.as_ref(), |credential, kind| {
                Some(credential.credential_type.as_deref()? == kind)
            });
        page.try_map(|credential| {
            Ok(match flavor {
                Flavor::Guide => credential.without_key(),
                Flavor::Runtime => credential.placed(),
            })
        })
        .map(Reply::Done)
    }
}

impl Paged for ListCredentials {
    type Item = Credential;
    const FILTERS: &'static [Filter<Flavor>] =
        &[Filter::rows("project"), Filter::new("credential_type", FilterProof::Refused, FilterProof::Rows)];
    fn set_page(&mut self, page: u32, limit: u32) {
        (self.page, self.limit) = (page, limit);
    }
    fn key(credential: &Credential) -> &str {
        credential.id.as_str()
    }
}

const DELETE: Route = Route::delete("/credentials/{id}").accepted();

/// `credentials.delete`
#[derive(Debug, Clone)]
pub struct DeleteCredential(CredentialId);

impl Describe for DeleteCredential {
    type Flavor = Flavor;
    const ID: &'static str = "credentials.delete";
    const SECTIONS: &'static [&'static str] = &["9.3"];
    const ROUTES: Routes<Flavor> = Routes::both(DELETE, DELETE);
    fn encode(&self, _: Flavor) -> Result<Parts> {
        Parts::new().segment("id", self.0.as_str())
    }
}

impl Operation for DeleteCredential {
    type Output = ();
    fn decode(&self, flavor: Flavor, raw: Raw) -> Result<Reply<()>> {
        raw.acknowledged(flavor).map(Reply::Done)
    }
}
