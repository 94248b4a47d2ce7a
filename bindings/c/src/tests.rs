use std::ffi::{CStr, CString};
use std::ptr::{null, null_mut};

use crate::*;

mod waiting;

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
