//! Retention: objects that nothing names any more go after 30 days, and the log keeps what can be undone.
//!
//! It runs at the end of a verb that holds the lock, at most once a day, so that a sync never costs more for
//! what lies in the workspace.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};

use crate::context::Context;
use crate::error::{Error, Result};
use crate::fs::{Found, LARGEST};
use crate::sync::base::Base;
use crate::sync::record::LogRecord;
use crate::sync::store::{Store, displaced_path};
use crate::text::ObjectId;
use crate::workspace::Workspace;

/// These operations can be undone whatever their age.
const OPERATIONS: usize = 20;
const DAYS: i64 = 30;

/// What nothing names any more, and since when: objects by id, displaced files by path.
type Unnamed = BTreeMap<String, String>;

/// Tidies the engine's own files, at most once a day. The verb before it is done, so that a failure is only a note.
pub(crate) fn tidy(workspace: &Workspace, context: &Context) -> Option<String> {
    let error = try_tidy(workspace, context).err()?;
    Some(format!("old texts could not be tidied away: {error}"))
}

fn try_tidy(workspace: &Workspace, context: &Context) -> Result<()> {
    let store = Store::new(workspace.dir());
    let now = context.clock.now();
    let last = store.note("tidied")?.and_then(|text| text.trim().parse::<Timestamp>().ok());
    if last.is_some_and(|last| now.duration_since(last) < SignedDuration::from_hours(24) && now >= last) {
        return Ok(());
    }
    let log = store.log()?;
    let kept = keep(&log, now);
    if kept.len() < log.len() {
        store.replace_log(kept)?;
    }
    let mut named: BTreeSet<ObjectId> = store.named_objects()?;
    named.extend(kept.iter().flat_map(LogRecord::objects));
    for id in kept.iter().filter_map(|record| record.base_before) {
        // What undo brings back has to be whole too.
        let base = store.object(id)?.and_then(|bytes| serde_json::from_slice::<Base>(&bytes).ok());
        named.extend(base.iter().flat_map(Base::objects));
    }
    let before: Unnamed =
        store.note("unnamed.json")?.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default();
    let unnamed = unnamed(workspace, &store, &named, kept)?;
    let mut after = Unnamed::new();
    for name in unnamed {
        let since = before.get(&name).cloned().unwrap_or_else(|| now.to_string());
        if is_old(&since, now) {
            remove(workspace, &store, &name)?;
        } else {
            after.insert(name, since);
        }
    }
    let text = serde_json::to_string(&after).map_err(|e| Error::internal(e.to_string()))?;
    store.save_note("unnamed.json", &text)?;
    store.save_note("tidied", &now.to_string())
}

fn is_old(time: &str, now: Timestamp) -> bool {
    // A time that cannot be read, or lies ahead, counts as young: nothing goes on the strength of a wrong clock.
    time.parse::<Timestamp>()
        .is_ok_and(|time| now.duration_since(time) > SignedDuration::from_hours(24 * DAYS))
}

/// Returns the records that stay: the last ones and the young ones.
fn keep(log: &[LogRecord], now: Timestamp) -> &[LogRecord] {
    let recent = log.len().saturating_sub(OPERATIONS);
    let young = log.iter().position(|record| !is_old(&record.time, now)).unwrap_or(log.len());
    &log[recent.min(young)..]
}

fn unnamed(
    workspace: &Workspace,
    store: &Store<'_>,
    named: &BTreeSet<ObjectId>,
    log: &[LogRecord],
) -> Result<Vec<String>> {
    let mut found: Vec<String> =
        store.objects()?.into_iter().filter(|id| !named.contains(id)).map(|id| id.to_string()).collect();
    for entry in workspace.dir().list(&displaced_path())? {
        let Some(name) = entry.name else { continue };
        if !log.iter().any(|record| name.starts_with(&record.op.to_string())) {
            found.push(format!("{}/{name}", displaced_path()));
        }
    }
    Ok(found)
}

fn remove(workspace: &Workspace, store: &Store<'_>, name: &str) -> Result<()> {
    if let Ok(id) = name.parse::<ObjectId>() {
        return store.remove_object(id);
    }
    // An editor may have written into a displaced file long after: its bytes get their own 30 days as an object.
    if let Found::Bytes(bytes) = workspace.dir().read(name, LARGEST)? {
        store.keep(&bytes)?;
    }
    workspace.dir().remove(name)
}
