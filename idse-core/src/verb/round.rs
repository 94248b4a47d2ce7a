//! One verb over many sessions: what was done, what was passed over, what failed.
//!
//! Each session is on its own: one that fails does not undo another. What is done with one belongs to the verb.

use serde_json::{Value, json};

use super::Agencies;
use crate::context::Context;
use crate::error::{Error, ErrorKind, Result};
use crate::name::SessionKey;
use crate::remote::Remote;
use crate::sync::{self, StatusReport, SyncReport};
use crate::workspace::Workspace;

/// The answers of many sessions.
#[derive(Debug)]
pub struct Round<R> {
    /// What was answered, in order of project and session.
    pub reports: Vec<R>,
    /// What was passed over and why, as sentences.
    pub skipped: Vec<String>,
    /// The sessions that could not be done.
    pub errors: Vec<(SessionKey, Error)>,
}

impl<R: serde::Serialize> Round<R> {
    /// Returns the fields of the round's document.
    pub fn to_json(&self) -> Value {
        let failed = self.errors.iter().map(|(key, error)| failure(key, error));
        json!({
            "reports": self.reports,
            "skipped": self.skipped,
            "errors": failed.collect::<Vec<_>>(),
        })
    }
}

impl<R> Round<R> {
    fn take(&mut self, key: SessionKey, result: Result<R>) {
        match result {
            Ok(report) => self.reports.push(report),
            Err(error) => self.errors.push((key, error)),
        }
    }
}

/// Returns the entry of a list of errors for a session that could not be done.
fn failure(key: &SessionKey, error: &Error) -> Value {
    json!({ "project": key.project, "session": key.session, "error": error.to_json() })
}

/// Says how every session of every project stands: from the disk, or with `remote_check` with a look at each agency.
///
/// # Errors
/// `Io` where a folder cannot be listed; `Cancelled`; and what no session can do without, such as the baseline.
pub fn status_of_all(
    workspace: &Workspace,
    agencies: &Agencies<'_>,
    remote_check: bool,
    context: &Context,
) -> Result<Round<StatusReport>> {
    let selection = workspace.every_session()?;
    let mut round = Round { reports: Vec::new(), skipped: selection.skipped, errors: Vec::new() };
    if remote_check {
        for key in selection.keys {
            context.check()?;
            let remote = agencies.connect(Some(&key.project));
            let report =
                remote.and_then(|remote| sync::status_checked(workspace, &key, remote.as_ref(), context));
            round.take(key, report);
        }
        return Ok(round);
    }
    let mut sessions = Vec::with_capacity(selection.keys.len());
    for key in selection.keys {
        match agencies.info(Some(&key.project)) {
            Ok(info) => sessions.push((key, info)),
            Err(error) => round.errors.push((key, error)),
        }
    }
    let results = sync::statuses(workspace, &sessions, context)?;
    for ((key, _), result) in sessions.into_iter().zip(results) {
        round.take(key, result);
    }
    round.errors.sort_by(|(one, _), (other, _)| one.cmp(other));
    Ok(round)
}

/// Pushes or pulls every session that its agency can hold.
///
/// # Errors
/// `Io` where a folder cannot be listed, and a configuration that cannot be used.
pub fn sync_all(
    workspace: &Workspace,
    agencies: &Agencies<'_>,
    one: impl Fn(&SessionKey, &dyn Remote) -> Result<SyncReport>,
) -> Result<Round<SyncReport>> {
    let selection =
        workspace.sessions_to_sync(|project| agencies.info(Some(project)).map(|info| info.sessions))?;
    let mut round = Round { reports: Vec::new(), skipped: selection.skipped, errors: Vec::new() };
    let mut keys = selection.keys.into_iter();
    for key in keys.by_ref() {
        let done = agencies.connect(Some(&key.project)).and_then(|remote| one(&key, remote.as_ref()));
        match done {
            Ok(report) => round.reports.push(report),
            Err(error) => {
                let is_last = ends_a_round(&error);
                round.errors.push((key, error));
                if is_last {
                    break;
                }
            }
        }
    }
    round.skipped.extend(keys.map(|key| format!("{key} was not tried")));
    Ok(round)
}

/// Tells whether trying the next session would only meet the same closed door.
fn ends_a_round(error: &Error) -> bool {
    match error.kind() {
        ErrorKind::Unavailable => error.reason() != "contended",
        ErrorKind::RateLimited | ErrorKind::Cancelled => true,
        _ => false,
    }
}
