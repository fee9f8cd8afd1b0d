//! Deployments, and how far a rollout is.

use std::sync::OnceLock;
use std::time::Duration;

use serde_json::json;

use crate::call::{Verdict, Wait};
use crate::error::{Error, ErrorKind, Result};
use crate::kubernetes::connection::request::Ask;
use crate::kubernetes::namespaces::check_name;
use crate::kubernetes::objects::{self, condition};
use crate::kubernetes::{Cluster, Namespaces};
use crate::operation::Method;
use crate::schema::{open_enum, records};
use crate::types::{Timestamp, Wire, age_of};

impl Cluster {
    /// Lists deployments: guide section 6.2.
    ///
    /// # Errors
    /// `PermissionDenied` naming the missing permission; those of a request.
    pub async fn deployments(&self, scope: impl Into<Namespaces>) -> Result<Vec<Deployment>> {
        let keep = |deployment: objects::Workload, now| Deployment::of(&deployment, now);
        self.list(APPS, "deployments", &scope.into(), keep).await
    }

    /// How far the rollout of a deployment, stateful set or daemon set is: `kubectl rollout status`. The name is the object's own,
    /// as `deployment/budapp`, `statefulset/...` or `daemonset/...`; alone it is a service's, found as
    /// [`find`](Self::find) does.
    ///
    /// # Errors
    /// `NotFound`; `InvalidArgument` for a name that means several; `PermissionDenied` naming the missing permission.
    pub async fn rollout(&self, namespace: &str, name: &str) -> Result<Rollout> {
        let (kind, name) = self.named(namespace, name).await?;
        self.rollout_of(namespace, kind, &name).await
    }

    /// Waits until a rollout is complete, for at most `timeout`.
    ///
    /// # Errors
    /// `OperationFailed` when it failed or the object is gone; `PollTimeout` when it is not complete in time; those of
    /// [`rollout`](Self::rollout).
    pub async fn wait_for_rollout(&self, namespace: &str, name: &str, timeout: Duration) -> Result<Rollout> {
        let found = &OnceLock::new();
        let look = |_| async move {
            match self.look(namespace, name, found).await {
                // That something is missing is an outcome, and not to be waited for.
                Err(error) if error.is_not_found() => Ok(Err(error)),
                rollout => rollout.map(Ok),
            }
        };
        let mut seen = false;
        let judge = |looked: &Result<Rollout>| match looked {
            Ok(rollout) => {
                seen = true;
                rollout.verdict()
            }
            Err(_) if seen => {
                let name = found.get().map_or(name, |(_, name)| name);
                Verdict::Failed(Error::new(ErrorKind::OperationFailed, format!("{name} has been deleted")))
            }
            Err(missing) => Verdict::Failed(missing.clone()),
        };
        // The end of a rollout is seen within a second, however long it took.
        let wait = Wait { timeout, poll_interval: LOOK, slowest: 1, ..Wait::default() };
        wait.watch(look, judge)?.outcome().await?
    }

    /// Restarts the pods of a deployment, stateful set or daemon set one after the other, as `kubectl rollout restart` does: guide
    /// section 10.1. This changes the cluster. The name is as [`rollout`](Self::rollout) has it.
    ///
    /// # Errors
    /// `Conflict` for a paused deployment, which would not be restarted; `NotFound`, `PermissionDenied` naming the
    /// missing permission (to patch what is restarted).
    pub async fn restart(&self, namespace: &str, name: &str) -> Result<Rollout> {
        let (kind, name) = self.named(namespace, name).await?;
        if self.object(namespace, kind, &name).await?.spec.paused {
            let message = format!("{name} is paused, so that nothing would be restarted");
            return Err(Error::new(ErrorKind::Conflict, message).with_hint("resume it first"));
        }
        let annotation = json!({ "kubectl.kubernetes.io/restartedAt": Timestamp::now().to_string() });
        let patch = json!({ "spec": { "template": { "metadata": { "annotations": annotation } } } });
        let ask = Ask {
            method: Method::Patch,
            body: Some(("application/strategic-merge-patch+json", patch.to_string().into_bytes())),
            ..Ask::get(kind.path(namespace, &name), kind.plural(), Some(namespace)).verb("patch")
        };
        Ok(Rollout::of(&self.read(&ask).await?.0, kind))
    }

    /// One look of a wait. What the name means is found out once.
    async fn look(&self, namespace: &str, name: &str, found: &OnceLock<(Kind, String)>) -> Result<Rollout> {
        let (kind, name) = match found.get() {
            Some(found) => found,
            None => {
                let named = self.named(namespace, name).await?;
                found.get_or_init(|| named)
            }
        };
        self.rollout_of(namespace, *kind, name).await
    }

