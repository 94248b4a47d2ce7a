//! Python values as JSON values, and back.

use idse_core::Error;
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyDict, PyFloat, PyInt, PyList, PyString, PyTuple};
use serde_json::{Map, Number, Value};

/// No argument of a verb is nested deeper, and none may be so deep that reading it exhausts the stack.
const DEEPEST: usize = 64;

/// Returns the JSON value that a Python value stands for.
pub(crate) fn from_python(value: &Bound<'_, PyAny>) -> PyResult<Value> {
    nested(value, DEEPEST)
}

fn nested(value: &Bound<'_, PyAny>, left: usize) -> PyResult<Value> {
    let Some(left) = left.checked_sub(1) else {
        return Err(PyValueError::new_err(format!("an argument is nested deeper than {DEEPEST}")));
    };
    if value.is_none() {
        Ok(Value::Null)
    } else if let Ok(text) = value.cast::<PyString>() {
        Ok(Value::String(text.to_str()?.to_owned()))
    } else if value.is_instance_of::<PyBool>() {
        Ok(Value::Bool(value.extract()?))
    } else if value.is_instance_of::<PyInt>() {
        let number = value.extract::<i64>().map(Number::from);
        Ok(Value::Number(number.or_else(|_| value.extract::<u64>().map(Number::from))?))
    } else if let Ok(number) = value.cast::<PyFloat>() {
        let number = Number::from_f64(number.value());
        number.map(Value::Number).ok_or_else(|| PyValueError::new_err("JSON has no such number"))
    } else if value.is_instance_of::<PyList>() || value.is_instance_of::<PyTuple>() {
        value.try_iter()?.map(|each| nested(&each?, left)).collect::<PyResult<_>>().map(Value::Array)
    } else if let Ok(dict) = value.cast::<PyDict>() {
        let field = |(key, value): (Bound<'_, PyAny>, Bound<'_, PyAny>)| {
            Ok((key.cast::<PyString>()?.to_str()?.to_owned(), nested(&value, left)?))
        };
        dict.iter().map(field).collect::<PyResult<Map<_, _>>>().map(Value::Object)
    } else {
        Err(PyTypeError::new_err(format!("{} has no JSON form", value.get_type().name()?)))
    }
}

/// Returns a JSON value as Python has it.
pub(crate) fn to_python<'py>(py: Python<'py>, value: &Value) -> PyResult<Bound<'py, PyAny>> {
    Ok(match value {
        Value::Null => py.None().into_bound(py),
        Value::Bool(value) => PyBool::new(py, *value).to_owned().into_any(),
        Value::Number(value) => number(py, value)?,
        Value::String(text) => PyString::new(py, text).into_any(),
        Value::Array(values) => {
            let values = values.iter().map(|each| to_python(py, each)).collect::<PyResult<Vec<_>>>()?;
            PyList::new(py, values)?.into_any()
        }
        Value::Object(fields) => {
            let dict = PyDict::new(py);
            for (name, value) in fields {
                dict.set_item(PyString::intern(py, name), to_python(py, value)?)?;
            }
            dict.into_any()
        }
    })
}

fn number<'py>(py: Python<'py>, value: &Number) -> PyResult<Bound<'py, PyAny>> {
    if let Some(small) = value.as_i64() {
        return Ok(small.into_pyobject(py)?.into_any());
    }
    // Whatever somebody wrote into the agency's row: Python reads the digits as it reads its own.
    let text = value.to_string();
    if text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-') {
        py.get_type::<PyInt>().call1((text,))
    } else {
        py.get_type::<PyFloat>().call1((text,))
    }
}

/// Returns the exception that says what an error of the engine says.
pub(crate) fn exception(py: Python<'_>, error: &Error) -> PyErr {
    let make = || {
        let class = py.import("idse_core.errors")?.getattr("IdseError")?;
        class.call_method1("from_dict", (to_python(py, &error.to_json())?,))
    };
    make().map_or_else(|failure| failure, PyErr::from_value)
}
