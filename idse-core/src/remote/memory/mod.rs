//! An agency in memory, with scripted faults: for tests and examples.
//!
//! What a push may write is decided in the neighbouring `decide`, exactly as for the embedded agency.

mod store;

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use self::store::{RowKey, Store};
use crate::context::Context;
use crate::error::{Error, ErrorKind, Result};
use crate::name::ProjectId;
use crate::remote::{
    Fetched, Guard, Health, ProjectFilter, ProjectSummary, PushOutcome, PushRequest, Remote, RemoteInfo,
    RemoteKey, Revision, Sessions, Target,
};
use crate::stage::Stage;

pub use self::store::MemoryRow;

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
    inside: Arc<Mutex<Inside>>,
}

#[derive(Debug, Default)]
struct Inside {
    store: Store,
    faults: VecDeque<Fault>,
    push_faults: VecDeque<Fault>,
    requests: Requests,
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
        Self { info, inside: Arc::default() }
    }

    /// Says that writes are guarded in another way. Only what it says changes: writes stay atomic.
    #[must_use]
    pub fn with_guard(mut self, guard: Guard) -> Self {
        self.info.guard = guard;
        self
    }

    /// Lets the next request meet a fault; more calls queue up.
    pub fn fail_next(&self, fault: Fault) {
        self.inside().faults.push_back(fault);
    }

    /// Lets the next push meet a fault, whatever other requests come before it; more calls queue up.
    pub fn fail_next_push(&self, fault: Fault) {
        self.inside().push_faults.push_back(fault);
    }

    /// Edits a row as somebody at the table would: it gets a new version. Returns whether the row is there.
    pub fn edit(&self, target: &Target, edit: impl FnOnce(&mut MemoryRow)) -> bool {
        let key = self.row_key(target);
        self.inside().store.edit(target.project_id, key, edit)
    }

    /// Deletes a row; with its only row goes the project where the remote holds one session.
    pub fn drop_row(&self, target: &Target) {
        let key = self.row_key(target);
        let store = &mut self.inside().store;
        if key.is_none() {
            store.projects.remove(&target.project_id);
        } else if let Some(project) = store.projects.get_mut(&target.project_id) {
            project.rows.remove(&key);
        }
    }

    /// Deletes a project with all its rows.
    pub fn drop_project(&self, project_id: ProjectId) {
        self.inside().store.projects.remove(&project_id);
    }

    /// Hides a project from its callers, as row-level security does, or shows it again.
    pub fn hide(&self, project_id: ProjectId, hidden: bool) {
        let store = &mut self.inside().store;
        if hidden {
            store.hidden.insert(project_id);
        } else {
            store.hidden.remove(&project_id);
        }
    }

    /// Takes the column of a stage out of the table.
    pub fn unmap(&self, stage: Stage) {
        self.inside().store.unmapped.insert(stage);
    }

    /// Makes absent texts `Unknown`, as a gateway that leaves them out does.
    pub fn cannot_express_absence(&self, cannot: bool) {
        self.inside().store.cannot_express_absence = cannot;
    }

    /// Returns how many requests there were.
    pub fn requests(&self) -> Requests {
        self.inside().requests
    }

    /// Returns what a row holds.
    pub fn row(&self, target: &Target) -> Option<MemoryRow> {
        let key = self.row_key(target);
        self.inside().store.row(target.project_id, &key).map(|row| row.held.clone())
    }

    /// Returns every text that a stage of a row ever held, in order.
    pub fn history(&self, target: &Target, stage: Stage) -> Vec<String> {
        let key = (target.project_id, self.row_key(target));
        self.inside()
            .store
            .history
            .get(&key)
            .and_then(|stages| stages.get(&stage))
            .cloned()
            .unwrap_or_default()
    }

    fn inside(&self) -> MutexGuard<'_, Inside> {
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
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
        let mut inside = self.inside();
        *count(&mut inside.requests) += 1;
        let scripted = if is_push { inside.push_faults.pop_front() } else { None };
        let Some(fault) = scripted.or_else(|| inside.faults.pop_front()) else { return Ok(Reply::Arrives) };
        match fault {
            Fault::Refuse(kind) => Err(Error::new(kind, format!("{} refused", self.info.address))),
            Fault::LoseRequest => Err(lost(is_push)),
            Fault::LoseReply => Ok(Reply::IsLost),
            Fault::Truncate => Ok(Reply::BreaksOff),
            Fault::Delay(duration) => {
                drop(inside);
                self.wait(duration, context, is_push)
            }
            Fault::ChangeBetween(edit) => {
                if let Some(target) = target {
                    inside.store.edit(target.project_id, self.row_key(target), &*edit);
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
        let fetched = self.inside().store.fetch(target, &self.row_key(target), since);
        reply.of_read(fetched)
    }

    fn push(&self, request: &PushRequest, context: &Context) -> Result<PushOutcome> {
        let reply = self.arrive(context, |requests| &mut requests.push, Some(&request.target), true)?;
        let outcome =
            self.inside().store.push(request, self.row_key(&request.target), &context.timestamp())?;
        match reply {
            Reply::Arrives => Ok(outcome),
            Reply::IsLost | Reply::BreaksOff => Err(lost(true)),
        }
    }

    fn projects(&self, filter: &ProjectFilter, context: &Context) -> Result<Vec<ProjectSummary>> {
        let reply = self.arrive(context, |requests| &mut requests.projects, None, false)?;
        let projects = self.inside().store.list(filter);
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
