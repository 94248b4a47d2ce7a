//! The other side: what an agency can be asked, whatever it is made of.
//!
//! There is no unconditional write here. Every item of a push says what it replaces, and a remote either writes
//! all of them against exactly that or writes nothing and says which stages differ.

mod decide;
mod gateway;
pub(crate) mod http;
mod memory;
mod sqlite;
mod supabase;

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

pub use gateway::GatewayRemote;
pub use http::Secret;
pub use memory::{Edit, Fault, MemoryRemote, MemoryRow, Requests};
pub use sqlite::SqliteRemote;
pub use supabase::{Credentials, KeyKind, SupabaseOptions, SupabaseRemote};

use crate::context::Context;
use crate::error::{Error, ErrorKind, Result};
use crate::name::{OpId, ProjectId, ProjectName, SessionId};
use crate::stage::Stage;
use crate::text::{Digest, ObjectId};

/// The remote's version of a row, opaque: compared for equality, never ordered.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Revision(String);

impl Revision {
    /// Wraps what the remote calls the version.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// Returns the text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Revision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// How strongly a remote guards a write.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Guard {
    /// Against the version of the row: nobody can come in between.
    RowVersion,
    /// Against its time stamp: only those who leave the time stamp alone can come in between.
    UpdatedAt,
    /// Read, compare, write, read back: somebody can come in between.
    None,
}

/// How many sessions of a project a remote holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sessions {
    /// One: the row says which.
    One,
    /// All, keyed by project and session.
    Many,
}

/// Which remote this is. The engine keeps its bases apart by it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RemoteKey(String);

impl RemoteKey {
    /// Returns the key of a canonical origin or database file: 16 hexadecimal digits of its SHA-256.
    pub fn of(address: &str) -> Self {
        Self(ObjectId::of(address.as_bytes()).hex()[..16].to_owned())
    }

    /// Tells whether a folder's name is a key.
    pub(crate) fn names(folder: &str) -> bool {
        folder.len() == 16 && folder.bytes().all(|byte| byte.is_ascii_hexdigit())
    }

    /// Returns the key as a folder name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What a remote says about itself without being asked over the wire.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RemoteInfo {
    /// Its key.
    pub key: RemoteKey,
    /// Its address as people write it, without secrets: `sqlite:/home/…/agency.db`.
    pub address: String,
    /// How it guards a write.
    pub guard: Guard,
    /// How many sessions of a project it holds.
    pub sessions: Sessions,
}

/// What a request is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// The project.
    pub project_id: ProjectId,
    /// The session; a remote that holds one answers with the one that it holds.
    pub session: SessionId,
}

/// What a remote holds of one stage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RemoteText {
    /// Nothing (NULL).
    Absent,
    /// A text; the empty text is one.
    Text(String),
    /// The remote cannot express absence and said nothing.
    Unknown,
    /// The remote has no place for this stage.
    Unmapped,
}

impl RemoteText {
    /// Returns the text, where there is one.
    pub fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }
}

/// What a remote holds of one session of one project, at one revision.
#[derive(Debug, Clone, PartialEq)]
pub struct RemoteSession {
    /// The project's identity.
    pub project_id: ProjectId,
    /// The project's name there. Text from outside: never used as a path unchecked.
    pub name: String,
    /// What the project is built with.
    pub stack: Option<String>,
    /// The framework.
    pub framework: Option<String>,
    /// Which session the row holds, where it says so.
    pub session: Option<SessionId>,
    /// The version of the row.
    pub revision: Revision,
    /// When it was last written, as the remote says it. For people; never compared.
    pub updated_at: Option<String>,
    /// One entry for each stage.
    pub texts: BTreeMap<Stage, RemoteText>,
    /// `meta_md`, which some existing tables have beside the stages.
    pub meta: RemoteText,
    /// `state_json`, where it is an object.
    pub state: Option<Map<String, Value>>,
}

/// The answer to a fetch.
#[derive(Debug, Clone, PartialEq)]
pub enum Fetched {
    /// The revision is the one that was given with `since`.
    Unchanged,
    /// This is what is there.
    Session(Box<RemoteSession>),
    /// There is no such row, or it is hidden from this caller.
    Missing {
        /// The project is there, only this session is not.
        project_exists: bool,
    },
}

/// One stage of a push.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PushItem {
    /// The stage.
    pub stage: Stage,
    /// The text to store; `None` stores NULL.
    pub text: Option<String>,
    /// The digest of what it replaces; `None` is nothing.
    pub expected: Option<Digest>,
}

/// The `meta_md` of a push: no stage, and stored only where there is a place for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PushMeta {
    /// The text to store.
    pub text: String,
    /// The digest of what it replaces; `None` is nothing.
    pub expected: Option<Digest>,
}

/// The state of a push.
#[derive(Debug, Clone, PartialEq)]
pub struct PushState {
    /// The whole object to store.
    pub value: Map<String, Value>,
    /// The digest ([`Digest::of_json`]) of the object that it replaces; `None` is nothing.
    pub expected: Option<Digest>,
}

/// What a project is created with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewProject {
    /// Its name.
    pub name: ProjectName,
    /// What it is built with.
    pub stack: Option<String>,
    /// The framework.
    pub framework: Option<String>,
}

/// A write: all of it or nothing.
#[derive(Debug, Clone, PartialEq)]
pub struct PushRequest {
    /// Which session of which project.
    pub target: Target,
    /// The operation, for the journal and for `state_json._idse`.
    pub op: OpId,
    /// The revision that the caller last saw, where it saw every item of this push at that revision.
    ///
    /// A remote may use it to guard the write in one step; where it is stale, the items still decide.
    pub revision: Option<Revision>,
    /// The texts.
    pub items: Vec<PushItem>,
    /// The state.
    pub state: Option<PushState>,
    /// Create the project if it is not there.
    pub create: Option<NewProject>,
}

