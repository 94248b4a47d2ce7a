//! An agency in memory, with scripted faults: for tests and examples.
//!
//! What a push may write is decided in the neighbouring `decide`, exactly as for the embedded agency.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::{Map, Value};

use crate::context::Context;
use crate::error::{Error, ErrorKind, Result};
use crate::name::{OpId, ProjectId, SessionId};
use crate::remote::decide::{Before, Decision, Held, decide, op_mark, revision};
use crate::remote::{
    Fetched, Guard, Health, ProjectFilter, ProjectSummary, PushOutcome, PushRequest, Remote, RemoteInfo,
    RemoteKey, RemoteSession, RemoteSessionSummary, RemoteText, Revision, Sessions, Target,
};
use crate::stage::Stage;
use crate::text::Digest;

/// What somebody else does to a row.
pub type Edit = Arc<dyn Fn(&mut MemoryRow) + Send + Sync>;

/// A scripted fault: one request meets one.
#[derive(Clone)]
#[non_exhaustive]
pub enum Fault {
    /// The remote answers with this error and does nothing.
    Refuse(ErrorKind),
    /// The remote takes this long, by the clock of the context, and then does what it was asked.
    Delay(Duration),
    /// The request never arrives: a push is `Unsettled`, anything else `Unavailable`.
    LoseRequest,
    /// The request is carried out and the reply never arrives.
    LoseReply,
    /// The request is carried out and the reply breaks off.
    Truncate,
    /// Somebody else edits the row just before the request arrives.
    ChangeBetween(Edit),
}

impl fmt::Debug for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refuse(kind) => f.debug_tuple("Refuse").field(kind).finish(),
            Self::Delay(duration) => f.debug_tuple("Delay").field(duration).finish(),
            Self::LoseRequest => f.write_str("LoseRequest"),
            Self::LoseReply => f.write_str("LoseReply"),
            Self::Truncate => f.write_str("Truncate"),
            Self::ChangeBetween(_) => f.write_str("ChangeBetween(..)"),
        }
    }
}

/// What a row holds, as a hand edit sees it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct MemoryRow {
    /// The texts that are there.
    pub texts: BTreeMap<Stage, String>,
    /// `state_json`.
    pub state: Option<Map<String, Value>>,
}

/// How many requests of each kind arrived or were lost on their way.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Requests {
    /// `fetch`.
    pub fetch: usize,
    /// `push`.
    pub push: usize,
    /// `projects`.
    pub projects: usize,
    /// `health`.
    pub health: usize,
}

/// An agency in memory. Clones are handles on the same one.
///
/// It is deterministic: versions count up, times come from the clock of the context.
///
/// ```
/// use idse_core::Context;
/// use idse_core::remote::{Fault, MemoryRemote, Remote, Sessions};
///
/// let agency = MemoryRemote::new(Sessions::Many);
/// agency.fail_next(Fault::Refuse(idse_core::ErrorKind::Unavailable));
/// assert!(agency.health(&Context::default()).is_err());
/// assert!(agency.health(&Context::default())?.healthy);
/// assert_eq!(agency.requests().health, 2);
/// # Ok::<(), idse_core::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct MemoryRemote {
    info: RemoteInfo,
    store: Arc<Mutex<Store>>,
}

#[derive(Debug, Default)]
struct Store {
    counter: i64,
    projects: BTreeMap<ProjectId, Project>,
    history: BTreeMap<(ProjectId, RowKey), BTreeMap<Stage, Vec<String>>>,
    hidden: BTreeSet<ProjectId>,
    unmapped: BTreeSet<Stage>,
    cannot_express_absence: bool,
    faults: VecDeque<Fault>,
    push_faults: VecDeque<Fault>,
    requests: Requests,
}

/// The session where the remote holds many, else nothing.
type RowKey = Option<SessionId>;

#[derive(Debug)]
struct Project {
    name: String,
    stack: Option<String>,
    framework: Option<String>,
    updated_at: String,
    rows: BTreeMap<RowKey, Row>,
}

#[derive(Debug, Clone)]
struct Row {
    held: MemoryRow,
    counter: i64,
    op: String,
    updated_at: String,
}

/// What a fault leaves to be done after a request was carried out.
enum Reply {
    Arrives,
    IsLost,
    BreaksOff,
}

impl MemoryRemote {
    /// Creates an empty agency that guards a write by the version of the row.
    pub fn new(sessions: Sessions) -> Self {
        Self::named("memory", sessions)
    }

    /// Creates an empty agency with its own name, and so its own key.
    pub fn named(name: &str, sessions: Sessions) -> Self {
        let address = format!("memory:{name}");
        let info = RemoteInfo { key: RemoteKey::of(&address), address, guard: Guard::RowVersion, sessions };
        Self { info, store: Arc::default() }
    }

