//! Inference engines: whether they serve, what their last words mean, and whether their GPUs do anything.

#[cfg(test)]
mod tests;
mod words;

pub(in crate::diagnostics) use words::by_log;

use std::time::Duration;

use super::{Check, GRACE, critical, error, info};
use crate::diagnostics::snapshot::{Context, PodRecord, Trouble};
use crate::kubernetes::calls::gpu_readings::is_workload;
use crate::kubernetes::objects::requests::gpus;
use crate::kubernetes::objects::{Container, ContainerStatus, condition};
use crate::report::{Draft, EvidenceKind, LogWanted, Severity};
use crate::types::Timestamp;

const VLLM_NOT_READY: Check = Check {
    code: "VLLM_NOT_READY",
    severity: &[critical("where none of its owner's pods is ready"), error("otherwise")],
    section: "engines",
    means: "A pod that runs a model does not serve: it waits for a node, for its image, loads its model for more than ten minutes, or ends again and again.",
    confirm: "`kubectl describe pod POD -n NAMESPACE`, and `kubectl logs POD -n NAMESPACE`, with `--previous` if it ended.",
    remedy: "By what it waits for, or by the last words of its log: too little GPU memory, a model that it may not download, a full disk.",
};

const VLLM_GPU_IDLE: Check = Check {
    code: "VLLM_GPU_IDLE",
    severity: &[info("")],
    section: "gpu_use",
    means: "A model is up for more than 15 minutes and its GPUs do nothing at the moment. Whether it had requests was not looked at.",
    confirm: "`kubectl exec POD -n NAMESPACE -- nvidia-smi`",
    remedy: "If nobody uses the model, delete the deployment or scale it down: its GPUs are of use to others.",
};

pub(super) const CHECKS: &[Check] = &[VLLM_NOT_READY, VLLM_GPU_IDLE];

const LOADING: Duration = Duration::from_secs(600);
const CREATING: Duration = Duration::from_secs(600);
/// A queue holds pods back on purpose.
const QUEUED: Duration = Duration::from_secs(15 * 60);
const IDLE: Duration = Duration::from_secs(15 * 60);

pub(super) fn find(view: &Context<'_>, out: &mut Vec<Draft>) {
    for pod in &view.snapshot.pods {
        let serves = pod.engine && is_workload(&pod.namespace) && !pod.ready && !pod.ended;
        // What a job does is done once, and does not serve.
        let job = pod.owner.as_deref().is_some_and(|owner| owner.kind == "Job");
        if let Some(trouble) = pod.trouble.as_deref().filter(|_| serves && !job) {
            out.extend(not_ready(view, pod, trouble));
        }
    }
    idle(view, out);
}

