//! Addresses: which agency is meant, and whether whoever named it may name it.

use std::path::{Component, Path, PathBuf};

use super::gateway::GatewayAddress;
use super::{Origin, Setting, Settings};
use crate::context::Context;
use crate::error::{Error, ErrorKind, Result};
use crate::fs::{Dir, EntryKind};
use crate::remote::{Guard, Remote, RemoteInfo, RemoteKey, Sessions, SqliteRemote};

const SCHEME: &str = "sqlite:";
const HINT: &str = "Name a gateway or a database file: `--remote https://HOST/sync`, `--remote sqlite:PATH`.";

/// An agency's address, understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RemoteAddress {
    /// An embedded agency in a database file (absolute path).
    Sqlite(PathBuf),
    /// A gateway on the network.
    Gateway(Box<GatewayAddress>),
    /// Another service on the network. Local verbs know it by its address; this version cannot
    /// open it.
    Service(String),
}

impl RemoteAddress {
    /// Says what the remote is without opening it.
    pub fn info(&self) -> RemoteInfo {
        match self {
            Self::Sqlite(path) => SqliteRemote::info_of(path),
            Self::Gateway(gateway) => gateway.info(),
            Self::Service(url) => RemoteInfo {
                key: RemoteKey::of(url),
                address: url.clone(),
                guard: Guard::None,
                sessions: Sessions::One,
            },
        }
    }

    /// Opens the remote.
    ///
    /// # Errors
    /// What opening a database file reports; for a gateway `Unauthorized` (`untrusted`) where only a file of the
    /// workspace names it, and `InvalidArgument` (`origin`); `InvalidConfig` (`remote_unsupported`) for another service.
    pub fn open(&self, context: &Context) -> Result<Box<dyn Remote>> {
        match self {
            Self::Sqlite(path) => Ok(Box::new(SqliteRemote::open(path, context)?)),
            Self::Gateway(gateway) => Ok(Box::new(gateway.open(context)?)),
            Self::Service(url) => Err(Error::new(
                ErrorKind::InvalidConfig,
                format!("this version of idse cannot speak to {url}"),
            )
            .with_reason("remote_unsupported")
            .with_hint(format!("It speaks to embedded agencies and to gateways. {HINT}"))
            .with("remote", url.as_str())),
        }
    }
}

pub(super) fn decide(
    settings: &Settings,
    flag: Option<&str>,
    context: &Context,
) -> Result<Setting<RemoteAddress>> {
    let named = match flag {
        Some(text) => Some(Setting { value: text.to_owned(), origin: Origin::Flag("--remote".to_owned()) }),
        None => settings.remote.clone(),
    };
    match named {
        Some(named) => {
            let value = match service(&named.value) {
                Some(url) if is_gateway(&url, &named.origin) => {
                    RemoteAddress::Gateway(Box::new(GatewayAddress::new(&named, settings)))
                }
                Some(url) => RemoteAddress::Service(url),
                None => RemoteAddress::Sqlite(database(&named, &settings.root, context)?),
            };
            Ok(Setting { value, origin: named.origin })
        }
        None => {
            let path = data_folder(context).ok_or_else(|| {
                let message = "no agency is configured and there is no home folder for the embedded one";
                Error::new(ErrorKind::InvalidConfig, message).with_reason("remote").with_hint(HINT)
            })?;
            let path = path.join("idse").join("agency.db");
            Ok(Setting { value: RemoteAddress::Sqlite(path), origin: Origin::Default })
        }
    }
}

fn database(named: &Setting<String>, root: &Path, context: &Context) -> Result<PathBuf> {
    let text = named.value.trim();
    let Some(path) = text.strip_prefix(SCHEME) else {
        return Err(unusable(named, "an address begins with `sqlite:` or `https://`"));
    };
    if path.is_empty() || path.chars().any(char::is_control) {
        return Err(unusable(named, "it names no file"));
    }
    if named.origin.is_workspace() {
        check_inside(named, path, root)?;
    }
    let path = match path.strip_prefix("~/") {
        Some(rest) => {
            let home =
                context.env.home().ok_or_else(|| unusable(named, "there is no home folder for `~`"))?;
            home.join(rest)
        }
        None => root.join(path),
    };
    // Joined to an absolute root it is absolute; a relative root starts at the current folder.
    std::path::absolute(&path).map_err(|error| Error::io(&path, "resolve", error))
}

