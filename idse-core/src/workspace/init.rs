//! Making projects and sessions, so that a crash at any point leaves something that the same call completes.
//!
//! Nothing that is there is overwritten, and the pointer is written last: until then the old session is the current one.

use std::path::Path;

use serde_json::{Map, Value};

use super::pointer::{Pointer, pointer_path};
use super::{
    InitReport, InitRequest, Workspace, file_time, leads_out, project, project_path, session_path, state,
};
use crate::context::Context;
use crate::error::{Error, ErrorKind, Result};
use crate::fs::{self, Dir, EntryKind};
use crate::name::{ProjectName, SessionId, SessionKey};
use crate::session::SessionMetadata;
use crate::stage::Stage;
use crate::state::{SessionState, to_file_text};
use crate::template;

impl Workspace {
    /// Makes an empty workspace at `root`, and `root` where it is missing; one that is there is opened.
    ///
    /// # Errors
    /// `Io`; `InvalidWorkspace` where `.idse` leads out of `root`.
    pub fn create(root: &Path) -> Result<Self> {
        fs::create_root(root)?;
        let root = fs::resolved(root);
        let dir = Dir::open(&root)?;
        if dir.kind(".idse") == Some(EntryKind::Symlink) && !dir.is_dir(".idse") {
            return Err(leads_out(&root));
        }
        dir.create_dirs(".idse/projects")?;
        Self::open(&root)
    }

    /// Makes a project with its first session in the workspace at `root`, and the workspace where there is none.
    ///
    /// A project that is only half made, as a crash leaves it, is completed.
    ///
    /// # Errors
    /// `Exists` where the project is complete.
    pub fn init(root: &Path, request: &InitRequest, context: &Context) -> Result<(Self, InitReport)> {
        context.check()?;
        check_stack(request.stack.as_deref())?;
        let workspace = Self::create(root)?;
        let lock = workspace.lock(context)?;
        workspace.refuse_complete(&request.project)?;
        let session = workspace.session_to_make(request, context)?;
        let key = SessionKey { project: request.project.clone(), session };
        let mut made = Made::default();
        workspace.make_files(&key, None, &mut made, context)?;
        let project = project::new_project(&key.project, request.stack.as_deref(), context);
        let path = format!("{}/metadata/project.json", project_path(&key.project));
        made.create(&workspace.dir, path, to_file_text(&project).as_bytes())?;
        workspace.make_current(&key, &mut made, context)?;
        drop(lock);
        Ok((workspace, made.into_report(key)))
    }

    /// Says what [`Workspace::init`] would make, and makes nothing.
    ///
    /// # Errors
    /// As for `init`.
    pub fn preview_init(root: &Path, request: &InitRequest, context: &Context) -> Result<InitReport> {
        check_stack(request.stack.as_deref())?;
        let workspace = if fs::holds_workspace(root) { Some(Self::open(root)?) } else { None };
        let session = match &workspace {
            Some(workspace) => {
                workspace.refuse_complete(&request.project)?;
                workspace.session_to_make(request, context)?
            }
            None => request.session.clone().map_or_else(|| new_session(context), Ok)?,
        };
        let key = SessionKey { project: request.project.clone(), session };
        let (session, project) = (session_path(&key), project_path(&key.project));
        let artifacts = Stage::ALL.map(|stage| format!("{session}/{}", stage.path()));
        let others = [
            state::own_path(&key),
            format!("{session}/metadata/session.json"),
            format!("{session}/metadata/.owner"),
            format!("{project}/metadata/project.json"),
            state::mirror_path(&key.project),
            pointer_path(&key.project),
        ];
        let is_there =
            |path: &String| workspace.as_ref().is_some_and(|workspace| workspace.dir.kind(path).is_some());
        let (kept, created) = artifacts.into_iter().chain(others).partition(is_there);
        Ok(InitReport { project: key.project, session: key.session, created, kept, dry_run: true })
    }

    fn refuse_complete(&self, project: &ProjectName) -> Result<()> {
        self.refuse_twin(project.as_str(), &self.projects()?.found)?;
        if !self.is_complete(project)? {
            return Ok(());
        }
        Err(Error::new(ErrorKind::Exists, format!("project `{project}` exists already"))
            .with_reason("project")
            .with_hint("Begin another piece of work in it with `idse session create ID`.")
            .with("project", project.as_str()))
    }

