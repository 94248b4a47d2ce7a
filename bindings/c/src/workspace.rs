//! An opened workspace as a handle: a folder, and the calls that run in it.

use std::ffi::{CString, c_char};
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use idse_core::{Cancel, Result, Workspace};

use crate::error::ErrorHandle;
use crate::guard::{filling, free};
use crate::status::Status;
use crate::text::{optional, owned, required, wrong};

/// A workspace: the folder that holds `.idse`. Free it with `idse_workspace_free`, when no call with it runs any more.
pub struct WorkspaceHandle {
    root: CString,
    running: Mutex<Vec<Cancel>>,
}

impl WorkspaceHandle {
    fn new(workspace: &Workspace) -> Result<Self> {
        // A link may lead to a folder whose name no text can hold.
        let root = workspace.root().to_str().ok_or_else(|| wrong("root", "its real path is not UTF-8"))?;
        Ok(Self { root: owned(root), running: Mutex::default() })
    }

    pub(crate) fn root(&self) -> String {
        self.root.to_string_lossy().into_owned()
    }

    /// Runs a call that `idse_workspace_interrupt` can stop.
    pub(crate) fn interruptible<T>(&self, cancel: &Cancel, work: impl FnOnce() -> T) -> T {
        let running = || self.running.lock().unwrap_or_else(PoisonError::into_inner);
        running().push(cancel.clone());
        /// Takes the call off the list, panic or not.
        struct Ended<F: Fn()>(F);
        impl<F: Fn()> Drop for Ended<F> {
            fn drop(&mut self) {
                (self.0)();
            }
        }
        let _ended = Ended(|| {
            let mut running = running();
            if let Some(at) = running.iter().position(|other| other.is_same(cancel)) {
                drop(running.swap_remove(at));
            }
        });
        work()
    }
}

/// Opens the workspace in the folder `root`.
///
/// # Safety
/// `root` is NULL or a text; `out` and `error` are NULL or can be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn idse_workspace_open(
    root: *const c_char,
    out: *mut *mut WorkspaceHandle,
    error: *mut *mut ErrorHandle,
) -> Status {
    let work = || {
        // SAFETY: the caller's promise.
        let root = unsafe { required(root, "root") }?;
        Workspace::open(Path::new(root)).and_then(|workspace| WorkspaceHandle::new(&workspace))
    };
    // SAFETY: the caller's promise.
    unsafe { filling(out, error, work) }
}

/// Finds the workspace that the folder `start` lies in; NULL is the current folder.
///
/// # Safety
/// As for `idse_workspace_open`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn idse_workspace_discover(
    start: *const c_char,
    out: *mut *mut WorkspaceHandle,
    error: *mut *mut ErrorHandle,
) -> Status {
    let work = || {
        // SAFETY: the caller's promise.
        let start = unsafe { optional(start, "start") }?.unwrap_or(".");
        Workspace::discover(Path::new(start)).and_then(|workspace| WorkspaceHandle::new(&workspace))
    };
    // SAFETY: the caller's promise.
    unsafe { filling(out, error, work) }
}

/// Returns the folder of a workspace, absolute.
///
/// # Safety
/// `workspace` is NULL or a workspace that was not freed yet.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn idse_workspace_root(workspace: *const WorkspaceHandle) -> *const c_char {
    // SAFETY: the caller's promise.
    unsafe { workspace.as_ref() }.map_or(std::ptr::null(), |workspace| workspace.root.as_ptr())
}

/// Asks the calls that run in a workspace now to stop at their next safe point, and no later ones. A context that
/// such a call runs with is cancelled. May be called from every thread, but not from a signal handler.
///
/// # Safety
/// As for `idse_workspace_root`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn idse_workspace_interrupt(workspace: *const WorkspaceHandle) {
    // SAFETY: the caller's promise.
    if let Some(workspace) = unsafe { workspace.as_ref() } {
        let running = workspace.running.lock().unwrap_or_else(PoisonError::into_inner);
        running.iter().for_each(Cancel::cancel);
    }
}

/// Frees a workspace; NULL is nothing.
///
/// # Safety
/// As for `idse_workspace_root`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn idse_workspace_free(workspace: *mut WorkspaceHandle) {
    // SAFETY: the caller's promise.
    unsafe { free(workspace) };
}
