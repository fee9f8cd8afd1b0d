//! Dapr: its control plane, and the sidecars that it should have given to pods.

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::{Check, GRACE, counted, critical, error, just_changed, minor, warning};
use crate::diagnostics::snapshot::{Context, PodRecord, WorkloadRecord};
use crate::kubernetes::calls::dapr::{DaprComponent, DaprSidecar, DaprState, components};
use crate::kubernetes::objects::{ContainerStatus, condition};
use crate::report::{Draft, EvidenceKind, LogWanted, Severity, Subject};

const DAPR_CP_DOWN: Check = Check {
    code: "DAPR_CP_DOWN",
    severity: &[
        critical("where the operator, the sentry or the injector is down for a minute or missing"),
        error("where not all of its replicas are ready"),
        warning("for placement and scheduler"),
    ],
    section: "dapr",
    means: "A part of Dapr's control plane is not up, or all of it is gone although pods have Dapr's sidecar. One ready replica does not make it healthy. Placement and scheduler may be left out.",
    confirm: "`kubectl get pods -A -l app=COMPONENT -o wide`; `dapr status -k` leaves out what is missing.",
    remedy: "By what is found about its pods; if it is missing, install or upgrade Dapr's chart again.",
};

const DAPR_SIDECAR_MISSING: Check = Check {
    code: "DAPR_SIDECAR_MISSING",
    severity: &[error("")],
    section: "dapr",
    means: "The pod says that it wants Dapr's sidecar (dapr.io/enabled) and has none: the injector was down, or not there yet, when the pod was made, or it leaves out the namespace.",
    confirm: "`kubectl get pod POD -n NAMESPACE -o jsonpath={.spec.containers[*].name}` has no daprd.",
    remedy: "When the injector is up, restart what made the pod: `kubectl rollout restart`.",
};

pub(in crate::diagnostics) const DAPR_SIDECAR_NOT_READY: Check = Check {
    code: "DAPR_SIDECAR_NOT_READY",
    severity: &[error("after a minute")],
    section: "dapr",
    means: "The sidecar of the pod is not ready: mostly it cannot set up a component, or does not reach the control plane.",
    confirm: "`kubectl logs POD -n NAMESPACE -c daprd` names the component.",
    remedy: "Mend the component that its log names (its address, its secret), or the control plane.",
};

const DAPR_VERSION_SKEW: Check = Check {
    code: "DAPR_VERSION_SKEW",
    severity: &[warning("")],
    section: "dapr",
    means: "Sidecars have another minor version than the control plane: they were made before it was upgraded.",
    confirm: "`kubectl get pods -A -o jsonpath={..image}` has the sidecars' versions.",
    remedy: "Restart what made the pods: `kubectl rollout restart`.",
};

pub(super) const CHECKS: &[Check] =
    &[DAPR_CP_DOWN, DAPR_SIDECAR_MISSING, DAPR_SIDECAR_NOT_READY, DAPR_VERSION_SKEW];

const INJECTOR: &str = "dapr-sidecar-injector";

/// What is told about a part of the control plane.
fn part(name: &str) -> Subject {
    Subject::new("DaprComponent", "", name)
}

pub(super) fn find(view: &Context<'_>, out: &mut Vec<Draft>) {
    let snapshot = view.snapshot;
    let pods: Vec<_> = snapshot.pods.iter().filter_map(|pod| pod.of_dapr.as_deref()).collect();
    let workloads: Vec<_> = snapshot.workloads.iter().filter_map(|one| one.of_dapr.as_deref()).collect();
    let plane = components(&pods, &workloads);
    let present = plane.iter().any(|one| *one.state != DaprState::Missing);
    let sidecars =
        || snapshot.pods.iter().filter_map(|pod| pod.dapr.as_deref().map(|sidecar| (pod, sidecar)));
    // Who may not see the control plane sees sidecars all the same.
    let used = sidecars().any(|(_, sidecar)| *sidecar.state != DaprState::Missing);
    if !present && !used {
        return;
    }
    // With sidecars and without a control plane, it is gone; unless it is where was not looked.
    if present || used && snapshot.everywhere {
        out.extend(plane.iter().filter_map(|one| of_component(view, one)));
    }
    for (pod, sidecar) in sidecars() {
        match *sidecar.state {
            DaprState::Missing => out.push(missing(view, pod)),
            DaprState::Down => out.extend(unready(view, pod)),
            _ => {}
        }
    }
    skew(&plane, sidecars(), out);
}

