use serde_json::{Value, json};

use super::super::testing::{ago, change, drafts, findings, node, pod, snapshot};
use crate::diagnostics::snapshot::Context;
use crate::kubernetes::PostgresPool;
use crate::report::Draft;

fn chart() -> Value {
    json!({ "app.kubernetes.io/name": "postgresql", "app.kubernetes.io/component": "primary" })
}

/// The pod of the primary, which is ready, and what is changed of it.
fn primary(namespace: &str, labels: Value, changes: Value) -> Value {
    let mut pod = pod(
        "bud-postgresql-0",
        json!({
            "/metadata/namespace": namespace, "/metadata/labels": labels,
            "/metadata/ownerReferences": [{ "kind": "StatefulSet", "name": "bud-postgresql", "controller": true }],
        }),
    );
    change(&mut pod, changes);
    pod
}

fn crash() -> Value {
    json!({
        "/status/conditions/2": { "type": "Ready", "status": "False", "lastTransitionTime": ago(600) },
        "/status/containerStatuses/0": {
            "name": "main", "ready": false, "restartCount": 7, "state": { "waiting": { "reason": "CrashLoopBackOff" } },
            "lastState": { "terminated": { "exitCode": 1, "finishedAt": ago(30) } },
        },
    })
}

fn set(namespace: &str, labels: Value, replicas: u32, ready: u32) -> Value {
    json!({
        "metadata": { "name": "bud-postgresql", "namespace": namespace, "generation": 1 },
        "spec": { "replicas": replicas, "template": { "metadata": { "labels": labels } } },
        "status": { "observedGeneration": 1, "replicas": replicas, "readyReplicas": ready, "availableReplicas": ready, "updatedReplicas": replicas },
    })
}

fn down(pods: &[Value], sets: &[Value]) -> Vec<Draft> {
    let all = drafts(json!({ "pods": pods, "statefulsets": sets, "nodes": [node("n1", json!({}))] }));
    all.into_iter().filter(|draft| draft.code == "PG_DOWN").collect()
}

#[test]
fn a_primary_without_a_ready_pod_is_down() {
    for namespace in ["bud-system", "bud-data"] {
        for labels in [chart(), json!({ "app": "postgresql" })] {
            let told =
                down(&[primary(namespace, labels.clone(), crash())], &[set(namespace, labels.clone(), 1, 0)]);
            assert_eq!(told.len(), 1, "{labels}");
            let subject = &told[0].subject;
            assert_eq!(
                (told[0].severity.as_str(), subject.kind.as_str(), subject.name.as_str()),
                ("CRITICAL", "StatefulSet", "bud-postgresql")
            );
            assert_eq!(told[0].title, "PostgreSQL is down: of 1 pod none is ready");
            assert_eq!(
                down(&[primary(namespace, labels.clone(), json!({}))], &[set(namespace, labels, 1, 1)]).len(),
                0
            );
        }
    }
    let titles = |pods: &[Value], sets: &[Value]| {
        down(pods, sets).into_iter().map(|draft| draft.title).collect::<Vec<_>>()
    };
    assert_eq!(titles(&[], &[set("bud-data", chart(), 1, 0)]), ["PostgreSQL is down: it has no pod"]);
    assert_eq!(titles(&[], &[set("bud-data", chart(), 0, 0)]), ["PostgreSQL is down: it is scaled to zero"]);
    // Its pods could not be read, and it says that it is up.
    assert_eq!(down(&[], &[set("bud-data", chart(), 1, 1)]).len(), 0);
}

#[test]
fn a_primary_that_is_started_again_has_a_minute() {
    let since = |seconds: u64| {
        let mut pod = primary("bud-data", chart(), crash());
        change(&mut pod, json!({ "/status/conditions/2/lastTransitionTime": ago(seconds) }));
        down(&[pod], &[set("bud-data", chart(), 1, 0)]).len()
    };
    assert_eq!((since(60), since(61)), (0, 1));
    let mut new = primary("bud-data", chart(), crash());
    change(&mut new, json!({ "/metadata/creationTimestamp": ago(50) }));
    assert!(down(&[new], &[]).is_empty());
}

