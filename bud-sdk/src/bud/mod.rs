//! The Bud API: the client, and one file or folder per resource with its handle, its operations and its models.

mod account;
mod answers;
mod audit;
mod backend;
mod builder;
mod capabilities;
mod client;
mod clusters;
mod credentials;
mod detect;
mod endpoints;
mod flavor;
mod login;
mod models;
pub mod operations;
mod permissions;
mod projects;
mod quirks;
mod quotas;
mod session;
#[cfg(test)]
mod tests;
mod users;
mod workflows;

pub use account::{Account, ModulePermission};
pub(crate) use answers::{accepted, changed};
pub use audit::{
    ActionCount, Audit, AuditRecord, AuditSummary, DateRange, Export, ExportFormat, ExportStream, Exported,
    TamperCheck, TamperedRecord, TimeRange, UserCount, Verification, VerificationCounts, Verifications,
};
#[cfg(test)]
pub(crate) use backend::KEYS;
pub(crate) use backend::SPEC;
pub use builder::ClientBuilder;
pub use capabilities::{Capabilities, Capability};
pub use client::Client;
pub(crate) use client::Unlock;
pub use clusters::{
    AccessMode, Cluster, ClusterResource, ClusterSettings, ClusterStatus, Clusters, Estimate, Estimates,
    Recommendations, RecommendedCluster, RequiredDevice, StorageDefaults,
};
#[cfg(feature = "decrypt")]
pub use credentials::DeploymentKey;
pub use credentials::{
    ApiKeyValue, Credential, CredentialType, CredentialUpdate, Credentials, EncryptedKey, Expiry,
    NewCredential, ProjectName,
};
pub use endpoints::{
    Autoscaler, Autoscaling, CloudProvider, CostLimits, DeployModel, Deployment, DeploymentConfig,
    DeploymentStage, DeploymentUpdate, DeploymentUpdates, Endpoint, EndpointResources, EndpointStatus,
    EndpointUpdates, EndpointWait, Endpoints, EngineConfig, FailoverThresholds, FederationMode, GpuScaling,
    HardwareMode, MetricSource, MetricSourceType, ModelDeployment, MultiCluster, Prediction, ScaleToZero,
    ScalingBehavior, ScalingPolicy, ScalingRule, ScalingStrategy, ScheduleHint, SpotPreference, Worker,
};
pub use flavor::Flavor;
pub(crate) use flavor::paged;
pub use models::{
    AudioArchitecture, Modality, Model, ModelLicense, ModelProviderType, ModelRecommendation,
    ModelRecommendationCluster, Paper, Pricing, Provider, SupportedEndpoint, Tag, TextArchitecture,
    VisionArchitecture,
};
pub use permissions::{
    Grant, Permission, PermissionLevel, Permissions, ResourceScopes, ResourceType, Scope, ScopeState, Scopes,
    UserPermissions,
};
pub use projects::{
    Member, NewMember, NewProject, Project, ProjectStatus, ProjectType, ProjectUpdate, Projects,
};
pub use quotas::{Granularity, Plan, Quota, Quotas, Usage, UsageLimits, UsageStep, UserBilling, UserQuota};
pub use users::{Created, NewUser, Role, User, UserStatus, UserType, UserUpdate, Users};
pub use workflows::{
    AdapterConfig, DeploymentTemplate, GuardrailProbe, GuardrailProfile, GuardrailRule, ModelScan,
    PromptMessage, PromptModelSettings, PromptSchema, ProviderCredential, Quantization, QuantizationScheme,
    Workflow, WorkflowStatus, WorkflowSteps, WorkflowType, Workflows,
};

use serde::de::DeserializeOwned;

use crate::operation::Raw;
use crate::types::Extra;

/// Refuses a name that no server takes.
pub(crate) fn check_name(param: &'static str, name: &str) -> crate::Result<()> {
    if name.trim().is_empty() {
        return Err(crate::Error::invalid(param, "it is empty"));
    }
    if name.chars().any(char::is_control) {
        return Err(crate::Error::invalid(param, "it has control characters"));
    }
    if name.chars().count() > 1000 {
        return Err(crate::Error::invalid(param, "it is longer than 1000 characters"));
    }
    Ok(())
}

/// Reads an answer of the platform as shipped whose fields stand beside what it is called and what is said of it.
pub(crate) fn beside<T: DeserializeOwned>(raw: &Raw, extra: fn(&mut T) -> &mut Extra) -> crate::Result<T> {
    let mut value = raw.object("result")?;
    for name in ["object", "message"] {
        extra(&mut value).0.remove(name);
    }
    Ok(value)
}
