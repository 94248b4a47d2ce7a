//! Texts that the user hands over: standard input and files outside of any workspace.

use std::io::{self, Read};
use std::path::Path;

use idse_core::config::Limits;
use idse_core::{Error, ErrorKind, Result};

/// Reads standard input as a text of at most the size of an artifact.
pub(crate) fn stdin(limits: &Limits) -> Result<String> {
    read(io::stdin().lock(), "standard input", limits)
}

/// Reads a file that the user names; `-` is standard input.
#[expect(clippy::disallowed_methods, reason = "a file of the user's own choice, which may lie anywhere")]
pub(crate) fn file(path: &Path, limits: &Limits) -> Result<String> {
    if path == Path::new("-") {
        return stdin(limits);
    }
    let shown = path.display().to_string();
    let file = std::fs::File::open(path).map_err(|error| unreadable(&shown, error))?;
    read(file, &shown, limits)
}

fn read(source: impl Read, name: &str, limits: &Limits) -> Result<String> {
    let mut bytes = Vec::new();
    source
        .take(limits.artifact_bytes + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| unreadable(name, error))?;
    if bytes.len() as u64 > limits.artifact_bytes {
        return Err(Error::new(
            ErrorKind::InvalidArgument,
            format!("{name} holds more than {} bytes", limits.artifact_bytes),
        )
        .with_reason("too_large"));
    }
    String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        Error::new(ErrorKind::InvalidArgument, format!("{name} is not UTF-8 at byte {at}"))
    })
}

fn unreadable(name: &str, error: io::Error) -> Error {
    let kind = if error.kind() == io::ErrorKind::NotFound { ErrorKind::NotFound } else { ErrorKind::Io };
    Error::new(kind, format!("cannot read {name}: {error}")).with("path", name).with_source(error)
}
