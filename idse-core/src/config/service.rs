//! Services: agencies on the network, and which secret may go to which of them.
//!
//! A secret belongs to where it came from. One of the process goes to an address of the process or to a trusted
//! origin; one of `.env` only to the address in the same `.env`; one of the user's file to the origin it is kept for.

use serde::Deserialize;
use std::collections::BTreeMap;

use super::{Limits, Origin, file};
use crate::context::Context;
use crate::error::{Error, ErrorKind, Result};
use crate::fs;
use crate::remote::http::Secret;
use crate::trust;

/// The variables that hold a key of a Supabase project, the one that wins first.
pub(super) const KEYS: [&str; 7] = [
    "IDSE_SUPABASE_KEY",
    "SUPABASE_PUBLISHABLE_KEY",
    "SUPABASE_ANON_KEY",
    "SUPABASE_SECRET_KEY",
    "SUPABASE_SERVICE_ROLE_KEY",
    "SUPABASE_SERVICE_KEY",
    "SUPABASE_KEY",
];
/// The variable that holds the token of the user who works.
pub(super) const TOKEN: &str = "IDSE_TOKEN";
/// The file of the user that holds secrets by origin.
const FILE: &str = "idse/credentials.json";
const LIMIT: u64 = 1 << 20;

/// The secrets of one place.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Secrets {
    values: BTreeMap<&'static str, Secret>,
}

impl Secrets {
    pub(super) fn insert(&mut self, name: &'static str, value: &str) {
        if !value.trim().is_empty() {
            self.values.insert(name, Secret::new(value));
        }
    }

    /// Returns the key. With a token a weak key is enough, and preferred; without one the strongest is meant.
    fn key(&self) -> Option<&Secret> {
        let own = self.values.get(KEYS[0]);
        let mut others: Vec<_> = KEYS[1..].iter().filter_map(|name| self.values.get(name)).collect();
        if !self.values.contains_key(TOKEN) {
            others.sort_by_key(|key| !crate::remote::KeyKind::of(key).sees_everything());
        }
        own.or(others.first().copied())
    }

    fn token(&self) -> Option<&Secret> {
        self.values.get(TOKEN)
    }
}

/// What a service is asked with.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Granted {
    /// The key of a Supabase project.
    pub(crate) key: Option<Secret>,
    /// The token of the user.
    pub(crate) token: Option<Secret>,
}

/// A service on the network, as it is configured.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Service {
    /// Its address, without secrets.
    pub(crate) url: String,
    /// Who named it.
    pub(crate) origin: Origin,
    pub(crate) limits: Limits,
    /// What the `.env` of the workspace holds.
    pub(super) of_file: Secrets,
}

impl Service {
    /// Returns the address, without secrets.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Returns the secrets that may go to this service. Nothing is sent to it before this says yes.
    ///
    /// # Errors
    /// `Unauthorized` (`untrusted`) where a file of the workspace named the service, or the secrets are not bound
    /// to it, and the user has not said to trust it; `InvalidConfig` (`secret`) where the user's file of secrets can
    /// be read by others.
    pub(crate) fn grant(&self, needs_key: bool, context: &Context) -> Result<Granted> {
        let named_by = self.origin.to_string();
        if self.origin.is_workspace() {
            trust::require(&self.url, &named_by, context)?;
        }
        let of_process = of_process(context);
        let wanted = if needs_key { of_process.key() } else { None };
        // A command line is typed by agents and scripts too: it alone does not send a secret to a new place.
        if (wanted.is_some() || of_process.token().is_some()) && !matches!(self.origin, Origin::Env(_)) {
            let is_same = named_by_process(context)
                .is_some_and(|origin| trust::origin(&self.url).is_ok_and(|own| own == origin));
            if !is_same {
                trust::require(&self.url, &named_by, context)?;
            }
        }
        let of_file = match &self.origin {
            Origin::File(name) if name == file::ENV_FILE => self.of_file.clone(),
            _ => Secrets::default(),
        };
        let of_user = of_user(&self.url, context)?;
        let places = [&of_process, &of_file, &of_user];
        Ok(Granted {
            key: places.iter().find_map(|secrets| secrets.key()).filter(|_| needs_key).cloned(),
            token: places.iter().find_map(|secrets| secrets.token()).cloned(),
        })
    }
}

fn of_process(context: &Context) -> Secrets {
    let mut secrets = Secrets::default();
    for name in KEYS.into_iter().chain([TOKEN]) {
        if let Some(value) = context.env.get(name) {
            secrets.insert(name, value);
        }
    }
    secrets
}

/// Returns the origin that the process environment names for Supabase.
fn named_by_process(context: &Context) -> Option<String> {
    trust::origin(context.env.get("SUPABASE_URL")?).ok()
}

#[derive(Deserialize)]
struct Entry {
    key: Option<String>,
    token: Option<String>,
}

/// Reads the user's own file: `{"https://<ref>.supabase.co": {"key": "…", "token": "…"}}`, mode 0600.
fn of_user(url: &str, context: &Context) -> Result<Secrets> {
    let mut secrets = Secrets::default();
    let Some(folder) = file::config_folder(context) else { return Ok(secrets) };
    let path = folder.join(FILE);
    let refuse = |why: &str, hint: &str| {
        Error::new(ErrorKind::InvalidConfig, format!("{} cannot be used: {why}", path.display()))
            .with_reason("secret")
            .with_hint(hint)
            .with("path", path.display().to_string())
    };
    let Some(bytes) = fs::read_user_file(&path, LIMIT)? else { return Ok(secrets) };
    if !fs::is_private(&path) {
        return Err(refuse(
            "others may read it",
            "Run `chmod 600` on it, and replace the keys that others may have read.",
        ));
    }
    // The parser's own words would repeat what it read.
    let entries: BTreeMap<String, Entry> = serde_json::from_slice(&bytes).map_err(|_| {
        refuse(
            "it is not JSON of the right form",
            "Its form is {\"https://<ref>.supabase.co\": {\"key\": \"…\", \"token\": \"…\"}}.",
        )
    })?;
    let own = trust::origin(url)?;
    for (address, entry) in &entries {
        if trust::origin(address).is_ok_and(|origin| origin == own) {
            secrets.insert(KEYS[0], entry.key.as_deref().unwrap_or_default());
            secrets.insert(TOKEN, entry.token.as_deref().unwrap_or_default());
        }
    }
    Ok(secrets)
}
