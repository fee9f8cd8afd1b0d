//! Dapr's control plane and sidecars, by what runs and not by what is said of it.

use crate::error::Result;
use crate::kubernetes::calls::pods::given;
use crate::kubernetes::objects::{self, holds};
use crate::kubernetes::{Cluster, Namespaces};
use crate::schema::{open_enum, records};
use crate::types::Wire;

impl Cluster {
    /// The state of Dapr: guide sections 2.1 and 2.2. `dapr status -k` calls a component healthy when one replica is, and leaves
    /// out what is missing; here each expected component has a state, and each pod that should have a sidecar is looked at.
    /// The namespaces of the scope are those whose pods' sidecars are looked at; the control plane is found wherever it is.
    ///
    /// # Errors
    /// `PermissionDenied` naming the missing permission (to list pods, in all namespaces); those of a request.
    pub async fn dapr(&self, scope: impl Into<Namespaces>) -> Result<DaprStatus> {
        let apps = COMPONENTS.map(|component| component.app).join(",");
        let everywhere = Namespaces::all().labels(format!("app in ({apps})"));
        let scope = scope.into();
        let control_plane = self.list_whole("/api/v1", "pods", &everywhere, |pod: objects::Pod, _| pod);
        let deployments =
            self.list_whole("/apis/apps/v1", "deployments", &everywhere, |one: objects::Workload, _| one);
        let sets =
            self.list_whole("/apis/apps/v1", "statefulsets", &everywhere, |one: objects::Workload, _| one);
        let sidecars = self.list("/api/v1", "pods", &scope, |pod: objects::Pod, _| DaprSidecar::of(&pod));
        let (pods, deployments, sets, sidecars) =
            futures_util::future::try_join4(control_plane, deployments, sets, sidecars).await?;
        let workloads: Vec<&objects::Workload> = deployments.iter().chain(&sets).collect();
        let components = components(&pods.iter().collect::<Vec<_>>(), &workloads);
        let installed = components.iter().any(|component| *component.state != DaprState::Missing);
        let sidecars: Vec<DaprSidecar> = sidecars.into_iter().flatten().collect();
        let healthy = components.iter().all(|component| component.healthy)
            && sidecars.iter().all(|sidecar| sidecar.state == DaprState::Healthy);
        Ok(DaprStatus { installed, healthy: installed && healthy, components, sidecars })
    }
}

/// Whether an object belongs to the control plane.
pub(crate) fn is_of_dapr(meta: &objects::Meta) -> bool {
    meta.labels.get("app").is_some_and(|app| COMPONENTS.iter().any(|component| component.app == app))
}

/// The state of each component of the control plane.
pub(crate) fn components(pods: &[&objects::Pod], workloads: &[&objects::Workload]) -> Vec<DaprComponent> {
    COMPONENTS.iter().map(|component| DaprComponent::of(component, pods, workloads)).collect()
}

struct Expected {
    app: &'static str,
    /// What is left out of some installations on purpose.
    optional: bool,
}

const COMPONENTS: [Expected; 5] = [
    Expected { app: "dapr-operator", optional: false },
    Expected { app: "dapr-sentry", optional: false },
    Expected { app: "dapr-sidecar-injector", optional: false },
    Expected { app: "dapr-placement-server", optional: true },
    Expected { app: "dapr-scheduler-server", optional: true },
];

open_enum! {
    /// How a part of Dapr is.
    DaprState {
        /// All of it is ready.
        Healthy = "HEALTHY",
        /// Some of it is.
        Degraded = "DEGRADED",
        /// None of it is.
        Down = "DOWN",
        /// It is not there.
        Missing = "MISSING",
    }
}

