//! What a push or a pull will do, as a value. Pure: no disk, no network, no clock.
//!
//! This file has the three sides that both plans look at; `push` and `pull` decide.

mod pull;
mod push;

use std::collections::BTreeMap;

use crate::artifact::Content;
use crate::remote::{RemoteSession, RemoteText};
use crate::session::Session;
use crate::stage::{Stage, StageStatus};
use crate::state::SessionState;
use crate::sync::base::Base;
use crate::sync::classify::{Known, Local, Remote, StatusClass, classify, classify_status};
use crate::sync::record::ConflictRecord;
use crate::sync::{Action, Step};
use crate::template;
use crate::text::Digest;

pub(crate) use pull::{ConflictDraft, PullStep, plan_pull};
pub(crate) use push::{PushStep, plan_push};

/// The three sides of a session, and what a person still has to decide.
pub(crate) struct Sides<'a> {
    pub(crate) local: &'a Session,
    pub(crate) base: Option<&'a Base>,
    pub(crate) remote: &'a RemoteSession,
    pub(crate) open: &'a BTreeMap<Stage, ConflictRecord>,
}

impl Sides<'_> {
    pub(super) fn known(&self, stage: Stage, text: &str) -> Known {
        Known {
            digest: Digest::of(text),
            is_empty: text.is_empty(),
            untouched: template::is_untouched(stage, &self.local.key, text),
        }
    }

    pub(super) fn remote_text(&self, stage: Stage) -> &RemoteText {
        self.remote.texts.get(&stage).unwrap_or(&RemoteText::Unmapped)
    }

    /// Classifies a stage; the step says nothing yet about what is done.
    pub(crate) fn step(&self, stage: Stage) -> Step {
        let local = match &self.local.artifact(stage).content {
            Content::Absent => Local::Absent,
            Content::Blocked(_) => Local::Blocked,
            Content::Text(text) => Local::Text(self.known(stage, text)),
        };
        let remote = match self.remote_text(stage) {
            RemoteText::Absent => Remote::Absent,
            RemoteText::Unknown => Remote::Unknown,
            RemoteText::Unmapped => Remote::Unmapped,
            RemoteText::Text(text) => Remote::Text(self.known(stage, text)),
        };
        let base = self.base.and_then(|base| base.stage(stage).agreed).map(|text| text.digest);
        let digest = |known: Known| known.digest;
        Step {
            stage,
            class: classify(local, base, remote),
            action: Action::None,
            message: None,
            local: if let Local::Text(known) = local { Some(digest(known)) } else { None },
            base,
            remote: if let Remote::Text(known) = remote { Some(digest(known)) } else { None },
        }
    }

    pub(super) fn statuses(&self, stage: Stage) -> (StageStatus, StageStatus, Option<StageStatus>) {
        let base = self.base.map(|base| base.status(stage)).unwrap_or_default();
        let remote = self.remote.state.clone().map(SessionState::new).and_then(|s| s.known_status(stage));
        (self.local.state.status(stage), base, remote)
    }

    pub(crate) fn status_class(&self, stage: Stage) -> StatusClass {
        let (local, base, remote) = self.statuses(stage);
        classify_status(local, base, remote)
    }

    pub(super) fn blocked_message(&self, stage: Stage) -> Option<String> {
        match &self.local.artifact(stage).content {
            Content::Blocked(blocked) => Some(blocked.message.clone()),
            Content::Absent | Content::Text(_) => None,
        }
    }
}

fn refuse_mass_clear(step: &mut Step) {
    step.action = Action::Refuse;
    step.message =
        Some("this would clear more than half of the stages; `--force-clear` does it all the same".into());
}
