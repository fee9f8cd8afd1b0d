//! Services: whether anybody answers behind them.

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use super::{Case, Check, GRACE, counted, critical, error, info, just_changed, warning};
use crate::diagnostics::snapshot::{Context, PodRecord, ServiceRecord, WorkloadRecord};
use crate::kubernetes::objects::condition;
use crate::report::{Draft, EvidenceKind, Severity, Subject};

const SVC_NO_ENDPOINTS: Check = Check {
    code: "SVC_NO_ENDPOINTS",
    severity: &[
        critical("in a namespace of the platform"),
        error("otherwise"),
        warning(
            "while what is behind it is rolled out for the first time, and outside the platform where nothing is behind it",
        ),
        info("where it leads to what is scaled to zero"),
    ],
    section: "services",
    means: "A service has nobody who answers: no pod has the labels that it selects, or none of those is ready, for a minute. Outside the platform, what selects nothing at all is often made so: its pods are not of this cluster, or not wanted.",
    confirm: "`kubectl get endpointslices -l kubernetes.io/service-name=NAME` and `kubectl get pods` with its selector.",
    remedy: "Bring up the pods behind it, or mend its selector.",
};

const SVC_LB_PENDING: Check = Check {
    code: "SVC_LB_PENDING",
    severity: &[warning("after 5 minutes")],
    section: "services",
    means: "A service of the type LoadBalancer was given no address: nothing outside reaches it.",
    confirm: "`kubectl describe service NAME` has what the cloud's controller says.",
    remedy: "Look at the controller that gives addresses: the cloud's own, or MetalLB and its pools.",
};

pub(super) const CHECKS: &[Check] = &[SVC_NO_ENDPOINTS, SVC_LB_PENDING];

/// A controller looks at a new deployment within seconds.
const AT_ONCE: Duration = Duration::from_secs(10);
/// A cloud makes a load balancer within minutes.
const BALANCING: Duration = Duration::from_secs(300);

pub(super) fn find(view: &Context<'_>, out: &mut Vec<Draft>) {
    let snapshot = view.snapshot;
    // Without all slices and pods, everything would seem to be missing.
    let known = snapshot.sections.whole("services") && snapshot.sections.whole("pods");
    let mut behind = None;
    for service in &snapshot.services {
        let age = service.created_at.map_or(Duration::MAX, |created| snapshot.elapsed(created));
        if known && age > GRACE && is_empty(view, service) {
            let behind = behind.get_or_insert_with(|| Behind::of(view));
            out.extend(no_endpoints(view, service, behind));
        }
        if service.kind == "LoadBalancer" && !service.balanced && age > BALANCING {
            out.push(pending(view, service));
        }
    }
}

/// Whether somebody should answer and nobody does.
fn is_empty(view: &Context<'_>, service: &ServiceRecord) -> bool {
    let expected = !service.selector.is_empty() && service.kind != "ExternalName";
    let (ready, all) = endpoints(view, service);
    expected && ready == 0 && !(service.unready_too && all > 0)
}

fn endpoints(view: &Context<'_>, service: &ServiceRecord) -> (u32, u32) {
    let key = (service.namespace.clone(), service.name.clone());
    view.snapshot.endpoints.get(&key).copied().unwrap_or_default()
}

/// Whether somebody answers behind a service; `None` if it is not known.
pub(super) fn answers(view: &Context<'_>, namespace: &str, name: &str) -> Option<bool> {
    let service = view.snapshot.services.iter().find(|one| one.namespace == namespace && one.name == name)?;
    view.snapshot.sections.whole("services").then(|| endpoints(view, service).0 > 0)
}

/// What may be behind services, by namespace.
struct Behind<'a> {
    pods: HashMap<&'a str, Vec<&'a PodRecord>>,
    workloads: HashMap<&'a str, Vec<&'a WorkloadRecord>>,
}

impl<'a> Behind<'a> {
    fn of(view: &Context<'a>) -> Self {
        let mut behind = Self { pods: HashMap::new(), workloads: HashMap::new() };
        for pod in view.snapshot.pods.iter().filter(|pod| !pod.ended) {
            behind.pods.entry(&pod.namespace).or_default().push(pod);
        }
        for workload in &view.snapshot.workloads {
            behind.workloads.entry(&workload.subject.namespace).or_default().push(workload);
        }
        behind
    }
    fn pods(&self, service: &ServiceRecord) -> Vec<&'a PodRecord> {
        let all = self.pods.get(service.namespace.as_str()).into_iter().flatten();
        all.copied().filter(|pod| selects(&service.selector, &pod.labels)).collect()
    }
    fn workloads(&self, service: &ServiceRecord) -> Vec<&'a WorkloadRecord> {
        let all = self.workloads.get(service.namespace.as_str()).into_iter().flatten();
        all.copied().filter(|workload| selects(&service.selector, &workload.labels)).collect()
    }
}

