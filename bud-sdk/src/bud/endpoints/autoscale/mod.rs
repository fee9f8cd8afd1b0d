//! How the number of an endpoint's replicas is chosen, on the platform as shipped.

mod settings;

use serde_json::{Map, Value, json};

use super::{MOST_REPLICAS, Scoped, Target, check_range};
use crate::bud::Flavor;
use crate::bud::beside;
use crate::error::{Error, ErrorKind, Result};
use crate::operation::{Describe, Operation, Parts, Raw, Reply, Route, Routes};

pub use settings::{
    Autoscaler, Autoscaling, CloudProvider, CostLimits, FailoverThresholds, FederationMode, GpuScaling,
    MetricSource, MetricSourceType, MultiCluster, Prediction, ScaleToZero, ScalingBehavior, ScalingPolicy,
    ScalingRule, ScalingStrategy, ScheduleHint, SpotPreference,
};

const AUTOSCALER: Route = Route::get("/endpoints/{id}/autoscale");
const INSTEAD: &str = "use endpoints.scale: that API has no autoscaler";

impl Autoscaler {
    /// At least and at most so many replicas.
    pub fn between(least: u32, most: u32) -> Self {
        Self { enabled: Some(true), min_replicas: Some(least), max_replicas: Some(most), ..Self::default() }
    }
    /// Leaves the number of replicas as it is.
    pub fn off() -> Self {
        Self { enabled: Some(false), ..Self::default() }
    }
    /// Who chooses.
    pub fn strategy(mut self, strategy: ScalingStrategy) -> Self {
        self.scaling_strategy = Some(strategy.into());
        self
    }
    /// A number to go by; may be given again.
    pub fn metric(mut self, source: MetricSource) -> Self {
        self.metrics_sources.push(source);
        self
    }
    /// A time to be ready for; may be given again.
    pub fn schedule(mut self, hint: ScheduleHint) -> Self {
        self.schedule_hints.push(hint);
        self
    }
    /// By the use of GPUs.
    pub fn gpu(mut self, gpu: GpuScaling) -> Self {
        self.gpu_config = Some(gpu);
        self
    }
    /// Within a budget.
    pub fn cost(mut self, limits: CostLimits) -> Self {
        self.cost_config = Some(limits);
        self
    }
    /// Ahead of the load.
    pub fn prediction(mut self, prediction: Prediction) -> Self {
        self.prediction_config = Some(prediction);
        self
    }
    /// Down to nothing without load; the least is then 0.
    pub fn scale_to_zero(mut self, sleep: ScaleToZero) -> Self {
        self.min_replicas = Some(0);
        self.scale_to_zero_config = Some(sleep);
        self
    }

    /// The settings as the server takes them.
    pub(super) fn to_wire(&self) -> Result<Value> {
        self.check()?;
        let settings = serde_json::to_value(self)
            .map_err(|error| Error::invalid("settings", format!("they cannot be written: {error}")))?;
        Ok(wire(settings))
    }

