//! GPUs that a driver offers in slices and pods hold by claims: dynamic resource allocation.

use std::collections::{BTreeMap, BTreeSet};

use crate::error::Result;
use crate::kubernetes::calls::nodes::NodeGpus;
use crate::kubernetes::objects::{self, Device, ResourceClaim, ResourceSlice};
use crate::kubernetes::{Cluster, Namespaces};

pub(crate) const ROOT: &str = "/apis/resource.k8s.io/v1";

/// Whether GPUs are offered in it.
pub(crate) fn of_gpus(slice: &ResourceSlice) -> bool {
    slice.spec.driver.starts_with("gpu.")
}

/// What is offered, and what is held of it.
#[derive(Default)]
pub(crate) struct Offers {
    slices: Vec<ResourceSlice>,
    claims: Vec<ResourceClaim>,
}

impl Cluster {
    /// What drivers of GPUs offer; nothing where the cluster does not know of such offers.
    pub(crate) async fn offers(&self) -> Result<Offers> {
        let everywhere = Namespaces::all();
        let gpus = |slice: ResourceSlice, _| of_gpus(&slice).then_some(slice);
        let slices: Vec<ResourceSlice> =
            match self.list_whole(ROOT, "resourceslices", &everywhere, gpus).await {
                Err(error) if error.status() == Some(404) => return Ok(Offers::default()),
                slices => slices?.into_iter().flatten().collect(),
            };
        if slices.is_empty() {
            return Ok(Offers::default());
        }
        let claims =
            self.list_whole(ROOT, "resourceclaims", &everywhere, |claim: ResourceClaim, _| claim).await?;
        Ok(Offers { slices, claims })
    }
}

impl Offers {
    /// The GPUs of each node, by driver; parts of cards are told apart from whole ones.
    pub(crate) fn gpus(&self, nodes: &[objects::Node]) -> Vec<NodeGpus> {
        // While a pool is made anew, its older slices do not count any more.
        let mut newest = BTreeMap::<(&str, &str), i64>::new();
        for slice in &self.slices {
            let generation = newest.entry(pool(slice)).or_default();
            *generation = slice.spec.pool.generation.max(*generation);
        }
        let results = self.claims.iter().flat_map(|claim| &claim.status.allocation.devices.results);
        let held: BTreeSet<(&str, &str, &str)> = results
            // Who only looks after a device does not take it from others.
            .filter(|result| !result.admin_access)
            .map(|result| (result.driver.as_str(), result.pool.as_str(), result.device.as_str()))
            .collect();
        let mut rows = BTreeMap::<(String, String), NodeGpus>::new();
        for slice in &self.slices {
            let spec = &slice.spec;
            if newest.get(&pool(slice)) != Some(&spec.pool.generation) || spec.node_name.is_empty() {
                continue;
            }
            for device in &spec.devices {
                let part = text(device, "type").filter(|kind| *kind != "gpu");
                let resource =
                    part.map_or_else(|| spec.driver.clone(), |part| format!("{}/{part}", spec.driver));
                let row =
                    rows.entry((spec.node_name.clone(), resource.clone())).or_insert_with(|| NodeGpus {
                        node: spec.node_name.clone(),
                        resource,
                        capacity: 0,
                        allocatable: 0,
                        requested: 0,
                        free: 0,
                        cards: None,
                        unhealthy_cards: None,
                        plugin_answers: None,
                        product: text(device, "productName").map(str::to_owned),
                        schedulable: nodes
                            .iter()
                            .any(|node| node.metadata.name == spec.node_name && !node.spec.unschedulable),
                    });
                let good = !device
                    .taints
                    .iter()
                    .any(|taint| matches!(taint.effect.as_str(), "NoSchedule" | "NoExecute"));
                let taken =
                    held.contains(&(spec.driver.as_str(), spec.pool.name.as_str(), device.name.as_str()));
                row.capacity += 1;
                row.allocatable += u32::from(good);
                row.requested += u32::from(taken);
                row.free += u32::from(good && !taken);
                row.cards = part.is_none().then_some(row.capacity);
            }
        }
        rows.into_values().collect()
    }
}

fn pool(slice: &ResourceSlice) -> (&str, &str) {
    (slice.spec.driver.as_str(), slice.spec.pool.name.as_str())
}

fn text<'a>(device: &'a Device, attribute: &str) -> Option<&'a str> {
    device.attributes.get(attribute).map(|value| value.string.as_str()).filter(|text| !text.is_empty())
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn slice(pool: &str, generation: u32, devices: Value) -> Value {
        json!({ "spec": {
            "driver": "gpu.nvidia.com", "nodeName": "n", "pool": { "name": pool, "generation": generation },
            "devices": devices,
        } })
    }

    #[test]
    fn devices_of_the_newest_slices_are_counted_and_those_that_claims_hold_are_not_free() {
        let kind = |name: &str, kind: &str| {
            json!({ "name": name, "attributes": {
                "type": { "string": kind }, "productName": { "string": "NVIDIA H100" }, "index": { "int": 0 },
            } })
        };
        let mut tainted = kind("gpu-3", "gpu");
        tainted["taints"] = json!([{ "key": "gpu.nvidia.com/xid", "effect": "NoExecute" }]);
        let slices = json!([
            slice("n", 1, json!([kind("gone", "gpu"), kind("gpu-0", "gpu")])),
            slice("n", 2, json!([kind("gpu-0", "gpu"), kind("gpu-1", "gpu"), kind("gpu-2", "gpu"), tainted])),
            slice("n", 2, json!([kind("mig-0", "mig"), kind("mig-1", "mig")])),
        ]);
        let held = |device: &str, admin: bool| json!({ "driver": "gpu.nvidia.com", "pool": "n", "device": device, "adminAccess": admin });
        let claims = json!([
            { "status": { "allocation": { "devices": { "results": [held("gpu-0", false), held("mig-1", false)] } } } },
            { "status": { "allocation": { "devices": { "results": [held("gpu-1", true)] } } } },
            { "status": {} },
        ]);
        let offers = Offers {
            slices: serde_json::from_value(slices).unwrap(),
            claims: serde_json::from_value(claims).unwrap(),
        };
        let node = serde_json::from_value(json!({ "metadata": { "name": "n" } })).unwrap();
        let rows: Vec<_> = offers
            .gpus(&[node])
            .into_iter()
            .map(|row| (row.resource, row.capacity, row.allocatable, row.requested, row.free, row.cards))
            .collect();
        assert_eq!(
            rows,
            [
                ("gpu.nvidia.com".to_owned(), 4, 3, 1, 2, Some(4)),
                ("gpu.nvidia.com/mig".to_owned(), 2, 2, 1, 1, None),
            ]
        );
    }
}
