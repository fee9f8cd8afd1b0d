//! GPUs: whether there are enough, whether they are well, and whether anybody gives them out.

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::time::Duration;

use super::unschedulable::Unschedulable;
use super::{Check, GRACE, counted, critical, error, info};
use crate::diagnostics::snapshot::{Context, NodeRecord, PodRecord};
use crate::kubernetes::objects::hami::{self, Handshake};
use crate::kubernetes::objects::{Condition, condition};
use crate::report::{Draft, EvidenceKind, Subject};
use crate::types::Timestamp;

const GPU_INSUFFICIENT: Check = Check {
    code: "GPU_INSUFFICIENT",
    severity: &[critical("")],
    section: "gpus",
    means: "Pods have asked for GPUs for more than a minute, and no node has as many free. Free is what a node may give out without what its pods that have not ended ask for; many free in the cluster help nobody who wants more than one node has.",
    confirm: "`kubectl describe pod POD` has the scheduler's words; `kubectl describe nodes` what each node has given out.",
    remedy: "Add nodes with GPUs, delete what is not used, or let a model take fewer GPUs (a smaller tensor parallel size).",
};

const GPU_OVERVIEW: Check = Check {
    code: "GPU_OVERVIEW",
    severity: &[info("")],
    section: "gpus",
    means: "How many GPUs there are, how many may be given out, and how many are free.",
    confirm: "`kubectl describe nodes`",
    remedy: "Nothing is to be done.",
};

const GPU_UNHEALTHY: Check = Check {
    code: "GPU_UNHEALTHY",
    severity: &[error("")],
    section: "gpus",
    means: "A node has more GPUs than it may give out, since its device plugin holds some for broken; or HAMi's register says so of a card, or HAMi has had no answer from the node for a minute.",
    confirm: "`kubectl describe node NODE` has capacity and allocatable; the device plugin's log on the node names the card, `dmesg` its Xid error.",
    remedy: "Drain the node, read the device plugin's log and look for Xid errors; restart the node or replace the card.",
};

const GPU_PLUGIN_MISSING: Check = Check {
    code: "GPU_PLUGIN_MISSING",
    severity: &[error("")],
    section: "gpus",
    means: "The node's labels say that it has GPUs, and it gives out none: no device plugin has told the kubelet of them. It is not told within ten minutes of the node's joining. Where a driver offers them in resource slices instead, it is silent.",
    confirm: "`kubectl get pods -A -o wide --field-selector spec.nodeName=NODE` shows whether a device plugin runs there.",
    remedy: "Start the device plugin on the node, or mend it: mostly the driver or the container toolkit is missing, or a taint keeps it away.",
};

pub(super) const CHECKS: &[Check] = &[GPU_INSUFFICIENT, GPU_OVERVIEW, GPU_UNHEALTHY, GPU_PLUGIN_MISSING];

const JOINING: Duration = Duration::from_secs(600);
/// Nodes are told of whole, and pods of some namespaces only.
const UNKNOWN: &str = "not all pods were looked at, so that it is not known how many are free";

/// What a shortage of this resource is told about.
pub(super) fn shortage(resource: &str) -> Subject {
    Subject::new("Resource", "", resource)
}

pub(super) fn find(view: &Context<'_>, out: &mut Vec<Draft>) {
    let given = Given::of(view);
    let resources = given.resources(view);
    for resource in &resources {
        out.extend(given.short(view, resource));
        out.extend(given.overview(view, resource));
    }
    for node in &view.snapshot.nodes {
        // Of a node that is down nothing is known, and that is told as such.
        if is_up(node) {
            out.extend(unhealthy(view, node));
            out.extend(no_plugin(view, node));
        }
    }
}

fn is_up(node: &NodeRecord) -> bool {
    node.ready.as_ref().is_some_and(|ready| ready.status == "True")
}

/// What pods ask of the nodes that they are on, by node and resource.
struct Given<'a> {
    asked: HashMap<(&'a str, &'a str), u32>,
    waiting: Vec<(&'a PodRecord, &'a Condition)>,
}