    async fn rollout_of(&self, namespace: &str, kind: Kind, name: &str) -> Result<Rollout> {
        Ok(Rollout::of(&self.object(namespace, kind, name).await?, kind))
    }

    async fn object(&self, namespace: &str, kind: Kind, name: &str) -> Result<objects::Workload> {
        Ok(self.read(&Ask::get(kind.path(namespace, name), kind.plural(), Some(namespace))).await?.0)
    }

    /// The object that a name means: with its kind that very one, without it a service's deployment.
    pub(crate) async fn workload(&self, namespace: &str, name: &str) -> Result<objects::Workload> {
        check_name("namespace", namespace)?;
        match name.split_once('/') {
            Some((kind, name)) => {
                check_name("name", name)?;
                self.object(namespace, Kind::named(kind)?, name).await
            }
            None => self.find_deployment(namespace, name).await,
        }
    }

    /// What a name with or without its kind means.
    async fn named(&self, namespace: &str, name: &str) -> Result<(Kind, String)> {
        check_name("namespace", namespace)?;
        if let Some((kind, name)) = name.split_once('/') {
            check_name("name", name)?;
            return Ok((Kind::named(kind)?, name.to_owned()));
        }
        Ok((Kind::Deployment, self.find_deployment(namespace, name).await?.metadata.name))
    }
}

pub(crate) const APPS: &str = "/apis/apps/v1";
/// Between two looks of a wait.
const LOOK: Duration = Duration::from_secs(1);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Deployment,
    StatefulSet,
    DaemonSet,
}

impl Kind {
    fn named(name: &str) -> Result<Self> {
        match name {
            "deployment" | "deployments" | "deploy" => Ok(Self::Deployment),
            "statefulset" | "statefulsets" | "sts" => Ok(Self::StatefulSet),
            "daemonset" | "daemonsets" | "ds" => Ok(Self::DaemonSet),
            _ => Err(Error::invalid("name", "its kind must be deployment, statefulset or daemonset")),
        }
    }
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Deployment => "Deployment",
            Self::StatefulSet => "StatefulSet",
            Self::DaemonSet => "DaemonSet",
        }
    }
    pub(crate) fn plural(self) -> &'static str {
        match self {
            Self::Deployment => "deployments",
            Self::StatefulSet => "statefulsets",
            Self::DaemonSet => "daemonsets",
        }
    }
    fn path(self, namespace: &str, name: &str) -> String {
        format!("{APPS}/namespaces/{namespace}/{}/{name}", self.plural())
    }
}

open_enum! {
    /// How far a rollout is.
    RolloutState {
        /// All pods are the newest ones, and available.
        Complete = "COMPLETE",
        /// It is under way.
        Progressing = "PROGRESSING",
        /// It will not be complete by itself.
        Failed = "FAILED",
        /// It is paused.
        Paused = "PAUSED",
        /// Its pods are replaced by hand, so that there is nothing to follow.
        NotTracked = "NOT_TRACKED",
    }
}

records! {

    /// A deployment as kubectl shows it, in parts that a program can use.
    Deployment {
        /// The name.
        name: String,
        /// The namespace.
        namespace: String,
        /// How many pods it should have.
        replicas: u32,
        /// How many are ready.
        ready: u32,
        /// How many are of the newest kind.
        updated: u32,
        /// How many are available.
        available: u32,
        /// Whether it has all its pods, all of the newest kind.
        healthy: bool,
        /// How far its rollout is.
        rollout: Wire<RolloutState>,
        /// What is said of it, if it is not complete.
        message: Option<String>,
        /// The images that it runs.
        images: Vec<String>,
        /// When it was created.
        created_at: Option<Timestamp>,
        /// Its age by the server's clock, as kubectl prints it.
        age: String,
    }
    /// How far a rollout is.
    Rollout {
        /// The name.
        name: String,
        /// The namespace.
        namespace: String,
        /// How far it is.
        state: Wire<RolloutState>,
        /// What is waited for, or why it failed.
        message: String,
        /// How many pods there should be.
        replicas: u32,
        /// How many are of the newest kind.
        updated: u32,
        /// How many are available.
        available: u32,
    }
}

impl Deployment {
    fn of(deployment: &objects::Workload, now: Timestamp) -> Self {
        let rollout = Rollout::of(deployment, Kind::Deployment);
        let (meta, status) = (&deployment.metadata, &deployment.status);
        let healthy = rollout.state == RolloutState::Complete && status.ready_replicas >= rollout.replicas;
        Self {
            name: meta.name.clone(),
            namespace: meta.namespace.clone(),
            replicas: rollout.replicas,
            ready: status.ready_replicas,
            updated: rollout.updated,
            available: rollout.available,
            healthy,
            message: (!healthy).then_some(rollout.message),
            rollout: rollout.state,
            images: deployment
                .spec
                .template
                .spec
                .containers
                .iter()
                .map(|container| container.image.clone())
                .collect(),
            created_at: meta.creation_timestamp,
            age: age_of(meta.creation_timestamp, now),
        }
    }
}

