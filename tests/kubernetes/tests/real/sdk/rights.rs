//! The roles that the crate ships: with them everything works, without one exactly its part does not, and says which right it
//! lacks.

use bud_kubernetes_testbed::{Binaries, Cluster as Bed, ExecScript, Identity, Outcome};
use bud_sdk::kubernetes::{Cluster, Namespaces};
use bud_sdk::report::Unavailable;
use bud_sdk::{Error, ErrorKind};
use serde_json::{Value, json};

use super::{sdk_as, told};
use crate::objects::{deployment, kubectl, offer, running_pod, set};

const RBAC: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../bud-sdk/rbac");

/// Every call that reads, by name, and how it went.
async fn reads(cluster: &Cluster) -> Vec<(&'static str, Result<(), Error>)> {
    let here = || Namespaces::one("roles");
    let done = |result: Result<(), Error>| result;
    vec![
        ("nodes", done(cluster.nodes().await.map(drop))),
        ("gpus", done(cluster.gpus().await.map(drop))),
        ("pods", done(cluster.pods(here()).await.map(drop))),
        ("events", done(cluster.events(here()).await.map(drop))),
        ("services", done(cluster.services(here()).await.map(drop))),
        ("deployments", done(cluster.deployments(here()).await.map(drop))),
        ("rollout", done(cluster.rollout("roles", "app").await.map(drop))),
        ("rollout of a stateful set", done(cluster.rollout("roles", "statefulset/db").await.map(drop))),
        ("rollout of a daemon set", done(cluster.rollout("roles", "daemonset/agent").await.map(drop))),
        ("dapr", done(cluster.dapr(here()).await.map(drop))),
        ("engine_pods", done(cluster.engine_pods().await.map(drop))),
        ("top_pods", done(cluster.top_pods(here()).await.map(drop))),
        ("top_nodes", done(cluster.top_nodes().await.map(drop))),
        ("certificates", done(cluster.certificates(here()).await.map(drop))),
    ]
}

/// What does not work without the right to this, and how that right is called.
const PARTS: [(&str, &str, &[&str]); 13] = [
    ("", "nodes", &["nodes", "gpus", "top_nodes"]),
    ("", "pods", &["gpus", "pods", "dapr", "engine_pods"]),
    ("", "events", &["events"]),
    ("", "services", &["services"]),
    ("apps", "deployments", &["deployments", "rollout", "dapr"]),
    ("apps", "statefulsets", &["rollout of a stateful set", "dapr"]),
    ("apps", "daemonsets", &["rollout of a daemon set"]),
    ("discovery.k8s.io", "endpointslices", &["services"]),
    ("resource.k8s.io", "resourceslices", &["gpus"]),
    ("resource.k8s.io", "resourceclaims", &["gpus"]),
    ("metrics.k8s.io", "pods", &["top_pods"]),
    ("metrics.k8s.io", "nodes", &["top_nodes"]),
    ("cert-manager.io", "certificates", &["certificates"]),
];

async fn shipped(bed: &Bed, file: &str) -> Outcome<Vec<Value>> {
    let printed = kubectl(bed, &format!("create --dry-run=client -o json -f {RBAC}/{file}")).await?;
    let read = serde_json::Deserializer::from_str(&printed).into_iter::<Value>();
    let mut roles = Vec::new();
    for role in read {
        let role = role.map_err(|error| error.to_string())?;
        match role["items"].as_array() {
            Some(items) => roles.extend(items.iter().cloned()),
            None => roles.push(role),
        }
    }
    Ok(roles)
}

async fn bind(bed: &Bed, role: &Value, name: &str, to: &Identity, namespace: Option<&str>) -> Outcome {
    let mut role = role.clone();
    role["metadata"] = json!({ "name": name });
    bed.api().create(&role).await?;
    let (kind, metadata) = match namespace {
        None => ("ClusterRoleBinding", json!({ "name": name })),
        Some(namespace) => ("RoleBinding", json!({ "name": name, "namespace": namespace })),
    };
    let binding = json!({
        "apiVersion": "rbac.authorization.k8s.io/v1", "kind": kind, "metadata": metadata,
        "roleRef": { "apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": name },
        "subjects": [{ "apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": to.name() }],
    });
    bed.api().create(&binding).await.map(drop)
}

