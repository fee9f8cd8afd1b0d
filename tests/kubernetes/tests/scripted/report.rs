//! Reports of clusters of our own making.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bud_kubernetes_testbed::{Objects, Scripted};
use bud_sdk::diagnostics::ReportUpdate;
use bud_sdk::kubernetes::Cluster;
use bud_sdk::report::{Finding, Report, SectionStatus, Severity, Unavailable, Verdict};

async fn serve(objects: Objects) -> (Scripted, Cluster) {
    let server = Scripted::start(objects).await.unwrap();
    let cluster = Cluster::builder().kubeconfig(server.kubeconfig()).connect().await.unwrap();
    (server, cluster)
}

fn section(report: &Report, name: &str) -> bud_sdk::report::ReportSection {
    report.sections.iter().find(|section| section.name == name).cloned().unwrap()
}

fn find<'a>(report: &'a Report, code: &str, name: &str) -> &'a Finding {
    let found = report.findings.iter().find(|finding| finding.code == code && finding.subject.name == name);
    found.unwrap_or_else(|| panic!("no {code} about {name} in {}", report.to_json()))
}

#[tokio::test]
async fn a_cluster_that_is_well_has_nothing_above_info() {
    let (server, cluster) = serve(Objects::healthy()).await;
    let report = cluster.report().await.unwrap();
    assert_eq!(report.verdict, Verdict::Healthy, "{}", report.to_json());
    assert!(report.findings.iter().all(|finding| finding.severity == Severity::Info), "{}", report.to_json());
    assert_eq!(report.exit_code(), 0);
    assert_eq!(report.version.as_deref(), Some("v1.36.3"));
    // One list of each kind, the version, and the groups of the server.
    let requests = server.requests();
    assert_eq!(requests.len(), 18, "{requests:#?}");
    assert!(requests.iter().all(|request| request.starts_with("GET ")), "nothing is changed");
    assert_eq!(*section(&report, "volume_use").reason.unwrap(), Unavailable::NotConfigured);
    assert_eq!(*section(&report, "dapr").reason.unwrap(), Unavailable::NotInstalled);
}

#[tokio::test]
async fn a_bad_day_is_told_by_its_causes() {
    let (_server, cluster) = serve(Objects::broken()).await;
    let report = cluster.report().await.unwrap();
    assert_eq!((&*report.verdict, report.exit_code()), (&Verdict::Critical, 3));

    // One node is down: twelve pods, three deployments and three services are said by it.
    let node = find(&report, "NODE_NOT_READY", "gpu-3");
    assert_eq!(node.caused_by, None);
    let effects = report.effects(node);
    let of = |code: &str| {
        effects.iter().filter(|finding| finding.code == code).map(|finding| finding.count).sum::<u32>()
    };
    assert_eq!(
        (of("POD_NOT_READY"), of("DEP_DEGRADED"), of("SVC_NO_ENDPOINTS")),
        (12, 3, 3),
        "{}",
        report.to_json()
    );
    assert_eq!(report.roots().filter(|root| root.subject.name == "gpu-3").count(), 1);

    let crash = find(&report, "POD_CRASHLOOP", "budcluster-7c9f-00001");
    let log = crash
        .evidence
        .iter()
        .find(|evidence| evidence.kind.raw() == "LOG")
        .expect("the last lines of its log");
    assert!(log.text.contains("does not exist") && log.text.contains("bud:[redacted]@"), "{}", log.text);
    assert!(!report.to_json().contains("hunter2"));
    assert_eq!(find(&report, "DEP_DEGRADED", "budcluster").caused_by.as_ref(), Some(&crash.fingerprint));
    assert!(find(&report, "POD_IMAGE_PULL", "budprompt-7c9f-00001").remedy.contains("does not exist"));

    let gpus = find(&report, "GPU_INSUFFICIENT", "nvidia.com/gpu");
    assert_eq!(gpus.caused_by, None);
    assert_eq!(
        find(&report, "POD_UNSCHEDULABLE", "qwen-235b-7c9f-00000").caused_by.as_ref(),
        Some(&gpus.fingerprint)
    );
    assert_eq!(find(&report, "CERT_EXPIRING", "bud-gateway").severity, Severity::Critical);

    // The same picture gives the same report.
    let again = cluster.report().await.unwrap();
    let findings = |report: &Report| {
        let mut report = report.clone();
        report.findings.iter_mut().for_each(|finding| finding.title.clear());
        serde_json::to_string(
            &report
                .findings
                .iter()
                .map(|finding| (&finding.fingerprint, &finding.caused_by))
                .collect::<Vec<_>>(),
        )
        .unwrap()
    };
    assert_eq!(findings(&again), findings(&report));
    let difference = again.diff(&report);
    assert!(difference.new.is_empty() && difference.resolved.is_empty());
    assert_eq!(difference.unchanged as usize, report.findings.len());
}

