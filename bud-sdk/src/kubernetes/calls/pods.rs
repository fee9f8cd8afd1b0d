//! Pods, with the status that kubectl prints.

use crate::error::Result;
use crate::kubernetes::objects::{self, ContainerStatus, condition, holds};
use crate::kubernetes::{Cluster, Namespaces};
use crate::schema::records;
use crate::types::{Timestamp, age, age_of};

impl Cluster {
    /// Lists pods: guide sections 2.2, 10.1 and 10.2, `kubectl get pods -o wide`.
    ///
    /// # Errors
    /// `PermissionDenied` naming the missing permission; those of a request.
    ///
    /// ```no_run
    /// # async fn demo(cluster: bud_sdk::kubernetes::Cluster) -> bud_sdk::Result<()> {
    /// for pod in cluster.pods("bud-system").await? {
    ///     println!("{} {}/{} {}", pod.name, pod.ready, pod.containers, pod.status);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub async fn pods(&self, scope: impl Into<Namespaces>) -> Result<Vec<Pod>> {
        self.list("/api/v1", "pods", &scope.into(), |pod: objects::Pod, now| Pod::of(&pod, now)).await
    }
}

records! {

    /// A pod as kubectl shows it, in parts that a program can use.
    Pod {
        /// The name.
        name: String,
        /// The namespace.
        namespace: String,
        /// What kubectl prints as STATUS: `Running`, `CrashLoopBackOff`, `Init:1/2`, `Terminating`...
        status: String,
        /// The phase: `Pending`, `Running`, `Succeeded`, `Failed` or `Unknown`.
        phase: String,
        /// How many containers are ready.
        ready: u32,
        /// How many there are; sidecars count, other init containers do not.
        containers: u32,
        /// Whether it is well: it runs and all of it is ready, or it has done its work.
        healthy: bool,
        /// How often its containers were started again.
        restarts: u32,
        /// When one of them last was.
        last_restart: Option<Timestamp>,
        /// When the pod was created.
        created_at: Option<Timestamp>,
        /// Its age by the server's clock, as kubectl prints it.
        age: String,
        /// What kubectl prints as RESTARTS: `3 (5m ago)`.
        restarts_text: String,
        /// Its address.
        ip: Option<String>,
        /// The node that it runs on.
        node: Option<String>,
        /// What made it: `ReplicaSet/budapp-5d9`.
        owner: Option<String>,
        /// What is said of its state, if anything is.
        message: Option<String>,
        /// The readiness gates that are not met.
        unmet_gates: Vec<String>,
        /// The names of its containers, init containers last.
        container_names: Vec<String>,
    }
}

impl Pod {
    pub(crate) fn of(pod: &objects::Pod, now: Timestamp) -> Self {
        let Printed { status, ready, containers, restarts, last_restart } = Printed::of(pod);
        let ready_condition = holds(&pod.status.conditions, "Ready");
        let healthy = match pod.status.phase.as_str() {
            "Running" => status == "Running" && ready_condition,
            "Succeeded" => true,
            _ => false,
        };
        let restarts_text = match last_restart {
            Some(last) if restarts > 0 => format!("{restarts} ({} ago)", age(last, now)),
            _ => restarts.to_string(),
        };
        let unmet = pod.spec.readiness_gates.iter().map(|gate| &gate.condition_type);
        let unmet = unmet.filter(|kind| !holds(&pod.status.conditions, kind)).cloned();
        let names = pod.spec.containers.iter().chain(&pod.spec.init_containers);
        let created_at = pod.metadata.creation_timestamp;
        Self {
            name: pod.metadata.name.clone(),
            namespace: pod.metadata.namespace.clone(),
            status,
            phase: pod.status.phase.clone(),
            ready,
            containers,
            healthy,
            restarts,
            last_restart,
            created_at,
            age: age_of(created_at, now),
            restarts_text,
            ip: given(&pod.status.pod_ip),
            node: given(&pod.spec.node_name),
            owner: pod
                .metadata
                .owner_references
                .first()
                .map(|owner| format!("{}/{}", owner.kind, owner.name)),
            message: message(pod),
            unmet_gates: unmet.collect(),
            container_names: names.map(|container| container.name.clone()).collect(),
        }
    }
}

pub(crate) fn given(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| text.to_owned())
}

/// The first thing that is said of why it is not well.
fn message(pod: &objects::Pod) -> Option<String> {
    let waiting = |status: &ContainerStatus| given(&status.state.waiting.as_ref()?.message);
    let ended = |status: &ContainerStatus| given(&status.state.terminated.as_ref()?.message);
    let statuses = || pod.status.init_container_statuses.iter().chain(&pod.status.container_statuses);
    let unscheduled = || {
        let scheduled = condition(&pod.status.conditions, "PodScheduled")?;
        given(&scheduled.message).filter(|_| scheduled.status == "False")
    };
    given(&pod.status.message)
        .or_else(|| statuses().find_map(waiting))
        .or_else(|| statuses().find_map(ended))
        .or_else(unscheduled)
}

