//! Stores: where the gateway's agency is, and through which connection a request reaches it.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use idse_core::remote::{Remote, RemoteInfo, SqliteRemote};
use idse_core::{Context, Error, ErrorKind, Result};

use crate::auth::Caller;
use crate::displaced::{Displaced, Table};

/// How many connections read from a SQLite file at a time.
const READERS: usize = 4;

/// What a request does with the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// It only reads.
    Read,
    /// It may write.
    Write,
    /// It asks whether the store is well, for nobody in particular.
    Probe,
}

/// An agency that the gateway stands before.
pub trait Store: Send + Sync {
    /// Says what the agency is, without asking it.
    fn info(&self) -> RemoteInfo;

    /// Returns the agency as this caller may see it.
    ///
    /// # Errors
    /// What opening it reports.
    fn remote(&self, caller: &Caller, purpose: Purpose) -> Result<Arc<dyn Remote>>;

    /// Returns where displaced texts are kept.
    fn displaced(&self) -> &dyn Displaced;
}

/// Opens the agency of an address: `sqlite:PATH`, or nothing for the one that idse uses by itself.
///
/// # Errors
/// `InvalidConfig` for another address; and what opening the agency reports.
pub fn open(address: Option<&str>, context: &Context) -> Result<Box<dyn Store>> {
    let path = match address.map(|address| address.strip_prefix("sqlite:").filter(|path| !path.is_empty())) {
        Some(Some(path)) => PathBuf::from(path),
        Some(None) => return Err(unusable("--store must be `sqlite:PATH`")),
        None => {
            embedded(context).ok_or_else(|| unusable("there is no home folder for the agency of idse"))?
        }
    };
    Ok(Box::new(SqliteStore::open(&path, context)?))
}

fn unusable(message: &str) -> Error {
    Error::new(ErrorKind::InvalidConfig, message)
        .with_reason("remote")
        .with_hint("Name a database file: `--store sqlite:/srv/idse/agency.db`.")
}

/// Returns the file that idse itself uses where nothing is configured.
fn embedded(context: &Context) -> Option<PathBuf> {
    let named = context.env.path("XDG_DATA_HOME").filter(|path| path.is_absolute());
    let system = || if cfg!(windows) { context.env.path("LOCALAPPDATA") } else { None };
    let data = named.or_else(system).or_else(|| Some(context.env.home()?.join(".local").join("share")))?;
    Some(data.join("idse").join("agency.db"))
}

/// A SQLite file. Reads never wait for writes, and the writes of this process take turns without waking in vain.
pub struct SqliteStore {
    info: RemoteInfo,
    readers: Vec<Arc<SqliteRemote>>,
    writer: Arc<SqliteRemote>,
    probe: Arc<SqliteRemote>,
    next: AtomicUsize,
    displaced: Table,
}

impl SqliteStore {
    /// Opens the agency in a file; one that is not there is created by the first push.
    ///
    /// # Errors
    /// `Protocol` where the file is no agency, `Io`, `Locked`.
    pub fn open(path: &Path, context: &Context) -> Result<Self> {
        let open = || SqliteRemote::open(path, context).map(Arc::new);
        Ok(Self {
            info: SqliteRemote::info_of(path),
            readers: (0..READERS).map(|_| open()).collect::<Result<_>>()?,
            writer: open()?,
            probe: open()?,
            next: AtomicUsize::new(0),
            displaced: Table::new(path.to_owned()),
        })
    }
}

impl Store for SqliteStore {
    fn info(&self) -> RemoteInfo {
        self.info.clone()
    }

    fn remote(&self, _caller: &Caller, purpose: Purpose) -> Result<Arc<dyn Remote>> {
        let next = self.next.fetch_add(1, Ordering::Relaxed);
        let reader = self.readers.get(next % READERS);
        Ok(match (purpose, reader) {
            (Purpose::Read, Some(reader)) => reader.clone(),
            (Purpose::Read | Purpose::Write, _) => self.writer.clone(),
            (Purpose::Probe, _) => self.probe.clone(),
        })
    }

    fn displaced(&self) -> &dyn Displaced {
        &self.displaced
    }
}
