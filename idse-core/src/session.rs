//! A session as a value: loaded once, then a plain thing that rules and sync look at.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::artifact::Artifact;
use crate::name::{SessionId, SessionKey};
use crate::stage::Stage;
use crate::state::SessionState;

/// Everything that the disk holds of one session.
#[derive(Debug, Clone, PartialEq)]
pub struct Session {
    /// Which one.
    pub key: SessionKey,
    /// `.idse/projects/<project>/sessions/<session>`, relative to the workspace, with forward slashes.
    pub path: String,
    /// The seven artifacts in pipeline order.
    pub artifacts: [Artifact; 7],
    /// The state in force; all pending where no file says otherwise.
    pub state: SessionState,
    /// `metadata/session.json`; `None` for sessions of the oldest tools.
    pub metadata: Option<SessionMetadata>,
    /// Markdown files inside the stage folders that are no artifact, relative to the session folder.
    pub unknown: Vec<String>,
    /// State, metadata and pointer files that could not be used.
    pub problems: Vec<FileProblem>,
    /// The stages with an open conflict, whatever the remote.
    pub open_conflicts: Vec<Stage>,
}

impl Session {
    /// Returns the artifact of a stage.
    pub fn artifact(&self, stage: Stage) -> &Artifact {
        &self.artifacts[stage as usize]
    }

    /// Returns the path of a stage's artifact relative to the workspace, with forward slashes.
    pub fn artifact_path(&self, stage: Stage) -> String {
        format!("{}/{}", self.path, stage.path())
    }
}

/// A file beside the artifacts that cannot be used as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileProblem {
    /// Which of them.
    pub file: FileRole,
    /// Relative to the workspace, with forward slashes.
    pub path: String,
    /// What is wrong, as a sentence.
    pub message: String,
    /// Line and column from 1, where the file could not be parsed.
    pub position: Option<(u32, u32)>,
}

/// The files beside the artifacts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileRole {
    /// `session_state.json`, the session's or the project's.
    State,
    /// `metadata/session.json`.
    Metadata,
    /// `CURRENT_SESSION`.
    Pointer,
}

/// What a session is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SessionType {
    /// The project as a whole.
    Blueprint,
    /// One piece of work.
    Feature,
    /// A look around.
    Exploratory,
}

/// `metadata/session.json`: the object as it was found, with typed views of the fields that matter.
///
/// Fields that are not known stay, in their order.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct SessionMetadata {
    raw: Map<String, Value>,
}

impl SessionMetadata {
    /// Wraps the object.
    pub fn new(raw: Map<String, Value>) -> Self {
        Self { raw }
    }

    /// Returns the metadata of a session that was just made, with the thirteen fields that the existing tools require.
    pub fn fresh(key: &SessionKey, parent: Option<&SessionId>, owner: &str, now: &str) -> Self {
        let is_blueprint = key.session.is_blueprint();
        // The blueprint describes the project and bears its name.
        let name = if is_blueprint { key.project.as_str() } else { key.session.as_str() };
        let session_type = if is_blueprint { "blueprint" } else { "feature" };
        let fields: [(&str, Value); 13] = [
            ("session_id", key.session.as_str().into()),
            ("name", name.into()),
            ("session_type", session_type.into()),
            ("description", Value::Null),
            ("is_blueprint", is_blueprint.into()),
            ("parent_session", parent.map_or(Value::Null, |parent| parent.as_str().into())),
            ("related_sessions", Value::Array(Vec::new())),
            ("owner", owner.into()),
            ("collaborators", Value::Array(Vec::new())),
            ("tags", Value::Array(Vec::new())),
            ("status", "draft".into()),
            ("created_at", now.into()),
            ("updated_at", now.into()),
        ];
        Self { raw: fields.into_iter().map(|(key, value)| (key.to_owned(), value)).collect() }
    }

    /// Returns the object.
    pub fn raw(&self) -> &Map<String, Value> {
        &self.raw
    }

    /// Returns a field that is a non-empty text.
    pub fn text(&self, key: &str) -> Option<&str> {
        self.raw.get(key)?.as_str().filter(|text| !text.is_empty())
    }

    /// Returns the type, where the file names a known one.
    pub fn session_type(&self) -> Option<SessionType> {
        match self.text("session_type")? {
            "blueprint" => Some(SessionType::Blueprint),
            "feature" => Some(SessionType::Feature),
            "exploratory" => Some(SessionType::Exploratory),
            _ => None,
        }
    }

    /// Returns the parent session.
    pub fn parent(&self) -> Option<SessionId> {
        self.text("parent_session")?.parse().ok()
    }
}

/// One line of a session list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SessionSummary {
    /// The session.
    pub session: SessionId,
    /// What it is for; from the name where no metadata says it.
    pub session_type: SessionType,
    /// The session it came from.
    pub parent: Option<SessionId>,
    /// `draft`, `in_progress`, `review`, `complete`, `archived`; `draft` where nothing says it.
    pub status: String,
    /// When it was made, as its file says it.
    pub created_at: Option<String>,
    /// Who owns it.
    pub owner: Option<String>,
    /// It is the current session of its project.
    pub current: bool,
    /// It has no `metadata/session.json`.
    pub legacy: bool,
}
