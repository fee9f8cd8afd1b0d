//! Results that the core gives as plain structures or enumerations, as models.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

use crate::auth::SignIn;
use crate::bud::Capabilities;
use crate::bud::{ApiKeyValue, Created, Credential, EncryptedKey, Exported, NewCredential, User};
use crate::call::{Completeness, Progress, RawResponse};
use crate::diagnostics::ReportUpdate;
use crate::error::{Error, Result};
use crate::report::Finding;
use crate::schema::{Described, Type, records};
use crate::types::Secret;

/// A secret that is a call's very result: JSON has it, `Debug` does not.
#[derive(Clone, PartialEq, Eq)]
pub struct Revealed(Secret);

impl Revealed {
    /// The secret.
    pub fn expose(&self) -> &str {
        self.0.expose()
    }
}

impl fmt::Debug for Revealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Serialize for Revealed {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.expose())
    }
}

impl<'de> Deserialize<'de> for Revealed {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Secret::deserialize(deserializer).map(Self)
    }
}

impl Described for Revealed {
    const TYPE: Type = Type::Secret;
}

records! {
    in account;

    /// What is known after a login.
    SignedIn {
        /// For how many seconds the access token is good; it is renewed by itself.
        expires_in: Option<f64>,
        /// The account must change its password before it can do anything else, if the server says either way.
        must_change_password: Option<bool>,
    }
}

records! {
    in users;

    /// A user as created.
    CreatedUser {
        /// The user.
        user: User,
        /// The password that was made for him, where the API wants one at once. It is shown here and nowhere else.
        one_time_password: Option<Revealed>,
    }
}

records! {
    in credentials;

    /// An API key as created, with its value: plain, or encrypted under the deployment's public key.
    IssuedKey {
        /// The key's record.
        credential: Credential,
        /// The key itself, where it can be used.
        key: Option<Revealed>,
        /// The key under the deployment's public key, in hexadecimal digits: of no use without the private one.
        encrypted_key: Option<Revealed>,
    }
}

records! {
    in report;

    /// What is known while a report is made: that a kind of objects was read, or that something is wrong with a pod.
    ReportProgress {
        /// The kind that was read: `pods`, `nodes`...
        kind: Option<String>,
        /// How many of them were read.
        objects: Option<u64>,
        /// What is wrong. The report may judge it otherwise, once it knows the rest.
        finding: Option<Finding>,
    }
}

records! {
    in audit;

    /// How far an export is.
    ExportProgress {
        /// Bytes received.
        bytes: u64,
        /// Bytes in all, if the server said so.
        total: Option<u64>,
        /// Rows or records received whole; a header is none.
        rows: u64,
        /// Seconds since the answer began.
        elapsed: f64,
    }
    /// A finished export.
    ExportSummary {
        /// Its size in bytes.
        bytes: u64,
        /// How many rows or records it has; a header is none.
        rows: u64,
        /// In how many parts it was asked for.
        windows: u32,
        /// Whether it is proven to be all that the server had to send. It is false only where an unmarked end was accepted.
        proven: bool,
    }
}

records! {
    in client;

    /// What the API of a server offers.
    CapabilityList {
        /// `guide` or `runtime`.
        flavor: String,
        /// All operations, offered there or not.
        operations: Vec<CapabilityInfo>,
    }
    /// One operation on one API.
    CapabilityInfo {
        /// `users.set_role`.
        id: String,
        /// The server can do it.
        supported: bool,
        /// What is lost there compared with the operation's intent.
        limitation: Option<String>,
        /// What to use instead of an operation that is not offered.
        instead: Option<String>,
    }
    /// The answer to a call of a route that has no typed call.
    RawAnswer {
        /// The HTTP status, in the 200s.
        status: u32,
        /// The server's id of the request.
        request_id: Option<String>,
        /// The body: JSON, or the text of what is none; null where there is nothing.
        body: Value,
    }
}

impl From<SignIn> for SignedIn {
    fn from(signed: SignIn) -> Self {
        let expires_in = signed.expires_in.map(|life| life.as_secs_f64());
        Self { expires_in, must_change_password: signed.must_change_password }
    }
}

impl From<Created> for CreatedUser {
    fn from(created: Created) -> Self {
        Self { user: created.user, one_time_password: created.one_time_password.map(Revealed) }
    }
}

impl From<NewCredential> for IssuedKey {
    fn from(new: NewCredential) -> Self {
        let (key, encrypted_key) = match new.key {
            ApiKeyValue::Plain(key) => (Some(Revealed(key)), None),
            ApiKeyValue::Encrypted(key) => (None, Some(revealed(&key))),
        };
        Self { credential: new.credential, key, encrypted_key }
    }
}

fn revealed(key: &EncryptedKey) -> Revealed {
    Revealed(Secret::from(key.ciphertext()))
}

impl From<Progress> for ExportProgress {
    fn from(progress: Progress) -> Self {
        let Progress { bytes, total, rows, elapsed } = progress;
        Self { bytes, total, rows, elapsed: elapsed.as_secs_f64() }
    }
}

impl From<ReportUpdate> for ReportProgress {
    fn from(update: ReportUpdate) -> Self {
        match update {
            ReportUpdate::Read { kind, objects } => {
                Self { kind: Some(kind.to_owned()), objects: Some(objects as u64), finding: None }
            }
            ReportUpdate::Found(finding) => Self { kind: None, objects: None, finding: Some(*finding) },
        }
    }
}

impl From<Exported> for ExportSummary {
    fn from(done: Exported) -> Self {
        let proven = done.completeness == Completeness::Proven;
        Self { bytes: done.bytes, rows: done.rows, windows: done.windows, proven }
    }
}

impl From<Capabilities> for CapabilityList {
    fn from(capabilities: Capabilities) -> Self {
        let owned = |text: Option<&str>| text.map(str::to_owned);
        let operations = capabilities.operations.iter().map(|operation| CapabilityInfo {
            id: operation.id.to_owned(),
            supported: operation.supported,
            limitation: owned(operation.limitation),
            instead: owned(operation.instead),
        });
        Self { flavor: capabilities.flavor.to_string(), operations: operations.collect() }
    }
}

impl From<RawResponse> for RawAnswer {
    fn from(answer: RawResponse) -> Self {
        let text = || String::from_utf8_lossy(answer.bytes()).into_owned();
        let body = match answer.bytes() {
            [] => Value::Null,
            bytes => serde_json::from_slice(bytes).unwrap_or_else(|_: serde_json::Error| text().into()),
        };
        let request_id = answer.request_id().map(str::to_owned);
        Self { status: answer.status().into(), request_id, body }
    }
}

/// Opens a key that comes encrypted.
pub(super) fn read_key(pem: &str, password: Option<Secret>) -> Result<crate::credentials::DeploymentKey> {
    let key = match password {
        Some(password) => crate::credentials::DeploymentKey::from_encrypted_pem(pem, password),
        None => crate::credentials::DeploymentKey::from_pem(pem),
    };
    key.map_err(|error: Error| error.with_param(Some("deployment_key".to_owned())))
}
