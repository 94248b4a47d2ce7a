//! What the engine writes down: conflicts, journal entries and the log. Plain values; `store` keeps them on disk.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::name::{OpId, ProjectId, SessionKey};
use crate::remote::Revision;
use crate::stage::{Stage, StageStatus};
use crate::sync::base::{Base, StageBase, TextRef};
use crate::sync::{ConflictKind, StatusConflict, Verb};
use crate::text::ObjectId;

/// An open conflict of one stage.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct ConflictRecord {
    pub(crate) kind: ConflictKind,
    pub(crate) base: Option<TextRef>,
    pub(crate) local: Option<TextRef>,
    pub(crate) remote: Option<TextRef>,
    /// The proposed text as it was written to `merged.md`; `None` where the texts do not conflict.
    pub(crate) merged: Option<ObjectId>,
    /// How many characters a marker line of `merged` has.
    pub(crate) marker_length: usize,
    /// How many places of the text conflict.
    pub(crate) places: usize,
    /// What the file held after markers were written into it.
    pub(crate) markers: Option<ObjectId>,
    pub(crate) status: Option<StatusConflict>,
}

impl ConflictRecord {
    /// Tells whether the texts are in conflict, not only the statuses.
    pub(crate) fn has_text(&self) -> bool {
        self.kind != ConflictKind::Status
    }

    pub(crate) fn objects(&self) -> impl Iterator<Item = ObjectId> {
        let texts = [self.base, self.local, self.remote].into_iter().flatten().map(|text| text.object);
        texts.chain(self.merged).chain(self.markers)
    }
}

/// The change of one file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct FileChange {
    pub(crate) stage: Stage,
    pub(crate) before: Option<ObjectId>,
    pub(crate) after: Option<ObjectId>,
    /// The entry of the base if somebody saves the file in between: the swap then does not happen.
    pub(crate) if_raced: StageBase,
}

/// What changes in the session's state.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct StateChange {
    pub(crate) statuses: BTreeMap<Stage, StageStatus>,
    pub(crate) last_agent: Option<String>,
    pub(crate) last_sync: Option<String>,
}

/// A change of this workspace: written down whole before its first effect, so that it can always be finished.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Transaction {
    pub(crate) files: Vec<FileChange>,
    /// The base afterwards; `None` removes it.
    pub(crate) base: Option<Base>,
    pub(crate) state: StateChange,
    /// Conflicts that are opened or refreshed (`Some`) or closed (`None`).
    pub(crate) conflicts: BTreeMap<Stage, Option<ConflictRecord>>,
    pub(crate) log: LogRecord,
}

/// A write to the remote whose fate is not known yet.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct PendingPush {
    pub(crate) project_id: ProjectId,
    /// The address of the remote, for people.
    pub(crate) remote: String,
    /// The row's version that the push was planned on.
    pub(crate) revision: Option<Revision>,
    pub(crate) items: Vec<PendingItem>,
    /// The statuses that the push sets.
    pub(crate) statuses: BTreeMap<Stage, StageStatus>,
    /// The whole `state_json` that the push sends.
    pub(crate) state: Option<Map<String, Value>>,
    pub(crate) log: LogRecord,
}

impl PendingPush {
    /// Returns who worked on it last, as the push says it.
    pub(crate) fn agent(&self) -> Option<String> {
        self.state.as_ref()?.get("last_agent")?.as_str().map(str::to_owned)
    }
}

/// One stage of a push.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct PendingItem {
    pub(crate) stage: Stage,
    /// What is sent; `None` clears.
    pub(crate) intended: Option<TextRef>,
    /// What it replaces.
    pub(crate) replaced: Option<TextRef>,
}

/// One entry of the journal.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum JournalEntry {
    Transaction(Box<Transaction>),
    Push(Box<PendingPush>),
}

impl JournalEntry {
    pub(crate) fn log(&self) -> &LogRecord {
        match self {
            Self::Transaction(transaction) => &transaction.log,
            Self::Push(push) => &push.log,
        }
    }

    pub(crate) fn objects(&self) -> Vec<ObjectId> {
        let mut objects: Vec<_> = self.log().objects().collect();
        match self {
            Self::Transaction(transaction) => {
                objects.extend(transaction.base.iter().flat_map(Base::objects));
                objects.extend(transaction.files.iter().flat_map(|f| [f.before, f.after]).flatten());
                let records = transaction.conflicts.values().flatten();
                objects.extend(records.flat_map(ConflictRecord::objects));
            }
            Self::Push(push) => {
                let texts = push.items.iter().flat_map(|item| [item.intended, item.replaced]).flatten();
                objects.extend(texts.map(|text| text.object));
            }
        }
        objects
    }
}

/// One line of `log.jsonl`: enough to undo the operation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct LogRecord {
    pub(crate) op: OpId,
    pub(crate) verb: Verb,
    pub(crate) time: String,
    pub(crate) key: SessionKey,
    /// The folder of the remote below `.idse/sync/`.
    pub(crate) remote: String,
    /// The base before, as an object; `None`: there was none.
    pub(crate) base_before: Option<ObjectId>,
    /// Of a pull, resolve or undo: what the files held before and after. Of a push: the remote's texts.
    pub(crate) texts: Vec<LogText>,
    /// The statuses that changed, as they were.
    #[serde(default)]
    pub(crate) statuses_before: BTreeMap<Stage, StageStatus>,
    /// The conflicts that changed, as they were.
    #[serde(default)]
    pub(crate) conflicts_before: BTreeMap<Stage, Option<ConflictRecord>>,
    /// Other objects that the operation put aside.
    #[serde(default)]
    pub(crate) kept: Vec<ObjectId>,
    /// The operation that this one undid.
    #[serde(default)]
    pub(crate) undoes: Option<OpId>,
}

/// One text of a log record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct LogText {
    pub(crate) stage: Stage,
    pub(crate) before: Option<ObjectId>,
    pub(crate) after: Option<ObjectId>,
}

impl LogRecord {
    /// Returns the record without the files that kept an editor's text: undo has nothing to bring back there. The
    /// texts stay kept.
    pub(crate) fn without_files(&self, stages: &[Stage]) -> Self {
        let (left, texts) = self.texts.iter().partition(|text| stages.contains(&text.stage));
        let mut record = Self { texts, ..self.clone() };
        let left: Vec<LogText> = left;
        record.kept.extend(left.iter().flat_map(|text| [text.before, text.after]).flatten());
        record
    }

    pub(crate) fn objects(&self) -> impl Iterator<Item = ObjectId> + '_ {
        let texts = self.texts.iter().flat_map(|text| [text.before, text.after].into_iter().flatten());
        let conflicts = self.conflicts_before.values().flatten().flat_map(ConflictRecord::objects);
        texts.chain(conflicts).chain(self.base_before).chain(self.kept.iter().copied())
    }
}
