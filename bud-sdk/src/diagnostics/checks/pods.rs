//! Pods: each in trouble has one finding for each thing that is wrong with it, the first cause before what follows.

mod containers;
mod pending;
#[cfg(test)]
mod tests;

pub(super) use containers::ended_with;

use std::time::Duration;

use super::{Case, Check, DAY, GRACE, Level, critical, error, info, warning};
use crate::diagnostics::snapshot::{Context, PodRecord, Trouble};
use crate::kubernetes::objects::{self, ContainerStatus, condition, holds};
use crate::report::{Draft, EvidenceKind, Severity, Subject};
use crate::types::Timestamp;

/// Of what has no pod left that serves.
const URGENT: &[Level] = &[
    critical("in a namespace of the platform or its models where its owner has no pod that is ready"),
    error("otherwise"),
];
const URGENT_AFTER_A_MINUTE: &[Level] = &[
    critical(
        "after a minute in a namespace of the platform or its models where its owner has no pod that is ready",
    ),
    error("after a minute otherwise"),
];

const POD_CRASHLOOP: Check = Check {
    code: "POD_CRASHLOOP",
    severity: URGENT,
    section: "pods",
    means: "A container ends again and again, so that Kubernetes waits longer before each start; or it runs, was started again three times or more, and last ended within ten minutes, after a run of less than ten.",
    confirm: "`kubectl logs POD -c CONTAINER --previous` shows what it said last; its exit code tells more: 137 was killed (by memory, if OOMKilled), 126 and 127 could not start the command, 139 is a segmentation fault.",
    remedy: "By exit code: raise the memory limit, mend the configuration that the log names, or the command.",
};

const POD_OOMKILLED: Check = Check {
    code: "POD_OOMKILLED",
    severity: &[error("within an hour"), warning("within a day")],
    section: "pods",
    means: "A container, a sidecar or an init container took more memory than its limit and was killed. It may run again meanwhile.",
    confirm: "`kubectl describe pod POD` shows `OOMKilled` as its last state.",
    remedy: "Raise its memory limit or let it do less at a time. For daprd that is the annotation dapr.io/sidecar-memory-limit; for vLLM host memory also holds --swap-space.",
};

const POD_RESTARTS: Check = Check {
    code: "POD_RESTARTS",
    severity: &[warning("")],
    section: "pods",
    means: "A container was started again five times or more, the last time within a day. It is up now.",
    confirm: "`kubectl logs POD -c CONTAINER --previous`",
    remedy: "Look for what it said before it ended; a failing liveness probe ends a container, too.",
};

const POD_IMAGE_PULL: Check = Check {
    code: "POD_IMAGE_PULL",
    severity: URGENT,
    section: "pods",
    means: "The image of a container cannot be got.",
    confirm: "`kubectl describe pod POD` shows the registry's answer.",
    remedy: "By that answer: the tag does not exist, the pull secret is missing or refused, the registry limits the rate or cannot be reached, or its certificate is not trusted.",
};

const POD_CONFIG_ERROR: Check = Check {
    code: "POD_CONFIG_ERROR",
    severity: &[error("")],
    section: "pods",
    means: "A container cannot be made or started as it is configured: mostly a secret, a config map or a key of one is missing.",
    confirm: "`kubectl describe pod POD` names what is missing.",
    remedy: "Make what is missing, or mend the name.",
};

const POD_UNSCHEDULABLE: Check = Check {
    code: "POD_UNSCHEDULABLE",
    severity: URGENT_AFTER_A_MINUTE,
    section: "pods",
    means: "No node takes the pod: too little is free, or its selectors, tolerations or volumes fit none.",
    confirm: "`kubectl describe pod POD` has the scheduler's reasons, with how many nodes each holds for.",
    remedy: "Free or add what is short, or change what the pod asks for.",
};

const POD_NO_SCHEDULER: Check = Check {
    code: "POD_NO_SCHEDULER",
    severity: URGENT_AFTER_A_MINUTE,
    section: "pods",
    means: "Nobody looks for a node for the pod: the scheduler that it names says nothing of it.",
    confirm: "`kubectl get pod POD -o jsonpath={.spec.schedulerName}`, and whether that scheduler runs.",
    remedy: "Start the scheduler, or name another.",
};

