//! Settling: finding out, with one read, what became of a push whose reply was lost.

use std::collections::BTreeMap;

use crate::context::Context;
use crate::error::{Error, ErrorKind, Result};
use crate::name::SessionKey;
use crate::remote::{Fetched, Remote, RemoteSession, RemoteText};
use crate::stage::Stage;
use crate::state::SessionState;
use crate::sync::base::{Base, Seen, TextRef};
use crate::sync::engine::Engine;
use crate::sync::record::{ConflictRecord, JournalEntry, PendingPush, StateChange, Transaction};
use crate::sync::store::{Store, journal_path};
use crate::sync::{ConflictKind, Verb, rows, transaction};
use crate::text::Digest;
use crate::workspace::Workspace;

/// What became of a push.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Settled {
    /// The agency has, or had, what was sent.
    Committed { updated_at: Option<String> },
    /// The agency never got it.
    NotCommitted,
    /// Nobody can tell; the stages that differ are conflicts now.
    Conflict,
}

/// Refuses to touch stages of a push whose fate is not known.
pub(crate) fn refuse_unsettled(store: &Store<'_>, key: &SessionKey, stages: &[Stage]) -> Result<()> {
    for push in pending_pushes(store, None, key)? {
        let touched = push.items.iter().map(|item| item.stage).chain(push.statuses.keys().copied());
        let Some(stage) = touched.into_iter().find(|stage| stages.contains(stage)) else { continue };
        let message = format!(
            "a push of {stage} to {} was sent and its reply was lost; what became of it is not known yet",
            push.remote
        );
        return Err(Error::new(ErrorKind::Unsettled, message)
            .with_reason("unsettled_push")
            .with("stage", stage.name())
            .with_hint(format!(
                "Run `idse sync pull` when that agency can be reached: it finds out. If it is gone for good, remove {}.",
                journal_path(&push.log.remote, push.log.op)
            )));
    }
    Ok(())
}

/// The rule of settling, as a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    Committed,
    NotCommitted,
    Ambiguous,
}

/// Finds out what became of a push of this session whose reply was lost, where there is one.
///
/// # Errors
/// Whatever the remote reports; the question then stays open.
pub fn settle(workspace: &Workspace, key: &SessionKey, remote: &dyn Remote, context: &Context) -> Result<()> {
    let engine = Engine::new(workspace, key, remote, context)?;
    let _lock = workspace.lock(context)?;
    transaction::recover(workspace, Some(key), context)?;
    settle_journal(&engine)
}

/// Settles every push of this session to this agency that is in the journal.
pub(crate) fn settle_journal(engine: &Engine<'_>) -> Result<()> {
    for pending in pending_pushes(&engine.store, Some(engine.remote_folder()), engine.key)? {
        settle_entry(engine, &pending)?;
    }
    Ok(())
}

/// Returns the pushes of a session whose fate is not known, to one remote or to all.
pub(crate) fn pending_pushes(
    store: &Store<'_>,
    remote: Option<&str>,
    key: &SessionKey,
) -> Result<Vec<PendingPush>> {
    let of_session = |entry| match entry {
        JournalEntry::Push(push) if push.log.key == *key && remote.is_none_or(|r| r == push.log.remote) => {
            Some(*push)
        }
        _ => None,
    };
    Ok(store.journal()?.into_iter().filter_map(of_session).collect())
}

/// Settles one push with one read.
pub(crate) fn settle_entry(engine: &Engine<'_>, pending: &PendingPush) -> Result<Settled> {
    let row = match engine.fetch(pending.project_id)? {
        Fetched::Session(row) => *row,
        // The row is not there: nothing was written, or it is gone and the next step says so.
        Fetched::Missing { .. } | Fetched::Unchanged => {
            engine.store.remove_entry(&pending.log)?;
            return Ok(Settled::NotCommitted);
        }
    };
    if engine.holds_other(&row) {
        // Another session has the row now: nothing of it belongs into our base, and the next step says so.
        engine.store.remove_entry(&pending.log)?;
        return Ok(Settled::NotCommitted);
    }
    match verdict(pending, &row) {
        Verdict::NotCommitted => {
            engine.store.remove_entry(&pending.log)?;
            Ok(Settled::NotCommitted)
        }
        Verdict::Committed => {
            record_committed(engine, pending, &row)?;
            engine.save_identity(row.project_id, row.updated_at.as_deref())?;
            Ok(Settled::Committed { updated_at: row.updated_at })
        }
        Verdict::Ambiguous => {
            record_conflicts(engine, pending, &row)?;
            Ok(Settled::Conflict)
        }
    }
}