/// How far an engine has come.
enum Phase<'a> {
    Lost,
    Pending,
    Pulling(Option<&'a ContainerStatus>),
    Loading(&'a ContainerStatus, Option<Timestamp>),
    Crash(&'a ContainerStatus),
}

impl<'a> Phase<'a> {
    fn of(pod: &PodRecord, trouble: &'a Trouble) -> Option<Self> {
        let whole = &trouble.pod;
        let unknown =
            condition(&whole.status.conditions, "Ready").is_some_and(|ready| ready.status == "Unknown");
        if unknown || whole.status.phase == "Unknown" {
            return Some(Self::Lost);
        }
        if pod.node().is_none() {
            return Some(Self::Pending);
        }
        let statuses = || whole.status.init_container_statuses.iter().chain(&whole.status.container_statuses);
        if let Some(status) = statuses().find(|status| crashes(status)) {
            return Some(Self::Crash(status));
        }
        let waits = |status: &&ContainerStatus| status.state.waiting.is_some();
        // What waits for init containers is not told by it.
        let pulls = statuses().find(|status| {
            status
                .state
                .waiting
                .as_ref()
                .is_some_and(|waiting| !waiting.reason.is_empty() && waiting.reason != "PodInitializing")
        });
        if let Some(status) = pulls.or_else(|| statuses().find(waits)) {
            let reason = status.state.waiting.as_ref().map_or("", |waiting| waiting.reason.as_str());
            return Some(match reason {
                "PodInitializing" => {
                    let step = statuses().find(|status| status.state.running.is_some() && !status.ready);
                    step.map_or(Self::Pulling(None), |step| Self::Loading(step, begun(step)))
                }
                _ => Self::Pulling(Some(status)),
            });
        }
        // The engine's own container first: others may wait for it.
        let unready = || whole.status.container_statuses.iter().filter(|status| !status.ready);
        let engine = unready().find(|status| {
            whole
                .spec
                .containers
                .iter()
                .any(|container| container.name == status.name && is_engine(container))
        });
        match engine.or_else(|| unready().next()) {
            Some(status) => Some(Self::Loading(status, begun(status))),
            None if whole.status.container_statuses.is_empty() => Some(Self::Pulling(None)),
            // All containers are ready and a readiness gate is not: no matter of the engine.
            None => None,
        }
    }
}

fn is_engine(container: &Container) -> bool {
    gpus(&container.resources.requests).next().is_some() || gpus(&container.resources.limits).next().is_some()
}

fn begun(status: &ContainerStatus) -> Option<Timestamp> {
    status.state.running.as_ref().and_then(|running| running.started_at)
}

/// Whether a container ends again and again, though it may run at this moment.
fn crashes(status: &ContainerStatus) -> bool {
    let waits = status.state.waiting.as_ref().is_some_and(|waiting| waiting.reason == "CrashLoopBackOff");
    let ended = status.state.terminated.as_ref().is_some_and(|ended| ended.exit_code != 0);
    let before = status.last_state.terminated.as_ref().is_some_and(|ended| ended.exit_code != 0);
    waits || ended || before && !status.ready && status.restart_count >= 3
}

fn not_ready(view: &Context<'_>, pod: &PodRecord, trouble: &Trouble) -> Option<Draft> {
    if trouble.pod.metadata.deletion_timestamp.is_some() {
        return None;
    }
    let elapsed = |at: Option<Timestamp>| at.map_or(Duration::ZERO, |at| view.snapshot.elapsed(at));
    let placed = condition(&trouble.pod.status.conditions, "PodScheduled")
        .and_then(|placed| placed.last_transition_time)
        .or(pod.created_at);
    let found = || !super::pods::of_pod(view, pod, trouble).is_empty();
    let minutes = |at: Option<Timestamp>| elapsed(at).as_secs() / 60;
    let gated = condition(&trouble.pod.status.conditions, "PodScheduled")
        .is_some_and(|placed| placed.reason == "SchedulingGated");
    let pending = if gated { QUEUED } else { GRACE };
    let phase = Phase::of(pod, trouble)?;
    let (title, since) = match &phase {
        Phase::Lost => ("the model does not serve: nothing is heard of its node".to_owned(), None),
        Phase::Pending if elapsed(pod.created_at) > pending => {
            ("the model does not serve: pending, it has no node".to_owned(), pod.created_at)
        }
        Phase::Pulling(status) if elapsed(placed) > CREATING || found() => {
            let reason = status.and_then(|status| status.state.waiting.as_ref());
            let reason = reason.map_or("its containers do not start", |waiting| waiting.reason.as_str());
            (format!("the model does not serve: pulling, {reason} for {} minutes", minutes(placed)), placed)
        }
        Phase::Loading(_, begun) if elapsed(*begun) >= LOADING => {
            (format!("the model does not serve: loading for {} minutes", minutes(*begun)), *begun)
        }
        Phase::Crash(status) => {
            let ended = status.last_state.terminated.as_ref().or(status.state.terminated.as_ref());
            let title = format!(
                "the model does not serve: crash, {} was started again {} times",
                status.name, status.restart_count
            );
            (title, ended.and_then(|ended| ended.finished_at))
        }
        _ => return None,
    };
    let others = pod.owner.as_deref().map_or(0, |owner| view.ready_of(owner));
    let severity = if others == 0 { Severity::Critical } else { Severity::Error };
    let mut draft = VLLM_NOT_READY
        .at(severity)
        .draft(pod.subject(), title)
        .owner(pod.owner.as_deref().cloned())
        .since(since)
        .evidence(EvidenceKind::Status, None, format!("its status is {}", trouble.status))
        .evidence(EvidenceKind::Status, None, format!("{others} of its owner's pods are ready"))
        .command(format!("kubectl describe pod {} -n {}", pod.name, pod.namespace))
        .because(pod.subject());
    let log = match phase {
        Phase::Loading(status, _) => Some((status, false)),
        // While it runs again, what it says now is not why it ended.
        Phase::Crash(status) => Some((status, status.state.terminated.is_none() && status.restart_count > 0)),
        _ => None,
    };
    if let Some((status, previous)) = log {
        draft = draft.container(&status.name).log(LogWanted {
            namespace: pod.namespace.to_string(),
            pod: pod.name.to_string(),
            container: status.name.clone(),
            previous,
        });
        if let Some(ended) = &status.last_state.terminated {
            let text = format!("it last ended with exit code {} {}", ended.exit_code, ended.reason);
            draft = draft.evidence(EvidenceKind::Status, ended.finished_at, text);
        }
    }
    Some(draft)
}

/// What nvidia-smi told of pods that are up.
fn idle(view: &Context<'_>, out: &mut Vec<Draft>) {
    for (namespace, name, readings) in &view.snapshot.readings {
        let is_it = |pod: &&PodRecord| *pod.namespace == **namespace && *pod.name == **name;
        let Some(pod) = view.snapshot.pods.iter().find(is_it) else { continue };
        let age = pod.created_at.map_or(Duration::ZERO, |created| view.snapshot.elapsed(created));
        // A GPU that does not tell may be busy.
        let idle = readings.iter().all(|reading| reading.utilization_percent.is_some_and(|used| used <= 0.0));
        if !pod.ready || age <= IDLE || readings.is_empty() || !idle {
            continue;
        }
        let title = format!("{} do nothing while the model is up", super::counted(readings.len(), "GPU"));
        let title = if readings.len() == 1 { title.replace(" do ", " does ") } else { title };
        let memory: f64 = readings.iter().filter_map(|reading| reading.memory_used_mib).sum();
        let text = format!(
            "0 % of each GPU is used, and {memory:.0} MiB of their memory; requests were not looked at"
        );
        out.push(
            VLLM_GPU_IDLE
                .draft(pod.subject(), title)
                .owner(pod.owner.as_deref().cloned())
                .evidence(EvidenceKind::Metric, None, text)
                .command(format!("kubectl exec {name} -n {namespace} -- nvidia-smi")),
        );
    }
}
