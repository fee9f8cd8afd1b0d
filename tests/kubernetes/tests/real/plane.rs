//! The control plane itself.

use std::io::{BufRead, BufReader};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Command, Stdio};

use bud_kubernetes_testbed::{Binaries, Cluster, Outcome};
use serde_json::{Value, json};

use crate::objects::{cells, deployment, kubectl, pod};

pub(crate) async fn client_and_server_are_of_one_version(cluster: &Cluster) -> Outcome {
    let versions: Value = serde_json::from_str(&kubectl(cluster, "version -o json").await?).unwrap();
    let server = versions["serverVersion"]["gitVersion"].as_str().unwrap();
    assert_eq!(versions["clientVersion"]["gitVersion"], server);
    assert!(server.starts_with("v1."), "{server}");
    Ok(())
}

pub(crate) async fn a_deployment_rolls_out_to_gpu_nodes(cluster: &Cluster) -> Outcome {
    cluster.add_namespace("rollout").await?;
    for name in ["gpu-1", "gpu-2"] {
        cluster.add_node(name, json!({"nvidia.com/gpu": "8"})).await?;
    }
    let _running = cluster.run_pods("rollout")?;
    let api = cluster.api();
    api.create(&deployment("rollout", "engine", 4, 4)).await?;
    let said = kubectl(cluster, "-n rollout rollout status deployment/engine --timeout=100s").await?;
    assert!(said.contains("deployment \"engine\" successfully rolled out"), "{said}");

    let pods = api.get("/api/v1/namespaces/rollout/pods").await?;
    let nodes: Vec<&str> = pods["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|pod| pod["spec"]["nodeName"].as_str().unwrap())
        .collect();
    assert_eq!(nodes.len(), 4);
    // Four times four is all that there is.
    for name in ["gpu-1", "gpu-2"] {
        assert_eq!(nodes.iter().filter(|node| **node == name).count(), 2, "{nodes:?}");
    }

    // One more has no place.
    api.patch("/apis/apps/v1/namespaces/rollout/deployments/engine", &json!({"spec": {"replicas": 5}}))
        .await?;
    let message = cluster
        .until("the fifth pod waits", || async {
            let pending =
                api.get("/api/v1/namespaces/rollout/pods?fieldSelector=status.phase=Pending").await?;
            let condition = &pending["items"][0]["status"]["conditions"][0];
            match condition["reason"] == "Unschedulable" {
                true => Ok(condition["message"].as_str().unwrap().to_owned()),
                false => Err(condition.to_string()),
            }
        })
        .await?;
    assert!(message.contains("2 Insufficient nvidia.com/gpu"), "{message}");
    api.delete("/apis/apps/v1/namespaces/rollout/deployments/engine").await?;
    // Those after this one find their own nodes only.
    for name in ["gpu-1", "gpu-2"] {
        api.delete(&format!("/api/v1/nodes/{name}")).await?;
    }
    Ok(())
}

pub(crate) async fn the_server_prints_pods_as_kubectl_does(cluster: &Cluster) -> Outcome {
    cluster.add_namespace("table").await?;
    let api = cluster.api();
    let mut crashing = pod("table", "crashing", "table-node");
    crashing["status"] = json!({
        "phase": "Running", "podIP": "10.0.0.7",
        "containerStatuses": [{
            "name": "main", "image": "i", "imageID": "i", "ready": false, "restartCount": 7,
            "state": {"waiting": {"reason": "CrashLoopBackOff"}},
        }],
    });
    api.create(&crashing).await?;
    let (names, rows) = api.table("/api/v1/namespaces/table/pods").await?;
    assert_eq!(names[..5], ["Name", "Ready", "Status", "Restarts", "Age"]);
    assert_eq!(rows.len(), 1);
    assert_eq!(rows[0][..4], ["crashing", "0/1", "CrashLoopBackOff", "7"]);
    let printed = kubectl(cluster, "-n table get pods").await?;
    assert_eq!(cells(&printed)[0][..4], rows[0][..4]);
    Ok(())
}

pub(crate) async fn rights_are_asked_for(cluster: &Cluster) -> Outcome {
    cluster.add_namespace("rights").await?;
    let pods = "/api/v1/namespaces/rights/pods";
    let user = cluster.user("jane", Some("operators"))?;
    let account = cluster.service_account("rights", "robot").await?;
    for somebody in [&user, &account] {
        let answer = somebody.api()?.send("GET", pods, "application/json", None).await?;
        assert_eq!(answer.status, 403);
        assert_eq!(answer.body["reason"], "Forbidden");
        let expected = format!("User \"{}\" cannot list resource \"pods\"", somebody.name());
        assert!(answer.text.contains(&expected.replace('"', "\\\"")), "{}", answer.text);
    }

    let api = cluster.api();
    let role = json!({
        "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role",
        "metadata": {"namespace": "rights", "name": "reader"},
        "rules": [{"apiGroups": [""], "resources": ["pods"], "verbs": ["list"]}],
    });
    api.create(&role).await?;
    let binding = json!({
        "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding",
        "metadata": {"namespace": "rights", "name": "readers"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "reader"},
        "subjects": [
            {"kind": "Group", "apiGroup": "rbac.authorization.k8s.io", "name": "operators"},
            {"kind": "ServiceAccount", "namespace": "rights", "name": "robot"},
        ],
    });
    api.create(&binding).await?;
    for somebody in [&user, &account] {
        let theirs = somebody.api()?;
        let list = cluster.until("the binding is known", || async { theirs.get(pods).await }).await?;
        assert_eq!(list["kind"], "PodList");
        assert_eq!(theirs.send("GET", "/api/v1/nodes", "application/json", None).await?.status, 403);
    }

    // The kubeconfig says the same to kubectl.
    let file = cluster.folder().join("jane.kubeconfig");
    std::fs::write(&file, user.kubeconfig()).unwrap();
    let said = kubectl(cluster, &format!("--kubeconfig={} auth whoami -o json", file.display())).await?;
    let said: Value = serde_json::from_str(&said).unwrap();
    assert_eq!(said["status"]["userInfo"]["username"], "jane");
    assert_eq!(said["status"]["userInfo"]["groups"], json!(["operators", "system:authenticated"]));
    Ok(())
}

pub(crate) async fn events_of_the_scheduler_have_no_last_timestamp(cluster: &Cluster) -> Outcome {
    cluster.add_namespace("events").await?;
    let mut homeless = pod("events", "homeless", "");
    homeless["spec"]["nodeSelector"] = json!({"nowhere": "true"});
    cluster.api().create(&homeless).await?;
    let path = "/api/v1/namespaces/events/events?fieldSelector=reason=FailedScheduling";
    let event = cluster
        .until("the scheduler says why", || async {
            let events = cluster.api().get(path).await?;
            events["items"].get(0).cloned().ok_or("no event".to_owned())
        })
        .await?;
    assert!(event["lastTimestamp"].is_null(), "{event}");
    assert!(event["eventTime"].is_string(), "{event}");
    Ok(())
}

pub(crate) async fn a_watch_begins_with_what_is_there(cluster: &Cluster) -> Outcome {
    let query = "watch=1&timeoutSeconds=1&sendInitialEvents=true&allowWatchBookmarks=true\
                 &resourceVersionMatch=NotOlderThan";
    let path = format!("/api/v1/namespaces?{query}");
    let answer = cluster.api().send("GET", &path, "application/json", None).await?;
    assert_eq!(answer.status, 200, "{}", answer.text);
    let events: Vec<Value> = answer.text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let added =
        |event: &Value| event["type"] == "ADDED" && event["object"]["metadata"]["name"] == "kube-system";
    assert!(events.iter().any(added), "{}", answer.text);
    let end = |event: &Value| {
        event["type"] == "BOOKMARK"
            && event["object"]["metadata"]["annotations"]["k8s.io/initial-events-end"] == "true"
    };
    assert!(events.iter().any(end), "{}", answer.text);
    Ok(())
}

pub(crate) async fn a_bare_server_comes_and_goes(_: &Cluster) -> Outcome {
    let binaries = Binaries::find_or_build()?.unwrap();
    let bare = Cluster::builder().start_with(&binaries).await?;
    bare.add_namespace("bare").await?;
    bare.add_node("bare-node", json!({"nvidia.com/gpu": "1"})).await?;
    let node = bare.api().get("/api/v1/nodes/bare-node").await?;
    assert_eq!(node["status"]["allocatable"]["nvidia.com/gpu"], "1");
    assert!(node["spec"]["taints"].is_null(), "{node}");
    bare.api().create(&pod("bare", "alone", "bare-node")).await?;
    let (_, rows) = bare.api().table("/api/v1/namespaces/bare/pods").await?;
    assert_eq!(rows[0][..3], ["alone", "0/1", "Pending"]);

    let address = bare.url().trim_start_matches("https://").to_owned();
    let folder = bare.folder().to_owned();
    assert!(folder.exists() && TcpStream::connect(&address).is_ok());
    drop(bare);
    assert!(!folder.exists() && TcpStream::connect(&address).is_err());
    Ok(())
}

pub(crate) async fn an_api_without_a_server_behind_it(_: &Cluster) -> Outcome {
    let binaries = Binaries::find_or_build()?.unwrap();
    let bare = Cluster::builder().start_with(&binaries).await?;
    let api = bare.api();
    api.create(&json!({
        "apiVersion": "v1", "kind": "Service", "metadata": {"namespace": "kube-system", "name": "nobody"},
        "spec": {"ports": [{"port": 443}]},
    }))
    .await?;
    api.create(&json!({
        "apiVersion": "apiregistration.k8s.io/v1", "kind": "APIService",
        "metadata": {"name": "v1beta1.metrics.k8s.io"},
        "spec": {
            "group": "metrics.k8s.io", "version": "v1beta1", "insecureSkipTLSVerify": true,
            "groupPriorityMinimum": 100, "versionPriority": 100,
            "service": {"namespace": "kube-system", "name": "nobody"},
        },
    }))
    .await?;
    let path = "/apis/apiregistration.k8s.io/v1/apiservices/v1beta1.metrics.k8s.io";
    let reason = bare
        .until("its state is known", || async {
            let condition = api.get(path).await?["status"]["conditions"][0].clone();
            match condition["status"] == "False" {
                true => Ok(condition["reason"].as_str().unwrap_or_default().to_owned()),
                false => Err(condition.to_string()),
            }
        })
        .await?;
    // With controllers, which would write down that there are none: MissingEndpoints.
    assert_eq!(reason, "EndpointsNotFound");
    let answer = api.send("GET", "/apis/metrics.k8s.io/v1beta1/nodes", "application/json", None).await?;
    assert_eq!((answer.status, answer.text.trim()), (503, "service unavailable"));
    Ok(())
}

pub(crate) async fn a_killed_process_leaves_nothing(cluster: &Cluster) -> Outcome {
    let mut serving = Command::new(env!("CARGO_BIN_EXE_bud-kubernetes-testbed"))
        .arg("serve")
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|error| error.to_string())?;
    let stdout = serving.stdout.take().unwrap();
    let line = tokio::task::spawn_blocking(|| {
        let mut line = String::new();
        BufReader::new(stdout).read_line(&mut line).map(|_| line)
    });
    let line = line.await.unwrap().unwrap();
    let file = Path::new(line.trim().strip_prefix("export KUBECONFIG=").unwrap());
    let folder = file.parent().unwrap();
    let text = std::fs::read_to_string(file).unwrap();
    let address = text.lines().find_map(|line| line.trim().strip_prefix("server: https://")).unwrap();
    assert!(TcpStream::connect(address).is_ok());

    serving.kill().unwrap();
    serving.wait().unwrap();
    cluster
        .until("all of it is gone", || async {
            if folder.exists() {
                return Err(format!("{} is there", folder.display()));
            }
            match TcpStream::connect(address) {
                Ok(_) => Err(format!("{address} answers")),
                Err(_) => Ok(()),
            }
        })
        .await?;
    // Ours is another one.
    assert!(cluster.folder().exists());
    cluster.api().get("/readyz").await.map(drop)
}
