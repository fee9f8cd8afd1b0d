//! Rollouts, restarts, measurements, and finding what a name means.

use std::collections::BTreeMap;
use std::time::Duration;

use bud_kubernetes_testbed::{Cluster as Bed, Outcome};
use bud_sdk::ErrorKind;
use bud_sdk::kubernetes::{Namespaces, RolloutState};
use serde_json::json;

use super::{sdk, told};
use crate::objects::{cells, deployment, kubectl, running_pod, set};

const MINUTE: Duration = Duration::from_secs(60);

pub(crate) async fn a_rollout_is_followed_and_a_restart_is_one(bed: &Bed) -> Outcome {
    bed.add_namespace("restart").await?;
    bed.add_node("restart-node", json!({ "nvidia.com/gpu": "64" })).await?;
    let running = bed.run_pods("restart")?;
    bed.api().create(&deployment("restart", "bud-budapp", 2, 1)).await?;
    let cluster = sdk(bed).await?;
    let done = told(cluster.wait_for_rollout("restart", "budapp", MINUTE).await)?;
    assert_eq!((done.name.as_str(), done.state.as_str(), done.available), ("bud-budapp", "COMPLETE", 2));
    let said = kubectl(bed, "-n restart rollout status deployment/bud-budapp --timeout=1s").await?;
    assert!(said.contains("successfully rolled out"), "{said}");
    let names =
        |pods: Vec<bud_sdk::kubernetes::Pod>| pods.into_iter().map(|pod| pod.name).collect::<Vec<_>>();
    let before = names(told(cluster.pods("restart").await)?);

    let begun = told(cluster.restart("restart", "budapp").await)?;
    assert_ne!(begun.state.as_str(), "COMPLETE", "an old state is no new one");
    told(cluster.wait_for_rollout("restart", "budapp", MINUTE).await)?;
    let after = bed
        .until("the old pods are gone", || async {
            let pods = names(told(cluster.pods("restart").await)?);
            if pods.len() == 2 { Ok(pods) } else { Err(format!("{pods:?}")) }
        })
        .await?;
    assert!(after.iter().all(|name| !before.contains(name)), "{before:?} {after:?}");

    // Without room nothing moves, and the wait ends.
    drop(running);
    let path = "/apis/apps/v1/namespaces/restart/deployments/bud-budapp";
    bed.api().patch(path, &json!({ "spec": { "replicas": 3 } })).await?;
    let late = cluster.wait_for_rollout("restart", "budapp", Duration::from_secs(2)).await.unwrap_err();
    assert_eq!(late.kind(), ErrorKind::PollTimeout, "{late}");
    let shown = told(cluster.deployments("restart").await)?;
    let printed = kubectl(bed, "-n restart get deployments").await?;
    let row = &cells(&printed)[0];
    let deployment = &shown[0];
    let columns = [
        deployment.name.clone(),
        format!("{}/{}", deployment.ready, deployment.replicas),
        deployment.updated.to_string(),
        deployment.available.to_string(),
    ];
    assert_eq!(columns, row[..4]);
    assert!(!deployment.healthy);

    bed.api().patch(path, &json!({ "spec": { "paused": true } })).await?;
    let paused = cluster.restart("restart", "budapp").await.unwrap_err();
    assert_eq!(paused.kind(), ErrorKind::Conflict, "{paused}");
    bed.until("the pause is known", || async {
        let rollout = told(cluster.rollout("restart", "deployment/bud-budapp").await)?;
        if *rollout.state == RolloutState::Paused { Ok(()) } else { Err(format!("{rollout:?}")) }
    })
    .await?;
    bed.api().delete(path).await?;
    bed.api().delete("/api/v1/nodes/restart-node").await?;
    Ok(())
}

/// The uids of a set's pods, by name.
async fn uids(bed: &Bed, app: &str) -> Outcome<BTreeMap<String, String>> {
    let pods = bed.api().get(&format!("/api/v1/namespaces/sets/pods?labelSelector=app={app}")).await?;
    let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
    let pods = pods["items"].as_array().into_iter().flatten();
    Ok(pods.map(|pod| (text(&pod["metadata"]["name"]), text(&pod["metadata"]["uid"]))).collect())
}

