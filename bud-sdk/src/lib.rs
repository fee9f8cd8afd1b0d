//! Operate Bud AI Foundry from code: typed, safe calls for what its Day-2 guide does by hand.
//! ```no_run
//! # async fn demo() -> bud_sdk::Result<()> {
//! use bud_sdk::Client;
//! use bud_sdk::users::{NewUser, Role};
//!
//! let bud = Client::builder()
//!     .base_url("https://api.bud.example.com")
//!     .password("admin@example.com", std::env::var("BUD_PASSWORD").unwrap_or_default())
//!     .build()?;
//! let made = bud.users().create(NewUser::new("newuser@example.com", "New", "User", Role::User)).await?;
//! bud.users().set_role(&made.user, Role::ProjectAdmin).await?;
//! # Ok(())
//! # }
//! ```
//!
//! A [`Client`] has a handle per resource; a handle makes [`Call`]s, and awaiting a call sends it. Lists are [`List`]s,
//! with items and pages. Every failure is one [`Error`].
//!
//! What calls return is in a module per topic, such as [`users`] and [`endpoints`].
//!
//! # Features
//!
//! None is on by default.
//!
//! - `blocking`: the same calls without async, in `blocking`.
//! - `testing`: a client that answers from a script, for tests of your own code, in `testing`.
//! - `decrypt`: opens the API keys of the runtime API, which come encrypted (`credentials::DeploymentKey`).
//! - `kubernetes`: a Kubernetes cluster, typed, in `kubernetes`, and read as findings, in `diagnostics`. The Kubernetes client below
//!   it needs one version of the Kubernetes types in the whole program, which a library must not choose. A program that enables this
//!   feature therefore also depends on `k8s-openapi` and enables one of its version features:
//!   `k8s-openapi = { version = "0.29", features = ["latest"] }`.
//! - `monitoring`: Prometheus and Alertmanager, in `monitoring`.
//! - `bindings`: everything that can be called as data, for bindings to other languages, in `bindings`. Includes `decrypt`,
//!   `kubernetes` and `monitoring`.

#![cfg_attr(docsrs, feature(doc_cfg))]
#![deny(unnameable_types)]
// A library does not panic on what it is given.
#![cfg_attr(
    not(test),
    deny(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)
)]

mod auth;
#[cfg(feature = "bindings")]
pub mod bindings;
#[cfg(feature = "blocking")]
pub mod blocking;
mod bud;
mod call;
mod config;
#[cfg(feature = "kubernetes")]
pub mod diagnostics;
mod error;
mod http;
#[cfg(feature = "kubernetes")]
pub mod kubernetes;
#[cfg(feature = "monitoring")]
pub mod monitoring;
mod operation;
pub mod report;
mod schema;
#[cfg(feature = "testing")]
pub mod testing;
mod types;

pub use auth::{AccessToken, TokenProvider};
pub use bud::{Capabilities, Capability, Client, ClientBuilder, Flavor};
pub use call::{Call, CallWithResponse, Items, List, Listing, Pages, RawCall, RawResponse, Response};
pub use error::{Error, ErrorKind, FieldError, Result};
pub use types::{Decimal, Extra, Secret, Timestamp, Warning, Wire};

/// The session, and the account that it belongs to.
pub mod account {
    pub use crate::auth::SignIn;
    pub use crate::bud::{Account, ModulePermission};
}

/// The audit log: records, exports, checks for tampering.
pub mod audit {
    pub use crate::bud::{
        ActionCount, Audit, AuditRecord, AuditSummary, DateRange, Export, ExportFormat, ExportStream,
        Exported, TamperCheck, TamperedRecord, TimeRange, UserCount, Verification, VerificationCounts,
        Verifications,
    };
    pub use crate::call::{Completeness, Progress};
    pub use crate::types::AuditId;
}

/// The clusters that endpoints run on.
pub mod clusters {
    pub use crate::bud::{
        AccessMode, Cluster, ClusterResource, ClusterSettings, ClusterStatus, Clusters, Estimate, Estimates,
        Recommendations, RecommendedCluster, RequiredDevice, StorageDefaults,
    };
    pub use crate::types::{ClusterId, DeployClusterId};
}

