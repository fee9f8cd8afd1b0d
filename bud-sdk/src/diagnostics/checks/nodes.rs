//! Nodes: whether they are heard of, what they are short of, and what is kept away from them.

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use super::{Case, Check, HOUR, MINUTE, counted, critical, error, info, minor, warning};
use crate::diagnostics::snapshot::{Context, NETWORK, NodeRecord, PRESSURES};
use crate::kubernetes::objects::Condition;
use crate::report::{Draft, EvidenceKind, Severity, Subject};
use crate::types::age;

const NODE_NOT_READY: Check = Check {
    code: "NODE_NOT_READY",
    severity: &[
        critical("where pods of the platform or its models are on it"),
        error("otherwise"),
        warning("while only its kubelet is late"),
    ],
    section: "nodes",
    means: "The node says that it is not ready, or says nothing: its kubelet renews its lease every ten seconds, and a minute without is told, though that may be its clock. One that joined less than two minutes ago is let be.",
    confirm: "`kubectl describe node NODE` has the reason; `kubectl get lease NODE -n kube-node-lease` tells when its kubelet was last heard of.",
    remedy: "Look at the kubelet, the container runtime and the network of the node. If it does not come back, take it out of the cluster, so that its pods start elsewhere.",
};

const NODE_PRESSURE: Check = Check {
    code: "NODE_PRESSURE",
    severity: &[error("")],
    section: "nodes",
    means: "The node is short of memory, disk or process ids, and will evict pods.",
    confirm: "`kubectl describe node NODE`",
    remedy: "Free what is short: on disk mostly unused images and logs; otherwise move pods away, or give the node more.",
};

const NODE_NETWORK: Check = Check {
    code: "NODE_NETWORK",
    severity: &[error("")],
    section: "nodes",
    means: "The node's network is not set up: its pods reach nothing.",
    confirm: "`kubectl describe node NODE`, and the pods of the network plugin on it.",
    remedy: "Mend the network plugin (CNI) on the node.",
};

const NODE_CORDONED: Check = Check {
    code: "NODE_CORDONED",
    severity: &[info("within an hour, or where it is not known since when"), warning("after")],
    section: "nodes",
    means: "No new pods are placed on the node, since somebody said so.",
    confirm: "`kubectl get node NODE -o jsonpath={.spec.taints}` has since when.",
    remedy: "`kubectl uncordon NODE`, once what it was cordoned for is done.",
};

const NODE_CUSTOM_COND: Check = Check {
    code: "NODE_CUSTOM_COND",
    severity: &[warning("")],
    section: "nodes",
    means: "A condition that is bad when it holds, such as KernelDeadlock, ReadonlyFilesystem or XidError, holds. Conditions that are not known to be bad are let be.",
    confirm: "`kubectl describe node NODE`",
    remedy: "By its message: mostly drain and restart the node; after an Xid error also look at its GPU.",
};

const NODE_CPU_HIGH: Check = Check {
    code: "NODE_CPU_HIGH",
    severity: &[warning("from 80 %"), error("from 95 %")],
    section: "metrics",
    means: "The node uses most of the processor time that it may give to pods.",
    confirm: "`kubectl top node NODE`",
    remedy: "Move pods away, set limits for the greedy ones, or add a node.",
};

const NODE_MEM_HIGH: Check = Check {
    code: "NODE_MEM_HIGH",
    severity: &[warning("from 85 %"), error("from 95 %")],
    section: "metrics",
    means: "The node uses most of the memory that it may give to pods: it will evict some.",
    confirm: "`kubectl top node NODE`",
    remedy: "Move pods away, set limits for the greedy ones, or add a node.",
};

const KUBELET_SKEW: Check = Check {
    code: "KUBELET_SKEW",
    severity: &[info("")],
    section: "nodes",
    means: "Kubelets are more than three minor versions away from the server: that is not supported.",
    confirm: "`kubectl get nodes` has the kubelets' versions, `kubectl version` the server's.",
    remedy: "Upgrade the nodes.",
};

pub(super) const CHECKS: &[Check] = &[
    NODE_NOT_READY,
    NODE_PRESSURE,
    NODE_NETWORK,
    NODE_CORDONED,
    NODE_CUSTOM_COND,
    NODE_CPU_HIGH,
    NODE_MEM_HIGH,
    KUBELET_SKEW,
];

/// A lease lasts 40 seconds; the kubelet renews it every ten.
const LATE: Duration = MINUTE;
const JOINING: Duration = Duration::from_secs(120);

pub(super) fn find(view: &Context<'_>, out: &mut Vec<Draft>) {
    let on = on_nodes(view);
    for node in &view.snapshot.nodes {
        let on = on.get(&*node.name).copied().unwrap_or_default();
        let one = NodeContext { view, node, on };
        out.extend([one.not_ready(), one.pressure(), one.network(), one.cordoned()].into_iter().flatten());
        out.extend([one.custom(), one.cpu(), one.memory()].into_iter().flatten());
    }
    skew(view, out);
}

