//! What every sync verb needs to know first: the settings, the base, and which row of the agency is meant.

use std::collections::BTreeMap;

use uuid::Uuid;

use crate::config::Settings;
use crate::context::Context;
use crate::error::{Error, ErrorKind, Result};
use crate::name::{ProjectId, SessionKey};
use crate::remote::{
    Fetched, ProjectFilter, ProjectSummary, Remote, RemoteInfo, RemoteSession, Sessions, Target,
};
use crate::session::Session;
use crate::stage::Stage;
use crate::sync::base::Base;
use crate::sync::record::{ConflictRecord, LogRecord};
use crate::sync::store::{Store, StoredBase, json};
use crate::sync::{Outcome, Step, SyncReport, Verb, rows};
use crate::workspace::Workspace;

/// One session of a workspace and one agency.
pub(crate) struct Engine<'a> {
    pub(crate) workspace: &'a Workspace,
    pub(crate) store: Store<'a>,
    pub(crate) key: &'a SessionKey,
    pub(crate) remote: &'a dyn Remote,
    pub(crate) info: RemoteInfo,
    pub(crate) settings: Settings,
    pub(crate) context: &'a Context,
}

/// The row that a verb is about.
pub(crate) struct Located {
    pub(crate) row: RemoteSession,
    /// The row is what the base remembers; the agency was not asked.
    pub(crate) remembered: bool,
    /// The session has a row.
    pub(crate) exists: bool,
    /// The project has to be made.
    pub(crate) create: bool,
}

/// The kind of question that an identity came from.
enum Identity {
    /// A base of this session, or of another session of the project.
    Base(ProjectId),
    /// A file of the workspace.
    File(ProjectId),
    None,
}

impl<'a> Engine<'a> {
    pub(crate) fn new(
        workspace: &'a Workspace,
        key: &'a SessionKey,
        remote: &'a dyn Remote,
        context: &'a Context,
    ) -> Result<Self> {
        let settings = workspace.settings(Some(&key.project), context)?;
        let store = Store::new(workspace.dir());
        Ok(Self { workspace, store, key, remote, info: remote.info(), settings, context })
    }

    pub(crate) fn remote_folder(&self) -> &str {
        self.info.key.as_str()
    }

    /// Returns the base, where there is one.
    pub(crate) fn base(&self, notes: &mut Vec<String>) -> Result<Option<Base>> {
        match self.store.base(&self.info.key, self.key)? {
            StoredBase::Base(base) => Ok(Some(*base)),
            StoredBase::None => Ok(None),
            StoredBase::Damaged => {
                notes.push("the record of the last sync is damaged: equal texts are recorded anew, different ones become conflicts".into());
                Ok(None)
            }
        }
    }

    pub(crate) fn open_conflicts(&self) -> Result<BTreeMap<Stage, ConflictRecord>> {
        self.store.conflicts(self.remote_folder(), self.key)
    }

    pub(crate) fn target(&self, project_id: ProjectId) -> Target {
        Target { project_id, session: self.key.session.clone() }
    }

    /// Reads the row of an id.
    pub(crate) fn fetch(&self, id: ProjectId) -> Result<Fetched> {
        self.context.step("reading the agency", self.key, 0, None);
        self.remote.fetch(&self.target(id), None, self.context)
    }

    /// Reads the row of the base, or takes what the base remembers where the revision is the same.
    pub(crate) fn fetch_since(&self, base: &Base) -> Result<Fetched> {
        let Some(remembered) = rows::remembered(&self.store, base)? else {
            return self.fetch(base.project_id);
        };
        self.context.step("reading the agency", self.key, 0, None);
        let target = self.target(base.project_id);
        match self.remote.fetch(&target, Some(&remembered.revision), self.context)? {
            Fetched::Unchanged => Ok(Fetched::Session(Box::new(remembered))),
            other => Ok(other),
        }
    }