const POD_SCHED_GATED: Check = Check {
    code: "POD_SCHED_GATED",
    severity: &[info(""), warning("after 15 minutes")],
    section: "pods",
    means: "The pod is held back until somebody takes its scheduling gates away, such as a queue.",
    confirm: "`kubectl get pod POD -o jsonpath={.spec.schedulingGates}`",
    remedy: "Look at who owns the gate: with Kueue, the queue may be full.",
};

const POD_STUCK_CREATING: Check = Check {
    code: "POD_STUCK_CREATING",
    severity: &[error("after 2 minutes, after 10 while an image is pulled or an init container runs")],
    section: "pods",
    means: "The pod has a node and its containers do not start. An init container that runs keeps the others waiting.",
    confirm: "`kubectl describe pod POD`: its newest warning names the volume, the network or the device that is not there.",
    remedy: "Mend what the warning names. Images of model servers have 10 GiB and more: the first pull takes its time.",
};

const POD_NOT_READY: Check = Check {
    code: "POD_NOT_READY",
    severity: &[error("a minute after it could be ready"), warning("while its startup probe has time left")],
    section: "pods",
    means: "The pod runs and does not take traffic: a probe fails, or a readiness gate is not met. The minute begins when its container was last started, and its readiness probe's initial delay comes on top. Pods of jobs take no traffic.",
    confirm: "`kubectl describe pod POD` shows the probe's answer.",
    remedy: "Mend what the probe asks for, or its path, port and times. A model server is ready only after it has loaded its model.",
};

const POD_TERMINATING_STUCK: Check = Check {
    code: "POD_TERMINATING_STUCK",
    severity: &[error("a minute after its grace period")],
    section: "pods",
    means: "The pod was deleted and does not go.",
    confirm: "`kubectl get pod POD -o jsonpath={.metadata.finalizers}`, and the state of its node.",
    remedy: "Mend the node, or let the owner of the finalizer take it away.",
};

const POD_EVICTED: Check = Check {
    code: "POD_EVICTED",
    severity: &[warning(""), info("after a day")],
    section: "pods",
    means: "The pod was taken from its node for want of memory, disk or another resource, or because the node was lost or shut down, or refused it.",
    confirm: "`kubectl describe pod POD` has the reason.",
    remedy: "Give the node what was short; then delete what is left of the pod.",
};

const POD_FAILED: Check = Check {
    code: "POD_FAILED",
    severity: &[error(""), warning("where something else made another")],
    section: "pods",
    means: "The pod ended with an error and will not be started again.",
    confirm: "`kubectl logs POD`",
    remedy: "Mend what its log names.",
};

const POD_UNKNOWN: Check = Check {
    code: "POD_UNKNOWN",
    severity: &[critical("where users are hit"), error("otherwise")],
    section: "pods",
    means: "Nothing is heard of the pod: its node does not report.",
    confirm: "`kubectl get node NODE`",
    remedy: "Bring the node back, or take it out of the cluster so that the pod starts elsewhere.",
};

pub(super) const CHECKS: &[Check] = &[
    POD_CRASHLOOP,
    POD_OOMKILLED,
    POD_RESTARTS,
    POD_IMAGE_PULL,
    POD_CONFIG_ERROR,
    POD_UNSCHEDULABLE,
    POD_NO_SCHEDULER,
    POD_SCHED_GATED,
    POD_STUCK_CREATING,
    POD_NOT_READY,
    POD_TERMINATING_STUCK,
    POD_EVICTED,
    POD_FAILED,
    POD_UNKNOWN,
];

pub(super) fn find(view: &Context<'_>, out: &mut Vec<Draft>) {
    for pod in &view.snapshot.pods {
        if let Some(trouble) = &pod.trouble {
            out.extend(of_pod(view, pod, trouble));
        }
    }
}

