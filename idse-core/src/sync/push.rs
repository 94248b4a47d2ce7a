//! Push: what changed here goes to the agency, guarded, all of it or nothing.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::config::Gate;
use crate::context::Context;
use crate::diagnostic::Severity;
use crate::error::{Error, ErrorKind, Result};
use crate::name::SessionKey;
use crate::remote::{
    Fetched, NewProject, PushItem, PushOutcome, PushRequest, PushState, Remote, RemoteText, Revision,
    Sessions,
};
use crate::rules;
use crate::session::Session;
use crate::stage::{Stage, StageStatus};
use crate::sync::base::{Base, Seen, TextRef};
use crate::sync::engine::{Engine, Located};
use crate::sync::plan::{PushStep, Sides, plan_push};
use crate::sync::record::{
    ConflictRecord, JournalEntry, LogText, PendingItem, PendingPush, StateChange, Transaction,
};
use crate::sync::retention::tidy;
use crate::sync::settle::{Settled, keep_seen, settle_entry, settle_journal};
use crate::sync::store::conflict_path;
use crate::sync::{
    Action, Class, Conflict, ConflictKind, Outcome, PushOptions, SyncReport, Verb, rows, transaction,
};
use crate::text::Digest;
use crate::workspace::Workspace;

/// How often a push is planned anew because somebody else wrote in between.
const ATTEMPTS: u32 = 5;

/// Sends what changed here to the agency.
///
/// Everything is sent in one guarded write, or nothing is: a conflict, a closed gate or a blocked file among the
/// chosen stages stops the push before a request. What only the agency changed is left alone and named.
///
/// # Errors
/// `Unsettled`: the reply was lost; the next sync verb finds out what happened. `NotFound` (`remote_missing`): the
/// row is gone. `Exists` (`other_session`, `ambiguous_name`): the agency holds something else under this name. And
/// whatever [`Remote`] reports.
pub fn push(
    workspace: &Workspace,
    key: &SessionKey,
    remote: &dyn Remote,
    options: &PushOptions,
    context: &Context,
) -> Result<SyncReport> {
    check_options(options)?;
    let engine = Engine::new(workspace, key, remote, context)?;
    if options.dry_run {
        return Attempt::new(&engine, options, false)?.preview();
    }
    let _lock = workspace.lock(context)?;
    transaction::recover(workspace, Some(key), context)?;
    // A state that cannot be read would count as all pending, and be sent, or stop the record of what was written.
    workspace.load_state(key, context)?;
    settle_journal(&engine)?;
    for attempt in 0..ATTEMPTS {
        if let Some(mut report) = Attempt::new(&engine, options, attempt == 0)?.send()? {
            report.notes.extend(tidy(workspace, context));
            return Ok(report);
        }
        let jitter = u64::from(context.clock.unique().as_bytes()[0]);
        context.check()?;
        context.clock.sleep(Duration::from_millis((10 << attempt) + jitter % 20));
    }
    Err(Error::new(
        ErrorKind::Unavailable,
        format!("others keep writing to {key}: gave up after {ATTEMPTS} attempts"),
    )
    .with_reason("contended")
    .with_hint("Nothing was written. Try again in a moment."))
}

fn check_options(options: &PushOptions) -> Result<()> {
    if options.replace_session && !options.stages.is_empty() {
        return Err(Error::argument("`--replace-session` replaces every stage; it takes no stages")
            .with_hint("Leave the stages out."));
    }
    match options.delete.iter().find(|stage| !options.stages.is_empty() && !options.stages.contains(stage)) {
        Some(stage) => Err(Error::argument(format!("`--delete {stage}` names a stage that is not pushed"))
            .with_hint("Name the stage too, or no stage at all.")),
        None => Ok(()),
    }
}

