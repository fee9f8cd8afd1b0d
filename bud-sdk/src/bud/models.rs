//! Models, as the platform as shipped shows them beside endpoints and workflows.

use std::collections::BTreeMap;

use super::User;
use crate::schema::{model, open_enum};
use crate::types::{Decimal, ModelId, Timestamp, UserId, Wire};

open_enum! {
    /// Where a model comes from, and so what it takes to deploy it.
    ModelProviderType {
        /// A provider runs it: deploying it takes the provider's key, and no cluster.
        CloudModel = "cloud_model",
        /// Hugging Face.
        HuggingFace = "hugging_face",
        /// A download.
        Url = "url",
        /// A disk.
        Disk = "disk",
    }
}

model! {
    /// A model (runtime). Lists, endpoints and workflows each show some of its fields.
    Model {
        /// The id.
        pub id: ModelId,
        /// The name.
        pub name: Option<String>,
        /// What it is.
        pub description: Option<String>,
        /// Who made it.
        pub author: Option<String>,
        /// Where it is.
        pub uri: Option<String>,
        /// The provider or store that it comes from.
        pub source: Option<String>,
        /// Whether a provider runs it, or a cluster.
        pub provider_type: Option<Wire<ModelProviderType>>,
        /// Who provides it.
        pub provider: Option<Box<Provider>>,
        /// Where the platform keeps it.
        pub local_path: Option<String>,
        /// Its parameters.
        pub model_size: Option<u64>,
        /// What goes in and comes out: `text`, `image`, `audio`.
        pub modality: BTreeMap<String, Modality>,
        /// What it can be asked for: `chat`, `embedding`...
        pub supported_endpoints: BTreeMap<String, SupportedEndpoint>,
        /// What it is made for.
        pub tasks: Vec<Tag>,
        /// Labels.
        pub tags: Vec<Tag>,
        /// Its picture.
        pub icon: Option<String>,
        /// Its source code.
        pub github_url: Option<String>,
        /// Its page on Hugging Face.
        pub huggingface_url: Option<String>,
        /// Its own page.
        pub website_url: Option<String>,
        /// Who added it (lists).
        pub created_user: Option<Box<User>>,
        /// Who added it (workflows).
        pub created_by: Option<UserId>,
        /// Whether it is among the platform's models (catalogues).
        pub is_present_in_model: Option<bool>,
        /// Where it would run well.
        pub model_cluster_recommended: Option<Box<ModelRecommendation>>,
        /// Bud has looked at it.
        pub bud_verified: Option<bool>,
        /// It was scanned for what does harm.
        pub scan_verified: Option<bool>,
        /// It was evaluated.
        pub eval_verified: Option<bool>,
        /// What it is good at.
        pub strengths: Vec<String>,
        /// What it is not good at.
        pub limitations: Vec<String>,
        /// The languages that it knows.
        pub languages: Vec<String>,
        /// What it is used for.
        pub use_cases: Vec<String>,
        /// What it needs to run.
        pub minimum_requirements: Option<serde_json::Value>,
        /// Questions and answers.
        pub examples: Vec<serde_json::Value>,
        /// What it was made of.
        pub base_model: Vec<String>,
        /// Its kind.
        pub model_type: Option<String>,
        /// Its family.
        pub family: Option<String>,
        /// The size of its weights, in bytes.
        pub model_weights_size: Option<u64>,
        /// The size of its cache of keys and values, in bytes.
        pub kv_cache_size: Option<u64>,
        /// How it treats text.
        pub architecture_text_config: Option<Box<TextArchitecture>>,
        /// How it treats images.
        pub architecture_vision_config: Option<VisionArchitecture>,
        /// How it treats sound.
        pub architecture_audio_config: Option<Box<AudioArchitecture>>,
        /// Papers about it.
        pub paper_published: Vec<Paper>,
        /// Its licence.
        pub model_licenses: Option<Box<ModelLicense>>,
        /// What its use costs.
        pub pricing: Option<Pricing>,
        /// When it was added.
        pub created_at: Option<Timestamp>,
        /// When it was last changed.
        pub updated_at: Option<Timestamp> = "modified_at",
    }
}

impl From<&Model> for ModelId {
    fn from(model: &Model) -> Self {
        model.id.clone()
    }
}

model! {
    /// A label with its colour.
    Tag {
        /// The label.
        pub name: Option<String>,
        /// `#RRGGBB`.
        pub color: Option<String>,
    }
}

model! {
    /// Who provides models.
    Provider {
        /// The id.
        pub id: Option<String>,
        /// The name.
        pub name: Option<String>,
        /// Who that is.
        pub description: Option<String>,
        /// The kind, as keys for it name it: `openai`, `anthropic`...
        pub kind: Option<String> = "type",
        /// The picture.
        pub icon: Option<String>,
        /// What it offers: `model`, `moderation`, `local`.
        pub capabilities: Vec<String>,
    }
}

