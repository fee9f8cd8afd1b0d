//! What pods and nodes use, from the metrics API.

use std::collections::BTreeMap;

use crate::error::{Error, ErrorKind, Result};
use crate::kubernetes::connection::not_installed;
use crate::kubernetes::connection::request::Ask;
use crate::kubernetes::objects::quantity::Quantity;
use crate::kubernetes::objects::{self, condition};
use crate::kubernetes::{Cluster, Namespaces};
use crate::schema::records;
use crate::types::Timestamp;

pub(crate) const GROUP: &str = "metrics.k8s.io";

impl Cluster {
    /// What pods use: guide section 2.2, `kubectl top pods`.
    ///
    /// # Errors
    /// `Unsupported` where the metrics API is not installed; `Server` where it is dead, with the reason that the cluster gives;
    /// `PermissionDenied` naming the missing permission.
    pub async fn top_pods(&self, scope: impl Into<Namespaces>) -> Result<Vec<PodUsage>> {
        let (version, scope) = (self.metrics_version().await?, scope.into());
        let root = format!("/apis/{GROUP}/{version}");
        let listed = self.list(&root, "pods", &scope, |pod: objects::PodMetrics, _| PodUsage::of(&pod)).await;
        match listed {
            Err(error) => Err(self.dead(error, &version).await),
            usage => usage,
        }
    }

    /// What nodes use, and what part that is of what may be given to pods: guide section 2.2, `kubectl top nodes`. A node
    /// without a measurement has none, not zero.
    ///
    /// # Errors
    /// As [`top_pods`](Self::top_pods); it also takes the permission to list nodes.
    pub async fn top_nodes(&self) -> Result<Vec<NodeUsage>> {
        let version = self.metrics_version().await?;
        let (root, all) = (format!("/apis/{GROUP}/{version}"), Namespaces::all());
        let measured = self
            .list(&root, "nodes", &all, |node: objects::NodeMetrics, _| (node.metadata.name.clone(), node));
        let nodes = self.list("/api/v1", "nodes", &all, |node: objects::Node, _| node);
        let measured: BTreeMap<String, objects::NodeMetrics> = match measured.await {
            Err(error) => return Err(self.dead(error, &version).await),
            Ok(measured) => measured.into_iter().collect(),
        };
        Ok(nodes.await?.iter().map(|node| NodeUsage::of(node, measured.get(&node.metadata.name))).collect())
    }

    pub(crate) async fn metrics_version(&self) -> Result<String> {
        let (all, _): (objects::GroupList, _) = self.read(&Ask::get("/apis", "apis", None)).await?;
        let group = all.groups.iter().find(|group| group.name == GROUP);
        let versions = group.map(|group| group.versions.as_slice()).unwrap_or_default();
        let known = ["v1", "v1beta1"].into_iter();
        let served = |version: &&str| versions.iter().any(|served| served.version == *version);
        known.clone().find(served).map(str::to_owned).ok_or_else(|| not_installed("the metrics API"))
    }

    /// What the cluster says of a metrics API that does not answer.
    pub(crate) async fn dead(&self, error: Error, version: &str) -> Error {
        if error.status() != Some(503) {
            return error;
        }
        let path = format!("/apis/apiregistration.k8s.io/v1/apiservices/{version}.{GROUP}");
        let told: Result<(objects::ApiService, _)> = self.read(&Ask::get(path, "apiservices", None)).await;
        let why = told.ok().and_then(|(service, _)| {
            let available = condition(&service.status.conditions, "Available")?.clone();
            Some(format!("{}: {}", available.reason, available.message))
        });
        let why = crate::operation::clean(why.as_deref().unwrap_or("the cluster does not say why"), 300);
        error
            .with_kind(ErrorKind::Server)
            .with_message("the metrics API is installed and does not answer")
            .with_hint(why)
    }
}

