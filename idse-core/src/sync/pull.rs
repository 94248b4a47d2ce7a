//! Pull: what changed in the agency comes into the files; what both sides changed is merged or becomes a conflict.

use std::collections::BTreeMap;

use crate::context::Context;
use crate::error::Result;
use crate::name::SessionKey;
use crate::remote::Remote;
use crate::session::Session;
use crate::stage::Stage;
use crate::state::SessionState;
use crate::sync::base::{Base, Seen, StageBase, TextRef};
use crate::sync::engine::{Engine, Located};
use crate::sync::merge::{Merge, merge_text};
use crate::sync::plan::{ConflictDraft, PullStep, Sides, plan_pull};
use crate::sync::preview::agreed_texts;
use crate::sync::record::{ConflictRecord, FileChange, LogText, StateChange, Transaction};
use crate::sync::retention::tidy;
use crate::sync::settle::{keep_seen, settle_journal};
use crate::sync::store::conflict_path;
use crate::sync::{Action, Conflict, Outcome, PullOptions, SyncReport, Verb, transaction};
use crate::text::ObjectId;
use crate::workspace::Workspace;

/// How often a pull is planned anew because an editor saved a file in between.
const ATTEMPTS: u32 = 3;

/// Brings what changed in the agency into the files.
///
/// What is clean is applied; a stage that both sides changed in the same place is left as it is and becomes a
/// conflict with four texts beside it. Nothing is deleted without a flag, and whatever a file held is kept.
///
/// # Errors
/// As for [`push`](crate::sync::push).
pub fn pull(
    workspace: &Workspace,
    key: &SessionKey,
    remote: &dyn Remote,
    options: &PullOptions,
    context: &Context,
) -> Result<SyncReport> {
    let engine = Engine::new(workspace, key, remote, context)?;
    if options.dry_run {
        return Attempt::new(&engine, options)?.preview();
    }
    let _lock = workspace.lock(context)?;
    transaction::recover(workspace, Some(key), context)?;
    // A state that cannot be read would count as all pending, and be sent, or stop the record of what was written.
    workspace.load_state(key, context)?;
    settle_journal(&engine)?;
    let mut first: Option<SyncReport> = None;
    for _ in 0..ATTEMPTS {
        let (report, raced) = Attempt::new(&engine, options)?.apply()?;
        let mut report = first.take().map_or_else(|| report.clone(), |first| joined(first, &report));
        if raced.is_empty() {
            report.notes.extend(tidy(workspace, context));
            return Ok(report);
        }
        first = Some(report);
    }
    let mut report = first.map_or_else(|| Attempt::new(&engine, options)?.preview(), Ok)?;
    report.notes.push(
        "an editor keeps saving while the pull writes; its text stays. Pull again when it is quiet".into(),
    );
    report.outcome = Outcome::Conflict;
    Ok(report)
}

/// Joins the reports of two attempts: what the first one moved stays moved.
fn joined(first: SyncReport, second: &SyncReport) -> SyncReport {
    let mut report = second.clone();
    for step in &mut report.steps {
        let before = first.steps.iter().find(|s| s.stage == step.stage);
        if let Some(before) = before.filter(|_| matches!(step.action, Action::None | Action::Record)) {
            step.clone_from(before);
        }
    }
    report.op = report.op.or(first.op);
    report.outcome = if report.outcome == Outcome::UpToDate { first.outcome } else { report.outcome };
    report.notes.splice(0..0, first.notes);
    report
}

/// One try: everything is read and planned anew.
struct Attempt<'a> {
    engine: &'a Engine<'a>,
    options: &'a PullOptions,
    local: Session,
    base: Option<Base>,
    located: Located,
    open: BTreeMap<Stage, ConflictRecord>,
    steps: Vec<PullStep>,
    notes: Vec<String>,
}