/// The pods on a node.
#[derive(Debug, Clone, Copy, Default)]
struct On {
    all: usize,
    that_matter: usize,
    evicted: usize,
}

fn on_nodes<'a>(view: &Context<'a>) -> HashMap<&'a str, On> {
    let mut nodes: HashMap<&str, On> = HashMap::new();
    for pod in &view.snapshot.pods {
        let Some(node) = pod.node() else { continue };
        let on = nodes.entry(node).or_default();
        if pod.ended {
            let evicted = pod.trouble.as_ref().is_some_and(|trouble| trouble.pod.status.reason == "Evicted");
            on.evicted += usize::from(evicted);
        } else {
            on.all += 1;
            on.that_matter += usize::from(view.snapshot.is_critical_namespace(&pod.namespace));
        }
    }
    nodes
}

struct NodeContext<'a> {
    view: &'a Context<'a>,
    node: &'a NodeRecord,
    on: On,
}

impl NodeContext<'_> {
    fn draft(&self, case: impl Into<Case>, title: impl Into<String>) -> Draft {
        case.into()
            .draft(Subject::node(&self.node.name), title)
            .command(format!("kubectl describe node {}", self.node.name))
    }

    fn is_ready(&self) -> bool {
        self.node.ready.as_ref().is_some_and(|ready| ready.status == "True")
    }

    /// What is counted on a node is more where not all pods were looked at.
    fn at_least(&self) -> &'static str {
        if self.view.snapshot.all_pods() { "" } else { "at least " }
    }

    fn not_ready(&self) -> Option<Draft> {
        let snapshot = self.view.snapshot;
        let lease = snapshot.leases.get(&*self.node.name).copied();
        let silent = lease.map(|at| snapshot.elapsed(at)).filter(|silent| *silent > LATE);
        let joining = self.node.created_at.is_some_and(|created| snapshot.elapsed(created) < JOINING);
        let ready = self.node.ready.as_ref();
        let (severity, title) = match ready {
            Some(ready) if ready.status == "True" => {
                let seconds = silent?.as_secs();
                // Its node still counts as ready: the lease tells the time of the kubelet's own clock.
                let title = format!(
                    "its kubelet is late, or its clock is behind: it was last heard of {seconds} seconds ago"
                );
                (Severity::Warning, title)
            }
            // One that joins is not ready at first; of one that was heard of and is not any more, nothing is known.
            None if joining => return None,
            Some(ready) if joining && ready.status == "False" => return None,
            Some(ready) => {
                let says = if ready.status == "Unknown" {
                    "nothing is heard of the node"
                } else {
                    "the node is not ready"
                };
                let severity = if self.on.that_matter > 0 { Severity::Critical } else { Severity::Error };
                (severity, says.to_owned())
            }
            None => {
                let severity = if self.on.that_matter > 0 { Severity::Critical } else { Severity::Error };
                (severity, "the node has never said whether it is ready".to_owned())
            }
        };
        let since = match ready {
            Some(_) if self.is_ready() => lease,
            Some(ready) => ready.last_transition_time,
            None => self.node.created_at,
        };
        let mut draft = self.draft(NODE_NOT_READY.at(severity), title).since(since);
        if let Some(ready) = ready.filter(|ready| ready.status != "True") {
            draft = draft.evidence(EvidenceKind::Condition, since, told(ready));
        }
        if let Some(at) = lease {
            let text =
                format!("its kubelet was last heard of {} ago", age(at.min(snapshot.now), snapshot.now));
            draft = draft.evidence(EvidenceKind::Status, Some(at), text);
        }
        let On { all, that_matter, .. } = self.on;
        let least = self.at_least();
        let text =
            format!("{least}{} on it, {that_matter} of the platform or its models", counted(all, "pod"));
        draft = draft.evidence(EvidenceKind::Status, None, text);
        Some(draft.evidence(EvidenceKind::Status, None, self.gpus("are not to be had meanwhile")))
    }

    /// The node's GPUs, and what becomes of them.
    fn gpus(&self, fate: &str) -> String {
        let gpus = self.node.gpus.iter().filter(|gpu| gpu.allocatable > 0);
        let gpus: Vec<String> = gpus.map(|gpu| format!("{} {}", gpu.allocatable, gpu.resource)).collect();
        if gpus.is_empty() { String::new() } else { format!("{} {fate}", gpus.join(", ")) }
    }

    /// Of a node that is down, all else is told as what follows.
    fn of_conditions(&self, check: Check, meant: impl Fn(&str) -> bool) -> Option<Draft> {
        let bad: Vec<&Condition> = self.node.bad.iter().filter(|condition| meant(&condition.kind)).collect();
        let kinds: Vec<&str> = bad.iter().map(|condition| condition.kind.as_str()).collect();
        let since = bad.iter().filter_map(|condition| condition.last_transition_time).min();
        bad.first()?;
        let title = if check.code == NODE_NETWORK.code {
            "its network is not set up".to_owned()
        } else {
            format!("it has {}", kinds.join(", "))
        };
        let mut draft = self.draft(check, title).since(since);
        for condition in bad {
            draft = draft.evidence(
                EvidenceKind::Condition,
                condition.last_transition_time,
                format!("{}: {}", condition.kind, told(condition)),
            );
        }
        Some(if self.is_ready() { draft } else { draft.because(Subject::node(&self.node.name)) })
    }

    fn pressure(&self) -> Option<Draft> {
        let draft = self.of_conditions(NODE_PRESSURE, |kind| PRESSURES.contains(&kind))?;
        let evicted = match self.on.evicted {
            0 => String::new(),
            count => format!("{}{} evicted from it", self.at_least(), counted(count, "pod")),
        };
        Some(draft.evidence(EvidenceKind::Status, None, evicted))
    }

    fn network(&self) -> Option<Draft> {
        self.of_conditions(NODE_NETWORK, |kind| kind == NETWORK)
    }

    fn custom(&self) -> Option<Draft> {
        self.of_conditions(NODE_CUSTOM_COND, |kind| !PRESSURES.contains(&kind) && kind != NETWORK)
    }

    fn cordoned(&self) -> Option<Draft> {
        if self.node.schedulable {
            return None;
        }
        let since = self.node.cordoned_at;
        let ago = since.map_or(Duration::ZERO, |since| self.view.snapshot.elapsed(since));
        let severity = if ago < HOUR { Severity::Info } else { Severity::Warning };
        let gpus = self.gpus("are taken out of use for new pods");
        Some(
            self.draft(NODE_CORDONED.at(severity), "no new pods are placed on it")
                .since(since)
                .evidence(EvidenceKind::Spec, since, "it is cordoned")
                .evidence(EvidenceKind::Status, None, gpus)
                .command(format!("kubectl uncordon {}", self.node.name)),
        )
    }

    /// How much of what it may give to pods it uses; nothing where that was not measured.
    fn used(
        &self,
        check: Check,
        name: &str,
        used: i64,
        most: i64,
        warn: f64,
        show: fn(i64) -> String,
    ) -> Option<Draft> {
        if most <= 0 {
            return None;
        }
        let percent = used as f64 * 100.0 / most as f64;
        let severity = match percent {
            _ if percent >= 95.0 => Severity::Error,
            _ if percent >= warn => Severity::Warning,
            _ => return None,
        };
        let title = format!("it uses {percent:.0} % of its {name}");
        let text = format!("{} of {} are used", show(used), show(most));
        Some(self.draft(check.at(severity), title).evidence(EvidenceKind::Metric, None, text))
    }

    fn cpu(&self) -> Option<Draft> {
        let (cpu, _) = self.view.snapshot.usage.get(&*self.node.name)?;
        let show = |millis: i64| format!("{:.2} cores", millis as f64 / 1000.0);
        self.used(NODE_CPU_HIGH, "processors", *cpu, self.node.cpu_millis, 80.0, show)
    }

    fn memory(&self) -> Option<Draft> {
        let (_, memory) = self.view.snapshot.usage.get(&*self.node.name)?;
        let show = |bytes: i64| format!("{} MiB", bytes >> 20);
        self.used(NODE_MEM_HIGH, "memory", *memory, self.node.memory_bytes, 85.0, show)
    }
}