/// What is wrong with one pod.
pub(in crate::diagnostics) fn of_pod(view: &Context<'_>, pod: &PodRecord, trouble: &Trouble) -> Vec<Draft> {
    let one = PodContext { view, record: pod, pod: &trouble.pod, status: &trouble.status };
    let mut drafts = one.whole(trouble.healthy);
    let leaves = trouble.pod.metadata.deletion_timestamp.is_some();
    // What its end, its node or its scheduler explains is no fault of its containers. One that has done its work is well, however
    // often it had to try.
    if !drafts.is_empty() || leaves || trouble.pod.status.phase == "Succeeded" {
        return drafts;
    }
    drafts = one.pending();
    if drafts.is_empty() {
        drafts = one.containers(trouble.healthy);
    }
    drafts
}

/// A pod that is looked at.
struct PodContext<'a> {
    view: &'a Context<'a>,
    record: &'a PodRecord,
    pod: &'a objects::Pod,
    status: &'a str,
}

impl<'a> PodContext<'a> {
    fn draft(&self, case: impl Into<Case>, title: impl Into<String>) -> Draft {
        let draft = case
            .into()
            .draft(self.record.subject(), title)
            .owner(self.record.owner.as_deref().cloned())
            .command(format!("kubectl describe pod {} -n {}", self.record.name, self.record.namespace));
        // The node is a cause only if something is found about it.
        match self.record.node() {
            Some(node) if self.node_is_down() => draft.because(Subject::node(node)),
            _ => draft,
        }
    }

    fn node_is_down(&self) -> bool {
        let node = self.record.node().and_then(|node| self.view.node(node));
        node.is_some_and(|node| node.ready.as_ref().is_none_or(|ready| ready.status != "True"))
    }

    /// How long ago it was; no time at all if that is not known.
    fn elapsed(&self, at: Option<Timestamp>) -> Duration {
        at.map_or(Duration::ZERO, |at| self.view.snapshot.elapsed(at))
    }
    fn age(&self) -> Duration {
        self.elapsed(self.record.created_at)
    }

    /// Critical where nothing is left of what the pod belongs to, and that matters to users.
    fn urgent(&self) -> Severity {
        let others = self.record.owner.as_deref().is_some_and(|owner| self.view.ready_of(owner) > 0);
        if !others && self.view.snapshot.is_critical_namespace(&self.record.namespace) {
            Severity::Critical
        } else {
            Severity::Error
        }
    }

