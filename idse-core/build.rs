//! Gives every state of the sources a name of its own, so that no build takes the answers that another one kept.

#![expect(clippy::disallowed_methods, reason = "it reads its own sources")]

use std::collections::hash_map::DefaultHasher;
use std::hash::Hasher as _;
use std::path::{Path, PathBuf};

/// What the engine is made of; the last one is there in its own repository only.
const SOURCES: [&str; 4] = ["src", "templates", "Cargo.toml", "../Cargo.lock"];

fn main() -> std::io::Result<()> {
    let mut files = Vec::new();
    for source in SOURCES {
        collect(Path::new(source), &mut files)?;
    }
    files.sort();
    let mut hasher = DefaultHasher::new();
    for file in &files {
        let bytes = std::fs::read(file)?;
        hasher.write(file.to_string_lossy().as_bytes());
        hasher.write_usize(bytes.len());
        hasher.write(&bytes);
    }
    println!("cargo::rustc-env=IDSE_SOURCES={:016x}", hasher.finish());
    Ok(())
}

fn collect(path: &Path, files: &mut Vec<PathBuf>) -> std::io::Result<()> {
    if path.is_dir() {
        println!("cargo::rerun-if-changed={}", path.display());
        for entry in std::fs::read_dir(path)? {
            collect(&entry?.path(), files)?;
        }
    } else if path.is_file() {
        println!("cargo::rerun-if-changed={}", path.display());
        files.push(path.to_owned());
    }
    Ok(())
}
