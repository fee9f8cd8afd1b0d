//! Lists, against the server's own tables and kubectl.

use bud_kubernetes_testbed::{Cluster as Bed, Outcome};
use bud_sdk::ErrorKind;
use bud_sdk::kubernetes::Namespaces;
use serde_json::{Value, json};

use super::{sdk, told};
use crate::objects::{cells, kubectl, pod, running_pod};

fn state(state: Value) -> Value {
    json!({ "name": "main", "image": "i", "imageID": "i", "ready": false, "restartCount": 0, "state": state })
}

fn ready(more: Value) -> Value {
    let mut status = state(json!({ "running": { "startedAt": "2026-01-01T00:00:00Z" } }));
    status["ready"] = true.into();
    merged(status, more)
}

fn merged(mut value: Value, more: Value) -> Value {
    for (name, field) in more.as_object().unwrap() {
        value[name] = field.clone();
    }
    value
}

fn ended(code: i32, reason: &str) -> Value {
    let ended = json!({ "exitCode": code, "reason": reason, "finishedAt": "2026-01-01T00:10:00Z", "startedAt": "2026-01-01T00:00:00Z" });
    json!({ "terminated": ended })
}

fn condition(kind: &str, status: &str) -> Value {
    json!({ "type": kind, "status": status, "lastTransitionTime": "2026-01-01T00:00:00Z" })
}

/// Pods in every state that the printer tells apart: name, what stands in the spec beside the main container, and the status.
fn states() -> Vec<(&'static str, Value, Value)> {
    let init = |more: Value| merged(json!({ "name": "init", "image": "registry.example/i:1" }), more);
    let inits = || json!({ "initContainers": [init(json!({})), init(json!({ "name": "init2" }))] });
    let sidecar = || json!({ "initContainers": [init(json!({ "restartPolicy": "Always" }))] });
    let named = |name: &str, status: Value| merged(status, json!({ "name": name }));
    let crashed = || json!({ "terminated": { "exitCode": 137, "reason": "OOMKilled", "finishedAt": "2026-01-01T00:20:00Z", "startedAt": "2026-01-01T00:00:00Z" } });
    vec![
        ("pending", json!({}), json!({ "phase": "Pending" })),
        ("reason", json!({}), json!({ "phase": "Failed", "reason": "Evicted", "message": "low on memory" })),
        (
            "running",
            json!({}),
            json!({ "phase": "Running", "conditions": [condition("Ready", "True")], "containerStatuses": [ready(json!({}))] }),
        ),
        (
            "creating",
            json!({}),
            json!({ "phase": "Pending", "containerStatuses": [state(json!({ "waiting": { "reason": "ContainerCreating" } }))] }),
        ),
        (
            "pulling",
            json!({}),
            json!({ "phase": "Pending", "containerStatuses": [state(json!({ "waiting": { "reason": "ImagePullBackOff", "message": "not found" } }))] }),
        ),
        (
            "crash",
            json!({}),
            json!({ "phase": "Running", "containerStatuses": [merged(state(json!({ "waiting": { "reason": "CrashLoopBackOff" } })), json!({ "restartCount": 7, "lastState": crashed() }))] }),
        ),
        (
            "completed",
            json!({}),
            json!({ "phase": "Succeeded", "containerStatuses": [state(ended(0, "Completed"))] }),
        ),
        ("error", json!({}), json!({ "phase": "Failed", "containerStatuses": [state(ended(1, "Error"))] })),
        ("exit-code", json!({}), json!({ "phase": "Failed", "containerStatuses": [state(ended(3, ""))] })),
        (
            "signal",
            json!({}),
            json!({ "phase": "Failed", "containerStatuses": [state(json!({ "terminated": { "exitCode": 0, "signal": 9 } }))] }),
        ),
        (
            "init-0",
            inits(),
            json!({ "phase": "Pending", "initContainerStatuses": [named("init", state(json!({ "running": {} }))), named("init2", state(json!({ "waiting": { "reason": "PodInitializing" } })))] }),
        ),
        (
            "init-1",
            inits(),
            json!({ "phase": "Pending", "initContainerStatuses": [named("init", state(ended(0, "Completed"))), named("init2", state(json!({ "running": {} })))] }),
        ),
        (
            "init-crash",
            inits(),
            json!({ "phase": "Pending", "initContainerStatuses": [named("init", merged(state(json!({ "waiting": { "reason": "CrashLoopBackOff" } })), json!({ "restartCount": 3, "lastState": ended(1, "Error") })))] }),
        ),
        (
            "init-error",
            inits(),
            json!({ "phase": "Pending", "initContainerStatuses": [named("init", state(ended(2, "Error")))] }),
        ),
        (
            "init-code",
            inits(),
            json!({ "phase": "Pending", "initContainerStatuses": [named("init", state(ended(2, "")))] }),
        ),
        (
            "sidecar-up",
            sidecar(),
            json!({ "phase": "Running", "conditions": [condition("Ready", "True")], "initContainerStatuses": [named("init", ready(json!({ "started": true, "restartCount": 2 })))], "containerStatuses": [ready(json!({}))] }),
        ),
        (
            "sidecar-starting",
            sidecar(),
            json!({ "phase": "Pending", "initContainerStatuses": [named("init", merged(state(json!({ "running": {} })), json!({ "started": false })))] }),
        ),
        (
            "sidecar-again",
            sidecar(),
            json!({ "phase": "Running", "conditions": [condition("Initialized", "True")], "initContainerStatuses": [named("init", merged(state(json!({ "waiting": { "reason": "CrashLoopBackOff" } })), json!({ "restartCount": 4, "lastState": ended(1, "Error") })))], "containerStatuses": [ready(json!({}))] }),
        ),
        (
            "not-ready",
            json!({}),
            json!({ "phase": "Running", "conditions": [condition("Ready", "False")], "containerStatuses": [merged(ready(json!({})), json!({ "ready": false }))] }),
        ),
        (
            "gated",
            json!({ "schedulingGates": [{ "name": "example.com/wait" }], "nodeName": "" }),
            json!({ "phase": "Pending", "conditions": [merged(condition("PodScheduled", "False"), json!({ "reason": "SchedulingGated" }))] }),
        ),
        (
            "half-done",
            json!({ "second": true }),
            json!({ "phase": "Running", "conditions": [condition("Ready", "True")], "containerStatuses": [state(ended(0, "Completed")), named("second", ready(json!({})))] }),
        ),
        (
            "half-done-unready",
            json!({ "second": true }),
            json!({ "phase": "Running", "containerStatuses": [state(ended(0, "Completed")), named("second", ready(json!({})))] }),
        ),
        (
            "half-failed",
            json!({ "second": true }),
            json!({ "phase": "Running", "containerStatuses": [state(ended(0, "Completed")), named("second", state(ended(4, "Error")))] }),
        ),
        ("unknown", json!({}), json!({ "phase": "Unknown" })),
    ]
}

