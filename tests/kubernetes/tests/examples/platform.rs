//! A platform to look at: services with sidecars, a database, an engine with GPUs; and something that is not well.

use bud_kubernetes_testbed::{Cluster, ExecScript, Outcome, Running};
use serde_json::{Value, json};

const NAMESPACES: [&str; 4] = ["bud-system", "bud-data", "dapr-system", "bud-chat-0a1b2c3d"];
/// What is there as the chart makes it, and has its sidecar.
const WELL: [&str; 2] = ["bud-budapp", "bud-budcluster"];
/// What no node takes.
const UNWELL: &str = "bud-budmetrics";

/// It lives as long as this is kept.
pub(crate) struct Platform {
    _running: Vec<Running>,
    /// The pod of what is never restarted.
    budapp: String,
}

impl Platform {
    pub(crate) async fn plant(cluster: &Cluster) -> Outcome<Self> {
        let api = cluster.api();
        let mut running = Vec::new();
        for namespace in NAMESPACES {
            cluster.add_namespace(namespace).await?;
            running.push(cluster.run_pods(namespace)?);
        }
        for node in ["gpu-1", "gpu-2"] {
            cluster.add_node(node, json!({ "nvidia.com/gpu": "8" })).await?;
        }
        let product = json!({ "metadata": { "labels": { "nvidia.com/gpu.product": "NVIDIA-H100" } } });
        api.patch("/api/v1/nodes/gpu-1", &product).await?;
        api.patch("/api/v1/nodes/gpu-2", &json!({ "spec": { "unschedulable": true } })).await?;

        for name in WELL {
            api.create(&deployment(name, &[name, "daprd"], json!({}))).await?;
        }
        api.create(&deployment(UNWELL, &[UNWELL], json!({ "pool": "none" }))).await?;
        for name in ["bud-budapp", UNWELL] {
            api.create(&service(name)).await?;
        }
        for component in ["dapr-operator", "dapr-sentry", "dapr-sidecar-injector"] {
            api.create(&pod("dapr-system", component, json!({ "app": component }), json!({}))).await?;
        }
        let labels =
            json!({ "app.kubernetes.io/name": "postgresql", "app.kubernetes.io/component": "primary" });
        api.create(&pod("bud-data", "bud-postgresql-0", labels, json!({}))).await?;
        let gpus = json!({ "limits": { "nvidia.com/gpu": "2" } });
        api.create(&pod("bud-chat-0a1b2c3d", "engine", json!({}), gpus)).await?;

        cluster.add_certificates().await?;
        for (name, until) in [("api", "2026-01-02T00:00:00Z"), ("web", "2999-01-01T00:00:00Z")] {
            api.create(&certificate(name, until)).await?;
        }
        commands(cluster);
        let budapp = ready(cluster).await?;
        for line in ["one\n", "two\n"] {
            cluster.kubelet().log("bud-system", &budapp, "bud-budapp").write(line);
        }
        cluster.kubelet().log("bud-system", &budapp, "daprd").write("dapr initialized\n");

        let metrics = cluster.add_metrics().await?;
        metrics.node("gpu-1", "4", "64Gi");
        metrics.container("bud-system", &budapp, "bud-budapp", "250m", "300Mi");
        metrics.container("bud-system", &budapp, "daprd", "10m", "20Mi");
        Ok(Self { _running: running, budapp })
    }

    /// Waits until nothing changes any more. What is restarted has logged something; its pod's name.
    pub(crate) async fn settle(&self, cluster: &Cluster) -> Outcome<String> {
        let name = self.restarted(cluster).await?;
        for container in ["bud-budcluster", "daprd"] {
            let line = if container == "daprd" { "dapr initialized\n" } else { "two\n" };
            cluster.kubelet().log("bud-system", &name, container).write(line);
        }
        let log = cluster.kubelet().log("bud-system", &self.budapp, "bud-budapp");
        for line in ["one\n", "two\n"] {
            log.write(line);
        }
        Ok(name)
    }

    /// The only pod of what is restarted.
    pub(crate) async fn restarted(&self, cluster: &Cluster) -> Outcome<String> {
        cluster.until("there is one pod of bud-budcluster", || only_pod(cluster, "bud-budcluster")).await
    }

    /// A line that is written while an example runs.
    pub(crate) fn write_on(&self, cluster: &Cluster) {
        cluster
            .kubelet()
            .log("bud-system", &self.budapp, "bud-budapp")
            .write("written while it is followed\n");
    }
}

async fn only_pod(cluster: &Cluster, deployment: &str) -> Outcome<String> {
    let path = format!("/api/v1/namespaces/bud-system/pods?labelSelector=app%3D{deployment}");
    let pods = cluster.api().get(&path).await?;
    match pods["items"].as_array().map(Vec::as_slice) {
        Some([pod]) if pod["status"]["phase"] == "Running" => {
            Ok(pod["metadata"]["name"].as_str().unwrap_or_default().to_owned())
        }
        pods => Err(format!("{pods:?}")),
    }
}

