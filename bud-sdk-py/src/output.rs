//! How calls end, as Python has it.

use std::any::{Any, TypeId};
use std::sync::OnceLock;

use bud_sdk::bindings::{Answer, Revealed, StreamItem};
use bud_sdk::{Error, Warning};
use pyo3::IntoPyObjectExt;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyTuple};
use serde_json::Value;

use crate::conversions::{Conversions, unknown};
use crate::error;
use crate::to_py::interned;

static CONVERSIONS: OnceLock<Conversions> = OnceLock::new();

/// Done once, when the module is imported.
pub(crate) fn prepare() {
    CONVERSIONS.get_or_init(|| {
        let mut known = Conversions::default();
        known.add::<bool>();
        known.add::<u32>();
        known.add::<u64>();
        known.add::<usize>();
        known.add::<f64>();
        known.add::<String>();
        known.add::<Vec<String>>();
        known.add::<Option<String>>();
        known.add::<Value>();
        known.add::<Vec<Value>>();
        known.add::<Revealed>();
        known.0.insert(TypeId::of::<()>(), |_, py| Ok(py.None().into_bound(py)));
        crate::models::add_conversions(&mut known);
        known
    });
}

fn convert<'py>(value: Box<dyn Any + Send>, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
    let known = CONVERSIONS.get().and_then(|known| known.0.get(&value.as_ref().type_id()));
    known.ok_or_else(unknown)?(value, py)
}

/// How work ended, or a piece of it.
pub(crate) enum Outcome {
    Answer(Answer),
    /// The next piece of a stream; None at its end.
    StreamItem(Option<StreamItem>),
    Failed(Error),
    Panicked(String),
}

impl Outcome {
    pub(crate) fn panicked(payload: Box<dyn Any + Send>) -> Self {
        let text = payload.downcast_ref::<&str>().map(|text| (*text).to_owned());
        Self::Panicked(text.or_else(|| payload.downcast_ref::<String>().cloned()).unwrap_or_default())
    }

    /// A call's (value, status, request id, attempts, seconds, warnings); a stream's (kind, value, cursor, total, warnings), or
    /// None. Warnings are pairs of a code and a message.
    pub(crate) fn into_py<'py>(self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        match self {
            Self::Answer(answer) => {
                let value = convert(answer.value.into_any(), py)?;
                let elapsed = answer.elapsed.as_secs_f64();
                let warnings = pairs(&answer.warnings);
                (value, answer.status, answer.request_id, answer.attempts, elapsed, warnings)
                    .into_bound_py_any(py)
            }
            Self::StreamItem(None) => Ok(py.None().into_bound(py)),
            Self::StreamItem(Some(piece)) => Ok(piece_to_py(piece, py)?.into_any()),
            Self::Failed(error) => Err(error::to_py(py, &error)),
            Self::Panicked(text) => Err(error::internal(&text)),
        }
    }
}

fn pairs(warnings: &[Warning]) -> Vec<(&str, &str)> {
    warnings.iter().map(|warning| (warning.code(), warning.message())).collect()
}

fn piece_to_py<'py>(piece: StreamItem, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
    let alone = |kind: &str, value: Bound<'py, PyAny>| {
        let none = || py.None().into_bound(py);
        (interned(py, kind), value, none(), none(), none()).into_pyobject(py)
    };
    match piece {
        StreamItem::Page { items, cursor, total, warnings } => {
            let items = convert(items.into_any(), py)?;
            (interned(py, "page"), items, cursor, total, pairs(&warnings)).into_pyobject(py)
        }
        StreamItem::Chunk(bytes) => alone("chunk", PyBytes::new(py, &bytes).into_any()),
        StreamItem::Update(value) => alone("update", convert(value.into_any(), py)?),
        StreamItem::Done(value) => alone("done", convert(value.into_any(), py)?),
    }
}