#[tokio::test]
async fn what_changed_is_what_is_new_and_what_is_gone() {
    let (_well, cluster) = serve(Objects::healthy()).await;
    let before = cluster.report().await.unwrap();
    let (_bad, cluster) = serve(Objects::broken()).await;
    let bad = cluster.report().await.unwrap();
    let codes =
        |findings: &[Finding]| findings.iter().map(|finding| finding.code.clone()).collect::<BTreeSet<_>>();
    let worse = bad.diff(&before);
    assert!(codes(&worse.new).contains("NODE_NOT_READY") && worse.resolved.is_empty());
    let better = before.diff(&bad);
    assert!(codes(&better.resolved).contains("NODE_NOT_READY") && better.new.is_empty());

    // What was not read keeps its own, and no other's.
    let (_less, cluster) = serve(Objects::healthy().forbid("nodes")).await;
    let better = cluster.report().await.unwrap().diff(&bad);
    assert!(codes(&better.resolved).contains("POD_CRASHLOOP"), "{:?}", codes(&better.resolved));
    assert!(!codes(&better.resolved).contains("NODE_NOT_READY"));
    // A section that could not be read has a finding of its own name.
    for check in bud_sdk::diagnostics::checks().filter(|check| check.section != "sections") {
        assert!(bad.sections.iter().any(|section| section.name == check.section), "{}", check.code);
    }
}

#[tokio::test]
async fn what_may_not_be_read_is_told_and_is_never_healthy() {
    let (server, cluster) = serve(Objects::healthy().forbid("pods").forbid("nodes")).await;
    let report = cluster.report().platform(["bud-system"]).await.unwrap();
    assert_eq!((&*report.verdict, report.exit_code()), (&Verdict::Unknown, 5), "{}", report.to_json());
    let pods = section(&report, "pods");
    assert_eq!(*pods.status, SectionStatus::Unavailable);
    assert_eq!(pods.missing_permission.as_deref(), Some("list pods in all namespaces"));
    assert!(pods.objects > 0, "those of the platform were read");
    let asked = |path: &str| server.requests().iter().filter(|request| request.contains(path)).count();
    assert_eq!((asked("/api/v1/pods?"), asked("/namespaces/bud-system/pods?")), (1, 1));
    assert_eq!(section(&report, "nodes").missing_permission.as_deref(), Some("list nodes in all namespaces"));
    assert_eq!(*section(&report, "services").status, SectionStatus::Ok, "the rest goes on");
    assert!(report.findings.iter().any(|finding| finding.code == "SECTION_UNAVAILABLE"));
}

#[tokio::test]
async fn a_server_that_knows_nothing_is_not_healthy() {
    let (_server, cluster) = serve(Objects::nothing()).await;
    let report = cluster.report().await.unwrap();
    assert_eq!((&*report.verdict, report.exit_code()), (&Verdict::Unknown, 5), "{}", report.to_json());
    for name in ["pods", "nodes", "workloads", "events", "leases", "volumes", "autoscalers"] {
        assert_eq!(*section(&report, name).reason.unwrap(), Unavailable::Error, "{name}");
    }
    for name in ["certificates", "metrics"] {
        assert_eq!(*section(&report, name).reason.unwrap(), Unavailable::NotInstalled, "{name}");
    }
}

