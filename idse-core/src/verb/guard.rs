//! The last border before another language: what panics in the engine ends here.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::error::{Error, Result};

/// Runs `work` for a caller that no panic may reach: it becomes an `Internal` error with the reason `panic`.
///
/// ```
/// use idse_core::{Error, ErrorKind, verb};
/// # std::panic::set_hook(Box::new(|_| {}));
/// let error: Error = verb::guarded(|| -> idse_core::Result<()> { panic!("a defect") }).unwrap_err();
/// assert_eq!((error.kind(), error.reason()), (ErrorKind::Internal, "panic"));
/// ```
///
/// # Errors
/// What `work` reports; `Internal` (`panic`) where it panics.
pub fn guarded<T>(work: impl FnOnce() -> Result<T>) -> Result<T> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| Err(defect(panic)))
}

fn defect(panic: Box<dyn Any + Send>) -> Error {
    let said = panic.downcast_ref::<String>().map(String::as_str);
    let said = said.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("without a message");
    let error = Error::internal(format!("the engine panicked: {said}")).with_reason("panic");
    // What was thrown may panic again when it is dropped.
    std::mem::forget(panic);
    error
}
