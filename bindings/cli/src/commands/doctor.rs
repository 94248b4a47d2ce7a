//! `idse doctor`.

use clap::Args;
use idse_core::Result;
use idse_core::doctor::{self, Check, CheckState, DoctorReport, Question};

use crate::app::App;
use crate::exit::Exit;
use crate::page::{Page, shown};
use crate::words::count;

/// Examine the workspace and say how to mend what is wrong
///
/// Reads only, and opens no connection without --remote. Ends with 1 where something is wrong.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  idse doctor
  idse doctor --remote
  idse doctor --json | jq '.checks[] | select(.state != \"ok\")'")]
pub(crate) struct Doctor {
    /// Ask the agency too whether it is well
    #[arg(long)]
    remote: bool,
    /// Use this agency instead of the configured one
    #[arg(long, value_name = "URL")]
    agency: Option<String>,
}

pub(crate) fn run(app: &App, args: &Doctor) -> Result<Exit> {
    let question = Question {
        start: app.start(),
        root: app.global.root.as_deref(),
        project: app.global.project.as_deref(),
        remote: args.agency.as_deref(),
    };
    let mut report = doctor::examine(&question, &app.context)?;
    if args.remote {
        ask_remote(app, args, &mut report)?;
    }
    app.output.answer("doctor-report", &report, |page| text(page, &report))?;
    Ok(if report.count(CheckState::Error) > 0 { Exit::FINDINGS } else { Exit::DONE })
}

fn ask_remote(app: &App, args: &Doctor, report: &mut DoctorReport) -> Result<()> {
    let connected = app.workspace().and_then(|workspace| {
        let project = app.project(&workspace).ok();
        let settings = workspace.settings(project.as_ref(), &app.context)?;
        app.connect(&app.address(&settings, args.agency.as_deref())?)
    });
    match connected {
        Ok(remote) => report.checks.extend(doctor::examine_remote(remote.as_ref(), &app.context)?),
        Err(error) => report.checks.push(Check::failed("agency_health", &error)),
    }
    Ok(())
}

fn text(page: &mut Page, report: &DoctorReport) {
    for check in &report.checks {
        line(page, check);
    }
    if !report.settings.is_empty() {
        page.gap();
        let rows: Vec<[String; 3]> = report
            .settings
            .iter()
            .map(|s| [s.key.clone(), s.setting.value.clone(), s.setting.origin.to_string()])
            .collect();
        page.table(["Setting", "Value", "From"], &rows);
    }
    page.gap();
    let (errors, warnings) = (report.count(CheckState::Error), report.count(CheckState::Warning));
    page.line(format_args!("{}, {}", count(errors, "error"), count(warnings, "warning")));
}

fn line(page: &mut Page, check: &Check) {
    let sentence = format!("{}: {}", check.name, shown(&check.message));
    match check.state {
        CheckState::Ok => page.good(sentence),
        CheckState::Info => page.line(format_args!("-  {sentence}")),
        CheckState::Warning => page.warn(sentence),
        CheckState::Error => page.bad(sentence),
    }
    if let Some(hint) = &check.hint {
        page.hint(shown(hint));
    }
}