/// One try: everything is read and planned anew.
struct Attempt<'a> {
    engine: &'a Engine<'a>,
    options: &'a PushOptions,
    local: Session,
    base: Option<Base>,
    located: Located,
    open: BTreeMap<Stage, ConflictRecord>,
    steps: Vec<PushStep>,
    replaces: bool,
    notes: Vec<String>,
}

impl<'a> Attempt<'a> {
    fn new(engine: &'a Engine<'a>, options: &'a PushOptions, may_remember: bool) -> Result<Self> {
        let local = engine.local()?;
        let mut notes = Vec::new();
        let mut base = engine.base(&mut notes)?;
        let mut remembered = None;
        if let (true, Some(base), false) = (may_remember, &base, options.replace_session || options.recreate)
        {
            remembered = rows::remembered(engine.store, base)?.map(|row| Located {
                row,
                remembered: true,
                exists: true,
                create: false,
            });
        }
        let located = match remembered {
            Some(located) => located,
            None => locate(engine, &mut base, options)?,
        };
        let replaces = options.replace_session
            && engine.info.sessions == Sessions::One
            && located.exists
            && located.row.session.as_ref() != Some(&engine.key.session);
        if replaces {
            base = None;
        } else {
            engine.check_session(&located, base.as_ref(), options.adopt_session)?;
        }
        let mut attempt = Self {
            engine,
            options,
            local,
            base,
            located,
            open: engine.open_conflicts()?,
            steps: Vec::new(),
            replaces,
            notes,
        };
        attempt.plan()?;
        // What stands in the way is never reported from memory: the agency may have moved on.
        let is_stale = attempt.located.remembered
            && attempt.steps.iter().any(|PushStep { step, .. }| match step.action {
                Action::Conflict => !attempt.local.open_conflicts.contains(&step.stage),
                Action::Leave => matches!(step.class, Class::DeletedHere | Class::ClearedThere),
                _ => false,
            });
        if is_stale { Self::new(engine, options, false) } else { Ok(attempt) }
    }

    fn plan(&mut self) -> Result<()> {
        let gate = gate(&self.local, self.engine)?;
        let sides = Sides {
            local: &self.local,
            base: self.base.as_ref(),
            remote: &self.located.row,
            open: &self.open,
        };
        self.steps = plan_push(&sides, self.options, &gate);
        if self.replaces {
            replace_all(&mut self.steps, &self.local, &self.located, &gate);
        }
        for stage in &self.options.delete {
            let step = self.steps.iter().find(|s| s.step.stage == *stage);
            let class = step.map(|s| s.step.class);
            if !self.local.artifact(*stage).content.is_absent() {
                return Err(Error::argument(format!("`--delete {stage}`, but its file is still there"))
                    .with("stage", stage.name())
                    .with_hint("Remove the file first, or leave out `--delete`."));
            }
            if !matches!(class, Some(Class::DeletedHere | Class::DeleteEdit)) {
                self.notes.push(format!("{stage}: there is nothing to delete in the agency"));
            }
        }
        self.check_adoption()
    }

    /// A project that is there under our name is taken as ours only where no text speaks against it.
    fn check_adoption(&self) -> Result<()> {
        if self.base.is_some() || !self.located.exists || self.replaces {
            return Ok(());
        }
        let open = BTreeMap::new();
        let sides = Sides { local: &self.local, base: None, remote: &self.located.row, open: &open };
        let differs: Vec<_> =
            Stage::ALL.into_iter().filter(|stage| sides.step(*stage).class == Class::BothAdded).collect();
        if differs.is_empty() {
            return Ok(());
        }
        let is_ours = self.engine.workspace.project_file(&self.engine.key.project)?.project_id
            == Some(self.located.row.project_id);
        if is_ours || !self.open.is_empty() {
            return Ok(());
        }
        let id = self.located.row.project_id;
        let address = &self.engine.info.address;
        Err(Error::new(
            ErrorKind::Exists,
            format!("{address} already has a project `{}` with other texts ({})", self.engine.key.project, crate::sync::classify::names(&differs)),
        )
        .with_reason("other_project")
        .with("project_id", id.to_string())
        .with_hint(format!(
            "If it is the same project: `idse sync link {id}` and pull. If you want its texts: `idse sync clone {id}` elsewhere. If it is another one: `idse sync push --new-id`."
        )))
    }

