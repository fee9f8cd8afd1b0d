//! The generated files of the Python package: its models, its resource classes, and the stub of its native part.

mod docs;
mod facade;
mod modules;
mod native;
mod text;
mod types;

use bud_sdk::bindings::{Arg, Backend, Entry, Type};

use super::{Generated, is_raw};

/// Whether coroutines are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    Sync,
    Async,
}

/// Every generated file.
pub fn files() -> Vec<Generated> {
    let source = |name: &str, text: String| (format!("bud-sdk-py/python/bud_sdk/{name}"), text);
    let mut files = vec![
        ("bud-sdk-py/src/models.rs".to_owned(), native::models_source()),
        source("_native.pyi", native::stub()),
        source("_enums.py", types::values()),
        source("types.py", types::forms()),
        source("_public.py", modules::public()),
    ];
    files.extend(facade::modules().into_iter().map(|(name, text)| source(&format!("{name}.py"), text)));
    files.extend(modules::topics().into_iter().map(|(name, text)| source(&format!("{name}.py"), text)));
    files
}

/// The name of a backend's class.
pub fn class(backend: &Backend, way: Way) -> String {
    let prefix = if way == Way::Sync { "" } else { "Async" };
    format!("{prefix}{}", backend.class)
}

fn required(arg: &Arg) -> bool {
    !matches!(arg.ty, Type::Optional(_))
}

fn id(arg: &Arg) -> bool {
    matches!(arg.ty, Type::Id(_))
}

/// What may be passed without its name: ids, and what is alone.
fn positional(entry: &Entry) -> Vec<&Arg> {
    let must: Vec<&Arg> = entry.args.iter().filter(|arg| required(arg)).collect();
    if must.len() == 1 || is_raw(entry) {
        return must;
    }
    must.into_iter().take_while(|arg| id(arg)).collect()
}