    /// The newest warning about the pod with one of these reasons.
    fn warning(&self, reasons: &[&str]) -> Option<&'a crate::diagnostics::snapshot::EventRecord> {
        let meta = &self.pod.metadata;
        let mut about = self.view.events_about("Pod", &meta.namespace, &meta.name, &meta.uid);
        about.find(|event| event.warning && (reasons.is_empty() || reasons.contains(&&*event.reason)))
    }

    fn statuses(&self) -> impl Iterator<Item = &'a ContainerStatus> {
        self.pod.status.init_container_statuses.iter().chain(&self.pod.status.container_statuses)
    }

    /// What is wrong with the pod as a whole.
    fn whole(&self, healthy: bool) -> Vec<Draft> {
        let status = &self.pod.status;
        let meta = &self.pod.metadata;
        if let Some(deleted) = meta.deletion_timestamp {
            // The time of deletion has the grace period in it already.
            if self.elapsed(Some(deleted)) <= GRACE {
                return Vec::new();
            }
            let finalizers = meta.finalizers.join(", ");
            let title = match (self.node_is_down(), finalizers.is_empty()) {
                (true, _) => "it was deleted and its node does not let go of it".to_owned(),
                (false, false) => format!("it was deleted and waits for {finalizers}"),
                (false, true) => "it was deleted and does not end".to_owned(),
            };
            let draft = self.draft(POD_TERMINATING_STUCK, title).since(Some(deleted));
            return vec![draft.evidence(EvidenceKind::Status, None, finalizers)];
        }
        if status.phase == "Unknown"
            || condition(&status.conditions, "Ready").is_some_and(|ready| ready.status == "Unknown")
        {
            let ready = condition(&status.conditions, "Ready");
            let severity = if self.view.snapshot.is_critical_namespace(&self.record.namespace) {
                Severity::Critical
            } else {
                Severity::Error
            };
            let draft = self.draft(POD_UNKNOWN.at(severity), "nothing is heard of it");
            return vec![draft.since(ready.and_then(|ready| ready.last_transition_time))];
        }
        if status.phase == "Failed" && !healthy {
            return self.failed();
        }
        Vec::new()
    }

    fn failed(&self) -> Vec<Draft> {
        const TAKEN: [&str; 7] = [
            "Evicted",
            "NodeLost",
            "NodeShutdown",
            "Terminated",
            "NodeAffinity",
            "UnexpectedAdmissionError",
            "Preempting",
        ];
        let status = &self.pod.status;
        let taken = TAKEN.contains(&status.reason.as_str()) || status.reason.starts_with("OutOf");
        let disrupted =
            condition(&status.conditions, "DisruptionTarget").filter(|target| target.status == "True");
        if taken || disrupted.is_some() {
            let reason = if taken {
                &status.reason
            } else {
                disrupted.map_or(&status.reason, |target| &target.reason)
            };
            let node = self.record.node().unwrap_or("its node");
            let title = match reason.as_str() {
                "UnexpectedAdmissionError" => {
                    format!("{node} refused it: a device that it was promised was not there")
                }
                reason => format!("it was taken from {node}: {reason}"),
            };
            let since = self.taken_since(reason);
            let severity = if self.elapsed(since) > DAY { Severity::Info } else { Severity::Warning };
            let mut draft = self.draft(POD_EVICTED.at(severity), title).since(since).fold_key(reason);
            // Those of one node and reason are one finding.
            draft.owner = self.record.node().map(Subject::node).or(draft.owner);
            let message = if status.message.is_empty() {
                disrupted.map_or("", |target| &target.message)
            } else {
                &status.message
            };
            return vec![draft.evidence(EvidenceKind::Status, None, message)];
        }
        // A job counts its pods itself, and others are made anew.
        if self.record.owner.as_deref().is_some_and(|owner| owner.kind == "Job") {
            return Vec::new();
        }
        let severity = if self.record.owner.is_some() { Severity::Warning } else { Severity::Error };
        let ended = self.statuses().find_map(|status| Some((status, status.state.terminated.as_ref()?)));
        let title = match ended {
            Some((status, ended)) => format!("{} ended with {}", status.name, containers::ended_with(ended)),
            None => format!("it failed: {}", self.status),
        };
        let draft =
            self.draft(POD_FAILED.at(severity), title).evidence(EvidenceKind::Status, None, &status.message);
        vec![match ended {
            Some((status, ended)) => {
                draft.container(&status.name).since(ended.finished_at).log(self.log(&status.name, false))
            }
            None => draft,
        }]
    }

    /// When it was taken from its node. What a node refused was just made.
    fn taken_since(&self, reason: &str) -> Option<Timestamp> {
        let status = &self.pod.status;
        let disrupted = condition(&status.conditions, "DisruptionTarget")
            .filter(|target| target.status == "True")
            .and_then(|target| target.last_transition_time);
        let ended = self.statuses().filter_map(|status| status.state.terminated.as_ref()?.finished_at).max();
        let changed = status.conditions.iter().filter_map(|one| one.last_transition_time).max();
        let refused =
            reason.starts_with("OutOf") || matches!(reason, "UnexpectedAdmissionError" | "NodeAffinity");
        disrupted.or(ended).or(changed).or(self.record.created_at.filter(|_| refused))
    }

    fn log(&self, container: &str, previous: bool) -> crate::report::LogWanted {
        crate::report::LogWanted {
            namespace: self.record.namespace.to_string(),
            pod: self.record.name.to_string(),
            container: container.to_owned(),
            previous,
        }
    }

    fn unmet_gates(&self) -> Vec<&'a str> {
        let gates = self.pod.spec.readiness_gates.iter().map(|gate| gate.condition_type.as_str());
        gates.filter(|gate| !holds(&self.pod.status.conditions, gate)).collect()
    }
}
