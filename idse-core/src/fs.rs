//! The only file that touches the disk: confined reads, durable swaps, the lock.

use std::path::{Path, PathBuf};

use crate::artifact::Blocked;
use crate::context::Context;
use crate::error::Result;
use crate::text::ObjectId;

/// A folder from which no relative path leads out.
#[derive(Debug)]
pub(crate) struct Dir {
    path: PathBuf,
}

/// What a path holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Found {
    Absent,
    Bytes(Vec<u8>),
    Blocked(Blocked),
}

/// The outcome of a swap.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Swap {
    /// The file holds the new bytes, durably; what it displaced lies at the aside path.
    Done,
    /// The file holds something else than expected and keeps it.
    Changed,
}

/// What an entry of a folder is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum EntryKind {
    Folder,
    File,
    Symlink,
    Other,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    /// `None` where the name is not UTF-8; `shown` is for messages.
    pub(crate) name: Option<String>,
    pub(crate) shown: String,
    pub(crate) kind: EntryKind,
}

/// The workspace lock; dropped, or with the process, it is free.
#[derive(Debug)]
pub(crate) struct Lock {}

impl Dir {
    pub(crate) fn open(_path: &Path) -> Result<Self> {
        todo!()
    }
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
    /// Reads a file of at most `limit` bytes. Symlinks, FIFOs, devices, folders: `Blocked`.
    pub(crate) fn read(&self, _rel: &str, _limit: u64) -> Result<Found> {
        todo!()
    }
    /// The entries of a folder, sorted by name; an absent folder has none.
    pub(crate) fn list(&self, _rel: &str) -> Result<Vec<Entry>> {
        todo!()
    }
    pub(crate) fn is_dir(&self, _rel: &str) -> bool {
        todo!()
    }
    /// Makes a folder and its ancestors, durably.
    pub(crate) fn create_dirs(&self, _rel: &str) -> Result<()> {
        todo!()
    }
    /// Replaces a file of the engine's own, durably: temporary file, fsync, rename, fsync of the folder.
    pub(crate) fn replace(&self, _rel: &str, _bytes: &[u8]) -> Result<()> {
        todo!()
    }
    /// Creates a file durably and never overwrites: `false` where something is there already.
    pub(crate) fn create(&self, _rel: &str, _bytes: &[u8]) -> Result<bool> {
        todo!()
    }
    /// Appends to a file, durably; a torn last line is closed first.
    pub(crate) fn append_line(&self, _rel: &str, _line: &str) -> Result<()> {
        todo!()
    }
    /// Puts `new` (`None`: nothing) where exactly `expected` (`None`: nothing) is; the displaced file is moved to `aside`.
    pub(crate) fn swap(
        &self,
        _rel: &str,
        _expected: Option<ObjectId>,
        _new: Option<&[u8]>,
        _aside: &str,
    ) -> Result<Swap> {
        todo!()
    }
    /// Removes a file of the engine's own, durably; absent is fine.
    pub(crate) fn remove(&self, _rel: &str) -> Result<()> {
        todo!()
    }
    /// Removes a folder of the engine's own with all it holds; absent is fine.
    pub(crate) fn remove_tree(&self, _rel: &str) -> Result<()> {
        todo!()
    }
    pub(crate) fn leftovers(&self, _rel: &str) -> Result<Vec<String>> {
        todo!()
    }
    /// Takes the lock file, waiting up to the context's deadline (10 s without one).
    pub(crate) fn lock(&self, _rel: &str, _context: &Context) -> Result<Lock> {
        todo!()
    }
}
