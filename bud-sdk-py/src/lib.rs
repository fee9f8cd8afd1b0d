//! The native part of `bud_sdk`. It is private: the package's Python source is what people use.

mod bridge;
mod client;
mod conversions;
mod error;
mod input;
mod model;
mod models;
mod output;
mod runtime;
mod secret;
mod to_py;

use pyo3::prelude::*;

/// Private: use `bud_sdk`.
#[pymodule]
mod _native {
    use super::*;

    #[pymodule_export]
    use super::bridge::{Bridge, Running};
    #[pymodule_export]
    use super::client::{Handle, Stream};
    #[pymodule_export]
    use super::secret::PySecret;

    /// A model from its JSON, for pickle.
    #[pyfunction]
    fn restore<'py>(py: Python<'py>, name: &str, json: &str) -> PyResult<Bound<'py, PyAny>> {
        models::restored(py, name, json)
    }

    /// The names of everything that can be called, with its kind.
    #[pyfunction]
    fn operations() -> Vec<(&'static str, &'static str)> {
        client::operations()
    }

    /// Ends what is running, before the interpreter goes away.
    #[pyfunction]
    fn shut_down(py: Python<'_>) {
        runtime::shut_down(py);
    }

    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        output::prepare();
        models::add_classes(module)
    }
}