    fn is_refused(&self) -> Option<Outcome> {
        let has = |action| self.steps.iter().any(|s| s.step.action == action);
        if has(Action::Conflict) {
            Some(Outcome::Conflict)
        } else if has(Action::Refuse) {
            Some(Outcome::Refused)
        } else {
            None
        }
    }

    fn sends(&self) -> bool {
        self.located.create || !self.located.exists || self.replaces || self.steps.iter().any(|s| s.sends)
    }

    fn report(&mut self) -> SyncReport {
        let steps = self.steps.iter().map(|s| s.step.clone()).collect();
        let mut report = self.engine.report(Verb::Push, &self.located.row, steps);
        report.notes = std::mem::take(&mut self.notes);
        report.conflicts = conflicts(&self.steps, &self.open, self.engine.remote_folder(), self.engine.key);
        report
    }

    /// Returns the report of a push that something stops: what would have been sent waits.
    fn stopped(&mut self, outcome: Outcome) -> SyncReport {
        let mut report = self.report();
        report.outcome = outcome;
        for (step, planned) in report.steps.iter_mut().zip(&self.steps) {
            match step.action {
                Action::Refuse | Action::Conflict => {}
                _ if planned.sends => {
                    step.action = Action::Leave;
                    step.message =
                        Some("not sent: another stage stops the push; name stages to push only these".into());
                }
                Action::Record => step.action = Action::None,
                _ => {}
            }
        }
        report
    }

    fn preview(mut self) -> Result<SyncReport> {
        let mut report = match self.is_refused() {
            Some(outcome) => self.stopped(outcome),
            None => self.report(),
        };
        if self.is_refused().is_none() && self.sends() {
            report.outcome = Outcome::Done;
            report.created = self.located.create;
        }
        report.dry_run = true;
        Ok(report)
    }