fn of_component(view: &Context<'_>, component: &DaprComponent) -> Option<Draft> {
    let DaprComponent { name, state, ready, desired, .. } = component;
    let needed = !matches!(name.as_str(), "dapr-placement-server" | "dapr-scheduler-server");
    let missing = *state == DaprState::Missing;
    let sections = &view.snapshot.sections;
    // What was not read is not missing.
    if component.healthy || missing && !(sections.whole("pods") && sections.whole("workloads")) {
        return None;
    }
    let is_it = |labels: &BTreeMap<String, String>| labels.get("app") == Some(name);
    let pods: Vec<&PodRecord> =
        view.snapshot.pods.iter().filter(|pod| !pod.ready && !pod.ended && is_it(&pod.labels)).collect();
    let workloads: Vec<&WorkloadRecord> = view
        .snapshot
        .workloads
        .iter()
        .filter(|one| one.of_dapr.as_deref().is_some_and(|whole| is_it(&whole.metadata.labels)))
        .collect();
    if !missing && just_changed(view, pods.iter().copied(), workloads.iter().copied()) {
        return None;
    }
    let degraded = *state == DaprState::Degraded;
    let severity = match (needed, degraded) {
        (false, _) => Severity::Warning,
        (true, true) => Severity::Error,
        (true, false) => Severity::Critical,
    };
    let title = match (missing, degraded) {
        (true, _) => format!("{name} is missing"),
        (_, true) => format!("{name} is degraded: {ready} of {desired} replicas are ready"),
        _ => format!("{name} is down: none of {} is ready", counted(*desired as usize, "replica")),
    };
    let text = format!("{ready} of {desired} replicas are ready");
    let version = component.version.as_deref().map(|version| format!("its version is {version}"));
    let mut draft = DAPR_CP_DOWN
        .at(severity)
        .draft(part(name), title)
        .command(format!("kubectl get pods -A -l app={name} -o wide"))
        .evidence(EvidenceKind::Status, None, text)
        .evidence(EvidenceKind::Spec, None, version.unwrap_or_default());
    if let Some(namespace) = &component.namespace {
        draft = draft.evidence(EvidenceKind::Status, None, format!("it is in {namespace}"));
    }
    let causes = pods.iter().map(|pod| pod.subject());
    for cause in causes.chain(workloads.iter().map(|one| one.subject.clone())) {
        draft = draft.because(cause);
    }
    Some(draft)
}

fn missing(view: &Context<'_>, pod: &PodRecord) -> Draft {
    let whole = pod.trouble.as_ref().map(|trouble| &trouble.pod);
    let names: Vec<&str> = whole
        .map(|pod| pod.spec.containers.iter().map(|container| container.name.as_str()).collect())
        .unwrap_or_default();
    let injector = view.snapshot.workloads.iter().find(|one| {
        let labels = one.of_dapr.as_deref().map(|workload| &workload.metadata.labels);
        labels.and_then(|labels| labels.get("app")).is_some_and(|app| app == INJECTOR)
    });
    let younger = injector.and_then(|one| one.created_at).zip(pod.created_at);
    let older = match younger {
        Some((injector, pod)) if pod < injector => "the pod is older than the injector",
        _ => "",
    };
    let title = "it wants Dapr's sidecar and was not given one";
    let draft = DAPR_SIDECAR_MISSING
        .draft(pod.subject(), title)
        .owner(pod.owner.as_deref().cloned())
        .since(pod.created_at)
        .evidence(
            EvidenceKind::Spec,
            None,
            format!("dapr.io/enabled is true; its containers are {}", names.join(", ")),
        )
        .evidence(EvidenceKind::Status, None, older)
        .because(part(INJECTOR));
    match pod.owner.as_deref() {
        Some(owner) if matches!(owner.kind.as_str(), "Deployment" | "StatefulSet" | "DaemonSet") => {
            let kind = owner.kind.to_ascii_lowercase();
            draft.command(format!("kubectl rollout restart {kind}/{} -n {}", owner.name, owner.namespace))
        }
        _ => draft.command(format!("kubectl describe pod {} -n {}", pod.name, pod.namespace)),
    }
}

