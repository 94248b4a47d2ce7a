//! The layers of the configuration: which files and variables there are, in the order in which they win.
//!
//! What the keys mean is decided in `values`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use super::Origin;
use super::service::{self, Secrets};
use crate::context::Context;
use crate::error::{Error, ErrorKind, Result};
use crate::fs::{self, Dir, Found};
use crate::name::ProjectName;

/// The file at the root of a workspace that a project commits.
pub(super) const WORKSPACE_FILE: &str = ".idseconfig.json";
const SHARED_FILE: &str = ".idse/config.json";
pub(super) const ENV_FILE: &str = ".env";
/// No configuration is that long.
const LIMIT: u64 = 1 << 20;
/// The variables that are read, from the process and from `.env`.
const VARIABLES: [&str; 4] = ["IDSE_REMOTE", "IDSE_AGENCY_URL", "SUPABASE_URL", "IDSE_AGENT"];
/// Who is working is a matter of the process, not of a file.
const ONLY_OF_PROCESS: &str = "IDSE_AGENT";

/// A configuration file.
pub(super) struct Layer {
    pub(super) origin: Origin,
    pub(super) values: Map<String, Value>,
}

/// Everything that configures the engine, the strongest file first.
pub(super) struct Layers {
    pub(super) files: Vec<Layer>,
    pub(super) variables: BTreeMap<&'static str, (String, Origin)>,
    pub(super) secrets: Secrets,
    pub(super) warnings: Vec<String>,
}

impl Layers {
    pub(super) fn read(root: &Path, project: Option<&ProjectName>, context: &Context) -> Result<Self> {
        let mut names = vec![WORKSPACE_FILE.to_owned(), SHARED_FILE.to_owned()];
        if let Some(project) = project {
            names.insert(0, format!(".idse/projects/{project}/.idse/config.json"));
        }
        // A workspace that is still to be made says nothing.
        let dir = Dir::open_if_there(root)?;
        let mut files = Vec::new();
        for name in names {
            let Some(dir) = &dir else { break };
            if let Some(bytes) = read_workspace_file(dir, &name)? {
                let values = parse(&bytes, &name)?;
                refuse_secrets(&values, &name)?;
                files.push(Layer { origin: Origin::File(name), values });
            }
        }
        for path in user_files(context) {
            // A home folder that is a workspace has one file in both roles.
            if path == root.join(WORKSPACE_FILE) {
                continue;
            }
            if let Some(bytes) = fs::read_user_file(&path, LIMIT)? {
                let name = path.display().to_string();
                files.push(Layer { values: parse(&bytes, &name)?, origin: Origin::File(name) });
            }
        }
        let mut layers =
            Self { files, variables: BTreeMap::new(), secrets: Secrets::default(), warnings: Vec::new() };
        layers.read_variables(dir.as_ref(), context)?;
        Ok(layers)
    }

    #[cfg(any(test, fuzzing))]
    pub(super) fn of(bytes: &[u8], name: &str) -> Result<Self> {
        let origin = Origin::File(name.to_owned());
        let values = parse(bytes, name)?;
        if origin.is_workspace() {
            refuse_secrets(&values, name)?;
        }
        Ok(Self {
            files: vec![Layer { origin, values }],
            variables: BTreeMap::new(),
            secrets: Secrets::default(),
            warnings: Vec::new(),
        })
    }

    fn read_variables(&mut self, dir: Option<&Dir>, context: &Context) -> Result<()> {
        let found = dir.map_or(Ok(Found::Absent), |dir| dir.read(ENV_FILE, LIMIT))?;
        let bytes = match found {
            Found::Absent => Vec::new(),
            Found::Bytes(bytes) => bytes,
            // Other programs link this file; no verb of ours depends on it.
            Found::Blocked(blocked) => {
                self.warnings.push(format!("{}; it is ignored", blocked.message));
                Vec::new()
            }
        };
        for line in String::from_utf8_lossy(&bytes).lines() {
            match variable(line) {
                Ok(None) => {}
                Ok(Some((name, value))) if VARIABLES.contains(&name) => {
                    self.variables.insert(name, (value, Origin::File(ENV_FILE.to_owned())));
                }
                Ok(Some((name, value))) => self.secrets.insert(name, &value),
                Err(name) => {
                    self.warnings.push(format!("{ENV_FILE}: `{name}` cannot be read and is ignored"));
                }
            }
        }
        for name in VARIABLES {
            if let Some(value) = context.env.get(name) {
                self.variables.insert(name, (value.to_owned(), Origin::Env(name.to_owned())));
            }
        }
        Ok(())
    }
}

