//! `idse completions`.

use clap::{Args, CommandFactory as _};
use clap_complete::Shell;
use idse_core::Result;
use serde_json::json;

use crate::app::App;
use crate::args::Cli;
use crate::exit::Exit;

/// Print the completions of a shell
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  idse completions bash > ~/.local/share/bash-completion/completions/idse
  idse completions zsh > ~/.zfunc/_idse
  idse completions fish > ~/.config/fish/completions/idse.fish")]
pub(crate) struct Completions {
    /// The shell
    shell: Shell,
}

pub(crate) fn run(app: &App, args: &Completions) -> Result<Exit> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "idse", &mut script);
    let script = String::from_utf8_lossy(&script).into_owned();
    let answer = json!({ "shell": args.shell.to_string(), "script": script });
    app.output.answer("completions", &answer, |page| page.text.push_str(&script))?;
    Ok(Exit::DONE)
}
