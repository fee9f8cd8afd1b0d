//! Autoscalers of pods.

#[cfg(test)]
mod tests;

use std::time::Duration;

use super::{Case, Check, GRACE, error, warning};
use crate::diagnostics::snapshot::Context;
use crate::kubernetes::objects::{Autoscaler, Condition, condition};
use crate::report::{Draft, EvidenceKind, Severity, Subject};

const HPA_MAXED: Check = Check {
    code: "HPA_MAXED",
    severity: &[warning(""), error("after 30 minutes")],
    section: "autoscalers",
    means: "An autoscaler has as many pods as it may have, and its measure asks for more.",
    confirm: "`kubectl describe hpa NAME` shows what it measures and wants.",
    remedy: "Raise its maxReplicas, if the nodes have room for it, or make the load smaller.",
};

const HPA_BLIND: Check = Check {
    code: "HPA_BLIND",
    severity: &[error("after a minute")],
    section: "autoscalers",
    means: "An autoscaler does nothing: it cannot get what it measures, or cannot reach what it scales.",
    confirm: "`kubectl describe hpa NAME` has the reason in its conditions; `kubectl top pods`",
    remedy: "By the reason: the metrics server or the adapter for other metrics is down, its pods name no requests, or its target does not exist.",
};

/// A limit that is reached for longer is more than a peak.
const LONG: Duration = Duration::from_secs(30 * 60);

pub(super) const CHECKS: &[Check] = &[HPA_MAXED, HPA_BLIND];

pub(super) fn find(view: &Context<'_>, out: &mut Vec<Draft>) {
    for one in &view.snapshot.autoscalers {
        out.extend(blind(view, one).or_else(|| maxed(view, one)));
    }
}

fn draft(one: &Autoscaler, case: impl Into<Case>, title: String, shown: &Condition) -> Draft {
    let (namespace, name) = (&one.metadata.namespace, &one.metadata.name);
    let target = &one.spec.scale_target_ref;
    let numbers = format!(
        "{} {}: {} pods, {} wanted, {} to {} allowed",
        target.kind,
        target.name,
        one.status.current_replicas,
        one.status.desired_replicas,
        one.spec.min_replicas.unwrap_or(1),
        one.spec.max_replicas
    );
    let since = shown.last_transition_time;
    case.into()
        .draft(Subject::new("HorizontalPodAutoscaler", namespace, name), title)
        .since(since)
        .evidence(EvidenceKind::Condition, since, format!("{}: {}", shown.reason, shown.message))
        .evidence(EvidenceKind::Status, None, numbers)
        .command(format!("kubectl describe hpa {name} -n {namespace}"))
}

/// For how long a condition has been as it is; forever, if that is not said.
fn elapsed(view: &Context<'_>, condition: &Condition) -> Duration {
    condition.last_transition_time.map_or(Duration::MAX, |at| view.snapshot.elapsed(at))
}

fn blind(view: &Context<'_>, one: &Autoscaler) -> Option<Draft> {
    // What is scaled to zero on purpose is left alone; to wait between two steps is no fault.
    let fine = |reason: &str| reason == "ScalingDisabled" || reason.starts_with("Backoff");
    let failed = ["AbleToScale", "ScalingActive"].into_iter().find_map(|kind| {
        let found = condition(&one.status.conditions, kind)?;
        (found.status == "False" && !fine(&found.reason) && elapsed(view, found) > GRACE).then_some(found)
    })?;
    let target = &one.spec.scale_target_ref;
    let title = match failed.kind.as_str() {
        "AbleToScale" => format!("it cannot scale {}: {}", target.name, failed.reason),
        _ => format!("it does not get what it measures: {}", failed.reason),
    };
    let draft = draft(one, HPA_BLIND, title, failed);
    // Of pods that are not ready nothing is measured.
    let target = Subject::new(&target.kind, &one.metadata.namespace, &target.name);
    Some(if view.ready_of(&target) == 0 { draft.because(target) } else { draft })
}

fn maxed(view: &Context<'_>, one: &Autoscaler) -> Option<Draft> {
    let limited = condition(&one.status.conditions, "ScalingLimited")
        .filter(|limited| limited.status == "True" && limited.reason == "TooManyReplicas")?;
    let most = one.spec.max_replicas;
    // With as many at least as at most it does not scale at all.
    if one.status.current_replicas < most || one.spec.min_replicas.unwrap_or(1) >= most {
        return None;
    }
    let long = limited.last_transition_time.is_some() && elapsed(view, limited) > LONG;
    let severity = if long { Severity::Error } else { Severity::Warning };
    Some(draft(
        one,
        HPA_MAXED.at(severity),
        format!("it has all {most} pods that it may have and wants more"),
        limited,
    ))
}
