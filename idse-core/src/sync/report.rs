//! What the sync verbs answer. The JSON of these types is in `docs/wire.md`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::name::{OpId, ProjectId, ProjectName, SessionId};
use crate::remote::{Guard, RemoteInfo};
use crate::stage::{Stage, StageStatus};
use crate::text::{Digest, ObjectId};

/// How the three sides of a stage stand to each other (local, base, remote).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Class {
    /// Nowhere a text, or all equal.
    InSync,
    /// Only the local text changed.
    LocalChange,
    /// Only the remote text changed.
    RemoteChange,
    /// Both changed to the same text.
    SameChange,
    /// Both changed, differently.
    BothChanged,
    /// The file is gone, the remote text is as it was.
    DeletedHere,
    /// The file is gone, the remote text changed.
    DeleteEdit,
    /// The remote text is gone, the file is as it was.
    ClearedThere,
    /// The remote text is gone, the file changed.
    EditClear,
    /// Both are gone.
    BothGone,
    /// Only here, never synced.
    NewHere,
    /// Only there, never synced.
    NewThere,
    /// Never synced, and equal.
    Adopt,
    /// Never synced, and different.
    BothAdded,
    /// The agency has no place for this stage.
    Unmapped,
    /// The file cannot be taken as a text.
    Blocked,
    /// The file has become empty.
    Suspicious,
}

/// What is done with a stage.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// Nothing.
    None,
    /// The text is sent.
    Send,
    /// The remote text is cleared.
    SendNull,
    /// The remote text is written into the file.
    Write,
    /// The merge of both is written into the file; the next push sends it.
    Merge,
    /// The file is removed and kept as an object.
    Remove,
    /// Both sides agree already; only the record of it moves.
    Record,
    /// Only the status moves.
    Status,
    /// Left as it is; `message` says what to do.
    Leave,
    /// A person must decide.
    Conflict,
    /// Refused; `message` says why and what to do.
    Refuse,
}

/// One stage of a plan or report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Step {
    /// The stage.
    pub stage: Stage,
    /// How the sides stand.
    pub class: Class,
    /// What is done.
    pub action: Action,
    /// What a person should know.
    pub message: Option<String>,
    /// The digest of the local text.
    pub local: Option<Digest>,
    /// The digest of the agreed text.
    pub base: Option<Digest>,
    /// The digest of the remote text.
    pub remote: Option<Digest>,
}

/// What kind of decision a conflict needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ConflictKind {
    /// Both changed the same place.
    BothChanged,
    /// Both added a text, different ones.
    BothAdded,
    /// Deleted here, edited there.
    DeleteEdit,
    /// Edited here, cleared there.
    EditClear,
    /// Both set the stage's status, differently.
    Status,
    /// A push whose reply was lost met another text.
    Unsettled,
}

/// Both sides set the status of a stage, differently.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatusConflict {
    /// The status here.
    pub local: StageStatus,
    /// The status in the agency.
    pub remote: StageStatus,
}

/// A stage that needs a person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Conflict {
    /// The stage.
    pub stage: Stage,
    /// What kind.
    pub kind: ConflictKind,
    /// How many places of the text.
    pub places: usize,
    /// The folder with `base.md`, `local.md`, `remote.md`, `merged.md`, relative to the workspace; `None` where no pull
    /// has opened the conflict yet.
    pub path: Option<String>,
    /// Local and remote status, where the status is in conflict.
    pub status: Option<StatusConflict>,
}

/// Which verb a report is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verb {
    /// `sync push`.
    Push,
    /// `sync pull`.
    Pull,
    /// `sync clone`.
    Clone,
    /// `sync resolve`.
    Resolve,
    /// `sync undo`.
    Undo,
    /// Finding out what became of a push whose reply was lost.
    Settle,
}

/// How a sync ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Something was done (or, in a dry run, would be).
    Done,
    /// There was nothing to do.
    UpToDate,
    /// A gate is closed or a file is blocked.
    Refused,
    /// Something needs a person.
    Conflict,
}

/// What a sync did.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SyncReport {
    /// The verb.
    pub verb: Verb,
    /// The project.
    pub project: ProjectName,
    /// The session.
    pub session: SessionId,
    /// The project's identity, where it is known.
    pub project_id: Option<ProjectId>,
    /// The agency.
    pub remote: RemoteInfo,
    /// How the write was guarded.
    pub guard: Guard,
    /// The operation, where something was written.
    pub op: Option<OpId>,
    /// Nothing was written.
    pub dry_run: bool,
    /// The project was made in the agency.
    pub created: bool,
    /// How it ended.
    pub outcome: Outcome,
    /// When the agency's row was last written, as it says it.
    pub last_synced: Option<String>,
    /// The stages.
    pub steps: Vec<Step>,
    /// What needs a person.
    pub conflicts: Vec<Conflict>,
    /// What else a person should know.
    pub notes: Vec<String>,
}

impl SyncReport {
    /// Returns the stages with an action that moved a text or a status.
    pub fn moved(&self) -> Vec<Stage> {
        let moves = |s: &&Step| {
            matches!(
                s.action,
                Action::Send | Action::SendNull | Action::Write | Action::Merge | Action::Remove
            )
        };
        self.steps.iter().filter(moves).map(|s| s.stage).collect()
    }
}

