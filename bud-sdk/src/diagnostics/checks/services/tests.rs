use serde_json::{Value, json};

use super::super::find;
use super::super::testing::{
    ago, change, codes, deployment, drafts, findings, found, node, now, pod, snapshot, warning,
};
use crate::diagnostics::snapshot::Context;
use crate::report::{Draft, Finding, Severity, Subject, assemble};

fn service(name: &str, changes: Value) -> Value {
    let mut service = json!({
        "metadata": { "name": name, "namespace": "bud-system", "creationTimestamp": ago(86_400) },
        "spec": { "type": "ClusterIP", "clusterIP": "10.0.0.1", "selector": { "app": name } },
    });
    change(&mut service, changes);
    service
}

fn slice(service: &str, ready: &[bool]) -> Value {
    let endpoint = |ready: &bool| json!({ "addresses": ["10.1.0.1"], "conditions": { "ready": ready } });
    json!({
        "metadata": { "name": format!("{service}-x"), "namespace": "bud-system", "labels": { "kubernetes.io/service-name": service } },
        "endpoints": ready.iter().map(endpoint).collect::<Vec<_>>(),
    })
}

fn one(code: &str, severity: &str, name: &str) -> Vec<(String, String, String)> {
    vec![(code.to_owned(), severity.to_owned(), name.to_owned())]
}

#[test]
fn a_service_that_selects_nothing_is_critical_in_the_platform() {
    let alone = |changes: Value| json!({ "services": [service("api", changes)] });
    assert_eq!(found(alone(json!({}))), one("SVC_NO_ENDPOINTS", "CRITICAL", "api"));
    assert_eq!(
        found(alone(json!({ "/metadata/namespace": "other" }))),
        one("SVC_NO_ENDPOINTS", "WARNING", "api"),
        "elsewhere it may be meant so"
    );
    assert!(codes(alone(json!({ "/metadata/creationTimestamp": ago(60) }))).is_empty(), "its first minute");
    for (what, changes) in [
        ("without a selector", json!({ "/spec/selector": {} })),
        ("a name outside", json!({ "/spec/type": "ExternalName" })),
    ] {
        assert!(codes(alone(changes)).is_empty(), "{what}");
    }
    let finding = findings(alone(json!({}))).remove(0);
    assert_eq!(finding.title, "nobody answers: no pod has the labels that it selects");
    let told: Vec<&str> = finding.evidence.iter().map(|one| one.text.as_str()).collect();
    assert_eq!(told, ["it selects app=api", "0 pods with its labels, 0 ready; 0 endpoints, none ready"]);
}

#[test]
fn endpoints_that_are_ready_or_count_anyway_are_enough() {
    let with = |changes: Value, ready: &[bool]| {
        codes(json!({ "services": [service("api", changes)], "endpointslices": [slice("api", ready)] }))
    };
    assert!(with(json!({}), &[false, true]).is_empty());
    assert_eq!(with(json!({}), &[false]), ["SVC_NO_ENDPOINTS"]);
    let unready_too = json!({ "/spec/publishNotReadyAddresses": true });
    assert!(with(unready_too.clone(), &[false]).is_empty());
    assert_eq!(with(unready_too, &[]), ["SVC_NO_ENDPOINTS"]);
}

#[test]
fn what_was_not_read_is_not_missing() {
    for section in ["services", "pods"] {
        let mut snapshot = snapshot(json!({ "services": [service("api", json!({}))] }));
        snapshot.sections.0.remove(section);
        assert!(find(&Context::of(&snapshot)).is_empty(), "{section}");
    }
}

#[test]
fn scaled_to_zero_on_purpose_is_no_fault_of_the_service() {
    let zero = deployment("api", 0, json!({ "/metadata/namespace": "other" }));
    let objects = json!({ "services": [service("api", json!({ "/metadata/namespace": "other" }))], "deployments": [zero] });
    let service = findings(objects).into_iter().find(|finding| finding.code == "SVC_NO_ENDPOINTS").unwrap();
    assert_eq!(
        (service.severity.as_str(), service.title.as_str()),
        ("INFO", "nobody answers: api is scaled to zero")
    );
}

#[test]
fn the_workload_behind_it_explains_it_with_pods_and_without() {
    let down = || {
        deployment(
            "web",
            1,
            json!({
                "/status/readyReplicas": 0, "/status/availableReplicas": 0,
                "/status/conditions/0/status": "False", "/status/conditions/0/lastTransitionTime": ago(90),
            }),
        )
    };
    let unready = json!({
        "/status/conditions/2/status": "False", "/status/conditions/2/lastTransitionTime": ago(90),
        "/status/containerStatuses/0/ready": false,
    });
    for pods in [json!([]), json!([pod("web-5d9f-a", unready)])] {
        let objects =
            json!({ "services": [service("web", json!({}))], "deployments": [down()], "pods": pods });
        let findings = findings(objects);
        let of = |code: &str| findings.iter().find(|finding| finding.code == code).unwrap();
        assert_eq!(of("SVC_NO_ENDPOINTS").caused_by.as_ref(), Some(&of("DEP_DEGRADED").fingerprint));
        let expected = if pods == json!([]) {
            "nobody answers: web has no pods"
        } else {
            "nobody answers: its only pod is not ready"
        };
        assert_eq!(of("SVC_NO_ENDPOINTS").title, expected);
    }
}

