//! Displaced texts in a table of the agency file itself, beside the rows that they were taken from.

use std::path::{Path, PathBuf};
use std::time::Duration;

use idse_core::{Error, ErrorKind, Result};
use rusqlite::{Connection, OpenFlags, OptionalExtension as _, Row, TransactionBehavior};

use super::{Displaced, Entry};

const COLUMNS: &str = "id, at, project_id, project, session_id, column_name, text, op, subject";
/// The table, and what keeps it append-only also for who opens the file by hand.
const SCHEMA: &str = "
CREATE TABLE IF NOT EXISTS displaced (
  id TEXT NOT NULL PRIMARY KEY,
  at TEXT NOT NULL,
  project_id TEXT NOT NULL,
  project TEXT NOT NULL,
  session_id TEXT NOT NULL,
  column_name TEXT NOT NULL,
  text TEXT NOT NULL,
  op TEXT NOT NULL,
  subject TEXT NOT NULL
);
CREATE TRIGGER IF NOT EXISTS displaced_is_kept BEFORE DELETE ON displaced
BEGIN SELECT RAISE(ABORT, 'displaced texts are kept'); END;
CREATE TRIGGER IF NOT EXISTS displaced_stays BEFORE UPDATE ON displaced
BEGIN SELECT RAISE(ABORT, 'displaced texts stay as they are'); END;
";

/// The table `displaced` of an agency file.
#[derive(Debug)]
pub(crate) struct Table {
    path: PathBuf,
}

impl Table {
    pub(crate) fn new(path: PathBuf) -> Self {
        Self { path }
    }

    /// Opens the file anew each time: it may have been replaced since. `None` where there is none.
    fn open(&self) -> Result<Option<Connection>> {
        if !self.path.exists() {
            return Ok(None);
        }
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let open = || -> rusqlite::Result<Connection> {
            let connection = Connection::open_with_flags(&self.path, flags)?;
            connection.busy_timeout(Duration::from_secs(10))?;
            connection.pragma_update(None, "synchronous", "FULL")?;
            connection.pragma_update(None, "trusted_schema", false)?;
            Ok(connection)
        };
        open().map(Some).map_err(|error| failed(&self.path, error))
    }

    fn read<T>(&self, nothing: T, read: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T> {
        let Some(connection) = self.open()? else { return Ok(nothing) };
        let has_table = "SELECT 1 FROM sqlite_schema WHERE name = 'displaced' AND type = 'table'";
        let found = connection.query_row(has_table, [], |_| Ok(())).optional();
        match found {
            Ok(None) => Ok(nothing),
            Ok(Some(())) => read(&connection).map_err(|error| failed(&self.path, error)),
            Err(error) => Err(failed(&self.path, error)),
        }
    }
}

impl Displaced for Table {
    fn keep(&self, entries: &[Entry]) -> Result<()> {
        let Some(mut connection) = self.open()? else {
            return Err(Error::new(
                ErrorKind::Io,
                format!("the agency file {} is gone", self.path.display()),
            ));
        };
        let mut write = || -> rusqlite::Result<()> {
            let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            transaction.execute_batch(SCHEMA)?;
            for e in entries {
                transaction.execute(
                    &format!(
                        "INSERT OR IGNORE INTO displaced ({COLUMNS}) VALUES (?1,?2,?3,?4,?5,?6,?7,?8,?9)"
                    ),
                    (
                        &e.id,
                        &e.at,
                        &e.project_id,
                        &e.project,
                        &e.session,
                        &e.column,
                        &e.text,
                        &e.op,
                        &e.subject,
                    ),
                )?;
            }
            transaction.commit()
        };
        write().map_err(|error| failed(&self.path, error))
    }

    fn list(&self, project: Option<&str>) -> Result<Vec<Entry>> {
        self.read(Vec::new(), |connection| {
            let condition = "?1 IS NULL OR project_id = ?1 OR project = ?1";
            let sql = format!("SELECT {COLUMNS} FROM displaced WHERE {condition} ORDER BY rowid");
            connection.prepare(&sql)?.query_map([project], entry)?.collect()
        })
    }

    fn find(&self, id: &str) -> Result<Option<Entry>> {
        self.read(None, |connection| {
            let sql = format!("SELECT {COLUMNS} FROM displaced WHERE id = ?1");
            connection.query_row(&sql, [id], entry).optional()
        })
    }
}

fn entry(row: &Row<'_>) -> rusqlite::Result<Entry> {
    Ok(Entry {
        id: row.get(0)?,
        at: row.get(1)?,
        project_id: row.get(2)?,
        project: row.get(3)?,
        session: row.get(4)?,
        column: row.get(5)?,
        text: row.get(6)?,
        op: row.get(7)?,
        subject: row.get(8)?,
    })
}

fn failed(path: &Path, error: rusqlite::Error) -> Error {
    let kind = match error.sqlite_error_code() {
        Some(rusqlite::ErrorCode::DatabaseBusy | rusqlite::ErrorCode::DatabaseLocked) => ErrorKind::Locked,
        Some(rusqlite::ErrorCode::NotADatabase | rusqlite::ErrorCode::DatabaseCorrupt) => ErrorKind::Protocol,
        _ => ErrorKind::Io,
    };
    Error::new(kind, format!("cannot keep displaced texts in {}: {error}", path.display()))
        .with_hint("Look at the disk that holds the agency file.")
        .with("path", path.display().to_string())
        .with_source(error)
}
