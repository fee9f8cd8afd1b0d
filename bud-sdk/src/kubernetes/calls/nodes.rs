//! Nodes, and their GPUs: what there is, what may be given out, what is asked for, what is free.

use std::collections::BTreeMap;

use crate::error::Result;
use crate::kubernetes::calls::pods::given;
use crate::kubernetes::objects::hami;
use crate::kubernetes::objects::quantity::Quantity;
use crate::kubernetes::objects::requests::{gpus, requested};
use crate::kubernetes::objects::{self, condition};
use crate::kubernetes::{Cluster, Namespaces};
use crate::schema::records;
use crate::types::{Timestamp, age_of};

impl Cluster {
    /// Lists nodes: guide section 6.2, `kubectl get nodes`.
    ///
    /// # Errors
    /// `PermissionDenied` naming the missing permission; those of a request.
    pub async fn nodes(&self) -> Result<Vec<Node>> {
        self.list("/api/v1", "nodes", &Namespaces::all(), |node: objects::Node, now| Node::of(&node, now))
            .await
    }

    /// The GPUs of each node, by resource: guide section 6.2, where `describe nodes | grep -A10 Capacity:` cuts them off.
    /// Nodes without GPUs are left out; one whose labels tell of cards that nobody may be given has a row of zeros. What is asked
    /// for is that of every pod that has not ended. GPUs that a driver offers in resource slices are counted by device, under the
    /// driver's name.
    ///
    /// # Errors
    /// As [`nodes`](Self::nodes); it also takes the permission to list pods, resource slices and resource claims.
    ///
    /// ```no_run
    /// # async fn demo(cluster: bud_sdk::kubernetes::Cluster) -> bud_sdk::Result<()> {
    /// for gpu in cluster.gpus().await? {
    ///     println!("{} {}: {} of {} free", gpu.node, gpu.resource, gpu.free, gpu.allocatable);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub async fn gpus(&self) -> Result<Vec<NodeGpus>> {
        let everywhere = Namespaces::all();
        let nodes = self.list("/api/v1", "nodes", &everywhere, |node: objects::Node, now| (node, now));
        let running = everywhere.clone().fields("status.phase!=Succeeded,status.phase!=Failed");
        let pods = self.list_whole("/api/v1", "pods", &running, |pod: objects::Pod, _| asked_of_node(&pod));
        let (nodes, pods, offers) = futures_util::future::try_join3(nodes, pods, self.offers()).await?;
        let mut asked = Asked::new();
        for (node, resource, amount) in pods.into_iter().flatten() {
            *asked.entry((node, resource)).or_default() += amount;
        }
        let now = nodes.first().map_or_else(Timestamp::now, |(_, now)| *now);
        let nodes: Vec<objects::Node> = nodes.into_iter().map(|(node, _)| node).collect();
        let offered = offers.gpus(&nodes);
        let of = |node: &objects::Node| {
            let offered = offered.iter().filter(|row| row.node == node.metadata.name).cloned();
            let mut rows = NodeGpus::of(node, &asked, now);
            rows.extend(offered);
            // It has cards, and nothing gives them out.
            if rows.is_empty() && has_cards(node) {
                rows.push(NodeGpus::row(node, "nvidia.com/gpu", &asked, now));
            }
            rows
        };
        Ok(nodes.iter().flat_map(of).collect())
    }
}

/// What a pod that is on a node asks of its GPUs.
fn asked_of_node(pod: &objects::Pod) -> Vec<(String, String, Quantity)> {
    let containers = pod.spec.containers.iter().chain(&pod.spec.init_containers);
    let mut resources: Vec<&String> =
        containers.flat_map(|container| gpus(&container.resources.requests)).collect();
    resources.sort_unstable();
    resources.dedup();
    let node = &pod.spec.node_name;
    let asked =
        resources.into_iter().map(|resource| (node.clone(), resource.clone(), requested(pod, resource)));
    if node.is_empty() { Vec::new() } else { asked.collect() }
}