fn read_workspace_file(dir: &Dir, name: &str) -> Result<Option<Vec<u8>>> {
    dir.read_own(name, LIMIT).map_err(|error| match error.kind() {
        ErrorKind::InvalidWorkspace => {
            Error::new(ErrorKind::InvalidConfig, error.message()).with("path", name).with_source(error)
        }
        _ => error,
    })
}

/// Reads a line of `.env` if it sets a variable of ours; the error names the variable, never its value.
///
/// Lines of other variables are not looked at: they hold the secrets of others. A `$` would bring in the process
/// environment, and with it perhaps a secret, so such a line is refused.
fn variable(line: &str) -> Result<Option<(&'static str, String)>, &'static str> {
    let bare = line.trim_start_matches('\u{feff}').trim_start();
    let bare = bare.strip_prefix("export ").map_or(bare, str::trim_start);
    let ours = VARIABLES.into_iter().chain(service::KEYS).chain([service::TOKEN]);
    let name = ours
        .filter(|name| *name != ONLY_OF_PROCESS)
        .find(|name| bare.strip_prefix(name).is_some_and(|rest| rest.trim_start().starts_with('=')));
    let Some(name) = name else { return Ok(None) };
    if line.contains('$') {
        return Err(name);
    }
    match dotenvy::from_read_iter(bare.as_bytes()).next() {
        Some(Ok((_, value))) => Ok((!value.is_empty()).then_some((name, value))),
        Some(Err(_)) | None => Err(name),
    }
}

/// Returns the folder of the user's own configuration.
pub(super) fn config_folder(context: &Context) -> Option<PathBuf> {
    let config = context.env.path("XDG_CONFIG_HOME").filter(|path| path.is_absolute());
    config.or_else(|| Some(home(context)?.join(".config")))
}

fn home(context: &Context) -> Option<PathBuf> {
    context.env.home().filter(|path| path.is_absolute())
}

fn user_files(context: &Context) -> Vec<PathBuf> {
    let files = [
        home(context).map(|home| home.join(WORKSPACE_FILE)),
        config_folder(context).map(|dir| dir.join("idse").join("config.json")),
    ];
    files.into_iter().flatten().collect()
}

fn parse(bytes: &[u8], name: &str) -> Result<Map<String, Value>> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let invalid = |message: String| Error::new(ErrorKind::InvalidConfig, message).with("path", name);
    match serde_json::from_slice(bytes) {
        Ok(Value::Object(values)) => Ok(values),
        Ok(_) => Err(invalid(format!("{name} is not a JSON object")).with_hint("The file begins with `{`.")),
        Err(error) => {
            let (line, column) = (error.line(), error.column());
            // The parser's own words end in the place; it is said once.
            let what = error.to_string();
            let what = what.split(" at line ").next().unwrap_or_default().to_owned();
            Err(invalid(format!("{name} is not valid JSON: {what}, line {line}, column {column}"))
                .with("line", line.to_string())
                .with("column", column.to_string()))
        }
    }
}

/// Refuses a file of the repository that holds what only its owner may know; the value is never repeated.
fn refuse_secrets(values: &Map<String, Value>, name: &str) -> Result<()> {
    for (key, value) in values {
        if is_secret(key, value) {
            let message =
                format!("{name}: `{key}` holds a secret, and this file is shared with the repository");
            return Err(Error::new(ErrorKind::InvalidConfig, message)
                .with_reason("secret")
                .with_hint(format!(
                    "Take it out of {name}, replace the key at its provider, and pass it by the environment."
                ))
                .with("path", name)
                .with("key", key.as_str()));
        }
        if let Value::Object(inner) = value {
            refuse_secrets(inner, name)?;
        }
    }
    Ok(())
}

fn is_secret(key: &str, value: &Value) -> bool {
    let key = key.to_ascii_lowercase();
    let text = |value: &Value| value.as_str().is_some_and(|text| !text.is_empty());
    let named = key.contains("service_role") || key == "supabase_key" || key == "supabase_secret_key";
    // What every Supabase secret key and every JSON Web Token begins with; a key can stand inside of an address too.
    let looks = |value: &Value| {
        value
            .as_str()
            .is_some_and(|text| text.contains("sb_secret_") || (text.starts_with("eyJ") && text.len() > 20))
    };
    (named && text(value)) || looks(value) || value.as_array().is_some_and(|items| items.iter().any(looks))
}
