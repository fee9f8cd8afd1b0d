//! What is particular to one backend, as data.

use std::collections::BTreeMap;
use std::fmt;

use serde_json::{Map, Value};

use super::{Arg, Connector, Entry};
use crate::config::Variables;
use crate::error::Result;
use crate::types::Secret;

/// A system that is called: a Bud platform, a Kubernetes cluster. Bindings make a class of each.
#[derive(Clone, Copy)]
#[non_exhaustive]
pub struct Backend {
    /// `bud`, `kubernetes`.
    pub name: &'static str,
    /// The name of its class.
    pub class: &'static str,
    /// The public module that the class belongs to; empty for the top of a package.
    pub topic: &'static str,
    /// What an instance is, to begin a sentence with: "A Kubernetes cluster".
    pub about: &'static str,
    /// What else is worth knowing of it, in whole sentences.
    pub docs: &'static str,
    /// How it is used.
    pub example: Example,
    /// The options that it is made of. What has an address takes it as the first one, `base_url`.
    pub options: &'static [Arg],
    /// The variables that it can be configured by, `BUD_...`. It has an option `env` then.
    pub variables: Option<&'static str>,
    /// Calls whose id begins with this word are methods of the class; others are grouped: `client.users.get`.
    pub own: &'static str,
    pub(super) entries: &'static [&'static [Entry]],
    pub(super) connector: fn(Map<String, Value>, Variables) -> Result<Connector>,
}

/// A client that is made, and a call of it.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Example {
    /// Options and their values. An empty value is a variable of the option's name.
    pub options: &'static [(&'static str, &'static str)],
    /// What is called.
    pub call: &'static str,
    /// Its arguments.
    pub args: &'static [(&'static str, &'static str)],
    /// The fields that are shown of each item of the result.
    pub shown: &'static [&'static str],
}

impl Backend {
    /// Everything that can be called on it, by resource.
    pub fn entries(&self) -> impl Iterator<Item = &'static Entry> + use<> {
        self.entries.iter().copied().flatten()
    }

    /// The option of this name.
    pub fn option(&self, name: &str) -> Option<&'static Arg> {
        self.options.iter().find(|option| option.name == name)
    }

    /// The option that is its address, if it has one.
    pub fn address(&self) -> Option<&'static Arg> {
        self.option("base_url")
    }

    /// Reads options by name. Without a table of variables those of the process count: a worker thread of Node.js, or a test
    /// that runs in a context of its own, has variables that the process does not know.
    ///
    /// # Errors
    /// `InvalidArgument` naming an option that is unknown or of the wrong type.
    pub fn connector(
        &self,
        options: Map<String, Value>,
        variables: Option<BTreeMap<String, Secret>>,
    ) -> Result<Connector> {
        (self.connector)(options, variables.map(Variables::table).unwrap_or_default())
    }
}

impl fmt::Debug for Backend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Backend").field("name", &self.name).finish_non_exhaustive()
    }
}
