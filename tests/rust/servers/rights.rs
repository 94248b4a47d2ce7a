//! Who may do what: row-level security is told apart from rows that are not there and from rows that others changed.

use idse_core::Stage;
use idse_tests::stack::{Layout, Stack};

use crate::world::{self, Client, Row};

#[test]
fn row_level_security_is_told_apart() {
    let stack = Stack::shared();
    let row = Row::new(Layout::Secured, "begin\n");
    row.edit("shared = true");
    let proxy = stack.supabase(Layout::Secured);
    // Somebody else may read it and not write it.
    let reader = Client::clone_of(row, world::agency_of(&proxy, "reader"));
    reader.write(Stage::Spec, "not allowed\n");
    let error = reader.push().unwrap_err();
    assert_eq!((error.kind().name(), error.reason()), ("Unauthorized", "forbidden"), "{error:?}");
    // When it is hidden, it is gone for them, and nothing here changes for it.
    row.edit("shared = false");
    let error = reader.pull().unwrap_err();
    assert_eq!((error.kind().name(), error.reason()), ("NotFound", "remote_missing"), "{error:?}");
    assert_eq!(reader.read(Stage::Spec), b"not allowed\n");
    assert_eq!(row.column("spec_md"), "begin");
}