    /// Says that writes are guarded in another way. Only what it says changes: writes stay atomic.
    #[must_use]
    pub fn with_guard(mut self, guard: Guard) -> Self {
        self.info.guard = guard;
        self
    }

    /// Lets the next request meet a fault; more calls queue up.
    pub fn fail_next(&self, fault: Fault) {
        self.store().faults.push_back(fault);
    }

    /// Lets the next push meet a fault, whatever other requests come before it; more calls queue up.
    pub fn fail_next_push(&self, fault: Fault) {
        self.store().push_faults.push_back(fault);
    }

    /// Edits a row as somebody at the table would: it gets a new version. Returns whether the row is there.
    pub fn edit(&self, target: &Target, edit: impl FnOnce(&mut MemoryRow)) -> bool {
        let key = self.row_key(target);
        self.store().edit(target.project_id, key, edit)
    }

    /// Deletes a row; with its only row goes the project where the remote holds one session.
    pub fn drop_row(&self, target: &Target) {
        let key = self.row_key(target);
        let mut store = self.store();
        if key.is_none() {
            store.projects.remove(&target.project_id);
        } else if let Some(project) = store.projects.get_mut(&target.project_id) {
            project.rows.remove(&key);
        }
    }

    /// Deletes a project with all its rows.
    pub fn drop_project(&self, project_id: ProjectId) {
        self.store().projects.remove(&project_id);
    }

    /// Hides a project from its callers, as row-level security does, or shows it again.
    pub fn hide(&self, project_id: ProjectId, hidden: bool) {
        let mut store = self.store();
        if hidden {
            store.hidden.insert(project_id);
        } else {
            store.hidden.remove(&project_id);
        }
    }

    /// Takes the column of a stage out of the table.
    pub fn unmap(&self, stage: Stage) {
        self.store().unmapped.insert(stage);
    }

    /// Makes absent texts `Unknown`, as a gateway that leaves them out does.
    pub fn cannot_express_absence(&self, cannot: bool) {
        self.store().cannot_express_absence = cannot;
    }

    /// Returns how many requests there were.
    pub fn requests(&self) -> Requests {
        self.store().requests
    }

    /// Returns what a row holds.
    pub fn row(&self, target: &Target) -> Option<MemoryRow> {
        let key = self.row_key(target);
        self.store().row(target.project_id, &key).map(|row| row.held.clone())
    }

    /// Returns every text that a stage of a row ever held, in order.
    pub fn history(&self, target: &Target, stage: Stage) -> Vec<String> {
        let key = (target.project_id, self.row_key(target));
        self.store().history.get(&key).and_then(|stages| stages.get(&stage)).cloned().unwrap_or_default()
    }

    fn store(&self) -> MutexGuard<'_, Store> {
        self.store.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn row_key(&self, target: &Target) -> RowKey {
        match self.info.sessions {
            Sessions::One => None,
            Sessions::Many => Some(target.session.clone()),
        }
    }

    /// Counts a request and lets it meet its fault.
    fn arrive(
        &self,
        context: &Context,
        count: impl FnOnce(&mut Requests) -> &mut usize,
        target: Option<&Target>,
        is_push: bool,
    ) -> Result<Reply> {
        context.check()?;
        let mut store = self.store();
        *count(&mut store.requests) += 1;
        let scripted = if is_push { store.push_faults.pop_front() } else { None };
        let Some(fault) = scripted.or_else(|| store.faults.pop_front()) else { return Ok(Reply::Arrives) };
        match fault {
            Fault::Refuse(kind) => Err(Error::new(kind, format!("{} refused", self.info.address))),
            Fault::LoseRequest => Err(lost(is_push)),
            Fault::LoseReply => Ok(Reply::IsLost),
            Fault::Truncate => Ok(Reply::BreaksOff),
            Fault::Delay(duration) => {
                drop(store);
                self.wait(duration, context, is_push)
            }
            Fault::ChangeBetween(edit) => {
                if let Some(target) = target {
                    store.edit(target.project_id, self.row_key(target), &*edit);
                }
                Ok(Reply::Arrives)
            }
        }
    }

    /// Waits as for a slow server. Who stops waiting for a push does not know its fate; here, it is not carried out.
    fn wait(&self, duration: Duration, context: &Context, is_push: bool) -> Result<Reply> {
        let start = context.clock.monotonic();
        loop {
            let waited = context.clock.monotonic().saturating_sub(start);
            let too_long = context.deadline.is_some_and(|deadline| waited >= deadline && deadline < duration);
            match context.check() {
                Err(_) if is_push => return Err(lost(true)),
                Err(cancelled) => return Err(cancelled),
                Ok(()) if too_long => return Err(lost(is_push)),
                Ok(()) if waited >= duration => return Ok(Reply::Arrives),
                Ok(()) => context.clock.sleep((duration - waited).min(Duration::from_millis(50))),
            }
        }
    }
}

