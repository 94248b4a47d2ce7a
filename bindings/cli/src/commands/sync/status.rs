//! `idse sync status`.

use clap::Args;
use idse_core::Result;
use idse_core::sync::{self, RemoteStatus};

use crate::app::App;
use crate::args::RemoteArg;
use crate::exit::Exit;
use crate::page::{Page, shown};
use crate::words::{self, list};

/// Show what the agency holds of this project
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  idse sync status
  idse --project billing sync status --json")]
pub(crate) struct Status {
    #[command(flatten)]
    remote: RemoteArg,
}

pub(crate) fn run(app: &App, args: &Status) -> Result<Exit> {
    let workspace = app.workspace()?;
    let key = app.key(&workspace)?;
    let agency = args.remote.url.as_deref();
    let remote = app.agencies(&workspace, agency).connect(Some(&key.project))?;
    let report = sync::remote_status(&workspace, &key, remote.as_ref(), &app.context)?;
    app.output.answer("remote-status", &report, |page| text(page, &report, agency))?;
    Ok(Exit::DONE)
}

fn text(page: &mut Page, report: &RemoteStatus, agency: Option<&str>) {
    page.field("Project", &report.project);
    page.field("Last synced", report.last_synced.as_deref().unwrap_or("never"));
    let bold = page.styles.bold;
    page.line(format_args!("{bold}Stages:{bold:#}"));
    for (stage, status) in &report.stages {
        page.line(format_args!("  {stage}: {status}"));
    }
    page.field("Last agent", shown(report.last_agent.as_deref().unwrap_or("-")));
    let option = words::agency_option(agency);
    for (stages, what) in [
        (&report.incoming, format!("`idse sync pull{option}` would write")),
        (&report.outgoing, format!("`idse sync push{option}` would send")),
        (&report.both, "Changed on both sides".to_owned()),
    ] {
        if !stages.is_empty() {
            page.line(format_args!("{what}: {}", list(stages)));
        }
    }
}
