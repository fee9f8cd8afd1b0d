//! The generated files of the Python package: its models, its resource classes, and the stub of its native part.

mod facade;
mod native;
mod text;
mod types;

use super::Generated;

/// Every generated file.
pub fn files() -> Vec<Generated> {
    vec![
        ("bud-sdk-py/src/models.rs", native::models_source()),
        ("bud-sdk-py/python/bud_sdk/_native.pyi", native::stub()),
        ("bud-sdk-py/python/bud_sdk/_models.py", native::exports()),
        ("bud-sdk-py/python/bud_sdk/types.py", types::module()),
        ("bud-sdk-py/python/bud_sdk/_sync.py", facade::module(facade::Way::Sync)),
        ("bud-sdk-py/python/bud_sdk/_async.py", facade::module(facade::Way::Async)),
    ]
}
