use serde_json::{Value, json};

use super::super::gpus::shortage;
use super::super::testing::{ago, change, codes, drafts, findings, found, node, pod, warning};
use crate::report::{Draft, Finding, Severity, Subject, assemble};

fn one(code: &str, severity: &str) -> Vec<(String, String, String)> {
    vec![(code.to_owned(), severity.to_owned(), "web-5d9f-a".to_owned())]
}

/// The pod alone, so changed.
fn with(changes: Value) -> Value {
    json!({ "pods": [pod("web-5d9f-a", changes)] })
}

/// The same, with another pod of the deployment that is ready.
fn beside(changes: Value) -> Value {
    json!({ "pods": [pod("web-5d9f-a", changes), pod("web-5d9f-b", json!({}))] })
}

/// What is changed on top of that.
fn and(mut changes: Value, more: Value) -> Value {
    for (pointer, value) in more.as_object().unwrap() {
        changes[pointer] = value.clone();
    }
    changes
}

/// Its container waits for that reason.
fn waits(reason: &str, message: &str) -> Value {
    json!({
        "/status/conditions/2/status": "False", "/status/conditions/2/lastTransitionTime": ago(300),
        "/status/containerStatuses/0": {
            "name": "main", "ready": false, "restartCount": 0, "state": { "waiting": { "reason": reason, "message": message } },
        },
    })
}

/// Its container runs, and was started so often, the last time after such an end.
fn ran(count: u32, reason: &str, code: i32, seconds: u64) -> Value {
    json!({
        "/status/containerStatuses/0/restartCount": count,
        "/status/containerStatuses/0/lastState": { "terminated": { "exitCode": code, "reason": reason, "finishedAt": ago(seconds) } },
    })
}

fn crashing(code: i32, reason: &str) -> Value {
    and(waits("CrashLoopBackOff", "back-off 5m0s"), ran(7, reason, code, 100))
}

fn unready(seconds: u64) -> Value {
    json!({
        "/status/conditions/2/status": "False", "/status/conditions/2/lastTransitionTime": ago(seconds),
        "/status/containerStatuses/0/ready": false,
    })
}

/// It has no node, and was made so many seconds ago.
fn unplaced(reason: &str, message: &str, seconds: u64) -> Value {
    json!({
        "/spec/nodeName": null, "/metadata/creationTimestamp": ago(seconds),
        "/status": { "phase": "Pending", "conditions": [{
            "type": "PodScheduled", "status": "False", "reason": reason, "message": message, "lastTransitionTime": ago(seconds),
        }] },
    })
}

/// It has a node since so many seconds, and its container does not start.
fn creating(seconds: u64) -> Value {
    json!({
        "/metadata/creationTimestamp": ago(seconds),
        "/status/phase": "Pending",
        "/status/conditions": [{ "type": "PodScheduled", "status": "True", "lastTransitionTime": ago(seconds) }],
        "/status/containerStatuses/0": {
            "name": "main", "ready": false, "restartCount": 0, "state": { "waiting": { "reason": "ContainerCreating" } },
        },
    })
}

fn failed(reason: &str, message: &str) -> Value {
    json!({
        "/status/phase": "Failed", "/status/reason": reason, "/status/message": message,
        "/status/conditions": [], "/status/containerStatuses": [],
    })
}

#[test]
fn a_pod_that_is_well_has_no_finding() {
    assert!(codes(with(json!({}))).is_empty());
}

#[test]
fn a_crash_loop_is_critical_where_nothing_is_left() {
    assert_eq!(found(with(crashing(1, "Error"))), one("POD_CRASHLOOP", "CRITICAL"));
    assert_eq!(found(beside(crashing(1, "Error"))), one("POD_CRASHLOOP", "ERROR"));
    let elsewhere = and(crashing(1, "Error"), json!({ "/metadata/namespace": "other" }));
    assert_eq!(found(with(elsewhere)), one("POD_CRASHLOOP", "ERROR"));
    let draft = drafts(with(crashing(127, "Error"))).remove(0);
    assert_eq!(draft.title, "main ends again and again with exit code 127");
    assert!(draft.remedy.starts_with("Its command cannot be run"), "{}", draft.remedy);
    assert_eq!(draft.evidence[0].text, "started again 7 times");
    let log = draft.log.unwrap();
    assert_eq!((log.pod.as_str(), log.container.as_str(), log.previous), ("web-5d9f-a", "main", true));
    let memory = drafts(with(crashing(137, "OOMKilled"))).remove(0);
    assert!(memory.remedy.contains("raise the limit"), "{}", memory.remedy);
    // Between two starts it neither waits nor runs.
    let between = json!({ "/status/containerStatuses/0": {
        "name": "main", "ready": false, "restartCount": 2,
        "state": { "terminated": { "exitCode": 1, "reason": "Error", "finishedAt": ago(3) } },
    } });
    assert_eq!(codes(with(between)), ["POD_CRASHLOOP"]);
}