    fn check(&self) -> Result<()> {
        let (least, most) = (self.min_replicas.unwrap_or(1), self.max_replicas.unwrap_or(10));
        check_range("min_replicas", least, 0..=MOST_REPLICAS)?;
        check_range("max_replicas", most, 0..=MOST_REPLICAS)?;
        if least > most {
            return Err(Error::invalid("min_replicas", format!("{least} is more than the most, {most}")));
        }
        if let Some(gpu) = &self.gpu_config {
            check("memory_threshold", gpu.memory_threshold, 0..=100)?;
            check("compute_threshold", gpu.compute_threshold, 0..=100)?;
        }
        if let Some(cost) = &self.cost_config {
            check("hourly_budget_limit", cost.hourly_budget_limit, 0.0..=f64::MAX)?;
            check("daily_budget_limit", cost.daily_budget_limit, 0.0..=f64::MAX)?;
        }
        if let Some(prediction) = &self.prediction_config {
            check("look_ahead_minutes", prediction.look_ahead_minutes, 1..=60)?;
            check("history_days", prediction.history_days, 1..=90)?;
            check("min_confidence", prediction.min_confidence, 0.0..=1.0)?;
        }
        for hint in &self.schedule_hints {
            let text = |text: &Option<String>| text.as_ref().is_some_and(|text| !text.trim().is_empty());
            if !text(&hint.name) || !text(&hint.cron_expression) {
                return Err(Error::invalid("schedule", "it takes a name and a time"));
            }
            check("target_replicas", hint.target_replicas.or(Some(u32::MAX)), 0..=MOST_REPLICAS)?;
        }
        if let Some(failover) = self.multi_cluster.as_ref().and_then(|m| m.failover_thresholds.as_ref()) {
            check("health_check_failures", failover.health_check_failures, 1..=u32::MAX)?;
            check("latency_ms", failover.latency_ms, 100..=u32::MAX)?;
        }
        let rules = self.behavior.iter().flat_map(|behavior| [&behavior.scale_up, &behavior.scale_down]);
        for policy in rules.flatten().flat_map(|rule| &rule.policies) {
            check("period_seconds", policy.period_seconds, 1..=u32::MAX)?;
        }
        let sleep = self.scale_to_zero_config.as_ref();
        check("activation_scale", sleep.and_then(|sleep| sleep.activation_scale), 1..=MOST_REPLICAS)?;
        if self.metrics_sources.iter().any(|source| source.kind.is_none()) {
            return Err(Error::invalid("metric", "it takes a kind"));
        }
        Ok(())
    }
}

fn check<T: PartialOrd + std::fmt::Display>(
    param: &'static str,
    number: Option<T>,
    range: std::ops::RangeInclusive<T>,
) -> Result<()> {
    number.map_or(Ok(()), |number| check_range(param, number, range))
}

impl MetricSource {
    /// A number by its name, and what it should be.
    pub fn new(kind: MetricSourceType, metric: impl Into<String>, value: impl Into<String>) -> Self {
        Self {
            kind: Some(kind.into()),
            target_metric: Some(metric.into()),
            target_value: Some(value.into()),
            ..Self::default()
        }
    }
}

impl ScheduleHint {
    /// So many replicas at this time, written as for cron.
    pub fn new(name: impl Into<String>, cron: impl Into<String>, replicas: u32) -> Self {
        Self {
            name: Some(name.into()),
            cron_expression: Some(cron.into()),
            target_replicas: Some(replicas),
            ..Self::default()
        }
    }
}

/// The names on the wire, and only what is set.
fn wire(settings: Value) -> Value {
    match settings {
        Value::Object(fields) => {
            let set = fields.into_iter().filter(|(_, value)| !is_nothing(value));
            let renamed = set.map(|(name, value)| {
                // Its keys are clusters, not names of fields.
                let value = if name == "cluster_weights" { value } else { wire(value) };
                (wire_name(&name), value)
            });
            Value::Object(renamed.collect::<Map<_, _>>())
        }
        Value::Array(items) => Value::Array(items.into_iter().map(wire).collect()),
        other => other,
    }
}

fn is_nothing(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(items) => items.is_empty(),
        Value::Object(fields) => fields.is_empty(),
        _ => false,
    }
}

fn wire_name(name: &str) -> String {
    match name {
        "kind" => return "type".to_owned(),
        "preferred_gpu_type" => return "preferredGPUType".to_owned(),
        "vgpu_support" => return "vGPUSupport".to_owned(),
        _ => {}
    }
    let mut words = name.split('_');
    let mut camel = words.next().unwrap_or_default().to_owned();
    for word in words {
        let mut letters = word.chars();
        camel.extend(letters.next().map(|first| first.to_ascii_uppercase()));
        camel.push_str(letters.as_str());
    }
    camel
}

/// `endpoints.autoscaler`
#[derive(Debug, Clone)]
pub struct GetAutoscaler(pub(super) Target);

impl Scoped for GetAutoscaler {
    fn target(&mut self) -> &mut Target {
        &mut self.0
    }
}

impl Describe for GetAutoscaler {
    type Flavor = Flavor;
    const ID: &'static str = "endpoints.autoscaler";
    const SECTIONS: &'static [&'static str] = &["5.3"];
    const ROUTES: Routes<Flavor> = Routes::runtime_only(AUTOSCALER, INSTEAD);
    fn encode(&self, flavor: Flavor) -> Result<Parts> {
        self.0.parts(flavor)
    }
}