records! {

    /// The state of Dapr.
    DaprStatus {
        /// Whether any part of the control plane is there.
        installed: bool,
        /// Whether all of it that must be is healthy, and every sidecar.
        healthy: bool,
        /// The control plane.
        components: Vec<DaprComponent>,
        /// The pods that should have a sidecar.
        sidecars: Vec<DaprSidecar>,
    }
    /// A component of Dapr's control plane.
    DaprComponent {
        /// `dapr-operator`...
        name: String,
        /// How it is.
        state: Wire<DaprState>,
        /// Whether it is as it should be: healthy, or left out where it may be.
        healthy: bool,
        /// How many replicas are ready.
        ready: u32,
        /// How many there should be.
        desired: u32,
        /// The namespace.
        namespace: Option<String>,
        /// The version.
        version: Option<String>,
    }
    /// A pod that should have Dapr's sidecar.
    DaprSidecar {
        /// The pod.
        pod: String,
        /// Its namespace.
        namespace: String,
        /// The app's id.
        app_id: Option<String>,
        /// How it is; missing where it was not injected.
        state: Wire<DaprState>,
        /// The version.
        version: Option<String>,
    }
}

impl DaprComponent {
    fn of(expected: &Expected, pods: &[&objects::Pod], workloads: &[&objects::Workload]) -> Self {
        let is = |meta: &objects::Meta| meta.labels.get("app").is_some_and(|app| app == expected.app);
        // What is ending or was evicted is no replica.
        let alive = |pod: &&objects::Pod| {
            is(&pod.metadata)
                && pod.metadata.deletion_timestamp.is_none()
                && !matches!(pod.status.phase.as_str(), "Failed" | "Succeeded")
        };
        let mine: Vec<&objects::Pod> = pods.iter().copied().filter(alive).collect();
        let workload = workloads.iter().find(|workload| is(&workload.metadata));
        let number = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
        let ready = number(mine.iter().filter(|pod| holds(&pod.status.conditions, "Ready")).count());
        let desired = workload.map_or(number(mine.len()), |workload| workload.spec.replicas.unwrap_or(1));
        let state = match ready {
            _ if mine.is_empty() && (workload.is_none() || desired == 0) => DaprState::Missing,
            0 => DaprState::Down,
            ready if ready < desired => DaprState::Degraded,
            _ => DaprState::Healthy,
        };
        let healthy = state == DaprState::Healthy || state == DaprState::Missing && expected.optional;
        let first = mine.first();
        let image =
            first.and_then(|pod| pod.spec.containers.first()).map(|container| container.image.as_str());
        let labels = first.map(|pod| &pod.metadata.labels);
        let labelled = labels.and_then(|labels| labels.get("app.kubernetes.io/version")).cloned();
        let namespace = first.map(|pod| &pod.metadata).or(workload.map(|workload| &workload.metadata));
        Self {
            name: expected.app.to_owned(),
            state: state.into(),
            healthy,
            ready,
            desired,
            namespace: namespace.map(|meta| meta.namespace.clone()),
            version: image.and_then(version).or(labelled),
        }
    }
}

impl DaprSidecar {
    pub(crate) fn of(pod: &objects::Pod) -> Option<Self> {
        let annotations = &pod.metadata.annotations;
        let over = matches!(pod.status.phase.as_str(), "Succeeded" | "Failed");
        if annotations.get("dapr.io/enabled") != Some("true")
            || over
            || pod.metadata.deletion_timestamp.is_some()
        {
            return None;
        }
        // It may be a container or, as a native sidecar, an init container.
        let containers = pod.spec.containers.iter().chain(&pod.spec.init_containers);
        let sidecar = containers.into_iter().find(|container| container.name == "daprd");
        let mut statuses = pod.status.container_statuses.iter().chain(&pod.status.init_container_statuses);
        let ready = statuses.find(|status| status.name == "daprd").is_some_and(|status| status.ready);
        let state = match sidecar {
            None => DaprState::Missing,
            Some(_) if ready => DaprState::Healthy,
            Some(_) => DaprState::Down,
        };
        Some(Self {
            pod: pod.metadata.name.clone(),
            namespace: pod.metadata.namespace.clone(),
            app_id: annotations.get("dapr.io/app-id").and_then(given),
            state: state.into(),
            version: sidecar.and_then(|container| version(&container.image)),
        })
    }
}