#[test]
fn init_containers_and_sidecars_crash_too() {
    let init = |state: Value| {
        and(
            creating(300),
            json!({
                "/spec/initContainers": [{ "name": "prepare" }],
                "/status/containerStatuses/0/state/waiting/reason": "PodInitializing",
                "/status/initContainerStatuses": [{
                    "name": "prepare", "ready": false, "restartCount": 4, "state": state,
                    "lastState": { "terminated": { "exitCode": 1, "reason": "Error", "finishedAt": ago(60) } },
                }],
            }),
        )
    };
    for state in [
        json!({ "waiting": { "reason": "CrashLoopBackOff" } }),
        json!({ "terminated": { "exitCode": 1, "reason": "Error", "finishedAt": ago(1) } }),
    ] {
        let finding = findings(with(init(state))).remove(0);
        assert_eq!((finding.code.as_str(), finding.container.as_deref()), ("POD_CRASHLOOP", Some("prepare")));
    }
    let sidecar = json!({
        "/spec/initContainers": [{ "name": "proxy", "restartPolicy": "Always" }],
        "/status/conditions/2/status": "False",
        "/status/initContainerStatuses": [{
            "name": "proxy", "ready": false, "restartCount": 4, "state": { "waiting": { "reason": "CrashLoopBackOff" } },
        }],
    });
    let finding = findings(with(sidecar)).remove(0);
    assert_eq!((finding.code.as_str(), finding.container.as_deref()), ("POD_CRASHLOOP", Some("proxy")));
}

#[test]
fn a_crash_loop_is_told_also_while_it_runs() {
    let runs = |count: u32, ran_for: u64, seconds: u64| {
        with(and(
            ran(count, "Error", 1, seconds),
            json!({ "/status/containerStatuses/0/lastState/terminated/startedAt": ago(seconds + ran_for) }),
        ))
    };
    assert_eq!(found(runs(3, 599, 599)), one("POD_CRASHLOOP", "ERROR"));
    assert_eq!(findings(runs(3, 5, 20)).remove(0).title, "main ends again and again with exit code 1");
    assert!(codes(runs(2, 5, 20)).is_empty(), "it was not ended often");
    assert!(codes(runs(3, 600, 20)).is_empty(), "it ran for long");
    assert!(codes(runs(3, 5, 600)).is_empty(), "it has run since");
    assert_eq!(found(runs(5, 5, 600)), one("POD_RESTARTS", "WARNING"));
    let mut unready_too = runs(3, 5, 20);
    change(&mut unready_too["pods"][0], unready(300));
    assert_eq!(found(unready_too), one("POD_CRASHLOOP", "CRITICAL"));
}

#[test]
fn memory_is_told_for_a_day_also_of_what_runs_again() {
    let limit = json!({ "/spec/containers/0/resources/limits": { "memory": "512Mi" } });
    let killed = |seconds: u64| with(and(ran(1, "OOMKilled", 137, seconds), limit.clone()));
    assert_eq!(found(killed(3599)), one("POD_OOMKILLED", "ERROR"));
    assert_eq!(found(killed(3600)), one("POD_OOMKILLED", "WARNING"));
    assert_eq!(found(killed(86_399)), one("POD_OOMKILLED", "WARNING"));
    assert!(codes(killed(86_401)).is_empty());
    assert!(codes(with(ran(1, "Error", 137, 60))).is_empty(), "killed by something else");
    assert_eq!(findings(killed(60)).remove(0).title, "main took more than its 512 MiB of memory");
}