impl Operation for GetAutoscaler {
    type Output = Autoscaling;
    fn decode(&self, _: Flavor, raw: Raw) -> Result<Reply<Autoscaling>> {
        answered(&raw).map(Reply::Done)
    }
}

/// `endpoints.autoscale`
#[derive(Debug, Clone)]
pub struct SetAutoscaler(pub(super) Target, pub(super) Box<Autoscaler>);

impl Scoped for SetAutoscaler {
    fn target(&mut self) -> &mut Target {
        &mut self.0
    }
}

impl Describe for SetAutoscaler {
    type Flavor = Flavor;
    const ID: &'static str = "endpoints.autoscale";
    const SECTIONS: &'static [&'static str] = &["5.3"];
    const ROUTES: Routes<Flavor> =
        Routes::runtime_only(Route::put("/endpoints/{id}/autoscale").shown_by_a_read(), INSTEAD);
    fn encode(&self, flavor: Flavor) -> Result<Parts> {
        let settings = self.1.to_wire()?;
        self.0.parts(flavor)?.json(&json!({ "budaiscaler_specification": settings }))
    }
}

impl Operation for SetAutoscaler {
    type Output = Autoscaling;
    fn decode(&self, _: Flavor, raw: Raw) -> Result<Reply<Autoscaling>> {
        confirmed(&raw, &self.0, Bounds::of(&self.1), |found| Ok(Reply::Done(found)))
    }
}

/// What the server must show of settings that were sent.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bounds {
    enabled: Option<bool>,
    min_replicas: Option<u32>,
    max_replicas: Option<u32>,
}

impl Bounds {
    fn of(settings: &Autoscaler) -> Self {
        let Autoscaler { enabled, min_replicas, max_replicas, .. } = *settings;
        Self { enabled, min_replicas, max_replicas }
    }

    /// Just so many replicas.
    pub(super) fn exactly(replicas: u32) -> Self {
        Self::of(&Autoscaler::between(replicas, replicas))
    }

    /// Whether the server shows them; `None` if it shows none of them.
    fn shown_by(self, found: &Autoscaling) -> Option<bool> {
        let config = found.budaiscaler_config.as_ref();
        let enabled = self.enabled.zip(config.and_then(|config| config.enabled).or(found.autoscale_enabled));
        let least = self.min_replicas.zip(config.and_then(|config| config.min_replicas));
        let most = self.max_replicas.zip(config.and_then(|config| config.max_replicas));
        let same = [enabled.map(|(a, b)| a == b), least.map(|(a, b)| a == b), most.map(|(a, b)| a == b)];
        same.into_iter().flatten().reduce(|all, one| all && one)
    }
}

/// Goes on with what the server shows of the settings. An answer that does not show them is followed by a read.
pub(super) fn confirmed<T: 'static>(
    raw: &Raw,
    target: &Target,
    sent: Bounds,
    then: impl FnOnce(Autoscaling) -> Result<Reply<T>> + Send + 'static,
) -> Result<Reply<T>> {
    let answer = if raw.is_nothing() { None } else { Some(read(raw)?) };
    let shows = |it: &Autoscaling| it.autoscale_enabled.is_some() && sent.shown_by(it) != Some(false);
    if let Some(found) = answer.filter(|found| shows(found) && !raw.is_blaming()) {
        return then(found);
    }
    let accepted = raw.status == 204;
    Ok(Reply::then(AUTOSCALER, target.parts(Flavor::Runtime)?, move |raw| {
        let found = answered(&raw)?;
        let shown = sent.shown_by(&found);
        if shown == Some(true) || (shown.is_none() && accepted) {
            return then(found);
        }
        Err(Error::new(ErrorKind::Unconfirmed, "the autoscaler's settings are still the old ones")
            .with_status(raw.status))
    }))
}

/// Whether it is chosen is always said.
fn answered(raw: &Raw) -> Result<Autoscaling> {
    let found = read(raw)?;
    raw.expect(found.autoscale_enabled.is_some(), "autoscale_enabled")?;
    Ok(found)
}

fn read(raw: &Raw) -> Result<Autoscaling> {
    beside(raw, |found: &mut Autoscaling| &mut found.extra)
}