pub(crate) async fn stateful_and_daemon_sets_are_followed_and_restarted(bed: &Bed) -> Outcome {
    bed.add_namespace("sets").await?;
    bed.add_node("sets-node", json!({})).await?;
    let _running = bed.run_pods("sets")?;
    let mut db = set("StatefulSet", "sets", "db", "sets-node");
    db["spec"]["replicas"] = 3.into();
    bed.api().create(&db).await?;
    bed.api().create(&set("DaemonSet", "sets", "agent", "sets-node")).await?;
    let cluster = sdk(bed).await?;
    for (name, app, pods) in [("statefulset/db", "db", 3), ("daemonset/agent", "agent", 1)] {
        let done = told(cluster.wait_for_rollout("sets", name, MINUTE).await)?;
        assert_eq!(
            (done.state.as_str(), done.replicas, done.updated, done.available),
            ("COMPLETE", pods, pods, pods)
        );
        kubectl(bed, &format!("-n sets rollout status {name} --timeout=1s")).await?;
        let before = uids(bed, app).await?;
        let begun = told(cluster.restart("sets", name).await)?;
        assert_eq!(begun.state.as_str(), "PROGRESSING", "an old state is no new one");
        let done = told(cluster.wait_for_rollout("sets", name, MINUTE).await)?;
        assert_eq!((done.state.as_str(), done.updated), ("COMPLETE", pods));
        kubectl(bed, &format!("-n sets rollout status {name} --timeout=1s")).await?;
        let after = uids(bed, app).await?;
        assert_eq!(after.len(), before.len());
        assert!(after.iter().all(|(name, uid)| before.get(name) != Some(uid)), "{before:?} {after:?}");
    }

    // Behind a partition, only the pods from it on are replaced, and that is all there is to wait for.
    let path = "/apis/apps/v1/namespaces/sets/statefulsets/db";
    let strategy = |strategy: serde_json::Value| json!({ "spec": { "updateStrategy": strategy } });
    bed.api().patch(path, &strategy(json!({ "rollingUpdate": { "partition": 2 } }))).await?;
    let before = uids(bed, "db").await?;
    assert_eq!(told(cluster.restart("sets", "statefulset/db").await)?.state.as_str(), "PROGRESSING");
    let done = told(cluster.wait_for_rollout("sets", "statefulset/db", MINUTE).await)?;
    assert_eq!((done.state.as_str(), done.replicas, done.updated), ("COMPLETE", 3, 1));
    let after = uids(bed, "db").await?;
    let same: Vec<bool> = before.iter().map(|(name, uid)| after.get(name) == Some(uid)).collect();
    assert_eq!(same, [true, true, false], "{before:?} {after:?}");

    // Where pods are replaced by hand, there is nothing to wait for.
    let by_hand = strategy(json!({ "type": "OnDelete", "rollingUpdate": null }));
    for (name, plural) in [("statefulset/db", "statefulsets/db"), ("daemonset/agent", "daemonsets/agent")] {
        let path = format!("/apis/apps/v1/namespaces/sets/{plural}");
        bed.api().patch(&path, &by_hand).await?;
        assert_eq!(told(cluster.restart("sets", name).await)?.state.as_str(), "NOT_TRACKED");
        let waited = told(cluster.wait_for_rollout("sets", name, MINUTE).await)?;
        assert_eq!(waited.state.as_str(), "NOT_TRACKED");
        bed.api().delete(&path).await?;
    }
    bed.api().delete("/api/v1/nodes/sets-node").await?;
    Ok(())
}

pub(crate) async fn a_name_is_found_by_what_it_may_mean(bed: &Bed) -> Outcome {
    bed.add_namespace("found").await?;
    let mut with_id = deployment("found", "one-thing", 0, 1);
    with_id["spec"]["template"]["metadata"]["annotations"] = json!({ "dapr.io/app-id": "budcluster" });
    let mut labelled = deployment("found", "another-thing", 0, 1);
    labelled["metadata"]["labels"] = json!({ "app.kubernetes.io/name": "budmetrics" });
    for object in [
        with_id,
        labelled,
        deployment("found", "bud-budapp", 0, 1),
        deployment("found", "bud-x", 0, 1),
        deployment("found", "eve-x", 0, 1),
    ] {
        bed.api().create(&object).await?;
    }
    let cluster = sdk(bed).await?;
    for (asked, found) in [
        ("bud-budapp", "bud-budapp"),
        ("budapp", "bud-budapp"),
        ("budcluster", "one-thing"),
        ("budmetrics", "another-thing"),
    ] {
        assert_eq!(told(cluster.find("found", asked).await)?, found);
    }
    let several = cluster.find("found", "x").await.unwrap_err();
    assert_eq!((several.kind(), several.message()), (ErrorKind::InvalidArgument, "x may mean bud-x, eve-x"));
    let none = cluster.find("found", "nobody").await.unwrap_err();
    assert!(
        none.is_not_found() && none.to_string().contains("there are another-thing, bud-budapp"),
        "{none}"
    );
    // `app` is not a name's end without a dash before it.
    assert!(cluster.find("found", "pp").await.unwrap_err().is_not_found());
    Ok(())
}