fn planted((name, spec, status): (&str, Value, Value)) -> Value {
    let mut object = pod("printed", name, "printed-node");
    for (field, value) in spec.as_object().unwrap() {
        match field.as_str() {
            "second" => {
                let second = json!({ "name": "second", "image": "registry.example/second:1" });
                object["spec"]["containers"].as_array_mut().unwrap().push(second);
            }
            _ => object["spec"][field] = value.clone(),
        }
    }
    object["status"] = status;
    object
}

pub(crate) async fn pods_are_printed_as_the_server_prints_them(bed: &Bed) -> Outcome {
    bed.add_namespace("printed").await?;
    let count = states().len();
    for state in states() {
        bed.api().create(&planted(state)).await?;
    }
    // One that is being deleted and waits for somebody.
    let mut ending = planted(("ending", json!({}), json!({ "phase": "Running" })));
    ending["metadata"]["finalizers"] = json!(["example.com/wait"]);
    bed.api().create(&ending).await?;
    bed.api().delete("/api/v1/namespaces/printed/pods/ending").await?;

    let (names, rows) = bed.api().table("/api/v1/namespaces/printed/pods").await?;
    let at = |name: &str| names.iter().position(|column| column == name).unwrap();
    let pods = told(sdk(bed).await?.pods("printed").await)?;
    assert_eq!((pods.len(), rows.len()), (count + 1, count + 1));
    for (pod, row) in pods.iter().zip(&rows) {
        let shown = [
            pod.name.clone(),
            format!("{}/{}", pod.ready, pod.containers),
            pod.status.clone(),
            pod.restarts_text.clone(),
        ];
        assert_eq!(shown, row[..4], "{}", pod.name);
        assert_eq!(pod.node.as_deref().unwrap_or("<none>"), row[at("Node")], "{}", pod.name);
        assert_eq!(pod.ip.as_deref().unwrap_or("<none>"), row[at("IP")], "{}", pod.name);
        // Asked for at another moment, it may be some seconds older.
        assert!(pod.age.ends_with('s') && row[at("Age")].ends_with('s'), "{} {}", pod.age, row[at("Age")]);
    }
    let healthy: Vec<&str> = pods.iter().filter(|pod| pod.healthy).map(|pod| pod.name.as_str()).collect();
    assert_eq!(healthy, ["completed", "half-done", "running", "sidecar-up"]);
    let told_of = |name: &str| pods.iter().find(|pod| pod.name == name).unwrap().message.clone();
    assert_eq!(told_of("pulling").as_deref(), Some("not found"));
    assert_eq!(told_of("reason").as_deref(), Some("low on memory"));
    Ok(())
}

