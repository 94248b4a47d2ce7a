//! How a session stands, as a handle: what a status line asks for again and again, without JSON in between.

use std::ffi::{CString, c_char};

use serde_json::Value;

use crate::call::run;
use crate::context::ContextHandle;
use crate::error::ErrorHandle;
use crate::guard::{filling, free, pointer};
use crate::status::Status;
use crate::text::{given, optional, owned};
use crate::workspace::WorkspaceHandle;

/// How a session stands: the answer of the verb `status`. Free it with `idse_overview_free`.
pub struct OverviewHandle {
    document: Value,
    lines: Vec<[Option<CString>; 4]>,
    next: Option<CString>,
}

impl OverviewHandle {
    fn new(document: Value) -> Self {
        let word = |value: &Value| value.as_str().map(owned);
        let lines = document["stages"].as_array().into_iter().flatten();
        let lines = lines.map(|line| ["stage", "status", "sync", "conflict"].map(|name| word(&line[name])));
        Self { lines: lines.collect(), next: word(&document["next"]), document }
    }
}

/// One stage of a session. Its texts belong to the overview.
#[repr(C)]
#[derive(Debug)]
pub struct StageLine {
    /// The stage, such as `spec`.
    pub stage: *const c_char,
    /// Its status: `pending`, `in_progress` or `complete`.
    pub status: *const c_char,
    /// How its text stands to what was last seen of the agency, such as `in_sync`; NULL where there was never a sync.
    pub sync: *const c_char,
    /// The kind of its open conflict, such as `both_changed`; NULL where there is none.
    pub conflict: *const c_char,
    /// How many errors its artifact has.
    pub errors: u32,
    /// How many warnings.
    pub warnings: u32,
    /// A push would send it.
    pub push: bool,
    /// A pull would write it, as far as was last seen.
    pub pull: bool,
}

/// Says how a session stands, from the disk alone. NULL for `project` and `session` are the current ones; `context`
/// may be NULL, and so may `workspace`: then it is the one that the current folder lies in.
///
/// # Safety
/// The handles are NULL or were not freed yet; the texts are NULL or texts; `out` and `error` are NULL or can be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn idse_workspace_status(
    workspace: *const WorkspaceHandle,
    context: *const ContextHandle,
    project: *const c_char,
    session: *const c_char,
    out: *mut *mut OverviewHandle,
    error: *mut *mut ErrorHandle,
) -> Status {
    let work = || {
        // SAFETY: the caller's promise.
        let (project, session) = unsafe { (optional(project, "project")?, optional(session, "session")?) };
        let arguments = [("project", project), ("session", session)];
        let arguments = arguments.map(|(name, value)| (name.to_owned(), Value::from(value)));
        // SAFETY: the caller's promise.
        unsafe { run(workspace, context, "status", arguments.into_iter().collect()) }.map(OverviewHandle::new)
    };
    // SAFETY: the caller's promise.
    unsafe { filling(out, error, work) }
}

/// Fills in one stage, in the order of the pipeline; false where there is none at `index`.
///
/// # Safety
/// `overview` is NULL or an overview that was not freed yet; `out` is NULL or can be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn idse_overview_stage(
    overview: *const OverviewHandle,
    index: usize,
    out: *mut StageLine,
) -> bool {
    // SAFETY: the caller's promise.
    let (Some(overview), false) = (unsafe { overview.as_ref() }, out.is_null()) else { return false };
    let Some(words) = overview.lines.get(index) else { return false };
    let line = &overview.document["stages"][index];
    let [stage, status, sync, conflict] =
        words.each_ref().map(|word| word.as_ref().map_or(std::ptr::null(), |word| word.as_ptr()));
    let count = |name: &str| line[name].as_u64().and_then(|count| count.try_into().ok()).unwrap_or(u32::MAX);
    let is = |name: &str| line[name] == true;
    let (errors, warnings, push, pull) = (count("errors"), count("warnings"), is("push"), is("pull"));
    // SAFETY: checked for NULL; the rest is the caller's promise.
    unsafe { out.write(StageLine { stage, status, sync, conflict, errors, warnings, push, pull }) };
    true
}

/// Returns the stage to work on next; NULL where all are complete.
///
/// # Safety
/// As for `idse_overview_stage`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn idse_overview_next(overview: *const OverviewHandle) -> *const c_char {
    // SAFETY: the caller's promise.
    let next = unsafe { overview.as_ref() }.and_then(|overview| overview.next.as_ref());
    next.map_or(std::ptr::null(), |stage| stage.as_ptr())
}

/// Tells whether a push whose reply was lost waits for the next sync verb.
///
/// # Safety
/// As for `idse_overview_stage`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn idse_overview_is_unsettled(overview: *const OverviewHandle) -> bool {
    // SAFETY: the caller's promise.
    unsafe { overview.as_ref() }.is_some_and(|overview| overview.document["unsettled"] == true)
}

/// Returns the overview as the JSON document of `status`.
///
/// # Safety
/// As for `idse_overview_stage`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn idse_overview_json(overview: *const OverviewHandle) -> *mut c_char {
    // SAFETY: the caller's promise.
    pointer(|| match unsafe { overview.as_ref() } {
        Some(overview) => given(&overview.document.to_string()),
        None => std::ptr::null_mut(),
    })
}

/// Frees an overview; NULL is nothing.
///
/// # Safety
/// As for `idse_overview_stage`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn idse_overview_free(overview: *mut OverviewHandle) {
    // SAFETY: the caller's promise.
    unsafe { free(overview) };
}
