use serde_json::{Value, json};

use super::super::testing::{ago, change, codes, drafts, findings, found, node, pod, snapshot};
use crate::diagnostics::snapshot::{Context, Problem, Snapshot};
use crate::report::{Draft, Unavailable};

const H100: &str = "NVIDIA-H100-80GB-HBM3";

/// A node with so many GPUs.
fn gpu_node(name: &str, gpus: u32, changes: Value) -> Value {
    let mut node = node(
        name,
        json!({
            "/metadata/labels": { "nvidia.com/gpu.present": "true", "nvidia.com/gpu.count": gpus.to_string(), "nvidia.com/gpu.product": H100 },
            "/status/capacity/nvidia.com~1gpu": gpus.to_string(),
            "/status/allocatable/nvidia.com~1gpu": gpus.to_string(),
        }),
    );
    change(&mut node, changes);
    node
}

/// A pod that runs with so many GPUs on a node.
fn holder(name: &str, node: &str, gpus: u32) -> Value {
    pod(
        name,
        json!({ "/spec/nodeName": node, "/spec/containers/0/resources": { "requests": { "nvidia.com/gpu": gpus.to_string() } } }),
    )
}

/// One that no node takes, and what the scheduler says.
fn waiter(name: &str, gpus: u32, seconds: u64, message: &str) -> Value {
    let requests = json!({ "requests": { "nvidia.com/gpu": gpus.to_string() } });
    pod(
        name,
        json!({
            "/spec/nodeName": "", "/spec/containers/0/resources": requests, "/metadata/creationTimestamp": ago(seconds),
            "/status": { "phase": "Pending", "conditions": [{
                "type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": message, "lastTransitionTime": ago(seconds),
            }] },
        }),
    )
}

fn all(codes: &[String], code: &str) -> usize {
    codes.iter().filter(|found| *found == code).count()
}

fn one(objects: Value, code: &str) -> Draft {
    let mut found: Vec<Draft> = drafts(objects).into_iter().filter(|draft| draft.code == code).collect();
    assert_eq!(found.len(), 1, "{found:#?}");
    found.remove(0)
}

fn evidence(draft: &Draft) -> String {
    let texts: Vec<&str> = draft.evidence.iter().map(|evidence| evidence.text.as_str()).collect();
    texts.join(" | ")
}

const SHORT: &str = "0/3 nodes are available: 3 Insufficient nvidia.com/gpu. preemption: 0/3 nodes are available: 3 No preemption victims found.";

