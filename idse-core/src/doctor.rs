//! The examination of a workspace: what is wrong, and how to mend it.
//!
//! It reads only. What the artifacts say is examined by the rules; here it is the ground that they stand on.

use std::path::Path;
use std::time::Duration;

use serde::Serialize;

use crate::config::{RemoteAddress, Setting, Settings};
use crate::context::Context;
use crate::error::{Error, Result};
use crate::fs::{Dir, Found};
use crate::name::SessionKey;
use crate::remote::{HealthCheck, HealthState, Remote};
use crate::session::Session;
use crate::sync::unfinished;
use crate::workspace::Workspace;

/// How long a check waits for another process that works in the workspace.
const PATIENCE: Duration = Duration::from_secs(1);

/// How a check came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum CheckState {
    /// As it should be.
    Ok,
    /// Good to know.
    Info,
    /// Should be mended.
    Warning,
    /// Must be mended.
    Error,
}

/// One thing that was examined.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Check {
    /// The stable word: `workspace`, `config`, `session`, …
    pub name: &'static str,
    /// How it came out.
    pub state: CheckState,
    /// What was found, as a sentence.
    pub message: String,
    /// How to mend it, where there is something to mend.
    pub hint: Option<String>,
}

/// A setting in force.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SettingLine {
    /// Its key.
    pub key: String,
    /// Its value, never a secret, and where it came from.
    #[serde(flatten)]
    pub setting: Setting<String>,
}

/// The result of an examination.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct DoctorReport {
    /// The version of the engine.
    pub version: &'static str,
    /// The workspace, where there is one.
    pub workspace: Option<String>,
    /// What was examined.
    pub checks: Vec<Check>,
    /// The settings in force.
    pub settings: Vec<SettingLine>,
}

/// What to examine.
#[derive(Debug, Clone, Copy)]
pub struct Question<'a> {
    /// The folder to start from.
    pub start: &'a Path,
    /// The workspace, where it is not to be looked for.
    pub root: Option<&'a Path>,
    /// The project, where it is not to be found out.
    pub project: Option<&'a str>,
    /// The agency, where it is not the configured one.
    pub remote: Option<&'a str>,
}

impl Check {
    fn new(name: &'static str, state: CheckState, message: impl Into<String>) -> Self {
        Self { name, state, message: message.into(), hint: None }
    }

    fn ok(name: &'static str, message: impl Into<String>) -> Self {
        Self::new(name, CheckState::Ok, message)
    }

    fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Returns the check for something that could not be done.
    pub fn failed(name: &'static str, error: &Error) -> Self {
        let state = if error.is_temporary() { CheckState::Warning } else { CheckState::Error };
        Self { hint: error.hint().map(str::to_owned), ..Self::new(name, state, error.message()) }
    }
}

impl DoctorReport {
    /// Returns how many checks came out like this.
    pub fn count(&self, state: CheckState) -> usize {
        self.checks.iter().filter(|check| check.state == state).count()
    }
}

/// Examines a workspace without opening a socket. What is wrong is in the report.
///
/// # Errors
/// `Cancelled`.
pub fn examine(question: &Question<'_>, context: &Context) -> Result<DoctorReport> {
    let mut report = DoctorReport { version: env!("CARGO_PKG_VERSION"), ..DoctorReport::default() };
    let found = match question.root {
        Some(root) => Workspace::open(&question.start.join(root)),
        None => Workspace::discover(question.start),
    };
    let workspace = match found {
        Ok(workspace) => workspace,
        Err(error) => {
            report.checks.push(Check::failed("workspace", &error));
            return Ok(report);
        }
    };
    let root = workspace.root().display().to_string();
    report.checks.push(Check::ok("workspace", format!("the workspace is {root}")));
    report.workspace = Some(root);
    let mut examination = Examination { workspace: &workspace, question, context, report };
    examination.settings();
    examination.sessions()?;
    examination.disk();
    Ok(examination.report)
}

/// Asks an agency whether it is well, and what it can do.
///
/// # Errors
/// `Cancelled`; every other failure is the check's result.
pub fn examine_remote(remote: &dyn Remote, context: &Context) -> Result<Vec<Check>> {
    let state = |state| match state {
        HealthState::Ok => CheckState::Ok,
        HealthState::Info => CheckState::Info,
        HealthState::Warning => CheckState::Warning,
        HealthState::Error => CheckState::Error,
    };
    let checks = remote.examine(context)?.into_iter();
    Ok(checks
        .map(|HealthCheck { name, state: found, message, hint }| Check {
            name,
            state: state(found),
            message,
            hint,
        })
        .collect())
}

struct Examination<'a> {
    workspace: &'a Workspace,
    question: &'a Question<'a>,
    context: &'a Context,
    report: DoctorReport,
}