impl<'a> Attempt<'a> {
    fn new(engine: &'a Engine<'a>, options: &'a PullOptions) -> Result<Self> {
        let mut notes = Vec::new();
        let base = engine.base(&mut notes)?;
        let located = engine.locate(base.as_ref(), false, false)?;
        engine.check_session(&located, base.as_ref(), options.adopt_session)?;
        let local = engine.local()?;
        let open = engine.open_conflicts()?;
        let agreed = agreed_texts(&engine.store, base.as_ref())?;
        let sides = Sides { local: &local, base: base.as_ref(), remote: &located.row, open: &open };
        let steps = plan_pull(&sides, options, &agreed, engine.settings.limits.artifact_bytes);
        if !located.exists {
            notes.push(format!("the agency does not have session `{}` yet", engine.key.session));
        }
        Ok(Self { engine, options, local, base, located, open, steps, notes })
    }

    fn preview(self) -> Result<SyncReport> {
        let mut report = self.report(&BTreeMap::new());
        report.dry_run = true;
        Ok(report)
    }

    fn report(&self, records: &BTreeMap<Stage, Option<ConflictRecord>>) -> SyncReport {
        let steps: Vec<_> = self.steps.iter().map(|s| s.step.clone()).collect();
        let mut report = self.engine.report(Verb::Pull, &self.located.row, steps);
        report.notes.clone_from(&self.notes);
        let folder = self.engine.remote_folder();
        for step in self.steps.iter().filter(|s| s.conflict.is_some() || s.step.action == Action::Conflict) {
            let stage = step.step.stage;
            let record = records.get(&stage).cloned().flatten().or_else(|| self.open.get(&stage).cloned());
            let draft = step.conflict.as_ref();
            let Some(kind) = record.as_ref().map(|r| r.kind).or_else(|| draft.map(|d| d.kind)) else {
                continue;
            };
            let status = draft.and_then(|d| d.status).or_else(|| record.as_ref()?.status);
            report.conflicts.push(Conflict {
                stage,
                kind,
                places: record.as_ref().map(|r| r.places).or_else(|| draft.map(|d| d.places)).unwrap_or(0),
                path: record.map(|_| conflict_path(folder, self.engine.key, stage)),
                status,
            });
        }
        let has = |actions: &[Action]| report.steps.iter().any(|s| actions.contains(&s.action));
        report.outcome = if !report.conflicts.is_empty() {
            Outcome::Conflict
        } else if has(&[Action::Refuse]) {
            Outcome::Refused
        } else if has(&[Action::Write, Action::Merge, Action::Remove])
            || self.steps.iter().any(|s| s.status.is_some())
        {
            Outcome::Done
        } else {
            Outcome::UpToDate
        };
        report
    }

    /// Returns the base that this pull leads to, without the stages that are decided step by step.
    fn base_after(&self) -> Result<Base> {
        let row = &self.located.row;
        let session = self.engine.key.session.clone();
        let mut base = self
            .base
            .clone()
            .unwrap_or_else(|| Base::new(row.project_id, session, &self.engine.info.address));
        if self.located.exists {
            keep_seen(self.engine, row)?;
            base.see(row);
        }
        let remote = row.state.clone().map(SessionState::new).unwrap_or_default();
        for step in &self.steps {
            let stage = step.step.stage;
            let local_text = self.local.artifact(stage).text();
            let seen = base.stage(stage).seen.and_then(Seen::text);
            match step.step.action {
                Action::Write | Action::Merge => base.agree(stage, seen),
                Action::Remove => base.agree(stage, None),
                Action::Record => {
                    if let Some(text) = local_text {
                        self.engine.store.keep_text(text)?;
                    }
                    base.agree(stage, local_text.map(TextRef::of));
                }
                _ => {}
            }
            let local = step.status.unwrap_or_else(|| self.local.state.status(stage));
            if remote.known_status(stage) == Some(local) {
                base.statuses.insert(stage, local);
            }
        }
        Ok(base)
    }

