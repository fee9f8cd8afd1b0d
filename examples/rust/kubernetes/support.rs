//! What the examples on a Kubernetes cluster share: the connection, and their arguments.

// Every example uses a part of it.
#![allow(dead_code)]

use std::env;
use std::fmt::{self, Display};

use bud_sdk::kubernetes::Cluster;

/// Any error as `main` should show it: the SDK's errors say in one line what to do.
pub struct Failure(String);

impl<E: std::error::Error> From<E> for Failure {
    fn from(error: E) -> Self {
        Self(error.to_string())
    }
}

impl fmt::Debug for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

pub type Result<T, E = Failure> = std::result::Result<T, E>;

/// Connects to the cluster of `KUBECONFIG` or of `~/.kube/config`, by its current context unless `--context` names another.
pub async fn connect() -> Result<Cluster> {
    let builder = Cluster::builder();
    let builder = match option("--context") {
        Some(context) => builder.context(context),
        None => builder,
    };
    Ok(builder.connect().await?)
}

/// The value behind an option such as `--context`.
pub fn option(name: &str) -> Option<String> {
    env::args().skip_while(|arg| arg != name).nth(1)
}

/// The namespace that `--namespace` names, or this one.
pub fn namespace(usual: &str) -> String {
    option("--namespace").unwrap_or_else(|| usual.to_owned())
}

/// The n-th argument, or this one. Arguments stand before the options.
pub fn argument(n: usize, usual: &str) -> String {
    env::args().nth(n).filter(|arg| !arg.starts_with("--")).unwrap_or_else(|| usual.to_owned())
}

/// What may be unknown, as text.
pub fn known<T: Display>(value: Option<T>) -> String {
    value.map_or_else(|| "?".to_owned(), |value| value.to_string())
}
