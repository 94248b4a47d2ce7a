//! The plan of a push. What a pull does is in the neighbouring `pull`.

use std::collections::BTreeMap;

use crate::stage::{Stage, StageStatus};
use crate::sync::classify::StatusClass;
use crate::sync::plan::{Sides, refuse_mass_clear};
use crate::sync::{Action, Class, PushOptions, Step};

/// One stage of a push.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct PushStep {
    pub(crate) step: Step,
    /// The status to send.
    pub(crate) status: Option<StageStatus>,
    /// A text or a status that was set here goes out; what merely goes along with others does not count.
    pub(crate) sends: bool,
}

impl PushStep {
    /// Tells whether both sides have the same text already, so that only the record of it moves.
    pub(crate) fn records(&self) -> bool {
        let is_equal = matches!(self.step.class, Class::SameChange | Class::Adopt | Class::BothGone);
        match self.step.action {
            Action::Record => true,
            Action::Status => is_equal,
            _ => false,
        }
    }
}

/// Plans a push. `gate` has a sentence for every stage that validation does not let through.
pub(crate) fn plan_push(
    sides: &Sides<'_>,
    options: &PushOptions,
    gate: &BTreeMap<Stage, String>,
) -> Vec<PushStep> {
    let selected = |stage: &Stage| options.stages.is_empty() || options.stages.contains(stage);
    let mut steps: Vec<_> =
        Stage::ALL.into_iter().filter(selected).map(|stage| push_step(sides, options, gate, stage)).collect();
    guard_push(sides, options, &mut steps);
    steps
}

fn push_step(
    sides: &Sides<'_>,
    options: &PushOptions,
    gate: &BTreeMap<Stage, String>,
    stage: Stage,
) -> PushStep {
    let mut step = sides.step(stage);
    let (local_status, _, remote_status) = sides.statuses(stage);
    let status_class = sides.status_class(stage);
    let consent = sides.base.is_some_and(|base| base.stage(stage).consent);
    let delete = options.delete.contains(&stage) || consent;
    let (action, message) = push_action(step.class, stage, options.allow_empty, delete);
    step.action = action;
    step.message = message;
    if step.class == Class::Blocked {
        step.message = sides.blocked_message(stage);
    }
    let sends_status = status_class == StatusClass::Local || remote_status.is_none();
    if matches!(step.action, Action::None | Action::Record) && status_class == StatusClass::Local {
        step.action = Action::Status;
    }
    if status_class == StatusClass::Conflict && !matches!(step.action, Action::Refuse) {
        step.action = Action::Conflict;
        step.message = Some("both sides set the status; run `idse sync pull`".into());
    }
    // The record of a stage in conflict moves with the conflict: a person may yet answer with what was recorded then.
    if step.action == Action::Record && sides.open.contains_key(&stage) {
        step.action = Action::Leave;
        step.message = Some("equal by now; `idse sync pull` closes its conflict".into());
    }
    // The status has a base of its own: it goes out beside a text that does not.
    let beside = status_class == StatusClass::Local && step.action == Action::Leave;
    let sends = beside || matches!(step.action, Action::Send | Action::SendNull | Action::Status);
    if sends && sides.open.contains_key(&stage) {
        step.action = Action::Conflict;
        step.message = Some(format!("has an open conflict; run `idse sync resolve {stage}`"));
    } else if let (true, Some(why)) = (sends, gate.get(&stage)) {
        step.action = Action::Refuse;
        step.message = Some(why.clone());
    } else if let (true, Some(message)) = (beside, &mut step.message) {
        message.push_str(" (its status is sent)");
    }
    let status = sends_status.then_some(local_status);
    PushStep { step, status, sends }
}

fn push_action(class: Class, stage: Stage, allow_empty: bool, delete: bool) -> (Action, Option<String>) {
    match class {
        Class::InSync => (Action::None, None),
        Class::LocalChange | Class::NewHere => (Action::Send, None),
        Class::SameChange | Class::Adopt | Class::BothGone => (Action::Record, None),
        Class::RemoteChange | Class::NewThere => {
            (Action::Leave, Some("remote is newer; run `idse sync pull`".into()))
        }
        Class::BothChanged | Class::BothAdded | Class::DeleteEdit | Class::EditClear => {
            (Action::Conflict, Some(format!("{}; run `idse sync pull`", class.describe())))
        }
        Class::DeletedHere if delete => (Action::SendNull, None),
        Class::DeletedHere => {
            (Action::Leave, Some(format!("deleted here; `--delete {stage}` clears it in the agency too")))
        }
        Class::ClearedThere => (
            Action::Leave,
            Some("cleared in the agency; `idse sync pull --accept-clear` removes the file too".into()),
        ),
        Class::Unmapped => (Action::Leave, Some("skipped: the agency has no place for it".into())),
        Class::Blocked => (Action::Refuse, None),
        Class::Suspicious if allow_empty => (Action::Send, None),
        Class::Suspicious => {
            (Action::Refuse, Some("the file has become empty; `--allow-empty` sends it all the same".into()))
        }
    }
}

/// Refuses to clear or empty more than half of what the agency holds.
fn guard_push(sides: &Sides<'_>, options: &PushOptions, steps: &mut [PushStep]) {
    if options.force_clear {
        return;
    }
    let held = sides.remote.texts.values().filter(|t| t.text().is_some_and(|t| !t.is_empty())).count();
    let clears = |s: &PushStep| match s.step.action {
        Action::SendNull => true,
        Action::Send => s.step.class == Class::Suspicious,
        _ => false,
    };
    if steps.iter().filter(|s| clears(s)).count() * 2 > held.max(1) {
        for step in steps.iter_mut().filter(|s| clears(s)) {
            refuse_mass_clear(&mut step.step);
        }
    }
}
