//! `idse init`.

use clap::Args;
use idse_core::{InitReport, InitRequest, Result, Workspace};

use crate::app::App;
use crate::exit::Exit;
use crate::page::Page;
use crate::words::count;

/// Make a project with its first session
///
/// The project goes into the nearest workspace upwards, or into a new one in this folder. Files that are there
/// already stay as they are.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  idse init customer-portal
  idse init customer-portal --session checkout --stack python
  idse --root ~/work/portal init customer-portal")]
pub(crate) struct Init {
    /// The name of the project
    name: String,
    /// What the project is built with
    #[arg(long)]
    stack: Option<String>,
    /// Say what would be made and make nothing
    #[arg(long)]
    dry_run: bool,
}

pub(crate) fn run(app: &App, args: Init) -> Result<Exit> {
    let request = InitRequest {
        project: args.name.parse()?,
        session: app.global.session.as_deref().map(str::parse).transpose()?,
        stack: args.stack,
    };
    if args.dry_run {
        let report = Workspace::preview_init(&app.root()?, &request, &app.context)?;
        app.output.report("init-report", &report, |page| {
            page.good(format_args!("Would initialise {}", report.project));
            files(page, &report);
        })?;
        return Ok(Exit::DONE);
    }
    let (workspace, report) = Workspace::init(&app.root()?, &request, &app.context)?;
    app.output.report("init-report", &report, |page| text(page, &workspace, &report))?;
    Ok(Exit::DONE)
}

fn text(page: &mut Page, workspace: &Workspace, report: &InitReport) {
    page.good(format_args!("Initialised {} in {}", report.project, workspace.root().display()));
    files(page, report);
    page.hint("write the intent first, then run `idse status` to see what comes next");
}

/// Lists what a new session consists of.
pub(crate) fn files(page: &mut Page, report: &InitReport) {
    page.field("Session", &report.session);
    let label = if report.dry_run { "Would create" } else { "Created" };
    page.field(label, count(report.created.len(), "file"));
    for path in &report.created {
        page.line(format_args!("  {path}"));
    }
    if !report.kept.is_empty() {
        page.field("Kept as they are", count(report.kept.len(), "file"));
        for path in &report.kept {
            page.line(format_args!("  {path}"));
        }
    }
}