/// API keys.
pub mod credentials {
    #[cfg(feature = "decrypt")]
    pub use crate::bud::DeploymentKey;
    pub use crate::bud::{
        ApiKeyValue, Credential, CredentialType, CredentialUpdate, Credentials, EncryptedKey, Expiry,
        NewCredential, ProjectName,
    };
    pub use crate::types::{CredentialId, ProviderCredentialId};
}

/// The endpoints that serve models: deployment, scaling, autoscaling, removal.
pub mod endpoints {
    pub use crate::bud::{
        Autoscaler, Autoscaling, CloudProvider, CostLimits, DeployModel, Deployment, DeploymentConfig,
        DeploymentStage, DeploymentUpdate, DeploymentUpdates, Endpoint, EndpointResources, EndpointStatus,
        EndpointUpdates, EndpointWait, Endpoints, EngineConfig, FailoverThresholds, FederationMode,
        GpuScaling, HardwareMode, MetricSource, MetricSourceType, ModelDeployment, MultiCluster, Prediction,
        ScaleToZero, ScalingBehavior, ScalingPolicy, ScalingRule, ScalingStrategy, ScheduleHint,
        SpotPreference, Worker,
    };
    pub use crate::types::EndpointId;
}

/// AI models.
pub mod models {
    pub use crate::bud::{
        AudioArchitecture, Modality, Model, ModelLicense, ModelProviderType, ModelRecommendation,
        ModelRecommendationCluster, Paper, Pricing, Provider, SupportedEndpoint, Tag, TextArchitecture,
        VisionArchitecture,
    };
    pub use crate::types::ModelId;
}

/// Permissions of users.
pub mod permissions {
    pub use crate::bud::{
        Grant, Permission, PermissionLevel, Permissions, ResourceScopes, ResourceType, Scope, ScopeState,
        Scopes, UserPermissions,
    };
    pub use crate::types::PermissionId;
}

/// Projects and their members.
pub mod projects {
    pub use crate::bud::{
        Member, NewMember, NewProject, Project, ProjectStatus, ProjectType, ProjectUpdate, Projects,
    };
    pub use crate::types::ProjectId;
}

/// Quotas, usage and billing.
pub mod quotas {
    pub use crate::bud::{
        Granularity, Plan, Quota, Quotas, Usage, UsageLimits, UsageStep, UserBilling, UserQuota,
    };
}

/// Users.
pub mod users {
    pub use crate::bud::{Created, NewUser, Role, User, UserStatus, UserType, UserUpdate, Users};
    pub use crate::types::UserId;
}

/// Workflows: what the runtime API does in several steps.
pub mod workflows {
    pub use crate::bud::{
        AdapterConfig, DeploymentTemplate, GuardrailProbe, GuardrailProfile, GuardrailRule, ModelScan,
        PromptMessage, PromptModelSettings, PromptSchema, ProviderCredential, Quantization,
        QuantizationScheme, Workflow, WorkflowStatus, WorkflowSteps, WorkflowType, Workflows,
    };
    pub use crate::types::WorkflowId;
}

/// Every operation as a type, and what an operation is: `Call<operations::SetRole>` can be stored.
pub mod operations {
    pub use crate::auth::Tokens;
    pub use crate::bud::operations::*;
    pub use crate::operation::{
        ApiFlavor, Describe, Filter, FilterProof, Method, Next, Operation, OperationInfo, Page, Paged, Parts,
        PerFlavor, Proof, Raw, Reply, Route, Routes, Support,
    };

    /// Every operation of this SDK, with its routes: those of the Bud API, and of the services whose features are enabled.
    pub fn all() -> &'static [OperationInfo] {
        use std::sync::LazyLock;
        static ALL: LazyLock<Vec<OperationInfo>> = LazyLock::new(|| {
            let specs = std::iter::once(&crate::bud::SPEC);
            #[cfg(feature = "monitoring")]
            let specs = specs.chain(crate::monitoring::SPECS);
            specs.flat_map(|spec| spec.operations).copied().collect()
        });
        &ALL
    }
}

/// The README's code compiles; it shows the features, too.
#[cfg(all(
    doctest,
    feature = "blocking",
    feature = "kubernetes",
    feature = "monitoring",
    feature = "testing"
))]
#[doc = include_str!("../../README.md")]
struct Readme;
