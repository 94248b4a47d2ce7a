//! The gateway for whoever speaks HTTP already: a request's parts in, the status, headers and body of its answer out.
//!
//! Who may ask, and how much, is decided by the one that received the request.

use std::time::Duration;

use idse_core::remote::{Health, ProjectFilter, Target};
use idse_core::{Context, ErrorKind};
use serde_json::Value;

use crate::agency::{self, Agency};
use crate::caller::{Caller, Scopes};
use crate::form::{self, Pull, Push, StatusChange};
use crate::json;
use crate::problem::Problem;
use crate::store::{Purpose, Store};

/// How long a request may wait for the store.
const PATIENCE: Duration = Duration::from_secs(60);
/// How long the store may take to say that it is well.
const HEALTH_PATIENCE: Duration = Duration::from_secs(2);

/// The answer to a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The media type of the body: JSON, or the JSON of a problem.
    pub media_type: &'static str,
    /// Further headers, their names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: String,
    /// What a log should say of a problem: it may name files, which no client is told.
    pub log: Option<String>,
}

/// The requests of the sync protocol, answered from one agency. Every method may wait for the agency.
pub struct Service {
    store: Box<dyn Store>,
    require_base: bool,
}

impl Service {
    /// Stands before an agency; with `require_base` a push must say what it replaces.
    pub fn new(store: Box<dyn Store>, require_base: bool) -> Self {
        Self { store, require_base }
    }

    /// Answers `POST /sync/push`. `subject` is who sent it, as it is noted beside the texts that it displaces.
    pub fn push(&self, body: &[u8], subject: &str) -> Answer {
        self.answer(Purpose::Write, subject, |agency| agency::push(agency, Push::read(&json::object(body)?)?))
    }

    /// Answers `POST /sync/pull`.
    pub fn pull(&self, body: &[u8]) -> Answer {
        self.read(|agency| agency::pull(agency, &Pull::read(&json::object(body)?)?))
    }

    /// Answers `GET /sync/status/{project_id}`.
    pub fn status(&self, project_id: &str) -> Answer {
        self.read(|agency| agency::status(agency, form::project_id(project_id)?))
    }

    /// Answers `GET /sync/status/{project_id}/{session_id}`.
    pub fn session_status(&self, project_id: &str, session_id: &str) -> Answer {
        self.read(|agency| {
            agency::session_status(agency, form::project_id(project_id)?, &form::session(session_id)?)
        })
    }

    /// Answers `PUT /sync/status/{project_id}/{session_id}`.
    pub fn change_status(&self, project_id: &str, session_id: &str, body: &[u8], subject: &str) -> Answer {
        self.answer(Purpose::Write, subject, |agency| {
            let (project_id, session) = (form::project_id(project_id)?, form::session(session_id)?);
            let change = StatusChange::read(&json::object(body)?)?;
            agency::change(agency, &Target { project_id, session }, &change)
        })
    }

    /// Answers `GET /sync/projects`, `?id=` or `?name=`.
    pub fn projects(&self, id: Option<&str>, name: Option<&str>) -> Answer {
        self.read(|agency| agency::projects(agency, &filter(id, name)?))
    }

    /// Answers `GET /sync/blueprints`.
    pub fn blueprints(&self) -> Answer {
        self.read(agency::blueprints)
    }

    /// Answers `GET /sync/health`: 200 also where the agency is not well, as existing clients expect.
    pub fn health(&self) -> Answer {
        let context = Context { deadline: Some(HEALTH_PATIENCE), ..Context::default() };
        let remote = self.store.remote(&caller(""), Purpose::Probe);
        let health = remote.and_then(|remote| remote.health(&context));
        let health = health.unwrap_or_else(|error| Health { healthy: false, message: error.to_string() });
        let log = (!health.healthy).then(|| health.message.clone());
        Answer { log, ..done(&agency::health(&health, &self.store.info())) }
    }

    /// Answers a request that whoever received it refuses by this status: every error has one form.
    pub fn refuse(status: u16, detail: &str) -> Answer {
        let (kind, reason) = match status {
            401 => (ErrorKind::Unauthorized, ""),
            403 => (ErrorKind::Unauthorized, "forbidden"),
            404 => (ErrorKind::NotFound, ""),
            413 => (ErrorKind::InvalidArgument, "too_large"),
            415 => (ErrorKind::InvalidArgument, "media_type"),
            429 => (ErrorKind::RateLimited, ""),
            503 => (ErrorKind::Unavailable, ""),
            400..500 => (ErrorKind::InvalidArgument, "usage"),
            _ => (ErrorKind::Internal, ""),
        };
        let problem = Problem::new(kind, reason, detail);
        let status = http::StatusCode::from_u16(status).unwrap_or(http::StatusCode::INTERNAL_SERVER_ERROR);
        problem.with_status(status).into_answer()
    }

    fn read(&self, work: impl FnOnce(&Agency<'_>) -> Result<Value, Problem>) -> Answer {
        self.answer(Purpose::Read, "", work)
    }

    fn answer(
        &self,
        purpose: Purpose,
        subject: &str,
        work: impl FnOnce(&Agency<'_>) -> Result<Value, Problem>,
    ) -> Answer {
        let context = Context { deadline: Some(PATIENCE), ..Context::default() };
        let worked = self.store.remote(&caller(subject), purpose).map_err(Problem::from).and_then(|remote| {
            work(&Agency {
                remote: remote.as_ref(),
                displaced: self.store.displaced(),
                context: &context,
                subject,
                require_base: self.require_base,
            })
        });
        worked.map_or_else(Problem::into_answer, |value| done(&value))
    }
}

fn caller(subject: &str) -> Caller {
    Caller { subject: subject.to_owned(), scopes: Scopes::ALL, jwt: None }
}

fn done(value: &Value) -> Answer {
    Answer {
        status: 200,
        media_type: "application/json",
        headers: Vec::new(),
        body: value.to_string(),
        log: None,
    }
}

/// Reads which projects a list is to have.
pub(crate) fn filter(id: Option<&str>, name: Option<&str>) -> Result<ProjectFilter, Problem> {
    match (id, name) {
        (None, None) => Ok(ProjectFilter::All),
        (None, Some(name)) => Ok(ProjectFilter::Name(name.to_owned())),
        (Some(id), None) => Ok(ProjectFilter::Id(form::project_id(id)?)),
        (Some(_), Some(_)) => {
            Err(Problem::new(ErrorKind::InvalidArgument, "usage", "either `id` or `name` is expected"))
        }
    }
}
