//! What is wrong with a pod's containers.

use std::time::Duration;

use super::{
    POD_CONFIG_ERROR, POD_CRASHLOOP, POD_IMAGE_PULL, POD_NOT_READY, POD_OOMKILLED, POD_RESTARTS, PodContext,
};
use crate::diagnostics::checks::{DAY, GRACE, HOUR, seconds};
use crate::kubernetes::objects::{Container, ContainerStatus, Terminated, condition};
use crate::report::{Draft, EvidenceKind, Severity, Subject};
use crate::types::Timestamp;

/// What ends again and again does so within this, and has ended so often.
const LOOP: Duration = Duration::from_secs(600);
const ENDS: u32 = 3;

const NO_IMAGE: [&str; 7] = [
    "ErrImagePull",
    "ImagePullBackOff",
    "InvalidImageName",
    "ErrImageNeverPull",
    "ImageInspectError",
    "RegistryUnavailable",
    "SignatureValidationFailed",
];
const MISCONFIGURED: [&str; 6] = [
    "CreateContainerConfigError",
    "CreateContainerError",
    "RunContainerError",
    "PreCreateHookError",
    "PreStartHookError",
    "PostStartHookError",
];

/// `exit code 137 (OOMKilled)`.
pub(in crate::diagnostics::checks) fn ended_with(ended: &Terminated) -> String {
    let told = !matches!(ended.reason.as_str(), "" | "Error" | "Completed");
    match (ended.signal, told) {
        (0, true) => format!("exit code {} ({})", ended.exit_code, ended.reason),
        (0, false) => format!("exit code {}", ended.exit_code),
        (signal, _) => format!("signal {signal}"),
    }
}

/// What an exit code says of what to do.
fn by_exit_code(ended: &Terminated) -> &'static str {
    match (ended.exit_code, ended.reason.as_str()) {
        (_, "OOMKilled") => {
            "It took more memory than its limit: raise the limit, or let it do less at a time."
        }
        (137, _) => "It was killed from outside: a failing liveness probe, or its node for want of memory.",
        (139, _) => {
            "It crashed (segmentation fault): another version of its image, or of a driver that it uses."
        }
        (126 | 127, _) => "Its command cannot be run: mend the command, or the image.",
        (0, _) => {
            "It ends as if its work were done: is it a server? does its command stay in the foreground?"
        }
        _ => {
            "Mend what its log names: mostly its configuration, or something that it needs and does not reach."
        }
    }
}

/// What a registry's answer says of what to do.
fn by_answer(message: &str) -> &'static str {
    let message = message.to_ascii_lowercase();
    let has = |words: &[&str]| words.iter().any(|word| message.contains(word));
    if has(&["not found", "manifest unknown", "name unknown"]) {
        "The image or its tag does not exist: mend the name."
    } else if has(&["toomanyrequests", "rate limit", "429"]) {
        "The registry limits how much is pulled: log in to it with a pull secret, or use a mirror."
    } else if has(&["unauthorized", "401", "403", "forbidden", "denied", "authentication required"]) {
        "The registry refuses: the pull secret is missing, wrong, or has no access to the image."
    } else if has(&["x509", "certificate"]) {
        "The registry's certificate is not trusted by the node."
    } else if has(&["timeout", "no such host", "connection refused", "i/o", "network is unreachable"]) {
        "The registry cannot be reached from the node."
    } else {
        "The registry's answer says why."
    }
}

impl<'a> PodContext<'a> {
    pub(super) fn containers(&self, healthy: bool) -> Vec<Draft> {
        // What has failed is not started again; its job tells of it. Memory may still be why.
        if self.pod.status.phase == "Failed" {
            return self.statuses().filter_map(|status| self.out_of_memory(status)).collect();
        }
        let mut drafts: Vec<Draft> = self.statuses().filter_map(|status| self.container(status)).collect();
        if drafts.iter().all(|draft| draft.severity == Severity::Warning) && !healthy {
            drafts.extend(self.not_ready());
        }
        drafts
    }

    fn container(&self, status: &ContainerStatus) -> Option<Draft> {
        let waiting = status.state.waiting.as_ref();
        match waiting.map(|waiting| waiting.reason.as_str()) {
            Some("CrashLoopBackOff") => return Some(self.crash_loop(status)),
            Some(reason) if NO_IMAGE.contains(&reason) => return Some(self.no_image(status)),
            Some(reason) if MISCONFIGURED.contains(&reason) => {
                let title = format!("{} cannot be started: {reason}", status.name);
                let draft = self.draft(POD_CONFIG_ERROR, title).container(&status.name);
                let message = waiting.map_or("", |waiting| waiting.message.as_str());
                return Some(draft.since(self.record.created_at).evidence(
                    EvidenceKind::Status,
                    None,
                    message,
                ));
            }
            _ => {}
        }
        // Between two starts it is neither waiting nor running.
        let ended = status.state.terminated.as_ref().filter(|ended| ended.exit_code != 0);
        if let Some(ended) = ended.filter(|ended| ended.reason != "OOMKilled" && status.restart_count > 0) {
            let mut draft = self.crash_loop(status);
            draft.title = format!("{} ended with {}", status.name, ended_with(ended));
            return Some(draft);
        }
        if self.loops(status) {
            return Some(self.crash_loop(status));
        }
        self.out_of_memory(status).or_else(|| self.restarted(status))
    }

