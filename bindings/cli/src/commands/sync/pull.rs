//! `idse sync pull`.

use clap::Args;
use idse_core::sync::{self, PullOptions};
use idse_core::{Result, Stage};

use super::round::Round;
use crate::app::App;
use crate::args::{self, RemoteArg};
use crate::exit::Exit;

/// Write what changed in the agency into the files here
///
/// What only you changed stays; what both changed is merged, and where that needs a person, the file stays as it
/// is and all texts are kept.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  idse sync pull
  idse sync pull spec --dry-run
  idse sync pull --all")]
pub(crate) struct Pull {
    /// Only these stages
    #[arg(value_name = "STAGE", value_parser = args::stage())]
    stages: Vec<Stage>,
    /// Every session that the agency can hold, of every project
    #[arg(long)]
    all: bool,
    /// Say what would be done, and do nothing
    #[arg(short = 'n', long)]
    dry_run: bool,
    /// Write conflict markers into the files
    #[arg(long)]
    markers: bool,
    /// Write the file of a stage again that you deleted
    #[arg(long, value_name = "STAGE", value_parser = args::stage())]
    restore: Vec<Stage>,
    /// Remove the files whose texts were cleared in the agency; the texts are kept
    #[arg(long)]
    accept_clear: bool,
    /// Go on although more than half of the stages would be cleared or emptied
    #[arg(long)]
    force_clear: bool,
    #[command(flatten)]
    remote: RemoteArg,
}

pub(crate) fn run(app: &App, args: Pull) -> Result<Exit> {
    let workspace = app.workspace()?;
    let agencies = app.agencies(&workspace, args.remote.url.as_deref());
    let round = Round { app, workspace: &workspace, agencies: &agencies, all: args.all };
    let options = PullOptions {
        stages: args.stages,
        dry_run: args.dry_run,
        markers: args.markers,
        restore: args.restore,
        accept_clear: args.accept_clear,
        force_clear: args.force_clear,
        adopt_session: app.global.session.is_some(),
    };
    round.run(&|key, remote| sync::pull(&workspace, key, remote, &options, &app.context))
}
