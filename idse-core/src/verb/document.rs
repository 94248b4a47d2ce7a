//! The envelope of every answer: which version of the forms it is in, and which document it is.

use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::error::{Error, Result};
use crate::report::SCHEMA;

/// Makes a document: `schema` and `kind`, then the fields of `value`.
///
/// ```
/// let document = idse_core::verb::document("trust", &serde_json::json!({ "added": true }))?;
/// assert_eq!(document.to_string(), r#"{"schema":1,"kind":"trust","added":true}"#);
/// # Ok::<(), idse_core::Error>(())
/// ```
///
/// # Errors
/// `Internal` where the value has no JSON form.
pub fn document(kind: &str, value: &(impl Serialize + ?Sized)) -> Result<Value> {
    let fields = serde_json::to_value(value)
        .map_err(|error| Error::internal(format!("cannot write the answer as JSON: {error}")))?;
    Ok(enveloped(kind, fields))
}

/// Makes the document of an error: `{"schema": 1, "kind": "error", "error": {…}}`.
pub fn error_document(error: &Error) -> Value {
    enveloped("error", json!({ "error": error.to_json() }))
}

fn enveloped(kind: &str, fields: Value) -> Value {
    let mut document = Map::new();
    document.insert("schema".into(), SCHEMA.into());
    document.insert("kind".into(), kind.into());
    match fields {
        // The two names of the envelope are taken: an answer that has a field of that name keeps it to itself.
        Value::Object(fields) => fields.into_iter().for_each(|(name, value)| {
            document.entry(name).or_insert(value);
        }),
        other => drop(document.insert("value".into(), other)),
    }
    Value::Object(document)
}
