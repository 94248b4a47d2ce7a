//! The state of a session on disk: its own file, and the project's mirror that the existing tools read and write.
//!
//! The mirror says in `session_id` whose state it is. What it says of that session wins over the session's own file,
//! because both are written together here, the mirror first, and only others write the mirror alone.

use serde_json::{Map, Value};

use super::json::{self, ObjectFile};
use super::{Workspace, objects, project_path, session_path};
use crate::context::Context;
use crate::error::Result;
use crate::name::{ProjectName, SessionId, SessionKey};
use crate::session::{FileProblem, FileRole};
use crate::state::{SessionState, to_file_text};

type Object = Map<String, Value>;

impl Workspace {
    /// Reads the state of a session for a change; a session without state gets a fresh one.
    ///
    /// # Errors
    /// `InvalidWorkspace` where a state file cannot be read: it is not overwritten.
    pub(crate) fn load_state(&self, key: &SessionKey, context: &Context) -> Result<SessionState> {
        let (state, problems) = self.state_of(key)?;
        match problems.first() {
            Some(problem) => Err(json::refusal(problem)),
            None if state.raw().is_empty() => {
                Ok(SessionState::fresh(&key.project, &key.session, &super::file_time(context)))
            }
            None => Ok(state),
        }
    }

    /// Writes the state of a session: the project's mirror first where it is this session's, then the session's own file.
    ///
    /// Only under the lock. A crash in between is taken in by the next read.
    pub(crate) fn save_state(&self, key: &SessionKey, state: &SessionState) -> Result<()> {
        let current = self.current_session(&key.project)?;
        let is_mirrored = current.as_ref() == Some(&key.session)
            || match self.mirror(&key.project)? {
                ObjectFile::Object(mirror) => is_of(&mirror, &key.session, current.as_ref()),
                ObjectFile::Absent | ObjectFile::Broken(_) => false,
            };
        self.put_state(key, state, is_mirrored)
    }

    /// Writes the state of a session into its own file, and first into the mirror where `mirrored` says so.
    pub(super) fn put_state(&self, key: &SessionKey, state: &SessionState, mirrored: bool) -> Result<()> {
        self.tidy_files(key)?;
        let own = self.own_state(key)?.for_writing()?;
        let mut state = state.clone();
        state.set("session_id", key.session.as_str());
        if state.text("project_name").is_none() {
            state.set("project_name", key.project.as_str());
        }
        if mirrored {
            self.take_in_mirror(&key.project, &key.session)?;
            let mirror = self.mirror(&key.project)?.for_writing()?;
            json::write(&self.dir, &mirror_path(&key.project), mirror.as_ref(), state.raw())?;
        }
        json::write(&self.dir, &own_path(key), own.as_ref(), state.raw())
    }

    /// Reads the state in force for a session, and what is wrong with the files that say it.
    pub(super) fn state_of(&self, key: &SessionKey) -> Result<(SessionState, Vec<FileProblem>)> {
        let mut problems = Vec::new();
        let mut object = |file| match file {
            ObjectFile::Absent => None,
            ObjectFile::Object(object) => Some(object),
            ObjectFile::Broken(problem) => {
                problems.push(problem);
                None
            }
        };
        let own = object(self.own_state(key)?);
        let current = self.current_session(&key.project)?;
        let is_current = current.as_ref() == Some(&key.session);
        let mirror = match self.mirror(&key.project)? {
            // The broken mirror concerns the session that it should mirror.
            ObjectFile::Broken(_) if !is_current => None,
            file => object(file),
        };
        let mirror = mirror.filter(|mirror| is_of(mirror, &key.session, current.as_ref()));
        Ok((SessionState::new(overlay(own, mirror)), problems))
    }

    /// Saves what the mirror says of another session than `next` into that session's own file, before the mirror is
    /// written for `next`. A mirror of no session that exists is kept as an object.
    pub(super) fn take_in_mirror(&self, project: &ProjectName, next: &SessionId) -> Result<()> {
        let Some(mirror) = self.mirror(project)?.for_writing()? else { return Ok(()) };
        let named = match mirror.get("session_id").and_then(Value::as_str) {
            Some(name) => name.parse().ok(),
            None => self.current_session(project)?,
        };
        let Some(session) = named else { return self.keep_mirror(&mirror) };
        if session == *next {
            return Ok(());
        }
        let key = SessionKey { project: project.clone(), session };
        if !self.has_session(&key) {
            return self.keep_mirror(&mirror);
        }
        let own = self.own_state(&key)?.for_writing()?;
        let state = overlay(own.clone(), Some(mirror));
        json::write(&self.dir, &own_path(&key), own.as_ref(), &state)
    }

    fn keep_mirror(&self, mirror: &Object) -> Result<()> {
        objects::keep(&self.dir, to_file_text(mirror).as_bytes()).map(|_| ())
    }

    pub(super) fn own_state(&self, key: &SessionKey) -> Result<ObjectFile> {
        json::read(&self.dir, &own_path(key), FileRole::State)
    }

    pub(super) fn mirror(&self, project: &ProjectName) -> Result<ObjectFile> {
        json::read(&self.dir, &mirror_path(project), FileRole::State)
    }
}

/// Tells whether a mirror is the state of a session; one that names no session is the current one's.
fn is_of(mirror: &Object, session: &SessionId, current: Option<&SessionId>) -> bool {
    match mirror.get("session_id").and_then(Value::as_str) {
        Some(name) => name == session.as_str(),
        None => current == Some(session),
    }
}

/// Returns the mirror with what only the own file knows.
fn overlay(own: Option<Object>, mirror: Option<Object>) -> Object {
    let (own, mut state) = match (own, mirror) {
        (Some(own), Some(mirror)) => (own, mirror),
        (own, mirror) => return mirror.or(own).unwrap_or_default(),
    };
    for (key, value) in own {
        match (state.get_mut(&key), value) {
            (Some(Value::Object(theirs)), Value::Object(ours)) if key == "stages" => {
                for (stage, status) in ours {
                    theirs.entry(stage).or_insert(status);
                }
            }
            (Some(_), _) => {}
            (None, value) => {
                state.insert(key, value);
            }
        }
    }
    state
}

pub(super) fn own_path(key: &SessionKey) -> String {
    format!("{}/metadata/session_state.json", session_path(key))
}

pub(super) fn mirror_path(project: &ProjectName) -> String {
    format!("{}/session_state.json", project_path(project))
}