#[test]
fn many_restarts_are_a_warning_while_they_are_fresh() {
    assert_eq!(found(with(ran(5, "Error", 1, 86_000))), one("POD_RESTARTS", "WARNING"));
    assert!(codes(with(ran(4, "Error", 1, 60))).is_empty());
    assert!(codes(with(ran(50, "Error", 1, 86_401))).is_empty(), "history");
    let finding = findings(with(ran(6, "Error", 1, 60))).remove(0);
    assert_eq!(finding.title, "main was started again 6 times, 2.0 a day");
}

#[test]
fn an_image_that_cannot_be_got_is_told_with_the_registrys_answer() {
    for reason in [
        "ErrImagePull",
        "ImagePullBackOff",
        "InvalidImageName",
        "ErrImageNeverPull",
        "ImageInspectError",
        "RegistryUnavailable",
        "SignatureValidationFailed",
    ] {
        assert_eq!(found(with(waits(reason, "no"))), one("POD_IMAGE_PULL", "CRITICAL"), "{reason}");
        assert_eq!(found(beside(waits(reason, "no"))), one("POD_IMAGE_PULL", "ERROR"), "{reason}");
    }
    for (answer, remedy) in [
        ("manifest unknown", "The image or its tag does not exist"),
        ("429 Too Many Requests: toomanyrequests", "The registry limits"),
        ("401 Unauthorized", "The registry refuses"),
        ("x509: certificate signed by unknown authority", "The registry's certificate"),
        ("dial tcp: i/o timeout", "The registry cannot be reached"),
    ] {
        let mut objects = with(waits("ImagePullBackOff", "Back-off pulling image"));
        objects["events"] = json!([warning("Pod", "web-5d9f-a", "uid-web-5d9f-a", "Failed", answer, 60)]);
        let finding = findings(objects).remove(0);
        assert!(finding.remedy.starts_with(remedy), "{answer}: {}", finding.remedy);
        assert!(finding.evidence.iter().any(|one| one.text == answer));
        assert_eq!(finding.title, "registry/web:1 cannot be pulled");
    }
    // Of another pod that had the same name.
    let mut objects = with(waits("ImagePullBackOff", "Back-off pulling image"));
    objects["events"] = json!([warning("Pod", "web-5d9f-a", "uid-old", "Failed", "401 Unauthorized", 60)]);
    assert!(!findings(objects).remove(0).remedy.starts_with("The registry refuses"));
}

#[test]
fn a_container_that_cannot_be_made_is_an_error() {
    for reason in [
        "CreateContainerConfigError",
        "CreateContainerError",
        "RunContainerError",
        "PreCreateHookError",
        "PreStartHookError",
        "PostStartHookError",
    ] {
        assert_eq!(found(with(waits(reason, "secret \"x\" not found"))), one("POD_CONFIG_ERROR", "ERROR"));
    }
    let finding = findings(with(waits("CreateContainerConfigError", "secret \"x\" not found"))).remove(0);
    assert_eq!(finding.evidence[0].text, "secret \"x\" not found");
}

const NO_GPU: &str =
    "0/3 nodes are available: 1 node(s) had untolerated taint(s) {a: b}, 2 Insufficient nvidia.com/gpu.";

#[test]
fn a_pod_that_no_node_takes_is_told_after_a_minute_and_linked_to_what_is_short() {
    let gpus = json!({ "/spec/containers/0/resources/requests": { "nvidia.com/gpu": "2", "cpu": "1" } });
    let unschedulable = |seconds: u64| and(unplaced("Unschedulable", NO_GPU, seconds), gpus.clone());
    let of_pod = |objects: Value| -> Vec<Draft> {
        drafts(objects)
            .into_iter()
            .filter(|draft| draft.subject.kind == "Pod" && draft.code.starts_with("POD_"))
            .collect()
    };
    let draft = of_pod(with(unschedulable(61))).remove(0);
    assert_eq!((draft.code, &draft.severity), ("POD_UNSCHEDULABLE", &Severity::Critical));
    assert_eq!(of_pod(beside(unschedulable(61))).remove(0).severity, Severity::Error);
    assert!(of_pod(with(unschedulable(60))).is_empty());
    assert_eq!(
        draft.title,
        "no node takes it: Insufficient nvidia.com/gpu (2 of 3); node(s) had untolerated taint(s) {a: b} (1 of 3)"
    );
    assert!(draft.evidence.iter().any(|one| one.text == "it asks for nvidia.com/gpu: 2, cpu: 1000m"));
    assert!(draft.causes.contains(&shortage("nvidia.com/gpu")));
    // A shortage that is found is the cause.
    let short = Draft::new("GPU_INSUFFICIENT", Severity::Critical, shortage("nvidia.com/gpu"), "too few");
    let findings = assemble(vec![draft, short]);
    let cause = findings.iter().find(|finding| finding.code == "GPU_INSUFFICIENT").unwrap();
    let pod = findings.iter().find(|finding| finding.code == "POD_UNSCHEDULABLE").unwrap();
    assert_eq!(pod.caused_by.as_ref(), Some(&cause.fingerprint));
}

