//! Displaced texts as files of a folder, one file each, for stores that have no room for a table.

use std::path::{Path, PathBuf};

use idse_core::{Error, ErrorKind, Result};

use super::{Displaced, Entry};
use crate::disk;

/// A text of the largest body, every character of it escaped.
const MAX_FILE: u64 = 128 * 1024 * 1024;

/// A folder of displaced texts.
#[derive(Debug)]
pub(crate) struct Folder {
    path: PathBuf,
}

impl Folder {
    pub(crate) fn new(path: PathBuf) -> Self {
        Self { path }
    }
}

impl Displaced for Folder {
    fn keep(&self, entries: &[Entry]) -> Result<()> {
        let mut files = Vec::new();
        for entry in entries {
            let json = serde_json::to_vec_pretty(entry).map_err(|error| broken(&self.path, error))?;
            files.push((format!("{}.json", entry.id), json));
        }
        disk::write_new(&self.path, files)
    }

    fn list(&self, project: Option<&str>) -> Result<Vec<Entry>> {
        let mut entries = Vec::new();
        for path in disk::files(&self.path, ".json")? {
            let text = disk::read_text(&path, MAX_FILE)?;
            let entry: Entry = serde_json::from_str(&text).map_err(|error| broken(&path, error))?;
            if project.is_none_or(|wanted| wanted == entry.project_id || wanted == entry.project) {
                entries.push(entry);
            }
        }
        entries.sort_by(|a, b| a.at.cmp(&b.at));
        Ok(entries)
    }

    fn find(&self, id: &str) -> Result<Option<Entry>> {
        if !id.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Ok(None);
        }
        let path = self.path.join(format!("{id}.json"));
        if !path.exists() {
            return Ok(None);
        }
        let text = disk::read_text(&path, MAX_FILE)?;
        serde_json::from_str(&text).map(Some).map_err(|error| broken(&path, error))
    }
}

fn broken(path: &Path, error: serde_json::Error) -> Error {
    Error::new(ErrorKind::Io, format!("{} holds no displaced text: {error}", path.display()))
        .with("path", path.display().to_string())
        .with_source(error)
}
