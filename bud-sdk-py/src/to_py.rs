//! The core's values as Python's.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use bud_sdk::bindings::Revealed;
use bud_sdk::monitoring::Float;
use bud_sdk::{Decimal, Extra, Secret, Timestamp, Wire};
use pyo3::IntoPyObjectExt;
use pyo3::exceptions::PyOverflowError;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyDateTime, PyDict, PyList, PyString, PyTzInfo};
use serde_json::Value;

use crate::secret::PySecret;

/// A value that Python can have.
pub(crate) trait ToPy {
    fn to_py<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>>;
}

macro_rules! plain {
    ($($type:ty),*) => {$(
        impl ToPy for $type {
            fn to_py<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
                self.into_bound_py_any(py)
            }
        }
    )*};
}
plain!(bool, i32, u16, u32, u64, i64, usize, f64, String);

impl<T: ToPy> ToPy for Option<T> {
    fn to_py<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        match self {
            Some(value) => value.to_py(py),
            None => Ok(py.None().into_bound(py)),
        }
    }
}

impl<T: ToPy> ToPy for Box<T> {
    fn to_py<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.as_ref().to_py(py)
    }
}

impl<T: ToPy> ToPy for Vec<T> {
    fn to_py<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let items = self.iter().map(|item| item.to_py(py)).collect::<PyResult<Vec<_>>>()?;
        Ok(PyList::new(py, items)?.into_any())
    }
}

impl<T: ToPy> ToPy for BTreeMap<String, T> {
    fn to_py<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let dict = PyDict::new(py);
        for (key, value) in self {
            dict.set_item(key, value.to_py(py)?)?;
        }
        Ok(dict.into_any())
    }
}

/// Text that comes again and again: one Python object for all of them.
pub(crate) fn interned<'py>(py: Python<'py>, text: &str) -> Bound<'py, PyAny> {
    PyString::intern(py, text).into_any()
}

/// A value of an open enumeration: its canonical spelling.
pub(crate) trait Spelled {
    fn spelling(&self) -> &str;
}

macro_rules! spelled {
    ($($name:path),* $(,)?) => {$(
        impl Spelled for $name {
            fn spelling(&self) -> &str {
                self.as_str()
            }
        }
        impl ToPy for $name {
            fn to_py<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
                Ok(crate::to_py::interned(py, self.as_str()))
            }
        }
    )*};
}
pub(crate) use spelled;

macro_rules! ids {
    ($($name:ident),* $(,)?) => {$(
        impl ToPy for bud_sdk::bindings::ids::$name {
            fn to_py<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
                self.as_str().into_bound_py_any(py)
            }
        }
    )*};
}
pub(crate) use ids;

impl<T: Spelled> ToPy for Wire<T> {
    fn to_py<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        Ok(interned(py, self.spelling()))
    }
}

impl ToPy for Float {
    fn to_py<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.to_f64().to_py(py)
    }
}

impl ToPy for Decimal {
    fn to_py<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        static CLASS: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
        CLASS.import(py, "decimal", "Decimal")?.call1((self.as_str(),))
    }
}

impl ToPy for Timestamp {
    /// An aware `datetime` in UTC. It holds microseconds; what the server says beyond them is in the JSON.
    fn to_py<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let beyond = || PyOverflowError::new_err(format!("{self} is beyond what datetime can hold"));
        let time = jiff::Timestamp::try_from(SystemTime::from(*self)).map_err(|_| beyond())?;
        let time = jiff::tz::Offset::UTC.to_datetime(time);
        let year = i32::from(time.year());
        if year < 1 {
            return Err(beyond());
        }
        let part = |part: i8| u8::try_from(part).map_err(|_| beyond());
        let micros = u32::try_from(time.subsec_nanosecond() / 1000).map_err(|_| beyond())?;
        let (month, day) = (part(time.month())?, part(time.day())?);
        let (hour, minute, second) = (part(time.hour())?, part(time.minute())?, part(time.second())?);
        let zone = PyTzInfo::utc(py)?;
        Ok(PyDateTime::new(py, year, month, day, hour, minute, second, micros, Some(&zone))?.into_any())
    }
}

impl ToPy for Secret {
    fn to_py<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        Ok(Bound::new(py, PySecret(self.clone()))?.into_any())
    }
}

impl ToPy for Revealed {
    fn to_py<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        Ok(Bound::new(py, PySecret(Secret::from(self.expose())))?.into_any())
    }
}

impl ToPy for Duration {
    fn to_py<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.into_bound_py_any(py)
    }
}

impl ToPy for Value {
    fn to_py<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        match self {
            Value::Null => Ok(py.None().into_bound(py)),
            Value::Bool(value) => value.to_py(py),
            Value::Number(number) => match (number.as_u64(), number.as_i64(), number.as_f64()) {
                (Some(whole), _, _) => whole.to_py(py),
                (_, Some(whole), _) => whole.to_py(py),
                (_, _, number) => number.to_py(py),
            },
            Value::String(text) => text.to_py(py),
            Value::Array(items) => items.to_py(py),
            Value::Object(fields) => {
                let dict = PyDict::new(py);
                for (name, value) in fields {
                    dict.set_item(name, value.to_py(py)?)?;
                }
                Ok(dict.into_any())
            }
        }
    }
}

impl ToPy for Extra {
    fn to_py<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let dict = PyDict::new(py);
        for name in self.names() {
            dict.set_item(name, self.get(name).map(|value| value.to_py(py)).transpose()?)?;
        }
        Ok(dict.into_any())
    }
}
