//! Changes of the workspace that are done whole or finished later: pull, resolve and undo.
//!
//! A transaction is written into the journal before its first effect. Every effect can be repeated, so whoever
//! finds the entry after a crash runs it to its end.

use crate::context::Context;
use crate::error::{Error, ErrorKind, Result};
use crate::fs::{Found, LARGEST, Swap};
use crate::name::SessionKey;
use crate::stage::Stage;
use crate::sync::record::{FileChange, JournalEntry, StateChange, Transaction};
use crate::sync::store::Store;
use crate::text::ObjectId;
use crate::workspace::{Workspace, objects, session_path};

/// Runs a transaction: journal, files, base, state, conflicts, log. Returns the stages whose file somebody saved in
/// between; these keep that text, and their base stays where it was.
pub(crate) fn run(workspace: &Workspace, transaction: &Transaction, context: &Context) -> Result<Vec<Stage>> {
    let store = Store::new(workspace.dir());
    store.save_entry(&JournalEntry::Transaction(Box::new(transaction.clone())))?;
    finish(workspace, transaction, false, context)
}

/// Finishes a transaction that is in the journal. `again`: another process may have got as far as the log.
fn finish(
    workspace: &Workspace,
    transaction: &Transaction,
    again: bool,
    context: &Context,
) -> Result<Vec<Stage>> {
    let store = Store::new(workspace.dir());
    let Transaction { base, state, conflicts, log, .. } = transaction;
    let key = &log.key;
    if !workspace.has_session(key) {
        // Somebody removed the session meanwhile: there is nothing left to change, and nothing to make again.
        store.remove_entry(log)?;
        return Ok(transaction.files.iter().map(|change| change.stage).collect());
    }
    let mut base = base.clone();
    let mut raced = Vec::new();
    for change in &transaction.files {
        pause(context, change.stage.name())?;
        if !swap_file(workspace, transaction, change)? {
            raced.push(change.stage);
            if let Some(base) = &mut base {
                *base.stage_mut(change.stage) = change.if_raced;
            }
        }
    }
    pause(context, key)?;
    let record = log.without_files(&raced);
    if again {
        store.log_once(&record)?;
    } else {
        store.log_new(&record)?;
    }
    pause(context, key)?;
    store.save_base(&log.remote, key, base.as_ref())?;
    if *state != StateChange::default() {
        pause(context, key)?;
        save_state(workspace, transaction, context)?;
    }
    for (stage, record) in conflicts {
        if !raced.contains(stage) {
            pause(context, key)?;
            store.save_conflict(&log.remote, key, *stage, record.as_ref())?;
        }
    }
    pause(context, key)?;
    store.remove_entry(log)?;
    Ok(raced)
}

/// Before every effect: whoever cancelled gets the workspace back at once, and the next verb finishes the transaction.
fn pause(context: &Context, what: impl std::fmt::Display) -> Result<()> {
    context.step("writing", what, 0, None);
    context.check().map_err(|_| {
        Error::new(ErrorKind::Unsettled, "cancelled in the middle of a change")
            .with_reason("cancelled")
            .with_hint("Nothing is lost: the next command that changes this workspace finishes it.")
    })
}

/// Puts the new text where the old one is; `false` where the file holds something else and keeps it, and where the
/// new text is missing or damaged: the base then stays where it was, and the next sync finds the difference again.
fn swap_file(workspace: &Workspace, transaction: &Transaction, change: &FileChange) -> Result<bool> {
    let store = Store::new(workspace.dir());
    let log = &transaction.log;
    let path = format!("{}/{}", session_path(&log.key), change.stage.path());
    let now = current(workspace, &path)?;
    if now == Some(change.after) {
        return Ok(true);
    }
    if now != Some(change.before) {
        return Ok(false);
    }
    let new = match change.after {
        None => None,
        Some(id) => match store.object(id)? {
            Some(bytes) => Some(bytes),
            None => return Ok(false),
        },
    };
    if new.is_some() {
        let folder = format!("{}/{}", session_path(&log.key), change.stage.folder());
        workspace.dir().create_dirs(&folder)?;
    }
    let aside = objects::aside(&log.op, change.stage);
    let swap = workspace.dir().swap(&path, change.before, new.as_deref(), &aside)?;
    // An editor that writes in place may have changed the file while it was displaced: keep what it wrote.
    if let Found::Bytes(bytes) = workspace.dir().read(&aside, LARGEST)? {
        store.keep(&bytes)?;
    }
    Ok(swap == Swap::Done)
}

/// Returns the id of what a file holds: `Some(None)` nothing, `None` something that is no plain file.
fn current(workspace: &Workspace, path: &str) -> Result<Option<Option<ObjectId>>> {
    Ok(match workspace.dir().read(path, LARGEST)? {
        Found::Absent => Some(None),
        Found::Bytes(bytes) => Some(Some(ObjectId::of(&bytes))),
        Found::Blocked(_) => None,
    })
}

/// Statuses move even where a file raced: the base has them already, and without them here the next push would take
/// the old ones for a change.
fn save_state(workspace: &Workspace, transaction: &Transaction, context: &Context) -> Result<()> {
    let key = &transaction.log.key;
    let mut state = workspace.load_state(key, context)?;
    for (stage, status) in &transaction.state.statuses {
        state.set_status(*stage, *status);
    }
    if let Some(agent) = &transaction.state.last_agent {
        state.set("last_agent", agent.as_str());
    }
    if let Some(last_sync) = &transaction.state.last_sync {
        state.set("last_sync", last_sync.as_str());
    }
    workspace.save_state(key, &state)
}

/// Finishes what earlier processes left in the middle: transactions of every remote, and temporary files; the bytes of
/// those in the session's folders are kept as objects.
///
/// What cannot be finished stays in the journal. It stops the verbs of its own session; with `wanted`, those of
/// another one go on.
pub(crate) fn recover(workspace: &Workspace, wanted: Option<&SessionKey>, context: &Context) -> Result<()> {
    let store = Store::new(workspace.dir());
    for entry in store.journal()? {
        let JournalEntry::Transaction(transaction) = entry else { continue };
        let key = &transaction.log.key;
        let finished = finish(workspace, &transaction, true, context).and_then(|_| workspace.tidy(key));
        match finished {
            Err(error) if wanted.is_none_or(|wanted| wanted == key) => return Err(error),
            _ => {}
        }
    }
    store.sweep(wanted)?;
    wanted.map_or(Ok(()), |key| workspace.tidy(key))
}
