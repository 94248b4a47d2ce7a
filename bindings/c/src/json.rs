//! Documents as handles, so that a C program can read them without a JSON library.

use std::ffi::c_char;

use serde_json::Value;

use crate::error::ErrorHandle;
use crate::guard::{filling, free, pointer, quiet};
use crate::status::Status;
use crate::text::{given, optional, required, wrong};

/// A JSON document. Free it with `idse_json_free`.
pub struct JsonHandle(Value);

impl JsonHandle {
    pub(crate) fn new(value: Value) -> Self {
        Self(value)
    }
}

/// # Safety
/// `json` is NULL or a live handle, `at` is NULL or a text.
unsafe fn value<'a>(json: *const JsonHandle, at: *const c_char) -> Option<&'a Value> {
    // SAFETY: the caller's promise.
    let (json, at) = unsafe { (json.as_ref()?, optional(at, "at").ok()?.unwrap_or_default()) };
    json.0.pointer(at)
}

/// Reads a document from a text.
///
/// # Safety
/// `text` is NULL or a text; `out` and `error` are NULL or can be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn idse_json_parse(
    text: *const c_char,
    out: *mut *mut JsonHandle,
    error: *mut *mut ErrorHandle,
) -> Status {
    let work = || {
        // SAFETY: the caller's promise.
        let text = unsafe { required(text, "text") }?;
        serde_json::from_str(text)
            .map(JsonHandle)
            .map_err(|error| wrong("text", &format!("it is no JSON: {error}")))
    };
    // SAFETY: the caller's promise.
    unsafe { filling(out, error, work) }
}

/// Returns what stands at a place of a document: the characters of a text, everything else as JSON; NULL where
/// nothing or null stands. `at` is a JSON pointer (RFC 6901) such as `/stages/0/status`; NULL or the empty text is the whole.
///
/// # Safety
/// `json` is NULL or a document that was not freed yet; `at` is NULL or a text.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn idse_json_text(json: *const JsonHandle, at: *const c_char) -> *mut c_char {
    // SAFETY: the caller's promise.
    pointer(|| match unsafe { value(json, at) } {
        None | Some(Value::Null) => std::ptr::null_mut(),
        Some(Value::String(text)) => given(text),
        Some(other) => given(&other.to_string()),
    })
}

/// Returns a whole number of a document; -1 where none stands.
///
/// # Safety
/// As for `idse_json_text`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn idse_json_number(json: *const JsonHandle, at: *const c_char) -> i64 {
    // SAFETY: the caller's promise.
    quiet(|| unsafe { value(json, at) }.and_then(Value::as_i64).or(Some(-1))).unwrap_or(-1)
}

/// Tells whether `true` stands at a place of a document.
///
/// # Safety
/// As for `idse_json_text`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn idse_json_is_true(json: *const JsonHandle, at: *const c_char) -> bool {
    // SAFETY: the caller's promise.
    quiet(|| unsafe { value(json, at) } == Some(&Value::Bool(true)))
}

/// Returns how many entries the list or the object at a place of a document has; 0 where neither stands.
///
/// # Safety
/// As for `idse_json_text`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn idse_json_length(json: *const JsonHandle, at: *const c_char) -> usize {
    // SAFETY: the caller's promise.
    quiet(|| match unsafe { value(json, at) } {
        Some(Value::Array(list)) => list.len(),
        Some(Value::Object(map)) => map.len(),
        _ => 0,
    })
}

/// Returns the name of an entry of the object at a place of a document, in order; NULL where there is none.
///
/// # Safety
/// As for `idse_json_text`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn idse_json_key(
    json: *const JsonHandle,
    at: *const c_char,
    index: usize,
) -> *mut c_char {
    // SAFETY: the caller's promise.
    pointer(|| match unsafe { value(json, at) } {
        Some(Value::Object(map)) => map.keys().nth(index).map_or(std::ptr::null_mut(), |key| given(key)),
        _ => std::ptr::null_mut(),
    })
}

/// Returns a text as JSON, in quotation marks and escaped: what arguments are put together from. NULL for NULL and
/// for what is not UTF-8.
///
/// # Safety
/// `text` is NULL or a text.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn idse_json_quote(text: *const c_char) -> *mut c_char {
    // SAFETY: the caller's promise.
    pointer(|| match unsafe { optional(text, "text") } {
        Ok(Some(text)) => given(&Value::from(text).to_string()),
        Ok(None) | Err(_) => std::ptr::null_mut(),
    })
}

/// Frees a document; NULL is nothing.
///
/// # Safety
/// As for `idse_json_text`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn idse_json_free(json: *mut JsonHandle) {
    // SAFETY: the caller's promise.
    unsafe { free(json) };
}
