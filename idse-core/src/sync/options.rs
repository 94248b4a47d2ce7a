//! What the sync verbs are asked: how to go about it.

use crate::name::OpId;
use crate::stage::Stage;

/// How `push` is to go about it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PushOptions {
    /// Only these stages; empty means all.
    pub stages: Vec<Stage>,
    /// Read and say what would be done; write nothing anywhere.
    pub dry_run: bool,
    /// Who worked on it.
    pub agent: Option<String>,
    /// Stages whose missing file is meant: the remote's text is cleared.
    pub delete: Vec<Stage>,
    /// A file that has become empty is meant.
    pub allow_empty: bool,
    /// Clearing or emptying more than half of the stages is meant.
    pub force_clear: bool,
    /// Put this session in the place of the one that the row holds.
    pub replace_session: bool,
    /// Make the row again after it disappeared.
    pub recreate: bool,
    /// Make a project of its own although the agency has one with this name.
    pub new_id: bool,
    /// The caller named the session: a row that does not say which one it holds is taken as this one.
    pub adopt_session: bool,
}

/// How `pull` is to go about it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PullOptions {
    /// Only these stages; empty means all.
    pub stages: Vec<Stage>,
    /// Read and say what would be done; write nothing anywhere.
    pub dry_run: bool,
    /// Write conflict markers into the files.
    pub markers: bool,
    /// Stages whose missing file is to be written again.
    pub restore: Vec<Stage>,
    /// Texts that were cleared in the agency are removed here too (and kept as objects).
    pub accept_clear: bool,
    /// Clearing or emptying more than half of the stages is meant.
    pub force_clear: bool,
    /// The caller named the session: a row that does not say which one it holds is taken as this one.
    pub adopt_session: bool,
}

/// A person's answer to a conflict.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Resolution {
    /// The file as it is now.
    Local,
    /// The recorded remote text.
    Remote,
    /// The recorded `merged.md`.
    Merged,
    /// This text.
    Text(String),
}

/// How `resolve` is to settle a conflict.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResolveOptions {
    /// The stage.
    pub stage: Stage,
    /// The answer.
    pub resolution: Resolution,
    /// Say what would be done; write nothing anywhere.
    pub dry_run: bool,
}

/// How `undo` is to go about it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct UndoOptions {
    /// The operation; the last that is not undone where none is given.
    pub op: Option<OpId>,
    /// Undo all the same where a file was changed since; the change is kept as an object.
    pub force: bool,
    /// Say what would be done; write nothing anywhere.
    pub dry_run: bool,
}
