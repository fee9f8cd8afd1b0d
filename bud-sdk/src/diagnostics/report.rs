//! A cluster read as findings: the snapshot is taken once, the checks are applied, and what shows the worst is fetched.

use std::collections::BTreeSet;
use std::fmt;
use std::future::IntoFuture;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::checks;
use super::snapshot::{Context, PodRecord, Problem, Reader, SOURCES, Snapshot, Watch};
use crate::error::{Error, Result};
use crate::http::BoxFuture;
use crate::kubernetes::Cluster;
use crate::kubernetes::namespaces::check_name;
use crate::report::{
    About, Draft, Finding, Report, ReportSection, SectionStatus, Severity, Unavailable, assemble,
};
use crate::types::Timestamp;

impl Cluster {
    /// Reads the cluster once and names what is wrong, why, and what to do: one finding for each root cause. This replaces
    /// going through guide sections 2.2, 6.2, 8.2 and 10 by hand. Nothing is changed.
    ///
    /// ```no_run
    /// # async fn demo(cluster: bud_sdk::kubernetes::Cluster) -> bud_sdk::Result<()> {
    /// let report = cluster.report().await?;
    /// println!("{}", report.verdict);
    /// for finding in report.roots() {
    ///     println!("{} {}: {}", finding.severity, finding.subject, finding.title);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn report(&self) -> ClusterReport {
        ClusterReport {
            cluster: self.clone(),
            only: Vec::new(),
            platform: ["bud-system", "bud-data", "dapr-system"].map(str::to_owned).to_vec(),
            timeout: Duration::from_secs(120),
            section: Duration::from_secs(60),
            logs: true,
            commands: false,
            on_update: None,
        }
    }
}

/// A report that is not made yet. Awaiting it reads the cluster.
///
/// # Errors
/// What keeps everything from being read: `Connect`, `Tls`, `Timeout`, `AuthRejected`; `InvalidArgument` naming what is wrong,
/// before anything is asked. What cannot be read otherwise is told in the report's sections, with the missing permission, and
/// the verdict is then never `HEALTHY`.
#[must_use = "a report is not made until it is awaited"]
#[derive(Clone)]
pub struct ClusterReport {
    cluster: Cluster,
    only: Vec<String>,
    platform: Vec<String>,
    pub(super) timeout: Duration,
    section: Duration,
    logs: bool,
    commands: bool,
    on_update: Option<Watcher>,
}

type Watcher = Arc<dyn Fn(ReportUpdate) + Send + Sync>;

/// What is known while a report is made.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum ReportUpdate {
    /// Objects of a kind were read, all or as many as there was time for.
    Read {
        /// `pods`, `nodes`...
        kind: &'static str,
        /// How many.
        objects: usize,
    },
    /// Something is wrong with a pod. The report may judge it otherwise, once it knows the rest.
    Found(Box<Finding>),
}

impl ClusterReport {
    /// Looks at these namespaces only; at all of them unless said otherwise. What is in no namespace, such as nodes, is always looked
    /// at. A namespace in which nothing is at all is told as such: it may be mistyped.
    pub fn only<N: Into<String>>(mut self, namespaces: impl IntoIterator<Item = N>) -> Self {
        self.only = namespaces.into_iter().map(Into::into).collect();
        self
    }
    /// The namespaces of the platform itself, where a failure is more urgent, and which are looked at when not all may be:
    /// `bud-system`, `bud-data` and `dapr-system` unless said otherwise. Those that it makes for models are known by their names.
    pub fn platform<N: Into<String>>(mut self, namespaces: impl IntoIterator<Item = N>) -> Self {
        self.platform = namespaces.into_iter().map(Into::into).collect();
        self
    }
    /// The longest time that all of it may take. 2 minutes. What was read until then is reported; the rest is told as not read.
    pub fn timeout(mut self, time: Duration) -> Self {
        self.timeout = time;
        self
    }
    /// The longest time that one kind of objects may take. A minute.
    pub fn section_timeout(mut self, time: Duration) -> Self {
        self.section = time;
        self
    }
    /// Leaves out the last lines of the logs of what fails (of 20 pods at the most). They take the permission to get pods/log.
    pub fn without_logs(mut self) -> Self {
        self.logs = false;
        self
    }
    /// Also asks by commands in containers: PostgreSQL for its connections, and engines for what their GPUs do. It takes the
    /// permission to get and create pods/exec.
    pub fn with_commands(mut self) -> Self {
        self.commands = true;
        self
    }
    /// Is told what is known while the report is made.
    pub fn on_update(mut self, callback: impl Fn(ReportUpdate) + Send + Sync + 'static) -> Self {
        self.on_update = Some(Arc::new(callback));
        self
    }