#[tokio::test]
async fn one_namespace_that_may_not_be_read_does_not_hide_the_others() {
    let objects = || Objects::healthy().forbid("pods").forbid("bud-data/pods");
    let (_server, cluster) = serve(objects()).await;
    let platform = ["bud-data", "bud-system", "dapr-system"];
    let report = cluster.report().platform(platform).await.unwrap();
    let pods = section(&report, "pods");
    assert!(pods.objects > 0, "{pods:?}");
    assert_eq!(*pods.reason.unwrap(), Unavailable::Forbidden);
    let detail = pods.detail.unwrap();
    assert!(detail.starts_with("read was only bud-system, dapr-system: "), "{detail}");
    assert_eq!(pods.missing_permission.as_deref(), Some("list pods in namespace bud-data"));
    // Where none may be read, none is said to have been.
    let (_server, cluster) = serve(objects()).await;
    let report = cluster.report().platform(["bud-data"]).await.unwrap();
    assert!(!section(&report, "pods").detail.unwrap().contains("read was"));
    let (_server, cluster) = serve(objects()).await;
    let report = cluster.report().only(["bud-data", "bud-system"]).await.unwrap();
    let pods = section(&report, "pods");
    assert!(pods.objects > 0 && pods.detail.unwrap().starts_with("read was only bud-system: "));
}

#[tokio::test]
async fn a_namespace_in_which_nothing_is_may_be_mistyped() {
    let (_server, cluster) = serve(Objects::healthy()).await;
    let report = cluster.report().only(["bud-system", "bud-sytsem"]).await.unwrap();
    assert_eq!(report.verdict, Verdict::Unknown, "{}", report.to_json());
    let namespaces = section(&report, "namespaces");
    assert_eq!((namespaces.objects, &*namespaces.reason.unwrap()), (1, &Unavailable::Error));
    assert!(namespaces.detail.unwrap().contains("nothing is in bud-sytsem:"));
    assert!(find(&report, "SECTION_UNAVAILABLE", "namespaces").remedy.contains("kubectl get namespaces"));
    let report = cluster.report().only(["bud-system"]).await.unwrap();
    assert_eq!(report.verdict, Verdict::Healthy, "{}", report.to_json());
    let twice = ["bud-system", "bud-system"];
    assert_eq!(cluster.report().only(twice).await.unwrap_err().param(), Some("only"));
    assert_eq!(cluster.report().platform(twice).await.unwrap_err().param(), Some("platform"));
}

#[tokio::test]
async fn what_is_free_is_not_said_where_not_all_pods_were_looked_at() {
    let overview = |report: &Report| find(report, "GPU_OVERVIEW", "nvidia.com/gpu").title.clone();
    let (_server, cluster) = serve(Objects::healthy()).await;
    assert!(overview(&cluster.report().await.unwrap()).ends_with("4 asked for, 20 free"));
    let some = cluster.report().only(["bud-system"]).await.unwrap();
    assert_eq!(overview(&some), "nvidia.com/gpu: 24 on 3 nodes");
    let (_server, cluster) = serve(Objects::healthy().forbid("pods")).await;
    assert_eq!(overview(&cluster.report().await.unwrap()), "nvidia.com/gpu: 24 on 3 nodes");
}