#[test]
fn a_pod_that_no_scheduler_looks_at_is_told_after_a_minute() {
    let unseen = |seconds: u64| {
        json!({
            "/spec/nodeName": null, "/spec/schedulerName": "hami-scheduler", "/metadata/creationTimestamp": ago(seconds),
            "/status": { "phase": "Pending" },
        })
    };
    assert_eq!(found(with(unseen(61))), one("POD_NO_SCHEDULER", "CRITICAL"));
    assert_eq!(found(beside(unseen(61))), one("POD_NO_SCHEDULER", "ERROR"));
    assert!(codes(with(unseen(60))).is_empty());
    assert_eq!(findings(with(unseen(61))).remove(0).title, "hami-scheduler has not looked at it");
}

#[test]
fn a_gate_is_good_to_know_and_a_warning_after_a_quarter_of_an_hour() {
    let gated = |seconds: u64| {
        let gates = json!({ "/spec/schedulingGates": [{ "name": "kueue.x-k8s.io/admission" }] });
        with(and(unplaced("SchedulingGated", "gated", seconds), gates))
    };
    assert_eq!(found(gated(900)), one("POD_SCHED_GATED", "INFO"));
    assert_eq!(found(gated(901)), one("POD_SCHED_GATED", "WARNING"));
    assert_eq!(findings(gated(901)).remove(0).title, "it is held back by the gate kueue.x-k8s.io/admission");
}

#[test]
fn containers_that_do_not_start_are_told_after_two_minutes_or_ten_while_pulling() {
    assert_eq!(found(with(creating(121))), one("POD_STUCK_CREATING", "ERROR"));
    assert!(codes(with(creating(120))).is_empty());
    let mut pulling =
        warning("Pod", "web-5d9f-a", "uid-web-5d9f-a", "Pulling", "Pulling image \"vllm\"", 500);
    change(&mut pulling, json!({ "/type": "Normal", "/count": 1 }));
    let slow = |seconds: u64, events: Value| {
        let mut objects = with(creating(seconds));
        objects["events"] = events;
        objects
    };
    assert!(codes(slow(600, json!([pulling]))).is_empty());
    assert_eq!(
        findings(slow(660, json!([pulling]))).remove(0).title,
        "an image has been pulled for 11 minutes"
    );
    let mount = warning("Pod", "web-5d9f-a", "uid-web-5d9f-a", "FailedMount", "secret \"x\" not found", 20);
    let finding = findings(slow(200, json!([pulling, mount]))).remove(0);
    assert_eq!(finding.title, "its containers do not start: FailedMount");
    assert_eq!(finding.evidence[0].text, "secret \"x\" not found");
}

#[test]
fn an_init_container_that_does_its_work_has_ten_minutes() {
    let working = |seconds: u64, changes: Value| {
        let init = json!({
            "/spec/initContainers": [{ "name": "fetch-model" }],
            "/status/containerStatuses/0/state/waiting/reason": "PodInitializing",
            "/status/initContainerStatuses": [{
                "name": "fetch-model", "ready": false, "restartCount": 0, "state": { "running": { "startedAt": ago(seconds) } },
            }],
        });
        with(and(and(creating(seconds + 300), init), changes))
    };
    assert!(codes(working(600, json!({}))).is_empty());
    let finding = findings(working(660, json!({}))).remove(0);
    assert_eq!(
        (finding.code.as_str(), finding.container.as_deref()),
        ("POD_STUCK_CREATING", Some("fetch-model"))
    );
    assert_eq!(finding.title, "its init container fetch-model has run for 11 minutes");
    // A sidecar is to run.
    let sidecar = json!({ "/spec/initContainers": [{ "name": "fetch-model", "restartPolicy": "Always" }] });
    let finding = findings(working(300, sidecar)).remove(0);
    assert_eq!(finding.title, "its containers have not started for 10 minutes");
}

