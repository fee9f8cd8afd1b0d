//! The public modules: which types belong to each, in every language the same.

use std::collections::{BTreeMap, BTreeSet};

use bud_sdk::bindings::{self, Backend, Entry, Enumeration, Model};

use super::names::pascal;

/// A public module of the packages.
pub struct Topic {
    pub name: &'static str,
    pub docs: &'static str,
}

/// Every public module. What belongs to the client itself is at the top of a package.
pub const TOPICS: &[Topic] = &[
    topic("account", "The session, and the account that it belongs to."),
    topic("audit", "The audit log: records, exports, checks for tampering."),
    topic("clusters", "The clusters that endpoints run on."),
    topic("credentials", "API keys."),
    topic("endpoints", "The endpoints that serve models: deployment, scaling, autoscaling, removal."),
    topic("kubernetes", "Kubernetes clusters: pods, nodes, logs, rollouts, reports."),
    topic("models", "AI models."),
    topic("monitoring", "Metrics and alerts: Prometheus, Alertmanager."),
    topic("permissions", "Permissions of users."),
    topic("projects", "Projects and their members."),
    topic("quotas", "Quotas, usage and billing."),
    topic("report", "Reports of clusters: findings, differences, text and HTML."),
    topic("users", "The users of the platform."),
    topic("workflows", "Workflows: what the runtime API does in several steps."),
];

const fn topic(name: &'static str, docs: &'static str) -> Topic {
    Topic { name, docs }
}

/// The models of a public module, by name; those of the client for an empty name.
pub fn models(topic: &str) -> Vec<&'static Model> {
    let mut found: Vec<_> = bindings::models().into_iter().filter(|model| model.topic() == topic).collect();
    found.sort_unstable_by_key(|model| model.name);
    found
}

/// The enumerations of a public module, by name.
pub fn enumerations(topic: &str) -> Vec<&'static Enumeration> {
    let mut found: Vec<_> =
        bindings::enumerations().into_iter().filter(|values| values.topic() == topic).collect();
    found.sort_unstable_by_key(|values| values.name);
    found
}

/// The backends whose classes belong to a public module, by class.
pub fn backends(topic: &str) -> Vec<&'static Backend> {
    let mut found: Vec<_> = bindings::backends().iter().filter(|backend| backend.topic == topic).collect();
    found.sort_unstable_by_key(|backend| backend.class);
    found
}

/// What there is to call on a backend, by resource.
pub fn by_resource(backend: &Backend) -> BTreeMap<&'static str, Vec<&'static Entry>> {
    let mut resources: BTreeMap<&str, Vec<&Entry>> = BTreeMap::new();
    for entry in backend.entries() {
        resources.entry(resource(entry)).or_default().push(entry);
    }
    resources
}

/// The first part of an entry's name.
pub fn resource(entry: &Entry) -> &'static str {
    entry.id.split_once('.').expect("an id has two parts").0
}

/// The public module that the types of a resource belong to.
pub fn topic_of(backend: &Backend, resource: &'static str) -> &'static str {
    match resource {
        own if own == backend.own => backend.topic,
        "auth" => "account",
        other => other,
    }
}

/// The name by which generated code knows a type: with its module where two modules have one of this name.
pub fn unique(name: &str, topic: &str) -> String {
    let models = bindings::models().into_iter().map(|model| (model.name, model.topic()));
    let values = bindings::enumerations().into_iter().map(|values| (values.name, values.topic()));
    let places: BTreeSet<&str> =
        models.chain(values).filter(|(known, _)| *known == name).map(|(_, topic)| topic).collect();
    if places.len() > 1 { format!("{}{name}", pascal(topic)) } else { name.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_type_belongs_to_a_module() {
        let known: BTreeSet<&str> = TOPICS.iter().map(|topic| topic.name).chain([""]).collect();
        for model in bindings::models() {
            assert!(known.contains(model.topic()), "{} is in {:?}", model.name, model.topic());
        }
        for values in bindings::enumerations() {
            assert!(known.contains(values.topic()), "{} is in {:?}", values.name, values.topic());
        }
        for backend in bindings::backends() {
            for resource in by_resource(backend).into_keys() {
                assert!(known.contains(topic_of(backend, resource)), "{} of {}", resource, backend.name);
            }
        }
    }
}
