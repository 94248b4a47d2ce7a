//! `idse sync diff`.

use clap::Args;
use idse_core::sync::{self, DiffReport, DiffSide};
use idse_core::{Result, Stage};

use crate::app::App;
use crate::args;
use crate::exit::Exit;
use crate::page::Page;

/// Show what differs, as unified diffs from the other side to the files here
///
/// Without --remote it opens no connection and compares with what both sides last agreed on.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  idse sync diff
  idse sync diff spec --remote
  idse sync diff --exit-code > changes.patch")]
pub(crate) struct Diff {
    /// Only these stages
    #[arg(value_name = "STAGE", value_parser = args::stage())]
    stages: Vec<Stage>,
    /// Compare with what both sides last agreed on (the default)
    #[arg(long, conflicts_with = "remote")]
    base: bool,
    /// Compare with what the agency holds now
    #[arg(long)]
    remote: bool,
    /// End with 1 where something differs
    #[arg(long)]
    exit_code: bool,
    /// Use this agency instead of the configured one
    #[arg(long, value_name = "URL")]
    agency: Option<String>,
}

pub(crate) fn run(app: &App, args: &Diff) -> Result<Exit> {
    let workspace = app.workspace()?;
    let key = app.key(&workspace)?;
    let agencies = app.agencies(&workspace, args.agency.as_deref());
    let report = if args.remote {
        let remote = agencies.connect(Some(&key.project))?;
        sync::diff_remote(&workspace, &key, &args.stages, remote.as_ref(), &app.context)?
    } else {
        sync::diff(&workspace, &key, &args.stages, &agencies.info(Some(&key.project))?, &app.context)?
    };
    app.output.answer("diff-report", &report, |page| text(page, &report))?;
    if report.stages.is_empty() {
        let side = match report.side {
            DiffSide::Base => "what both sides last agreed on",
            DiffSide::Remote => "the agency",
        };
        app.output.note(&format!("Nothing differs from {side}"));
    }
    let differs = args.exit_code && !report.stages.is_empty();
    Ok(if differs { Exit::FINDINGS } else { Exit::DONE })
}

fn text(page: &mut Page, report: &DiffReport) {
    for stage in &report.stages {
        if stage.diff.is_empty() {
            page.line(format_args!("{}: an empty file came or went", stage.path));
        }
        for line in stage.diff.split_inclusive('\n') {
            draw(page, line);
        }
    }
}

/// Adds a line of a diff: exactly as it is where it may become a patch, safe and coloured on a terminal.
fn draw(page: &mut Page, line: &str) {
    if page.styles.bold.is_plain() {
        return page.text.push_str(line);
    }
    let style = match line.as_bytes().first() {
        _ if line.starts_with("+++") || line.starts_with("---") => page.styles.bold,
        Some(b'+') => page.styles.good,
        Some(b'-') => page.styles.bad,
        Some(b'@') => page.styles.hint,
        _ => page.styles.dim,
    };
    let body = line.trim_end_matches(['\n', '\r']);
    let body: Vec<_> = body.split('\t').map(crate::page::shown).collect();
    page.line(format_args!("{style}{}{style:#}", body.join("\t")));
}