#[test]
fn a_lost_volume_explains_the_pod_that_cannot_mount_it() {
    let volumes = json!({ "/spec/volumes": [{ "persistentVolumeClaim": { "claimName": "data" } }] });
    let mut objects = with(and(creating(200), volumes));
    objects["events"] =
        json!([warning("Pod", "web-5d9f-a", "uid-web-5d9f-a", "FailedMount", "timed out", 20)]);
    objects["claims"] =
        json!([{ "metadata": { "name": "data", "namespace": "bud-system" }, "status": { "phase": "Lost" } }]);
    let findings = findings(objects);
    let of = |code: &str| -> &Finding { findings.iter().find(|finding| finding.code == code).unwrap() };
    assert_eq!(of("POD_STUCK_CREATING").caused_by.as_ref(), Some(&of("PVC_LOST").fingerprint));
}

#[test]
fn a_pod_that_is_not_ready_is_told_after_a_minute() {
    assert_eq!(found(with(unready(61))), one("POD_NOT_READY", "ERROR"));
    assert!(codes(with(unready(60))).is_empty());
    let probe =
        json!({ "/spec/containers/0/readinessProbe": { "httpGet": { "path": "/ready", "port": 8080 } } });
    let mut objects = with(and(unready(90), probe));
    objects["events"] = json!([warning(
        "Pod",
        "web-5d9f-a",
        "uid-web-5d9f-a",
        "Unhealthy",
        "HTTP probe failed with statuscode: 503",
        5
    )]);
    let finding = findings(objects).remove(0);
    assert_eq!(finding.title, "main does not say that it is ready");
    let told: Vec<&str> = finding.evidence.iter().map(|one| one.text.as_str()).collect();
    assert_eq!(
        told,
        ["HTTP probe failed with statuscode: 503", "its readiness probe asks for GET /ready on port 8080"]
    );
}

#[test]
fn what_was_just_started_is_given_time_to_be_ready() {
    let begun = |seconds: u64, more: Value| {
        let started = json!({ "/status/containerStatuses/0/state/running/startedAt": ago(seconds) });
        with(and(and(unready(900), started), more))
    };
    assert!(codes(begun(60, json!({}))).is_empty(), "its image was pulled for long");
    assert_eq!(found(begun(61, json!({}))), one("POD_NOT_READY", "ERROR"));
    let delay = json!({ "/spec/containers/0/readinessProbe": { "initialDelaySeconds": 120 } });
    assert!(codes(begun(180, delay.clone())).is_empty(), "nobody asks it yet");
    assert_eq!(found(begun(181, delay)), one("POD_NOT_READY", "ERROR"));
    // One that was just started is no reason for another to be silent.
    let mut pod = pod("web-5d9f-a", unready(900));
    pod["status"]["containerStatuses"].as_array_mut().unwrap().insert(
        0,
        json!({ "name": "fresh", "ready": false, "restartCount": 0, "state": { "running": { "startedAt": ago(5) } } }),
    );
    assert_eq!(findings(json!({ "pods": [pod] })).remove(0).title, "main does not say that it is ready");
    let job = json!({ "/metadata/ownerReferences": [{ "kind": "Job", "name": "x", "controller": true }] });
    assert!(codes(with(and(unready(900), job))).is_empty(), "it takes no traffic");
}

#[test]
fn one_that_starts_up_has_the_time_of_its_probe() {
    let starting = |seconds: u64| {
        let more = json!({
            "/spec/containers/0/startupProbe": { "periodSeconds": 10, "failureThreshold": 60 },
            "/status/containerStatuses/0/started": false,
            "/status/containerStatuses/0/state": { "running": { "startedAt": ago(seconds) } },
        });
        with(and(unready(seconds), more))
    };
    assert_eq!(found(starting(600)), one("POD_NOT_READY", "WARNING"));
    assert_eq!(found(starting(601)), one("POD_NOT_READY", "ERROR"));
    assert_eq!(findings(starting(90)).remove(0).title, "main has not started up");
}

#[test]
fn a_gate_that_is_not_met_is_named() {
    let gate = json!({
        "/spec/readinessGates": [{ "conditionType": "target-health" }],
        "/status/conditions/2/status": "False", "/status/conditions/2/lastTransitionTime": ago(90),
    });
    assert_eq!(findings(with(gate)).remove(0).title, "its readiness gate target-health is not met");
}

