//! Deployments, sets and jobs: whether they have the pods that they should have. Why not is mostly said by a pod of theirs, which
//! is then the cause.

#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::time::Duration;

use super::{Case, Check, GRACE, Level, counted, critical, error, events, info, warning};
use crate::diagnostics::snapshot::{Context, PodRecord, WorkloadRecord, maker};
use crate::kubernetes::calls::workloads::RolloutState;
use crate::kubernetes::objects::{self, Condition, condition, holds};
use crate::report::{Draft, EvidenceKind, LogWanted, Severity, Subject};
use crate::types::Timestamp;

/// Of what does not run on purpose.
const ON_PURPOSE: &[Level] = &[warning("in a namespace of the platform"), info("otherwise")];

const DEP_NOT_PROGRESSING: Check = Check {
    code: "DEP_NOT_PROGRESSING",
    severity: &[critical("where users are hit and no pod is available"), error("otherwise")],
    section: "workloads",
    means: "The rollout of a deployment does not go on: it made no progress in time, its pods are refused, or no controller has looked at its newest form for a minute.",
    confirm: "`kubectl rollout status deployment/NAME` and its conditions in `kubectl describe deployment NAME`.",
    remedy: "Mend what keeps the new pods from being ready, or go back: `kubectl rollout undo deployment/NAME`. Where pods are refused, the condition says by what.",
};

const DEP_DEGRADED: Check = Check {
    code: "DEP_DEGRADED",
    severity: &[
        critical("after a minute where users are hit and no pod is available"),
        error("after a minute otherwise"),
        warning("while it is rolled out for the first time"),
    ],
    section: "workloads",
    means: "A deployment has fewer pods available than it should have. A rollout that is under way and keeps enough of them is no fault.",
    confirm: "`kubectl get deployment NAME` and `kubectl get pods` with its labels.",
    remedy: "Look at its pods that are not ready, and at why others were not made.",
};

const DEP_ZERO: Check = Check {
    code: "DEP_ZERO",
    severity: ON_PURPOSE,
    section: "workloads",
    means: "A deployment is scaled to zero: it has no pods because it should have none.",
    confirm: "`kubectl get deployment NAME`",
    remedy: "If it should run: `kubectl scale deployment/NAME --replicas=1`.",
};

const DEP_PAUSED: Check = Check {
    code: "DEP_PAUSED",
    severity: ON_PURPOSE,
    section: "workloads",
    means: "A deployment is paused: what is changed of it is not rolled out.",
    confirm: "`kubectl get deployment NAME -o jsonpath={.spec.paused}`",
    remedy: "If nobody works on it: `kubectl rollout resume deployment/NAME`.",
};

const STS_ROLLOUT: Check = Check {
    code: "STS_ROLLOUT",
    severity: &[error("after a minute"), warning("where all are ready and a rollout stands still for ten")],
    section: "workloads",
    means: "A stateful set has fewer pods ready than it should have, or its newest form does not reach its pods.",
    confirm: "`kubectl rollout status statefulset/NAME`",
    remedy: "Look at its first pod that is not ready: the others wait for it.",
};

const STS_ZERO: Check = Check {
    code: "STS_ZERO",
    severity: ON_PURPOSE,
    section: "workloads",
    means: "A stateful set is scaled to zero: it has no pods because it should have none.",
    confirm: "`kubectl get statefulset NAME`",
    remedy: "If it should run: `kubectl scale statefulset/NAME --replicas=1`.",
};

const DS_ROLLOUT: Check = Check {
    code: "DS_ROLLOUT",
    severity: &[
        error("after a minute"),
        warning(
            "where all are ready and a rollout stands still for ten, or pods are on nodes where they should not be",
        ),
    ],
    section: "workloads",
    means: "A daemon set has fewer pods ready than it has nodes, its newest form does not reach its pods, or it has pods where none should be.",
    confirm: "`kubectl rollout status daemonset/NAME` and `kubectl get pods -o wide` with its labels.",
    remedy: "Look at its pods that are not ready and at their nodes. Pods on the wrong nodes go when they are deleted.",
};