    /// Sends, and records what was sent. `None`: somebody wrote in between, plan anew.
    fn send(mut self) -> Result<Option<SyncReport>> {
        if let Some(outcome) = self.is_refused() {
            return Ok(Some(self.stopped(outcome)));
        }
        if !self.sends() {
            self.record_agreement()?;
            return Ok(Some(self.report()));
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
                Ok(Some(report))
            }
            Ok(PushOutcome::Differs { .. } | PushOutcome::Missing) => {
                self.engine.store.remove_entry(&pending.log)?;
                Ok(None)
            }
            Err(error) if error.kind() == ErrorKind::Unsettled => self.settle_now(&pending, error),
            Err(error) => {
                self.engine.store.remove_entry(&pending.log)?;
                Err(error)
            }
        }
    }

    /// The agency had no place for these after all.
    fn skip(&mut self, skipped: &[Stage]) {
        for PushStep { step, .. } in self.steps.iter_mut().filter(|s| skipped.contains(&s.step.stage)) {
            step.class = Class::Unmapped;
            step.action = Action::Leave;
            step.message = Some("skipped: the agency has no place for it".into());
            self.located.row.texts.insert(step.stage, RemoteText::Unmapped);
        }
    }

    /// Somebody else had written into the row: one read says what, so that the report names it and the next push
    /// can go out in one step again. The push itself is done whether or not this works.
    fn look_again(&self, pending: &PendingPush, report: &mut SyncReport) {
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
    fn settle_now(mut self, pending: &PendingPush, error: Error) -> Result<Option<SyncReport>> {
        if self.engine.context.check().is_err() {
            return Err(error);
        }
        match settle_entry(self.engine, pending) {
            Err(_) => Err(error),
            Ok(Settled::Committed { updated_at }) => {
                let mut report = self.report();
                report.notes.push("the reply was lost, but the agency has what was sent".into());
                self.done(&mut report, pending, updated_at);
                Ok(Some(report))
            }
            Ok(Settled::NotCommitted | Settled::Conflict) => Ok(None),
        }
    }

    /// Both sides agree already, at most the record of it moves: no request, nothing to undo.
    fn record_agreement(&self) -> Result<()> {
        let mut base = self.new_base()?;
        self.keep_recorded()?;
        self.agree(&mut base);
        if self.base.as_ref() != Some(&base) {
            self.engine.store.save_base(self.engine.remote_folder(), self.engine.key, Some(&base))?;
        }
        Ok(())
    }

    fn new_base(&self) -> Result<Base> {
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
    fn agree(&self, base: &mut Base) {
        for push_step in &self.steps {
            let step = &push_step.step;
            if push_step.records() {
                base.agree(step.stage, self.local.artifact(step.stage).text().map(TextRef::of));
            }
            let local = self.local.state.status(step.stage);
            let remote = base.seen_state().and_then(|state| state.known_status(step.stage));
            if remote == Some(local) {
                base.statuses.insert(step.stage, local);
            }
        }
    }

    /// Keeps the texts that only the record moves for: the base names them.
    fn keep_recorded(&self) -> Result<()> {
        for step in self.steps.iter().filter(|s| s.records()) {
            if let Some(text) = self.local.artifact(step.step.stage).text() {
                self.engine.store.keep_text(text)?;
            }
        }
        Ok(())
    }

    fn agent(&self) -> Option<String> {
        let given = self.options.agent.clone().or_else(|| Some(self.engine.settings.agent.clone()?.value));
        let base = self.base.as_ref().and_then(|base| base.agent.as_deref());
        let local = self.local.state.last_agent().filter(|local| Some(*local) != base);
        given.or_else(|| local.map(str::to_owned))
    }

    fn statuses(&self) -> BTreeMap<Stage, StageStatus> {
        self.steps.iter().filter_map(|s| Some((s.step.stage, s.status?))).collect()
    }

    /// Writes down what the push intends, and keeps every text of it and every text that it replaces.
    fn pending(&self) -> Result<PendingPush> {
        let store = self.engine.store;
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

    fn request(&self, pending: &PendingPush) -> PushRequest {
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
    fn expected(&self, stage: Stage) -> Option<Digest> {
        match self.located.row.texts.get(&stage)? {
            RemoteText::Text(text) => Some(Digest::of(text)),
            RemoteText::Unknown => Some(self.base.as_ref()?.stage(stage).agreed?.digest),
            RemoteText::Absent | RemoteText::Unmapped => None,
        }
    }

    fn base_after(
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
        base.agent = agent_of(pending);
        base.state.clone_from(&pending.state);
        base.revision = revision;
        base.updated_at = updated_at;
        Ok(base)
    }

    fn commit(
        &mut self,
        pending: &PendingPush,
        base: Base,
        updated_at: Option<String>,
    ) -> Result<SyncReport> {
        let state = StateChange {
            statuses: BTreeMap::new(),
            last_agent: agent_of(pending),
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
        self.engine.save_identity(pending.project_id, report.last_synced.as_deref())?;
        Ok(report)
    }

    fn done(&self, report: &mut SyncReport, pending: &PendingPush, updated_at: Option<String>) {
        report.outcome = Outcome::Done;
        report.op = Some(pending.log.op);
        report.created = self.located.create;
        report.last_synced = updated_at;
    }
}

/// Finds the row; with `--recreate` a row that is gone counts as one that never was.
fn locate(engine: &Engine<'_>, base: &mut Option<Base>, options: &PushOptions) -> Result<Located> {
    match engine.locate(base.as_ref(), true, options.new_id) {
        Err(error) if options.recreate && error.reason() == "remote_missing" => {
            let id = base.take().map(|base| base.project_id);
            let id = id.or_else(|| error.get("project_id")?.parse().ok()).ok_or(error)?;
            let project_exists =
                matches!(engine.fetch(id)?, Fetched::Missing { project_exists: true } | Fetched::Session(_));
            let row = rows::nothing(id, engine.key);
            Ok(Located { row, remembered: false, exists: false, create: !project_exists })
        }
        other => other,
    }
}

pub(crate) fn agent_of(pending: &PendingPush) -> Option<String> {
    pending.state.as_ref()?.get("last_agent")?.as_str().map(str::to_owned)
}

/// Returns a sentence for every stage that validation does not let through.
fn gate(local: &Session, engine: &Engine<'_>) -> Result<BTreeMap<Stage, String>> {
    let settings = &engine.settings.validate;
    let mut closed = BTreeMap::new();
    if settings.gate == Gate::Off {
        return Ok(closed);
    }
    let report = engine.workspace.apply_baseline(rules::validate(local, &[], settings))?;
    for stage in Stage::ALL {
        let status = local.state.status(stage);
        // That a complete stage has errors (IDSE202) says the same once more.
        let of_stage = report.diagnostics.iter().filter(|d| d.stage == Some(stage) && d.code != "IDSE202");
        let (limit, when) = match settings.gate {
            Gate::Strict => (Severity::Warning, "the gate is strict"),
            _ if status == StageStatus::Complete => (Severity::Error, "it is marked complete"),
            _ => continue,
        };
        let count = of_stage.filter(|d| d.severity >= limit).count();
        if count > 0 {
            let findings = if count == 1 { "1 finding".to_owned() } else { format!("{count} findings") };
            closed.insert(stage, format!("{when} but has {findings}; run `idse validate {stage}`"));
        }
    }
    Ok(closed)
}

/// The row holds another session: every text of it is replaced, by ours or by nothing.
fn replace_all(steps: &mut [PushStep], local: &Session, located: &Located, gate: &BTreeMap<Stage, String>) {
    for PushStep { step, status, sends } in steps {
        let remote = located.row.texts.get(&step.stage).and_then(RemoteText::text);
        if matches!(step.class, Class::Blocked | Class::Unmapped) {
            continue;
        }
        step.action = match (local.artifact(step.stage).text(), remote) {
            (Some(_), _) if gate.contains_key(&step.stage) => Action::Refuse,
            (Some(text), Some(remote)) if Digest::of(text) == Digest::of(remote) => Action::Record,
            (Some(_), _) => Action::Send,
            (None, Some(_)) => Action::SendNull,
            (None, None) => Action::None,
        };
        *sends = matches!(step.action, Action::Send | Action::SendNull);
        step.message = gate.get(&step.stage).filter(|_| step.action == Action::Refuse).cloned();
        *status = Some(local.state.status(step.stage));
    }
}

fn conflicts(
    steps: &[PushStep],
    open: &BTreeMap<Stage, ConflictRecord>,
    folder: &str,
    key: &SessionKey,
) -> Vec<Conflict> {
    let of_class = |class| match class {
        Class::BothChanged => ConflictKind::BothChanged,
        Class::BothAdded => ConflictKind::BothAdded,
        Class::DeleteEdit => ConflictKind::DeleteEdit,
        Class::EditClear => ConflictKind::EditClear,
        _ => ConflictKind::Status,
    };
    let in_conflict = steps.iter().filter(|s| s.step.action == Action::Conflict);
    in_conflict
        .map(|PushStep { step, .. }| {
            let record = open.get(&step.stage);
            Conflict {
                stage: step.stage,
                kind: record.map_or_else(|| of_class(step.class), |record| record.kind),
                places: record.map_or(0, |record| record.places),
                path: record.map(|_| conflict_path(folder, key, step.stage)),
                status: record.and_then(|record| record.status).map(|s| (s.local, s.remote)),
            }
        })
        .collect()
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