impl Remote for MemoryRemote {
    fn info(&self) -> RemoteInfo {
        self.info.clone()
    }

    fn fetch(&self, target: &Target, since: Option<&Revision>, context: &Context) -> Result<Fetched> {
        let reply = self.arrive(context, |requests| &mut requests.fetch, Some(target), false)?;
        let fetched = self.store().fetch(target, &self.row_key(target), since);
        reply.of_read(fetched)
    }

    fn push(&self, request: &PushRequest, context: &Context) -> Result<PushOutcome> {
        let reply = self.arrive(context, |requests| &mut requests.push, Some(&request.target), true)?;
        let outcome = self.store().push(request, self.row_key(&request.target), &context.timestamp())?;
        match reply {
            Reply::Arrives => Ok(outcome),
            Reply::IsLost | Reply::BreaksOff => Err(lost(true)),
        }
    }

    fn projects(&self, filter: &ProjectFilter, context: &Context) -> Result<Vec<ProjectSummary>> {
        let reply = self.arrive(context, |requests| &mut requests.projects, None, false)?;
        let projects = self.store().list(filter);
        reply.of_read(projects)
    }

    fn health(&self, context: &Context) -> Result<Health> {
        let reply = self.arrive(context, |requests| &mut requests.health, None, false)?;
        reply.of_read(Health { healthy: true, message: format!("{} answers", self.info.address) })
    }
}

impl Reply {
    fn of_read<T>(self, answer: T) -> Result<T> {
        match self {
            Self::Arrives => Ok(answer),
            Self::IsLost => Err(lost(false)),
            Self::BreaksOff => Err(Error::new(ErrorKind::Protocol, "the answer of the agency breaks off")
                .with_hint("Run the command again.")),
        }
    }
}

fn lost(is_push: bool) -> Error {
    if is_push {
        Error::new(ErrorKind::Unsettled, "the agency did not answer a push")
            .with_hint("Run any sync verb: it finds out whether the push was stored.")
    } else {
        Error::new(ErrorKind::Unavailable, "the agency did not answer").with_hint("Run the command again.")
    }
}

impl Store {
    fn row(&self, project_id: ProjectId, key: &RowKey) -> Option<&Row> {
        self.projects.get(&project_id)?.rows.get(key)
    }

    fn edit(&mut self, project_id: ProjectId, key: RowKey, edit: impl FnOnce(&mut MemoryRow)) -> bool {
        let Some(row) = self.projects.get_mut(&project_id).and_then(|project| project.rows.get_mut(&key))
        else {
            return false;
        };
        self.counter += 1;
        row.counter = self.counter;
        edit(&mut row.held);
        let held = row.held.clone();
        self.record((project_id, key), &held);
        true
    }

    fn record(&mut self, key: (ProjectId, RowKey), held: &MemoryRow) {
        let stages = self.history.entry(key).or_default();
        for (stage, text) in &held.texts {
            let texts = stages.entry(*stage).or_default();
            if texts.last() != Some(text) {
                texts.push(text.clone());
            }
        }
    }

    fn fetch(&self, target: &Target, key: &RowKey, since: Option<&Revision>) -> Fetched {
        let visible =
            self.projects.get(&target.project_id).filter(|_| !self.hidden.contains(&target.project_id));
        let Some(project) = visible else { return Fetched::Missing { project_exists: false } };
        let Some(row) = project.rows.get(key) else { return Fetched::Missing { project_exists: true } };
        if since == Some(&row.revision()) {
            return Fetched::Unchanged;
        }
        Fetched::Session(Box::new(RemoteSession {
            project_id: target.project_id,
            name: project.name.clone(),
            stack: project.stack.clone(),
            framework: project.framework.clone(),
            session: row.session(key),
            revision: row.revision(),
            updated_at: Some(row.updated_at.clone()),
            texts: Stage::ALL.map(|stage| (stage, self.text(row, stage))).into(),
            state: row.held.state.clone(),
        }))
    }

    fn text(&self, row: &Row, stage: Stage) -> RemoteText {
        match row.held.texts.get(&stage) {
            _ if self.unmapped.contains(&stage) => RemoteText::Unmapped,
            Some(text) => RemoteText::Text(text.clone()),
            None if self.cannot_express_absence => RemoteText::Unknown,
            None => RemoteText::Absent,
        }
    }

