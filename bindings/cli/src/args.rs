//! The arguments that all verbs share, and the list of verbs; each verb's own arguments stand with the verb.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use clap::error::ErrorKind as ClapKind;
use clap::{Args, CommandFactory, FromArgMatches, Parser, Subcommand};
use idse_core::{Context, Error, ErrorKind, Stage, StageStatus};

use crate::commands;
use crate::exit::{self, Exit};
use crate::output;

/// Keep the documents of IDSE projects valid, and in step with the agency when you say so
#[derive(Debug, Parser)]
#[command(
    name = "idse",
    version,
    subcommand_required = true,
    arg_required_else_help = true,
    max_term_width = 100,
    after_help = exit::HELP
)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Global options")]
pub(crate) struct Global {
    /// Use the workspace in this folder instead of the nearest one upwards
    #[arg(long, global = true, value_name = "DIR", env = "IDSE_ROOT", hide_env = true)]
    pub(crate) root: Option<PathBuf>,
    /// Use this project instead of the one that you are in
    #[arg(long, global = true, value_name = "NAME")]
    pub(crate) project: Option<String>,
    /// Use this session instead of the current one
    #[arg(long, global = true, value_name = "ID")]
    pub(crate) session: Option<String>,
    /// Answer with one JSON document on standard output
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// Say nothing but results and errors
    #[arg(short, long, global = true)]
    pub(crate) quiet: bool,
    /// Say more about what is used and why
    #[arg(short, long, global = true, action = clap::ArgAction::Count, conflicts_with = "quiet")]
    pub(crate) verbose: u8,
    /// When to use colours
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto", hide_possible_values = false)]
    pub(crate) color: clap::ColorChoice,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Init(commands::init::Init),
    #[command(subcommand)]
    Session(commands::session::Session),
    #[command(subcommand)]
    Stage(commands::stage::StageCommand),
    Status(commands::status::Status),
    Validate(commands::validate::Validate),
    #[command(subcommand)]
    Sync(commands::sync::Sync),
    Rule(commands::rule::Rule),
    Trust(commands::trust::Trust),
    Doctor(commands::doctor::Doctor),
    Dashboard(commands::dashboard::Dashboard),
    Completions(commands::completions::Completions),
}

/// The agency to use, for verbs where `--remote` cannot mean anything else.
#[derive(Debug, Clone, Args)]
pub(crate) struct RemoteArg {
    /// Use this agency: https://… (a gateway), supabase, or sqlite:PATH
    #[arg(long = "remote", visible_alias = "agency", value_name = "URL")]
    pub(crate) url: Option<String>,
}

/// Whether what was found before may be taken, for verbs that look at many sessions.
#[derive(Debug, Clone, Args)]
pub(crate) struct CacheArg {
    /// Look at every file, also where nothing has changed since the last time
    #[arg(long)]
    no_cache: bool,
}

impl CacheArg {
    /// Returns the context of a verb that only looks.
    pub(crate) fn context(&self, context: &Context) -> Context {
        Context { cache: context.cache && !self.no_cache, ..context.clone() }
    }
}

/// What was asked for.
pub(crate) struct Invocation {
    pub(crate) cli: Cli,
}

/// Parses the arguments; prints help, version and usage errors itself.
pub(crate) fn parse(args: impl IntoIterator<Item = OsString>) -> Result<Invocation, Exit> {
    let args: Vec<OsString> = args.into_iter().collect();
    let json = args.iter().take_while(|arg| *arg != "--").any(|arg| arg == "--json");
    let parsed = Cli::command().try_get_matches_from(&args).and_then(|m| Cli::from_arg_matches(&m));
    match parsed {
        Ok(cli) => Ok(Invocation { cli }),
        Err(error) => Err(refuse(&error, json)),
    }
}

fn refuse(error: &clap::Error, json: bool) -> Exit {
    let exit = if error.use_stderr() { Exit::USAGE } else { Exit::DONE };
    let written = match error.kind() {
        ClapKind::DisplayVersion if json => output::document(
            "version",
            &serde_json::json!({ "name": "idse", "version": env!("CARGO_PKG_VERSION") }),
        ),
        _ if json && error.use_stderr() => output::error_document(&usage(error)),
        _ => Ok(()),
    };
    if !(json && error.kind() == ClapKind::DisplayVersion) {
        // Nothing can be said about a closed terminal on that terminal.
        drop(error.print());
    }
    if written.is_err() { Exit::USAGE } else { exit }
}

fn usage(error: &clap::Error) -> Error {
    let text = error.render().to_string();
    let paragraphs: Vec<String> =
        text.split("\n\n").map(|part| part.lines().map(str::trim).collect::<Vec<_>>().join(" ")).collect();
    let message = paragraphs.first().map_or("", |first| first.trim_start_matches("error: "));
    let tip = paragraphs.iter().find_map(|part| part.trim().strip_prefix("tip: "));
    Error::new(ErrorKind::InvalidArgument, message)
        .with_reason("usage")
        .with_hint(tip.unwrap_or("Run the command with --help to see what it takes."))
}

/// Parses a stage; clap lists the names, suggests the nearest and completes them.
pub(crate) fn stage() -> impl TypedValueParser<Value = Stage> {
    PossibleValuesParser::new(Stage::ALL.map(Stage::name)).try_map(|name| name.parse::<Stage>())
}

/// Parses a status; the spellings of the existing tools are understood.
pub(crate) fn status() -> impl TypedValueParser<Value = StageStatus> {
    PossibleValuesParser::new([
        PossibleValue::new("pending"),
        PossibleValue::new("in_progress").alias("in-progress"),
        PossibleValue::new("complete").alias("completed"),
    ])
    .try_map(|name| name.parse::<StageStatus>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_definitions_are_sound() {
        Cli::command().debug_assert();
    }
}
