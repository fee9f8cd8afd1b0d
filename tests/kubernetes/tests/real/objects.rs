//! What the scenarios create and look for.

use bud_kubernetes_testbed::{Cluster, Outcome, Printed};
use serde_json::{Value, json};

/// A Deployment whose pods ask for that many GPUs each.
pub(crate) fn deployment(namespace: &str, name: &str, replicas: u32, gpus: u32) -> Value {
    json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"namespace": namespace, "name": name},
        "spec": {
            "replicas": replicas, "selector": {"matchLabels": {"app": name}},
            "template": {
                "metadata": {"labels": {"app": name}},
                "spec": {"containers": [{
                    "name": "main", "image": "registry.example/engine:1",
                    "resources": {"limits": {"nvidia.com/gpu": gpus.to_string()}},
                }]},
            },
        },
    })
}

/// A StatefulSet or DaemonSet whose pods run on that node only.
pub(crate) fn set(kind: &str, namespace: &str, name: &str, node: &str) -> Value {
    let mut set = json!({
        "apiVersion": "apps/v1", "kind": kind, "metadata": {"namespace": namespace, "name": name},
        "spec": {
            "selector": {"matchLabels": {"app": name}},
            "template": {
                "metadata": {"labels": {"app": name}},
                "spec": {
                    "nodeSelector": {"kubernetes.io/hostname": node},
                    "containers": [{"name": "main", "image": "registry.example/set:1"}],
                },
            },
        },
    });
    if kind == "StatefulSet" {
        set["spec"]["serviceName"] = name.into();
    }
    set
}

/// What a driver of GPUs offers on a node: that many whole cards, of this generation of its pool.
pub(crate) fn offer(node: &str, generation: u32, cards: u32) -> Value {
    let attributes =
        json!({"type": {"string": "gpu"}, "productName": {"string": "NVIDIA H100"}, "index": {"int": 0}});
    let devices: Vec<Value> =
        (0..cards).map(|at| json!({"name": format!("gpu-{at}"), "attributes": attributes})).collect();
    json!({
        "apiVersion": "resource.k8s.io/v1", "kind": "ResourceSlice",
        "metadata": {"name": format!("{node}-{generation}")},
        "spec": {
            "driver": "gpu.nvidia.com", "nodeName": node, "devices": devices,
            "pool": {"name": node, "generation": generation, "resourceSliceCount": 1},
        },
    })
}

/// A pod on that node, without asking the scheduler.
pub(crate) fn pod(namespace: &str, name: &str, node: &str) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Pod", "metadata": {"namespace": namespace, "name": name},
        "spec": {"nodeName": node, "containers": [{"name": "main", "image": "registry.example/main:1"}]},
    })
}

/// A pod that runs on a node of its own, in a namespace of its own.
pub(crate) async fn running_pod(cluster: &Cluster, namespace: &str) -> Outcome {
    cluster.add_namespace(namespace).await?;
    let node = format!("{namespace}-node");
    cluster.add_node(&node, json!({})).await?;
    let _running = cluster.run_pods(namespace)?;
    cluster.api().create(&pod(namespace, "pod", &node)).await?;
    let path = format!("/api/v1/namespaces/{namespace}/pods/pod");
    cluster
        .until("the pod runs", || async {
            let pod = cluster.api().get(&path).await?;
            if pod["status"]["phase"] == "Running" { Ok(()) } else { Err(pod["status"].to_string()) }
        })
        .await
}

/// Runs kubectl, which must succeed; its standard output.
pub(crate) async fn kubectl(cluster: &Cluster, line: &str) -> Outcome<String> {
    let Printed { code, stdout, stderr } = cluster.kubectl(&words(line)).await?;
    if code == Some(0) { Ok(stdout) } else { Err(format!("kubectl {line}: {code:?} {stderr}")) }
}

pub(crate) fn words(line: &str) -> Vec<&str> {
    line.split_whitespace().collect()
}

/// The cells of a table that kubectl printed, without its head.
pub(crate) fn cells(printed: &str) -> Vec<Vec<&str>> {
    printed.lines().skip(1).map(words).collect()
}
