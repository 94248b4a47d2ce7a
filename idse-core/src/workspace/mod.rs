//! The folder that holds `.idse`: projects, sessions, pointers, artifacts and state.
//!
//! It knows where everything lies and in which order it is written; what texts mean belongs to `rules` and `sync`.

mod init;
mod json;
pub(crate) mod objects;
mod pointer;
mod project;
mod select;
mod state;
#[cfg(test)]
mod tests;

use std::path::Path;

use serde::Serialize;

use crate::artifact::{Artifact, Content};
use crate::config::Settings;
use crate::context::Context;
use crate::error::{Error, ErrorKind, Result};
use crate::fs::{self, Dir, Entry, EntryKind, Found, Lock, Swap};
use crate::name::{ProjectId, ProjectName, SessionId, SessionKey};
use crate::remote::RemoteKey;
use crate::session::{FileRole, Session, SessionMetadata};
use crate::stage::{Stage, StageStatus};
use crate::text::ObjectId;

use json::ObjectFile;

const ENGINE: &str = ".idse/sync";
/// What was found before lies here, as long as it may be taken for granted.
pub(crate) const CACHE: &str = ".idse/sync/cache";
/// How deep Markdown files below a stage folder are looked for.
const DEPTH: usize = 8;
/// How often a write is tried again that an editor was faster than.
const TRIES: u32 = 3;

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
    /// Nothing was made.
    pub dry_run: bool,
}

/// What `set_stage` changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StageChange {
    /// The project.
    pub project: ProjectName,
    /// The session.
    pub session: SessionId,
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

impl Workspace {
    /// Finds the workspace that `start` lies in: the nearest folder upwards with `.idse/projects`.
    ///
    /// # Errors
    /// `NotFound` where there is none.
    pub fn discover(start: &Path) -> Result<Self> {
        let start = fs::resolved(start);
        match start.ancestors().find(|folder| fs::holds_workspace(folder)) {
            Some(root) => Self::open(root),
            None => Err(no_workspace(&format!("in {} or above", start.display()))),
        }
    }

    /// Opens the workspace at `root`.
    ///
    /// # Errors
    /// `NotFound` where there is none; `InvalidWorkspace` where `.idse` leads out of it.
    pub fn open(root: &Path) -> Result<Self> {
        let root = fs::resolved(root);
        if !fs::holds_workspace(&root) {
            return Err(no_workspace(&format!("at {}", root.display())));
        }
        let dir = Dir::open(&root)?;
        if !dir.is_dir(".idse/projects") {
            return Err(leads_out(&root));
        }
        Ok(Self { dir })
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
        self.dir.create_private_dir(ENGINE)?;
        let lock = self.dir.lock(&format!("{ENGINE}/lock"), context)?;
        // Before the lock was held, a temporary file might have been somebody's who is still at work.
        self.sweep(ENGINE, false)?;
        // The cache is written without the lock: who loses a file here goes without the cache once.
        self.sweep(CACHE, false)?;
        self.dir.create(&format!("{ENGINE}/.gitignore"), b"*\n")?;
        Ok(lock)
    }

    /// Makes the folder of the cache where it is missing, with the engine's own folder around it; tells whether it was.
    pub(crate) fn make_cache(&self) -> Result<bool> {
        if self.dir.kind(CACHE) == Some(EntryKind::Folder) {
            return Ok(false);
        }
        self.dir.create_private_dir(ENGINE)?;
        self.dir.create(&format!("{ENGINE}/.gitignore"), b"*\n")?;
        self.dir.create_private_dir(CACHE)?;
        Ok(true)
    }

    /// Returns the workspace again, with a trace of everything that is looked at through it.
    pub(crate) fn tracing(&self) -> Result<Self> {
        Ok(Self { dir: self.dir.tracing()? })
    }

    /// Returns the settings in force for a project.
    ///
    /// # Errors
    /// `InvalidConfig` names the file and the key.
    pub fn settings(&self, project: Option<&ProjectName>, context: &Context) -> Result<Settings> {
        Settings::load(self.root(), project, context)
    }

    /// Loads a session. What cannot be read is part of the answer, not an error.
    ///
    /// # Errors
    /// `NotFound`, `InvalidConfig`, `Cancelled`.
    pub fn load(&self, key: &SessionKey, context: &Context) -> Result<Session> {
        let settings = self.settings(Some(&key.project), context)?;
        self.load_with(key, &settings, context)
    }

