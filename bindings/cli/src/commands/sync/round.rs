//! One session, or with `--all` every session that can be synced; and the text of both.

use idse_core::remote::Remote;
use idse_core::sync::{Action, Class, ConflictKind, Outcome, StatusConflict, Step, SyncReport, Verb};
use idse_core::verb::{self, Agencies, sync_all};
use idse_core::{Result, SessionKey, Stage, Workspace};

use crate::app::App;
use crate::exit::Exit;
use crate::page::{Page, shown};
use crate::words::{self, count, list};

/// Which sessions, with which agency.
pub(super) struct Round<'a> {
    pub(super) app: &'a App,
    pub(super) workspace: &'a Workspace,
    pub(super) agencies: &'a Agencies<'a>,
    pub(super) all: bool,
}

/// The verb, for one session.
type Run<'a> = &'a dyn Fn(&SessionKey, &dyn Remote) -> Result<SyncReport>;

impl Round<'_> {
    /// Runs the verb and answers.
    pub(super) fn run(&self, verb: Run<'_>) -> Result<Exit> {
        if self.all { self.every(verb) } else { self.one(verb) }
    }

    fn one(&self, verb: Run<'_>) -> Result<Exit> {
        let key = self.app.key(self.workspace)?;
        let remote = self.agencies.connect(Some(&key.project))?;
        let report = verb(&key, remote.as_ref())?;
        self.app.output.report("sync-report", &report, |page| text(page, &report, self.agencies.named()))?;
        self.complain(&report);
        if let Some(op) = report.op {
            self.app.output.detail(&format!("operation: {op}, guard: {}", words::guard(report.guard)));
        }
        Ok(Exit::of_outcome(report.outcome))
    }

    fn every(&self, verb: Run<'_>) -> Result<Exit> {
        let all = sync_all(self.workspace, self.agencies, verb)?;
        self.answer(&all)?;
        let exits = all.reports.iter().map(|report| Exit::of_outcome(report.outcome));
        Ok(exits.chain(all.errors.iter().map(|(_, error)| Exit::of(error))).fold(Exit::DONE, Exit::worst))
    }

    fn answer(&self, all: &verb::Round<SyncReport>) -> Result<()> {
        let verb::Round { reports, skipped, errors } = all;
        self.app.output.report("sync-reports", &all.to_json(), |page| {
            for report in reports {
                let bold = page.styles.bold;
                page.line(format_args!("{bold}{}/{}{bold:#}", report.project, report.session));
                text(page, report, self.agencies.named());
                page.gap();
            }
            page.line(tally(reports, errors.len()));
            for reason in skipped {
                page.line(format_args!("skipped: {}", shown(reason)));
            }
        })?;
        for report in reports {
            self.complain(report);
        }
        for (key, error) in errors {
            self.app.output.trouble(&format!("{key}: {}", words::error(error)));
        }
        Ok(())
    }

    /// Says on standard error what `--quiet` keeps back but nobody should miss.
    fn complain(&self, report: &SyncReport) {
        if self.app.output.quiet && !matches!(report.outcome, Outcome::Done | Outcome::UpToDate) {
            let SyncReport { project, session, .. } = report;
            self.app.output.trouble(&format!("{project}/{session}: {}", headline(report)));
        }
    }
}

/// Says in one sentence how many sessions ended how.
fn tally(reports: &[SyncReport], failed: usize) -> String {
    let with = |outcome| reports.iter().filter(|report| report.outcome == outcome).count();
    let parts = [
        (with(Outcome::Done), "synced"),
        (with(Outcome::UpToDate), "with nothing to do"),
        (with(Outcome::Refused), "refused"),
        (with(Outcome::Conflict), "in conflict"),
        (failed, "failed"),
    ];
    let parts = parts.iter().filter(|(n, _)| *n > 0).map(|(n, how)| format!("{n} {how}"));
    match reports.len() + failed {
        0 => "There are no sessions to sync".to_owned(),
        all => format!("{}: {}", count(all, "session"), list(parts)),
    }
}