#[test]
fn what_is_behind_it_has_a_minute_to_come_up() {
    let empty = |changes: Value| {
        let objects =
            json!({ "services": [service("web", json!({}))], "pods": [pod("web-5d9f-a", changes)] });
        codes(objects).contains(&"SVC_NO_ENDPOINTS".to_owned())
    };
    let unready = |seconds: u64| {
        json!({
            "/status/conditions/2": { "type": "Ready", "status": "False", "lastTransitionTime": ago(seconds) },
            "/status/containerStatuses/0/ready": false,
        })
    };
    assert!(!empty(unready(60)));
    assert!(empty(unready(61)));
    assert!(!empty(json!({ "/metadata/creationTimestamp": ago(30) })), "it was just made");
    let deleted = |seconds: u64| {
        let end = (now() + std::time::Duration::from_secs(30) - std::time::Duration::from_secs(seconds))
            .to_string();
        json!({ "/metadata/deletionTimestamp": end, "/metadata/deletionGracePeriodSeconds": 30 })
    };
    assert!(!empty(deleted(20)), "another is made when it is gone");
    assert!(empty(deleted(61)));
    // Without pods, what should make them tells.
    let with = |seconds: u64| {
        let none = json!({
            "/status/readyReplicas": 0, "/status/availableReplicas": 0, "/status/conditions/0/status": "False",
            "/status/conditions/0/lastTransitionTime": ago(seconds),
        });
        let objects =
            json!({ "services": [service("web", json!({}))], "deployments": [deployment("web", 1, none)] });
        codes(objects).contains(&"SVC_NO_ENDPOINTS".to_owned())
    };
    assert!(!with(60));
    assert!(with(61));
}

#[test]
fn a_first_rollout_that_goes_on_is_a_warning() {
    let severity = |available: u64, reason: &str| {
        let first = deployment(
            "web",
            1,
            json!({
                "/metadata/creationTimestamp": ago(300),
                "/status/readyReplicas": 0, "/status/availableReplicas": 0,
                "/status/conditions/0": { "type": "Available", "status": "False", "lastTransitionTime": ago(available) },
                "/status/conditions/1/reason": reason,
            }),
        );
        let loads = json!({
            "/metadata/creationTimestamp": ago(299),
            "/status/conditions/2": { "type": "Ready", "status": "False", "lastTransitionTime": ago(298) },
            "/status/containerStatuses/0/ready": false,
        });
        let drafts = drafts(json!({
            "services": [service("web", json!({}))], "deployments": [first], "pods": [pod("web-5d9f-a", loads)],
        }));
        let found = drafts.iter().find(|draft| draft.code == "SVC_NO_ENDPOINTS").unwrap();
        found.severity.to_string()
    };
    assert_eq!(severity(299, "ReplicaSetUpdated"), "WARNING");
    assert_eq!(severity(120, "ReplicaSetUpdated"), "CRITICAL", "it was available before");
    assert_eq!(severity(299, "NewReplicaSetAvailable"), "CRITICAL", "nothing is under way");
}

#[test]
fn pods_that_are_ready_and_are_no_endpoints_are_told_so() {
    let objects = json!({ "services": [service("web", json!({}))], "pods": [pod("web-5d9f-a", json!({}))] });
    let finding = findings(objects).remove(0);
    assert_eq!(finding.title, "nobody answers: its pods are ready, but they are not among its endpoints");
}

#[test]
fn an_address_outside_is_waited_for_five_minutes() {
    let balancer = |age: u64, ingress: Value| {
        let changes = json!({
            "/spec/type": "LoadBalancer", "/metadata/creationTimestamp": ago(age), "/status/loadBalancer/ingress": ingress,
        });
        let message = "Error syncing load balancer: no quota";
        json!({
            "services": [service("api", changes)], "endpointslices": [slice("api", &[true])],
            "events": [warning("Service", "api", "", "SyncLoadBalancerFailed", message, 30)],
        })
    };
    let finding = findings(balancer(301, json!([]))).remove(0);
    assert_eq!((finding.code.as_str(), finding.severity.as_str()), ("SVC_LB_PENDING", "WARNING"));
    assert_eq!(finding.evidence[0].text, "Error syncing load balancer: no quota");
    assert!(codes(balancer(300, json!([]))).is_empty());
    assert!(codes(balancer(301, json!([{ "ip": "1.2.3.4" }]))).is_empty());
}