    /// Loads a session under settings that are known already.
    pub(crate) fn load_with(
        &self,
        key: &SessionKey,
        settings: &Settings,
        context: &Context,
    ) -> Result<Session> {
        self.expect_session(key)?;
        let path = session_path(key);
        let mut artifacts = Vec::with_capacity(Stage::ALL.len());
        for stage in Stage::ALL {
            context.check()?;
            let path = format!("{path}/{}", stage.path());
            let content = match self.dir.read(&path, settings.limits.artifact_bytes)? {
                Found::Absent => Content::Absent,
                Found::Bytes(bytes) => Content::of_bytes(bytes, &path),
                Found::Blocked(blocked) => Content::Blocked(blocked),
            };
            artifacts.push(Artifact { stage, content });
        }
        let Ok(artifacts) = artifacts.try_into() else {
            return Err(Error::internal("a session has not seven artifacts"));
        };
        let (state, mut problems) = self.state_of(key)?;
        let metadata =
            match json::read(&self.dir, &format!("{path}/metadata/session.json"), FileRole::Metadata)? {
                ObjectFile::Object(raw) => Some(SessionMetadata::new(raw)),
                ObjectFile::Absent => None,
                ObjectFile::Broken(problem) => {
                    problems.push(problem);
                    None
                }
            };
        problems.extend(self.pointer_problem(&key.project)?);
        let unknown = self.unknown_markdown(&path);
        let open_conflicts = self.open_conflicts(key)?;
        Ok(Session { key: key.clone(), path, artifacts, state, metadata, unknown, problems, open_conflicts })
    }

    fn unknown_markdown(&self, session_path: &str) -> Vec<String> {
        let mut unknown = Vec::new();
        for stage in Stage::ALL {
            let folder = stage.folder();
            let files = self.dir.walk(&format!("{session_path}/{folder}"), DEPTH);
            let files = files.into_iter().map(|file| format!("{folder}/{file}"));
            unknown.extend(files.filter(|file| is_markdown(file) && file != stage.path()));
        }
        unknown
    }

    fn open_conflicts(&self, key: &SessionKey) -> Result<Vec<Stage>> {
        let mut stages = Vec::new();
        let is_remote = |entry: &Entry| entry.kind == EntryKind::Folder && RemoteKey::names(&entry.shown);
        for remote in self.dir.list(ENGINE)?.into_iter().filter(is_remote) {
            let conflicts = format!("{ENGINE}/{}/conflicts/{}/{}", remote.shown, key.project, key.session);
            if self.dir.is_dir(&conflicts) {
                let is_open = |stage: &Stage| {
                    self.dir.kind(&format!("{conflicts}/{stage}/conflict.json")) == Some(EntryKind::File)
                };
                stages.extend(Stage::ALL.into_iter().filter(is_open));
            }
        }
        stages.sort_unstable();
        stages.dedup();
        Ok(stages)
    }

    /// Writes an artifact; with `expected`, only if its file holds exactly that (`Some(None)`: nothing).
    ///
    /// What the write displaces is kept as an object.
    ///
    /// # Errors
    /// `Exists` (reason `changed`) where the file holds something else; `InvalidArgument` for a text that no agency
    /// can hold; `InvalidWorkspace` (reason `blocked`) for a file that cannot be replaced.
    pub fn write(
        &self,
        key: &SessionKey,
        stage: Stage,
        text: &str,
        expected: Option<Option<ObjectId>>,
        context: &Context,
    ) -> Result<ObjectId> {
        let limit = self.settings(Some(&key.project), context)?.limits.artifact_bytes;
        check_text(stage, text, limit)?;
        self.expect_session(key)?;
        let _lock = self.lock(context)?;
        self.tidy(key)?;
        let path = format!("{}/{}", session_path(key), stage.path());
        let new = ObjectId::of(text.as_bytes());
        for _ in 0..TRIES {
            context.check()?;
            let found = match self.dir.read(&path, limit)? {
                Found::Absent => None,
                Found::Bytes(bytes) => Some(bytes),
                Found::Blocked(blocked) => {
                    return Err(Error::new(ErrorKind::InvalidWorkspace, blocked.message)
                        .with_reason("blocked")
                        .with_hint("Move it away, then write again; nothing was overwritten.")
                        .with("path", path));
                }
            };
            let current = found.as_deref().map(ObjectId::of);
            if expected.is_some_and(|expected| expected != current) {
                return Err(changed(&path));
            }
            if current == Some(new) {
                return Ok(new);
            }
            if let Some(bytes) = &found {
                objects::keep(&self.dir, bytes)?;
            }
            let aside = objects::aside(&context.op(), stage);
            if self.dir.swap(&path, current, Some(text.as_bytes()), &aside)? == Swap::Done {
                return Ok(new);
            }
        }
        Err(changed(&path))
    }

