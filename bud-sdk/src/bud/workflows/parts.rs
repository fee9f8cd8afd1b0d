//! What only workflows show.

use serde_json::Value;

use crate::bud::Tag;
use crate::schema::model;
use crate::types::{ModelId, ProjectId, ProviderCredentialId, Timestamp, UserId};

model! {
    /// What a deployment is to be good for, ready made.
    DeploymentTemplate {
        /// The id.
        pub id: Option<String>,
        /// The name.
        pub name: Option<String>,
        /// What it is for.
        pub description: Option<String>,
        /// Its picture.
        pub icon: Option<String>,
        /// The kind.
        pub template_type: Option<String>,
        /// The usual length of an answer, in tokens.
        pub avg_sequence_length: Option<u64>,
        /// The usual length of a request, in tokens.
        pub avg_context_length: Option<u64>,
        /// Tokens per second for each request: the least and the most that is wanted.
        pub per_session_tokens_per_sec: Vec<f64>,
        /// Milliseconds to the first token, likewise.
        pub ttft: Vec<f64>,
        /// Seconds to the last token, likewise.
        pub e2e_latency: Vec<f64>,
    }
}

model! {
    /// A provider's key, without its value.
    ProviderCredential {
        /// The id.
        pub id: Option<ProviderCredentialId>,
        /// The name.
        pub name: Option<String>,
        /// The provider: `openai`, `anthropic`...
        pub kind: Option<String> = "type",
    }
}

model! {
    /// An adapter that is added to an endpoint.
    AdapterConfig {
        /// The endpoint.
        pub endpoint_id: Option<String>,
        /// Its project.
        pub project_id: Option<ProjectId>,
        /// What the adapter is called.
        pub adapter_name: Option<String>,
        /// The model that it is.
        pub adapter_model_id: Option<ModelId>,
        /// The id.
        pub adapter_id: Option<String>,
    }
}

model! {
    /// What a scan found in a model.
    ModelScan {
        /// The id.
        pub id: Option<String>,
        /// The model.
        pub model_id: Option<ModelId>,
        /// How bad it is: `safe`, `low`, `medium`, `high`, `critical`.
        pub status: Option<String>,
        /// What was found, in all.
        pub total_issues: Option<u32>,
        /// Files that were looked at.
        pub total_scanned_files: Option<u32>,
        /// Files that were not.
        pub total_skipped_files: Option<u32>,
        /// Those that were, by name.
        pub scanned_files: Vec<String>,
        /// Not bad.
        pub low_severity_count: Option<u32>,
        /// Rather bad.
        pub medium_severity_count: Option<u32>,
        /// Bad.
        pub high_severity_count: Option<u32>,
        /// Very bad.
        pub critical_severity_count: Option<u32>,
        /// What was found, one by one.
        pub model_issues: Option<Value>,
        /// When it was made.
        pub created_at: Option<Timestamp>,
        /// When it was last changed.
        pub updated_at: Option<Timestamp> = "modified_at",
    }
}

model! {
    /// How a model is made smaller.
    Quantization {
        /// The model.
        pub model_id: Option<ModelId>,
        /// What the smaller one is called.
        pub quantized_model_name: Option<String>,
        /// What its numbers become.
        pub target_type: Option<String>,
        /// What it is made for.
        pub target_device: Option<String>,
        /// How.
        pub method: Option<String>,
        /// Its weights.
        pub weight_config: Option<QuantizationScheme>,
        /// What flows through it.
        pub activation_config: Option<QuantizationScheme>,
        /// Where it is done.
        pub cluster_id: Option<String>,
        /// The simulation that plans it.
        pub simulation_id: Option<String>,
        /// What came of it.
        pub quantization_data: Option<Value>,
        /// The smaller model.
        pub quantized_model_id: Option<ModelId>,
    }
}

model! {
    /// How numbers are made smaller.
    QuantizationScheme {
        /// 8, 4 or 2.
        pub bit: Option<u32>,
        /// What shares a scale: `per_tensor`, `per_channel`, `per_group`, `per_head`, `per_token`.
        pub granularity: Option<String>,
        /// Around zero.
        pub symmetric: Option<bool>,
    }
}

