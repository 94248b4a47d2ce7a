//! The embedded agency: a SQLite file with the columns of the `projects` table, and every session of a project.
//!
//! What a push may write is decided in the neighbouring `decide`; here it is read, written and waited for.

mod failure;
mod file;
mod rows;

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rusqlite::{Connection, TransactionBehavior};

use self::failure::{Failure, locked};
use self::file::FileId;
use crate::context::Context;
use crate::error::{ErrorKind, Result};
use crate::name::ProjectId;
use crate::remote::decide::{Before, decide};
use crate::remote::{
    Fetched, Guard, Health, ProjectFilter, ProjectSummary, PushOutcome, PushRequest, Remote, RemoteInfo,
    RemoteKey, Revision, Sessions, Target,
};

/// How long to wait for other processes where the context sets no deadline.
const PATIENCE: Duration = Duration::from_secs(10);

/// The embedded agency: one SQLite file, used by any number of processes at once.
///
/// Nothing is created before the first push that creates a project. The file must lie on a local disk: SQLite's
/// write-ahead log needs memory that all its users share.
///
/// ```
/// use idse_core::Context;
/// use idse_core::remote::{ProjectFilter, Remote, SqliteRemote};
///
/// let agency = SqliteRemote::open("/nowhere/agency.db".as_ref(), &Context::default())?;
/// assert!(agency.projects(&ProjectFilter::All, &Context::default())?.is_empty());
/// # Ok::<(), idse_core::Error>(())
/// ```
pub struct SqliteRemote {
    path: PathBuf,
    info: RemoteInfo,
    open: Mutex<Option<Open>>,
}

struct Open {
    connection: Connection,
    file: FileId,
}

impl SqliteRemote {
    /// Opens the agency in a file. A file that is not there is created by the first push, not before.
    ///
    /// # Errors
    /// `Protocol` where the file is no agency or of a newer format, `Io` where it cannot be read, `Locked`, `Cancelled`.
    pub fn open(path: &Path, context: &Context) -> Result<Self> {
        let remote = Self { path: file::canonical(path), info: Self::info_of(path), open: Mutex::new(None) };
        remote.read(context, |_| Ok(()))?;
        Ok(remote)
    }

    /// Says what the agency in a file is, without opening it.
    pub fn info_of(path: &Path) -> RemoteInfo {
        let path = file::canonical(path);
        // Bytes that are not UTF-8 are escaped, so that two files never share a key.
        let shown = path.to_str().map_or_else(|| format!("{path:?}"), str::to_owned);
        RemoteInfo {
            key: RemoteKey::of(&format!("sqlite:{shown}")),
            address: format!("sqlite:{shown}"),
            guard: Guard::RowVersion,
            sessions: Sessions::Many,
        }
    }

    /// Runs `attempt` with the connection until nobody is in the way; the file stays as it is where there is none.
    fn read<T>(
        &self,
        context: &Context,
        mut attempt: impl FnMut(&Connection) -> Result<T, Failure>,
    ) -> Result<Option<T>> {
        self.patiently(context, |open| {
            if open.is_none() {
                *open = file::open(&self.path)?.and_then(|connection| self.remember(connection));
            }
            open.as_ref().map(|open| attempt(&open.connection)).transpose()
        })
    }

    /// Runs `attempt` in a write transaction until nobody is in the way, and commits what it returns as `true`.
    fn write<T>(
        &self,
        context: &Context,
        create: bool,
        mut attempt: impl FnMut(&Connection) -> Result<(T, bool), Failure>,
    ) -> Result<Option<T>> {
        self.patiently(context, |open| {
            if open.is_none() {
                let connection =
                    if create { Some(file::create(&self.path)?) } else { file::open(&self.path)? };
                *open = connection.and_then(|connection| self.remember(connection));
            }
            let Some(open) = open else { return Ok(None) };
            let transaction = open.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let (answer, keep) = attempt(&transaction)?;
            context.check()?;
            if keep {
                transaction.commit().map_err(Failure::Commit)?;
            }
            Ok(Some(answer))
        })
    }

    fn remember(&self, connection: Connection) -> Option<Open> {
        FileId::of(&self.path).map(|file| Open { connection, file })
    }

    fn patiently<T>(
        &self,
        context: &Context,
        mut attempt: impl FnMut(&mut Option<Open>) -> Result<T, Failure>,
    ) -> Result<T> {
        let give_up = context.clock.monotonic().saturating_add(context.deadline.unwrap_or(PATIENCE));
        let mut pause = Duration::from_millis(1);
        loop {
            context.check()?;
            match attempt(&mut self.current()) {
                Ok(value) => return Ok(value),
                Err(failure) if !failure.is_busy() => return Err(failure.into_error(&self.path)),
                Err(_) if context.clock.monotonic() >= give_up => return Err(locked(&self.path)),
                Err(_) => {
                    // Writers that wait in step would meet again: each waits its own time, at most 25 ms.
                    let share = u32::from(context.clock.unique().as_bytes()[15]);
                    context.clock.sleep(pause / 2 + pause * share / 512);
                    pause = (pause * 2).min(Duration::from_millis(25));
                }
            }
        }
    }

    /// Returns the open connection, unless the file below it was deleted or replaced: what is written to such a
    /// file is lost.
    fn current(&self) -> MutexGuard<'_, Option<Open>> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if open.as_ref().is_some_and(|open| FileId::of(&self.path) != Some(open.file)) {
            *open = None;
        }
        open
    }
}

impl Remote for SqliteRemote {
    fn info(&self) -> RemoteInfo {
        self.info.clone()
    }

    fn fetch(&self, target: &Target, since: Option<&Revision>, context: &Context) -> Result<Fetched> {
        let fetched = self.read(context, |connection| rows::fetch(connection, target, since))?;
        Ok(fetched.unwrap_or(Fetched::Missing { project_exists: false }))
    }

    fn push(&self, request: &PushRequest, context: &Context) -> Result<PushOutcome> {
        let outcome = self.write(context, request.create.is_some(), |connection| {
            let decision = decide(request, &rows::before(connection, request)?)?;
            let outcome = rows::write(connection, request, decision, context.timestamp())?;
            let written = matches!(outcome, PushOutcome::Written { .. });
            Ok((outcome, written))
        })?;
        match outcome {
            Some(outcome) => Ok(outcome),
            None => decide(request, &Before::NoProject).map(|_| PushOutcome::Missing),
        }
    }

    fn projects(&self, filter: &ProjectFilter, context: &Context) -> Result<Vec<ProjectSummary>> {
        Ok(self.read(context, |connection| rows::projects(connection, filter))?.unwrap_or_default())
    }

    fn created_at(&self, project_id: ProjectId, context: &Context) -> Result<Option<String>> {
        Ok(self.read(context, |connection| rows::created_at(connection, project_id))?.flatten())
    }

    fn health(&self, context: &Context) -> Result<Health> {
        match self.read(context, rows::count) {
            Ok(Some(projects)) => Ok(Health {
                healthy: true,
                message: format!(
                    "{} holds {projects} project{}",
                    self.info.address,
                    if projects == 1 { "" } else { "s" }
                ),
            }),
            Ok(None) => Ok(Health {
                healthy: true,
                message: format!("{} is not there yet; the first push creates it", self.info.address),
            }),
            Err(error) if error.kind() == ErrorKind::Cancelled => Err(error),
            Err(error) => Ok(Health { healthy: false, message: error.to_string() }),
        }
    }
}

impl fmt::Debug for SqliteRemote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteRemote").field("path", &self.path).finish_non_exhaustive()
    }
}