impl<'a> Given<'a> {
    fn of(view: &Context<'a>) -> Self {
        let mut asked: HashMap<(&str, &str), u32> = HashMap::new();
        let mut waiting = Vec::new();
        for pod in view.snapshot.pods.iter().filter(|pod| !pod.ended && !pod.gpus.is_empty()) {
            if let Some(node) = pod.node() {
                for (resource, count) in &pod.gpus {
                    let sum = asked.entry((node, resource)).or_default();
                    *sum = sum.saturating_add(*count);
                }
            } else {
                waiting.extend(refused(view, pod).map(|condition| (pod, condition)));
            }
        }
        Self { asked, waiting }
    }

    /// All that nodes have or pods wait for, in order.
    fn resources(&self, view: &Context<'a>) -> Vec<&'a str> {
        let had = view.snapshot.nodes.iter().flat_map(|node| &node.gpus).map(|gpu| &*gpu.resource);
        let wanted = self.waiting.iter().flat_map(|(pod, _)| pod.gpus.iter()).map(|(name, _)| &**name);
        let mut all: Vec<&str> = had.chain(wanted).collect();
        all.sort_unstable();
        all.dedup();
        all
    }

    fn asked(&self, node: &NodeRecord, resource: &str) -> u32 {
        self.asked.get(&(&*node.name, resource)).copied().unwrap_or_default()
    }

    /// Every node that has some, with how many it may give out and how many are left; those with the most first.
    fn nodes(&self, view: &Context<'a>, resource: &str) -> Vec<Share<'a>> {
        let mut shares: Vec<Share<'_>> = Vec::new();
        for node in &view.snapshot.nodes {
            let Some(gpu) = node.gpus.iter().find(|gpu| &*gpu.resource == resource) else { continue };
            let asked = self.asked(node, resource);
            let free = gpu.allocatable.saturating_sub(asked);
            shares.push(Share { node, capacity: gpu.capacity, allocatable: gpu.allocatable, asked, free });
        }
        shares.sort_by(|one, other| (other.free, &one.node.name).cmp(&(one.free, &other.node.name)));
        shares
    }

    /// The pods that get too few of a resource, and why.
    fn shortage(&self, view: &Context<'a>, resource: &str, shares: &[Share<'a>]) -> Option<Shortage<'a>> {
        let open: Vec<&Share<'_>> = shares.iter().filter(|share| share.is_open()).collect();
        let free = total(open.iter().map(|share| share.free));
        let most = open.iter().map(|share| share.free).max().unwrap_or_default();
        let mut pods: Vec<Refused<'a>> = Vec::new();
        for (pod, condition) in &self.waiting {
            let Some((_, count)) = pod.gpus.iter().find(|(name, _)| **name == *resource) else { continue };
            let named = Unschedulable::parse(&condition.message)
                .is_some_and(|told| told.short_of().any(|short| short == resource));
            let too_many = *count > most && view.snapshot.sections.whole("nodes");
            if named || too_many {
                let since = condition.last_transition_time.or(pod.created_at);
                pods.push(Refused { pod, count: *count, since });
            }
        }
        pods.sort_by(|one, other| {
            (&one.pod.namespace, &one.pod.name).cmp(&(&other.pod.namespace, &other.pod.name))
        });
        let smallest = pods.iter().map(|refused| refused.count).min()?;
        let fits = smallest <= most;
        let room = match open.first() {
            None => Room::NoNode,
            Some(_) if free == 0 => Room::NoneFree,
            // Pods that were not looked at have some of them.
            Some(_) if !view.snapshot.all_pods() && fits => Room::Unknown,
            Some(_) if !view.snapshot.all_pods() => Room::NoNodeHas(smallest),
            // The shares are in order: the first has the most.
            Some(first) if fits => Room::NotForAll { most, node: &first.node.name },
            Some(_) => Room::Scattered { free, smallest },
        };
        Some(Shortage { pods, room, free, most })
    }

