//! What deployments on a cluster get when they do not ask for anything else, on the platform as shipped.

use serde_json::Map;

use super::Clusters;
use crate::bud::Flavor;
use crate::bud::users::shows;
use crate::call::Call;
use crate::error::{Error, ErrorKind, Result};
use crate::operation::{Describe, Operation, Parts, Raw, Reply, Route, Routes};
use crate::schema::{model, open_enum};
use crate::types::{ClusterId, Timestamp, UserId, Wire};

const NONE: &str = "that API has no settings of clusters";

impl Clusters {
    /// The storage that deployments on a cluster get by default. Guide section 6.1: `GET /clusters/{id}/settings`, runtime only.
    ///
    /// Awaiting it returns a [`ClusterSettings`](crate::clusters::ClusterSettings).
    ///
    /// # Errors
    /// `NotFound` when none were set.
    pub fn settings(&self, id: impl Into<ClusterId>) -> Call<GetClusterSettings> {
        self.client().call(GetClusterSettings(id.into()))
    }

    /// Sets the storage that deployments on a cluster get by default, whether or not it was set before. Both values are
    /// replaced: what is left out is cleared, but the platform chooses an access mode that suits the storage class if it
    /// can. `PUT /clusters/{id}/settings`, runtime only.
    ///
    /// Awaiting it returns a [`ClusterSettings`](crate::clusters::ClusterSettings).
    ///
    /// # Errors
    /// `InvalidArgument` for nothing, and for what no storage class is called; `NotFound`.
    ///
    /// ```no_run
    /// # async fn demo(bud: bud_sdk::Client, cluster: bud_sdk::clusters::Cluster) -> bud_sdk::Result<()> {
    /// use bud_sdk::clusters::{AccessMode, StorageDefaults};
    /// let storage = StorageDefaults::class("standard").access_mode(AccessMode::ReadWriteMany);
    /// bud.clusters().set_settings(&cluster, storage).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn set_settings(
        &self,
        id: impl Into<ClusterId>,
        storage: StorageDefaults,
    ) -> Call<SetClusterSettings> {
        self.client().call(SetClusterSettings(id.into(), storage))
    }

    /// Clears the settings of a cluster. `DELETE /clusters/{id}/settings`, runtime only.
    ///
    /// # Errors
    /// `NotFound` when there were none. When an attempt was lost on the way and the next one finds nothing, that is success.
    pub fn delete_settings(&self, id: impl Into<ClusterId>) -> Call<DeleteClusterSettings> {
        self.client().call(DeleteClusterSettings(id.into()))
    }
}

open_enum! {
    /// Who may use a volume at the same time.
    AccessMode {
        /// One node, to read and write.
        ReadWriteOnce = "ReadWriteOnce",
        /// Many nodes, to read.
        ReadOnlyMany = "ReadOnlyMany",
        /// Many nodes, to read and write.
        ReadWriteMany = "ReadWriteMany",
        /// One pod, to read and write.
        ReadWriteOncePod = "ReadWriteOncePod",
    }
}

/// The storage that deployments on a cluster get by default.
#[derive(Debug, Clone)]
pub struct StorageDefaults {
    class: Option<String>,
    access_mode: Option<AccessMode>,
}

impl StorageDefaults {
    /// Volumes of this storage class.
    pub fn class(name: impl Into<String>) -> Self {
        Self { class: Some(name.into()), access_mode: None }
    }
    /// Volumes of the cluster's own default class, with this access.
    pub fn access(mode: AccessMode) -> Self {
        Self { class: None, access_mode: Some(mode) }
    }
    /// Who may use a volume at the same time.
    pub fn access_mode(mut self, mode: AccessMode) -> Self {
        self.access_mode = Some(mode);
        self
    }
}

model! {
    /// What deployments on a cluster get when they do not ask for anything else (runtime).
    ClusterSettings {
        /// The id.
        pub id: Option<String>,
        /// The cluster.
        pub cluster_id: Option<ClusterId>,
        /// The storage class of their volumes.
        pub default_storage_class: Option<String>,
        /// Who may use those at the same time.
        pub default_access_mode: Option<Wire<AccessMode>>,
        /// Who set it.
        pub created_by: Option<UserId>,
        /// When it was first set.
        pub created_at: Option<Timestamp>,
        /// When it was last set.
        pub updated_at: Option<Timestamp> = "modified_at",
    }
}

const SETTINGS: Route = Route::get("/clusters/{id}/settings");

