//! The core's errors as Python's exceptions, whose classes are Python source.

use std::error::Error as _;

use bud_sdk::Error;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;

use crate::to_py::ToPy;

/// The exception for this error.
pub(crate) fn to_py(py: Python<'_>, error: &Error) -> PyErr {
    static MAKE: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    let mut causes = Vec::new();
    let mut next = error.source();
    while let Some(cause) = next {
        causes.push(cause.to_string());
        next = cause.source();
    }
    let exception = || {
        let facts = bud_sdk::bindings::error_json(error, bud_sdk::bindings::Dialect::Python).to_py(py)?;
        MAKE.import(py, "bud_sdk._errors", "from_facts")?.call1((facts, causes))
    };
    exception().map_or_else(|failure| failure, PyErr::from_value)
}

/// A mistake of this package.
pub(crate) fn internal(what: &str) -> PyErr {
    Python::attach(|py| made(py, "InternalError", (what,)))
}

/// An argument that was refused here, before the core saw it.
pub(crate) fn invalid(py: Python<'_>, operation: &str, param: &str, why: &str) -> PyErr {
    made(py, "invalid", (operation, param, why))
}

/// A call of what was closed.
pub(crate) fn closed(py: Python<'_>, operation: &str) -> PyErr {
    made(py, "closed", (operation,))
}

fn made<'py>(py: Python<'py>, name: &str, args: impl pyo3::call::PyCallArgs<'py>) -> PyErr {
    let exception = || py.import("bud_sdk._errors")?.getattr(name)?.call1(args);
    exception().map_or_else(|failure| failure, PyErr::from_value)
}
