//! What a push writes down: its intent before the write, and the base that both sides share afterwards.

use std::collections::BTreeMap;

use crate::error::Result;
use crate::remote::{RemoteText, Revision};
use crate::stage::{Stage, StageStatus};
use crate::sync::base::{Base, Seen, TextRef};
use crate::sync::plan::PushStep;
use crate::sync::record::{LogText, PendingItem, PendingPush};
use crate::sync::settle::keep_seen;
use crate::sync::{Action, Class, Verb, rows};

use super::Attempt;

impl Attempt<'_> {
    /// Both sides agree already, at most the record of it moves: no request, nothing to undo.
    pub(super) fn record_agreement(&self) -> Result<()> {
        let mut base = self.new_base()?;
        self.keep_recorded()?;
        self.agree(&mut base);
        if self.base.as_ref() != Some(&base) {
            self.engine.store.save_base(self.engine.remote_folder(), self.engine.key, Some(&base))?;
        }
        Ok(())
    }

    pub(super) fn new_base(&self) -> Result<Base> {
        let mut base = self.base.clone().unwrap_or_else(|| {
            let session = self.engine.key.session.clone();
            Base::new(self.located.row.project_id, session, &self.engine.info.address)
        });
        if !self.located.remembered && self.located.exists {
            keep_seen(self.engine, &self.located.row)?;
            base.see(&self.located.row);
        }
        Ok(base)
    }

    /// Takes into the base what both sides agree on without a transfer.
    pub(super) fn agree(&self, base: &mut Base) {
        for push_step in &self.steps {
            let step = &push_step.step;
            if push_step.records() {
                base.agree(step.stage, self.local.artifact(step.stage).text().map(TextRef::of));
            }
            if step.class == Class::InSync {
                // The file is back: what was decided about its absence no longer counts.
                base.stage_mut(step.stage).consent = false;
            }
            let local = self.local.state.status(step.stage);
            let remote = base.seen_state().and_then(|state| state.known_status(step.stage));
            if remote == Some(local) {
                base.statuses.insert(step.stage, local);
            }
        }
    }

    /// Keeps the texts that only the record moves for: the base names them.
    pub(super) fn keep_recorded(&self) -> Result<()> {
        for step in self.steps.iter().filter(|s| s.records()) {
            if let Some(text) = self.local.artifact(step.step.stage).text() {
                self.engine.store.keep_text(text)?;
            }
        }
        Ok(())
    }

    pub(super) fn agent(&self) -> Option<String> {
        let given = self.options.agent.clone().or_else(|| Some(self.engine.settings.agent.clone()?.value));
        let base = self.base.as_ref().and_then(|base| base.agent.as_deref());
        let local = self.local.state.last_agent().filter(|local| Some(*local) != base);
        given.or_else(|| local.map(str::to_owned))
    }

    pub(super) fn statuses(&self) -> BTreeMap<Stage, StageStatus> {
        self.steps.iter().filter_map(|s| Some((s.step.stage, s.status?))).collect()
    }

    /// Writes down what the push intends, and keeps every text of it and every text that it replaces.
    pub(super) fn pending(&self) -> Result<PendingPush> {
        let store = &self.engine.store;
        let mut log = self.engine.log_record(Verb::Push, self.base.as_ref())?;
        let mut items = Vec::new();
        for PushStep { step, .. } in &self.steps {
            let replaced = match self.located.row.texts.get(&step.stage).and_then(RemoteText::text) {
                Some(text) if self.replaces || matches!(step.action, Action::Send | Action::SendNull) => {
                    Some(store.keep_text(text)?)
                }
                _ => None,
            };
            let intended = match (step.action, self.local.artifact(step.stage).text()) {
                (Action::Send, Some(text)) => Some(store.keep_text(text)?),
                (Action::SendNull, _) => None,
                _ => continue,
            };
            log.texts.push(LogText {
                stage: step.stage,
                before: replaced.map(|t| t.object),
                after: intended.map(|t| t.object),
            });
            items.push(PendingItem { stage: step.stage, intended, replaced });
        }
        self.keep_recorded()?;
        let statuses = self.statuses();
        let agent = self.agent();
        let update = rows::StateUpdate {
            key: self.engine.key,
            statuses: &statuses,
            agent: agent.as_deref(),
            op: self.engine.settings.marker.then_some(log.op),
        };
        let state = rows::state_json(self.located.row.state.as_ref(), &update);
        Ok(PendingPush {
            project_id: self.located.row.project_id,
            remote: self.engine.info.address.clone(),
            revision: self.located.exists.then(|| self.located.row.revision.clone()),
            items,
            statuses,
            state: Some(state),
            log,
        })
    }

    pub(super) fn base_after(
        &self,
        pending: &PendingPush,
        revision: Option<Revision>,
        updated_at: Option<String>,
    ) -> Result<Base> {
        let mut base = self.new_base()?;
        if !self.located.exists {
            // The row was made by this push: it holds what was sent and nothing else.
            base.see(&self.located.row);
        }
        self.agree(&mut base);
        for item in &pending.items {
            let is_skipped = self.located.row.texts.get(&item.stage) == Some(&RemoteText::Unmapped);
            if is_skipped {
                base.stage_mut(item.stage).seen = Some(Seen::Unmapped);
            } else {
                base.agree(item.stage, item.intended);
                base.stage_mut(item.stage).seen = Some(item.intended.map_or(Seen::Absent, Seen::Text));
            }
        }
        base.statuses.extend(&pending.statuses);
        base.agent = pending.agent();
        base.state.clone_from(&pending.state);
        base.revision = revision;
        base.updated_at = updated_at;
        Ok(base)
    }
}
