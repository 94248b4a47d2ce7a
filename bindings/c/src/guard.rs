//! The border between C and Rust: no panic crosses it, and every out parameter is written.

use std::panic::{AssertUnwindSafe, catch_unwind};

use idse_core::Result;
use idse_core::verb::guarded;

use crate::error::ErrorHandle;
use crate::status::Status;
use crate::text::wrong;

/// Runs `work` and gives what it makes to the caller: a handle through `out`, or an error through `error`.
///
/// # Safety
/// `out` and `error` are NULL or can be written.
pub(crate) unsafe fn filling<T>(
    out: *mut *mut T,
    error: *mut *mut ErrorHandle,
    work: impl FnOnce() -> Result<T>,
) -> Status {
    if out.is_null() {
        // SAFETY: the caller's promise.
        return unsafe { report(error, Err::<(), _>(wrong("out", "it is NULL"))) };
    }
    let (made, outcome) = match guarded(work) {
        Ok(value) => (Box::into_raw(Box::new(value)), Ok(())),
        Err(error) => (std::ptr::null_mut(), Err(error)),
    };
    // SAFETY: checked for NULL; the rest is the caller's promise.
    unsafe { out.write(made) };
    // SAFETY: the caller's promise.
    unsafe { report(error, outcome) }
}

/// Runs `work` and gives its error to the caller.
///
/// # Safety
/// `error` is NULL or can be written.
pub(crate) unsafe fn checked(error: *mut *mut ErrorHandle, work: impl FnOnce() -> Result<()>) -> Status {
    // SAFETY: the caller's promise.
    unsafe { report(error, guarded(work)) }
}

/// Runs `work` where there is nobody to tell: a panic becomes the default.
pub(crate) fn quiet<T: Default>(work: impl FnOnce() -> T) -> T {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_default()
}

/// Returns NULL where a panic was caught.
pub(crate) fn pointer<T>(work: impl FnOnce() -> *mut T) -> *mut T {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or(std::ptr::null_mut())
}

/// # Safety
/// `error` is NULL or can be written.
unsafe fn report<T>(error: *mut *mut ErrorHandle, outcome: Result<T>) -> Status {
    let (status, made) = match outcome {
        Ok(_) => (Status::Ok, std::ptr::null_mut()),
        Err(failure) => {
            let status = Status::of(failure.kind());
            let made = if error.is_null() {
                std::ptr::null_mut()
            } else {
                Box::into_raw(Box::new(ErrorHandle::new(&failure)))
            };
            (status, made)
        }
    };
    if !error.is_null() {
        // SAFETY: checked for NULL; the rest is the caller's promise.
        unsafe { error.write(made) };
    }
    status
}

/// Frees a handle; NULL is nothing.
///
/// # Safety
/// `handle` is NULL, or was given by [`filling`] or made by `Box::into_raw`, and was not freed yet.
pub(crate) unsafe fn free<T>(handle: *mut T) {
    if !handle.is_null() {
        // SAFETY: the caller's promise. A panic of a drop must not leave either.
        quiet(|| drop(unsafe { Box::from_raw(handle) }));
    }
}
