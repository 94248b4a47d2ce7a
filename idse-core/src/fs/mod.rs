//! The only part that touches the disk: confined reads, durable writes, swaps that lose nothing, the lock.
//!
//! What the files mean belongs to `workspace` and `sync`; here they are bytes under names.

mod lock;
mod look;
mod read;
mod swap;
mod system;
#[cfg(test)]
mod tests;
mod trace;

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use cap_std::ambient_authority;
use cap_std::fs::Dir as Folder;

use crate::artifact::Blocked;
use crate::error::{Error, ErrorKind, Result};
use crate::text::ObjectId;

pub(crate) use lock::Lock;
pub(crate) use trace::{Moment, Seen};

/// The largest file whose bytes a swap compares; no setting allows larger artifacts.
pub(crate) const LARGEST: u64 = 256 << 20;

/// A folder from which no relative path leads out.
///
/// Relative paths use forward slashes. A symbolic link on the way is followed as long as it stays inside; one as
/// the last component is never followed.
#[derive(Debug)]
pub(crate) struct Dir {
    path: PathBuf,
    root: Folder,
    /// Cleared by tests, to take the way of systems without an atomic exchange.
    exchange: bool,
    /// Where it is noted what is looked at, if it is.
    trace: Option<trace::Trace>,
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

/// A name in an opened folder.
struct Place<'a> {
    folder: Folder,
    name: &'a str,
}

impl Dir {
    pub(crate) fn open(path: &Path) -> Result<Self> {
        let root = Folder::open_ambient_dir(path, ambient_authority())
            .map_err(|error| failure(path, "open the folder", error))?;
        Ok(Self { path: path.to_owned(), root, exchange: true, trace: None })
    }

    /// Opens a folder; `None` where there is nothing.
    pub(crate) fn open_if_there(path: &Path) -> Result<Option<Self>> {
        if matches!(path.try_exists(), Ok(false)) { Ok(None) } else { Self::open(path).map(Some) }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Makes a folder and its ancestors, durably.
    pub(crate) fn create_dirs(&self, rel: &str) -> Result<()> {
        if rel.is_empty() || self.is_dir(rel) {
            return Ok(());
        }
        self.create_dirs(parent(rel))?;
        self.create_dir(rel)
    }

    fn create_dir(&self, rel: &str) -> Result<()> {
        let made = self.place(rel).and_then(|place| match place.folder.create_dir(place.name) {
            Ok(()) => system::sync_folder(&place.folder),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                if place.folder.is_dir(place.name) {
                    Ok(())
                } else {
                    Err(io::ErrorKind::NotADirectory.into())
                }
            }
            Err(error) => Err(error),
        });
        made.map_err(|error| self.failure(rel, "make the folder", error))
    }

    /// Makes a folder of the engine's own that only its owner can look into.
    pub(crate) fn create_private_dir(&self, rel: &str) -> Result<()> {
        self.create_dirs(rel)?;
        system::make_private(&self.root, rel, 0o700).map_err(|error| self.failure(rel, "protect", error))
    }

    /// Replaces a file of the engine's own that only its owner can read, in a folder that only its owner can look into.
    pub(crate) fn replace_private(&self, rel: &str, bytes: &[u8]) -> Result<()> {
        self.create_private_dir(parent(rel))?;
        self.replace(rel, bytes)?;
        system::make_private(&self.root, rel, 0o600).map_err(|error| self.failure(rel, "protect", error))
    }

    /// Replaces a file of the engine's own, durably: temporary file, fsync, rename, fsync of the folder.
    pub(crate) fn replace(&self, rel: &str, bytes: &[u8]) -> Result<()> {
        self.create_dirs(parent(rel))?;
        let replaced = self.place(rel).and_then(|place| {
            let like = system::stat(&place.folder, place.name)?.filter(system::Stat::is_file);
            let temp = place.write_temp(bytes, like.as_ref())?;
            let renamed = place.folder.rename(&temp, &place.folder, place.name);
            place.or_discard(&temp, renamed)?;
            system::sync_folder(&place.folder)
        });
        replaced.map_err(|error| self.failure(rel, "write", error))
    }

    /// Replaces a file of the engine's own that is as good when it is lost or torn: nothing waits for the disk.
    pub(crate) fn replace_disposable(&self, rel: &str, bytes: &[u8]) -> io::Result<()> {
        let place = self.place(rel)?;
        let temp = temp_name();
        let mut file = system::create_private(&place.folder, &temp)?;
        place.or_discard(&temp, file.write_all(bytes))?;
        place.or_discard(&temp, place.folder.rename(&temp, &place.folder, place.name))
    }

