use serde_json::{Value, json};

use super::super::testing::{ago, change, codes, drafts, findings, found, node, now, pod, snapshot};
use crate::diagnostics::snapshot::Context;
use crate::report::Draft;

fn told(code: &str, severity: &str, name: &str) -> Vec<(String, String, String)> {
    vec![(code.to_owned(), severity.to_owned(), name.to_owned())]
}

/// What is found about nodes alone.
fn of(nodes: Value) -> Vec<(String, String, String)> {
    found(json!({ "nodes": nodes }))
}

fn evidence(draft: &Draft) -> String {
    let texts: Vec<&str> = draft.evidence.iter().map(|evidence| evidence.text.as_str()).collect();
    texts.join(" | ")
}

fn down(status: &str) -> Value {
    json!({ "/status/conditions": [{
        "type": "Ready", "status": status, "reason": "KubeletNotReady", "message": "PLEG is not healthy",
        "lastTransitionTime": ago(600),
    }] })
}

#[test]
fn pods_on_a_node_are_some_where_not_all_were_looked_at() {
    let objects = json!({ "nodes": [node("n1", down("False"))], "pods": [pod("a", json!({}))] });
    let told = |everywhere: bool| {
        let mut snapshot = snapshot(objects.clone());
        snapshot.everywhere = everywhere;
        let drafts = super::super::find(&Context::of(&snapshot));
        evidence(drafts.iter().find(|draft| draft.code == "NODE_NOT_READY").unwrap())
    };
    assert!(told(true).contains("| 1 pod on it, 1 of the platform"), "{}", told(true));
    assert!(told(false).contains("at least 1 pod on it, 1 of the platform"), "{}", told(false));
}

#[test]
fn a_node_that_is_not_ready_is_critical_where_the_platform_is_on_it() {
    for status in ["False", "Unknown"] {
        assert_eq!(of(json!([node("n1", down(status))])), told("NODE_NOT_READY", "ERROR", "n1"), "{status}");
        let platform = json!({ "nodes": [node("n1", down(status))], "pods": [pod("a", json!({}))] });
        assert_eq!(found(platform), told("NODE_NOT_READY", "CRITICAL", "n1"), "{status}");
    }
    let model = pod("m", json!({ "/metadata/namespace": "bud-tiny-0a1b2c3d" }));
    let models = json!({ "nodes": [node("n1", down("False"))], "pods": [model] });
    assert_eq!(found(models), told("NODE_NOT_READY", "CRITICAL", "n1"));
    // What has ended, is elsewhere or belongs to others does not count.
    let others = [
        pod("a", json!({ "/spec/nodeName": "n2" })),
        pod("b", json!({ "/metadata/namespace": "kube-system" })),
        pod("c", json!({ "/status": { "phase": "Succeeded" } })),
    ];
    let others = json!({ "nodes": [node("n1", down("False")), node("n2", json!({}))], "pods": others });
    assert_eq!(found(others), told("NODE_NOT_READY", "ERROR", "n1"));
    assert_eq!(
        of(json!([node("n1", json!({ "/status/conditions": [] }))])),
        told("NODE_NOT_READY", "ERROR", "n1")
    );
    assert_eq!(of(json!([node("n1", json!({}))])), []);
    let joined = json!({ "/status/conditions": [], "/metadata/creationTimestamp": ago(20) });
    assert_eq!(of(json!([node("n1", joined)])), []);
}