    /// Whether what runs just now is between two ends of a crash loop. Want of memory is told as such.
    fn loops(&self, status: &ContainerStatus) -> bool {
        let Some(ended) = status.last_state.terminated.as_ref().filter(|one| one.reason != "OOMKilled")
        else {
            return false;
        };
        let (Some(from), Some(to)) = (ended.started_at, ended.finished_at) else { return false };
        status.state.running.is_some()
            && status.restart_count >= ENDS
            && self.elapsed(Some(to)) < LOOP
            && to.since(from) < LOOP
    }

    fn crash_loop(&self, status: &ContainerStatus) -> Draft {
        let ended = status.state.terminated.as_ref().or(status.last_state.terminated.as_ref());
        let title = match ended {
            Some(ended) => format!("{} ends again and again with {}", status.name, ended_with(ended)),
            None => format!("{} ends again and again", status.name),
        };
        let mut draft = self.draft(POD_CRASHLOOP.at(self.urgent()), title).container(&status.name);
        draft = draft.evidence(
            EvidenceKind::Status,
            None,
            format!("started again {} times", status.restart_count),
        );
        if let Some(ended) = ended {
            draft = draft.since(ended.finished_at).evidence(
                EvidenceKind::Status,
                ended.finished_at,
                &ended.message,
            );
            draft.remedy = by_exit_code(ended).to_owned();
        }
        let command = format!(
            "kubectl logs {} -n {} -c {} --previous",
            self.record.name, self.record.namespace, status.name
        );
        draft.command(command).log(self.log(&status.name, status.restart_count > 0))
    }

    fn no_image(&self, status: &ContainerStatus) -> Draft {
        let waiting = status.state.waiting.as_ref();
        let image = self.spec_of(&status.name).map_or("its image", |container| container.image.as_str());
        let told = waiting.map_or("", |waiting| waiting.message.as_str());
        // While it waits before the next try, only an event has the registry's answer.
        let event = self.warning(&["Failed"]);
        let answer = event.map_or(told, |event| &event.message);
        let mut draft = self.draft(POD_IMAGE_PULL.at(self.urgent()), format!("{image} cannot be pulled"));
        draft = draft.container(&status.name).since(self.record.created_at).evidence(
            EvidenceKind::Status,
            None,
            told,
        );
        if let Some(event) = event {
            draft = draft.evidence(EvidenceKind::Event, event.at, &event.message);
        }
        let secrets: Vec<&str> =
            self.pod.spec.image_pull_secrets.iter().map(|secret| secret.name.as_str()).collect();
        let secrets = if secrets.is_empty() {
            "it has no pull secret".to_owned()
        } else {
            format!("its pull secrets: {}", secrets.join(", "))
        };
        draft.remedy(by_answer(answer)).evidence(EvidenceKind::Spec, None, secrets)
    }

    fn out_of_memory(&self, status: &ContainerStatus) -> Option<Draft> {
        let killed = [&status.state, &status.last_state]
            .into_iter()
            .find_map(|state| state.terminated.as_ref().filter(|ended| ended.reason == "OOMKilled"))?;
        let ago = self.elapsed(killed.finished_at);
        if ago > DAY {
            return None;
        }
        let severity = if ago < HOUR { Severity::Error } else { Severity::Warning };
        let limit =
            self.spec_of(&status.name).map(|container| container.resources.limits.of("memory").units() >> 20);
        let title = match limit.filter(|limit| *limit > 0) {
            Some(limit) => format!("{} took more than its {limit} MiB of memory", status.name),
            None => format!("{} was killed for want of memory on its node", status.name),
        };
        let mut draft =
            self.draft(POD_OOMKILLED.at(severity), title).container(&status.name).since(killed.finished_at);
        draft.remedy = match status.name.as_str() {
            "daprd" => "Raise the annotation dapr.io/sidecar-memory-limit.".to_owned(),
            _ => "Raise its memory limit, or let it do less at a time.".to_owned(),
        };
        Some(draft.evidence(
            EvidenceKind::Status,
            killed.finished_at,
            format!("started again {} times", status.restart_count),
        ))
    }

    fn restarted(&self, status: &ContainerStatus) -> Option<Draft> {
        let ended = status.last_state.terminated.as_ref()?;
        if status.restart_count < 5 || self.elapsed(ended.finished_at) > DAY {
            return None;
        }
        let days = (self.age().as_secs_f64() / DAY.as_secs_f64()).max(1.0 / 24.0);
        let rate = f64::from(status.restart_count) / days;
        let title =
            format!("{} was started again {} times, {rate:.1} a day", status.name, status.restart_count);
        let draft = self.draft(POD_RESTARTS, title).container(&status.name).since(ended.finished_at);
        Some(draft.evidence(
            EvidenceKind::Status,
            ended.finished_at,
            format!("it last ended with {}", ended_with(ended)),
        ))
    }

