//! What all models share, and `models!`, which makes Python classes of the core's models.

use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyDict, PyString};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::error;
use crate::to_py::ToPy;

fn json<T: Serialize>(model: &T) -> PyResult<String> {
    serde_json::to_string(model).map_err(|error| error::internal(&error.to_string()))
}

pub(crate) fn read<T: DeserializeOwned>(json: &str) -> PyResult<T> {
    serde_json::from_str(json).map_err(|error| PyValueError::new_err(error.to_string()))
}

/// A hash of the model's JSON. Equal models have the same: JSON's hash knows that `0.0` is `-0.0` and that the order of
/// names does not count.
pub(crate) fn hash<T: Serialize>(model: &T, secrets: &[&str]) -> PyResult<u64> {
    let mut hasher = DefaultHasher::new();
    public(model, secrets)?.hash(&mut hasher);
    Ok(hasher.finish())
}

/// `User(id='u-1', role='admin')`: the fields that are set. Of unknown fields the names alone, for they may hold secrets.
pub(crate) fn repr(
    model: &Bound<'_, PyAny>,
    name: &str,
    fields: &[&str],
    unknown: &[&str],
) -> PyResult<String> {
    let mut shown = Vec::new();
    for field in fields {
        let value = model.getattr(*field)?;
        if (name, *field) == ("RawAnswer", "body") {
            // It may be anything, secrets too.
            shown.push(format!("{field}=<{}>", value.get_type().name()?));
        } else if !value.is_none() {
            shown.push(format!("{field}={}", value.repr()?));
        }
    }
    if !unknown.is_empty() {
        shown.push(format!("extra={{{}}}", unknown.join(", ")));
    }
    Ok(format!("{name}({})", shown.join(", ")))
}

/// The known fields as a dict, models inside as dicts. Secrets are left out.
pub(crate) fn to_dict<'py>(model: &Bound<'py, PyAny>, fields: &[&str]) -> PyResult<Bound<'py, PyDict>> {
    static PLAIN: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    let py = model.py();
    let plain = PLAIN.import(py, "bud_sdk._convert", "without_models")?;
    let dict = PyDict::new(py);
    for field in fields {
        let value = model.getattr(*field)?;
        if !value.is_instance_of::<crate::secret::PySecret>() {
            dict.set_item(*field, plain.call1((value,))?)?;
        }
    }
    Ok(dict)
}

/// The model as a small table, for notebooks.
pub(crate) fn html<'py>(model: &Bound<'py, PyAny>, fields: &[&str]) -> PyResult<Bound<'py, PyString>> {
    let html = model.py().import("bud_sdk._html")?.getattr("of_model")?;
    Ok(html.call1((model, fields.to_vec()))?.cast_into()?)
}

/// Models as a list that shows itself as a table.
pub(crate) fn table<'py, T: ToPy>(py: Python<'py>, models: &Vec<T>) -> PyResult<Bound<'py, PyAny>> {
    static TABLE: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    TABLE.import(py, "bud_sdk._table", "Table")?.call1((models.to_py(py)?,))
}

/// The JSON of a model without its secrets.
pub(crate) fn without<T: Serialize>(model: &T, secrets: &[&str]) -> PyResult<String> {
    if secrets.is_empty() {
        return json(model);
    }
    json(&public(model, secrets)?)
}

/// The same as a value.
pub(crate) fn public<T: Serialize>(model: &T, secrets: &[&str]) -> PyResult<Value> {
    let mut value = serde_json::to_value(model).map_err(|error| error::internal(&error.to_string()))?;
    if let Value::Object(fields) = &mut value {
        fields.retain(|name, _| !secrets.contains(&name.as_str()));
    }
    Ok(value)
}

