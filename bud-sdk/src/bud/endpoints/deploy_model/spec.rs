//! What is to be deployed.

use std::ops::RangeInclusive;

use serde_json::{Value, json};

use super::super::{Autoscaler, check_range};
use crate::error::{Error, Result};
use crate::schema::open_enum;
use crate::types::{DeployClusterId, ModelId, ProjectId, ProviderCredentialId, check_segment};

open_enum! {
    /// Whether an endpoint has its devices for itself.
    HardwareMode {
        /// It has.
        Dedicated = "dedicated",
        /// It shares them.
        Shared = "shared",
    }
}

/// A model to be deployed, on the platform as shipped. What it is to be good for decides how large the deployment becomes: the
/// platform simulates it, and recommends clusters.
#[derive(Debug, Clone)]
pub struct DeployModel {
    pub(super) model: ModelId,
    pub(super) project: ProjectId,
    pub(super) name: String,
    pub(super) cluster: Option<DeployClusterId>,
    pub(super) provider_key: Option<ProviderCredentialId>,
    pub(super) hardware: HardwareMode,
    pub(super) autoscaler: Option<Box<Autoscaler>>,
    pub(super) tool_calling: bool,
    pub(super) reasoning: bool,
    concurrent_requests: u32,
    context_length: u32,
    sequence_length: u32,
    ttft: Option<RangeInclusive<u32>>,
    tokens_per_second: Option<RangeInclusive<u32>>,
    e2e_latency: Option<RangeInclusive<u32>>,
}

impl DeployModel {
    /// This model, as an endpoint of this project and name, for one request at a time of 1000 tokens that is answered by 100.
    ///
    /// Names of endpoints are unique on the whole platform. They are stored in lower case with hyphens for spaces, without
    /// hyphens at the ends: `Tiny EP 2` becomes `tiny-ep-2`.
    pub fn new(model: impl Into<ModelId>, project: impl Into<ProjectId>, name: impl Into<String>) -> Self {
        Self {
            model: model.into(),
            project: project.into(),
            name: name.into(),
            cluster: None,
            provider_key: None,
            hardware: HardwareMode::Dedicated,
            autoscaler: None,
            tool_calling: false,
            reasoning: false,
            concurrent_requests: 1,
            context_length: 1000,
            sequence_length: 100,
            ttft: None,
            tokens_per_second: None,
            e2e_latency: None,
        }
    }
    /// On this cluster, named by its [`cluster_id`](crate::clusters::Cluster::cluster_id). The first one that is recommended, which is
    /// the cheapest.
    pub fn on(mut self, cluster: impl Into<DeployClusterId>) -> Self {
        self.cluster = Some(cluster.into());
        self
    }
    /// With this key of the platform's for the provider. A model that a provider runs takes one, and no cluster.
    pub fn provider_key(mut self, key: impl Into<ProviderCredentialId>) -> Self {
        self.provider_key = Some(key.into());
        self
    }
    /// How many requests at the same time, at least 1.
    pub fn concurrent_requests(mut self, requests: u32) -> Self {
        self.concurrent_requests = requests;
        self
    }
    /// The usual length of a request, up to 200,000 tokens.
    pub fn context_length(mut self, tokens: u32) -> Self {
        self.context_length = tokens;
        self
    }
    /// The usual length of an answer, in tokens.
    pub fn sequence_length(mut self, tokens: u32) -> Self {
        self.sequence_length = tokens;
        self
    }
    /// Milliseconds to the first token: the least and the most that is wanted.
    pub fn ttft(mut self, milliseconds: RangeInclusive<u32>) -> Self {
        self.ttft = Some(milliseconds);
        self
    }
    /// Tokens per second for each request, likewise.
    pub fn tokens_per_second(mut self, tokens: RangeInclusive<u32>) -> Self {
        self.tokens_per_second = Some(tokens);
        self
    }
    /// Seconds to the last token, likewise.
    pub fn e2e_latency(mut self, seconds: RangeInclusive<u32>) -> Self {
        self.e2e_latency = Some(seconds);
        self
    }
    /// Whether it has its devices for itself. `Dedicated`.
    pub fn hardware(mut self, mode: HardwareMode) -> Self {
        self.hardware = mode;
        self
    }
    /// How the number of replicas is chosen.
    pub fn autoscaler(mut self, settings: Autoscaler) -> Self {
        self.autoscaler = Some(Box::new(settings));
        self
    }
    /// The model may call tools, in the way that the platform knows of it.
    pub fn tool_calling(mut self) -> Self {
        self.tool_calling = true;
        self
    }
    /// The model shows its reasoning, likewise.
    pub fn reasoning(mut self) -> Self {
        self.reasoning = true;
        self
    }

