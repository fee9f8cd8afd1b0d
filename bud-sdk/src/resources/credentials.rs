//! Credentials: the API keys with which programs use endpoints.

use serde_json::json;

use super::{LATER, check_name};
use crate::api::{Describe, Flavor, Operation, Page, Paged, Parts, Raw, Reply, Route, Routes, paged};
use crate::client::{Call, Client, List};
use crate::error::{Error, ErrorKind, Result};
use crate::types::{CredentialId, ProjectId, Secret, Timestamp, check_segment, model};

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
    /// Creates an API key for a project. Guide section 9.3: `POST /credentials`. The server shows the key this once.
    ///
    /// # Errors
    /// `InvalidArgument` for an empty name; `NotFound` for an unknown project; `Conflict` when the name is taken. It is
    /// sent once: after a failure with `maybe_applied` a key may exist that nobody knows, and the error says how to find it.
    ///
    /// ```no_run
    /// # async fn demo(bud: bud_sdk::Client, project: bud_sdk::Project) -> bud_sdk::Result<()> {
    /// let made = bud.credentials().create("API Key v2", &project).await?;
    /// let bud_sdk::ApiKeyValue::Plain(key) = &made.key else { return Ok(()) };
    /// // Hand key.expose() to whoever needs it, and then:
    /// bud.credentials().delete("the-old-credential").await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn create(&self, name: impl Into<String>, project: impl Into<ProjectId>) -> Call<CreateCredential> {
        self.0.call(CreateCredential { name: name.into(), project: project.into() })
    }

    /// Lists API keys, without their values. Guide section 9.3: `GET /credentials`.
    pub fn list(&self) -> List<ListCredentials> {
        List::new(self.0.clone(), ListCredentials::default())
    }

    /// Deletes an API key: whoever uses it is refused from then on. Guide section 9.3: `DELETE /credentials/{id}`.
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
        /// When it stops working.
        pub expires_at: Option<Timestamp> = "expiry",
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
    /// The key's value. The server does not show it again.
    pub key: ApiKeyValue,
}

/// The value of an API key.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum ApiKeyValue {
    /// The key itself, ready to be used.
    Plain(Secret),
}

/// `credentials.create`
#[derive(Debug, Clone)]
pub struct CreateCredential {
    name: String,
    project: ProjectId,
}

impl Describe for CreateCredential {
    const ID: &'static str = "credentials.create";
    const SECTIONS: &'static [&'static str] = &["9.3"];
    const ROUTES: Routes = Routes::guide_only(Route::post("/credentials"), LATER);
    fn encode(&self, _: Flavor) -> Result<Parts> {
        check_name("name", &self.name)?;
        check_segment("project_id", self.project.as_str())?;
        Parts::new().json(&json!({ "name": self.name, "project_id": self.project }))
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
    fn decode(&self, _: Flavor, raw: Raw) -> Result<Reply<NewCredential>> {
        let mut credential: Credential = raw.object("credential")?;
        let key = credential.key.take().filter(|key| !key.expose().is_empty());
        let Some(key) = key else {
            let id = crate::api::clean(credential.id.as_str(), 128);
            let message = format!("the credential {id} was created, but the answer has no key");
            return Err(Error::new(ErrorKind::Decode, message));
        };
        Ok(Reply::Done(NewCredential { credential, key: ApiKeyValue::Plain(key) }))
    }
}

/// `credentials.list`
#[derive(Debug, Clone, Default)]
pub struct ListCredentials {
    page: u32,
    limit: u32,
    project: Option<ProjectId>,
}

impl List<ListCredentials> {
    /// Only those of this project.
    pub fn project(mut self, project: impl Into<ProjectId>) -> Self {
        self.operation_mut().project = Some(project.into());
        self
    }
}

impl Describe for ListCredentials {
    const ID: &'static str = "credentials.list";
    const SECTIONS: &'static [&'static str] = &["9.3"];
    const ROUTES: Routes = Routes::guide_only(Route::get("/credentials"), LATER);
    fn encode(&self, flavor: Flavor) -> Result<Parts> {
        if let Some(project) = &self.project {
            check_segment("project_id", project.as_str())?;
        }
        Ok(paged(flavor, self.page, self.limit).query_opt("project_id", self.project.as_ref()))
    }
}

impl Operation for ListCredentials {
    type Output = Page<Credential>;
    fn decode(&self, _: Flavor, raw: Raw) -> Result<Reply<Page<Credential>>> {
        raw.page("credentials").map(Reply::Done)
    }
}

impl Paged for ListCredentials {
    type Item = Credential;
    fn set_page(&mut self, page: u32, limit: u32) {
        (self.page, self.limit) = (page, limit);
    }
    fn key(credential: &Credential) -> &str {
        credential.id.as_str()
    }
}

/// `credentials.delete`
#[derive(Debug, Clone)]
pub struct DeleteCredential(CredentialId);

impl Describe for DeleteCredential {
    const ID: &'static str = "credentials.delete";
    const SECTIONS: &'static [&'static str] = &["9.3"];
    const ROUTES: Routes = Routes::guide_only(Route::delete("/credentials/{id}"), LATER);
    fn encode(&self, _: Flavor) -> Result<Parts> {
        Parts::new().segment("id", self.0.as_str())
    }
}

impl Operation for DeleteCredential {
    type Output = ();
    fn decode(&self, _: Flavor, _: Raw) -> Result<Reply<()>> {
        Ok(Reply::Done(()))
    }
}