records! {

    /// A node as kubectl shows it, in parts that a program can use.
    Node {
        /// The name.
        name: String,
        /// What kubectl prints as STATUS: `Ready`, `NotReady`, `Ready,SchedulingDisabled`...
        status: String,
        /// Whether it is ready.
        ready: bool,
        /// Whether pods may be placed on it.
        schedulable: bool,
        /// Why it is not ready, if it says so.
        message: Option<String>,
        /// Conditions that are bad and hold: `MemoryPressure`, `DiskPressure`, `PIDPressure`, `NetworkUnavailable`.
        pressures: Vec<String>,
        /// Its roles.
        roles: Vec<String>,
        /// The version of its kubelet.
        version: Option<String>,
        /// Its address inside the cluster.
        internal_ip: Option<String>,
        /// Processor cores that may be given to pods.
        cpu_allocatable: f64,
        /// Bytes of memory that may be given to pods.
        memory_allocatable: u64,
        /// How many pods it may have.
        pods_allocatable: u32,
        /// When it was created.
        created_at: Option<Timestamp>,
        /// Its age by the server's clock, as kubectl prints it.
        age: String,
        /// What keeps pods away: `key=value:effect`.
        taints: Vec<String>,
    }
    /// The GPUs of one node under one resource name.
    NodeGpus {
        /// The node.
        node: String,
        /// The resource: `nvidia.com/gpu`, `nvidia.com/mig-1g.10gb`... or the driver that offers it: `gpu.nvidia.com`.
        resource: String,
        /// How many the node has.
        capacity: u32,
        /// How many of them may be given to pods; fewer than it has means that the device plugin holds some for unhealthy.
        allocatable: u32,
        /// How many pods on the node ask for.
        requested: u32,
        /// How many are left.
        free: u32,
        /// How many cards the node has, as its labels, HAMi or the driver say: shared ones count several times above.
        cards: Option<u32>,
        /// How many of them HAMi holds for unhealthy; none where it says nothing.
        unhealthy_cards: Option<u32>,
        /// Whether HAMi's device plugin answers its scheduler; none where there is no HAMi.
        plugin_answers: Option<bool>,
        /// What the cards are, as the node's labels, HAMi or the driver say.
        product: Option<String>,
        /// Whether pods may be placed on the node.
        schedulable: bool,
    }
}

impl Node {
    fn of(node: &objects::Node, now: Timestamp) -> Self {
        let conditions = &node.status.conditions;
        let ready_condition = condition(conditions, "Ready");
        let ready = ready_condition.is_some_and(|condition| condition.status == "True");
        let mut status = match ready_condition {
            None => "Unknown",
            Some(_) if ready => "Ready",
            Some(_) => "NotReady",
        }
        .to_owned();
        if node.spec.unschedulable {
            status.push_str(",SchedulingDisabled");
        }
        const BAD: [&str; 4] = ["MemoryPressure", "DiskPressure", "PIDPressure", "NetworkUnavailable"];
        let bad = conditions
            .iter()
            .filter(|condition| condition.status == "True" && BAD.contains(&condition.kind.as_str()));
        let info = &node.status.node_info;
        let address = node.status.addresses.iter().find(|address| address.kind == "InternalIP");
        let amount = |resource| node.status.allocatable.of(resource);
        let created_at = node.metadata.creation_timestamp;
        Self {
            name: node.metadata.name.clone(),
            status,
            ready,
            schedulable: !node.spec.unschedulable,
            message: ready_condition.filter(|_| !ready).and_then(|condition| given(&condition.message)),
            pressures: bad.map(|condition| condition.kind.clone()).collect(),
            roles: roles(&node.metadata.labels),
            version: given(&info.kubelet_version),
            internal_ip: address.and_then(|address| given(&address.address)),
            cpu_allocatable: amount("cpu").millis() as f64 / 1000.0,
            memory_allocatable: u64::try_from(amount("memory").units()).unwrap_or_default(),
            pods_allocatable: count(amount("pods")),
            created_at,
            age: age_of(created_at, now),
            taints: node.spec.taints.iter().map(shown).collect(),
        }
    }
}