#[tokio::test]
async fn what_a_report_asks_first_is_in_its_time_as_well() {
    let within = Duration::from_secs(3);
    let (_server, cluster) = serve(Objects::healthy().stall("version")).await;
    let started = std::time::Instant::now();
    let error = cluster.report().timeout(within).await.unwrap_err();
    assert_eq!(error.kind(), bud_sdk::ErrorKind::Timeout);
    assert!(started.elapsed() < Duration::from_secs(15), "{:?}", started.elapsed());
    let (_server, cluster) = serve(Objects::healthy().stall("apis")).await;
    let started = std::time::Instant::now();
    let report = cluster.report().timeout(within).await.unwrap();
    assert!(started.elapsed() < Duration::from_secs(15), "{:?}", started.elapsed());
    assert_eq!(*section(&report, "metrics").reason.unwrap(), Unavailable::Timeout);
    assert_eq!(*section(&report, "pods").status, SectionStatus::Ok);
}

#[tokio::test]
async fn what_stalls_is_left_out_and_the_rest_is_reported_in_time() {
    let (_server, cluster) = serve(Objects::broken().stall("events").stall("leases")).await;
    let started = std::time::Instant::now();
    let report = cluster
        .report()
        .timeout(Duration::from_secs(5))
        .section_timeout(Duration::from_secs(2))
        .await
        .unwrap();
    assert!(started.elapsed() < Duration::from_secs(50), "{:?}", started.elapsed());
    assert_eq!(*section(&report, "events").reason.unwrap(), Unavailable::Timeout);
    assert!(report.roots().any(|finding| finding.code == "NODE_NOT_READY"));
    let (_server, well) = serve(Objects::healthy().stall("events")).await;
    let report = well.report().section_timeout(Duration::from_secs(1)).await.unwrap();
    assert_eq!(report.verdict, Verdict::Unknown);
}

#[tokio::test]
async fn only_some_namespaces() {
    let (server, cluster) = serve(Objects::broken()).await;
    let report = cluster.report().only(["bud-chat-0a1b2c3d"]).without_logs().await.unwrap();
    let about = |finding: &Finding| {
        finding.subject.namespace.as_deref().is_none_or(|namespace| namespace == "bud-chat-0a1b2c3d")
    };
    assert!(report.findings.iter().all(about), "{}", report.to_json());
    assert!(!server.requests().iter().any(|request| request.contains("/api/v1/pods")));
    assert!(!server.requests().iter().any(|request| request.contains("/log?")));
    let error = cluster.report().only(["../secrets"]).await.unwrap_err();
    assert_eq!(error.param(), Some("only"));
    let error = cluster.report().timeout(Duration::ZERO).await.unwrap_err();
    assert_eq!(error.param(), Some("timeout"));
}

#[tokio::test]
async fn the_first_findings_come_before_the_last_page() {
    let (_server, cluster) = serve(Objects::broken()).await;
    let seen = Arc::new(Mutex::new(Vec::new()));
    let watched = seen.clone();
    let report =
        cluster.report().on_update(move |update| watched.lock().unwrap().push(update)).await.unwrap();
    let seen = seen.lock().unwrap();
    let first = seen.iter().position(|update| matches!(update, ReportUpdate::Found(_))).unwrap();
    let pods =
        seen.iter().position(|update| matches!(update, ReportUpdate::Read { kind: "pods", .. })).unwrap();
    assert!(first < pods, "{seen:#?}");
    let early = seen.iter().filter_map(|update| match update {
        ReportUpdate::Found(finding) => Some(finding.code.as_str()),
        _ => None,
    });
    let codes: BTreeSet<&str> = early.collect();
    assert!(codes.contains("POD_CRASHLOOP") && codes.contains("POD_IMAGE_PULL"), "{codes:?}");
    assert!(report.findings.iter().any(|finding| finding.code == "POD_CRASHLOOP"));
}