    fn not_ready(&self) -> Option<Draft> {
        let ready = condition(&self.pod.status.conditions, "Ready")?;
        let since = ready.last_transition_time.or(self.record.created_at);
        let of_job = self.record.owner.as_deref().is_some_and(|owner| owner.kind == "Job");
        let waits = self.pod.status.phase == "Running" && ready.status != "True" && !of_job;
        if !waits || self.elapsed(since) <= GRACE {
            return None;
        }
        let why = self.unready()?;
        let container = why.container().and_then(|status| self.spec_of(&status.name));
        let mut draft = self.draft(POD_NOT_READY.at(self.not_ready_severity(&why)), why.title()).since(since);
        draft.container = why.container().map(|status| status.name.clone());
        if let Some(warning) = self.warning(&["Unhealthy"]) {
            draft = draft.evidence(EvidenceKind::Event, warning.at, &warning.message);
        }
        if let Some(probe) = container.and_then(probe) {
            draft = draft.evidence(EvidenceKind::Spec, None, probe);
        }
        draft = draft.evidence(EvidenceKind::Condition, since, &ready.message);
        // A sidecar that is not ready is told by Dapr's checks.
        Some(match why.container().filter(|status| status.name == "daprd") {
            Some(_) => draft.because(Subject::new("DaprSidecar", &self.record.namespace, &self.record.name)),
            None => draft,
        })
    }

    /// Why the pod is not ready; nothing while a container that runs may still become so.
    fn unready(&self) -> Option<Unready<'a>> {
        let running = || self.statuses().filter(|status| !status.ready && status.state.running.is_some());
        match running().find(|status| self.is_late(status)) {
            Some(status) if status.started == Some(false) => Some(Unready::Starting(status)),
            Some(status) => Some(Unready::Probe(status)),
            None if running().next().is_some() => None,
            None => Some(Unready::Gates(self.unmet_gates())),
        }
    }

    /// Whether a container should be ready by now. A long pull or a new start is no time in which it could have been.
    fn is_late(&self, status: &ContainerStatus) -> bool {
        let probe = self.spec_of(&status.name).and_then(|container| container.readiness_probe.as_ref());
        let delay = seconds(probe.and_then(|probe| probe.initial_delay_seconds).unwrap_or(0));
        begun(status).is_none_or(|begun| self.elapsed(Some(begun)) > GRACE + delay)
    }

    /// A container that starts up is only a warning for as long as its startup probe allows.
    fn not_ready_severity(&self, why: &Unready<'_>) -> Severity {
        let Unready::Starting(status) = why else { return Severity::Error };
        let probe = self.spec_of(&status.name).and_then(|container| container.startup_probe.as_ref());
        let allowed = probe.map_or(Duration::ZERO, |probe| {
            let (period, failures) =
                (probe.period_seconds.unwrap_or(10), probe.failure_threshold.unwrap_or(3));
            seconds(probe.initial_delay_seconds.unwrap_or(0) + period * failures)
        });
        if self.elapsed(begun(status)) <= allowed { Severity::Warning } else { Severity::Error }
    }

    fn spec_of(&self, name: &str) -> Option<&'a Container> {
        let spec = &self.pod.spec;
        spec.containers.iter().chain(&spec.init_containers).find(|container| container.name == name)
    }
}

/// What keeps a pod that runs from being ready.
enum Unready<'a> {
    /// A container has not started up.
    Starting(&'a ContainerStatus),
    /// A container does not pass its readiness probe.
    Probe(&'a ContainerStatus),
    /// All containers are ready, and these readiness gates are not met.
    Gates(Vec<&'a str>),
}

impl<'a> Unready<'a> {
    fn container(&self) -> Option<&'a ContainerStatus> {
        match self {
            Self::Starting(status) | Self::Probe(status) => Some(status),
            Self::Gates(_) => None,
        }
    }

    fn title(&self) -> String {
        match self {
            Self::Starting(status) => format!("{} has not started up", status.name),
            Self::Probe(status) => format!("{} does not say that it is ready", status.name),
            Self::Gates(gates) if gates.is_empty() => "it is not ready".to_owned(),
            Self::Gates(gates) => format!("its readiness gate {} is not met", gates.join(", ")),
        }
    }
}

fn begun(status: &ContainerStatus) -> Option<Timestamp> {
    status.state.running.as_ref().and_then(|running| running.started_at)
}

/// Where a readiness probe asks.
fn probe(container: &Container) -> Option<String> {
    let probe = container.readiness_probe.as_ref()?;
    let port = |port: &serde_json::Value| port.as_str().map_or_else(|| port.to_string(), str::to_owned);
    let asked = match (&probe.http_get, &probe.tcp_socket) {
        (Some(http), _) => format!("GET {} on port {}", http.path, port(&http.port)),
        (None, Some(tcp)) => format!("a connection to port {}", port(&tcp.port)),
        (None, None) => return None,
    };
    Some(format!("its readiness probe asks for {asked}"))
}