    fn short(&self, view: &Context<'a>, resource: &str) -> Option<Draft> {
        let shares = self.nodes(view, resource);
        let Shortage { pods, room, free, most } = self.shortage(view, resource, &shares)?;
        let asked = total(pods.iter().map(|refused| refused.count));
        let largest = pods.iter().map(|refused| refused.count).max().unwrap_or_default();
        let known = view.snapshot.all_pods();
        let ask = if pods.len() == 1 { "asks" } else { "ask" };
        let title = format!("{} {ask} for {asked} {resource}: {room}", counted(pods.len(), "pod"));
        let wanted: Vec<String> = pods
            .iter()
            .take(5)
            .map(|Refused { pod, count, .. }| format!("{}/{}: {count}", pod.namespace, pod.name))
            .collect();
        let rest = match pods.len() - wanted.len() {
            0 => String::new(),
            rest => format!(", and {rest} more"),
        };
        let mut facts = format!("{asked} asked for in all, {largest} by the largest");
        if known {
            facts.push_str(&format!("; {free} free in all, {most} on one node at most"));
        }
        let mut draft = GPU_INSUFFICIENT
            .draft(shortage(resource), title)
            .since(pods.iter().filter_map(|refused| refused.since).min())
            .evidence(EvidenceKind::Metric, None, facts)
            .evidence(EvidenceKind::Spec, None, format!("{}{rest}", wanted.join(", ")));
        draft = if known {
            draft.evidence(EvidenceKind::Metric, None, table(&shares))
        } else {
            draft.evidence(EvidenceKind::Status, None, UNKNOWN)
        };
        if let Some(Refused { pod, .. }) = pods.first() {
            draft = draft.command(format!("kubectl describe pod {} -n {}", pod.name, pod.namespace));
        }
        Some(draft)
    }

    fn overview(&self, view: &Context<'a>, resource: &str) -> Option<Draft> {
        let shares = self.nodes(view, resource);
        let allocatable = total(shares.iter().map(|share| share.allocatable));
        if total(shares.iter().map(|share| share.capacity)) == 0 {
            return None;
        }
        let asked = total(shares.iter().map(|share| share.asked));
        let free = total(shares.iter().map(|share| share.free));
        let nodes = counted(shares.len(), "node");
        let known = view.snapshot.all_pods();
        let given = |asked: u32, free: u32| {
            if known { format!(", {asked} asked for, {free} free") } else { String::new() }
        };
        let title = format!("{resource}: {allocatable} on {nodes}{}", given(asked, free));
        let mut products: BTreeMap<&str, Vec<&Share<'_>>> = BTreeMap::new();
        for share in &shares {
            products.entry(share.node.product.as_deref().unwrap_or("unnamed")).or_default().push(share);
        }
        let mut draft = GPU_OVERVIEW.draft(shortage(resource), title);
        for (product, shares) in products {
            let sum = |part: fn(&Share<'_>) -> u32| total(shares.iter().map(|share| part(share)));
            let cards = sum(|share| share.node.cards.unwrap_or_default());
            let allocatable = sum(|share| share.allocatable);
            // A card that is shared counts several times.
            let shared = match cards {
                0 => String::new(),
                cards if cards < allocatable => format!(" (shares of {})", counted(cards as usize, "card")),
                _ => String::new(),
            };
            let text = format!(
                "{product}: {allocatable}{shared} on {}{}",
                counted(shares.len(), "node"),
                given(sum(|share| share.asked), sum(|share| share.free))
            );
            draft = draft.evidence(EvidenceKind::Metric, None, text);
        }
        Some(if known { draft } else { draft.evidence(EvidenceKind::Status, None, UNKNOWN) })
    }
}

/// A pod that no node takes.
struct Refused<'a> {
    pod: &'a PodRecord,
    count: u32,
    since: Option<Timestamp>,
}

