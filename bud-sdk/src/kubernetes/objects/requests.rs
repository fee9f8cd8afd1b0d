//! What a pod asks of its node, by the scheduler's rules.

use crate::kubernetes::objects::quantity::Quantity;
use crate::kubernetes::objects::{Amounts, Container, Pod};

/// How much of a resource a pod takes: its containers and sidecars together, or what its largest init step takes, and its
/// overhead.
pub(crate) fn requested(pod: &Pod, resource: &str) -> Quantity {
    let spec = &pod.spec;
    let overhead = spec.overhead.of(resource);
    // What is said of the whole pod goes before its parts.
    if let Some(whole) = spec.resources.requests.0.get(resource) {
        return *whole + overhead;
    }
    let asked = |container: &Container| {
        let wanted = container.resources.requests.of(resource);
        // A resize that is under way holds both.
        let statuses = pod.status.container_statuses.iter().chain(&pod.status.init_container_statuses);
        let status = statuses.into_iter().find(|status| status.name == container.name);
        let held = status.map(|status| {
            let actual =
                status.resources.as_ref().map_or(Quantity::default(), |actual| actual.requests.of(resource));
            actual.max(status.allocated_resources.of(resource))
        });
        wanted.max(held.unwrap_or_default())
    };
    let running: Quantity = spec.containers.iter().map(asked).sum();
    let (mut sidecars, mut largest_step) = (Quantity::default(), Quantity::default());
    for container in &spec.init_containers {
        if container.restart_policy == "Always" {
            sidecars += asked(container);
            largest_step = largest_step.max(sidecars);
        } else {
            largest_step = largest_step.max(sidecars + asked(container));
        }
    }
    (running + sidecars).max(largest_step) + overhead
}

/// The resources that are GPUs, or parts of one: those of NVIDIA's device plugin and MIG, of HAMi, and of other makers.
fn is_gpu(resource: &str) -> bool {
    const WHOLE: [&str; 5] =
        ["nvidia.com/gpu", "nvidia.com/gpu.shared", "amd.com/gpu", "habana.ai/gaudi", "intel.com/gpu"];
    WHOLE.contains(&resource)
        || resource.starts_with("nvidia.com/mig-")
        || resource.starts_with("gpu.intel.com/")
        || resource.starts_with("huawei.com/Ascend")
}

pub(crate) fn gpus(amounts: &Amounts) -> impl Iterator<Item = &String> {
    amounts.0.keys().filter(|resource| is_gpu(resource))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn cpu(pod: serde_json::Value) -> i64 {
        requested(&serde_json::from_value(pod).unwrap(), "cpu").millis()
    }

    fn asking(name: &str, cpu: &str) -> serde_json::Value {
        json!({ "name": name, "resources": { "requests": { "cpu": cpu } } })
    }

    #[test]
    fn containers_add_up_and_init_steps_do_not() {
        let mut sidecar = asking("s", "100m");
        sidecar["restartPolicy"] = "Always".into();
        let two = [asking("a", "250m"), asking("b", "250m")];
        assert_eq!(cpu(json!({ "spec": { "containers": two } })), 500);
        assert_eq!(cpu(json!({ "spec": { "containers": two, "initContainers": [asking("i", "2")] } })), 2000);
        assert_eq!(
            cpu(json!({ "spec": { "containers": two, "initContainers": [sidecar, asking("i", "450m")] } })),
            600
        );
        assert_eq!(
            cpu(json!({ "spec": { "containers": two, "initContainers": [sidecar, asking("i", "550m")] } })),
            650
        );
        // A sidecar that starts behind a step is not there during it.
        assert_eq!(
            cpu(json!({ "spec": { "containers": two, "initContainers": [asking("i", "550m"), sidecar] } })),
            600
        );
        assert_eq!(cpu(json!({ "spec": { "containers": two, "overhead": { "cpu": "50m" } } })), 550);
        assert_eq!(
            cpu(json!({ "spec": { "containers": two, "resources": { "requests": { "cpu": "3" } } } })),
            3000
        );
    }

    #[test]
    fn a_resize_under_way_holds_the_larger_amount() {
        let status = json!({ "name": "a", "allocatedResources": { "cpu": "1" }, "resources": { "requests": { "cpu": "700m" } } });
        let pod = json!({ "spec": { "containers": [asking("a", "250m")] }, "status": { "containerStatuses": [status] } });
        assert_eq!(cpu(pod), 1000);
    }

    #[test]
    fn gpus_are_told_by_their_names() {
        for gpu in [
            "nvidia.com/gpu",
            "nvidia.com/gpu.shared",
            "nvidia.com/mig-1g.10gb",
            "amd.com/gpu",
            "gpu.intel.com/xe",
            "huawei.com/Ascend910B",
        ] {
            assert!(is_gpu(gpu), "{gpu}");
        }
        for other in
            ["cpu", "nvidia.com/gpumem", "nvidia.com/gpucores", "nvidia.com/priority", "ephemeral-storage"]
        {
            assert!(!is_gpu(other), "{other}");
        }
    }
}