pub(crate) async fn nodes_and_their_gpus(bed: &Bed) -> Outcome {
    bed.add_namespace("gpus").await?;
    bed.add_node("gpus-a", json!({ "nvidia.com/gpu": "8", "nvidia.com/mig-1g.10gb": "4" })).await?;
    bed.add_node("gpus-b", json!({})).await?;
    let api = bed.api();
    let labels = json!({ "nvidia.com/gpu.count": "8", "nvidia.com/gpu.product": "NVIDIA-H100", "node-role.kubernetes.io/worker": "" });
    api.patch(
        "/api/v1/nodes/gpus-a",
        &json!({ "metadata": { "labels": labels }, "spec": { "unschedulable": true } }),
    )
    .await?;
    // The device plugin holds one for unhealthy.
    api.patch_status("/api/v1/nodes/gpus-a", &json!({ "allocatable": { "nvidia.com/gpu": "7" } })).await?;
    for (name, phase) in [("uses", "Running"), ("used", "Succeeded")] {
        let mut object = pod("gpus", name, "gpus-a");
        object["spec"]["containers"][0]["resources"] = json!({ "limits": { "nvidia.com/gpu": "3" } });
        object["status"] = json!({ "phase": phase });
        api.create(&object).await?;
    }
    let cluster = sdk(bed).await?;
    let nodes = told(cluster.nodes().await)?;
    let printed = kubectl(bed, "get nodes").await?;
    for row in cells(&printed) {
        let node = nodes.iter().find(|node| node.name == row[0]).ok_or(format!("{row:?}"))?;
        let roles = if node.roles.is_empty() { "<none>".to_owned() } else { node.roles.join(",") };
        assert_eq!([node.status.as_str(), roles.as_str()], row[1..3], "{row:?}");
        assert_eq!(node.version.as_deref(), Some(row[4]), "{row:?}");
    }
    let gpus = told(cluster.gpus().await)?;
    let of =
        |resource: &str| gpus.iter().find(|gpu| gpu.node == "gpus-a" && gpu.resource == resource).unwrap();
    let whole = of("nvidia.com/gpu");
    assert_eq!((whole.capacity, whole.allocatable, whole.requested, whole.free), (8, 7, 3, 4));
    assert_eq!(
        (whole.cards, whole.product.as_deref(), whole.schedulable),
        (Some(8), Some("NVIDIA-H100"), false)
    );
    assert_eq!(of("nvidia.com/mig-1g.10gb").free, 4);
    assert!(gpus.iter().all(|gpu| gpu.node != "gpus-b"));
    for name in ["gpus-a", "gpus-b"] {
        api.delete(&format!("/api/v1/nodes/{name}")).await?;
    }
    Ok(())
}