/// Too few of a resource.
struct Shortage<'a> {
    /// Those that do not get what they ask for. There is one at least.
    pods: Vec<Refused<'a>>,
    room: Room<'a>,
    /// How many are free on nodes that take pods, and on one of them at most.
    free: u32,
    most: u32,
}

/// Why what is free is not enough.
enum Room<'a> {
    NoNode,
    NoneFree,
    /// Some are free as far as it is known, and the scheduler places none.
    Unknown,
    NoNodeHas(u32),
    NotForAll {
        most: u32,
        node: &'a str,
    },
    /// Enough in the cluster, and not on one node.
    Scattered {
        free: u32,
        smallest: u32,
    },
}

impl fmt::Display for Room<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoNode => f.write_str("no node that takes pods has any"),
            Self::NoneFree => f.write_str("none is free"),
            Self::Unknown => f.write_str("the scheduler finds no room"),
            Self::NoNodeHas(smallest) => write!(f, "no node has {smallest}"),
            Self::NotForAll { most, node } => {
                write!(f, "{most} free on {node}, which does not take them all")
            }
            Self::Scattered { free, smallest } => {
                write!(f, "{free} free in the cluster, no node has {smallest}")
            }
        }
    }
}

/// What a node has of one resource.
struct Share<'a> {
    node: &'a NodeRecord,
    capacity: u32,
    allocatable: u32,
    asked: u32,
    free: u32,
}

impl Share<'_> {
    /// Whether pods may be placed there.
    fn is_open(&self) -> bool {
        self.node.schedulable && is_up(self.node)
    }
}

fn total(counts: impl Iterator<Item = u32>) -> u32 {
    counts.fold(0, u32::saturating_add)
}

