//! Reading: whole files of a bounded size, seen in one state, never through a link, never waiting.

use std::io::{self, Read as _};
use std::path::Path;

use cap_std::fs::Dir as Folder;

use super::{Dir, Found, parent, system};
use crate::artifact::{Blocked, BlockedReason};
use crate::error::{Error, ErrorKind, Result};

/// How often a file is read again that changed while it was read.
const TRIES: u32 = 3;

impl Dir {
    /// Reads a file of at most `limit` bytes. Symlinks, FIFOs, devices, folders: `Blocked`.
    pub(crate) fn read(&self, rel: &str, limit: u64) -> Result<Found> {
        self.note_whole(rel);
        let found = self.read_now(rel, limit);
        if matches!(found, Ok(Found::Blocked(_)) | Err(_)) {
            self.note_trouble();
        }
        found
    }

    fn read_now(&self, rel: &str, limit: u64) -> Result<Found> {
        match self.place(rel) {
            Ok(place) => Ok(read_in(&place.folder, place.name, rel, limit)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Found::Absent),
            Err(error) if error.kind() == io::ErrorKind::InvalidInput => {
                Err(self.failure(rel, "read", error))
            }
            Err(error) => Ok(Found::Blocked(blocked_folder(parent(rel), &error))),
        }
    }

    /// Reads a file of the engine's own or of the existing tools; what blocks it is an error.
    pub(crate) fn read_own(&self, rel: &str, limit: u64) -> Result<Option<Vec<u8>>> {
        match self.read(rel, limit)? {
            Found::Absent => Ok(None),
            Found::Bytes(bytes) => Ok(Some(bytes)),
            Found::Blocked(blocked) => {
                Err(Error::new(ErrorKind::InvalidWorkspace, blocked.message).with("path", rel))
            }
        }
    }
}

/// Reads a name of an opened folder; `shown` is for messages.
pub(super) fn read_in(folder: &Folder, name: &str, shown: &str, limit: u64) -> Found {
    let looked = system::stat(folder, name).map_err(|error| unreadable(shown, &error));
    match looked.and_then(|stat| stat.map(|stat| check(&stat, shown, limit)).transpose()) {
        Err(blocked) => return Found::Blocked(blocked),
        Ok(None) => return Found::Absent,
        Ok(Some(())) => {}
    }
    for _ in 0..=TRIES {
        match read_once(folder, name, shown, limit) {
            Ok(Some(bytes)) => return Found::Bytes(bytes),
            Ok(None) => {}
            Err(Failure::Absent) => return Found::Absent,
            Err(Failure::Blocked(blocked)) => return Found::Blocked(blocked),
        }
    }
    let message = format!("{shown} keeps changing while it is read");
    Found::Blocked(Blocked::new(BlockedReason::Unreadable, message))
}

/// Reads a file anywhere, following links.
#[expect(clippy::disallowed_methods, reason = "the disk belongs to this module")]
pub(super) fn read_following(path: &Path, limit: u64) -> io::Result<Vec<u8>> {
    // Opening a FIFO would wait for its writer.
    if !std::fs::metadata(path)?.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is not a file"));
    }
    let mut bytes = Vec::new();
    std::fs::File::open(path)?.take(limit.saturating_add(1)).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > limit {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, format!("it is larger than {limit} bytes")));
    }
    Ok(bytes)
}

enum Failure {
    Absent,
    Blocked(Blocked),
}

impl From<Blocked> for Failure {
    fn from(blocked: Blocked) -> Self {
        Self::Blocked(blocked)
    }
}

/// Reads once; `None` where the file changed meanwhile.
fn read_once(folder: &Folder, name: &str, shown: &str, limit: u64) -> Result<Option<Vec<u8>>, Failure> {
    let refused = |error: io::Error| match error.kind() {
        io::ErrorKind::NotFound => Failure::Absent,
        _ if system::is_link_error(&error) => Failure::Blocked(link(shown)),
        _ if system::is_no_device(&error) => Failure::Blocked(no_file(shown)),
        _ => Failure::Blocked(unreadable(shown, &error)),
    };
    let mut file = system::open_read(folder, name).map_err(refused)?;
    let before = system::stat_of(&file).map_err(refused)?;
    check(&before, shown, limit)?;
    let mut bytes = Vec::with_capacity(usize::try_from(before.size).unwrap_or_default());
    (&mut file).take(limit.saturating_add(1)).read_to_end(&mut bytes).map_err(refused)?;
    let after = system::stat_of(&file).map_err(refused)?;
    check(&after, shown, limit)?;
    Ok((before == after && bytes.len() as u64 == after.size).then_some(bytes))
}

fn check(stat: &system::Stat, shown: &str, limit: u64) -> Result<(), Blocked> {
    match stat.kind {
        super::EntryKind::Symlink => Err(link(shown)),
        super::EntryKind::Folder | super::EntryKind::Other => Err(no_file(shown)),
        super::EntryKind::File if stat.size > limit => Err(Blocked::new(
            BlockedReason::TooLarge,
            format!("{shown} has {} bytes; the limit is {limit}", stat.size),
        )),
        super::EntryKind::File => Ok(()),
    }
}

fn link(shown: &str) -> Blocked {
    Blocked::new(BlockedReason::Symlink, format!("{shown} is a symbolic link, which is never followed"))
}

fn no_file(shown: &str) -> Blocked {
    Blocked::new(BlockedReason::NotAFile, format!("{shown} is not a regular file"))
}

fn unreadable(shown: &str, error: &io::Error) -> Blocked {
    Blocked::new(BlockedReason::Unreadable, format!("{shown} cannot be read: {error}"))
}

fn blocked_folder(folder: &str, error: &io::Error) -> Blocked {
    if system::is_escape(error) || system::is_link_error(error) {
        let message = format!("{folder} leads out of the workspace through a symbolic link");
        Blocked::new(BlockedReason::Symlink, message)
    } else if error.kind() == io::ErrorKind::NotADirectory {
        Blocked::new(BlockedReason::NotAFile, format!("{folder} is not a folder"))
    } else {
        unreadable(folder, error)
    }
}
