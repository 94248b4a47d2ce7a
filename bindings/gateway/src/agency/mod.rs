//! What the gateway does with an agency: each request as calls of one remote, and their answer as JSON.
//!
//! It knows nothing of HTTP; who may ask was decided before.

mod push;
mod read;
mod status;

pub(crate) use self::push::push;
pub(crate) use self::read::{blueprints, health, projects, pull, session_status, status};
pub(crate) use self::status::change;

use idse_core::remote::{Fetched, ProjectFilter, ProjectSummary, Remote, RemoteSession, Sessions, Target};
use idse_core::{Context, ErrorKind, OpId, ProjectId, SessionId};
use serde_json::{Map, Value, json};

use crate::displaced::Displaced;
use crate::problem::Problem;

/// One request's view of the agency.
pub(crate) struct Agency<'a> {
    pub(crate) remote: &'a dyn Remote,
    pub(crate) displaced: &'a dyn Displaced,
    pub(crate) context: &'a Context,
    /// Who asks, for the displaced texts.
    pub(crate) subject: &'a str,
    /// Refuse a push that does not say what it replaces.
    pub(crate) require_base: bool,
}

impl Agency<'_> {
    /// Returns the project with its sessions, the one written last first.
    fn project(&self, id: ProjectId) -> Result<Option<ProjectSummary>, Problem> {
        Ok(self.remote.projects(&ProjectFilter::Id(id), self.context)?.into_iter().next())
    }

    /// Returns the session that a request means which names none: the one that was pushed last.
    ///
    /// A store that holds one session answers with it whatever is asked for.
    fn last_session(&self, id: ProjectId) -> Result<Option<SessionId>, Problem> {
        if self.remote.info().sessions == Sessions::One {
            return Ok(None);
        }
        let project = self.project(id)?;
        Ok(project.and_then(|project| project.sessions.into_iter().find_map(|session| session.session)))
    }

    fn fetch(&self, target: &Target) -> Result<Fetched, Problem> {
        Ok(self.remote.fetch(target, None, self.context)?)
    }

    /// Reads a session that must be there.
    fn session(&self, target: &Target) -> Result<Box<RemoteSession>, Problem> {
        match self.fetch(target)? {
            Fetched::Session(row) => Ok(row),
            Fetched::Missing { project_exists: true } => Err(self.no_session(target)),
            Fetched::Missing { project_exists: false } | Fetched::Unchanged => Err(self.no_project()),
        }
    }

    fn no_project(&self) -> Problem {
        let problem = Problem::new(ErrorKind::NotFound, "project", "Project not found");
        self.missing(problem, false).with_hint(
            "It was removed, or is hidden from you; `GET /sync/projects` lists those that you can see.",
        )
    }

    fn no_session(&self, target: &Target) -> Problem {
        let detail = format!("Session '{}' not found in project '{}'", target.session, target.project_id);
        self.missing(Problem::new(ErrorKind::NotFound, "session", detail), true)
    }

    /// Says in an error, too, what kind of agency this is: a client may have no other answer yet.
    fn missing(&self, problem: Problem, project_exists: bool) -> Problem {
        let info = self.remote.info();
        problem
            .with_field("project_exists", project_exists)
            .with_field("guard", json!(info.guard))
            .with_field("sessions", json!(info.sessions))
    }

    fn op(&self) -> OpId {
        OpId::new(self.context.clock.unique())
    }

    fn now(&self) -> String {
        format!("{:.6}", self.context.clock.now())
    }
}

/// Returns the name of the session of the project as a whole.
fn blueprint() -> Result<SessionId, Problem> {
    SessionId::BLUEPRINT.parse().map_err(|error: idse_core::Error| error.into())
}

/// Returns `stages` of a state; empty where there is none.
fn stages(state: Option<&Map<String, Value>>) -> Value {
    state.and_then(|state| state.get("stages")).cloned().unwrap_or_else(|| Map::new().into())
}

/// Returns `last_agent` of a state.
fn last_agent(state: Option<&Map<String, Value>>) -> Value {
    state.and_then(|state| state.get("last_agent")).cloned().unwrap_or_default()
}

/// Returns how many of a hundred parts of the stages that a state names are complete.
fn progress(state: Option<&Map<String, Value>>) -> usize {
    let stages = stages(state);
    let Some(stages) = stages.as_object().filter(|stages| !stages.is_empty()) else { return 0 };
    let complete = |value: &&Value| matches!(value.as_str(), Some("complete" | "completed"));
    100 * stages.values().filter(complete).count() / stages.len()
}
