//! Finding a service's deployment, and the pod to look at.

use std::cmp::Reverse;

use crate::error::{Error, ErrorKind, Result};
use crate::kubernetes::connection::request::Ask;
use crate::kubernetes::objects::{self, Selector, holds};
use crate::kubernetes::{Cluster, Namespaces};

impl Cluster {
    /// The name of the deployment that a service's name means. Releases put their own names before it, so that `budapp` may be
    /// `bud-budapp`: it is the deployment of that very name, else the one with this Dapr app id, else with this `app` or
    /// `app.kubernetes.io/name` label, else the one whose name ends with it.
    ///
    /// # Errors
    /// `NotFound` for none; `InvalidArgument` for several, listing them.
    pub async fn find(&self, namespace: &str, service: &str) -> Result<String> {
        Ok(self.find_deployment(namespace, service).await?.metadata.name)
    }

    pub(crate) async fn find_deployment(&self, namespace: &str, service: &str) -> Result<objects::Workload> {
        crate::kubernetes::namespaces::check_name("name", service)?;
        let scope = Namespaces::one(namespace);
        let all =
            self.list_whole("/apis/apps/v1", "deployments", &scope, |one: objects::Workload, _| one).await?;
        let mut found = Vec::new();
        for rule in RULES {
            found = all.iter().filter(|deployment| rule(deployment, service)).collect();
            if !found.is_empty() {
                break;
            }
        }
        match found.as_slice() {
            [one] => Ok((*one).clone()),
            [] => {
                let names: Vec<&str> =
                    all.iter().map(|deployment| deployment.metadata.name.as_str()).collect();
                let message = format!("no deployment in {namespace} is, or is of, {service}");
                let error = Error::new(ErrorKind::NotFound, message);
                Err(if names.is_empty() {
                    error
                } else {
                    error.with_hint(format!("there are {}", names.join(", ")))
                })
            }
            several => {
                let names: Vec<&str> =
                    several.iter().map(|deployment| deployment.metadata.name.as_str()).collect();
                Err(Error::invalid("name", format!("{service} may mean {}", names.join(", "))))
            }
        }
    }

    pub(crate) async fn pod(&self, namespace: &str, name: &str) -> Result<objects::Pod> {
        crate::kubernetes::namespaces::check_name("namespace", namespace)?;
        crate::kubernetes::namespaces::check_name("name", name)?;
        let path = format!("/api/v1/namespaces/{namespace}/pods/{name}");
        Ok(self.read(&Ask::get(path, "pods", Some(namespace))).await?.0)
    }

    /// The pods that a name means, the most useful one first: `pod/NAME`, those of `deployment/NAME` and the like, or a service's
    /// as [`find`](Self::find) has it.
    pub(crate) async fn pods_of(&self, namespace: &str, name: &str) -> Result<Vec<objects::Pod>> {
        if let Some(name) = name.strip_prefix("pod/") {
            return Ok(vec![self.pod(namespace, name).await?]);
        }
        let workload = self.workload(namespace, name).await?;
        self.pods_of_workload(namespace, &workload).await
    }

    /// The pods of a workload, the most useful one first.
    pub(crate) async fn pods_of_workload(
        &self,
        namespace: &str,
        workload: &objects::Workload,
    ) -> Result<Vec<objects::Pod>> {
        let mut pods = self.selected(namespace, &workload.spec.selector).await?;
        by_usefulness(&mut pods);
        Ok(pods)
    }

    /// The pods that a selector selects.
    pub(crate) async fn selected(&self, namespace: &str, selector: &Selector) -> Result<Vec<objects::Pod>> {
        let scope = Namespaces::one(namespace).labels(written(selector));
        self.list_whole("/api/v1", "pods", &scope, |pod: objects::Pod, _| pod).await
    }
}

type Rule = fn(&objects::Workload, &str) -> bool;

const RULES: [Rule; 4] = [
    |deployment, name| deployment.metadata.name == name,
    |deployment, name| deployment.spec.template.metadata.annotations.get("dapr.io/app-id") == Some(name),
    |deployment, name| {
        let labels = &deployment.metadata.labels;
        ["app", "app.kubernetes.io/name"]
            .iter()
            .any(|label| labels.get(*label).is_some_and(|value| value == name))
    },
    |deployment, name| {
        deployment.metadata.name.strip_suffix(name).is_some_and(|before| before.ends_with('-'))
    },
];

/// A selector as a query has it.
fn written(selector: &Selector) -> String {
    let labels = selector.match_labels.iter().map(|(name, value)| format!("{name}={value}"));
    let expressions = selector.match_expressions.iter().map(|expression| {
        let (key, values) = (&expression.key, expression.values.join(","));
        match expression.operator.as_str() {
            "In" => format!("{key} in ({values})"),
            "NotIn" => format!("{key} notin ({values})"),
            "DoesNotExist" => format!("!{key}"),
            _ => key.clone(),
        }
    });
    labels.chain(expressions).collect::<Vec<_>>().join(",")
}

/// The pods of a workload, the one to look at first: on a node, running, ready, for the longest time. One that has ended, or
/// is about to, comes last.
pub(crate) fn by_usefulness(pods: &mut [objects::Pod]) {
    pods.sort_by_cached_key(|pod| {
        let phase = match pod.status.phase.as_str() {
            "Running" => 0,
            "Unknown" => 1,
            "Pending" => 2,
            _ => 3,
        };
        let ready = objects::condition(&pod.status.conditions, "Ready")
            .filter(|condition| condition.status == "True");
        let since = ready.and_then(|condition| condition.last_transition_time);
        let restarts = pod.status.container_statuses.iter().map(|status| status.restart_count).max();
        (
            pod.metadata.deletion_timestamp.is_some(),
            pod.spec.node_name.is_empty(),
            phase,
            !holds(&pod.status.conditions, "Ready"),
            // A time that is not known is later than one that is.
            (since.is_none(), since),
            Reverse(restarts.unwrap_or_default()),
            pod.metadata.creation_timestamp,
            pod.metadata.name.clone(),
        )
    });
}

