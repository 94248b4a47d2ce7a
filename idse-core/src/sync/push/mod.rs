//! Push: what changed here goes to the agency, guarded, all of it or nothing.
//!
//! Here an attempt is planned; `send` carries it out, `record` says what both sides agree on afterwards, `gate` what may go.

mod gate;
mod record;
mod send;

pub(super) use gate::closed as closed_gates;

use std::collections::BTreeMap;
use std::time::Duration;

use crate::context::Context;
use crate::error::{Error, ErrorKind, Result};
use crate::name::SessionKey;
use crate::remote::{Fetched, Remote, Sessions};
use crate::session::Session;
use crate::stage::Stage;
use crate::sync::base::Base;
use crate::sync::classify::names;
use crate::sync::engine::{Engine, Located};
use crate::sync::plan::{PushStep, Sides, plan_push};
use crate::sync::record::ConflictRecord;
use crate::sync::retention::tidy;
use crate::sync::settle::settle_journal;
use crate::sync::store::conflict_path;
use crate::sync::{
    Action, Class, Conflict, ConflictKind, Outcome, PushOptions, SyncReport, Verb, rows, transaction,
};
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
    let mut lost = None;
    for attempt in 0..ATTEMPTS {
        match Attempt::new(&engine, options, attempt == 0)?.send()? {
            Sent::Done(mut report) => {
                report.notes.extend(tidy(workspace, context));
                return Ok(*report);
            }
            Sent::Overtaken => lost = None,
            Sent::NotWritten(error) => lost = Some(error),
        }
        let jitter = u64::from(context.clock.unique().as_bytes()[0]);
        context.check()?;
        context.clock.sleep(Duration::from_millis((10 << attempt) + jitter % 20));
    }
    Err(match lost {
        Some(lost) => Error::new(
            ErrorKind::Unavailable,
            format!("{key} could not be pushed in {ATTEMPTS} attempts. The last one: {}", lost.message()),
        )
        .with_hint("A look at the agency showed that nothing was written. Try again in a moment.")
        .with_source(lost),
        None => Error::new(
            ErrorKind::Unavailable,
            format!("others keep writing to {key}: gave up after {ATTEMPTS} attempts"),
        )
        .with_reason("contended")
        .with_hint("Nothing was written. Try again in a moment."),
    })
}

/// What came of one attempt.
enum Sent {
    /// It is over; the report says how.
    Done(Box<SyncReport>),
    /// Somebody wrote in between: plan anew.
    Overtaken,
    /// The reply was lost, and a look at the agency showed that nothing was written.
    NotWritten(Error),
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
            remembered = rows::remembered(&engine.store, base)?.map(|row| Located {
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
        let gate = gate::closed(&self.local, self.engine.workspace, &self.engine.settings.validate)?;
        let sides = Sides {
            local: &self.local,
            base: self.base.as_ref(),
            remote: &self.located.row,
            open: &self.open,
        };
        self.steps = plan_push(&sides, self.options, &gate);
        if self.replaces {
            gate::replace_all(&mut self.steps, &self.local, &self.located, &gate);
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
            format!("{address} already has a project `{}` with other texts ({})", self.engine.key.project, names(&differs)),
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
                status: record.and_then(|record| record.status),
            }
        })
        .collect()
}