pub(crate) async fn gpus_in_parts_shared_and_offered_by_drivers(bed: &Bed) -> Outcome {
    bed.add_namespace("shares").await?;
    let api = bed.api();
    let node = async |name: &str, resources: Value, annotations: Value, labels: Value| -> Outcome {
        bed.add_node(name, resources).await?;
        let metadata = json!({ "annotations": annotations, "labels": labels });
        api.patch(&format!("/api/v1/nodes/{name}"), &json!({ "metadata": metadata })).await.map(drop)
    };
    let none = || json!({});
    node(
        "shares-mig",
        json!({ "nvidia.com/mig-1g.10gb": "7", "nvidia.com/mig-3g.40gb": "2" }),
        none(),
        none(),
    )
    .await?;
    // Ten shares of each of two cards, of which one is bad; what the scheduler counts of memory and cores is no GPU.
    let card = |id: &str, more: Value| {
        merged(
            json!({ "id": id, "count": 10, "devmem": 81920, "devcore": 100, "type": "NVIDIA-H100", "mode": "hami-core" }),
            more,
        )
    };
    let cards =
        json!([card("GPU-1", json!({ "health": true })), card("GPU-2", json!({ "index": 1, "numa": 1 }))]);
    let register = json!({ "hami.io/node-nvidia-register": cards.to_string(), "hami.io/node-handshake": "Requesting_2026-01-01 00:00:00" });
    node("shares-hami", json!({ "nvidia.com/gpu": "20" }), register.clone(), none()).await?;
    // Its plugin is gone, and with it what it gave out.
    node("shares-gone", none(), register, none()).await?;
    node(
        "shares-bare",
        none(),
        none(),
        json!({ "nvidia.com/gpu.present": "true", "nvidia.com/gpu.count": "8" }),
    )
    .await?;
    node("shares-offered", none(), none(), json!({ "nvidia.com/gpu.present": "true" })).await?;
    for (name, on, limits) in [
        ("mig", "shares-mig", json!({ "nvidia.com/mig-1g.10gb": "2" })),
        (
            "slice",
            "shares-hami",
            json!({ "nvidia.com/gpu": "3", "nvidia.com/gpumem": "8000", "nvidia.com/gpucores": "30" }),
        ),
    ] {
        let mut object = pod("shares", name, on);
        object["spec"]["containers"][0]["resources"] = json!({ "limits": limits });
        object["status"] = json!({ "phase": "Running" });
        api.create(&object).await?;
    }
    api.create(&crate::objects::offer("shares-offered", 1, 8)).await?;
    api.create(&crate::objects::offer("shares-offered", 2, 4)).await?;
    let request = json!({ "name": "gpu", "exactly": { "deviceClassName": "gpu.nvidia.com" } });
    let held =
        json!({ "request": "gpu", "driver": "gpu.nvidia.com", "pool": "shares-offered", "device": "gpu-1" });
    api.create(&json!({
        "apiVersion": "resource.k8s.io/v1", "kind": "ResourceClaim", "metadata": { "namespace": "shares", "name": "one" },
        "spec": { "devices": { "requests": [request] } },
        "status": { "allocation": { "devices": { "results": [held] } } },
    }))
    .await?;
    let gpus = told(sdk(bed).await?.gpus().await)?;
    let rows = gpus.iter().filter(|row| row.node.starts_with("shares-"));
    let rows: Vec<_> = rows
        .map(|row| {
            let counts = [row.capacity, row.allocatable, row.requested, row.free];
            (
                row.node.as_str(),
                row.resource.as_str(),
                counts,
                row.cards,
                row.unhealthy_cards,
                row.plugin_answers,
            )
        })
        .collect();
    assert_eq!(
        rows,
        [
            ("shares-bare", "nvidia.com/gpu", [0, 0, 0, 0], Some(8), None, None),
            ("shares-gone", "nvidia.com/gpu", [0, 0, 0, 0], Some(2), Some(1), Some(false)),
            ("shares-hami", "nvidia.com/gpu", [20, 20, 3, 17], Some(2), Some(1), Some(true)),
            ("shares-mig", "nvidia.com/mig-1g.10gb", [7, 7, 2, 5], None, None, None),
            ("shares-mig", "nvidia.com/mig-3g.40gb", [2, 2, 0, 2], None, None, None),
            ("shares-offered", "gpu.nvidia.com", [4, 4, 1, 3], Some(4), None, None),
        ]
    );
    for row in gpus.iter().filter(|row| row.node.starts_with("shares-")) {
        let product = match row.node.as_str() {
            "shares-hami" | "shares-gone" => Some("NVIDIA-H100"),
            "shares-offered" => Some("NVIDIA H100"),
            _ => None,
        };
        assert_eq!(row.product.as_deref(), product, "{row:?}");
    }
    for name in ["mig", "hami", "gone", "bare", "offered"] {
        api.delete(&format!("/api/v1/nodes/shares-{name}")).await?;
    }
    for generation in [1, 2] {
        api.delete(&format!("/apis/resource.k8s.io/v1/resourceslices/shares-offered-{generation}")).await?;
    }
    Ok(())
}

