//! `idse sync link`.

use clap::Args;
use idse_core::Result;
use idse_core::sync;

use crate::app::App;
use crate::args::RemoteArg;
use crate::exit::Exit;
use crate::page::shown;
use crate::words;

/// Tie the project here to one that the agency already has
///
/// No text moves: the next pull or push compares both sides.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  idse sync link customer-portal
  idse --project portal sync link 5f3c1f8e-8f0b-4d57-9c1c-2f4b6a1d7e90")]
pub(crate) struct Link {
    /// The project's name in the agency, or its id
    #[arg(value_name = "NAME|ID")]
    name: String,
    #[command(flatten)]
    remote: RemoteArg,
}

pub(crate) fn run(app: &App, args: &Link) -> Result<Exit> {
    let workspace = app.workspace()?;
    let project = app.project(&workspace)?;
    let agency = args.remote.url.as_deref();
    let remote = app.agencies(&workspace, agency).connect(Some(&project))?;
    let report = sync::link(&workspace, &project, remote.as_ref(), &args.name, &app.context)?;
    app.output.report("link-report", &report, |page| {
        page.good(format_args!("{} is tied to {} in Agency Core", report.project, shown(&report.name)));
        page.field("Project ID", report.project_id);
        page.hint(format_args!("run `idse sync pull{}` to compare both sides", words::agency_option(agency)));
    })?;
    Ok(Exit::DONE)
}