/// Twelve pods of three deployments on a node that is down, and two services before them.
fn node_down() -> Value {
    let (mut pods, mut deployments) = (Vec::new(), Vec::new());
    for name in ["a", "b", "c"] {
        deployments.push(deployment(
            name,
            4,
            json!({
                "/status/readyReplicas": 0, "/status/availableReplicas": 0,
                "/status/conditions/0/status": "False", "/status/conditions/0/lastTransitionTime": ago(120),
            }),
        ));
        for number in 0..4 {
            pods.push(pod(
                &format!("{name}-5d9f-{number}"),
                json!({
                    "/metadata/labels/app": name,
                    "/metadata/ownerReferences/0/name": format!("{name}-5d9f"),
                    "/spec/nodeName": "n7",
                    "/status/conditions/2/status": "False", "/status/conditions/2/lastTransitionTime": ago(120),
                    "/status/containerStatuses/0/ready": false,
                }),
            ));
        }
    }
    let silent = json!({
        "/status/conditions/0": { "type": "Ready", "status": "Unknown", "reason": "NodeStatusUnknown", "lastTransitionTime": ago(160) },
    });
    json!({
        "nodes": [node("n1", json!({})), node("n7", silent)], "pods": pods, "deployments": deployments,
        "services": [service("a", json!({})), service("b", json!({}))],
        "endpointslices": [slice("a", &[false; 4]), slice("b", &[false; 4])],
    })
}

#[test]
fn one_node_down_is_the_one_root_of_all_that_follows() {
    let mut drafts = drafts(node_down());
    // The check of nodes says the same; what is found twice is told once.
    drafts.push(Draft::new("NODE_NOT_READY", Severity::Error, Subject::node("n7"), "it is not ready"));
    let findings = assemble(drafts);
    let roots: Vec<&Finding> = findings.iter().filter(|finding| finding.caused_by.is_none()).collect();
    assert_eq!(roots.len(), 1, "{roots:#?}");
    assert_eq!((roots[0].code.as_str(), roots[0].severity.as_str()), ("NODE_NOT_READY", "CRITICAL"));
    let count = |code: &str| findings.iter().filter(|finding| finding.code == code).count();
    assert_eq!(
        (count("POD_NOT_READY"), count("DEP_DEGRADED"), count("SVC_NO_ENDPOINTS"), findings.len()),
        (3, 3, 2, 9)
    );
    assert!(findings.iter().filter(|finding| finding.code == "POD_NOT_READY").all(|fold| fold.count == 4));
}