/// The role without one resource of one group.
fn without(role: &Value, group: &str, resource: &str) -> Value {
    let mut role = role.clone();
    for rule in role["rules"].as_array_mut().unwrap() {
        if rule["apiGroups"][0] == group {
            rule["resources"].as_array_mut().unwrap().retain(|known| known != resource);
        }
    }
    role["rules"]
        .as_array_mut()
        .unwrap()
        .retain(|rule| rule["resources"].as_array().is_some_and(|all| !all.is_empty()));
    role
}

pub(crate) async fn the_shipped_roles_are_enough_and_each_is_needed(_: &Bed) -> Outcome {
    // A cluster of its own, in which everything is installed: what is not would need no right.
    let bed = &Bed::builder().start_with(&Binaries::find_or_build()?.unwrap()).await?;
    bed.add_namespace("roles").await?;
    bed.add_metrics().await?;
    bed.add_certificates().await?;
    for object in [
        deployment("roles", "app", 0, 1),
        set("StatefulSet", "roles", "db", "nowhere"),
        set("DaemonSet", "roles", "agent", "nowhere"),
        offer("nowhere", 1, 1),
    ] {
        bed.api().create(&object).await?;
    }
    let role = shipped(bed, "cluster-role.yaml").await?.remove(0);
    let reader = bed.user("roles-reader", None)?;
    let cluster = sdk_as(bed, &reader).await?;
    for (name, outcome) in reads(&cluster).await {
        let error = outcome.expect_err(name);
        assert_eq!(error.kind(), ErrorKind::PermissionDenied, "{name}: {error}");
    }
    bind(bed, &role, "roles-reader", &reader, None).await?;
    bed.until("everything works", || async {
        let mut outcomes = reads(&cluster).await.into_iter();
        outcomes
            .find_map(|(name, outcome)| outcome.err().map(|error| format!("{name}: {error}")))
            .map_or(Ok(()), Err)
    })
    .await?;

    for (at, (group, resource, parts)) in PARTS.iter().enumerate() {
        let name = format!("roles-without-{at}");
        let cluster = limited(bed, &name, &without(&role, group, resource)).await?;
        bed.until(&format!("without {resource} of {group:?}"), || async {
            let mut denied = Vec::new();
            for (name, outcome) in reads(&cluster).await {
                let Err(error) = outcome else { continue };
                let missing = error.required_permission().unwrap_or_default();
                let right = ["list", "get"].map(|verb| format!("{verb} {resource} in"));
                if !right.iter().any(|right| missing.starts_with(right)) {
                    return Err(format!("{name}: {error}"));
                }
                denied.push(name);
            }
            if denied == *parts { Ok(()) } else { Err(format!("{denied:?}")) }
        })
        .await?;
    }

    a_report_names_each_right_that_it_misses(bed, &role, &cluster).await?;

    // Why a metrics API is dead is read where that is allowed, and missed without a word where it is not.
    let path = "/apis/apiregistration.k8s.io/v1/apiservices/v1beta1.metrics.k8s.io";
    let nobody = json!({ "namespace": "roles", "name": "nobody", "port": 443 });
    bed.api().patch(path, &json!({ "spec": { "service": nobody } })).await?;
    let blind = without(&role, "apiregistration.k8s.io", "apiservices");
    let unaware = limited(bed, "roles-without-apiservices", &blind).await?;
    for (cluster, why) in [(&cluster, "ServiceNotFound"), (&unaware, "the cluster does not say why")] {
        bed.until(why, || async {
            let error = cluster.top_pods("roles").await.err().ok_or("it answers")?;
            let hint = error.hint().unwrap_or_default();
            let told = error.kind() == ErrorKind::Server && hint.starts_with(why);
            if told { Ok(()) } else { Err(error.to_string()) }
        })
        .await?;
    }
    Ok(())
}

/// What of a report is not read without the right to this.
const SECTIONS: [(&str, &str, &[&str]); 15] = [
    ("", "nodes", &["gpus", "nodes"]),
    ("", "pods", &["dapr", "engines", "gpus", "pods"]),
    ("", "events", &["events"]),
    ("", "services", &["services"]),
    ("", "persistentvolumeclaims", &["volumes"]),
    ("apps", "deployments", &["dapr", "workloads"]),
    ("apps", "statefulsets", &["dapr", "workloads"]),
    ("apps", "daemonsets", &["dapr", "workloads"]),
    ("batch", "jobs", &["jobs"]),
    ("autoscaling", "horizontalpodautoscalers", &["autoscalers"]),
    ("storage.k8s.io", "storageclasses", &["volumes"]),
    ("coordination.k8s.io", "leases", &["leases"]),
    ("discovery.k8s.io", "endpointslices", &["services"]),
    ("metrics.k8s.io", "nodes", &["metrics"]),
    ("cert-manager.io", "certificates", &["certificates"]),
];