    fn identity(&self, base: Option<&Base>) -> Result<Identity> {
        if let Some(base) = base {
            return Ok(Identity::Base(base.project_id));
        }
        if let Some(sibling) = self.store.find_base(&self.info.key, &self.key.project, |_| true)? {
            return Ok(Identity::Base(sibling.project_id));
        }
        let of_project = self.workspace.project_file(&self.key.project)?.project_id;
        Ok(of_project.map_or(Identity::None, Identity::File))
    }

    /// Finds the row without making anything. `for_push`: a project that is nowhere may be made.
    pub(crate) fn locate(&self, base: Option<&Base>, for_push: bool, new_id: bool) -> Result<Located> {
        if new_id && base.is_none() {
            return Ok(self.new_project(ProjectId::new(self.context.clock.unique())));
        }
        match self.identity(base)? {
            Identity::Base(id) => self.locate_known(id, base),
            Identity::File(id) => match self.fetch(id)? {
                Fetched::Missing { project_exists: false } => self.locate_by_name(for_push),
                fetched => self.found(id, fetched),
            },
            Identity::None => self.locate_by_name(for_push),
        }
    }

    fn locate_known(&self, id: ProjectId, base: Option<&Base>) -> Result<Located> {
        let fetched = match base {
            Some(base) => self.fetch_since(base)?,
            None => self.fetch(id)?,
        };
        let is_missing = match &fetched {
            Fetched::Missing { project_exists } => base.is_some() || !project_exists,
            _ => false,
        };
        if is_missing {
            return Err(self.remote_missing(id));
        }
        self.found(id, fetched)
    }

    fn found(&self, id: ProjectId, fetched: Fetched) -> Result<Located> {
        match fetched {
            Fetched::Session(row) => {
                Ok(Located { row: *row, remembered: false, exists: true, create: false })
            }
            Fetched::Missing { project_exists } => Ok(Located {
                row: rows::nothing(id, self.key),
                remembered: false,
                exists: false,
                create: !project_exists,
            }),
            Fetched::Unchanged => {
                Err(Error::new(ErrorKind::Protocol, "the agency said `unchanged` without being asked"))
            }
        }
    }

    fn new_project(&self, id: ProjectId) -> Located {
        Located { row: rows::nothing(id, self.key), remembered: false, exists: false, create: true }
    }

    fn locate_by_name(&self, for_push: bool) -> Result<Located> {
        let name = self.key.project.as_str();
        let mut found = self.remote.projects(&ProjectFilter::Name(name.to_owned()), self.context)?;
        match (found.len(), found.pop()) {
            (0, _) if for_push => Ok(self.new_project(derived_id(&self.info, name))),
            (0, _) | (_, None) => {
                Err(Error::not_found(format!("{} has no project `{name}`", self.info.address))
                    .with("project", name)
                    .with_hint(
                        "Push it first with `idse sync push`, or see what is there with `idse sync list`.",
                    ))
            }
            (1, Some(only)) => {
                let fetched = self.fetch(only.project_id)?;
                self.found(only.project_id, fetched)
            }
            (_, Some(last)) => {
                found.push(last);
                Err(ambiguous(&self.info, name, &found))
            }
        }
    }

    /// The row that the base belongs to is gone.
    pub(crate) fn remote_missing(&self, id: ProjectId) -> Error {
        Error::not_found(format!(
            "{} no longer has {} (project id {id}), or hides it from you",
            self.info.address, self.key
        ))
        .with_reason("remote_missing")
        .with("project_id", id.to_string())
        .with_hint(
            "Nothing changed here. `idse sync push --recreate` makes it again; `idse sync link NAME|ID` ties the project to another one.",
        )
    }

    /// Tells whether a row says that it holds another session: nothing of it belongs into the base of ours.
    pub(crate) fn holds_other(&self, row: &RemoteSession) -> bool {
        self.info.sessions == Sessions::One && row.session.as_ref().is_some_and(|s| *s != self.key.session)
    }