#[test]
fn a_healthy_cluster_of_the_usual_kind_gives_nothing_above_info() {
    let of = |kind: &str, owner: &str, name: &str, changes: Value| {
        let mut pod = pod(
            name,
            json!({
                "/metadata/ownerReferences": [{ "kind": kind, "name": owner, "controller": true }],
                "/metadata/labels": { "app": owner },
            }),
        );
        change(&mut pod, changes);
        pod
    };
    let ended = |code: i32, seconds: u64| json!({ "exitCode": code, "reason": if code == 0 { "Completed" } else { "Error" }, "finishedAt": ago(seconds) });
    let completed = json!({
        "/status/phase": "Succeeded", "/status/conditions/2/status": "False", "/status/conditions/2/reason": "PodCompleted",
        "/status/containerStatuses/0": { "name": "main", "ready": false, "restartCount": 0, "state": { "terminated": ended(0, 900) } },
        // A sidecar is ended by a signal after the work is done.
        "/spec/initContainers": [{ "name": "proxy", "restartPolicy": "Always" }],
        "/status/initContainerStatuses": [{ "name": "proxy", "ready": false, "restartCount": 0, "state": { "terminated": ended(137, 899) } }],
    });
    let sidecar = json!({
        "/spec/initContainers": [{ "name": "init" }, { "name": "proxy", "restartPolicy": "Always" }],
        "/status/initContainerStatuses": [
            { "name": "init", "ready": true, "restartCount": 0, "state": { "terminated": ended(0, 86_400) } },
            { "name": "proxy", "ready": true, "started": true, "restartCount": 0, "state": { "running": { "startedAt": ago(86_400) } } },
        ],
    });
    let restarted_long_ago = json!({
        "/status/containerStatuses/0/restartCount": 40,
        "/status/containerStatuses/0/lastState": { "terminated": ended(1, 86_401) },
    });
    let begun = json!({
        "/metadata/creationTimestamp": ago(20), "/status/conditions/2/status": "False",
        "/status/conditions/2/lastTransitionTime": ago(15), "/status/containerStatuses/0/ready": false,
    });
    let set = |name: &str| {
        deployment(
            name,
            1,
            json!({
                "/status/conditions": [], "/status/currentRevision": "r", "/status/updateRevision": "r",
                "/status/desiredNumberScheduled": 1, "/status/updatedNumberScheduled": 1, "/status/numberAvailable": 1,
                "/status/numberReady": 1,
            }),
        )
    };
    let rollout = deployment(
        "new",
        4,
        json!({
            "/status/updatedReplicas": 1, "/status/readyReplicas": 3, "/status/availableReplicas": 3,
            "/status/conditions/1/reason": "ReplicaSetUpdated", "/status/conditions/1/lastUpdateTime": ago(10),
        }),
    );
    let claim = |name: &str, phase: &str| {
        json!({
            "metadata": { "name": name, "namespace": "bud-system", "creationTimestamp": ago(7200) },
            "spec": { "storageClassName": "local" }, "status": { "phase": phase },
        })
    };
    let objects = json!({
        "nodes": [node("n1", json!({
            "/status/conditions": [
                { "type": "Ready", "status": "True", "lastTransitionTime": ago(86_400) },
                { "type": "EtcdIsVoter", "status": "True" }, { "type": "GpuHealthy", "status": "True" },
                { "type": "MemoryPressure", "status": "False" }, { "type": "KernelDeadlock", "status": "False" },
            ],
        }))],
        "leases": [{ "metadata": { "name": "n1", "namespace": "kube-node-lease" }, "spec": { "renewTime": ago(5) } }],
        "deployments": [deployment("web", 2, json!({})), rollout],
        "statefulsets": [set("db")],
        "daemonsets": [set("agent")],
        "pods": [
            pod("web-5d9f-a", sidecar), pod("web-5d9f-b", restarted_long_ago),
            of("StatefulSet", "db", "db-0", json!({ "/spec/volumes": [{ "persistentVolumeClaim": { "claimName": "data" } }] })),
            of("DaemonSet", "agent", "agent-x", json!({})),
            of("ReplicaSet", "new-77", "new-77-a", begun),
            of("Job", "migrate", "migrate-x", completed),
        ],
        "jobs": [{
            "metadata": { "name": "migrate", "namespace": "bud-system" },
            "status": { "conditions": [{ "type": "Complete", "status": "True" }, { "type": "Failed", "status": "False" }] },
        }],
        "services": [
            service("web", json!({})), service("db", json!({ "/spec/clusterIP": "None" })),
            service("outside", json!({ "/spec/type": "ExternalName", "/spec/selector": {}, "/spec/externalName": "db.example.com" })),
            service("by-hand", json!({ "/spec/selector": {} })),
            service("edge", json!({ "/spec/type": "LoadBalancer", "/spec/selector": { "app": "web" }, "/status/loadBalancer/ingress": [{ "hostname": "x" }] })),
        ],
        "endpointslices": [slice("web", &[true, true]), slice("db", &[true]), slice("edge", &[true, true])],
        "claims": [claim("data", "Bound"), claim("spare", "Pending")],
        "classes": [{ "metadata": { "name": "local" }, "volumeBindingMode": "WaitForFirstConsumer" }],
        "autoscalers": [{
            "metadata": { "name": "web", "namespace": "bud-system" },
            "spec": { "scaleTargetRef": { "kind": "Deployment", "name": "web" }, "minReplicas": 2, "maxReplicas": 5 },
            "status": { "currentReplicas": 2, "desiredReplicas": 2, "conditions": [
                { "type": "AbleToScale", "status": "True", "reason": "ReadyForNewScale" },
                { "type": "ScalingActive", "status": "True", "reason": "ValidMetricFound" },
                { "type": "ScalingLimited", "status": "True", "reason": "TooFewReplicas", "lastTransitionTime": ago(86_400) },
            ] },
        }],
        "certificates": [{
            "metadata": { "name": "web", "namespace": "bud-system" }, "spec": { "secretName": "web-tls" },
            "status": {
                "conditions": [{ "type": "Ready", "status": "True", "reason": "Ready" }],
                "notBefore": ago(86_400), "notAfter": "2026-08-29T12:00:00Z", "renewalTime": "2026-07-30T12:00:00Z",
            },
        }],
        "events": [warning("Pod", "web-5d9f-a", "uid-web-5d9f-a", "Unhealthy", "Readiness probe failed once", 86_000)],
    });
    let urgent: Vec<_> =
        found(objects.clone()).into_iter().filter(|(_, severity, _)| severity != "INFO").collect();
    assert_eq!(urgent, []);
    assert_eq!(found(objects), one("PVC_PENDING", "INFO", "spare"), "all of it was looked at");
}
