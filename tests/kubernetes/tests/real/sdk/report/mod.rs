//! Reports of a real cluster: each code is produced by a planted case, and not by its healthy twin.
//!
//! They are planted on control planes without controllers, which leave a status as it is written, and read an hour later by the
//! server's Date, for nobody may write when an object was created. There is no code that cannot be planted there.

mod nodes;
mod others;
mod pods;
mod shared;
mod workloads;

use std::collections::BTreeSet;
use std::sync::Mutex;
use std::time::Duration;

use bud_kubernetes_testbed::{Binaries, Cluster as Bed, Outcome};
use bud_sdk::diagnostics::checks;
use bud_sdk::kubernetes::Cluster;
use bud_sdk::report::{Finding, Report};
use serde_json::{Value, json};

use super::{connected, told};

pub(crate) use nodes::what_is_planted_of_nodes_and_gpus;
pub(crate) use others::{what_is_planted_of_the_platform, what_may_not_be_read_is_told};
pub(crate) use pods::what_is_planted_of_pods;
pub(crate) use shared::{contexts_are_read_at_once, what_is_planted_is_found_and_what_is_well_is_not};
pub(crate) use workloads::what_is_planted_of_workloads;

/// A namespace as the platform makes them for a model.
const PLACE: &str = "bud-report-0a1b2c3d";
/// What is told by other names than those of objects.
const NO_OBJECTS: [&str; 6] = ["Kubelet", "Resource", "Event", "Webhook", "DaprComponent", "DaprSidecar"];
const LATER: Duration = Duration::from_secs(3600);