#[test]
fn the_evidence_has_reason_lease_and_pods() {
    let lease = json!([{ "metadata": { "name": "n1" }, "spec": { "renewTime": ago(640) } }]);
    let mut n1 = node("n1", down("Unknown"));
    change(
        &mut n1,
        json!({ "/status/allocatable/nvidia.com~1gpu": "8", "/status/capacity/nvidia.com~1gpu": "8" }),
    );
    let pods = [pod("a", json!({})), pod("b", json!({ "/metadata/namespace": "other" }))];
    let drafts = drafts(json!({ "nodes": [n1], "pods": pods, "leases": lease }));
    let draft = drafts.iter().find(|draft| draft.code == "NODE_NOT_READY").unwrap();
    assert_eq!(draft.since.unwrap().to_string(), ago(600));
    let text = evidence(draft);
    for part in [
        "KubeletNotReady: PLEG is not healthy",
        "last heard of 10m ago",
        "2 pods on it, 1 of the platform",
        "8 nvidia.com/gpu are not to be had",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
}

#[test]
fn a_kubelet_that_is_late_is_told_before_its_node_is_down() {
    let with = |seconds: u64| {
        let lease = json!([{ "metadata": { "name": "n1" }, "spec": { "renewTime": ago(seconds) } }]);
        found(json!({ "nodes": [node("n1", json!({}))], "leases": lease, "pods": [pod("a", json!({}))] }))
    };
    assert_eq!(with(75), told("NODE_NOT_READY", "WARNING", "n1"), "its clock may be behind");
    assert_eq!(with(45), []);
}

#[test]
fn a_kubelet_whose_clock_is_ahead_was_heard_of_just_now() {
    let ahead = (now() + std::time::Duration::from_secs(300)).to_string();
    let lease = json!([{ "metadata": { "name": "n1" }, "spec": { "renewTime": ahead } }]);
    let drafts = drafts(json!({ "nodes": [node("n1", down("False"))], "leases": lease }));
    assert!(evidence(&drafts[0]).contains("last heard of 0s ago"), "{}", evidence(&drafts[0]));
}

#[test]
fn pressures_are_errors_and_one_finding_each_node() {
    let with =
        |kinds: &[(&str, &str)]| {
            let mut conditions = vec![json!({ "type": "Ready", "status": "True" })];
            conditions.extend(kinds.iter().map(
                |(kind, status)| json!({ "type": kind, "status": status, "reason": "R", "message": "m" }),
            ));
            of(json!([node("n1", json!({ "/status/conditions": conditions }))]))
        };
    for kind in ["MemoryPressure", "DiskPressure", "PIDPressure"] {
        assert_eq!(with(&[(kind, "True")]), told("NODE_PRESSURE", "ERROR", "n1"), "{kind}");
        assert_eq!(with(&[(kind, "False")]), []);
        assert_eq!(with(&[(kind, "Unknown")]), []);
    }
    assert_eq!(
        with(&[("MemoryPressure", "True"), ("DiskPressure", "True")]),
        told("NODE_PRESSURE", "ERROR", "n1")
    );
    assert_eq!(with(&[("NetworkUnavailable", "True")]), told("NODE_NETWORK", "ERROR", "n1"));
    assert_eq!(with(&[("NetworkUnavailable", "False")]), []);
    for kind in [
        "KernelDeadlock",
        "ReadonlyFilesystem",
        "FrequentKubeletRestart",
        "XidError",
        "GpuXidError",
        "GPUMissing",
    ] {
        assert_eq!(with(&[(kind, "True")]), told("NODE_CUSTOM_COND", "WARNING", "n1"), "{kind}");
        assert_eq!(with(&[(kind, "False")]), []);
    }
    // What is good when it holds, or not known to be bad, is let be (k8sgpt#1461).
    for kind in
        ["EtcdIsVoter", "AcceleratedHardwareReady", "GpuReady", "GPUHealthy", "KernelReady", "SomethingElse"]
    {
        assert_eq!(with(&[(kind, "True")]), [], "{kind}");
    }
}

#[test]
fn evictions_are_told_with_the_pressure() {
    let conditions = json!([
        { "type": "Ready", "status": "True" },
        { "type": "DiskPressure", "status": "True", "reason": "KubeletHasDiskPressure", "message": "kubelet has disk pressure" },
    ]);
    let evicted =
        pod("a", json!({ "/status": { "phase": "Failed", "reason": "Evicted", "message": "low on disk" } }));
    let drafts = drafts(
        json!({ "nodes": [node("n1", json!({ "/status/conditions": conditions }))], "pods": [evicted] }),
    );
    let text = evidence(drafts.iter().find(|draft| draft.code == "NODE_PRESSURE").unwrap());
    assert!(
        text.contains("DiskPressure: KubeletHasDiskPressure") && text.contains("1 pod evicted"),
        "{text}"
    );
}

#[test]
fn a_network_that_is_gone_follows_from_a_node_that_is_down() {
    let conditions = json!([
        { "type": "Ready", "status": "False", "reason": "KubeletNotReady" },
        { "type": "NetworkUnavailable", "status": "True", "reason": "NoRouteCreated" },
    ]);
    let findings = findings(json!({ "nodes": [node("n1", json!({ "/status/conditions": conditions }))] }));
    let roots: Vec<&str> =
        findings.iter().filter(|one| one.caused_by.is_none()).map(|one| one.code.as_str()).collect();
    assert_eq!((findings.len(), roots), (2, vec!["NODE_NOT_READY"]));
}

#[test]
fn a_cordoned_node_is_a_warning_after_an_hour() {
    let with = |seconds: Option<u64>| {
        let taint = json!([{ "key": "node.kubernetes.io/unschedulable", "effect": "NoSchedule", "timeAdded": seconds.map(ago) }]);
        of(json!([node("n1", json!({ "/spec": { "unschedulable": true, "taints": taint } }))]))
    };
    assert_eq!(with(Some(2 * 3600)), told("NODE_CORDONED", "WARNING", "n1"));
    assert_eq!(with(Some(1800)), told("NODE_CORDONED", "INFO", "n1"));
    assert_eq!(with(None), told("NODE_CORDONED", "INFO", "n1"));
    let other =
        json!({ "/spec": { "taints": [{ "key": "dedicated", "value": "gpu", "effect": "NoSchedule" }] } });
    assert_eq!(of(json!([node("n1", other)])), []);
    let gpus = json!({
        "/spec/unschedulable": true, "/status/allocatable/nvidia.com~1gpu": "8", "/status/capacity/nvidia.com~1gpu": "8",
    });
    let drafts = drafts(json!({ "nodes": [node("n1", gpus)] }));
    let draft = drafts.iter().find(|draft| draft.code == "NODE_CORDONED").unwrap();
    assert!(evidence(draft).contains("8 nvidia.com/gpu are taken out"), "{}", evidence(draft));
}

#[test]
fn what_is_used_is_measured_against_what_may_be_given() {
    // Of 8 cores and 32 GiB.
    let with = |cpu: &str, memory: &str| {
        let usage = json!([{ "metadata": { "name": "n1" }, "usage": { "cpu": cpu, "memory": memory } }]);
        found(json!({ "nodes": [node("n1", json!({}))], "usage": usage }))
    };
    assert_eq!(with("6390m", "27Gi"), []);
    assert_eq!(with("6400m", "1Gi"), told("NODE_CPU_HIGH", "WARNING", "n1"));
    assert_eq!(with("7600m", "1Gi"), told("NODE_CPU_HIGH", "ERROR", "n1"));
    assert_eq!(with("1", "28Gi"), told("NODE_MEM_HIGH", "WARNING", "n1"));
    assert_eq!(with("1", "31Gi"), told("NODE_MEM_HIGH", "ERROR", "n1"));
    // What was not measured, or has no bounds, is not judged.
    assert_eq!(of(json!([node("n1", json!({}))])), []);
    let usage = json!([{ "metadata": { "name": "n1" }, "usage": { "cpu": "8", "memory": "32Gi" } }]);
    assert_eq!(
        codes(json!({ "nodes": [node("n1", json!({ "/status/allocatable": {} }))], "usage": usage })),
        [""; 0]
    );
}

#[test]
fn kubelets_far_from_the_server_are_told_once_for_each_version() {
    let with = |server: Option<&str>, kubelets: &[&str]| {
        let nodes: Vec<Value> = kubelets
            .iter()
            .enumerate()
            .map(|(at, version)| {
                node(&format!("n{at}"), json!({ "/status/nodeInfo/kubeletVersion": version }))
            })
            .collect();
        let mut snapshot = snapshot(json!({ "nodes": nodes }));
        snapshot.version = server.map(str::to_owned);
        let drafts = super::super::find(&Context::of(&snapshot));
        drafts
            .into_iter()
            .map(|draft| (draft.code, draft.severity.to_string(), draft.title))
            .collect::<Vec<_>>()
    };
    let far = with(Some("v1.36.2"), &["v1.32.9-eks-1", "v1.32.1", "v1.33.0", "v1.36.2"]);
    let title = "2 kubelets of version 1.32, 4 minor versions behind the server's 1.36".to_owned();
    assert_eq!(far, [("KUBELET_SKEW", "INFO".to_owned(), title)]);
    assert_eq!(with(Some("v1.36.2"), &["v1.33.0", "odd", ""]), []);
    assert_eq!(with(None, &["v1.20.0"]), []);
}
