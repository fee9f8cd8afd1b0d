//! Pods that have no node yet, or whose containers do not start.

use std::time::Duration;

use super::{POD_NO_SCHEDULER, POD_SCHED_GATED, POD_STUCK_CREATING, POD_UNSCHEDULABLE, PodContext};
use crate::diagnostics::checks::{GRACE, storage, unschedulable::Unschedulable};
use crate::kubernetes::objects::{Condition, Terminated, condition};
use crate::report::{Draft, EvidenceKind, Severity};
use crate::types::Timestamp;

/// A gate that is closed for longer is not only a queue.
const HELD: Duration = Duration::from_secs(15 * 60);
/// Containers start within this, and within that while an image is pulled or an init container runs.
const CREATING: Duration = Duration::from_secs(120);
const SLOW: Duration = Duration::from_secs(600);

impl PodContext<'_> {
    pub(super) fn pending(&self) -> Vec<Draft> {
        if self.pod.status.phase != "Pending" {
            return Vec::new();
        }
        let scheduled = condition(&self.pod.status.conditions, "PodScheduled");
        match scheduled {
            Some(scheduled) if scheduled.reason == "SchedulingGated" => vec![self.gated(scheduled)],
            Some(scheduled) if scheduled.status == "False" && self.age() > GRACE => {
                vec![self.unschedulable(scheduled)]
            }
            None if self.record.node.is_none() && self.age() > GRACE => vec![self.unseen()],
            _ if self.record.node.is_some() => self.creating(),
            _ => Vec::new(),
        }
    }

    fn gated(&self, scheduled: &Condition) -> Draft {
        let names: Vec<&str> = self.pod.spec.scheduling_gates.iter().map(|gate| gate.name.as_str()).collect();
        let severity = if self.age() > HELD { Severity::Warning } else { Severity::Info };
        let title = format!("it is held back by the gate {}", names.join(", "));
        let draft = self.draft(POD_SCHED_GATED.at(severity), title).since(self.record.created_at);
        draft.evidence(EvidenceKind::Condition, None, &scheduled.message)
    }

    fn unschedulable(&self, scheduled: &Condition) -> Draft {
        let told = Unschedulable::parse(&scheduled.message);
        let title = match &told {
            Some(told) if told.nodes == 0 => "there is no node that it could be placed on".to_owned(),
            Some(told) => {
                let reasons: Vec<String> = told
                    .reasons
                    .iter()
                    .take(3)
                    .map(|(count, reason)| format!("{reason} ({count} of {})", told.nodes))
                    .collect();
                format!("no node takes it: {}", reasons.join("; "))
            }
            None => format!("no node takes it: {}", crate::operation::clean(&scheduled.message, 200)),
        };
        let since = scheduled.last_transition_time.or(self.record.created_at);
        let asked = self.asked();
        let mut draft = self.draft(POD_UNSCHEDULABLE.at(self.urgent()), title).since(since);
        draft = draft.evidence(EvidenceKind::Condition, since, &scheduled.message).evidence(
            EvidenceKind::Spec,
            None,
            asked,
        );
        // Schedulers that share GPUs tell their reasons by events alone.
        if let Some(event) = self.warning(&["FilteringFailed", "BindingFailed"]) {
            draft = draft.evidence(EvidenceKind::Event, event.at, &event.message);
        }
        if scheduled.message.to_ascii_lowercase().contains("persistentvolumeclaim") {
            draft = self.waits_for_volumes(draft);
        }
        // Of a scheduler with words of its own it is not known what is short.
        let asked = self.record.gpus.iter().map(|(resource, _)| &**resource);
        let short =
            asked.filter(|gpu| told.as_ref().is_none_or(|told| told.short_of().any(|short| short == *gpu)));
        short.fold(draft, |draft, gpu| draft.because(super::super::gpus::shortage(gpu)))
    }

    /// A claim that has no volume, or has lost it, keeps the pod from starting.
    fn waits_for_volumes(&self, draft: Draft) -> Draft {
        let subject = |claim: &str| storage::subject(&self.record.namespace, claim);
        self.record.claims.iter().fold(draft, |draft, claim| draft.because(subject(claim)))
    }

    /// What the pod asks for.
    fn asked(&self) -> String {
        let gpus = self.record.gpus.iter().map(|(resource, count)| format!("{resource}: {count}"));
        let rest = ["cpu", "memory"].into_iter().filter_map(|resource| {
            let asked = crate::kubernetes::objects::requests::requested(self.pod, resource);
            let text = match resource {
                "cpu" => format!("{}m", asked.millis()),
                _ => format!("{}Mi", asked.units() >> 20),
            };
            (asked.millis() > 0).then(|| format!("{resource}: {text}"))
        });
        let all: Vec<String> = gpus.chain(rest).collect();
        if all.is_empty() { String::new() } else { format!("it asks for {}", all.join(", ")) }
    }

    fn unseen(&self) -> Draft {
        let name = match self.pod.spec.scheduler_name.as_str() {
            "" => "default-scheduler",
            name => name,
        };
        let draft = self.draft(POD_NO_SCHEDULER.at(self.urgent()), format!("{name} has not looked at it"));
        draft
            .since(self.record.created_at)
            .command_with(&[name], format!("kubectl get pods -A | grep {name}"))
    }

    /// The init container that runs, and since when. A sidecar does not keep the others waiting by running.
    fn working(&self) -> Option<(&str, Option<Timestamp>)> {
        let sidecar = |name: &str| {
            self.pod.spec.init_containers.iter().any(|one| one.name == name && one.restart_policy == "Always")
        };
        let mut all = self.pod.status.init_container_statuses.iter();
        all.find_map(|status| {
            let running = status.state.running.as_ref().filter(|_| !sidecar(&status.name))?;
            Some((status.name.as_str(), running.started_at))
        })
    }

    /// It has a node; its containers wait for something that is not the image.
    fn creating(&self) -> Vec<Draft> {
        let waits = |reason: &str| matches!(reason, "ContainerCreating" | "PodInitializing");
        let waiting = self.statuses().filter_map(|status| status.state.waiting.as_ref());
        let reasons: Vec<&str> = waiting.map(|waiting| waiting.reason.as_str()).collect();
        // An init container that failed is between two starts.
        let failed = |ended: &Terminated| ended.exit_code != 0;
        if self.statuses().any(|status| status.state.terminated.as_ref().is_some_and(failed)) {
            return Vec::new();
        }
        // The other reasons are the containers' own.
        if reasons.iter().any(|reason| !waits(reason))
            || reasons.is_empty() && self.statuses().next().is_some()
        {
            return Vec::new();
        }
        const STUCK: [&str; 6] = [
            "FailedMount",
            "FailedAttachVolume",
            "FailedCreatePodSandBox",
            "FailedPrepareDynamicResources",
            "NetworkNotReady",
            "FailedMapVolume",
        ];
        let placed = condition(&self.pod.status.conditions, "PodScheduled")
            .and_then(|placed| placed.last_transition_time);
        // An init container that does its work has its own time.
        let working = self.working();
        let since = working.and_then(|(_, since)| since).or(placed).or(self.record.created_at);
        let elapsed = self.elapsed(since);
        let meta = &self.pod.metadata;
        let mut about = self.view.events_about("Pod", &meta.namespace, &meta.name, &meta.uid);
        let pulling = about.find(|event| &*event.reason == "Pulling");
        let warning = self.warning(&STUCK);
        let slow = pulling.is_some() && warning.is_none() || working.is_some();
        let limit = if slow { SLOW } else { CREATING };
        if elapsed <= limit {
            return Vec::new();
        }
        let title = match (warning, pulling) {
            _ if working.is_some() => {
                let name = working.map_or("", |(name, _)| name);
                format!("its init container {name} has run for {} minutes", elapsed.as_secs() / 60)
            }
            (Some(warning), _) => format!("its containers do not start: {}", warning.reason),
            (None, Some(_)) => format!("an image has been pulled for {} minutes", elapsed.as_secs() / 60),
            (None, None) => format!("its containers have not started for {} minutes", elapsed.as_secs() / 60),
        };
        let draft = self.draft(POD_STUCK_CREATING, title).since(since);
        if let Some((name, _)) = working {
            return vec![draft.container(name).log(self.log(name, false))];
        }
        let volumes = ["FailedMount", "FailedAttachVolume", "FailedMapVolume"];
        let draft = match warning.filter(|warning| volumes.contains(&&*warning.reason)) {
            Some(_) => self.waits_for_volumes(draft),
            None => draft,
        };
        let event = warning.or(pulling);
        vec![match event {
            Some(event) => draft.evidence(EvidenceKind::Event, event.at, &event.message),
            None => draft,
        }]
    }
}
