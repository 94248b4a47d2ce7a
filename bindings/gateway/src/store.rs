//! Stores: where the gateway's agency is, and through which connection a request reaches it.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use idse_core::remote::{
    Credentials, Remote, RemoteInfo, Secret, SqliteRemote, SupabaseOptions, SupabaseRemote,
};
use idse_core::{Context, Error, ErrorKind, Result};

use crate::caller::Caller;
use crate::displaced::{Displaced, Folder, Table};

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

/// Opens the agency of an address: `sqlite:PATH`, `supabase`, or nothing for the one that idse uses by itself.
///
/// `displaced` is the folder for displaced texts of a store that has no room for them.
///
/// # Errors
/// `InvalidConfig` for another address, or where `supabase` lacks its address or key; and what opening the agency
/// reports.
pub fn open(address: Option<&str>, displaced: Option<&Path>, context: &Context) -> Result<Box<dyn Store>> {
    let path = match address {
        Some("supabase") => return Ok(Box::new(SupabaseStore::open(displaced, context)?)),
        Some(address) => match address.strip_prefix("sqlite:").filter(|path| !path.is_empty()) {
            Some(path) => PathBuf::from(path),
            None => return Err(unusable("--store must be `sqlite:PATH` or `supabase`")),
        },
        None => data_folder(context).ok_or_else(no_home)?.join("agency.db"),
    };
    Ok(Box::new(SqliteStore::open(&path, context)?))
}

fn unusable(message: &str) -> Error {
    Error::new(ErrorKind::InvalidConfig, message)
        .with_reason("remote")
        .with_hint("Name a database file: `--store sqlite:/srv/idse/agency.db`.")
}

fn no_home() -> Error {
    unusable("there is no home folder for the data of idse")
}

/// Returns the folder that idse itself keeps data in where nothing is configured.
fn data_folder(context: &Context) -> Option<PathBuf> {
    let named = context.env.path("XDG_DATA_HOME").filter(|path| path.is_absolute());
    let system = || if cfg!(windows) { context.env.path("LOCALAPPDATA") } else { None };
    let data = named.or_else(system).or_else(|| Some(context.env.home()?.join(".local").join("share")))?;
    Some(data.join("idse"))
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

/// A Supabase project. A user's own token goes on to it, so that its row-level security decides.
pub struct SupabaseStore {
    own: Arc<SupabaseRemote>,
    users: SupabaseRemote,
    users_key: Secret,
    displaced: Folder,
}

impl SupabaseStore {
    /// Takes the address and the keys from the environment: `SUPABASE_URL`; `SUPABASE_SECRET_KEY` or
    /// `SUPABASE_SERVICE_ROLE_KEY` for callers without a token of their own; `SUPABASE_PUBLISHABLE_KEY` or
    /// `SUPABASE_ANON_KEY` beside the tokens of users.
    ///
    /// # Errors
    /// `InvalidConfig` where the address or every key is missing; `InvalidArgument` for an address that is neither
    /// https nor on this machine.
    pub fn open(displaced: Option<&Path>, context: &Context) -> Result<Self> {
        let missing = |what: &str| {
            Error::new(ErrorKind::InvalidConfig, format!("--store supabase needs {what} in the environment"))
                .with_reason("remote")
                .with_hint(
                    "Set SUPABASE_URL and SUPABASE_SECRET_KEY, as the project's API settings show them.",
                )
        };
        let first = |names: [&str; 2]| names.iter().find_map(|name| context.env.get(name)).map(Secret::new);
        let url = context.env.get("SUPABASE_URL").ok_or_else(|| missing("SUPABASE_URL"))?;
        let secret = first(["SUPABASE_SECRET_KEY", "SUPABASE_SERVICE_ROLE_KEY"]);
        let public = first(["SUPABASE_PUBLISHABLE_KEY", "SUPABASE_ANON_KEY"]);
        let own = secret.clone().or(public.clone()).ok_or_else(|| missing("a key"))?;
        let users_key = public.unwrap_or_else(|| own.clone());
        let options = SupabaseOptions { env: context.env.clone(), ..SupabaseOptions::default() };
        let own = SupabaseRemote::new(url, Credentials::key(own), &options)?;
        let users = SupabaseRemote::new(url, Credentials::key(users_key.clone()), &options)?;
        let folder = match displaced {
            Some(folder) => folder.to_owned(),
            None => data_folder(context).ok_or_else(no_home)?.join("displaced").join(own.info().key.as_str()),
        };
        Ok(Self { own: Arc::new(own), users, users_key, displaced: Folder::new(folder) })
    }
}

impl Store for SupabaseStore {
    fn info(&self) -> RemoteInfo {
        self.own.info()
    }

    fn remote(&self, caller: &Caller, _purpose: Purpose) -> Result<Arc<dyn Remote>> {
        Ok(match &caller.jwt {
            Some(jwt) => {
                let token = Secret::new(jwt.reveal());
                let credentials = Credentials::new(Some(self.users_key.clone()), Some(token));
                Arc::new(self.users.with_credentials(credentials))
            }
            None => self.own.clone(),
        })
    }

    fn displaced(&self) -> &dyn Displaced {
        &self.displaced
    }
}