    fn apply(self) -> Result<(SyncReport, Vec<Stage>)> {
        self.engine.context.check()?;
        let mut base = self.base_after()?;
        let mut log = self.engine.log_record(Verb::Pull, self.base.as_ref())?;
        let mut conflicts = self.conflict_changes(&mut log.kept)?;
        let files = self.file_changes(&base, &mut conflicts)?;
        let state = self.state_change(&mut base);
        log.texts =
            files.iter().map(|f| LogText { stage: f.stage, before: f.before, after: f.after }).collect();
        let changed = state.statuses.keys().map(|stage| (*stage, self.local.state.status(*stage)));
        log.statuses_before = changed.collect();
        log.conflicts_before =
            conflicts.keys().map(|stage| (*stage, self.open.get(stage).cloned())).collect();
        let mut report = self.report(&conflicts);
        let is_quiet = files.is_empty() && conflicts.is_empty() && state.statuses.is_empty();
        if is_quiet {
            self.save_quietly(&base, &state)?;
            return Ok((report, Vec::new()));
        }
        report.op = Some(log.op);
        let transaction = Transaction { files, base: Some(base), state, conflicts, log };
        let raced = transaction::run(self.engine.workspace, &transaction, self.engine.context)?;
        let row = &self.located.row;
        self.engine.save_identity(row.project_id, row.updated_at.as_deref())?;
        Ok((report, raced))
    }

    /// Nothing but the record moves: no journal, nothing to undo.
    fn save_quietly(&self, base: &Base, state: &StateChange) -> Result<()> {
        let engine = self.engine;
        if self.located.exists && self.base.as_ref() != Some(base) {
            engine.store.save_base(engine.remote_folder(), engine.key, Some(base))?;
            engine.save_identity(base.project_id, base.updated_at.as_deref())?;
        }
        let mut local = self.local.state.clone();
        if let Some(agent) = &state.last_agent {
            local.set("last_agent", agent.as_str());
        }
        if let Some(last_sync) = &state.last_sync {
            local.set("last_sync", last_sync.as_str());
        }
        if local != self.local.state { engine.workspace.save_state(engine.key, &local) } else { Ok(()) }
    }

    fn state_change(&self, base: &mut Base) -> StateChange {
        let statuses = self.steps.iter().filter_map(|s| Some((s.step.stage, s.status?))).collect();
        let remote = self.located.row.state.clone().map(SessionState::new).unwrap_or_default();
        let local = self.local.state.last_agent();
        let before = self.base.as_ref().and_then(|base| base.agent.as_deref());
        let taken = remote.last_agent().filter(|_| local.is_none() || local == before);
        if let Some(agent) = remote.last_agent() {
            base.agent = Some(agent.to_owned());
        }
        let news =
            |value: Option<&str>, old: Option<&str>| value.filter(|v| Some(*v) != old).map(str::to_owned);
        StateChange {
            statuses,
            last_agent: news(taken, local),
            last_sync: news(self.located.row.updated_at.as_deref(), self.local.state.last_sync()),
        }
    }

    /// Returns the files that change; where markers are asked for, the conflicts' files too.
    fn file_changes(
        &self,
        base: &Base,
        conflicts: &mut BTreeMap<Stage, Option<ConflictRecord>>,
    ) -> Result<Vec<FileChange>> {
        let store = &self.engine.store;
        let mut files = Vec::new();
        for step in &self.steps {
            let stage = step.step.stage;
            let marked = self.marked(step, conflicts.get_mut(&stage));
            let Some(after) = step.write.clone().or_else(|| marked.map(Some)) else { continue };
            let before = self.local.artifact(stage).text();
            if before == after.as_deref() {
                continue;
            }
            let before = before.map(|text| store.keep(text.as_bytes())).transpose()?;
            let after = after.map(|text| store.keep(text.as_bytes())).transpose()?;
            let old = self.base.as_ref().map(|base| base.stage(stage)).unwrap_or_default();
            let if_raced = StageBase { seen: base.stage(stage).seen, ..old };
            files.push(FileChange { stage, before, after, if_raced });
        }
        Ok(files)
    }