impl Rollout {
    pub(crate) fn of(object: &objects::Workload, kind: Kind) -> Self {
        let (state, message) = match kind {
            Kind::Deployment => deployment(object),
            Kind::StatefulSet => stateful_set(object),
            Kind::DaemonSet => daemon_set(object),
        };
        let status = &object.status;
        let (replicas, updated, available) = match kind {
            Kind::DaemonSet => {
                (status.desired_number_scheduled, status.updated_number_scheduled, status.number_available)
            }
            _ => (object.spec.replicas.unwrap_or(1), status.updated_replicas, status.available_replicas),
        };
        Self {
            name: object.metadata.name.clone(),
            namespace: object.metadata.namespace.clone(),
            state: state.into(),
            message: crate::operation::clean(&message, 1000),
            replicas,
            updated,
            available,
        }
    }

    /// What this look means for a wait.
    fn verdict(&self) -> Verdict {
        match *self.state {
            RolloutState::Failed => {
                Verdict::Failed(Error::new(ErrorKind::OperationFailed, self.message.clone()))
            }
            RolloutState::Progressing => Verdict::Pending(self.message.clone()),
            _ => Verdict::Reached,
        }
    }
}

type Judged = (RolloutState, String);

/// Whether the controller has seen the newest form of an object.
fn unseen(object: &objects::Workload) -> bool {
    object.metadata.generation > object.status.observed_generation
}

fn progressing(message: String) -> Judged {
    (RolloutState::Progressing, message)
}

fn complete() -> Judged {
    (RolloutState::Complete, "complete".to_owned())
}

fn deployment(object: &objects::Workload) -> Judged {
    let (spec, status) = (&object.spec, &object.status);
    let wanted = spec.replicas.unwrap_or(1);
    if unseen(object) {
        return progressing("the newest form has not been seen yet".to_owned());
    }
    let late = condition(&status.conditions, "Progressing")
        .filter(|progress| progress.reason == "ProgressDeadlineExceeded");
    if let Some(late) = late {
        return (RolloutState::Failed, format!("it has made no progress in time: {}", late.message));
    }
    if spec.paused {
        return (RolloutState::Paused, "it is paused".to_owned());
    }
    // Quotas and webhooks that refuse pods are told here and nowhere else.
    let refused = condition(&status.conditions, "ReplicaFailure").filter(|failure| failure.status == "True");
    let refused = refused.map(|failure| format!("; {}", failure.message)).unwrap_or_default();
    if status.updated_replicas < wanted {
        return progressing(format!("{} of {wanted} pods are new{refused}", status.updated_replicas));
    }
    if status.replicas > status.updated_replicas {
        return progressing(format!("{} old pods are ending", status.replicas - status.updated_replicas));
    }
    if status.available_replicas < status.updated_replicas {
        let (available, updated) = (status.available_replicas, status.updated_replicas);
        return progressing(format!("{available} of {updated} new pods are available{refused}"));
    }
    complete()
}

fn daemon_set(object: &objects::Workload) -> Judged {
    let status = &object.status;
    if !matches!(object.spec.update_strategy.kind.as_str(), "" | "RollingUpdate") {
        return (RolloutState::NotTracked, "its pods are replaced when somebody deletes them".to_owned());
    }
    if unseen(object) {
        return progressing("the newest form has not been seen yet".to_owned());
    }
    let wanted = status.desired_number_scheduled;
    if status.updated_number_scheduled < wanted {
        return progressing(format!("{} of {wanted} pods are new", status.updated_number_scheduled));
    }
    if status.number_available < wanted {
        return progressing(format!("{} of {wanted} pods are available", status.number_available));
    }
    complete()
}

