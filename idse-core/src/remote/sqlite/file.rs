//! The agency file: finding, creating and opening it, and what its tables look like.

use std::path::{Path, PathBuf};

use rusqlite::{Connection, OpenFlags, TransactionBehavior};

use super::failure::{Failure, foreign, newer};
use crate::error::Error;
use crate::stage::Stage;

/// Marks the file as an agency (`PRAGMA application_id`): "idse".
const APPLICATION_ID: i64 = 0x6964_7365;
/// The format of the tables (`PRAGMA user_version`).
const FORMAT: i64 = 1;

/// Which file a connection is open on, to notice that it was deleted or replaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct FileId(#[cfg(unix)] (u64, u64));

impl FileId {
    /// Returns the id of the file at a path; `None` where there is none.
    pub(super) fn of(path: &Path) -> Option<Self> {
        let metadata = std::fs::metadata(path).ok()?;
        #[cfg(unix)]
        {
            use std::os::unix::fs::MetadataExt as _;
            Some(Self((metadata.dev(), metadata.ino())))
        }
        #[cfg(not(unix))]
        {
            _ = metadata;
            Some(Self())
        }
    }
}

/// Returns the path with every existing part resolved, the same before and after the file is created.
pub(super) fn canonical(path: &Path) -> PathBuf {
    let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    for ancestor in path.ancestors() {
        if let (Ok(real), Ok(rest)) = (ancestor.canonicalize(), path.strip_prefix(ancestor)) {
            return if rest.as_os_str().is_empty() { real } else { real.join(rest) };
        }
    }
    path
}

/// Opens an agency file that exists; `None` where there is none, or only an empty file.
pub(super) fn open(path: &Path) -> Result<Option<Connection>, Failure> {
    if FileId::of(path).is_none() {
        return Ok(None);
    }
    let connection = connect(path)?;
    Ok(has_tables(&connection, path)?.then_some(connection))
}

/// Opens an agency file and creates what is not there: the folders, the file, the tables.
pub(super) fn create(path: &Path) -> Result<Connection, Failure> {
    create_file(path)?;
    let mut connection = connect(path)?;
    if !has_tables(&connection, path)? {
        // Readers go on while one writes, and a commit is one append. The mode stays with the file.
        connection.pragma_update_and_check(None, "journal_mode", "WAL", |_| Ok(()))?;
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        // Another process may have been first.
        if !has_tables(&transaction, path)? {
            transaction.execute_batch(&schema())?;
            transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
            transaction.pragma_update(None, "user_version", FORMAT)?;
        }
        transaction.commit()?;
    }
    Ok(connection)
}

fn connect(path: &Path) -> Result<Connection, Failure> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    // Waiting is the caller's: it polls for cancellation.
    connection.busy_timeout(std::time::Duration::ZERO)?;
    // A commit that was acknowledged survives a power cut.
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "foreign_keys", true)?;
    // The file may come from somebody else: its schema calls no functions with side effects.
    connection.pragma_update(None, "trusted_schema", false)?;
    Ok(connection)
}

/// Tells whether the agency's tables are there; an error where the database is something else.
fn has_tables(connection: &Connection, path: &Path) -> Result<bool, Failure> {
    let application: i64 = connection.pragma_query_value(None, "application_id", |row| row.get(0))?;
    let format: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    let tables: i64 = connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    match (application, format) {
        (APPLICATION_ID, FORMAT) => Ok(true),
        (APPLICATION_ID, found) if found > FORMAT => Err(newer(path, found, FORMAT).into()),
        (0, 0) if tables == 0 => Ok(false),
        _ => Err(foreign(path).into()),
    }
}

/// Creates the folders and the empty file, for its owner alone; SQLite gives its side files the same mode.
#[expect(
    clippy::disallowed_methods,
    reason = "the agency file is no file of the workspace: SQLite owns it, and opens it itself"
)]
fn create_file(path: &Path) -> Result<(), Failure> {
    if FileId::of(path).is_some() {
        return Ok(());
    }
    if let Some(folder) = path.parent() {
        let mut builder = std::fs::DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(folder).map_err(|error| Error::io(folder, "create the folder", error))?;
    }
    let mut options = std::fs::OpenOptions::new();
    options.append(true).create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    drop(options.open(path).map_err(|error| Error::io(path, "create", error))?);
    Ok(())
}

/// Returns the tables of format 1.
///
/// The triggers give a row that was changed by hand a new revision, so that the next guarded push sees it.
fn schema() -> String {
    let texts: String = Stage::ALL.map(|stage| format!("  {} TEXT,\n", stage.column())).concat();
    let now = "strftime('%Y-%m-%dT%H:%M:%fZ', 'now')";
    let bump = format!(
        "BEGIN
  UPDATE counter SET revision = revision + 1;
  UPDATE sessions SET revision = (SELECT revision FROM counter), updated_at = {now} WHERE rowid = NEW.rowid;
END"
    );
    format!(
        "CREATE TABLE projects (
  id TEXT NOT NULL PRIMARY KEY COLLATE NOCASE CHECK (length(id) = 36),
  name TEXT NOT NULL,
  stack TEXT,
  framework TEXT,
  constraints TEXT,
  created_at TEXT NOT NULL DEFAULT ({now}),
  updated_at TEXT NOT NULL DEFAULT ({now})
);
CREATE INDEX projects_by_name ON projects (name);
CREATE TABLE sessions (
  project_id TEXT NOT NULL COLLATE NOCASE REFERENCES projects (id) ON UPDATE CASCADE ON DELETE CASCADE,
  session_id TEXT NOT NULL,
{texts}  state_json TEXT,
  revision INTEGER NOT NULL DEFAULT 0,
  op TEXT NOT NULL DEFAULT '',
  created_at TEXT NOT NULL DEFAULT ({now}),
  updated_at TEXT NOT NULL DEFAULT ({now}),
  PRIMARY KEY (project_id, session_id)
);
CREATE TABLE counter (
  only_row INTEGER PRIMARY KEY CHECK (only_row = 1),
  revision INTEGER NOT NULL
);
INSERT INTO counter VALUES (1, 0);
CREATE TRIGGER sessions_changed_by_hand AFTER UPDATE ON sessions
WHEN NEW.revision = OLD.revision {bump};
CREATE TRIGGER sessions_added_by_hand AFTER INSERT ON sessions
WHEN NEW.revision = 0 {bump};
"
    )
}