records! {

    /// What a pod uses.
    PodUsage {
        /// The name.
        name: String,
        /// The namespace.
        namespace: String,
        /// Thousandths of a processor core.
        cpu_millis: u64,
        /// Bytes of memory that cannot be taken back.
        memory_bytes: u64,
        /// The same for each container.
        containers: Vec<ContainerUsage>,
        /// When it was measured.
        at: Option<Timestamp>,
    }
    /// What a container uses.
    ContainerUsage {
        /// The name.
        name: String,
        /// Thousandths of a processor core.
        cpu_millis: u64,
        /// Bytes of memory that cannot be taken back.
        memory_bytes: u64,
    }
    /// What a node uses.
    NodeUsage {
        /// The name.
        name: String,
        /// Thousandths of a processor core.
        cpu_millis: Option<u64>,
        /// What part that is of what may be given to pods, in whole percent, as kubectl has it.
        cpu_percent: Option<u32>,
        /// Bytes of memory that cannot be taken back.
        memory_bytes: Option<u64>,
        /// What part that is of what may be given to pods, in whole percent.
        memory_percent: Option<u32>,
        /// When it was measured.
        at: Option<Timestamp>,
    }
}

fn natural(number: i64) -> u64 {
    u64::try_from(number).unwrap_or_default()
}

impl PodUsage {
    fn of(pod: &objects::PodMetrics) -> Self {
        let sum =
            |resource| pod.containers.iter().map(|container| container.usage.of(resource)).sum::<Quantity>();
        let container = |container: &objects::ContainerMetrics| ContainerUsage {
            name: container.name.clone(),
            cpu_millis: natural(container.usage.of("cpu").millis()),
            memory_bytes: natural(container.usage.of("memory").units()),
        };
        Self {
            name: pod.metadata.name.clone(),
            namespace: pod.metadata.namespace.clone(),
            cpu_millis: natural(sum("cpu").millis()),
            memory_bytes: natural(sum("memory").units()),
            containers: pod.containers.iter().map(container).collect(),
            at: pod.timestamp,
        }
    }
}

impl NodeUsage {
    fn of(node: &objects::Node, measured: Option<&objects::NodeMetrics>) -> Self {
        let used = |resource: &str| measured.and_then(|node| node.usage.0.get(resource).copied());
        let percent = |used: Option<i64>, of: i64| {
            let part = i128::from(used?) * 100 / i128::from(of).max(1);
            (of > 0).then(|| u32::try_from(part).unwrap_or(u32::MAX))
        };
        let allocatable = &node.status.allocatable;
        let (cpu, memory) = (used("cpu").map(Quantity::millis), used("memory").map(Quantity::units));
        Self {
            name: node.metadata.name.clone(),
            cpu_millis: cpu.map(natural),
            cpu_percent: percent(cpu, allocatable.of("cpu").millis()),
            memory_bytes: memory.map(natural),
            memory_percent: percent(memory, allocatable.of("memory").units()),
            at: measured.and_then(|node| node.timestamp),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_was_not_measured_of_a_node_is_unknown_and_not_zero() {
        let node = json!({ "metadata": { "name": "n" }, "status": { "allocatable": { "cpu": "4", "memory": "8Gi" } } });
        let node: objects::Node = serde_json::from_value(node).unwrap();
        let of = |measured: Option<serde_json::Value>| {
            let measured: Option<objects::NodeMetrics> =
                measured.map(|usage| serde_json::from_value(json!({ "usage": usage })).unwrap());
            let usage = NodeUsage::of(&node, measured.as_ref());
            (usage.cpu_millis, usage.cpu_percent, usage.memory_bytes, usage.memory_percent)
        };
        assert_eq!(of(None), (None, None, None, None));
        assert_eq!(of(Some(json!({ "cpu": "1" }))), (Some(1000), Some(25), None, None));
        assert_eq!(of(Some(json!({ "memory": "2Gi" }))), (None, None, Some(2 << 30), Some(25)));
        assert_eq!(of(Some(json!({ "cpu": "0", "memory": "0" }))), (Some(0), Some(0), Some(0), Some(0)));
    }
}