model! {
    /// What a guardrail looks for.
    GuardrailProfile {
        /// The id.
        pub id: Option<String>,
        /// The name.
        pub name: Option<String>,
        /// `active`, `disabled` or `deleted`.
        pub status: Option<String>,
        /// What it is for.
        pub description: Option<String>,
        /// Labels.
        pub tags: Vec<Tag>,
        /// From which severity on it acts.
        pub severity_threshold: Option<f64>,
        /// When it looks: at requests, at answers.
        pub guard_types: Vec<String>,
        /// What it looks for, in numbers.
        pub probe_count: Option<u32>,
        /// Where it is deployed, in numbers.
        pub deployment_count: Option<u32>,
        /// It stands alone.
        pub is_standalone: Option<bool>,
        /// Who made it.
        pub created_by: Option<UserId>,
        /// The project.
        pub project_id: Option<ProjectId>,
        /// When it was made.
        pub created_at: Option<Timestamp>,
        /// When it was last changed.
        pub updated_at: Option<Timestamp> = "modified_at",
    }
}

model! {
    /// One thing that a guardrail looks for.
    GuardrailProbe {
        /// The id.
        pub id: Option<String>,
        /// Its rules.
        pub rules: Vec<GuardrailRule>,
        /// From which severity on it counts.
        pub severity_threshold: Option<f64>,
        /// When it looks: at requests, at answers.
        pub guard_types: Vec<String>,
        /// Where it runs instead.
        pub cluster_config_override: Option<Value>,
    }
}

model! {
    /// One rule of a probe.
    GuardrailRule {
        /// The id.
        pub id: Option<String>,
        /// `active`, `disabled` or `deleted`.
        pub status: Option<String>,
        /// From which severity on it counts.
        pub severity_threshold: Option<f64>,
        /// When it looks: at requests, at answers.
        pub guard_types: Vec<String>,
    }
}

model! {
    /// What goes into a prompt and comes out.
    PromptSchema {
        /// How the model is asked.
        pub model_settings: Option<PromptModelSettings>,
        /// Answers come in pieces.
        pub stream: Option<bool>,
        /// What goes in.
        pub input_schema: Option<Value>,
        /// What comes out.
        pub output_schema: Option<Value>,
        /// What was said before.
        pub messages: Vec<PromptMessage>,
        /// What goes in: text, or an object.
        pub input_data: Option<Value>,
        /// What an answer must be like.
        pub output_validation_prompt: Option<String>,
        /// What a request must be like.
        pub input_validation_prompt: Option<String>,
        /// How often a bad answer is asked for again.
        pub llm_retry_limit: Option<u32>,
        /// The model may call tools.
        pub enable_tools: Option<bool>,
        /// It may be asked more than once.
        pub allow_multiple_calls: Option<bool>,
        /// Who speaks the prompt: `system`, `developer` or `user`.
        pub system_prompt_role: Option<String>,
    }
}

model! {
    /// What was said before.
    PromptMessage {
        /// By whom: `system`, `developer`, `user` or `assistant`.
        pub role: Option<String>,
        /// The words.
        pub content: Option<String>,
    }
}

model! {
    /// How a model is asked. Further headers are left out: they may hold secrets.
    PromptModelSettings {
        /// How freely it chooses its words, from 0 to 2.
        pub temperature: Option<f64>,
        /// The longest answer, in tokens.
        pub max_tokens: Option<u64>,
        /// From how much of the likely words it chooses.
        pub top_p: Option<f64>,
        /// How much it avoids words that it has used often.
        pub frequency_penalty: Option<f64>,
        /// How much it avoids words that it has used.
        pub presence_penalty: Option<f64>,
        /// Where it stops.
        pub stop_sequences: Vec<String>,
        /// What its choices begin with.
        pub seed: Option<f64>,
        /// Seconds that it may take.
        pub timeout: Option<f64>,
        /// It may call several tools at once.
        pub parallel_tool_calls: Option<bool>,
        /// It tells how likely its words were.
        pub logprobs: Option<bool>,
        /// Tokens that it should use more or less.
        pub logit_bias: Option<Value>,
        /// The longest answer, in tokens, by its newer name.
        pub max_completion_tokens: Option<u64>,
        /// How pieces come.
        pub stream_options: Option<Value>,
        /// What an answer looks like.
        pub response_format: Option<Value>,
        /// Which tool it calls.
        pub tool_choice: Option<Value>,
        /// How messages become text.
        pub chat_template: Option<String>,
        /// What goes into that.
        pub chat_template_kwargs: Option<Value>,
        /// How images are treated.
        pub mm_processor_kwargs: Option<Value>,
        /// The JSON that an answer is.
        pub guided_json: Option<Value>,
        /// The expression that an answer fits.
        pub guided_regex: Option<String>,
        /// The answers that there are.
        pub guided_choice: Vec<String>,
        /// The grammar that an answer follows.
        pub guided_grammar: Option<String>,
        /// The tags that an answer has.
        pub structural_tag: Option<String>,
        /// What makes answers fit.
        pub guided_decoding_backend: Option<String>,
        /// The space that may stand between.
        pub guided_whitespace_pattern: Option<String>,
    }
}
