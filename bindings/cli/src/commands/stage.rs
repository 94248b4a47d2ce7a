//! `idse stage`.

use clap::{Args, Subcommand};
use idse_core::{Result, Stage, StageStatus};

use crate::app::App;
use crate::args;
use crate::exit::Exit;

/// Say how far a stage has come
#[derive(Debug, Subcommand)]
pub(crate) enum StageCommand {
    /// Set the status of a stage
    #[command(after_help = "\
Examples:
  idse stage set intent complete
  idse stage set spec in_progress --agent 'Claude Code'")]
    Set(Set),
}

#[derive(Debug, Args)]
pub(crate) struct Set {
    /// The stage
    #[arg(value_parser = args::stage())]
    stage: Stage,
    /// How far it has come
    #[arg(value_parser = args::status())]
    status: StageStatus,
    /// Who worked on it
    #[arg(long, value_name = "NAME", env = "IDSE_AGENT", hide_env_values = true)]
    agent: Option<String>,
}

pub(crate) fn run(app: &App, command: StageCommand) -> Result<Exit> {
    let StageCommand::Set(args) = command;
    let workspace = app.workspace()?;
    let key = app.key(&workspace)?;
    let agent = args.agent.as_deref().filter(|name| !name.is_empty());
    let change = workspace.set_stage(&key, args.stage, args.status, agent, &app.context)?;
    app.output.report("stage-change", &change, |page| {
        if change.before == change.after {
            page.good(format_args!("{} is {} already", change.stage, change.after));
        } else {
            page.good(format_args!("{} is {} now (it was {})", change.stage, change.after, change.before));
        }
    })?;
    Ok(Exit::DONE)
}
