use std::ffi::{CStr, CString};
use std::ptr::{null, null_mut};
use std::time::{Duration, Instant};

use idse_core::verb;
use serde_json::json;

use crate::*;

/// The verb that panics: a defect for the test of the guard.
const DEFECT: &str = "defect";

pub(crate) fn perhaps_panic(verb: &str) {
    assert_ne!(verb, DEFECT, "for the test");
}

fn text(pointer: *const std::ffi::c_char) -> String {
    assert!(!pointer.is_null());
    // SAFETY: texts of this library end in NUL.
    unsafe { CStr::from_ptr(pointer) }.to_str().unwrap().to_owned()
}

#[test]
fn a_panic_becomes_a_status() {
    let verb = CString::new(DEFECT).unwrap();
    let (mut out, mut error) = (null_mut(), null_mut());
    // SAFETY: every pointer is NULL, a text or writable.
    let status = unsafe { idse_call(null(), null(), verb.as_ptr(), null(), &raw mut out, &raw mut error) };
    assert_eq!((status, out.is_null()), (Status::Internal, true));
    // SAFETY: the error was just made.
    unsafe {
        assert_eq!(text(idse_error_reason(error)), "panic");
        assert!(text(idse_error_json(error)).contains(r#""kind":"Internal","code":90"#));
        idse_error_free(error);
    }
}

#[test]
fn every_kind_has_its_status() {
    for kind in idse_core::ErrorKind::ALL {
        let status = Status::of(*kind);
        assert_eq!(i64::from(status as i32), i64::from(kind.code()));
        assert_eq!(text(idse_status_name(status as i32)), kind.name());
    }
    assert_eq!(text(idse_status_name(0)), "Ok");
    assert!(idse_status_name(7).is_null());
}

/// A pointer that a test hands to another thread.
struct Shared(*const WorkspaceHandle);
// SAFETY: the header promises that workspaces may be shared.
unsafe impl Send for Shared {}

#[test]
#[expect(clippy::disallowed_methods, reason = "a test measures time")]
fn an_interrupt_ends_a_push_that_waits() {
    let folder = tempfile::tempdir().unwrap();
    let (root, agency) = (folder.path().join("alice"), folder.path().join("agency.db"));
    let remote = format!("sqlite:{}", agency.display());
    let context = idse_core::Context::default();
    verb::call("init", &json!({ "root": root, "project": "portal", "session": "s1" }), &context).unwrap();
    let push = json!({ "root": root, "remote": remote });
    verb::call("push", &push, &context).unwrap();
    verb::call("write", &json!({ "root": root, "stage": "spec", "text": "# Spec\n" }), &context).unwrap();
    let busy = rusqlite::Connection::open(&agency).unwrap();
    busy.execute_batch("BEGIN IMMEDIATE").unwrap();

    let (path, mut workspace) = (CString::new(root.to_str().unwrap()).unwrap(), null_mut());
    let arguments = CString::new(json!({ "remote": remote }).to_string()).unwrap();
    // SAFETY: every pointer is NULL, a text or writable; the workspace is freed after the thread has ended.
    unsafe {
        assert_eq!(idse_workspace_open(path.as_ptr(), &raw mut workspace, null_mut()), Status::Ok);
        let shared = Shared(workspace);
        let interrupter = std::thread::spawn(move || {
            let shared = shared;
            std::thread::sleep(Duration::from_millis(300));
            idse_workspace_interrupt(shared.0);
            Instant::now()
        });
        let (mut out, mut error) = (null_mut(), null_mut());
        let verb = c"push".as_ptr();
        let status = idse_call(workspace, null(), verb, arguments.as_ptr(), &raw mut out, &raw mut error);
        let late = Instant::now().saturating_duration_since(interrupter.join().unwrap());
        assert_eq!((status, text(idse_error_kind(error))), (Status::Cancelled, "Cancelled".to_owned()));
        assert!(late < Duration::from_millis(100), "{late:?}");
        idse_error_free(error);
        idse_workspace_free(workspace);
    }
    busy.execute_batch("ROLLBACK").unwrap();
    drop(busy);
    // Nothing is left half done, and the lock is free.
    let status = verb::call("status", &json!({ "root": root, "remote": remote }), &context).unwrap();
    assert_eq!(status["unsettled"], false);
    assert_eq!(verb::call("push", &push, &context).unwrap()["outcome"], "done");
}