/// The answer to a push.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PushOutcome {
    /// Everything was written.
    Written {
        /// The new version of the row.
        revision: Revision,
        /// The revision of the request was the current one: nothing else had changed in the row.
        in_step: bool,
        /// When it was written, as the remote says it.
        updated_at: Option<String>,
        /// Stages of the request that the remote has no place for: everything but these was written.
        skipped: Vec<Stage>,
    },
    /// Nothing was written: these differ from what was expected.
    Differs {
        /// The stages that differ.
        stages: Vec<Stage>,
        /// The state differs.
        state: bool,
    },
    /// Nothing was written: there is no such row, and creating it was not asked for.
    Missing,
}

/// Which projects to list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ProjectFilter {
    /// All.
    All,
    /// Those with this name.
    Name(String),
    /// The one with this id.
    Id(ProjectId),
}

/// One session in a list of projects.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RemoteSessionSummary {
    /// Which one, where the remote knows.
    pub session: Option<SessionId>,
    /// When it was last written, as the remote says it.
    pub updated_at: Option<String>,
    /// `state_json`.
    pub state: Option<Map<String, Value>>,
}

/// One project in a list.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ProjectSummary {
    /// Its identity.
    pub project_id: ProjectId,
    /// Its name there. Text from outside.
    pub name: String,
    /// What it is built with.
    pub stack: Option<String>,
    /// The framework.
    pub framework: Option<String>,
    /// When it was last written, as the remote says it.
    pub updated_at: Option<String>,
    /// Its sessions, the one written last first.
    pub sessions: Vec<RemoteSessionSummary>,
}

/// How a remote feels.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Health {
    /// It answered as it should.
    pub healthy: bool,
    /// One sentence.
    pub message: String,
}

/// How one thing of an agency was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum HealthState {
    /// As it should be.
    Ok,
    /// Good to know.
    Info,
    /// Should be mended.
    Warning,
    /// Must be mended.
    Error,
}

/// One thing of an agency that was examined.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct HealthCheck {
    /// The stable word: `agency_health`, `agency_key`, `agency_guard`, …
    pub name: &'static str,
    /// How it was found.
    pub state: HealthState,
    /// What was found, as a sentence.
    pub message: String,
    /// How to mend it, where there is something to mend.
    pub hint: Option<String>,
}

impl HealthCheck {
    /// Creates a check without a hint.
    pub fn new(name: &'static str, state: HealthState, message: impl Into<String>) -> Self {
        Self { name, state, message: message.into(), hint: None }
    }

    /// Creates a check of something that is as it should be.
    pub fn ok(name: &'static str, message: impl Into<String>) -> Self {
        Self::new(name, HealthState::Ok, message)
    }

    /// Adds how to mend it.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Creates the check of something that could not be done.
    pub fn failed(name: &'static str, error: &Error) -> Self {
        Self { hint: error.hint().map(str::to_owned), ..Self::new(name, HealthState::Error, error.message()) }
    }
}

/// An agency: the other side of push and pull.
///
/// # Errors
/// Every method: `Unauthorized`, `RateLimited`, `Unavailable`, `Protocol`, `Locked`, `Io`, `Cancelled`. A push
/// whose fate is not known is `Unsettled`; after any other error of a push nothing was written. A push that names
/// a stage twice, or one that the remote has no place for, is `InvalidArgument` (`stage`, which its context names).
pub trait Remote: Send + Sync {
    /// Says what it is, without asking over the wire.
    fn info(&self) -> RemoteInfo;

    /// Reads one session; with `since`, says `Unchanged` where the row still has that revision.
    fn fetch(&self, target: &Target, since: Option<&Revision>, context: &Context) -> Result<Fetched>;

    /// Writes all of a request or nothing of it.
    fn push(&self, request: &PushRequest, context: &Context) -> Result<PushOutcome>;

    /// Writes all of a request, with `meta_md` where there is a place for it, or nothing; the flag tells whether
    /// `meta_md` was stored.
    fn push_with_meta(
        &self,
        request: &PushRequest,
        _meta: &PushMeta,
        context: &Context,
    ) -> Result<(PushOutcome, bool)> {
        Ok((self.push(request, context)?, false))
    }

    /// Lists projects, the one written last first.
    fn projects(&self, filter: &ProjectFilter, context: &Context) -> Result<Vec<ProjectSummary>>;

    /// Says when a project was made, as the remote says it; `None` where it does not know.
    fn created_at(&self, _project_id: ProjectId, _context: &Context) -> Result<Option<String>> {
        Ok(None)
    }

    /// Asks whether it is well.
    fn health(&self, context: &Context) -> Result<Health>;

    /// Examines what a person may want to know of it; what is wrong is in the answer.
    ///
    /// # Errors
    /// `Cancelled`.
    fn examine(&self, context: &Context) -> Result<Vec<HealthCheck>> {
        const NAME: &str = "agency_health";
        let check = match self.health(context) {
            Ok(health) if health.healthy => HealthCheck::ok(NAME, health.message),
            Ok(health) => HealthCheck::new(NAME, HealthState::Error, health.message),
            Err(error) if error.kind() == ErrorKind::Cancelled => return Err(error),
            Err(error) => HealthCheck::failed(NAME, &error),
        };
        Ok(vec![check])
    }
}