/// Decides. An unchanged operation id proves nothing, since clients that know nothing of it send it back.
pub(crate) fn verdict(pending: &PendingPush, row: &RemoteSession) -> Verdict {
    let has_all = pending.items.iter().all(|item| holds(row, item.stage, item.intended));
    let state = row.state.clone().map(SessionState::new).unwrap_or_default();
    let has_statuses =
        pending.statuses.iter().all(|(stage, status)| state.known_status(*stage) == Some(*status));
    let says_something = !pending.items.is_empty() || !pending.statuses.is_empty();
    if rows::marked_op(row) == Some(pending.log.op) || (has_all && has_statuses && says_something) {
        Verdict::Committed
    } else if pending.revision.as_ref() == Some(&row.revision) {
        Verdict::NotCommitted
    } else if has_all && !pending.items.is_empty() {
        // Our texts are there; somebody set a status since.
        Verdict::Committed
    } else {
        Verdict::Ambiguous
    }
}

/// Tells whether a row holds a text, or nothing where nothing is meant.
fn holds(row: &RemoteSession, stage: Stage, intended: Option<TextRef>) -> bool {
    match (row.texts.get(&stage), intended) {
        (Some(RemoteText::Text(text)), Some(intended)) => Digest::of(text) == intended.digest,
        (Some(RemoteText::Text(text)), None) => text.is_empty(),
        (Some(RemoteText::Absent | RemoteText::Unknown) | None, None) => true,
        // What the agency has no place for says nothing about the rest.
        (Some(RemoteText::Unmapped), _) => true,
        (_, Some(_)) => false,
    }
}

/// Returns the base with the row as it is now.
fn base_seeing(engine: &Engine<'_>, row: &RemoteSession) -> Result<Base> {
    let mut base = engine
        .base(&mut Vec::new())?
        .unwrap_or_else(|| Base::new(row.project_id, engine.key.session.clone(), &engine.info.address));
    keep_seen(engine, row)?;
    base.see(row);
    Ok(base)
}

/// Keeps every text of a row: the base names them.
pub(crate) fn keep_seen(engine: &Engine<'_>, row: &RemoteSession) -> Result<()> {
    for text in row.texts.values().filter_map(RemoteText::text) {
        engine.store.keep_text(text)?;
    }
    Ok(())
}

/// It was committed: the base is what we sent; what somebody wrote since is classified against it.
fn record_committed(engine: &Engine<'_>, pending: &PendingPush, row: &RemoteSession) -> Result<()> {
    let mut base = base_seeing(engine, row)?;
    for item in &pending.items {
        base.agree(item.stage, item.intended);
    }
    base.statuses.extend(&pending.statuses);
    base.agent = pending.agent();
    let state = StateChange {
        statuses: BTreeMap::new(),
        last_agent: pending.agent(),
        last_sync: row.updated_at.clone(),
    };
    let log = pending.log.clone();
    let transaction =
        Transaction { files: Vec::new(), base: Some(base), state, conflicts: BTreeMap::new(), log };
    transaction::run(engine.workspace, &transaction, engine.context)?;
    Ok(())
}

/// Nobody can tell: a stage of the push that holds something else becomes a conflict, even where it holds what it
/// held before, since that may be somebody's undoing of what we sent.
fn record_conflicts(engine: &Engine<'_>, pending: &PendingPush, row: &RemoteSession) -> Result<()> {
    let base = base_seeing(engine, row)?;
    let local = engine.local()?;
    let mut conflicts = BTreeMap::new();
    for item in pending.items.iter().filter(|item| !holds(row, item.stage, item.intended)) {
        let text = local.artifact(item.stage).text();
        let kept = text.map(|text| engine.store.keep_text(text)).transpose()?;
        let record = ConflictRecord {
            kind: ConflictKind::Unsettled,
            base: base.stage(item.stage).agreed,
            local: kept,
            remote: match base.stage(item.stage).seen {
                Some(Seen::Unknown) => base.stage(item.stage).agreed,
                seen => seen.and_then(Seen::text),
            },
            merged: kept.map(|kept| kept.object),
            marker_length: 0,
            places: 1,
            markers: None,
            status: None,
        };
        conflicts.insert(item.stage, Some(record));
    }
    // No file changed, so that undo has none to bring back.
    let touched: Vec<_> = pending.items.iter().map(|item| item.stage).collect();
    let mut log = pending.log.without_files(&touched);
    log.verb = Verb::Settle;
    log.conflicts_before = conflicts.keys().map(|stage| (*stage, None)).collect();
    let state = StateChange::default();
    let transaction = Transaction { files: Vec::new(), base: Some(base), state, conflicts, log };
    transaction::run(engine.workspace, &transaction, engine.context)?;
    Ok(())
}
