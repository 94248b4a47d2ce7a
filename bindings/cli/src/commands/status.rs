//! `idse status`.

use clap::Args;
use idse_core::sync::{self, ConflictKind, StageLine, StatusReport};
use idse_core::{Result, Stage, verb};

use crate::app::App;
use crate::exit::Exit;
use crate::page::Page;
use crate::words::{self, count, list};

/// Show how far the stages are, and what push and pull would do
///
/// Opens no connection: what the agency holds is what was last seen of it. With --remote-check it is asked once.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  idse status
  idse status --all --exit-code
  idse status --remote-check --json")]
pub(crate) struct Status {
    /// Every session of every project
    #[arg(long)]
    all: bool,
    /// End with 1 where push or pull would do something, with 3 where a conflict is open
    #[arg(long)]
    exit_code: bool,
    /// Ask the agency what it holds now
    #[arg(long)]
    remote_check: bool,
    #[command(flatten)]
    cache: crate::args::CacheArg,
    #[command(flatten)]
    remote: crate::args::RemoteArg,
}

pub(crate) fn run(app: &App, args: &Status) -> Result<Exit> {
    let workspace = app.workspace()?;
    let agencies = app.agencies(&workspace, args.remote.url.as_deref());
    if args.all {
        let round =
            verb::status_of_all(&workspace, &agencies, args.remote_check, &args.cache.context(&app.context))?;
        return all(app, args, &round);
    }
    let key = app.key(&workspace)?;
    let project = Some(&key.project);
    let report = if args.remote_check {
        let remote = agencies.connect(project)?;
        sync::status_checked(&workspace, &key, remote.as_ref(), &app.context)?
    } else {
        sync::status(&workspace, &key, &agencies.info(project)?, &app.context)?
    };
    app.output.answer("status", &report, |page| text(page, &report, agencies.named()))?;
    Ok(exit(args, &report))
}

fn all(app: &App, args: &Status, round: &verb::Round<StatusReport>) -> Result<Exit> {
    let agency = args.remote.url.as_deref();
    app.output.answer("statuses", &round.to_json(), |page| overview(page, &round.reports, agency))?;
    for skipped in &round.skipped {
        app.output.warning(skipped);
    }
    for (key, error) in &round.errors {
        app.output.trouble(&format!("{key}: {}", words::error(error)));
    }
    let exits = round.reports.iter().map(|report| exit(args, report));
    Ok(exits.chain(round.errors.iter().map(|(_, error)| Exit::of(error))).fold(Exit::DONE, Exit::worst))
}

fn exit(args: &Status, report: &StatusReport) -> Exit {
    if args.exit_code { Exit::of_status(report) } else { Exit::DONE }
}

fn text(page: &mut Page, report: &StatusReport, agency: Option<&str>) {
    page.field("Project", &report.project);
    page.field(
        "Session",
        format_args!("{}{}", report.session, if report.current { " (current)" } else { "" }),
    );
    page.field("Last synced", report.last_synced.as_deref().unwrap_or("never"));
    if let Some(agent) = &report.last_agent {
        page.field("Last agent", agent);
    }
    page.gap();
    let rows: Vec<[String; 4]> = report.stages.iter().map(row).collect();
    page.table(["Stage", "Status", "Findings", "Sync"], &rows);
    page.gap();
    advice(page, report, agency);
}

fn row(line: &StageLine) -> [String; 4] {
    let sync = match (line.conflict, line.sync) {
        (Some(kind), _) => format!("conflict: {}", words::conflict(kind)),
        (None, Some(class)) => class.describe().to_owned(),
        (None, None) => "never synced".to_owned(),
    };
    [line.stage.to_string(), line.status.to_string(), findings(line), sync]
}

fn findings(line: &StageLine) -> String {
    let parts = [(line.errors, "error"), (line.warnings, "warning")];
    let parts: Vec<String> = parts.iter().filter(|(n, _)| *n > 0).map(|(n, what)| count(*n, what)).collect();
    if parts.is_empty() { "-".to_owned() } else { parts.join(", ") }
}

fn advice(page: &mut Page, report: &StatusReport, agency: Option<&str>) {
    match report.next {
        Some(stage) => page.field("Next", stage),
        None => page.field("Next", "nothing: every stage is complete"),
    }
    let option = words::agency_option(agency);
    let push: Vec<_> = report.stages.iter().filter(|line| line.push).map(|line| line.stage).collect();
    if !push.is_empty() {
        page.line(format_args!("`idse sync push{option}` would send: {}", list(push)));
    }
    let pull: Vec<_> = report
        .stages
        .iter()
        .filter(|line| line.pull && line.conflict.is_none())
        .map(|line| line.stage)
        .collect();
    if !pull.is_empty() {
        page.line(format_args!("`idse sync pull{option}` would write: {}", list(pull)));
    }
    for (stage, kind) in conflicts(report) {
        page.hint(format_args!("settle {stage} with `{}`", words::resolve_command(stage, kind, agency)));
    }
    if report.unsettled {
        page.warn(
            "The reply to a push was lost; the next `idse sync push` or `pull` finds out what happened",
        );
    }
    for note in &report.notes {
        page.line(crate::page::shown(note));
    }
}

fn overview(page: &mut Page, reports: &[StatusReport], agency: Option<&str>) {
    if reports.is_empty() {
        return page.line("There are no sessions");
    }
    let rows: Vec<[String; 6]> = reports.iter().map(summary).collect();
    page.table(["Session", "Complete", "Next", "Findings", "Sync", "Last synced"], &rows);
    for report in reports {
        for (stage, kind) in conflicts(report) {
            let command = words::resolve_command(stage, kind, agency);
            let (project, session) = (&report.project, &report.session);
            page.hint(format_args!(
                "settle {stage} with `{command} --project {project} --session {session}`"
            ));
        }
    }
}

fn conflicts(report: &StatusReport) -> impl Iterator<Item = (Stage, ConflictKind)> {
    report.stages.iter().filter_map(|line| Some((line.stage, line.conflict?)))
}

fn summary(report: &StatusReport) -> [String; 6] {
    let done = report.stages.iter().filter(|line| line.status == idse_core::StageStatus::Complete).count();
    let sum = |part: fn(&StageLine) -> usize| report.stages.iter().map(part).sum::<usize>();
    let total = |part: fn(&StageLine) -> bool| report.stages.iter().filter(|line| part(line)).count();
    let parts = [
        (total(|line| line.conflict.is_some()), "in conflict"),
        (total(|line| line.push), "to push"),
        (total(|line| line.pull && line.conflict.is_none()), "to pull"),
        (usize::from(report.unsettled), "unsettled"),
    ];
    let parts: Vec<String> =
        parts.iter().filter(|(n, _)| *n > 0).map(|(n, what)| format!("{n} {what}")).collect();
    [
        format!("{}/{}{}", report.project, report.session, if report.current { " *" } else { "" }),
        format!("{done}/{}", report.stages.len()),
        report.next.map_or_else(|| "-".to_owned(), |stage| stage.to_string()),
        format!(
            "{}, {}",
            count(sum(|line| line.errors), "error"),
            count(sum(|line| line.warnings), "warning")
        ),
        if parts.is_empty() { "in sync".to_owned() } else { parts.join(", ") },
        report.last_synced.clone().unwrap_or_else(|| "never".to_owned()),
    ]
}