    /// Returns the text with markers for a file, where the caller wants markers and the texts have such a place.
    fn marked(&self, step: &PullStep, record: Option<&mut Option<ConflictRecord>>) -> Option<String> {
        let draft = step.conflict.as_ref().filter(|d| d.marker_length > 0 && self.options.markers)?;
        let record = record?.as_mut()?;
        if record.markers.is_some() {
            return None;
        }
        record.markers = record.merged;
        draft.merged.clone()
    }

    /// Returns the conflicts that open, change or close.
    fn conflict_changes(&self, kept: &mut Vec<ObjectId>) -> Result<BTreeMap<Stage, Option<ConflictRecord>>> {
        let mut changes = BTreeMap::new();
        for step in &self.steps {
            let stage = step.step.stage;
            let open = self.open.get(&stage);
            let change = match (&step.conflict, open) {
                (Some(draft), open) => {
                    let record = match open.filter(|_| step.stays) {
                        Some(open) => ConflictRecord { status: draft.status, ..open.clone() },
                        None => self.conflict_record(draft, open)?,
                    };
                    if open == Some(&record) {
                        continue;
                    }
                    Some(record)
                }
                (None, Some(_)) if !matches!(step.step.action, Action::Conflict | Action::Refuse) => None,
                (None, _) => continue,
            };
            if let Some(open) = open {
                self.keep_edited_proposal(stage, open, kept)?;
            }
            changes.insert(stage, change);
        }
        Ok(changes)
    }

    fn conflict_record(
        &self,
        draft: &ConflictDraft,
        open: Option<&ConflictRecord>,
    ) -> Result<ConflictRecord> {
        let store = &self.engine.store;
        let keep = |text: &Option<String>| text.as_ref().map(|text| store.keep_text(text)).transpose();
        let mut record = ConflictRecord {
            kind: draft.kind,
            base: keep(&draft.base)?,
            local: keep(&draft.local)?,
            remote: keep(&draft.remote)?,
            merged: keep(&draft.merged)?.map(|text| text.object),
            marker_length: draft.marker_length,
            places: draft.places,
            markers: None,
            status: draft.status,
        };
        let Some(open) = open else { return Ok(record) };
        let (Some(base), Some(remote)) = (&draft.base, &draft.remote) else { return Ok(record) };
        if open.markers.is_none() {
            let same = (record.base, record.local, record.remote) == (open.base, open.local, open.remote);
            return Ok(if same { ConflictRecord { status: record.status, ..open.clone() } } else { record });
        }
        // The file holds markers that a person is working on: the local text is the one from before them.
        record = ConflictRecord { status: record.status, ..open.clone() };
        if open.remote != draft.remote.as_deref().map(TextRef::of) {
            record.remote = keep(&draft.remote)?;
            let local = open.local.map(|local| store.text(local.object)).transpose()?.flatten();
            if let Merge::Conflict(merge) = merge_text(base, &local.unwrap_or_default(), remote) {
                record.merged = Some(store.keep_text(&merge.marked)?.object);
                record.marker_length = open.marker_length.min(merge.marker_length);
                record.places = merge.places;
            }
        }
        Ok(record)
    }

    /// A `merged.md` that a person has edited is kept before it is replaced.
    fn keep_edited_proposal(
        &self,
        stage: Stage,
        open: &ConflictRecord,
        kept: &mut Vec<ObjectId>,
    ) -> Result<()> {
        let store = &self.engine.store;
        if let Some(bytes) = store.merged(self.engine.remote_folder(), self.engine.key, stage)? {
            let id = store.keep(&bytes)?;
            if open.merged != Some(id) {
                kept.push(id);
            }
        }
        Ok(())
    }
}