    /// Makes a session with its artifacts and makes it the current one.
    ///
    /// Without `parent` it descends from the blueprint, where the project has one.
    ///
    /// # Errors
    /// `Exists` where the session is there; `NotFound` where the project or the parent is not.
    pub fn create_session(
        &self,
        key: &SessionKey,
        parent: Option<&SessionId>,
        context: &Context,
    ) -> Result<InitReport> {
        context.check()?;
        self.project(Some(key.project.as_str()), self.root())?;
        if let Some(parent) = parent {
            self.expect_session(&SessionKey { project: key.project.clone(), session: parent.clone() })?;
        }
        let _lock = self.lock(context)?;
        self.refuse_twin(key.session.as_str(), &self.session_names(&key.project)?.found)?;
        let marker = format!("{}/making/{}/{}", super::ENGINE, key.project, key.session);
        let is_half_made = self.dir.kind(&marker).is_some();
        let is_made = [".owner", "session.json"]
            .iter()
            .any(|file| self.dir.kind(&format!("{}/metadata/{file}", session_path(key))).is_some());
        if is_made && !is_half_made {
            return Err(Error::new(ErrorKind::Exists, format!("session `{key}` exists already"))
                .with_reason("session")
                .with_hint(format!("Make it the current one with `idse session switch {}`.", key.session))
                .with("session", key.session.as_str()));
        }
        self.dir.create(&marker, b"")?;
        let mut made = Made::default();
        self.make_files(key, parent, &mut made, context)?;
        self.make_current(key, &mut made, context)?;
        self.dir.remove(&marker)?;
        self.sweep(&format!("{}/making/{}", super::ENGINE, key.project), false)?;
        Ok(made.into_report(key.clone()))
    }

    /// Makes a session the current one.
    ///
    /// # Errors
    /// `NotFound`; `InvalidWorkspace` where a state file cannot be read, which is then left as it is.
    pub fn switch_session(&self, key: &SessionKey, context: &Context) -> Result<()> {
        self.expect_session(key)?;
        let _lock = self.lock(context)?;
        self.tidy(key)?;
        self.make_current(key, &mut Made::default(), context)
    }

    /// Makes the folders and metadata of a session without artifacts, for a clone; keeps what is there.
    pub(crate) fn make_session(&self, key: &SessionKey, context: &Context) -> Result<()> {
        self.make_folders(key)?;
        self.make_metadata(key, None, &mut Made::default(), context)
    }

    /// Makes a session the current one: what the mirror says goes to its session, the mirror is written, the pointer
    /// last. Only under the lock.
    fn make_current(&self, key: &SessionKey, made: &mut Made, context: &Context) -> Result<()> {
        self.take_in_mirror(&key.project, &key.session)?;
        let state = self.load_state(key, context)?;
        let mirror = state::mirror_path(&key.project);
        let is_new = self.dir.kind(&mirror).is_none();
        self.put_state(key, &state, true)?;
        if is_new {
            made.created.push(mirror);
        }
        let pointer = pointer_path(&key.project);
        if self.current_session(&key.project)?.as_ref() == Some(&key.session) {
            made.kept.push(pointer);
            return Ok(());
        }
        self.point_to(key)?;
        made.created.push(pointer);
        Ok(())
    }

    /// Tells whether there is nothing left to make: a pointer to a session with its artifacts and a state.
    fn is_complete(&self, project: &ProjectName) -> Result<bool> {
        let Pointer::Names(session) = self.pointer(project)? else { return Ok(false) };
        let key = SessionKey { project: project.clone(), session };
        let path = session_path(&key);
        let has = |file: &str| self.dir.kind(file).is_some();
        Ok(self.has_session(&key)
            && Stage::ALL.iter().all(|stage| has(&format!("{path}/{}", stage.path())))
            && (has(&state::own_path(&key)) || has(&state::mirror_path(project))))
    }

    /// Decides which session `init` makes: the one that was asked for, else the one that is half made, else a new one.
    fn session_to_make(&self, request: &InitRequest, context: &Context) -> Result<SessionId> {
        if let Some(session) = &request.session {
            self.refuse_twin(session.as_str(), &self.session_names(&request.project)?.found)?;
            return Ok(session.clone());
        }
        if let Pointer::Names(session) = self.pointer(&request.project)? {
            let key = SessionKey { project: request.project.clone(), session };
            if self.has_session(&key) {
                return Ok(key.session);
            }
        }
        match self.sessions(&request.project)?.found.into_iter().next() {
            Some(newest) => Ok(newest.session),
            None => new_session(context),
        }
    }

