//! The `idse` command line: words in, the engine's verbs, words and colours out.
//!
//! It owns arguments, text and exit codes; everything that knows IDSE is in `idse-core`.

mod app;
mod args;
mod commands;
mod exit;
mod input;
mod output;
mod page;
mod process;
mod progress;
mod words;

use std::process::ExitCode;

use args::Invocation;

fn main() -> ExitCode {
    process::apologise_for_panics();
    let invocation = match args::parse(std::env::args_os()) {
        Ok(invocation) => invocation,
        Err(exit) => return exit.into(),
    };
    let json = invocation.cli.global.json;
    process::guarded(json, || run(invocation)).into()
}

fn run(invocation: Invocation) -> exit::Exit {
    let Invocation { cli } = invocation;
    let app = app::App::new(cli.global);
    let outcome = commands::run(&app, cli.command);
    app.finish(outcome)
}