    fn push(&mut self, request: &PushRequest, key: RowKey, now: &str) -> Result<PushOutcome> {
        let project_id = request.target.project_id;
        for item in &request.items {
            if self.unmapped.contains(&item.stage) || (item.text.is_none() && self.cannot_express_absence) {
                return Err(Error::argument(format!("the agency cannot store this {}", item.stage))
                    .with_reason("stage")
                    .with("stage", item.stage.name()));
            }
        }
        if self.hidden.contains(&project_id) && self.projects.contains_key(&project_id) {
            return match request.create {
                None => Ok(PushOutcome::Missing),
                Some(_) => Err(Error::new(
                    ErrorKind::Exists,
                    "the id belongs to a project that this caller cannot see",
                )
                .with_hint("Create the project with another id: `--new-id`.")),
            };
        }
        let in_step = match decide(request, &self.before(project_id, &key))? {
            Decision::Refuse(outcome) => return Ok(outcome),
            Decision::Update { in_step } => in_step,
            Decision::CreateProject | Decision::CreateRow => true,
        };
        Ok(self.write(request, key, in_step, now))
    }

    fn before(&self, project_id: ProjectId, key: &RowKey) -> Before {
        let Some(project) = self.projects.get(&project_id) else { return Before::NoProject };
        let Some(row) = project.rows.get(key) else { return Before::NoSession };
        Before::Row(Held {
            revision: row.revision(),
            texts: row.held.texts.iter().map(|(stage, text)| (*stage, Digest::of(text))).collect(),
            state: row.held.state.clone().map(|state| Digest::of_json(&Value::Object(state))),
        })
    }

    fn write(&mut self, request: &PushRequest, key: RowKey, in_step: bool, now: &str) -> PushOutcome {
        let project_id = request.target.project_id;
        self.counter += 1;
        let project = self.projects.entry(project_id).or_insert_with(|| Project::new(request, now));
        now.clone_into(&mut project.updated_at);
        let row = project.rows.entry(key.clone()).or_insert_with(Row::empty);
        row.stamp(self.counter, request.op, now);
        for item in &request.items {
            match &item.text {
                Some(text) => row.held.texts.insert(item.stage, text.clone()),
                None => row.held.texts.remove(&item.stage),
            };
        }
        if let Some(state) = &request.state {
            row.held.state = Some(state.value.clone());
        }
        let (revision, held) = (row.revision(), row.held.clone());
        self.record((project_id, key), &held);
        PushOutcome::Written { revision, in_step, updated_at: Some(now.to_owned()) }
    }

    fn list(&self, filter: &ProjectFilter) -> Vec<ProjectSummary> {
        let mut found: Vec<_> = self
            .projects
            .iter()
            .filter(|(id, _)| !self.hidden.contains(id))
            .filter(|(id, project)| match filter {
                ProjectFilter::All => true,
                ProjectFilter::Name(name) => project.name == *name,
                ProjectFilter::Id(wanted) => *id == wanted,
            })
            .collect();
        found.sort_by_key(|(_, project)| {
            std::cmp::Reverse(project.rows.values().map(|row| row.counter).max())
        });
        found.into_iter().map(|(id, project)| project.summary(*id)).collect()
    }
}

impl Project {
    fn new(request: &PushRequest, now: &str) -> Self {
        let (name, stack, framework) = match &request.create {
            Some(new) => (new.name.to_string(), new.stack.clone(), new.framework.clone()),
            None => Default::default(),
        };
        Self { name, stack, framework, updated_at: now.to_owned(), rows: BTreeMap::new() }
    }

    fn summary(&self, project_id: ProjectId) -> ProjectSummary {
        let mut rows: Vec<_> = self.rows.iter().collect();
        rows.sort_by_key(|(_, row)| std::cmp::Reverse(row.counter));
        let sessions = rows.into_iter().map(|(key, row)| RemoteSessionSummary {
            session: row.session(key),
            updated_at: Some(row.updated_at.clone()),
            state: row.held.state.clone(),
        });
        ProjectSummary {
            project_id,
            name: self.name.clone(),
            stack: self.stack.clone(),
            framework: self.framework.clone(),
            updated_at: Some(self.updated_at.clone()),
            sessions: sessions.collect(),
        }
    }
}

impl Row {
    fn empty() -> Self {
        Self { held: MemoryRow::default(), counter: 0, op: String::new(), updated_at: String::new() }
    }

    fn stamp(&mut self, counter: i64, op: OpId, now: &str) {
        self.counter = counter;
        self.op = op_mark(op);
        now.clone_into(&mut self.updated_at);
    }

    fn revision(&self) -> Revision {
        revision(self.counter, &self.op)
    }

    fn session(&self, key: &RowKey) -> Option<SessionId> {
        key.clone().or_else(|| self.held.state.as_ref()?.get("session_id")?.as_str()?.parse().ok())
    }
}
