//! Looking: what lies under a name, and which names a folder has.

use std::io;

use super::{Dir, Entry, EntryKind, system};
use crate::error::Result;

impl Dir {
    /// The entries of a folder, sorted by name; an absent folder has none.
    pub(crate) fn list(&self, rel: &str) -> Result<Vec<Entry>> {
        self.note_whole(rel);
        match self.entries(rel) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
            Err(error) => {
                self.note_trouble();
                Err(self.failure(rel, "list", error))
            }
            Ok(entries) => Ok(entries),
        }
    }

    fn entries(&self, rel: &str) -> io::Result<Vec<Entry>> {
        let mut entries = Vec::new();
        for entry in self.root.read_dir(rel)? {
            let entry = entry?;
            let file_type = entry.file_type()?;
            let kind = if file_type.is_symlink() {
                EntryKind::Symlink
            } else if file_type.is_dir() {
                EntryKind::Folder
            } else if file_type.is_file() {
                EntryKind::File
            } else {
                EntryKind::Other
            };
            let name = entry.file_name();
            entries.push(Entry {
                shown: name.to_string_lossy().into_owned(),
                name: name.into_string().ok(),
                kind,
            });
        }
        entries.sort_by(|a, b| a.shown.cmp(&b.shown));
        Ok(entries)
    }

    /// The regular files below a folder, at most `depth` levels down, relative to it, sorted; links are not followed.
    pub(crate) fn walk(&self, rel: &str, depth: usize) -> Vec<String> {
        // Nearly every folder holds files only, and one listing says so.
        let Ok(entries) = self.list(rel) else { return Vec::new() };
        if entries.iter().all(|entry| entry.kind != EntryKind::Folder) {
            let files = entries.into_iter().filter(|entry| entry.kind == EntryKind::File);
            return files.map(|entry| entry.shown).collect();
        }
        let base = self.path.join(rel);
        let mut files = Vec::new();
        for entry in walkdir::WalkDir::new(&base).min_depth(1).max_depth(depth) {
            let Ok(entry) = entry else {
                self.note_trouble();
                continue;
            };
            let Ok(below) = entry.path().strip_prefix(&base) else { continue };
            let parts: Vec<_> = below.iter().map(|part| part.to_string_lossy()).collect();
            let below = parts.join("/");
            if entry.file_type().is_dir() {
                self.note_whole(&format!("{rel}/{below}"));
                if entry.path().to_str().is_none() {
                    self.note_trouble();
                }
            } else if entry.file_type().is_file() {
                files.push(below);
            }
        }
        files.sort();
        files
    }

    /// Looks at a name without following it; `None` where there is nothing, or nothing that can be reached.
    pub(crate) fn kind(&self, rel: &str) -> Option<EntryKind> {
        self.note_way(rel);
        let looked = self.place(rel).and_then(|place| system::stat(&place.folder, place.name));
        looked.unwrap_or_else(|error| self.nothing(&error)).map(|stat| stat.kind)
    }

    /// Tells whether there is a folder; a link to one inside counts, one that leads out does not.
    pub(crate) fn is_dir(&self, rel: &str) -> bool {
        self.note_way(rel);
        let looked = self.root.metadata(rel).map(Some);
        looked.unwrap_or_else(|error| self.nothing(&error)).is_some_and(|found| found.is_dir())
    }

    /// What cannot be looked at counts as absent, but not for good.
    fn nothing<T>(&self, error: &io::Error) -> Option<T> {
        if error.kind() != io::ErrorKind::NotFound {
            self.note_trouble();
        }
        None
    }
}
