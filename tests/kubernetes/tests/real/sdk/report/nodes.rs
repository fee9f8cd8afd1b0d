//! Nodes and GPUs.

use bud_kubernetes_testbed::{Cluster as Bed, Outcome};
use serde_json::{Value, json};

use super::{Case, Old, PLACE, ago, condition, pod, said, told, well};

pub(super) const CASES: &[Case] = &[
    ("NODE_NOT_READY", ("Node", "silent"), ("Node", "fine")),
    ("NODE_PRESSURE", ("Node", "full"), ("Node", "fine")),
    ("NODE_NETWORK", ("Node", "netless"), ("Node", "fine")),
    ("NODE_CUSTOM_COND", ("Node", "locked"), ("Node", "voter")),
    ("NODE_CORDONED", ("Node", "cordoned"), ("Node", "fine")),
    ("NODE_CPU_HIGH", ("Node", "hot"), ("Node", "warm")),
    ("NODE_MEM_HIGH", ("Node", "hot"), ("Node", "warm")),
    ("KUBELET_SKEW", ("Kubelet", "1.30"), ("Kubelet", "1.36")),
    ("GPU_UNHEALTHY", ("Node", "seven"), ("Node", "eight")),
    ("GPU_PLUGIN_MISSING", ("Node", "cardless"), ("Node", "eight")),
    ("GPU_OVERVIEW", ("Resource", "nvidia.com/gpu"), ("Resource", "habana.ai/gaudi")),
    ("GPU_INSUFFICIENT", ("Resource", "nvidia.com/gpu"), ("Resource", "amd.com/gpu")),
];

pub(crate) async fn what_is_planted_of_nodes_and_gpus(_: &Bed) -> Outcome {
    let old = Old::start().await?;
    let (bed, api) = (&old.bed, old.bed.api());
    bed.add_namespace(PLACE).await?;
    let none = || json!({});
    old.node(
        "fine",
        none(),
        vec![condition("DiskPressure", "False"), condition("NetworkUnavailable", "False")],
    )
    .await?;
    old.node("voter", none(), vec![condition("EtcdIsVoter", "True")]).await?;
    old.node("silent", none(), vec![]).await?;
    let unheard = json!({ "conditions": [said("Ready", "Unknown", "NodeStatusUnknown", "Kubelet stopped posting node status.")] });
    api.patch_status("/api/v1/nodes/silent", &unheard).await?;
    for (name, kind) in
        [("full", "DiskPressure"), ("netless", "NetworkUnavailable"), ("locked", "KernelDeadlock")]
    {
        old.node(name, none(), vec![said(kind, "True", "Planted", "as it was planted")]).await?;
    }
    old.node("cordoned", none(), vec![]).await?;
    let taint =
        json!({ "key": "node.kubernetes.io/unschedulable", "effect": "NoSchedule", "timeAdded": ago(7200) });
    api.patch("/api/v1/nodes/cordoned", &json!({ "spec": { "unschedulable": true, "taints": [taint] } }))
        .await?;
    old.node("behind", none(), vec![]).await?;
    api.patch_status("/api/v1/nodes/behind", &json!({ "nodeInfo": { "kubeletVersion": "v1.30.4" } })).await?;

    let metrics = bed.add_metrics().await?;
    for (name, cpu, memory) in [("hot", "31", "250Gi"), ("warm", "16", "128Gi")] {
        old.node(name, none(), vec![]).await?;
        metrics.node(name, cpu, memory);
    }

    let labels = json!({ "metadata": { "labels": { "nvidia.com/gpu.present": "true", "nvidia.com/gpu.count": "8" } } });
    for (name, resources) in [
        ("seven", json!({ "nvidia.com/gpu": "8" })),
        ("eight", json!({ "nvidia.com/gpu": "8", "habana.ai/gaudi": "0" })),
        ("cardless", none()),
        ("red", json!({ "amd.com/gpu": "8" })),
    ] {
        old.node(name, resources, vec![]).await?;
        if name != "red" {
            api.patch(&format!("/api/v1/nodes/{name}"), &labels).await?;
        }
    }
    api.patch_status("/api/v1/nodes/seven", &json!({ "allocatable": { "nvidia.com/gpu": "7" } })).await?;
    let asks = |name: &str, resource: &str, count: &str| -> Value {
        let mut pod = pod(PLACE, name, "red", well());
        pod["spec"]["containers"][0]["resources"] = json!({ "limits": { resource: count } });
        pod
    };
    old.create(asks("fits", "amd.com/gpu", "4")).await?;
    let mut large = asks("large", "nvidia.com/gpu", "16");
    large["spec"].as_object_mut().unwrap().remove("nodeName");
    let refused =
        "0/11 nodes are available: 11 Insufficient nvidia.com/gpu. preemption: 0/11 nodes are available.";
    large["status"] = json!({ "phase": "Pending", "conditions": [said("PodScheduled", "False", "Unschedulable", refused)] });
    old.create(large).await?;

    let report = told(old.sdk.report().await)?;
    old.compare(&report, CASES);
    // What the pod waits for is its cause.
    let of = |code: &str| report.findings.iter().find(|finding| finding.code == code).unwrap();
    let short = &of("GPU_INSUFFICIENT").fingerprint;
    assert_eq!(of("POD_UNSCHEDULABLE").caused_by.as_ref(), Some(short));
    Ok(())
}