/// The tag of an image, or its digest; a port in the registry's name is none.
fn version(image: &str) -> Option<String> {
    let (name, digest) = image.split_once('@').map_or((image, None), |(name, digest)| (name, Some(digest)));
    let file = name.rsplit('/').next().unwrap_or(name);
    file.split_once(':').map(|(_, tag)| tag.to_owned()).or_else(|| digest.map(str::to_owned))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn pod(app: &str, ready: &str, phase: &str) -> objects::Pod {
        serde_json::from_value(json!({
            "metadata": { "name": "p", "namespace": "dapr-system", "labels": { "app": app } },
            "spec": { "containers": [{ "name": "x", "image": "registry:5000/dapr/x:1.15.2" }] },
            "status": { "phase": phase, "conditions": [{ "type": "Ready", "status": ready }] },
        }))
        .unwrap()
    }

    fn workload(app: &str, replicas: u32) -> objects::Workload {
        serde_json::from_value(
            json!({ "metadata": { "labels": { "app": app } }, "spec": { "replicas": replicas } }),
        )
        .unwrap()
    }

    #[test]
    fn one_ready_replica_does_not_make_a_component_healthy() {
        let of = |app: &str, pods: &[objects::Pod], workloads: &[objects::Workload]| {
            let expected = COMPONENTS.iter().find(|expected| expected.app == app).unwrap();
            let (pods, workloads): (Vec<_>, Vec<_>) = (pods.iter().collect(), workloads.iter().collect());
            let component = DaprComponent::of(expected, &pods, &workloads);
            (component.state.to_string(), component.healthy, component.ready, component.desired)
        };
        let (good, bad) = (pod("dapr-sentry", "True", "Running"), pod("dapr-sentry", "False", "Running"));
        let three = [workload("dapr-sentry", 3)];
        let told = |state: &str, healthy, ready, desired| (state.to_owned(), healthy, ready, desired);
        assert_eq!(of("dapr-sentry", &[good.clone(), bad.clone()], &three), told("DEGRADED", false, 1, 3));
        assert_eq!(of("dapr-sentry", std::slice::from_ref(&bad), &three), told("DOWN", false, 0, 3));
        assert_eq!(of("dapr-sentry", &[], &three), told("DOWN", false, 0, 3));
        assert_eq!(of("dapr-sentry", &[], &[]), told("MISSING", false, 0, 0));
        assert_eq!(of("dapr-placement-server", &[], &[]), told("MISSING", true, 0, 0));
        let evicted = pod("dapr-sentry", "False", "Failed");
        assert_eq!(
            of("dapr-sentry", &[good.clone(), evicted], &[workload("dapr-sentry", 1)]),
            told("HEALTHY", true, 1, 1)
        );
    }

    #[test]
    fn a_pod_that_should_have_a_sidecar_and_has_none_is_told() {
        let state = |annotations: Value, containers: Value, inits: Value, statuses: Value| {
            let pod = json!({
                "metadata": { "name": "p", "annotations": annotations },
                "spec": { "containers": containers, "initContainers": inits },
                "status": { "phase": "Running", "initContainerStatuses": statuses },
            });
            DaprSidecar::of(&serde_json::from_value(pod).unwrap()).map(|sidecar| sidecar.state.to_string())
        };
        let enabled = json!({ "dapr.io/enabled": "true", "dapr.io/app-id": "budapp" });
        let (app, none) = (json!([{ "name": "app" }]), json!([]));
        assert_eq!(state(json!({}), app.clone(), none.clone(), none.clone()), None);
        assert_eq!(
            state(enabled.clone(), app.clone(), none.clone(), none.clone()).as_deref(),
            Some("MISSING")
        );
        let native = json!([{ "name": "daprd", "restartPolicy": "Always", "image": "daprio/daprd:1.15.2" }]);
        assert_eq!(state(enabled.clone(), app.clone(), native.clone(), none).as_deref(), Some("DOWN"));
        let ready = json!([{ "name": "daprd", "ready": true }]);
        assert_eq!(state(enabled, app, native, ready).as_deref(), Some("HEALTHY"));
    }

    #[test]
    fn versions_are_tags_or_digests() {
        assert_eq!(version("ghcr.io/dapr/daprd:1.15.2").as_deref(), Some("1.15.2"));
        assert_eq!(version("registry:5000/dapr/daprd").as_deref(), None);
        assert_eq!(version("registry:5000/daprd@sha256:ab").as_deref(), Some("sha256:ab"));
        assert_eq!(version("daprd:1.2@sha256:ab").as_deref(), Some("1.2"));
    }
}
