//! `idse-gateway`: the program.

#![forbid(unsafe_code)]
#![warn(clippy::unwrap_used)]

mod program;

use std::io::Write as _;
use std::process::ExitCode;

use clap::Parser as _;
use idse_core::{Context, Result};
use idse_gateway::auth;

use self::program::args::{self, Cli, Command};
use self::program::{displaced, serve};

fn main() -> ExitCode {
    let cli = Cli::parse();
    let context = Context::of_process();
    let done = match &cli.command {
        Some(Command::Displaced(args)) => displaced::run(args, &context),
        Some(Command::Token(args)) => token(args, &context),
        None => serve::run(&cli.serve, &context),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let mut stderr = std::io::stderr().lock();
            drop(writeln!(stderr, "error: {error}"));
            if let Some(hint) = error.hint() {
                drop(writeln!(stderr, "hint: {hint}"));
            }
            ExitCode::from(error.kind().exit_code())
        }
    }
}

fn token(args: &args::Token, context: &Context) -> Result<()> {
    let random = [context.clock.unique(), context.clock.unique()];
    let (token, line) = auth::make_token(&args.name, &args.scope, random)?;
    drop(writeln!(std::io::stdout().lock(), "{token}"));
    let mut stderr = std::io::stderr().lock();
    drop(writeln!(
        stderr,
        "The token is above, and nowhere else. Add this line to the file of --tokens:\n{line}"
    ));
    Ok(())
}