    fn check(&self) -> Result<()> {
        for (param, namespaces) in [("only", &self.only), ("platform", &self.platform)] {
            let mut seen = BTreeSet::new();
            for namespace in namespaces {
                check_name(param, namespace)?;
                if !seen.insert(namespace) {
                    return Err(Error::invalid(param, "name each namespace once"));
                }
            }
        }
        for (param, time) in [("timeout", self.timeout), ("section_timeout", self.section)] {
            if time.is_zero() {
                return Err(Error::invalid(param, "it must be more than zero"));
            }
        }
        Ok(())
    }

    async fn make(self) -> Result<Report> {
        self.check()?;
        let (latest, deadline) = (Mutex::new(None), Instant::now() + self.timeout);
        let reader = Reader {
            cluster: &self.cluster,
            only: &self.only,
            platform: &self.platform,
            deadline,
            section: self.section,
            watch: &self,
            latest: &latest,
        };
        let mut snapshot = reader.snapshot(SOURCES).await?;
        absent(&mut snapshot);
        unknown(&mut snapshot, &self.only);
        if self.commands {
            super::evidence::commands(&self.cluster, &mut snapshot, deadline).await;
        } else {
            for name in ["postgres", "gpu_use"] {
                let detail = "it takes commands in containers, which were not asked for";
                snapshot.sections.add(name, 0, Some(Problem::new(Unavailable::NotConfigured, detail)));
            }
        }
        let mut drafts = checks::find(&Context::of(&snapshot));
        if self.logs {
            super::evidence::logs(&self.cluster, &mut drafts, &mut snapshot.sections, deadline).await;
        }
        let about = About {
            server: self.cluster.server(),
            version: snapshot.version.clone(),
            started_at: snapshot.now,
            finished_at: latest.into_inner().unwrap_or_else(PoisonError::into_inner).unwrap_or(snapshot.now),
            namespaces: self.only.clone(),
        };
        Ok(report(&snapshot, drafts, about))
    }
}

/// What is not listed by itself, and what is not there.
fn absent(snapshot: &mut Snapshot) {
    let gpus = snapshot.nodes.iter().filter(|node| !node.gpus.is_empty()).count();
    let engines = snapshot.pods.iter().filter(|pod| pod.engine).count();
    let pods = snapshot.pods.iter().filter(|pod| pod.of_dapr.is_some()).count();
    let dapr = pods + snapshot.workloads.iter().filter(|workload| workload.of_dapr.is_some()).count();
    let sections = &mut snapshot.sections;
    for (name, objects, read_of) in [
        ("gpus", gpus, ["nodes", "pods"]),
        ("engines", engines, ["pods", "pods"]),
        ("dapr", dapr, ["pods", "workloads"]),
    ] {
        // What was not read of these is not known of it, either.
        let problem = read_of.iter().find_map(|of| sections.0.get(of)?.problem.clone());
        let missing = || Problem::new(Unavailable::NotInstalled, "no part of Dapr is there");
        let problem = problem.or_else(|| (name == "dapr" && dapr == 0).then(missing));
        sections.add(name, objects, problem);
    }
    let detail = "how full volumes are is known to Prometheus alone, which is not asked";
    sections.add("volume_use", 0, Some(Problem::new(Unavailable::NotConfigured, detail)));
}

