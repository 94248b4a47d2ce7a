//! `idse sync resolve`.

use std::path::PathBuf;

use clap::Args;
use idse_core::sync::{self, Resolution, ResolveOptions, ResolveReport};
use idse_core::{Result, Stage};

use crate::app::App;
use crate::args;
use crate::exit::Exit;
use crate::input;
use crate::page::Page;
use crate::words::{self, list};

/// Settle a conflict
///
/// Opens no connection. What the file held is kept, and `idse sync undo` brings it back.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  idse sync resolve spec --merged
  idse sync resolve spec --local
  idse sync resolve spec --file spec-as-agreed.md")]
pub(crate) struct Resolve {
    /// The stage
    #[arg(value_parser = args::stage())]
    stage: Stage,
    #[command(flatten)]
    choice: Choice,
    /// Say what would be done and do nothing
    #[arg(long)]
    dry_run: bool,
    /// Use this agency instead of the configured one
    #[arg(long, value_name = "URL")]
    agency: Option<String>,
}

#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
struct Choice {
    /// Take the file as it is now
    #[arg(long)]
    local: bool,
    /// Take the agency's text
    #[arg(long)]
    remote: bool,
    /// Take the merged.md that was kept with the conflict
    #[arg(long)]
    merged: bool,
    /// Take this file; `-` is standard input
    #[arg(long, value_name = "F")]
    file: Option<PathBuf>,
}

pub(crate) fn run(app: &App, args: &Resolve) -> Result<Exit> {
    let workspace = app.workspace()?;
    let key = app.key(&workspace)?;
    let settings = app.settings(workspace.root(), Some(&key.project))?;
    let resolution = match &args.choice {
        Choice { file: Some(file), .. } => {
            Resolution::Text(app.waiting(|| input::file(file, &settings.limits))?)
        }
        Choice { local: true, .. } => Resolution::Local,
        Choice { remote: true, .. } => Resolution::Remote,
        Choice { .. } => Resolution::Merged,
    };
    let options = ResolveOptions { stage: args.stage, resolution, dry_run: args.dry_run };
    let agency = args.agency.as_deref();
    let remote = app.address(&settings, agency)?.info();
    let report = sync::resolve(&workspace, &key, &remote, &options, &app.context)?;
    app.output.report("resolve-report", &report, |page| text(page, &report, agency))?;
    Ok(Exit::DONE)
}

fn text(page: &mut Page, report: &ResolveReport, agency: Option<&str>) {
    let is_settled = if report.dry_run { "would be settled" } else { "is settled" };
    page.good(format_args!("{} {is_settled} ({})", report.stage, report.resolution));
    let Some(op) = report.op else { return };
    page.field("Operation", op);
    if !report.open.is_empty() {
        page.field("Still open", list(&report.open));
    }
    if report.push && report.open.is_empty() {
        page.hint(format_args!("run `idse sync push{}` to send it", words::agency_option(agency)));
    }
}