/// A sidecar that is there and not ready, once it has had a minute.
fn unready(view: &Context<'_>, pod: &PodRecord) -> Option<Draft> {
    let whole = &pod.trouble.as_ref()?.pod;
    let statuses = whole.status.container_statuses.iter().chain(&whole.status.init_container_statuses);
    let status: &ContainerStatus = statuses.into_iter().find(|status| status.name == "daprd")?;
    let waiting = status.state.waiting.as_ref();
    // It has not begun: what keeps the pod is told of the pod.
    if waiting.is_some_and(|waiting| {
        matches!(waiting.reason.as_str(), "" | "ContainerCreating" | "PodInitializing")
    }) {
        return None;
    }
    let ready = condition(&whole.status.conditions, "Ready");
    // Nothing is known of what is on a node that is down.
    if ready.is_some_and(|ready| ready.status == "Unknown") {
        return None;
    }
    let begun = status.state.running.as_ref().and_then(|running| running.started_at);
    let since = ready.and_then(|ready| ready.last_transition_time).max(begun).or(pod.created_at);
    if since.map_or(Duration::ZERO, |since| view.snapshot.elapsed(since)) <= GRACE {
        return None;
    }
    let runs = status.state.running.is_some();
    let title = match (waiting, runs) {
        (Some(waiting), _) => format!("Dapr's sidecar is not up: {}", waiting.reason),
        (None, true) => "Dapr's sidecar is not ready".to_owned(),
        (None, false) => "Dapr's sidecar has ended".to_owned(),
    };
    let subject = Subject::new("DaprSidecar", &pod.namespace, &pod.name);
    let mut draft = DAPR_SIDECAR_NOT_READY
        .draft(subject, title)
        .owner(pod.owner.as_deref().cloned())
        .container("daprd")
        .since(since)
        .command(format!("kubectl logs {} -n {} -c daprd --tail=50", pod.name, pod.namespace))
        .log(LogWanted {
            namespace: pod.namespace.to_string(),
            pod: pod.name.to_string(),
            container: "daprd".to_owned(),
            previous: !runs && status.restart_count > 0,
        });
    let text = format!("daprd was started again {} times", status.restart_count);
    draft = draft.evidence(EvidenceKind::Status, None, text);
    if let Some(ended) = &status.last_state.terminated {
        let text = format!("it last ended with exit code {} {}", ended.exit_code, ended.reason);
        draft = draft.evidence(EvidenceKind::Status, ended.finished_at, text);
    }
    if let Some(id) = pod.dapr.as_ref().and_then(|sidecar| sidecar.app_id.as_deref()) {
        draft = draft.evidence(EvidenceKind::Spec, None, format!("its app id is {id}"));
    }
    // Without its certificate or its components it does not start.
    draft = draft.because(part("dapr-sentry")).because(part("dapr-operator"));
    // One that runs explains that its pod is not ready; one that does not is explained by its end.
    Some(if runs { draft } else { draft.because(pod.subject()) })
}

/// One finding for all the pods of an owner. It is told about their sidecars, for it explains nothing else.
fn skew<'a>(
    plane: &[DaprComponent],
    sidecars: impl Iterator<Item = (&'a PodRecord, &'a DaprSidecar)>,
    out: &mut Vec<Draft>,
) {
    // While it is being upgraded it has two.
    let known: BTreeSet<(u32, u32)> =
        plane.iter().filter_map(|component| minor(component.version.as_deref()?)).collect();
    let Some((major, newest)) = known.last().copied() else { return };
    let mut apart: BTreeMap<(Subject, (u32, u32)), Vec<&str>> = BTreeMap::new();
    for (pod, sidecar) in sidecars {
        if let Some(version) = sidecar.version.as_deref().and_then(minor)
            && !known.contains(&version)
        {
            let owner = pod.owner.as_deref().map_or(&*pod.name, |owner| owner.name.as_str());
            let subject = Subject::new("DaprSidecar", &pod.namespace, owner);
            apart.entry((subject, version)).or_default().push(&pod.name);
        }
    }
    for ((subject, version), mut pods) in apart {
        pods.sort_unstable();
        let title = format!(
            "{} of version {}.{}, the control plane has {major}.{newest}",
            counted(pods.len(), "sidecar"),
            version.0,
            version.1
        );
        let command = format!("kubectl get pods -n {} -o wide", subject.namespace);
        pods.truncate(3);
        out.push(
            DAPR_VERSION_SKEW
                .draft(subject, title)
                .evidence(EvidenceKind::Spec, None, format!("among them {}", pods.join(", ")))
                .command(command),
        );
    }
}

/// What daprd's last lines say that it could not set up: `the component statestore cannot be set up`, and what to do.
pub(in crate::diagnostics) fn by_log(lines: &[String]) -> Option<(String, &'static str)> {
    // What comes before the component's name.
    const BEFORE: [&str; 5] = [
        "error initializing component ",
        "initialization error occurred for ",
        "failed to init component ",
        "error processing component ",
        "process component ",
    ];
    let name = |line: &String| {
        let lower = line.to_ascii_lowercase();
        let begin = BEFORE.iter().find_map(|words| Some(lower.find(words)? + words.len()))?;
        let quote = |c: char| matches!(c, '\'' | '"' | '\\' | '`');
        let rest = line.get(begin..)?.trim_start_matches(quote);
        let end = rest.find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.')));
        let name = rest[..end.unwrap_or(rest.len())].trim_end_matches('.');
        (!name.is_empty()).then(|| format!("the component {name} cannot be set up"))
    };
    let remedy = "Mend the component: `kubectl describe component NAME` has its address and secrets; is what it names up, and does its secret fit?";
    lines.iter().rev().find_map(name).map(|what| (what, remedy))
}
