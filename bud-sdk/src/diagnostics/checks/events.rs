//! What only events tell: storms of them, quotas and webhooks that refuse pods.

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Duration;

use super::{Check, HOUR, critical, error, services, warning};
use crate::diagnostics::snapshot::{Context, EventRecord, PodRecord};
use crate::kubernetes::calls::workloads::RolloutState;
use crate::kubernetes::objects::{Job, condition, holds};
use crate::report::{Draft, EvidenceKind, Severity, Subject};
use crate::types::Timestamp;

const EVENT_STORM: Check = Check {
    code: "EVENT_STORM",
    severity: &[warning("from 100 in ten minutes"), error("from 1000")],
    section: "events",
    means: "The same warning came more than a hundred times in the last ten minutes, about things of one kind in one namespace.",
    confirm: "`kubectl get events -n NAMESPACE --field-selector reason=REASON`",
    remedy: "Mend what it says: something is tried again and again.",
};

const QUOTA_BLOCKED: Check = Check {
    code: "QUOTA_BLOCKED",
    severity: &[error("")],
    section: "events",
    means: "A quota of its namespace keeps a workload from having more pods.",
    confirm: "`kubectl describe resourcequota -n NAMESPACE` shows what is used, of how much.",
    remedy: "Raise the quota, or let others in the namespace ask for less.",
};

const WEBHOOK_DOWN: Check = Check {
    code: "WEBHOOK_DOWN",
    severity: &[critical("")],
    section: "events",
    means: "An admission webhook does not answer, so that what it is asked about is refused: mostly every new pod.",
    confirm: "`kubectl get mutatingwebhookconfigurations,validatingwebhookconfigurations`, and the pods behind the service that it names.",
    remedy: "Bring its service back. Until then its configuration could be taken away, or its failurePolicy set to Ignore.",
};

pub(super) const CHECKS: &[Check] = &[EVENT_STORM, QUOTA_BLOCKED, WEBHOOK_DOWN];

/// What is counted for a storm.
const WINDOW: Duration = Duration::from_secs(600);
/// What a webhook that answers refused before is history.
const PAST: Duration = Duration::from_secs(300);
const GROUPS: usize = 10;

pub(super) fn find(view: &Context<'_>, out: &mut Vec<Draft>) {
    storms(view, out);
    quotas(view, out);
    webhooks(view, out);
}

/// How often it happened in the last ten minutes, if it was as often at any time.
fn lately(view: &Context<'_>, event: &EventRecord) -> u64 {
    let Some(at) = event.at else { return 0 };
    let ago = view.snapshot.elapsed(at);
    if ago > WINDOW {
        return 0;
    }
    let count = u64::from(event.count);
    let span = event.first_at.map_or(Duration::ZERO, |first| at.since(first));
    let inside = WINDOW - ago;
    if span <= inside {
        return count;
    }
    (count * inside.as_secs() / span.as_secs()).max(1)
}

fn storms(view: &Context<'_>, out: &mut Vec<Draft>) {
    let mut groups: BTreeMap<(&str, &str, &str), (u64, Vec<&EventRecord>)> = BTreeMap::new();
    for event in view.snapshot.events.iter().filter(|event| event.warning) {
        let count = lately(view, event);
        if count > 0 {
            let group = groups.entry((&event.namespace, &event.reason, &event.kind)).or_default();
            group.0 += count;
            group.1.push(event);
        }
    }
    let mut storms: Vec<_> = groups.into_iter().filter(|(_, (count, _))| *count > 100).collect();
    storms.sort_by_key(|(group, (count, _))| (std::cmp::Reverse(*count), *group));
    for ((namespace, reason, kind), (count, events)) in storms.into_iter().take(GROUPS) {
        let severity = if count > 1000 { Severity::Error } else { Severity::Warning };
        let subject = Subject::new("Event", namespace, &format!("{reason}/{kind}"));
        let mut draft = EVENT_STORM
            .at(severity)
            .draft(subject, format!("{count} times {reason} in ten minutes"))
            .since(events.iter().filter_map(|event| event.first_at).min())
            .command_with(
                &[namespace, reason],
                format!("kubectl get events -n {namespace} --field-selector reason={reason}"),
            );
        // The newest is first.
        if let Some(sample) = events.first() {
            let told = format!("{} {}: {}", sample.kind, sample.name, sample.message);
            draft = draft.evidence(EvidenceKind::Event, sample.at, told);
        }
        if let Some(cause) = shared(view, &events) {
            draft = draft.because(cause);
        }
        out.push(draft);
    }
}

