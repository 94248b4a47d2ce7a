//! Addresses: which agency is meant, and whether whoever named it may name it.

use std::path::{Component, Path, PathBuf};

use super::{Origin, Service, Setting, Settings};
use crate::context::Context;
use crate::error::{Error, ErrorKind, Result};
use crate::fs::{Dir, EntryKind};
use crate::remote::{
    Credentials, GatewayRemote, Remote, RemoteInfo, SqliteRemote, SupabaseOptions, SupabaseRemote,
};
use crate::trust;

const SCHEME: &str = "sqlite:";
const HINT: &str = "Name a gateway or a database file: `--remote https://HOST/sync`, `--remote sqlite:PATH`.";

/// An agency's address, understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RemoteAddress {
    /// An embedded agency in a database file (absolute path).
    Sqlite(PathBuf),
    /// A Supabase project, or a PostgREST that has its table.
    Supabase(Service),
    /// A gateway: ours, or one of those before it.
    Gateway(Service),
}

impl RemoteAddress {
    /// Says what the remote is without opening it.
    pub fn info(&self) -> RemoteInfo {
        match self {
            Self::Sqlite(path) => SqliteRemote::info_of(path),
            Self::Supabase(service) => SupabaseRemote::info_of(service.url()),
            Self::Gateway(service) => GatewayRemote::info_of(service.url()),
        }
    }

    /// Opens the remote. A service is not asked anything yet.
    ///
    /// # Errors
    /// `Unauthorized` where a service is not trusted (`untrusted`) or there is no key for it (`no_key`);
    /// and what opening a database file reports.
    pub fn open(&self, context: &Context) -> Result<Box<dyn Remote>> {
        match self {
            Self::Sqlite(path) => Ok(Box::new(SqliteRemote::open(path, context)?)),
            Self::Supabase(service) => open_supabase(service, context),
            Self::Gateway(service) => open_gateway(service, context),
        }
    }
}

/// A gateway may let everybody in, as one on this machine does: without a token it is asked without one.
fn open_gateway(service: &Service, context: &Context) -> Result<Box<dyn Remote>> {
    let token = service.grant(false, context)?.token;
    Ok(Box::new(GatewayRemote::new(service.url(), token, &service.limits, &context.env)?))
}

fn open_supabase(service: &Service, context: &Context) -> Result<Box<dyn Remote>> {
    let granted = service.grant(true, context)?;
    if granted.key.is_none() && granted.token.is_none() && !trust::is_loopback(service.url()) {
        return Err(Error::new(ErrorKind::Unauthorized, format!("there is no key for {}", service.url()))
            .with_reason("no_key")
            .with_hint(
                "Set SUPABASE_ANON_KEY or SUPABASE_PUBLISHABLE_KEY in the environment; one in .env counts only for a SUPABASE_URL in the same file.",
            )
            .with("origin", service.url()));
    }
    let options = SupabaseOptions { limits: service.limits.clone(), env: context.env.clone() };
    let credentials = Credentials::new(granted.key, granted.token);
    Ok(Box::new(SupabaseRemote::new(service.url(), credentials, &options)?))
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
        Some(named) if named.value.trim() == "supabase" => match &settings.supabase {
            Some(supabase) => Ok(service(settings, supabase, true)?),
            None => Err(unusable(&named, "no Supabase project is configured")
                .with_hint("Set SUPABASE_URL, or `supabase_url` in .idseconfig.json.")),
        },
        Some(named) if is_service(&named.value) => {
            let is_supabase = settings.supabase.as_ref() == Some(&named) || looks_like_supabase(&named.value);
            service(settings, &named, is_supabase)
        }
        Some(named) => {
            let value = RemoteAddress::Sqlite(database(&named, &settings.root, context)?);
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

fn service(
    settings: &Settings,
    named: &Setting<String>,
    is_supabase: bool,
) -> Result<Setting<RemoteAddress>> {
    let url = without_secrets(named.value.trim()).trim_end_matches('/').to_owned();
    if trust::origin(&url).is_err() {
        return Err(unusable(named, "it is neither https nor on this machine")
            .with_hint("Give an address like https://agency.example/sync."));
    }
    // In a file they may be an old habit and are left out; who types them means them, and they go nowhere.
    if matches!(named.origin, Origin::Flag(_)) && without_secrets(named.value.trim()) != named.value.trim() {
        return Err(unusable(named, "it carries a user, a query or a fragment")
            .with_hint("Give the bare address; a token belongs into IDSE_TOKEN."));
    }
    let service = Service {
        url,
        origin: named.origin.clone(),
        limits: settings.limits.clone(),
        of_file: settings.secrets.clone(),
    };
    let value = if is_supabase { RemoteAddress::Supabase(service) } else { RemoteAddress::Gateway(service) };
    Ok(Setting { value, origin: named.origin.clone() })
}

fn is_service(address: &str) -> bool {
    let address = address.trim().to_ascii_lowercase();
    ["http://", "https://"].iter().any(|scheme| address.starts_with(scheme))
}

/// Tells an address of Supabase, or of a PostgREST behind the same path, from the one of a gateway.
fn looks_like_supabase(address: &str) -> bool {
    let address = without_secrets(address.trim());
    let host = trust::origin(&address).unwrap_or_default();
    [".supabase.co", ".supabase.in", ".supabase.red"].iter().any(|end| host.ends_with(end))
        || address.trim_end_matches('/').ends_with("/rest/v1")
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