    /// Keeps and removes what a killed write left in the folders of a session. Only under the lock.
    pub(crate) fn tidy(&self, key: &SessionKey) -> Result<()> {
        let session = session_path(key);
        for folder in Stage::ALL.map(Stage::folder) {
            // It may be a text that an editor saved and that a swap had in hand.
            self.sweep(&format!("{session}/{folder}"), true)?;
        }
        self.tidy_files(key)
    }

    /// Removes what a killed write left beside state and metadata: it is what was going to be written.
    fn tidy_files(&self, key: &SessionKey) -> Result<()> {
        let (session, project) = (session_path(key), project_path(&key.project));
        for folder in [format!("{session}/metadata"), format!("{project}/metadata"), project] {
            self.sweep(&folder, false)?;
        }
        Ok(())
    }

    fn sweep(&self, folder: &str, keep: bool) -> Result<()> {
        for name in self.dir.leftovers(folder)? {
            let file = format!("{folder}/{name}");
            match self.dir.read(&file, fs::LARGEST)? {
                Found::Bytes(bytes) if keep => objects::keep(&self.dir, &bytes).map(|_| ())?,
                Found::Bytes(_) => {}
                Found::Absent | Found::Blocked(_) => continue,
            }
            self.dir.remove(&file)?;
        }
        Ok(())
    }

    /// Says how files are swapped here: `exchange` (in one step) or `link` (a backup link, a check, a rename).
    ///
    /// # Errors
    /// `Io` where nothing can be written.
    pub fn swap_support(&self, context: &Context) -> Result<&'static str> {
        let _lock = self.lock(context)?;
        self.dir.swap_support(ENGINE)
    }
}

fn no_workspace(place: &str) -> Error {
    Error::not_found(format!("there is no IDSE workspace {place}"))
        .with_hint("Make one with `idse init NAME`, or name its folder with --root.")
}

fn leads_out(root: &Path) -> Error {
    let message = format!("{} is a symbolic link that leads out of the folder", root.join(".idse").display());
    Error::new(ErrorKind::InvalidWorkspace, message)
        .with_hint("Replace the link by the folder itself, or open the folder that it leads to.")
        .with("path", root.display().to_string())
}

pub(crate) fn changed(path: &str) -> Error {
    Error::new(ErrorKind::Exists, format!("{path} holds something else than expected; it was left as it is"))
        .with_reason("changed")
        .with_hint("Read it again and repeat the change on what it holds now.")
        .with("path", path)
}

/// Refuses a text that no agency can hold.
pub(crate) fn check_text(stage: Stage, text: &str, limit: u64) -> Result<()> {
    if let Some(at) = text.find('\0') {
        let message =
            format!("the text for {stage} holds a NUL character at byte {at}, which no agency can store");
        return Err(Error::argument(message).with_reason("nul").with("stage", stage.name()));
    }
    if text.len() as u64 > limit {
        let message = format!("the text for {stage} has {} bytes; the limit is {limit}", text.len());
        return Err(Error::argument(message)
            .with_reason("too_large")
            .with_hint("Split it, or raise `limits.artifact_bytes` in .idseconfig.json.")
            .with("stage", stage.name()));
    }
    Ok(())
}

fn is_markdown(file: &str) -> bool {
    let extension =
        file.rsplit('/').next().and_then(|name| name.rsplit_once('.')).map(|(_, extension)| extension);
    extension.is_some_and(|ext| ext.eq_ignore_ascii_case("md") || ext.eq_ignore_ascii_case("markdown"))
}

/// Returns the time as the existing tools write it into files: ISO 8601 with microseconds and without a zone.
///
/// They sort these texts and compare them as times; a zone would break both. Ours are UTC.
fn file_time(context: &Context) -> String {
    let time = context.timestamp();
    time.strip_suffix('Z').map_or(time.clone(), str::to_owned)
}

/// Returns `.idse/projects/<project>`.
pub(crate) fn project_path(project: &ProjectName) -> String {
    format!(".idse/projects/{project}")
}

/// Returns `.idse/projects/<project>/sessions/<session>`.
pub(crate) fn session_path(key: &SessionKey) -> String {
    format!("{}/sessions/{}", project_path(&key.project), key.session)
}
