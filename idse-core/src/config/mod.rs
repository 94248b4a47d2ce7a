//! Settings: the files and variables that configure the engine, and where each value came from.
//!
//! A value is checked here once; what it means is decided by those who use it (`rules`, `sync`, `remote`).

mod address;
mod file;
mod service;
#[cfg(test)]
mod tests;
mod values;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

pub use address::RemoteAddress;
use service::Secrets;
pub use service::Service;

use crate::context::Context;
use crate::diagnostic::Severity;
use crate::error::Result;
use crate::name::{ProjectId, ProjectName};
use crate::stage::Stage;

/// Where a value came from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", content = "name", rename_all = "snake_case")]
pub enum Origin {
    /// An option of the call.
    Flag(String),
    /// An environment variable.
    Env(String),
    /// A file, relative to the workspace where it lies inside.
    File(String),
    /// Nothing says otherwise.
    Default,
}

/// A value and where it came from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Setting<T> {
    /// The value.
    pub value: T,
    /// Where it came from.
    pub origin: Origin,
}

/// When a push refuses a stage that has findings.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Gate {
    /// A stage that is marked complete must have no errors.
    #[default]
    Complete,
    /// Every stage must have no errors and no warnings.
    Strict,
    /// Nothing is refused.
    Off,
}

/// What the rules look at in this project.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ValidateSettings {
    /// If not empty, only these rules (code, prefix of a code, or name).
    pub select: Vec<String>,
    /// Not these rules.
    pub ignore: Vec<String>,
    /// Severities by rule code or name; `None` is off.
    pub severity: BTreeMap<String, Option<Severity>>,
    /// Required sections that the project adds, by stage: each a list of accepted headings.
    pub sections: BTreeMap<Stage, Vec<Vec<String>>>,
    /// When a push refuses.
    pub gate: Gate,
    /// Where the rule settings came from, for findings about them.
    pub path: String,
}

impl Default for ValidateSettings {
    fn default() -> Self {
        Self {
            select: Vec::new(),
            ignore: Vec::new(),
            severity: BTreeMap::new(),
            sections: BTreeMap::new(),
            gate: Gate::default(),
            path: file::WORKSPACE_FILE.to_owned(),
        }
    }
}

/// Limits and times.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Limits {
    /// An artifact, in bytes.
    pub artifact_bytes: u64,
    /// A request body as encoded, in bytes.
    pub request_bytes: u64,
    /// A decoded answer, in bytes.
    pub response_bytes: u64,
    /// To connect, in seconds.
    pub connect_seconds: u64,
    /// A whole request, in seconds.
    pub request_seconds: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            artifact_bytes: 4 << 20,
            request_bytes: 16 << 20,
            response_bytes: 32 << 20,
            connect_seconds: 5,
            request_seconds: 60,
        }
    }
}

/// Everything that configures the engine, for one workspace and project.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// The folder that holds `.idse`: relative addresses start there.
    pub root: PathBuf,
    /// The address of the agency as it is configured, where it is.
    pub remote: Option<Setting<String>>,
    /// The address of a Supabase project as it is configured, where it is; also `remote`, unless something stronger
    /// names another agency.
    pub supabase: Option<Setting<String>>,
    /// `project_id` of the workspace or project configuration.
    pub project_id: Option<Setting<ProjectId>>,
    /// Who is working: `IDSE_AGENT`.
    pub agent: Option<Setting<String>>,
    /// Validation.
    pub validate: ValidateSettings,
    /// Limits.
    pub limits: Limits,
    /// Write `_idse.op` into `state_json`, so that a lost reply can be settled.
    pub marker: bool,
    /// Every value that is set, for `doctor`: key, shown value (never a secret), origin.
    pub entries: Vec<(String, Setting<String>)>,
    /// Keys that are not known and values that were ignored, as sentences.
    pub warnings: Vec<String>,
    /// What `.env` holds for the address that it names.
    secrets: Secrets,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            root: PathBuf::new(),
            remote: None,
            supabase: None,
            project_id: None,
            agent: None,
            validate: ValidateSettings::default(),
            limits: Limits::default(),
            marker: true,
            entries: Vec::new(),
            warnings: Vec::new(),
            secrets: Secrets::default(),
        }
    }
}

impl Settings {
    /// Reads the settings that are in force for a project of a workspace.
    ///
    /// # Errors
    /// `InvalidConfig` names the file and the key.
    pub fn load(root: &Path, project: Option<&ProjectName>, context: &Context) -> Result<Self> {
        let layers = file::Layers::read(root, project, context)?;
        let mut settings = Self { root: root.to_owned(), ..Self::default() };
        values::apply(&layers, &mut settings)?;
        Ok(settings)
    }

    /// Reads one file as the only one, as if it lay where `name` says.
    #[cfg(any(test, fuzzing))]
    pub(crate) fn parse(bytes: &[u8], name: &str) -> Result<Self> {
        let layers = file::Layers::of(bytes, name)?;
        let mut settings = Self::default();
        values::apply(&layers, &mut settings)?;
        Ok(settings)
    }

    /// Decides which agency to use: `flag` > `IDSE_REMOTE` > `mcp_endpoint`/`agency_url` > Supabase settings > the embedded one.
    ///
    /// # Errors
    /// `InvalidConfig` where the configured one cannot be used; never falls back silently.
    pub fn remote_address(&self, flag: Option<&str>, context: &Context) -> Result<Setting<RemoteAddress>> {
        address::decide(self, flag, context)
    }
}

impl std::fmt::Display for Origin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Flag(name) => write!(f, "the option {name}"),
            Self::Env(name) => write!(f, "the environment variable {name}"),
            Self::File(name) => f.write_str(name),
            Self::Default => f.write_str("the default"),
        }
    }
}

impl Origin {
    /// Tells whether the value came with the workspace: whoever wrote the repository wrote the value.
    pub fn is_workspace(&self) -> bool {
        matches!(self, Self::File(name) if !Path::new(name).is_absolute())
    }
}
