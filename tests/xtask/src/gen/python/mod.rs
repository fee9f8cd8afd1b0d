//! The generated files of the Python package: its models, its resource classes, and the stub of its native part.

mod facade;
mod native;
mod text;
mod types;

use super::Generated;

/// Every generated file.
pub fn files() -> Vec<Generated> {
    let source = |name: &str, text: String| (format!("bud-sdk-py/python/bud_sdk/{name}"), text);
    let mut files = vec![
        ("bud-sdk-py/src/models.rs".to_owned(), native::models_source()),
        source("_native.pyi", native::stub()),
        source("_enums.py", types::values()),
        source("types.py", types::module()),
        source("_sync.py", facade::module(facade::Way::Sync)),
        source("_async.py", facade::module(facade::Way::Async)),
        source("_sync_kubernetes.py", facade::kubernetes(facade::Way::Sync)),
        source("_async_kubernetes.py", facade::kubernetes(facade::Way::Async)),
    ];
    files.extend(types::topics());
    files
}
