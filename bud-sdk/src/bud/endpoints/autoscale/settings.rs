//! The settings of an autoscaler.

use std::collections::BTreeMap;

use crate::schema::{model, open_enum};
use crate::types::{EndpointId, Extra, Wire};

open_enum! {
    /// Who chooses the number of replicas.
    ScalingStrategy {
        /// Kubernetes' own autoscaler.
        Hpa = "HPA",
        /// Knative's.
        Kpa = "KPA",
        /// Bud's.
        BudScaler = "BudScaler",
    }
}

open_enum! {
    /// Where a number comes from that the autoscaler goes by.
    MetricSourceType {
        /// The pods.
        Pod = "pod",
        /// What the pods use.
        Resource = "resource",
        /// Prometheus.
        Prometheus = "prometheus",
        /// The inference engine.
        InferenceEngine = "inferenceEngine",
        /// Something else in the cluster.
        Custom = "custom",
        /// Something outside of it.
        External = "external",
    }
}

open_enum! {
    /// Whose prices count.
    CloudProvider {
        /// Amazon.
        Aws = "aws",
        /// Microsoft.
        Azure = "azure",
        /// Google.
        Gcp = "gcp",
        /// One's own.
        OnPremises = "on-premises",
    }
}

open_enum! {
    /// Whether to use machines that are cheap and may vanish.
    SpotPreference {
        /// No.
        None = "none",
        /// If there are any.
        Prefer = "prefer",
        /// Only those.
        Require = "require",
    }
}

open_enum! {
    /// How several clusters share the work.
    FederationMode {
        /// One works, another one stands by.
        ActivePassive = "active-passive",
        /// All work.
        ActiveActive = "active-active",
        /// All work, each its part.
        Weighted = "weighted",
    }
}

model! {
    /// How the number of replicas is chosen. What is not set gets the platform's defaults.
    Autoscaler {
        /// It is chosen at all. False.
        pub enabled: Option<bool>,
        /// The least; 0 lets an endpoint sleep. 1.
        pub min_replicas: Option<u32> = "minReplicas",
        /// The most. 10.
        pub max_replicas: Option<u32> = "maxReplicas",
        /// Who chooses. `BudScaler`.
        pub scaling_strategy: Option<Wire<ScalingStrategy>> = "scalingStrategy",
        /// By which numbers.
        pub metrics_sources: Vec<MetricSource> = "metricsSources",
        /// By the use of GPUs.
        pub gpu_config: Option<GpuScaling> = "gpuConfig",
        /// Within a budget.
        pub cost_config: Option<CostLimits> = "costConfig",
        /// Ahead of the load.
        pub prediction_config: Option<Prediction> = "predictionConfig",
        /// By the clock.
        pub schedule_hints: Vec<ScheduleHint> = "scheduleHints",
        /// Over several clusters.
        pub multi_cluster: Option<MultiCluster> = "multiCluster",
        /// How fast.
        pub behavior: Option<ScalingBehavior>,
        /// Down to nothing, when the least is 0.
        pub scale_to_zero_config: Option<ScaleToZero> = "scaleToZeroConfig",
    }
}

model! {
    /// A number that the autoscaler goes by.
    MetricSource {
        /// Where it comes from.
        pub kind: Option<Wire<MetricSourceType>> = "type",
        /// How it is asked for. `http`.
        pub protocol_type: Option<String> = "protocolType",
        /// At which port. `9090`.
        pub port: Option<String>,
        /// At which path. `/metrics`.
        pub path: Option<String>,
        /// Its name.
        pub target_metric: Option<String> = "targetMetric",
        /// What it should be.
        pub target_value: Option<String> = "targetValue",
        /// Where to ask.
        pub address: Option<String>,
        /// What to ask.
        pub query: Option<String>,
    }
}

model! {
    /// Scaling by the use of GPUs.
    GpuScaling {
        /// It counts.
        pub enabled: Option<bool>,
        /// Percent of their memory. 80.
        pub memory_threshold: Option<u32> = "memoryThreshold",
        /// Percent of their time. 80.
        pub compute_threshold: Option<u32> = "computeThreshold",
        /// It looks at how they are connected.
        pub topology_aware: Option<bool> = "topologyAware",
        /// The kind to prefer.
        pub preferred_gpu_type: Option<String> = "preferredGPUType",
        /// Parts of GPUs are taken, too.
        pub vgpu_support: Option<bool> = "vGPUSupport",
    }
}

model! {
    /// A budget, in the platform's currency.
    CostLimits {
        /// It counts.
        pub enabled: Option<bool>,
        /// Whose prices.
        pub cloud_provider: Option<Wire<CloudProvider>> = "cloudProvider",
        /// An hour may cost this; 0 for no limit.
        pub hourly_budget_limit: Option<f64> = "hourlyBudgetLimit",
        /// A day may cost this; 0 for no limit.
        pub daily_budget_limit: Option<f64> = "dailyBudgetLimit",
        /// Whether to use machines that may vanish. `none`.
        pub spot_instance_preference: Option<Wire<SpotPreference>> = "spotInstancePreference",
    }
}