/// The container that is meant: the one that is named, else the pod's default one, else its first.
pub(crate) fn container(pod: &objects::Pod, named: Option<&str>) -> Result<String> {
    let spec = &pod.spec;
    let all = || spec.containers.iter().chain(&spec.init_containers).chain(&spec.ephemeral_containers);
    let exists = |name: &str| all().any(|container| container.name == name);
    let default =
        pod.metadata.annotations.get("kubectl.kubernetes.io/default-container").filter(|name| exists(name));
    match named {
        Some(name) if exists(name) => Ok(name.to_owned()),
        Some(name) => {
            let names: Vec<&str> = all().map(|container| container.name.as_str()).collect();
            let message =
                format!("{} has no container {name}; it has {}", pod.metadata.name, names.join(", "));
            let error = Error::new(ErrorKind::NotFound, message);
            let missing = name == "daprd" && pod.metadata.annotations.get("dapr.io/enabled") == Some("true");
            Err(if missing {
                error.with_hint("Dapr's sidecar was not injected: is the injector up? then restart it")
            } else {
                error
            })
        }
        None => {
            let first = spec.containers.first().map(|container| container.name.as_str());
            let name = default
                .or(first)
                .ok_or_else(|| Error::new(ErrorKind::NotFound, "the pod has no container"))?;
            Ok(name.to_owned())
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn pod(name: &str, rest: Value) -> objects::Pod {
        let mut pod = json!({
            "metadata": { "name": name, "creationTimestamp": "2026-01-01T00:00:00Z" },
            "spec": { "nodeName": "n" },
            "status": {
                "phase": "Running",
                "conditions": [{ "type": "Ready", "status": "True", "lastTransitionTime": "2026-01-01T01:00:00Z" }],
            },
        });
        for (path, value) in rest.as_object().unwrap() {
            *pod.pointer_mut(path).unwrap() = value.clone();
        }
        serde_json::from_value(pod).unwrap()
    }

    #[test]
    fn the_most_useful_pod_comes_first() {
        let mut pods = vec![
            pod("ended", json!({ "/status/phase": "Succeeded" })),
            pod("pending", json!({ "/status/phase": "Pending" })),
            pod("unready", json!({ "/status/conditions/0/status": "False" })),
            pod("younger", json!({ "/status/conditions/0/lastTransitionTime": "2026-01-01T02:00:00Z" })),
            pod("best", json!({})),
            pod("homeless", json!({ "/spec/nodeName": "" })),
        ];
        by_usefulness(&mut pods);
        let names: Vec<&str> = pods.iter().map(|pod| pod.metadata.name.as_str()).collect();
        assert_eq!(names, ["best", "younger", "unready", "pending", "ended", "homeless"]);
    }

    #[test]
    fn of_two_that_are_not_ready_the_one_that_was_restarted_more_often_comes_first() {
        let unready = |name: &str, restarts: u32| {
            let mut pod = pod(name, json!({ "/status/conditions/0/status": "False" }));
            pod.status.container_statuses = vec![objects::ContainerStatus {
                restart_count: restarts,
                ..objects::ContainerStatus::default()
            }];
            pod
        };
        let mut pods = vec![unready("calm", 1), unready("restless", 5)];
        by_usefulness(&mut pods);
        let names: Vec<&str> = pods.iter().map(|pod| pod.metadata.name.as_str()).collect();
        assert_eq!(names, ["restless", "calm"]);
    }

    #[test]
    fn a_container_is_the_named_the_default_or_the_first_one() {
        let containers = json!([{ "name": "a" }, { "name": "b" }]);
        let meta = |annotations: Value| json!({ "name": "p", "annotations": annotations });
        let of = |annotations: Value| -> objects::Pod {
            serde_json::from_value(json!({ "metadata": meta(annotations), "spec": { "containers": containers, "initContainers": [{ "name": "i" }] } })).unwrap()
        };
        assert_eq!(container(&of(json!({})), None).unwrap(), "a");
        assert_eq!(
            container(&of(json!({ "kubectl.kubernetes.io/default-container": "b" })), None).unwrap(),
            "b"
        );
        assert_eq!(
            container(&of(json!({ "kubectl.kubernetes.io/default-container": "gone" })), None).unwrap(),
            "a"
        );
        assert_eq!(container(&of(json!({})), Some("i")).unwrap(), "i");
        let error = container(&of(json!({ "dapr.io/enabled": "true" })), Some("daprd")).unwrap_err();
        assert!(
            error.is_not_found()
                && error.to_string().contains("it has a, b, i; Dapr's sidecar was not injected"),
            "{error}"
        );
    }

    #[test]
    fn selectors_are_written_as_queries_have_them() {
        let selector: Selector = serde_json::from_value(json!({
            "matchLabels": { "app": "x" },
            "matchExpressions": [
                { "key": "tier", "operator": "In", "values": ["a", "b"] },
                { "key": "old", "operator": "DoesNotExist" },
                { "key": "new", "operator": "Exists" },
                { "key": "env", "operator": "NotIn", "values": ["dev"] },
            ],
        }))
        .unwrap();
        assert_eq!(written(&selector), "app=x,tier in (a,b),!old,new,env notin (dev)");
    }
}
