//! Operate Bud AI Foundry from code: typed, safe calls for what its Day-2 guide does by hand.
//! ```no_run
//! # async fn demo() -> bud_sdk::Result<()> {
//! use bud_sdk::{Client, NewUser, Role};
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
//! Features, none of them on by default: `blocking` for calls without async, `testing` for tests of your own code without a
//! server, `decrypt` for API keys that come encrypted, `door` for bindings to other languages.

// A library does not panic on what it is given.
#![cfg_attr(
    not(test),
    deny(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)
)]

mod api;
mod auth;
#[cfg(feature = "blocking")]
pub mod blocking;
mod client;
mod config;
#[cfg(feature = "kube")]
mod diagnostics;
#[cfg(feature = "door")]
pub mod door;
mod error;
mod pipeline;
pub mod report;
mod resources;
#[cfg(feature = "testing")]
pub mod testing;
mod types;

pub use api::{
    Describe, Filter, FilterProof, Flavor, Method, Operation, OperationInfo, Page, Paged, Proof, Route,
    Routes, Support,
};
pub use auth::{AccessToken, Credentials, SignIn};
pub use client::{
    Call, CallWithResponse, Capabilities, Capability, Client, ClientBuilder, Completeness, Items, List,
    Listing, Pages, Progress, RawCall, RawResponse, Response,
};
pub use error::{Error, ErrorKind, FieldError, Result};
#[cfg(feature = "decrypt")]
pub use resources::DeploymentKey;
pub use resources::{
    AccessMode, Account, ActionCount, AdapterConfig, ApiKeyValue, AudioArchitecture, Audit, AuditRecord,
    AuditSummary, Autoscaler, Autoscaling, CloudProvider, Cluster, ClusterResource, ClusterSettings,
    ClusterStatus, Clusters, CostLimits, Created, Credential, CredentialType, CredentialUpdate, DateRange,
    DeployModel, Deployment, DeploymentConfig, DeploymentStage, DeploymentTemplate, DeploymentUpdate,
    DeploymentUpdates, EncryptedKey, Endpoint, EndpointResources, EndpointStatus, EndpointUpdates,
    EndpointWait, Endpoints, EngineConfig, Estimate, Estimates, Expiry, Export, ExportFormat, ExportStream,
    Exported, FailoverThresholds, FederationMode, GpuScaling, Grant, Granularity, GuardrailProbe,
    GuardrailProfile, GuardrailRule, HardwareMode, Member, MetricSource, MetricSourceType, Modality, Model,
    ModelDeployment, ModelLicense, ModelProviderType, ModelRecommendation, ModelRecommendationCluster,
    ModelScan, ModulePermission, MultiCluster, NewCredential, NewMember, NewProject, NewUser, Paper,
    Permission, PermissionLevel, Permissions, Plan, Prediction, Pricing, Project, ProjectName, ProjectStatus,
    ProjectType, ProjectUpdate, Projects, PromptMessage, PromptModelSettings, PromptSchema, Provider,
    ProviderCredential, Quantization, QuantizationScheme, Quota, Quotas, Recommendations, RecommendedCluster,
    RequiredDevice, ResourceScopes, ResourceType, Role, ScaleToZero, ScalingBehavior, ScalingPolicy,
    ScalingRule, ScalingStrategy, ScheduleHint, Scope, ScopeState, Scopes, SpotPreference, StorageDefaults,
    SupportedEndpoint, Tag, TamperCheck, TamperedRecord, TextArchitecture, TimeRange, Usage, UsageLimits,
    UsageStep, User, UserBilling, UserCount, UserPermissions, UserQuota, UserStatus, UserType, UserUpdate,
    Users, Verification, VerificationCounts, Verifications, VisionArchitecture, Worker, Workflow,
    WorkflowStatus, WorkflowSteps, WorkflowType, Workflows, operations,
};
pub use types::{
    AuditId, ClusterId, CredentialId, Decimal, DeployClusterId, EndpointId, Extra, ModelId, PermissionId,
    ProjectId, ProviderCredentialId, Secret, Timestamp, UserId, Warning, Wire, WorkflowId,
};

/// Kubernetes clusters.
#[cfg(feature = "kube")]
pub mod kubernetes {
    pub use crate::diagnostics::*;
}

/// The handles of resources whose names are taken at the top.
pub mod handles {
    pub use crate::resources::Credentials;
}

/// The README's code compiles; it shows the features, too.
#[cfg(all(doctest, feature = "blocking", feature = "kube", feature = "testing"))]
#[doc = include_str!("../../README.md")]
struct Readme;