/// What all of these are about, or what made all of those. What explains only some of them does not explain a storm.
fn shared(view: &Context<'_>, events: &[&EventRecord]) -> Option<Subject> {
    let mut subjects: BTreeSet<Subject> = events.iter().map(|event| about(view, event)).collect();
    if subjects.len() > 1 {
        let pods = view.snapshot.pods.iter();
        let owners: HashMap<(&str, &str), &Subject> =
            pods.filter_map(|pod| Some(((&*pod.namespace, &*pod.name), pod.owner.as_deref()?))).collect();
        let owner = |subject: &Subject| {
            let is_pod = subject.kind == "Pod";
            is_pod
                .then(|| owners.get(&(&*subject.namespace, &*subject.name)).map(|owner| (*owner).clone()))?
        };
        subjects = subjects.iter().map(owner).collect::<Option<_>>()?;
    }
    subjects.pop_first().filter(|_| subjects.is_empty())
}

/// What an event is about; the deployment, where that is a replica set of one.
fn about(view: &Context<'_>, event: &EventRecord) -> Subject {
    let deployment = event.name.rsplit_once('-').filter(|_| &*event.kind == "ReplicaSet");
    let deployment = deployment.map(|(name, _)| Subject::new("Deployment", &event.namespace, name));
    match deployment.filter(|deployment| view.workload(deployment).is_some()) {
        Some(deployment) => deployment,
        None if &*event.kind == "Node" => Subject::node(&event.name),
        None => Subject::new(&event.kind, &event.namespace, &event.name),
    }
}

/// What keeps pods from being made: what controllers said within an hour, and what conditions say now.
struct Refusal<'a> {
    subject: Subject,
    at: Option<Timestamp>,
    message: &'a str,
    kind: EvidenceKind,
}

fn refusals<'a>(view: &'a Context<'a>) -> impl Iterator<Item = Refusal<'a>> {
    let conditions = view.snapshot.workloads.iter().filter_map(|workload| {
        let refused = condition(&workload.conditions, "ReplicaFailure").filter(|one| one.status == "True")?;
        Some(Refusal {
            subject: workload.subject.clone(),
            at: refused.last_transition_time,
            message: &refused.message,
            kind: EvidenceKind::Condition,
        })
    });
    let events = view
        .snapshot
        .events
        .iter()
        .filter(|event| event.warning && event.at.is_some_and(|at| view.snapshot.elapsed(at) <= HOUR));
    conditions.chain(events.map(|event| Refusal {
        subject: about(view, event),
        at: event.at,
        message: &event.message,
        kind: EvidenceKind::Event,
    }))
}

fn quotas(view: &Context<'_>, out: &mut Vec<Draft>) {
    let mut seen = BTreeSet::new();
    for refusal in refusals(view) {
        let Some((_, told)) = refusal.message.split_once("exceeded quota: ") else { continue };
        if is_over(view, &refusal.subject) || !seen.insert(refusal.subject.clone()) {
            continue;
        }
        // `compute, requested: cpu=1, used: cpu=8, limited: cpu=8`
        let (quota, numbers) = told.split_once(", ").unwrap_or((told, ""));
        let title = format!("the quota {quota} lets it have no more pods");
        let namespace = refusal.subject.namespace.clone();
        let draft = QUOTA_BLOCKED
            .draft(refusal.subject, title)
            .since(refusal.at)
            .evidence(EvidenceKind::Status, refusal.at, numbers)
            .evidence(refusal.kind, refusal.at, refusal.message);
        let command = format!("kubectl describe resourcequota {quota} -n {namespace}");
        out.push(draft.command_with(&[quota, &namespace], command));
    }
}

/// Whether nothing is kept back any more: it has all that it should have, or is not there.
fn is_over(view: &Context<'_>, subject: &Subject) -> bool {
    is_whole(view, subject) || is_gone(view, subject)
}

fn is_gone(view: &Context<'_>, subject: &Subject) -> bool {
    let snapshot = view.snapshot;
    let whole = |section: &str| snapshot.sections.whole(section);
    match subject.kind.as_str() {
        "Deployment" | "StatefulSet" | "DaemonSet" => whole("workloads") && view.workload(subject).is_none(),
        "Job" => whole("jobs") && !snapshot.jobs.iter().any(|job| is_job(job, subject)),
        "Pod" => {
            let is_it = |pod: &PodRecord| *pod.namespace == *subject.namespace && *pod.name == *subject.name;
            whole("pods") && !snapshot.pods.iter().any(is_it)
        }
        // Replica sets are not read. Of a deployment's, the deployment would be named; what is left of others are their pods.
        "ReplicaSet" => {
            let made = || snapshot.pods.iter().any(|pod| pod.owner.as_deref() == Some(subject));
            whole("workloads") && whole("pods") && !made()
        }
        _ => false,
    }
}

