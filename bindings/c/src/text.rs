//! Texts on their way in and out, and what the library says about itself.

use std::ffi::{CStr, CString, c_char};

use idse_core::{Error, ErrorKind, Result};

/// Borrows a text that may be absent.
///
/// # Safety
/// `text` is NULL or ends in NUL, and stays as it is for `'a`.
pub(crate) unsafe fn optional<'a>(text: *const c_char, name: &'static str) -> Result<Option<&'a str>> {
    if text.is_null() {
        return Ok(None);
    }
    // SAFETY: not NULL; the rest is the caller's promise.
    let text = unsafe { CStr::from_ptr(text) };
    text.to_str()
        .map(Some)
        .map_err(|error| wrong(name, &format!("it is not UTF-8 at byte {}", error.valid_up_to())))
}

/// Borrows a text that must be there.
///
/// # Safety
/// As for [`optional`].
pub(crate) unsafe fn required<'a>(text: *const c_char, name: &'static str) -> Result<&'a str> {
    // SAFETY: the caller's promise.
    unsafe { optional(text, name) }?.ok_or_else(|| wrong(name, "it is NULL"))
}

/// Creates the error of an argument of a C function.
pub(crate) fn wrong(name: &'static str, why: &str) -> Error {
    Error::new(ErrorKind::InvalidArgument, format!("`{name}` cannot be used: {why}"))
        .with_reason("schema")
        .with("argument", name)
}

/// Makes a text that ends in NUL; a NUL inside, which no C text can hold, becomes U+FFFD.
pub(crate) fn owned(text: &str) -> CString {
    CString::new(text.replace('\0', "\u{fffd}")).unwrap_or_default()
}

/// Hands a text over to the caller.
pub(crate) fn given(text: &str) -> *mut c_char {
    owned(text).into_raw()
}

/// Frees a text that this library gave; NULL is nothing.
///
/// # Safety
/// `text` is NULL, or a `char *` of this library that was not freed yet.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn idse_string_free(text: *mut c_char) {
    if !text.is_null() {
        // SAFETY: it comes from `CString::into_raw`.
        drop(unsafe { CString::from_raw(text) });
    }
}

/// Returns the version of the library, such as `0.1.0`. It is never freed.
#[unsafe(no_mangle)]
pub extern "C" fn idse_version() -> *const c_char {
    const VERSION: &str = concat!(env!("CARGO_PKG_VERSION"), "\0");
    VERSION.as_ptr().cast()
}

/// Returns the number of this interface: raised when something in this header goes or changes its meaning.
#[unsafe(no_mangle)]
pub extern "C" fn idse_abi_version() -> u32 {
    1
}