    /// Refuses a row that holds another session.
    pub(crate) fn check_session(&self, located: &Located, base: Option<&Base>, adopt: bool) -> Result<()> {
        if self.info.sessions == Sessions::Many || !located.exists {
            return Ok(());
        }
        match &located.row.session {
            Some(session) if *session == self.key.session => Ok(()),
            Some(session) => Err(Error::new(
                ErrorKind::Exists,
                format!("{} holds session `{session}` of `{}`, not `{}`", self.info.address, self.key.project, self.key.session),
            )
            .with_reason("other_session")
            .with("session", session.as_str())
            .with_hint(format!(
                "Work on it with `--session {session}`, or put this session in its place with `idse sync push --replace-session`."
            ))),
            None if adopt || base.is_some() => Ok(()),
            None => Err(Error::new(
                ErrorKind::Exists,
                format!("{} does not say which session of `{}` it holds", self.info.address, self.key.project),
            )
            .with_reason("unknown_session")
            .with_hint(format!("If it is this one, say so: `--session {}`.", self.key.session))),
        }
    }

    /// Starts a log record for an operation.
    pub(crate) fn log_record(&self, verb: Verb, base: Option<&Base>) -> Result<LogRecord> {
        log_record(&self.store, self.context, verb, self.key, self.remote_folder(), base)
    }

    /// Starts a report. What the other side is, a remote may have learned only from its answers.
    pub(crate) fn report(&self, verb: Verb, row: &RemoteSession, steps: Vec<Step>) -> SyncReport {
        let remote = self.remote.info();
        SyncReport {
            verb,
            project: self.key.project.clone(),
            session: self.key.session.clone(),
            project_id: Some(row.project_id),
            guard: remote.guard,
            remote,
            op: None,
            dry_run: false,
            created: false,
            outcome: Outcome::UpToDate,
            last_synced: row.updated_at.clone(),
            steps,
            conflicts: Vec::new(),
            notes: Vec::new(),
        }
    }

    /// Writes identity and time into `metadata/project.json`, where they changed.
    pub(crate) fn save_identity(&self, id: ProjectId, last_synced: Option<&str>) -> Result<()> {
        self.workspace.save_project_id(&self.key.project, id, last_synced, self.context)
    }

    /// Loads the local side.
    pub(crate) fn local(&self) -> Result<Session> {
        self.workspace.load(self.key, self.context)
    }
}

/// Starts a log record: the base as it is now becomes an object, so that undo can bring it back.
pub(crate) fn log_record(
    store: &Store<'_>,
    context: &Context,
    verb: Verb,
    key: &SessionKey,
    remote: &str,
    base: Option<&Base>,
) -> Result<LogRecord> {
    let base_before = match base {
        Some(base) => Some(store.keep(&json(base)?)?),
        None => None,
    };
    Ok(LogRecord {
        op: context.op(),
        verb,
        time: context.timestamp(),
        key: key.clone(),
        remote: remote.to_owned(),
        base_before,
        texts: Vec::new(),
        statuses_before: BTreeMap::new(),
        conflicts_before: BTreeMap::new(),
        kept: Vec::new(),
        undoes: None,
    })
}

/// Derives the id of a new project from the agency and the name (RFC 9562, version 5), so that two first pushes of
/// one project meet in one row.
fn derived_id(info: &RemoteInfo, name: &str) -> ProjectId {
    let subject = format!("{}/projects/{name}", info.address);
    ProjectId::new(Uuid::new_v5(&Uuid::NAMESPACE_URL, subject.as_bytes()))
}

/// Several projects bear one name.
pub(crate) fn ambiguous(info: &RemoteInfo, name: &str, found: &[ProjectSummary]) -> Error {
    let ids: Vec<_> = found.iter().map(|project| project.project_id.to_string()).collect();
    Error::new(ErrorKind::Exists, format!("{} has {} projects named `{name}`", info.address, ids.len()))
        .with_reason("ambiguous_name")
        .with("project_ids", ids.join(" "))
        .with_hint(format!("Say which one: `idse sync link ID` with one of {}.", ids.join(", ")))
}