    fn make_files(
        &self,
        key: &SessionKey,
        parent: Option<&SessionId>,
        made: &mut Made,
        context: &Context,
    ) -> Result<()> {
        self.tidy(key)?;
        self.make_folders(key)?;
        for stage in Stage::ALL {
            context.check()?;
            let path = format!("{}/{}", session_path(key), stage.path());
            made.create(&self.dir, path, template::render(stage, key).as_bytes())?;
        }
        let state = SessionState::fresh(&key.project, &key.session, &file_time(context));
        if !matches!(self.mirror(&key.project)?, super::ObjectFile::Object(mirror) if names(&mirror, &key.session))
        {
            made.create(&self.dir, state::own_path(key), state.to_file_text().as_bytes())?;
        }
        self.make_metadata(key, parent, made, context)
    }

    fn make_folders(&self, key: &SessionKey) -> Result<()> {
        let path = session_path(key);
        for folder in Stage::ALL.map(Stage::folder) {
            self.dir.create_dirs(&format!("{path}/{folder}"))?;
        }
        self.dir.create_dirs(&format!("{path}/metadata"))
    }

    /// Writes the files that say that a session is made.
    fn make_metadata(
        &self,
        key: &SessionKey,
        parent: Option<&SessionId>,
        made: &mut Made,
        context: &Context,
    ) -> Result<()> {
        let blueprint = SessionKey { project: key.project.clone(), session: SessionId::BLUEPRINT.parse()? };
        let blueprint =
            (!key.session.is_blueprint() && self.has_session(&blueprint)).then_some(&blueprint.session);
        let now = file_time(context);
        let metadata = SessionMetadata::fresh(key, parent.or(blueprint), &owner(context), &now);
        let path = format!("{}/metadata", session_path(key));
        made.create(&self.dir, format!("{path}/session.json"), to_file_text(metadata.raw()).as_bytes())?;
        made.create(&self.dir, format!("{path}/.owner"), format!("Created: {now}\n").as_bytes())
    }

    /// Refuses a name that is a folder of another spelling where the file system ignores case.
    fn refuse_twin<T: AsRef<str>>(&self, name: &str, names: &[T]) -> Result<()> {
        let twin =
            names.iter().map(T::as_ref).find(|other| *other != name && other.eq_ignore_ascii_case(name));
        twin.map_or(Ok(()), |twin| {
            Err(Error::new(
                ErrorKind::Exists,
                format!("`{name}` and `{twin}`, which exists, differ only by case"),
            )
            .with_reason("case")
            .with_hint("On Windows and macOS they would be one folder; take another name."))
        })
    }
}

/// What was made and what was there, relative to the workspace.
#[derive(Default)]
struct Made {
    created: Vec<String>,
    kept: Vec<String>,
}

impl Made {
    fn create(&mut self, dir: &Dir, path: String, bytes: &[u8]) -> Result<()> {
        let list = if dir.create(&path, bytes)? { &mut self.created } else { &mut self.kept };
        list.push(path);
        Ok(())
    }

    fn into_report(self, key: SessionKey) -> InitReport {
        InitReport {
            project: key.project,
            session: key.session,
            created: self.created,
            kept: self.kept,
            dry_run: false,
        }
    }
}

fn names(state: &Map<String, Value>, session: &SessionId) -> bool {
    state.get("session_id").and_then(Value::as_str) == Some(session.as_str())
}

/// Returns who owns what is made now.
fn owner(context: &Context) -> String {
    let names = ["IDSE_AGENT", "USER", "USERNAME"].into_iter().filter_map(|name| context.env.get(name));
    let mut names =
        names.map(str::trim).filter(|name| !name.is_empty() && !name.chars().any(char::is_control));
    names.next().unwrap_or("system").to_owned()
}

/// Names a session as the existing tools do, by the seconds since 1970.
fn new_session(context: &Context) -> Result<SessionId> {
    format!("session-{}", context.clock.now().as_second()).parse()
}

fn check_stack(stack: Option<&str>) -> Result<()> {
    match stack {
        Some(stack) if stack.trim().is_empty() || stack.chars().any(char::is_control) => {
            Err(Error::argument("the stack is empty or holds control characters").with_reason("stack"))
        }
        _ => Ok(()),
    }
}
