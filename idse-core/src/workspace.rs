//! The folder that holds `.idse`: projects, sessions, pointers, artifacts and state.

use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::config::Settings;
use crate::context::Context;
use crate::diagnostic::ValidationReport;
use crate::error::Result;
use crate::fs::{Dir, Lock};
use crate::name::{ProjectId, ProjectName, SessionId, SessionKey};
use crate::session::{Session, SessionSummary};
use crate::stage::{Stage, StageStatus};
use crate::state::SessionState;
use crate::text::ObjectId;

/// An opened workspace.
#[derive(Debug)]
pub struct Workspace {
    dir: Dir,
}

/// What was found under an allowed name, and what was skipped because its name is not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Listing<T> {
    /// In order of their names.
    pub found: Vec<T>,
    /// Names that are not allowed, each with the reason, as sentences.
    pub skipped: Vec<String>,
}

/// What to initialise.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InitRequest {
    /// The project.
    pub project: ProjectName,
    /// The first session; `session-<unix seconds>` where none is given.
    pub session: Option<SessionId>,
    /// What the project is built with.
    pub stack: Option<String>,
}

/// What was initialised.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct InitReport {
    /// The project.
    pub project: ProjectName,
    /// The session.
    pub session: SessionId,
    /// The files that were made, relative to the workspace.
    pub created: Vec<String>,
    /// Files that were there already and were left as they are.
    pub kept: Vec<String>,
}

/// What `set_stage` changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StageChange {
    /// The stage.
    pub stage: Stage,
    /// Before.
    pub before: StageStatus,
    /// After.
    pub after: StageStatus,
    /// Who worked on it last, afterwards.
    pub last_agent: Option<String>,
}

/// `metadata/project.json`, as far as the engine uses it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ProjectFile {
    /// `project_uuid`; else `project_id` of `P/.idse/config.json`.
    pub project_id: Option<ProjectId>,
    /// What the project is built with.
    pub stack: Option<String>,
    /// The framework.
    pub framework: Option<String>,
}

#[expect(unused_variables, reason = "signatures first")]
impl Workspace {
    pub(crate) fn create(root: &Path) -> Result<Self> {
        todo!()
    }
    pub(crate) fn pointer_is_missing(&self, project: &ProjectName) -> Result<bool> {
        todo!()
    }
    pub(crate) fn apply_baseline(&self, report: ValidationReport) -> Result<ValidationReport> {
        todo!()
    }
    pub(crate) fn load_state(&self, key: &SessionKey, context: &Context) -> Result<SessionState> {
        todo!()
    }
    /// Finds the workspace that `start` lies in: the nearest folder upwards with `.idse/projects`.
    pub fn discover(start: &Path) -> Result<Self> {
        todo!()
    }
    /// Opens the workspace at `root`.
    pub fn open(root: &Path) -> Result<Self> {
        todo!()
    }
    /// Makes a project with its first session in the workspace at `root`, and the workspace where there is none.
    pub fn init(root: &Path, request: &InitRequest, context: &Context) -> Result<(Self, InitReport)> {
        todo!()
    }
    /// Returns the folder that holds `.idse`.
    pub fn root(&self) -> &Path {
        self.dir.path()
    }
    pub(crate) fn dir(&self) -> &Dir {
        &self.dir
    }
    /// Takes the workspace lock (`.idse/sync/lock`), making `.idse/sync` (0700, with its `.gitignore`) where it is missing.
    pub(crate) fn lock(&self, context: &Context) -> Result<Lock> {
        todo!()
    }
    /// Lists the projects.
    pub fn projects(&self) -> Result<Listing<ProjectName>> {
        todo!()
    }
    /// Decides which project is meant: `selected`, else the one `start` is inside, else `CURRENT_PROJECT`, else the only one.
    pub fn project(&self, selected: Option<&str>, start: &Path) -> Result<ProjectName> {
        todo!()
    }
    /// Decides which session is meant: `selected`, else the current one.
    pub fn session(&self, project: &ProjectName, selected: Option<&str>) -> Result<SessionKey> {
        todo!()
    }
    /// Lists the sessions of a project, the newest first.
    pub fn sessions(&self, project: &ProjectName) -> Result<Listing<SessionSummary>> {
        todo!()
    }
    /// Returns the current session of a project, in either form of the pointer.
    pub fn current_session(&self, project: &ProjectName) -> Result<Option<SessionId>> {
        todo!()
    }
    /// Makes a session with its artifacts and makes it the current one.
    pub fn create_session(
        &self,
        key: &SessionKey,
        parent: Option<&SessionId>,
        context: &Context,
    ) -> Result<InitReport> {
        todo!()
    }
    /// Makes a session the current one.
    pub fn switch_session(&self, key: &SessionKey, context: &Context) -> Result<()> {
        todo!()
    }
    /// Makes the folders and metadata of a session without artifacts, for a clone; keeps what is there.
    pub(crate) fn make_session(&self, key: &SessionKey, context: &Context) -> Result<()> {
        todo!()
    }
    /// Loads a session.
    pub fn load(&self, key: &SessionKey, context: &Context) -> Result<Session> {
        todo!()
    }
    /// Returns the settings in force for a project.
    pub fn settings(&self, project: Option<&ProjectName>, context: &Context) -> Result<Settings> {
        Settings::load(self.root(), project, context)
    }
    /// Writes an artifact; with `expected`, only if its file holds exactly that (`Some(None)`: nothing).
    pub fn write(
        &self,
        key: &SessionKey,
        stage: Stage,
        text: &str,
        expected: Option<Option<ObjectId>>,
        context: &Context,
    ) -> Result<ObjectId> {
        todo!()
    }
    /// Sets the status of a stage, and who worked on it where `agent` says so.
    pub fn set_stage(
        &self,
        key: &SessionKey,
        stage: Stage,
        status: StageStatus,
        agent: Option<&str>,
        context: &Context,
    ) -> Result<StageChange> {
        todo!()
    }
    /// Writes the state of a session: the project's mirror first where the session is the current one, then the session's own file.
    pub(crate) fn save_state(&self, key: &SessionKey, state: &SessionState) -> Result<()> {
        todo!()
    }
    /// Reads `metadata/project.json` and `P/.idse/config.json`.
    pub fn project_file(&self, project: &ProjectName) -> Result<ProjectFile> {
        todo!()
    }
    /// Writes `project_uuid` and `last_synced` into `metadata/project.json`, keeping all else.
    pub(crate) fn save_project_id(
        &self,
        project: &ProjectName,
        id: ProjectId,
        last_synced: Option<&str>,
        context: &Context,
    ) -> Result<()> {
        todo!()
    }
    /// Validates a session from disk; `stages` empty means all.
    pub fn validate(
        &self,
        key: &SessionKey,
        stages: &[Stage],
        context: &Context,
    ) -> Result<ValidationReport> {
        todo!()
    }
}

/// Returns `.idse/projects/<project>`.
pub(crate) fn project_path(project: &ProjectName) -> String {
    format!(".idse/projects/{project}")
}

/// Returns `.idse/projects/<project>/sessions/<session>`.
pub(crate) fn session_path(key: &SessionKey) -> String {
    format!("{}/sessions/{}", project_path(&key.project), key.session)
}