async fn a_report_names_each_right_that_it_misses(bed: &Bed, role: &Value, reader: &Cluster) -> Outcome {
    let unread = async |cluster: &Cluster| -> Outcome<Vec<(String, String)>> {
        let report = told(cluster.report().await)?;
        let missing = report.sections.into_iter().filter(|section| {
            section.reason.as_ref().is_some_and(|reason| **reason == Unavailable::Forbidden)
        });
        Ok(missing.map(|section| (section.name, section.missing_permission.unwrap_or_default())).collect())
    };
    assert_eq!(unread(reader).await?, [], "the shipped role is enough");
    for (at, (group, resource, sections)) in SECTIONS.iter().enumerate() {
        let name = format!("report-without-{at}");
        let cluster = limited(bed, &name, &without(role, group, resource)).await?;
        bed.until(&format!("a report without {resource} of {group:?}"), || async {
            let unread = unread(&cluster).await?;
            let names: Vec<&str> = unread.iter().map(|(name, _)| name.as_str()).collect();
            let named = unread.iter().all(|(_, right)| right.starts_with(&format!("list {resource} in")));
            if names == *sections && named { Ok(()) } else { Err(format!("{unread:?}")) }
        })
        .await?;
    }
    Ok(())
}

/// The SDK as somebody with this role alone.
async fn limited(bed: &Bed, name: &str, role: &Value) -> Outcome<Cluster> {
    let somebody = bed.user(name, None)?;
    bind(bed, role, name, &somebody, None).await?;
    sdk_as(bed, &somebody).await
}

pub(crate) async fn logs_commands_and_restarts_take_rights_of_their_own(bed: &Bed) -> Outcome {
    running_pod(bed, "opt-in").await?;
    bed.api().create(&deployment("opt-in", "app", 0, 1)).await?;
    for (kind, name) in [("StatefulSet", "db"), ("DaemonSet", "agent")] {
        bed.api().create(&set(kind, "opt-in", name, "nowhere")).await?;
    }
    bed.kubelet().log("opt-in", "pod", "main").write("hello\n");
    bed.kubelet().on_exec("opt-in", |_| ExecScript::exit(0));
    let reader = bed.user("opt-in-reader", None)?;
    let role = shipped(bed, "cluster-role.yaml").await?.remove(0);
    bind(bed, &role, "opt-in-reader", &reader, None).await?;
    let cluster = sdk_as(bed, &reader).await?;
    let tried = async || {
        [
            ("get pods/log", cluster.logs("opt-in", "pod/pod").await.map(drop)),
            ("create pods/exec", cluster.exec("opt-in", "pod/pod", ["true"]).await.map(drop)),
            ("patch deployments", cluster.restart("opt-in", "app").await.map(drop)),
            ("patch statefulsets", cluster.restart("opt-in", "statefulset/db").await.map(drop)),
            ("patch daemonsets", cluster.restart("opt-in", "daemonset/agent").await.map(drop)),
        ]
    };
    bed.until("reading works", || async { super::told(cluster.pods("opt-in").await) }).await?;
    for (right, outcome) in tried().await {
        let error = outcome.expect_err(right);
        assert_eq!(error.kind(), ErrorKind::PermissionDenied, "{error}");
        assert_eq!(
            error.required_permission(),
            Some(format!("{right} in namespace opt-in").as_str()),
            "{error}"
        );
    }
    for role in shipped(bed, "roles.yaml").await? {
        let name = format!("opt-in-{}", role["metadata"]["name"].as_str().unwrap());
        bind(bed, &role, &name, &reader, Some("opt-in")).await?;
    }
    bed.until("all of it works", || async {
        tried()
            .await
            .into_iter()
            .find_map(|(right, outcome)| outcome.err().map(|error| format!("{right}: {error}")))
            .map_or(Ok(()), Err)
    })
    .await
}
