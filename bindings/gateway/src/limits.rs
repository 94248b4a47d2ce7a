//! Limits: how much of the gateway one caller and one project may take, so that nobody stands in everybody's way.

use std::collections::HashMap;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use governor::clock::{Clock as _, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use idse_core::{ErrorKind, ProjectId};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout_at};

use crate::problem::Problem;

/// How many requests work on the store at a time; each has a thread.
const AT_ONCE: usize = 96;
/// How many of them may be about one project: a row that is locked holds up no more than these.
const PER_PROJECT: usize = 4;
/// After how many subjects those that were quiet are forgotten.
const MANY: usize = 10_000;

/// How often a subject may ask.
#[derive(Debug)]
pub(crate) struct Rate {
    limiter: Option<DefaultKeyedRateLimiter<String>>,
    clock: DefaultClock,
}

impl Rate {
    /// Allows so many requests a minute, a quarter of them at once; zero is no limit.
    pub(crate) fn per_minute(requests: u32) -> Self {
        let quota = NonZeroU32::new(requests).map(|rate| {
            let burst = NonZeroU32::new(requests / 4).unwrap_or(NonZeroU32::MIN);
            Quota::per_minute(rate).allow_burst(burst)
        });
        Self { limiter: quota.map(RateLimiter::keyed), clock: DefaultClock::default() }
    }

    /// Counts a request, or says how long to wait.
    pub(crate) fn check(&self, subject: &str) -> Result<(), Problem> {
        let Some(limiter) = &self.limiter else { return Ok(()) };
        if limiter.len() > MANY {
            limiter.retain_recent();
        }
        limiter.check_key(&subject.to_owned()).map_err(|until| {
            let wait = until.wait_time_from(self.clock.now());
            Problem::new(ErrorKind::RateLimited, "", "too many requests; nothing was done")
                .with_retry_after(wait.as_secs() + 1)
        })
    }
}

/// Where requests wait for the store: without a thread, and only for as long as they may take at all.
#[derive(Debug)]
pub(crate) struct Lanes {
    all: Arc<Semaphore>,
    projects: Mutex<HashMap<ProjectId, Weak<Semaphore>>>,
}

/// The right to work on the store; the next in line gets it when it is dropped.
#[derive(Debug)]
pub(crate) struct Place {
    _project: Option<OwnedSemaphorePermit>,
    _all: OwnedSemaphorePermit,
}

impl Lanes {
    pub(crate) fn new() -> Self {
        Self { all: Arc::new(Semaphore::new(AT_ONCE)), projects: Mutex::default() }
    }

    /// Waits for a place, first among those of the project, so that only those who could work take one of all.
    pub(crate) async fn enter(&self, project: Option<ProjectId>, until: Instant) -> Result<Place, Problem> {
        let lane = project.map(|project| self.lane(project));
        let wait = async {
            let project = match lane {
                Some(lane) => Some(lane.acquire_owned().await.ok()?),
                None => None,
            };
            Some(Place { _project: project, _all: self.all.clone().acquire_owned().await.ok()? })
        };
        match timeout_at(until, wait).await {
            Ok(Some(place)) => Ok(place),
            Ok(None) | Err(_) => Err(Problem::new(
                ErrorKind::Unavailable,
                "contended",
                "others keep the store busy; nothing was done",
            )),
        }
    }

    fn lane(&self, project: ProjectId) -> Arc<Semaphore> {
        let mut projects = self.projects.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(lane) = projects.get(&project).and_then(Weak::upgrade) {
            return lane;
        }
        if projects.len() > MANY {
            projects.retain(|_, lane| lane.strong_count() > 0);
        }
        let lane = Arc::new(Semaphore::new(PER_PROJECT));
        projects.insert(project, Arc::downgrade(&lane));
        lane
    }

    /// Waits until nothing works on the store any more; `false` where it still does after `patience`.
    pub(crate) async fn drained(&self, patience: Duration) -> bool {
        let all = u32::try_from(AT_ONCE).unwrap_or(u32::MAX);
        tokio::time::timeout(patience, self.all.acquire_many(all)).await.is_ok()
    }
}