const JOB_FAILED: Check = Check {
    code: "JOB_FAILED",
    severity: &[error("in a namespace of the platform"), warning("otherwise")],
    section: "jobs",
    means: "A job failed: its pods did too often, or it took too long. One of a cron job is left out when a later one succeeded.",
    confirm: "`kubectl describe job NAME` and `kubectl logs job/NAME`",
    remedy: "Mend what the log of its pod names, then make the job anew: a failed one is not tried again.",
};

pub(super) const CHECKS: &[Check] =
    &[DEP_NOT_PROGRESSING, DEP_DEGRADED, DEP_ZERO, DEP_PAUSED, STS_ROLLOUT, STS_ZERO, DS_ROLLOUT, JOB_FAILED];

/// A rollout that makes no new pod for so long stands still.
const STILL: Duration = Duration::from_secs(600);

pub(super) fn find(view: &Context<'_>, out: &mut Vec<Draft>) {
    let mut pods: HashMap<&Subject, Vec<&PodRecord>> = HashMap::new();
    for pod in &view.snapshot.pods {
        if let Some(owner) = pod.owner.as_deref() {
            pods.entry(owner).or_default().push(pod);
        }
    }
    let of = |owner: &Subject| pods.get(owner).map(Vec::as_slice).unwrap_or_default();
    for workload in &view.snapshot.workloads {
        let one = WorkloadContext { view, workload, pods: of(&workload.subject) };
        out.extend(match workload.subject.kind.as_str() {
            "Deployment" => one.deployment(),
            "StatefulSet" => one.at_rest(STS_ZERO).into_iter().chain(one.set(STS_ROLLOUT)).collect(),
            _ => one.set(DS_ROLLOUT).into_iter().collect(),
        });
    }
    for job in &view.snapshot.jobs {
        let subject = Subject::new("Job", &job.metadata.namespace, &job.metadata.name);
        out.extend(failed_job(view, job, &subject, of(&subject)));
    }
}

/// A workload that is looked at, with its pods.
struct WorkloadContext<'a> {
    view: &'a Context<'a>,
    workload: &'a WorkloadRecord,
    pods: &'a [&'a PodRecord],
}