    /// Creates a file durably and never overwrites: `false` where something is there already.
    pub(crate) fn create(&self, rel: &str, bytes: &[u8]) -> Result<bool> {
        self.create_dirs(parent(rel))?;
        let created = self.place(rel).and_then(|place| {
            if system::stat(&place.folder, place.name)?.is_some() {
                return Ok(false);
            }
            let temp = place.write_temp(bytes, None)?;
            let renamed = system::rename_new(&place.folder, &temp, &place.folder, place.name);
            let created = place.or_discard(&temp, renamed)?;
            if created {
                system::sync_folder(&place.folder)?;
            } else {
                place.discard(&temp);
            }
            Ok(created)
        });
        created.map_err(|error| self.failure(rel, "create", error))
    }

    /// Appends to a file, durably; a torn last line is closed first.
    pub(crate) fn append_line(&self, rel: &str, line: &str) -> Result<()> {
        self.create_dirs(parent(rel))?;
        let appended = self.place(rel).and_then(|place| {
            let known = system::stat(&place.folder, place.name)?;
            let mut file = system::open_append(&place.folder, place.name)?;
            system::append_line(&mut file, line)?;
            if known.is_none() { system::sync_folder(&place.folder) } else { Ok(()) }
        });
        appended.map_err(|error| self.failure(rel, "append to", error))
    }

    /// Moves a file of the engine's own, durably, and never overwrites: `false` where `to` is taken or `from` is absent.
    pub(crate) fn rename(&self, from: &str, to: &str) -> Result<bool> {
        self.create_dirs(parent(to))?;
        let moved = self.place(from).and_then(|source| {
            let target = self.place(to)?;
            match system::rename_new(&source.folder, source.name, &target.folder, target.name) {
                Ok(true) => {
                    system::sync_folder(&target.folder)?;
                    system::sync_folder(&source.folder)?;
                    Ok(true)
                }
                Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
                other => other,
            }
        });
        moved.map_err(|error| self.failure(from, "move", error))
    }

    /// Removes a file of the engine's own, durably; absent is fine.
    pub(crate) fn remove(&self, rel: &str) -> Result<()> {
        let removed = self.place(rel).and_then(|place| {
            place.folder.remove_file(place.name)?;
            system::sync_folder(&place.folder)
        });
        absent_is_fine(removed).map_err(|error| self.failure(rel, "remove", error))
    }

    /// Removes a folder of the engine's own with all it holds; absent is fine.
    pub(crate) fn remove_tree(&self, rel: &str) -> Result<()> {
        let removed = self.place(rel).and_then(|place| {
            place.folder.remove_dir_all(place.name)?;
            system::sync_folder(&place.folder)
        });
        absent_is_fine(removed).map_err(|error| self.failure(rel, "remove the folder", error))
    }

    /// The temporary files that a killed write left in a folder, by name. Only under the lock are they leftovers.
    pub(crate) fn leftovers(&self, rel: &str) -> Result<Vec<String>> {
        if !self.is_dir(rel) {
            return Ok(Vec::new());
        }
        let names = self.list(rel)?.into_iter().filter(|entry| entry.kind == EntryKind::File);
        Ok(names.filter_map(|entry| entry.name).filter(|name| is_temp(name)).collect())
    }

    /// The same in a folder and at most `depth - 1` levels of folders below it, as paths below the root.
    pub(crate) fn leftovers_below(&self, rel: &str, depth: usize) -> Vec<String> {
        let is_left = |path: &String| is_temp(path.rsplit('/').next().unwrap_or_default());
        self.walk(rel, depth).into_iter().filter(is_left).map(|path| format!("{rel}/{path}")).collect()
    }

    /// How files of a folder are swapped: `exchange` (atomic) or `link` (a backup link, a check, a rename).
    pub(crate) fn swap_support(&self, rel: &str) -> Result<&'static str> {
        let tried = self.root.open_dir(rel).and_then(|folder| {
            let place = Place { folder, name: "" };
            let one = place.write_temp(b"", None)?;
            let other = place.write_temp(b"", None);
            let swapped = other.and_then(|other| {
                let swapped = system::exchange(&place.folder, &one, &other);
                place.discard(&other);
                swapped
            });
            place.discard(&one);
            swapped
        });
        match tried {
            Ok(true) => Ok("exchange"),
            Ok(false) => Ok("link"),
            Err(error) => Err(self.failure(rel, "try a swap in", error)),
        }
    }

    fn place<'a>(&self, rel: &'a str) -> io::Result<Place<'a>> {
        let name = rel.rsplit('/').next().unwrap_or_default();
        if matches!(name, "" | "." | "..") {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "the path names no file"));
        }
        let folder = match parent(rel) {
            "" => self.root.try_clone()?,
            parent => self.root.open_dir(parent)?,
        };
        Ok(Place { folder, name })
    }

    fn failure(&self, rel: &str, doing: &str, error: io::Error) -> Error {
        failure(&self.path.join(rel), doing, error)
    }
}