/// A repository may come from a stranger: it names no file outside of itself.
fn check_inside(named: &Setting<String>, path: &str, root: &Path) -> Result<()> {
    let inside = || -> Result<bool> {
        let plain = |part| matches!(part, Component::Normal(_) | Component::CurDir);
        if path.starts_with('~') || !Path::new(path).components().all(plain) {
            return Ok(false);
        }
        let dir = Dir::open(root)?;
        let parts: Vec<_> = path.split(['/', '\\']).filter(|part| !matches!(*part, "" | ".")).collect();
        let mut folder = String::new();
        for part in parts {
            let entries = dir.list(&folder_or_root(&folder))?;
            // A link could lead anywhere, today or tomorrow.
            if entries.iter().any(|entry| entry.shown == part && entry.kind == EntryKind::Symlink) {
                return Ok(false);
            }
            folder = if folder.is_empty() { part.to_owned() } else { format!("{folder}/{part}") };
        }
        Ok(!folder.is_empty())
    };
    if inside()? {
        return Ok(());
    }
    let message = format!("{} names a database outside of the workspace: {}", named.origin, named.value);
    Err(Error::new(ErrorKind::InvalidConfig, message)
        .with_reason("untrusted")
        .with_hint("If you want to use it, name it yourself: `--remote sqlite:PATH` or IDSE_REMOTE.")
        .with("origin", named.origin.to_string()))
}

fn folder_or_root(folder: &str) -> String {
    if folder.is_empty() { ".".to_owned() } else { folder.to_owned() }
}

/// Every address on the network is a gateway's, but for those of Supabase.
fn is_gateway(url: &str, origin: &Origin) -> bool {
    let host = crate::trust::origin(url).unwrap_or_default();
    let is_hosted = [".supabase.co", ".supabase.in"].iter().any(|end| host.ends_with(end));
    url != "supabase" && !is_hosted && *origin != Origin::Env("SUPABASE_URL".to_owned())
}

/// Returns the address of a service, without secrets and in one spelling.
fn service(address: &str) -> Option<String> {
    let text = address.trim();
    let is_service =
        text == "supabase" || ["http://", "https://"].iter().any(|scheme| text.starts_with(scheme));
    is_service.then(|| without_secrets(text).trim_end_matches('/').to_owned())
}

fn unusable(named: &Setting<String>, why: &str) -> Error {
    let kind = match named.origin {
        Origin::Flag(_) => ErrorKind::InvalidArgument,
        _ => ErrorKind::InvalidConfig,
    };
    let shown = without_secrets(&named.value);
    Error::new(kind, format!("{shown:?} of {} is no address of an agency: {why}", named.origin))
        .with_reason("remote")
        .with_hint(HINT)
        .with("origin", named.origin.to_string())
}

/// Returns an address without what may be secret in a URL: user, query and fragment.
pub(super) fn without_secrets(address: &str) -> String {
    let Some((scheme, rest)) = address.split_once("://") else { return address.to_owned() };
    let rest = rest.split(['?', '#']).next().unwrap_or_default();
    let (host, path) = rest.split_once('/').map_or((rest, None), |(host, path)| (host, Some(path)));
    let host = host.rsplit('@').next().unwrap_or_default();
    path.map_or_else(|| format!("{scheme}://{host}"), |path| format!("{scheme}://{host}/{path}"))
}

fn data_folder(context: &Context) -> Option<PathBuf> {
    let named = context.env.path("XDG_DATA_HOME").filter(|path| path.is_absolute());
    let system = || if cfg!(windows) { context.env.path("LOCALAPPDATA") } else { None };
    named.or_else(system).or_else(|| Some(context.env.home()?.join(".local").join("share")))
}
