//! Undo: the files, the base and the conflicts as they were before an operation. Local.

use std::collections::BTreeMap;

use crate::artifact::Content;
use crate::context::Context;
use crate::error::{Error, ErrorKind, Result};
use crate::name::OpId;
use crate::session::Session;
use crate::stage::{Stage, StageStatus};
use crate::sync::base::{Base, StageBase};
use crate::sync::engine::log_record;
use crate::sync::record::{FileChange, LogRecord, LogText, StateChange, Transaction};
use crate::sync::resolve::begin;
use crate::sync::settle::refuse_unsettled;
use crate::sync::store::Store;
use crate::sync::{UndoOptions, UndoReport, Verb, transaction};
use crate::text::{ObjectId, TextStyle};
use crate::workspace::Workspace;

/// Undoes an operation.
///
/// Of a pull or a resolve: files, base and conflicts as before. Of a push: the texts that it replaced come into
/// the files as ordinary local changes. Whatever the files hold now is kept.
///
/// # Errors
/// `NotFound` (`no_operation`): there is nothing to undo. `Exists` (`changed_since`): a file was changed since;
/// `force` undoes all the same and keeps the change as an object.
pub fn undo(workspace: &Workspace, options: &UndoOptions, context: &Context) -> Result<UndoReport> {
    let UndoOptions { op, force, dry_run } = *options;
    let (_lock, store) = begin(workspace, None, dry_run, context)?;
    let log = store.log()?;
    let record = find(&log, op)?;
    let stages: Vec<_> = record.texts.iter().map(|text| text.stage).collect();
    refuse_unsettled(&store, &record.key, &stages)?;
    if !dry_run {
        workspace.tidy(&record.key)?;
    }
    let session = workspace.load(&record.key, context)?;
    let is_latest = is_latest(&log, record);
    let mut undo = Undo { store, record, session, is_latest, notes: Vec::new() };
    let transaction = undo.transaction(force, context)?;
    let raced = if dry_run { Vec::new() } else { transaction::run(workspace, &transaction, context)? };
    let mut stages: Vec<_> = transaction.files.iter().map(|file| file.stage).collect();
    stages.retain(|stage| !raced.contains(stage));
    for stage in raced {
        undo.notes.push(format!("{stage}: an editor saved the file at the same moment; it keeps that text"));
    }
    Ok(UndoReport {
        undone: record.op,
        verb: record.verb,
        op: (!dry_run).then_some(transaction.log.op),
        dry_run,
        project: record.key.project.clone(),
        session: record.key.session.clone(),
        stages,
        notes: undo.notes,
    })
}

fn find(log: &[LogRecord], op: Option<OpId>) -> Result<&LogRecord> {
    let is_undone = |record: &&LogRecord| log.iter().any(|other| other.undoes == Some(record.op));
    let found = match op {
        Some(op) => log.iter().rev().find(|record| record.op == op),
        None => log
            .iter()
            .rev()
            .filter(|record| matches!(record.verb, Verb::Push | Verb::Pull | Verb::Resolve))
            .find(|record| !is_undone(record)),
    };
    let record = found.ok_or_else(|| {
        let message = match op {
            Some(op) => format!("there is no operation {op} in the log"),
            None => "there is no operation to undo".to_owned(),
        };
        Error::not_found(message)
            .with_reason("no_operation")
            .with_hint("The last 20 operations and those of the last 30 days can be undone.")
    })?;
    if is_undone(&record) {
        return Err(Error::new(ErrorKind::Exists, format!("operation {} is undone already", record.op))
            .with_reason("undone"));
    }
    Ok(record)
}

struct Undo<'a> {
    store: Store<'a>,
    record: &'a LogRecord,
    session: Session,
    /// No later operation moved the base.
    is_latest: bool,
    notes: Vec<String>,
}

/// Tells whether the base is what the operation left: later ones that were undone took back what they did to it,
/// except for pushes, which cannot be taken back.
fn is_latest(log: &[LogRecord], record: &LogRecord) -> bool {
    let moved = |other: &LogRecord| {
        let is_undone = log.iter().any(|undo| undo.undoes == Some(other.op));
        let is_same = other.key == record.key && other.remote == record.remote;
        is_same && other.verb != Verb::Undo && (other.verb == Verb::Push || !is_undone)
    };
    !log.iter().skip_while(|other| other.op != record.op).skip(1).any(moved)
}

