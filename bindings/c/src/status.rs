//! How a call ended: the kinds of errors by their numbers.

use std::ffi::c_char;

use idse_core::ErrorKind;

/// How a call ended. The numbers are those of every door; new ones are added, and none is ever used again.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// It was done.
    Ok = 0,
    /// An argument is wrong. Correct the call; nothing was changed.
    InvalidArgument = 10,
    /// What was named does not exist.
    NotFound = 11,
    /// The folder is no usable workspace.
    InvalidWorkspace = 12,
    /// A configuration value cannot be used.
    InvalidConfig = 13,
    /// What should be created is already there. Nothing was overwritten.
    Exists = 14,
    /// The local disk refused.
    Io = 20,
    /// Another process holds the workspace or the agency file. Try again.
    Locked = 21,
    /// The other side does not let this caller in, or is not trusted yet.
    Unauthorized = 30,
    /// The other side asks to slow down. Try again later.
    RateLimited = 31,
    /// The other side did not answer, and nothing was written. Try again.
    Unavailable = 32,
    /// The other side answered something that is not the protocol.
    Protocol = 33,
    /// A write was sent and its reply was lost. The next sync verb finds out what happened.
    Unsettled = 34,
    /// The caller cancelled.
    Cancelled = 41,
    /// A defect of the library.
    Internal = 90,
}

impl Status {
    pub(crate) fn of(kind: ErrorKind) -> Self {
        match kind {
            ErrorKind::InvalidArgument => Self::InvalidArgument,
            ErrorKind::NotFound => Self::NotFound,
            ErrorKind::InvalidWorkspace => Self::InvalidWorkspace,
            ErrorKind::InvalidConfig => Self::InvalidConfig,
            ErrorKind::Exists => Self::Exists,
            ErrorKind::Io => Self::Io,
            ErrorKind::Locked => Self::Locked,
            ErrorKind::Unauthorized => Self::Unauthorized,
            ErrorKind::RateLimited => Self::RateLimited,
            ErrorKind::Unavailable => Self::Unavailable,
            ErrorKind::Protocol => Self::Protocol,
            ErrorKind::Unsettled => Self::Unsettled,
            ErrorKind::Cancelled => Self::Cancelled,
            // A kind that this library does not know yet is a defect of this library.
            _ => Self::Internal,
        }
    }
}

fn kind(status: i32) -> Option<ErrorKind> {
    ErrorKind::ALL.iter().copied().find(|kind| i64::from(kind.code()) == i64::from(status))
}

/// Returns the name of a status, such as `NotFound`; `Ok` for 0, NULL for a number that is none. It is never freed.
#[unsafe(no_mangle)]
pub extern "C" fn idse_status_name(status: i32) -> *const c_char {
    let name = match kind(status) {
        None if status == 0 => c"Ok",
        None => return std::ptr::null(),
        Some(ErrorKind::InvalidArgument) => c"InvalidArgument",
        Some(ErrorKind::NotFound) => c"NotFound",
        Some(ErrorKind::InvalidWorkspace) => c"InvalidWorkspace",
        Some(ErrorKind::InvalidConfig) => c"InvalidConfig",
        Some(ErrorKind::Exists) => c"Exists",
        Some(ErrorKind::Io) => c"Io",
        Some(ErrorKind::Locked) => c"Locked",
        Some(ErrorKind::Unauthorized) => c"Unauthorized",
        Some(ErrorKind::RateLimited) => c"RateLimited",
        Some(ErrorKind::Unavailable) => c"Unavailable",
        Some(ErrorKind::Protocol) => c"Protocol",
        Some(ErrorKind::Unsettled) => c"Unsettled",
        Some(ErrorKind::Cancelled) => c"Cancelled",
        Some(_) => c"Internal",
    };
    name.as_ptr()
}

/// Tells whether the same call may succeed later without a change by the caller.
#[unsafe(no_mangle)]
pub extern "C" fn idse_status_is_temporary(status: i32) -> bool {
    kind(status).is_some_and(ErrorKind::is_temporary)
}

/// Returns the exit code of the `idse` program for a status: 0 for `IDSE_STATUS_OK`, 70 for a number that is none.
#[unsafe(no_mangle)]
pub extern "C" fn idse_status_exit_code(status: i32) -> i32 {
    if status == 0 { 0 } else { kind(status).map_or(70, |kind| i32::from(kind.exit_code())) }
}
