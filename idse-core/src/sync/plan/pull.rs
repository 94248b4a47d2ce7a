//! The plan of a pull. What a push does is in the neighbouring `push`.

use std::collections::BTreeMap;

use crate::stage::{Stage, StageStatus};
use crate::sync::classify::StatusClass;
use crate::sync::merge::{Merge, MergeConflict, has_markers, merge_text};
use crate::sync::plan::{Sides, refuse_mass_clear};
use crate::sync::record::ConflictRecord;
use crate::sync::{Action, Class, ConflictKind, PullOptions, StatusConflict, Step};
use crate::text::TextStyle;

/// One stage of a pull.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct PullStep {
    pub(crate) step: Step,
    /// What the file is to hold (`Some(None)`: nothing).
    pub(crate) write: Option<Option<String>>,
    /// The status to set here.
    pub(crate) status: Option<StageStatus>,
    pub(crate) conflict: Option<ConflictDraft>,
    /// The texts of the open conflict stay as they were recorded.
    pub(crate) stays: bool,
}

/// A conflict before its texts are stored.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ConflictDraft {
    pub(crate) kind: ConflictKind,
    pub(crate) base: Option<String>,
    pub(crate) local: Option<String>,
    pub(crate) remote: Option<String>,
    pub(crate) merged: Option<String>,
    pub(crate) marker_length: usize,
    pub(crate) places: usize,
    pub(crate) status: Option<StatusConflict>,
}

/// Plans a pull. `agreed` has the base text of every stage whose object is there; a file may have `limit` bytes.
pub(crate) fn plan_pull(
    sides: &Sides<'_>,
    options: &PullOptions,
    agreed: &BTreeMap<Stage, String>,
    limit: u64,
) -> Vec<PullStep> {
    let selected = |stage: &Stage| options.stages.is_empty() || options.stages.contains(stage);
    let mut steps: Vec<_> = Stage::ALL
        .into_iter()
        .filter(selected)
        .map(|stage| pull_step(sides, options, agreed.get(&stage).map(String::as_str), stage))
        .collect();
    steps.iter_mut().for_each(|step| refuse_unfit(step, limit));
    guard_pull(sides, options, &mut steps);
    steps
}

/// Refuses to write what could not be read as an artifact afterwards.
fn refuse_unfit(out: &mut PullStep, limit: u64) {
    let Some(Some(text)) = &out.write else { return };
    let message = if text.contains('\0') {
        "not written: the agency's text holds a NUL character".to_owned()
    } else if text.len() as u64 > limit {
        format!("not written: it would have {} bytes; an artifact may have {limit}", text.len())
    } else {
        return;
    };
    out.step.action = Action::Refuse;
    out.step.message = Some(message);
    out.write = None;
    out.status = None;
}

fn pull_step(sides: &Sides<'_>, options: &PullOptions, agreed: Option<&str>, stage: Stage) -> PullStep {
    let mut out =
        PullStep { step: sides.step(stage), write: None, status: None, conflict: None, stays: false };
    let open = sides.open.get(&stage);
    let local = sides.local.artifact(stage).text();
    let remote = sides.remote_text(stage).text();
    let take = |text: Option<&str>| Some(text.map(|text| styled(local, text)));
    match out.step.class {
        Class::InSync | Class::LocalChange | Class::NewHere | Class::Suspicious | Class::Unmapped => {}
        Class::SameChange | Class::Adopt | Class::BothGone => out.step.action = Action::Record,
        Class::RemoteChange | Class::NewThere => {
            out.step.action = Action::Write;
            out.write = take(remote);
        }
        Class::DeletedHere if options.restore.contains(&stage) => {
            out.step.action = Action::Write;
            out.write = take(remote);
        }
        Class::DeletedHere => {
            leave(&mut out.step, format!("deleted here; `--restore {stage}` writes the file again"));
        }
        Class::ClearedThere if options.accept_clear => {
            out.step.action = Action::Remove;
            out.write = Some(None);
        }
        Class::ClearedThere => {
            leave(&mut out.step, "cleared in the agency; `--accept-clear` removes the file too".into());
        }
        Class::Blocked => {
            out.step.action = Action::Refuse;
            out.step.message = sides.blocked_message(stage);
        }
        Class::BothChanged | Class::BothAdded | Class::DeleteEdit | Class::EditClear => {
            merge_stage(&mut out, open.is_some(), agreed, local, remote);
        }
    }
    if let Some(open) = open {
        keep_open(&mut out, open, agreed, local, remote);
    }
    pull_status(&mut out, sides);
    out
}

fn leave(step: &mut Step, message: String) {
    step.action = Action::Leave;
    step.message = Some(message);
}

fn styled(local: Option<&str>, text: &str) -> String {
    local.map_or_else(|| text.to_owned(), |local| TextStyle::of(local).apply(text).into_owned())
}

