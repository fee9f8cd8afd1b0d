//! A secret that Python can hold without showing it.

use bud_sdk::Secret;
use pyo3::basic::CompareOp;
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;

/// A password, token or key. Printing it shows `***`; it can be neither pickled nor written as JSON.
///
/// `expose()` gives the text. Each use of it is a place where it can leak.
#[pyclass(frozen, name = "Secret", module = "bud_sdk")]
#[derive(Clone)]
pub(crate) struct PySecret(pub(crate) Secret);

#[pymethods]
impl PySecret {
    #[new]
    #[pyo3(signature = (text, /), text_signature = "(text, /)")]
    fn new(text: &Bound<'_, PyAny>) -> PyResult<Self> {
        if let Ok(secret) = text.cast::<Self>() {
            return Ok(secret.get().clone());
        }
        // The error of a wrong type must not show the value.
        let text: String = text.extract().map_err(|_| PyTypeError::new_err("a secret is made of a str"))?;
        Ok(Self(Secret::from(text)))
    }

    /// The text itself.
    fn expose(&self) -> &str {
        self.0.expose()
    }

    fn __repr__(&self) -> &'static str {
        "Secret('***')"
    }

    fn __str__(&self) -> &'static str {
        "***"
    }

    fn __format__(&self, _spec: &str) -> &'static str {
        "***"
    }

    fn __bool__(&self) -> bool {
        !self.0.expose().is_empty()
    }

    fn __richcmp__(&self, other: &Bound<'_, PyAny>, op: CompareOp) -> PyResult<Py<PyAny>> {
        let py = other.py();
        let Ok(other) = other.cast::<Self>() else { return Ok(py.NotImplemented()) };
        let equal = self.0 == other.get().0;
        match op {
            CompareOp::Eq => Ok(equal.into_pyobject(py)?.to_owned().into_any().unbind()),
            CompareOp::Ne => Ok((!equal).into_pyobject(py)?.to_owned().into_any().unbind()),
            _ => Ok(py.NotImplemented()),
        }
    }

    fn __copy__(slf: PyRef<'_, Self>) -> PyRef<'_, Self> {
        slf
    }

    fn __deepcopy__<'py>(slf: PyRef<'py, Self>, _memo: &Bound<'py, PyAny>) -> PyRef<'py, Self> {
        slf
    }

    fn __reduce__(&self) -> PyResult<()> {
        Err(PyTypeError::new_err("a secret is not pickled: it would be in clear text"))
    }
}
