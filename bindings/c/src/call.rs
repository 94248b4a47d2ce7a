//! The verbs: by name with JSON arguments, and the merge of texts, which needs no workspace.

use std::ffi::c_char;

use idse_core::sync::merge::{Merge, merge_text};
use idse_core::verb::{self, Verb};
use idse_core::{Context, Result};
use serde_json::{Map, Value};

use crate::context::ContextHandle;
use crate::error::ErrorHandle;
use crate::guard::{checked, filling};
use crate::json::JsonHandle;
use crate::status::Status;
use crate::text::{given, optional, required, wrong};
use crate::workspace::WorkspaceHandle;

/// Runs a verb and gives its document.
///
/// `verb` is its name, such as `push`; `idse-core/docs/verbs.md` lists them with their arguments. `arguments` is one JSON object, or
/// NULL for none. `workspace` is where it works, or NULL: then the arguments `root` and `start` say it, else the
/// current folder. `context` may be NULL.
///
/// # Safety
/// The handles are NULL or were not freed yet; the texts are NULL or texts; `out` and `error` are NULL or can be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn idse_call(
    workspace: *const WorkspaceHandle,
    context: *const ContextHandle,
    verb: *const c_char,
    arguments: *const c_char,
    out: *mut *mut JsonHandle,
    error: *mut *mut ErrorHandle,
) -> Status {
    let work = || {
        // SAFETY: the caller's promise.
        let (verb, arguments) = unsafe { (required(verb, "verb")?, optional(arguments, "arguments")?) };
        let arguments = parse(arguments)?;
        // SAFETY: the caller's promise.
        unsafe { run(workspace, context, verb, arguments) }.map(JsonHandle::new)
    };
    // SAFETY: the caller's promise.
    unsafe { filling(out, error, work) }
}

fn parse(arguments: Option<&str>) -> Result<Map<String, Value>> {
    let Some(text) = arguments else { return Ok(Map::new()) };
    match serde_json::from_str(text) {
        Ok(Value::Object(map)) => Ok(map),
        Ok(_) => Err(wrong("arguments", "they are no JSON object")),
        Err(error) => Err(wrong("arguments", &format!("they are no JSON: {error}"))),
    }
}

/// Runs a verb where the handles say.
///
/// # Safety
/// The handles are NULL or were not freed yet.
pub(crate) unsafe fn run(
    workspace: *const WorkspaceHandle,
    context: *const ContextHandle,
    name: &str,
    mut arguments: Map<String, Value>,
) -> Result<Value> {
    #[cfg(test)]
    crate::tests::perhaps_panic(name);
    // SAFETY: the caller's promise.
    let (workspace, context) = unsafe { (workspace.as_ref(), context.as_ref()) };
    let context = context.map_or_else(Context::of_process, ContextHandle::get);
    let Some(workspace) = workspace else { return verb::call(name, &Value::Object(arguments), &context) };
    if Verb::named(name)?.arguments().any(|argument| argument.name == "root")
        && !arguments.contains_key("root")
    {
        arguments.insert("root".into(), workspace.root().into());
    }
    workspace.interruptible(&context.cancel, || verb::call(name, &Value::Object(arguments), &context))
}

/// Merges what two sides made of a text. `out` is the merged text, or the text with conflict markers where `*clean`
/// is false.
///
/// # Safety
/// The texts are NULL or texts; `clean`, `out` and `error` are NULL or can be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn idse_merge_text(
    base: *const c_char,
    local: *const c_char,
    remote: *const c_char,
    clean: *mut bool,
    out: *mut *mut c_char,
    error: *mut *mut ErrorHandle,
) -> Status {
    if !out.is_null() {
        // SAFETY: checked for NULL; the rest is the caller's promise.
        unsafe { out.write(std::ptr::null_mut()) };
    }
    let work = || {
        if clean.is_null() || out.is_null() {
            return Err(wrong(if clean.is_null() { "clean" } else { "out" }, "it is NULL"));
        }
        // SAFETY: the caller's promise.
        let (base, local, remote) =
            unsafe { (required(base, "base")?, required(local, "local")?, required(remote, "remote")?) };
        let (is_clean, text) = match merge_text(base, local, remote) {
            Merge::Clean(text) => (true, text),
            Merge::Conflict(conflict) => (false, conflict.marked),
        };
        // SAFETY: checked for NULL; the rest is the caller's promise.
        unsafe {
            clean.write(is_clean);
            out.write(given(&text));
        }
        Ok(())
    };
    // SAFETY: the caller's promise.
    unsafe { checked(error, work) }
}