/// Namespaces in which nothing is at all: a server lists those that do not exist as it does empty ones.
fn unknown(snapshot: &mut Snapshot, only: &[String]) {
    // Where these were not read, that is told as such.
    if only.is_empty() || !["pods", "workloads", "services"].iter().all(|name| snapshot.sections.whole(name))
    {
        return;
    }
    let mut seen: BTreeSet<&str> = BTreeSet::new();
    seen.extend(snapshot.pods.iter().map(|pod| &*pod.namespace));
    seen.extend(snapshot.workloads.iter().map(|one| &*one.subject.namespace));
    seen.extend(snapshot.services.iter().map(|service| &*service.namespace));
    seen.extend(snapshot.endpoints.keys().map(|(namespace, _)| &**namespace));
    seen.extend(snapshot.jobs.iter().map(|job| &*job.metadata.namespace));
    seen.extend(snapshot.claims.iter().map(|claim| &*claim.metadata.namespace));
    seen.extend(snapshot.autoscalers.iter().map(|one| &*one.metadata.namespace));
    seen.extend(snapshot.certificates.iter().map(|one| &*one.namespace));
    seen.extend(snapshot.events.iter().map(|event| &*event.namespace));
    let empty: Vec<&str> = only.iter().map(String::as_str).filter(|name| !seen.contains(name)).collect();
    let problem = (!empty.is_empty()).then(|| {
        let detail = format!("nothing is in {}: is it there, and named right?", empty.join(", "));
        Problem::new(Unavailable::Error, detail)
    });
    let found = only.len() - empty.len();
    snapshot.sections.add("namespaces", found, problem);
}

/// The report of a snapshot: the same for the same snapshot.
pub(super) fn report(snapshot: &Snapshot, mut drafts: Vec<Draft>, about: About) -> Report {
    let mut sections = Vec::new();
    for (name, section) in &snapshot.sections.0 {
        let found = drafts.iter().any(|draft| draft.severity != Severity::Info && draft.section == *name);
        let status = match (&section.problem, found) {
            (Some(_), _) => SectionStatus::Unavailable,
            (None, true) => SectionStatus::Findings,
            (None, false) => SectionStatus::Ok,
        };
        let problem = section.problem.clone();
        sections.push(ReportSection {
            name: (*name).to_owned(),
            status: status.into(),
            reason: problem.as_ref().map(|problem| problem.reason.clone().into()),
            detail: problem.as_ref().map(|problem| problem.detail.clone()),
            missing_permission: problem.and_then(|problem| problem.missing_permission),
            objects: section.objects,
        });
    }
    drafts.extend(checks::sections::unavailable(&snapshot.sections));
    Report::new(about, sections, assemble(drafts))
}

impl Watch for ClusterReport {
    fn read(&self, kind: &'static str, objects: usize) {
        if let Some(watch) = &self.on_update {
            watch(ReportUpdate::Read { kind, objects });
        }
    }

    fn pod(&self, pod: &PodRecord, now: Timestamp) {
        let (Some(watch), Some(trouble)) = (&self.on_update, &pod.trouble) else { return };
        let nothing_else = Snapshot::empty(now, self.platform.clone());
        for finding in assemble(checks::pods::of_pod(&Context::of(&nothing_else), pod, trouble)) {
            watch(ReportUpdate::Found(Box::new(finding)));
        }
    }
}

impl IntoFuture for ClusterReport {
    type Output = Result<Report>;
    type IntoFuture = BoxFuture<'static, Result<Report>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.make())
    }
}

impl fmt::Debug for ClusterReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("ClusterReport");
        shown.field("cluster", &self.cluster).field("only", &self.only).field("timeout", &self.timeout);
        shown.finish_non_exhaustive()
    }
}