pub(crate) async fn events_stand_in_the_order_in_which_they_happened(bed: &Bed) -> Outcome {
    bed.add_namespace("ordered").await?;
    let event = |name: &str, times: Value| {
        merged(
            json!({
                "apiVersion": "v1", "kind": "Event", "metadata": { "namespace": "ordered", "name": name },
                "involvedObject": { "kind": "Pod", "namespace": "ordered", "name": "p" },
                "type": "Warning", "reason": "Planted", "message": name,
            }),
            times,
        )
    };
    let old = json!({ "lastTimestamp": "2026-01-01T00:00:00Z", "firstTimestamp": "2026-01-01T00:00:00Z", "count": 3 });
    bed.api().create(&event("z-oldest", old)).await?;
    let series = json!({ "count": 9, "lastObservedTime": "2026-01-01T00:30:00.000000Z" });
    let newer = json!({
        "eventTime": "2026-01-01T00:01:00.000000Z", "series": series, "action": "x",
        "reportingComponent": "example.com/tester", "reportingInstance": "one",
    });
    bed.api().create(&event("m-series", newer)).await?;
    let mut homeless = pod("ordered", "homeless", "");
    homeless["spec"]["nodeSelector"] = json!({ "nowhere": "true" });
    bed.api().create(&homeless).await?;
    let cluster = sdk(bed).await?;
    let events = bed
        .until("the scheduler says why", || async {
            let events = told(cluster.events("ordered").await)?;
            if events.iter().any(|event| event.reason == "FailedScheduling") {
                Ok(events)
            } else {
                Err("not yet".into())
            }
        })
        .await?;
    let reasons: Vec<(&str, u32)> = events.iter().map(|event| (event.reason.as_str(), event.count)).collect();
    assert_eq!(reasons[..2], [("Planted", 3), ("Planted", 9)]);
    // It has no lastTimestamp, by which the guide's command puts it first and cuts it off.
    let last = events.last().unwrap();
    assert_eq!((last.reason.as_str(), last.regarding.as_str()), ("FailedScheduling", "Pod/homeless"));
    assert_eq!(last.source.as_deref(), Some("default-scheduler"));
    assert_eq!(events[1].source.as_deref(), Some("example.com/tester"));
    Ok(())
}

/// What any service account may write must not lose the list of others.
pub(crate) async fn odd_events_that_the_server_takes_lose_no_list(bed: &Bed) -> Outcome {
    bed.add_namespace("odd").await?;
    let event = |name: &str, more: Value| {
        merged(
            json!({
                "apiVersion": "v1", "kind": "Event", "metadata": { "namespace": "odd", "name": name },
                "involvedObject": { "kind": "Pod", "namespace": "odd", "name": "p" },
                "type": "Warning", "reason": "Odd", "message": name,
            }),
            more,
        )
    };
    bed.api()
        .create(&event("negative", json!({ "count": -1, "lastTimestamp": "2026-01-01T00:00:00Z" })))
        .await?;
    bed.api().create(&event("never", json!({ "count": 2, "lastTimestamp": "9999-12-31T23:59:59Z" }))).await?;
    bed.api().create(&event("fine", json!({ "count": 3, "lastTimestamp": "2026-01-01T00:00:01Z" }))).await?;
    let cluster = sdk(bed).await?;
    let events = told(cluster.events("odd").await)?;
    let counts: Vec<(&str, u32)> = events.iter().map(|event| (event.message.as_str(), event.count)).collect();
    assert_eq!(counts[..2], [("negative", 1), ("fine", 3)]);
    let report = told(cluster.report().only(["odd"]).without_logs().await)?;
    let section = report.sections.iter().find(|section| section.name == "events").ok_or("no section")?;
    assert!(section.objects >= 2, "{section:?}");
    bed.api().delete("/api/v1/namespaces/odd/events/negative").await?;
    bed.api().delete("/api/v1/namespaces/odd/events/never").await?;
    Ok(())
}

