//! `idse sync undo`.

use clap::Args;
use idse_core::Result;
use idse_core::sync::{self, UndoOptions, UndoReport, Verb};

use crate::app::App;
use crate::exit::Exit;
use crate::page::{Page, shown};
use crate::words::list;

/// Take back the last pull, resolve or push
///
/// Opens no connection. After a push, the texts that it replaced come back as ordinary local changes.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  idse sync undo
  idse sync undo 0d7f0f6e-58b5-4f0e-9d0f-0a7f6f1f5d11 --force")]
pub(crate) struct Undo {
    /// The operation; the last one that was not undone
    op: Option<String>,
    /// Go on although a file was changed since; what it holds is kept
    #[arg(long)]
    force: bool,
    /// Say what would be done and do nothing
    #[arg(long)]
    dry_run: bool,
}

pub(crate) fn run(app: &App, args: &Undo) -> Result<Exit> {
    let workspace = app.workspace()?;
    let op = args.op.as_deref().map(str::parse).transpose()?;
    let report =
        sync::undo(&workspace, &UndoOptions { op, force: args.force, dry_run: args.dry_run }, &app.context)?;
    app.output.report("undo-report", &report, |page| text(page, &report))?;
    Ok(Exit::DONE)
}

fn text(page: &mut Page, report: &UndoReport) {
    let verb = match report.verb {
        Verb::Push => "push",
        Verb::Pull => "pull",
        Verb::Clone => "clone",
        Verb::Resolve => "resolve",
        Verb::Undo => "undo",
        Verb::Settle => "settling",
    };
    let did = if report.dry_run { "Would undo" } else { "Undid" };
    page.good(format_args!("{did} the {verb} {} of {}/{}", report.undone, report.project, report.session));
    if !report.stages.is_empty() {
        page.field("Stages", list(&report.stages));
    }
    if let Some(op) = report.op {
        page.field("Operation", op);
    }
    for note in &report.notes {
        page.line(format_args!("note: {}", shown(note)));
    }
}
