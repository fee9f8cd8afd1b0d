//! What is read of Kubernetes' objects, and nothing more: a page of full pods is ten times as large.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::Deserializer;

use crate::types::Timestamp;

#[macro_use]
mod values;
pub(crate) mod hami;
pub(crate) mod quantity;
pub(crate) mod requests;

pub(crate) use values::{Amounts, Annotations, Touched};
use values::{Value, or_default};

macro_rules! objects {
    ($($name:ident { $($(#[$meta:meta])* $field:ident: $type:ty,)* })*) => {$(
        #[derive(Debug, Clone, Default, Deserialize)]
        #[serde(default, rename_all = "camelCase")]
        pub(crate) struct $name {
            $($(#[$meta])* #[serde(deserialize_with = "or_default")] pub(crate) $field: $type,)*
        }

        as_it_is!($name);
    )*};
}

objects! {
    Meta {
        name: String,
        namespace: String,
        uid: String,
        labels: BTreeMap<String, String>,
        annotations: Annotations,
        owner_references: Vec<Owner>,
        creation_timestamp: Option<Timestamp>,
        deletion_timestamp: Option<Timestamp>,
        deletion_grace_period_seconds: Option<i64>,
        generation: Option<i64>,
        finalizers: Vec<String>,
        #[serde(rename = "managedFields")]
        touched: Touched,
    }
    Owner {
        kind: String,
        name: String,
        uid: String,
        controller: bool,
    }
    Condition {
        #[serde(rename = "type")]
        kind: String,
        status: String,
        reason: String,
        message: String,
        last_transition_time: Option<Timestamp>,
        last_update_time: Option<Timestamp>,
    }

    Pod {
        metadata: Meta,
        spec: PodSpec,
        status: PodStatus,
    }
    PodSpec {
        node_name: String,
        containers: Vec<Container>,
        init_containers: Vec<Container>,
        ephemeral_containers: Vec<Container>,
        restart_policy: String,
        readiness_gates: Vec<ReadinessGate>,
        scheduler_name: String,
        scheduling_gates: Vec<Gate>,
        image_pull_secrets: Vec<Gate>,
        volumes: Vec<Volume>,
        overhead: Amounts,
        resources: Resources,
    }
    Gate {
        name: String,
    }
    Volume {
        persistent_volume_claim: Option<ClaimName>,
    }
    ClaimName {
        claim_name: String,
    }
    ReadinessGate {
        condition_type: String,
    }
    Container {
        name: String,
        image: String,
        args: Vec<String>,
        resources: Resources,
        restart_policy: String,
        readiness_probe: Option<Probe>,
        startup_probe: Option<Probe>,
    }
    Probe {
        http_get: Option<HttpProbe>,
        tcp_socket: Option<HttpProbe>,
        period_seconds: Option<i64>,
        failure_threshold: Option<i64>,
        initial_delay_seconds: Option<i64>,
    }
    HttpProbe {
        path: String,
        port: serde_json::Value,
    }
    Resources {
        requests: Amounts,
        limits: Amounts,
    }
    PodStatus {
        phase: String,
        reason: String,
        message: String,
        #[serde(rename = "podIP")]
        pod_ip: String,
        conditions: Vec<Condition>,
        container_statuses: Vec<ContainerStatus>,
        init_container_statuses: Vec<ContainerStatus>,
        ephemeral_container_statuses: Vec<ContainerStatus>,
    }
    ContainerStatus {
        name: String,
        image: String,
        ready: bool,
        started: Option<bool>,
        restart_count: u32,
        state: ContainerState,
        last_state: ContainerState,
        allocated_resources: Amounts,
        resources: Option<Resources>,
    }
    ContainerState {
        waiting: Option<Waiting>,
        running: Option<Running>,
        terminated: Option<Terminated>,
    }
    Waiting {
        reason: String,
        message: String,
    }
    Running {
        started_at: Option<Timestamp>,
    }
    Terminated {
        reason: String,
        message: String,
        exit_code: i32,
        signal: i32,
        started_at: Option<Timestamp>,
        finished_at: Option<Timestamp>,
    }

    Node {
        metadata: Meta,
        spec: NodeSpec,
        status: NodeStatus,
    }
    NodeSpec {
        unschedulable: bool,
        taints: Vec<Taint>,
    }
    Taint {
        key: String,
        value: String,
        effect: String,
        time_added: Option<Timestamp>,
    }
    NodeStatus {
        capacity: Amounts,
        allocatable: Amounts,
        conditions: Vec<Condition>,
        addresses: Vec<Address>,
        node_info: NodeInfo,
    }
    Address {
        #[serde(rename = "type")]
        kind: String,
        address: String,
    }
    NodeInfo {
        kubelet_version: String,
    }

    Workload {
        metadata: Meta,
        spec: WorkloadSpec,
        status: WorkloadStatus,
    }
    WorkloadSpec {
        replicas: Option<u32>,
        paused: bool,
        selector: Selector,
        template: Template,
        strategy: Strategy,
        update_strategy: Strategy,
    }
    Strategy {
        #[serde(rename = "type")]
        kind: String,
        rolling_update: Option<RollingUpdate>,
    }
    RollingUpdate {
        partition: Option<u32>,
    }
    Selector {
        match_labels: BTreeMap<String, String>,
        match_expressions: Vec<Expression>,
    }
    Expression {
        key: String,
        operator: String,
        values: Vec<String>,
    }
    Template {
        metadata: Meta,
        spec: PodSpec,
    }
    WorkloadStatus {
        observed_generation: Option<i64>,
        replicas: u32,
        updated_replicas: u32,
        ready_replicas: u32,
        available_replicas: u32,
        conditions: Vec<Condition>,
        current_revision: String,
        update_revision: String,
        desired_number_scheduled: u32,
        updated_number_scheduled: u32,
        number_available: u32,
        number_ready: u32,
        number_misscheduled: u32,
        number_unavailable: u32,
    }

    Job {
        metadata: Meta,
        status: JobStatus,
    }
    JobStatus {
        failed: u32,
        conditions: Vec<Condition>,
    }

    VolumeClaim {
        metadata: Meta,
        spec: VolumeClaimSpec,
        status: VolumeClaimStatus,
    }
    VolumeClaimSpec {
        storage_class_name: Option<String>,
        volume_name: String,
    }
    VolumeClaimStatus {
        phase: String,
    }
    StorageClass {
        metadata: Meta,
        volume_binding_mode: String,
    }

    Autoscaler {
        metadata: Meta,
        spec: AutoscalerSpec,
        status: AutoscalerStatus,
    }
    AutoscalerSpec {
        scale_target_ref: Owner,
        min_replicas: Option<u32>,
        max_replicas: u32,
    }
    AutoscalerStatus {
        current_replicas: u32,
        desired_replicas: u32,
        conditions: Vec<Condition>,
    }

    Lease {
        metadata: Meta,
        spec: LeaseSpec,
    }
    LeaseSpec {
        renew_time: Option<Timestamp>,
    }

    Service {
        metadata: Meta,
        spec: ServiceSpec,
        status: ServiceStatus,
    }
    ServiceSpec {
        #[serde(rename = "type")]
        kind: String,
        #[serde(rename = "clusterIP")]
        cluster_ip: String,
        external_name: String,
        #[serde(rename = "externalIPs")]
        external_ips: Vec<String>,
        ports: Vec<ServicePort>,
        selector: BTreeMap<String, String>,
        publish_not_ready_addresses: bool,
    }
    ServicePort {
        name: String,
        port: u32,
        node_port: Option<u32>,
        protocol: String,
    }
    ServiceStatus {
        load_balancer: LoadBalancer,
    }
    LoadBalancer {
        ingress: Vec<Ingress>,
    }
    Ingress {
        ip: String,
        hostname: String,
    }
    EndpointSlice {
        metadata: Meta,
        endpoints: Vec<SliceEndpoint>,
    }
    SliceEndpoint {
        addresses: Vec<String>,
        conditions: SliceConditions,
    }
    SliceConditions {
        ready: Option<bool>,
    }

    Event {
        metadata: Meta,
        #[serde(rename = "type")]
        kind: String,
        reason: String,
        message: String,
        count: u32,
        series: Option<Series>,
        first_timestamp: Option<Timestamp>,
        last_timestamp: Option<Timestamp>,
        event_time: Option<Timestamp>,
        involved_object: Involved,
        source: Source,
        reporting_component: String,
    }
    Series {
        count: u32,
        last_observed_time: Option<Timestamp>,
    }
    Involved {
        api_version: String,
        kind: String,
        namespace: String,
        name: String,
        uid: String,
    }
    Source {
        component: String,
        host: String,
    }

    PodMetrics {
        metadata: Meta,
        containers: Vec<ContainerMetrics>,
        timestamp: Option<Timestamp>,
    }
    ContainerMetrics {
        name: String,
        usage: Amounts,
    }
    NodeMetrics {
        metadata: Meta,
        usage: Amounts,
        timestamp: Option<Timestamp>,
    }

    Certificate {
        metadata: Meta,
        spec: CertificateSpec,
        status: CertificateStatus,
    }
    CertificateSpec {
        secret_name: String,
        dns_names: Vec<String>,
        issuer_ref: IssuerRef,
    }
    IssuerRef {
        kind: String,
        name: String,
    }
    CertificateStatus {
        conditions: Vec<Condition>,
        not_before: Option<Timestamp>,
        not_after: Option<Timestamp>,
        renewal_time: Option<Timestamp>,
        last_failure_time: Option<Timestamp>,
        failed_issuance_attempts: Option<u32>,
    }

    ResourceSlice {
        metadata: Meta,
        spec: ResourceSliceSpec,
    }
    ResourceSliceSpec {
        driver: String,
        pool: DevicePool,
        node_name: String,
        devices: Vec<Device>,
    }
    DevicePool {
        name: String,
        generation: i64,
    }
    Device {
        name: String,
        attributes: BTreeMap<String, Attribute>,
        taints: Vec<Taint>,
    }
    Attribute {
        string: String,
    }
    ResourceClaim {
        metadata: Meta,
        status: ClaimStatus,
    }
    ClaimStatus {
        allocation: Allocation,
    }
    Allocation {
        devices: AllocatedDevices,
    }
    AllocatedDevices {
        results: Vec<AllocatedDevice>,
    }
    AllocatedDevice {
        driver: String,
        pool: String,
        device: String,
        admin_access: bool,
    }

    ApiService {
        status: ApiServiceStatus,
    }
    ApiServiceStatus {
        conditions: Vec<Condition>,
    }
    Version {
        git_version: String,
    }
    GroupList {
        groups: Vec<Group>,
    }
    Group {
        name: String,
        versions: Vec<GroupVersion>,
    }
    GroupVersion {
        version: String,
    }
    Status {
        status: String,
        message: String,
        reason: String,
        code: u16,
        details: Details,
    }
    Details {
        causes: Vec<Cause>,
    }
    Cause {
        reason: String,
        message: String,
    }
    ListMeta {
        #[serde(rename = "continue")]
        next: String,
    }
}

/// The condition of this type.
pub(crate) fn condition<'a>(conditions: &'a [Condition], kind: &str) -> Option<&'a Condition> {
    conditions.iter().find(|condition| condition.kind == kind)
}

/// Whether the condition of this type is true.
pub(crate) fn holds(conditions: &[Condition], kind: &str) -> bool {
    condition(conditions, kind).is_some_and(|condition| condition.status == "True")
}