pub(crate) async fn dapr_and_what_lacks_its_sidecar(bed: &Bed) -> Outcome {
    bed.add_namespace("dapr-system").await?;
    bed.add_namespace("sidecars").await?;
    let cluster = sdk(bed).await?;
    assert!(!told(cluster.dapr("sidecars").await)?.installed);
    for (name, ready) in [("dapr-operator", "True"), ("dapr-sentry", "False")] {
        let mut object = crate::objects::pod("dapr-system", name, "nowhere");
        object["metadata"]["labels"] = json!({ "app": name });
        object["spec"]["containers"][0]["image"] = "registry.example:5000/dapr/dapr:1.15.2".into();
        object["status"] =
            json!({ "phase": "Running", "conditions": [{ "type": "Ready", "status": ready }] });
        bed.api().create(&object).await?;
    }
    let mut bare = crate::objects::pod("sidecars", "bare", "nowhere");
    bare["metadata"]["annotations"] = json!({ "dapr.io/enabled": "true", "dapr.io/app-id": "budapp" });
    bed.api().create(&bare).await?;
    let dapr = told(cluster.dapr("sidecars").await)?;
    let states: Vec<(&str, &str)> =
        dapr.components.iter().map(|one| (one.name.as_str(), one.state.as_str())).collect();
    assert_eq!(
        states,
        [
            ("dapr-operator", "HEALTHY"),
            ("dapr-sentry", "DOWN"),
            ("dapr-sidecar-injector", "MISSING"),
            ("dapr-placement-server", "MISSING"),
            ("dapr-scheduler-server", "MISSING"),
        ]
    );
    assert!(dapr.installed && !dapr.healthy && dapr.components[0].version.as_deref() == Some("1.15.2"));
    assert_eq!(
        (dapr.sidecars[0].app_id.as_deref(), dapr.sidecars[0].state.as_str()),
        (Some("budapp"), "MISSING")
    );
    Ok(())
}

pub(crate) async fn use_of_pods_and_nodes_and_a_dead_metrics_api(bed: &Bed) -> Outcome {
    let cluster = sdk(bed).await?;
    let none = cluster.top_nodes().await.unwrap_err();
    assert_eq!(none.kind(), ErrorKind::Unsupported, "{none}");
    let metrics = bed.add_metrics().await?;
    running_pod(bed, "usage").await?;
    metrics.node("usage-node", "4", "64Gi");
    metrics.container("usage", "pod", "main", "123456789n", "300Mi");
    metrics.container("usage", "pod", "daprd", "10m", "20Mi");
    let nodes = bed.until("kubectl knows the API", || async { kubectl(bed, "top nodes").await }).await?;
    let ours = told(cluster.top_nodes().await)?;
    let row = cells(&nodes).into_iter().find(|row| row[0] == "usage-node").unwrap();
    let node = ours.iter().find(|node| node.name == "usage-node").unwrap();
    let columns = [
        format!("{}m", node.cpu_millis.unwrap()),
        format!("{}%", node.cpu_percent.unwrap()),
        format!("{}Mi", node.memory_bytes.unwrap() >> 20),
        format!("{}%", node.memory_percent.unwrap()),
    ];
    assert_eq!(columns, row[1..]);
    let printed = kubectl(bed, "-n usage top pods").await?;
    let pods = told(cluster.top_pods("usage").await)?;
    let columns = [
        pods[0].name.clone(),
        format!("{}m", pods[0].cpu_millis),
        format!("{}Mi", pods[0].memory_bytes >> 20),
    ];
    assert_eq!(columns, cells(&printed)[0][..]);
    assert_eq!(pods[0].containers.len(), 2);

    let path = "/apis/apiregistration.k8s.io/v1/apiservices/v1beta1.metrics.k8s.io";
    let service = bed.api().get(path).await?["spec"]["service"].clone();
    // Nobody behind the service any more: said at once, with the reason, and not after minutes of retries.
    bed.api()
        .patch(path, &json!({ "spec": { "service": { "namespace": "usage", "name": "gone", "port": 443 } } }))
        .await?;
    let started = std::time::Instant::now();
    let dead = bed
        .until("the API is dead", || async {
            match cluster.top_pods(Namespaces::all()).await {
                Err(error) if error.kind() == ErrorKind::Server => Ok(error),
                other => Err(format!("{other:?}")),
            }
        })
        .await?;
    assert!(dead.to_string().contains("is installed and does not answer"), "{dead}");
    assert!(
        dead.hint().unwrap().contains("ServiceNotFound") || dead.hint().unwrap().contains("gone"),
        "{dead}"
    );
    assert!(started.elapsed() < MINUTE, "{:?}", started.elapsed());
    bed.api().patch(path, &json!({ "spec": { "service": service } })).await?;
    bed.until("the API is back", || async { told(cluster.top_nodes().await) }).await.map(drop)
}