/// A code, what is planted to produce it, and its healthy twin: each by kind and name.
type Case = (&'static str, (&'static str, &'static str), (&'static str, &'static str));

/// A control plane on which everything is an hour older than it is.
struct Old {
    bed: Bed,
    sdk: Cluster,
    /// What was created, by kind and name.
    created: Mutex<BTreeSet<(String, String)>>,
}

impl Old {
    async fn start() -> Outcome<Self> {
        let bed = Bed::builder().start_with(&Binaries::find_or_build()?.ok_or("no programs")?).await?;
        let sdk = connected(Cluster::builder().kubeconfig(bed.later(LATER).await?)).await?;
        Ok(Self { bed, sdk, created: Mutex::default() })
    }

    async fn create(&self, object: Value) -> Outcome {
        self.keep(object["kind"].as_str(), object["metadata"]["name"].as_str());
        self.bed.api().create(&object).await.map(drop)
    }

    fn keep(&self, kind: Option<&str>, name: Option<&str>) {
        let (kind, name) = (kind.unwrap_or_default().to_owned(), name.unwrap_or_default().to_owned());
        self.created.lock().unwrap().insert((kind, name));
    }

    /// A node that is ready, with this on top of its status.
    async fn node(&self, name: &str, resources: Value, conditions: Vec<Value>) -> Outcome {
        self.keep(Some("Node"), Some(name));
        self.bed.add_node(name, resources).await?;
        let mut all = vec![condition("Ready", "True")];
        all.extend(conditions);
        let path = format!("/api/v1/nodes/{name}");
        self.bed.api().patch_status(&path, &json!({ "conditions": all })).await.map(drop)
    }

    /// That each case is found about what was planted, and that of its twin nothing worse than INFO is told.
    fn compare(&self, report: &Report, cases: &[Case]) {
        let created = self.created.lock().unwrap();
        for (code, planted, twin) in cases {
            let of = |(kind, name): (&str, &str)| {
                let about = |finding: &&Finding| finding.subject.kind == kind && finding.subject.name == name;
                report.findings.iter().filter(about).cloned().collect::<Vec<Finding>>()
            };
            let found = of(*planted).iter().any(|finding| finding.code == *code);
            assert!(found, "no {code} about {planted:?}: {}", report.to_json());
            let told: Vec<String> = of(*twin)
                .iter()
                .filter(|finding| finding.code == *code || finding.severity.to_string() != "INFO")
                .map(|finding| format!("{} {}", finding.code, finding.title))
                .collect();
            assert!(told.is_empty(), "{twin:?} beside {code}: {told:?}");
            // Nothing is told of what is not there, either.
            let (kind, name) = (twin.0.to_owned(), twin.1.to_owned());
            assert!(NO_OBJECTS.contains(&twin.0) || created.contains(&(kind, name)), "no {twin:?}");
        }
        // Whatever else is there is well: what is told of more is told as a cause.
        let planted: BTreeSet<(&str, &str)> = tables().map(|(_, planted, _)| *planted).collect();
        for finding in report.roots().filter(|finding| finding.severity.to_string() != "INFO") {
            let about = (finding.subject.kind.as_str(), finding.subject.name.as_str());
            let explains =
                report.findings.iter().any(|other| other.caused_by.as_ref() == Some(&finding.fingerprint));
            assert!(
                planted.contains(&about) || explains,
                "{} about {about:?}: {}",
                finding.code,
                finding.title
            );
        }
    }
}

/// So many seconds before it is read; after it, if negative.
fn ago(seconds: i64) -> String {
    let then = std::time::SystemTime::now() + LATER;
    let seconds_ago = Duration::from_secs(seconds.unsigned_abs());
    let then = if seconds < 0 { then + seconds_ago } else { then - seconds_ago };
    bud_sdk::Timestamp::from(then).to_string()
}

/// As it has been for 20 minutes.
fn condition(kind: &str, status: &str) -> Value {
    json!({ "type": kind, "status": status, "lastTransitionTime": ago(1200) })
}

/// The same with what its controller says.
fn said(kind: &str, status: &str, reason: &str, message: &str) -> Value {
    let mut said = condition(kind, status);
    said["reason"] = reason.into();
    said["message"] = message.into();
    said
}

/// A pod whose status is as a kubelet would have written it.
fn pod(namespace: &str, name: &str, node: &str, status: Value) -> Value {
    let mut pod = crate::objects::pod(namespace, name, node);
    pod["metadata"]["labels"] = json!({ "app": name });
    pod["status"] = status;
    pod
}

/// The status of a pod that runs, with this container.
fn running(ready: bool, container: Value) -> Value {
    let word = if ready { "True" } else { "False" };
    let conditions = [("PodScheduled", "True"), ("Initialized", "True"), ("Ready", word)];
    let conditions = conditions.map(|(kind, status)| condition(kind, status));
    json!({ "phase": "Running", "containerStatuses": [container], "conditions": conditions })
}

fn container(ready: bool, restarts: u32, state: Value, last: Value) -> Value {
    named("main", ready, restarts, state, last)
}

fn named(name: &str, ready: bool, restarts: u32, state: Value, last: Value) -> Value {
    json!({
        "name": name, "image": "registry.example/main:1", "imageID": "", "ready": ready, "restartCount": restarts,
        "state": state, "lastState": last,
    })
}

/// What has run for so many seconds.
fn up(seconds: i64) -> Value {
    json!({ "running": { "startedAt": ago(seconds) } })
}

fn ended(code: i32, reason: &str, seconds: i64) -> Value {
    json!({ "terminated": {
        "exitCode": code, "reason": reason, "startedAt": ago(seconds + 60), "finishedAt": ago(seconds),
    } })
}

fn waiting(reason: &str, message: &str) -> Value {
    json!({ "waiting": { "reason": reason, "message": message } })
}

/// The status of a pod that is as it should be.
fn well() -> Value {
    running(true, container(true, 0, up(1200), json!({})))
}

/// The tables of the scenarios, each of whose rows is looked for there.
fn tables() -> impl Iterator<Item = &'static Case> {
    [nodes::CASES, pods::CASES, workloads::CASES, others::CASES, others::BY_COMMANDS].into_iter().flatten()
}

pub(crate) async fn every_code_is_planted(_: &Bed) -> Outcome {
    let planted: BTreeSet<&str> = tables().map(|(code, ..)| *code).collect();
    // A section that cannot be read is planted by taking permissions away.
    let known: BTreeSet<&str> =
        checks().filter(|check| check.section != "sections").map(|check| check.code).collect();
    assert_eq!(planted, known);
    Ok(())
}