/// `n1: 2 of 8 free; n2: 0 of 8 free`.
fn table(shares: &[Share<'_>]) -> String {
    const MOST: usize = 12;
    let mut rows: Vec<String> = shares
        .iter()
        .take(MOST)
        .map(|share| {
            let closed = match (share.node.schedulable, is_up(share.node)) {
                (_, false) => " (not ready)",
                (false, true) => " (cordoned)",
                (true, true) => "",
            };
            format!("{}: {} of {} free{closed}", share.node.name, share.free, share.allocatable)
        })
        .collect();
    if shares.len() > MOST {
        rows.push(format!("and {} more nodes", shares.len() - MOST));
    }
    rows.join("; ")
}

/// That a pod has been refused a node for more than a minute.
fn refused<'a>(view: &Context<'a>, pod: &'a PodRecord) -> Option<&'a Condition> {
    let trouble = pod.trouble.as_ref()?;
    let scheduled = condition(&trouble.pod.status.conditions, "PodScheduled")?;
    let age = pod.created_at.map_or(Duration::ZERO, |created| view.snapshot.elapsed(created));
    let waits = scheduled.status == "False" && scheduled.reason != "SchedulingGated" && age > GRACE;
    (waits && trouble.pod.metadata.deletion_timestamp.is_none()).then_some(scheduled)
}

fn of_node(node: &NodeRecord, check: Check, title: String) -> Draft {
    check.draft(Subject::node(&node.name), title).command(format!("kubectl describe node {}", node.name))
}

fn unhealthy(view: &Context<'_>, node: &NodeRecord) -> Option<Draft> {
    let lost: Vec<String> = node
        .gpus
        .iter()
        .filter(|gpu| gpu.capacity > gpu.allocatable)
        .map(|gpu| format!("{} of {} {}", gpu.capacity - gpu.allocatable, gpu.capacity, gpu.resource))
        .collect();
    let cards = node.hami_register.as_deref().map(hami::cards).unwrap_or_default();
    let cards: Vec<String> = cards.into_iter().filter(|card| !card.health).map(|card| card.id).collect();
    let silent = silent(node, view.snapshot.now);
    let title = match (lost.is_empty(), cards.is_empty(), &silent) {
        (false, ..) => format!("{} may not be given out", lost.join(", ")),
        (true, false, _) => format!("{} not healthy by HAMi's register", counted(cards.len(), "card")),
        (true, true, Some((title, _))) => (*title).to_owned(),
        (true, true, None) => return None,
    };
    let mut draft = of_node(node, GPU_UNHEALTHY, title);
    if !lost.is_empty() {
        let text = format!("its device plugin holds {} back", lost.join(", "));
        draft = draft.evidence(EvidenceKind::Status, None, text);
    }
    if !cards.is_empty() {
        let text = format!("HAMi's register says of {} that it is not healthy", cards.join(", "));
        draft = draft.evidence(EvidenceKind::Status, None, text);
    }
    if let Some((_, since)) = silent {
        let text = format!("its handshake: {}", node.hami_handshake.as_deref().unwrap_or_default());
        draft = draft.since(since).evidence(EvidenceKind::Status, since, text);
    }
    let product = node.product.as_deref().unwrap_or_default();
    draft = draft.evidence(EvidenceKind::Spec, None, product);
    Some(with_plugin(view, node, draft))
}

/// That HAMi does not hear of the node's cards, and since when.
fn silent(node: &NodeRecord, now: Timestamp) -> Option<(&'static str, Option<Timestamp>)> {
    let allocatable = node.gpus.iter().any(|gpu| gpu.allocatable > 0);
    match hami::handshake(node.hami_handshake.as_deref()?, allocatable, now)? {
        Handshake::Answered => None,
        Handshake::Silent(since) => Some(("HAMi has no answer from the node", Some(since))),
        Handshake::GivenUp(since) => Some(("HAMi has given up the node's cards", since)),
    }
}

fn no_plugin(view: &Context<'_>, node: &NodeRecord) -> Option<Draft> {
    let joining = node.created_at.is_some_and(|created| view.snapshot.elapsed(created) < JOINING);
    // What it has and does not give out is told as unhealthy.
    let none = node.gpus.iter().all(|gpu| gpu.capacity == 0 && gpu.allocatable == 0);
    // Where resource slices could not be read, it may be that a driver offers them so.
    let offered = view.snapshot.offered.as_ref().is_none_or(|offered| offered.contains(&*node.name));
    if !node.gpu_present || !none || joining || offered {
        return None;
    }
    let cards = match node.cards {
        Some(cards) => counted(cards as usize, "GPU"),
        None => "GPUs".to_owned(),
    };
    let product = node.product.as_deref().map(|product| format!(" ({product})")).unwrap_or_default();
    let title = format!("it has {cards}{product} by its labels and gives out none");
    let draft = of_node(node, GPU_PLUGIN_MISSING, title);
    let plugins = plugins(view, node);
    let text = match plugins.first() {
        None => "no pod of a device plugin is on it".to_owned(),
        Some(pod) => {
            let state = if pod.ready { "ready" } else { "not ready" };
            format!("the device plugin {}/{} is on it and {state}", pod.namespace, pod.name)
        }
    };
    let known = view.snapshot.all_pods() || !plugins.is_empty();
    let draft = draft.evidence(EvidenceKind::Status, None, if known { text } else { String::new() });
    Some(with_plugin(view, node, draft))
}

/// The pods of device plugins on a node.
fn plugins<'a>(view: &Context<'a>, node: &NodeRecord) -> Vec<&'a PodRecord> {
    let is_plugin = |pod: &&PodRecord| {
        let by = |owner: &Subject| owner.kind == "DaemonSet" && owner.name.contains("device-plugin");
        !pod.ended && pod.node() == Some(&node.name) && pod.owner.as_deref().is_some_and(by)
    };
    view.snapshot.pods.iter().filter(is_plugin).collect()
}

/// A plugin that is not ready is why.
fn with_plugin(view: &Context<'_>, node: &NodeRecord, draft: Draft) -> Draft {
    let unready = plugins(view, node).into_iter().filter(|pod| !pod.ready);
    unready.fold(draft, |draft, pod| draft.because(pod.subject()))
}