    /// Refuses what the platform would refuse; the name as it will be stored.
    pub(super) fn check(&self) -> Result<String> {
        check_segment("model_id", self.model.as_str())?;
        check_segment("project_id", self.project.as_str())?;
        if let Some(cluster) = &self.cluster {
            check_segment("cluster_id", cluster.as_str())?;
        }
        if let Some(key) = &self.provider_key {
            check_segment("provider_key", key.as_str())?;
        }
        check_range("concurrent_requests", self.concurrent_requests, 1..=u32::MAX)?;
        check_range("context_length", self.context_length, 0..=200_000)?;
        for (param, range) in self.wishes() {
            if range.as_ref().is_some_and(RangeInclusive::is_empty) {
                return Err(Error::invalid(param, "the least is more than the most"));
            }
        }
        if let Some(settings) = &self.autoscaler {
            settings.to_wire()?;
        }
        stored_name(&self.name)
    }

    fn wishes(&self) -> [(&'static str, &Option<RangeInclusive<u32>>); 3] {
        [
            ("ttft", &self.ttft),
            ("tokens_per_second", &self.tokens_per_second),
            ("e2e_latency", &self.e2e_latency),
        ]
    }

    /// What it is to be good for, as the platform takes it.
    pub(super) fn load(&self) -> Value {
        let mut load = json!({
            "concurrent_requests": self.concurrent_requests,
            "avg_context_length": self.context_length,
            "avg_sequence_length": self.sequence_length,
        });
        for (name, range) in self.wishes() {
            let name = if name == "tokens_per_second" { "per_session_tokens_per_sec" } else { name };
            if let (Some(load), Some(range)) = (load.as_object_mut(), range) {
                load.insert(name.to_owned(), json!([range.start(), range.end()]));
            }
        }
        load
    }
}

/// The name as the platform stores it.
fn stored_name(name: &str) -> Result<String> {
    let refused = |why: &str| Err(Error::invalid("name", why));
    if name.chars().count() > 100 {
        return refused("it is longer than 100 characters");
    }
    if !name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b' ' | b'-')) {
        return refused("an endpoint's name has only letters, digits, hyphens and spaces");
    }
    let stored = name.replace(' ', "-").trim_matches('-').to_ascii_lowercase();
    if stored.is_empty() { refused("it has no letter and no digit") } else { Ok(stored) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_become_what_the_platform_stores() {
        for (name, stored) in [("Tiny EP 2", "tiny-ep-2"), (" -Chat- ", "chat"), ("a--b", "a--b")] {
            assert_eq!(stored_name(name).unwrap(), stored);
        }
        for name in ["", " ", "--", "a_b", "a.b", "naïve", "a\n", &"x".repeat(101)] {
            assert_eq!(stored_name(name).unwrap_err().param(), Some("name"), "{name:?}");
        }
    }

    #[test]
    fn what_the_platform_would_refuse_is_refused() {
        let model = || DeployModel::new("m", "p", "n");
        for (model, param) in [
            (DeployModel::new("../m", "p", "n"), "model_id"),
            (DeployModel::new("m", "", "n"), "project_id"),
            (model().on("a/b"), "cluster_id"),
            (model().provider_key("a b"), "provider_key"),
            (model().concurrent_requests(0), "concurrent_requests"),
            (model().context_length(200_001), "context_length"),
            #[expect(clippy::reversed_empty_ranges, reason = "it is to be refused")]
            (model().ttft(5..=4), "ttft"),
            (model().autoscaler(Autoscaler::between(2, 1)), "min_replicas"),
        ] {
            assert_eq!(model.check().unwrap_err().param(), Some(param));
        }
        let load = model().ttft(1..=200).tokens_per_second(5..=50).load();
        let expected = json!({
            "concurrent_requests": 1, "avg_context_length": 1000, "avg_sequence_length": 100,
            "ttft": [1, 200], "per_session_tokens_per_sec": [5, 50],
        });
        assert_eq!(load, expected);
    }
}
