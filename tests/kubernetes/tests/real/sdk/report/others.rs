//! What the platform itself is made of: certificates, Dapr, PostgreSQL, and what commands in containers tell.

use bud_kubernetes_testbed::{Cluster as Bed, ExecScript, Outcome};
use serde_json::{Value, json};

use super::{Case, Old, ago, container, named, pod, running, said, told, up, well};
use crate::sdk::connected;

pub(super) const CASES: &[Case] = &[
    ("CERT_EXPIRED", ("Certificate", "over"), ("Certificate", "good")),
    ("CERT_EXPIRING", ("Certificate", "ends"), ("Certificate", "good")),
    ("CERT_NOT_READY", ("Certificate", "refused"), ("Certificate", "good")),
    ("CERT_RENEWAL_FAILING", ("Certificate", "overdue"), ("Certificate", "good")),
    ("DAPR_CP_DOWN", ("DaprComponent", "dapr-sentry"), ("DaprComponent", "dapr-operator")),
    ("DAPR_SIDECAR_MISSING", ("Pod", "alone"), ("Pod", "attended")),
    ("DAPR_SIDECAR_NOT_READY", ("DaprSidecar", "deaf"), ("DaprSidecar", "attended")),
    ("DAPR_VERSION_SKEW", ("DaprSidecar", "old"), ("DaprSidecar", "attended")),
    ("PG_DOWN", ("Pod", "pg-down"), ("Pod", "pg-well")),
];

/// What takes commands in containers, which are asked for.
pub(super) const BY_COMMANDS: &[Case] = &[
    ("PG_CONNECTIONS", ("Pod", "pg-busy"), ("Pod", "pg-well")),
    ("PG_LONG_TX", ("Pod", "pg-busy"), ("Pod", "pg-well")),
    ("VLLM_GPU_IDLE", ("Pod", "model-idle"), ("Pod", "model-busy")),
];

const MODELS: &str = "bud-models-0a1b2c3d";
const APPS: &str = "bud-system";
/// A server of PostgreSQL in each, for a report asks one of each namespace of the platform.
const DATABASES: [&str; 3] = ["pg-well", "pg-down", "pg-busy"];

async fn certificates(old: &Old) -> Outcome {
    const DAY: i64 = 86_400;
    let ready = || said("Ready", "True", "Ready", "Certificate is up to date and has not expired");
    let dates = |ends: i64, renewal: i64, ready: Value| {
        json!({
            "notBefore": ago(DAY * 90 - ends), "notAfter": ago(-ends), "renewalTime": ago(-renewal), "conditions": [ready],
        })
    };
    for (name, status) in [
        ("good", dates(60 * DAY, 30 * DAY, ready())),
        ("over", dates(-DAY, -31 * DAY, ready())),
        ("ends", dates(2 * DAY, -28 * DAY, ready())),
        ("overdue", dates(29 * DAY, -7200, ready())),
        ("refused", json!({ "conditions": [said("Ready", "False", "DoesNotExist", "issuer not found")] })),
    ] {
        old.create(json!({
            "apiVersion": "cert-manager.io/v1", "kind": "Certificate", "metadata": { "namespace": APPS, "name": name },
            "spec": { "secretName": name, "issuerRef": { "kind": "ClusterIssuer", "name": "letsencrypt" } },
            "status": status,
        }))
        .await?;
    }
    Ok(())
}

async fn dapr(old: &Old) -> Outcome {
    let none = || json!({});
    for (name, up) in [("dapr-operator", true), ("dapr-sentry", false), ("dapr-sidecar-injector", true)] {
        let status = if up { well() } else { running(false, container(false, 0, super::up(1200), none())) };
        let mut part = pod("dapr-system", name, "node", status);
        part["spec"]["containers"][0]["image"] = "registry.example/dapr/part:1.15.2".into();
        old.create(part).await?;
    }
    for (name, sidecar, ready) in [
        ("attended", "1.15.2", true),
        ("deaf", "1.15.2", false),
        ("old", "1.12.0", true),
        ("alone", "", true),
    ] {
        let mut status = running(ready, container(true, 0, up(1200), none()));
        let mut app = pod(APPS, name, "node", none());
        app["metadata"]["annotations"] = json!({ "dapr.io/enabled": "true", "dapr.io/app-id": name });
        if !sidecar.is_empty() {
            let daprd = json!({ "name": "daprd", "image": format!("registry.example/dapr/daprd:{sidecar}") });
            app["spec"]["containers"].as_array_mut().unwrap().push(daprd);
            let state = named("daprd", ready, 0, up(1200), none());
            status["containerStatuses"].as_array_mut().unwrap().push(state);
        }
        app["status"] = status;
        old.create(app).await?;
    }
    Ok(())
}

