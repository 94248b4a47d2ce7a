//! The few files of the gateway that are not the store's: secrets, tokens, displaced texts.

#![expect(clippy::disallowed_methods, reason = "the gateway's own files are no files of a workspace")]

use std::fs::{self, File, OpenOptions};
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use idse_core::{Error, ErrorKind, Result};

/// Reads a small file that must be text.
pub(crate) fn read_text(path: &Path, limit: u64) -> Result<String> {
    let mut text = String::new();
    let read = File::open(path).and_then(|file| file.take(limit + 1).read_to_string(&mut text));
    match read {
        Ok(read) if read as u64 > limit => {
            Err(Error::new(ErrorKind::Io, format!("{} is longer than {limit} bytes", path.display())))
        }
        Ok(_) => Ok(text),
        Err(error) => Err(failed(path, "read", error)),
    }
}

/// Tells whether others than the owner may read a file.
#[cfg(feature = "server")]
pub(crate) fn is_readable_by_others(path: &Path) -> bool {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        fs::metadata(path).is_ok_and(|metadata| metadata.permissions().mode() & 0o077 != 0)
    }
    #[cfg(not(unix))]
    {
        _ = path;
        false
    }
}

/// Writes new files for their owner alone, durably: after a crash each is there as a whole or not at all. One that is
/// there stays. The folder is waited for once, whatever their number.
pub(crate) fn write_new(folder: &Path, files: Vec<(String, Vec<u8>)>) -> Result<()> {
    if files.is_empty() {
        return Ok(());
    }
    for (name, bytes) in files {
        write_one(folder, &name, &bytes)?;
    }
    sync_folder(folder).map_err(|error| failed(folder, "write to", error))
}

fn write_one(folder: &Path, name: &str, bytes: &[u8]) -> Result<()> {
    let path = folder.join(name);
    if path.exists() {
        return Ok(());
    }
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder).map_err(|error| failed(folder, "create the folder", error))?;
    // Two processes that keep the same entry write the same bytes; each under a name of its own.
    static WRITES: AtomicU64 = AtomicU64::new(0);
    let number = WRITES.fetch_add(1, Ordering::Relaxed);
    let temporary = folder.join(format!(".{name}.{}.{number}", std::process::id()));
    let write = || -> std::io::Result<()> {
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(&temporary)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&temporary, &path)
    };
    write().map_err(|error| {
        drop(fs::remove_file(&temporary));
        failed(&path, "write", error)
    })
}

#[cfg(unix)]
fn sync_folder(folder: &Path) -> std::io::Result<()> {
    File::open(folder)?.sync_all()
}

#[cfg(not(unix))]
fn sync_folder(_folder: &Path) -> std::io::Result<()> {
    Ok(())
}

/// Lists the files of a folder whose names end as given, sorted; none where the folder is not there.
pub(crate) fn files(folder: &Path, suffix: &str) -> Result<Vec<PathBuf>> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(failed(folder, "list", error)),
    };
    let mut found = Vec::new();
    for entry in entries {
        let entry = entry.map_err(|error| failed(folder, "list", error))?;
        let name = entry.file_name();
        if name.to_str().is_some_and(|name| name.ends_with(suffix) && !name.starts_with('.')) {
            found.push(entry.path());
        }
    }
    found.sort();
    Ok(found)
}

fn failed(path: &Path, doing: &str, source: std::io::Error) -> Error {
    Error::new(ErrorKind::Io, format!("cannot {doing} {}: {source}", path.display()))
        .with("path", path.display().to_string())
        .with_source(source)
}
