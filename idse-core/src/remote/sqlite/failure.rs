//! What SQLite's failures mean to the caller of a remote.

use std::path::Path;

use rusqlite::ErrorCode;

use crate::error::{Error, ErrorKind};

/// Why an attempt ended.
#[derive(Debug)]
pub(super) enum Failure {
    /// SQLite refused, and nothing was written.
    Sql(rusqlite::Error),
    /// SQLite failed while it committed.
    Commit(rusqlite::Error),
    /// The engine refused, and nothing was written.
    Engine(Error),
}

impl From<rusqlite::Error> for Failure {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sql(error)
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Engine(error)
    }
}

impl Failure {
    /// Tells whether another connection is in the way, so that the same attempt may succeed in a moment.
    ///
    /// A commit that meets a lock was not made: SQLite leaves the transaction open, and dropping it rolls back.
    pub(super) fn is_busy(&self) -> bool {
        match self {
            Self::Sql(error) | Self::Commit(error) => matches!(
                error.sqlite_error_code(),
                Some(
                    ErrorCode::DatabaseBusy
                        | ErrorCode::DatabaseLocked
                        | ErrorCode::FileLockingProtocolFailed
                )
            ),
            Self::Engine(_) => false,
        }
    }

    /// Returns the error for the caller.
    pub(super) fn into_error(self, path: &Path) -> Error {
        match self {
            Self::Engine(error) => error,
            // The frame that commits may have reached the disk, or may not: only a later read can tell.
            Self::Commit(error) => Error::new(
                ErrorKind::Unsettled,
                format!("{} failed while it stored the push: {error}", shown(path)),
            )
            .with_hint("Run any sync verb once the disk is well: it finds out whether the push was stored.")
            .with("path", path.display().to_string())
            .with_source(error),
            Self::Sql(error) => of_sql(error, path),
        }
    }
}

fn shown(path: &Path) -> String {
    format!("the agency file {}", path.display())
}

fn of_sql(error: rusqlite::Error, path: &Path) -> Error {
    let (kind, reason, hint) = match error.sqlite_error_code() {
        Some(ErrorCode::NotADatabase) => (
            ErrorKind::Protocol,
            "not_an_agency",
            "Name another file with `--remote sqlite:PATH`; this one is no SQLite database and was left alone.",
        ),
        Some(ErrorCode::DatabaseCorrupt) => (
            ErrorKind::Protocol,
            "corrupt",
            "Restore the file from a copy; `sqlite3 FILE .recover` saves what it can.",
        ),
        Some(ErrorCode::DiskFull) => {
            (ErrorKind::Io, "disk_full", "Free some space and run the command again.")
        }
        Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied | ErrorCode::CannotOpen) => (
            ErrorKind::Io,
            "no_access",
            "Make the file and its folder readable and writable for you, or name another with `--remote sqlite:PATH`.",
        ),
        Some(ErrorCode::TooBig) => (ErrorKind::InvalidArgument, "too_large", "Make the artifact smaller."),
        Some(ErrorCode::SystemIoFailure | ErrorCode::OutOfMemory | ErrorCode::NoLargeFileSupport) => {
            (ErrorKind::Io, "", "Look at the disk that holds the file, then run the command again.")
        }
        _ => (ErrorKind::Protocol, "", "The file does not have the tables of an agency; name another one."),
    };
    Error::new(kind, format!("cannot use {}: {error}", shown(path)))
        .with_reason(reason)
        .with_hint(hint)
        .with("path", path.display().to_string())
        .with_source(error)
}

/// Returns the error of waiting too long for other processes.
pub(super) fn locked(path: &Path) -> Error {
    Error::new(ErrorKind::Locked, format!("{} is held by another process", shown(path)))
        .with_hint("Run the command again in a moment.")
        .with("path", path.display().to_string())
}

/// Returns the error of a database that belongs to something else.
pub(super) fn foreign(path: &Path) -> Error {
    Error::new(ErrorKind::Protocol, format!("{} is a SQLite database of another program", shown(path)))
        .with_reason("not_an_agency")
        .with_hint("Name another file with `--remote sqlite:PATH`; this one was left alone.")
        .with("path", path.display().to_string())
}

/// Returns the error of a file that a newer version wrote.
pub(super) fn newer(path: &Path, found: i64, known: i64) -> Error {
    Error::new(
        ErrorKind::Protocol,
        format!("{} has format {found}, and this idse knows formats up to {known}", shown(path)),
    )
    .with_reason("newer_format")
    .with_hint("Install a newer idse; the file was left alone.")
    .with("path", path.display().to_string())
}

/// Returns the error of a value that is no text.
pub(super) fn not_text(column: &str) -> Error {
    Error::new(ErrorKind::Protocol, format!("the agency's {column} is not UTF-8 text"))
        .with_reason("not_text")
        .with_hint("Correct the value in the agency file.")
        .with("column", column)
}

#[cfg(test)]
mod tests {
    use rusqlite::ffi;

    use super::*;

    fn sql(code: i32) -> rusqlite::Error {
        rusqlite::Error::SqliteFailure(ffi::Error::new(code), None)
    }

    #[test]
    fn a_failure_of_the_commit_is_unsettled_and_of_a_statement_is_not() {
        for code in [ffi::SQLITE_IOERR_FSYNC, ffi::SQLITE_FULL, ffi::SQLITE_IOERR_WRITE] {
            let path = Path::new("agency.db");
            assert_eq!(Failure::Commit(sql(code)).into_error(path).kind(), ErrorKind::Unsettled);
            assert_eq!(Failure::Sql(sql(code)).into_error(path).kind(), ErrorKind::Io);
        }
        assert!(Failure::Commit(sql(ffi::SQLITE_BUSY)).is_busy());
        assert!(Failure::Sql(sql(ffi::SQLITE_BUSY_RECOVERY)).is_busy());
        assert!(!Failure::Sql(sql(ffi::SQLITE_FULL)).is_busy());
    }

    #[test]
    fn every_failure_says_what_to_do() {
        for code in [
            ffi::SQLITE_NOTADB,
            ffi::SQLITE_CORRUPT,
            ffi::SQLITE_FULL,
            ffi::SQLITE_READONLY,
            ffi::SQLITE_ERROR,
        ] {
            let error = Failure::Sql(sql(code)).into_error(Path::new("agency.db"));
            assert!(error.hint().is_some() && error.to_string().contains("agency.db"), "{error:?}");
        }
    }
}