#[test]
fn twelve_free_and_no_node_with_eight() {
    let nodes = ["n1", "n2", "n3"].map(|name| gpu_node(name, 8, json!({})));
    let mut pods: Vec<Value> =
        ["n1", "n2", "n3"].iter().map(|at| holder(&format!("h-{at}"), at, 4)).collect();
    pods.push(waiter("w1", 8, 300, SHORT));
    pods.push(waiter("w2", 8, 120, SHORT));
    let objects = json!({ "nodes": nodes, "pods": pods });
    let draft = one(objects.clone(), "GPU_INSUFFICIENT");
    assert_eq!(draft.title, "2 pods ask for 16 nvidia.com/gpu: 12 free in the cluster, no node has 8");
    assert_eq!(draft.since.unwrap().to_string(), ago(300));
    let text = evidence(&draft);
    for part in [
        "12 free in all, 4 on one node at most",
        "bud-system/w1: 8, bud-system/w2: 8",
        "n1: 4 of 8 free; n2: 4 of 8 free",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    // One cause of all the pods that wait.
    let findings = findings(objects);
    let shortage = findings.iter().find(|finding| finding.code == "GPU_INSUFFICIENT").unwrap();
    assert_eq!((shortage.severity.as_str(), shortage.subject.name.as_str()), ("CRITICAL", "nvidia.com/gpu"));
    let waiting: Vec<_> = findings.iter().filter(|finding| finding.code == "POD_UNSCHEDULABLE").collect();
    assert!(!waiting.is_empty());
    assert!(
        waiting.iter().all(|finding| finding.caused_by.as_deref() == Some(shortage.fingerprint.as_str()))
    );
}

#[test]
fn only_pods_that_want_for_gpus_are_short_of_them() {
    let with = |nodes: &[Value], pods: &[Value]| {
        all(&codes(json!({ "nodes": nodes, "pods": pods })), "GPU_INSUFFICIENT")
    };
    let free = [gpu_node("n1", 8, json!({}))];
    let taint = "0/1 nodes are available: 1 node(s) had untolerated taint(s) {a: b}.";
    assert_eq!(with(&free, &[waiter("w", 8, 300, taint)]), 0, "it is not for want of GPUs");
    assert_eq!(with(&free, &[waiter("w", 8, 300, SHORT)]), 1, "the scheduler says so");
    assert_eq!(with(&free, &[waiter("w", 16, 300, taint)]), 1, "no node has as many");
    assert_eq!(with(&free, &[waiter("w", 16, 30, SHORT)]), 0, "it has only come");
    assert_eq!(with(&free, &[holder("h", "n1", 8)]), 0, "all are taken and nobody waits");
    let mut ended = holder("h", "n1", 8);
    change(&mut ended, json!({ "/status": { "phase": "Succeeded" } }));
    assert_eq!(with(&free, &[ended, waiter("w", 8, 300, taint)]), 0, "what has ended holds none");
    let cordoned = [gpu_node("n1", 8, json!({ "/spec/unschedulable": true }))];
    assert_eq!(
        with(&cordoned, &[waiter("w", 8, 300, "0/1 nodes are available: 1 node(s) were unschedulable.")]),
        1
    );
    // HAMi's scheduler has words of its own; shares of memory are in no node's amounts.
    let mut shared = waiter("w", 1, 300, "CardInsufficientMemory: 1");
    change(
        &mut shared,
        json!({
            "/spec/containers/0/resources/requests/nvidia.com~1gpumem": "99999", "/spec/containers/0/resources/requests/nvidia.com~1gpucores": "50",
        }),
    );
    assert_eq!(with(&free, &[shared]), 0);
    let mut gated = waiter("w", 16, 300, "gated");
    change(
        &mut gated,
        json!({ "/status/conditions/0/reason": "SchedulingGated", "/spec/schedulingGates": [{ "name": "kueue" }] }),
    );
    assert_eq!(with(&free, &[gated]), 0);
}

#[test]
fn where_no_node_has_any_that_is_said() {
    let draft = one(
        json!({ "nodes": [node("n1", json!({}))], "pods": [waiter("w", 1, 300, SHORT)] }),
        "GPU_INSUFFICIENT",
    );
    assert_eq!(draft.title, "1 pod asks for 1 nvidia.com/gpu: no node that takes pods has any");
    let full = json!({ "nodes": [gpu_node("n1", 8, json!({}))], "pods": [holder("h", "n1", 8), waiter("w", 1, 300, SHORT)] });
    assert_eq!(one(full, "GPU_INSUFFICIENT").title, "1 pod asks for 1 nvidia.com/gpu: none is free");
}

#[test]
fn the_overview_is_there_where_gpus_are() {
    let objects = json!({
        "nodes": [
            gpu_node("n1", 8, json!({})),
            gpu_node("n2", 8, json!({ "/metadata/labels/nvidia.com~1gpu.product": "NVIDIA-L4" })),
            node("n3", json!({})),
        ],
        "pods": [holder("h", "n1", 6)],
    });
    assert_eq!(
        found(objects.clone()),
        [("GPU_OVERVIEW".to_owned(), "INFO".to_owned(), "nvidia.com/gpu".to_owned())]
    );
    let draft = one(objects, "GPU_OVERVIEW");
    assert_eq!(draft.title, "nvidia.com/gpu: 16 on 2 nodes, 6 asked for, 10 free");
    assert_eq!(
        evidence(&draft),
        format!("{H100}: 8 on 1 node, 6 asked for, 2 free | NVIDIA-L4: 8 on 1 node, 0 asked for, 8 free")
    );
    assert_eq!(codes(json!({ "nodes": [node("n1", json!({}))] })), [""; 0]);
    // HAMi gives each card out several times, and memory and cores by itself.
    let shared = gpu_node("n1", 8, json!({ "/metadata/labels/nvidia.com~1gpu.count": "2" }));
    let objects = json!({ "nodes": [shared] });
    assert!(evidence(&one(objects.clone(), "GPU_OVERVIEW")).contains("8 (shares of 2 cards)"));
    assert_eq!(codes(objects), ["GPU_OVERVIEW"]);
}

#[test]
fn gpus_that_are_not_given_out_are_unhealthy() {
    let with = |changes: Value| found(json!({ "nodes": [gpu_node("n1", 8, changes)] }));
    let told = |code: &str| (code.to_owned(), "ERROR".to_owned(), "n1".to_owned());
    let unhealthy = |changes: Value| with(changes).contains(&told("GPU_UNHEALTHY"));
    assert!(unhealthy(json!({ "/status/allocatable/nvidia.com~1gpu": "7" })));
    assert!(unhealthy(json!({ "/status/allocatable/nvidia.com~1gpu": "0" })));
    let register = |health: &str| json!({ "/metadata/annotations": { "hami.io/node-nvidia-register": format!("GPU-a,10,81559,100,NVIDIA,0,true:GPU-b,10,81559,100,NVIDIA,0,{health}:") } });
    assert!(unhealthy(register("false")) && !unhealthy(register("true")));
    let handshake = |text: &str| json!({ "/metadata/annotations": { "hami.io/node-handshake": text } });
    // A question that stays open is a silence only where the devices are gone, too.
    let gone = |text: &str| json!({ "/metadata/annotations": { "hami.io/node-handshake": text }, "/status/allocatable/nvidia.com~1gpu": "0", "/status/capacity/nvidia.com~1gpu": "0" });
    assert!(unhealthy(gone("Requesting_2026-06-01 11:50:00")));
    assert!(!unhealthy(gone("Reported_2026-06-01 11:50:00")));
    assert!(!unhealthy(handshake("Requesting_2026-06-01 11:50:00")));
    assert!(unhealthy(handshake("Deleted_2026-06-01 11:59:00")));
    assert!(!unhealthy(handshake("Requesting_2026-06-01 11:59:30")));
    assert!(!unhealthy(handshake("Reported_2026-06-01 10:00:00 +0000 UTC m=+1.0")));
    assert!(!unhealthy(json!({})));
    let draft = one(json!({ "nodes": [gpu_node("n1", 8, register("false"))] }), "GPU_UNHEALTHY");
    assert_eq!(draft.title, "1 card not healthy by HAMi's register");
    assert!(evidence(&draft).contains("GPU-b") && !evidence(&draft).contains("GPU-a"));
    // Of a node that is down, that is what is told.
    let down =
        json!({ "/status/allocatable/nvidia.com~1gpu": "7", "/status/conditions/0/status": "Unknown" });
    assert!(!unhealthy(down));
}

#[test]
fn gpus_that_nobody_gives_out_want_a_plugin() {
    let bare = json!({ "/status/capacity": { "cpu": "8" }, "/status/allocatable": { "cpu": "8" } });
    let plugin = |ready: &str| {
        pod(
            "plugin-x",
            json!({
                "/metadata/namespace": "gpu-operator",
                "/metadata/ownerReferences": [{ "kind": "DaemonSet", "name": "nvidia-device-plugin-daemonset", "controller": true }],
                "/status/conditions/2/status": ready, "/status/containerStatuses/0/ready": ready == "True",
            }),
        )
    };
    let node = gpu_node("n1", 8, bare.clone());
    let told = ("GPU_PLUGIN_MISSING".to_owned(), "ERROR".to_owned(), "n1".to_owned());
    assert_eq!(found(json!({ "nodes": [node] })), [told]);
    let draft = one(json!({ "nodes": [node] }), "GPU_PLUGIN_MISSING");
    assert_eq!(draft.title, format!("it has 8 GPUs ({H100}) by its labels and gives out none"));
    assert!(evidence(&draft).contains("no pod of a device plugin"));
    // The plugin's own trouble is the cause.
    let findings = findings(json!({ "nodes": [node], "pods": [plugin("False")] }));
    let missing = findings.iter().find(|finding| finding.code == "GPU_PLUGIN_MISSING").unwrap();
    let cause =
        findings.iter().find(|finding| Some(&finding.fingerprint) == missing.caused_by.as_ref()).unwrap();
    assert_eq!(cause.code, "POD_NOT_READY");
    assert!(
        evidence(&one(json!({ "nodes": [node], "pods": [plugin("True")] }), "GPU_PLUGIN_MISSING"))
            .contains("and ready")
    );

    let silent = |node: Value| all(&codes(json!({ "nodes": [node] })), "GPU_PLUGIN_MISSING");
    assert_eq!(silent(gpu_node("n1", 8, json!({}))), 0);
    // MIG's slices are GPUs, too.
    let mig = json!({ "/status/capacity": { "nvidia.com/mig-1g.10gb": "7" }, "/status/allocatable": { "nvidia.com/mig-1g.10gb": "7" } });
    assert_eq!(silent(gpu_node("n1", 1, mig)), 0);
    let mut joined = gpu_node("n1", 8, bare);
    change(&mut joined, json!({ "/metadata/creationTimestamp": ago(120) }));
    assert_eq!(silent(joined), 0);
    // A driver may offer them in resource slices; where those were not read, nobody knows.
    let mut snapshot = snapshot(json!({ "nodes": [node] }));
    let told = |snapshot: &Snapshot| {
        let drafts = super::super::find(&Context::of(snapshot));
        drafts.iter().filter(|draft| draft.code == "GPU_PLUGIN_MISSING").count()
    };
    assert_eq!(told(&snapshot), 1);
    // That pods were not all read says nothing of slices.
    snapshot.sections.add("pods", 0, Some(Problem::new(Unavailable::Forbidden, "not allowed")));
    snapshot.sections.add("gpus", 0, Some(Problem::new(Unavailable::Forbidden, "not allowed")));
    assert_eq!(told(&snapshot), 1);
    snapshot.offered = Some(["n1".to_owned()].into());
    assert_eq!(told(&snapshot), 0);
    snapshot.offered = None;
    assert_eq!(told(&snapshot), 0);
}

#[test]
fn where_not_all_pods_were_looked_at_nothing_is_said_to_be_free() {
    let bare = json!({ "/status/capacity": { "cpu": "8" }, "/status/allocatable": { "cpu": "8" } });
    let objects = json!({
        "nodes": [gpu_node("n1", 8, json!({})), gpu_node("n2", 8, bare)],
        "pods": [holder("h", "n1", 2), waiter("w", 4, 300, SHORT)],
    });
    let told = |everywhere: bool, code: &str| {
        let mut snapshot = snapshot(objects.clone());
        snapshot.everywhere = everywhere;
        let drafts = super::super::find(&Context::of(&snapshot));
        let draft = drafts.into_iter().find(|draft| draft.code == code).unwrap();
        (draft.title.clone(), evidence(&draft))
    };
    let (title, text) = told(true, "GPU_OVERVIEW");
    assert!(
        title.ends_with("8 on 1 node, 2 asked for, 6 free") && !text.contains("not all"),
        "{title}: {text}"
    );
    let (title, text) = told(false, "GPU_OVERVIEW");
    assert_eq!(title, "nvidia.com/gpu: 8 on 1 node");
    assert_eq!(text, format!("{H100}: 8 on 1 node | {}", super::UNKNOWN));
    let (title, text) = told(true, "GPU_INSUFFICIENT");
    assert!(title.contains("6 free on n1") && text.contains("n1: 6 of 8 free"), "{title}: {text}");
    let (title, text) = told(false, "GPU_INSUFFICIENT");
    assert_eq!(title, "1 pod asks for 4 nvidia.com/gpu: the scheduler finds no room");
    assert!(text.contains(super::UNKNOWN) && !text.replace(super::UNKNOWN, "").contains("free"), "{text}");
    assert!(told(true, "GPU_PLUGIN_MISSING").1.contains("no pod of a device plugin"));
    assert!(!told(false, "GPU_PLUGIN_MISSING").1.contains("no pod of a device plugin"));
}