/// One stage of `status`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StageLine {
    /// The stage.
    pub stage: Stage,
    /// Its status.
    pub status: StageStatus,
    /// How many errors its artifact has.
    pub errors: usize,
    /// How many warnings.
    pub warnings: usize,
    /// How the text stands to what was last seen of the agency; `None` where there was never a sync.
    pub sync: Option<Class>,
    /// It has an open conflict.
    pub conflict: Option<ConflictKind>,
    /// `push` would send it.
    pub push: bool,
    /// `pull` would write it, as far as was last seen.
    pub pull: bool,
}

/// The answer of `status`: local, or with what the agency holds now.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StatusReport {
    /// The project.
    pub project: ProjectName,
    /// The session.
    pub session: SessionId,
    /// It is the current session.
    pub current: bool,
    /// The project's identity, where it is known.
    pub project_id: Option<ProjectId>,
    /// The agency.
    pub remote: RemoteInfo,
    /// The agency was asked.
    pub checked: bool,
    /// When it was last synced, as the agency said it; `None`: never.
    pub last_synced: Option<String>,
    /// Who worked on it last.
    pub last_agent: Option<String>,
    /// The seven stages.
    pub stages: Vec<StageLine>,
    /// The stage to work on next; `None`: all complete.
    pub next: Option<Stage>,
    /// A push whose reply was lost waits for the next sync verb.
    pub unsettled: bool,
    /// What else a person should know.
    pub notes: Vec<String>,
}

/// The answer of `sync status`: what the agency holds.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RemoteStatus {
    /// The project's name there.
    pub project: String,
    /// Its identity.
    pub project_id: ProjectId,
    /// The session that the row holds, where it says so.
    pub session: Option<SessionId>,
    /// The agency.
    pub remote: RemoteInfo,
    /// When it was last written, as the agency says it.
    pub last_synced: Option<String>,
    /// The stages that the agency names a status for.
    pub stages: BTreeMap<Stage, StageStatus>,
    /// Who worked on it last.
    pub last_agent: Option<String>,
    /// Stages that would be pulled.
    pub incoming: Vec<Stage>,
    /// Stages that would be pushed.
    pub outgoing: Vec<Stage>,
    /// Stages that both sides changed.
    pub both: Vec<Stage>,
}

/// What `diff` compares the files with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum DiffSide {
    /// What both sides last agreed on.
    Base,
    /// What the agency holds now.
    Remote,
}

/// The difference of one stage.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StageDiff {
    /// The stage.
    pub stage: Stage,
    /// The file, relative to the workspace.
    pub path: String,
    /// A unified diff from the other side to the file, blind to line endings and the BOM; empty where an empty file
    /// came or went.
    pub diff: String,
}

/// The answer of `diff`: the stages that differ.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DiffReport {
    /// The project.
    pub project: ProjectName,
    /// The session.
    pub session: SessionId,
    /// What the files were compared with.
    pub side: DiffSide,
    /// The stages that differ.
    pub stages: Vec<StageDiff>,
}

/// What `resolve` did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ResolveReport {
    /// The project.
    pub project: ProjectName,
    /// The session.
    pub session: SessionId,
    /// The stage.
    pub stage: Stage,
    /// The operation; `None` in a dry run.
    pub op: Option<OpId>,
    /// What kind of conflict it was.
    pub conflict: ConflictKind,
    /// `local`, `remote`, `merged`, `text`.
    pub resolution: &'static str,
    /// Nothing was written.
    pub dry_run: bool,
    /// What the file holds now.
    pub object: Option<ObjectId>,
    /// The next push sends it.
    pub push: bool,
    /// The conflicts that are still open in this session.
    pub open: Vec<Stage>,
}

/// What `undo` did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct UndoReport {
    /// The operation that was undone.
    pub undone: OpId,
    /// What it was.
    pub verb: Verb,
    /// This operation; `None` in a dry run.
    pub op: Option<OpId>,
    /// Nothing was written.
    pub dry_run: bool,
    /// The project.
    pub project: ProjectName,
    /// The session.
    pub session: SessionId,
    /// The files that were written or removed.
    pub stages: Vec<Stage>,
    /// What a person should know.
    pub notes: Vec<String>,
}

/// What a push or a pull would do, as far as was last seen of the agency.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PlanReport {
    /// `push` or `pull`.
    pub verb: Verb,
    /// The project.
    pub project: ProjectName,
    /// The session.
    pub session: SessionId,
    /// The agency.
    pub remote: RemoteInfo,
    /// When it was last synced, as the agency said it; `None`: never.
    pub last_synced: Option<String>,
    /// The stages.
    pub steps: Vec<Step>,
}

/// What `link` did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LinkReport {
    /// The local project.
    pub project: ProjectName,
    /// The identity that it has now.
    pub project_id: ProjectId,
    /// The project's name in the agency.
    pub name: String,
}

/// What `clone` did.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CloneReport {
    /// The project.
    pub project: ProjectName,
    /// Its identity.
    pub project_id: ProjectId,
    /// What each session pulled.
    pub sessions: Vec<SyncReport>,
}