fn told(condition: &Condition) -> String {
    match (condition.reason.as_str(), condition.message.as_str()) {
        ("", message) => message.to_owned(),
        (reason, "") => reason.to_owned(),
        (reason, message) => format!("{reason}: {message}"),
    }
}

/// One finding for each version, however many nodes have it.
fn skew(view: &Context<'_>, out: &mut Vec<Draft>) {
    let Some((major, server)) = view.snapshot.version.as_deref().and_then(minor) else { return };
    let mut apart: BTreeMap<u32, Vec<&str>> = BTreeMap::new();
    for node in &view.snapshot.nodes {
        if let Some((same, kubelet)) = minor(&node.kubelet_version)
            && same == major
            && server.abs_diff(kubelet) > 3
        {
            apart.entry(kubelet).or_default().push(&node.name);
        }
    }
    for (kubelet, mut nodes) in apart {
        nodes.sort_unstable();
        let (steps, side) = (server.abs_diff(kubelet), if kubelet < server { "behind" } else { "ahead of" });
        let title = format!(
            "{} of version {major}.{kubelet}, {steps} minor versions {side} the server's {major}.{server}",
            counted(nodes.len(), "kubelet")
        );
        let some: Vec<&str> = nodes.iter().copied().take(3).collect();
        let rest = match nodes.len() - some.len() {
            0 => String::new(),
            rest => format!(" and {rest} more"),
        };
        let subject = Subject::new("Kubelet", "", &format!("{major}.{kubelet}"));
        out.push(
            KUBELET_SKEW
                .draft(subject, title)
                .evidence(EvidenceKind::Status, None, format!("on {}{rest}", some.join(", ")))
                .command("kubectl get nodes"),
        );
    }
}