#[tokio::test]
async fn several_clusters_at_once_and_one_that_is_not_there_delays_none() {
    let (well, _) = serve(Objects::healthy()).await;
    let (bad, _) = serve(Objects::broken()).await;
    let (dumb, _) = serve(Objects::healthy().stall("pods").stall("nodes").stall("events")).await;
    let entry = |name: &str, url: &str| serde_json::json!({ "name": name, "cluster": { "server": url } });
    let context =
        |name: &str| serde_json::json!({ "name": name, "context": { "cluster": name, "user": "one" } });
    let contexts_of = ["well", "bad", "dumb", "gone"].map(context);
    let config = serde_json::json!({
        "apiVersion": "v1", "kind": "Config", "current-context": "well",
        "clusters": [entry("well", well.url()), entry("bad", bad.url()), entry("dumb", dumb.url()), entry("gone", "http://127.0.0.1:1")],
        "users": [{ "name": "one", "user": { "token": "t" } }],
        "contexts": contexts_of,
    });
    let path = std::env::temp_dir().join(format!("bud-kube-fleet-{}", std::process::id()));
    std::fs::write(&path, config.to_string()).unwrap();
    let cluster = Cluster::builder().kubeconfig(&path).connect().await.unwrap();
    let contexts = ["well", "bad", "dumb", "gone", "unknown token=hunter2"];
    let started = std::time::Instant::now();
    let fleet = cluster.reports(contexts).timeout(Duration::from_secs(3)).await.unwrap();
    std::fs::remove_file(&path).unwrap();
    assert!(started.elapsed() < Duration::from_secs(60), "{:?}", started.elapsed());
    let names: Vec<&str> = fleet.clusters.iter().map(|member| member.context.as_str()).collect();
    assert_eq!(names, contexts, "in the order in which they were named");
    let verdicts: Vec<Option<&str>> = fleet
        .clusters
        .iter()
        .map(|member| member.report.as_ref().map(|report| report.verdict.as_str()))
        .collect();
    assert_eq!(verdicts, [Some("HEALTHY"), Some("CRITICAL"), Some("UNKNOWN"), None, None]);
    assert!(fleet.clusters[3].error.as_deref().unwrap().contains("refused"), "{:?}", fleet.clusters[3].error);
    let unknown = fleet.clusters[4].error.as_deref().unwrap();
    assert!(unknown.contains("unknown token=[redacted]"), "{unknown}");
    assert_eq!((&*fleet.verdict, fleet.exit_code()), (&Verdict::Critical, 3));
    // What each report is given is its own; this takes longer than what is given to all.
    let slow = serve(Objects::healthy().stall("events")).await;
    let (one, all) = (Duration::from_secs(8), Duration::from_secs(1));
    let fleet = slow.1.reports(["scripted"]).timeout(all).each(move |report| report.timeout(one));
    let fleet = fleet.await.unwrap();
    assert_eq!(fleet.clusters[0].error, None);
    assert_eq!(fleet.clusters[0].report.as_ref().unwrap().verdict, Verdict::Unknown);
    for wrong in [vec![], vec!["well", "well"]] {
        assert_eq!(cluster.reports(wrong).await.unwrap_err().param(), Some("contexts"));
    }
}

#[tokio::test]
async fn a_large_cluster_takes_one_request_a_page_and_little_memory() {
    const NODES: usize = 5000;
    const PODS: usize = 50_000;
    const EVENTS: usize = 20_000;
    if !crate::server::alone("report::a_large_cluster_takes_one_request_a_page_and_little_memory") {
        return;
    }
    let server = crate::server::large(NODES, PODS, EVENTS);
    let cluster = server.cluster().await;
    let within = Duration::from_secs(600);
    let report = cluster.report().timeout(within).section_timeout(within).await.unwrap();
    let peak = crate::server::peak_memory();
    let objects = |name: &str| section(&report, name).objects as usize;
    assert_eq!(
        (objects("nodes"), objects("pods"), objects("events")),
        (NODES, PODS, EVENTS),
        "{:?}",
        report.sections
    );
    assert_eq!(report.verdict, Verdict::Healthy, "{:?}", report.summary);
    // Each page of what there is, one of each of the twelve kinds that there are none of, the version and the groups; and none of one
    // object.
    let pages = PODS / 500 + NODES / 250 + EVENTS / 500;
    assert_eq!(server.requests(), pages + 14);
    assert!(peak <= 128 << 20, "{} MiB", peak >> 20);
}
