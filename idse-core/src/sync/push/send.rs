//! Sending: the one guarded write of a push, and what its answer means.

use std::collections::BTreeMap;

use crate::error::{Error, ErrorKind, Result};
use crate::remote::{Fetched, Guard, NewProject, PushItem, PushOutcome, PushRequest, PushState, RemoteText};
use crate::stage::Stage;
use crate::sync::base::Base;
use crate::sync::plan::PushStep;
use crate::sync::record::{JournalEntry, PendingPush, StateChange, Transaction};
use crate::sync::settle::{Settled, keep_seen, settle_entry};
use crate::sync::{Action, Class, Outcome, SyncReport, transaction};
use crate::text::Digest;

use super::{Attempt, Sent};

impl Attempt<'_> {
    /// Sends, and records what was sent.
    pub(super) fn send(mut self) -> Result<Sent> {
        if let Some(outcome) = self.is_refused() {
            return Ok(Sent::Done(Box::new(self.stopped(outcome))));
        }
        if !self.sends() {
            self.record_agreement()?;
            return Ok(Sent::Done(Box::new(self.report())));
        }
        let pending = self.pending()?;
        let request = self.request(&pending);
        check_size(&request, self.engine.settings.limits.request_bytes)?;
        self.engine.context.check()?;
        self.engine.store.save_entry(&JournalEntry::Push(Box::new(pending.clone())))?;
        self.engine.context.step("sending", self.engine.key, 0, None);
        match self.engine.remote.push(&request, self.engine.context) {
            Ok(PushOutcome::Written { revision, in_step, updated_at, skipped }) => {
                self.skip(&skipped);
                let base = self.base_after(&pending, in_step.then_some(revision), updated_at.clone())?;
                let mut report = self.commit(&pending, base, updated_at)?;
                if !in_step {
                    self.look_again(&pending, &mut report);
                }
                Ok(Sent::Done(Box::new(report)))
            }
            Ok(PushOutcome::Differs { .. } | PushOutcome::Missing) => {
                self.engine.store.remove_entry(&pending.log)?;
                Ok(Sent::Overtaken)
            }
            Err(error) if error.kind() == ErrorKind::Unsettled => self.settle_now(&pending, error),
            Err(error) => {
                self.engine.store.remove_entry(&pending.log)?;
                Err(error)
            }
        }
    }

    /// The agency had no place for these after all.
    pub(super) fn skip(&mut self, skipped: &[Stage]) {
        for PushStep { step, .. } in self.steps.iter_mut().filter(|s| skipped.contains(&s.step.stage)) {
            step.class = Class::Unmapped;
            step.action = Action::Leave;
            step.message = Some("skipped: the agency has no place for it".into());
            self.located.row.texts.insert(step.stage, RemoteText::Unmapped);
        }
    }

    /// Somebody else had written into the row: one read says what, so that the report names it and the next push
    /// can go out in one step again. The push itself is done whether or not this works.
    pub(super) fn look_again(&self, pending: &PendingPush, report: &mut SyncReport) {
        let looked = || -> Result<Option<Self>> {
            let Fetched::Session(row) = self.engine.fetch(pending.project_id)? else { return Ok(None) };
            if self.engine.holds_other(&row) {
                return Ok(None);
            }
            keep_seen(self.engine, &row)?;
            let Some(mut base) = self.engine.base(&mut Vec::new())? else { return Ok(None) };
            base.see(&row);
            self.engine.store.save_base(self.engine.remote_folder(), self.engine.key, Some(&base))?;
            Self::new(self.engine, self.options, true).map(Some)
        };
        let Ok(Some(now)) = looked() else { return };
        for PushStep { step, .. } in now.steps {
            let sent = pending.items.iter().any(|item| item.stage == step.stage);
            let known = report.steps.iter_mut().find(|known| known.stage == step.stage && !sent);
            if let (Some(known), true) = (known, matches!(step.action, Action::Leave | Action::Conflict)) {
                *known = step;
                known.action = Action::Leave;
            }
        }
    }

    /// The reply was lost: one read tells what happened, where the agency can be reached at all.
    pub(super) fn settle_now(mut self, pending: &PendingPush, error: Error) -> Result<Sent> {
        if self.engine.context.check().is_err() {
            return Err(error);
        }
        match settle_entry(self.engine, pending) {
            Err(_) => Err(error),
            Ok(Settled::Committed { updated_at }) => {
                let mut report = self.report();
                report.notes.push("the reply was lost, but the agency has what was sent".into());
                self.done(&mut report, pending, updated_at);
                Ok(Sent::Done(Box::new(report)))
            }
            Ok(Settled::NotCommitted) => Ok(Sent::NotWritten(error)),
            Ok(Settled::Conflict) => Ok(Sent::Overtaken),
        }
    }

    pub(super) fn request(&self, pending: &PendingPush) -> PushRequest {
        let engine = self.engine;
        let file = engine.workspace.project_file(&engine.key.project).unwrap_or_default();
        let create = self.located.create.then(|| NewProject {
            name: engine.key.project.clone(),
            stack: file.stack,
            framework: file.framework,
        });
        let items = pending.items.iter().map(|item| {
            let text = item.intended.and_then(|_| self.local.artifact(item.stage).text());
            PushItem { stage: item.stage, text: text.map(str::to_owned), expected: self.expected(item.stage) }
        });
        let expected = self.located.row.state.clone().map(|state| Digest::of_json(&state.into()));
        PushRequest {
            target: engine.target(pending.project_id),
            op: pending.log.op,
            revision: pending.revision.clone(),
            items: items.collect(),
            state: pending.state.clone().map(|value| PushState { value, expected }),
            create,
        }
    }

    /// Returns what an item replaces; where the remote cannot say that there is nothing, what was agreed.
    pub(super) fn expected(&self, stage: Stage) -> Option<Digest> {
        match self.located.row.texts.get(&stage)? {
            RemoteText::Text(text) => Some(Digest::of(text)),
            RemoteText::Unknown => Some(self.base.as_ref()?.stage(stage).agreed?.digest),
            RemoteText::Absent | RemoteText::Unmapped => None,
        }
    }

    pub(super) fn commit(
        &mut self,
        pending: &PendingPush,
        base: Base,
        updated_at: Option<String>,
    ) -> Result<SyncReport> {
        let state = StateChange {
            statuses: BTreeMap::new(),
            last_agent: pending.agent(),
            last_sync: updated_at.clone(),
        };
        let transaction = Transaction {
            files: Vec::new(),
            base: Some(base),
            state,
            conflicts: BTreeMap::new(),
            log: pending.log.clone(),
        };
        transaction::run(self.engine.workspace, &transaction, self.engine.context)?;
        let mut report = self.report();
        self.done(&mut report, pending, updated_at);
        if let Err(error) = self.engine.save_identity(pending.project_id, report.last_synced.as_deref()) {
            report
                .notes
                .push(format!("the push is done, but the project's own file could not be written: {error}"));
        }
        Ok(report)
    }

    pub(super) fn done(&self, report: &mut SyncReport, pending: &PendingPush, updated_at: Option<String>) {
        report.outcome = Outcome::Done;
        report.op = Some(pending.log.op);
        report.created = self.located.create;
        report.last_synced = updated_at;
        report.notes.extend(weakness(report.guard).map(str::to_owned));
    }
}

/// Says what a guard that is not the strongest does not see.
fn weakness(guard: Guard) -> Option<&'static str> {
    match guard {
        Guard::RowVersion => None,
        Guard::UpdatedAt => Some(
            "guarded by the row's time stamp alone: a change by hand that leaves it alone is not seen if it comes in the moment of a push",
        ),
        Guard::None => {
            Some("not guarded: a change by somebody else is not seen if it comes in the moment of a push")
        }
    }
}

fn check_size(request: &PushRequest, limit: u64) -> Result<()> {
    let texts = request.items.iter().filter_map(|item| item.text.as_deref());
    let state = request.state.as_ref().map_or(0, |s| serde_json::to_string(&s.value).map_or(0, |t| t.len()));
    let bytes: usize =
        texts.map(|t| serde_json::to_string(t).map_or(t.len(), |t| t.len())).sum::<usize>() + state;
    if bytes as u64 <= limit {
        return Ok(());
    }
    Err(Error::argument(format!("the push is {bytes} bytes; a request may have {limit}"))
        .with_reason("too_large")
        .with_hint("Push fewer stages at once, or raise `limits.request_bytes` in the configuration."))
}