impl Undo<'_> {
    fn transaction(&mut self, force: bool, context: &Context) -> Result<Transaction> {
        let record = self.record;
        let now = self.current_base()?;
        let is_push = record.verb == Verb::Push;
        let base = if is_push { now.clone() } else { self.base_undone(now.as_ref())? };
        let mut log =
            log_record(&self.store, context, Verb::Undo, &record.key, &record.remote, now.as_ref())?;
        log.undoes = Some(record.op);
        let mut files = Vec::new();
        for text in &record.texts {
            let if_raced = now.as_ref().map(|base| base.stage(text.stage)).unwrap_or_default();
            files.extend(self.file(*text, is_push, force, if_raced)?);
        }
        let statuses = if is_push { BTreeMap::new() } else { record.statuses_before.clone() };
        let conflicts = if is_push { BTreeMap::new() } else { record.conflicts_before.clone() };
        let open = self.store.conflicts(&record.remote, &record.key)?;
        log.texts =
            files.iter().map(|f| LogText { stage: f.stage, before: f.before, after: f.after }).collect();
        log.statuses_before = self.statuses_now(&statuses);
        log.conflicts_before = conflicts.keys().map(|stage| (*stage, open.get(stage).cloned())).collect();
        let state = StateChange { statuses, ..StateChange::default() };
        Ok(Transaction { files, base, state, conflicts, log })
    }

    fn statuses_now(&self, changed: &BTreeMap<Stage, StageStatus>) -> BTreeMap<Stage, StageStatus> {
        changed.keys().map(|stage| (*stage, self.session.state.status(*stage))).collect()
    }

    fn current_base(&self) -> Result<Option<Base>> {
        self.store.base_in(&self.record.remote, &self.record.key)
    }

    /// Returns the base as before; where later operations moved it, only what this one is about is as before.
    fn base_undone(&self, now: Option<&Base>) -> Result<Option<Base>> {
        let before = self.base_before()?;
        let Some(mut base) = now.filter(|_| !self.is_latest).cloned() else { return Ok(before) };
        let record = self.record;
        let texts = record.texts.iter().map(|text| text.stage);
        for stage in texts.chain(record.conflicts_before.keys().copied()) {
            *base.stage_mut(stage) = before.as_ref().map(|base| base.stage(stage)).unwrap_or_default();
        }
        for stage in record.statuses_before.keys() {
            match before.as_ref().and_then(|base| base.statuses.get(stage)) {
                Some(status) => base.statuses.insert(*stage, *status),
                None => base.statuses.remove(stage),
            };
        }
        // What was seen is of different times now: the next sync reads.
        base.revision = None;
        Ok(Some(base))
    }

    fn base_before(&self) -> Result<Option<Base>> {
        let Some(id) = self.record.base_before else { return Ok(None) };
        let bytes = self.store.object(id)?.ok_or_else(|| gone(id))?;
        serde_json::from_slice(&bytes).map(Some).map_err(|_| gone(id))
    }

    /// Returns the change that brings one text back; `None` where there is nothing to do.
    fn file(
        &mut self,
        text: LogText,
        is_push: bool,
        force: bool,
        if_raced: StageBase,
    ) -> Result<Option<FileChange>> {
        let stage = text.stage;
        let now = match &self.session.artifact(stage).content {
            Content::Absent => None,
            Content::Text(text) => Some(text.clone()),
            Content::Blocked(blocked) => return Err(Error::new(ErrorKind::Io, blocked.message.clone())),
        };
        let before = now.as_ref().map(|text| self.store.keep(text.as_bytes())).transpose()?;
        if is_push && text.before.is_none() {
            self.notes.push(format!("{stage}: the push replaced nothing there; the file stays"));
            return Ok(None);
        }
        if before != text.after {
            let is_back = before == text.before;
            if is_back {
                return Ok(None);
            }
            if !force {
                return Err(Error::new(
                    ErrorKind::Exists,
                    format!("{stage} was changed since; undo would replace that"),
                )
                .with_reason("changed_since")
                .with("stage", stage.name())
                .with_hint("`--force` undoes all the same and keeps the change."));
            }
            self.notes.push(format!("{stage}: the change made since is kept as {}", describe(before)));
        }
        let mut after = text.before;
        if let (true, Some(id), Some(now)) = (is_push, text.before, &now) {
            let old = self.store.text(id)?.ok_or_else(|| gone(id))?;
            after = Some(self.store.keep(TextStyle::of(now).apply(&old).as_bytes())?);
        }
        if let Some(id) = text.before {
            self.store.object(id)?.ok_or_else(|| gone(id))?;
        }
        Ok((before != after).then_some(FileChange { stage, before, after, if_raced }))
    }
}

fn describe(object: Option<ObjectId>) -> String {
    object.map_or_else(|| "nothing".to_owned(), |id| id.to_string())
}

fn gone(id: ObjectId) -> Error {
    Error::not_found(format!("the kept text {id} is gone"))
        .with_reason("no_operation")
        .with_hint("Texts are kept for the last 20 operations and for 30 days.")
}