model! {
    /// Scaling ahead of the load.
    Prediction {
        /// It counts.
        pub enabled: Option<bool>,
        /// How far ahead, from 1 to 60 minutes. 15.
        pub look_ahead_minutes: Option<u32> = "lookAheadMinutes",
        /// From how much of the past, from 1 to 90 days. 7.
        pub history_days: Option<u32> = "historyDays",
        /// How sure it must be, from 0 to 1. 0.7.
        pub min_confidence: Option<f64> = "minConfidence",
        /// The names of the numbers that are foretold.
        pub prediction_metrics: Vec<String> = "predictionMetrics",
    }
}

model! {
    /// So many replicas at such a time.
    ScheduleHint {
        /// What it is called.
        pub name: Option<String>,
        /// When, as cron writes it.
        pub cron_expression: Option<String> = "cronExpression",
        /// How many.
        pub target_replicas: Option<u32> = "targetReplicas",
        /// For how long, such as `2h`.
        pub duration: Option<String>,
    }
}

model! {
    /// Several clusters that share the work.
    MultiCluster {
        /// They do.
        pub enabled: Option<bool>,
        /// How. `active-passive`.
        pub federation_mode: Option<Wire<FederationMode>> = "federationMode",
        /// Each cluster's part.
        pub cluster_weights: BTreeMap<String, u32> = "clusterWeights",
        /// When another one takes over.
        pub failover_thresholds: Option<FailoverThresholds> = "failoverThresholds",
    }
}

model! {
    /// When another cluster takes over.
    FailoverThresholds {
        /// After so many failed looks at its health. 3.
        pub health_check_failures: Option<u32> = "healthCheckFailures",
        /// When it takes so long, at least 100 milliseconds. 5000.
        pub latency_ms: Option<u32> = "latencyMs",
    }
}

model! {
    /// How fast the number of replicas grows and shrinks.
    ScalingBehavior {
        /// How fast it grows.
        pub scale_up: Option<ScalingRule> = "scaleUp",
        /// How fast it shrinks.
        pub scale_down: Option<ScalingRule> = "scaleDown",
    }
}

model! {
    /// How fast the number of replicas changes in one direction.
    ScalingRule {
        /// For so long it must have been wanted.
        pub stabilization_window_seconds: Option<u32> = "stabilizationWindowSeconds",
        /// By how much in how long.
        pub policies: Vec<ScalingPolicy>,
        /// Which policy counts: `Max`, `Min` or `Disabled`.
        pub select_policy: Option<String> = "selectPolicy",
    }
}

model! {
    /// By how much the number of replicas changes in how long.
    ScalingPolicy {
        /// What `value` is: `Percent` or `Pods`.
        pub kind: Option<String> = "type",
        /// So many of them.
        pub value: Option<u32>,
        /// In so long, at least 1 second.
        pub period_seconds: Option<u32> = "periodSeconds",
    }
}

model! {
    /// Sleep without load.
    ScaleToZero {
        /// It does.
        pub enabled: Option<bool>,
        /// How many replicas it wakes up with, at least 1. 1.
        pub activation_scale: Option<u32> = "activationScale",
        /// After how long without load, such as `5m` or `30s`. `5m`.
        pub grace_period: Option<String> = "gracePeriod",
    }
}

model! {
    /// How the number of an endpoint's replicas is chosen, as the server has it.
    Autoscaling {
        /// The endpoint.
        pub endpoint_id: Option<EndpointId>,
        /// It is chosen at all; else it stays what it is.
        pub autoscale_enabled: Option<bool>,
        /// How; nothing when it was never set.
        pub budaiscaler_config: Option<Autoscaler>,
    }
}

/// Settings begin with nothing set.
macro_rules! empty {
    ($($name:ident { $($field:ident),* })*) => {$(
        impl Default for $name {
            fn default() -> Self {
                Self { $($field: Default::default(),)* extra: Extra::default() }
            }
        }
    )*};
}
empty! {
    Autoscaler {
        enabled, min_replicas, max_replicas, scaling_strategy, metrics_sources, gpu_config, cost_config,
        prediction_config, schedule_hints, multi_cluster, behavior, scale_to_zero_config
    }
    MetricSource { kind, protocol_type, port, path, target_metric, target_value, address, query }
    GpuScaling { enabled, memory_threshold, compute_threshold, topology_aware, preferred_gpu_type, vgpu_support }
    CostLimits { enabled, cloud_provider, hourly_budget_limit, daily_budget_limit, spot_instance_preference }
    Prediction { enabled, look_ahead_minutes, history_days, min_confidence, prediction_metrics }
    ScheduleHint { name, cron_expression, target_replicas, duration }
    MultiCluster { enabled, federation_mode, cluster_weights, failover_thresholds }
    FailoverThresholds { health_check_failures, latency_ms }
    ScalingBehavior { scale_up, scale_down }
    ScalingRule { stabilization_window_seconds, policies, select_policy }
    ScalingPolicy { kind, value, period_seconds }
    ScaleToZero { enabled, activation_scale, grace_period }
}