#[test]
fn what_was_deleted_and_does_not_go_is_an_error_a_minute_after_its_grace() {
    let deleted = |seconds: u64| json!({ "/metadata/deletionTimestamp": ago(seconds), "/metadata/deletionGracePeriodSeconds": 30 });
    assert_eq!(found(with(deleted(61))), one("POD_TERMINATING_STUCK", "ERROR"));
    assert!(codes(with(deleted(60))).is_empty());
    let held = and(deleted(90), json!({ "/metadata/finalizers": ["example.com/x"] }));
    assert_eq!(findings(with(held)).remove(0).title, "it was deleted and waits for example.com/x");
    let ending = and(crashing(1, "Error"), deleted(10));
    assert!(codes(with(ending)).is_empty(), "what leaves has no other fault");
    let unplaced = and(unplaced("Unschedulable", NO_GPU, 300), deleted(10));
    assert!(!codes(with(unplaced)).contains(&"POD_UNSCHEDULABLE".to_owned()));
}

#[test]
fn what_was_taken_from_one_node_is_one_warning() {
    let evicted = |name: &str| {
        let mut pod = pod(name, failed("Evicted", "The node was low on resource: memory."));
        change(&mut pod, json!({ "/metadata/ownerReferences/0/name": format!("{name}-5d9f") }));
        pod
    };
    let findings = findings(json!({ "pods": [evicted("a"), evicted("b"), evicted("c"), evicted("d")] }));
    let [fold] = &findings[..] else { panic!("{findings:#?}") };
    assert_eq!((fold.code.as_str(), fold.severity.as_str(), fold.count), ("POD_EVICTED", "WARNING", 4));
    assert_eq!((fold.subject.kind.as_str(), fold.subject.name.as_str()), ("Node", "n1"));
    assert_eq!((fold.title.as_str(), fold.samples.len()), ("it was taken from n1: Evicted", 3));
    assert_eq!(fold.evidence[0].text, "The node was low on resource: memory.");
}

#[test]
fn what_was_taken_for_other_reasons_is_told_apart_and_is_history_after_a_day() {
    let taken = |name: &str, reason: &str, seconds: u64| {
        let target = json!({ "/status/conditions": [{
            "type": "DisruptionTarget", "status": "True", "reason": "TerminationByKubelet", "lastTransitionTime": ago(seconds),
        }] });
        pod(name, and(failed(reason, ""), target))
    };
    let all = findings(json!({ "pods": [
        taken("a", "Evicted", 60), taken("b", "Evicted", 90), taken("c", "NodeShutdown", 60),
    ] }));
    let told: Vec<(&str, u32)> = all.iter().map(|one| (one.title.as_str(), one.count)).collect();
    assert_eq!(told, [("it was taken from n1: Evicted", 2), ("it was taken from n1: NodeShutdown", 1)]);
    assert_ne!(all[0].fingerprint, all[1].fingerprint);
    assert_eq!(all[0].since.unwrap().to_string(), ago(90));
    let alone = |seconds: u64| found(json!({ "pods": [taken("web-5d9f-a", "Evicted", seconds)] }));
    assert_eq!(alone(86_400), one("POD_EVICTED", "WARNING"));
    assert_eq!(alone(86_401), one("POD_EVICTED", "INFO"));
    // Refused when it was made, three days ago; of the other it is not known when it was taken.
    assert_eq!(found(with(failed("OutOfcpu", ""))), one("POD_EVICTED", "INFO"));
    assert_eq!(found(with(failed("Evicted", ""))), one("POD_EVICTED", "WARNING"));
}

#[test]
fn each_way_of_being_taken_is_known() {
    for reason in [
        "Evicted",
        "NodeLost",
        "NodeShutdown",
        "Terminated",
        "OutOfcpu",
        "OutOfnvidia.com/gpu",
        "UnexpectedAdmissionError",
        "Preempting",
    ] {
        assert_eq!(codes(with(failed(reason, "why"))), ["POD_EVICTED"], "{reason}");
    }
    let disrupted = and(
        failed("", ""),
        json!({ "/status/conditions": [{ "type": "DisruptionTarget", "status": "True", "reason": "PreemptionByScheduler", "message": "for another" }] }),
    );
    let finding = findings(with(disrupted)).remove(0);
    assert_eq!(
        (finding.title.as_str(), finding.evidence[0].text.as_str()),
        ("it was taken from n1: PreemptionByScheduler", "for another")
    );
}

