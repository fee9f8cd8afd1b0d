//! What is known of a workflow so far: a sum of all that any kind of workflow asks for and finds out.

use serde_json::Value;

use super::parts::*;
use crate::bud::{Cluster, Endpoint, Model, Project, Provider, Tag};
use crate::schema::model;
use crate::types::{EndpointId, ModelId, ProviderCredentialId};

model! {
    /// What is known of a workflow so far. Each kind of workflow has some of it. What a service at work says of itself is kept
    /// as it came.
    WorkflowSteps {
        // Deployments.
        /// The model's id.
        pub model_id: Option<ModelId>,
        /// The model.
        pub model: Option<Box<Model>>,
        /// The project.
        pub project: Option<Box<Project>>,
        /// The cluster.
        pub cluster: Option<Box<Cluster>>,
        /// The endpoint.
        pub endpoint: Option<Box<Endpoint>>,
        /// The name that the endpoint will have, as it is stored.
        pub endpoint_name: Option<String>,
        /// What the deployment is to be good for.
        pub deploy_config: Option<Value>,
        /// `dedicated` or `shared`.
        pub hardware_mode: Option<String>,
        /// The simulation that plans the deployment.
        pub simulator_id: Option<String>,
        /// What the simulator says of itself.
        pub bud_simulator_events: Option<Value>,
        /// What the cluster service says of the deployment.
        pub budserve_cluster_events: Option<Value>,
        /// What came of the deployment.
        pub endpoint_details: Option<Value>,
        /// The template's id.
        pub template_id: Option<String>,
        /// The template that the deployment follows.
        pub template: Option<Box<DeploymentTemplate>>,
        /// The id of the provider's key.
        pub credential_id: Option<ProviderCredentialId>,
        /// The provider's key, without its value.
        pub credential: Option<ProviderCredential>,
        /// How many more requests at the same time.
        pub additional_concurrency: Option<u64>,
        /// How calls of tools are read.
        pub tool_calling_parser_type: Option<String>,
        /// How reasoning is read.
        pub reasoning_parser_type: Option<String>,
        /// How messages become text.
        pub chat_template: Option<String>,
        /// The model may call tools.
        pub enable_tool_calling: Option<bool>,
        /// The model shows its reasoning.
        pub enable_reasoning: Option<bool>,
        /// The engine takes adapters.
        pub supports_lora: Option<bool>,
        /// The engine spreads a model over nodes.
        pub supports_pipeline_parallelism: Option<bool>,
        /// What the cluster service says of the undeployment.
        pub delete_endpoint_events: Option<Value>,
        /// What the cluster service says of a worker's removal.
        pub delete_worker_events: Option<Value>,
        /// The adapter.
        pub adapter_config: Option<Box<AdapterConfig>>,
        /// What the cluster service says of the adapter.
        pub adapter_deployment_events: Option<Value>,

        // Clusters.
        /// What the cluster is to be called.
        pub name: Option<String>,
        /// Where requests to its endpoints go in.
        pub ingress_url: Option<String>,
        /// What the cluster service says of its setting up.
        pub create_cluster_events: Option<Value>,
        /// What the cluster service says of its removal.
        pub delete_cluster_events: Option<Value>,

        // Models.
        /// Where the model comes from, or the guardrail.
        pub provider_type: Option<String>,
        /// The provider's id.
        pub provider_id: Option<String>,
        /// The provider.
        pub provider: Option<Box<Provider>>,
        /// The id of the model in the provider's catalogue.
        pub cloud_model_id: Option<String>,
        /// The model in the provider's catalogue.
        pub cloud_model: Option<Box<Model>>,
        /// Whether the work was done.
        pub workflow_execution_status: Option<Value>,
        /// How the model compares.
        pub leaderboard: Option<Value>,
        /// The picture.
        pub icon: Option<String>,
        /// Where the model is.
        pub uri: Option<String>,
        /// Who made it.
        pub author: Option<String>,
        /// Labels.
        pub tags: Vec<Tag>,
        /// What it is.
        pub description: Option<String>,
        /// What goes in and comes out.
        pub add_model_modality: Vec<String>,
        /// What the service says that fetches it.
        pub model_extraction_events: Option<Value>,
        /// What the service says that scans it.
        pub model_security_scan_events: Option<Value>,
        /// The id of the scan.
        pub security_scan_result_id: Option<String>,
        /// What the scan found.
        pub security_scan_result: Option<Box<ModelScan>>,
        /// How the model is made smaller.
        pub quantization_config: Option<Box<Quantization>>,
        /// What the service says that makes it smaller.
        pub quantization_deployment_events: Option<Value>,
        /// What the simulator says of that.
        pub quantization_simulation_events: Option<Value>,

        // Benchmarks and evaluations.
        /// The benchmark's id.
        pub benchmark_id: Option<String>,
        /// What the model is measured by.
        pub eval_with: Option<String>,
        /// The longest request, in tokens.
        pub max_input_tokens: Option<u64>,
        /// The longest answer, in tokens.
        pub max_output_tokens: Option<u64>,
        /// What it is measured with.
        pub datasets: Vec<Value>,
        /// The same by id.
        pub dataset_ids: Vec<Value>,
        /// Where.
        pub nodes: Vec<Value>,
        /// The caller has agreed.
        pub user_confirmation: Option<bool>,
        /// Nothing is deployed for it.
        pub run_as_simulation: Option<bool>,
        /// The experiment's id.
        pub experiment_id: Option<String>,
        /// The ids of what is looked at.
        pub trait_ids: Vec<String>,
        /// What is looked at.
        pub traits_details: Option<Value>,
        /// What the service says that evaluates.
        pub evaluation_events: Option<Value>,

        // Prompts.
        /// The kind of prompt.
        pub prompt_type: Option<String>,
        /// What goes into the prompt and comes out.
        pub prompt_schema: Option<Box<PromptSchema>>,
        /// The number of replicas follows the load.
        pub auto_scale: Option<bool>,
        /// Answers are kept.
        pub caching: Option<bool>,
        /// Requests at the same time: the least and the most.
        pub concurrency: Vec<u64>,
        /// Requests are limited.
        pub rate_limit: Option<bool>,
        /// To so many.
        pub rate_limit_value: Option<u64>,
        /// The prompt's id.
        pub bud_prompt_id: Option<String>,
        /// The prompt's version: a number or a text.
        pub bud_prompt_version: Option<Value>,
        /// Prompts that were tried and given up.
        pub discarded_prompt_ids: Vec<Value>,
        /// What the caller noted.
        pub client_metadata: Option<Value>,
        /// What the service says that makes the schema.
        pub prompt_schema_events: Option<Value>,

        // Guardrails.
        /// The profile's id.
        pub guardrail_profile_id: Option<String>,
        /// The profile.
        pub guardrail_profile: Option<Box<GuardrailProfile>>,
        /// The ids of the endpoints that it guards.
        pub endpoint_ids: Vec<EndpointId>,
        /// The endpoints that it guards.
        pub endpoints: Vec<Endpoint>,
        /// It stands alone.
        pub is_standalone: Option<bool>,
        /// What it looks for.
        pub probe_selections: Vec<GuardrailProbe>,
        /// When it looks: at requests, at answers.
        pub guard_types: Vec<String>,
        /// From which severity on it acts.
        pub severity_threshold: Option<f64>,
        /// How far its models are.
        pub model_statuses: Vec<Value>,
        /// Models that are to be added.
        pub models_requiring_onboarding: Option<u32>,
        /// Models that are to be deployed.
        pub models_requiring_deployment: Option<u32>,
        /// Models that are there.
        pub models_reusable: Option<u32>,
        /// The step that comes next.
        pub skip_to_step: Option<u32>,
        /// A key is needed.
        pub credential_required: Option<bool>,
        /// What the service says that adds its models.
        pub guardrail_onboarding_events: Option<Value>,
        /// What the simulator says of them.
        pub guardrail_simulation_events: Option<Value>,
        /// What the cluster service says of them.
        pub guardrail_deployment_events: Option<Value>,
        /// Which simulation is about which model.
        pub simulation_step_mapping: Option<Value>,
        /// The models that are simulated.
        pub simulation_models: Option<Value>,
        /// The profile that is to come.
        pub pending_profile_data: Option<Value>,
        /// Where they may run.
        pub recommended_clusters: Vec<Value>,
        /// What each is to be good for.
        pub per_model_deployment_configs: Vec<Value>,
        /// Models that are deployed.
        pub models_to_deploy: Vec<Value>,
        /// Models that are used as they are.
        pub models_to_reuse: Vec<Value>,
        /// The kind of probe.
        pub probe_type_option: Option<String>,
        /// Where the probe's model is.
        pub model_uri: Option<String>,
        /// How the probe looks.
        pub scanner_type: Option<String>,
        /// What handles it.
        pub handler: Option<String>,
        /// Where the probe's model comes from.
        pub model_provider_type: Option<String>,
        /// What the probe goes by.
        pub policy: Option<Value>,
        /// What it looks at.
        pub modality_types: Vec<String>,
        /// The probe's id.
        pub probe_id: Option<String>,
    }
}