fn one(id: &ClusterId) -> Result<Parts> {
    Parts::new().segment("id", id.as_str())
}

/// They have an id as soon as they are there.
fn answered(raw: &Raw) -> Result<ClusterSettings> {
    let found: ClusterSettings = raw.object("settings")?;
    raw.expect(found.id.is_some(), "settings.id")?;
    Ok(found)
}

/// `clusters.settings`
#[derive(Debug, Clone)]
pub struct GetClusterSettings(ClusterId);

impl Describe for GetClusterSettings {
    type Flavor = Flavor;
    const ID: &'static str = "clusters.settings";
    const SECTIONS: &'static [&'static str] = &["6.1"];
    const ROUTES: Routes<Flavor> = Routes::runtime_only(SETTINGS, NONE);
    fn encode(&self, _: Flavor) -> Result<Parts> {
        one(&self.0)
    }
}

impl Operation for GetClusterSettings {
    type Output = ClusterSettings;
    fn decode(&self, _: Flavor, raw: Raw) -> Result<Reply<ClusterSettings>> {
        answered(&raw).map(Reply::Done)
    }
}

/// `clusters.set_settings`
#[derive(Debug, Clone)]
pub struct SetClusterSettings(ClusterId, StorageDefaults);

impl Describe for SetClusterSettings {
    type Flavor = Flavor;
    const ID: &'static str = "clusters.set_settings";
    const SECTIONS: &'static [&'static str] = &["6.1"];
    const ROUTES: Routes<Flavor> =
        Routes::runtime_only(Route::put("/clusters/{id}/settings").shown_by_a_read(), NONE);
    fn encode(&self, _: Flavor) -> Result<Parts> {
        let Self(id, StorageDefaults { class, access_mode }) = self;
        let mut body = Map::new();
        if let Some(class) = class {
            let fine = class.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.'));
            let ends = class.starts_with('-') || class.ends_with('-');
            if class.is_empty() || class.len() > 253 || !fine || ends {
                let why = "a storage class is called by letters, digits, dots and hyphens, none of these at its ends";
                return Err(Error::invalid("storage_class", why));
            }
            body.insert("default_storage_class".to_owned(), class.as_str().into());
        }
        if let Some(mode) = access_mode {
            body.insert("default_access_mode".to_owned(), mode.as_str().into());
        }
        one(id)?.json(&body)
    }
}

impl SetClusterSettings {
    fn is_shown_by(&self, found: &ClusterSettings) -> Option<bool> {
        let StorageDefaults { class, access_mode } = &self.1;
        let mode =
            access_mode.as_ref().zip(found.default_access_mode.as_deref()).map(|(set, shown)| set == shown);
        let texts = shows([(class, &found.default_storage_class)]);
        [texts, mode].into_iter().flatten().reduce(|all, one| all && one)
    }
}

impl Operation for SetClusterSettings {
    type Output = ClusterSettings;
    fn decode(&self, _: Flavor, raw: Raw) -> Result<Reply<ClusterSettings>> {
        if let Some(found) = raw.object_if_any::<ClusterSettings>("settings")?
            && self.is_shown_by(&found) != Some(false)
        {
            return Ok(Reply::Done(found));
        }
        let this = self.clone();
        Ok(Reply::then(SETTINGS, one(&self.0)?, move |raw| {
            let found = answered(&raw)?;
            if this.is_shown_by(&found) == Some(true) {
                return Ok(Reply::Done(found));
            }
            Err(Error::new(ErrorKind::Unconfirmed, "the settings are still the old ones")
                .with_status(raw.status))
        }))
    }
}

/// `clusters.delete_settings`
#[derive(Debug, Clone)]
pub struct DeleteClusterSettings(ClusterId);

impl Describe for DeleteClusterSettings {
    type Flavor = Flavor;
    const ID: &'static str = "clusters.delete_settings";
    const SECTIONS: &'static [&'static str] = &["6.1"];
    const ROUTES: Routes<Flavor> = Routes::runtime_only(
        Route::delete("/clusters/{id}/settings")
            .accepted()
            .limitation("the platform answers 500 to the first request although it is done; the repeated one finds nothing more"),
        NONE,
    );
    fn encode(&self, _: Flavor) -> Result<Parts> {
        one(&self.0)
    }
}

impl Operation for DeleteClusterSettings {
    type Output = ();
    fn decode(&self, flavor: Flavor, raw: Raw) -> Result<Reply<()>> {
        raw.acknowledged(flavor).map(Reply::Done)
    }
}
