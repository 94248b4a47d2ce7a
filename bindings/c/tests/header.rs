//! Keeps `include/idse.h` and the list of symbols in step with the code.

#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test may fail, and writes what it likes"
)]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

fn here(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// Compares a committed file; `IDSE_UPDATE=1` writes it.
fn compare(path: &Path, fresh: &str) {
    if std::env::var_os("IDSE_UPDATE").is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, fresh).unwrap();
    }
    let kept = std::fs::read_to_string(path).unwrap_or_default().replace("\r\n", "\n");
    let name = path.file_name().unwrap().display();
    assert!(kept == fresh, "{name} is not current: IDSE_UPDATE=1 cargo test -p idse-capi --test header");
}

#[test]
fn the_header_and_the_symbols_are_current() {
    let config = cbindgen::Config::from_file(here("cbindgen.toml")).unwrap();
    let mut fresh = Vec::new();
    cbindgen::generate_with_config(here(""), config).unwrap().write(&mut fresh);
    // What Rust must know to call a function safely is said to C programs at the head.
    let text = String::from_utf8(fresh).unwrap();
    let mut header = String::new();
    let mut safety = false;
    for line in text.lines() {
        safety = (safety || line.trim_end().ends_with("# Safety")) && line != " */";
        if !safety {
            header += line.trim_end();
            header += "\n";
        }
    }
    let header = header.replace(" *\n */", " */");
    compare(&here("../../include/idse.h"), &header);
    let mut symbols = BTreeSet::new();
    for part in header.split("idse_").skip(1) {
        let name: String = part.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect();
        if part[name.len()..].starts_with('(') {
            symbols.insert(format!("idse_{name}\n"));
        }
    }
    compare(&here("symbols.txt"), &symbols.into_iter().collect::<String>());
}