impl Place<'_> {
    /// Writes a new temporary file beside, durably; its mode and owner are those of `like`.
    fn write_temp(&self, bytes: &[u8], like: Option<&system::Stat>) -> io::Result<String> {
        let mut tries = 0;
        let (name, file) = loop {
            let name = temp_name();
            match system::create_new(&self.folder, &name) {
                Ok(file) => break (name, file),
                // A process of the same number died here before.
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists && tries < 1000 => tries += 1,
                Err(error) => return Err(error),
            }
        };
        let written = system::fill(file, bytes, like);
        self.or_discard(&name, written)?;
        Ok(name)
    }

    /// Passes a result on; where it is an error, the temporary file goes.
    fn or_discard<T>(&self, temp: &str, result: io::Result<T>) -> io::Result<T> {
        if result.is_err() {
            self.discard(temp);
        }
        result
    }

    /// Removes a temporary file. One that cannot be removed stays for the next command to find.
    fn discard(&self, temp: &str) {
        self.folder.remove_file(temp).unwrap_or_default();
    }

    /// Returns the id of the bytes of a regular file in this folder.
    fn id(&self, name: &str) -> Option<ObjectId> {
        match read::read_in(&self.folder, name, name, LARGEST) {
            Found::Bytes(bytes) => Some(ObjectId::of(&bytes)),
            Found::Absent | Found::Blocked(_) => None,
        }
    }
}

/// Returns a path without `.`, `..` and links, as far as the system can; else just absolute.
pub(crate) fn resolved(path: &Path) -> PathBuf {
    // Windows would answer in its verbatim form, which few programs take.
    let real = if cfg!(windows) { std::path::absolute(path) } else { std::fs::canonicalize(path) };
    real.or_else(|_| std::path::absolute(path)).unwrap_or_else(|_| path.to_owned())
}

/// Tells whether `.idse/projects` is a folder in a folder.
pub(crate) fn holds_workspace(path: &Path) -> bool {
    path.join(".idse").join("projects").is_dir()
}

/// Makes a folder anywhere, with its ancestors; for the root of a new workspace.
#[expect(clippy::disallowed_methods, reason = "the disk belongs to this module")]
pub(crate) fn create_root(path: &Path) -> Result<()> {
    std::fs::create_dir_all(path).map_err(|error| failure(path, "make the folder", error))
}

/// Reads a file of the user's own, outside any workspace; links are followed.
pub(crate) fn read_user_file(path: &Path, limit: u64) -> Result<Option<Vec<u8>>> {
    match read::read_following(path, limit) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            Ok(None)
        }
        Err(error) => Err(failure(path, "read", error)),
    }
}

/// Tells whether nobody but its owner may read a file of the user.
pub(crate) fn is_private(path: &Path) -> bool {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        std::fs::metadata(path).is_ok_and(|metadata| metadata.permissions().mode() & 0o077 == 0)
    }
    // Elsewhere the folders of a user are closed to others by themselves.
    #[cfg(not(unix))]
    path.exists()
}

fn absent_is_fine(result: io::Result<()>) -> io::Result<()> {
    match result {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

fn failure(path: &Path, doing: &str, error: io::Error) -> Error {
    let hint = match error.kind() {
        io::ErrorKind::NotFound => return missing(path, doing, error),
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            "Free some space and try again; nothing was lost."
        }
        io::ErrorKind::ReadOnlyFilesystem => "The file system is mounted read-only.",
        io::ErrorKind::PermissionDenied => {
            "Check the owner and the permissions of the file and of its folder."
        }
        _ => return Error::io(path, doing, error),
    };
    Error::io(path, doing, error).with_hint(hint)
}

fn missing(path: &Path, doing: &str, error: io::Error) -> Error {
    Error::new(ErrorKind::Io, format!("cannot {doing} {}: there is no such file or folder", path.display()))
        .with("path", path.display().to_string())
        .with_source(error)
}

fn parent(rel: &str) -> &str {
    rel.rsplit_once('/').map_or("", |(parent, _)| parent)
}

fn temp_name() -> String {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    format!(".idse-{}-{}.tmp", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed))
}

fn is_temp(name: &str) -> bool {
    name.starts_with(".idse-") && name.ends_with(".tmp")
}
