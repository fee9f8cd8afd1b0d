use serde_json::{Value, json};

use super::super::testing::{ago, change, codes, findings, found, pod, snapshot, warning};
use crate::diagnostics::snapshot::Context;
use crate::report::Finding;

fn claim(changes: Value) -> Value {
    let mut claim = json!({
        "metadata": { "name": "data", "namespace": "bud-system", "uid": "u", "creationTimestamp": ago(61) },
        "spec": { "storageClassName": "fast" },
        "status": { "phase": "Pending" },
    });
    change(&mut claim, changes);
    claim
}

fn class(name: &str, mode: &str) -> Value {
    json!({ "metadata": { "name": name }, "volumeBindingMode": mode })
}

fn title(objects: Value) -> (String, String) {
    let finding = findings(objects).into_iter().find(|finding| finding.code == "PVC_PENDING").unwrap();
    (finding.severity.to_string(), finding.title)
}

/// One that cannot be placed for want of its volume.
fn waiting() -> Value {
    pod(
        "web-5d9f-a",
        json!({
            "/spec": { "containers": [{ "name": "main" }], "volumes": [{ "persistentVolumeClaim": { "claimName": "data" } }] },
            "/status": { "phase": "Pending", "conditions": [{
                "type": "PodScheduled", "status": "False", "reason": "Unschedulable",
                "message": "0/2 nodes are available: pod has unbound immediate PersistentVolumeClaims.",
            }] },
        }),
    )
}

#[test]
fn a_claim_without_a_volume_is_an_error_after_a_minute_and_says_why() {
    let with = |changes: Value, classes: Value| json!({ "claims": [claim(changes)], "classes": classes });
    let error = |title: &str| ("ERROR".to_owned(), title.to_owned());
    let fast = || json!([class("fast", "Immediate")]);
    assert_eq!(title(with(json!({}), json!([]))), error("its storage class fast does not exist"));
    assert_eq!(title(with(json!({}), fast())), error("no volume of the class fast is there yet"));
    let unnamed = json!({ "/spec/storageClassName": null });
    assert_eq!(
        title(with(unnamed.clone(), fast())),
        error("it names no storage class, and none is the default")
    );
    let mut default = class("fast", "Immediate");
    change(
        &mut default,
        json!({ "/metadata/annotations": { "storageclass.kubernetes.io/is-default-class": "true" } }),
    );
    assert_eq!(title(with(unnamed, json!([default]))), error("no volume of the class fast is there yet"));
    assert_eq!(
        title(with(json!({ "/spec/storageClassName": "" }), fast())),
        error("no volume was made for it, and none is made by itself")
    );
    assert!(codes(with(json!({ "/metadata/creationTimestamp": ago(60) }), fast())).is_empty());
    assert!(codes(with(json!({ "/status/phase": "Bound" }), fast())).is_empty());
}

#[test]
fn what_the_provisioner_says_last_is_the_evidence() {
    let mut waits =
        warning("PersistentVolumeClaim", "data", "u", "ExternalProvisioning", "Waiting for the driver", 30);
    change(&mut waits, json!({ "/type": "Normal" }));
    let failed = warning("PersistentVolumeClaim", "data", "u", "ProvisioningFailed", "no space left", 20);
    let told = |events: Value| {
        let objects = json!({ "claims": [claim(json!({}))], "classes": [class("fast", "Immediate")], "events": events });
        let finding = findings(objects).remove(0);
        (finding.title, finding.evidence[0].text.clone())
    };
    let both = told(json!([waits, failed]));
    assert_eq!(both, ("no volume can be made of the class fast".to_owned(), "no space left".to_owned()));
    assert_eq!(told(json!([waits])).1, "Waiting for the driver");
}

#[test]
fn a_volume_that_is_made_on_use_waits_for_a_pod() {
    let with = |pods: Value| json!({ "claims": [claim(json!({}))], "classes": [class("fast", "WaitForFirstConsumer")], "pods": pods });
    let idle = title(with(json!([])));
    assert_eq!(
        idle,
        ("INFO".to_owned(), "its volume is made when a pod claims it, and none does".to_owned())
    );
    let used = title(with(json!([waiting()])));
    assert_eq!(used.1, "its volume is made when its pod has a node");
    assert_ne!(used.0, "INFO");
}

#[test]
fn a_claim_explains_the_pod_that_waits_for_it() {
    let findings = findings(json!({ "claims": [claim(json!({}))], "pods": [waiting()] }));
    let of = |code: &str| -> &Finding { findings.iter().find(|finding| finding.code == code).unwrap() };
    assert_eq!(of("POD_UNSCHEDULABLE").caused_by.as_ref(), Some(&of("PVC_PENDING").fingerprint));
    assert!(of("PVC_PENDING").caused_by.is_none());
    assert_eq!(of("PVC_PENDING").severity.as_str(), "CRITICAL", "as urgent as the pod");
}

#[test]
fn a_volume_that_is_gone_is_critical() {
    let lost = claim(
        json!({ "/status/phase": "Lost", "/spec/volumeName": "pv-7", "/metadata/creationTimestamp": ago(1) }),
    );
    let critical = ("PVC_LOST".to_owned(), "CRITICAL".to_owned(), "data".to_owned());
    assert_eq!(found(json!({ "claims": [lost.clone()] })), [critical]);
    assert_eq!(findings(json!({ "claims": [lost] })).remove(0).title, "its volume pv-7 is gone");
}

#[test]
fn classes_that_were_not_read_are_not_missing() {
    let mut snapshot = snapshot(json!({ "claims": [claim(json!({}))] }));
    snapshot.sections.0.remove("volumes");
    let drafts = super::super::find(&Context::of(&snapshot));
    assert_eq!(drafts[0].title, "it has no volume");
}