fn is_job(job: &Job, subject: &Subject) -> bool {
    job.metadata.name == subject.name && job.metadata.namespace == subject.namespace
}

/// Whether a workload has all its pods meanwhile.
fn is_whole(view: &Context<'_>, subject: &Subject) -> bool {
    if subject.kind == "Job" {
        return view
            .snapshot
            .jobs
            .iter()
            .find(|job| is_job(job, subject))
            .is_some_and(|job| holds(&job.status.conditions, "Complete"));
    }
    view.workload(subject).is_some_and(|workload| {
        workload.rollout.state == RolloutState::Complete
            && workload.ready >= workload.rollout.replicas
            && !holds(&workload.conditions, "ReplicaFailure")
    })
}

/// A webhook that failed.
pub(super) struct Webhook<'a> {
    name: &'a str,
    /// Name and namespace of its service.
    service: Option<(&'a str, &'a str)>,
    /// What went wrong.
    error: &'a str,
}

impl<'a> Webhook<'a> {
    /// From `failed calling webhook "NAME": failed to call webhook: Post "https://SERVICE.NAMESPACE.svc:443/PATH": WHY`.
    pub(super) fn of(message: &'a str) -> Option<Self> {
        let (_, rest) = message.split_once("failed calling webhook \"")?;
        let (name, rest) = rest.split_once('"')?;
        let host = rest.split_once("https://").and_then(|(_, url)| url.split([':', '/', '"', '?']).next());
        let service = host.and_then(|host| {
            let mut parts = host.split('.');
            let service = (parts.next()?, parts.next()?);
            (parts.next()? == "svc").then_some(service)
        });
        let error = rest.rsplit_once("\": ").map_or(rest, |(_, error)| error);
        Some(Self { name, service, error: error.trim_start_matches([':', ' ']) })
    }

    /// What a failing webhook is told about.
    pub(super) fn subject(&self) -> Subject {
        Subject::new("Webhook", "", self.name)
    }
}

fn webhooks(view: &Context<'_>, out: &mut Vec<Draft>) {
    let mut found: BTreeMap<&str, (Webhook<'_>, Vec<Refusal<'_>>)> = BTreeMap::new();
    let all: Vec<Refusal<'_>> = refusals(view).collect();
    for refusal in all {
        if let Some(webhook) = Webhook::of(refusal.message).filter(|_| !is_over(view, &refusal.subject)) {
            found.entry(webhook.name).or_insert_with(|| (webhook, Vec::new())).1.push(refusal);
        }
    }
    for (webhook, mut refused) in found.into_values() {
        refused.sort_by_key(|one| std::cmp::Reverse(one.at));
        // It answers again, and has refused nothing since: what it kept back is tried again by and by.
        let answers = webhook.service.and_then(|(name, namespace)| services::answers(view, namespace, name));
        let old = refused.iter().all(|one| one.at.is_some_and(|at| view.snapshot.elapsed(at) > PAST));
        if answers == Some(true) && old {
            continue;
        }
        let title = match webhook.service {
            Some((name, namespace)) => {
                format!("{name} in {namespace} does not answer for it: what it must allow is refused")
            }
            None => "it does not answer: what it must allow is refused".to_owned(),
        };
        let Some(newest) = refused.first() else { continue };
        let mut blocked: Vec<String> = refused.iter().map(|one| one.subject.name.clone()).collect();
        blocked.sort_unstable();
        blocked.dedup();
        let more = blocked.len().saturating_sub(3);
        blocked.truncate(3);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        let mut draft = WEBHOOK_DOWN
            .draft(webhook.subject(), title)
            .since(refused.iter().filter_map(|one| one.at).min())
            .evidence(EvidenceKind::Status, None, webhook.error)
            .evidence(newest.kind.clone(), newest.at, newest.message)
            .evidence(EvidenceKind::Status, None, format!("it keeps back {}{more}", blocked.join(", ")));
        if let Some((name, namespace)) = webhook.service {
            draft = draft
                .command_with(
                    &[namespace, name],
                    format!("kubectl get endpointslices -n {namespace} -l kubernetes.io/service-name={name}"),
                )
                .because(Subject::new("Service", namespace, name));
        }
        out.push(draft);
    }
}
