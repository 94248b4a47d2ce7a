//! Pointers: `CURRENT_SESSION` in both of its forms, and `CURRENT_PROJECT`.

use super::{Workspace, project_path};
use crate::error::Result;
use crate::fs::{EntryKind, Found};
use crate::name::{ProjectName, SessionId, SessionKey};
use crate::session::{FileProblem, FileRole};

/// No pointer is that long.
const LIMIT: u64 = 64 << 10;

/// What a pointer file says.
pub(super) enum Pointer {
    Absent,
    Names(SessionId),
    Broken(FileProblem),
}

impl Workspace {
    /// Returns the current session of a project, in either form of the pointer; `None` where it names none.
    ///
    /// # Errors
    /// `Io`.
    pub fn current_session(&self, project: &ProjectName) -> Result<Option<SessionId>> {
        match self.pointer(project)? {
            Pointer::Names(session) => Ok(Some(session)),
            Pointer::Absent | Pointer::Broken(_) => Ok(None),
        }
    }

    /// Tells whether a project has no pointer at all, as while it is being made.
    pub(crate) fn pointer_is_missing(&self, project: &ProjectName) -> Result<bool> {
        Ok(matches!(self.pointer(project)?, Pointer::Absent))
    }

    pub(super) fn pointer(&self, project: &ProjectName) -> Result<Pointer> {
        let path = pointer_path(project);
        let broken = |message| {
            Pointer::Broken(FileProblem {
                file: FileRole::Pointer,
                path: path.clone(),
                message,
                position: None,
            })
        };
        Ok(match self.dir.read(&path, LIMIT)? {
            Found::Absent => Pointer::Absent,
            Found::Blocked(blocked) => broken(blocked.message),
            Found::Bytes(bytes) => match parse(&String::from_utf8_lossy(&bytes)) {
                Ok(session) => Pointer::Names(session),
                Err(why) => broken(format!("{path} {why}")),
            },
        })
    }

    /// Returns what is wrong with the pointer of a project, if anything is.
    pub(super) fn pointer_problem(&self, project: &ProjectName) -> Result<Option<FileProblem>> {
        let path = pointer_path(project);
        let message = match self.pointer(project)? {
            Pointer::Broken(problem) => return Ok(Some(problem)),
            Pointer::Absent => format!("{path} is missing, so that no session is the current one"),
            Pointer::Names(session) => {
                let key = SessionKey { project: project.clone(), session };
                if self.has_session(&key) {
                    return Ok(None);
                }
                format!("{path} names `{}`, which does not exist", key.session)
            }
        };
        Ok(Some(FileProblem { file: FileRole::Pointer, path, message, position: None }))
    }

    pub(super) fn point_to(&self, key: &SessionKey) -> Result<()> {
        self.dir.replace(&pointer_path(&key.project), key.session.as_str().as_bytes())
    }

    /// Returns the text of `CURRENT_PROJECT`, where there is one.
    pub(super) fn current_project(&self) -> Result<Option<String>> {
        let path = ".idse/projects/CURRENT_PROJECT";
        if self.dir.kind(path) != Some(EntryKind::File) {
            return Ok(None);
        }
        let bytes = self.dir.read_own(path, LIMIT)?.unwrap_or_default();
        let text = String::from_utf8_lossy(&bytes);
        let line = text.trim_start_matches('\u{feff}').lines().map(str::trim).find(|line| !line.is_empty());
        Ok(line.map(str::to_owned))
    }
}

pub(super) fn pointer_path(project: &ProjectName) -> String {
    format!("{}/CURRENT_SESSION", project_path(project))
}

/// Reads either form: the bare id, or lines of which one is `session_id: ID`; the error goes behind the path.
pub(super) fn parse(text: &str) -> Result<SessionId, String> {
    let text = text.trim_start_matches('\u{feff}').trim();
    let keyed = text.lines().find_map(|line| line.trim_start().strip_prefix("session_id:"));
    let name = keyed.unwrap_or(text).trim();
    if name.is_empty() {
        return Err("is empty".to_owned());
    }
    name.parse().map_err(|error: crate::error::Error| format!("cannot be used: {error}"))
}