async fn databases(old: &Old) -> Outcome {
    for name in DATABASES {
        old.bed.add_namespace(name).await?;
        let ready = name != "pg-down";
        let mut database = pod(name, name, "node", running(ready, container(ready, 0, up(1200), json!({}))));
        database["metadata"]["labels"] =
            json!({ "app.kubernetes.io/name": "postgresql", "app.kubernetes.io/component": "primary" });
        old.create(database).await?;
        let busy = name == "pg-busy";
        old.bed.kubelet().on_exec(name, move |_| {
            ExecScript::exit(0).stdout(if busy {
                "90|3|80|7|2|2|1812.5|100|3|f\n"
            } else {
                "9|3|6|0|0|0|0.5|100|3|f\n"
            })
        });
    }
    Ok(())
}

async fn models(old: &Old) -> Outcome {
    for name in ["model-idle", "model-busy"] {
        let mut model = pod(MODELS, name, "node", well());
        model["spec"]["containers"][0]["resources"] = json!({ "limits": { "nvidia.com/gpu": "1" } });
        old.create(model).await?;
    }
    old.bed.kubelet().on_exec(MODELS, |request| {
        let used = if request.pod == "model-idle" { 0 } else { 97 };
        ExecScript::exit(0)
            .stdout(format!("0, GPU-1, NVIDIA H100, {used}, 61, 70123, 81559, 64, 612.33, [N/A]\n"))
    });
    Ok(())
}

pub(crate) async fn what_is_planted_of_the_platform(_: &Bed) -> Outcome {
    let old = Old::start().await?;
    for namespace in [MODELS, APPS, "dapr-system"] {
        old.bed.add_namespace(namespace).await?;
    }
    old.node("node", json!({ "nvidia.com/gpu": "2" }), vec![]).await?;
    old.bed.add_certificates().await?;
    certificates(&old).await?;
    dapr(&old).await?;
    databases(&old).await?;
    models(&old).await?;
    let platform = || DATABASES.into_iter().chain([APPS, "dapr-system"]);
    old.compare(&told(old.sdk.report().platform(platform()).await)?, CASES);
    // Nothing of it is known without the commands, which none has run.
    assert!(DATABASES.iter().all(|name| old.bed.kubelet().execs(name).is_empty()));
    let report = told(old.sdk.report().platform(platform()).with_commands().await)?;
    old.compare(&report, CASES);
    old.compare(&report, BY_COMMANDS);
    Ok(())
}

pub(crate) async fn what_may_not_be_read_is_told(bed: &Bed) -> Outcome {
    let unread = |report: &bud_sdk::report::Report| {
        report
            .findings
            .iter()
            .any(|finding| finding.code == "SECTION_UNAVAILABLE" && finding.subject.name == "pods")
    };
    let nobody = bed.user("report-nobody", None)?;
    let blind = told(crate::sdk::sdk_as(bed, &nobody).await?.report().await)?;
    assert!(unread(&blind), "{}", blind.to_json());
    let pods = blind.sections.iter().find(|section| section.name == "pods").unwrap();
    assert_eq!(pods.missing_permission.as_deref().map(|right| right.starts_with("list pods")), Some(true));
    assert_eq!(blind.verdict.to_string(), "UNKNOWN");
    let admin = bud_sdk::kubernetes::Cluster::builder().kubeconfig(bed.kubeconfig());
    assert!(!unread(&told(connected(admin).await?.report().only(["default"]).await)?));
    Ok(())
}