impl WorkloadContext<'_> {
    fn draft(&self, case: impl Into<Case>, title: impl Into<String>) -> Draft {
        let subject = &self.workload.subject;
        let kind = subject.kind.to_lowercase();
        let (namespace, name) = (&subject.namespace, &subject.name);
        case.into()
            .draft(subject.clone(), title)
            .command(format!("kubectl describe {kind} {name} -n {namespace}"))
    }

    /// What its pods and its controller say of why.
    fn explained(&self, mut draft: Draft) -> Draft {
        let subject = &self.workload.subject;
        // A webhook that refuses its pods is told by events, and by a condition.
        let told = self.workload.conditions.iter().map(|condition| condition.message.as_str());
        let about = self.view.events_about(&subject.kind, &subject.namespace, &subject.name, "");
        let about: Vec<&str> = about.filter(|event| event.warning).map(|event| &*event.message).collect();
        if let Some(webhook) = told.chain(about).find_map(events::Webhook::of) {
            draft = draft.because(webhook.subject());
        }
        // A pod that is ready may have findings, too, but is not why others are missing.
        let mut unready: Vec<&PodRecord> =
            self.pods.iter().copied().filter(|pod| !pod.ready && !pod.ended).collect();
        unready.sort_by(|one, other| one.name.cmp(&other.name));
        draft = unready.into_iter().fold(draft, |draft, pod| draft.because(pod.subject()));
        draft.because(subject.clone())
    }

    /// How urgent it is that nothing of it runs on purpose.
    fn quiet(&self) -> Severity {
        let platform = self.view.snapshot.is_platform(&self.workload.subject.namespace);
        if platform { Severity::Warning } else { Severity::Info }
    }

    fn at_rest(&self, check: Check) -> Option<Draft> {
        (self.workload.rollout.replicas == 0)
            .then(|| self.draft(check.at(self.quiet()), "it is scaled to zero"))
    }

    fn long(&self, since: Option<Timestamp>, time: Duration) -> bool {
        since.is_none_or(|since| self.view.snapshot.elapsed(since) > time)
    }

    /// Critical where nothing is left of it and that matters to users.
    fn urgent(&self) -> Severity {
        let rollout = &self.workload.rollout;
        let none = rollout.available == 0 && rollout.replicas > 0;
        if none && self.view.snapshot.is_critical_namespace(&self.workload.subject.namespace) {
            Severity::Critical
        } else {
            Severity::Error
        }
    }

    fn deployment(&self) -> Vec<Draft> {
        let bad = self.not_progressing().or_else(|| self.degraded());
        let mut drafts: Vec<Draft> = self.at_rest(DEP_ZERO).into_iter().collect();
        match bad {
            // What is paused is no other fault, but part of this one.
            Some(bad) if self.workload.paused => {
                drafts.push(bad.evidence(EvidenceKind::Spec, None, "its rollout is paused"));
            }
            Some(bad) => drafts.push(bad),
            None if self.workload.paused => {
                drafts.push(self.draft(DEP_PAUSED.at(self.quiet()), "its rollout is paused"));
            }
            None => {}
        }
        drafts
    }

    fn numbers(&self) -> String {
        let rollout = &self.workload.rollout;
        format!(
            "{} of {} pods available, {} ready, {} of the newest form",
            rollout.available, rollout.replicas, self.workload.ready, rollout.updated
        )
    }

    fn not_progressing(&self) -> Option<Draft> {
        let conditions = &self.workload.conditions;
        let late = condition(conditions, "Progressing")
            .filter(|_| self.workload.rollout.state == RolloutState::Failed);
        let refused = condition(conditions, "ReplicaFailure").filter(|refused| refused.status == "True");
        let (title, since, told) = match (refused, late) {
            (Some(refused), _) => {
                ("pods of it are refused", refused.last_transition_time, Some(refused.message.as_str()))
            }
            (None, Some(late)) => {
                let since = late.last_transition_time.or(late.last_update_time);
                ("its rollout has made no progress in time", since, Some(late.message.as_str()))
            }
            (None, None) if self.unseen() => {
                ("its controller has not looked at its newest form", self.touched(), None)
            }
            (None, None) => return None,
        };
        let draft = self.draft(DEP_NOT_PROGRESSING.at(self.urgent()), title).since(since).evidence(
            EvidenceKind::Status,
            None,
            self.numbers(),
        );
        let draft = draft.evidence(EvidenceKind::Condition, since, told.unwrap_or_default());
        Some(self.explained(draft))
    }

    /// Neither was it changed lately, nor has its controller touched it.
    fn unseen(&self) -> bool {
        self.workload.unseen && self.long(self.touched(), GRACE)
    }

    /// When anybody last wrote it: who changed it, or its controller.
    fn touched(&self) -> Option<Timestamp> {
        let told =
            self.workload.conditions.iter().flat_map(|one| [one.last_update_time, one.last_transition_time]);
        told.flatten().chain(self.workload.touched_at).chain(self.workload.created_at).max()
    }

    fn degraded(&self) -> Option<Draft> {
        let rollout = &self.workload.rollout;
        let conditions = &self.workload.conditions;
        let availability = Availability::of(conditions);
        let under_way = condition(conditions, "Progressing").is_some_and(|progress| {
            let going =
                ["NewReplicaSetCreated", "FoundNewReplicaSet", "ReplicaSetUpdated", "DeploymentResumed"];
            progress.status == "True" && going.contains(&progress.reason.as_str())
        });
        let created = self.workload.created_at;
        let since = match availability {
            _ if rollout.available >= rollout.replicas => return None,
            // Ready ones that are not available yet are only too young, and a rollout may keep some away.
            Availability::Enough if under_way || self.workload.ready >= rollout.replicas => return None,
            // There are enough for it to count as available: what is missing tells since when.
            Availability::Enough => self.short_since()?,
            Availability::TooFew(available) => available.last_transition_time.or(created),
            Availability::Unknown => created,
        };
        if !self.long(since, GRACE) {
            return None;
        }
        // A model that is deployed takes its time. When it takes too long, its progress is told to have failed.
        let first = match availability {
            Availability::Enough => false,
            Availability::TooFew(available) => {
                let changed = available.last_transition_time.zip(created);
                changed.is_some_and(|(at, created)| at.since(created) <= GRACE)
            }
            Availability::Unknown => true,
        };
        let severity = if first && under_way { Severity::Warning } else { self.urgent() };
        let title = match rollout.available {
            0 => "none of its pods is available".to_owned(),
            some => format!("{some} of its {} pods are available", rollout.replicas),
        };
        let draft = self.draft(DEP_DEGRADED.at(severity), title).since(since).evidence(
            EvidenceKind::Status,
            None,
            self.numbers(),
        );
        let draft = draft.evidence(EvidenceKind::Condition, since, availability.message());
        Some(self.explained(draft))
    }

    /// Since when it has too few pods that are ready; `None` if all are there and ready by now, for the pods are read at another
    /// moment than their owner.
    fn short_since(&self) -> Option<Option<Timestamp>> {
        if let Some(since) = self.unready_since() {
            return Some(Some(since));
        }
        let there = self.pods.iter().filter(|pod| !pod.ended);
        let newest = there.clone().filter_map(|pod| pod.created_at).max();
        let all = there.count() >= self.workload.rollout.replicas as usize;
        if all && self.view.snapshot.sections.whole("pods") {
            return None;
        }
        // Some were not made. One that was just made may be the first of several.
        Some(newest.max(self.workload.created_at))
    }

    /// Since when the first of its pods is not ready. One that is deleted counts where no other is made before it is gone.
    fn unready_since(&self) -> Option<Timestamp> {
        let one_by_one = self.workload.subject.kind == "StatefulSet";
        let unready = self.pods.iter().filter(|pod| !pod.ready && !pod.ended);
        let since = unready.filter_map(|pod| {
            let whole = pod.trouble.as_ref().map(|trouble| &trouble.pod);
            if whole.is_some_and(|whole| whole.metadata.deletion_timestamp.is_some()) && !one_by_one {
                return None;
            }
            let ready = whole.and_then(|whole| condition(&whole.status.conditions, "Ready"));
            ready.and_then(|ready| ready.last_transition_time).or(pod.created_at)
        });
        since.min()
    }

    /// A stateful set or a daemon set.
    fn set(&self, check: Check) -> Option<Draft> {
        let (workload, rollout) = (self.workload, &self.workload.rollout);
        if self.unseen() {
            let title = "its controller has not looked at its newest form";
            let draft = self.draft(check.at(Severity::Error), title).since(self.touched());
            return Some(draft.evidence(EvidenceKind::Status, None, self.numbers()));
        }
        if workload.ready < rollout.replicas {
            let since = self.short_since()?;
            if !self.long(since, GRACE) {
                return None;
            }
            let title = match workload.ready {
                0 => "none of its pods is ready".to_owned(),
                some => format!("{some} of its {} pods are ready", rollout.replicas),
            };
            let draft = self.draft(check.at(Severity::Error), title).since(since);
            return Some(self.explained(draft.evidence(EvidenceKind::Status, None, self.numbers())));
        }
        let newest = self.pods.iter().filter_map(|pod| pod.created_at).max();
        let under_way = rollout.state == RolloutState::Progressing && rollout.replicas > 0;
        if under_way && newest.is_some_and(|newest| self.view.snapshot.elapsed(newest) > STILL) {
            let title = format!("its rollout stands still: {}", rollout.message);
            let draft = self.draft(check.at(Severity::Warning), title).since(newest);
            return Some(self.explained(draft.evidence(EvidenceKind::Status, None, self.numbers())));
        }
        if workload.misscheduled > 0 {
            let pods = counted(workload.misscheduled as usize, "pod");
            let title = format!("it has {pods} on nodes where none should be");
            return Some(self.draft(check.at(Severity::Warning), title));
        }
        None
    }
}