pub(crate) async fn services_with_what_is_behind_them(bed: &Bed) -> Outcome {
    running_pod(bed, "behind").await?;
    let api = bed.api();
    api.patch("/api/v1/namespaces/behind/pods/pod", &json!({ "metadata": { "labels": { "app": "web" } } }))
        .await?;
    let service = |name: &str, spec: Value| json!({ "apiVersion": "v1", "kind": "Service", "metadata": { "namespace": "behind", "name": name }, "spec": spec });
    let port = json!([{ "port": 80, "targetPort": 8080 }]);
    api.create(&service("web", json!({ "selector": { "app": "web" }, "ports": port }))).await?;
    api.create(&service("empty", json!({ "selector": { "app": "nobody" }, "ports": port }))).await?;
    api.create(&service("elsewhere", json!({ "type": "ExternalName", "externalName": "db.example.com" })))
        .await?;
    let cluster = sdk(bed).await?;
    let services = bed
        .until("the endpoints are known", || async {
            let services = told(cluster.services("behind").await)?;
            let web = services.iter().find(|service| service.name == "web").ok_or("no web")?;
            if web.ready_endpoints == 1 { Ok(services) } else { Err(format!("{web:?}")) }
        })
        .await?;
    let of = |name: &str| services.iter().find(|service| service.name == name).unwrap();
    assert!(of("web").healthy && of("elsewhere").healthy && !of("empty").healthy, "{services:?}");
    assert_eq!((of("empty").endpoints, of("elsewhere").external[0].as_str()), (0, "db.example.com"));
    let printed = kubectl(bed, "-n behind get svc").await?;
    for row in cells(&printed) {
        let service = of(row[0]);
        assert_eq!(service.kind, row[1]);
        assert_eq!(service.cluster_ip.as_deref().unwrap_or("<none>"), row[2]);
        assert_eq!(
            if service.ports.is_empty() { "<none>".to_owned() } else { service.ports.join(",") },
            row[4]
        );
    }
    Ok(())
}

pub(crate) async fn certificates_with_when_they_end(bed: &Bed) -> Outcome {
    let cluster = sdk(bed).await?;
    let missing = cluster.certificates(Namespaces::all()).await.unwrap_err();
    assert_eq!(missing.kind(), ErrorKind::Unsupported);
    assert!(missing.to_string().contains("cert-manager is not installed"), "{missing}");

    bed.add_namespace("certs").await?;
    bed.add_certificates().await?;
    let certificate = |name: &str, until: &str, ready: &str| {
        json!({
            "apiVersion": "cert-manager.io/v1", "kind": "Certificate", "metadata": { "namespace": "certs", "name": name },
            "spec": { "secretName": name, "dnsNames": ["x.example.com"], "issuerRef": { "kind": "ClusterIssuer", "name": "letsencrypt" } },
            "status": { "notBefore": "2026-01-01T00:00:00Z", "notAfter": until, "conditions": [condition("Ready", ready)] },
        })
    };
    bed.until("certificates can be created", || async {
        bed.api().create(&certificate("later", "2999-01-01T00:00:00Z", "True")).await
    })
    .await?;
    bed.api().create(&certificate("over", "2026-01-02T00:00:00Z", "True")).await?;
    let found = bed
        .until("certificates are listed", || async {
            let found = told(cluster.certificates(Namespaces::all()).await)?;
            if found.len() == 2 { Ok(found) } else { Err(format!("{found:?}")) }
        })
        .await?;
    let shown: Vec<(&str, &str)> = found.iter().map(|one| (one.name.as_str(), one.state.as_str())).collect();
    assert_eq!(shown, [("over", "EXPIRED"), ("later", "GOOD")]);
    assert_eq!(found[1].issuer, "ClusterIssuer/letsencrypt");
    assert!(found[1].days_left.unwrap() > 300_000.0 && found[0].days_left.unwrap() < 0.0);
    Ok(())
}
