//! `idse validate`.

use std::io::IsTerminal as _;

use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use clap::{Args, ValueEnum};
use idse_core::config::Settings;
use idse_core::report::{self, Format};
use idse_core::{ErrorKind, Result, Severity, Stage, StageStatus, ValidationReport, Workspace, rules};

use crate::app::{self, App};
use crate::args;
use crate::exit::Exit;
use crate::input;
use crate::words::count;

/// Check the artifacts of a session
///
/// Ends with 1 where there are errors. `-` checks standard input as the artifact of --stage, without a workspace too.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  idse validate
  idse validate spec plan --strict
  idse validate --all --format sarif > idse.sarif
  idse validate - --stage spec < draft.md")]
pub(crate) struct Validate {
    /// Only these stages; `-` reads standard input
    #[arg(value_name = "STAGE", value_parser = source())]
    stages: Vec<Source>,
    /// Every session of every project
    #[arg(long, conflicts_with = "stages")]
    all: bool,
    /// Warnings fail too
    #[arg(long)]
    strict: bool,
    /// Mend what can be mended for certain
    #[arg(long)]
    fix: bool,
    /// With --fix: say what would be mended and mend nothing
    #[arg(long, requires = "fix")]
    dry_run: bool,
    /// The form of the report [default: full on a terminal, concise elsewhere]
    #[arg(long, value_name = "FORMAT", conflicts_with = "json")]
    format: Option<Form>,
    /// Accept today's findings: hold them back from now on (.idse/validate-baseline.json)
    #[arg(long, conflicts_with_all = ["fix", "stages"])]
    update_baseline: bool,
    /// The stage of the text on standard input
    #[arg(long, value_name = "STAGE", value_parser = args::stage())]
    stage: Option<Stage>,
    #[command(flatten)]
    cache: args::CacheArg,
}

/// What is checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Source {
    Stdin,
    Stage(Stage),
}

fn source() -> impl TypedValueParser<Value = Source> {
    let stages = Stage::ALL.map(|stage| PossibleValue::new(stage.name()));
    PossibleValuesParser::new(stages.into_iter().chain([PossibleValue::new("-")])).try_map(|name| {
        if name == "-" { Ok(Source::Stdin) } else { name.parse::<Stage>().map(Source::Stage) }
    })
}

/// The forms of a report, as the command line spells them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Form {
    /// With source lines and carets
    Full,
    /// One line a finding
    Concise,
    /// One JSON document
    Json,
    /// SARIF 2.1.0
    Sarif,
    /// Annotations of GitHub Actions
    Github,
    /// JUnit XML
    Junit,
}

pub(crate) fn run(app: &App, args: &Validate) -> Result<Exit> {
    let report = if args.stages.contains(&Source::Stdin) {
        text(app, args)?
    } else if args.stage.is_some() {
        return Err(app::usage("--stage names the stage of standard input; give `-` too")
            .with_hint("To check one stage of the session: `idse validate STAGE`."));
    } else {
        sessions(app, args)?
    };
    let format = format(app, args);
    app.output.print(&report::render(&report, format, app.output.color()))?;
    if !matches!(format, Format::Json) {
        app.output.note(&summary(&report));
    }
    Ok(if report.is_clean(args.strict) { Exit::DONE } else { Exit::FINDINGS })
}

fn format(app: &App, args: &Validate) -> Format {
    match args.format {
        _ if app.output.json => Format::Json,
        Some(Form::Full) => Format::Full,
        Some(Form::Concise) => Format::Concise,
        Some(Form::Json) => Format::Json,
        Some(Form::Sarif) => Format::Sarif,
        Some(Form::Github) => Format::Github,
        Some(Form::Junit) => Format::Junit,
        None if std::io::stdout().is_terminal() => Format::Full,
        None => Format::Concise,
    }
}

fn sessions(app: &App, args: &Validate) -> Result<ValidationReport> {
    let workspace = app.workspace()?;
    let keys = if args.all {
        let selection = workspace.every_session()?;
        for skipped in &selection.skipped {
            app.output.warning(skipped);
        }
        selection.keys
    } else {
        vec![app.key(&workspace)?]
    };
    let stages: Vec<Stage> = args
        .stages
        .iter()
        .filter_map(|source| match source {
            Source::Stage(stage) => Some(*stage),
            Source::Stdin => None,
        })
        .collect();
    if args.update_baseline {
        let held = workspace.update_baseline(&keys, &app.context)?;
        app.output.note(&format!("The baseline holds {}", count(number(held), "finding")));
    }
    let context = args.cache.context(&app.context);
    let check = || workspace.validate_all(&keys, &stages, &context);
    let report = check()?;
    if args.dry_run {
        for file in workspace.preview_fix(&report) {
            app.output.note(&format!("Would mend {} in {}", count(file.fixes, "finding"), file.path));
        }
        return Ok(report);
    }
    if args.fix && fix(app, &workspace, &report)? { check() } else { Ok(report) }
}

fn fix(app: &App, workspace: &Workspace, report: &ValidationReport) -> Result<bool> {
    let fixed = workspace.fix(report, &app.context)?;
    for file in &fixed {
        app.output.note(&format!("Mended {} in {}", count(file.fixes, "finding"), file.path));
    }
    Ok(!fixed.is_empty())
}

fn text(app: &App, args: &Validate) -> Result<ValidationReport> {
    let Some(stage) = args.stage else {
        return Err(app::usage("standard input needs a stage").with_hint("Add --stage STAGE."));
    };
    if args.stages.len() > 1 || args.all || args.fix || args.update_baseline {
        return Err(app::usage(
            "standard input is checked alone: no other stages, --fix or --update-baseline",
        ));
    }
    let settings = match app.workspace() {
        Ok(workspace) => Some(app.settings(workspace.root(), app.project(&workspace).ok().as_ref())?),
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::InvalidWorkspace) => None,
        Err(error) => return Err(error),
    };
    let Settings { validate, limits, .. } = match settings {
        Some(settings) => settings,
        None => Settings::load(app.start(), None, &app.context)?,
    };
    let text = app.waiting(|| input::stdin(&limits))?;
    let mut diagnostics = rules::validate_text(None, stage, StageStatus::InProgress, &text, &validate);
    let path = "<stdin>";
    for diagnostic in &mut diagnostics {
        diagnostic.path = path.to_owned();
    }
    Ok(ValidationReport {
        diagnostics,
        artifacts: 1,
        sources: [(path.to_owned(), text.into())].into(),
        ..ValidationReport::default()
    })
}

fn summary(report: &ValidationReport) -> String {
    if report.sessions == 0 && report.artifacts == 0 {
        return "Checked nothing: there are no sessions".to_owned();
    }
    let mut parts = vec![
        count(report.count(Severity::Error), "error"),
        count(report.count(Severity::Warning), "warning"),
    ];
    for (n, what) in [(report.baselined, "in the baseline"), (report.suppressed, "suppressed")] {
        if n > 0 {
            parts.push(format!("{n} {what}"));
        }
    }
    let artifacts = count(number(report.artifacts), "artifact");
    let place = match report.sessions {
        0 => String::new(),
        n => format!(" in {}", count(number(n), "session")),
    };
    format!("Checked {artifacts}{place}: {}", parts.join(", "))
}

fn number(n: u64) -> usize {
    usize::try_from(n).unwrap_or(usize::MAX)
}