/// What the controller of a deployment says of how many pods are available.
#[derive(Clone, Copy)]
enum Availability<'a> {
    /// As many as the rollout strategy asks for, which may be fewer than all.
    Enough,
    TooFew(&'a Condition),
    Unknown,
}

impl<'a> Availability<'a> {
    fn of(conditions: &'a [Condition]) -> Self {
        match condition(conditions, "Available") {
            Some(available) if available.status == "True" => Self::Enough,
            Some(available) => Self::TooFew(available),
            None => Self::Unknown,
        }
    }

    fn message(self) -> &'a str {
        match self {
            Self::TooFew(available) => &available.message,
            Self::Enough | Self::Unknown => "",
        }
    }
}

fn failed_job(
    view: &Context<'_>,
    job: &objects::Job,
    subject: &Subject,
    pods: &[&PodRecord],
) -> Option<Draft> {
    let failed = condition(&job.status.conditions, "Failed").filter(|failed| failed.status == "True")?;
    let owner = maker(&job.metadata);
    if owner.as_ref().is_some_and(|owner| succeeded_since(view, job, owner)) {
        return None;
    }
    let platform = view.snapshot.is_platform(&subject.namespace);
    let severity = if platform { Severity::Error } else { Severity::Warning };
    let title = match failed.reason.as_str() {
        "BackoffLimitExceeded" => {
            format!("it failed: {} of it ended with an error", counted(job.status.failed as usize, "pod"))
        }
        "DeadlineExceeded" => "it failed: it was not done in time".to_owned(),
        "" => "it failed".to_owned(),
        reason => format!("it failed: {reason}"),
    };
    let (namespace, name) = (&subject.namespace, &subject.name);
    let mut draft = JOB_FAILED
        .at(severity)
        .draft(subject.clone(), title)
        .owner(owner)
        .since(failed.last_transition_time)
        .command(format!("kubectl describe job {name} -n {namespace}"))
        .command(format!("kubectl logs job/{name} -n {namespace}"))
        .evidence(EvidenceKind::Condition, failed.last_transition_time, &failed.message);
    let whole = |pod: &&PodRecord| {
        pod.trouble.as_ref().is_some_and(|trouble| trouble.pod.status.phase != "Succeeded")
    };
    let mut failed: Vec<&PodRecord> = pods.iter().copied().filter(whole).collect();
    failed.sort_by_key(|pod| (std::cmp::Reverse(pod.created_at), pod.name.clone()));
    if let Some((pod, status, ended)) = failed.iter().find_map(|pod| {
        let status = &pod.trouble.as_ref()?.pod.status;
        let all = status.init_container_statuses.iter().chain(&status.container_statuses);
        let ended = |one: &objects::ContainerStatus| {
            one.state.terminated.as_ref().filter(|ended| ended.exit_code != 0).cloned()
        };
        all.into_iter().find_map(|one| Some((*pod, one, ended(one)?)))
    }) {
        let told = format!("{} of {} ended with {}", status.name, pod.name, super::pods::ended_with(&ended));
        draft = draft.evidence(EvidenceKind::Status, ended.finished_at, told).log(LogWanted {
            namespace: namespace.clone(),
            pod: pod.name.to_string(),
            container: status.name.clone(),
            previous: false,
        });
    }
    draft = draft.because(subject.clone());
    // Those that were taken from a node are told of that node.
    Some(failed.into_iter().take(3).fold(draft, |draft, pod| draft.because(pod.subject())))
}

/// Whether a later job of the same cron job was done: then this one is history.
fn succeeded_since(view: &Context<'_>, job: &objects::Job, owner: &Subject) -> bool {
    view.snapshot.jobs.iter().any(|other| {
        other.metadata.namespace == job.metadata.namespace
            && other.metadata.creation_timestamp > job.metadata.creation_timestamp
            && holds(&other.status.conditions, "Complete")
            && maker(&other.metadata).as_ref() == Some(owner)
    })
}
