//! From Python's values to JSON, by which the core takes arguments.

use bud_sdk::bindings::Type;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyBool, PyDict, PyFloat, PyInt, PyList, PyString, PyTuple};
use serde_json::{Map, Number, Value};

use crate::models;
use crate::secret::PySecret;

/// Why a value cannot be sent. It never holds the value.
pub(crate) type Refusal = String;

/// The JSON of what a caller passed. `ty` is what the operation wants of it, if it is known.
pub(crate) fn to_json(value: &Bound<'_, PyAny>, ty: Option<&Type>) -> PyResult<Result<Value, Refusal>> {
    let py = value.py();
    if value.is_none() {
        return Ok(Ok(Value::Null));
    }
    if let Ok(text) = value.cast::<PyString>() {
        return Ok(match text.to_str() {
            Ok(text) => Ok(Value::from(text)),
            Err(_) => Err("it is no text that can be sent: it has a lone surrogate".to_owned()),
        });
    }
    if let Ok(flag) = value.cast::<PyBool>() {
        return Ok(Ok(Value::from(flag.is_true())));
    }
    if value.is_instance_of::<PyInt>() {
        return Ok(match (value.extract::<u64>(), value.extract::<i64>()) {
            (Ok(number), _) => Ok(Value::from(number)),
            (_, Ok(number)) => Ok(Value::from(number)),
            _ => Err("it is larger than 64 bits".to_owned()),
        });
    }
    if let Ok(number) = value.cast::<PyFloat>() {
        let number = Number::from_f64(number.value());
        return Ok(number.map(Value::Number).ok_or_else(|| "it is no finite number".to_owned()));
    }
    if let Ok(secret) = value.cast::<PySecret>() {
        return Ok(Ok(Value::from(secret.get().0.expose())));
    }
    if let Ok(dict) = value.cast::<PyDict>() {
        let inner = if let Some(Type::Map(inner)) = ty.map(bare) { Some(*inner) } else { None };
        return object(dict, inner);
    }
    if value.is_instance_of::<PyList>() || value.is_instance_of::<PyTuple>() {
        let inner = if let Some(Type::List(inner)) = ty.map(bare) { Some(*inner) } else { None };
        let mut items = Vec::new();
        for (at, item) in value.try_iter()?.enumerate() {
            match to_json(&item?, inner)? {
                Ok(item) => items.push(item),
                Err(why) => return Ok(Err(format!("[{at}]: {why}"))),
            }
        }
        return Ok(Ok(Value::Array(items)));
    }
    if let Some(Type::Id(wanted)) = ty.map(bare)
        && models::is_one(value)
    {
        // The rest of it is not looked at: a model may be large.
        return Ok(id_of(value, wanted));
    }
    if let Some(model) = models::as_json(value)? {
        return Ok(Ok(model));
    }
    special(value, ty, py)
}

/// The fields of a dict.
pub(crate) fn object(dict: &Bound<'_, PyDict>, ty: Option<&Type>) -> PyResult<Result<Value, Refusal>> {
    let mut fields = Map::new();
    for (name, value) in dict.iter() {
        let Ok(name) = name.extract::<String>() else {
            return Ok(Err("a key of it is no str".to_owned()));
        };
        match to_json(&value, ty)? {
            Ok(value) => fields.insert(name, value),
            Err(why) => return Ok(Err(format!("[{name}]: {why}"))),
        };
    }
    Ok(Ok(Value::Object(fields)))
}

/// The type without its `Optional`.
fn bare(ty: &Type) -> &Type {
    match ty {
        Type::Optional(inner) => bare(inner),
        other => other,
    }
}

/// A user where a user's id is wanted. Another model's id is refused: it would be taken for the wrong thing.
fn id_of(model: &Bound<'_, PyAny>, wanted: &str) -> Result<Value, Refusal> {
    let class = model.get_type().name().map(|name| name.to_string()).unwrap_or_default();
    let refused = || format!("a {class} is no {wanted}");
    let field = models::id_field(&class, wanted).ok_or_else(refused)?;
    let id = model.getattr(field).ok().and_then(|id| id.extract::<String>().ok());
    id.map(Value::from).ok_or_else(|| format!("this {class} has no {field}"))
}

/// `datetime`, `timedelta`, `Decimal`, `UUID`, `PathLike` and `Enum`, and what else is a sequence or a mapping.
fn special(value: &Bound<'_, PyAny>, ty: Option<&Type>, py: Python<'_>) -> PyResult<Result<Value, Refusal>> {
    static PLAIN: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    let plain = PLAIN.import(py, "bud_sdk._convert", "plain")?.call1((value,))?;
    if plain.is_none() {
        let class = value.get_type().name()?;
        return Ok(Err(format!("a {class} cannot be sent")));
    }
    let (fine, plain): (bool, Bound<'_, PyAny>) = plain.extract()?;
    if fine { to_json(&plain, ty) } else { Ok(Err(plain.extract()?)) }
}