/// Says in one sentence how a sync ended.
fn headline(report: &SyncReport) -> String {
    let moved = moved(report).len();
    let dry = report.dry_run;
    match (report.outcome, report.verb) {
        (Outcome::Done, Verb::Push) if moved > 0 && dry => {
            format!("Would sync {} to Agency Core", count(moved, "stage"))
        }
        (Outcome::Done, Verb::Push) if moved > 0 => {
            format!("Synced {} to Agency Core", count(moved, "stage"))
        }
        (Outcome::Done, _) if moved > 0 && dry => {
            format!("Would pull {} from Agency Core", count(moved, "stage"))
        }
        (Outcome::Done, _) if moved > 0 => format!("Pulled {} from Agency Core", count(moved, "stage")),
        (Outcome::Done, _) if dry => "Would bring the statuses in step with Agency Core".to_owned(),
        (Outcome::Done, _) => "The statuses are in step with Agency Core".to_owned(),
        (Outcome::UpToDate, _) if report.steps.iter().all(is_in_step) => {
            "In step with Agency Core already".to_owned()
        }
        (Outcome::UpToDate, Verb::Push) => "Nothing to push".to_owned(),
        (Outcome::UpToDate, _) => "Nothing to pull".to_owned(),
        (Outcome::Refused, Verb::Push) => "Nothing was pushed: a stage is refused".to_owned(),
        (Outcome::Refused, _) if moved > 0 => {
            format!("Pulled {} from Agency Core; a stage is refused", count(moved, "stage"))
        }
        (Outcome::Refused, _) => "Nothing was changed: a stage is refused".to_owned(),
        (Outcome::Conflict, Verb::Push) => "Nothing was pushed: both sides changed".to_owned(),
        (Outcome::Conflict, _) if moved > 0 => {
            let (pulled, open) = (count(moved, "stage"), count(report.conflicts.len(), "stage"));
            format!("Pulled {pulled} from Agency Core; {open} need a decision")
        }
        (Outcome::Conflict, _) => "Both sides changed: a decision is needed".to_owned(),
    }
}

/// Returns the stages that moved: a push that was stopped moved none.
fn moved(report: &SyncReport) -> Vec<Stage> {
    let stopped = matches!(report.outcome, Outcome::Refused | Outcome::Conflict);
    if report.verb == Verb::Push && stopped { Vec::new() } else { report.moved() }
}

fn is_in_step(step: &Step) -> bool {
    matches!(step.class, Class::InSync | Class::SameChange | Class::Adopt | Class::BothGone)
}

/// Writes how a sync ended and what to do now.
pub(super) fn text(page: &mut Page, report: &SyncReport, agency: Option<&str>) {
    let headline = headline(report);
    match report.outcome {
        Outcome::Done | Outcome::UpToDate => page.good(headline),
        Outcome::Refused | Outcome::Conflict => page.bad(headline),
    }
    if let Some(id) = report.project_id {
        page.field("Project ID", id);
    }
    let moved = moved(report);
    if !moved.is_empty() {
        page.field("Stages", list(moved));
    }
    if let Some(time) = &report.last_synced {
        page.field("Last synced", time);
    }
    let is_told = |step: &&Step| !report.conflicts.iter().any(|conflict| conflict.stage == step.stage);
    for step in report.steps.iter().filter(is_told) {
        told(page, step);
    }
    next(page, report, agency);
    for note in &report.notes {
        page.line(format_args!("note: {}", shown(note)));
    }
}

/// Writes a line about a stage that is not simply done.
fn told(page: &mut Page, step: &Step) {
    let what = match (step.action, &step.message) {
        (Action::Merge, None) => "both sides' changes are merged; the next push sends the result",
        (Action::SendNull, None) => "cleared in the agency",
        (Action::Remove, None) => "removed here; the text is kept",
        (Action::Refuse | Action::Leave | Action::Conflict, None) => step.class.describe(),
        (Action::None | Action::Record | Action::Status | Action::Send | Action::Write, None) => return,
        (_, Some(message)) => message,
    };
    page.line(format_args!("  {}: {}", step.stage, shown(what)));
}

fn next(page: &mut Page, report: &SyncReport, agency: Option<&str>) {
    let option = words::agency_option(agency);
    let mut unrecorded = false;
    for conflict in &report.conflicts {
        page.line(format_args!("  {}: conflict, {}", conflict.stage, words::conflict(conflict.kind)));
        if let Some(StatusConflict { local: here, remote: there }) = conflict.status {
            page.line(format_args!("    the status is {here} here and {there} in the agency"));
        }
        match &conflict.path {
            Some(path) => {
                if conflict.kind != ConflictKind::Status {
                    page.line(format_args!("    the texts are in {path}"));
                }
                let command = words::resolve_command(conflict.stage, conflict.kind, agency);
                page.hint(format_args!("settle it with `{command}`"));
            }
            None => unrecorded = true,
        }
    }
    if unrecorded && report.verb == Verb::Push {
        page.hint(format_args!("run `idse sync pull{option}`: it merges what does not overlap"));
        page.hint(format_args!(
            "settle the rest with `idse sync resolve STAGE --local|--remote|--merged{option}`, then push again"
        ));
    }
    if report.verb == Verb::Pull
        && report.steps.iter().any(|step| step.action == Action::Merge)
        && !report.dry_run
    {
        page.hint(format_args!("look at the merged text, then run `idse sync push{option}`"));
    }
}
