//! `conformance/errors.tsv`: the one table of errors, held against the code.

use std::collections::BTreeSet;
use std::path::Path;

use idse_core::ErrorKind;

struct Row<'a> {
    kind: &'a str,
    code: u32,
    temporary: bool,
    reason: &'a str,
    exit: u8,
}

fn rows(table: &str) -> Vec<Row<'_>> {
    let mut lines = table.lines();
    assert_eq!(lines.next(), Some("kind\tcode\ttemporary\treason\tpython\thttp\texit"));
    lines
        .map(|line| {
            let columns: Vec<_> = line.split('\t').collect();
            let [kind, code, temporary, reason, python, http, exit] = columns[..] else {
                panic!("seven columns: {line}")
            };
            assert!(python.ends_with("Error"), "{line}");
            assert!((400..600).contains(&http.parse::<u16>().unwrap()), "{line}");
            Row {
                kind,
                code: code.parse().unwrap(),
                temporary: temporary == "yes",
                reason,
                exit: exit.parse().unwrap(),
            }
        })
        .collect()
}

fn table() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("conformance/errors.tsv");
    std::fs::read_to_string(path).unwrap()
}

#[test]
fn every_kind_is_as_the_table_says() {
    let table = table();
    let rows = rows(&table);
    for kind in ErrorKind::ALL {
        let defaults = rows.iter().filter(|row| row.kind == kind.name() && row.reason == "-");
        assert_eq!(defaults.count(), 1, "{kind}: one default row");
    }
    for row in &rows {
        let kind = ErrorKind::ALL.iter().find(|kind| kind.name() == row.kind);
        let kind = kind.unwrap_or_else(|| panic!("no kind is called {}", row.kind));
        assert_eq!(
            (kind.code(), kind.is_temporary(), kind.exit_code()),
            (row.code, row.temporary, row.exit),
            "{kind}"
        );
    }
}

#[test]
fn no_row_is_there_twice() {
    let table = table();
    let rows = rows(&table);
    let unique: BTreeSet<_> = rows.iter().map(|row| (row.kind, row.reason)).collect();
    assert_eq!(unique.len(), rows.len());
}

/// A reason is a promise to scripts: one that the code gives must be in the table.
#[test]
fn every_reason_of_the_code_is_in_the_table() {
    let table = table();
    let known: BTreeSet<_> = rows(&table).iter().map(|row| row.reason).collect();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let mut given = BTreeSet::new();
    for folder in ["idse-core/src", "bindings"] {
        reasons(&root.join(folder), &mut given);
    }
    assert!(!given.is_empty());
    let missing: Vec<_> = given.iter().filter(|reason| !known.contains(reason.as_str())).collect();
    assert!(missing.is_empty(), "not in errors.tsv: {missing:?}");
}

fn reasons(folder: &Path, found: &mut BTreeSet<String>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() && !path.ends_with("node_modules") && !path.ends_with("target") {
            reasons(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = std::fs::read_to_string(&path).unwrap();
            let calls = text.split("with_reason(\"").skip(1);
            found.extend(calls.filter_map(|rest| Some(rest.split_once('"')?.0.to_owned())));
        }
    }
}
