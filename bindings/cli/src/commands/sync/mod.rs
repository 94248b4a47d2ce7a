//! `idse sync`: the verbs that talk to the agency, and those that settle what came of it.

mod clone;
mod diff;
mod link;
mod list;
mod pull;
mod push;
mod resolve;
mod round;
mod status;
mod undo;

use clap::Subcommand;
use idse_core::Result;

use crate::app::App;
use crate::exit::Exit;

/// Push to the agency, pull from it, and settle what both sides changed
#[derive(Debug, Subcommand)]
pub(crate) enum Sync {
    Push(push::Push),
    Pull(pull::Pull),
    Clone(clone::Clone),
    Link(link::Link),
    Status(status::Status),
    List(list::List),
    Diff(diff::Diff),
    Resolve(resolve::Resolve),
    Undo(undo::Undo),
}

pub(crate) fn run(app: &App, command: Sync) -> Result<Exit> {
    match command {
        Sync::Push(args) => push::run(app, args),
        Sync::Pull(args) => pull::run(app, args),
        Sync::Clone(args) => clone::run(app, &args),
        Sync::Link(args) => link::run(app, &args),
        Sync::Status(args) => status::run(app, &args),
        Sync::List(args) => list::run(app, &args),
        Sync::Diff(args) => diff::run(app, &args),
        Sync::Resolve(args) => resolve::run(app, &args),
        Sync::Undo(args) => undo::run(app, &args),
    }
}
