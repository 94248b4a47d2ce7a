//! The error as a handle: read in C as texts.

use std::ffi::{CString, c_char};

use idse_core::Error;
use idse_core::verb::error_document;

use crate::guard::free;
use crate::status::Status;
use crate::text::{optional, owned};

/// What went wrong: the kind, one sentence, and what to do about it. Free it with `idse_error_free`.
pub struct ErrorHandle {
    status: Status,
    kind: CString,
    reason: CString,
    message: CString,
    hint: Option<CString>,
    facts: Vec<(&'static str, CString)>,
    json: CString,
}

impl ErrorHandle {
    pub(crate) fn new(error: &Error) -> Self {
        Self {
            status: Status::of(error.kind()),
            kind: owned(error.kind().name()),
            reason: owned(error.reason()),
            message: owned(error.message()),
            hint: error.hint().map(owned),
            facts: error.context().iter().map(|(key, value)| (*key, owned(value))).collect(),
            json: owned(&error_document(error).to_string()),
        }
    }
}

/// # Safety
/// `error` is NULL or a live handle.
unsafe fn part<'a>(
    error: *const ErrorHandle,
    part: impl FnOnce(&'a ErrorHandle) -> Option<&'a CString>,
) -> *const c_char {
    // SAFETY: the caller's promise.
    unsafe { error.as_ref() }.and_then(part).map_or(std::ptr::null(), |text| text.as_ptr())
}

/// Returns the status of an error; `IDSE_STATUS_OK` for NULL.
///
/// # Safety
/// `error` is NULL or an error that was not freed yet.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn idse_error_status(error: *const ErrorHandle) -> Status {
    // SAFETY: the caller's promise.
    unsafe { error.as_ref() }.map_or(Status::Ok, |error| error.status)
}

/// Returns the name of the kind, such as `NotFound`.
///
/// # Safety
/// As for `idse_error_status`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn idse_error_kind(error: *const ErrorHandle) -> *const c_char {
    // SAFETY: the caller's promise.
    unsafe { part(error, |error| Some(&error.kind)) }
}

/// Returns the stable word that refines the kind, or the empty text.
///
/// # Safety
/// As for `idse_error_status`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn idse_error_reason(error: *const ErrorHandle) -> *const c_char {
    // SAFETY: the caller's promise.
    unsafe { part(error, |error| Some(&error.reason)) }
}

/// Returns what happened, in one sentence.
///
/// # Safety
/// As for `idse_error_status`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn idse_error_message(error: *const ErrorHandle) -> *const c_char {
    // SAFETY: the caller's promise.
    unsafe { part(error, |error| Some(&error.message)) }
}

/// Returns what a person can do about it; NULL where the message says it all.
///
/// # Safety
/// As for `idse_error_status`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn idse_error_hint(error: *const ErrorHandle) -> *const c_char {
    // SAFETY: the caller's promise.
    unsafe { part(error, |error| error.hint.as_ref()) }
}

/// Returns a fact by its key, such as `path`, `stage` or `argument`; NULL where the error has none.
///
/// # Safety
/// As for `idse_error_status`; `key` is NULL or a text.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn idse_error_get(error: *const ErrorHandle, key: *const c_char) -> *const c_char {
    // SAFETY: the caller's promise.
    let Ok(Some(key)) = (unsafe { optional(key, "key") }) else { return std::ptr::null() };
    // SAFETY: the caller's promise.
    unsafe { part(error, |error| error.facts.iter().find(|(name, _)| *name == key).map(|(_, value)| value)) }
}

/// Returns the error as the JSON document that `idse --json` prints for it.
///
/// # Safety
/// As for `idse_error_status`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn idse_error_json(error: *const ErrorHandle) -> *const c_char {
    // SAFETY: the caller's promise.
    unsafe { part(error, |error| Some(&error.json)) }
}

/// Frees an error; NULL is nothing.
///
/// # Safety
/// As for `idse_error_status`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn idse_error_free(error: *mut ErrorHandle) {
    // SAFETY: the caller's promise.
    unsafe { free(error) };
}