/// A frozen Python class for each model, and the conversions to it.
macro_rules! models {
    ($($(#[$doc:meta])* $name:ident as $shown:tt in $module:tt: $core:path {
        $($(#[$fdoc:meta])* $field:ident,)*
    } secrets [$($secret:ident),*] unknown [$($extra:ident)?] $(; { $($method:tt)* })?)*) => {
        $(
            $(#[$doc])*
            #[pyclass(frozen, name = $shown, module = $module)]
            pub(crate) struct $name($core);

            impl $name {
                const FIELDS: &[&str] = &[$(stringify!($field)),*];
                const SECRETS: &[&str] = &[$(stringify!($secret)),*];
                fn json(&self) -> PyResult<String> {
                    model::without(&self.0, Self::SECRETS)
                }
            }

            // A field may have any name, `new` too.
            #[allow(clippy::new_ret_no_self, clippy::wrong_self_convention)]
            #[pymethods]
            impl $name {
                $(
                    $(#[$fdoc])*
                    #[getter]
                    fn $field<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
                        self.0.$field.to_py(py)
                    }
                )*
                $(
                    /// The fields that this version does not know, as the server sent them.
                    #[getter]
                    fn $extra<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
                        self.0.$extra.to_py(py)
                    }
                )?
                $($($method)*)?
                /// The attributes as a dict, models inside as dicts, unknown fields beside the known ones. Secrets are left out.
                fn to_dict<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyDict>> {
                    let dict = model::to_dict(slf.as_any(), Self::FIELDS)?;
                    $(dict.update(slf.get().0.$extra.to_py(slf.py())?.cast::<PyDict>()?.as_mapping())?;)?
                    Ok(dict)
                }
                /// The JSON text, with the server's spellings. Secrets are left out.
                fn to_json(&self) -> PyResult<String> {
                    self.json()
                }
                /// The model of this JSON, for tests of your own code.
                #[staticmethod]
                fn from_json(text: &str) -> PyResult<Self> {
                    Ok(Self(model::read(text)?))
                }
                #[classattr]
                fn __match_args__<'py>(py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
                    PyTuple::new(py, Self::FIELDS)
                }
                fn _repr_html_<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyString>> {
                    model::html(slf.as_any(), Self::FIELDS)
                }
                fn __repr__(slf: &Bound<'_, Self>) -> PyResult<String> {
                    #[allow(unused_mut)]
                    let mut names: Vec<&str> = Vec::new();
                    $(names.extend(slf.get().0.$extra.names());)?
                    model::repr(slf.as_any(), $shown, Self::FIELDS, &names)
                }
                fn __eq__(&self, other: &Bound<'_, PyAny>) -> PyResult<Py<PyAny>> {
                    let py = other.py();
                    let Ok(other) = other.cast::<Self>() else { return Ok(py.NotImplemented()) };
                    let equal = self.0 == other.get().0;
                    Ok(equal.into_pyobject(py)?.to_owned().into_any().unbind())
                }
                fn __hash__(&self) -> PyResult<u64> {
                    model::hash(&self.0, Self::SECRETS)
                }
                fn __copy__(slf: PyRef<'_, Self>) -> PyRef<'_, Self> {
                    slf
                }
                fn __deepcopy__<'py>(slf: PyRef<'py, Self>, _memo: &Bound<'py, PyAny>) -> PyRef<'py, Self> {
                    slf
                }
                fn __reduce__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
                    let restore = py.import("bud_sdk._native")?.getattr("restore")?;
                    (restore, (stringify!($name), self.json()?)).into_bound_py_any(py)
                }
            }

            impl ToPy for $core {
                fn to_py<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
                    Ok(Bound::new(py, $name(self.clone()))?.into_any())
                }
            }
        )*

        pub(crate) fn add_classes(module: &Bound<'_, PyModule>) -> PyResult<()> {
            $(module.add(stringify!($name), module.py().get_type::<$name>())?;)*
            Ok(())
        }

        pub(crate) fn add_conversions(known: &mut Conversions) {
            $(known.add_model::<$core>(
                |value, py| match value.downcast::<$core>() {
                    Ok(value) => Ok(Bound::new(py, $name(*value))?.into_any()),
                    Err(_) => Ok(py.None().into_bound(py)),
                },
                |value, py| {
                    let list = PyList::empty(py);
                    if let Ok(items) = value.downcast::<Vec<$core>>() {
                        for item in *items {
                            list.append(Bound::new(py, $name(item))?)?;
                        }
                    }
                    Ok(list.into_any())
                },
            );)*
        }

        pub(crate) fn is_one(value: &Bound<'_, PyAny>) -> bool {
            $(value.is_instance_of::<$name>())||*
        }

        /// The JSON of a model; None for what is none.
        pub(crate) fn as_json(value: &Bound<'_, PyAny>) -> PyResult<Option<serde_json::Value>> {
            $(if let Ok(model) = value.cast::<$name>() {
                return model::public(&model.get().0, $name::SECRETS).map(Some);
            })*
            Ok(None)
        }

        /// A model from its JSON: how they come out of a pickle.
        pub(crate) fn restored<'py>(py: Python<'py>, name: &str, json: &str) -> PyResult<Bound<'py, PyAny>> {
            match name {
                $(stringify!($name) => Ok(Bound::new(py, $name(model::read(json)?))?.into_any()),)*
                _ => Err(error::internal("there is no such model")),
            }
        }
    };
}
pub(crate) use models;
