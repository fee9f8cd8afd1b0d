//! How the results of operations, whose types only their makers know, become Python's.

use std::any::{Any, TypeId};
use std::collections::HashMap;

use pyo3::prelude::*;

use crate::error;
use crate::to_py::ToPy;

/// Makes a Python object of a value whose type only its maker knew.
pub(crate) type Convert = for<'py> fn(Box<dyn Any + Send>, Python<'py>) -> PyResult<Bound<'py, PyAny>>;

/// How each type that an operation gives back becomes Python's.
#[derive(Default)]
pub(crate) struct Conversions(pub(crate) HashMap<TypeId, Convert>);

impl Conversions {
    /// A type that is taken apart.
    pub(crate) fn add<T: ToPy + 'static>(&mut self) {
        self.0.insert(TypeId::of::<T>(), |value, py| match value.downcast::<T>() {
            Ok(value) => value.to_py(py),
            Err(_) => Err(unknown()),
        });
    }

    /// A model: alone, perhaps, and in a list.
    pub(crate) fn add_model<T: ToPy + 'static>(&mut self, owned: Convert, list: Convert) {
        self.0.insert(TypeId::of::<T>(), owned);
        self.0.insert(TypeId::of::<Vec<T>>(), list);
        self.add::<Option<T>>();
    }
}

pub(crate) fn unknown() -> PyErr {
    error::internal("an answer has a type that the Python package does not know")
}