fn stateful_set(object: &objects::Workload) -> Judged {
    let (spec, status) = (&object.spec, &object.status);
    if !matches!(spec.update_strategy.kind.as_str(), "" | "RollingUpdate") {
        return (RolloutState::NotTracked, "its pods are replaced when somebody deletes them".to_owned());
    }
    if unseen(object) || status.observed_generation.unwrap_or_default() == 0 {
        return progressing("the newest form has not been seen yet".to_owned());
    }
    let wanted = spec.replicas.unwrap_or(1);
    if status.ready_replicas < wanted {
        return progressing(format!("{} of {wanted} pods are ready", status.ready_replicas));
    }
    let partition = spec
        .update_strategy
        .rolling_update
        .as_ref()
        .and_then(|rolling| rolling.partition)
        .unwrap_or_default();
    let to_update = wanted.saturating_sub(partition);
    // kubectl calls it complete without looking at the revisions; pods of the old one may then still be there.
    let old = partition == 0 && status.update_revision != status.current_revision;
    if status.updated_replicas < to_update || old {
        return progressing(format!("{} of {to_update} pods are new", status.updated_replicas));
    }
    complete()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn judged(kind: Kind, object: Value) -> (String, String) {
        let object: objects::Workload = serde_json::from_value(object).unwrap();
        let rollout = Rollout::of(&object, kind);
        (rollout.state.to_string(), rollout.message)
    }

    fn deployment(spec: Value, status: Value) -> (String, String) {
        judged(
            Kind::Deployment,
            json!({ "metadata": { "name": "d", "generation": 2 }, "spec": spec, "status": status }),
        )
    }

    #[test]
    fn a_deployment_is_complete_when_all_its_pods_are_new_and_available() {
        let done = json!({ "observedGeneration": 2, "replicas": 3, "updatedReplicas": 3, "readyReplicas": 3, "availableReplicas": 3 });
        let change = |name: &str, value: Value| {
            let mut status = done.clone();
            status[name] = value;
            status
        };
        let three = json!({ "replicas": 3 });
        assert_eq!(deployment(three.clone(), done.clone()).0, "COMPLETE");
        assert_eq!(deployment(three.clone(), change("observedGeneration", json!(1))).0, "PROGRESSING");
        assert_eq!(deployment(three.clone(), change("updatedReplicas", json!(2))).1, "2 of 3 pods are new");
        assert_eq!(deployment(three.clone(), change("replicas", json!(5))).1, "2 old pods are ending");
        assert_eq!(
            deployment(three.clone(), change("availableReplicas", json!(1))).1,
            "1 of 3 new pods are available"
        );
        assert_eq!(deployment(json!({ "replicas": 3, "paused": true }), done.clone()).0, "PAUSED");
        // Not said means one.
        assert_eq!(deployment(json!({}), json!({ "observedGeneration": 2 })).1, "0 of 1 pods are new");
        let late = json!([{ "type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded", "message": "too slow" }]);
        assert_eq!(deployment(three.clone(), change("conditions", late)).0, "FAILED");
        let refused = json!([{ "type": "ReplicaFailure", "status": "True", "message": "exceeded quota" }]);
        let mut status = change("conditions", refused);
        status["updatedReplicas"] = json!(1);
        assert_eq!(deployment(three, status).1, "1 of 3 pods are new; exceeded quota");
    }

    #[test]
    fn stateful_and_daemon_sets_have_their_own_rules() {
        let set = |spec: Value, status: Value| {
            judged(
                Kind::StatefulSet,
                json!({ "metadata": { "generation": 1 }, "spec": spec, "status": status }),
            )
            .0
        };
        let status = |ready: u32, updated: u32, current: &str| json!({ "observedGeneration": 1, "readyReplicas": ready, "updatedReplicas": updated, "currentRevision": current, "updateRevision": "b" });
        assert_eq!(set(json!({ "replicas": 2 }), status(2, 2, "b")), "COMPLETE");
        assert_eq!(set(json!({ "replicas": 2 }), status(1, 2, "b")), "PROGRESSING");
        assert_eq!(set(json!({ "replicas": 2 }), status(2, 2, "a")), "PROGRESSING");
        assert_eq!(set(json!({ "replicas": 2 }), json!({})), "PROGRESSING");
        let part = json!({ "replicas": 3, "updateStrategy": { "type": "RollingUpdate", "rollingUpdate": { "partition": 2 } } });
        assert_eq!(set(part.clone(), status(3, 1, "a")), "COMPLETE");
        assert_eq!(set(part, status(3, 0, "a")), "PROGRESSING");
        assert_eq!(
            set(json!({ "updateStrategy": { "type": "OnDelete" } }), status(1, 1, "b")),
            "NOT_TRACKED"
        );

        let daemon = |status: Value| {
            judged(Kind::DaemonSet, json!({ "metadata": { "generation": 1 }, "status": status })).0
        };
        let counts = |updated: u32, available: u32| json!({ "observedGeneration": 1, "desiredNumberScheduled": 2, "updatedNumberScheduled": updated, "numberAvailable": available });
        assert_eq!(daemon(counts(2, 2)), "COMPLETE");
        assert_eq!(daemon(counts(1, 2)), "PROGRESSING");
        assert_eq!(daemon(counts(2, 1)), "PROGRESSING");
    }
}
