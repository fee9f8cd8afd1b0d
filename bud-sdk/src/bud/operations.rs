//! Every operation of this SDK, as a type: what `Call` and `List` hold.

pub use super::account::{ChangeOwnPassword, GetAccount, GetOwnPermissions};
pub use super::audit::{
    ExportAudit, FindTampered, GetAuditRecord, ListAuditRecords, SummarizeAudit, VerifyRecord, VerifyRecords,
};
pub use super::clusters::{
    DeleteClusterSettings, GetCluster, GetClusterSettings, ListClusters, RecommendClusters, RefreshCluster,
    SetClusterSettings,
};
pub use super::credentials::{CreateCredential, DeleteCredential, ListCredentials, UpdateCredential};
pub use super::endpoints::{
    DeployEndpoint, DeployStep, GetAutoscaler, GetEndpoint, ListEndpoints, ListWorkers, ScaleEndpoint,
    SetAutoscaler, UndeployEndpoint,
};
pub use super::login::{Login, Logout, Refresh, RequestPasswordReset};
pub use super::permissions::{
    GetUserPermissions, GrantPermission, ListPermissions, RevokePermission, RevokePermissionById,
    SetGlobalPermissions,
};
pub use super::projects::{
    AddMembers, CreateProject, DeleteProject, GetProject, ListMembers, ListProjectEndpoints, ListProjects,
    RemoveMembers, UpdateProject,
};
pub use super::quotas::{
    GetBilling, GetLimits, GetOwnQuota, GetProjectQuota, GetUsageHistory, GetUserQuota, ListPlans,
};
pub use super::users::{CreateUser, DeactivateUser, GetUser, ListUsers, ReactivateUser, SetRole, UpdateUser};
pub use super::workflows::{CancelWorkflow, GetWorkflow, ListWorkflows};
use crate::operation::OperationInfo;

/// Every operation of the Bud API: the source of `client.capabilities()` and of the coverage table.
pub(super) const OPERATIONS: &[OperationInfo] = &[
    OperationInfo::of::<Login>(),
    OperationInfo::of::<Refresh>(),
    OperationInfo::of::<Logout>(),
    OperationInfo::of::<RequestPasswordReset>(),
    OperationInfo::of::<GetAccount>(),
    OperationInfo::of::<GetOwnPermissions>(),
    OperationInfo::of::<ChangeOwnPassword>(),
    OperationInfo::of::<CreateUser>(),
    OperationInfo::of::<GetUser>(),
    OperationInfo::of::<ListUsers>(),
    OperationInfo::of::<UpdateUser>(),
    OperationInfo::of::<SetRole>(),
    OperationInfo::of::<DeactivateUser>(),
    OperationInfo::of::<ReactivateUser>(),
    OperationInfo::of::<CreateProject>(),
    OperationInfo::of::<GetProject>(),
    OperationInfo::of::<ListProjects>(),
    OperationInfo::of::<UpdateProject>(),
    OperationInfo::of::<DeleteProject>(),
    OperationInfo::of::<ListProjectEndpoints>(),
    OperationInfo::of::<ListMembers>(),
    OperationInfo::of::<AddMembers>(),
    OperationInfo::of::<RemoveMembers>(),
    OperationInfo::of::<GrantPermission>(),
    OperationInfo::of::<ListPermissions>(),
    OperationInfo::of::<RevokePermission>(),
    OperationInfo::of::<RevokePermissionById>(),
    OperationInfo::of::<GetUserPermissions>(),
    OperationInfo::of::<SetGlobalPermissions>(),
    OperationInfo::of::<GetEndpoint>(),
    OperationInfo::of::<ListEndpoints>(),
    OperationInfo::of::<DeployEndpoint>(),
    OperationInfo::of::<DeployStep>(),
    OperationInfo::of::<ScaleEndpoint>(),
    OperationInfo::of::<SetAutoscaler>(),
    OperationInfo::of::<GetAutoscaler>(),
    OperationInfo::of::<ListWorkers>(),
    OperationInfo::of::<UndeployEndpoint>(),
    OperationInfo::of::<GetWorkflow>(),
    OperationInfo::of::<ListWorkflows>(),
    OperationInfo::of::<CancelWorkflow>(),
    OperationInfo::of::<ListClusters>(),
    OperationInfo::of::<GetCluster>(),
    OperationInfo::of::<RefreshCluster>(),
    OperationInfo::of::<RecommendClusters>(),
    OperationInfo::of::<GetClusterSettings>(),
    OperationInfo::of::<SetClusterSettings>(),
    OperationInfo::of::<DeleteClusterSettings>(),
    OperationInfo::of::<ExportAudit>(),
    OperationInfo::of::<ListAuditRecords>(),
    OperationInfo::of::<GetAuditRecord>(),
    OperationInfo::of::<SummarizeAudit>(),
    OperationInfo::of::<VerifyRecord>(),
    OperationInfo::of::<VerifyRecords>(),
    OperationInfo::of::<FindTampered>(),
    OperationInfo::of::<GetProjectQuota>(),
    OperationInfo::of::<GetUserQuota>(),
    OperationInfo::of::<GetOwnQuota>(),
    OperationInfo::of::<GetBilling>(),
    OperationInfo::of::<ListPlans>(),
    OperationInfo::of::<GetLimits>(),
    OperationInfo::of::<GetUsageHistory>(),
    OperationInfo::of::<CreateCredential>(),
    OperationInfo::of::<ListCredentials>(),
    OperationInfo::of::<UpdateCredential>(),
    OperationInfo::of::<DeleteCredential>(),
];