#[test]
fn its_pods_are_the_cause() {
    let objects = json!({
        "pods": [primary("bud-system", chart(), crash())], "statefulsets": [set("bud-system", chart(), 1, 0)],
        "nodes": [node("n1", json!({}))],
    });
    let findings = findings(objects);
    let the = |code: &str| findings.iter().find(|finding| finding.code == code).unwrap();
    assert_eq!(the("PG_DOWN").caused_by.as_deref(), Some(the("POD_CRASHLOOP").fingerprint.as_str()));
}

#[test]
fn other_databases_and_replicas_are_let_be() {
    let labels = json!({ "app.kubernetes.io/name": "postgresql", "app.kubernetes.io/component": "read", "app": "postgresql" });
    let mut replica = primary("bud-system", labels, crash());
    change(
        &mut replica,
        json!({ "/metadata/name": "bud-postgresql-read-0", "/metadata/ownerReferences/0/name": "bud-postgresql-read" }),
    );
    assert_eq!(down(&[primary("bud-system", chart(), json!({})), replica], &[]).len(), 0);
    assert_eq!(down(&[primary("elsewhere", chart(), crash())], &[]).len(), 0);
    assert_eq!(down(&[primary("bud-system", json!({ "app": "web" }), crash())], &[]).len(), 0);
    assert_eq!(down(&[], &[]).len(), 0);
    // One of two is enough; what has ended is none.
    let mut other = primary("bud-system", chart(), crash());
    change(&mut other, json!({ "/metadata/name": "bud-postgresql-1" }));
    assert_eq!(down(&[primary("bud-system", chart(), json!({})), other], &[]).len(), 0);
    assert_eq!(
        down(
            &[primary(
                "bud-system",
                chart(),
                json!({ "/status": { "phase": "Failed", "reason": "Evicted" } })
            )],
            &[]
        )
        .len(),
        0
    );
}

/// What is said of these connections, of a hundred.
fn of(connections: u32, oldest: f64, idle_long: u32) -> Vec<(&'static str, String, String)> {
    let pool = PostgresPool {
        pod: "bud-postgresql-0".to_owned(),
        connections,
        most: 100,
        used_percent: f64::from(connections),
        active: 3,
        idle: connections.saturating_sub(3),
        idle_in_transaction: idle_long,
        idle_in_transaction_long: idle_long,
        waiting_for_lock: 0,
        oldest_transaction: oldest,
        is_replica: false,
    };
    let mut snapshot = snapshot(json!({ "pods": [primary("bud-data", chart(), json!({}))] }));
    snapshot.postgres.push(("bud-data".to_owned(), pool));
    let drafts = super::super::find(&Context::of(&snapshot));
    drafts.into_iter().map(|draft| (draft.code, draft.severity.to_string(), draft.title)).collect()
}

#[test]
fn connections_and_transactions_have_bounds() {
    let told = |code, severity: &str, title: &str| vec![(code, severity.to_owned(), title.to_owned())];
    assert_eq!(of(40, 12.0, 0), []);
    assert_eq!(of(80, 900.0, 0), []);
    assert_eq!(of(81, 0.0, 0), told("PG_CONNECTIONS", "WARNING", "81 of 100 connections are in use (81 %)"));
    assert_eq!(of(96, 0.0, 0), told("PG_CONNECTIONS", "CRITICAL", "96 of 100 connections are in use (96 %)"));
    assert_eq!(of(40, 1200.0, 0), told("PG_LONG_TX", "WARNING", "a transaction is open for 20 minutes"));
    let waited = "1 connection has waited within a transaction for more than 5 minutes";
    assert_eq!(of(40, 400.0, 1), told("PG_LONG_TX", "WARNING", waited));
}