fn roles(labels: &BTreeMap<String, String>) -> Vec<String> {
    let role = |(name, value): (&String, &String)| match name.strip_prefix("node-role.kubernetes.io/") {
        Some(role) if !role.is_empty() => Some(role.to_owned()),
        _ if name == "kubernetes.io/role" && !value.is_empty() => Some(value.clone()),
        _ => None,
    };
    let mut roles: Vec<String> = labels.iter().filter_map(role).collect();
    roles.sort();
    roles.dedup();
    roles
}

fn shown(taint: &objects::Taint) -> String {
    match taint.value.as_str() {
        "" => format!("{}:{}", taint.key, taint.effect),
        value => format!("{}={value}:{}", taint.key, taint.effect),
    }
}

pub(crate) fn count(amount: Quantity) -> u32 {
    u32::try_from(amount.units()).unwrap_or(if amount < Quantity::default() { 0 } else { u32::MAX })
}

/// Whether a node's labels or HAMi tell of cards.
fn has_cards(node: &objects::Node) -> bool {
    node.metadata.labels.get("nvidia.com/gpu.present").is_some_and(|present| present == "true")
        || node
            .metadata
            .annotations
            .get(hami::REGISTER)
            .is_some_and(|register| !hami::cards(register).is_empty())
}

type Asked = BTreeMap<(String, String), Quantity>;

impl NodeGpus {
    fn of(node: &objects::Node, asked: &Asked, now: Timestamp) -> Vec<Self> {
        let mut resources: Vec<&String> =
            gpus(&node.status.capacity).chain(gpus(&node.status.allocatable)).collect();
        resources.sort_unstable();
        resources.dedup();
        resources.into_iter().map(|resource| Self::row(node, resource, asked, now)).collect()
    }

    fn row(node: &objects::Node, resource: &str, asked: &Asked, now: Timestamp) -> Self {
        let name = &node.metadata.name;
        let label = |name: &str| node.metadata.labels.get(name);
        let (capacity, allocatable) =
            (node.status.capacity.of(resource), node.status.allocatable.of(resource));
        let requested = asked.get(&(name.clone(), resource.to_owned())).copied().unwrap_or_default();
        // HAMi's annotations that are read here are about NVIDIA's cards.
        let annotations = Some(&node.metadata.annotations).filter(|_| resource.starts_with("nvidia.com/"));
        let shared = annotations.and_then(|of| of.get(hami::REGISTER)).map(hami::cards);
        let count_of = |cards: &[hami::Card], sick: bool| {
            u32::try_from(cards.iter().filter(|card| !sick || !card.health).count()).unwrap_or(u32::MAX)
        };
        let has_some = allocatable > Quantity::default();
        let answers = annotations.and_then(|of| hami::handshake(of.get(hami::HANDSHAKE)?, has_some, now));
        Self {
            node: name.clone(),
            resource: resource.to_owned(),
            capacity: count(capacity),
            allocatable: count(allocatable),
            requested: count(requested),
            free: count(allocatable - requested),
            cards: label("nvidia.com/gpu.count")
                .and_then(|count| count.parse().ok())
                .or(shared.as_ref().map(|cards| count_of(cards, false))),
            unhealthy_cards: shared.as_ref().map(|cards| count_of(cards, true)),
            plugin_answers: answers.map(|answer| answer == hami::Handshake::Answered),
            product: label("nvidia.com/gpu.product")
                .cloned()
                .or(shared.and_then(|cards| given(&cards.first()?.kind))),
            schedulable: !node.spec.unschedulable,
        }
    }
}