/// Merges what both sides changed, or says what a person has to decide. Where a conflict is open already, the file
/// is the person's: it is not merged behind their back.
fn merge_stage(
    out: &mut PullStep,
    open: bool,
    agreed: Option<&str>,
    local: Option<&str>,
    remote: Option<&str>,
) {
    let kind = match out.step.class {
        Class::BothAdded => ConflictKind::BothAdded,
        Class::DeleteEdit => ConflictKind::DeleteEdit,
        Class::EditClear => ConflictKind::EditClear,
        _ => ConflictKind::BothChanged,
    };
    let merge = match (local, remote) {
        (Some(l), Some(r)) => merge_text(agreed.unwrap_or_default(), l, r),
        (Some(one), None) | (None, Some(one)) => Merge::Clean(one.to_owned()),
        (None, None) => return,
    };
    // Without the agreed text a merge would take one side's old lines for new ones.
    let may_merge = kind == ConflictKind::BothChanged && agreed.is_some() && !open;
    let (merged, marker_length, places) = match merge {
        Merge::Clean(text) if may_merge => {
            out.step.action = Action::Merge;
            out.write = Some(Some(text));
            return;
        }
        Merge::Clean(text) => (text, 0, 1),
        Merge::Conflict(MergeConflict { marked, marker_length, places, .. }) => {
            (marked, marker_length, places)
        }
    };
    out.step.action = Action::Conflict;
    out.conflict = Some(ConflictDraft {
        kind,
        base: agreed.map(str::to_owned),
        local: local.map(str::to_owned),
        remote: remote.map(str::to_owned),
        merged: Some(merged),
        marker_length,
        places,
        status: None,
    });
}

/// A conflict that came from a lost reply stays open whatever the texts look like: only a person can tell. So does one
/// whose markers are still in the file, even where the agency went back: closed, it would let the markers go out.
fn keep_open(
    out: &mut PullStep,
    open: &ConflictRecord,
    agreed: Option<&str>,
    local: Option<&str>,
    remote: Option<&str>,
) {
    let is_marked = open.markers.is_some() && local.is_some_and(|text| has_markers(text, open.marker_length));
    let is_equal = matches!(out.step.class, Class::InSync | Class::SameChange | Class::Adopt);
    let is_unsettled = open.kind == ConflictKind::Unsettled && !is_equal;
    if !(is_unsettled || is_marked && out.conflict.is_none()) {
        return;
    }
    out.step.action = Action::Conflict;
    out.write = None;
    out.stays = !is_unsettled;
    out.conflict = is_unsettled.then(|| ConflictDraft {
        kind: ConflictKind::Unsettled,
        base: agreed.map(str::to_owned),
        local: local.map(str::to_owned),
        remote: remote.map(str::to_owned),
        merged: local.map(str::to_owned),
        marker_length: 0,
        places: 1,
        status: None,
    });
}

fn pull_status(out: &mut PullStep, sides: &Sides<'_>) {
    let stage = out.step.stage;
    let (local, _, remote) = sides.statuses(stage);
    match sides.status_class(stage) {
        StatusClass::InSync | StatusClass::Local => {}
        StatusClass::Remote if out.step.action == Action::Conflict || out.step.action == Action::Refuse => {}
        StatusClass::Remote => {
            out.status = remote;
            if out.step.action == Action::None {
                out.step.action = Action::Status;
            }
        }
        StatusClass::Conflict => {
            let status = StatusConflict { local, remote: remote.unwrap_or_default() };
            let draft = out.conflict.get_or_insert(ConflictDraft {
                kind: ConflictKind::Status,
                base: None,
                local: None,
                remote: None,
                merged: None,
                marker_length: 0,
                places: 0,
                status: None,
            });
            draft.status = Some(status);
            if matches!(out.step.action, Action::None | Action::Record | Action::Leave) {
                out.step.action = Action::Conflict;
            }
        }
    }
}

/// Refuses to remove or empty more than half of the files.
fn guard_pull(sides: &Sides<'_>, options: &PullOptions, steps: &mut [PullStep]) {
    if options.force_clear {
        return;
    }
    let held = sides.local.artifacts.iter().filter(|a| a.text().is_some_and(|t| !t.is_empty())).count();
    let had_text = |stage: Stage| sides.local.artifact(stage).text().is_some_and(|t| !t.is_empty());
    let clears = |s: &PullStep| {
        had_text(s.step.stage) && s.write.as_ref().is_some_and(|w| w.as_ref().is_none_or(String::is_empty))
    };
    if steps.iter().filter(|s| clears(s)).count() * 2 > held.max(1) {
        for step in steps.iter_mut().filter(|s| clears(s)) {
            refuse_mass_clear(&mut step.step);
            step.write = None;
        }
    }
}
