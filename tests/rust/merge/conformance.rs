//! The cases of `tests/conformance/merge`.
#![expect(clippy::disallowed_methods, reason = "the cases are files of the suite")]

use std::fs;
use std::path::Path;

use idse_core::sync::merge::{Merge, has_markers, merge_text};

const FEWEST: usize = 120;

#[test]
fn every_case_comes_out_as_written() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("conformance/merge");
    let mut cases: Vec<_> =
        fs::read_dir(&root).expect("the cases are there").flatten().map(|e| e.path()).collect();
    cases.sort();
    let wrong: Vec<String> = cases.iter().filter_map(|case| check(case).err()).collect();
    assert!(wrong.is_empty(), "{} of {} cases differ:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
    assert!(cases.len() >= FEWEST, "only {} cases", cases.len());
}

fn check(case: &Path) -> Result<(), String> {
    let name = case.file_name().unwrap_or_default().to_string_lossy();
    let read = |file: &str| fs::read_to_string(case.join(file)).ok();
    let input = |file: &str| read(file).ok_or_else(|| format!("{name}: no {file}"));
    let (base, local, remote) = (input("base.md")?, input("local.md")?, input("remote.md")?);
    if input("why.md")?.trim().is_empty() {
        return Err(format!("{name}: why.md says nothing"));
    }
    match (merge_text(&base, &local, &remote), read("expected.md"), read("conflict.md")) {
        (Merge::Clean(text), Some(expected), None) if text == expected => Ok(()),
        (Merge::Conflict(found), None, Some(expected)) if found.marked == expected => {
            let seen = has_markers(&expected, found.marker_length);
            if seen { Ok(()) } else { Err(format!("{name}: its markers are not found")) }
        }
        (merge, expected, conflict) => {
            Err(format!("{name}: got {merge:#?}, expected {:?}", expected.or(conflict)))
        }
    }
}