impl WorkflowSteps {
    /// What the service at work said of the step of the deployment or its simulation that failed.
    pub(super) fn failed_event(&self) -> Option<String> {
        [&self.budserve_cluster_events, &self.bud_simulator_events].into_iter().flatten().find_map(failed)
    }

    /// Values of keys and headers are not kept.
    pub(super) fn guard(&mut self) {
        if let Some(credential) = &mut self.credential {
            credential.extra.0.remove("other_provider_creds");
        }
        if let Some(settings) = self.prompt_schema.as_mut().and_then(|schema| schema.model_settings.as_mut())
        {
            settings.extra.0.remove("extra_headers");
        }
    }
}

/// The message of the first step whose service says that it failed.
fn failed(events: &Value) -> Option<String> {
    let steps = events.get("steps")?.as_array()?;
    steps.iter().find_map(|step| {
        let content = step.get("payload")?.get("content")?;
        let failed = content.get("status")?.as_str()?.eq_ignore_ascii_case("failed");
        let text = |of: &Value, name: &str| of.get(name).and_then(Value::as_str).map(str::to_owned);
        let said =
            || text(content, "message").or_else(|| text(content, "title")).or_else(|| text(step, "title"));
        failed.then(|| said().unwrap_or_else(|| "the server gives no reason".to_owned()))
    })
}
