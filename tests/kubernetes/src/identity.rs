//! Who calls the API server.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

use crate::pki::Pair;
use crate::{Api, Outcome};

/// Somebody whom the API server knows, with what it takes to call it.
#[derive(Clone)]
pub struct Identity {
    pub(crate) name: String,
    pub(crate) url: String,
    pub(crate) authority: String,
    pub(crate) proof: Proof,
}

#[derive(Clone)]
pub(crate) enum Proof {
    Certificate(Pair),
    Token(String),
}

impl std::fmt::Debug for Identity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Identity").field("name", &self.name).field("url", &self.url).finish_non_exhaustive()
    }
}

impl Identity {
    /// The user's name as rules of access have it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The bearer token, where it is one.
    pub fn token(&self) -> Option<&str> {
        match &self.proof {
            Proof::Token(token) => Some(token),
            Proof::Certificate(_) => None,
        }
    }

    /// A kubeconfig that holds everything itself.
    pub fn kubeconfig(&self) -> String {
        let user = match &self.proof {
            Proof::Token(token) => format!("token: {}", json!(token)),
            Proof::Certificate(pair) => format!(
                "client-certificate-data: {}\n    client-key-data: {}",
                STANDARD.encode(&pair.certificate),
                STANDARD.encode(&pair.key)
            ),
        };
        format!(
            "apiVersion: v1\nkind: Config\ncurrent-context: test\ncontexts:\n- name: test\n  context:\n    cluster: test\n    \
             user: test\nclusters:\n- name: test\n  cluster:\n    server: {}\n    certificate-authority-data: {}\nusers:\n\
             - name: test\n  user:\n    {user}\n",
            self.url,
            STANDARD.encode(&self.authority),
        )
    }

    /// A client that calls as this one.
    pub fn api(&self) -> Outcome<Api> {
        Api::new(self)
    }
}
