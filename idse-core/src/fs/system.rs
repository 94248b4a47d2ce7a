//! What differs between systems: opening without following, exchanging, renaming without replacing, syncing folders.

use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};

use cap_std::fs::{Dir as Folder, Metadata, OpenOptions};
#[cfg(unix)]
use cap_std::fs::{MetadataExt as _, OpenOptionsExt as _};

use super::EntryKind;

/// What the system knows of a file; equal before and after a read means that nobody wrote meanwhile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Stat {
    pub(super) kind: EntryKind,
    pub(super) size: u64,
    modified: Option<cap_std::time::SystemTime>,
    #[cfg(unix)]
    changed: (i64, i64),
    #[cfg(unix)]
    mode: u32,
    #[cfg(unix)]
    owner: (u32, u32),
}

impl Stat {
    fn of(metadata: &Metadata) -> Self {
        let kind = match metadata.file_type() {
            kind if kind.is_symlink() => EntryKind::Symlink,
            kind if kind.is_dir() => EntryKind::Folder,
            kind if kind.is_file() => EntryKind::File,
            _ => EntryKind::Other,
        };
        Self {
            kind,
            size: metadata.len(),
            modified: metadata.modified().ok(),
            #[cfg(unix)]
            changed: (metadata.ctime(), metadata.ctime_nsec()),
            #[cfg(unix)]
            mode: metadata.mode(),
            #[cfg(unix)]
            owner: (metadata.uid(), metadata.gid()),
        }
    }

    pub(super) fn is_file(&self) -> bool {
        self.kind == EntryKind::File
    }
}