fn selects(selector: &BTreeMap<String, String>, labels: &BTreeMap<String, String>) -> bool {
    selector.iter().all(|(name, value)| labels.get(name) == Some(value))
}

fn draft(service: &ServiceRecord, case: impl Into<Case>, title: String) -> Draft {
    let (namespace, name) = (&service.namespace, &service.name);
    case.into()
        .draft(Subject::new("Service", namespace, name), title)
        .command(format!("kubectl describe service {name} -n {namespace}"))
}

fn no_endpoints(view: &Context<'_>, service: &ServiceRecord, behind: &Behind<'_>) -> Option<Draft> {
    let (pods, workloads) = (behind.pods(service), behind.workloads(service));
    if just_changed(view, pods.iter().copied(), workloads.iter().copied()) {
        return None;
    }
    let ready = pods.iter().filter(|pod| pod.ready).count();
    let selector: Vec<String> =
        service.selector.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let at_rest = ready == 0
        && !workloads.is_empty()
        && workloads.iter().all(|workload| workload.rollout.replicas == 0);
    let platform = view.snapshot.is_platform(&service.namespace);
    let nothing = pods.is_empty() && workloads.is_empty();
    let begins = !workloads.is_empty() && workloads.iter().copied().all(begins);
    let severity = if at_rest {
        Severity::Info
    } else if begins || nothing && !platform {
        Severity::Warning
    } else if platform {
        Severity::Critical
    } else {
        Severity::Error
    };
    let title = match (at_rest, pods.len(), workloads.first()) {
        (true, _, Some(workload)) => {
            format!("nobody answers: {} is scaled to zero", workload.subject.name)
        }
        (_, 0, Some(workload)) => format!("nobody answers: {} has no pods", workload.subject.name),
        (_, 0, None) => "nobody answers: no pod has the labels that it selects".to_owned(),
        (_, 1, _) if ready == 0 => "nobody answers: its only pod is not ready".to_owned(),
        (_, many, _) if ready == 0 => format!("nobody answers: none of its {many} pods is ready"),
        _ => "nobody answers: its pods are ready, but they are not among its endpoints".to_owned(),
    };
    let (_, all) = endpoints(view, service);
    let numbers = format!(
        "{} with its labels, {ready} ready; {}, none ready",
        counted(pods.len(), "pod"),
        counted(all as usize, "endpoint")
    );
    let mut draft = draft(service, SVC_NO_ENDPOINTS.at(severity), title)
        .evidence(EvidenceKind::Spec, None, format!("it selects {}", selector.join(", ")))
        .evidence(EvidenceKind::Status, None, numbers)
        .command(format!("kubectl get pods -n {} -l {}", service.namespace, selector.join(",")));
    // Many pods have one owner.
    let mut causes: Vec<Subject> = Vec::new();
    let owners = pods.iter().map(|pod| pod.owner.as_deref().cloned().unwrap_or_else(|| pod.subject()));
    for cause in owners.chain(workloads.iter().map(|workload| workload.subject.clone())) {
        if !causes.contains(&cause) {
            causes.push(cause);
        }
    }
    draft.causes = causes;
    Some(draft)
}

/// Whether a deployment is rolled out for the first time and that goes on: it has not been available since it was made.
fn begins(workload: &WorkloadRecord) -> bool {
    let since = condition(&workload.conditions, "Available")
        .filter(|available| available.status == "False")
        .and_then(|available| available.last_transition_time);
    let never =
        since.zip(workload.created_at).is_some_and(|(since, created)| since.since(created) <= AT_ONCE);
    never
        && condition(&workload.conditions, "Progressing")
            .is_some_and(|progress| progress.status == "True" && progress.reason != "NewReplicaSetAvailable")
}

fn pending(view: &Context<'_>, service: &ServiceRecord) -> Draft {
    let draft = draft(service, SVC_LB_PENDING, "it was given no address outside".to_owned());
    let draft = draft.since(service.created_at);
    let mut about = view.events_about("Service", &service.namespace, &service.name, "");
    match about.find(|event| event.warning) {
        Some(event) => draft.evidence(EvidenceKind::Event, event.at, &event.message),
        None => draft,
    }
}
