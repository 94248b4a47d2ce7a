//! What every verb needs: where it runs, for which session, with which agency, and how it answers.

use std::io::{BufRead as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use idse_core::config::{RemoteAddress, Settings};
use idse_core::remote::Remote;
use idse_core::verb::{Agencies, Connect, Place};
use idse_core::{Context, Error, ErrorKind, ProjectName, Result, SessionKey, Workspace, trust};

use crate::args::Global;
use crate::exit::Exit;
use crate::output::{self, Output};
use crate::page::Marks;
use crate::{process, progress};

/// One run of the program.
pub(crate) struct App {
    pub(crate) global: Global,
    pub(crate) context: Context,
    pub(crate) output: Output,
    place: Place,
    waiting: Arc<AtomicBool>,
}

impl App {
    pub(crate) fn new(global: Global) -> Self {
        let mut context = Context::of_process();
        let line = if global.quiet { None } else { progress::show(&mut context) };
        let output = Output::new(&global, Marks::of(&context.env), line);
        let waiting = Arc::new(AtomicBool::new(false));
        process::listen(context.cancel.clone(), waiting.clone());
        let place = Place {
            start: start(),
            root: global.root.clone(),
            project: global.project.clone(),
            session: global.session.clone(),
            remote: None,
        };
        Self { place, global, context, output, waiting }
    }

    /// Reports how a verb ended and returns the exit code.
    pub(crate) fn finish(self, outcome: Result<Exit>) -> Exit {
        let Self { output, .. } = self;
        output.settle();
        let error = match outcome {
            Ok(exit) => return exit,
            Err(error) => error,
        };
        output.error(&error);
        if output.json {
            // Standard error has told already.
            drop(output::error_document(&error));
        }
        Exit::of(&error)
    }

    /// Returns the folder that the verb starts from.
    pub(crate) fn start(&self) -> &Path {
        self.place.start()
    }

    /// Opens the workspace: `--root`, else the nearest one upwards.
    pub(crate) fn workspace(&self) -> Result<Workspace> {
        let workspace = self.place.workspace()?;
        self.output.detail(&format!("workspace: {}", workspace.root().display()));
        Ok(workspace)
    }

    /// Returns the folder of a workspace that may still have to be made.
    pub(crate) fn root(&self) -> Result<PathBuf> {
        self.place.root()
    }

    /// Returns the project that is meant.
    pub(crate) fn project(&self, workspace: &Workspace) -> Result<ProjectName> {
        self.place.project(workspace)
    }

    /// Returns the session that is meant.
    pub(crate) fn key(&self, workspace: &Workspace) -> Result<SessionKey> {
        let key = self.place.key(workspace)?;
        self.output.detail(&format!("session: {key}"));
        Ok(key)
    }

    /// Returns the settings of a workspace and passes their warnings on.
    pub(crate) fn settings(&self, root: &Path, project: Option<&ProjectName>) -> Result<Settings> {
        let settings = Settings::load(root, project, &self.context)?;
        for warning in &settings.warnings {
            self.output.warning(warning);
        }
        Ok(settings)
    }

    /// Decides which agency is meant, without talking to it.
    pub(crate) fn address(&self, settings: &Settings, flag: Option<&str>) -> Result<RemoteAddress> {
        let setting = settings.remote_address(flag, &self.context)?;
        let address = setting.value.info().address;
        self.output.detail(&format!("agency: {address} (from {})", setting.origin));
        Ok(setting.value)
    }

    /// Prepares the agencies of a workspace; `named` is what `--remote` says.
    pub(crate) fn agencies<'a>(&'a self, workspace: &Workspace, named: Option<&'a str>) -> Agencies<'a> {
        Agencies::new(self, workspace.root(), named)
    }

    /// Opens the agency; where its origin is not trusted yet, a person is asked, and without one it stays closed.
    pub(crate) fn connect(&self, address: &RemoteAddress) -> Result<Box<dyn Remote>> {
        let error = match address.open(&self.context) {
            Err(error) if (error.kind(), error.reason()) == (ErrorKind::Unauthorized, "untrusted") => error,
            other => return other,
        };
        let Some(origin) = error.get("origin") else { return Err(error) };
        if !self.confirm(&format!("{}. Trust it from now on?", error.message())) {
            return Err(error);
        }
        trust::add(origin, &self.context)?;
        address.open(&self.context)
    }

    /// Asks a yes-or-no question on a terminal; without one the answer is no, and nothing waits.
    pub(crate) fn confirm(&self, question: &str) -> bool {
        if !output::is_attended() {
            return false;
        }
        let ask = || {
            let mut answer = String::new();
            let mut stderr = std::io::stderr();
            let asked = write!(stderr, "{question} [y/N] ").and_then(|()| stderr.flush());
            let read = asked.and_then(|()| std::io::stdin().lock().read_line(&mut answer));
            read.is_ok() && matches!(answer.trim(), "y" | "Y" | "yes")
        };
        self.waiting(|| self.output.pause(ask))
    }

    /// Waits for somebody outside of the program; a signal ends it at once meanwhile.
    pub(crate) fn waiting<T>(&self, wait: impl FnOnce() -> T) -> T {
        self.waiting.store(true, Ordering::SeqCst);
        let answer = wait();
        self.waiting.store(false, Ordering::SeqCst);
        answer
    }
}

impl Connect for App {
    fn address(
        &self,
        root: &Path,
        project: Option<&ProjectName>,
        named: Option<&str>,
    ) -> Result<RemoteAddress> {
        Self::address(self, &self.settings(root, project)?, named)
    }

    fn open(&self, address: &RemoteAddress) -> Result<Box<dyn Remote>> {
        self.connect(address)
    }
}

#[expect(clippy::disallowed_methods, reason = "the one place that asks where the program was started")]
fn start() -> PathBuf {
    // A folder that was removed under the shell has no name; every relative path then fails with its own error.
    std::env::current_dir().unwrap_or_default()
}

/// Creates the error of a call that makes no sense.
pub(crate) fn usage(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::InvalidArgument, message).with_reason("usage")
}