/// The columns of `kubectl get pods`, by the rules of the server's own printer (1.36).
struct Printed {
    status: String,
    ready: u32,
    containers: u32,
    restarts: u32,
    last_restart: Option<Timestamp>,
}

/// How often containers were started again, and when last.
#[derive(Default, Clone, Copy)]
struct Restarts {
    count: u32,
    last: Option<Timestamp>,
}

impl Restarts {
    fn add(&mut self, status: &ContainerStatus) {
        self.count += status.restart_count;
        let ended = status.last_state.terminated.as_ref().and_then(|ended| ended.finished_at);
        self.last = self.last.max(ended);
    }
}

impl Printed {
    fn of(pod: &objects::Pod) -> Self {
        let sidecars =
            pod.spec.init_containers.iter().filter(|container| container.restart_policy == "Always");
        let containers = pod.spec.containers.len() + sidecars.count();
        let mut seen = Seen::new(&pod.status);
        let initializing = seen.initialize(pod);
        // A sidecar that was started again does not hide the others.
        if !initializing || holds(&pod.status.conditions, "Initialized") {
            seen.run(&pod.status);
        }
        if pod.metadata.deletion_timestamp.is_some() {
            if pod.status.reason == "NodeLost" {
                seen.text = "Unknown".to_owned();
            } else if !matches!(pod.status.phase.as_str(), "Succeeded" | "Failed") {
                seen.text = "Terminating".to_owned();
            }
        }
        Self {
            status: seen.text,
            ready: seen.ready,
            containers: u32::try_from(containers).unwrap_or(u32::MAX),
            restarts: seen.restarts.count,
            last_restart: seen.restarts.last,
        }
    }
}

/// What kubectl prints, as far as the containers were looked at.
struct Seen {
    text: String,
    ready: u32,
    restarts: Restarts,
    /// Those of sidecars alone, which count once the pod has started.
    of_sidecars: Restarts,
}

impl Seen {
    fn new(status: &objects::PodStatus) -> Self {
        let text = if status.reason.is_empty() { &status.phase } else { &status.reason };
        let gated = condition(&status.conditions, "PodScheduled")
            .is_some_and(|condition| condition.reason == "SchedulingGated");
        let text = if gated { "SchedulingGated".to_owned() } else { text.clone() };
        Self { text, ready: 0, restarts: Restarts::default(), of_sidecars: Restarts::default() }
    }

    /// Looks at the init containers, and returns whether one of them is still under way.
    fn initialize(&mut self, pod: &objects::Pod) -> bool {
        let sidecar = |name: &str| {
            let found = pod.spec.init_containers.iter().find(|container| container.name == name);
            found.is_some_and(|container| container.restart_policy == "Always")
        };
        for (at, container) in pod.status.init_container_statuses.iter().enumerate() {
            self.restarts.add(container);
            let restartable = sidecar(&container.name);
            if restartable {
                self.of_sidecars.add(container);
            }
            let ended = container.state.terminated.as_ref();
            if ended.is_some_and(|ended| ended.exit_code == 0) {
                continue;
            }
            if restartable && container.started == Some(true) {
                self.ready += u32::from(container.ready);
                continue;
            }
            let waiting = container.state.waiting.as_ref().map(|waiting| waiting.reason.as_str());
            self.text = match (ended, waiting) {
                (Some(ended), _) => format!("Init:{}", ended_as(ended)),
                (None, Some(reason)) if !reason.is_empty() && reason != "PodInitializing" => {
                    format!("Init:{reason}")
                }
                _ => format!("Init:{at}/{}", pod.spec.init_containers.len()),
            };
            return true;
        }
        false
    }

    /// Looks at the containers of a pod that has started.
    fn run(&mut self, status: &objects::PodStatus) {
        self.restarts = std::mem::take(&mut self.of_sidecars);
        let (mut running, mut failed) = (false, None);
        for container in status.container_statuses.iter().rev() {
            self.restarts.add(container);
            let waiting = container.state.waiting.as_ref().filter(|waiting| !waiting.reason.is_empty());
            if let Some(waiting) = waiting {
                self.text = waiting.reason.clone();
            } else if let Some(ended) = &container.state.terminated {
                self.text = ended_as(ended);
                if ended.exit_code != 0 {
                    failed = Some(self.text.clone());
                }
            } else if container.ready && container.state.running.is_some() {
                running = true;
                self.ready += 1;
            }
        }
        if self.text == "Completed" {
            match failed {
                _ if running && holds(&status.conditions, "Ready") => self.text = "Running".to_owned(),
                Some(failed) => self.text = failed,
                None if running => self.text = "NotReady".to_owned(),
                None => {}
            }
        }
    }
}

fn ended_as(ended: &objects::Terminated) -> String {
    match ended.reason.as_str() {
        "" if ended.signal != 0 => format!("Signal:{}", ended.signal),
        "" => format!("ExitCode:{}", ended.exit_code),
        reason => reason.to_owned(),
    }
}
