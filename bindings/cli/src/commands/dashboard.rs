//! `idse dashboard`.

use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use clap::Args;
use idse_core::{Error, ErrorKind, Result};

use crate::app::App;
use crate::exit::Exit;

/// The program that serves the dashboard.
const GATEWAY: &str = if cfg!(windows) { "idse-gateway.exe" } else { "idse-gateway" };

/// Show the workspace in the browser, read-only and on this machine only
///
/// Starts the idse-gateway that is installed beside idse, or the one in PATH.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  idse dashboard
  idse --root ~/work/portal dashboard")]
pub(crate) struct Dashboard {}

pub(crate) fn run(app: &App, _args: &Dashboard) -> Result<Exit> {
    let workspace = app.workspace()?;
    let program = find(app).ok_or_else(|| {
        Error::new(ErrorKind::NotFound, format!("{GATEWAY} is neither beside idse nor in PATH"))
            .with_reason("gateway")
            .with_hint("Install it with `cargo install idse-gateway`, or put it beside the idse program.")
    })?;
    app.output.detail(&format!("starting {}", program.display()));
    let mut command = Command::new(&program);
    command.arg("--workspace").arg(workspace.root()).arg("--open");
    let failed = become_it(command);
    Err(Error::new(ErrorKind::Io, format!("cannot start {}: {failed}", program.display()))
        .with("path", program.display().to_string())
        .with_source(failed))
}

fn find(app: &App) -> Option<PathBuf> {
    let beside = std::env::current_exe().ok().and_then(|exe| exe.parent().map(Path::to_path_buf));
    let path = app.context.env.path("PATH").unwrap_or_default();
    // A relative entry would start whatever a repository has under this name.
    let folders =
        beside.into_iter().chain(std::env::split_paths(&path)).filter(|folder| folder.is_absolute());
    folders.map(|folder| folder.join(GATEWAY)).find(|file| file.is_file())
}

/// Replaces this process, so that signals and the exit code are the gateway's own; returns only where it fails.
#[cfg(unix)]
fn become_it(mut command: Command) -> io::Error {
    use std::os::unix::process::CommandExt as _;
    command.exec()
}

/// Waits for the gateway and ends as it ended; returns only where it fails.
#[cfg(not(unix))]
fn become_it(mut command: Command) -> io::Error {
    match command.status() {
        Ok(status) => std::process::exit(status.code().unwrap_or(1)),
        Err(error) => error,
    }
}
