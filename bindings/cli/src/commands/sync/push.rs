//! `idse sync push`.

use clap::Args;
use idse_core::sync::{self, PushOptions};
use idse_core::{Result, Stage};

use super::round::Round;
use crate::app::App;
use crate::args::{self, RemoteArg};
use crate::exit::Exit;

/// Send what changed here to the agency
///
/// Every text says what it replaces: where somebody else was faster, nothing is sent and nothing is lost.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  idse sync push
  idse sync push spec
  idse sync push --all --dry-run")]
pub(crate) struct Push {
    /// Only these stages
    #[arg(value_name = "STAGE", value_parser = args::stage())]
    stages: Vec<Stage>,
    /// Every session that the agency can hold, of every project
    #[arg(long, conflicts_with_all = ["delete", "replace_session", "recreate"])]
    all: bool,
    /// Say what would be done, and do nothing
    #[arg(short = 'n', long)]
    dry_run: bool,
    /// Who worked on it
    #[arg(long, value_name = "NAME", env = "IDSE_AGENT", hide_env_values = true)]
    agent: Option<String>,
    /// Clear the agency's text of a stage whose file you deleted
    #[arg(long, value_name = "STAGE", value_parser = args::stage())]
    delete: Vec<Stage>,
    /// Send files that have become empty
    #[arg(long)]
    allow_empty: bool,
    /// Send although more than half of the stages would be cleared or emptied
    #[arg(long)]
    force_clear: bool,
    /// Put this session in the place of the one that the agency holds; its texts are kept
    #[arg(long)]
    replace_session: bool,
    /// Make the project again in the agency after it disappeared there
    #[arg(long)]
    recreate: bool,
    /// Make a project of its own although the agency has one with this name
    #[arg(long)]
    new_id: bool,
    #[command(flatten)]
    remote: RemoteArg,
}

pub(crate) fn run(app: &App, args: Push) -> Result<Exit> {
    let workspace = app.workspace()?;
    let agencies = app.agencies(&workspace, args.remote.url.as_deref());
    let round = Round { app, workspace: &workspace, agencies: &agencies, all: args.all };
    let options = PushOptions {
        stages: args.stages,
        dry_run: args.dry_run,
        agent: args.agent.filter(|name| !name.is_empty()),
        delete: args.delete,
        allow_empty: args.allow_empty,
        force_clear: args.force_clear,
        replace_session: args.replace_session,
        recreate: args.recreate,
        new_id: args.new_id,
        adopt_session: app.global.session.is_some(),
    };
    round.run(&|key, remote| sync::push(&workspace, key, remote, &options, &app.context))
}