impl Examination<'_> {
    fn push(&mut self, check: Check) {
        self.report.checks.push(check);
    }

    fn dir(&self) -> &Dir {
        self.workspace.dir()
    }

    fn settings(&mut self) {
        let project = match self.workspace.project(self.question.project, self.question.start) {
            Ok(project) => {
                self.push(Check::ok("project", format!("the project is {project}")));
                Some(project)
            }
            Err(error) => {
                self.push(Check { state: CheckState::Warning, ..Check::failed("project", &error) });
                None
            }
        };
        match Settings::load(self.workspace.root(), project.as_ref(), self.context) {
            Ok(settings) => self.settings_in_force(settings),
            Err(error) => self.push(Check::failed("config", &error)),
        }
    }

    fn settings_in_force(&mut self, settings: Settings) {
        if settings.warnings.is_empty() {
            self.push(Check::ok("config", format!("values that are set: {}", settings.entries.len())));
        }
        for warning in &settings.warnings {
            self.push(Check::new("config", CheckState::Warning, warning));
        }
        match settings.remote_address(self.question.remote, self.context) {
            Ok(Setting { value: RemoteAddress::Sqlite(path), .. }) => {
                let shown = RemoteAddress::Sqlite(path).info().address;
                self.push(Check::ok("agency", format!("the agency is {shown}")));
            }
            // Opening a service asks it nothing; it says whether it is trusted and whether there is a key.
            Ok(Setting { value: address, origin }) => match address.open(self.context) {
                Ok(_) => {
                    let shown = address.info().address;
                    self.push(Check::ok("agency", format!("the agency is {shown} (named by {origin})")));
                }
                Err(error) => {
                    let message = format!("{} (named by {origin})", error.message());
                    self.push(Check { message, ..Check::failed("agency", &error) });
                }
            },
            Err(error) => self.push(Check::failed("agency", &error)),
        }
        let lines = settings.entries.into_iter().map(|(key, setting)| SettingLine { key, setting });
        self.report.settings = lines.collect();
    }

    fn sessions(&mut self) -> Result<()> {
        let selection = match self.workspace.every_session() {
            Ok(selection) => selection,
            Err(error) => {
                self.push(Check::failed("sessions", &error));
                return Ok(());
            }
        };
        for skipped in &selection.skipped {
            self.push(
                Check::new("names", CheckState::Warning, skipped)
                    .hint("Rename it, or move it out of the workspace; until then it is left alone."),
            );
        }
        let before = self.report.checks.len();
        for key in &selection.keys {
            self.context.check()?;
            match self.workspace.load(key, self.context) {
                Ok(session) => self.session(key, &session),
                Err(error) => self.push(Check::failed("session", &error)),
            }
        }
        if self.report.checks.len() == before {
            self.push(Check::ok("sessions", format!("all sessions can be read ({})", selection.keys.len())));
        }
        Ok(())
    }

    fn session(&mut self, key: &SessionKey, session: &Session) {
        for problem in &session.problems {
            self.push(
                Check::new("session", CheckState::Error, format!("{}: {}", problem.path, problem.message))
                    .hint("Mend the file; `idse validate` shows the place."),
            );
        }
        for artifact in &session.artifacts {
            if let crate::artifact::Content::Blocked(blocked) = &artifact.content {
                self.push(
                    Check::new("artifact", CheckState::Error, &blocked.message).hint(
                        "Put a regular UTF-8 text file in its place; until then nothing of it is synced.",
                    ),
                );
            }
        }
        for stage in &session.open_conflicts {
            self.push(
                Check::new("conflict", CheckState::Warning, format!("{key}: {stage} has an open conflict"))
                    .hint(format!(
                        "`idse --project {} --session {} sync resolve {stage} --local|--remote|--merged`",
                        key.project, key.session
                    )),
            );
        }
    }

    fn disk(&mut self) {
        let context = Context { deadline: Some(PATIENCE), ..self.context.clone() };
        let check = match self.workspace.swap_support(&context) {
            Ok("exchange") => Check::ok("swap", "files are exchanged atomically"),
            Ok(other) => Check::new(
                "swap",
                CheckState::Info,
                format!(
                    "this file system cannot exchange files ({other}): writes keep a backup link instead"
                ),
            ),
            Err(error) => Check::failed("swap", &error),
        };
        self.push(check);
        self.sync_folder();
        self.baseline();
    }

    fn sync_folder(&mut self) {
        if !self.dir().is_dir(".idse/sync") {
            return;
        }
        match self.dir().read(".idse/sync/.gitignore", 4096) {
            Ok(Found::Bytes(bytes)) if bytes.split(|b| *b == b'\n').any(|line| line.trim_ascii() == b"*") => {
                self.push(Check::ok("git", "the engine's own folder .idse/sync is ignored by git"));
            }
            Ok(_) => self.push(
                Check::new("git", CheckState::Warning, ".idse/sync is not ignored by git")
                    .hint("Write a line `*` into .idse/sync/.gitignore: its files belong to this machine."),
            ),
            Err(error) => self.push(Check::failed("git", &error)),
        }
        self.journals();
    }

    fn journals(&mut self) {
        let unfinished = match unfinished(self.workspace) {
            Ok(unfinished) => unfinished,
            Err(error) => return self.push(Check::failed("journal", &error)),
        };
        for key in unfinished.pushes {
            self.push(
                Check::new("journal", CheckState::Warning, format!("{key}: the reply to a push was lost"))
                    .hint("Run `idse sync pull` or `idse sync push`: it finds out what happened."),
            );
        }
        for key in unfinished.interrupted {
            let message = format!("{key}: an operation was interrupted while it wrote");
            self.push(
                Check::new("journal", CheckState::Warning, message)
                    .hint("Run `idse sync pull` or `idse sync push`: it finishes what was begun."),
            );
        }
    }

    fn baseline(&mut self) {
        match self.workspace.baseline() {
            Ok(baseline) if baseline.is_empty() => {}
            Ok(baseline) => {
                let message = format!("the baseline holds back {} findings", baseline.len());
                self.push(Check::new("baseline", CheckState::Info, message));
            }
            Err(error) => self.push(Check::failed("baseline", &error)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::remote::{Fault, MemoryRemote, Sessions};
    use crate::sync::{PushOptions, push};
    use crate::workspace::InitRequest;
    use crate::{ErrorKind, Stage};

    struct Fixture {
        folder: tempfile::TempDir,
        workspace: Workspace,
        context: Context,
        key: SessionKey,
    }

    fn fixture() -> Fixture {
        let folder = tempfile::tempdir().unwrap();
        let env = [("HOME", folder.path().to_str().unwrap())].into_iter().collect();
        let context = Context { env, ..Context::default() };
        let request = InitRequest {
            project: "portal".parse().unwrap(),
            session: Some("s1".parse().unwrap()),
            stack: None,
        };
        let (workspace, report) = Workspace::init(folder.path(), &request, &context).unwrap();
        let key = SessionKey { project: report.project, session: report.session };
        Fixture { folder, workspace, context, key }
    }

    impl Fixture {
        fn examine(&self) -> DoctorReport {
            let question = Question { start: self.folder.path(), root: None, project: None, remote: None };
            examine(&question, &self.context).unwrap()
        }

        fn troubles(&self) -> Vec<(&'static str, CheckState)> {
            let checks = self.examine().checks.into_iter();
            checks.filter(|c| c.state > CheckState::Info).map(|c| (c.name, c.state)).collect()
        }
    }

    #[test]
    fn a_fresh_workspace_is_well() {
        let fixture = fixture();
        assert_eq!(fixture.troubles(), []);
        assert!(fixture.examine().workspace.is_some());
    }

    #[test]
    fn no_workspace_is_an_error_with_a_hint() {
        let folder = tempfile::tempdir().unwrap();
        let question = Question { start: folder.path(), root: None, project: None, remote: None };
        let report = examine(&question, &Context::default()).unwrap();
        assert_eq!(report.count(CheckState::Error), 1);
        assert!(report.checks[0].hint.as_deref().unwrap().contains("idse init"));
    }

    #[test]
    fn a_lost_reply_is_seen_until_it_is_settled() {
        let fixture = fixture();
        let Fixture { workspace, context, key, .. } = &fixture;
        let remote = MemoryRemote::new(Sessions::Many);
        let options = PushOptions::default();
        push(workspace, key, &remote, &options, context).unwrap();
        workspace.write(key, Stage::Spec, "# Spec\n", None, context).unwrap();
        remote.fail_next_push(Fault::LoseReply);
        remote.fail_next(Fault::Refuse(ErrorKind::Unavailable));
        let error = push(workspace, key, &remote, &options, context).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsettled);
        assert_eq!(fixture.troubles(), [("journal", CheckState::Warning)]);
        push(workspace, key, &remote, &options, context).unwrap();
        assert_eq!(fixture.troubles(), []);
    }

    #[test]
    fn what_git_would_commit_is_told() {
        let fixture = fixture();
        fixture.workspace.dir().replace(".idse/sync/.gitignore", b"# nothing\n").unwrap();
        assert_eq!(fixture.troubles(), [("git", CheckState::Warning)]);
    }

    #[test]
    fn a_remote_that_is_ill_is_an_error() {
        let remote = MemoryRemote::new(Sessions::Many);
        let context = Context::default();
        assert_eq!(examine_remote(&remote, &context).unwrap()[0].state, CheckState::Ok);
        remote.fail_next(Fault::Refuse(ErrorKind::Unavailable));
        assert_eq!(examine_remote(&remote, &context).unwrap()[0].state, CheckState::Error);
    }
}