/// Looks at a name without following it.
pub(super) fn stat(folder: &Folder, name: &str) -> io::Result<Option<Stat>> {
    match folder.symlink_metadata(name) {
        Ok(metadata) => Ok(Some(Stat::of(&metadata))),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

pub(super) fn stat_of(file: &File) -> io::Result<Stat> {
    Metadata::from_file(file).map(|metadata| Stat::of(&metadata))
}

/// Opens a name that was looked at just before, for reading: a FIFO or device that came since never waits, and a
/// link that came since is refused or, where the system cannot refuse it, stays inside.
pub(super) fn open_read(folder: &Folder, name: &str) -> io::Result<File> {
    open(folder, name, OpenOptions::new().read(true))
}

pub(super) fn open_append(folder: &Folder, name: &str) -> io::Result<File> {
    refuse_link(folder, name)?;
    open(folder, name, OpenOptions::new().read(true).append(true).create(true))
}

pub(super) fn open_lock(folder: &Folder, name: &str) -> io::Result<File> {
    refuse_link(folder, name)?;
    open(folder, name, OpenOptions::new().read(true).write(true).create(true))
}

fn refuse_link(folder: &Folder, name: &str) -> io::Result<()> {
    if stat(folder, name)?.is_some_and(|stat| stat.kind == EntryKind::Symlink) {
        Err(link_error())
    } else {
        Ok(())
    }
}

pub(super) fn create_new(folder: &Folder, name: &str) -> io::Result<File> {
    Ok(folder.open_with(name, OpenOptions::new().write(true).create_new(true))?.into_std())
}

/// Makes a new file that only its owner can read.
pub(super) fn create_private(folder: &Folder, name: &str) -> io::Result<File> {
    let mut options = OpenOptions::new();
    #[cfg(unix)]
    options.mode(0o600);
    Ok(folder.open_with(name, options.write(true).create_new(true))?.into_std())
}

fn open(folder: &Folder, name: &str, options: &mut OpenOptions) -> io::Result<File> {
    #[cfg(unix)]
    {
        use rustix::fs::OFlags;
        let flags = (OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC).bits();
        options.custom_flags(flags.cast_signed());
    }
    Ok(folder.open_with(name, options)?.into_std())
}

/// Writes bytes into a new file, durably; mode and owner become those of `like`.
pub(super) fn fill(mut file: File, bytes: &[u8], like: Option<&Stat>) -> io::Result<()> {
    if let Some(like) = like {
        adopt(&file, like)?;
    }
    file.write_all(bytes)?;
    file.sync_all()
}

#[cfg(unix)]
fn adopt(file: &File, like: &Stat) -> io::Result<()> {
    use rustix::fs::{Gid, Mode, Uid, fchmod, fchown};
    let own = stat_of(file)?;
    if own.owner != like.owner {
        // Only a superuser can give a file away; for everybody else it is theirs now, as with any editor.
        let (uid, gid) = like.owner;
        fchown(file, Some(Uid::from_raw(uid)), Some(Gid::from_raw(gid))).unwrap_or_default();
    }
    if own.mode != like.mode {
        fchmod(file, Mode::from_raw_mode((like.mode & 0o777) as rustix::fs::RawMode))?;
    }
    Ok(())
}

#[cfg(not(unix))]
fn adopt(_file: &File, _like: &Stat) -> io::Result<()> {
    Ok(())
}

/// Appends a line; a last line without its end is closed first, and a failed append is taken back.
pub(super) fn append_line(file: &mut File, line: &str) -> io::Result<()> {
    let length = file.seek(SeekFrom::End(0))?;
    let mut last = [b'\n'];
    if length > 0 {
        file.seek(SeekFrom::End(-1))?;
        file.read_exact(&mut last)?;
    }
    let opening = if last == [b'\n'] { "" } else { "\n" };
    let written = file.write_all(format!("{opening}{line}\n").as_bytes()).and_then(|()| file.sync_all());
    if written.is_err() {
        file.set_len(length).unwrap_or_default();
    }
    written
}

/// Makes the names of a folder durable.
#[cfg(unix)]
pub(super) fn sync_folder(folder: &Folder) -> io::Result<()> {
    use rustix::fs::{Mode, OFlags, fsync, openat};
    use rustix::io::Errno;
    // The handle of a folder may be one that cannot be synced (O_PATH).
    let handle = openat(folder, ".", OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())?;
    match fsync(handle) {
        // Some network file systems have no such thing.
        Ok(()) | Err(Errno::INVAL | Errno::NOTSUP) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// Elsewhere the file system journals names itself, and folders cannot be synced.
#[cfg(not(unix))]
pub(super) fn sync_folder(_folder: &Folder) -> io::Result<()> {
    Ok(())
}

#[cfg(unix)]
pub(super) fn make_private(root: &Folder, rel: &str, mode: u32) -> io::Result<()> {
    use cap_std::fs::{Permissions, PermissionsExt as _};
    if root.metadata(rel)?.mode() & 0o777 == mode {
        return Ok(());
    }
    root.set_permissions(rel, Permissions::from_mode(mode))
}

#[cfg(not(unix))]
pub(super) fn make_private(_root: &Folder, _rel: &str, _mode: u32) -> io::Result<()> {
    Ok(())
}

/// Exchanges two names atomically; `false` where the system or the file system cannot.
#[cfg(any(target_os = "linux", target_os = "android", target_vendor = "apple"))]
pub(super) fn exchange(folder: &Folder, one: &str, other: &str) -> io::Result<bool> {
    use rustix::fs::{RenameFlags, renameat_with};
    match renameat_with(folder, one, folder, other, RenameFlags::EXCHANGE) {
        Ok(()) => Ok(true),
        Err(error) if is_unsupported(error) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

#[cfg(not(any(target_os = "linux", target_os = "android", target_vendor = "apple")))]
pub(super) fn exchange(_folder: &Folder, _one: &str, _other: &str) -> io::Result<bool> {
    Ok(false)
}

#[cfg(any(target_os = "linux", target_os = "android", target_vendor = "apple"))]
fn is_unsupported(error: rustix::io::Errno) -> bool {
    use rustix::io::Errno;
    [Errno::INVAL, Errno::NOSYS, Errno::NOTSUP, Errno::OPNOTSUPP].contains(&error)
}

/// Renames, and never replaces: `false` where something is there.
pub(super) fn rename_new(from: &Folder, old: &str, to: &Folder, new: &str) -> io::Result<bool> {
    #[cfg(any(target_os = "linux", target_os = "android", target_vendor = "apple"))]
    {
        use rustix::fs::{RenameFlags, renameat_with};
        match renameat_with(from, old, to, new, RenameFlags::NOREPLACE) {
            Ok(()) => return Ok(true),
            Err(rustix::io::Errno::EXIST) => return Ok(false),
            Err(error) if is_unsupported(error) => {}
            Err(error) => return Err(error.into()),
        }
    }
    match from.hard_link(old, to, new) {
        Ok(()) => from.remove_file(old).map(|()| true),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::StorageFull) => {
            Err(error)
        }
        // No hard links here: what is left is to look first.
        Err(_) if stat(to, new)?.is_some() => Ok(false),
        Err(_) => from.rename(old, to, new).map(|()| true),
    }
}

/// Tells whether an error says that a path led out of the folder.
pub(super) fn is_escape(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::PermissionDenied && error.raw_os_error().is_none()
}

#[cfg(unix)]
fn link_error() -> io::Error {
    rustix::io::Errno::LOOP.into()
}

#[cfg(not(unix))]
fn link_error() -> io::Error {
    io::Error::other("it is a symbolic link")
}

/// Tells whether an error says that a link is in the way.
#[cfg(unix)]
pub(super) fn is_link_error(error: &io::Error) -> bool {
    rustix::io::Errno::from_io_error(error) == Some(rustix::io::Errno::LOOP)
}

#[cfg(not(unix))]
pub(super) fn is_link_error(error: &io::Error) -> bool {
    error.to_string() == link_error().to_string()
}

/// Tells whether an error says that a socket or a device without a driver was opened.
#[cfg(unix)]
pub(super) fn is_no_device(error: &io::Error) -> bool {
    rustix::io::Errno::from_io_error(error) == Some(rustix::io::Errno::NXIO)
}

#[cfg(not(unix))]
pub(super) fn is_no_device(_error: &io::Error) -> bool {
    false
}
