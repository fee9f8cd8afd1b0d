//! The bindings' generated files, written from the bindings' registry.

mod backends;
mod findings;
mod names;
mod node;
mod python;
mod topics;

use std::fs;

use bud_sdk::bindings::{self, Entry, Kind, Type};

use names::snake;

use crate::workspace::{Outcome, Workspace};

/// A file's path below the root, and its text.
pub type Generated = (String, String);

fn all() -> Vec<Generated> {
    let shared = [findings::file(), backends::file()];
    python::files().into_iter().chain(node::files()).chain(shared).collect()
}

/// `audit.export_file` and `audit.export_records` are what one does with an `audit.export`, and so have no method of their own.
fn part_of_an_export(entry: &Entry) -> bool {
    ["_file", "_records"].iter().any(|end| {
        let whole = entry.id.strip_suffix(end).and_then(bindings::entry);
        whole.is_some_and(|whole| whole.kind == Kind::Bytes)
    })
}

/// A route that the caller chooses: its method and its path are of no use without each other.
fn is_raw(entry: &Entry) -> bool {
    entry.id.ends_with(".raw")
}

/// What one item of a list is called, in snake case; `None` for what is no list.
fn item(entry: &Entry) -> Option<String> {
    let name = |ty: &Type| match ty {
        Type::Model(model) => snake(model.name),
        _ => "item".to_owned(),
    };
    match (entry.kind, &entry.output) {
        (Kind::Pages, item) => Some(name(item)),
        (_, Type::List(item)) => Some(name(item)),
        _ => None,
    }
}

/// Writes what is not current.
pub fn write(workspace: &Workspace) -> Outcome {
    for (path, text) in all() {
        let path = workspace.root.join(path);
        if fs::read_to_string(&path).ok().as_ref() != Some(&text) {
            let folder = path.parent().unwrap_or(&workspace.root);
            fs::create_dir_all(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
            fs::write(&path, text).map_err(|error| format!("{}: {error}", path.display()))?;
        }
    }
    Ok(())
}

/// An error unless all files are as they would be written now.
pub fn check(workspace: &Workspace) -> Outcome {
    for (path, text) in all() {
        if fs::read_to_string(workspace.root.join(&path)).ok() != Some(text) {
            return Err(format!("{path} is stale; run `cargo xtask gen`"));
        }
    }
    Ok(())
}
