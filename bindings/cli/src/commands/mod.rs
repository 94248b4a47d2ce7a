//! The verbs, one file each: arguments, the engine's verb, the answer.

pub(crate) mod completions;
pub(crate) mod dashboard;
pub(crate) mod doctor;
pub(crate) mod init;
pub(crate) mod rule;
pub(crate) mod session;
pub(crate) mod stage;
pub(crate) mod status;
pub(crate) mod sync;
pub(crate) mod trust;
pub(crate) mod validate;

use idse_core::Result;

use crate::app::App;
use crate::args::Command;
use crate::exit::Exit;

/// Runs a verb.
pub(crate) fn run(app: &App, command: Command) -> Result<Exit> {
    match command {
        Command::Init(args) => init::run(app, args),
        Command::Session(command) => session::run(app, command),
        Command::Stage(command) => stage::run(app, command),
        Command::Status(args) => status::run(app, &args),
        Command::Validate(args) => validate::run(app, &args),
        Command::Sync(command) => sync::run(app, command),
        Command::Rule(args) => rule::run(app, &args),
        Command::Trust(args) => trust::run(app, &args),
        Command::Doctor(args) => doctor::run(app, &args),
        Command::Dashboard(args) => dashboard::run(app, &args),
        Command::Completions(args) => completions::run(app, &args),
    }
}
