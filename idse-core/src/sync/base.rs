//! The base: what the last sync with one remote agreed on, and what the remote held then.
//!
//! A plain value; `store` keeps it on disk, `plan` reads it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::name::{ProjectId, SessionId};
use crate::remote::{RemoteSession, RemoteText, Revision};
use crate::stage::{Stage, StageStatus};
use crate::state::SessionState;
use crate::text::{Digest, ObjectId};

/// A text by its identities; the bytes lie in the object store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct TextRef {
    pub(crate) digest: Digest,
    pub(crate) object: ObjectId,
}

impl TextRef {
    pub(crate) fn of(text: &str) -> Self {
        Self { digest: Digest::of(text), object: ObjectId::of(text.as_bytes()) }
    }
}

/// What the remote held of a stage at the revision of the base.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Seen {
    Absent,
    Text(TextRef),
    /// The remote cannot express absence and said nothing.
    Unknown,
    /// The remote has no place for the stage.
    Unmapped,
}

impl Seen {
    pub(crate) fn of(text: &RemoteText) -> Self {
        match text {
            RemoteText::Absent => Self::Absent,
            RemoteText::Text(text) => Self::Text(TextRef::of(text)),
            RemoteText::Unknown => Self::Unknown,
            RemoteText::Unmapped => Self::Unmapped,
        }
    }

    pub(crate) fn text(self) -> Option<TextRef> {
        match self {
            Self::Text(text) => Some(text),
            Self::Absent | Self::Unknown | Self::Unmapped => None,
        }
    }
}

/// One stage of a base.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct StageBase {
    /// The text both sides last had in common.
    pub(crate) agreed: Option<TextRef>,
    /// What the remote held when it was last read.
    pub(crate) seen: Option<Seen>,
    /// A person decided that the missing file is meant: the next push clears the remote's text.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) consent: bool,
}

/// What the last sync of a session with one remote agreed on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Base {
    pub(crate) version: u32,
    /// The identity that this base belongs to; under another one it counts for nothing.
    pub(crate) project_id: ProjectId,
    pub(crate) session: SessionId,
    /// The address of the remote, for people.
    pub(crate) remote: String,
    /// The row's version at which *every* stage was `seen`.
    pub(crate) revision: Option<Revision>,
    /// When the row was last written, as the remote said it.
    pub(crate) updated_at: Option<String>,
    pub(crate) stages: BTreeMap<Stage, StageBase>,
    /// The statuses both sides last had in common.
    pub(crate) statuses: BTreeMap<Stage, StageStatus>,
    /// The last agent both sides last had in common.
    pub(crate) agent: Option<String>,
    /// `state_json` as the remote held it at the revision.
    pub(crate) state: Option<Map<String, Value>>,
}

impl Base {
    pub(crate) const VERSION: u32 = 1;

    pub(crate) fn new(project_id: ProjectId, session: SessionId, remote: &str) -> Self {
        Self {
            version: Self::VERSION,
            project_id,
            session,
            remote: remote.to_owned(),
            revision: None,
            updated_at: None,
            stages: BTreeMap::new(),
            statuses: BTreeMap::new(),
            agent: None,
            state: None,
        }
    }

    pub(crate) fn stage(&self, stage: Stage) -> StageBase {
        self.stages.get(&stage).copied().unwrap_or_default()
    }

    pub(crate) fn stage_mut(&mut self, stage: Stage) -> &mut StageBase {
        self.stages.entry(stage).or_default()
    }

    /// Records what a row holds: every stage, so the revision counts from here on.
    pub(crate) fn see(&mut self, row: &RemoteSession) {
        for stage in Stage::ALL {
            let text = row.texts.get(&stage).unwrap_or(&RemoteText::Unmapped);
            self.stage_mut(stage).seen = Some(Seen::of(text));
        }
        self.revision = Some(row.revision.clone());
        self.updated_at.clone_from(&row.updated_at);
        self.state.clone_from(&row.state);
    }

    /// Returns the revision, where every stage was seen at it.
    pub(crate) fn trusted_revision(&self) -> Option<&Revision> {
        let complete = Stage::ALL.iter().all(|stage| self.stage(*stage).seen.is_some());
        self.revision.as_ref().filter(|_| complete)
    }

    /// Records that both sides have this text now.
    pub(crate) fn agree(&mut self, stage: Stage, text: Option<TextRef>) {
        let entry = self.stage_mut(stage);
        entry.agreed = text;
        entry.consent = false;
    }

    /// Returns the status that both sides last had in common; pending before the first sync.
    pub(crate) fn status(&self, stage: Stage) -> StageStatus {
        self.statuses.get(&stage).copied().unwrap_or_default()
    }

    /// Returns the state as the remote held it.
    pub(crate) fn seen_state(&self) -> Option<SessionState> {
        self.state.clone().map(SessionState::new)
    }

    /// Returns every object that this base needs.
    pub(crate) fn objects(&self) -> impl Iterator<Item = ObjectId> + '_ {
        self.stages.values().flat_map(|entry| {
            let seen = entry.seen.and_then(Seen::text);
            [entry.agreed, seen].into_iter().flatten().map(|text| text.object)
        })
    }
}