#[test]
fn a_pod_that_failed_is_an_error_where_nobody_makes_another() {
    let ended = json!({
        "/status/phase": "Failed", "/status/conditions/2/status": "False",
        "/status/containerStatuses/0": {
            "name": "main", "ready": false, "restartCount": 0,
            "state": { "terminated": { "exitCode": 2, "reason": "Error", "finishedAt": ago(60) } },
        },
    });
    assert_eq!(found(with(ended.clone())), one("POD_FAILED", "WARNING"));
    let alone = and(ended.clone(), json!({ "/metadata/ownerReferences": [] }));
    assert_eq!(found(with(alone.clone())), one("POD_FAILED", "ERROR"));
    let draft = drafts(with(alone)).remove(0);
    assert_eq!(draft.title, "main ended with exit code 2");
    assert!(!draft.log.unwrap().previous);
    let of_job = json!({ "/metadata/ownerReferences": [{ "kind": "Job", "name": "x", "controller": true }], "/status/containerStatuses/0/restartCount": 3 });
    let mut job = ended;
    job["/status/containerStatuses/0"]["restartCount"] = json!(3);
    assert!(
        codes(with(and(job, json!({ "/metadata/ownerReferences": of_job["/metadata/ownerReferences"] }))))
            .is_empty(),
        "its job counts them"
    );
}

#[test]
fn work_that_is_done_is_silent() {
    let done = json!({
        "/status/phase": "Succeeded", "/status/conditions/2/status": "False", "/status/conditions/2/reason": "PodCompleted",
        "/status/containerStatuses/0": {
            "name": "main", "ready": false, "restartCount": 9,
            "state": { "terminated": { "exitCode": 0, "reason": "Completed", "finishedAt": ago(60) } },
            "lastState": { "terminated": { "exitCode": 137, "reason": "OOMKilled", "finishedAt": ago(90) } },
        },
        "/spec/initContainers": [{ "name": "proxy", "restartPolicy": "Always" }],
        "/status/initContainerStatuses": [{
            "name": "proxy", "ready": false, "restartCount": 1, "state": { "terminated": { "exitCode": 143, "reason": "Error", "finishedAt": ago(59) } },
        }],
    });
    assert!(codes(with(done.clone())).is_empty());
    let held = and(done, json!({ "/metadata/deletionTimestamp": ago(90), "/metadata/finalizers": ["x"] }));
    assert_eq!(codes(with(held)), ["POD_TERMINATING_STUCK"]);
}

#[test]
fn a_pod_that_nothing_is_heard_of_is_critical_where_users_are_hit() {
    let silent = json!({ "/status/conditions/2/status": "Unknown", "/status/conditions/2/lastTransitionTime": ago(90) });
    assert_eq!(found(with(silent.clone())), one("POD_UNKNOWN", "CRITICAL"));
    assert_eq!(found(with(json!({ "/status/phase": "Unknown" }))), one("POD_UNKNOWN", "CRITICAL"));
    let elsewhere = and(silent, json!({ "/metadata/namespace": "other" }));
    assert_eq!(found(with(elsewhere)), one("POD_UNKNOWN", "ERROR"));
}

#[test]
fn a_node_that_is_down_explains_its_pods_and_one_that_is_up_does_not() {
    let of = |status: &str| -> Draft {
        let mut objects = with(unready(120));
        let ready = json!({ "/status/conditions/0/status": status, "/status/conditions/0/lastTransitionTime": ago(160) });
        objects["nodes"] = json!([node("n1", ready)]);
        drafts(objects).into_iter().find(|draft| draft.code == "POD_NOT_READY").unwrap()
    };
    assert_eq!(of("Unknown").causes, [Subject::node("n1")]);
    assert_eq!(of("False").causes, [Subject::node("n1")]);
    assert!(of("True").causes.is_empty());
    let down = Draft::new("NODE_NOT_READY", Severity::Error, Subject::node("n1"), "it is not ready");
    let findings = assemble(vec![of("Unknown"), down]);
    let pod = findings.iter().find(|finding| finding.code == "POD_NOT_READY").unwrap();
    let node = findings.iter().find(|finding| finding.code == "NODE_NOT_READY").unwrap();
    assert_eq!(pod.caused_by.as_ref(), Some(&node.fingerprint));
}