model! {
    /// Whether a kind of content goes in, and comes out.
    Modality {
        /// It is taken.
        pub input: Option<bool>,
        /// It is given.
        pub output: Option<bool>,
        /// Its name for people.
        pub label: Option<String>,
    }
}

model! {
    /// Whether a model answers at a path.
    SupportedEndpoint {
        /// The path.
        pub path: Option<String>,
        /// It does.
        pub enabled: Option<bool>,
        /// Its name for people.
        pub label: Option<String>,
    }
}

model! {
    /// How a model treats text.
    TextArchitecture {
        /// Layers.
        pub num_layers: Option<u64>,
        /// Width of the hidden states.
        pub hidden_size: Option<u64>,
        /// Width between them.
        pub intermediate_size: Option<u64>,
        /// The longest text, in tokens.
        pub context_length: Option<u64>,
        /// Tokens that it knows.
        pub vocab_size: Option<u64>,
        /// The type of its numbers.
        pub torch_dtype: Option<String>,
        /// Attention heads.
        pub num_attention_heads: Option<u64>,
        /// Heads with keys and values of their own.
        pub num_key_value_heads: Option<u64>,
        /// How positions are stretched.
        pub rope_scaling: Option<serde_json::Value>,
    }
}

model! {
    /// How a model treats images.
    VisionArchitecture {
        /// Layers.
        pub num_layers: Option<u64>,
        /// Width of the hidden states.
        pub hidden_size: Option<u64>,
        /// Width between them.
        pub intermediate_size: Option<u64>,
        /// The type of its numbers.
        pub torch_dtype: Option<String>,
    }
}

model! {
    /// How a model treats sound.
    AudioArchitecture {
        /// Layers.
        pub num_layers: Option<u64>,
        /// Width of the hidden states.
        pub hidden_size: Option<u64>,
        /// Attention heads.
        pub num_attention_heads: Option<u64>,
        /// Bands of the spectrum.
        pub num_mel_bins: Option<u64>,
        /// Samples per second.
        pub sample_rate: Option<u64>,
        /// The longest input, in positions.
        pub max_source_positions: Option<u64>,
        /// The longest output, in positions.
        pub max_target_positions: Option<u64>,
        /// The type of its numbers.
        pub torch_dtype: Option<String>,
    }
}

model! {
    /// A paper about a model.
    Paper {
        /// The id.
        pub id: Option<String>,
        /// The title.
        pub title: Option<String>,
        /// Who wrote it.
        pub authors: Vec<String>,
        /// Where it is.
        pub url: Option<String>,
        /// The model.
        pub model_id: Option<ModelId>,
    }
}

model! {
    /// The licence of a model.
    ModelLicense {
        /// The id.
        pub id: Option<String>,
        /// The name.
        pub name: Option<String>,
        /// Where it is.
        pub url: Option<String>,
        /// Where the platform keeps it.
        pub path: Option<String>,
        /// Questions and answers.
        pub faqs: Vec<serde_json::Value>,
        /// The kind of licence.
        pub license_type: Option<String>,
        /// What it says.
        pub description: Option<String>,
        /// What it is suitable for.
        pub suitability: Option<String>,
        /// The model.
        pub model_id: Option<ModelId>,
        /// `url` or `minio`: what `path` and `url` are.
        pub data_type: Option<String>,
    }
}

model! {
    /// What the use of a deployed model costs.
    Pricing {
        /// So many tokens in.
        pub input_cost: Option<Decimal>,
        /// So many tokens out.
        pub output_cost: Option<Decimal>,
        /// In this currency.
        pub currency: Option<String>,
        /// How many tokens the costs are of.
        pub per_tokens: Option<u64>,
    }
}

model! {
    /// Where a model would run well.
    ModelRecommendation {
        /// What a million tokens would cost there.
        pub cost_per_million_tokens: Option<Decimal>,
        /// What it would run on: `CPU`, `GPU`, `HPU`.
        pub hardware_type: Vec<String>,
        /// The cluster.
        pub cluster: Option<ModelRecommendationCluster>,
    }
}

model! {
    /// The cluster where a model would run well: its workers by kind.
    ModelRecommendationCluster {
        /// The name.
        pub name: Option<String>,
        /// With CPUs only.
        pub cpu_total_workers: Option<u32>,
        /// Those of them that can be used.
        pub cpu_available_workers: Option<u32>,
        /// With GPUs.
        pub gpu_total_workers: Option<u32>,
        /// Those of them that can be used.
        pub gpu_available_workers: Option<u32>,
        /// With HPUs.
        pub hpu_total_workers: Option<u32>,
        /// Those of them that can be used.
        pub hpu_available_workers: Option<u32>,
        /// In all.
        pub total_workers: Option<u32>,
        /// Those of them that can be used.
        pub available_workers: Option<u32>,
        /// The same in percent.
        pub availability_percentage: Option<f64>,
    }
}
