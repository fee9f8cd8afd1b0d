//! Services, and whether anything answers behind them.

use std::collections::BTreeMap;

use crate::error::Result;
use crate::kubernetes::calls::pods::given;
use crate::kubernetes::objects;
use crate::kubernetes::{Cluster, Namespaces};
use crate::schema::records;
use crate::types::{Timestamp, age_of};

impl Cluster {
    /// Lists services with the number of endpoints that are ready: guide section 2.2, where `kubectl get svc` does not show it.
    ///
    /// # Errors
    /// `PermissionDenied` naming the missing permission (services, and endpointslices of discovery.k8s.io); those of a
    /// request.
    pub async fn services(&self, scope: impl Into<Namespaces>) -> Result<Vec<Service>> {
        let scope = scope.into();
        // Slices have labels of their own: one for the service that they belong to.
        let all = scope.clone().without_labels();
        let services =
            self.list("/api/v1", "services", &scope, |service: objects::Service, now| (service, now));
        let slices = self.list_whole(
            "/apis/discovery.k8s.io/v1",
            "endpointslices",
            &all,
            |slice: objects::EndpointSlice, _| behind(&slice),
        );
        let (services, slices) = futures_util::future::try_join(services, slices).await?;
        let mut endpoints = BTreeMap::<(String, String), (u32, u32)>::new();
        for (service, (ready, all)) in slices.into_iter().flatten() {
            let sum = endpoints.entry(service).or_default();
            (sum.0, sum.1) = (sum.0 + ready, sum.1 + all);
        }
        Ok(services.iter().map(|(service, now)| Service::of(service, *now, &endpoints)).collect())
    }
}

/// The service that a slice belongs to, and how many of its endpoints are ready, of how many.
pub(crate) fn behind(slice: &objects::EndpointSlice) -> Option<((String, String), (u32, u32))> {
    let service = slice.metadata.labels.get("kubernetes.io/service-name")?;
    // Not said means ready.
    let ready = slice.endpoints.iter().filter(|endpoint| endpoint.conditions.ready != Some(false)).count();
    let number = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
    Some((
        (slice.metadata.namespace.clone(), service.clone()),
        (number(ready), number(slice.endpoints.len())),
    ))
}

records! {

    /// A service, and what is behind it.
    Service {
        /// The name.
        name: String,
        /// The namespace.
        namespace: String,
        /// `ClusterIP`, `NodePort`, `LoadBalancer` or `ExternalName`.
        kind: String,
        /// Its address inside the cluster; none for headless ones.
        cluster_ip: Option<String>,
        /// Its addresses outside, or the name that it stands for.
        external: Vec<String>,
        /// Its ports, as kubectl prints them: `80:30080/TCP`.
        ports: Vec<String>,
        /// The labels of the pods behind it; none for one whose endpoints are kept by somebody else.
        selector: BTreeMap<String, String>,
        /// How many endpoints are ready.
        ready_endpoints: u32,
        /// How many there are.
        endpoints: u32,
        /// Whether somebody answers, as far as can be told: an endpoint is ready, or none is expected.
        healthy: bool,
        /// When it was created.
        created_at: Option<Timestamp>,
        /// Its age by the server's clock, as kubectl prints it.
        age: String,
    }
}

impl Service {
    fn of(
        service: &objects::Service,
        now: Timestamp,
        endpoints: &BTreeMap<(String, String), (u32, u32)>,
    ) -> Self {
        let (meta, spec) = (&service.metadata, &service.spec);
        let key = (meta.namespace.clone(), meta.name.clone());
        let (ready, all) = endpoints.get(&key).copied().unwrap_or_default();
        let expected = !spec.selector.is_empty() && spec.kind != "ExternalName";
        let ingress = service.status.load_balancer.ingress.iter();
        let balanced = ingress.filter_map(|ingress| given(&ingress.ip).or_else(|| given(&ingress.hostname)));
        let external = balanced.chain(spec.external_ips.iter().cloned()).chain(given(&spec.external_name));
        let port = |port: &objects::ServicePort| match port.node_port.filter(|port| *port > 0) {
            Some(node_port) => format!("{}:{node_port}/{}", port.port, port.protocol),
            None => format!("{}/{}", port.port, port.protocol),
        };
        Self {
            name: meta.name.clone(),
            namespace: meta.namespace.clone(),
            kind: spec.kind.clone(),
            cluster_ip: given(&spec.cluster_ip).filter(|ip| ip != "None"),
            external: external.collect(),
            ports: spec.ports.iter().map(port).collect(),
            selector: spec.selector.clone(),
            ready_endpoints: ready,
            endpoints: all,
            healthy: !expected || ready > 0 || spec.publish_not_ready_addresses && all > 0,
            created_at: meta.creation_timestamp,
            age: age_of(meta.creation_timestamp, now),
        }
    }
}
