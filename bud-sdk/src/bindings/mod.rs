//! Bindings to other languages: everything that can be called, as data, and one way to call it.
//!
//! A binding shows the [`registry`] to its users as typed methods and calls them by name: arguments come in as JSON, results
//! go out as models or as JSON. It adds nothing to what is called, so that all languages behave alike. What is called is one of
//! the [`backends()`], each of which is a class in other languages.
//!
//! ```no_run
//! # async fn demo(bud: bud_sdk::Client) -> bud_sdk::Result<()> {
//! use bud_sdk::bindings::{Target, Task};
//! use serde_json::{Map, Value, json};
//!
//! let args: Map<String, Value> = [("id".to_owned(), json!("u-1"))].into_iter().collect();
//! if let Task::Call(call) = Target::from(bud).begin("users.get", args, Map::new())? {
//!     println!("{}", call.await?.value.to_json()?);
//! }
//! # Ok(())
//! # }
//! ```

mod args;
mod backend;
mod backends;
mod cluster;
mod dialect;
mod entries;
mod error;
mod render;
mod results;
mod target;
mod task;

use std::collections::{BTreeMap, HashMap};
use std::sync::LazyLock;

use serde_json::{Map, Value};

use crate::error::{Error, ErrorKind, Result};
use crate::types::Secret;

pub use crate::schema::{EnumValue, Enumeration, Model, ModelField, Type};
pub use crate::types::ids;
pub use args::Arg;
use args::{Args, CallOptions};
pub use backend::{Backend, Example};
pub use dialect::Dialect;
pub use error::error_json;
pub use render::render;
pub use results::{
    CapabilityInfo, CapabilityList, CreatedUser, ExportProgress, ExportSummary, IssuedKey, RawAnswer,
    ReportProgress, Revealed, SignedIn,
};
pub use target::{Connector, Target};
pub use task::{Answer, BoxFuture, BoxStream, Output, StreamItem, Task};

/// How something is called, and what comes of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Kind {
    /// One result.
    Call,
    /// A list, page by page.
    Pages,
    /// Bytes, piece by piece.
    Bytes,
    /// Work of many requests that reports its progress, with one result in the end.
    Job,
}

/// Something that can be called.
#[derive(Clone, Copy)]
#[non_exhaustive]
pub struct Entry {
    /// `users.get`: the handle's name and the method's.
    pub id: &'static str,
    /// How it is called.
    pub kind: Kind,
    /// What it does.
    pub docs: &'static str,
    /// Its arguments, in order; those that are not optional are required.
    pub args: &'static [Arg],
    /// The result; of a list, what one item is.
    pub output: Type,
    /// What a job tells on the way.
    pub update: Type,
    options: &'static [Arg],
    /// Nothing for a target of another backend.
    begin: fn(&Target, &mut Args, CallOptions) -> Option<Result<Task>>,
}

impl Entry {
    /// Begins it, as [`Target::begin`] does.
    ///
    /// # Errors
    /// As that, and `InvalidArgument` if it is not called on such a target.
    pub fn begin(
        &self,
        target: &Target,
        args: Map<String, Value>,
        options: Map<String, Value>,
    ) -> Result<Task> {
        let task = CallOptions::read(self.options(), options)
            .and_then(|options| (self.begin)(target, &mut Args::new(args), options).transpose());
        match task {
            Ok(Some(task)) => Ok(task),
            Ok(None) => Err(unknown(self.id)),
            Err(error) => Err(error.with_operation(self.id)),
        }
    }

    /// The options that it takes beside its arguments. Others are refused.
    pub fn options(&self) -> &'static [Arg] {
        // A wait has a `timeout` of its own.
        if self.args.iter().any(|arg| arg.name == "timeout") { &[] } else { self.options }
    }
}

impl std::fmt::Debug for Entry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Entry").field("id", &self.id).field("kind", &self.kind).finish_non_exhaustive()
    }
}

/// Every backend.
pub fn backends() -> &'static [Backend] {
    backends::ALL
}

/// The backend of this name.
///
/// # Errors
/// `InvalidArgument` for an unknown name.
pub fn backend(name: &str) -> Result<&'static Backend> {
    let found = backends().iter().find(|backend| backend.name == name);
    found.ok_or_else(|| {
        let names: Vec<&str> = backends().iter().map(|backend| backend.name).collect();
        Error::invalid("backend", format!("it must be one of {}", names.join(", ")))
    })
}

/// Makes a client of a backend from named options. Nothing is sent. Without a table of variables those of the process count.
///
/// # Errors
/// Those of [`backend()`], [`Backend::connector`] and [`Connector::connect`].
pub fn connect(
    backend: &str,
    options: Map<String, Value>,
    variables: Option<BTreeMap<String, Secret>>,
) -> Result<Target> {
    self::backend(backend)?.connector(options, variables)?.connect()
}

/// Everything that can be called, by backend and resource.
pub fn registry() -> impl Iterator<Item = &'static Entry> {
    backends().iter().flat_map(Backend::entries)
}

/// The entry of this name.
pub fn entry(id: &str) -> Option<&'static Entry> {
    static BY_ID: LazyLock<HashMap<&str, &Entry>> =
        LazyLock::new(|| registry().map(|entry| (entry.id, entry)).collect());
    BY_ID.get(id).copied()
}

impl Target {
    /// Begins what is called `id`. The arguments are checked by name; nothing is sent until the task is polled.
    ///
    /// # Errors
    /// `InvalidArgument` naming what is unknown, missing or of the wrong type.
    pub fn begin(&self, id: &str, args: Map<String, Value>, options: Map<String, Value>) -> Result<Task> {
        entry(id).ok_or_else(|| unknown(id))?.begin(self, args, options)
    }
}

fn unknown(id: &str) -> Error {
    let message = format!("there is no call {}", crate::operation::clean(id, 60));
    Error::new(ErrorKind::InvalidArgument, message).with_param(Some("id".to_owned()))
}

/// The types that callers see.
fn types() -> impl Iterator<Item = Type> {
    let of = |entry: &'static Entry| {
        [entry.output, entry.update].into_iter().chain(entry.args.iter().map(|arg| arg.ty))
    };
    // What is made of what calls return.
    registry().flat_map(of).chain([<crate::report::ReportDiff as crate::schema::Described>::TYPE])
}

/// Every model that callers see, each once, those that others hold before them.
pub fn models() -> Vec<&'static Model> {
    let mut found = Vec::new();
    for ty in types() {
        ty.walk(&mut |ty| {
            if let Type::Model(model) = ty
                && !found.contains(model)
            {
                found.push(model);
            }
        });
    }
    found
}

/// Every enumeration that callers see, each once.
pub fn enumerations() -> Vec<&'static Enumeration> {
    let mut found = Vec::new();
    for ty in types() {
        ty.walk(&mut |ty| {
            if let Type::Enum(values) = ty
                && !found.contains(values)
            {
                found.push(values);
            }
        });
    }
    found
}

#[cfg(test)]
mod tests;
