//! `idse sync clone`.

use clap::Args;
use idse_core::Result;
use idse_core::sync::{self, CloneReport};

use super::round;
use crate::app::App;
use crate::args::RemoteArg;
use crate::exit::Exit;
use crate::page::Page;

/// Bring a project of the agency into this workspace
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  idse sync clone customer-portal
  idse sync clone 5f3c1f8e-8f0b-4d57-9c1c-2f4b6a1d7e90 --session checkout")]
pub(crate) struct Clone {
    /// The project's name in the agency, or its id
    #[arg(value_name = "NAME|ID")]
    project: String,
    #[command(flatten)]
    remote: RemoteArg,
}

pub(crate) fn run(app: &App, args: &Clone) -> Result<Exit> {
    let root = app.root()?;
    let session = app.global.session.as_deref().map(str::parse).transpose()?;
    let settings = app.settings(&root, None)?;
    let remote = app.connect(&app.address(&settings, args.remote.url.as_deref())?)?;
    let report = sync::clone(&root, remote.as_ref(), &args.project, session.as_ref(), &app.context)?;
    let agency = args.remote.url.as_deref();
    app.output.report("clone-report", &report, |page| text(page, &report, agency))?;
    let exits = report.sessions.iter().map(|session| Exit::of_outcome(session.outcome));
    Ok(exits.fold(Exit::DONE, Exit::worst))
}

fn text(page: &mut Page, report: &CloneReport, agency: Option<&str>) {
    page.good(format_args!("Cloned {}", report.project));
    page.field("Project ID", report.project_id);
    for session in &report.sessions {
        page.field("Session", &session.session);
        round::text(page, session, agency);
    }
}