/// What commands in containers do.
fn commands(cluster: &Cluster) {
    let kubelet = cluster.kubelet();
    kubelet.on_exec("bud-system", |request| {
        match request.command.iter().map(String::as_str).collect::<Vec<_>>()[..] {
            ["python", "-c", script]
                if script.contains("get_engine()") && request.container == "bud-budapp" =>
            {
                ExecScript::exit(0).stdout("OK\n")
            }
            _ => ExecScript::fail("executable file not found in $PATH"),
        }
    });
    kubelet.on_exec("bud-data", |request| match request.command.last() {
        Some(script) if script.contains("pg_stat_activity") => {
            ExecScript::exit(0).stdout("78|3|70|5|1|2|812.5|100|3|f\n")
        }
        _ => ExecScript::exit(1),
    });
    kubelet.on_exec("bud-chat-0a1b2c3d", |request| match request.command[0].as_str() {
        "nvidia-smi" => ExecScript::exit(0).stdout(
            "0, GPU-1, NVIDIA H100, 97, 61, 70123, 81559, 64, 612.33, 0\n\
             1, GPU-2, NVIDIA H100, [N/A], [N/A], 12, 81559, 31, 70.10, [N/A]\n",
        ),
        _ => ExecScript::exit(127),
    });
}

/// Waits until it is as it will stay; the pod of budapp.
async fn ready(cluster: &Cluster) -> Outcome<String> {
    let api = cluster.api();
    for path in ["bud-data/pods/bud-postgresql-0", "bud-chat-0a1b2c3d/pods/engine"] {
        let running = || async {
            let pod = api.get(&format!("/api/v1/namespaces/{path}")).await?;
            if pod["status"]["phase"] == "Running" { Ok(()) } else { Err(pod["status"].to_string()) }
        };
        cluster.until(path, running).await?;
    }
    for name in WELL {
        let path = format!("/apis/apps/v1/namespaces/bud-system/deployments/{name}");
        let available = || async {
            let status = &api.get(&path).await?["status"];
            if status["availableReplicas"] == 1 { Ok(()) } else { Err(status.to_string()) }
        };
        cluster.until(name, available).await?;
    }
    let refused = || async {
        let events = api.get("/api/v1/namespaces/bud-system/events").await?;
        let mut events = events["items"].as_array().into_iter().flatten();
        let found = events.any(|event| event["reason"] == "FailedScheduling");
        found.then_some(()).ok_or_else(|| "not yet".to_owned())
    };
    cluster.until("the scheduler has refused a pod", refused).await?;
    let behind = || async {
        let path = "/apis/discovery.k8s.io/v1/namespaces/bud-system/endpointslices";
        let slices =
            api.get(&format!("{path}?labelSelector=kubernetes.io/service-name%3Dbud-budapp")).await?;
        let ready = &slices["items"][0]["endpoints"][0]["conditions"]["ready"];
        if *ready == true { Ok(()) } else { Err(slices.to_string()) }
    };
    cluster.until("the service has an endpoint", behind).await?;
    cluster.until("there is one pod of bud-budapp", || only_pod(cluster, "bud-budapp")).await
}

/// As the chart has it: deployment, label and container have one name, in front of which stands the release's.
fn deployment(name: &str, containers: &[&str], node: Value) -> Value {
    let containers: Vec<Value> = containers
        .iter()
        .map(|name| json!({ "name": name, "image": format!("registry.example/{name}:1") }))
        .collect();
    let annotations = json!({ "dapr.io/enabled": "true", "dapr.io/app-id": name.trim_start_matches("bud-") });
    json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": { "namespace": "bud-system", "name": name },
        "spec": {
            "replicas": 1, "selector": { "matchLabels": { "app": name } },
            "template": {
                "metadata": { "labels": { "app": name }, "annotations": annotations },
                "spec": { "containers": containers, "nodeSelector": node },
            },
        },
    })
}

fn service(name: &str) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Service", "metadata": { "namespace": "bud-system", "name": name },
        "spec": { "selector": { "app": name }, "ports": [{ "port": 80 }] },
    })
}

fn pod(namespace: &str, name: &str, labels: Value, resources: Value) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": { "namespace": namespace, "name": name, "labels": labels },
        "spec": {
            "nodeName": "gpu-1",
            "containers": [{ "name": "main", "image": "registry.example/main:1", "resources": resources }],
        },
    })
}

fn certificate(name: &str, until: &str) -> Value {
    let ready = json!({ "type": "Ready", "status": "True", "lastTransitionTime": "2026-01-01T00:00:00Z" });
    json!({
        "apiVersion": "cert-manager.io/v1", "kind": "Certificate",
        "metadata": { "namespace": "bud-system", "name": name },
        "spec": { "secretName": name, "dnsNames": ["x.example.com"], "issuerRef": { "kind": "ClusterIssuer", "name": "letsencrypt" } },
        "status": { "notBefore": "2026-01-01T00:00:00Z", "notAfter": until, "conditions": [ready] },
    })
}
